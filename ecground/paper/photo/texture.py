"""Random fields: clouds of several sizes, from which light, stains, mould, paper and tables are made."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Field", "clouds", "magnified", "shaded", "tiled"]

Field = NDArray[np.float32]


def clouds(rng: np.random.Generator, shape: tuple[int, int], cells: float, octaves: int = 3) -> Field:
    """Smooth noise `[height, width]` of mean 0 and standard deviation about 1.

    Args:
        rng: source of randomness.
        shape: height and width.
        cells: how many of the largest clouds lie along the longer side.
        octaves: sizes of clouds, each half as large and half as strong as the one before.
    """
    import cv2

    height, width = shape
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        along = cells * 2.0**octave
        rows, columns = (max(2, min(size, round(along * size / max(shape)) + 1)) for size in shape)
        grid = rng.standard_normal((rows, columns), dtype=np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * 0.5**octave
    return total


def magnified(field: Field, shape: tuple[int, ...]) -> Field:
    """A coarse field over the whole image at its full size."""
    import cv2

    full: Field = cv2.resize(field, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return full


def shaded(image: NDArray[np.uint8], gain: Field) -> NDArray[np.uint8]:
    """The image times a coarse gain `[rows, columns]` or `[rows, columns, 3]` that covers all of it."""
    import cv2

    coloured = gain if gain.ndim == 3 else np.repeat(gain[..., None], 3, axis=-1)
    full = magnified(np.ascontiguousarray(coloured, dtype=np.float32), image.shape)
    result: NDArray[np.uint8] = cv2.multiply(image, full, dtype=cv2.CV_8U)
    return result


def tiled(rng: np.random.Generator, tile: NDArray[np.int16], shape: tuple[int, ...]) -> NDArray[np.int16]:
    """A patch repeated from a random start until it fills `shape` (height, width, ...)."""
    start = rng.integers(0, tile.shape[:2])
    repeats = [-(-(size + int(at)) // side) for size, at, side in zip(shape, start, tile.shape[:2], strict=False)]
    wide = np.tile(tile, (*repeats, *[1] * (tile.ndim - 2)))
    return np.ascontiguousarray(wide[start[0]:start[0] + shape[0], start[1]:start[1] + shape[1]])
