from __future__ import annotations

import numpy as np
import pytest

from ecground.leads import STANDARD
from ecground.record import Record
from ecground.signal.reversal import suspect_swaps

# Net directions of P, QRS (early, late) and T in I, II, V1-V6 of an ordinary heart.
DIRECTIONS = np.array([
    [0.06, 0.12, 0.03, 0.05, 0.06, 0.06, 0.06, 0.05],
    [0.60, 0.90, 0.15, 0.35, 0.70, 1.30, 1.40, 1.10],
    [-0.05, -0.10, -0.90, -1.40, -1.00, -0.50, -0.15, -0.02],
    [0.20, 0.28, -0.03, 0.30, 0.38, 0.36, 0.30, 0.22],
])


def normal(seconds=10.0, fs=500.0):
    t = np.arange(round(seconds * fs)) / fs
    x = np.zeros((8, len(t)))
    for centre in np.arange(0.5, seconds, 0.85):
        for direction, at, width in zip(DIRECTIONS, (-0.16, 0, 0.025, 0.26), (0.025, 0.012, 0.014, 0.05), strict=True):
            x += np.outer(direction, np.exp(-0.5 * ((t - centre - at) / width) ** 2))
    return twelve(x)


def twelve(x):
    one, two = x[0], x[1]
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return Record(signal=np.stack([*limb, *x[2:]]).astype(np.float32), fs=500.0, leads=STANDARD)


def eight(record):
    return record.signal[[0, 1, 6, 7, 8, 9, 10, 11]].astype(float)


def electrodes(record, right, left, foot):
    """The record with other potentials under the limb electrodes, as weights of (R, L, F)."""
    one, two = record.lead("I"), record.lead("II")
    potentials = {"R": np.zeros_like(one), "L": one, "F": two}
    x = eight(record)
    x[0], x[1] = potentials[left] - potentials[right], potentials[foot] - potentials[right]
    return twelve(x)


def test_right_cables_are_not_suspected():
    got = suspect_swaps(normal())
    assert got.tested and not got.suspected and not got.dextrocardia
    assert got.arms == 0.0


@pytest.mark.parametrize(("where", "name"), [
    (("L", "R", "F"), "RA/LA"), (("F", "L", "R"), "RA/LL"), (("F", "L", "F"), "RA/RL"), (("R", "F", "F"), "LA/RL"),
])
def test_limb_swaps_are_named(where, name):
    got = suspect_swaps(electrodes(normal(), *where))
    assert [swap.electrodes for swap in got.suspected] == [name]
    assert got.suspected[0].probability >= 0.5
    assert got.suspected[0].evidence
    assert (got.arms > 0.5) == (name == "RA/LA")


@pytest.mark.parametrize(("a", "b"), [(1, 3), (2, 4), (2, 5), (1, 6)])
def test_chest_swaps_are_named(a, b):
    x = eight(normal())
    x[[1 + a, 1 + b]] = x[[1 + b, 1 + a]]
    assert [swap.electrodes for swap in suspect_swaps(twelve(x)).suspected] == [f"V{a}/V{b}"]


def test_mirrored_heart_is_hinted():
    x = eight(normal())
    x[0], x[1] = -x[0], x[1] - x[0]
    x[2:] = np.outer([-1.0, -0.8, -0.6, -0.45, -0.35, -0.25], x[7])
    assert suspect_swaps(twelve(x)).dextrocardia


def test_untestable_records_say_so():
    record = normal()
    few = record.replace(signal=record.signal[:6], leads=STANDARD[:6])
    assert not suspect_swaps(few).tested and suspect_swaps(few).why
    gaps = record.signal.copy()
    for row in range(12):
        gaps[row, : 1250 * (row // 3)] = np.nan
        gaps[row, 1250 * (row // 3 + 1) :] = np.nan
    assert not suspect_swaps(record.replace(signal=gaps)).tested
    assert not suspect_swaps(record.replace(signal=np.zeros_like(record.signal))).tested
