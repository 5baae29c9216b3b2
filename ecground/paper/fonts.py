"""Fonts: coverage of printed words at any size, and their extent in millimetres.

`aileron` is the font that ships inside Pillow, `opencv` the one that OpenCV draws with (Hershey before version 5),
`dejavu` comes with matplotlib where that is installed; any TrueType or OpenType file can be named by its path.
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

__all__ = ["FONTS", "advances", "available", "extent", "ink", "program"]

FONTS: Final = ("aileron", "dejavu", "dejavu-mono", "dejavu-serif", "opencv")
_DEJAVU: Final = {"dejavu": "DejaVuSans.ttf", "dejavu-mono": "DejaVuSansMono.ttf", "dejavu-serif": "DejaVuSerif.ttf"}
_MEASURE_PX: Final = 40.0
_FINER: Final = 4
_EM: Final = 1000


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
    patch, left, top = _opencv(words, size) if font == "opencv" else _free_type(words, font, size)
    rows, columns = np.flatnonzero(patch.any(axis=1)), np.flatnonzero(patch.any(axis=0))
    if not len(rows):
        return np.zeros((0, 0), np.uint8), 0, 0
    patch = patch[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return patch, int(left + columns[0]), int(top + rows[0])


def _free_type(words: str, font: str, size: float) -> tuple[NDArray[np.uint8], int, int]:
    mask, (left, top) = _face(font, size).getmask2(words, mode="L", anchor="ls")
    width, height = mask.size
    return np.asarray(mask, dtype=np.uint8).reshape(height, width), int(left), int(top)


def _opencv(words: str, size: float) -> tuple[NDArray[np.uint8], int, int]:
    """OpenCV places words on whole pixels in whole weights only, so they are drawn four times as large."""
    import cv2

    # At scale 1 capitals are about 21 px high, 0.72 of the em square.
    factor = size * _FINER * 0.72 / 21
    weight = max(1, round(size * _FINER / 14))
    (width, height), below = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, factor, weight)
    edge = _FINER * (1 + int(np.ceil((weight + below) / _FINER)))
    columns, rows = (-(-(n + 2 * edge) // _FINER) for n in (width, 2 * height + below))
    canvas = np.zeros((rows * _FINER, columns * _FINER), np.uint8)
    line = -(-(height + edge) // _FINER)
    cv2.putText(canvas, words, (edge, line * _FINER), cv2.FONT_HERSHEY_SIMPLEX, factor, 255, weight, cv2.LINE_AA)
    return np.asarray(cv2.resize(canvas, (columns, rows), interpolation=cv2.INTER_AREA)), -edge // _FINER, -line


@lru_cache(maxsize=4096)
def extent(words: str, font: str, size: float) -> tuple[float, float, float, float]:
    """Box x0, y0, x1, y1 of the ink of words of `size`, in the unit of `size`, from the anchor."""
    patch, left, top = ink(words, font, _MEASURE_PX)
    scale = size / _MEASURE_PX
    return left * scale, top * scale, (left + patch.shape[1]) * scale, (top + patch.shape[0]) * scale


def program(font: str) -> bytes:
    """The font's file; of `opencv`, which has none that can be had, Aileron's."""
    face = _vector_face(font)
    if hasattr(face, "font_bytes"):
        return bytes(face.font_bytes)
    return Path(str(face.path)).read_bytes()


def advances(font: str) -> tuple[NDArray[np.float64], float, float]:
    """Widths of the characters 32..255 of Windows-1252, ascent and descent, in thousandths of the em square."""
    face = _vector_face(font)
    text = bytes(range(32, 256)).decode("cp1252", "replace")
    ascent, descent = face.getmetrics()
    widths = np.array([face.getlength(character) for character in text])
    return widths * 1000 / _EM, ascent * 1000 / _EM, -descent * 1000 / _EM


def _vector_face(font: str) -> ImageFont.FreeTypeFont:
    return _face("aileron" if font == "opencv" else font, float(_EM))
