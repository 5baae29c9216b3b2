"""How far two readings of one quantity may differ: the tolerance of a check, and the limit of a real change.

`TOLERANCE` holds a value in a text against the measured one: about two standard deviations between careful readers of
the same recording. Intervals: differences between this kind of delineator and cardiologists on LUDB (SD: PR 8, QRS 7,
QT 9, P 9 ms) with room for the global and the single-lead definition, inside IEC 60601-2-25's limits for intervals (P
+-10 SD 15, PQ +-10 SD 10, QRS +-10 SD 10, QT +-25 SD 30 ms). Amplitudes: twice IEC 60601-2-51's 25 uV or 5 %.

`CHANGE` holds two recordings of one patient against each other: posture, breathing and electrode placement add to the
reading (Schijvenaars, van Herpen, Kors 2008, intraindividual variability in electrocardiograms). The numbers are
working limits of that order, not copied from a table of the paper, and not checked against it.

`LIMITS` holds the normal limits in published use (AHA/ACCF/HRS 2009 III-IV and usual laboratory limits).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ecground.knowledge.patterns import PATTERN_MEASURES
from ecground.knowledge.phrases import is_count
from ecground.measure.table import BEAT_MEASURES, LEAD_MEASURES, RECORD_MEASURES

__all__ = ["CHANGE", "LIMITS", "UNITS", "Spread", "change_limit", "is_known_limit", "tolerance", "unit_of"]


@dataclass(frozen=True, slots=True)
class Spread:
    """The larger of a fixed difference and a share of the value."""

    fixed: float
    """In the unit of the measure."""
    share: float = 0.0

    def at(self, value: float) -> float:
        """The allowed difference at this value."""
        return max(self.fixed, self.share * abs(value))


UNITS: Final[Mapping[str, str]] = {
    name: unit for table in (PATTERN_MEASURES, BEAT_MEASURES, LEAD_MEASURES, RECORD_MEASURES)
    for name, (unit, _) in table.items()
}
"""Every measure there is -> its unit."""
_BY_UNIT: Final[Mapping[str, Spread]] = {
    "ms": Spread(15.0), "mV": Spread(0.05, 0.10), "uV": Spread(20.0, 0.2), "deg": Spread(20.0),
    "1/min": Spread(3.0, 0.04), "uV ms": Spread(800.0, 0.2), "mV ms": Spread(25.0, 0.1), "mV/s": Spread(0.3, 0.2),
    "": Spread(0.06, 0.05),
}
TOLERANCE: Final[Mapping[str, Spread]] = {
    "hr_bpm": Spread(3.0, 0.04), "atrial_rate_bpm": Spread(10.0, 0.05),
    "rr_mean_ms": Spread(25.0, 0.04), "rr_median_ms": Spread(25.0, 0.04), "rr_min_ms": Spread(25.0, 0.04),
    "rr_max_ms": Spread(25.0, 0.04), "rr_sd_ms": Spread(15.0, 0.1), "rmssd_ms": Spread(15.0, 0.1),
    "pr_ms": Spread(20.0), "p_dur_ms": Spread(25.0), "qrs_ms": Spread(15.0), "qt_ms": Spread(30.0),
    "qtc_bazett_ms": Spread(30.0), "qtc_fridericia_ms": Spread(30.0), "qtc_framingham_ms": Spread(30.0),
    "qtc_hodges_ms": Spread(30.0), "qtc_ms": Spread(30.0), "jt_ms": Spread(30.0),
    "qrs_axis_deg": Spread(15.0), "p_axis_deg": Spread(25.0), "t_axis_deg": Spread(25.0),
    "sokolow_mv": Spread(0.1, 0.10), "cornell_mv": Spread(0.1, 0.10), "q_dur": Spread(10.0), "p_dur": Spread(25.0),
    "r_peak_time_ms": Spread(10.0),
}
"""Measure -> how far a value in a text may lie from the measured one."""

_COUNTS: Final = Spread(0.5)

CHANGE: Final[Mapping[str, Spread]] = {
    "hr_bpm": Spread(12.0, 0.15), "pr_ms": Spread(25.0), "p_dur_ms": Spread(25.0), "qrs_ms": Spread(16.0),
    "qt_ms": Spread(40.0), "qtc_bazett_ms": Spread(40.0), "qtc_fridericia_ms": Spread(35.0),
    "qrs_axis_deg": Spread(25.0), "p_axis_deg": Spread(30.0), "t_axis_deg": Spread(30.0),
    "sokolow_mv": Spread(0.6, 0.25), "cornell_mv": Spread(0.5, 0.25),
    "r_amp": Spread(0.3, 0.35), "s_amp": Spread(0.3, 0.35), "q_amp": Spread(0.12, 0.35), "j_amp": Spread(0.1),
    "st60": Spread(0.1), "t_amp": Spread(0.2, 0.4),
}
"""Measure -> the smallest difference between two recordings that is more than chance."""

LIMITS: Final[Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]] = {
    "hr_bpm": ((50.0, 60.0), (90.0, 100.0)),
    "pr_ms": ((110.0, 120.0), (200.0, 210.0, 220.0)),
    "p_dur_ms": ((60.0, 80.0), (110.0, 120.0)),
    "qrs_ms": ((60.0, 70.0, 80.0), (100.0, 110.0, 120.0)),
    "qt_ms": ((320.0, 350.0, 360.0), (430.0, 440.0, 450.0, 460.0)),
    "qtc_bazett_ms": ((340.0, 350.0, 360.0, 390.0), (430.0, 440.0, 450.0, 460.0, 470.0, 480.0)),
    "qtc_fridericia_ms": ((340.0, 350.0, 360.0, 390.0), (430.0, 440.0, 450.0, 460.0, 470.0, 480.0)),
    "qtc_ms": ((340.0, 350.0, 360.0, 390.0), (430.0, 440.0, 450.0, 460.0, 470.0, 480.0)),
    "qrs_axis_deg": ((-30.0, 0.0), (90.0, 100.0, 105.0, 110.0)),
    "p_axis_deg": ((0.0,), (75.0,)),
}
"""Measure -> (lower limits, upper limits) in published use."""


def unit_of(measure: str) -> str:
    """The unit of a measure; empty for counts, shares and unknown names."""
    return UNITS.get(measure, "")


def tolerance(measure: str, value: float) -> float:
    """The allowed difference between a value in a text and `value`, in the unit of the measure."""
    if is_count(measure):
        return _COUNTS.at(value)
    return TOLERANCE.get(measure, _BY_UNIT[unit_of(measure)]).at(value)


def change_limit(measure: str, old: float, new: float) -> float | None:
    """The smallest real difference between two recordings; None for measures that are not compared."""
    spread = CHANGE.get(measure)
    return None if spread is None else spread.at((abs(old) + abs(new)) / 2)


def is_known_limit(measure: str, low: float | None, high: float | None) -> bool:
    """Whether these are normal limits in published use (to 5 units); True for measures without a table row."""
    row = LIMITS.get(measure)
    if row is None:
        return True
    return all(stated is None or any(abs(stated - known) <= 5.0 for known in side)
               for stated, side in zip((low, high), row, strict=True))
