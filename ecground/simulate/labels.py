"""Values and statements that are true of a simulated ECG.

Values come from the exact marks and the clean components, named as in `ecground.measure.table`; statements from the
parameters (what was built in) and from those values (rates and intervals), each with its evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ecground.knowledge.finding import Evidence
from ecground.leads import STANDARD
from ecground.signal.beats import MARKS, PRESENT, QRS, Delineation
from ecground.simulate.truth import Statement

if TYPE_CHECKING:
    from ecground.simulate.parameters import Parameters

__all__ = ["PATHOLOGY_STATEMENTS", "statements_of", "values_of"]

Array = NDArray[np.float64]

PATHOLOGY_STATEMENTS: Final[dict[str, tuple[tuple[str | None, str], ...]]] = {
    "lbbb": (("CLBBB", "clbbb"),), "rbbb": (("CRBBB", "crbbb"),), "irbbb": (("IRBBB", "irbbb"),),
    "ivcd": (("IVCD", "ivcd"),), "lafb": (("LAFB", "lafb"),), "lpfb": (("LPFB", "lpfb"),), "wpw": (("WPW", "wpw"),),
    "lvh": (("LVH", "lvh"),), "rvh": (("RVH", "rvh"),), "lae": (("LAO/LAE", "lae"),), "rae": (("RAO/RAE", "rae"),),
    "st_elevation_anterior": ((None, "stemi_anterior"), ("STE_", "ste")),
    "st_elevation_inferior": ((None, "stemi_inferior"), ("STE_", "ste")),
    "st_elevation_lateral": ((None, "stemi_lateral"), ("STE_", "ste")),
    "st_depression": (("STD_", "std"),), "q_anterior": (("ASMI", "asmi"), ("QWAVE", "qwave")),
    "q_inferior": (("IMI", "imi"), ("QWAVE", "qwave")), "q_lateral": (("LMI", "lmi"), ("QWAVE", "qwave")),
    "t_inversion": (("INVT", "invt"),), "long_qt": (("LNGQT", "lngqt"),), "low_voltage": (("LVOLT", "lvolt"),),
    "left_axis": ((None, "left_axis"),), "right_axis": ((None, "right_axis"),),
}
"""Pathology -> statements (SCP code, key)."""

_RHYTHM_STATEMENTS: Final[dict[str, tuple[tuple[str | None, str], ...]]] = {
    "sinus": (("SR", "sr"),), "sinus_arrhythmia": (("SARRH", "sarrh"),), "af": (("AFIB", "afib"),),
    "flutter": (("AFLT", "aflt"),), "svt": (("SVTAC", "svtac"),), "junctional": ((None, "junctional_rhythm"),),
    "vt": ((None, "ventricular_tachycardia"),), "mobitz_1": (("2AVB", "2avb"), (None, "mobitz_1")),
    "mobitz_2": (("2AVB", "2avb"), (None, "mobitz_2")), "av_block_2_1": (("2AVB", "2avb"), (None, "av_block_2_1")),
    "av_block_3": (("3AVB", "3avb"),), "bigeminy": (("BIGU", "bigu"),), "trigeminy": (("TRIGU", "trigu"),),
}


def values_of(
    marks: Delineation, kind: tuple[str, ...], *, template: NDArray[np.intp], events: NDArray[np.intp],
    waves: dict[str, tuple[NDArray[np.intp], NDArray[np.float32]]], atrial_events: NDArray[np.intp],
) -> tuple[dict[str, float], dict[str, Array]]:
    """Record values (medians over dominant beats; missing ones left out) and values `[lead]` of a dominant beat.

    Args:
        marks: the true delineation.
        kind: `[row]`.
        template: `[ventricular event]` row of the bank.
        events: `[row]` ventricular event, -1 = none.
        waves: first samples and components of `p`, `qrs`, `st`, `t`.
        atrial_events: `[row]` atrial event, -1 = none.
    """
    ms = 1e3 / marks.fs
    kinds = np.array(kind, dtype=object)
    beats = np.flatnonzero(marks.joint_state[:, QRS] == PRESENT)
    values: dict[str, float] = {f"n_{name}": float((kinds == code).sum()) for name, code in
                                (("pvc", "V"), ("pac", "S"), ("paced", "paced"), ("blocked_p", "p"))}
    values["n_beats"] = float(len(beats))
    if not len(beats):
        return values, {}
    names, counts = np.unique(kinds[beats].astype(str), return_counts=True)
    main = "N" if "N" in names and counts[names == "N"][0] * 3 >= len(beats) else str(names[counts.argmax()])
    chosen = beats[kinds[beats] == main]
    column = {name: marks.joint_marks[:, i] for i, name in enumerate(MARKS)}
    rr = np.diff(column["r_peak"][beats]) * ms
    if len(rr):
        values |= {"hr_bpm": 6e4 / float(np.median(rr)), "rr_median_ms": float(np.median(rr)),
                   "rr_mean_ms": float(rr.mean()), "rr_min_ms": float(rr.min()), "rr_max_ms": float(rr.max()),
                   "rr_sd_ms": float(rr.std())}
    for name, first, last in (("pr_ms", "p_on", "qrs_on"), ("p_dur_ms", "p_on", "p_off"),
                              ("qrs_ms", "qrs_on", "qrs_off"), ("qt_ms", "qrs_on", "t_off"),
                              ("pr_segment_ms", "p_off", "qrs_on")):
        span = (column[last] - column[first])[chosen] * ms
        span = span[np.isfinite(span)]
        if len(span):
            values[name] = float(np.median(span))
            if name == "pr_ms":
                values["pr_range_ms"] = float(np.ptp(span))
    if "qt_ms" in values and "rr_median_ms" in values:
        qt, s = values["qt_ms"], values["rr_median_ms"] / 1e3
        values |= {"qtc_bazett_ms": qt / s**0.5, "qtc_fridericia_ms": qt / s ** (1 / 3),
                   "qtc_framingham_ms": qt + 154 * (1 - s), "qtc_hodges_ms": qt + 1.75 * (60 / s - 60)}
    return values, _lead_values(values, marks, chosen, events, atrial_events, waves)


def _lead_values(values: dict[str, float], marks: Delineation, chosen: NDArray[np.intp], events: NDArray[np.intp],
                 atrial: NDArray[np.intp], waves: dict[str, tuple[NDArray[np.intp], NDArray[np.float32]]],
                 ) -> dict[str, Array]:
    """Amplitudes [mV] of the middle dominant beat's own components, and the frontal axes (into `values`)."""
    row = int(chosen[len(chosen) // 2])
    event, p = int(events[row]), int(atrial[row])
    qrs, t = waves["qrs"][1][event], waves["t"][1][event]
    leads: dict[str, Array] = {
        "qrs_pp": np.ptp(qrs, axis=1).astype(np.float64), "r_amp": np.maximum(qrs.max(axis=1), 0).astype(np.float64),
        "qrs_net": (qrs.max(axis=1) + qrs.min(axis=1)).astype(np.float64),
        "s_amp": np.minimum(qrs.min(axis=1), 0).astype(np.float64),
        "t_amp": t[np.arange(12), np.abs(t).argmax(axis=1)].astype(np.float64),
    }
    j = marks.joint_marks[row, MARKS.index("qrs_off")]
    for name, later in (("j_amp", 0.0), ("st40", 0.04), ("st60", 0.06), ("st80", 0.08)):
        at = j + later * marks.fs
        leads[name] = np.asarray(sum(_at(*waves[w], event, at) for w in ("qrs", "st", "t")), dtype=np.float64)
    values["qrs_axis_deg"] = _axis(qrs)
    values["t_axis_deg"] = _axis(t)
    if p >= 0:
        wave = waves["p"][1][p]
        leads["p_amp"] = wave[np.arange(12), np.abs(wave).argmax(axis=1)].astype(np.float64)
        values["p_axis_deg"] = _axis(wave)
    at_lead = STANDARD.index
    r, s = leads["r_amp"], leads["s_amp"]
    values["sokolow_mv"] = float(-s[at_lead("V1")] + max(r[at_lead("V5")], r[at_lead("V6")]))
    values["cornell_mv"] = float(r[at_lead("aVL")] - s[at_lead("V3")])
    values["limb_voltage_mv"] = float(leads["qrs_pp"][:6].max())
    values["chest_voltage_mv"] = float(leads["qrs_pp"][6:].max())
    return leads


def _at(start: NDArray[np.intp], wave: NDArray[np.float32], event: int, sample: float) -> Array:
    place = round(sample - float(start[event]))
    return np.asarray(wave[event, :, place] if 0 <= place < wave.shape[2] else np.zeros(12), dtype=np.float64)


def _axis(wave: NDArray[np.float32]) -> float:
    """Frontal axis from net areas of I and aVF, aVF scaled by 2/sqrt(3) to Einthoven's triangle [deg]."""
    area = wave.sum(axis=1)
    return float(np.degrees(np.arctan2(2 / np.sqrt(3) * area[5], area[0])))


def statements_of(parameters: Parameters, values: dict[str, float], lead_values: dict[str, Array],
                  kind: tuple[str, ...]) -> tuple[Statement, ...]:
    """What is true by construction: rhythm, rate, conduction, ectopy, pacing, and the pathologies built in."""
    rhythm = parameters.rhythm
    found: dict[str, Statement] = {}

    def say(scp: str | None, key: str, *evidence: Evidence) -> None:
        found.setdefault(key, Statement(scp, key, evidence))

    rate = values.get("hr_bpm", float("nan"))
    sinus = rhythm.driver == "sinus" and "A" not in rhythm.pacing
    for scp, key in _RHYTHM_STATEMENTS.get(rhythm.name, ()):
        say(scp, key, *_evidence(values, "n_blocked_p" if "av" in key else "hr_bpm"))
    if sinus and rhythm.conduction == "1:1" and rhythm.ectopy in ("none", "pac", "pvc", "couplets"):
        if rate < 60:
            say("SBRAD", "sbrad", *_evidence(values, "hr_bpm", "<", 60))
        elif rate > 100:
            say("STACH", "stach", *_evidence(values, "hr_bpm", ">", 100))
        elif rhythm.name != "sinus_arrhythmia":
            say("SR", "sr", *_evidence(values, "hr_bpm", "in", (60.0, 100.0)))
    if sinus and rhythm.conduction == "1:1" and "V" not in rhythm.pacing and values.get("pr_ms", 0) > 200:
        say("1AVB", "1avb", *_evidence(values, "pr_ms", ">", 200))
    if rhythm.pacing:
        say("PACE", "pace", *_evidence(values, "n_paced", ">=", 1))
    if "V" in kind and rhythm.ectopy not in ("none", "pac", "blocked_pac"):
        say("PVC", "pvc", *_evidence(values, "n_pvc", ">=", 1))
    if "S" in kind:
        say("PAC", "pac", *_evidence(values, "n_pac", ">=", 1))
    for name in parameters.pathologies:
        for scp, key in PATHOLOGY_STATEMENTS[name]:
            say(scp, key, *_pathology_evidence(key, values, lead_values))
    if not parameters.pathologies and sinus and set(found) <= {"sr", "sbrad", "stach", "sarrh"}:
        say("NORM", "norm", *_evidence(values, "qrs_ms", "<", 120))
    return tuple(found.values())


def _evidence(values: dict[str, float], measure: str, comparison: str = "",
              threshold: float | tuple[float, float] | None = None) -> tuple[Evidence, ...]:
    if measure not in values:
        return ()
    unit = "1/min" if measure.endswith("_bpm") else "ms" if measure.endswith("_ms") else (
        "mV" if measure.endswith("_mv") else "deg" if measure.endswith("_deg") else "")
    return (Evidence(measure, values[measure], unit, comparison=comparison, threshold=threshold),)


def _pathology_evidence(key: str, values: dict[str, float], leads: dict[str, Array]) -> tuple[Evidence, ...]:
    if key in ("clbbb", "crbbb", "irbbb", "ivcd", "wpw"):
        return _evidence(values, "qrs_ms")
    if key in ("lafb", "lpfb", "left_axis", "right_axis"):
        return _evidence(values, "qrs_axis_deg")
    if key in ("lvh", "rvh"):
        return _evidence(values, "sokolow_mv")
    if key == "lngqt":
        return _evidence(values, "qtc_bazett_ms")
    if key == "lvolt":
        return _evidence(values, "limb_voltage_mv")
    measure = ("p_amp" if key in ("lae", "rae") else "t_amp" if key == "invt" else
               "s_amp" if key.endswith("mi") or key == "qwave" else "j_amp")
    if measure not in leads:
        return ()
    level = leads[measure]
    order = np.argsort(level if measure != "j_amp" or key == "std" else -level)[:2]
    return tuple(Evidence(measure, round(float(level[i]), 3), "mV", leads=(STANDARD[i],)) for i in order)
