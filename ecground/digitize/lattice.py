"""The printed grid as two families of fringes: their local frequency and unwrapped phase over the image.

A grid of lines or dots is a lattice. Its vertical and its horizontal lines each give a peak in the spectrum of a small
tile, whose phase says where the lines lie. From the tile where a peak stands out most, the phase is followed from tile
to tile (quality-guided unwrapping), so perspective, bends and lens distortion need no model here. Method: windowed
Fourier fringe analysis (Takeda 1982, doi:10.1364/JOSA.72.000156; Kemao 2004, doi:10.1364/AO.43.002695).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fringes", "Tiles", "contrast", "fringes", "tile_spectra"]

TILE: Final = 128
"""Side of a tile [px of the working image]."""
_HOP: Final = 64
_HALF: Final = TILE // 2
_LOWEST: Final = 5
"""Lowest frequency taken for a grid [cycles per tile]: below it, waves and text outweigh lines."""
_RISE: Final = 8.0
"""A peak counts from this ratio to the median power at the same frequency."""
_SEEDS: Final = 3


@dataclass(frozen=True, slots=True)
class Fringes:
    """One family of parallel lines: its phase where it was seen."""

    phase: NDArray[np.float64]
    """Unwrapped phase at the centre of each tile `[row, column]` [periods]: one more from line to line, growing along x
    (vertical lines) or y; NaN where the lines were not followed."""
    frequency: NDArray[np.float64]
    """Local frequency `[row, column, (x, y)]` [periods per px]."""
    weight: NDArray[np.float64]
    """Logarithm of the peak's rise over its surroundings, 0 where not followed."""

    @property
    def support(self) -> float:
        """How much of the image shows these lines, and how clearly."""
        return float(self.weight.sum())


@dataclass(frozen=True, slots=True)
class Tiles:
    """Spectra of overlapping tiles of one image."""

    centre: NDArray[np.float64]
    """`[row, column, (x, y)]` px."""
    value: NDArray[np.complex64]
    """`[row, column, ky, kx]` with frequencies from -TILE/2; phase is that at the tile's centre."""
    median: NDArray[np.float32]
    """Median power of each ring of equal frequency, `[row, column, radius]`."""


def contrast(channel: NDArray[np.float32], *, reach: int = 12) -> NDArray[np.float32]:
    """Darkness against the surroundings within `reach` px, limited so that a black trace weighs no more than a line."""
    import cv2

    local = channel
    for _ in range(2):
        local = cv2.blur(local, (2 * reach + 1, 2 * reach + 1), borderType=cv2.BORDER_REFLECT)
    dark = (local - channel) / (local + np.float32(16))
    low, high = np.quantile(dark[::3, ::3], (0.04, 0.94))
    out: NDArray[np.float32] = np.clip(dark, np.float32(min(low, -1e-3)), np.float32(max(high, 1e-3)))
    return out


def tile_spectra(image: NDArray[np.float32]) -> Tiles:
    """Spectra of tiles of `TILE` px, Hann window; an image smaller than a tile is continued with zeros."""
    from scipy.fft import fft2

    short = [max(TILE - side, 0) for side in image.shape]
    image = np.pad(image, ((0, short[0]), (0, short[1])))
    tops, lefts = (_starts(side) for side in image.shape)
    pieces = np.lib.stride_tricks.sliding_window_view(image, (TILE, TILE))[tops[:, None], lefts[None, :]]
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(TILE) + 0.5) / TILE)).astype(np.float32)
    window = hann[:, None] * hann
    mean = (pieces * window).sum(axis=(2, 3), keepdims=True) / window.sum()
    value = np.fft.fftshift(fft2((pieces - mean) * window), axes=(2, 3))
    to_centre = np.exp(1j * np.pi * (TILE - 1) / TILE * np.arange(-_HALF, _HALF)).astype(np.complex64)
    value *= to_centre[:, None] * to_centre
    centre = np.stack(np.meshgrid(lefts, tops), axis=-1) + (TILE - 1) / 2
    return Tiles(centre.astype(np.float64), value, _ring_medians(value))


def _starts(length: int) -> NDArray[np.intp]:
    """First pixels of tiles that cover `length` px evenly."""
    count = max(1, -(-(length - TILE) // _HOP) + 1)
    return np.linspace(0, length - TILE, count).round().astype(np.intp)


def _ring_medians(value: NDArray[np.complex64]) -> NDArray[np.float32]:
    ky, kx = np.mgrid[-_HALF:_HALF, -_HALF:1]
    ring = np.hypot(ky, kx).round().astype(np.intp)
    half = value[..., :_HALF + 1]
    power = half.real ** 2 + half.imag ** 2
    out = np.full((*value.shape[:2], _HALF + 1), np.inf, dtype=np.float32)
    for r in range(_LOWEST - 1, _HALF):
        out[:, :, r] = np.median(power[:, :, ring == r], axis=-1)
    return np.maximum(out, 1e-6 * float(np.median(out[np.isfinite(out)])) + 1e-12)


def _rises(tiles: Tiles, family: int) -> tuple[NDArray[np.complex64], NDArray[np.float32]]:
    """Values and rises `[row, column, across, along]`; `along` >= 0 is the axis that crosses the lines."""
    value = tiles.value if family == 0 else tiles.value.swapaxes(2, 3)
    value = value[..., _HALF:]
    across, along = np.mgrid[-_HALF:_HALF, 0:_HALF]
    ring = np.hypot(across, along).round().astype(np.intp)
    inside = (np.abs(across) <= 0.9 * along) & (ring >= _LOWEST) & (ring < _HALF)
    median = tiles.median[:, :, np.minimum(ring, _HALF)]
    rise = ((value.real ** 2 + value.imag ** 2) / median * inside).astype(np.float32)
    return value, _mean_of_neighbours(rise)


def _mean_of_neighbours(stack: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over 3 x 3 tiles."""
    for axis in (0, 1):
        count = stack.shape[axis]
        index = np.arange(count)
        before, after = np.maximum(index - 1, 0), np.minimum(index + 1, count - 1)
        stack = (stack.take(before, axis) + stack + stack.take(after, axis)) / np.float32(3)
    return stack


def fringes(tiles: Tiles, family: int) -> list[Fringes]:
    """Families of near-vertical (0) or near-horizontal (1) lines, the best supported first.

    Several may be found: 1 mm lines, 5 mm lines, or something that is no grid.
    """
    value, rise = _rises(tiles, family)
    peak = rise.max(axis=(2, 3))
    found: list[Fringes] = []
    starts: list[NDArray[np.float64]] = []
    for flat in np.argsort(-peak, axis=None):
        row, column = divmod(int(flat), peak.shape[1])
        if peak[row, column] < 3 * _RISE or len(found) == _SEEDS:
            break
        across, along = divmod(int(rise[row, column].argmax()), _HALF)
        start = _between_bins(rise[row, column], across, along)
        if all(np.hypot(*(start - other)) > 0.1 * start[1] + 1 for other in starts):
            starts.append(start)
            found.append(_follow(tiles, family, value, rise, (row, column), start))
    return sorted(found, key=lambda fringe: -fringe.support)


def _between_bins(rise: NDArray[np.float32], across: int, along: int) -> NDArray[np.float64]:
    """Frequency (across, along) [cycles per tile] of the peak at a bin: parabolas through the logarithms."""
    out = []
    for line, n in ((rise[:, along], across), (rise[across], along)):
        shift = 0.0
        if 0 < n < len(line) - 1:
            a, b, c = np.log(line[n - 1:n + 2] + 1e-6)
            shift = float(np.clip(0.5 * (a - c) / min(a - 2 * b + c, -1e-6), -0.5, 0.5))
        out.append(n + shift)
    return np.array([out[0] - _HALF, out[1]])


def _peak_near(rise: NDArray[np.float32], expected: NDArray[np.float64]) -> tuple[int, int]:
    """Bin (across, along) of the highest rise around an expected frequency."""
    reach = float(np.clip(0.06 * expected[1], 1.3, 3.0))
    centre = expected + np.array([_HALF, 0])
    low = np.maximum(np.ceil(centre - reach), 0).astype(int)
    high = np.minimum(np.floor(centre + reach) + 1, rise.shape).astype(int)
    part = rise[low[0]:high[0], low[1]:high[1]]
    if part.size == 0:
        return -1, -1
    across, along = divmod(int(part.argmax()), part.shape[1])
    return low[0] + across, low[1] + along


def _follow(
    tiles: Tiles, family: int, value: NDArray[np.complex64], rise: NDArray[np.float32], seed: tuple[int, int],
    start: NDArray[np.float64],
) -> Fringes:
    """Phase from tile to tile, the clearest neighbour next, as far as the peak can be seen."""
    rows, columns = rise.shape[:2]
    phase = np.full((rows, columns), np.nan)
    weight = np.zeros((rows, columns))
    frequency = np.full((rows, columns, 2), np.nan)
    queue = [(0.0, seed, tuple(start), seed)]
    while queue:
        _, tile, expected, parent = heapq.heappop(queue)
        if weight[tile]:
            continue
        across, along = _peak_near(rise[tile], np.array(expected))
        if across < 0 or rise[tile][across, along] < _RISE:
            continue
        here = _between_bins(rise[tile], across, along)
        frequency[tile] = (here if family else here[::-1]) / TILE
        measured = float(np.angle(value[tile][across, along])) / (2 * np.pi)
        if weight[parent]:
            step = tiles.centre[tile] - tiles.centre[parent]
            predicted = phase[parent] + float(step @ (frequency[tile] + frequency[parent])) / 2
            measured += np.round(predicted - measured)
        phase[tile] = measured
        weight[tile] = np.log(rise[tile][across, along] / _RISE) + 0.1
        for r, c in ((tile[0] + dr, tile[1] + dc) for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0))):
            if 0 <= r < rows and 0 <= c < columns and not weight[r, c]:
                heapq.heappush(queue, (-float(weight[tile]), (r, c), tuple(here), tile))
    return Fringes(phase, frequency, weight)
