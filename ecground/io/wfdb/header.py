"""WFDB headers: the text file that says where the samples are and how to turn them into millivolt.

Contract: `parse_header` takes text and gives `Header`, with the defaults of the format filled in (250 Hz, 200 adu/mV,
baseline = ADC zero) and remembered as such. It reads nothing else and follows no name.
Reference: WFDB Applications Guide, header(5), PhysioNet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ecground.errors import CorruptInputError
from ecground.io.channels import patient_age, patient_sex
from ecground.record import Patient

__all__ = ["Header", "Segment", "SignalLine", "looks_like_header", "parse_header", "patient_of"]

_MAX_SIGNALS: Final = 512
_MAX_SEGMENTS: Final = 100_000
_RECORD_LINE: Final = re.compile(
    r"^(?P<name>[^\s/]+)(?:/(?P<segments>\d+))?[ \t]+(?P<signals>\d+)"
    r"(?:[ \t]+(?P<fs>[\d.]+(?:[eE][+-]?\d+)?)(?:/[-\d.eE+]*)?(?:\([-\d.eE+]*\))?"
    r"(?:[ \t]+(?P<samples>\d+))?(?:[ \t]+(?P<when>.*))?)?[ \t]*$",
)
_FORMAT: Final = re.compile(r"^(\d+)(?:x(\d+))?(?::(-?\d+))?(?:\+(\d+))?$")
_GAIN: Final = re.compile(r"^([-+]?[\d.]+(?:[eE][+-]?\d+)?)(?:\((-?\d+)\))?(?:/(\S+))?$")
_FORMATS: Final = frozenset((8, 16, 24, 32, 61, 80, 160, 212, 310, 311, 508, 516, 524))
_WHEN: Final = (
    "%H:%M:%S.%f %d/%m/%Y", "%H:%M:%S %d/%m/%Y", "%d-%b-%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%H:%M %d/%m/%Y",
)


@dataclass(frozen=True, slots=True)
class SignalLine:
    """One signal of a header."""

    file: str
    """Name of the file with the samples; `~` for none."""
    format: int
    """WFDB storage format: 8, 16, 212 ..."""
    per_frame: int
    """Samples a frame (1 unless the record has several rates)."""
    skew: int
    """Samples by which this signal lags."""
    offset: int
    """Byte offset of the first sample in the file."""
    gain: float
    """ADC units for one `unit`."""
    baseline: int
    """ADC value of 0 physical units."""
    unit: str
    calibrated: bool
    """False when the header gives no gain, so that the default of 200 is only a convention."""
    first: int
    """Value of the first sample (needed by format 8)."""
    checksum: int | None
    """16-bit sum of all samples, None when not given."""
    label: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a multi-segment record."""

    name: str
    """Record name of the part, `~` for a gap."""
    frames: int


@dataclass(frozen=True, slots=True)
class Header:
    """A parsed header."""

    name: str
    fs: float
    """Frames a second."""
    frames: int | None
    """Declared number of frames, None when the header leaves it open."""
    start: datetime | None
    signals: tuple[SignalLine, ...]
    segments: tuple[Segment, ...]
    comments: tuple[str, ...]


def looks_like_header(head: bytes) -> bool:
    """Whether the text is a WFDB header: a record line, then lines that name files and formats."""
    if b"\0" in head[:2048]:
        return False
    lines = [line for line in head.decode("latin-1").splitlines() if line.strip() and not line.startswith("#")]
    record = _RECORD_LINE.match(lines[0].strip()) if lines else None
    if record is None:
        return False
    if int(record["signals"]) == 0 or len(lines) == 1:
        return record["fs"] is not None
    fields = lines[1].split()
    if record["segments"]:
        return len(fields) == 2 and fields[1].isdigit()
    kind = _FORMAT.match(fields[1]) if len(fields) >= 2 else None
    return kind is not None and (int(kind[1]) in _FORMATS or "." in fields[0])


def parse_header(text: str, *, where: str) -> Header:
    """A header's text, parsed; CorruptInputError when it contradicts itself."""
    rows = [line.strip() for line in text.splitlines()]
    lines = [row for row in rows if row and not row.startswith("#")]
    comments = tuple(row.lstrip("#").strip() for row in rows if row.startswith("#"))
    record = _RECORD_LINE.match(lines[0]) if lines else None
    if record is None:
        raise CorruptInputError("the first line is no WFDB record line", where=where)
    count, segments = int(record["signals"]), int(record["segments"] or 0)
    if count > _MAX_SIGNALS or segments > _MAX_SEGMENTS:
        raise CorruptInputError(f"{count} signals, {segments} segments declared", where=where)
    body = lines[1:]
    if len(body) < (segments or count):
        raise CorruptInputError(
            f"{segments or count} lines declared after the record line, {len(body)} found", where=where,
        )
    return Header(
        name=record["name"], fs=_number(record["fs"] or "250", where),
        frames=int(record["samples"]) if record["samples"] else None, start=_start(record["when"] or ""),
        signals=() if segments else tuple(_signal_line(line, k, where) for k, line in enumerate(body[:count])),
        segments=tuple(_segment(line, where) for line in body[:segments]), comments=comments,
    )


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise CorruptInputError("a number in the header cannot be read", where=where) from None


def _segment(line: str, where: str) -> Segment:
    fields = line.split()
    if len(fields) < 2 or not (fields[1].isascii() and fields[1].isdecimal()):  # "4²" is a digit to Python
        raise CorruptInputError("a segment line cannot be read", where=where)
    return Segment(name=fields[0], frames=int(fields[1]))


def _signal_line(line: str, index: int, where: str) -> SignalLine:
    fields = line.split(None, 8)
    kind = _FORMAT.match(fields[1]) if len(fields) > 1 else None
    if kind is None:
        raise CorruptInputError(f"the line of signal {index + 1} cannot be read", where=where)
    gain_field = fields[2] if len(fields) > 2 else "0"
    gain = _GAIN.match(gain_field)
    if gain is None:
        raise CorruptInputError(f"the gain of signal {index + 1} cannot be read", where=where)
    zero = _integer(fields, 4) or 0
    value = _number(gain[1], where)
    return SignalLine(
        file=fields[0], format=int(kind[1]), per_frame=max(int(kind[2] or 1), 1), skew=int(kind[3] or 0),
        offset=int(kind[4] or 0), gain=value or 200.0, baseline=int(gain[2]) if gain[2] else zero,
        unit=(gain[3] or "mV").strip(), calibrated=value != 0.0, first=_integer(fields, 5) or 0,
        checksum=_integer(fields, 6), label=fields[8].strip() if len(fields) > 8 else "",
    )


def _integer(fields: Sequence[str], index: int) -> int | None:
    """An optional integer field; the optional fields of a line are numbers or missing."""
    try:
        return int(fields[index])
    except (IndexError, ValueError):
        return None


def _start(text: str) -> datetime | None:
    """Time and date of the record line; None when either is missing or unreadable."""
    words = " ".join(text.split()[:2])
    for pattern in _WHEN:
        try:
            return datetime.strptime(words, pattern)
        except ValueError:
            continue
    return None


def patient_of(comments: Sequence[str]) -> Patient:
    """Age and sex from header comments.

    Understands `Age: 59` and `Sex: Female` (CinC, PTB), `<age>: 64` and `<sex>: M` (LUDB), several of them in one
    line (`<age>: 64 <sex>: M`), and MIT-BIH's first line `69 M 1085 1629 x1` (-1 = unknown).
    """
    text = "\n".join(comments)
    age = re.search(r"(?im)(?:^|[<\s|])age>?\s*[:=]?\s*(>?\s*\d[\d.]*\s*[a-z]?)", text)
    sex = re.search(r"(?im)(?:^|[<\s|])(?:sex|gender)>?\s*[:=]?\s*([a-z]+)", text)
    mitdb = re.match(r"(-?\d{1,3})\s+([MF])\b", comments[0]) if comments else None
    return Patient(
        age=patient_age(age[1]) if age else patient_age(mitdb[1]) if mitdb else None,
        sex=patient_sex(sex[1]) if sex else patient_sex(mitdb[2]) if mitdb else None,
    )
