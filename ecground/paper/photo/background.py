"""What lies under and around a page: tables and cloths made of noise, and the lid of a scanner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.paper.photo.texture import Field, clouds

__all__ = ["BACKGROUNDS", "background"]


def _mixed(amount: Field, low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Colours between two, by a field in -1..1."""
    import cv2

    index = (amount * 127.5 + 127.5).clip(0, 255).astype(np.uint8)
    table = low + (high - low) * np.linspace(0, 1, 256)[:, None]
    coloured: NDArray[np.uint8] = cv2.LUT(cv2.merge([index] * 3), table.clip(0, 255).astype(np.uint8)[None])
    return coloured


def _grain(rng: np.random.Generator, shape: tuple[int, int], strength: float) -> Field:
    field: Field = strength * rng.standard_normal(shape, dtype=np.float32)
    return field


def _wood(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Year rings cut lengthwise: stretched clouds through a sine."""
    import cv2

    rows, columns = shape
    field = clouds(rng, (rows, max(2, columns // 12)), 14, 3)
    along = cv2.resize(field, (columns, rows), interpolation=cv2.INTER_CUBIC)
    y = np.linspace(0, rng.uniform(8, 30), rows, dtype=np.float32)[:, None]
    rings = 0.6 * np.sin(2 * np.pi * (y + 0.5 * along)) + 0.25 * along + _grain(rng, shape, 0.12)
    base = np.array([rng.uniform(70, 200), 0, 0])
    base[1], base[2] = base[0] * rng.uniform(0.62, 0.8), base[0] * rng.uniform(0.35, 0.55)
    picture = _mixed(rings, 0.75 * base, 1.15 * base)
    return picture if rng.random() < 0.6 else np.ascontiguousarray(np.rot90(_squared(picture, shape)))


def _squared(picture: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    import cv2

    turned: NDArray[np.uint8] = cv2.resize(picture, shape)
    return turned


def _cloth(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Threads crossing, over soft wrinkles."""
    y, x = np.mgrid[:shape[0], :shape[1]].astype(np.float32)
    pitch = rng.uniform(3, 7)
    weave = 0.35 * np.sin(2 * np.pi * x / pitch) * np.sin(2 * np.pi * y / pitch)
    wrinkles = 0.35 * clouds(rng, shape, 5, 3)
    base = rng.uniform(40, 235) + rng.normal(0, 18, 3)
    return _mixed(weave + wrinkles + _grain(rng, shape, 0.15), 0.7 * base, 1.2 * base)


def _blanket(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Fluffy, with broad stripes or checks."""
    y, x = np.mgrid[:shape[0], :shape[1]].astype(np.float32) / max(shape)
    bands = np.sign(np.sin(2 * np.pi * rng.uniform(2, 7) * x)) + np.sign(np.sin(2 * np.pi * rng.uniform(2, 7) * y))
    fluff = 0.3 * clouds(rng, shape, 60, 2) + 0.2 * clouds(rng, shape, 4, 2)
    base, other = (rng.uniform(50, 225) + rng.normal(0, 28, 3) for _ in range(2))
    return _mixed(0.35 * bands * rng.random() + fluff, base, other)


def _desk(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """A smooth surface, slightly speckled."""
    base = rng.uniform(30, 245) + rng.normal(0, 8, 3)
    return _mixed(0.15 * clouds(rng, shape, 2, 2) + _grain(rng, shape, rng.uniform(0.02, 0.3)), 0.8 * base, 1.2 * base)


def _lid(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The inside of a scanner: white, light grey or black."""
    level = rng.choice((252.0, 235.0, 190.0, 12.0), p=(0.5, 0.25, 0.1, 0.15))
    return _mixed(_grain(rng, shape, 0.5), np.full(3, level - 3), np.full(3, level + 3))


BACKGROUNDS: Final[dict[str, Callable[[np.random.Generator, tuple[int, int]], NDArray[np.uint8]]]] = {
    "wood": _wood, "cloth": _cloth, "blanket": _blanket, "desk": _desk, "lid": _lid,
}


def background(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A surface, RGB `[height, width, 3]`; drawn at a third of its size, as it is out of focus anyway."""
    import cv2

    small = BACKGROUNDS[kind](rng, (max(2, shape[0] // 3), max(2, shape[1] // 3)))
    full: NDArray[np.uint8] = cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return full
