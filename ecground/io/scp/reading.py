"""Sections 1, 7, 8 and 11 of SCP-ECG: age, sex, start and filters, and what the device itself read from the ECG.

Contract: of section 1 nothing but age, sex, the time of recording, the filters and the character set is looked at:
names, numbers, referring persons and free text never leave the file. Numbers that mean "not measured" (29999, 29998,
19999) are dropped. Statements keep their order and their own language; coded statements come as the file writes them.
Reference: EN 1064:2005+A1 (ISO 11073-91064), 5.4, 5.10, 5.11 and 5.14.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Final

from ecground import safe
from ecground.errors import CorruptInputError
from ecground.io.scp.container import u16
from ecground.record import DeviceMeasurement, DeviceReading, Patient, Sex

__all__ = ["Header", "device_reading", "fields", "filters", "patient", "start", "text_encoding"]

Header = Mapping[int, bytes]
"""Section 1: tag -> bytes of its first occurrence."""

_AGE, _BORN, _SEX, _DEVICE, _DAY, _TIME, _HIGH_PASS, _LOW_PASS, _FILTERS = 4, 5, 8, 14, 25, 26, 27, 28, 29
_KEPT: Final = frozenset((_AGE, _BORN, _SEX, _DEVICE, _DAY, _TIME, _HIGH_PASS, _LOW_PASS, _FILTERS))
_END: Final = 255
_YEARS_PER_UNIT: Final = {1: 1.0, 2: 1 / 12, 3: 7 / 365.25, 4: 1 / 365.25, 5: 1 / 8766}
_SEXES: Final[Mapping[int, Sex]] = {1: "M", 2: "F"}
_LANGUAGE_BYTE: Final = 16
_ENCODINGS: Final = {
    0x03: "iso8859-2", 0x0B: "iso8859-4", 0x13: "iso8859-5", 0x1B: "iso8859-6", 0x23: "iso8859-7", 0x2B: "iso8859-8",
    0x33: "iso8859-11", 0x3B: "iso8859-15", 0x07: "utf-16-le", 0x0F: "shift_jis", 0x27: "gb2312", 0x2F: "euc_kr",
    0x37: "utf-8",
}
_NOT_MEASURED: Final = frozenset((29999, 29998, 19999, 0xFFFF))
_MISSING_SIGNED: Final = frozenset((29999, 29998, 19999, 0x7FFF, -0x8000))
_QTC_FORMULA: Final = {1: "qtc_bazett_ms", 2: "qtc_hodges_ms", 3: "qtc_fridericia_ms", 4: "qtc_framingham_ms"}
_BEAT_BYTES: Final = 16
_CODED, _FULL_TEXT = 1, 2


def fields(body: memoryview | None, *, where: str) -> Header:
    """The tags of section 1 that are used; CorruptInputError when a length leads outside."""
    found: dict[int, bytes] = {}
    at = 0
    while body is not None and at < len(body) and body[at] != _END:
        tag, size = body[at], u16(body, at + 1, where)
        value = safe.need(body, at + 3, size, where=f"{where}: section 1")
        if tag in _KEPT:
            found.setdefault(tag, bytes(value))
        at += 3 + size
    return found


def patient(header: Header) -> Patient:
    """Age as stated, else from the dates of birth and recording; sex M or F."""
    age = header.get(_AGE, b"")
    years: float | None = None
    if len(age) >= 3 and (value := int.from_bytes(age[:2], "little")) and age[2] in _YEARS_PER_UNIT:
        years = round(value * _YEARS_PER_UNIT[age[2]], 4)
    born, day = _date(header.get(_BORN, b"")), _date(header.get(_DAY, b""))
    if years is None and born is not None and day is not None and day >= born:
        years = float(int((day - born).days / 365.25))
    sex = header.get(_SEX, b"\0")
    return Patient(age=years if years is not None and years <= 130 else None, sex=_SEXES.get(sex[0] if sex else 0))


def start(header: Header) -> datetime | None:
    """Date and time of the recording; None when either is missing or impossible."""
    day, time = _date(header.get(_DAY, b"")), header.get(_TIME, b"")
    if day is None or len(time) < 3:
        return None
    try:
        return datetime(day.year, day.month, day.day, time[0], time[1], time[2])
    except ValueError:
        return None


def _date(raw: bytes) -> date | None:
    try:
        return date(int.from_bytes(raw[:2], "little"), raw[2], raw[3])
    except (IndexError, ValueError):
        return None


def filters(header: Header) -> tuple[str, ...]:
    """The filters that were applied before storage, in words."""
    high, low, bits = (header.get(tag, b"") for tag in (_HIGH_PASS, _LOW_PASS, _FILTERS))
    named = []
    if len(high) >= 2 and (hundredths := u16(high, 0, "")):
        named.append(f"high-pass {hundredths / 100:g} Hz")
    if len(low) >= 2 and (hertz := u16(low, 0, "")):
        named.append(f"low-pass {hertz} Hz")
    chosen = bits[0] if bits else 0
    words = ("notch 60 Hz", "notch 50 Hz", "artefact filter", "baseline filter")
    return (*named, *(name for bit, name in enumerate(words) if chosen >> bit & 1))


def text_encoding(header: Header) -> str:
    """Python's name of the file's character set; Latin-1 when it names none."""
    device = header.get(_DEVICE, b"")
    return _ENCODINGS.get(device[_LANGUAGE_BYTE], "latin-1") if len(device) > _LANGUAGE_BYTE else "latin-1"


def device_reading(bodies: Mapping[int, memoryview], *, encoding: str, where: str) -> tuple[DeviceReading, list[str]]:
    """The device's statements and measurements, and a note for each section that is damaged."""
    notes: list[str] = []
    statements: list[str] = []
    measurements: list[DeviceMeasurement] = []
    for number, kept in ((8, statements), (11, statements), (7, measurements)):
        if number not in bodies:
            continue
        try:
            if number == 7:
                measurements += _global_measurements(bodies[7], where)
            else:
                statements += _statements(bodies[number], encoding, where, coded=number == 11)
        except CorruptInputError:
            del kept[:]
            notes.append(f"section {number} of the file is shorter than it says and was left out")
    return DeviceReading(statements=tuple(dict.fromkeys(statements)), measurements=tuple(measurements)), notes


def _statements(body: memoryview, encoding: str, where: str, *, coded: bool) -> Iterator[str]:
    """The texts of section 8, or the coded and free statements of section 11."""
    at = 9
    for _ in range(safe.need(body, 8, 1, where=where)[0]):
        size = u16(body, at + 1, where)
        raw = bytes(safe.need(body, at + 3, size, where=where))
        at += 3 + size
        if coded:
            kind, raw = (raw[0], raw[1:]) if raw else (0, raw)
            if kind not in (_CODED, _FULL_TEXT):
                continue
        if text := _text(raw, encoding):
            yield text


def _text(raw: bytes, encoding: str) -> str:
    decoded = raw.decode(encoding, "replace")
    return " ".join(" ".join(part for part in decoded.split("\0") if part).split())


def _global_measurements(body: memoryview, where: str) -> list[DeviceMeasurement]:
    """Section 7: intervals and axes of the first averaged beat, rates, QTc."""
    beats, spikes = safe.need(body, 0, 2, where=where)
    found = [_value("rr_mean_ms", u16(body, 2, where), "ms", "RR"),
             _value("pp_mean_ms", u16(body, 4, where), "ms", "PP")]
    if beats:
        found += _beat(body, where)
    # Then come the pacing spikes (time and amplitude, then their kind), the QRS types, and the rates.
    at = 6 + _BEAT_BYTES * beats + 10 * spikes
    if at + 2 <= len(body):
        at += 2 + u16(body, at, where)
        if at + 7 <= len(body):
            qtc = _QTC_FORMULA.get(body[at + 6], "qtc_ms")
            found += [_value("hr_bpm", u16(body, at, where), "1/min", "ventricular rate"),
                      _value("atrial_rate_bpm", u16(body, at + 2, where), "1/min", "atrial rate"),
                      _value(qtc, u16(body, at + 4, where), "ms", "QTc")]
    return [entry for entry in found if entry is not None]


def _beat(body: memoryview, where: str) -> list[DeviceMeasurement | None]:
    """Intervals from the onsets and ends of the averaged beat [ms], and the axes [deg]."""
    p_on, p_end, qrs_on, qrs_end, t_end = (_time(u16(body, 6 + 2 * k, where)) for k in range(5))
    angles = [int.from_bytes(safe.need(body, 16 + 2 * k, 2, where=where), "little", signed=True) for k in range(3)]
    intervals = (("p_dur_ms", p_on, p_end, "P duration"), ("pr_ms", p_on, qrs_on, "PR interval"),
                 ("qrs_ms", qrs_on, qrs_end, "QRS duration"), ("qt_ms", qrs_on, t_end, "QT interval"))
    return [
        *(_value(name, end - begin, "ms", label) for name, begin, end, label in intervals
          if begin is not None and end is not None),
        *(DeviceMeasurement(name=name, value=float(angle), unit="deg", label=label)
          for name, angle, label in zip(("p_axis_deg", "qrs_axis_deg", "t_axis_deg"), angles,
                                        ("P axis", "QRS axis", "T axis"), strict=True)
          if angle not in _MISSING_SIGNED and -360 <= angle <= 360),
    ]


def _time(value: int) -> int | None:
    return None if value in _NOT_MEASURED else value


def _value(name: str, value: int, unit: str, label: str) -> DeviceMeasurement | None:
    """A measurement, None when the number means that there is none."""
    if value <= 0 or value in _NOT_MEASURED:
        return None
    return DeviceMeasurement(name=name, value=float(value), unit=unit, label=label)
