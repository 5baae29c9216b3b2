"""De-identified copies of SCP-ECG records: section 1 written anew, texts judged, everything else left out.

Contract: sections 2 to 6 (leads, codes, samples) keep their bytes up to the length that their own heads declare; 7
keeps the global measurements; 8 and 11 keep statements in known words; 9, 10 and all above 11 go. Reserved and unused
bytes become zero, nothing between sections comes over, and every checksum, pointer and length is right for the copy.
Reference: EN 1064:2005+A1 (ISO 11073-91064), 5.2 to 5.14.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import date
from typing import Final

from ecground import safe
from ecground.io.deid import table
from ecground.io.deid.dates import OLDEST_AGE, Dates, Key, capped, identity_of
from ecground.io.deid.ledger import Ledger
from ecground.io.deid.vocabulary import is_statement
from ecground.io.scp import reading
from ecground.io.scp.container import crc, u16, u32, unpack
from ecground.io.source import Source

__all__ = ["deidentified_scp"]

_AGE, _BORN, _SEX, _ID, _LAST, _FIRST, _DEVICE, _DAY = 4, 5, 8, 2, 0, 1, 14, 25
_YEARS: Final = 1
_END: Final = b"\xff\0\0"
_DEFAULT_TABLE: Final = 19999
_DEVICE_KEPT: Final = slice(14, 19)
"""Of the device's field: version and level of the protocol, language, capabilities, mains frequency."""
_DEVICE_HEAD: Final = 35
_BEAT, _SPIKE, _SPIKE_KIND = 16, 4, 6
_STANDARD_SECTIONS: Final = 12


def deidentified_scp(source: Source, key: Key, ledger: Ledger) -> bytes:
    """The record without what identifies a person; `ledger` gets what was done.

    Raises:
        CorruptInputError: a checksum, pointer or length is wrong.
    """
    where = source.name
    sections = unpack(source.data, where=where)
    bodies = sections.bodies
    tags = _tags(bodies.get(1), where)
    who = identity_of(*(_latin(tags.get(tag, b"")) for tag in (_ID, _LAST, _FIRST)))
    if who is None:
        ledger.regret("the record names no patient: its dates moved by an offset of its own")
        who = key.pseudonym("content", source.data)
    dates = key.dates(who)
    encoding = reading.text_encoding(tags)
    made = {1: _section_1(tags, dates, key.pseudonym("patient", who), ledger)}
    for number, body in sorted(bodies.items()):
        if 2 <= number <= 6:
            made[number] = _cut(number, bytes(body), _declared(number, body, bodies, where), ledger)
        elif number == 7:
            made[7] = _cut(7, bytes(body), _measured(body, where), ledger)
        elif number in table.SCP_TIMES:
            made[number] = _statements(number, body, encoding, dates, ledger, where)
        elif number > 1:
            ledger.note(f"section {number}", table.SCP_DROPPED.get(number, "unknown"))
    if len(source.data) > u32(source.data, 2, where):
        ledger.note("after the record", "hidden bytes")
    ledger.keep("samples", "leads", "sampling rate", "global measurements", "statements in known words", "sex",
                "age (90 for more than 89)", "time of day", "filters")
    return _record(made, sections.protocol)


def _latin(raw: bytes) -> str:
    return raw.decode("latin-1")


def _tags(body: memoryview | None, where: str) -> dict[int, bytes]:
    """Every tag of section 1, its first occurrence."""
    found: dict[int, bytes] = {}
    at = 0
    while body is not None and at < len(body) and body[at] != 255:
        tag, size = body[at], u16(body, at + 1, where)
        found.setdefault(tag, bytes(safe.need(body, at + 3, size, where=f"{where}: section 1")))
        at += 3 + size
    return found


def _section_1(tags: Mapping[int, bytes], dates: Dates, name: str, ledger: Ledger) -> bytes:
    """Pseudonym, age, sex, moved date, time and filters; the device's field without device and institution."""
    kept: dict[int, bytes] = {_ID: name.encode() + b"\0"}
    for tag, value in tags.items():
        place = f"section 1, tag {tag}"
        if tag == _ID:
            ledger.note(place, "identifier", "hashed")
        elif tag == _DEVICE:
            held = value[_DEVICE_KEPT]
            kept[tag] = bytes(14) + held + bytes(_DEVICE_HEAD - 14 - len(held)) + b"\x01\0" + bytes(4)
            ledger.note(place, "device", "replaced")
        elif tag in table.SCP_KEPT_TAGS and len(value) >= table.SCP_KEPT_TAGS[tag]:
            kept[tag] = value[:table.SCP_KEPT_TAGS[tag]]
        else:
            ledger.note(place, table.SCP_TAGS.get(tag, "unknown"))
    _put_age(kept, tags, ledger)
    if kept.get(_SEX, b"\0")[0] not in (0, 1, 2, 9):
        kept[_SEX] = b"\0"
    if _DAY in kept:
        kept[_DAY] = _moved(kept[_DAY], dates)
        ledger.note(f"section 1, tag {_DAY}", "date", "shifted")
    return b"".join(struct.pack("<BH", tag, len(value)) + value for tag, value in sorted(kept.items())) + _END


def _put_age(kept: dict[int, bytes], tags: Mapping[int, bytes], ledger: Ledger) -> None:
    """The age as stated, else from the dates, 90 for more than 89."""
    years = reading.patient(tags).age
    stated = kept.pop(_AGE, None)
    if years is None:
        return
    if stated is None or int.from_bytes(stated[:2], "little") == 0:
        stated = struct.pack("<HB", int(years), _YEARS)
    if capped(years) != years:
        stated = struct.pack("<HB", OLDEST_AGE, _YEARS)
        ledger.note(f"section 1, tag {_AGE}", "age", "replaced")
    kept[_AGE] = stated


def _moved(raw: bytes, dates: Dates) -> bytes:
    """Year, month and day of a record, moved; zeros when they are no date."""
    try:
        day = dates.moved(date(int.from_bytes(raw[:2], "little"), raw[2], raw[3]))
    except (IndexError, ValueError):
        day = None
    return struct.pack("<HBB", day.year, day.month, day.day) if day is not None else bytes(4)


def _declared(number: int, body: memoryview, bodies: Mapping[int, memoryview], where: str) -> int:
    """Bytes of a signal section that its own head, or the number of leads, accounts for."""
    if number == 2:
        return _tables_length(body, where)
    if number == 3:
        return 2 + 9 * safe.need(body, 0, 1, where=where)[0]
    if number == 4:
        beats = u16(body, 4, where)
        return 6 + 14 * beats + (8 * beats if len(body) >= 6 + 22 * beats else 0)
    leads = safe.need(bodies.get(3, memoryview(b"")), 0, 1, where=where)[0]
    return 6 + 2 * leads + sum(u16(body, 6 + 2 * k, where) for k in range(leads))


def _tables_length(body: memoryview, where: str) -> int:
    count = u16(body, 0, where)
    if count == _DEFAULT_TABLE:
        return 2
    at = 2
    for _ in range(count):
        at += 2 + 9 * u16(body, at, where)
    return at


def _measured(body: memoryview, where: str) -> int:
    """Bytes of section 7 up to the rates and QTc; manufacturers' own fields follow."""
    beats, spikes = safe.need(body, 0, 2, where=where)
    at = 6 + _BEAT * beats + (_SPIKE + _SPIKE_KIND) * spikes
    if at + 2 <= len(body):
        at += 2 + u16(body, at, where)
    return at + 7 if at + 7 <= len(body) else min(at, len(body))


def _cut(number: int, body: bytes, size: int, ledger: Ledger) -> bytes:
    """The first `size` bytes; CorruptInputError when there are fewer."""
    if any(body[size:]):
        ledger.note(f"section {number}, end", "hidden bytes")
    return bytes(safe.need(body, 0, size, where=f"section {number}"))


def _statements(
    number: int, body: memoryview, encoding: str, dates: Dates, ledger: Ledger, where: str,
) -> bytes:
    """Sections 8 and 11: the date moved, statements in known words."""
    head = bytes(safe.need(body, 0, 9, where=where))
    ledger.note(f"section {number}", "date", "shifted")
    kept, at = [], 9
    for _ in range(head[8]):
        size = u16(body, at + 1, where)
        raw = bytes(safe.need(body, at + 3, size, where=where))
        at += 3 + size
        kind, said = (raw[:1], raw[1:]) if number == 11 else (b"", raw)
        parts = [part for part in said.decode(encoding, "replace").split("\0") if part.strip()]
        if parts and all(is_statement(part) for part in parts) and kind in (b"", b"\x01", b"\x02"):
            kept.append(kind + b"\0".join(part.encode(encoding) for part in parts) + b"\0")
        else:
            ledger.note(f"section {number}, statement", "free text")
    rows = b"".join(struct.pack("<BH", k + 1, len(said)) + said for k, said in enumerate(kept))
    return head[:1] + _moved(head[1:5], dates) + head[5:8] + bytes([len(kept)]) + rows


def _record(bodies: Mapping[int, bytes], protocol: int) -> bytes:
    """A whole record: sections in order, pointers, checksums; `protocol` decides how samples are read."""
    parts: dict[int, bytes] = {}
    for number, body in sorted(bodies.items()):
        padded = body + b"\0" * (len(body) % 2)
        parts[number] = _section(number, padded, protocol)
    pointers, at = b"", 6 + 16 + 10 * _STANDARD_SECTIONS
    for number in range(_STANDARD_SECTIONS):
        size = 16 + 10 * _STANDARD_SECTIONS if number == 0 else len(parts.get(number, b""))
        index = 7 if number == 0 else at + 1 if size else 0
        pointers += struct.pack("<HII", number, size, index)
        at += size if number else 0
    rest = _section(0, pointers, protocol, mark=b"SCPECG") + b"".join(parts.values())
    whole = struct.pack("<I", len(rest) + 6) + rest
    return struct.pack("<H", crc(whole)) + whole


def _section(number: int, body: bytes, protocol: int, *, mark: bytes = bytes(6)) -> bytes:
    """Header and body, the checksum over all but itself."""
    head = struct.pack("<HIBB", number, 16 + len(body), protocol, protocol) + mark
    return struct.pack("<H", crc(head + body)) + head + body


