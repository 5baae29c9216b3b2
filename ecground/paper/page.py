"""`Page`: an ECG page as an image, and the truth of what is printed where.

Pixels: x to the right, y down, the centre of the first pixel is (0, 0); positions are float64 `[..., (x, y)]` and carry
fractions. Quads are corners `[4, 2]` in the order of the paper: top left, top right, bottom right, bottom left. All of
it moves with the image through every distortion of `photo`; what left the image or is covered stays in the truth, with
coordinates outside the image or named in `hidden`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LAYERS", "Box", "LeadTruth", "Page", "PageTruth", "Points", "PulseTruth", "TextTruth"]

Points = NDArray[np.float64]

LAYERS: Mapping[str, int] = {"grid": 1, "text": 2, "pulse": 4, "separator": 8}
"""Bits of `PageTruth.layers`; traces have a mask of their own."""


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle that encloses something [px], edges included."""

    x0: float
    y0: float
    x1: float
    y1: float

    @classmethod
    def around(cls, points: Points) -> Box:
        """The smallest box around points `[..., 2]`; NaN points do not count."""
        flat = points.reshape(-1, 2)
        low, high = np.nanmin(flat, axis=0), np.nanmax(flat, axis=0)
        return cls(float(low[0]), float(low[1]), float(high[0]), float(high[1]))


@dataclass(frozen=True, slots=True)
class LeadTruth:
    """One printed strip of a lead."""

    lead: str
    """As printed: a standard name or `-aVR`."""
    start: int
    """First sample of the record that is printed here."""
    trace: Points
    """Where each sample lies, `[sample, (x, y)]` px; NaN where the record has none."""
    region: Points
    """Quad of the strip: from its first to its last sample, between the strips above and below."""
    baseline: Points
    """Where 0 mV lies at the first and last sample, `[2, 2]` px."""
    mm_per_mv: float
    """Gain of this strip."""
    name: Points | None = None
    """Quad of the printed lead name; None when no name is printed."""
    row: int = 0
    column: int = 0
    rhythm: bool = False
    """A strip over the whole width below the others."""

    @property
    def stop(self) -> int:
        """Sample after the last one printed."""
        return self.start + len(self.trace)


@dataclass(frozen=True, slots=True)
class PulseTruth:
    """A calibration pulse: 1 mV high, 200 ms long at the page's speed unless the style says otherwise."""

    trace: Points
    """Corners of the pulse's line, `[n, 2]` px."""
    row: int
    mv: float = 1.0


@dataclass(frozen=True, slots=True)
class TextTruth:
    """Printed words other than lead names."""

    kind: str
    """`speed`, `gain`, `filter`, `patient`, `measurement`, `statement`, `date`, `device`, `handwriting`, `stamp`."""
    words: str
    quad: Points


@dataclass(frozen=True, slots=True)
class PageTruth:
    """Everything that is known of a rendered page."""

    layout: str
    fs: float
    """Sampling rate of the record [Hz]: sample `i` of a lead was recorded at `i / fs`."""
    mm_per_s: float
    mm_per_mv: float
    """Gain of limb leads; each strip has its own in `leads`."""
    px_per_mm: tuple[float, float]
    """Scale along x and y as rendered; after a distortion see `lattice`."""
    leads: tuple[LeadTruth, ...]
    pulses: tuple[PulseTruth, ...]
    texts: tuple[TextTruth, ...]
    corners: Points
    """Quad of the sheet's outer corners."""
    lattice: NDArray[np.float64]
    """Where the crossings of the 5 mm lines lie or would lie, `[row, column, (x, y)]` px."""
    masks: NDArray[np.uint16]
    """`[height, width]`: bit i is set where the ink of `leads[i]` is."""
    layers: NDArray[np.uint8]
    """`[height, width]`: ink of the grid, text and so on by the bits of `LAYERS`."""
    hidden: tuple[Points, ...] = ()
    """Polygons whose content cannot be seen (torn off, covered, glare)."""
    recipe: tuple[Mapping[str, Any], ...] = field(default=())
    """What was done to the page, in order: `{name, seed, ...drawn values}`."""


@dataclass(frozen=True, slots=True)
class Page:
    """An image, and its truth when it was rendered."""

    image: NDArray[np.uint8]
    """RGB `[height, width, 3]`."""
    truth: PageTruth | None = None
    dpi: float | None = None
    """Resolution as the file or the renderer states it; None when unknown."""
