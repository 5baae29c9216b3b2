"""Fit the heights of a drawn line to the ink it left, to a fraction of a pixel.

The line runs straight from column to column; a round pen of known radius follows it, and a pixel is inked by how far it
is from the line. Gauss-Newton on the squared difference from the ink seen: each pixel depends on the two ends of the
segment nearest to it, so the normal equations are banded and all strips are solved at once. A pen blots out zigzags
finer than itself, so small bends cost a little; large ones, the tips of a QRS, cost nothing (Geman and McClure's
redescending weight).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ink", "fitted"]

Floats = NDArray[np.float64]

_SOFT: Final = 1.0
"""Width of the pen's edge [px]: what a pixel's area does to a sharp one."""
_STEPS: Final = 6
_STILL: Final = 0.02
"""Weight that holds a vertex that no pixel speaks for, and damps the steps."""
_STIFF: Final = 0.3
"""Weight of a bend's square."""
_BEND: Final = 2.0
"""Bend, as second difference of the heights [px], beyond which it is taken as meant."""
_FARTHEST: Final = 3.0
"""Largest change of a height in one step [px]; steep strokes are then moved on by the next one."""
_REACH: Final = 2
"""Segments on either side of a pixel's column that may be nearest to it."""


@dataclass(frozen=True, slots=True)
class Ink:
    """Pixels that a line is fitted to, with the line's columns numbered through over all strips."""

    vertex: NDArray[np.int64]
    """Vertex in whose column the pixel lies."""
    row: Floats
    """y of the pixel [px]."""
    value: Floats
    """Ink seen, 0..1."""


def fitted(y: Floats, joined: NDArray[np.bool_], ink: Ink, radius: float) -> Floats:
    """The heights `y` [px] after the fit.

    Args:
        y: heights at consecutive columns, strips one after another.
        joined: vertex i and i + 1 are neighbours of one strip.
        ink: pixels around the line, those of other lines left out.
        radius: of the pen [px].
    """
    from scipy.linalg import solveh_banded

    n = y.size
    if not ink.row.size:
        return y
    for _ in range(_STEPS):
        end, share, gap, slope = _nearest(y, joined, ink)
        drawn = np.clip((radius + 0.5 * _SOFT - gap) / _SOFT, 0.0, 1.0)
        edge = (drawn > 0.0) & (drawn < 1.0)
        residual = (ink.value - drawn)[edge]
        # Only the pen's edge tells where it is; d(drawn)/dy of both ends of the segment.
        pull = slope[edge] / _SOFT
        first, second = pull * (1.0 - share[edge]), pull * share[edge]
        at = end[edge]
        nxt = np.minimum(at + 1, n - 1)
        bands = np.zeros((3, n))
        bands[2] = np.bincount(at, first**2, n) + np.bincount(nxt, second**2, n) + _STILL
        bands[1, 1:] = np.bincount(at, first * second, n)[:-1]
        right: Floats = np.bincount(at, first * residual, n) + np.bincount(nxt, second * residual, n).astype(float)
        _stiffened(bands, right, y, joined)
        step = solveh_banded(bands, right)
        y = y + np.clip(step, -_FARTHEST, _FARTHEST)
    return y


def _stiffened(bands: Floats, right: Floats, y: Floats, joined: NDArray[np.bool_]) -> None:
    """Add the pull against small bends to the normal equations, in place."""
    bend = np.diff(y, 2)
    weight = np.where(joined[:-2] & joined[1:-1], _STIFF / (1.0 + (bend / _BEND) ** 2) ** 2, 0.0)
    for offset, factor in enumerate((1.0, -2.0, 1.0)):
        inner = slice(offset, offset + bend.size)
        bands[2, inner] += weight * factor**2
        right[inner] -= weight * factor * bend
    bands[1, 1:-1] += -2.0 * weight
    bands[1, 2:] += -2.0 * weight
    bands[0, 2:] += weight


def _nearest(
    y: Floats, joined: NDArray[np.bool_], ink: Ink,
) -> tuple[NDArray[np.int64], Floats, Floats, Floats]:
    """For each pixel the nearest segment: its first vertex, where on it (0..1), the distance, and d(-distance)/dy."""
    best = np.full(ink.row.size, np.inf)
    end, share, slope = np.zeros(ink.row.size, np.int64), np.zeros(ink.row.size), np.zeros(ink.row.size)
    rise = np.append(np.diff(y), 0.0)
    for offset in range(-_REACH, _REACH):
        at = ink.vertex + offset
        inside = (at >= 0) & (at < y.size - 1)
        at = np.clip(at, 0, y.size - 2)
        inside &= joined[at]
        across, down = -float(offset), ink.row - y[at]
        along = np.clip((across + down * rise[at]) / (1.0 + rise[at] ** 2), 0.0, 1.0)
        dx, dy = across - along, down - along * rise[at]
        gap = np.where(inside, np.hypot(dx, dy), np.inf)
        closer = gap < best
        best = np.where(closer, gap, best)
        end, share = np.where(closer, at, end), np.where(closer, along, share)
        slope = np.where(closer, dy / np.maximum(gap, 1e-6), slope)
    return end, share, best, slope
