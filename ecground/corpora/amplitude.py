"""Whether a recording's amplitudes can be millivolt: collections whose headers or units are wrong are found by it.

Contract: `typical_mv` is one number a recording; `withheld` marks a record as uncalibrated, so that amplitudes are not
reported, and says why. Nothing is ever rescaled because of its range alone: a range can refute a unit, not prove one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from ecground.record import Record

__all__ = ["PLAUSIBLE_MV", "is_plausible", "rescaled", "typical_mv", "withheld"]

PLAUSIBLE_MV: Final = (0.2, 12.0)
"""Range of `typical_mv` outside which a unit is not believed. It was 0.40 to 4.24 mV in 1,584 recordings of PTB-XL and
0.41 to 4.79 mV in 92 recordings of five other collections (resting ECGs, original amplitudes), 5.2 mV at most in
CODE-15%, whose unit is unclear."""


def typical_mv(record: Record) -> float:
    """Median over leads of the range that holds 99 % of the samples [as `record.signal`]; NaN without samples."""
    seen = record.signal[np.isfinite(record.signal).any(axis=1)]
    if not seen.size:
        return float("nan")
    low, high = np.nanpercentile(seen, (0.5, 99.5), axis=1)
    return float(np.median(high - low))


def is_plausible(size_mv: float) -> bool:
    """Whether a recording of this typical amplitude can be in millivolt."""
    return PLAUSIBLE_MV[0] <= size_mv <= PLAUSIBLE_MV[1]


def rescaled(record: Record, factor: float, *, gain: str, note: str) -> Record:
    """The record with all samples multiplied by `factor`; `gain` describes the new scale, `note` why."""
    origin = record.provenance
    provenance = replace(origin, gain=dict.fromkeys(origin.gain, gain), notes=(*origin.notes, note))
    return record.replace(signal=record.signal * np.float32(factor), provenance=provenance)


def withheld(record: Record, note: str) -> Record:
    """The record marked as uncalibrated: its amplitudes are then not reported."""
    origin = record.provenance
    return record.replace(provenance=replace(origin, calibrated=False, notes=(*origin.notes, note)))
