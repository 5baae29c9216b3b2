"""`segment`: which pixels of a sheet belong to a trace, and where lead names, paper speed and gain are printed.

One forward pass of a small convolutional network (docs/models/segmentation.md) over the whole page. It answers with

- the trace, at full resolution: a soft line 0.3 mm wide around the centre of what is printed, however thick the print;
- for each trace pixel its height above the zero line of its own lead, which tells crossing leads apart;
- calibration pulses, lead separators and text, so that they are not taken for traces;
- centres of lead names and of the speed and gain notes, as peaks of heat maps (the centres of CenterNet,
  Zhou et al. 2019, without boxes).

It is trained on upright pages: on a page that is turned over, names do not light up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from ecground.digitize.sheet import PX_PER_MM, Sheet
from ecground.leads import STANDARD
from ecground.weights import session

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["CELL", "HEAT", "HEIGHT_MM", "NAMES", "TOKENS", "NameHit", "Segmentation", "TokenHit", "read", "segment"]

Map = NDArray[np.float32]
Pixel = TypeVar("Pixel", bound=np.generic)

NAMES: Final = (*STANDARD, "-aVR")
"""Lead names with a heat map each."""
TOKENS: Final = (*(("speed", v) for v in (12.5, 25.0, 50.0, 100.0)), *(("gain", v) for v in (2.5, 5.0, 10.0, 20.0)))
"""Notes with a heat map each: kind and value [mm/s or mm/mV]."""
CELL: Final = 4
"""Pixels of a cell of the height, pulse, separator and text maps as the network gives them."""
HEAT: Final = 8
"""Pixels of a cell of the heat maps."""
HEIGHT_MM: Final = 10.0
"""Unit in which the network tells heights."""
_STRIDE: Final = 32  # the coarsest level: pages are padded to a multiple of it
_APART: Final = 1.5 * PX_PER_MM  # two names closer than this [px] are one, read in two ways


@dataclass(frozen=True, slots=True)
class NameHit:
    """A printed lead name."""

    lead: str
    """One of `NAMES`."""
    x: float
    """Centre of the printed name [sheet px]."""
    y: float
    score: float
    """0..1"""


@dataclass(frozen=True, slots=True)
class TokenHit:
    """A printed note of paper speed or gain, such as `25 mm/s`."""

    kind: str
    """`speed` or `gain`."""
    value: float
    """mm/s or mm/mV."""
    x: float
    """Centre of the printed note [sheet px]."""
    y: float
    score: float
    """0..1"""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """What is printed where on a sheet; maps are `[height, width]` of the sheet."""

    trace: Map
    """Probability of a trace's centre line, soft at its edges: the middle of a column's run is sub-pixel exact."""
    height_mm: Map
    """At a trace pixel: its distance above its own lead's zero line [mm], negative below, within -40..40. Constant over
    neighbours of one lead in the sense that `y + 8 * height_mm` is that zero line's y. Meaningless off the traces."""
    pulse: Map
    """Probability of a calibration pulse."""
    separator: Map
    """Probability of a separator between leads."""
    text: Map
    """Probability of text, stamps and handwriting."""
    names: tuple[NameHit, ...]
    """Best first; at one place only the likeliest name."""
    tokens: tuple[TokenHit, ...]
    """Best first."""


def segment(sheet: Sheet, *, least: float = 0.3) -> Segmentation:
    """Run the network that ships with the package over a sheet.

    Args:
        sheet: a rectified page, 8 px/mm.
        least: names and notes below this score are left out.

    Returns:
        Maps as large as the sheet, names and notes. What the photograph does not show has no trace.

    Raises:
        CorruptInputError: the weights do not match their manifest.
    """
    return read(session("segmentation"), sheet, least=least)


def read(network: onnxruntime.InferenceSession, sheet: Sheet, *, least: float = 0.3) -> Segmentation:
    """`segment` with a network of one's own: input `image`, outputs as `train.segment_net` tells."""
    height, width = sheet.image.shape[:2]
    trace, cells, heat = network.run(None, {"image": _padded(sheet.image)[np.newaxis]})
    trace = np.ascontiguousarray(trace[0, 0, :height, :width])
    trace[~sheet.seen] = 0.0
    tall, pulse, separator, text = (_enlarged(cell, height, width) for cell in cells[0])
    offset = (np.arange(height, dtype=np.float32) % CELL - (CELL - 1) / 2) / np.float32(PX_PER_MM)
    tall *= np.float32(HEIGHT_MM)
    tall -= offset[:, np.newaxis]
    heat[0] *= _padded(sheet.seen)[HEAT // 2::HEAT, HEAT // 2::HEAT]
    names = [NameHit(NAMES[k], x, y, score) for k, x, y, score in _peaks(heat[0, :len(NAMES)], least)]
    notes = [TokenHit(*TOKENS[k], x, y, score) for k, x, y, score in _peaks(heat[0, len(NAMES):], least)]
    return Segmentation(trace, tall, pulse, separator, text, tuple(names), tuple(notes))


def _padded(pixels: NDArray[Pixel]) -> NDArray[Pixel]:
    """Pixels `[h, w, ...]` with the last row and column repeated up to a multiple of the network's stride."""
    more = [(0, -size % _STRIDE) for size in pixels.shape[:2]]
    return np.pad(pixels, (*more, *[(0, 0)] * (pixels.ndim - 2)), mode="edge")


def _enlarged(cells: Map, height: int, width: int) -> Map:
    """A map of cells at the sheet's resolution: every pixel has the value of its cell."""
    import cv2

    whole = cv2.resize(cells, None, fx=CELL, fy=CELL, interpolation=cv2.INTER_NEAREST)
    return np.ascontiguousarray(whole[:height, :width], dtype=np.float32)


def _peaks(heat: Map, least: float) -> list[tuple[int, float, float, float]]:
    """Local maxima (class, x, y, score) of heat maps `[class, row, column]`, best first, one at a place."""
    from scipy.ndimage import maximum_filter

    best = heat.max(axis=0)
    rows, columns = np.nonzero((best >= least) & (best == maximum_filter(best, size=3)))
    found: list[tuple[int, float, float, float]] = []
    for i in np.argsort(-best[rows, columns], kind="stable"):
        row, column = int(rows[i]), int(columns[i])
        kind = int(heat[:, row, column].argmax())
        x = (column + 0.5 + _vertex(heat[kind, row], column)) * HEAT - 0.5
        y = (row + 0.5 + _vertex(heat[kind, :, column], row)) * HEAT - 0.5
        if all(np.hypot(x - other[1], y - other[2]) > _APART for other in found):
            found.append((kind, x, y, float(best[row, column])))
    return found


def _vertex(line: Map, at: int) -> float:
    """Where the maximum of a Gaussian through three cells lies, from the middle one [cells]."""
    if not 0 < at < len(line) - 1:
        return 0.0
    a, b, c = np.log(np.maximum(line[at - 1:at + 2], 1e-6))
    bend = a - 2 * b + c
    return float(np.clip(0.5 * (a - c) / bend, -0.5, 0.5)) if bend < 0 else 0.0
