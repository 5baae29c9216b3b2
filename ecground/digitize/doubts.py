"""What may be wrong with a page whose grid was found: too coarse, glare, places where lines cannot be followed."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.digitize.demodulate import EVERY
from ecground.digitize.grid import Grid
from ecground.digitize.sheet import Problem

__all__ = ["confidence", "doubts"]

_COARSE: Final = 3.5
"""Fewer pixels to the millimetre than this blur a trace of 0.3 mm beyond what can be read well."""
_LOST: Final = 0.04
"""Share of the grid's area without visible lines that is worth a word."""
_BRIGHT: Final = 238.0
_DARK: Final = 50.0
_THIRDS: Final = (("left", "middle", "right"), ("upper", "middle", "lower"))


def confidence(grid: Grid) -> float:
    """0..1: how surely scale and geometry are right."""
    lines = min(1.0, grid.strength / 8.0)
    straight = float(np.clip(1.2 - 2.5 * grid.residual, 0.3, 1.0))
    fine = float(np.clip(grid.px_per_mm / _COARSE, 0.3, 1.0))
    return (1.0 if grid.spacing.certain else 0.75) * lines * straight * fine


def doubts(image: NDArray[np.uint8], grid: Grid) -> tuple[Problem, ...]:
    """What the user may want to do better."""
    found = []
    if not grid.spacing.certain:
        mm = 1 if grid.spacing.fine else 5
        found.append(Problem(
            "grid", f"no bold or fine lines tell the scale; the number of lines speaks for {mm} mm",
            "compare the calibration pulse",
        ))
    if grid.px_per_mm < _COARSE:
        found.append(Problem(
            "page", f"only {grid.px_per_mm:.1f} px to the millimetre", "go nearer, or scan with 200 dpi or more",
        ))
    return (*found, *_lost(image, grid))


def _lost(image: NDArray[np.uint8], grid: Grid) -> list[Problem]:
    """Places within the grid where no lines are seen, by how they look."""
    import cv2

    rows, columns = grid.clarity.shape
    # A trace or a letter hides the lines for some millimetres; only what is wider counts.
    patch = np.ones((7, 7), np.uint8)
    seen = cv2.morphologyEx((grid.clarity > 0).astype(np.uint8), cv2.MORPH_OPEN, patch)
    lost = cv2.morphologyEx((grid.clarity <= 0).astype(np.uint8), cv2.MORPH_OPEN, patch) > 0
    # Lines on three sides at least: around the grid there may be a header or nothing.
    sides = sum(np.flip(np.maximum.accumulate(np.flip(seen, axis), axis), axis) + np.maximum.accumulate(seen, axis)
                for axis in (0, 1))
    lost &= sides >= 3
    at = grid.flat.lookup(grid.origin, (float(EVERY), float(EVERY)), (rows, columns))
    height, width = image.shape[:2]
    shown = (at >= 0).all(axis=-1) & (at[..., 0] < width) & (at[..., 1] < height)
    light = cv2.remap(image, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).min(axis=2)
    light = cv2.blur(light.astype(np.float32), (5, 5))
    found = []
    for mask, what, hint in (
        (light > _BRIGHT, "glare or faded print", "retake: turn the page away from the light"),
        (light < _DARK, "too dark", "retake in even light"),
        ((light >= _DARK) & (light <= _BRIGHT), "the grid cannot be followed", "retake: sharp, flat and in even light"),
    ):
        area = lost & shown & mask
        if area.mean() > _LOST:
            found.append(Problem("page", f"{what} {_place(area)}", hint))
    return found


def _place(area: NDArray[np.bool_]) -> str:
    """Where most of an area lies."""
    y, x = np.nonzero(area)
    across = _THIRDS[0][min(int(3 * np.median(x) / area.shape[1]), 2)]
    down = _THIRDS[1][min(int(3 * np.median(y) / area.shape[0]), 2)]
    return f"in the {down} {across} part" if across != down else "in the middle"
