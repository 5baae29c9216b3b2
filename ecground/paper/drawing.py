"""`Drawing`: what is printed on a sheet, in millimetres from its top left corner, before any pixel or PDF operator.

`compose` makes it; `raster` and `vector` only carry it out, so that picture, SVG, PDF and truth cannot drift apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecground.paper.layout import Cell
from ecground.paper.page import Points
from ecground.paper.style import Colour, Style

__all__ = ["Drawing", "Grid", "Rule", "Shade", "Strip", "Words"]


@dataclass(frozen=True, slots=True)
class Grid:
    """Grid lines over an area [mm]."""

    area: tuple[float, float, float, float]
    """x0, y0, x1, y1."""
    origin: tuple[float, float]
    """A crossing of 5 mm lines."""

    def lines(self, axis: int, step: float) -> NDArray[np.float64]:
        """Positions [mm] of the lines every `step` mm along an axis (0: x, 1: y) inside the area."""
        low, high, origin = self.area[axis], self.area[axis + 2], self.origin[axis]
        first, last = np.ceil((low - origin) / step - 1e-9), np.floor((high - origin) / step + 1e-9)
        return origin + step * np.arange(first, last + 1)


@dataclass(frozen=True, slots=True)
class Strip:
    """One strip of a lead."""

    cell: Cell
    start: int
    """First sample of the record."""
    trace: Points
    """`[sample, (x, y)]` mm, NaN where the record has none; x always finite and rising."""
    region: tuple[float, float, float, float]
    """x0, y0, x1, y1 [mm]: between the strips above and below."""
    baseline: float
    """y of 0 mV [mm]."""
    mm_per_mv: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of horizontal and vertical pieces: calibration pulse, separator, frame."""

    layer: str
    """A key of `page.LAYERS`."""
    points: Points
    """Corners `[n, 2]` mm."""
    width: float
    """[mm]."""
    colour: Colour
    row: int = 0


@dataclass(frozen=True, slots=True)
class Words:
    """Printed words."""

    kind: str
    """`lead` or a kind of `TextTruth`."""
    words: str
    x: float
    """Left end of the writing line [mm]."""
    y: float
    """The writing line (foot of the letters) [mm]."""
    size: float
    """Height of the em square [mm]."""
    colour: Colour
    strip: int = -1
    """Index of the strip that a lead name belongs to."""


@dataclass(frozen=True, slots=True)
class Shade:
    """A tinted area under the traces, to point at something."""

    area: tuple[float, float, float, float]
    """x0, y0, x1, y1 [mm]."""
    colour: Colour
    opacity: float
    """0..1."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A sheet."""

    width: float
    """[mm]."""
    height: float
    """[mm]."""
    layout: str
    fs: float
    style: Style
    grid: Grid
    strips: tuple[Strip, ...]
    rules: tuple[Rule, ...]
    words: tuple[Words, ...]
    shades: tuple[Shade, ...] = ()
