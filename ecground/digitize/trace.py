"""From the ink of a page to one height a column for every strip: which run of ink is whose, and where its line runs.

`follow` works in two steps. First each column's runs of ink are given to strips: the network says for every pixel how
far it is from the zero line of its own lead, and a shortest path through the runs (Viterbi) keeps to what continues.
Then the line is placed inside the runs by analysis through synthesis: a pen of known width that goes through the
heights chosen must leave exactly the ink that is seen. That finds the tip of a stroke that is narrower than the pen
(tip = end of the ink less half a line) and the middle of a steep one, where the middle of the run would do neither.
A dynamic programme over three neighbouring columns finds the best heights on a ladder of levels, coarse to fine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.digitize.pen import Ink, fitted
from ecground.digitize.sheet import PX_PER_MM

__all__ = ["Strip", "Trace", "follow"]

Floats = NDArray[np.float64]
Map = NDArray[np.float32]

_INK: Final = 0.7
"""Probability at the edge of a run: the soft line has a radius of 1 px there, so that a column's ink ends where the
line is in the neighbouring columns."""
_FAINT: Final = 0.2
"""Least probability of a run's pixels; a run whose best pixel is below `_INK` is faint."""
_RADIUS: Final = 0.15 * PX_PER_MM
"""Half the width of that line [px]."""
_RUNS: Final = 4
"""Runs a column that are weighed for a strip."""
_FOREIGN: Final = 12.0 * PX_PER_MM
"""Ink whose own zero line is farther than this from a strip's is not the strip's [px]."""
_SHARE, _PIXELS = 0.1, 3
"""A row of strips has part in a run when at least this share, and this number, of its pixels say so."""
_SHARED: Final = 0.1
"""Price of a pixel of line in ink that seems to be another lead's."""
_LADDER: Final = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
_PASSES: Final = 2
_MARGIN: Final = 2
"""Rows above and below a run that the pen's fit looks at [px]."""
_LENGTH: Final = 0.4
"""Price of a pixel of height difference between columns, in pixels of ink not explained."""
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
    start_s: float | None = None
    """Second of the recording at `x0`; None while the paper speed is not known."""
    rhythm: bool = False


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
class _Runs:
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


@dataclass(frozen=True, slots=True)
class _Choice:
    """The run of a strip in each of its columns; NaN where there is none."""

    columns: NDArray[np.int64]
    top: Floats
    bottom: Floats
    first: Floats
    last: Floats
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
    runs = _runs(probability, height_mm, zeros)
    chosen = [_path(runs, strip, probability.shape[1]) for strip in strips]
    return _placed(chosen, probability)


def _runs(probability: Map, height_mm: Map, zeros: Floats) -> _Runs:
    """All runs of ink, told apart by the row whose zero line their pixels point at."""
    column, row = _inked(probability)
    if not column.size:
        nothing = np.zeros(0)
        return _Runs(np.zeros(0, np.int64), *(nothing,) * 6)
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
    return _Runs(
        column[order][begin],
        np.where(upper == row[start][whole], first[whole], upper - 0.5),
        np.where(lower == row[stop][whole], last[whole], lower + 0.5), first[whole], last[whole],
        np.add.reduceat((ink * points_at)[order], begin) / weight, np.maximum.reduceat(ink[order], begin),
    )


def _inked(probability: Map) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Column and row of the pixels of runs, column by column: above `_FAINT`, or near `_INK` where a run reaches it."""
    column, row = np.nonzero(np.ascontiguousarray(probability.T) >= _FAINT)
    if not column.size:
        return column, row
    ink = probability[row, column]
    starts = _starts(column, row)
    best = np.maximum.reduceat(ink, np.flatnonzero(starts))[np.cumsum(starts) - 1]
    kept = (best < _INK) | (ink >= _INK - 0.1)
    return column[kept], row[kept]


def _starts(column: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Pixels that do not continue the one before."""
    fresh = np.ones(column.size, dtype=bool)
    fresh[1:] = (np.diff(column) != 0) | (np.diff(row) != 1)
    return fresh


def _owners(owner: NDArray[np.int64], run: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Row of strips of each pixel; rows with few pixels in a run give them to the row with the most."""
    votes = np.zeros((int(run[-1]) + 1, n))
    np.add.at(votes, (run, owner), 1.0)
    few = votes < np.maximum(_PIXELS, _SHARE * votes.sum(axis=1, keepdims=True))
    return np.where(few[run, owner], votes.argmax(axis=1)[run], owner)


def _edge(
    probability: Map, column: NDArray[np.int64], row: NDArray[np.int64], level: Floats, step: int,
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
    return at + step * np.clip(share, 0.0, 1.0)


def _path(runs: _Runs, strip: Strip, width: int) -> _Choice:
    x0, x1 = max(0, int(np.ceil(strip.x0))), min(width - 1, int(np.floor(strip.x1)))
    columns = np.arange(x0, max(x0, x1) + 1)
    low, high = np.searchsorted(runs.column, (x0, x1 + 1))
    far = np.abs(runs.zero[low:high] - strip.zero)
    mine = low + np.flatnonzero(far < _FOREIGN)
    top, bottom, first, last, certain = (np.full(columns.size, np.nan) for _ in range(5))
    if mine.size:
        table, cost = _candidates(runs, mine, strip.zero, x0, columns.size)
        path = _shortest(table, cost, runs)
        found = path >= 0
        top[found], bottom[found] = runs.top[path[found]], runs.bottom[path[found]]
        first[found], last[found] = runs.first[path[found]], runs.last[path[found]]
        near = np.exp(-((runs.zero[path[found]] - strip.zero) / (4.0 * PX_PER_MM)) ** 2)
        certain[found] = np.clip(runs.best[path[found]], 0.0, 1.0) * near
    return _Choice(columns, top, bottom, first, last, certain)


def _candidates(
    runs: _Runs, mine: NDArray[np.int64], zero: float, x0: int, n: int,
) -> tuple[NDArray[np.int64], Floats]:
    """For each column the runs that may be the strip's, best first, -1 for none; and what taking each costs [px]."""
    cost = np.abs(runs.zero[mine] - zero) + PX_PER_MM * (1.0 - runs.best[mine])
    order = np.lexsort((cost, runs.column[mine]))
    mine, cost = mine[order], cost[order]
    column = runs.column[mine] - x0
    first = np.searchsorted(column, column, side="left")
    rank = np.arange(mine.size) - first
    kept = rank < _RUNS
    table = np.full((n, _RUNS), -1)
    price = np.full((n, _RUNS), _BLANK)
    table[column[kept], rank[kept]] = mine[kept]
    price[column[kept], rank[kept]] = cost[kept]
    return table, price


def _shortest(table: NDArray[np.int64], cost: Floats, runs: _Runs) -> NDArray[np.int64]:
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
    path = np.full(len(table), -1)
    state = int(total.argmin())
    for i in range(columns.size - 1, -1, -1):
        path[columns[i]] = table[columns[i], state]
        state = int(back[i, state])
    return path


def _placed(chosen: Sequence[_Choice], probability: Map) -> tuple[Trace, ...]:
    """Place the line inside the runs of all strips at once; shorter strips are padded at their end."""
    n = max(choice.columns.size for choice in chosen)
    ends = np.full((4, len(chosen), n), np.nan)
    for i, choice in enumerate(chosen):
        ends[:, i, :choice.columns.size] = choice.top, choice.bottom, choice.first, choice.last
    ink = np.isfinite(ends[0])
    seen = _Seen(*(_bridged(edge) for edge in ends), ink)
    middle = 0.5 * (seen.top + seen.bottom)
    spread = np.maximum(0.5 * (seen.bottom - seen.top) - 1.0, 0.0)
    y = middle
    for k in range(_PASSES):
        levels = np.clip(y[..., None] + spread[..., None] * _LADDER * 0.5**k,
                         (middle - spread)[..., None], (middle + spread)[..., None])
        y = _best_levels(levels, seen)
    lines = _fitted([y[i, :choice.columns.size] for i, choice in enumerate(chosen)], chosen, probability)
    traces = []
    for i, (choice, line) in enumerate(zip(chosen, lines, strict=True)):
        there = ink[i, :choice.columns.size]
        padded = np.pad(line, 1, mode="edge")
        misfit = seen.part(i, line.size).misfit(*_ends(padded[:-2], line, padded[2:]))
        traces.append(Trace(choice.columns, np.where(there, line, np.nan), np.nan_to_num(choice.certain),
                            np.where(there, misfit, np.nan)))
    return tuple(traces)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Ends of the ink in each column `[strip, column]`: the strip's own, and with that of other leads beside it."""

    top: Floats
    bottom: Floats
    first: Floats
    last: Floats
    ink: NDArray[np.bool_]

    def part(self, i: int, n: int) -> _Seen:
        """One strip, up to its last column."""
        return _Seen(*(edge[i, :n] for edge in (self.top, self.bottom, self.first, self.last, self.ink)))

    def inner(self) -> _Seen:
        """Without the first and last column, with three axes for levels."""
        parts = (self.top, self.bottom, self.first, self.last, self.ink)
        return _Seen(*(edge[:, 1:-1, None, None, None] for edge in parts))

    def misfit(self, high: Floats, low: Floats) -> Floats:
        """Own ink that a pen from `high` to `low` leaves out, and white and others' ink that it covers [px]."""
        left_out = np.maximum(high - self.top, 0.0) + np.maximum(self.bottom - low, 0.0)
        white = np.maximum(self.first - high, 0.0) + np.maximum(low - self.last, 0.0)
        shared = np.maximum(self.top - high, 0.0) + np.maximum(low - self.bottom, 0.0) - white
        return left_out + white + _SHARED * np.maximum(shared, 0.0)


def _fitted(lines: Sequence[Floats], chosen: Sequence[_Choice], probability: Map) -> list[Floats]:
    """The lines after the pen's fit to the pixels of their runs and a margin around them."""
    y = np.concatenate(lines)
    top = np.concatenate([choice.top for choice in chosen])
    bottom = np.concatenate([choice.bottom for choice in chosen])
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


def _bridged(rows: Floats) -> Floats:
    """NaN filled by straight lines along each row, 0 where there is nothing."""
    at = np.arange(rows.shape[1])
    filled = np.zeros_like(rows)
    for i, row in enumerate(rows):
        known = np.isfinite(row)
        if known.any():
            filled[i] = np.interp(at, at[known], row[known])
    return filled


_BETWEEN: Final = float(np.sqrt(0.75))


def _ends(left: Floats, here: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Top and bottom of the ink that a round pen of radius 1 leaves in a column on its way from `left` to `right`."""
    a, b = 0.5 * (left + here), 0.5 * (right + here)
    high = np.minimum(np.minimum(left, right), np.minimum(a, b) - _BETWEEN)
    low = np.maximum(np.maximum(left, right), np.maximum(a, b) + _BETWEEN)
    return np.minimum(high, here - 1.0), np.maximum(low, here + 1.0)


def _best_levels(levels: Floats, seen: _Seen) -> Floats:
    """Choose a level for each column `[strip, column, level]` so that the pen's ink is that seen.

    Exact dynamic programme whose state is the pair of levels in two neighbouring columns.
    """
    strips, n, k = levels.shape
    here = levels[:, 1:-1, None, :, None]
    high, low = _ends(levels[:, :-2, :, None, None], here, levels[:, 2:, None, None, :])
    inner = seen.inner()
    cost = inner.misfit(high, low) * inner.ink
    # Of equal explanations the shortest line, and the middle of the run, are taken.
    cost += _LENGTH * np.abs(levels[:, 2:, None, None, :] - here)
    total = np.zeros((strips, k, k))
    back = np.zeros((n, strips, k, k), dtype=np.int8)
    for i in range(n - 2):
        whole = total[..., None] + cost[:, i]
        back[i + 2] = whole.argmin(axis=1)
        total = whole.min(axis=1)
    flat = total.reshape(strips, -1).argmin(axis=1)
    before, after = flat // k, flat % k
    picked = np.zeros((strips, n), dtype=np.int64)
    picked[:, n - 2], picked[:, n - 1] = before, after
    all_strips = np.arange(strips)
    for i in range(n - 1, 1, -1):
        before, after = back[i, all_strips, before, after].astype(np.int64), before
        picked[:, i - 2] = before
    return np.take_along_axis(levels, picked[..., None], axis=2)[..., 0]
