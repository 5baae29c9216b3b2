"""A page as files with one stem: `NAME.png`, `NAME.json`, `NAME.leads.png` (16 bit) and `NAME.layers.png` (8 bit).

Bit i of `leads` is the ink of the i-th lead of the JSON; bits of `layers` are those of `page.LAYERS`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import CorruptInputError, UnsafeInputError, UsageError
from ecground.paper.export.truth import dumps, loads
from ecground.paper.page import Page

__all__ = ["lead_mask", "load_page", "png", "save_page"]

_MOST_BYTES: Final = 512 << 20
_MOST_PIXELS: Final = 200_000_000
_HEAD: Final = b"\x89PNG\r\n\x1a\n"


def png(image: NDArray[Any], *, dpi: float | None = None) -> bytes:
    """PNG bytes of an RGB or grey image, 8 or 16 bits: fast first, small second.

    Drawn pages repeat themselves byte for byte: unfiltered rows pack as well as filtered ones in a third of the time.
    """
    import cv2

    # Choosing the filter came with OpenCV 4.12; before it the files are the same pixels, written more slowly.
    unfiltered = [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE] if hasattr(cv2, "IMWRITE_PNG_FILTER") else []
    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    good, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1, *unfiltered])
    if not good:
        raise UsageError(f"an image of shape {image.shape} cannot be written as PNG", where="png")
    return bytes(data) if dpi is None else _with_resolution(bytes(data), dpi)


def _with_resolution(data: bytes, dpi: float) -> bytes:
    """The same file with a pHYs chunk (pixels a metre), which belongs before the image data."""
    import zlib

    each = round(dpi / 0.0254).to_bytes(4, "big")
    body = b"pHYs" + each + each + b"\x01"
    chunk = (9).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    after_header = len(_HEAD) + 25
    return data[:after_header] + chunk + data[after_header:]


def save_page(page: Page, stem: Path) -> list[Path]:
    """Write a page with its truth, each file whole or not at all; the files written."""
    parts = {".png": png(page.image, dpi=page.dpi)}
    if page.truth is not None:
        parts |= {".json": dumps(page.truth).encode("utf-8"), ".leads.png": png(page.truth.masks),
                  ".layers.png": png(page.truth.layers)}
    paths = []
    for suffix, data in parts.items():
        path = stem.with_name(stem.name + suffix)
        safe.write_atomic(path, data)
        paths.append(path)
    return paths


def load_page(stem: Path) -> Page:
    """What `save_page` wrote. NotFoundError, CorruptInputError or UnsafeInputError when it is not there or damaged."""
    image = _pixels(stem, ".png", np.uint8, 3)
    text = safe.read_bytes(stem.with_name(stem.name + ".json"))
    truth = loads(text, masks=_pixels(stem, ".leads.png", np.uint16, 2),
                  layers=_pixels(stem, ".layers.png", np.uint8, 2), where=stem.name + ".json")
    return Page(image[..., ::-1], truth, truth.px_per_mm[0] * 25.4)


def _pixels(stem: Path, suffix: str, kind: type, dimensions: int) -> NDArray[Any]:
    import cv2

    path = stem.with_name(stem.name + suffix)
    data = safe.read_bytes(path, limit=_MOST_BYTES)
    width, height = (int.from_bytes(data[place : place + 4], "big") for place in (16, 20))
    if not data.startswith(_HEAD) or width * height > _MOST_PIXELS:
        raise UnsafeInputError("not a PNG file of a page", where=path.name)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != kind or pixels.ndim != dimensions:
        raise CorruptInputError("the image is damaged or of another kind", where=path.name)
    return np.asarray(pixels)


def lead_mask(masks: NDArray[np.uint16], index: int) -> NDArray[np.uint8]:
    """The ink of one lead as an image, 0 or 255."""
    mask: NDArray[np.uint8] = ((masks >> index & 1) * 255).astype(np.uint8)
    return mask
