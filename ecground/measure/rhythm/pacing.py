"""Which beats are paced: the pacing spikes of the record, and the P waves and QRS complexes they lie before.

Contract: `paced_beats()` takes the spikes of `ecground.signal.pacing` and says for every row whether one lies just
before its QRS or its P wave; `pacing_values()` gives the record's Values. A spike counts when at least three lie within
ten seconds: single ones are artefacts (none of 1,564 unpaced training records of PTB-XL has three, 19 of 20 paced ones
have). Files filtered at 150 Hz or sampled at 500 Hz or less often lose the spikes: none found means little, and is
said so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.measure.table import Value, measured, unmeasurable
from ecground.signal.beats import MARKS, Delineation
from ecground.signal.pacing import LOWEST_FS, Spikes

__all__ = ["Pacing", "paced_beats", "pacing_values"]

_LEAST: Final = 3
_WITHIN_S: Final = 10.0
_BEFORE_S, _AFTER_S = 0.060, 0.030

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pacing:
    """What pacing left in the record."""

    at: Floats
    """Positions of the spikes that count [samples]."""
    qrs: NDArray[np.bool_]
    """`[row]` a spike lies within 60 ms before QRS onset, or in its first 30 ms."""
    p: NDArray[np.bool_]
    """`[row]` a spike lies within 60 ms before P onset, or in its first 30 ms."""
    assessable: bool
    """False when the record cannot show spikes."""


def paced_beats(delineation: Delineation, spikes: Spikes) -> Pacing:
    """The spikes that count, and the rows that have one just before the QRS or the P wave."""
    joint, fs = delineation.joint_marks, delineation.fs
    at = _in_company(spikes.samples.astype(np.float64), _WITHIN_S * fs)

    def near(mark: str) -> NDArray[np.bool_]:
        onset = np.nan_to_num(joint[:, MARKS.index(mark)], nan=-1e12)
        low, high = np.searchsorted(at, onset - _BEFORE_S * fs), np.searchsorted(at, onset + _AFTER_S * fs)
        return np.asarray(high > low)

    return Pacing(at, near("qrs_on"), near("p_on"), spikes.assessable)


def pacing_values(pacing: Pacing, has_qrs: NDArray[np.bool_]) -> dict[str, Value]:
    """`pace_spikes`, `spike_qrs_fraction`, `spike_p_fraction`."""
    names = ("pace_spikes", "spike_qrs_fraction", "spike_p_fraction")
    if not pacing.assessable:
        return {name: unmeasurable(name, f"needs {LOWEST_FS:.0f} samples a second") for name in names}
    beats = int(has_qrs.sum())
    why = "" if len(pacing.at) else "filtering or a low sampling rate may have removed spikes"
    span = (int(pacing.at[0]), int(pacing.at[0])) if len(pacing.at) else None
    out = {"pace_spikes": measured("pace_spikes", len(pacing.at), span=span, n=beats, why=why,
                                   confidence=1.0 if len(pacing.at) else 0.5)}
    for name, flags in (("spike_qrs_fraction", pacing.qrs), ("spike_p_fraction", pacing.p)):
        out[name] = (measured(name, float(flags[has_qrs].mean()), n=beats, why=why) if beats
                     else unmeasurable(name, "no QRS complex found"))
    return out


def _in_company(at: Floats, reach: float) -> Floats:
    """Positions that have two others so near that all three lie within `reach`."""
    if len(at) < _LEAST:
        return at[:0]
    first = np.flatnonzero(at[_LEAST - 1:] - at[:1 - _LEAST] <= reach)
    return at[np.unique(first[:, None] + np.arange(_LEAST))]
