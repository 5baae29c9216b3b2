"""`Sheet`: a page after rectification, at one fixed scale, from which everything later is read.

Pixel centres lie at whole numbers, as in `paper.page`. On a sheet 8 px are exactly 1 mm of paper on both axes; grid
lines are vertical and horizontal, and (0, 0) is anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.paper.page import Points
from ecground.record import on_lattice

__all__ = ["PX_PER_MM", "Problem", "Sheet", "Warp"]

PX_PER_MM: Final = 8.0
"""Scale of every sheet: 203 dpi, the density of thermal ECG printers."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A step that failed or is doubtful, and what the user can do."""

    step: str
    """`load`, `page`, `grid`, `layout`, `calibration`, `segment`, `trace` or `assemble`."""
    what: str
    hint: str


@dataclass(frozen=True, slots=True)
class Warp:
    """The smooth map from sheet to photograph, as positions on a lattice of the sheet."""

    step: float
    """Distance of lattice points on the sheet [px]; the first is at (0, 0)."""
    to: NDArray[np.float64]
    """Where each lattice point lies in the photograph, `[row, column, (x, y)]` px."""

    def photo(self, points: Points) -> Points:
        """Positions in the photograph of positions `[..., 2]` on the sheet (cubic between lattice points)."""
        return on_lattice(self.to, points / self.step)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A rectified page."""

    image: NDArray[np.uint8]
    """RGB `[height, width, 3]` at `PX_PER_MM`."""
    warp: Warp
    seen: NDArray[np.bool_]
    """`[height, width]`: the photograph shows this place (false outside its edges)."""
    grid_mm: float | None
    """Distance of the finest printed grid lines [mm]; None where the scale did not come from a grid."""
    confidence: float
    """0..1: how surely scale and geometry are right."""
    problems: tuple[Problem, ...] = ()
