"""The one resampling of a photograph: a backward map as a lattice, and its inverse for the truth.

All geometry of a recipe is composed into one function from the final image to the rendered page. It is evaluated on a
lattice of every 16th pixel and is *defined* as bilinear between the nodes (beyond them the outer cells go on), so that
the pixels and the truth points follow exactly the same map: pixels through `dense`, points through `forward`, which
inverts it by Newton's method.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.paper.page import LeadTruth, PageTruth, Points

__all__ = ["Lattice", "inverted", "moved"]

STEP: Final = 16
_FIRST: Final = STEP / 2 - 0.5
"""`cv2.resize` by 16 puts the centre of its first source pixel at 7.5."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """A map from the final image back to the rendered page."""

    nodes: NDArray[np.float32]
    """`[row, column, (x, y)]` px of the rendered page; node (pad + j, pad + i) lies at (16 i + 7.5, 16 j + 7.5)."""
    pad: int
    """Nodes before the image on each side, so that what left the image still has a place."""
    width: int
    height: int
    """Of the final image [px]."""

    @classmethod
    def of(cls, back: Callable[[Points], Points], width: int, height: int) -> Lattice:
        """Evaluate `back`, which maps pixels of the final image `[..., 2]` to pixels of the rendered page."""
        pad = 1 + max(width, height) // (3 * STEP)
        x, y = (STEP * (np.arange(-(-size // STEP) + 2 * pad) - pad) + _FIRST for size in (width, height))
        grid = np.stack(np.meshgrid(x, y), axis=-1)
        return cls(back(grid).astype(np.float32), pad, width, height)

    def dense(self) -> NDArray[np.float32]:
        """The map of every pixel, `[height, width, (x, y)]`."""
        import cv2

        inner = self.nodes[self.pad - 1:1 - self.pad or None, self.pad - 1:1 - self.pad or None]
        rows, columns = inner.shape[:2]
        wide = cv2.resize(inner, (columns * STEP, rows * STEP), interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(wide[STEP:STEP + self.height, STEP:STEP + self.width])

    @property
    def shrinks(self) -> float:
        """Pixels of the rendered page per pixel of the final image, on average."""
        inner = self.nodes[self.pad:-self.pad, self.pad:-self.pad].astype(np.float64)
        across, down = np.diff(inner, axis=1)[:-1], np.diff(inner, axis=0)[:, :-1]
        area = np.abs(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0])
        return float(np.sqrt(np.median(area))) / STEP

    def forward(self, points: Points) -> Points:
        """Where pixels `[n, 2]` of the rendered page lie in the final image."""
        known = np.isfinite(points).all(axis=-1)
        found = np.full(points.shape, np.nan)
        found[known] = _newton(self._cell, points[known], self._guess(points[known]))
        return found

    def _guess(self, points: Points) -> Points:
        """The inverse of the affine map that fits the nodes best."""
        rows, columns = self.nodes.shape[:2]
        x, y = (STEP * (np.arange(n) - self.pad) + _FIRST for n in (columns, rows))
        at = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        fit, *_ = np.linalg.lstsq(np.column_stack([self.nodes.reshape(-1, 2).astype(np.float64), np.ones(len(at))]),
                                  at, rcond=None)
        guess: Points = np.column_stack([points, np.ones(len(points))]) @ fit
        return guess

    def _cell(self, at: Points) -> tuple[Points, NDArray[np.float64]]:
        """The map at points `[n, 2]` and its Jacobian `[n, 2, 2]` in their cells."""
        rows, columns = self.nodes.shape[:2]
        place = (at - _FIRST) / STEP + self.pad
        cell = np.clip(np.floor(place), 0, (columns - 2, rows - 2)).astype(np.intp)
        i, j = cell[:, 0], cell[:, 1]
        u, v = (place - cell).T[:, :, None]
        a, b, c, d = (self.nodes[j + dj, i + di].astype(np.float64) for dj in (0, 1) for di in (0, 1))
        value = (a * (1 - u) + b * u) * (1 - v) + (c * (1 - u) + d * u) * v
        along_u = ((b - a) * (1 - v) + (d - c) * v) / STEP
        along_v = ((c - a) * (1 - u) + (d - b) * u) / STEP
        return value, np.stack([along_u, along_v], axis=-1)


def inverted(back: Callable[[Points], Points], points: Points) -> Points:
    """The points `[n, 2]` that the smooth function `back` maps to `points`; both in mm."""
    small = 0.05

    def with_slope(at: Points) -> tuple[Points, NDArray[np.float64]]:
        slopes = [(back(at + shift) - back(at - shift)) / (2 * small) for shift in small * np.eye(2)]
        return back(at), np.stack(slopes, axis=-1)

    return _newton(with_slope, points, points)


def _newton(
    function: Callable[[Points], tuple[Points, NDArray[np.float64]]], wanted: Points, start: Points,
) -> Points:
    """Solve `function(x) = wanted` point by point; steps are halved late, so that creases do not make it cycle."""
    at = start.copy()
    open_ = np.arange(len(at))
    for round_ in range(40):
        value, slope = function(at[open_])
        miss = wanted[open_] - value
        far = np.abs(miss).max(axis=-1) > 1e-3
        open_, miss, slope = open_[far], miss[far], slope[far]
        if not len(open_):
            break
        (a, b), (c, d) = np.moveaxis(slope, 0, -1)
        det = a * d - b * c
        det = np.where(np.abs(det) < 1e-9, 1e-9, det)
        step = np.stack([d * miss[:, 0] - b * miss[:, 1], a * miss[:, 1] - c * miss[:, 0]], axis=-1) / det[:, None]
        at[open_] += step * (1.0 if round_ < 10 else 0.6)
    return at


def moved(truth: PageTruth, move: Callable[[Points], Points]) -> PageTruth:
    """The truth with every point `[n, 2]` moved by one call of `move`; masks are left alone."""
    seen: list[Points] = []
    _through(truth, lambda points: seen.append(points) or points)  # type: ignore[func-returns-value]
    flat = [points.reshape(-1, 2) for points in seen]
    after = move(np.concatenate(flat))
    pieces = iter(np.split(after, np.cumsum([len(points) for points in flat])[:-1]))
    return _through(truth, lambda points: next(pieces).reshape(points.shape))


def _through(truth: PageTruth, change: Callable[[Points], Points]) -> PageTruth:
    """The truth with `change` applied to each array of points, always in the same order."""
    return replace(
        truth,
        leads=tuple(_lead_through(lead, change) for lead in truth.leads),
        pulses=tuple(replace(pulse, trace=change(pulse.trace)) for pulse in truth.pulses),
        texts=tuple(replace(text, quad=change(text.quad)) for text in truth.texts),
        corners=change(truth.corners),
        lattice=change(truth.lattice),
        hidden=tuple(change(polygon) for polygon in truth.hidden),
    )


def _lead_through(lead: LeadTruth, change: Callable[[Points], Points]) -> LeadTruth:
    return replace(
        lead, trace=change(lead.trace), region=change(lead.region), baseline=change(lead.baseline),
        name=None if lead.name is None else change(lead.name),
    )
