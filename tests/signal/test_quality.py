from __future__ import annotations

import numpy as np
import pytest

from ecground.record import Provenance, Record
from ecground.signal.quality import assess
from tests.signal.test_filters import ecg

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def record(signal, fs=500.0, leads=LEADS):
    return Record(signal=np.asarray(signal, np.float32), fs=fs, leads=leads[: len(signal)])


def natural(seconds=10.0, fs=500.0, seed=0):
    """An ECG with the few microvolts of noise that every amplifier adds; chest leads only, so no Einthoven."""
    x = ecg(seconds, fs)
    x[4] = x[3]
    return x + np.random.default_rng(seed).normal(0, 0.003, x.shape).astype(np.float32)


CHEST = tuple(f"V{i}" for i in range(1, 13))


def test_a_clean_record_is_clean():
    quality = assess(record(natural(), leads=CHEST))
    assert len(quality.usable) == 12
    assert quality.sqi > 0.9
    assert quality.mains_hz is None
    assert quality.summary == "All 12 leads can be measured."


@pytest.mark.parametrize("level", [0.02, 0.05, 0.1, 0.2])
def test_muscle_noise_level_is_measured(level):
    noise = np.random.default_rng(1).normal(0, 1, 5000)
    spectrum = np.fft.rfft(noise)
    spectrum[np.fft.rfftfreq(5000, 1 / 500) < 25] = 0
    noise = np.fft.irfft(spectrum)
    x = natural()
    x[2] += (level * noise / noise.std()).astype(np.float32)
    lead = assess(record(x, leads=CHEST)).leads["V3"]
    assert lead.muscle_mv == pytest.approx(level, rel=0.25)
    assert "muscle" in lead.reasons
    assert (lead.sqi < 0.3) == (level >= 0.2)


def test_mains_level_and_frequency_are_measured():
    x = natural()
    x[1] += (0.1 * np.sin(2 * np.pi * 50 * np.arange(5000) / 500)).astype(np.float32)
    quality = assess(record(x, leads=CHEST))
    assert quality.mains_hz == pytest.approx(50, abs=0.02)
    assert quality.leads["V2"].mains_mv == pytest.approx(0.1, rel=0.1)
    assert quality.leads["V2"].muscle_mv < 0.02
    assert "50.0 Hz" in quality.summary


def test_wander_steps_and_bursts_are_told_apart():
    x = natural()
    t = np.arange(5000) / 500
    x[0] += (1.0 * np.sin(2 * np.pi * 0.2 * t)).astype(np.float32)
    x[5, 2600:] += 1.5
    x[8, 3000:3600] += np.random.default_rng(2).normal(0, 0.3, 600).astype(np.float32)
    leads = assess(record(x, leads=CHEST)).leads
    assert leads["V1"].wander_mv == pytest.approx(2.0, rel=0.2)
    assert leads["V1"].reasons[0] == "wander"
    assert leads["V6"].step_mv > 1.0
    assert any(s.kind == "step" and s.start <= 2600 < s.stop for s in leads["V6"].bad)
    bursts = [s for s in leads["V9"].bad if s.kind == "burst"]
    assert bursts and all(s.start >= 2500 and s.stop <= 4000 for s in bursts)
    assert not leads["V2"].bad


def test_lead_off_clipping_missing_and_units():
    x = natural()
    x[0] = 0.4
    x[1] = np.clip(x[1] * 8, -1.5, 1.5)
    x[2] = np.nan
    x[3, :4800] = np.nan
    x[4] *= 500
    leads = assess(record(x, leads=CHEST)).leads
    assert leads["V1"].lead_off and not leads["V1"].usable and "flat" in leads["V1"].reasons
    assert leads["V2"].clipped > 0 and "saturated" in leads["V2"].reasons
    assert leads["V3"].sqi == 0 and leads["V3"].reasons == ("missing",)
    assert not leads["V4"].usable
    assert "amplitude" in leads["V5"].reasons
    assert leads["V12"].usable


def test_einthoven_contradiction_is_said():
    x = natural()
    x[2], x[3] = x[1] - x[0], -(x[0] + x[1]) / 2
    x[4], x[5] = x[0] - x[1] / 2, x[1] - x[0] / 2
    good = assess(record(x))
    assert good.einthoven_mv < 0.01
    assert not good.notes
    x[2] = -x[2]
    bad = assess(record(x))
    assert bad.einthoven_mv > 0.05
    assert "Einthoven" in bad.summary


def test_page_of_short_strips_and_long_records():
    x = natural()
    for row in range(12):
        keep = slice(1250 * (row // 3), 1250 * (row // 3 + 1))
        strip = x[row, keep].copy()
        x[row] = np.nan
        x[row, keep] = strip
    assert len(assess(record(x, leads=CHEST)).usable) == 12
    long = np.tile(natural(10, 250.0)[:2], (1, 70))
    assert assess(record(long, fs=250.0, leads=CHEST)).usable == ("V1", "V2")


@pytest.mark.parametrize("n", [0, 1, 7, 300])
def test_never_raises(n):
    rng = np.random.default_rng(0)
    for x in (np.zeros((2, n)), rng.normal(size=(2, n)), np.full((2, n), np.nan)):
        assert assess(record(x, leads=CHEST)).summary


def test_a_doubtful_reading_of_a_picture_is_a_disturbance():
    doubts = dict.fromkeys(CHEST, 1.0) | {"V2": 0.6, "V3": 0.1}
    found = assess(record(natural(), leads=CHEST).replace(provenance=Provenance(confidence=doubts))).leads
    plain = assess(record(natural(), leads=CHEST)).leads
    assert found["V1"].sqi == plain["V1"].sqi
    assert found["V2"].sqi == pytest.approx(0.6 * plain["V2"].sqi) and found["V2"].reasons[0] == "digitized"
    assert not found["V3"].usable
