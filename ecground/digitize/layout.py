"""Which strip of a sheet is which lead: zero lines, printed names and the registered layouts brought together.

The zero lines of the rows come from the traces themselves: each pixel of a trace says how far below or above it its
own zero line is, and the rows are where many agree. Every layout of `paper.layout` is then laid over the rows and the
width of the traces, and the one that explains the printed names best wins: a name counts for it when it stands at the
same place of its cell as the other names do, against it when it does not; a cell without its name counts a little
against it, a row too many or too few more. The strips over the whole width are free in their lead: it is the name
printed there. When no layout explains most names, each name owns the strip beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.digitize.segment import NameHit, Segmentation
from ecground.digitize.sheet import PX_PER_MM, Problem
from ecground.digitize.trace import Strip
from ecground.paper.layout import Cell, Layout, layouts

__all__ = ["Arrangement", "Row", "arrange", "rows_of"]

Floats = NDArray[np.float64]

_INK: Final = 0.5
_BLUR: Final = 0.5 * PX_PER_MM
"""Standard deviation with which votes for zero lines are added up [px]."""
_APART: Final = 4.0 * PX_PER_MM
"""Least distance of two zero lines [px]."""
_SPLIT: Final = 12.0 * PX_PER_MM
_TOGETHER: Final = 0.4
"""Zero lines nearer than `_SPLIT` [px] are one when at most this share of their columns has both."""
_ROW_LENGTH: Final = 12.0 * PX_PER_MM
"""Least length of ink of a row [px]: half a second at 25 mm/s."""
_DENSE: Final = 0.4
"""Least share of a row's columns that have its ink; strokes alone are less."""
_WINDOW: Final = int(4 * PX_PER_MM)
_FILLED: Final = 0.7
"""A row begins and ends where this share of `_WINDOW` columns [px] has its ink."""
_USUAL_MM: Final = (125.0, 150.0, 250.0, 300.0, 500.0)
"""Widths of 5, 6, 10 and 12 s at 25 mm/s and of 10 s at 50 mm/s."""
_FIRST: Final = 20.0 * PX_PER_MM
"""A name this near a row's start belongs to the row from its start on [px]."""
_BAR: Final = 3.5 * PX_PER_MM
"""Least length of separators at one place, for each row [px]."""
_OFF: Final = 0.012
"""A block that differs from that by up to this share has a pulse's foot at its end, or a faint or covered end."""
_IN_ROW, _IN_CELL = 0.3, 0.2
"""How far a name may stand from where the others stand in their cells, as shares of a row and a column."""
_MISSING, _ROWS = 0.25, 0.8
"""What a missing name, and a row too many or too few, cost, in names."""
_ELSEWHERE: Final = 0.2
_LEGIBLE: Final = 0.7
"""Score from which a name is not misread."""
_ILLEGIBLE: Final = 0.55
"""A layout of whose names more than this share is missing is not believed."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of traces."""

    zero: float
    """y of 0 mV [px]."""
    x0: float
    """First and last column with ink [px]."""
    x1: float


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The strips of a sheet and how surely they are known."""

    layout: Layout | None
    """None where names stand in an order that no layout has."""
    strips: tuple[Strip, ...]
    unnamed: frozenset[int]
    """Indices of strips whose lead was not printed (or not read) and follows from the layout alone."""
    confidence: float
    """0..1: share of the names that stand where the layout has them."""
    problems: tuple[Problem, ...] = ()
    bars: tuple[float, ...] = ()
    """x of printed separators between columns [px]."""


def arrange(seen: Segmentation, *, layout: Layout | None = None) -> Arrangement:
    """The strips of a sheet.

    Args:
        seen: what the network found.
        layout: the layout, when the user knows it; the names then only say where rhythm strips differ.
    """
    rows = rows_of(seen)
    if not rows:
        return Arrangement(layout, (), frozenset(), 0.0, (Problem(
            "layout", "no trace was found", "is this an ECG? scan it, or photograph it closer and in even light"),))
    candidates = [layout] if layout is not None else _distinct(layouts())
    fits = [fit for plan in candidates for fit in _fits(plan, rows, seen.names)]
    best = max(fits, key=lambda fit: fit.score, default=None)
    if best is None or (layout is None and not best.legible):
        return _by_names(rows, seen)
    return _arrangement(best, rows, seen, given=layout is not None)


def rows_of(seen: Segmentation) -> tuple[Row, ...]:
    """The rows of traces from top to bottom."""
    y, x = np.nonzero(seen.trace >= _INK)
    height = seen.trace.shape[0]
    points_at = y + PX_PER_MM * seen.height_mm[y, x].astype(np.float64)
    zeros = _peaks(points_at, height)
    if not zeros.size:
        return ()
    owner = _united(np.abs(points_at[:, None] - zeros[None, :]).argmin(axis=1), x, zeros)
    rows = []
    for k, zero in enumerate(zeros):
        mine = (owner == k) & (np.abs(points_at - zero) < _SPLIT)
        columns = _main_part(np.unique(x[mine]))
        if columns.size >= _ROW_LENGTH and columns.size >= _DENSE * (columns[-1] - columns[0]):
            rows.append(Row(float(np.median(points_at[mine])), float(columns[0]), float(columns[-1])))
    return tuple(rows)


def _united(owner: NDArray[np.int64], x: NDArray[np.int64], zeros: Floats) -> NDArray[np.int64]:
    """Owners after joining zero lines that are one: where a baseline wanders, votes for it come from other columns."""
    columns = np.zeros((len(zeros), int(x.max()) + 1), dtype=bool)
    columns[owner, x] = True
    head = np.arange(len(zeros))
    for k in range(1, len(zeros)):
        one, two = columns[head[k - 1]], columns[k]
        if zeros[k] - zeros[head[k - 1]] < _SPLIT and (one & two).sum() < _TOGETHER * min(one.sum(), two.sum()):
            smaller, larger = sorted((int(head[k - 1]), k), key=lambda i: int(columns[i].sum()))
            head[head == smaller] = larger
            columns[larger] |= columns[smaller]
    return np.asarray(head[owner], np.int64)


def _peaks(points_at: Floats, height: int) -> Floats:
    from scipy.ndimage import gaussian_filter1d, maximum_filter1d

    margin = int(40 * PX_PER_MM)
    kept = points_at[(points_at > -margin) & (points_at < height + margin)]
    if not kept.size:
        return np.zeros(0)
    votes = np.bincount(np.rint(kept).astype(np.int64) + margin, minlength=height + 2 * margin).astype(np.float64)
    smooth = gaussian_filter1d(votes, _BLUR, mode="constant")
    tall = maximum_filter1d(smooth, int(2 * _APART) + 1, mode="constant")
    least = 0.15 * _ROW_LENGTH / (_BLUR * np.sqrt(2 * np.pi))
    return np.asarray(np.flatnonzero((smooth == tall) & (smooth > least)) - margin, dtype=np.float64)


def _main_part(columns: NDArray[np.int64]) -> NDArray[np.int64]:
    """The columns between the first and last that dense ink starts and ends with: dashes beyond do not count."""
    if columns.size < _WINDOW:
        return columns[:0]
    there = np.zeros(int(columns[-1]) + 2 * _WINDOW, dtype=np.int64)
    there[columns] = 1
    total = np.concatenate([[0], np.cumsum(there)])
    before = total[columns + 1] - total[np.maximum(columns + 1 - _WINDOW, 0)]
    after = total[columns + _WINDOW] - total[columns]
    starts, stops = columns[after > _FILLED * _WINDOW], columns[before > _FILLED * _WINDOW]
    if not (starts.size and stops.size):
        return columns[:0]
    return np.asarray(columns[(columns >= starts[0]) & (columns <= stops[-1])], np.int64)


@dataclass(frozen=True, slots=True)
class _Fit:
    """A layout laid over the rows."""

    layout: Layout
    rows: tuple[Row, ...]
    """A row for each row of the layout."""
    named: dict[int, NameHit]
    """Cell -> the name that stands in it."""
    score: float
    legible: bool
    """Most of the layout's names are there, and more names speak for it than against it."""


def _distinct(plans: Sequence[Layout]) -> list[Layout]:
    """Layouts that differ in where things stand: of sequential and simultaneous twins, and of any rhythm leads, one."""
    seen: dict[tuple[object, ...], Layout] = {}
    for plan in plans:
        seen.setdefault((plan.columns, len(plan.rhythm)), plan)
    return list(seen.values())


def _fits(plan: Layout, rows: tuple[Row, ...], names: Sequence[NameHit]) -> list[_Fit]:
    """The layout over every run of as many neighbouring rows; rows are added at equal distances where too few are."""
    surplus = len(rows) - plan.rows
    if surplus >= 0:
        return [_fit(plan, rows[k:k + plan.rows], names, surplus) for k in range(surplus + 1)]
    if -surplus > max(1, plan.rows // 3) or len(rows) < 2:
        return []
    step = float(np.median(np.diff([row.zero for row in rows])))
    x0, x1 = _span(rows)
    filled: list[Row] = [rows[0]]
    for row in rows[1:]:
        missing = round((row.zero - filled[-1].zero) / step) - 1
        filled += [Row(filled[-1].zero + step, x0, x1) for _ in range(max(missing, 0))]
        filled.append(row)
    above = plan.rows - len(filled)
    if above < 0:
        return []
    choices = []
    for k in range(above + 1):
        top = [Row(rows[0].zero - step * (k - i), x0, x1) for i in range(k)]
        bottom = [Row(rows[-1].zero + step * (i + 1), x0, x1) for i in range(above - k)]
        choices.append(_fit(plan, (*top, *filled, *bottom), names, -surplus))
    return choices


def _span(rows: Sequence[Row]) -> tuple[float, float]:
    """First and last column of the block of strips, as most rows have it: some begin late, or with a pulse's foot."""
    starts, stops = (np.sort([getattr(row, name) for row in rows]) for name in ("x0", "x1"))
    x0, x1 = float(starts[(len(rows) - 1) // 2]), float(stops[len(rows) // 2])
    for usual in _USUAL_MM:
        extra = x1 - x0 - usual * PX_PER_MM
        if abs(extra) < _OFF * usual * PX_PER_MM:
            # The end on which fewer rows agree gives way.
            agree = [(np.abs(edge - at) <= 2.0).sum() for edge, at in ((starts, x0), (stops, x1))]
            return (x0 + extra, x1) if agree[0] < agree[1] else (x0, x1 - extra)
    return x0, x1


def _fit(plan: Layout, rows: tuple[Row, ...], names: Sequence[NameHit], unmatched: int) -> _Fit:
    cells = plan.cells(float(len(plan.columns)))
    zeros = np.array([row.zero for row in rows])
    pitch = float(np.median(np.diff(zeros))) if zeros.size > 1 else 30.0 * PX_PER_MM
    x0, x1 = _span(rows)
    width = (x1 - x0) / len(plan.columns)
    pairs = [(i, k, (hit.x - x0 - cell.column * width) / width, (hit.y - zeros[cell.row]) / pitch)
             for i, hit in enumerate(names) for k, cell in enumerate(cells)
             if cell.lead == hit.lead or (cell.rhythm and hit.lead[0] != "-")]
    right, above = _where_names_stand([pair for pair in pairs if not cells[pair[1]].rhythm] or pairs, names)
    named: dict[int, NameHit] = {}
    used: set[int] = set()
    close = [(abs(dx - right) / _IN_CELL + abs(dy - above) / _IN_ROW, i, k) for i, k, dx, dy in pairs
             if abs(dy - above) < _IN_ROW
             and abs(dx - right) < _IN_CELL * (len(plan.columns) if cells[k].rhythm else 1)]
    # Cells of the columns are served before rhythm strips, which take any name.
    for _, i, k in sorted(close, key=lambda item: (cells[item[2]].rhythm, item[0])):
        if i not in used and k not in named:
            named[k] = names[i]
            used.add(i)
    support = sum(names[i].score for i in used)
    left, over = right * width + x0, above * pitch
    against = sum(_contrary(hit, _in_place(hit, cells, left, over, width, zeros, pitch))
                  for i, hit in enumerate(names) if i not in used)
    empty = sum(1 for k, cell in enumerate(cells) if k not in named and not cell.rhythm)
    score = support - against - _MISSING * empty - _ROWS * unmatched
    legible = support > against and empty <= _ILLEGIBLE * sum(not cell.rhythm for cell in cells)
    return _Fit(plan, rows, named, score, legible)


def _contrary(hit: NameHit, in_place: bool) -> float:
    """How much an unexplained name speaks against a layout.

    Where another name should stand: fully, unless it is hardly legible and so may be that name misread. Elsewhere:
    little, since words of a header are taken for names now and then.
    """
    return hit.score * (min(1.0, hit.score / _LEGIBLE) if in_place else _ELSEWHERE)


def _in_place(
    hit: NameHit, cells: Sequence[Cell], left: float, above: float, width: float, zeros: Floats, pitch: float,
) -> bool:
    """Whether the name stands where the name of some cell would."""
    return any(abs(hit.y - zeros[cell.row] - above) < _IN_ROW * pitch
               and abs(hit.x - left - cell.column * width) < _IN_CELL * width for cell in cells)


def _where_names_stand(
    pairs: Sequence[tuple[int, int, float, float]], names: Sequence[NameHit],
) -> tuple[float, float]:
    """Place in their cells, in shares of a cell, on which most names agree (x to the right, y down)."""
    if not pairs:
        return 0.0, 0.0
    at = np.array([(dx, dy) for _, _, dx, dy in pairs])
    weight = np.array([names[i].score for i, *_ in pairs])
    # Names stand near the left of their cell and within a row of its zero line.
    usual = (np.abs(at[:, 1]) < 0.9) & (at[:, 0] > -0.5) & (at[:, 0] < 1.0)
    apart = np.abs(at[:, None] - at[None, :])
    agree = (apart[..., 0] < _IN_CELL) & (apart[..., 1] < _IN_ROW / 2)
    votes = np.where(usual, agree @ weight, 0.0)
    near = agree[int(votes.argmax())] & usual
    if not near.any():
        return 0.0, 0.0
    x, y = np.median(at[near], axis=0)
    return float(x), float(y)


def _arrangement(fit: _Fit, rows: tuple[Row, ...], seen: Segmentation, *, given: bool) -> Arrangement:
    plan = fit.layout
    cells = plan.cells(float(len(plan.columns)))
    edges, bars = _edges(fit, seen)
    strips = []
    for k, cell in enumerate(cells):
        row = fit.rows[cell.row]
        x0, x1 = (edges[0], edges[-1]) if cell.rhythm else (edges[cell.column], edges[cell.column + 1])
        lead = fit.named[k].lead if k in fit.named else cell.lead
        strips.append(Strip(lead, cell.row, cell.column, x0, x1, row.zero, cell.rhythm))
    share = len(fit.named) / max(len(cells), 1)
    problems = []
    if not fit.named and not given:
        problems.append(Problem("layout", "no lead names were found", "name the layout with --layout"))
    elif share < 0.6:
        problems.append(Problem("layout", f"only {len(fit.named)} of {len(cells)} strips have a readable lead name",
                                "check the leads on the overlay, or name the layout with --layout"))
    unnamed = frozenset(k for k in range(len(cells)) if k not in fit.named)
    return Arrangement(plan, tuple(strips), unnamed, max(share, 0.8) if given else share, tuple(problems), bars)


def _edges(fit: _Fit, seen: Segmentation) -> tuple[list[float], tuple[float, ...]]:
    """Where the columns begin and end [px], of equal width unless separators stand elsewhere; and the separators."""
    x0, x1 = _span(fit.rows)
    n = len(fit.layout.columns)
    width = (x1 - x0) / n
    reach = int(min(0.1 * width, 5.0 * PX_PER_MM))
    edges, bars = [x0, *(x0 + width * k for k in range(1, n)), x1], []
    for k in range(1, n):
        low = max(0, round(edges[k]) - reach)
        part = seen.separator[:, low:round(edges[k]) + reach + 1].sum(axis=0)
        # Strokes of QRS complexes that stand one above the other are taken for bars now and then, but are shorter.
        if part.size and part.max() > _BAR * len(fit.rows):
            edges[k] = low + float(np.flatnonzero(part > 0.5 * part.max()).mean())
            bars.append(edges[k])
    return edges, tuple(bars)


def _by_names(rows: tuple[Row, ...], seen: Segmentation) -> Arrangement:
    """Each name owns the strip to its right, up to the next name of its row or the row's end."""
    if not seen.names:
        return Arrangement(None, (), frozenset(), 0.0, (Problem(
            "layout", "no lead names were found", "name the layout with --layout"),))
    zeros = np.array([row.zero for row in rows])
    gaps = np.array([[hit.y - zero for zero in zeros] for hit in seen.names])
    offset = float(np.median(gaps[np.arange(len(gaps)), np.abs(gaps).argmin(axis=1)]))
    owner = np.abs(gaps - offset).argmin(axis=1)
    strips = []
    for r, row in enumerate(rows):
        hits = sorted((hit for hit, own in zip(seen.names, owner, strict=True) if own == r), key=lambda hit: hit.x)
        for k, hit in enumerate(hits):
            # A first name far from the row's start marks where its lead begins; what stands before it has no name.
            start = row.x0 if k == 0 and hit.x - row.x0 < _FIRST else hit.x - 2.0 * PX_PER_MM
            stop = hits[k + 1].x - 2.0 * PX_PER_MM if k + 1 < len(hits) else row.x1
            if stop - start > _ROW_LENGTH:
                strips.append(Strip(hit.lead, r, k, start, stop, row.zero))
    problem = Problem("layout", "the lead names stand in an order that no known layout has",
                      "check the leads on the overlay, or name the layout with --layout")
    return Arrangement(None, tuple(strips), frozenset(), 0.7, (problem,))
