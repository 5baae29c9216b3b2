"""Crops of rectified pages with the targets of the page-reading network.

A page is rectified with its true lattice instead of the digitizer's, so the network sees what a good rectification
leaves: `Slack`, a small smooth error of position. Targets are drawn from the truth of the rendered page, in
coordinates, not from its masks: the trace is a line of one width around the true curve, whatever the pen and the
photograph made of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.digitize.segment import CELL, HEAT, HEIGHT_MM, NAMES, TOKENS
from ecground.digitize.sheet import PX_PER_MM
from ecground.paper.page import LAYERS, LeadTruth, Page, PageTruth, Points

__all__ = ["UNSURE", "Crop", "Slack", "Spot", "crop", "heat_of", "spots_of"]

Map = Callable[[Points], Points]

MARKS: Final = ("pulse", "separator", "text")
"""Layers of the truth that the network tells from traces; bit i of `Crop.marks` is the i-th."""
_WRITTEN: Final = np.uint8(1 << MARKS.index("text"))
UNSURE: Final = -1
"""Kind of a spot that may or may not be taken for a name: nothing is learned there."""
_FINE: Final = 4  # sub-pixels of a pixel in which the line is drawn
_LINE: Final = 9  # its width in sub-pixels: 0.28 mm
_SPREAD: Final = 1.2  # standard deviation of a spot [cells of the heat map]
_LARGEST_MM: Final = 40.0  # heights beyond are not learned
_NODE: Final = 8  # px between the nodes of a crop's map
_BEYOND: Final = 12  # cells of 5 mm by which a lattice is continued on each side


@dataclass(frozen=True, slots=True)
class Spot:
    """A printed name or note on a sheet."""

    kind: int
    """Index in `NAMES` followed by `TOKENS`; `UNSURE` where nothing shall be learned."""
    x: float
    """Centre [px]."""
    y: float


@dataclass(frozen=True, slots=True)
class Crop:
    """A piece of a sheet and what the network shall say about it."""

    image: NDArray[np.uint8]
    """RGB `[h, w, 3]`."""
    trace: NDArray[np.uint8]
    """Cover of the traces' centre lines, 0..255 `[h, w]`."""
    height: NDArray[np.float16]
    """Height above the own lead's zero line [10 mm] `[h / 4, w / 4]`; NaN where there is no trace, or two leads'."""
    marks: NDArray[np.uint8]
    """Bits of `MARKS`, `[h / 4, w / 4]`."""
    seen: NDArray[np.bool_]
    """`[h / 4, w / 4]`: not hidden. Beyond the photograph's edges it is known that there is nothing."""
    spots: tuple[Spot, ...]


@dataclass(frozen=True, slots=True)
class Slack:
    """What rectification leaves: scale, shear and a wave, around the middle of the crop [px of the sheet]."""

    matrix: NDArray[np.float64]
    wave: NDArray[np.float64]
    """Shift of the wave's crest (x, y)."""
    along: NDArray[np.float64]
    """Its wave vector [radians a px]."""
    phase: float

    @classmethod
    def none(cls) -> Slack:
        """A perfect rectification."""
        return cls(np.zeros((2, 2)), np.zeros(2), np.zeros(2), 0.0)

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Slack:
        """Up to 0.5 % of scale, 0.3 degrees, 0.3 mm."""
        matrix = rng.uniform(-0.005, 0.005, (2, 2))
        angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(20.0, 120.0) * PX_PER_MM
        along = np.array([np.cos(angle), np.sin(angle)]) * 2 * np.pi / length
        return cls(matrix, rng.uniform(-1, 1, 2) * 0.3 * PX_PER_MM * rng.random(), along, float(rng.uniform(0, 6.3)))

    def of(self, points: Points, centre: Points) -> Points:
        """Where points of the crop's paper really lie on the perfect sheet."""
        away = points - centre
        moved: Points = points + away @ self.matrix.T + np.sin(away @ self.along + self.phase)[..., None] * self.wave
        return moved

    def undone(self, points: Points, centre: Points) -> Points:
        """The inverse, to 0.01 px."""
        at = points
        for _ in range(3):
            at = at + points - self.of(at, centre)
        return at


def crop(
    flat: PageTruth, photo: Page, origin: tuple[float, float], size: tuple[int, int], slack: Slack, *,
    border: int = 255,
) -> Crop:
    """A piece of the sheet that a page would be rectified to.

    Args:
        flat: the truth of the page as rendered, before it was photographed.
        photo: the page as photographed (or the rendered one).
        origin: where the crop begins on the sheet, (x, y) px.
        size: height and width [px], multiples of 32.
        slack: the error of the rectification.
        border: brightness beyond the photograph's edges.
    """
    assert photo.truth is not None
    place = _Place(flat, photo.truth.lattice, np.asarray(origin, np.float64), size, slack)
    on_flat = place.dense(place.flat_of)
    on_photo = on_flat if photo.truth is flat else place.dense(place.photo_of)
    image = _seen_through(photo.image, on_photo, border)
    trace, height = _traces(flat, place)
    marks = _marks(flat, on_flat)
    if photo.truth is not flat:
        marks |= _marks(photo.truth, on_photo) & _WRITTEN  # what was written on the page afterwards
    inside, seen = _visible(photo, on_photo)
    cells = np.asarray(_blocks(inside).all(axis=(1, 3)))
    spots = tuple(spot if _at(cells, spot) else replace(spot, kind=UNSURE) for spot in spots_of(flat, place.sheet_of))
    return Crop(image, trace * inside, np.where(cells, height, np.float16(np.nan)), marks * cells, seen, spots)


class _Place:
    """Where a crop lies: maps between its pixels, the rendered page and the photograph."""

    def __init__(self, flat: PageTruth, lattice: Points, origin: Points, size: tuple[int, int], slack: Slack) -> None:
        self.scale = flat.px_per_mm[0] / PX_PER_MM
        self.origin, self.size, self.slack = origin, size, slack
        self.centre = origin + np.array([size[1], size[0]]) / 2
        self._first, self._step = flat.lattice[0, 0], 5.0 * flat.px_per_mm[0]
        self._lattice = _continued(lattice)

    def flat_of(self, points: Points) -> Points:
        """Pixels of the rendered page of pixels of the crop."""
        moved: Points = (self.slack.of(points + self.origin, self.centre) + 0.5) * self.scale - 0.5
        return moved

    def sheet_of(self, points: Points) -> Points:
        """Pixels of the crop of pixels of the rendered page."""
        perfect = (points + 0.5) / self.scale - 0.5
        moved: Points = self.slack.undone(perfect, self.centre) - self.origin
        return moved

    def photo_of(self, points: Points) -> Points:
        """Pixels of the photograph of pixels of the crop."""
        from scipy.ndimage import map_coordinates

        at = np.moveaxis((self.flat_of(points) - self._first) / self._step + _BEYOND, -1, 0)[::-1]
        return np.stack([map_coordinates(self._lattice[..., i], at, order=3, mode="nearest") for i in (0, 1)], axis=-1)

    def dense(self, of: Map) -> NDArray[np.float32]:
        """A map at every pixel of the crop `[h, w, 2]`, linear between nodes."""
        import cv2

        height, width = self.size
        x, y = (np.arange(-1, n // _NODE + 1) * _NODE + (_NODE - 1) / 2 for n in (width, height))
        nodes = of(np.stack(np.meshgrid(x, y), axis=-1)).astype(np.float32)
        wide = cv2.resize(nodes, (len(x) * _NODE, len(y) * _NODE), interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(wide[_NODE:_NODE + height, _NODE:_NODE + width])


def _continued(lattice: Points) -> Points:
    """A lattice with `_BEYOND` more cells on each side, straight on."""
    for axis in (0, 1):
        ends = [np.take(lattice, [i], axis) for i in (0, -1)]
        steps = [np.take(lattice, [i], axis) - np.take(lattice, [j], axis) for i, j in ((0, 1), (-1, -2))]
        many = np.arange(1, _BEYOND + 1).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        before = np.flip(ends[0] + many * steps[0], axis)
        lattice = np.concatenate([before, lattice, ends[1] + many * steps[1]], axis)
    return lattice


def _seen_through(image: NDArray[np.uint8], at: NDArray[np.float32], border: int) -> NDArray[np.uint8]:
    """The image at the positions `at`, averaged where it is much finer than the sheet."""
    import cv2

    step = float(np.hypot(*(at[0, -1] - at[0, 0]))) / at.shape[1]
    fine = cv2.resize(at, None, fx=2, fy=2) if step > 1.4 else at
    seen = cv2.remap(image, fine, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(border,) * 3)
    if fine is not at:
        seen = cv2.resize(seen, (at.shape[1], at.shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(seen, np.uint8)


def _traces(flat: PageTruth, place: _Place) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """Cover of the centre lines, and the heights of cells."""
    import cv2

    rows, columns = place.size
    line = np.zeros((rows * _FINE, columns * _FINE), np.uint8)
    height = np.full((rows // CELL, columns // CELL), np.nan, np.float32)
    taken = np.zeros(height.shape, bool)
    for lead in flat.leads:
        own = np.zeros(height.shape, np.uint8)
        for run in _runs(lead, place):
            cv2.polylines(line, [_sixteenths(run, _FINE)], False, 255, _LINE, shift=4)
            cv2.polylines(own, [_sixteenths(run, 1 / CELL)], False, 1, 1, shift=4)
        cells = own > 0
        if not cells.any():
            continue
        row, column = np.nonzero(cells)
        zero = place.sheet_of(np.linspace(lead.baseline[0], lead.baseline[1], 33))
        level = np.interp(column * CELL + 1.5, zero[:, 0], zero[:, 1])
        height[row, column] = (level - (row * CELL + 1.5)) / PX_PER_MM / HEIGHT_MM
        height[cells & taken] = np.nan
        taken |= cells
    height[np.abs(height) > _LARGEST_MM / HEIGHT_MM] = np.nan
    cover = cv2.resize(line, (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(cover, np.uint8), height.astype(np.float16)


def _sixteenths(points: Points, scale: float) -> NDArray[np.int32]:
    """Pixels on a raster `scale` times as fine, as OpenCV takes them with `shift=4`."""
    return np.rint(((points + 0.5) * scale - 0.5) * 16).astype(np.int32)


def _runs(lead: LeadTruth, place: _Place) -> list[Points]:
    """The unbroken pieces of a trace that come near the crop, in its pixels."""
    if not len(lead.trace):
        return []
    rough = (lead.trace[:, 0] + 0.5) / place.scale - 0.5 - place.origin[0]
    near = (rough > -60) & (rough < place.size[1] + 60) & np.isfinite(lead.trace[:, 1])
    drawn = np.concatenate([[False], near, [False]])
    edges = np.flatnonzero(drawn[1:] != drawn[:-1])
    return [np.clip(place.sheet_of(lead.trace[a:b]), -2000, 4000 + max(place.size))
            for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True) if b - a > 1]


def _marks(truth: PageTruth, at: NDArray[np.float32]) -> NDArray[np.uint8]:
    import cv2

    layers = cv2.remap(truth.layers, at, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)
    bits = sum(((layers & LAYERS[name]) > 0).astype(np.uint8) << i for i, name in enumerate(MARKS))
    cells: NDArray[np.uint8] = np.bitwise_or.reduce(_blocks(np.asarray(bits, np.uint8)), axis=(1, 3))
    return cells


def _visible(photo: Page, at: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """1 for pixels that lie on the photograph; cells of which nothing is hidden."""
    import cv2

    assert photo.truth is not None
    shown = np.ones(photo.image.shape[:2], np.uint8)
    inside = np.asarray(cv2.remap(shown, at, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT), np.uint8)
    for polygon in photo.truth.hidden:
        cv2.fillPoly(shown, [np.rint(polygon).astype(np.int32)], 0)
    plain = cv2.remap(shown, at, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=1)
    return inside, np.asarray(_blocks(np.asarray(plain, np.uint8)).all(axis=(1, 3)))


def _at(cells: NDArray[np.bool_], spot: Spot) -> bool:
    """Whether the cell of a spot is set; true for spots outside the crop."""
    row, column = int(spot.y // CELL), int(spot.x // CELL)
    beyond = not (0 <= row < cells.shape[0] and 0 <= column < cells.shape[1])
    return beyond or bool(cells[row, column])


def _blocks(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape
    return pixels.reshape(height // CELL, CELL, width // CELL, CELL)


def spots_of(flat: PageTruth, sheet_of: Map) -> tuple[Spot, ...]:
    """Names and notes of a page; `sheet_of` maps pixels of the rendered page to pixels of the crop."""
    found = [(NAMES.index(lead.lead), lead.name) for lead in flat.leads if lead.name is not None]
    for text in flat.texts:
        if text.kind in ("speed", "gain"):
            note = (text.kind, flat.mm_per_s if text.kind == "speed" else flat.mm_per_mv)
            plain = note in TOKENS and len({lead.mm_per_mv for lead in flat.leads}) == 1
            found.append((len(NAMES) + TOKENS.index(note) if plain else UNSURE, text.quad))
    return tuple(Spot(kind, *sheet_of(quad.mean(axis=0)).tolist()) for kind, quad in found)


def heat_of(spots: tuple[Spot, ...], size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Heat maps `[class, h / 8, w / 8]` of Gaussians around the spots, and where they may be learned from."""
    rows, columns = size[0] // HEAT, size[1] // HEAT
    heat = np.zeros((len(NAMES) + len(TOKENS), rows, columns), np.float32)
    known = np.ones((rows, columns), bool)
    for spot in spots:
        x = (np.arange(columns) + 0.5) - (spot.x + 0.5) / HEAT
        y = (np.arange(rows) + 0.5) - (spot.y + 0.5) / HEAT
        bell = np.exp(-(x[None] ** 2 + y[:, None] ** 2) / (2 * _SPREAD**2))
        if spot.kind == UNSURE:
            known &= bell < 0.05
        else:
            np.maximum(heat[spot.kind], bell, out=heat[spot.kind])
    return heat, known
