"""Statements that are true of a simulated ECG, each with its evidence: what was built in, and what its values say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ecground.knowledge.finding import Evidence
from ecground.leads import STANDARD
from ecground.simulate.truth import Statement

if TYPE_CHECKING:
    from ecground.simulate.parameters import Parameters

__all__ = ["PATHOLOGY_STATEMENTS", "statements_of"]

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
