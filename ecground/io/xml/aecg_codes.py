"""The MDC codes of annotated ECGs and our names of leads, measures and waves, both ways.

Reference: ISO/IEEE 11073-10102 as used by HL7 aECG (codeSystem 2.16.840.1.113883.6.24); vendors write their own prefix
before the same endings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ecground.leads import standard_name

__all__ = ["MDC", "MDC_OF", "OWN", "UNIT_OF", "lead_label", "measure_of", "wave_of"]

MDC: Final = "2.16.840.1.113883.6.24"
"""Object identifier of the code system."""

MDC_OF: Final[Mapping[str, str]] = {
    "hr_bpm": "MDC_ECG_HEART_RATE", "atrial_rate_bpm": "MDC_ECG_HEART_RATE_ATRIAL", "rr_mean_ms": "MDC_ECG_TIME_PD_RR",
    "p_dur_ms": "MDC_ECG_TIME_PD_P", "pr_ms": "MDC_ECG_TIME_PD_PR", "pr_segment_ms": "MDC_ECG_TIME_PD_PR_SEG",
    "qrs_ms": "MDC_ECG_TIME_PD_QRS", "qt_ms": "MDC_ECG_TIME_PD_QT", "qtc_ms": "MDC_ECG_TIME_PD_QTc",
    "qtc_bazett_ms": "MDC_ECG_TIME_PD_QTcB", "qtc_fridericia_ms": "MDC_ECG_TIME_PD_QTcF",
    "qtc_framingham_ms": "MDC_ECG_TIME_PD_QTcFm", "qtc_hodges_ms": "MDC_ECG_TIME_PD_QTcH",
    "p_axis_deg": "MDC_ECG_ANGLE_P_FRONT", "qrs_axis_deg": "MDC_ECG_ANGLE_QRS_FRONT",
    "t_axis_deg": "MDC_ECG_ANGLE_T_FRONT", "n_beats": "MDC_ECG_QRS_COUNT",
}
"""Our global measure -> code."""

_ENDING: Final = re.compile(
    r"_(HEART_RATE_ATRIAL|HEART_RATE|TIME_PD_(?:RR|P|PR_SEG|PR|PQ|QRS|QT|QTC|QTCB|QTCF|QTCFM|QTCH)|ANGLE_(?:P|QRS|T)_FRONT"
    r"|(?:P|QRS|T)_AXIS|QRS_COUNT)(?:_GL)?$")
_GLOBAL: Final = {code.removeprefix("MDC_ECG_").upper(): name for name, code in MDC_OF.items()} | {
    "TIME_PD_PQ": "pr_ms", "P_AXIS": "p_axis_deg", "QRS_AXIS": "qrs_axis_deg", "T_AXIS": "t_axis_deg",
}
_LEAD_ENDING: Final = re.compile(r"(?:^|_)(P|Q|QRS|R|S|R'|S'|R2|S2|ST|J|T)_(AMP|DUR|DURATION|AMPLITUDE)$")
OWN: Final = "ECGROUND_"
"""Prefix of codes for measures that MDC does not name: the rest is our name in capitals."""

UNIT_OF: Final[Mapping[str, tuple[str, float]]] = {
    "s": ("ms", 1e3), "ms": ("ms", 1.0), "us": ("ms", 1e-3), "uv": ("mV", 1e-3), "mv": ("mV", 1.0), "nv": ("mV", 1e-6),
    "v": ("mV", 1e3), "deg": ("deg", 1.0), "rad": ("deg", 57.29577951308232), "bpm": ("1/min", 1.0),
    "bmp": ("1/min", 1.0), "/min": ("1/min", 1.0), "1/min": ("1/min", 1.0), "{beats}/min": ("1/min", 1.0),
    "{h.b.}/min": ("1/min", 1.0), "hz": ("1/min", 60.0), "/s": ("1/min", 60.0), "1": ("", 1.0), "": ("", 1.0),
}
"""Lower-case unit of the file -> our unit and the factor; `bmp` is a slip that a vendor ships."""

_WAVES: Final[Mapping[str, str]] = {"PWAVE": "p", "QRSWAVE": "qrs", "QRS": "qrs", "TWAVE": "t", "RWAVE": "r",
                                    "QWAVE": "q", "SWAVE": "s", "QRSTWAVE": "qrst", "UWAVE": "u"}


def lead_label(code: str, shown: str) -> str:
    """A channel's label from its code, else from the name shown with it."""
    tail = code.upper().rpartition("_ECG_LEAD_")[2] if "_ECG_LEAD_" in code.upper() else ""
    if tail == "AVRNEG":
        return "-aVR"
    return standard_name(tail) or shown or tail or code


def measure_of(code: str, *, lead: bool) -> str | None:
    """Our name for a measurement's code, None when it is no measure of ours.

    Args:
        code: the file's code with any vendor's prefix.
        lead: whether the value belongs to one lead.
    """
    upper = code.upper()
    if upper.startswith(OWN):
        return upper.removeprefix(OWN).lower()
    if lead:
        match = _LEAD_ENDING.search(upper)
        if match is None:
            return None
        wave, kind = match[1].lower().replace("'", "2"), match[2][:3].lower()
        return {"qrs_dur": "qrs_ms", "j_amp": "j_amp"}.get(f"{wave}_{kind}") or (
            f"{wave}_{kind}" if wave in ("p", "q", "r", "s", "r2", "s2", "t") else None)
    match = _ENDING.search(upper)
    return _GLOBAL.get(match[1]) if match else None


def wave_of(code: str) -> str:
    """Short name of a wave's code: `p`, `qrs`, `t`, else the code's ending."""
    tail = code.upper().removeprefix("MDC_ECG_WAVC_")
    return _WAVES.get(tail, tail.lower()[:24])
