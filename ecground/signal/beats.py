"""`Delineation`: where every wave of every beat begins, peaks and ends, in each lead and over all leads jointly.

Rows are in time order, one a QRS complex, plus rows that hold a P wave alone (a blocked P). Positions are sample
numbers at the record's own sampling rate, 0-based, possibly fractional; NaN where there is none, and `state` says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ABSENT",
    "MARKS",
    "MARK_WAVE",
    "PRESENT",
    "QRS",
    "STATE_NAMES",
    "UNMEASURABLE",
    "WAVES",
    "Delineation",
    "P",
    "T",
]

MARKS: Final = (
    "p_on", "p_peak", "p_off", "qrs_on", "q", "r_peak", "s", "qrs_off", "t_on", "t_peak", "t_off",
    "r2", "s2", "p_peak2", "t_peak2",
)
"""Mark names: the eleven of docs/json.md, then R', S' and the second peak of a biphasic P or T. J is `qrs_off`."""

WAVES: Final = ("p", "qrs", "t")
P, QRS, T = 0, 1, 2
PRESENT, ABSENT, UNMEASURABLE = 0, 1, 2
STATE_NAMES: Final = ("present", "absent", "unmeasurable")
MARK_WAVE: Final = tuple(P if m.startswith("p") else T if m.startswith("t") else QRS for m in MARKS)
"""For each mark, the wave it belongs to."""


@dataclass(frozen=True, slots=True)
class Delineation:
    """Marks of all rows; `lead_*` arrays are per lead, `joint_*` over all leads.

    The joint onset is the moment when a quarter of the leads that have the wave have begun it (the earliest of up to
    three), the joint offset the mirror image; `assemble` says why.
    In a joint row `r_peak` is the reference point of the beat: the R peak over all leads.
    """

    fs: float
    """Sampling rate [Hz] of the positions."""
    leads: tuple[str, ...]
    n_samples: int
    """Length of the record [samples]."""
    lead_marks: NDArray[np.float64]
    """`[lead, row, mark]`, samples; NaN = none."""
    lead_state: NDArray[np.int8]
    """`[lead, row, wave]`: PRESENT, ABSENT or UNMEASURABLE."""
    lead_confidence: NDArray[np.float32]
    """`[lead, row, wave]` in 0..1: how sure the delineator is of the wave and of its bounds."""
    joint_marks: NDArray[np.float64]
    """`[row, mark]`, samples; NaN = none."""
    joint_state: NDArray[np.int8]
    """`[row, wave]`."""
    joint_confidence: NDArray[np.float32]
    """`[row, wave]` in 0..1: of a wave that is present, how sure; of one that is absent, how sure that it is absent."""
    method: str = ""
    """Name and hash of what made the marks."""

    @property
    def n_rows(self) -> int:
        """QRS rows and P-only rows together."""
        return int(self.joint_marks.shape[0])

    @property
    def has_qrs(self) -> NDArray[np.bool_]:
        """`[row]`: false for P-only rows."""
        return np.asarray(self.joint_state[:, QRS] == PRESENT)

    @property
    def r_peaks(self) -> NDArray[np.float64]:
        """Reference positions of the beats [samples], QRS rows only."""
        return np.asarray(self.joint_marks[self.has_qrs, MARKS.index("r_peak")])

    def lead_mark(self, lead: str, mark: str) -> NDArray[np.float64]:
        """`[row]` positions of one mark in one lead."""
        return np.asarray(self.lead_marks[self.leads.index(lead), :, MARKS.index(mark)])

    def joint_mark(self, mark: str) -> NDArray[np.float64]:
        """`[row]` positions of one joint mark."""
        return np.asarray(self.joint_marks[:, MARKS.index(mark)])
