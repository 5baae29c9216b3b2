"""A photograph, scan or rendered page -> `Sheet`: flat, upright lines, 8 px per millimetre.

The grid is the best page detector: where its lines are followed is the page, and what lies around it within the reach
of a header or margin is kept. The sheet is sampled once from the original image.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.digitize.demodulate import EVERY
from ecground.digitize.doubts import confidence, doubts
from ecground.digitize.grid import Grid, find_grid
from ecground.digitize.sheet import PX_PER_MM, Problem, Sheet, Warp
from ecground.digitize.unwarp import fit_homography, linear, project
from ecground.errors import RefusedError
from ecground.paper.page import Page

__all__ = ["on_sheet", "rectify", "turned"]

Array = NDArray[np.float64]
_STEP: Final = 16
"""Distance of the nodes of a sheet's warp [px]."""
_FINER: Final = 1.25
"""Photographs of more than this many px to a px of the sheet are averaged down to it before they are sampled."""
_MARGIN: Final = 60.0
"""What is kept around the grid, for headers and notes [mm]."""


def rectify(page: Page, *, dpi: float | None = None) -> Sheet:
    """The page flattened by its grid; without a grid by `dpi`, or by the resolution that the file states.

    Args:
        page: the image.
        dpi: resolution given by the user [px per inch], used only where no grid is found.

    Raises:
        RefusedError: no grid, and no resolution known.
    """
    grid = find_grid(page.image)
    if grid is not None:
        return _by_grid(page.image, grid)
    scale = dpi or page.dpi
    if scale is None:
        raise RefusedError(
            "no ECG grid found", where="grid",
            hint="give --dpi when the page has none; otherwise retake the photograph from above and in even light",
        )
    return _by_dpi(page.image, scale, given=dpi is not None)


def turned(sheet: Sheet, quarters: int) -> Sheet:
    """The sheet turned anticlockwise by quarter turns, its warp with it."""
    if quarters % 4 == 0:
        return sheet
    return Sheet(
        np.ascontiguousarray(np.rot90(sheet.image, quarters)), Warp(sheet.warp.step, np.rot90(sheet.warp.to, quarters)),
        np.ascontiguousarray(np.rot90(sheet.seen, quarters)), sheet.grid_mm, sheet.confidence, sheet.problems,
    )


def _by_grid(image: NDArray[np.uint8], grid: Grid) -> Sheet:
    low, high = _extent(image, grid)
    count = np.maximum(np.ceil((high - low) * PX_PER_MM / _STEP).astype(int), 1) + 1
    x, y = (low[axis] + np.arange(count[axis]) * _STEP / PX_PER_MM for axis in (0, 1))
    to = grid.flat.image(np.stack(np.meshgrid(x, y), axis=-1))
    pixels, seen = _sampled(image, to)
    finest = 1.0 if grid.spacing.fine else 5.0
    return Sheet(pixels, Warp(_STEP, to), seen, finest, confidence(grid), doubts(image, grid))


def _extent(image: NDArray[np.uint8], grid: Grid) -> tuple[Array, Array]:
    """Lowest and highest position of the sheet [mm], the lowest at multiples of 5 mm."""
    rows, columns = np.nonzero(grid.clarity > 0)
    lines = np.array([[columns.min(), rows.min()], [columns.max(), rows.max()]]) * EVERY + grid.origin
    height, width = image.shape[:2]
    side = np.linspace(0.0, 1.0, 21)
    border = np.concatenate([
        np.column_stack([side * (width - 1), np.full(21, y)]) for y in (0.0, height - 1.0)
    ] + [np.column_stack([np.full(21, x), side * (height - 1)]) for x in (0.0, width - 1.0)])
    edge = grid.flat.grid(border)
    low = np.maximum(lines[0] - _MARGIN, np.minimum(edge.min(axis=0), lines[0]))
    high = np.minimum(lines[1] + _MARGIN, np.maximum(edge.max(axis=0), lines[1]))
    return np.floor(low / 5) * 5, high


def _sampled(image: NDArray[np.uint8], to: Array) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The image at the sheet's pixels, averaged where it is finer than the sheet, and where it shows the sheet."""
    import cv2

    height, width = image.shape[:2]
    at = linear(to, _STEP, ((to.shape[0] - 1) * _STEP + 1, (to.shape[1] - 1) * _STEP + 1))
    fineness = float(np.median(np.hypot(*np.diff(to, axis=1).reshape(-1, 2).T))) / _STEP
    reduced = min(1.0, _FINER / fineness)
    source = image
    if reduced < 1:
        source = cv2.resize(image, None, fx=reduced, fy=reduced, interpolation=cv2.INTER_AREA)
    pixels = cv2.remap(
        source, (at + 0.5) * np.float32(reduced) - 0.5, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE,
    )
    seen = (at[..., 0] >= -0.5) & (at[..., 0] <= width - 0.5) & (at[..., 1] >= -0.5) & (at[..., 1] <= height - 0.5)
    pixels[~seen] = 255
    return pixels, seen


def _by_dpi(image: NDArray[np.uint8], dpi: float, *, given: bool) -> Sheet:
    """The image at the scale of a resolution, as straight as it is."""
    per_px = dpi / 25.4 / PX_PER_MM
    height, width = image.shape[:2]
    count = [int(np.ceil(side / per_px / _STEP)) + 1 for side in (width, height)]
    to = np.stack(np.meshgrid(*(np.arange(n) * _STEP * per_px for n in count)), axis=-1)
    pixels, seen = _sampled(image, to)
    source = "given by the user" if given else "stated in the file"
    problem = Problem("grid", f"no grid: the scale is the resolution {source}", "check a known distance on the page")
    return Sheet(pixels, Warp(_STEP, to), seen, None, 0.5 if given else 0.3, (problem,))


def on_sheet(sheet: Sheet, points: Array) -> Array:
    """Where positions `[..., (x, y)]` of the photograph [px] lie on the sheet [px]: the inverse of its warp."""
    nodes = sheet.warp.to
    columns, rows = (np.arange(n) * sheet.warp.step for n in nodes.shape[1::-1])
    places = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    one = np.ones(len(places))
    rough = fit_homography(nodes.reshape(-1, 2), places[:, 0], places[:, 1], one, one)
    goal = project(rough, points)
    at = goal
    for _ in range(12):
        at = at + goal - project(rough, sheet.warp.photo(at))
    return at
