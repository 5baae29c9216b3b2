"""Where a pen went inside the ink it left: heights of a line by analysis through synthesis.

A pen of known width that goes through the heights chosen must leave exactly the ink that is seen in every column. That
finds the tip of a stroke narrower than the pen (the end of the ink less half a line) and the middle of a steep one,
where the middle of the ink would do neither. An exact dynamic programme over three neighbouring columns chooses from a
ladder of levels, coarse to fine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ends", "heights"]

Floats = NDArray[np.float64]

_LADDER: Final = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
_PASSES: Final = 2
_LENGTH: Final = 0.1
"""Price of a pixel of height difference between columns, in pixels of ink not explained."""
_BEND: Final = 0.1
"""Price of a pixel of change of slope: of two lines that explain ink which is another's the smoother one takes it."""
_SHARED: Final = 0.03
"""Price of a pixel of line in ink that seems to be another lead's."""
_FLAT: Final = 1.0
"""A run at most this much higher than the pen [px] is passed through its middle."""
_AROUND: Final = 3
_BETWEEN: Final = float(np.sqrt(0.75))  # half the height of a round pen's ink half a column beside its centre


@dataclass(frozen=True, slots=True)
class Ends:
    """Ends of the ink in each column, `[strip, column]` px."""

    top: Floats
    """The strip's own ink."""
    bottom: Floats
    first: Floats
    """Its ink with that of other leads right above and below."""
    last: Floats
    owed: Floats
    """How much the strip has to explain its own ink, 0..1."""
    ink: NDArray[np.bool_]
    """Where there is any; elsewhere the ends are those of the nearest columns, joined by straight lines."""

    @classmethod
    def of(cls, top: Floats, bottom: Floats, first: Floats, last: Floats, owed: Floats) -> Ends:
        """From ends with NaN where there is no ink."""
        return cls(_bridged(top), _bridged(bottom), _bridged(first), _bridged(last), np.nan_to_num(owed),
                   np.isfinite(top))

    def strips(self, which: NDArray[np.int64]) -> Ends:
        """Some of the strips."""
        return Ends(self.top[which], self.bottom[which], self.first[which], self.last[which], self.owed[which],
                    self.ink[which])

    def covered(self, y: Floats) -> tuple[Floats, Floats]:
        """Top and bottom of the ink that a pen along the heights `y` leaves in each column."""
        padded = np.pad(y, ((0, 0), (1, 1)), mode="edge")
        return _ends(padded[:, :-2], y, padded[:, 2:])

    def misfit(self, y: Floats) -> Floats:
        """Ink that a pen along the heights `y` leaves out, or covers too much, in each column [px]."""
        return self._misfit(*self.covered(y))

    def inner(self) -> Ends:
        """Without the first and last column, with three axes for levels."""
        top, bottom, first, last, owed = (edge[:, 1:-1, None, None, None] for edge in (
            self.top, self.bottom, self.first, self.last, self.owed))
        return Ends(top, bottom, first, last, owed, self.ink[:, 1:-1, None, None, None])

    def _misfit(self, high: Floats, low: Floats) -> Floats:
        left_out = self.owed * (np.maximum(high - self.top, 0.0) + np.maximum(self.bottom - low, 0.0))
        white = np.maximum(self.first - high, 0.0) + np.maximum(low - self.last, 0.0)
        shared = np.maximum(self.top - high, 0.0) + np.maximum(low - self.bottom, 0.0) - white
        return np.asarray(left_out + white + _SHARED * np.maximum(shared, 0.0), np.float64)


def heights(ends: Ends) -> Floats:
    """The line of each strip at every column `[strip, column]` px.

    Where the ink is as high as the pen, its middle; the stretches in between are solved together, by length.
    """
    middle = 0.5 * (ends.top + ends.bottom)
    y = middle.copy()
    groups: dict[int, list[tuple[int, int, int]]] = {}
    for piece in _steep(ends):
        groups.setdefault(int(np.ceil(np.log2(piece[2] - piece[1]))), []).append(piece)
    for pieces in groups.values():
        strip, start, stop = (np.array(part)[:, None] for part in zip(*pieces, strict=True))
        column = start + np.arange(int((stop - start).max()))
        inside = column < stop
        at = (strip, np.minimum(column, stop - 1))
        part = Ends(ends.top[at], ends.bottom[at], ends.first[at], ends.last[at], ends.owed[at], ends.ink[at] & inside)
        rows, columns = np.broadcast_arrays(strip, column)
        y[rows[inside], columns[inside]] = _solved(part)[inside]
    return y


def _steep(ends: Ends) -> list[tuple[int, int, int]]:
    """Stretches with runs higher than the pen, and columns around them: strip, first column, the one after the last."""
    high = ends.bottom - ends.top > 2.0 + _FLAT
    wide = high.copy()
    for shift in range(1, _AROUND + 1):
        wide[:, shift:] |= high[:, :-shift]
        wide[:, :-shift] |= high[:, shift:]
    edges = np.diff(np.pad(wide, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    (strip, start), (_, stop) = np.nonzero(edges == 1), np.nonzero(edges == -1)
    return [(int(i), int(a), int(b)) for i, a, b in zip(strip, start, stop, strict=True) if b - a >= 3]


def _solved(ends: Ends) -> Floats:
    middle = 0.5 * (ends.top + ends.bottom)
    spread = np.maximum(0.5 * (ends.bottom - ends.top) - 1.0, 0.0)
    y = middle
    for k in range(_PASSES):
        levels = np.clip(y[..., None] + spread[..., None] * _LADDER * 0.5**k,
                         (middle - spread)[..., None], (middle + spread)[..., None])
        y = _best_levels(levels, ends)
    return y


def _bridged(rows: Floats) -> Floats:
    """NaN filled by straight lines along each row, 0 where there is nothing."""
    at = np.arange(rows.shape[1])
    filled = np.zeros_like(rows)
    for i, row in enumerate(rows):
        known = np.isfinite(row)
        if known.any():
            filled[i] = np.interp(at, at[known], row[known])
    return filled


def _ends(left: Floats, here: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Top and bottom of the ink that a round pen of radius 1 leaves in a column on its way from `left` to `right`."""
    a, b = 0.5 * (left + here), 0.5 * (right + here)
    high = np.minimum(np.minimum(left, right), np.minimum(a, b) - _BETWEEN)
    low = np.maximum(np.maximum(left, right), np.maximum(a, b) + _BETWEEN)
    return np.minimum(high, here - 1.0), np.maximum(low, here + 1.0)


def _best_levels(levels: Floats, ends: Ends) -> Floats:
    """Choose a level for each column `[strip, column, level]`; the state is the pair of two neighbours' levels."""
    strips, n, k = levels.shape
    left, here, right = levels[:, :-2, :, None, None], levels[:, 1:-1, None, :, None], levels[:, 2:, None, None, :]
    inner = ends.inner()
    cost = inner._misfit(*_ends(left, here, right)) * inner.ink
    cost += _LENGTH * np.abs(right - here) + _BEND * np.abs(left - 2.0 * here + right)
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
    return np.asarray(np.take_along_axis(levels, picked[..., None], axis=2)[..., 0], np.float64)
