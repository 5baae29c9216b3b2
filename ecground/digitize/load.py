"""Picture file -> `Page`: PNG, JPEG, TIFF, WebP, HEIC and PDF, upright by its EXIF note, as RGB.

All bytes come through `safe`. Transparency is laid on white, 16-bit and float grey are scaled to the range they use,
CMYK, palettes and bilevel become RGB. HEIC needs the extra `heic`. A PDF is drawn so that a page of true size has 10 px
to the millimetre. A resolution is believed only where it makes the page between 140 and 500 mm long, and never 72 or 96
dpi, which programs write without knowing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import CorruptInputError, MissingExtraError, UnknownFormatError, UsageError
from ecground.io.source import Source
from ecground.paper.page import Page

__all__ = ["is_image", "load", "load_all", "pages", "pdf_scale"]

_PILLOW: Final = ("PNG", "JPEG", "TIFF", "WEBP")
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
_PDF_DPI: Final = 254.0
_PDF_SIDES: Final = (1000.0, 4000.0)
"""Least and most pixels of the longer side of a drawn PDF page, for pages that do not have their true size."""
_PAGE_MM: Final = (140.0, 500.0)
_UNKNOWING: Final = (72.0, 96.0)


def is_image(head: bytes) -> bool:
    """Whether a file that starts so is a picture or PDF that `load` knows."""
    return _kind(head) is not None


def _kind(head: bytes) -> str | None:
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "pillow"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "pillow"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return "heic"
    return "pdf" if b"%PDF-" in head[:1024] else None


def load(source: str | Path | bytes | BinaryIO, *, page: int = 0, dpi: float | None = None) -> Page:
    """One page of a picture file.

    Args:
        source: path, bytes or file object.
        page: page of a TIFF or PDF, from 0.
        dpi: resolution [px per inch] that the user gives; it replaces what the file states.

    Raises:
        InputError: no picture, damaged, or beyond the limits of `safe`.
        MissingExtraError: HEIC without its decoder.
        UsageError: no such page.
    """
    given = source if isinstance(source, Source) else Source(source)
    kind = _kind(given.head)
    if kind is None:
        raise UnknownFormatError(
            "not a picture", where=given.name, hint="known are PNG, JPEG, TIFF, WebP, HEIC and PDF",
        )
    count = pages(given)
    if not 0 <= page < count:
        raise UsageError(f"no page {page}: the file has {count}, counted from 0", where="page")
    image, stated = _READERS[kind](given.data, page, given.name)
    return Page(image, None, dpi or stated)


def load_all(source: str | Path | bytes | BinaryIO, *, dpi: float | None = None) -> tuple[Page, ...]:
    """Every page of a picture file; arguments and errors as in `load`."""
    given = Source(source)
    return tuple(load(given.data, page=number, dpi=dpi) for number in range(pages(given)))


def pages(source: str | Path | bytes | BinaryIO | Source) -> int:
    """How many pages a picture file has; errors as in `load`."""
    given = source if isinstance(source, Source) else Source(source)
    kind = _kind(given.head)
    if kind == "pdf":
        with _pdf(given.data, given.name) as document:
            return len(document)
    if kind == "pillow":
        image = safe.image_file(given.data, formats=_PILLOW, where=given.name)
        if image.format == "TIFF":
            return _frames(image, given.name)
    return 1


def _frames(image: Any, where: str) -> int:  # noqa: ANN401 - Pillow
    """Pages of a TIFF, as far as their directories can be read."""
    try:
        return min(int(image.n_frames), safe.MAX_IMAGE_PAGES)
    except Exception:  # noqa: BLE001 - a damaged directory raises whatever its parser meets
        raise CorruptInputError("damaged list of pages", where=where) from None


def _read_pillow(data: bytes, page: int, where: str) -> tuple[NDArray[np.uint8], float | None]:
    from PIL import ImageOps

    image = safe.image_file(data, formats=_PILLOW, where=where, page=page)
    resolution = image.info.get("dpi", (None,))[0]
    try:
        image.load()
        upright = ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001 - decoders raise OSError, SyntaxError, struct.error, ValueError, EOFError and more
        raise CorruptInputError("damaged image data", where=where, hint="save or take the picture again") from None
    return _rgb(upright), _believed(resolution, max(upright.size))


def _read_heic(data: bytes, page: int, where: str) -> tuple[NDArray[np.uint8], float | None]:
    try:
        import pi_heif
    except ImportError:
        raise MissingExtraError(
            "HEIC pictures need a decoder", where=where, hint="pip install 'ecground[heic]', or save it as JPEG",
        ) from None
    try:
        image = pi_heif.open_heif(data)
        size = image.size
    except Exception:  # noqa: BLE001 - the decoder raises several kinds for damaged files
        raise CorruptInputError("damaged HEIC file", where=where) from None
    safe.check_pixels(*size, where=where)
    try:
        return _rgb(image.to_pillow()), None
    except Exception:  # noqa: BLE001
        raise CorruptInputError("damaged HEIC image", where=where) from None


@contextmanager
def _pdf(data: bytes, where: str) -> Iterator[Any]:
    """An opened `PdfDocument`; its own errors become ours."""
    import pypdfium2

    document = None
    try:
        document = pypdfium2.PdfDocument(data)
        yield document
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        raise CorruptInputError(
            "the PDF needs a password" if locked else "damaged PDF", where=where,
            hint="save it without a password" if locked else "print the page to a new PDF or a picture",
        ) from None
    finally:
        if document is not None:
            document.close()


def _read_pdf(data: bytes, page: int, where: str) -> tuple[NDArray[np.uint8], float | None]:
    with _pdf(data, where) as document:
        sheet = document[page]
        try:
            scale = pdf_scale(sheet.get_size())
            safe.check_pdf_page(sheet, where=where)
            drawn = sheet.render(scale=scale, rev_byteorder=True, may_draw_forms=False)
            image = np.array(drawn.to_numpy()[..., :3])
            drawn.close()
        finally:
            sheet.close()
    return image, _believed(scale * 72, max(image.shape[:2]))


def pdf_scale(points: tuple[float, float]) -> float:
    """Pixels per point at which a PDF page of this size [points] is drawn."""
    longer = max(*points, 1.0)
    return float(np.clip(_PDF_DPI / 72, _PDF_SIDES[0] / longer, _PDF_SIDES[1] / longer))


_READERS: Final = {"pillow": _read_pillow, "heic": _read_heic, "pdf": _read_pdf}


def _believed(resolution: Any, side: int) -> float | None:  # noqa: ANN401 - whatever a file states
    """A stated resolution [px per inch], when the longer side is that of a page then."""
    try:
        dpi = float(resolution)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not dpi > 0 or round(dpi, 1) in _UNKNOWING:
        return None
    return dpi if _PAGE_MM[0] <= side / dpi * 25.4 <= _PAGE_MM[1] else None


def _rgb(image: Any) -> NDArray[np.uint8]:  # noqa: ANN401 - Pillow
    """Any mode of Pillow as RGB `[height, width, 3]`."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        grey = np.nan_to_num(np.asarray(image).astype(np.float32), posinf=0.0, neginf=0.0)
        high = float(grey.max(initial=0.0))
        low = min(float(grey.min(initial=0.0)), 0.0) if image.mode.startswith("I") else float(grey.min(initial=0.0))
        full = 2.0 ** max(np.ceil(np.log2(high + 1)), 8) - 1 if image.mode.startswith("I") else high
        scaled = (grey - low) * (255.0 / max(full - low, 1e-12))
        return np.repeat(scaled.round().astype(np.uint8)[..., None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        over = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)
    return np.array(image.convert("RGB"))
