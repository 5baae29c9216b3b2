"""Normal ranges by age and sex: rate, PR, QRS, QTc, P duration, axis and size of a person without heart disease.

Medians of children: Rijnbeek 2001 (Eur Heart J 22:702); of adults: Rijnbeek 2014 (J Electrocardiol 47:914). Spreads are
rounded so that the drawn 2nd and 98th percentiles lie near the published ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ecground.record import Sex

__all__ = ["Normal", "normal_of"]

_AGES: Final = (0.04, 0.17, 0.4, 0.75, 2.0, 4.0, 6.5, 10.0, 14.0, 18.0, 25.0, 45.0, 65.0, 85.0)  # years
_RATE: Final = (160, 152, 134, 128, 119, 98, 88, 78, 73, 70, 68, 68, 68, 70)
_PR: Final = (99, 98, 106, 114, 118, 121, 129, 134, 139, 146, 148, 154, 160, 168)
_QRS_M: Final = (67, 64, 66, 69, 71, 75, 80, 85, 91, 97, 97, 96, 96, 97)
_QRS_F: Final = (67, 63, 64, 64, 68, 71, 77, 82, 87, 89, 89, 89, 89, 90)
_QTC_M: Final = (400, 405, 405, 402, 402, 400, 398, 398, 396, 392, 394, 400, 406, 412)
_QTC_F: Final = (400, 405, 405, 402, 402, 400, 400, 402, 404, 408, 408, 410, 413, 418)
_P: Final = (78, 79, 81, 80, 87, 92, 98, 102, 104, 106, 106, 108, 110, 113)
_AXIS: Final = (115, 87, 66, 65, 64, 68, 68, 68, 65, 62, 57, 42, 30, 20)


@dataclass(frozen=True, slots=True)
class Normal:
    """Medians of one age and sex."""

    rate_bpm: float
    """At rest [1/min]."""
    pr_ms: float
    qrs_ms: float
    qtc_ms: float
    """By Fridericia [ms]."""
    p_ms: float
    """Duration of the P wave [ms]."""
    axis_deg: float
    """Frontal axis of the QRS [deg]."""
    right: float
    """Share of the newborn's right ventricular dominance, 0 (adult) to 1."""


def normal_of(age: float, sex: Sex) -> Normal:
    """Medians at `age` years, straight between the ages of the tables."""
    def at(table: tuple[int, ...]) -> float:
        return float(np.interp(age, _AGES, table))

    return Normal(at(_RATE), at(_PR), at(_QRS_M if sex == "M" else _QRS_F), at(_QTC_M if sex == "M" else _QTC_F),
                  at(_P), at(_AXIS), float(np.exp(-age / 0.6)))
