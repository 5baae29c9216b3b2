"""Frontal-plane axes, and the voltages that hypertrophy criteria use.

Axis [deg] = atan2(2/sqrt(3) aVF, I) of net areas (AHA/ACCF/HRS 2009 III; the factor makes the two leads equally long).
Any two limb leads give I and aVF, since Einthoven's and Goldberger's laws are linear.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from ecground.leads import CHEST, LIMB

__all__ = ["angle_between", "frontal_axis", "frontal_leads", "voltages"]

_TO_I_AVF: Final[Mapping[str, tuple[float, float]]] = {
    # lead = a * I + b * aVF
    "I": (1.0, 0.0), "aVF": (0.0, 1.0), "II": (0.5, 1.0), "III": (-0.5, 1.0), "aVR": (-0.75, -0.5),
    "aVL": (0.75, -0.5),
}


def frontal_leads(net: Mapping[str, float]) -> tuple[float, float, tuple[str, ...]]:
    """Net values of I and aVF (least squares over the limb leads of `net` that are finite), and the leads used.

    NaN, NaN and no lead when fewer than two limb leads are there. I and aVF themselves are preferred.
    """
    have = [lead for lead in LIMB if np.isfinite(net.get(lead, np.nan))]
    if "I" in have and "aVF" in have:
        have = ["I", "aVF"]
    if len(have) < 2:
        return float("nan"), float("nan"), ()
    matrix = np.array([_TO_I_AVF[lead] for lead in have])
    solution, *_ = np.linalg.lstsq(matrix, np.array([net[lead] for lead in have]), rcond=None)
    return float(solution[0]), float(solution[1]), tuple(have)


def frontal_axis(net: Mapping[str, float]) -> tuple[float, float, tuple[str, ...]]:
    """Axis in (-180, 180] deg, its length in the unit of `net`, and the leads used; NaN when it cannot be told."""
    i, avf, used = frontal_leads(net)
    if not used:
        return float("nan"), float("nan"), ()
    y = 2.0 / np.sqrt(3.0) * avf
    angle = float(np.degrees(np.arctan2(y, i)))
    return (180.0 if angle == -180.0 else angle), float(np.hypot(i, y)), used


def angle_between(first: float, second: float) -> float:
    """Angle between two directions [deg], 0 to 180; NaN when one is unknown."""
    return float(abs((first - second + 180.0) % 360.0 - 180.0))


def voltages(r: Mapping[str, float], s: Mapping[str, float], pp: Mapping[str, float],
             ) -> dict[str, tuple[float, tuple[str, ...]]]:
    """Sokolow-Lyon, Cornell and the largest limb and chest voltages: name -> (mV, leads); NaN when a lead lacks.

    `r`, `s`, `pp` map leads to the amplitude of the tallest R, the deepest S (<= 0) and the QRS peak-to-peak [mV]; a
    wave that is absent is 0, a lead that cannot be measured is NaN or missing.
    """
    nan = float("nan")

    def depth(lead: str) -> float:
        return max(-s.get(lead, nan), 0.0) if np.isfinite(s.get(lead, nan)) else nan

    lateral = [(r.get(lead, nan), lead) for lead in ("V5", "V6") if np.isfinite(r.get(lead, nan))]
    tallest, where = max(lateral, default=(nan, ""))
    out: dict[str, tuple[float, tuple[str, ...]]] = {
        "sokolow_mv": (depth("V1") + tallest, ("V1", where) if where else ("V1",)),
        "cornell_mv": (r.get("aVL", nan) + depth("V3"), ("aVL", "V3")),
    }
    for name, group, needed in (("limb_voltage_mv", LIMB, 3), ("chest_voltage_mv", CHEST, 4)):
        have = [(pp[lead], lead) for lead in group if np.isfinite(pp.get(lead, nan))]
        largest = max(have, default=(nan, ""))
        out[name] = (largest[0], (largest[1],)) if len(have) >= needed else (nan, ())
    return out
