from __future__ import annotations

import numpy as np
import pytest

from ecground.record import Record
from ecground.signal import filters
from ecground.signal.filters import DIAGNOSTIC, MONITORING, bandpass, baseline, clean, mains_frequency, remove_mains


def ecg(seconds=10.0, fs=500.0, n_leads=12, rate=72.0):
    """A plain sum of Gaussians: P, QRS, T, scaled differently in each lead."""
    t = np.arange(round(seconds * fs)) / fs
    beat = 60.0 / rate
    x = np.zeros_like(t)
    for centre in np.arange(0.4, seconds, beat):
        for at, width, height in ((-0.16, 0.025, 0.12), (0, 0.012, 1.0), (0.03, 0.012, -0.25), (0.25, 0.05, 0.3)):
            x += height * np.exp(-0.5 * ((t - centre - at) / width) ** 2)
    return np.outer(np.linspace(-0.6, 1.4, n_leads), x).astype(np.float32)


def record(signal, fs=500.0):
    return Record(signal=signal.astype(np.float32), fs=fs, leads=tuple(f"lead{i}" for i in range(len(signal))))


@pytest.mark.parametrize(("band", "low_gain", "high_gain"), [(DIAGNOSTIC, 0.05, 150.0), (MONITORING, 0.5, 40.0)])
def test_bands_are_3_db_down_at_their_limits_and_flat_between(band, low_gain, high_gain):
    fs, seconds = 500.0, 200.0
    t = np.arange(int(fs * seconds)) / fs
    middle = slice(len(t) // 4, -len(t) // 4)
    for frequency, gain in ((low_gain, 2**-0.5), (high_gain, 2**-0.5), ((low_gain * high_gain) ** 0.5, 1.0)):
        y = bandpass(np.sin(2 * np.pi * frequency * t)[None].astype(np.float32), fs=fs, band=band)[0, middle]
        phase = 2 * np.pi * frequency * t[middle]
        inside, across = 2 * np.mean(y * np.sin(phase)), 2 * np.mean(y * np.cos(phase))
        assert inside == pytest.approx(gain, abs=0.02)
        assert abs(across) < 0.01  # no phase shift


def test_no_edge_swing_on_a_short_strip_with_offset():
    fs = 500.0
    clean_strip = ecg(2.5, fs)
    for offset in (0.0, 5.0):
        y = bandpass(clean_strip + np.float32(offset), fs=fs)
        difference = y - (clean_strip - clean_strip.mean(axis=1, keepdims=True))
        # The strip keeps its shape: only a level and a very slow trend may differ.
        assert np.abs(difference - difference.mean(axis=1, keepdims=True)).max() < 0.02


def test_monitoring_band_removes_wander_up_to_the_edges():
    fs = 250.0
    t = np.arange(2500) / fs
    wander = 0.8 * np.sin(2 * np.pi * 0.15 * t + 1.0)
    plain = bandpass(ecg(10, fs), fs=fs, band=MONITORING)
    moved = bandpass(ecg(10, fs) + wander.astype(np.float32), fs=fs, band=MONITORING)
    assert np.abs(plain - moved).max() < 0.15
    assert np.abs(plain - moved)[:, 125:-125].max() < 0.04


def test_gaps_stay_gaps_and_do_not_smear():
    fs = 500.0
    x = ecg(10, fs)
    x[3, 1000:2250] = np.nan
    x[5] = np.nan
    x[7, 10:5000] = np.nan
    y = bandpass(x, fs=fs)
    assert np.array_equal(np.isnan(x), np.isnan(y))
    assert np.array_equal(y[7, :10], x[7, :10])  # too short to filter: left as it is
    alone = bandpass(x[3:4, 2250:], fs=fs)
    np.testing.assert_allclose(y[3:4, 2250:], alone, atol=1e-6)
    np.testing.assert_allclose(y[0], bandpass(ecg(10, fs)[:1], fs=fs)[0], atol=1e-6)


@pytest.mark.parametrize("fs", [250.0, 257.0, 360.0, 500.0, 1000.0])
@pytest.mark.parametrize("mains", [50.02, 59.95])
def test_mains_is_found_and_removed(fs, mains):
    rng = np.random.default_rng(1)
    x = ecg(10, fs) + rng.normal(0, 0.004, (12, int(10 * fs)))
    hum = 0.03 * np.sin(2 * np.pi * mains * np.arange(x.shape[1]) / fs + np.arange(12)[:, None])
    found = mains_frequency(record(x + hum, fs))
    assert found == pytest.approx(mains, abs=0.02)
    left = remove_mains((x + hum).astype(np.float32), fs=fs, frequency=found) - x
    assert np.sqrt((left**2).mean()) < 0.0025


def test_folded_mains_is_found_at_its_true_frequency():
    fs = 90.0
    t = np.arange(int(10 * fs)) / fs
    x = np.random.default_rng(2).normal(0, 0.01, (2, len(t))) + 0.05 * np.sin(2 * np.pi * 60.05 * t)
    assert mains_frequency(record(x, fs)) == pytest.approx(60.05, abs=0.02)


def test_no_mains_no_frequency():
    rng = np.random.default_rng(3)
    for rate in (40, 60, 75, 100, 150):
        assert mains_frequency(record(ecg(10, rate=rate))) is None
        assert mains_frequency(record(ecg(10, rate=rate) + rng.normal(0, 0.02, (12, 5000)))) is None
    assert mains_frequency(record(np.full((2, 5000), np.nan))) is None
    assert mains_frequency(record(np.zeros((1, 40)))) is None


def test_notch_does_not_ring_after_a_qrs():
    x = ecg(4)
    y = remove_mains(x, fs=500.0, frequency=50.0)
    assert np.abs(y - x).max() < 0.02


def test_baseline_follows_a_line_exactly():
    line = np.linspace(-1, 2, 2000, dtype=np.float32)[None]
    np.testing.assert_allclose(baseline(line, fs=250.0), line, atol=1e-4)


def test_clean_keeps_shape_and_type():
    out = clean(record(ecg()))
    assert out.signal.dtype == np.float32
    assert out.signal.shape == (12, 5000)
    assert filters.SHORTEST < 1


def test_one_sample_and_empty_records():
    for n in (0, 1, 5, 120):
        assert bandpass(np.ones((2, n), np.float32), fs=500.0).shape == (2, n)
