"""The frame of an SCP-ECG record: checksums, the table of pointers, and the sections that it names.

Contract: `unpack` gives `{id: body}`, the body being what follows the 16 bytes of a section header. Every pointer is
checked against the bytes that are there, every declared length against the pointer, and the CRC of the record and of
each section that signals depend on must be right; any other section with a wrong CRC is left out, with a note.
Reference: EN 1064:2005+A1 (ISO 11073-91064), 5.2 and 5.3; CRC-CCITT, polynomial 0x1021, start 0xFFFF.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import Final

from ecground import safe
from ecground.errors import CorruptInputError

__all__ = ["Sections", "crc", "looks_like_scp", "u16", "u32", "unpack"]

_RECORD_HEADER: Final = 6
_SECTION_HEADER: Final = 16
_POINTER: Final = 10
_MAX_SECTIONS: Final = 1024
_SIGNAL_SECTIONS: Final = range(7)
_HINT: Final = "the file is damaged or was changed; export it again"


@dataclass(frozen=True, slots=True)
class Sections:
    """What the frame holds."""

    bodies: dict[int, memoryview]
    """Section number -> its bytes after the header; sections without content are absent."""
    protocol: int
    """Version of the protocol times ten, as section 0 states it (20 = 2.0)."""
    notes: tuple[str, ...]


def crc(data: bytes | memoryview) -> int:
    """CRC-CCITT of SCP-ECG: start 0xFFFF, most significant bit first."""
    return binascii.crc_hqx(data, 0xFFFF)


def u16(body: bytes | memoryview, at: int, where: str) -> int:
    """Unsigned 16-bit number at an offset; CorruptInputError when it is not there."""
    return int.from_bytes(safe.need(body, at, 2, where=where), "little")


def u32(body: bytes | memoryview, at: int, where: str) -> int:
    """Unsigned 32-bit number at an offset; CorruptInputError when it is not there."""
    return int.from_bytes(safe.need(body, at, 4, where=where), "little")


def looks_like_scp(head: bytes) -> bool:
    """Whether section 0 follows the record header: its mark, or its pointer to itself."""
    if len(head) < _RECORD_HEADER + _SECTION_HEADER + _POINTER or head[8:10] != b"\0\0":
        return False
    own = head[_RECORD_HEADER + _SECTION_HEADER:_RECORD_HEADER + _SECTION_HEADER + _POINTER]
    length = head[10:14]
    return head[16:22] == b"SCPECG" or own == b"\0\0" + length + b"\x07\0\0\0"


def unpack(data: bytes, *, where: str) -> Sections:
    """The sections of a record.

    Raises:
        CorruptInputError: the record is shorter than it says, a pointer leads outside, a length or CRC is wrong.
    """
    size = u32(data, 2, where)
    record = safe.need(data, 0, size, where=where)
    if len(record) < _RECORD_HEADER + _SECTION_HEADER:
        raise CorruptInputError(f"a record of {size} bytes declared", where=where, hint=_HINT)
    if crc(record[2:]) != u16(record, 0, where):
        raise CorruptInputError("the record's checksum (CRC) is wrong", where=where, hint=_HINT)
    notes = [f"{len(data) - size} bytes after the SCP-ECG record were ignored"] if len(data) > size else []
    table = _section(record, 0, _RECORD_HEADER, u32(record, _RECORD_HEADER + 4, where), where)
    bodies: dict[int, memoryview] = {}
    for at in range(0, min(len(table) // _POINTER, _MAX_SECTIONS) * _POINTER, _POINTER):
        number, length, index = u16(table, at, where), u32(table, at + 2, where), u32(table, at + 6, where)
        if number == 0 or length <= _SECTION_HEADER:
            continue
        if number in bodies:
            raise CorruptInputError(f"section {number} is named twice", where=where, hint=_HINT)
        try:
            bodies[number] = _section(record, number, index - 1, length, where)
        except CorruptInputError:
            if number in _SIGNAL_SECTIONS:
                raise
            notes.append(f"section {number} of the file is damaged and was left out")
    return Sections(bodies=bodies, protocol=record[_RECORD_HEADER + 9], notes=tuple(notes))


def _section(record: memoryview, number: int, start: int, length: int, where: str) -> memoryview:
    """The body of one section, checked against what its pointer says."""
    if length < _SECTION_HEADER or start < _RECORD_HEADER:
        raise CorruptInputError(f"the pointer to section {number} is impossible", where=where, hint=_HINT)
    whole = safe.need(record, start, length, where=f"{where}: section {number}")
    if u16(whole, 2, where) != number or u32(whole, 4, where) != length:
        raise CorruptInputError(f"the pointer to section {number} leads elsewhere", where=where, hint=_HINT)
    if crc(whole[2:]) != u16(whole, 0, where):
        raise CorruptInputError(f"the checksum (CRC) of section {number} is wrong", where=where, hint=_HINT)
    return whole[_SECTION_HEADER:]
