"""The moment of the photograph: what part of the view is taken, at which scale, and on what the page lies.

`framed` draws the last geometric step; `exposed` does all geometry in one resampling and moves the truth with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecground.paper.page import Points
from ecground.paper.photo.background import background
from ecground.paper.photo.lattice import Lattice, inverted, moved
from ecground.paper.photo.shot import Back, Shot, Values

__all__ = ["Framing", "exposed", "framed"]

MAX_SIDE: Final = 4000
"""Longer side of the largest image [px]; above it the scale is lowered."""


@dataclass(frozen=True, slots=True)
class Framing:
    """How much of a page is taken, and at which scale."""

    px_per_mm: tuple[float, float]
    """Range of scales, drawn evenly in their logarithm."""
    edge: tuple[float, float]
    """Range, drawn for each side: 0 at what is printed, 1 at the edge of the sheet, above 1 beyond it, below 0 cut."""
    grounds: tuple[str, ...]
    """Kinds of background."""
    close: float = 0.0
    """Chance of a photograph from so near that all sides lie in the lower half of `edge`."""


def framed(framing: Framing, shot: Shot, back: Back, rng: np.random.Generator) -> dict[str, Any]:
    """Draw the frame around a page that is seen through `back` (mm of the view to mm of the sheet)."""
    sheet = _seen(back, _outline(np.array(shot.size_mm) / 2 * np.array([[-1, -1], [1, 1]])))
    printed = _seen(back, _outline(_printed_mm(shot)))
    inner = np.array([printed.min(axis=0), printed.max(axis=0)])
    outer = np.array([sheet.min(axis=0), sheet.max(axis=0)])
    nearest, farthest = framing.edge
    if rng.random() < framing.close:
        farthest = (nearest + farthest) / 2
    place = rng.uniform(nearest, farthest, (2, 2))
    side = np.array([[-1.0], [1.0]]) * (outer[1] - outer[0])
    box = np.where(place < 0, inner + place * side, np.where(
        place < 1, inner + place * (outer - inner), outer + 0.3 * (place - 1) * side))
    scale = float(np.exp(rng.uniform(*np.log(framing.px_per_mm))))
    extent = box[1] - box[0]
    scale = min(scale, float(MAX_SIDE / extent.max()))
    width, height = np.maximum(np.round(extent * scale), 32).astype(int)
    return {"width": int(width), "height": int(height), "px_per_mm": scale,
            "centre_mm": [float(value) for value in box.mean(axis=0)],
            "ground": str(rng.choice(framing.grounds)), "shade": float(rng.uniform(0.1, 0.7))}


def _printed_mm(shot: Shot) -> Points:
    """The box `[2, 2]` around what is printed, with 4 mm around it, within the sheet [mm from the centre]."""
    half = np.array(shot.size_mm) / 2
    things = [*(lead.region for lead in shot.truth.leads), *(pulse.trace for pulse in shot.truth.pulses)]
    if not things:
        return np.array([-half, half])
    height, width = shot.image.shape[:2]
    flat = (np.concatenate(things) - np.array([(width - 1) / 2, (height - 1) / 2])) / shot.px_per_mm
    box = np.array([np.nanmin(flat, axis=0) - 4, np.nanmax(flat, axis=0) + 4])
    return box.clip(-half, half)


def _outline(box: Points) -> Points:
    """Points along the edges of a box `[2, 2]`."""
    t = np.linspace(0, 1, 5)
    (x0, y0), (x1, y1) = box
    x, y = x0 + t * (x1 - x0), y0 + t * (y1 - y0)
    return np.concatenate([np.column_stack(pair) for pair in (
        (x, np.full(5, y0)), (x, np.full(5, y1)), (np.full(5, x0), y), (np.full(5, x1), y))])


def _seen(back: Back, points: Points) -> Points:
    """Where points of the sheet lie in the view [mm]."""
    return inverted(back, points)


def through(backs: Sequence[Back]) -> Back:
    """The composed map from the view to the sheet; `backs` in the order in which things happened."""
    def back(points: Points) -> Points:
        for step in reversed(backs):
            points = step(points)
        return points

    return back


def exposed(shot: Shot, backs: Sequence[Back], frame: Values, rng: np.random.Generator) -> Shot:
    """Take the photograph: one resampling of the image, its masks and its truth."""
    lattice = Lattice.of(_to_page_px(shot, through(backs), frame), frame["width"], frame["height"])
    dense = lattice.dense()
    image, paper = _resampled(shot, lattice, dense)
    masks, layers = _ink(shot, dense, lattice.shrinks)
    if paper is not None:
        image = _laid(image, paper, frame, rng)
    truth = replace(moved(shot.truth, lattice.forward), masks=masks, layers=layers)
    return Shot(image, truth, frame["px_per_mm"], paper, dense)


def _to_page_px(shot: Shot, back: Back, frame: Values) -> Callable[[Points], Points]:
    scale, centre = frame["px_per_mm"], np.array(frame["centre_mm"])
    middle = np.array([(frame["width"] - 1) / 2, (frame["height"] - 1) / 2])
    return lambda points: shot.px(back((points - middle) / scale + centre))


def _resampled(
    shot: Shot, lattice: Lattice, dense: NDArray[np.float32],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Image and paper by one bicubic resampling, blurred before to the final resolution where that is lower."""
    import cv2

    image, ratio = shot.image, lattice.shrinks
    if ratio > 1.05:
        image = cv2.GaussianBlur(image, (0, 0), 0.45 * np.sqrt(ratio**2 - 1) + 0.1)
    image = cv2.remap(image, dense, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    height, width = shot.image.shape[:2]
    inside = dense.min() >= 0 and dense[..., 0].max() <= width - 1 and dense[..., 1].max() <= height - 1
    if inside and shot.paper is None:
        return image, None
    whole = np.full((height, width), 255, np.uint8) if shot.paper is None else shot.paper
    return image, cv2.remap(whole, dense, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)


def _ink(shot: Shot, dense: NDArray[np.float32], ratio: float) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Masks and layers at the nearest pixel; where the image shrinks much, at four places in each pixel.

    Otherwise lines as thin as a pixel would break up.
    """
    import cv2

    apart = np.float32(ratio / 4)
    offsets = [(dx, dy) for dx in (-apart, apart) for dy in (-apart, apart)] if ratio > 1.4 else [(0.0, 0.0)]
    places = [dense + np.array(offset, np.float32) for offset in offsets]

    def taken(bits: NDArray[Any]) -> NDArray[Any]:
        seen = [cv2.remap(bits, place, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
                for place in places]
        together: NDArray[Any] = np.bitwise_or.reduce(seen) if len(seen) > 1 else seen[0]
        return together

    return taken(shot.truth.masks), taken(shot.truth.layers)


def _laid(
    image: NDArray[np.uint8], paper: NDArray[np.uint8], frame: Values, rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """The page on its background, with the shadow of its edges."""
    import cv2

    height, width = paper.shape
    ground = background(frame["ground"], (height, width), rng)
    small = cv2.resize(paper, (max(2, width // 16), max(2, height // 16)), interpolation=cv2.INTER_AREA)
    dark = cv2.GaussianBlur(small, (0, 0), max(0.5, 2.0 * frame["px_per_mm"] / 16))
    gain = 1 - frame["shade"] * dark.astype(np.float32) / 255
    full = cv2.resize(gain, (width, height), interpolation=cv2.INTER_LINEAR)
    share = paper.astype(np.float32) * np.float32(1 / 255)
    laid: NDArray[np.uint8] = cv2.blendLinear(image, ground, share, (1 - share) * full)
    return laid
