"""T-wave alternans by the modified moving average method, with the noise of the same beats beside it.

Contract: `alternans()` gives microvolts for each lead, and the noise level. Two running averages, of the even and of
the odd beats, each step limited (Nearing & Verrier 2002, J Appl Physiol 92:541; update 1/8 of the difference, at most
32 uV, at least 1 uV); the alternans is the largest difference between them over the ST segment and T wave. The noise
is the same number for the pattern + + - -, which no alternans of every other beat can make.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.measure.rhythm.beat_classes import BeatClasses
from ecground.measure.table import Value, measured, unmeasurable
from ecground.record import Record
from ecground.signal.beats import MARKS, Delineation

__all__ = ["LEAST_BEATS", "alternans", "alternans_values"]

LEAST_BEATS: Final = 16
"""Fewest successive dominant beats (a ten-second ECG below about 100/min has fewer: then it is not measurable)."""
_MOST_BEATS: Final = 1024
_STEPS: Final = 48
_LARGEST_MV: Final = 0.032
_SMALLEST_MV: Final = 0.001


def alternans(beats: NDArray[np.float32], beat: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Alternans and its noise [uV], each `[lead]`, from ST-T samples `[lead, beat, t]` in mV.

    `beat` `[beat]` is the place of each beat in the rhythm; a gap keeps the phase.
    """
    even = _difference(beats, beat % 2 == 0)
    noise = _difference(beats, (beat // 2) % 2 == 0)
    return even, noise


def alternans_values(record: Record, delineation: Delineation, classes: BeatClasses,
                     ) -> tuple[Value, dict[str, Value]]:
    """The record's alternans (the largest lead's) and each lead's."""
    rows, place = _longest_stretch(classes)
    why = f"needs {LEAST_BEATS} dominant beats in succession"
    if not record.provenance.calibrated:
        why = "amplitude scale of the file is unknown"
    if len(rows) < LEAST_BEATS or not record.provenance.calibrated:
        return unmeasurable("twa_uv", why), {lead: unmeasurable("twa_uv", why, leads=(lead,)) for lead in record.leads}
    windows = _repolarisation(record, delineation, rows)
    seen = np.isfinite(windows).all(axis=2).mean(axis=1) > 0.9
    level, noise = alternans(np.nan_to_num(windows), place)
    joint = delineation.joint_marks[rows[0]]
    start = float(joint[MARKS.index("qrs_off")])
    end = float(np.nanmax([joint[MARKS.index("t_off")], start]))
    out: dict[str, Value] = {}
    for k, lead in enumerate(record.leads):
        if not seen[k]:
            out[lead] = unmeasurable("twa_uv", "lead not seen in every beat", leads=(lead,))
            continue
        sure = level[k] / max(float(level[k] + noise[k]), 1e-6)
        out[lead] = measured("twa_uv", float(level[k]), leads=(lead,), span=(round(start), round(end)), n=len(rows),
                             confidence=float(sure), why=f"noise {noise[k]:.0f} uV")
    return _largest(out), out


def _largest(leads: Mapping[str, Value]) -> Value:
    found = [value for value in leads.values() if value.state == "measured"]
    if not found:
        return unmeasurable("twa_uv", "no lead is seen in every beat")
    return max(found, key=lambda value: value.number)


def _difference(beats: NDArray[np.float32], first: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Largest difference [uV] between the modified moving averages of the two sets of beats, per lead."""
    averages = []
    for chosen in (first, ~first):
        group = beats[:, chosen]
        if group.shape[1] == 0:
            return np.zeros(len(beats), dtype=np.float32)
        average = group[:, :4].mean(axis=1)
        for k in range(group.shape[1]):
            step = (group[:, k] - average) / 8.0
            size = np.clip(np.abs(step), np.minimum(_SMALLEST_MV, np.abs(8 * step)), _LARGEST_MV)
            average = average + np.sign(step) * size
        averages.append(average)
    return np.asarray(1000.0 * np.abs(averages[0] - averages[1]).max(axis=1), dtype=np.float32)


def _longest_stretch(classes: BeatClasses) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Rows of the longest run of successive dominant beats (at most 1024), and their places."""
    beats = np.flatnonzero(classes.kind != "p")
    flags = classes.dominant[beats]
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if len(starts) == 0:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.int64)
    best = int((ends - starts).argmax())
    place = np.arange(starts[best], min(int(ends[best]), int(starts[best]) + _MOST_BEATS))
    return beats[place], place


def _repolarisation(record: Record, delineation: Delineation, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """48 samples `[lead, beat, t]` from J + 60 ms to the median T offset, above the level before each QRS onset.

    Each is the mean of the samples around it, so that noise above the T wave's own band counts little.
    """
    joint = delineation.joint_marks[rows]
    on, j = joint[:, MARKS.index("qrs_on")], joint[:, MARKS.index("qrs_off")]
    fallback = np.where(np.isfinite(j), j, on + 0.1 * record.fs)
    late = joint[:, MARKS.index("t_off")] - on
    reach = float(np.nanmedian(late)) if np.isfinite(late).any() else 0.4 * record.fs
    begin = float(np.nanmedian(fallback - on)) + 0.06 * record.fs
    offsets = np.linspace(begin, max(reach, begin + 0.1 * record.fs), _STEPS)
    half = max(1, round((offsets[1] - offsets[0]) / 2))
    around = np.arange(-half, half + 1)
    index = np.rint(np.nan_to_num(on, nan=-1e6)[:, None, None] + offsets[:, None] + around).astype(np.int64)
    ok = (index >= 0) & (index < record.n_samples)
    values = np.where(ok, record.signal[:, np.where(ok, index, 0)], np.float32(np.nan)).mean(axis=3)
    before = np.rint(np.nan_to_num(on, nan=-1e6)).astype(np.int64)[:, None] - np.arange(
        max(1, round(0.004 * record.fs)), max(2, round(0.020 * record.fs)))
    inside = (before >= 0) & (before < record.n_samples)
    level = np.where(inside, record.signal[:, np.where(inside, before, 0)], np.float32(np.nan)).mean(axis=2)
    return np.asarray(values - level[..., None], dtype=np.float32)
