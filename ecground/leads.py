"""Lead names, their aliases, standard orders, and the leads that follow from others.

Einthoven: III = II - I. Goldberger: aVR = -(I + II)/2, aVL = I - II/2, aVF = II - I/2 (exact for ideal electrodes).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["CABRERA", "CHEST", "CONTIGUOUS", "LIMB", "STANDARD", "TERRITORIES", "derive", "standard_name"]

LIMB: Final = ("I", "II", "III", "aVR", "aVL", "aVF")
CHEST: Final = ("V1", "V2", "V3", "V4", "V5", "V6")
STANDARD: Final = LIMB + CHEST
CABRERA: Final = ("aVL", "I", "-aVR", "II", "aVF", "III", *CHEST)

CONTIGUOUS: Final = (("aVL", "I"), ("I", "-aVR"), ("-aVR", "II"), ("II", "aVF"), ("aVF", "III"),
                     ("V1", "V2"), ("V2", "V3"), ("V3", "V4"), ("V4", "V5"), ("V5", "V6"))
"""Anatomically contiguous pairs: neighbours of the Cabrera order and of the chest leads (AHA/ACCF/HRS 2009 VI)."""

TERRITORIES: Final[Mapping[str, tuple[str, ...]]] = {
    "inferior": ("II", "III", "aVF"),
    "septal": ("V1", "V2"),
    "anterior": ("V3", "V4"),
    "anteroseptal": ("V1", "V2", "V3", "V4"),
    "anterolateral": ("I", "aVL", "V3", "V4", "V5", "V6"),
    "lateral": ("I", "aVL", "V5", "V6"),
    "high lateral": ("I", "aVL"),
    "inferolateral": ("II", "III", "aVF", "V5", "V6"),
}

_FORMULAS: Final[Mapping[str, tuple[tuple[str, dict[str, float]], ...]]] = {
    "I": (("II - III", {"II": 1.0, "III": -1.0}), ("(2/3)(aVL - aVR)", {"aVL": 2 / 3, "aVR": -2 / 3})),
    "II": (("I + III", {"I": 1.0, "III": 1.0}), ("(2/3)(aVF - aVR)", {"aVF": 2 / 3, "aVR": -2 / 3})),
    "III": (("II - I", {"II": 1.0, "I": -1.0}), ("(2/3)(aVF - aVL)", {"aVF": 2 / 3, "aVL": -2 / 3})),
    "aVR": (("-(I + II)/2", {"I": -0.5, "II": -0.5}),),
    "aVL": (("I - II/2", {"I": 1.0, "II": -0.5}),),
    "aVF": (("II - I/2", {"II": 1.0, "I": -0.5}),),
}
_BY_KEY: Final = {name.upper(): name for name in (*STANDARD, "V7", "V8", "V9", "V3R", "V4R", "X", "Y", "Z")} | {
    "D1": "I", "D2": "II", "D3": "III", "DI": "I", "DII": "II", "DIII": "III", "ECG1": "I", "ECG2": "II",
    "1": "I", "2": "II", "3": "III", "L1": "I", "L2": "II", "L3": "III", "R": "aVR", "L": "aVL", "F": "aVF",
    "VR": "aVR", "VL": "aVL", "VF": "aVF", "C1": "V1", "C2": "V2", "C3": "V3", "C4": "V4", "C5": "V5", "C6": "V6",
    "ML1": "I", "MLI": "I", "ML2": "MLII", "MLII": "MLII", "ML3": "MLIII", "MLIII": "MLIII", "VX": "X", "VY": "Y",
    "VZ": "Z",
}
_NOISE: Final = re.compile(
    r"(?i)\b(lead|leads|ecg|ekg|mdc_ecg_lead|channel|ch|einthoven|goldberger|wilson)\b|[\s_\-.:()]+")


def standard_name(label: str) -> str | None:
    """The standard name for a file's channel label, or None when it is no known ECG lead.

    Accepts case and space variants, NUL padding, `Lead I`, `MDC_ECG_LEAD_AVR`, `ECG II`, `D1`, `C1`, `ML2`.
    """
    text = label.replace("\0", " ").strip()
    key = _NOISE.sub("", re.sub(r"(?i)mdc_ecg_lead_?", "", text)).upper()
    key = re.sub(r"^(AUG|A)(?=V[RLF]$)", "A", key)
    return _BY_KEY.get(key)


def derive(signals: Mapping[str, NDArray[np.float32]]) -> dict[str, tuple[NDArray[np.float32], str]]:
    """The limb leads that are missing but follow from those present: name -> (float32 mV `[sample]`, formula)."""
    known: dict[str, NDArray[np.float32]] = dict(signals)
    found: dict[str, tuple[NDArray[np.float32], str]] = {}
    for name in ("I", "II", "III", "aVR", "aVL", "aVF"):
        if name in known:
            continue
        for formula, weights in _FORMULAS[name]:
            if all(lead in known for lead in weights):
                total = sum((weight * known[lead] for lead, weight in weights.items()), np.float32(0.0))
                derived = np.asarray(total, dtype=np.float32)
                known[name] = derived
                found[name] = (derived, formula)
                break
    return found
