from __future__ import annotations

import numpy as np
import pytest

from ecground.errors import UsageError
from ecground.record import Record
from ecground.signal import resample as module
from ecground.signal.resample import output_length, resample, resample_record

RATES = [(257, 250), (360, 250), (400, 250), (1000, 250), (1000, 500), (250, 500), (128, 500), (999.56, 250)]


def wave(t):
    return np.sin(2 * np.pi * 7.3 * t) + 0.5 * np.cos(2 * np.pi * 31 * t + 1) + 3


@pytest.mark.parametrize(("fs", "to"), RATES)
def test_sample_k_lies_at_k_over_fs(fs, to):
    x = wave(np.arange(int(10 * fs)) / fs)[None].astype(np.float32)
    y = resample(x, fs=fs, to=to)[0]
    assert len(y) == output_length(x.shape[1], fs=fs, to=to)
    assert len(y) == pytest.approx(10 * to, abs=2)
    error = np.abs(y - wave(np.arange(len(y)) / to))
    assert error[100:-100].max() < 1e-3
    assert error.max() < 0.6


@pytest.mark.parametrize(("fs", "to"), RATES)
def test_gaps_stay_where_they_are(fs, to):
    n = int(10 * fs)
    x = np.tile(wave(np.arange(n) / fs), (3, 1)).astype(np.float32)
    x[0, n // 3 : n // 2] = np.nan
    x[1] = np.nan
    y = resample(x, fs=fs, to=to)
    nearest = np.arange(y.shape[1]) * fs / to
    clear = np.abs(nearest % 1 - 0.5) > 1e-6
    index = np.minimum(np.round(nearest).astype(int), n - 1)
    assert np.array_equal(np.isnan(y)[:, clear], np.isnan(x[:, index])[:, clear])
    seen = np.isfinite(y[0])
    assert np.abs(y[0] - wave(np.arange(y.shape[1]) / to))[seen].max() < 0.6


def test_a_constant_stays_constant_to_the_edges():
    y = resample(np.full((1, 777), 4.0, np.float32), fs=360, to=250)
    np.testing.assert_allclose(y, 4.0, atol=1e-5)


def test_frequencies_above_the_new_nyquist_do_not_fold():
    t = np.arange(10_000) / 1000
    y = resample(np.sin(2 * np.pi * 180 * t)[None].astype(np.float32), fs=1000, to=250)
    assert np.abs(y[:, 50:-50]).max() < 1e-3


def test_pieces_join_without_a_seam(monkeypatch):
    x = np.random.default_rng(0).normal(size=(2, 20_000)).astype(np.float32)
    whole = resample(x, fs=360, to=250)
    monkeypatch.setattr(module, "_PIECE", 1000)
    np.testing.assert_allclose(resample(x, fs=360, to=250), whole, atol=1e-6)


def test_record_and_bad_rates():
    record = Record(signal=np.zeros((1, 10), np.float32), fs=500.0, leads=("I",))
    assert resample_record(record, 500.0) is record
    assert resample_record(record, 250.0).n_samples == 5
    for bad in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError):
            resample(record.signal, fs=500.0, to=bad)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_tiny_signals(n):
    assert resample(np.ones((2, n), np.float32), fs=500, to=250).shape == (2, (n + 1) // 2)
