"""From the ink of a page to one height a column for every strip.

Each column's runs of ink are given to strips by a shortest path (Viterbi): a run should point at the strip's own zero
line and continue the run before. The line is then placed inside the runs (`strokes`) and fitted to the ink to a
fraction of a pixel (`pen`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.digitize.pen import Ink, fitted
from ecground.digitize.runs import Runs, runs_of
from ecground.digitize.sheet import PX_PER_MM
from ecground.digitize.strokes import Ends, heights

__all__ = ["Strip", "Trace", "follow"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Map = NDArray[np.float32]

_RADIUS: Final = 0.15 * PX_PER_MM
"""Half the width of the network's line [px]."""
_RUNS: Final = 4
"""Runs a column that are weighed for a strip."""
_FOREIGN: Final = 12.0 * PX_PER_MM
"""Ink whose own zero line is farther than this from a strip's is not the strip's [px]."""
_MARGIN: Final = 2
"""Rows above and below a run that the pen's fit looks at [px]."""
_MAJOR, _MINOR = 0.5, 0.05
"""A strip must explain its part of a run that is at least this share of it; a smaller part it may leave."""
_LEFT_OVER: Final = 5.0
"""Ink that no line explains [px] from which it is given to one."""
_CONTESTED: Final = 0.5
"""How much surer a run is that holds one lead only."""
_BLANK: Final = 1e6


@dataclass(frozen=True, slots=True)
class Strip:
    """One strip of a lead on a sheet."""

    lead: str
    """As printed: a standard name or `-aVR`."""
    row: int
    column: int
    x0: float
    """First column [sheet px]."""
    x1: float
    """Last column [sheet px]."""
    zero: float
    """y of 0 mV [sheet px]."""
    rhythm: bool = False
    """A strip over the whole width."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The line of one strip, at whole columns."""

    x: NDArray[np.int64]
    """Columns [sheet px], without gaps."""
    y: Floats
    """Height of the line [sheet px], down; NaN where no ink was found."""
    certain: Floats
    """0..1 for each column: how surely the ink there is this strip's."""
    misfit: Floats
    """Ink that the line does not explain, or too much of it [px], for each column; NaN without ink."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """The run of a strip in each of its columns; NaN where there is none."""

    columns: NDArray[np.int64]
    top: Floats
    bottom: Floats
    first: Floats
    last: Floats
    share: Floats
    """Share of the run's pixels that are the strip's own."""
    certain: Floats


def follow(
    probability: Map, height_mm: Map, strips: Sequence[Strip],
) -> tuple[Trace, ...]:
    """The line of each strip.

    Args:
        probability: `[height, width]` of a trace's centre line, soft over 0.3 mm.
        height_mm: height of each trace pixel above its own zero line [mm].
        strips: where to look.

    Returns:
        One trace a strip, over all columns from `x0` to `x1`.
    """
    if not strips:
        return ()
    zeros = np.unique([strip.zero for strip in strips])
    runs = runs_of(probability, height_mm, zeros)
    chosen = [_path(runs, strip, probability.shape[1]) for strip in strips]
    return _placed(chosen, probability)


def _path(runs: Runs, strip: Strip, width: int) -> _Choice:
    x0, x1 = max(0, int(np.ceil(strip.x0))), min(width - 1, int(np.floor(strip.x1)))
    columns = np.arange(x0, max(x0, x1) + 1)
    low, high = np.searchsorted(runs.column, (x0, x1 + 1))
    far = np.abs(runs.zero[low:high] - strip.zero)
    mine = low + np.flatnonzero(far < _FOREIGN)
    top, bottom, first, last, share, certain = (np.full(columns.size, np.nan) for _ in range(6))
    if mine.size:
        table, cost = _candidates(runs, mine, strip.zero, x0, columns.size)
        path = _shortest(table, cost, runs)
        found = path >= 0
        top[found], bottom[found] = runs.top[path[found]], runs.bottom[path[found]]
        first[found], last[found] = runs.first[path[found]], runs.last[path[found]]
        share[found] = runs.share[path[found]]
        near = np.exp(-((runs.zero[path[found]] - strip.zero) / (4.0 * PX_PER_MM)) ** 2)
        certain[found] = np.clip(runs.best[path[found]], 0.0, 1.0) * near
    return _Choice(columns, top, bottom, first, last, share, certain)


def _candidates(
    runs: Runs, mine: Ints, zero: float, x0: int, n: int,
) -> tuple[Ints, Floats]:
    """For each column the runs that may be the strip's, best first, -1 for none; and what taking each costs [px]."""
    cost = np.abs(runs.zero[mine] - zero) + PX_PER_MM * (1.0 - runs.best[mine])
    order = np.lexsort((cost, runs.column[mine]))
    mine, cost = mine[order], cost[order]
    column = runs.column[mine] - x0
    first = np.searchsorted(column, column, side="left")
    rank = np.arange(mine.size) - first
    kept = rank < _RUNS
    table = np.full((n, _RUNS), -1, np.int64)
    price = np.full((n, _RUNS), _BLANK)
    table[column[kept], rank[kept]] = mine[kept]
    price[column[kept], rank[kept]] = cost[kept]
    return table, price


def _shortest(table: Ints, cost: Floats, runs: Runs) -> Ints:
    """Viterbi over the columns that have candidates: white between the runs of neighbours costs its height."""
    columns = np.flatnonzero(table[:, 0] >= 0)
    top, bottom = runs.top[table[columns]], runs.bottom[table[columns]]
    jump = np.maximum(top[1:, None, :] - bottom[:-1, :, None], top[:-1, :, None] - bottom[1:, None, :])
    white = np.maximum(jump, 0.0) / np.sqrt(np.diff(columns))[:, None, None]
    total = cost[columns[0]].copy()
    back = np.zeros((columns.size, _RUNS), dtype=np.int64)
    for i in range(1, columns.size):
        whole = total[:, None] + white[i - 1]
        back[i] = whole.argmin(axis=0)
        total = whole[back[i], np.arange(_RUNS)] + cost[columns[i]]
    path = np.full(len(table), -1, np.int64)
    state = int(total.argmin())
    for i in range(columns.size - 1, -1, -1):
        path[columns[i]] = table[columns[i], state]
        state = int(back[i, state])
    return path


def _placed(chosen: Sequence[_Choice], probability: Map) -> tuple[Trace, ...]:
    """Place the lines inside the runs of all strips at once; shorter strips are padded at their end.

    A strip need not explain its smaller part of a run that holds another lead's ink too. What no line explains then
    goes to the line that ends next to it, and the lines of those strips are placed again.
    """
    n = max(choice.columns.size for choice in chosen)
    edges = np.full((5, len(chosen), n), np.nan)
    for i, choice in enumerate(chosen):
        owed = np.where(choice.share >= _MAJOR, 1.0, _MINOR)
        edges[:, i, :choice.columns.size] = choice.top, choice.bottom, choice.first, choice.last, owed
    ends = Ends.of(*edges)
    rough = heights(ends)
    again = _claimed(chosen, ends, rough)
    if again.size:
        rough[again] = heights(ends.strips(again))
    lines = _fitted([rough[i, :choice.columns.size] for i, choice in enumerate(chosen)], chosen, ends, probability)
    for i, line in enumerate(lines):
        rough[i, :line.size] = line
    misfit = np.where(ends.ink, ends.misfit(rough), np.nan)
    traces = []
    for i, (choice, line) in enumerate(zip(chosen, lines, strict=True)):
        alone = np.where(choice.share >= 1.0, 1.0, _CONTESTED)
        traces.append(Trace(choice.columns, np.where(ends.ink[i, :line.size], line, np.nan),
                            np.nan_to_num(choice.certain * alone), misfit[i, :line.size]))
    return tuple(traces)


def _claimed(chosen: Sequence[_Choice], ends: Ends, lines: Floats) -> Ints:
    """Give ink of shared runs that no line explains to the nearest line, in `ends`; the strips that got some."""
    high, low = ends.covered(lines)
    users: dict[tuple[int, float], list[tuple[int, int]]] = {}
    for i, choice in enumerate(chosen):
        for k in np.flatnonzero(choice.share < 1.0).tolist():
            users.setdefault((int(choice.columns[k]), float(choice.first[k])), []).append((i, k))
    got: set[int] = set()
    for at in users.values():
        first, last = chosen[at[0][0]].first[at[0][1]], chosen[at[0][0]].last[at[0][1]]
        for start, stop in _uncovered(first, last, [(high[i, k], low[i, k]) for i, k in at]):
            if stop - start >= _LEFT_OVER:
                i, k = min(at, key=lambda one: (max(start - low[one], high[one] - stop), -chosen[one[0]].share[one[1]]))
                ends.top[i, k], ends.bottom[i, k] = min(start, high[i, k]), max(stop, low[i, k])
                ends.owed[i, k] = 1.0
                got.add(i)
    return np.array(sorted(got), dtype=np.int64)


def _uncovered(first: float, last: float, intervals: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """What of `first` to `last` no interval covers."""
    rest, at = [], first
    for start, stop in sorted(intervals):
        if start > at:
            rest.append((at, min(start, last)))
        at = max(at, stop)
    if at < last:
        rest.append((at, last))
    return rest


def _fitted(
    lines: Sequence[Floats], chosen: Sequence[_Choice], placed: Ends, probability: Map,
) -> list[Floats]:
    """The lines after the pen's fit to the pixels of their runs and a margin around them."""
    y = np.concatenate(lines)
    seen = [np.isfinite(choice.top) for choice in chosen]
    top, bottom = (np.concatenate([np.where(there, edge[i, :there.size], np.nan) for i, there in enumerate(seen)])
                   for edge in (placed.top, placed.bottom))
    column = np.concatenate([choice.columns for choice in chosen])
    joined = np.ones(y.size, dtype=bool)
    ends = np.cumsum([line.size for line in lines])
    joined[ends - 1] = False
    whole = [np.concatenate([getattr(choice, name) for choice in chosen]) for name in ("first", "last")]
    vertex = np.flatnonzero(np.isfinite(top))
    # Beyond an end that is another lead's ink there is nothing to be learned.
    above, below = (np.where(edge == end, _MARGIN, 0)[vertex]
                    for edge, end in zip((top, bottom), whole, strict=True))
    first = np.ceil(top[vertex]).astype(np.int64) - above
    size = np.floor(bottom[vertex]).astype(np.int64) + below - first + 1
    size = np.maximum(size, 0)
    owner = np.repeat(vertex, size)
    row = np.repeat(first - np.concatenate([[0], np.cumsum(size)[:-1]]), size) + np.arange(size.sum())
    inside = (row >= 0) & (row < probability.shape[0])
    owner, row = owner[inside], row[inside]
    value = probability[row, column[owner]].astype(np.float64)
    ink = Ink(owner, row.astype(np.float64), value)
    return np.split(fitted(y, joined, ink, _RADIUS), ends[:-1])
