"""How the benchmarks hold marks of any method: for each lead, mark name -> positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["MARKS", "LeadMarks", "RecordMarks"]

MARKS = ("p_on", "p_peak", "p_off", "qrs_on", "r_peak", "qrs_off", "t_on", "t_peak", "t_off")
LeadMarks = dict[str, NDArray[np.float64]]
"""Mark name -> positions [samples at the record's fs], in time order; marks a method does not give are missing."""
RecordMarks = list[LeadMarks]
"""One LeadMarks for each lead of the record."""
