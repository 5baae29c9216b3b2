"""Lead-level Values: each wave of each lead in the median beat, with spread, span and confidence.

Contract: `lead_values()` gives lead -> name in LEAD_MEASURES -> Value. Amplitudes, areas and forms come from the
median beat of the dominant class; durations and intervals are medians over the dominant beats; `iqr` and `n` are those
of the single beats. An uncalibrated record gives no amplitude.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.measure.robust import nan_iqr, nan_median
from ecground.measure.table import LEAD_MEASURES, Value, absent, measured, unmeasurable
from ecground.measure.waves.windows import Windows
from ecground.record import Record
from ecground.signal.beats import ABSENT, MARKS, PRESENT, QRS, Delineation, P, T

__all__ = ["LeadContext", "amplitude_unit", "lead_values"]

_OF_BEATS: Final = ("pr_ms", "qrs_ms", "qt_ms", "jt_ms", "p_dur", "t_dur", "st_dur")
"""Measures whose record value is the median over beats, not that of the median beat."""
_WAVE: Final[Mapping[str, tuple[int, str, str]]] = {
    **dict.fromkeys(("p_amp", "p_amp2", "p_dur", "p_morph", "p_area", "p_initial_amp", "p_terminal_uvms"),
                    (P, "p_on", "p_off")),
    "pr_ms": (P, "p_on", "qrs_on"), "pr_segment_amp": (P, "p_off", "qrs_on"),
    **dict.fromkeys(("t_amp", "t_amp2", "t_area", "t_dur", "t_morph", "t_sym", "twa_uv"), (T, "t_on", "t_off")),
    "qt_ms": (T, "qrs_on", "t_off"), "jt_ms": (T, "qrs_off", "t_off"), "st_dur": (T, "qrs_off", "t_on"),
    "u_amp": (T, "t_off", "t_off"),
    **dict.fromkeys(("j_amp", "st20", "st40", "st60", "st80", "st_slope", "st_shape"), (QRS, "qrs_off", "t_on")),
}
"""Measure -> wave it belongs to, and the marks its span lies between; all others belong to the QRS."""
_QRS: Final = (QRS, "qrs_on", "qrs_off")
_ALWAYS_ZERO: Final = frozenset({"p_amp2", "t_amp2", "p_initial_amp", "p_terminal_uvms"})
_WORDS: Final = {P: "P wave", QRS: "QRS complex", T: "T wave"}
_NO_WAVE: Final = {"q": "no Q wave", "r": "no R wave", "s": "no S wave", "r2": "no R'", "s2": "no S'", "u": "no U wave"}


@dataclass(frozen=True, slots=True)
class LeadContext:
    """What all leads of one record share."""

    record: Record
    delineation: Delineation
    dominant: NDArray[np.bool_]
    """`[row]`."""
    quality: Mapping[str, float]
    """Lead -> 0..1."""
    typical: int | None
    """Row of the beat that is most like the median beat; None = no beat."""


def amplitude_unit(measure: str) -> bool:
    """True for measures that need a known amplitude scale."""
    return "V" in LEAD_MEASURES[measure][0]


def lead_values(context: LeadContext, median: Windows | None, of_median: Mapping[str, NDArray[np.float32]],
                of_beats: Mapping[str, NDArray[np.float32]], words: Mapping[str, tuple[str, ...]],
                ) -> dict[str, dict[str, Value]]:
    """Values of all leads.

    `of_median` name -> `[lead]`, `of_beats` name -> `[lead, row]` (all rows of the Delineation), `words` name ->
    one word a lead (forms).
    """
    rows = np.flatnonzero(context.dominant)
    middle = {name: nan_median(values[:, rows]) for name, values in of_beats.items() if name in _OF_BEATS}
    table = np.stack([values[:, rows] for values in of_beats.values()]) if of_beats else np.zeros((0, 0, 0), np.float32)
    spread = dict(zip(of_beats, nan_iqr(table), strict=True))
    count = dict(zip(of_beats, np.isfinite(table).sum(axis=2), strict=True))
    out: dict[str, dict[str, Value]] = {}
    for k, lead in enumerate(context.record.leads):
        shown = _shown(context, k, rows)
        sure = _confidence(context, k, lead, shown)
        states = _states(context, k, shown, median)
        spans = _spans(context, k, shown)
        mine: dict[str, Value] = {}
        for name in LEAD_MEASURES:
            if name == "sqi":
                mine[name] = (measured(name, context.quality[lead], leads=(lead,)) if lead in context.quality
                              else unmeasurable(name, "signal quality was not assessed", leads=(lead,)))
                continue
            wave, first, last = _WAVE.get(name, _QRS)
            value: float | str = (words[name][k] if name in words else float(middle[name][k]) if name in middle
                                  else float(of_median[name][k]) if name in of_median else float("nan"))
            why = _obstacle(context, name, states, wave)
            if why:
                mine[name] = unmeasurable(name, why, leads=(lead,))
            elif states[wave] == ABSENT and (name in _OF_BEATS or wave == P) and name != "p_morph":
                mine[name] = absent(name, f"no {_WORDS[wave]} in {lead}", leads=(lead,), confidence=sure[wave])
            elif isinstance(value, float) and not np.isfinite(value):
                mine[name] = _missing(name, lead, sure[wave])
            else:
                mine[name] = measured(
                    name, value, leads=(lead,), span=_between(spans, first, last),
                    n=int(count[name][k]) if name in count else len(shown),
                    iqr=float(spread[name][k]) if name in spread else None,
                    confidence=sure[wave])
        out[lead] = mine
    return out


def _obstacle(context: LeadContext, name: str, states: Mapping[int, int], wave: int) -> str:
    """Why a measure cannot be taken, or an empty string."""
    if context.typical is None:
        return "no QRS complex found"
    if not context.record.provenance.calibrated and amplitude_unit(name):
        return "amplitude scale of the file is unknown"
    if states[wave] not in (PRESENT, ABSENT):
        return f"{_WORDS[wave]} cannot be measured in this lead"
    return ""


def _missing(name: str, lead: str, confidence: float) -> Value:
    """A wave that was not found, or a number that could not be had."""
    stem = name.split("_")[0]
    if stem in _NO_WAVE:
        return absent(name, _NO_WAVE[stem], leads=(lead,), confidence=confidence)
    if name == "r_peak_time_ms":
        return absent(name, "no R wave", leads=(lead,), confidence=confidence)
    return unmeasurable(name, "bounds of the wave are not known in this lead", leads=(lead,))


def _shown(context: LeadContext, k: int, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Those of the rows whose QRS complex the lead shows; all of them where it shows none."""
    at = context.delineation.joint_marks[rows, MARKS.index("r_peak")]
    index = np.clip(np.nan_to_num(np.rint(at)), 0, context.record.n_samples - 1).astype(np.intp)
    seen = rows[np.isfinite(context.record.signal[k, index]) & np.isfinite(at)]
    return seen if len(seen) else rows


def _states(context: LeadContext, k: int, rows: NDArray[np.intp], median: Windows | None) -> dict[int, int]:
    """Commonest state of each wave in this lead over the dominant beats; unseen samples make all unmeasurable."""
    if median is None or len(rows) == 0:
        return dict.fromkeys((P, QRS, T), 2)
    near = median.y[k, 0, median.zero - median.samples(0.04):median.zero + median.samples(0.04)]
    if not np.isfinite(near).any():
        return dict.fromkeys((P, QRS, T), 2)
    state = context.delineation.lead_state[k, rows]
    return {wave: int(np.bincount(state[:, wave], minlength=3).argmax()) for wave in (P, QRS, T)}


def _confidence(context: LeadContext, k: int, lead: str, rows: NDArray[np.intp]) -> dict[int, float]:
    """Median confidence of each wave times the lead's quality; half where only the joint wave is known."""
    if len(rows) == 0:
        return dict.fromkeys((P, QRS, T), 0.0)
    quality = context.quality.get(lead, 1.0)
    own = np.median(context.delineation.lead_confidence[k, rows], axis=0)
    joint = np.median(context.delineation.joint_confidence[rows], axis=0)
    present = context.delineation.lead_state[k, rows] == PRESENT
    mostly = present.mean(axis=0) >= 0.5
    return {wave: float(quality * (own[wave] if mostly[wave] else 0.5 * joint[wave])) for wave in (P, QRS, T)}


def _spans(context: LeadContext, k: int, rows: NDArray[np.intp]) -> dict[str, float]:
    """Positions of the marks of the typical beat, or of the nearest one shown: the lead's own, else the joint ones."""
    if context.typical is None:
        return {}
    row = int(rows[np.abs(rows - context.typical).argmin()]) if len(rows) else context.typical
    own = context.delineation.lead_marks[k, row]
    marks = np.where(np.isfinite(own), own, context.delineation.joint_marks[row])
    return {mark: position for mark, position in zip(MARKS, marks.tolist(), strict=True) if position == position}


def _between(positions: Mapping[str, float], first: str, last: str) -> tuple[int, int] | None:
    """First and last sample between two marks; None when one is unknown."""
    if first not in positions or last not in positions or positions[last] < positions[first]:
        return None
    return round(positions[first]), round(positions[last])
