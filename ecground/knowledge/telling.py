"""What a report tells of all findings: where, in which order, and what goes without saying.

A report names each fact once: a broad statement (`T-wave abnormality`) is left to the exact one that is present beside
it (`inverted T waves`); both stay in the findings. The tables hold statement keys of `ecground.knowledge.codes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ecground.knowledge.check import IMPLIED_BY
from ecground.knowledge.codes import codes

__all__ = ["CONDITIONS", "DENIED", "SECTIONS", "SUMMED_UP", "covered_by", "importance", "section_of"]

SECTIONS: Final = ("technical", "rhythm", "av", "qrs", "voltage", "infarction", "st", "t", "qt", "ectopy", "summary")
"""The report's paragraphs of findings, in order."""

_BY_GROUP: Final[Mapping[str, str]] = {
    "technical": "technical", "rhythm": "rhythm", "ectopy": "ectopy", "conduction": "qrs", "intervals": "qt",
    "axis": "qrs", "morphology": "voltage", "hypertrophy": "voltage", "infarction": "infarction",
    "acute infarction": "st", "repolarisation": "t", "summary": "summary",
}
_BY_KEY: Final[Mapping[str, str]] = {
    **dict.fromkeys(("1AVB", "2AVB", "3AVB", "LPR", "SHORTPR", "MOBITZ1", "MOBITZ2", "WPW"), "av"),
    **dict.fromkeys(("QWAVE", "PRWP"), "infarction"), "ABQRS": "qrs",
    **dict.fromkeys(("STE_", "STD_", "EREPOL", "BRUGADA1", "ANEUR", "NST_"), "st"),
}

_ISCHAEMIA: Final = ("ISCAL", "ISCIN", "ISCIL", "ISCAS", "ISCLA", "ISCAN")
_INJURY: Final = ("INJAS", "INJAL", "INJIN", "INJLA", "INJIL")
_STEMI: Final = ("STEMI_I", "STEMI_IL", "STEMI_A", "STEMI_AS", "STEMI_AL", "STEMI_L", "STEMI_P")
_INFARCTION: Final = ("IPLMI", "ILMI", "IPMI", "ALMI", "ASMI", "IMI", "AMI", "LMI", "PMI")
_ST: Final = (*_STEMI, "BRUGADA1", "EREPOL", "STE_", *_INJURY, *_ISCHAEMIA, "STD_", "SECSTT")
_T: Final = ("INVT", "TALLT", "LOWT")
_BLOCKS: Final = ("CLBBB", "CRBBB", "VPACE", "WPW", "IVCD", "ILBBB", "IRBBB", "LAFB", "LPFB")
_RHYTHMS: Final = ("VT", "VPACE", "APACE", "PACE", "AFIB", "AFLT", "PSVT", "SVTAC", "JUNC", "STACH", "SBRAD", "SARRH",
                   "SR", "SVARR", "TACHY", "BRADY")

_COVERED: Final[Mapping[str, tuple[str, ...]]] = {
    "TAB_": (*_T, *_ISCHAEMIA, "SECSTT", "NT_", "NDT"), "NT_": (*_T, *_ISCHAEMIA, "SECSTT", "NDT"),
    "NDT": (*_T, *_ISCHAEMIA, "SECSTT"), "NST_": _ST, "STE_": (*_STEMI, "EREPOL", "BRUGADA1"), "STEMI": _STEMI,
    "ISC_": (*_ISCHAEMIA, *_STEMI), "ISCLA": ("ISCAL", "ISCIL"), "ISCIN": ("ISCIL",), "ISCAN": ("ISCAL", "ISCAS"),
    "INJLA": ("INJAL", "INJIL"), "INJIN": ("INJIL",),
    "QWAVE": _INFARCTION, "PRWP": ("ASMI", "AMI", "ALMI"), "HVOLT": ("LVH", "RVH"), "VCLVH": ("LVH",),
    "IMI": ("ILMI", "IPMI", "IPLMI"), "LMI": ("ILMI", "ALMI", "IPLMI"), "AMI": ("ASMI", "ALMI"),
    "ILMI": ("IPLMI",), "IPMI": ("IPLMI",), "PMI": ("IPMI", "IPLMI"),
    "LPR": ("1AVB",), "2AVB": ("MOBITZ1", "MOBITZ2"), "LAD": ("LAFB",), "RAD": ("LPFB",),
    "WIDEQRS": _BLOCKS, "ABQRS": (*_BLOCKS, *_INFARCTION), "PACE": ("VPACE", "APACE"),
    "LVOLT_LIMB": ("LVOLT",), "LVOLT_CHEST": ("LVOLT",), "PRC(S)": ("PVC", "PAC"),
    "SR": ("SBRAD", "STACH", "SARRH"), "SVARR": ("PAC", "AFIB", "AFLT", "SVTAC", "PSVT", "SARRH"),
    "BRADY": ("SBRAD",), "TACHY": ("STACH", "SVTAC", "PSVT", "VT"), "SVTAC": ("PSVT",),
}

SUMMED_UP: Final[Mapping[str, tuple[str, ...]]] = {
    "STD_": (*_ISCHAEMIA, *_INJURY, "SECSTT"), "INVT": (*_ISCHAEMIA, "SECSTT"),
    "LVOLT_LIMB": ("LVOLT",), "SVARR": ("PAC",),
}
"""Statement -> those that sum it up: a conclusion names them alone."""

_ORDER: Final = (
    "LEADOFF", "ARMREV", "CHESTSWAP", "NOISE", *_RHYTHMS, "MOBITZ2", "3AVB", "MOBITZ1", "2AVB", "1AVB", "LPR", "WPW",
    "SHORTPR", *_STEMI, "STEMI", "LBBB_MI", "DEWINTER", "AVR_ISC", "WELLENS", "BRUGADA1", "PERIC",
    "CLBBB", "CRBBB", "LAFB", "LPFB", "IVCD", "ILBBB", "IRBBB", "WIDEQRS",
    *_INFARCTION, "QWAVE", "ANEUR", "STE_", "STD_", *_INJURY, "INVT", *_ISCHAEMIA, "ISC_", "LVH", "RVH", "SEHYP",
    "SECSTT", "LNGQT", "SHORTQT", "PVC", "BIGU", "TRIGU", "PAC", "PRC(S)", "NST_", "TALLT", "LOWT", "UWAVE", "NDT",
    "NT_", "TAB_", "DIG", "EL", "EREPOL", "LAO/LAE", "RAO/RAE", "EAD", "RAD", "LAD", "HVOLT", "VCLVH", "LVOLT", "PRWP",
)
_RANK: Final = {key: place for place, key in enumerate(_ORDER)}

DENIED: Final[Mapping[str, tuple[tuple[str, tuple[str, ...], frozenset[str]], ...]]] = {
    "av": (("AVB", ("1AVB", "LPR", "2AVB", "3AVB"), frozenset({"AFIB", "AFLT", "VPACE", "JUNC", "VT"})),
           ("HIGHER_AVB", ("2AVB", "3AVB"), frozenset({"AFIB", "AFLT", "VPACE", "JUNC", "VT"})),
           ("WPW", ("WPW",), frozenset({"AFIB", "AFLT", "VPACE", "CLBBB"}))),
    "qrs": (("BBB", ("CLBBB", "CRBBB", "ILBBB", "IRBBB"), frozenset({"VPACE"})),),
    "voltage": (("LVH|RVH", ("LVH", "RVH"), frozenset()),
                ("LVH", ("LVH",), frozenset()), ("RVH", ("RVH",), frozenset())),
    "infarction": (("QWAVE", ("QWAVE",), frozenset(_INFARCTION)),),
    "st": (("STE_", ("STE_",), frozenset(_STEMI)), ("STD_", ("STD_",), frozenset())),
    "t": (("INVT", ("INVT",), frozenset()),),
    "ectopy": (("PRC(S)", ("PRC(S)", "PVC", "PAC"), frozenset({"BIGU", "TRIGU"})),),
}
"""Section -> (phrase, statements that must all be clearly absent, statements beside which it need not be said): the
absences a reader looks for."""

CONDITIONS: Final[Mapping[str, frozenset[str]]] = {
    "rhythm": frozenset({"pr_ms", "n_pvc", "n_pac", "n_blocked_p", "p_qrs_ratio", "flutter_index",
                         "spike_qrs_fraction", "qrs_ms"}),
    "av": frozenset({"p_present_fraction", "p_axis_deg", "p_qrs_ratio"}),
    "st": frozenset({"r_amp", "s_amp", "r2_amp", "qrs_ms", "qrs_form", "st60", "st80", "st20", "st40"}),
    "t": frozenset({"r_amp", "s_amp", "r2_amp", "qrs_ms", "qrs_form", "st60", "st80", "st20", "st40"}),
    "qt": frozenset({"qrs_lead_median_ms", "qrs_ms", "hr_bpm"}),
    "ectopy": frozenset({"p_present_fraction"}),
    "infarction": frozenset({"qrs_ms"}),
}
"""Section -> measures on which its criteria only depend; they stay in the evidence, the sentence names what decides."""


def section_of(key: str) -> str:
    """The section of SECTIONS in which a statement is told."""
    entry = codes().get(key)
    return _BY_KEY.get(key) or (_BY_GROUP.get(entry.group, "summary") if entry is not None else "summary")


def covered_by(key: str) -> tuple[str, ...]:
    """Statements beside which this one goes without saying."""
    return _COVERED[key] if key in _COVERED else () if key == "1AVB" else IMPLIED_BY.get(key, ())


def importance(key: str) -> int:
    """Rank in a conclusion: the smaller, the earlier."""
    return _RANK.get(key, len(_RANK))
