"""One struct of numbers and texts out of a MATLAB 5 file, without building anything else of it.

A reader of our own because that of SciPy crashes the process on damaged files. Reads only what a recording needs: the
fields of a 1 x 1 struct that are real numeric arrays or texts. Nothing recurses, and every size is held against the
bytes that are there. Reference: MathWorks, MAT-file format (level 5).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import CorruptInputError

__all__ = ["Field", "struct_fields"]

Field = NDArray[np.generic] | str

_TYPES: Final = {1: "<i1", 2: "<u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8", 13: "<u8"}
_TEXTS: Final = {1: "latin-1", 2: "latin-1", 4: "utf-16-le", 16: "utf-8", 17: "utf-16-le", 18: "utf-32-le"}
_MATRIX: Final = 14
_STRUCT, _CHAR = 2, 4
_NUMBERS: Final = range(6, 16)
_COMPLEX: Final = 0x0800
_MOST_FIELDS: Final = 64

Element = tuple[int, memoryview]


def struct_fields(data: bytes, name: str, *, where: str) -> dict[str, Field]:
    """The fields of the struct variable `name`: arrays `[row, column, ...]` and texts; other fields are left out.

    Args:
        data: a little-endian file whose variables are not compressed.
        name: of the variable.
        where: the file's name for messages.

    Raises:
        CorruptInputError: there is no such struct, or it is damaged.
    """
    for kind, body in _elements(memoryview(data)[128:], where):
        if kind == _MATRIX:
            parts = _elements(body, where)
            array, _, found = _head(parts, where)
            if found == name and array == _STRUCT:
                return _fields(parts, where)
    raise CorruptInputError(f"no struct {name}", where=where, hint="only CPSC2018 files of this kind can be read")


def _elements(view: memoryview, where: str) -> Iterator[Element]:
    """(type, content) of the data elements of a stretch of the file."""
    at = 0
    while at + 8 <= len(view):
        kind, size = struct.unpack_from("<2I", view, at)
        if kind >> 16:  # a small element: length and type share the first word
            kind, size = kind & 0xFFFF, kind >> 16
            if size > 4:
                raise CorruptInputError("a small element of more than four bytes", where=where)
            yield kind, view[at + 4:at + 4 + size]
            at += 8
        else:
            yield kind, safe.need(view, at + 8, size, where=where)
            at += 8 + size + (-size % 8)


def _next(parts: Iterator[Element], where: str) -> Element:
    try:
        return next(parts)
    except StopIteration:
        raise CorruptInputError("a variable that ends too early", where=where) from None


def _head(parts: Iterator[Element], where: str) -> tuple[int, tuple[int, ...], str]:
    """Class, shape and name of a matrix; class -1 for one that is complex."""
    (_, flags), (_, shape), (_, name) = (_next(parts, where) for _ in range(3))
    if len(flags) < 4 or len(shape) % 4 or not 8 <= len(shape) <= 32:
        raise CorruptInputError("a variable without class or shape", where=where)
    word = struct.unpack_from("<I", flags)[0]
    sizes = tuple(max(size, 0) for size in struct.unpack(f"<{len(shape) // 4}i", shape))
    return -1 if word & _COMPLEX else word & 0xFF, sizes, bytes(name).decode("latin-1")


def _fields(parts: Iterator[Element], where: str) -> dict[str, Field]:
    (_, length), (_, names) = _next(parts, where), _next(parts, where)
    width = struct.unpack_from("<i", length)[0] if len(length) >= 4 else 0
    if not 0 < width <= 64 or len(names) % width or len(names) // width > _MOST_FIELDS:
        raise CorruptInputError("the names of a struct's fields cannot be read", where=where)
    found: dict[str, Field] = {}
    for at in range(0, len(names), width):
        name = bytes(names[at:at + width]).split(b"\0", 1)[0].decode("latin-1")
        kind, body = _next(parts, where)
        value = _value(body, where) if kind == _MATRIX else None
        if value is not None:
            found[name] = value
    return found


def _value(body: memoryview, where: str) -> Field | None:
    """A real array or a text; None for every other kind of field."""
    parts = _elements(body, where)
    array, shape, _ = _head(parts, where)
    if array not in _NUMBERS and array != _CHAR:
        return None
    kind, content = _next(parts, where)
    if array == _CHAR:
        coding = _TEXTS.get(kind)
        return None if coding is None else bytes(content).decode(coding, "replace")
    code = _TYPES.get(kind)
    count = int(np.prod(shape, dtype=np.float64)) if len(shape) else 0
    if code is None or count != len(content) // np.dtype(code).itemsize or len(content) % np.dtype(code).itemsize:
        raise CorruptInputError("an array whose shape does not fit its numbers", where=where)
    return np.frombuffer(content, dtype=code).reshape(shape, order="F")
