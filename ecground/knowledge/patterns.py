"""Rhythm patterns that criteria need and that follow from the table of beats: sequences, not single measurements.

Contract: `patterns(measurements)` gives a `Value` for every name in PATTERN_MEASURES; `unmeasurable` when there are too
few beats for the pattern to show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.measure.table import Measurements, Value

__all__ = ["PATTERN_MEASURES", "patterns"]

PATTERN_MEASURES: Final[Mapping[str, tuple[str, str]]] = {
    "ectopic_fraction": ("", "share of beats that are premature"),
    "bigeminy_cycles": ("", "longest run of cycles of one normal and one premature beat"),
    "trigeminy_cycles": ("", "longest run of cycles of two normal beats and one premature beat"),
    "pr_growth_ms": ("ms", "PR of the last beat before a blocked P minus PR of the first beat after one"),
    "pr_sd_ms": ("ms", "standard deviation of the PR intervals of all beats"),
}
"""Measures made here: name -> (unit, meaning)."""

_PREMATURE: Final = frozenset("SV")


def patterns(measurements: Measurements) -> dict[str, Value]:
    """All PATTERN_MEASURES of one record."""
    kinds = measurements.beats.kind
    beats = [kind for kind in kinds if kind != "p"]
    pr = np.asarray(measurements.beats.joint.get("pr_ms", np.full(len(kinds), np.nan)), dtype=np.float64)
    return {
        "ectopic_fraction": _fraction(beats),
        "bigeminy_cycles": _cycles(beats, period=2),
        "trigeminy_cycles": _cycles(beats, period=3),
        "pr_growth_ms": _pr_growth(kinds, pr),
        "pr_sd_ms": _spread(pr),
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
    runs = [n for n in range(1, len(beats) // period + 1) if cycle * n in early]
    return Value(float(max(runs, default=0)), "", n=len(beats))


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


def _unmeasurable(name: str, why: str) -> Value:
    return Value(None, PATTERN_MEASURES[name][0], state="unmeasurable", why=why)
