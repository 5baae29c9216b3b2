"""Windows around the beats: samples on one time grid with the baseline taken out, gathered for many beats at once.

Contract: `gather()` gives `Windows` of some rows of a Delineation: float32 mV `[lead, row, t]` at `rate` Hz (the
record's own fs, or the smallest multiple of it that is at least 500 Hz, by linear interpolation, so that recorded
samples stay on the grid), and every mark as a position on that grid. NaN = outside the record or not seen.

The baseline is a piecewise cubic through the levels just before the QRS onsets (Meyer & Keiser 1977, Comput Biomed Res
10:459), which leaves slow drift out without touching the ST segment as a high-pass filter does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.measure.robust import nan_median
from ecground.record import Record
from ecground.signal.beats import MARKS, Delineation

__all__ = [
    "AFTER_S", "BEFORE_S", "Baseline", "Windows", "find_baseline", "gather", "levels_before_qrs",
    "reference_samples",
]

BEFORE_S: Final = 0.62
"""A window begins this long before the reference point of its beat [s]."""
AFTER_S: Final = 0.80
"""A window ends this long after it [s]."""
_P_ONLY_LEAD_S: Final = 0.16
"""A P wave without QRS is placed as if its QRS followed this long after the P peak [s]."""
_LEVEL_S: Final = (0.020, 0.004)
"""The reference level is the median between these times before the QRS onset [s]."""
_GRID_HZ: Final = 500.0
_R: Final = MARKS.index("r_peak")
_QRS_ON: Final = MARKS.index("qrs_on")
_P_PEAK: Final = MARKS.index("p_peak")

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A piecewise cubic of one value a lead through knots in time."""

    at: NDArray[np.float64]
    """`[knot]` samples at the record's fs, rising."""
    level: NDArray[np.float64]
    """`[lead, knot]` mV, finite."""
    slope: NDArray[np.float64]
    """`[lead, knot]` mV per sample at the knots."""

    def evaluate(self, x: NDArray[np.float64]) -> Array:
        """MV `[lead, position]` at sample positions `x`; constant beyond the outer knots."""
        if len(self.at) < 2 or len(x) == 0:
            level = self.level if len(self.at) else np.zeros((self.level.shape[0], 1))
            return np.repeat(level, len(x), axis=1).astype(np.float32)
        segment = np.clip(np.searchsorted(self.at, x, side="right") - 1, 0, len(self.at) - 2)
        step = self.at[segment + 1] - self.at[segment]
        u = np.clip((x - self.at[segment]) / step, 0.0, 1.0)
        # Only the knots in reach: a day has a hundred thousand, asked for a hundred beats at a time.
        near = slice(int(segment.min()), int(segment.max()) + 2)
        level, slope = self.level[:, near].astype(np.float32), self.slope[:, near].astype(np.float32)
        segment = segment - near.start
        w1 = (u * u * (3 - 2 * u)).astype(np.float32)
        d0 = (u * (1 - u) * (1 - u) * step).astype(np.float32)
        d1 = (u * u * (u - 1) * step).astype(np.float32)
        return np.asarray(level[:, segment] * (1 - w1) + level[:, segment + 1] * w1
                          + slope[:, segment] * d0 + slope[:, segment + 1] * d1)


@dataclass(frozen=True, slots=True)
class Windows:
    """Some rows of a Delineation as arrays."""

    rows: NDArray[np.intp]
    """`[row]` rows of the Delineation."""
    rate: float
    """Grid rate [Hz]."""
    zero: int
    """Grid position of the reference point of each beat."""
    y: Array
    """`[lead, row, t]` mV above the level just before QRS onset (for P-only rows: above the baseline)."""
    marks: Array
    """`[lead, row, mark]` grid positions in each lead."""
    joint: Array
    """`[row, mark]` grid positions over all leads."""

    def samples(self, seconds: float) -> int:
        """Grid steps in a time, at least one."""
        return max(1, round(seconds * self.rate))


def reference_samples(delineation: Delineation) -> NDArray[np.int64]:
    """`[row]` whole sample of each row that its window is built around: the joint R peak, or near a lone P wave."""
    joint = delineation.joint_marks
    lone = joint[:, _P_PEAK] + _P_ONLY_LEAD_S * delineation.fs
    reference = np.where(np.isfinite(joint[:, _R]), joint[:, _R], np.where(delineation.has_qrs, joint[:, _QRS_ON],
                                                                           lone))
    bounds = nan_median(joint, axis=1)
    reference = np.where(np.isfinite(reference), reference, bounds)
    return np.asarray(np.rint(np.nan_to_num(reference)), dtype=np.int64)


def levels_before_qrs(record: Record, delineation: Delineation) -> Array:
    """`[lead, row]` mV, median over 4 to 20 ms before the joint QRS onset of the raw signal; NaN without QRS."""
    onset = delineation.joint_marks[:, _QRS_ON]
    steps = np.arange(-max(1, round(_LEVEL_S[0] * record.fs)), -int(_LEVEL_S[1] * record.fs) + 1)
    if len(steps) > 1 and steps[-1] == 0:
        steps = steps[:-1]
    index = np.rint(np.nan_to_num(onset, nan=-1e9)).astype(np.int64)[:, None] + steps
    inside = (index >= 0) & (index < record.n_samples)
    values = record.signal[:, np.where(inside, index, 0)]
    return np.asarray(nan_median(np.where(inside, values, np.float32(np.nan))), dtype=np.float32)


def find_baseline(delineation: Delineation, levels: Array, usable: NDArray[np.bool_]) -> Baseline:
    """The baseline through `levels` `[lead, row]` at the QRS onsets of the rows that are `usable`.

    Rows whose onset falls on the T wave of the beat before (early ectopic beats) should not be usable. A level that
    a lead lacks is filled from its neighbours; a lead without any level gets zero.
    """
    onset = delineation.joint_marks[:, _QRS_ON]
    keep = usable & np.isfinite(onset)
    keep[keep] &= np.diff(onset[keep], prepend=-np.inf) > 0
    at = onset[keep]
    level = np.asarray(levels[:, keep], dtype=np.float64)
    for row in level:
        seen = np.isfinite(row)
        if not seen.all():
            row[:] = np.interp(at, at[seen], row[seen]) if seen.any() else 0.0
    slope = np.gradient(level, at, axis=1) if len(at) > 1 else np.zeros_like(level)
    slope[:, [0, -1][:len(at)]] = 0.0
    return Baseline(at, level, slope)


def gather(record: Record, delineation: Delineation, baseline: Baseline, rows: NDArray[np.intp],
           *, reference: NDArray[np.int64], levels: Array) -> Windows:
    """Windows of `rows` (in time order, near each other: memory grows with the stretch they cover).

    `reference` `[row of the Delineation]` is from `reference_samples`, `levels` from `levels_before_qrs`.
    """
    fs = record.fs
    factor = max(1, int(np.ceil(_GRID_HZ / fs)))
    before, after = round(BEFORE_S * fs), round(AFTER_S * fs)
    ref = reference[rows]
    first, last = int(ref.min()) - before, int(ref.max()) + after + 1
    lo, hi = max(0, first), min(record.n_samples, last)
    stretch = np.full((len(record.leads), last - first), np.nan, dtype=np.float32)
    if hi > lo:
        drift = baseline.evaluate(np.arange(lo, hi, dtype=np.float64))
        stretch[:, lo - first:hi - first] = record.signal[:, lo:hi] - drift
    if factor > 1:
        stretch = _upsample(stretch, factor)
    index = ((ref - before - first) * factor)[:, None] + np.arange((before + after) * factor + 1)
    y = stretch[:, index]
    onset = delineation.joint_marks[rows, _QRS_ON]
    base = baseline.evaluate(np.nan_to_num(onset))
    own = levels[:, rows] - base
    y -= np.where(np.isfinite(own), own, 0.0)[:, :, None]
    shift = (ref - before).astype(np.float64)
    marks = ((delineation.lead_marks[:, rows] - shift[None, :, None]) * factor).astype(np.float32)
    joint = ((delineation.joint_marks[rows] - shift[:, None]) * factor).astype(np.float32)
    return Windows(rows, fs * factor, before * factor, y, marks, joint)


def _upsample(x: Array, factor: int) -> Array:
    """Linear interpolation to `factor` times the rate; the samples themselves stay."""
    fraction = (np.arange(factor, dtype=np.float32) / factor)[None, None, :]
    step = np.diff(x, axis=1, append=x[:, -1:])
    return np.asarray((x[:, :, None] + step[:, :, None] * fraction).reshape(x.shape[0], -1))
