"""What criteria need beyond single measurements: sequences in the table of beats, and counts of poor leads.

Contract: `patterns(measurements, quality)` gives a `Value` for every name in PATTERN_MEASURES, `unmeasurable` when
there are too few beats for the pattern to show, or no quality was given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ecground.measure.table import Measurements, Value

if TYPE_CHECKING:
    from ecground.signal.quality import LeadQuality, Quality

__all__ = ["PATTERN_MEASURES", "patterns"]

PATTERN_MEASURES: Final[Mapping[str, tuple[str, str]]] = {
    "ectopic_fraction": ("", "share of beats that are premature"),
    "bigeminy_cycles": ("", "longest run of cycles of one normal and one premature beat"),
    "trigeminy_cycles": ("", "longest run of cycles of two normal beats and one premature beat"),
    "pr_growth_ms": ("ms", "PR of the last beat before a blocked P minus PR of the first beat after one"),
    "pr_sd_ms": ("ms", "standard deviation of the PR intervals of all beats"),
    "earliest_beat": ("", "shortest RR before a beat over the median RR"),
    "oddest_beat": ("", "lowest correlation of a QRS with the dominant class"),
    "widening_ms": ("ms", "longest QRS of a beat minus the median QRS"),
    "n_leads_off": ("", "leads that are flat or saturated"),
    "n_poor_leads": ("", "leads too disturbed to measure"),
}
"""Measures made here: name -> (unit, meaning)."""

_PREMATURE: Final = frozenset("SV")


def patterns(measurements: Measurements, quality: Quality | None = None) -> dict[str, Value]:
    """All PATTERN_MEASURES of one record."""
    kinds = measurements.beats.kind
    beats = [kind for kind in kinds if kind != "p"]
    pr, rr, corr, qrs = (_column(measurements, name) for name in ("pr_ms", "rr_before_ms", "template_corr", "qrs_ms"))
    return {
        "ectopic_fraction": _fraction(beats),
        "bigeminy_cycles": _cycles(beats, period=2),
        "trigeminy_cycles": _cycles(beats, period=3),
        "pr_growth_ms": _pr_growth(kinds, pr),
        "pr_sd_ms": _spread(pr),
        "earliest_beat": _extreme("earliest_beat", rr / np.nanmedian(rr) if np.isfinite(rr).any() else rr, np.min),
        "oddest_beat": _extreme("oddest_beat", corr, np.min),
        "widening_ms": _extreme("widening_ms", qrs - np.nanmedian(qrs) if np.isfinite(qrs).any() else qrs, np.max),
        "n_leads_off": _leads("n_leads_off", quality, lambda lead: lead.seen > 0 and lead.lead_off),
        "n_poor_leads": _leads("n_poor_leads", quality, lambda lead: lead.seen > 0 and not lead.usable),
    }


def _fraction(beats: Sequence[str]) -> Value:
    if not beats:
        return _unmeasurable("ectopic_fraction", "no beats")
    return Value(float(np.mean([kind in _PREMATURE for kind in beats])), "", n=len(beats))


def _cycles(beats: Sequence[str], *, period: int) -> Value:
    """Longest run of cycles in which every `period`-th beat is premature and the others are not."""
    if len(beats) < 2 * period:
        return _unmeasurable("bigeminy_cycles", "too few beats")
    early = "".join("x" if kind in _PREMATURE else "-" for kind in beats)
    cycle = "-" * (period - 1) + "x"
    longest = max((len(run.group()) for run in re.finditer(f"(?:{cycle})+", early)), default=0)
    return Value(float(longest // period), "", n=len(beats))


def _pr_growth(kinds: Sequence[str], pr: NDArray[np.float64]) -> Value:
    blocked = [row for row, kind in enumerate(kinds) if kind == "p"]
    growth = [pr[row - 1] - pr[row + 1] for row in blocked if 0 < row < len(kinds) - 1]
    seen = [value for value in growth if np.isfinite(value)]
    if not seen:
        return Value(None, "ms", state="absent" if not blocked else "unmeasurable", why="no blocked P wave with PR "
                     "before and after")
    return Value(float(np.median(seen)), "ms", n=len(seen))


def _spread(pr: NDArray[np.float64]) -> Value:
    seen = pr[np.isfinite(pr)]
    if seen.size < 3:
        return _unmeasurable("pr_sd_ms", "fewer than three PR intervals")
    return Value(float(np.std(seen)), "ms", n=int(seen.size))


def _column(measurements: Measurements, name: str) -> NDArray[np.float64]:
    """One joint measure `[row]`, NaN where there is none."""
    rows = len(measurements.beats.kind)
    return np.asarray(measurements.beats.joint.get(name, np.full(rows, np.nan)), dtype=np.float64)


def _extreme(name: str, values: NDArray[np.float64], pick: Callable[[NDArray[np.float64]], np.float64]) -> Value:
    seen = values[np.isfinite(values)]
    if seen.size < 3:
        return _unmeasurable(name, "fewer than three beats")
    return Value(float(pick(seen)), PATTERN_MEASURES[name][0], n=int(seen.size))


def _leads(name: str, quality: Quality | None, wanted: Callable[[LeadQuality], bool]) -> Value:
    if quality is None:
        return _unmeasurable(name, "quality was not assessed")
    found = tuple(lead for lead, one in quality.leads.items() if wanted(one))
    return Value(float(len(found)), "", leads=found, n=len(quality.leads))


def _unmeasurable(name: str, why: str) -> Value:
    return Value(None, PATTERN_MEASURES[name][0], state="unmeasurable", why=why)
