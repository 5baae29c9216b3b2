"""Statements that are true of a simulated ECG, each with its evidence: what was built in, and what its values say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ecground.knowledge.finding import Evidence
from ecground.leads import STANDARD, TERRITORIES
from ecground.simulate.truth import Statement

if TYPE_CHECKING:
    from ecground.simulate.parameters import Parameters

__all__ = ["PATHOLOGY_STATEMENTS", "statements_of"]

Array = NDArray[np.float64]

PATHOLOGY_STATEMENTS: Final[dict[str, tuple[tuple[str | None, str], ...]]] = {
    "lbbb": (("CLBBB", "clbbb"),), "rbbb": (("CRBBB", "crbbb"),), "irbbb": (("IRBBB", "irbbb"),),
    "ilbbb": (("ILBBB", "ilbbb"),), "ivcd": (("IVCD", "ivcd"),), "lafb": (("LAFB", "lafb"),),
    "lpfb": (("LPFB", "lpfb"),), "lvh": (("LVH", "lvh"),), "rvh": (("RVH", "rvh"),), "lae": (("LAO/LAE", "lae"),),
    "rae": (("RAO/RAE", "rae"),), "wpw": (("WPW", "wpw"),),
    **{f"wpw_{at}": (("WPW", "wpw"), (None, f"wpw_{at}"))
       for at in ("left_lateral", "posteroseptal", "right_lateral", "anteroseptal")},
    **{f"st_elevation_{wall}": ((None, f"stemi_{wall}"), ("STE_", "ste")) for wall in
       ("anterior", "anteroseptal", "anterolateral", "lateral", "inferior", "inferolateral")},
    "st_elevation_posterior": ((None, "stemi_posterior"), ("STD_", "std")),
    **{f"q_{wall}": ((code, code.lower()), ("QWAVE", "qwave")) for wall, code in
       (("anterior", "AMI"), ("anteroseptal", "ASMI"), ("anterolateral", "ALMI"), ("lateral", "LMI"),
        ("inferior", "IMI"), ("inferolateral", "ILMI"))},
    "q_posterior": (("PMI", "pmi"),), "st_depression": (("STD_", "std"),), "t_inversion": (("INVT", "invt"),),
    **{f"ischaemia_{wall}": ((code, code.lower()), ("INVT", "invt")) for wall, code in
       (("anterior", "ISCAN"), ("anteroseptal", "ISCAS"), ("anterolateral", "ISCAL"), ("lateral", "ISCLA"),
        ("inferior", "ISCIN"), ("inferolateral", "ISCIL"))},
    "wellens": ((None, "wellens"), ("INVT", "invt")), "de_winter": ((None, "dewinter"),),
    "widespread_depression": ((None, "avr_isc"), ("STD_", "std")), "pericarditis": ((None, "peric"), ("STE_", "ste")),
    "early_repolarisation": ((None, "erepol"),), "brugada": ((None, "brugada1"),), "long_qt": (("LNGQT", "lngqt"),),
    "short_qt": ((None, "shortqt"),), "hyperkalaemia": (("EL", "el"), (None, "tallt")),
    "hypokalaemia": (("EL", "el"), (None, "uwave")), "digitalis": (("DIG", "dig"),),
    "low_voltage": (("LVOLT", "lvolt"),), "left_axis": ((None, "left_axis"),), "right_axis": ((None, "right_axis"),),
    "extreme_axis": ((None, "extreme_axis"),), "t_alternans": ((None, "t_alternans"),),
}
"""Pathology -> statements (SCP code, key)."""

_RHYTHM_STATEMENTS: Final[dict[str, tuple[tuple[str | None, str], ...]]] = {
    "sinus": (("SR", "sr"),), "sinus_arrhythmia": (("SARRH", "sarrh"),), "af": (("AFIB", "afib"),),
    "flutter": (("AFLT", "aflt"),), "svt": (("SVTAC", "svtac"),), "junctional": ((None, "junctional_rhythm"),),
    "vt": ((None, "ventricular_tachycardia"),), "mobitz_1": (("2AVB", "2avb"), (None, "mobitz_1")),
    "mobitz_2": (("2AVB", "2avb"), (None, "mobitz_2")), "av_block_2_1": (("2AVB", "2avb"), (None, "av_block_2_1")),
    "av_block_3": (("3AVB", "3avb"),), "bigeminy": (("BIGU", "bigu"),), "trigeminy": (("TRIGU", "trigu"),),
}

_RECORD_EVIDENCE: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("clbbb", "crbbb", "irbbb", "ilbbb", "ivcd"), ("qrs_ms",)),
    **dict.fromkeys(("wpw", "wpw_left_lateral", "wpw_posteroseptal", "wpw_right_lateral", "wpw_anteroseptal"),
                    ("pr_ms", "qrs_ms")),
    **dict.fromkeys(("lafb", "lpfb", "left_axis", "right_axis", "extreme_axis"), ("qrs_axis_deg",)),
    "lvh": ("sokolow_mv", "cornell_mv"), "lngqt": ("qtc_bazett_ms",), "shortqt": ("qtc_bazett_ms",),
    "lvolt": ("limb_voltage_mv", "chest_voltage_mv"), "t_alternans": ("twa_uv",),
}
_WHERE: Final = {**TERRITORIES, "posterior": ("V1", "V2", "V3")}
_LEAD_EVIDENCE: Final[dict[str, tuple[str, int, tuple[str, ...]]]] = {
    "rvh": ("r_amp", 1, ("V1", "V2")), "lae": ("p_amp", -1, ("V1", "II")), "rae": ("p_amp", 1, STANDARD),
    "std": ("j_amp", -1, STANDARD), "invt": ("t_amp", -1, tuple(x for x in STANDARD if x != "aVR")),
    "qwave": ("s_amp", -1, STANDARD), "wellens": ("t_amp", -1, ("V2", "V3", "V4")), "avr_isc": ("j_amp", 1, ("aVR",)),
    "dewinter": ("t_amp", 1, ("V2", "V3", "V4")), "brugada1": ("j_amp", 1, ("V1", "V2")),
    "el": ("t_amp", 1, STANDARD), "tallt": ("t_amp", 1, STANDARD), "uwave": ("st60", -1, STANDARD),
    "dig": ("st60", -1, STANDARD), "pmi": ("r_amp", 1, ("V1", "V2", "V3")),
    "stemi_posterior": ("j_amp", -1, ("V1", "V2", "V3")),
    **{f"stemi_{wall}": ("j_amp", 1, _WHERE[wall]) for wall in
       ("anterior", "anteroseptal", "anterolateral", "lateral", "inferior", "inferolateral")},
    **{code: ("s_amp", -1, _WHERE[wall]) for code, wall in
       (("ami", "anterior"), ("asmi", "anteroseptal"), ("almi", "anterolateral"), ("lmi", "lateral"),
        ("imi", "inferior"), ("ilmi", "inferolateral"))},
    **{code: ("t_amp", -1, _WHERE[wall]) for code, wall in
       (("iscan", "anterior"), ("iscas", "anteroseptal"), ("iscal", "anterolateral"), ("iscla", "lateral"),
        ("iscin", "inferior"), ("iscil", "inferolateral"))},
}
"""Key -> lead measure, sign (+1 the largest, -1 the smallest), leads to look in."""


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
    if parameters.reversal:
        say(None, "reversal_" + parameters.reversal)
    for name in parameters.pathologies:
        for scp, key in PATHOLOGY_STATEMENTS[name]:
            say(scp, key, *_pathology_evidence(key, values, lead_values))
    plain = sinus and not parameters.pathologies and not parameters.reversal and parameters.age >= 16
    if plain and set(found) <= {"sr", "sbrad", "stach", "sarrh"}:
        say("NORM", "norm", *_evidence(values, "qrs_ms", "<", 120))
    return tuple(found.values())


_UNITS: Final = {"bpm": "1/min", "ms": "ms", "mv": "mV", "uv": "uV", "deg": "deg"}


def _evidence(values: dict[str, float], measure: str, comparison: str = "",
              threshold: float | tuple[float, float] | None = None) -> tuple[Evidence, ...]:
    if measure not in values:
        return ()
    unit = _UNITS.get(measure.rsplit("_", 1)[-1], "")
    return (Evidence(measure, values[measure], unit, comparison=comparison, threshold=threshold),)


def _pathology_evidence(key: str, values: dict[str, float], leads: dict[str, Array]) -> tuple[Evidence, ...]:
    """The value that shows it: of the record, or of the two leads that show it most."""
    if key in _RECORD_EVIDENCE:
        return tuple(e for name in _RECORD_EVIDENCE[key] for e in _evidence(values, name))
    measure, sign, among = _LEAD_EVIDENCE.get(key, ("j_amp", 1, STANDARD))
    if measure not in leads:
        return ()
    rows = [STANDARD.index(lead) for lead in among]
    order = sorted(rows, key=lambda i: -sign * leads[measure][i])[:2]
    return tuple(Evidence(measure, round(float(leads[measure][i]), 3), "mV", leads=(STANDARD[i],)) for i in order)
