"""Fonts: coverage of printed words at any size, and their extent in millimetres.

`aileron` is the font that ships inside Pillow, `hershey` OpenCV's, `dejavu` comes with matplotlib where that is
installed; any TrueType or OpenType file can be named by its path.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

from ecground.errors import MissingExtraError, UsageError

__all__ = ["FONTS", "available", "extent", "ink"]

FONTS: Final = ("aileron", "dejavu", "dejavu-mono", "dejavu-serif", "hershey")
_DEJAVU: Final = {"dejavu": "DejaVuSans.ttf", "dejavu-mono": "DejaVuSansMono.ttf", "dejavu-serif": "DejaVuSerif.ttf"}
_MEASURE_PX: Final = 64.0


def available() -> tuple[str, ...]:
    """Names of `FONTS` that can be used here."""
    found = find_spec("matplotlib") is not None
    return tuple(name for name in FONTS if found or not name.startswith("dejavu"))


@lru_cache(maxsize=256)
def _face(font: str, size: float) -> ImageFont.FreeTypeFont:
    if font == "aileron":
        return ImageFont.load_default(size)
    path = Path(font)
    if font in _DEJAVU:
        spec = find_spec("matplotlib")
        if spec is None or spec.origin is None:
            raise MissingExtraError(f"font '{font}' comes with matplotlib, which is not installed", where="style.font",
                                    hint="pip install matplotlib, or use aileron")
        path = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / _DEJAVU[font]
    try:
        return ImageFont.truetype(path, size)
    except OSError:
        raise UsageError(f"no font '{path.name}'", where="style.font",
                         hint=f"there are: {' '.join(FONTS)}, or the path of a TrueType file") from None


@lru_cache(maxsize=4096)
def ink(words: str, font: str, size: float) -> tuple[NDArray[np.uint8], int, int]:
    """Coverage 0..255 `[height, width]` of words of `size` px, and the offset of its first pixel from the anchor.

    The anchor is the left end of the writing line; the array is as small as the ink allows.
    """
    face = _face(font, size)
    mask, (left, top) = face.getmask2(words, mode="L", anchor="ls")
    width, height = mask.size
    patch = np.asarray(mask, dtype=np.uint8).reshape(height, width)
    rows, columns = np.flatnonzero(patch.any(axis=1)), np.flatnonzero(patch.any(axis=0))
    if not len(rows):
        return np.zeros((0, 0), np.uint8), 0, 0
    patch = patch[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return patch, int(left + columns[0]), int(top + rows[0])


@lru_cache(maxsize=4096)
def extent(words: str, font: str, size: float) -> tuple[float, float, float, float]:
    """Box x0, y0, x1, y1 of the ink of words of `size`, in the unit of `size`, from the anchor."""
    patch, left, top = ink(words, font, _MEASURE_PX)
    scale = size / _MEASURE_PX
    return left * scale, top * scale, (left + patch.shape[1]) * scale, (top + patch.shape[0]) * scale
