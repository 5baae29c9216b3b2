"""Pacing spikes: single sharp transients of one to a few milliseconds, and the beats they belong to.

Contract: `find_spikes(record)` gives spike positions (samples at the record's fs); `spikes_of_beats()` says for every
row whether one lies just before its QRS or its P wave. Files filtered at 150 Hz or sampled at 500 Hz or less often lose
the spikes (signal rule R12): none found means little, and is said so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.measure.table import Value, measured, unmeasurable
from ecground.record import Record
from ecground.signal.beats import MARKS, Delineation

__all__ = ["Spikes", "find_spikes", "pacing_values", "spikes_of_beats"]

_LEAST_MV: Final = 0.15
"""Smallest spike, as height above its neighbourhood."""
_SHARPER: Final = 4.0
"""... and this many times the steepest QRS slopes of the lead (98th percentile of curvature)."""
_LEADS: Final = 0.25
"""Share of the leads that must show the spike (at least two where there are two)."""
_CHUNK_S: Final = 60.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spikes:
    """What pacing left in the record."""

    at: Floats
    """Positions [samples]."""
    qrs: NDArray[np.bool_]
    """`[row]` a spike lies within 60 ms before QRS onset, or in its first 30 ms."""
    p: NDArray[np.bool_]
    """`[row]` a spike lies within 60 ms before P onset, or in its first 30 ms."""


def find_spikes(record: Record) -> Floats:
    """Positions of sharp transients [samples], rising; a minute at a time, so that memory stays bounded.

    Sharp R peaks are among them; `spikes_of_beats` leaves out what lies inside a QRS complex.
    """
    width = max(1, round(0.002 * record.fs))
    step = round(_CHUNK_S * record.fs)
    found = [_spikes_of(record.signal[:, start:start + step + 8 * width], width, record.fs) + start
             for start in range(0, max(1, record.n_samples - 8 * width), step)]
    at = np.unique(np.concatenate(found)) if found else np.zeros(0)
    return at[np.diff(at, prepend=-np.inf) > 0.02 * record.fs].astype(np.float64)


def spikes_of_beats(delineation: Delineation, at: Floats) -> Spikes:
    """Which rows have a spike just before the QRS, and just before the P wave."""
    joint = delineation.joint_marks
    at = _outside_qrs(delineation, at)

    def near(mark: str) -> NDArray[np.bool_]:
        onset = joint[:, MARKS.index(mark)]
        low = np.searchsorted(at, np.nan_to_num(onset, nan=-1e12) - 0.060 * delineation.fs)
        high = np.searchsorted(at, np.nan_to_num(onset, nan=-1e12) + 0.030 * delineation.fs)
        return np.asarray(high > low)

    return Spikes(at, near("qrs_on"), near("p_on"))


def pacing_values(spikes: Spikes, has_qrs: NDArray[np.bool_]) -> dict[str, Value]:
    """`pace_spikes`, `spike_qrs_fraction`, `spike_p_fraction`."""
    beats = int(has_qrs.sum())
    why = "" if len(spikes.at) else "filtering or a low sampling rate may have removed spikes"
    span = (int(spikes.at[0]), int(spikes.at[0])) if len(spikes.at) else None
    out = {"pace_spikes": measured("pace_spikes", len(spikes.at), span=span, n=beats, why=why,
                                   confidence=1.0 if len(spikes.at) else 0.5)}
    for name, flags in (("spike_qrs_fraction", spikes.qrs), ("spike_p_fraction", spikes.p)):
        out[name] = (measured(name, float(flags[has_qrs].mean()), n=beats, why=why) if beats
                     else unmeasurable(name, "no QRS complex found"))
    return out


def _outside_qrs(delineation: Delineation, at: Floats) -> Floats:
    """Leave out what lies inside a QRS complex, 30 ms or more after its onset: sharp R peaks look like spikes there."""
    on = delineation.joint_marks[delineation.has_qrs, MARKS.index("qrs_on")]
    off = delineation.joint_marks[delineation.has_qrs, MARKS.index("qrs_off")]
    known = np.isfinite(on) & np.isfinite(off)
    on, off = on[known], off[known]
    if len(on) == 0 or len(at) == 0:
        return at
    before = np.searchsorted(on, at) - 1
    inside = (before >= 0) & (at > on[before] + 0.030 * delineation.fs) & (at <= off[before] + 0.010 * delineation.fs)
    return np.asarray(at[~inside], dtype=np.float64)


def _spikes_of(x: NDArray[np.float32], width: int, fs: float) -> NDArray[np.int64]:
    """Samples where enough leads stand out from both neighbours, 2 to 4 ms away, and return to where they were."""
    if x.shape[1] < 8 * width + 1:
        return np.zeros(0, dtype=np.int64)
    reach = 2 * width
    core, before, after = x[:, reach:-reach], x[:, :-2 * reach], x[:, 2 * reach:]
    with np.errstate(invalid="ignore"):
        rise = core - before
        fall = core - after
        same = np.sign(rise) == np.sign(fall)
        height = np.where(same, np.minimum(np.abs(rise), np.abs(fall)), 0.0)
        height = np.nan_to_num(height)
    usual = np.sort(height[:, ::max(1, height.shape[1] // 4000)], axis=1)
    usual = usual[:, int(0.98 * (usual.shape[1] - 1))]
    sharp = height >= np.maximum(_LEAST_MV, _SHARPER * usual)[:, None]
    needed = 1 if len(x) == 1 else max(2, int(np.ceil(_LEADS * len(x))))
    at = np.flatnonzero(sharp.sum(axis=0) >= needed)
    if len(at) == 0:
        return at
    first = np.concatenate([[True], np.diff(at) > 0.01 * fs])
    return np.asarray(at[first] + reach, dtype=np.int64)
