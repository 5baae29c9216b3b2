"""`Shot`: a page on its way into an image, and `Distortion`: one thing that happens to it on this way.

A distortion acts in up to three places: on the paper before it is photographed (a stain, the shading of a fold), on
where things lie (the fold itself), and in the camera or scanner (noise). What is drawn at random for one page are its
`Values`, which JSON can hold; textures come from a generator with the seed of the step. Lengths are millimetres of
paper, so a coffee ring has the same size at every resolution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecground.paper.page import PageTruth, Points

__all__ = ["Act", "Back", "Distortion", "Draw", "Shot", "Size", "Values", "Warp"]

Values = Mapping[str, Any]
Size = tuple[float, float]
"""Width and height of the sheet [mm]."""
Back = Callable[[Points], Points]
"""Where a point of the view was before the distortion; both in mm from the centre of the sheet, y down."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A page between rendering and the final image."""

    image: NDArray[np.uint8]
    """RGB `[height, width, 3]`."""
    truth: PageTruth
    px_per_mm: float
    """Scale of `image`, on average."""
    paper: NDArray[np.uint8] | None = None
    """`[height, width]`: 255 where there is paper; None while it is whole and fills the image."""
    source: NDArray[np.float32] | None = None
    """`[height, width, (x, y)]`: the pixel of the rendered page seen here; None before the exposure."""

    @property
    def size_mm(self) -> Size:
        """Width and height of the image [mm]."""
        height, width = self.image.shape[:2]
        return width / self.px_per_mm, height / self.px_per_mm

    def px(self, points_mm: Points) -> Points:
        """Pixels of points in mm from the centre of the image."""
        height, width = self.image.shape[:2]
        points: Points = points_mm * self.px_per_mm + np.array([(width - 1) / 2, (height - 1) / 2])
        return points

    def with_image(self, image: NDArray[np.uint8]) -> Shot:
        """The same with other pixels."""
        return replace(self, image=image)

    def without(self, polygons: Sequence[Points]) -> Shot:
        """The same where nothing can be seen inside `polygons` [px]: no ink in the masks, named in `hidden`."""
        import cv2

        masks, layers = self.truth.masks.copy(), self.truth.layers.copy()
        for polygon in polygons:
            corners = np.round(polygon).astype(np.int32)
            cv2.fillPoly(masks, [corners], (0,))
            cv2.fillPoly(layers, [corners], (0,))
        hidden = (*self.truth.hidden, *polygons)
        return replace(self, truth=replace(self.truth, masks=masks, layers=layers, hidden=hidden))


Draw = Callable[[np.random.Generator, float, Shot], Values]
"""Values for a severity of 0 (hardly seen) to 1 (as bad as it gets)."""
Act = Callable[[Shot, Values, np.random.Generator], Shot]
Warp = Callable[[Values, np.random.Generator, Size], Back]


@dataclass(frozen=True, slots=True)
class Distortion:
    """One thing that happens to pages; its name is its key in `DISTORTIONS`."""

    draw: Draw
    on_paper: Act | None = None
    """Before the exposure, in the pixels of the rendered page."""
    warp: Warp | None = None
    """Moves what is seen."""
    in_camera: Act | None = None
    """After the exposure, in the pixels of the final image."""
