"""Vertical runs of ink in the columns of a sheet, and which row of strips each of their pixels belongs to.

The network says for every pixel how far it is from the zero line of its own lead; where two leads cross, one run holds
pixels of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.digitize.sheet import PX_PER_MM

__all__ = ["Runs", "runs_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Map = NDArray[np.float32]

_INK: Final = 0.7
"""Probability at the edge of a run: the soft line has a radius of 1 px there, so that a column's ink ends where the
line is in the neighbouring columns."""
_FAINT: Final = 0.2
"""Least probability of a run's pixels; a run whose best pixel is below `_INK` is faint."""
_SHARE, _PIXELS = 0.1, 3
"""A row of strips has part in a run when at least this share, and this number, of its pixels say so."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Vertical runs of ink, once for each row of strips that has pixels in it, sorted by column."""

    column: NDArray[np.int64]
    top: Floats
    """First pixel of that row's leads; the end of the ink by interpolation where the run begins with it."""
    bottom: Floats
    first: Floats
    """Ends of the whole run; other leads' ink lies between them and `top` and `bottom`."""
    last: Floats
    zero: Floats
    """Zero line that the pixels point at [px]."""
    best: Floats
    """Largest probability among them."""
    share: Floats
    """Share of the whole run's pixels that they are."""


def runs_of(probability: Map, height_mm: Map, zeros: Floats) -> Runs:
    """All runs of ink, told apart by the row whose zero line their pixels point at."""
    column, row = _inked(probability)
    if not column.size:
        nothing = np.zeros(0)
        return Runs(np.zeros(0, np.int64), *(nothing,) * 7)
    ink = probability[row, column].astype(np.float64)
    points_at = row + PX_PER_MM * height_mm[row, column].astype(np.float64)
    fresh = _starts(column, row)
    run = np.cumsum(fresh) - 1
    start = np.flatnonzero(fresh)
    stop = np.append(start[1:], column.size) - 1
    level = np.minimum(_INK, 0.5 * np.maximum.reduceat(ink, start))
    first = _edge(probability, column[start], row[start], level, -1)
    last = _edge(probability, column[stop], row[stop], level, 1)
    owner = _owners(np.abs(points_at[:, None] - zeros[None, :]).argmin(axis=1), run, len(zeros))
    order = np.lexsort((row, owner, run))
    group = run[order] * len(zeros) + owner[order]
    begin = np.flatnonzero(np.diff(group, prepend=-1) != 0)
    end = np.append(begin[1:], column.size) - 1
    whole = run[order][begin]
    upper, lower = row[order][begin], row[order][end]
    weight = np.add.reduceat(ink[order], begin)
    return Runs(
        column[order][begin],
        np.where(upper == row[start][whole], first[whole], upper - 0.5),
        np.where(lower == row[stop][whole], last[whole], lower + 0.5), first[whole], last[whole],
        np.add.reduceat((ink * points_at)[order], begin) / weight, np.maximum.reduceat(ink[order], begin),
        (end - begin + 1) / (stop - start + 1)[whole],
    )


def _inked(probability: Map) -> tuple[Ints, Ints]:
    """Column and row of the pixels of runs, column by column: above `_FAINT`, or near `_INK` where a run reaches it."""
    column, row = np.nonzero(np.ascontiguousarray(probability.T) >= _FAINT)
    if not column.size:
        return column, row
    ink = probability[row, column]
    starts = _starts(column, row)
    best = np.maximum.reduceat(ink, np.flatnonzero(starts))[np.cumsum(starts) - 1]
    kept = (best < _INK) | (ink >= _INK - 0.1)
    return column[kept], row[kept]


def _starts(column: Ints, row: Ints) -> NDArray[np.bool_]:
    """Pixels that do not continue the one before."""
    fresh = np.ones(column.size, dtype=bool)
    fresh[1:] = (np.diff(column) != 0) | (np.diff(row) != 1)
    return fresh


def _owners(owner: Ints, run: Ints, n: int) -> Ints:
    """Row of strips of each pixel; rows with few pixels in a run give them to the row with the most."""
    votes = np.zeros((int(run[-1]) + 1, n))
    np.add.at(votes, (run, owner), 1.0)
    few = votes < np.maximum(_PIXELS, _SHARE * votes.sum(axis=1, keepdims=True))
    return np.where(few[run, owner], votes.argmax(axis=1)[run], owner)


def _edge(
    probability: Map, column: Ints, row: Ints, level: Floats, step: int,
) -> Floats:
    """Where the probability falls through `level` near the end of a run: `row` moved inwards, then interpolated."""
    height = probability.shape[0]
    at = row.copy()
    for _ in range(3):
        weak = probability[at, column] < level
        at = np.where(weak, np.clip(at - step, 0, height - 1), at)
    inner = probability[at, column].astype(np.float64)
    outer = probability[np.clip(at + step, 0, height - 1), column].astype(np.float64)
    share = np.where(inner - outer > 1e-3, (inner - level) / np.maximum(inner - outer, 1e-3), 0.5)
    end: Floats = at + step * np.clip(share, 0.0, 1.0)
    return end
