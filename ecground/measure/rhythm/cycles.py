"""Rhythm: RR and PP intervals, their variability, ectopic and paced beats, and how P waves relate to QRS complexes.

Contract: `rhythm_values()` gives name in RECORD_MEASURES -> Value. HRV (rmssd, pnn50) uses intervals between two
successive dominant beats only (Task Force of ESC and NASPE 1996, "NN"). `rr_irregularity` is the median absolute
change from one RR interval to the next over the median RR: it stays small when a regular rhythm is broken by single
ectopic beats, whose intervals are left out when enough others remain, and is large when every interval differs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.measure.rhythm.beat_classes import BeatClasses
from ecground.measure.robust import nan_iqr, nan_median
from ecground.measure.table import Value, absent, measured, unmeasurable
from ecground.signal.beats import MARKS, PRESENT, UNMEASURABLE, Delineation, P

__all__ = ["blocked_p", "p_values", "rhythm_values", "rr_of_dominant"]

_NO_BEAT: Final = "no QRS complex found"
_LEAST_PP_MS: Final = 120.0
_EDGE_S: Final = 0.6
"""A lone P wave this near to an end of the record may have its QRS, or its T wave, beyond it."""
_EVEN: Final = 0.25
"""Two PP intervals that differ by at most this share of the longer are one rhythm."""
_PAUSE: Final = 1.25
"""An RR interval of this many times the median is a pause."""
_ONE_BEAT: Final = "needs two QRS complexes"

Floats = NDArray[np.float64]


def rr_of_dominant(rr: tuple[Floats, Floats], classes: BeatClasses) -> Floats:
    """RR intervals [ms] between two successive dominant beats; all RR intervals when fewer than three such are left."""
    before = rr[0]
    beats = np.flatnonzero(classes.kind != "p")
    normal = classes.dominant[beats]
    both = np.concatenate([[False], normal[1:] & normal[:-1]]) if len(beats) else np.zeros(0, dtype=np.bool_)
    chosen = before[beats][both & np.isfinite(before[beats])]
    every = before[beats][np.isfinite(before[beats])]
    return chosen if len(chosen) >= 3 else every


def rhythm_values(delineation: Delineation, rr: tuple[Floats, Floats], classes: BeatClasses) -> dict[str, Value]:
    """RR statistics, beat counts and ectopy."""
    beats = np.flatnonzero(classes.kind != "p")
    kinds = classes.kind[beats]
    out = {
        "n_beats": measured("n_beats", len(beats), n=len(beats)),
        "n_dominant": measured("n_dominant", int(classes.dominant.sum()), n=len(beats)),
        "n_pvc": _count("n_pvc", beats, kinds == "V", whole=classes.dominant_class == "V"),
        "n_pac": _count("n_pac", beats, kinds == "S"),
        "n_paced": _count("n_paced", beats, kinds == "paced"),
        "longest_pvc_run": measured("longest_pvc_run", _longest_run(kinds == "V"), n=len(beats)),
        "n_blocked_p": _count("n_blocked_p", np.arange(delineation.n_rows), blocked_p(delineation, classes)),
    }
    out["dominant_class"] = (measured("dominant_class", classes.dominant_class, n=int(classes.dominant.sum()))
                             if len(beats) else unmeasurable("dominant_class", _NO_BEAT))
    return out | _rr_values(delineation, rr, classes)


def blocked_p(delineation: Delineation, classes: BeatClasses) -> NDArray[np.bool_]:
    """`[row]` P waves that were not conducted: in time with the P waves around them, or in a pause.

    What else looks like a P wave is left out: the P of a beat beyond the record, U waves and noise between beats that
    keep their time, and the sinus P that meets a ventricular ectopic beat.
    """
    joint = delineation.joint_marks
    lone = classes.kind == "p"
    out = np.zeros(len(lone), dtype=np.bool_)
    beats, rows = np.flatnonzero(~lone), np.flatnonzero(lone)
    if len(beats) < 2 or len(rows) == 0:
        return out
    r = joint[beats, MARKS.index("r_peak")]
    peak = joint[:, MARKS.index("p_peak")]
    at = np.where(np.isfinite(peak), peak, joint[:, MARKS.index("p_on")])
    after = np.searchsorted(beats, rows)
    between = (after > 0) & (after < len(beats)) & np.isfinite(at[rows])
    edge = _EDGE_S * delineation.fs
    between &= (at[rows] >= edge) & (at[rows] <= delineation.n_samples - edge)
    rows, after = rows[between], after[between]
    if classes.dominant_class != "V":
        calm = (classes.kind[beats[after - 1]] != "V") & (classes.kind[beats[after]] != "V")
        rows, after = rows[calm], after[calm]
    steps = np.diff(r)
    with np.errstate(invalid="ignore"):
        pause = steps[after - 1] > _PAUSE * nan_median(steps)
    waves = np.flatnonzero(np.isfinite(at))
    place = np.searchsorted(waves, rows)
    middle = (place > 0) & (place < len(waves) - 1)
    before = at[rows] - at[waves[np.maximum(place - 1, 0)]]
    behind = at[waves[np.minimum(place + 1, len(waves) - 1)]] - at[rows]
    even = middle & (np.abs(before - behind) <= _EVEN * np.maximum(before, behind))
    out[rows] = even | pause
    return out


def p_values(delineation: Delineation, classes: BeatClasses, pr: Floats) -> dict[str, Value]:
    """P waves against QRS complexes: ratio, presence, PP range, atrial rate from P waves, PR growth before a block.

    `pr` `[row]` ms.
    """
    state = delineation.joint_state[:, P]
    beats = classes.kind != "p"
    judged = int((beats & (state != UNMEASURABLE)).sum())
    out: dict[str, Value] = {}
    if judged == 0:
        why = "P waves cannot be judged" if beats.any() else _NO_BEAT
        return {name: unmeasurable(name, why) for name in
                ("p_qrs_ratio", "p_present_fraction", "pp_range_ms", "atrial_rate_bpm", "pr_step_ms")}
    waves = state == PRESENT
    out["p_qrs_ratio"] = measured("p_qrs_ratio", waves.sum() / judged, n=judged)
    core = classes.dominant & (state != UNMEASURABLE)
    core = core if core.any() else beats & (state != UNMEASURABLE)
    out["p_present_fraction"] = measured("p_present_fraction", float(waves[core].mean()), n=int(core.sum()))
    out |= _pp_values(delineation, classes, waves)
    out["pr_step_ms"] = _pr_step(classes, blocked_p(delineation, classes), pr)
    return out


def _rr_values(delineation: Delineation, rr: tuple[Floats, Floats], classes: BeatClasses) -> dict[str, Value]:
    names = ("rr_mean_ms", "rr_median_ms", "rr_min_ms", "rr_max_ms", "rr_sd_ms", "rr_cv", "rr_irregularity",
             "rmssd_ms", "pnn50", "hr_bpm")
    beats = np.flatnonzero(classes.kind != "p")
    before = rr[0][beats]
    seen = before[np.isfinite(before)]
    if len(seen) == 0:
        return {name: unmeasurable(name, _ONE_BEAT if len(beats) else _NO_BEAT) for name in names}
    middle = float(np.median(seen))
    typical = int(beats[np.nanargmin(np.abs(before - middle))])
    sure = float(np.median(delineation.joint_confidence[beats, 1]))
    base = Value(middle, "ms", span=_rr_span(delineation, beats, typical), n=len(seen), confidence=sure)

    def extreme(row: int) -> Value:
        return replace(base, value=float(rr[0][row]), beats=(row,), span=_rr_span(delineation, beats, row))

    out = {
        "rr_mean_ms": replace(base, value=float(seen.mean()), iqr=_spread(seen)),
        "rr_median_ms": replace(base, iqr=_spread(seen)),
        "hr_bpm": replace(base, value=60000.0 / middle, unit="1/min", iqr=_spread(60000.0 / seen)),
        "rr_min_ms": extreme(int(beats[np.nanargmin(before)])),
        "rr_max_ms": extreme(int(beats[np.nanargmax(before)])),
    }
    if len(seen) < 2:
        return out | {name: unmeasurable(name, "needs three QRS complexes") for name in names if name not in out}
    sd = float(seen.std(ddof=1))
    out["rr_sd_ms"] = replace(base, value=sd)
    out["rr_cv"] = replace(base, value=sd / float(seen.mean()), unit="")
    return out | _successive(before, beats, classes, base)


def _successive(before: Floats, beats: NDArray[np.intp], classes: BeatClasses, base: Value) -> dict[str, Value]:
    """Measures of the change from one RR interval to the next."""
    normal = classes.dominant[beats]
    change = np.diff(np.where(np.concatenate([[False], normal[1:] & normal[:-1]]), before, np.nan))
    change = change[np.isfinite(change)]
    out = {}
    if len(change) >= 2:
        out["rmssd_ms"] = replace(base, value=float(np.sqrt(np.mean(change**2))), n=len(change))
        out["pnn50"] = replace(base, value=float(np.mean(np.abs(change) > 50.0)), unit="", n=len(change))
    else:
        why = "needs three RR intervals between successive dominant beats"
        out = {name: unmeasurable(name, why) for name in ("rmssd_ms", "pnn50")}
    every = np.diff(before)
    every = every[np.isfinite(every)]
    steps = change if len(change) >= 4 else every
    share = float(np.median(np.abs(steps)) / np.nanmedian(before)) if len(steps) else float("nan")
    out["rr_irregularity"] = (replace(base, value=share, unit="", n=len(steps)) if len(steps)
                              else unmeasurable("rr_irregularity", "needs three QRS complexes"))
    return out


def _pp_values(delineation: Delineation, classes: BeatClasses, waves: NDArray[np.bool_]) -> dict[str, Value]:
    """PP range and atrial rate, from P waves in succession; intervals around V and paced beats without P are left out.

    A beat without P between two P waves breaks the chain.
    """
    rows = np.flatnonzero(waves | (classes.kind != "p"))
    at = delineation.joint_marks[rows, MARKS.index("p_peak")]
    onset = delineation.joint_marks[rows, MARKS.index("p_on")]
    at = np.where(waves[rows], np.where(np.isfinite(at), at, onset), np.nan)
    early = classes.kind[rows] == "S"
    pp = np.diff(at) * 1000.0 / delineation.fs
    with np.errstate(invalid="ignore"):  # two rows on one P wave make no PP interval
        pp = np.where(early[1:] | early[:-1] | (pp < _LEAST_PP_MS), np.nan, pp)
    index = np.flatnonzero(np.isfinite(pp))
    if len(index) < 2:
        why = "needs three successive P waves"
        return {name: (unmeasurable if waves.any() else absent)(name, why if waves.any() else "no P wave")
                for name in ("pp_range_ms", "atrial_rate_bpm")}
    seen = pp[index]
    middle = float(np.median(seen))
    typical = int(index[np.abs(seen - middle).argmin()])
    span = (round(float(at[typical])), round(float(at[typical + 1])))
    return {
        "pp_range_ms": measured("pp_range_ms", float(seen.max() - seen.min()), n=len(seen), span=span),
        "atrial_rate_bpm": measured("atrial_rate_bpm", 60000.0 / middle, n=len(seen), span=span,
                                    iqr=_spread(60000.0 / seen), why="P waves"),
    }


def _pr_step(classes: BeatClasses, lost: NDArray[np.bool_], pr: Floats) -> Value:
    """Median PR change from beat to beat in the runs of beats that end with a blocked P wave."""
    blocked = np.flatnonzero(lost)
    if len(blocked) == 0:
        return absent("pr_step_ms", "no blocked P wave")
    step = np.diff(pr, prepend=np.nan)
    step[classes.kind == "p"] = np.nan
    after_block = np.concatenate([[False], (classes.kind == "p")[:-1]])
    step[after_block] = np.nan
    before_last = np.arange(len(pr)) < blocked[-1]
    seen = step[np.isfinite(step) & before_last]
    if len(seen) == 0:
        return unmeasurable("pr_step_ms", "needs two conducted beats before a blocked P wave")
    return measured("pr_step_ms", float(np.median(seen)), n=len(seen), iqr=_spread(seen))


def _count(name: str, rows: NDArray[np.intp], chosen: NDArray[np.bool_], *, whole: bool = False) -> Value:
    which = tuple(int(row) for row in rows[chosen][:200])
    why = "the dominant beats are ventricular" if whole else ""
    return measured(name, int(chosen.sum()), beats=which, n=len(rows), why=why)


def _spread(values: Floats) -> float | None:
    found = float(nan_iqr(values))
    return found if np.isfinite(found) else None


def _longest_run(flags: NDArray[np.bool_]) -> int:
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    lengths = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    return int(lengths.max(initial=0))


def _rr_span(delineation: Delineation, beats: NDArray[np.intp], row: int) -> tuple[int, int] | None:
    """From the R peak before to the R peak of `row`."""
    place = int(np.searchsorted(beats, row))
    r = delineation.joint_marks[beats, MARKS.index("r_peak")]
    if place == 0 or not (np.isfinite(r[place]) and np.isfinite(r[place - 1])):
        return None
    return round(float(r[place - 1])), round(float(r[place]))
