from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecground.record import Record
from ecground.signal.beats import ABSENT, PRESENT, QRS, P, T
from ecground.signal.delineate import WINDOW, delineate, windows
from ecground.simulate import add_noise, draw, simulate


def sinus(seed: int = 1, *, rhythm: str = "sinus", fs: float = 500.0, seconds: float = 10.0):
    rng = np.random.default_rng(seed)
    return simulate(draw(rng, rhythm=rhythm), fs=fs, seconds=seconds, rng=rng)


def inner(values, n, fs, margin=1.0):
    """Positions at least `margin` seconds away from both ends."""
    values = np.asarray(values, float)
    return values[(values > margin * fs) & (values < n - margin * fs)]


def worst(truth, found):
    """Largest distance from a true position to the nearest found one [samples]."""
    return max(float(np.abs(found - t).min()) for t in truth)


@pytest.mark.parametrize("fs", [100.0, 250.0, 257.0, 360.0, 500.0, 1000.0])
def test_qrs_at_any_sampling_rate(fs):
    made = sinus(fs=fs)
    d = delineate(made.record)
    assert d.fs == fs
    truth = inner(made.truth.delineation.r_peaks, made.record.n_samples, fs)
    assert worst(truth, d.r_peaks) < 0.03 * fs
    assert abs(len(d.r_peaks) - len(made.truth.delineation.r_peaks)) <= 1


@pytest.mark.parametrize("leads", [("II",), ("I", "II"), ("V1", "V2", "V3"), ("I", "II", "III", "V1", "V5", "V6")])
def test_any_set_of_leads(leads):
    made = sinus(2)
    record = made.record.replace(signal=np.stack([made.record.lead(x) for x in leads]), leads=leads)
    d = delineate(record)
    truth = inner(made.truth.delineation.r_peaks, record.n_samples, record.fs)
    assert worst(truth, d.r_peaks) < 0.03 * record.fs
    assert d.lead_marks.shape[0] == len(leads)


def test_atrial_fibrillation_has_no_p_and_sinus_rhythm_has():
    shares = {}
    for rhythm in ("sinus", "af"):
        d = [delineate(sinus(seed, rhythm=rhythm).record) for seed in range(6)]
        shares[rhythm] = np.mean(np.concatenate([(x.joint_state[x.has_qrs, P] == PRESENT) for x in d]))
    assert shares["sinus"] > 0.9
    assert shares["af"] < 0.3


def test_blocked_p_waves_are_rows_of_their_own():
    found = []
    for seed in range(6):
        d = delineate(sinus(seed, rhythm="av_block_2_1", seconds=12.0).record)
        found.append((~d.has_qrs).sum() / max(d.has_qrs.sum(), 1))
    assert np.median(found) > 0.6  # one blocked P for each QRS in 2:1 block


def test_order_inside_a_beat():
    d = delineate(sinus(3).record)
    for lead in range(len(d.leads)):
        ordered = d.lead_marks[lead][:, [0, 2, 3, 7, 8, 10]]
        for row in ordered:
            seen = row[np.isfinite(row)]
            assert (np.diff(seen) >= 0).all()


def test_a_gap_is_unmeasurable_and_costs_nothing_elsewhere():
    made = sinus(4)
    signal = made.record.signal.copy()
    signal[:, 2000:3000] = np.nan
    d = delineate(made.record.replace(signal=signal))
    inside = (d.r_peaks > 2030) & (d.r_peaks < 2970)
    assert not inside.any()
    truth = inner(made.truth.delineation.r_peaks, 5000, 500)
    truth = truth[(truth < 1900) | (truth > 3100)]
    assert worst(truth, d.r_peaks) < 15


def test_a_lead_that_is_off_is_unmeasurable_not_absent():
    made = sinus(5)
    signal = made.record.signal.copy()
    signal[3] = 0.0
    d = delineate(made.record.replace(signal=signal))
    assert (d.lead_state[3] != PRESENT).all()
    assert (d.lead_state[3] != ABSENT).all()


def test_page_with_a_quarter_of_each_lead():
    made = sinus(6)
    signal = np.full_like(made.record.signal, np.nan)
    for lead in range(12):
        column = slice(1250 * (lead // 3), 1250 * (lead // 3 + 1))
        signal[lead, column] = made.record.signal[lead, column]
    d = delineate(made.record.replace(signal=signal))
    truth = inner(made.truth.delineation.r_peaks, 5000, 500)
    assert np.mean([np.abs(d.r_peaks - t).min() < 20 for t in truth]) > 0.85


@pytest.mark.parametrize("kind", ["zeros", "noise", "steps", "nan", "huge"])
def test_what_is_no_ecg_never_raises(kind):
    rng = np.random.default_rng(0)
    n = 5000
    signal = {
        "zeros": np.zeros((12, n)), "noise": rng.normal(0, 0.1, (12, n)),
        "steps": np.cumsum(rng.normal(size=(12, n)), 1), "nan": np.full((12, n), np.nan),
        "huge": rng.normal(0, 1e6, (12, n)),
    }[kind]
    leads = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    d = delineate(Record(signal.astype(np.float32), 500.0, leads))
    assert d.n_rows >= 0
    if kind in ("zeros", "nan"):
        assert d.n_rows == 0


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 15), st.integers(200, 6000), st.sampled_from([100.0, 250.0, 500.0, 977.0]), st.integers(0, 99))
def test_any_shape(leads, n, fs, seed):
    rng = np.random.default_rng(seed)
    signal = rng.normal(0, 1, (leads, n)).astype(np.float32)
    signal[rng.random((leads, n)) < 0.02] = np.nan
    d = delineate(Record(signal, fs, tuple(f"x{k}" for k in range(leads))))
    assert d.lead_marks.shape[:2] == (leads, d.n_rows)
    finite = d.joint_marks[np.isfinite(d.joint_marks)]
    assert ((finite >= -fs * 0.01) & (finite <= n + fs * 0.01)).all()


@pytest.mark.parametrize("n", [1, 100, WINDOW, WINDOW * 3 + 17, WINDOW * 5])
def test_window_cores_meet(n):
    cores = [(start + a, start + b) for start, _, (a, b) in windows(n)]
    assert cores[0][0] == 0
    assert cores[-1][1] == n
    assert all(b == c for (_, b), (c, _) in pairwise(cores))


def test_a_long_record_equals_its_parts():
    made = sinus(7, seconds=60.0)
    whole = delineate(made.record).r_peaks
    truth = inner(made.truth.delineation.r_peaks, made.record.n_samples, 500)
    assert worst(truth, whole) < 15
    assert abs(len(whole) - len(made.truth.delineation.r_peaks)) <= 2


def test_noise_of_equal_power_keeps_most_beats():
    made = sinus(8)
    noisy = add_noise(made.record, snr_db=0.0, kind="pink", rng=np.random.default_rng(0))
    truth = inner(made.truth.delineation.r_peaks, 5000, 500)
    found = delineate(noisy).r_peaks
    assert np.mean([np.abs(found - t).min() < 25 for t in truth]) > 0.8
    assert (delineate(noisy).joint_state[:, QRS] == PRESENT).any()
    assert (delineate(made.record).joint_state[:, T] == PRESENT).mean() > 0.8
