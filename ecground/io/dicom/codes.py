"""DICOM's codes for ECG leads (CID 3001) and for what devices measure (CID 3687, 3688, 3690), both ways.

ISO/IEEE 11073 MDC code `2:n` and SCP-ECG code `5.6.3-9-n` share the lead number n; LOINC and older schemes are
recognised by the meaning they spell out.
Reference: DICOM PS3.16 CID 3001; EN 1064 (SCP-ECG) table of leads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["LEAD_MEANING", "LEAD_NUMBER", "MEASURE_CODE", "MEASURE_OF", "MEASURE_UNIT", "lead_of_code", "measure_name"]

LEAD_NUMBER: Final[Mapping[str, int]] = {
    "I": 1, "II": 2, "V1": 3, "V2": 4, "V3": 5, "V4": 6, "V5": 7, "V6": 8, "V7": 9, "V2R": 10, "V3R": 11, "V4R": 12,
    "V5R": 13, "V6R": 14, "V7R": 15, "X": 16, "Y": 17, "Z": 18, "III": 61, "aVR": 62, "aVL": 63, "aVF": 64, "V8": 66,
    "V9": 67,
}
_LEAD_OF: Final = {number: lead for lead, number in LEAD_NUMBER.items()}
_LEAD_CODE: Final = re.compile(r"^(?:2:|5\.6\.3-9-)(\d{1,3})$")

LEAD_MEANING: Final[Mapping[str, str]] = {
    "aVR": "aVR, augmented voltage, right", "aVL": "aVL, augmented voltage, left",
    "aVF": "aVF, augmented voltage, foot",
}
"""Meanings of CID 3001 that are not just `Lead <name>`."""

MEASURE_CODE: Final[Mapping[str, tuple[str, str]]] = {
    "hr_bpm": ("5.10.2.5-1", "Ventricular Heart Rate"), "atrial_rate_bpm": ("5.10.2.5-3", "Atrial Heart Rate"),
    "rr_mean_ms": ("5.10.2.1-3", "RR Interval"), "pr_ms": ("5.13.5-7", "PR Interval"),
    "p_dur_ms": ("5.13.5-5", "P Duration"), "qrs_ms": ("5.13.5-9", "QRS Duration"),
    "qt_ms": ("5.13.5-11", "QT Interval"), "qtc_ms": ("5.10.2.5-5", "QTc Interval"),
    "p_axis_deg": ("5.10.3-11", "P Axis"), "qrs_axis_deg": ("5.10.3-13", "QRS Axis"),
    "t_axis_deg": ("5.10.3-15", "T Axis"),
}
"""Our name -> SCP-ECG code and meaning, as vendors write them in 12-lead objects."""

MEASURE_OF: Final[tuple[tuple[str, str], ...]] = (
    (r"(ventricular|mean ventricular) (heart )?rate|^heart rate|^hr$|^pulse rate", "hr_bpm"),
    (r"atrial (heart )?rate", "atrial_rate_bpm"),
    (r"^rr interval|^r-r interval", "rr_mean_ms"),
    (r"^(pr|pq|p-r) interval", "pr_ms"),
    (r"^p (wave )?duration", "p_dur_ms"),
    (r"^qrs (complex )?duration", "qrs_ms"),
    (r"^qt interval", "qt_ms"),
    (r"^qtc? ?(interval)?.*bazett", "qtc_bazett_ms"),
    (r"^qtc? ?(interval)?.*fridericia", "qtc_fridericia_ms"),
    (r"^qtc? ?(interval)?.*framingham", "qtc_framingham_ms"),
    (r"^qtc? ?(interval)?.*hodges", "qtc_hodges_ms"),
    (r"^qtc|^corrected qt|^qt corrected", "qtc_ms"),
    (r"^p (wave )?(frontal )?axis|^frontal p axis", "p_axis_deg"),
    (r"^(qrs|r) (wave |complex )?(frontal )?axis|^frontal qrs axis", "qrs_axis_deg"),
    (r"^t (wave )?(frontal )?axis|^frontal t axis", "t_axis_deg"),
)
"""Meaning of a measurement's code -> our name of the measure. `qtc_ms`: the device does not say which formula."""

MEASURE_UNIT: Final[Mapping[str, str]] = {"_ms": "ms", "_deg": "deg", "_bpm": "1/min"}


def lead_of_code(value: str, scheme: str) -> str | None:
    """Standard lead name of an MDC or SCP-ECG lead code, None when it is another."""
    match = _LEAD_CODE.match(value.strip())
    if match is None or scheme.strip().upper() not in ("MDC", "SCPECG", "SCP-ECG", ""):
        return None
    return _LEAD_OF.get(int(match[1]))


def measure_name(meaning: str) -> str | None:
    """Our name for a measurement by the meaning of its code, None when it is no measure of ours."""
    text = " ".join(meaning.lower().split())
    return next((name for pattern, name in MEASURE_OF if re.search(pattern, text)), None)
