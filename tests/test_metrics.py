from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecground import metrics
from ecground.metrics import Detection, bootstrap, compare, match, pool, score_detection


def greedy(a, b, tolerance):
    """The definition, spelled out: pairs by growing distance, each mark once."""
    pairs = sorted((abs(x - y), i, j) for i, x in enumerate(a) for j, y in enumerate(b) if abs(x - y) <= tolerance)
    used_a, used_b, out = set(), set(), []
    for _, i, j in pairs:
        if i not in used_a and j not in used_b:
            used_a.add(i)
            used_b.add(j)
            out.append((i, j))
    return out


positions = st.lists(st.integers(0, 10_000), max_size=30, unique=True)


@settings(deadline=None, max_examples=200)
@given(positions, positions)
def test_match_is_one_to_one_nearest(a, b):
    a = np.array(a) + np.linspace(0, 0.3, len(a))  # no ties, which the definition leaves open
    i, j = match(a, b, tolerance=200.0)
    assert sorted(zip(i.tolist(), j.tolist(), strict=True)) == sorted(greedy(a, b, 200.0))


@settings(deadline=None)
@given(st.lists(st.integers(0, 20), max_size=12), st.lists(st.integers(0, 20), max_size=12))
def test_match_with_equal_positions_still_ends_and_is_one_to_one(a, b):
    i, j = match(a, b, tolerance=2)
    assert len(set(i.tolist())) == len(i) and len(set(j.tolist())) == len(j)
    assert len(i) == 0 or np.abs(np.array(a)[i] - np.array(b)[j]).max() <= 2


def test_score_counts_false_positives_only_in_the_span():
    truth, found = [100, 200, 300, np.nan], [90, 205, 500, 10, 250]
    got = score_detection(truth, found, fs=1000, tolerance_ms=40, span=(80, 320))
    assert (got.tp, got.fp, got.fn) == (2, 1, 1)
    assert got.errors_ms.tolist() == [-10, 5]
    everything = score_detection(truth, found, fs=1000, tolerance_ms=40)
    assert everything.fp == 3
    assert everything.error_rate == pytest.approx(4 / 3)
    assert everything.f1 == pytest.approx(2 * 0.4 * (2 / 3) / (0.4 + 2 / 3))
    assert (got.mean_ms, got.sd_ms) == (-2.5, 7.5)


def test_pool_adds_counts_and_joins_errors():
    both = pool([Detection(1, 2, 3, np.array([5.0])), Detection(2, 0, 0, np.array([1.0, 3.0]))])
    assert (both.tp, both.fp, both.fn, both.mean_ms) == (3, 2, 3, 3.0)
    assert math.isnan(pool([]).f1)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=40))
def test_auroc_is_the_probability_of_the_right_order(rows):
    y, s = np.array([r[0] for r in rows]), np.array([r[1] for r in rows], float)
    pairs = [(p > n) + 0.5 * (p == n) for p in s[y] for n in s[~y]]
    got = metrics.auroc(y, s)
    assert math.isnan(got) if not pairs else got == pytest.approx(np.mean(pairs))


def test_average_precision_known_values():
    assert metrics.average_precision([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1]) == pytest.approx((1 + 2 / 3) / 2)
    assert metrics.average_precision([1, 0, 0, 0], [1, 1, 1, 1]) == pytest.approx(0.25)
    assert metrics.average_precision([0, 1], [np.nan, 0.2]) == 1.0
    assert math.isnan(metrics.average_precision([0, 0], [1, 2]))


def test_balanced_accuracy_and_calibration():
    assert metrics.balanced_accuracy([1, 1, 0, 0, 0], [1, 0, 0, 0, 1]) == pytest.approx((0.5 + 2 / 3) / 2)
    assert math.isnan(metrics.balanced_accuracy([1, 1], [1, 0]))
    assert metrics.calibration_error([1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5]) == pytest.approx(0)
    got = metrics.calibration_error([1, 1, 0, 0], [0.9, 0.9, 0.1, 0.5], bins=10)
    assert got == pytest.approx((0.2 + 0.1 + 0.5) / 4)
    rng = np.random.default_rng(0)
    p = rng.random(20_000)
    assert metrics.calibration_error(rng.random(20_000) < p, p) < 0.02


def test_snr():
    rng = np.random.default_rng(0)
    r = rng.normal(size=100_000)
    x = r + 0.1 * rng.normal(size=r.size)
    x[:1000] = np.nan
    assert metrics.snr_db(r, x) == pytest.approx(20, abs=0.1)
    assert metrics.snr_db(r, r) == math.inf
    with pytest.raises(ValueError, match="differ"):
        metrics.snr_db(r, r[1:])


def test_bootstrap_covers_the_truth_and_is_reproducible():
    rng = np.random.default_rng(5)
    hits = 0
    for trial in range(60):
        level = rng.normal(size=40)
        patients = np.repeat(np.arange(40), 5)
        values = level[patients] + 0.1 * rng.normal(size=200)
        interval = bootstrap(patients, lambda rows, v=values: float(v[rows].mean()), draws=300, seed=trial)
        hits += interval.low <= 0 <= interval.high
        assert interval.n == 40
    assert 50 <= hits <= 60
    again = bootstrap(patients, lambda rows: float(values[rows].mean()), draws=300, seed=trial)
    assert again == interval


def test_paired_comparison():
    rng = np.random.default_rng(6)
    patients = np.repeat(np.arange(50), 2)
    b = rng.normal(size=100)
    a = b + 0.2 + 0.1 * rng.normal(size=100)
    got = compare(patients, lambda r: float(a[r].mean()), lambda r: float(b[r].mean()), draws=200)
    assert got.probability == 1.0
    assert got.difference.low > 0.1
    same = compare(patients, lambda r: float(a[r].mean()), lambda r: float(a[r].mean()), draws=50)
    assert same.probability == 0.5
    assert math.isnan(bootstrap([], lambda rows: float("nan")).low)


def beats(n=2500, fs=500.0):
    t = np.arange(n) / fs
    return np.exp(-(((t % 0.8) - 0.4) / 0.02) ** 2) + 0.1 * np.sin(2 * t)


def test_page_snr_forgives_lag_and_height_and_is_capped():
    truth = np.stack([beats(), 0.5 * beats()])
    moved = np.roll(truth, 30, axis=1) + 0.4
    moved[:, :30] = np.nan
    assert metrics.page_snr_db(truth, truth, fs=500.0) == pytest.approx(10 * math.log10(metrics.SNR_CAP))
    assert metrics.page_snr_db(truth, moved, fs=500.0) > 15
    assert metrics.page_snr_db(truth, np.roll(truth, 150, axis=1), fs=500.0) < 5  # 0.3 s: beyond the alignment
    assert metrics.page_snr_db(truth, np.full(truth.shape, np.nan), fs=500.0) == pytest.approx(0.0, abs=0.2)


def test_page_snr_by_hand():
    truth = beats()[None]
    noise = np.random.default_rng(0).normal(0, 0.05, truth.shape)
    expected = 10 * np.log10((truth**2).sum() / (noise**2).sum())
    assert metrics.page_snr_db(truth, truth + noise, fs=500.0) == pytest.approx(expected, abs=0.1)


def test_mean_db_averages_ratios():
    assert metrics.mean_db([10.0, 20.0]) == pytest.approx(10 * math.log10(55.0))
    assert math.isnan(metrics.mean_db([]))


def test_cinc_snr_as_published_breaks_on_a_late_estimate():
    truth = beats(1000)
    noisy = truth + np.random.default_rng(0).normal(0, 0.01, truth.shape)
    late = np.concatenate([np.full(3, np.nan), noisy[:-3]])
    fixed, broken = metrics.cinc_snr_db(truth, late, fs=500.0)
    assert fixed > 20 and abs(broken) < 1
    assert metrics.cinc_snr_db(truth, np.full(1000, np.nan), fs=500.0) == (0.0, 0.0)
    half = noisy.copy()
    half[500:] = np.nan
    assert metrics.cinc_snr_db(truth, half, fs=500.0)[0] == pytest.approx(fixed / 2, rel=0.15)


def test_pearson_and_mse_use_samples_both_have():
    a = np.array([1.0, 2.0, 3.0, np.nan])
    assert metrics.pearson(a, [2.0, 4.0, 6.0, 0.0]) == pytest.approx(1.0)
    assert metrics.mean_squared_error(a, [1.0, 2.0, 5.0, 0.0]) == pytest.approx(4 / 3)
    assert math.isnan(metrics.pearson([1.0, 1.0], [1.0, 2.0]))


def test_mean_average_precision():
    truth = [{"I": [[0, 0, 10, 10]], "II": [[0, 20, 10, 30]]}]
    perfect = [{"I": ([[0, 0, 10, 10]], [0.9]), "II": ([[0, 20, 10, 30]], [0.8])}]
    assert metrics.mean_average_precision(truth, perfect) == pytest.approx(1.0)
    doubled = [{"I": ([[50, 50, 60, 60], [0, 0, 10, 9]], [0.95, 0.9]), "II": ([], [])}]
    assert metrics.mean_average_precision(truth, doubled) == pytest.approx(0.25)
    assert metrics.intersection_over_union([[0, 0, 2, 2]], [[1, 1, 3, 3], [5, 5, 6, 6]])[0] == pytest.approx([1 / 7, 0])
