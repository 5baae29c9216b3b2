"""Intervals over all leads jointly: PR, P, QRS, QT, JT, Tpeak-Tend, and QT corrected for rate.

Contract: `joint_intervals()` gives one value a row [ms]; `interval_values()` their robust record-level Values from the
dominant beats. Joint onset and offset are those of the Delineation (CSE: earliest onset, latest offset).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.measure.robust import nan_iqr, nan_median
from ecground.measure.table import Value, absent, measured, unmeasurable
from ecground.signal.beats import ABSENT, MARKS, QRS, Delineation, P, T

__all__ = ["QTC", "interval_values", "joint_intervals", "qtc_ms", "qtc_values"]

QTC: Final = ("bazett", "fridericia", "framingham", "hodges")
_ENDS: Final[Mapping[str, tuple[str, str, int]]] = {
    "pr_ms": ("p_on", "qrs_on", P), "pr_segment_ms": ("p_off", "qrs_on", P), "p_dur_ms": ("p_on", "p_off", P),
    "qrs_ms": ("qrs_on", "qrs_off", QRS), "qt_ms": ("qrs_on", "t_off", T), "jt_ms": ("qrs_off", "t_off", T),
    "tpte_ms": ("t_peak", "t_off", T),
}
"""Measure -> first mark, last mark, the wave whose absence makes it absent."""
_WAVE_WORD: Final = {P: "P wave", QRS: "QRS complex", T: "T wave"}

Floats = NDArray[np.float64]


def joint_intervals(delineation: Delineation) -> dict[str, Floats]:
    """Every joint interval of every row [ms] `[row]`; NaN = not measurable. P-only rows have only their P duration."""
    ms = 1000.0 / delineation.fs
    joint = delineation.joint_marks
    return {name: (joint[:, MARKS.index(last)] - joint[:, MARKS.index(first)]) * ms
            for name, (first, last, _) in _ENDS.items()}


def qtc_ms(qt: float, rr: float) -> dict[str, float]:
    """QT [ms] corrected for an RR interval [ms] by the four usual formulas; NaN in gives NaN out.

    Bazett 1920 QT/sqrt(RR), Fridericia 1920 QT/RR^(1/3), Framingham (Sagie 1992) QT + 154 (1 - RR),
    Hodges 1983 QT + 1.75 (HR - 60); RR in s.
    """
    seconds = rr / 1000.0
    if not seconds > 0:
        return dict.fromkeys(QTC, float("nan"))
    return {"bazett": qt / seconds**0.5, "fridericia": qt / seconds ** (1 / 3),
            "framingham": qt + 154.0 * (1.0 - seconds), "hodges": qt + 1.75 * (60.0 / seconds - 60.0)}


def interval_values(delineation: Delineation, per_row: Mapping[str, Floats], dominant: NDArray[np.bool_],
                    ) -> dict[str, Value]:
    """Record-level Values: median over the dominant beats, with iqr, n, a representative span and confidence."""
    out: dict[str, Value] = {}
    rows = np.flatnonzero(dominant)
    for name, (first, last, wave) in _ENDS.items():
        values = per_row[name][rows]
        seen = np.isfinite(values)
        if len(rows) == 0:
            out[name] = unmeasurable(name, "no QRS complex found")
        elif seen.sum() < 0.3 * len(rows):
            gone = (delineation.joint_state[rows, wave] == ABSENT).mean() >= 0.5
            why = f"no {_WAVE_WORD[wave]} in most beats" if gone else f"{_WAVE_WORD[wave]} cannot be bounded"
            out[name] = absent(name, why) if gone else unmeasurable(name, why)
        else:
            out[name] = _median_value(delineation, name, rows[seen], values[seen], (first, last),
                                      share=float(seen.mean()), wave=wave)
    out["pr_range_ms"] = _range_of(out["pr_ms"], per_row["pr_ms"][rows])
    return out


def qtc_values(qt: Value, rr: float, hr: float, qrs: float) -> dict[str, Value]:
    """QTc by all four formulas from a QT Value and the median RR [ms] of the same beats."""
    if qt.state != "measured" or not np.isfinite(rr):
        why = qt.why or "no RR interval"
        return {f"qtc_{name}_ms": unmeasurable(f"qtc_{name}_ms", why) for name in QTC}
    caution = "" if 60.0 <= hr <= 90.0 else (
        f"heart rate {hr:.0f}/min: Bazett {'over' if hr > 90 else 'under'}corrects, prefer Fridericia or Framingham")
    if np.isfinite(qrs) and qrs >= 120.0:
        caution += ("; " if caution else "") + "QRS 120 ms or more lengthens QT, see JT"
    return {
        f"qtc_{name}_ms": measured(f"qtc_{name}_ms", value, span=qt.span, beats=qt.beats, n=qt.n,
                                   confidence=qt.confidence, why=caution)
        for name, value in qtc_ms(qt.number, rr).items()
    }


def _median_value(delineation: Delineation, name: str, rows: NDArray[np.intp], values: Floats,
                  marks: tuple[str, str], *, share: float, wave: int) -> Value:
    middle = float(np.median(values))
    typical = int(rows[np.abs(values - middle).argmin()])
    ends = [delineation.joint_marks[typical, MARKS.index(mark)] for mark in marks]
    sure = float(nan_median(delineation.joint_confidence[rows, wave]))
    if wave != QRS:
        sure = min(sure, float(nan_median(delineation.joint_confidence[rows, QRS])))
    return measured(name, middle, span=(round(float(ends[0])), round(float(ends[1]))), n=len(rows),
                    iqr=float(nan_iqr(values)), confidence=sure * (0.5 + 0.5 * share))


def _range_of(pr: Value, values: Floats) -> Value:
    """Longest minus shortest, without the most extreme beat at either end when there are eight or more."""
    seen = np.sort(values[np.isfinite(values)])
    if pr.state != "measured" or len(seen) < 2:
        return Value(None, "ms", "unmeasurable" if pr.state == "measured" else pr.state,
                     why=pr.why or "needs two beats with a P wave")
    seen = seen[1:-1] if len(seen) >= 8 else seen
    return measured("pr_range_ms", float(seen[-1] - seen[0]), span=pr.span, n=len(seen), confidence=pr.confidence)
