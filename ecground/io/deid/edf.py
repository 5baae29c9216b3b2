"""De-identified copies of EDF and EDF+ files: header fields written anew, annotations judged, samples untouched.

Contract: the patient field becomes `X SEX BIRTH X` with a date of birth that gives the same age (or X), the recording
field `Startdate DATE X X X`, both for plain EDF too; dates move; labels, transducers, units and filters stay when made
of known words; reserved fields are blank but for EDF+C and EDF+D. In annotation channels the times stay, texts only in
known words. Bytes after the last data record do not come over.
Reference: Kemp 1992; Kemp and Olivan 2003, 2.1.3.3 (anonymous fields).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from ecground import safe
from ecground.io.channels import patient_sex
from ecground.io.deid.dates import Key, capped, identity_of
from ecground.io.deid.ledger import Ledger
from ecground.io.deid.vocabulary import is_statement, is_unit
from ecground.io.edf.header import ANNOTATIONS, Layout, layout
from ecground.io.edf.writer import AGE
from ecground.io.source import Source
from ecground.io.xml.document import years_between
from ecground.leads import standard_name

__all__ = ["deidentified_edf"]

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DATE: Final = re.compile(r"([0-3]?\d)-([A-Z]{3})-(\d{4})", re.IGNORECASE)
_SHORT_DATE: Final = re.compile(r"(\d\d)[.:/-](\d\d)[.:/-](\d\d)")
_CLOCK: Final = re.compile(r"([01]\d|2[0-3])\.[0-5]\d\.[0-5]\d")
_NUMBER: Final = re.compile(r"[-+]?\d{0,8}(\.\d{0,7})?([eE][-+]?\d{1,2})?")
_ONSET: Final = re.compile(rb"[-+]\d{1,9}(\.\d{1,9})?(\x15\d{1,9}(\.\d{1,9})?)?")
_FIRST_YEAR: Final = 1985
"""The two digits of the year in the start date mean 1985 to 2084."""
_WIDTHS: Final = (("label", 16), ("transducer", 80), ("unit", 8), *(("number", 8),) * 4, ("prefiltering", 80),
                  ("number", 8), ("reserved", 32))


def deidentified_edf(source: Source, key: Key, ledger: Ledger) -> bytes:
    """The file without what identifies a person; `ledger` gets what was done.

    Raises:
        CorruptInputError, UnsafeInputError: as reading does.
    """
    data, where = source.data, source.name
    found = layout(data, where=where)
    head = data[:256].decode("latin-1")
    patient, recording = head[8:88], head[88:168]
    who = identity_of(*_identities(patient))
    if who is None:
        ledger.regret("the file names no patient: its dates moved by an offset of its own")
        who = key.pseudonym("content", data)
    dates = key.dates(who)
    began = _date(recording) or _short_date(head[168:176])
    moved = dates.moved(began) if began is not None else None
    kind = found.reserved[:5]
    front = "".join((
        "0".ljust(8), _patient(patient, began, moved).ljust(80)[:80], f"Startdate {_written(moved)} X X X".ljust(80),
        _start(moved).ljust(8), head[176:184] if _CLOCK.fullmatch(head[176:184]) else "00.00.00",
        str(found.header_bytes).ljust(8), (kind if kind in ("EDF+C", "EDF+D") else "").ljust(44),
        str(found.records).ljust(8), f"{found.record_seconds:.8g}"[:8].ljust(8), str(len(found.labels)).ljust(4),
    ))
    for place, what in (("patient", "name"), ("recording", "institution"), ("start date", "date")):
        ledger.note(f"header/{place}", what, "shifted" if what == "date" else "replaced")
    if head[192:236].strip() not in ("", "EDF+C", "EDF+D"):
        ledger.note("header/reserved", "hidden bytes")
    signals = "".join(_fields(data, found, ledger))
    end = found.header_bytes + found.records * found.record_bytes
    if data[end:].strip(b"\0 "):
        ledger.note("after the last record", "hidden bytes")
    ledger.keep("samples", "lead names", "sampling rate", "times of annotations", "annotations in known words", "sex",
                "age (90 for more than 89)", "time of day")
    return (front + signals).encode("ascii", "replace") + _records(data[found.header_bytes:end], found, ledger)


def _identities(patient: str) -> Iterator[str]:
    """Code, then name, of an EDF+ patient field, then the whole field of a plain one."""
    words = patient.split()
    if len(words) >= 4 and words[1] in ("M", "F", "X"):
        yield words[0]
        yield words[3].replace("_", " ")
    elif words and set(words) != {"X"}:
        yield patient


def _patient(said: str, began: date | None, moved: date | None) -> str:
    """The anonymous form, with sex and, by the date of birth, the age."""
    words = said.split()
    plus = len(words) >= 3 and words[1] in ("M", "F", "X")
    sex = words[1] if plus else next((found for word in words if len(word) > 1 and (found := patient_sex(word))), "X")
    born, stated = _date(words[2]) if plus else None, AGE.search(said)
    years = float(stated[1]) if stated else years_between(born, began)
    if years is None or not 0 <= years <= 130:
        return f"X {sex} X X"
    then = moved.replace(year=moved.year - int(capped(years)), day=min(moved.day, 28)) if moved is not None else None
    birth = _written(then)
    return f"X {sex} {birth} X" + (f" Age_{capped(years):g}y" if stated else "")


def _date(said: str) -> date | None:
    match = _DATE.search(said)
    try:
        return date(int(match[3]), _MONTHS.index(match[2].upper()) + 1, int(match[1])) if match else None
    except ValueError:
        return None


def _short_date(said: str) -> date | None:
    match = _SHORT_DATE.fullmatch(said)
    try:
        year = int(match[3]) + (1900 if int(match[3]) >= _FIRST_YEAR % 100 else 2000) if match else 0
        return datetime(year, int(match[2]), int(match[1])).date() if match else None
    except ValueError:
        return None


def _written(day: date | None) -> str:
    return f"{day.day:02d}-{_MONTHS[day.month - 1]}-{day.year:04d}" if day is not None else "X"


def _start(day: date | None) -> str:
    """The eight characters of the start date; the first day that they can hold where there is none or it is before."""
    if day is None or day.year < _FIRST_YEAR:
        return "01.01.85"
    return f"{day:%d.%m.%y}"


def _fields(data: bytes, found: Layout, ledger: Ledger) -> Iterator[str]:
    """The fields of all signals, kind by kind as the header has them."""
    at, count = 256, len(found.labels)
    for column, (kind, width) in enumerate(_WIDTHS):
        for signal in range(count):
            said = bytes(safe.need(data, at, width, where="header")).decode("latin-1").strip(" \0")
            at += width
            kept = said if said == "" or _allowed(kind, said) else f"signal {signal + 1}" if kind == "label" else ""
            if kept != said:
                ledger.note(f"header/{kind}", "free text" if kind != "reserved" else "hidden bytes",
                            "replaced" if kept else "removed")
            yield (str(found.samples[signal]) if column == 8 else kept).ljust(width)


def _allowed(kind: str, said: str) -> bool:
    if kind == "number":
        return _NUMBER.fullmatch(said) is not None
    if kind == "unit":
        return is_unit(said)
    if kind == "label":
        return said == ANNOTATIONS or standard_name(said) is not None or is_statement(said)
    return kind != "reserved" and is_statement(said)


def _records(data: bytes, found: Layout, ledger: Ledger) -> bytes:
    """Data records with annotation channels written anew."""
    spots, at = [], 0
    for label, samples in zip(found.labels, found.samples, strict=True):
        if label == ANNOTATIONS:
            spots.append((at, 2 * samples))
        at += 2 * samples
    if not spots:
        return data
    copy = bytearray(data)
    for start in range(0, found.records * found.record_bytes, found.record_bytes):
        for offset, size in spots:
            spot = slice(start + offset, start + offset + size)
            copy[spot] = _annotations(bytes(data[spot]), ledger).ljust(size, b"\0")
    return bytes(copy)


def _annotations(raw: bytes, ledger: Ledger) -> bytes:
    """Lists of (onset, texts); a list that loses all its texts goes, one that only keeps the time stays."""
    kept = []
    for block in raw.split(b"\0"):
        onset, *texts = block.split(b"\x14")
        if not _ONSET.fullmatch(onset):
            if block:
                ledger.note("annotations", "hidden bytes")
            continue
        said = [text for text in texts if text]
        known = [text for text in said if _is_known(text)]
        if len(known) < len(said):
            ledger.note("annotations", "free text")
        # The first, empty text of the first list keeps the time of the record.
        timekeeping = bool(texts) and texts[0] == b""
        if known or timekeeping:
            kept.append(b"\x14".join([onset, *([b""] if timekeeping else []), *known]) + b"\x14\0")
    return b"".join(kept)


def _is_known(text: bytes) -> bool:
    """A statement, for one channel (`@@ECG II`) or all."""
    said, _, channel = text.decode("utf-8", "replace").partition("@@")
    return is_statement(said) and (not channel or is_statement(channel) or standard_name(channel) is not None)
