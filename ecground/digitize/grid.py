"""The grid of a page: which fringes are its lines, how many millimetres they are apart, and where they lie exactly.

Steps: fringes of a reduced image (`lattice`), a homography and a bend through their phase (`unwarp`), the spectrum of
the image flattened by these, in which 1 mm and 5 mm lines are told apart (`spacing`), then the phase of all lines
together on the flattened image, repeated, which leaves the residual shifts (`demodulate`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.digitize.demodulate import BOLD, EVERY, Shifts, shifts
from ecground.digitize.lattice import TILE, Fringes, Tiles, contrast, fringes, tile_spectra
from ecground.digitize.spacing import Spacing, spacing
from ecground.digitize.unwarp import Flattening, flatten, surface

__all__ = ["Grid", "find_grid"]

Array = NDArray[np.float64]
_SIDES: Final = (1280, 420, 2560)
"""Longer sides of the images in which fringes are sought, in turn [px]."""
_LEAST_SIDE: Final = 32
_SETTLED: Final = 1.0
"""Merit from which no other size is tried."""
_STRONG: Final = 10.0
"""Strength of lines that leave no doubt."""
_FINE: Final = 1.3
"""Strength of the fifth harmonic over its neighbours that only lines or dots every millimetre give."""
_LONGEST: Final = 700
"""Longest side of a page [mm]."""
_SCATTER: Final = 0.25
"""Standard deviation of lines about the map from which they are none [mm], half of it when their pattern tells nothing:
grids, also on crumpled paper, stay below 0.1, and what traces and letters imitate is above."""
_LEAST: Final = 0.3
"""Merit below which lines are taken for something else: text, tiles, noise."""
_CLEAR: Final = 4.0
"""Support of a grid so clear that no other channel is tried."""
_OVERTONES: Final = (2 ** 0.5, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0)
"""Ratios of an overtone or diagonal to the ground; 5 is that of millimetre lines to bold ones, which are followed as
well."""
_LEAST_TILES: Final = 6
_PER_MM: Final = 4
"""Samples per millimetre of the flattened image in which phases are read."""
_PASSES: Final = ((24.0, 1.0), (16.0, 0.3), (16.0, 0.3))
"""Knot distance [mm] and stiffness of the surface of shifts in each pass."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid found on a photograph."""

    flat: Flattening
    """Millimetres to photograph px; bold lines, if any, lie at multiples of 5 mm."""
    origin: tuple[float, float]
    """Position (x, y) of the first element of `clarity` [mm]."""
    clarity: Array
    """How clearly lines are seen, 1 / variance of their position [1 / mm^2], every 2 mm, `[row, column]`."""
    spacing: Spacing
    residual: float
    """Standard deviation of the lines about the map [mm]."""
    strength: float
    """Strength of the lines over what lies between them, of the weaker family; below 1 there is no grid."""

    px_per_mm: float
    """Scale of the photograph where the lines are, along the coarser axis."""

    @property
    def merit(self) -> float:
        """Above 1 for a grid that leaves no doubt; lines that scatter about the map are no grid."""
        most = _SCATTER if self.spacing.certain else _SCATTER / 2
        steady = float(np.clip((most - self.residual) / (0.4 * most), 0.0, 1.0))
        return min(self.strength / _STRONG, 2.0) * (1.0 if self.spacing.certain else 0.6) * steady


@dataclass(frozen=True, slots=True)
class _Pair:
    """Vertical and horizontal lines seen in one channel."""

    channel: NDArray[np.float32]
    tiles: Tiles
    upright: Fringes
    level: Fringes

    @property
    def support(self) -> float:
        return min(self.upright.support, self.level.support) / self.upright.weight.size


def find_grid(image: NDArray[np.uint8]) -> Grid | None:
    """The grid on an RGB image, or None when there is none.

    Sought where a whole page is some 5 px to the millimetre; where that does not settle it, in a smaller copy, as for
    crops of few millimetres, and in a larger one, as for pages far away.
    """
    best: Grid | None = None
    if min(image.shape[:2]) < _LEAST_SIDE:
        return None
    for side in _SIDES:
        scale = min(1.0, side / max(image.shape[:2]))
        if side > _SIDES[0] and scale == 1.0 and max(image.shape[:2]) <= _SIDES[0]:
            break
        found = _at_scale(image, scale)
        # Elsewhere than at the usual size an overtone of lines 5 mm apart passes for a uniform grid of 1 mm.
        if found is not None and (side == _SIDES[0] or found.spacing.certain):
            best = found if best is None or found.merit > best.merit else best
        if best is not None and best.merit > _SETTLED:
            break
    return best if best is not None and best.merit > _LEAST else None


def _at_scale(image: NDArray[np.uint8], scale: float) -> Grid | None:
    """The grid as found in a copy reduced to `scale`."""
    import cv2

    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
    best: _Pair | None = None
    for channel in _channels(small):
        pair = _pair(channel)
        if pair is not None and (best is None or pair.support > best.support):
            best = pair
        if max(small.shape) > _SIDES[0] or (best is not None and best.support > _CLEAR):
            break
    if best is None:
        return None
    try:
        up, level = best.upright, best.level
        flat = flatten(best.tiles.centre, up.phase, level.phase, up.weight, level.weight)
        told = _spacing(best, flat)
        return None if told is None else _measure(best, flat.in_units(told.mm), told, scale)
    except np.linalg.LinAlgError:  # what was followed fixes no map
        return None


def _box(pair: _Pair, flat: Flattening) -> tuple[Array, Array]:
    """Lowest and highest grid coordinates of the tiles in which both families were followed."""
    both = (pair.upright.weight > 0) & (pair.level.weight > 0)
    corners = np.array([(x, y) for x in (-0.4, 0.4) for y in (-0.4, 0.4)]) * TILE
    height, width = pair.channel.shape
    at = np.clip(pair.tiles.centre[both][:, None, :] + corners, 0, (width - 1, height - 1))
    on_grid = flat.grid(at).reshape(-1, 2)
    return np.quantile(on_grid, 0.002, axis=0), np.quantile(on_grid, 0.998, axis=0)


def _flattened(
    channel: NDArray[np.float32], flat: Flattening, low: Array, step: tuple[float, float], shape: tuple[int, int],
) -> NDArray[np.float32]:
    """The channel sampled on the grid from `low`, 0 where the image shows nothing."""
    import cv2

    at = flat.lookup((float(low[0]), float(low[1])), step, shape)
    out: NDArray[np.float32] = cv2.remap(channel, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return out


def _spacing(pair: _Pair, flat: Flattening) -> Spacing | None:
    """Spacing of the lines, from the image flattened at its own scale."""
    low, high = _box(pair, flat)
    period = [float(1 / np.median(np.hypot(*one.frequency[one.weight > 0].T))) for one in (pair.upright, pair.level)]
    shape = (int((high[1] - low[1]) * period[1]) + 1, int((high[0] - low[0]) * period[0]) + 1)
    if max(shape) > 2 * max(pair.channel.shape) or min(shape) < 16:
        return None
    image = _flattened(pair.channel, flat, low, (1 / period[0], 1 / period[1]), shape)
    return spacing(image, (period[0], period[1]))


def _measure(pair: _Pair, flat: Flattening, told: Spacing, scale: float) -> Grid | None:
    """Shifts of the lines read off the flattened image, until they vanish."""
    low, high = _box(pair, flat)
    low = np.floor(low / 5) * 5
    size = np.ceil((high - low) / 5).astype(int) * 5
    if max(size) > _LONGEST:
        return None
    shape = (int(size[1]) * _PER_MM, int(size[0]) * _PER_MM)
    x, y = (low[axis] + np.arange(0, size[axis], EVERY) + 0.5 for axis in (0, 1))
    nodes = np.stack(np.meshgrid(x, y), axis=-1)
    channel = _for_sampling(pair.channel, _scale(flat, nodes))
    for n, (knots, stiffness) in enumerate(_PASSES):
        image = _flattened(channel, flat, low, (1 / _PER_MM, 1 / _PER_MM), shape)
        seen = [shifts(image, per_mm=_PER_MM, first=n == 0), _level_shifts(image, first=n == 0)]
        surfaces = []
        for axis, one in enumerate(seen):
            total = one.shift
            if flat.shifts is not None:
                total = total + flat.shifts[axis](nodes)
            surfaces.append(surface(
                x, y, total, one.weight, spacing=knots, stiffness=stiffness,
            ))
        flat = replace(flat, shifts=(surfaces[0], surfaces[1]))
    rest = np.concatenate([one.shift[one.weight > 0] for one in seen])
    clarity = np.minimum(seen[0].weight, seen[1].weight)
    confirmed = _confirmed(told, [one.strength for one in seen])
    if confirmed is None:
        return None
    strength = min(float(one.strength.sum()) for one in seen)
    photo = flat.of_larger(scale)
    rest_mm = float(rest.std())
    return Grid(photo, (float(x[0]), float(y[0])), clarity, confirmed, rest_mm, strength, _scale(photo, nodes))


def _for_sampling(channel: NDArray[np.float32], px_per_mm: float) -> NDArray[np.float32]:
    """Averaged over a sample's width where the image is much finer, so that overtones of the lines do not alias."""
    import cv2

    width = 2 * round(px_per_mm / _PER_MM / 2) + 1
    return cv2.blur(channel, (width, width)) if px_per_mm > 1.5 * _PER_MM else channel


def _confirmed(told: Spacing, strengths: list[Array]) -> Spacing | None:
    """What the harmonics of the whole page say of fine and bold lines; None when the two families disagree."""
    ratio = [float(one[4] / max(one[3], one[5], 1e-9)) for one in strengths]
    bold = [one.sum() - one[4] > BOLD for one in strengths]
    if max(ratio) > 2 and min(ratio) < 1 and bold[0] != bold[1]:
        return None
    fine = ratio[0] * ratio[1] > _FINE ** 2
    return replace(told, fine=fine, certain=fine and any(bold))


def _scale(flat: Flattening, nodes: Array) -> float:
    """Pixels to the millimetre along the coarser axis."""
    some = nodes[::4, ::4]
    at = flat.image(some)
    steps = [np.hypot(*np.moveaxis(flat.image(some + one) - at, -1, 0)) for one in np.eye(2)]
    return min(float(np.median(step)) for step in steps)


def _level_shifts(image: NDArray[np.float32], *, first: bool) -> Shifts:
    """Shifts along y of near-horizontal lines."""
    found = shifts(np.ascontiguousarray(image.T), per_mm=_PER_MM, first=first)
    return replace(found, shift=found.shift.T, weight=found.weight.T)


def _channels(image: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    """Views in which a grid may stand out: the darkest colour component, and how colourful a place is."""
    low = image.min(axis=2)
    yield contrast(low.astype(np.float32))
    yield contrast((255 - (image.max(axis=2) - low)).astype(np.float32))


def _pair(channel: NDArray[np.float32]) -> _Pair | None:
    if not np.ptp(channel):
        return None
    tiles = tile_spectra(channel)
    found = [fringes(tiles, family) for family in (0, 1)]
    if not all(found):
        return None
    upright, level = (_ground(family) for family in found)
    least = min(_LEAST_TILES, upright.weight.size)
    if min(np.count_nonzero(upright.weight), np.count_nonzero(level.weight)) < least:
        return None
    return _Pair(channel, tiles, upright, level)


def _ground(found: list[Fringes]) -> Fringes:
    """The ground frequency rather than its overtone or the diagonal of a lattice of dots, when both are seen."""
    best = found[0]
    for other in found[1:]:
        both = (best.weight > 0) & (other.weight > 0)
        if other.support < 0.4 * best.support or both.sum() < _LEAST_TILES:
            continue
        ratio = float(np.median(np.hypot(*best.frequency[both].T) / np.hypot(*other.frequency[both].T)))
        if any(abs(ratio / known - 1) < 0.04 for known in _OVERTONES):
            best = other
    return best
