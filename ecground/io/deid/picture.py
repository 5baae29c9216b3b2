"""De-identified copies of pictures of ECGs, PNG and JPEG: the same pixels to the bit, without what lies around them.

Contract: of a PNG the chunks that decide pixels and their size on paper stay, of a JPEG the segments that decode it;
EXIF, XMP, IPTC, comments, colour profiles, thumbnails, times, other chunks, and bytes after the end go. The orientation
of EXIF is kept as the only entry of a new one, since a page would lie on its side without it. Nothing is decoded and
encoded again. What is written in the picture itself cannot be found here, and the report says so.
Reference: PNG (ISO/IEC 15948, third edition) 5 and 11; JPEG (ITU-T T.81) annex B; JFIF 1.02; EXIF 2.32 4.6.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

import numpy as np

from ecground import safe
from ecground.errors import CorruptInputError, InputError
from ecground.io.deid.ledger import Ledger
from ecground.io.source import Source

__all__ = ["deidentified_picture", "picture_format"]

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
_PNG_KEPT: Final = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"sRGB", b"sBIT", b"pHYs"))
_PNG_WORDS: Final = {
    b"tEXt": "free text", b"zTXt": "free text", b"iTXt": "free text", b"eXIf": "EXIF", b"tIME": "date",
    b"iCCP": "colour profile",
}
_JPEG_WORDS: Final = {0xE1: "EXIF or XMP", 0xE2: "colour profile or further pictures", 0xED: "IPTC", 0xFE: "free text"}
_JFIF_BYTES: Final = 14
_STANDALONE: Final = frozenset((0x01, *range(0xD0, 0xD8)))
_ORIENTATION: Final = 0x0112
_IN_THE_PICTURE: Final = "what is written or printed in the picture itself (a name, a date, a number) stays: look at it"


def picture_format(source: Source) -> str | None:
    """`png` or `jpeg` by the first bytes, None for everything else."""
    return "png" if source.head.startswith(_PNG) else "jpeg" if source.head.startswith(_JPEG) else None


def deidentified_picture(source: Source, ledger: Ledger) -> bytes:
    """The copy; its pixels were compared with those of the original.

    Raises:
        CorruptInputError: a chunk or segment is cut short, or the picture cannot be decoded.
        UnsafeInputError: more bytes or pixels than the limits of `safe`.
        InputError: the copy would show something else.
    """
    data, where = source.data, source.name
    kind = picture_format(source)
    turned = _orientation(data, where)
    parts = _png(data, turned, where, ledger) if kind == "png" else _jpeg(data, turned, where, ledger)
    copy = b"".join(parts)
    if not _same_pixels(data, copy, where):
        raise InputError("the copy does not show the same picture", where=where,
                         hint="nothing was written; please report it")
    ledger.keep("pixels", "orientation")
    ledger.regret(_IN_THE_PICTURE)
    return copy


def _png(data: bytes, turned: int, where: str, ledger: Ledger) -> Iterator[bytes]:
    yield _PNG
    at = len(_PNG)
    while True:
        length, kind = struct.unpack(">I4s", safe.need(data, at, 8, where=where))
        chunk = bytes(safe.need(data, at, 12 + length, where=where))
        at += 12 + length
        if kind in _PNG_KEPT:
            yield chunk
        else:
            ledger.note("chunk", _PNG_WORDS.get(kind, "unknown"))
        if kind == b"IHDR" and turned > 1:
            body = b"eXIf" + _exif(turned)
            yield struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        if kind == b"IEND":
            break
    if at < len(data):
        ledger.note("after the end", "hidden bytes")


def _jpeg(data: bytes, turned: int, where: str, ledger: Ledger) -> Iterator[bytes]:
    yield b"\xff\xd8"
    if turned > 1:
        body = b"Exif\0\0" + _exif(turned)
        yield b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    at = 2
    while True:
        mark, marker = safe.need(data, at, 2, where=where)
        if mark != 0xFF:
            raise CorruptInputError("no marker where a JPEG must have one", where=where)
        if marker == 0xFF:  # padding before a marker
            at += 1
            continue
        if marker == 0xD9:
            yield b"\xff\xd9"
            at += 2
            break
        if marker in _STANDALONE:
            at += 2
            continue
        length = int.from_bytes(safe.need(data, at + 2, 2, where=where), "big")
        body = bytes(safe.need(data, at + 4, length - 2, where=where))
        at += 2 + length
        yield _segment(marker, body, ledger)
        if marker == 0xDA:
            end = _scan_end(data, at)
            yield data[at:end]
            at = end
    if at < len(data):
        ledger.note("after the end", "hidden bytes")


def _segment(marker: int, body: bytes, ledger: Ledger) -> bytes:
    """The segment if it decodes the picture, JFIF's without thumbnail; else nothing."""
    if marker == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= _JFIF_BYTES:
        if len(body) > _JFIF_BYTES:
            ledger.note("segment", "thumbnail")
        body = body[: _JFIF_BYTES - 2] + b"\0\0"
    elif marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
        body = body[:12]
    elif 0xE0 <= marker <= 0xEF or marker == 0xFE:
        ledger.note("segment", _JPEG_WORDS.get(marker, "unknown"))
        return b""
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def _scan_end(data: bytes, at: int) -> int:
    """Where the next marker stands; stuffed zeros and restarts belong to the scan."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        if data[at + 1] not in (0x00, *range(0xD0, 0xD8)):
            return at
        at += 2
    return len(data)


def _orientation(data: bytes, where: str) -> int:
    """EXIF's orientation, 1 to 8; 1 where there is none."""
    image = safe.image_file(data, formats=("PNG", "JPEG"), where=where)
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - Pillow fails on damaged EXIF in every possible way
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _exif(turned: int) -> bytes:
    """A TIFF structure with one entry, the orientation."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, _ORIENTATION, 3, 1, turned, 0, 0)


def _same_pixels(data: bytes, copy: bytes, where: str) -> bool:
    """Whether both files decode to one picture of one orientation."""
    shown = []
    for each in (data, copy):
        image = safe.image_file(each, formats=("PNG", "JPEG"), where=where)
        try:
            image.load()
        except Exception:  # noqa: BLE001 - decoders fail on damaged data in every possible way
            raise CorruptInputError("the picture cannot be decoded", where=where, hint="save it again") from None
        # Palettes and transparency are compared too, whatever the mode.
        shown.append((image.mode, image.size, np.asarray(image.convert("RGBA"))))
    (mode, size, pixels), (other_mode, other_size, other) = shown
    return (mode, size) == (other_mode, other_size) and np.array_equal(pixels, other) \
        and _orientation(data, where) == _orientation(copy, where)
