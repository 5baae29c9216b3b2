"""The only door for untrusted bytes: every reader takes files, archives, JSON and XML through here.

Covered: file size before reading; declared lengths against the bytes left; a name that leaves its folder (absolute,
`..`, drive letters, URLs, NUL, symbolic links); JSON size and nesting; XML with a DTD, entities or external
references, its size, nesting and number of elements; zip members (names, number, size of each and in all, compression
ratio); `.npz` arrays (no pickles, sizes before allocation); zlib streams with a limit; images: only the formats named,
the declared width and height before any pixel is decoded, the number of pages; PDF: pages, the pixels a page is drawn
with, the number of its objects and the pixels of its pictures before it is drawn. Writes are atomic: a reader never
sees half a file. Not covered: CPU time (parsers are linear in the size, which is bounded; a PDF may take long to draw),
memory of other processes, flaws inside Pillow, libheif and PDFium, which run in this process, a file that changes while
it is read, the meaning of what was read.

Every refusal is an `UnsafeInputError`, every damaged container a `CorruptInputError`. Messages name a file by its last
part only and never quote content.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Any, BinaryIO, Final
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from ecground.errors import CorruptInputError, NotFoundError, UnsafeInputError

__all__ = [
    "MAX_FILE_BYTES",
    "MAX_IMAGE_BYTES",
    "MAX_IMAGE_PAGES",
    "MAX_IMAGE_PIXELS",
    "MAX_JSON_BYTES",
    "MAX_SAMPLES",
    "MAX_XML_BYTES",
    "MAX_XML_NODES",
    "Npz",
    "check_pdf_page",
    "check_pixels",
    "image_file",
    "inflate",
    "inside",
    "json_value",
    "member_bytes",
    "need",
    "read_bytes",
    "read_head",
    "write_atomic",
    "xml_root",
]

MAX_FILE_BYTES: Final = 2 << 30
"""Largest file that is read at all: 24 h of 12 leads at 500 Hz in 16 bit are 1.0 GiB."""
MAX_SAMPLES: Final = 1 << 30
"""Largest number of samples (all leads) a reader may allocate: 24 h of 15 leads at 500 Hz are 0.65 x 2^30."""
MAX_IMAGE_BYTES: Final = 256 << 20
MAX_IMAGE_PIXELS: Final = 89_000_000
"""Largest image: A3 at 600 dpi has 70 million pixels, a phone's full sensor 50 million. In RGB these are 267 MB."""
MAX_IMAGE_PAGES: Final = 500
MAX_JSON_BYTES: Final = 64 << 20
MAX_XML_BYTES: Final = 256 << 20
MAX_XML_NODES: Final = 2_000_000
"""Most elements and attributes of one XML document: each costs memory far above its bytes."""
_XML_PIECE: Final = 1 << 20
_MAX_PDF_OBJECTS: Final = 400_000
_MAX_DEPTH: Final = 64
_MAX_NAME: Final = 255
_LAST_CHARACTER: Final = 0x10FFFF
_MAX_MEMBERS: Final = 4096
_MAX_RATIO: Final = 2000
"""Deflate reaches 1032 at most; zeros in an honest archive come close, so only broken declarations exceed this."""
_HALF_CHARACTER: Final = re.compile(rb"\\u[dD][89a-fA-F]|[\xed][\xa0-\xbf]")
_DRIVE_OR_URL: Final = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]*:")


def need(data: bytes | memoryview, start: int, count: int, *, where: str) -> memoryview:
    """Bytes `[start, start + count)` as a view; CorruptInputError when the declared range is not there."""
    if start < 0 or count < 0 or start + count > len(data):
        raise CorruptInputError(
            f"{count} bytes declared at offset {start}, but only {max(len(data) - max(start, 0), 0)} are left",
            where=where, hint="the file is truncated or its header is wrong",
        )
    return memoryview(data)[start:start + count]


def read_bytes(source: Path | BinaryIO, *, limit: int = MAX_FILE_BYTES) -> bytes:
    """The whole content; UnsafeInputError above `limit` bytes, NotFoundError when it cannot be opened."""
    if not isinstance(source, Path):
        data = source.read(limit + 1)
        if not isinstance(data, bytes):
            raise CorruptInputError("the file object gives text", where="file object", hint='open it with mode "rb"')
        return _within(data, limit, "file object")
    try:
        size = source.stat().st_size
        if size > limit:
            raise UnsafeInputError(f"{size} bytes, limit {limit}", where=source.name)
        with source.open("rb") as handle:
            return _within(handle.read(limit + 1), limit, source.name)
    except (OSError, ValueError) as error:
        raise _cannot_open(source, error) from None


def read_head(path: Path, *, count: int) -> bytes:
    """The first `count` bytes of a file; NotFoundError when it cannot be opened."""
    try:
        with path.open("rb") as handle:
            return handle.read(count)
    except (OSError, ValueError) as error:
        raise _cannot_open(path, error) from None


def _within(data: bytes, limit: int, where: str) -> bytes:
    if len(data) > limit:
        raise UnsafeInputError(f"more than {limit} bytes", where=where)
    return data


def _cannot_open(path: Path, error: Exception) -> NotFoundError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a usable path"
    return NotFoundError(f"cannot open the file: {reason}", where=path.name, hint="check the path and its permissions")


def inside(folder: Path, name: str) -> Path:
    """The path of the file `name` next to a header in `folder`; UnsafeInputError when the name leads elsewhere."""
    parts = name.replace("\\", "/").split("/")
    unsafe = (
        not name or len(name.encode("utf-8", "surrogatepass")) > _MAX_NAME or "\0" in name
        or _DRIVE_OR_URL.match(name) or name.startswith(("/", "\\", "~"))
        or ".." in parts or PureWindowsPath(name).drive
    )
    target = folder / name
    with contextlib.suppress(OSError, RuntimeError):  # a circle of symbolic links
        if not unsafe and target.resolve().is_relative_to(folder.resolve()):
            return target
    raise UnsafeInputError(
        "a header names a file outside its own folder", where="file name in the header",
        hint="put the files in one folder and name them without a path",
    )


def json_value(data: bytes | str, *, where: str, limit: int = MAX_JSON_BYTES) -> Any:  # noqa: ANN401 - JSON is anything
    """Parsed JSON of at most `limit` bytes and 64 levels."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    _within(raw, limit, where)
    depth = deepest = 0
    for token in re.finditer(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', raw):
        first = token.group()[:1]
        depth += (first in b"[{") - (first in b"]}") if first != b'"' else 0
        deepest = max(deepest, depth)
    if deepest > _MAX_DEPTH:
        raise UnsafeInputError(f"JSON nested {deepest} levels, limit {_MAX_DEPTH}", where=where)
    try:
        value = json.loads(raw)
        if _HALF_CHARACTER.search(raw):  # escapes of a character's half pass the parser and fail on output
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError):
        raise CorruptInputError("not valid JSON", where=where) from None


def xml_root(
    data: bytes, *, where: str, limit: int = MAX_XML_BYTES, doctype: str = "",
) -> ElementTree.Element:
    """The root element; refuses a DTD, entities, external references, more than `limit` bytes, 64 levels or 2 M nodes.

    Args:
        data: the document.
        where: name of the file for messages.
        limit: largest size [bytes].
        doctype: name of a root whose `<!DOCTYPE name SYSTEM "...">` is passed over: vendors write it into every file.
            The DTD is never loaded, and one that stands in the document is refused all the same.
    """
    _within(data, limit, where)
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    depth = nodes = 0

    def refuse(*_: object) -> Any:  # noqa: ANN401 - expat's handlers differ in what they return
        raise UnsafeInputError("XML with a DTD or entities", where=where, hint="remove the DOCTYPE declaration")

    def named(name: str, _system: str | None, _public: str | None, inner: bool) -> None:
        if inner or name != doctype:
            refuse()

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, nodes
        depth += 1
        nodes += 1 + len(attributes)
        if nodes > MAX_XML_NODES:
            raise UnsafeInputError(f"XML with more than {MAX_XML_NODES} elements and attributes", where=where)
        if depth > _MAX_DEPTH:
            raise UnsafeInputError(f"XML nested more than {_MAX_DEPTH} levels", where=where)
        builder.start(_qualified(tag), {_qualified(name): value for name, value in attributes.items()})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_qualified(tag))

    parser.StartDoctypeDeclHandler = named
    parser.SkippedEntityHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.UnparsedEntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    try:
        # In pieces, so that a tag of many megabytes is refused before its attributes are compared with each other.
        for at in range(0, len(data), _XML_PIECE):
            parser.Parse(data[at:at + _XML_PIECE], False)
            if at - parser.CurrentByteIndex > _XML_PIECE:
                raise UnsafeInputError(f"a tag or comment of more than {_XML_PIECE} bytes", where=where)
        parser.Parse(b"", True)
        return builder.close()
    except (expat.ExpatError, LookupError, AssertionError, ValueError):
        raise CorruptInputError("not well-formed XML", where=where) from None


def _qualified(name: str) -> str:
    """Expat writes `uri}tag`; ElementTree wants `{uri}tag`."""
    return "{" + name if "}" in name else name


def image_file(data: bytes, *, formats: tuple[str, ...], where: str, page: int = 0) -> Any:  # noqa: ANN401 - Pillow
    """An opened `PIL.Image` at its page `page`, checked but not yet decoded; call its `load`, which may raise OSError.

    Args:
        data: the whole file.
        formats: Pillow's names of the formats that may be recognised.
        where: name of the file for messages.
        page: page of the file, from 0.

    Raises:
        UnsafeInputError: more bytes, pixels or pages than the limits.
        CorruptInputError: no such format, a damaged header, or no such page.
    """
    from PIL import Image

    _within(data, MAX_IMAGE_BYTES, where)
    Image.init()  # Pillow looks for formats beyond the commonest only when none are named
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(data), formats=formats)
            if 0 < page < MAX_IMAGE_PAGES:
                image.seek(page)
        except Image.DecompressionBombError:
            raise UnsafeInputError(f"an image of more than {MAX_IMAGE_PIXELS} pixels", where=where) from None
        except EOFError:
            raise CorruptInputError(f"the file has no page {page + 1}", where=where) from None
        except Exception:  # noqa: BLE001 - parsers of damaged headers raise SyntaxError, struct.error, KeyError and more
            raise CorruptInputError("damaged image header", where=where) from None
    check_pixels(*image.size, where=where)
    if page >= MAX_IMAGE_PAGES:
        raise UnsafeInputError(f"page {page + 1}, limit {MAX_IMAGE_PAGES}", where=where)
    return image


def check_pixels(width: int, height: int, *, where: str) -> None:
    """UnsafeInputError for more pixels than the limit, CorruptInputError for none."""
    if width <= 0 or height <= 0:
        raise CorruptInputError("an image without pixels", where=where)
    if width * height > MAX_IMAGE_PIXELS:
        raise UnsafeInputError(
            f"an image of {width} x {height} pixels, limit {MAX_IMAGE_PIXELS}", where=where,
            hint="reduce the image; 300 dpi are enough",
        )


def check_pdf_page(page: Any, *, where: str) -> None:  # noqa: ANN401 - a pypdfium2 page
    """UnsafeInputError when a page of a PDF holds more objects, or larger pictures, than the limits."""
    from pypdfium2 import PdfImage

    pixels = 0
    for count, part in enumerate(page.get_objects(max_depth=8)):
        if count >= _MAX_PDF_OBJECTS:
            raise UnsafeInputError(f"a PDF page of more than {_MAX_PDF_OBJECTS} objects", where=where)
        if isinstance(part, PdfImage):
            width, height = part.get_px_size()
            pixels += width * height
            if pixels > 2 * MAX_IMAGE_PIXELS:
                raise UnsafeInputError(f"a PDF page with pictures of more than {pixels} pixels", where=where)


def inflate(data: bytes | memoryview, *, limit: int, where: str, raw: bool = False) -> bytes:
    """A decompressed zlib stream (`raw`: without header) of at most `limit` bytes."""
    engine = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS)
    try:
        out = engine.decompress(data, limit + 1)
    except zlib.error:
        raise CorruptInputError("damaged compressed data", where=where) from None
    if len(out) > limit:
        raise UnsafeInputError(f"compressed data of more than {limit} bytes", where=where)
    if not engine.eof:
        raise CorruptInputError("compressed data ends too early", where=where)
    return out


def _open_zip(source: Path | bytes, *, where: str, limit: int) -> zipfile.ZipFile:
    """A zip archive whose members have safe names and honest, bounded sizes."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        raise CorruptInputError("not a usable zip archive", where=where) from None
    members = archive.infolist()
    if len(members) > _MAX_MEMBERS:
        raise UnsafeInputError(f"{len(members)} members in the archive, limit {_MAX_MEMBERS}", where=where)
    for member in members:
        name = member.filename
        if name.startswith(("/", "\\")) or ".." in re.split(r"[\\/]", name) or _DRIVE_OR_URL.match(name):
            raise UnsafeInputError("an archive member with a path that leaves its folder", where=where)
        if member.file_size > max(member.compress_size, 1) * _MAX_RATIO:
            raise UnsafeInputError("an archive member that grows without measure", where=where)
    if sum(member.file_size for member in members) > limit:
        raise UnsafeInputError(f"an archive of more than {limit} bytes", where=where)
    return archive


def member_bytes(archive: zipfile.ZipFile, name: str, *, where: str) -> bytes:
    """One member, never longer than the archive declares."""
    try:
        info = archive.getinfo(name)
        with archive.open(info) as handle:
            data = handle.read(info.file_size + 1)
    except KeyError:
        raise CorruptInputError(f"the archive has no member {name}", where=where) from None
    except (OSError, zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, NotImplementedError, EOFError):
        raise CorruptInputError(f"damaged archive member {name}", where=where) from None
    if len(data) != info.file_size:
        raise CorruptInputError(f"archive member {name} is not as long as declared", where=where)
    return data


class Npz:
    """A NumPy `.npz` archive: arrays are read one at a time, never pickled ones.

    Args:
        source: path or bytes.
        limit: largest uncompressed size of all members [bytes].
    """

    def __init__(self, source: Path | bytes, *, limit: int = MAX_FILE_BYTES) -> None:
        self._where = source.name if isinstance(source, Path) else "npz bytes"
        self._archive = _open_zip(source, where=self._where, limit=limit)
        names = (member.filename for member in self._archive.infolist())
        self._members = {name.removesuffix(".npy"): name for name in names if name.endswith(".npy")}

    def __enter__(self) -> Npz:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def __contains__(self, key: str) -> bool:
        return key in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __getitem__(self, key: str) -> NDArray[Any]:
        """One array; KeyError when there is none of that name."""
        data = member_bytes(self._archive, self._members[key], where=self._where)
        return _npy_array(data, where=f"{self._where}: {key}")


def _npy_array(data: bytes, *, where: str) -> NDArray[Any]:
    """A `.npy` member; object arrays and sizes that differ from the bytes present are refused."""
    stream = io.BytesIO(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a header of Python 2 is parsed with a warning: none of ours has one
            version = np.lib.format.read_magic(stream)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = header(stream)
    except Exception:  # noqa: BLE001 - NumPy's parser of headers raises every kind of exception
        raise CorruptInputError("damaged array header", where=where) from None
    if dtype.hasobject:
        raise UnsafeInputError("an array of Python objects (a pickle)", where=where)
    if any(length < 0 for length in shape) or dtype.itemsize == 0 or dtype.subdtype or dtype.names:
        raise CorruptInputError("an array of impossible shape", where=where)
    count = math.prod(shape)
    raw = need(data, stream.tell(), count * dtype.itemsize, where=where)
    if dtype.kind == "U":
        _check_characters(np.frombuffer(raw, np.dtype(np.uint32).newbyteorder(dtype.byteorder)), where)
    return np.frombuffer(raw, dtype=dtype, count=count).reshape(shape, order="F" if fortran else "C")


def _check_characters(codes: NDArray[np.uint32], where: str) -> None:
    """Refuse numbers that are no characters: Python would fail on them far from here, wherever the text is used."""
    if codes.size and (codes.max() > _LAST_CHARACTER or np.any((codes >= 0xD800) & (codes < 0xE000))):
        raise CorruptInputError("text with characters that do not exist", where=where)


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` beside `path`, then rename it into place."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    """The process's file mode mask, which mkstemp ignores."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
