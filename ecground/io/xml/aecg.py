"""HL7 annotated ECG (aECG, ANSI/HL7 V3 ECG R1-2004): series of sequences with scale and origin.

Contract: value = origin + scale x digit in the unit of the file; rate = 1 / increment. The rhythm series is read (the
longest of several); a representative beat only when there is nothing else, and said so. Sequence sets of one series,
and further series with absolute times, are placed on one time axis when their rates agree and they do not overlap;
what lies between is NaN.
Reference: HL7 PORT_MT020001; FDA's aECG implementation guide.
"""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element

import numpy as np

from ecground import safe
from ecground.errors import CorruptInputError, NoSignalError, UnsafeInputError
from ecground.io.channels import MV_PER_UNIT, Channel, assemble, patient_age, patient_sex
from ecground.io.source import Source
from ecground.io.xml.aecg_annotations import device_reading
from ecground.io.xml.aecg_codes import lead_label
from ecground.io.xml.document import (
    child,
    children,
    decimals,
    first,
    given,
    moment,
    number,
    root_name,
    root_of,
    scaled,
    text,
    years_between,
)
from ecground.record import Patient, Record

__all__ = ["read_aecg", "sniff_aecg"]

_SECONDS: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_MAX_GAP: Final = 16
"""Sets are placed on one time axis while it is at most so many times as long as what was recorded."""
_SHORT: Final = 1 << 20
"""An axis of so many samples costs nothing, however empty."""
_MAX_SETS: Final = 10_000
_MAX_SECONDS: Final = 1e7
_REPORTED_AGE: Final = "21612-7"
_AGE_LETTER: Final = {"a": "Y", "yr": "Y", "y": "Y", "mo": "M", "wk": "W", "w": "W", "d": "D"}
_FILTERS: Final = (("LOW_PASS", "low-pass", "CUTOFF_FREQ"), ("HIGH_PASS", "high-pass", "CUTOFF_FREQ"),
                   ("NOTCH", "notch", "NOTCH_FREQ"))


@dataclass(frozen=True, slots=True)
class _Part:
    """One sequence set: channels of one rate that begin together."""

    channels: tuple[Channel, ...]
    fs: float
    """Rate [Hz]."""
    absolute: datetime | None
    """Time of the first sample, None when the file gives a relative one."""
    relative: float
    """Seconds from the series' own zero, 0 for absolute times."""

    @property
    def length(self) -> int:
        """Samples of the longest channel."""
        return max((channel.values.size for channel in self.channels), default=0)


def sniff_aecg(source: Source) -> bool:
    """Whether the root element is `AnnotatedECG`."""
    return root_name(source) == "AnnotatedECG"


def read_aecg(source: Source) -> Record:
    """The ECG of an aECG file.

    Raises:
        NoSignalError: no series with samples.
        CorruptInputError: damaged XML, no usable time increment, samples that are no numbers.
        UnsafeInputError: DTD, entities, size or nesting.
    """
    said: list[str] = []
    root = root_of(source, said=said)
    chosen, parts = _rhythm(root, source.name, said)
    taken = _compatible(parts, said)
    fs = taken[0][1].fs
    zero = min((part.absolute for _, part in taken if part.absolute is not None), default=None)
    start = zero or moment(given(child(chosen[0], "effectiveTime", "low"), "value")) or _effective(root)
    reading = device_reading(chosen, fs=fs, zero=start, said=said)
    return assemble(
        _placed(taken, said), fs=fs, format="aecg", where=source.name, start=start,
        patient=_patient(root, start, said), device=reading, filters=_filters(chosen[0]), notes=said,
    )


def _effective(root: Element) -> datetime | None:
    for name in ("low", "center"):
        if found := moment(given(child(root, "effectiveTime", name), "value")):
            return found
    return moment(given(child(root, "effectiveTime"), "value"))


def _rhythm(root: Element, where: str, said: list[str]) -> tuple[list[Element], list[_Part]]:
    """Series whose annotations count, and the parts to read, those of the longest series first."""
    whole = children(root, "component", "series")
    beats = [one for series in whole for one in children(series, "derivation", "derivedSeries")]
    beats += [series for series in whole if _is_beat(series)]
    rhythms = [series for series in whole if not _is_beat(series)]
    read = [(series, _parts(series, where)) for series in rhythms]
    read = [(series, parts) for series, parts in read if parts]
    if read:
        read.sort(key=lambda pair: -sum(part.length * len(part.channels) for part in pair[1]))
        if left := sum(bool(children(one, "component", "sequenceSet")) for one in beats):
            said.append(f"other waveforms were left out: {left} representative beat series")
        more = [part for _, parts in read[1:] for part in parts if part.absolute is not None]
        if hidden := sum(part.absolute is None for _, parts in read[1:] for part in parts):
            said.append(f"{hidden} sequence sets of further series without absolute time were left out")
        return [series for series, _ in read], read[0][1] + more
    for series in beats:
        if parts := _parts(series, where):
            said.append("only a representative beat is stored, no rhythm")
            return [series], parts[:1]
    raise NoSignalError("the aECG file holds no waveform", where=where, hint="give a file with a rhythm series")


def _is_beat(series: Element) -> bool:
    return given(child(series, "code"), "code").upper() == "REPRESENTATIVE_BEAT"


def _parts(series: Element, where: str) -> list[_Part]:
    found = []
    groups = children(series, "component", "sequenceSet")
    if len(groups) > _MAX_SETS:
        raise UnsafeInputError(f"{len(groups)} sequence sets in a series, limit {_MAX_SETS}", where=where)
    for group in groups:
        channels: list[Channel] = []
        time: Element | None = None
        for sequence in children(group, "component", "sequence"):
            code = given(child(sequence, "code"), "code")
            if code.upper().startswith("TIME_"):
                time = time if time is not None else child(sequence, "value")
            elif (channel := _channel(sequence, code, where)) is not None:
                channels.append(channel)
        if channels:
            found.append(_timed(channels, time, where))
    return found


def _timed(channels: Sequence[Channel], time: Element | None, where: str) -> _Part:
    """Channels with the rate and beginning of their time sequence."""
    head, increment = child(time, "head"), child(time, "increment")
    step = number(given(increment, "value"))
    seconds = _SECONDS.get(given(increment, "unit").lower() or "s")
    if step is None or seconds is None or step <= 0:
        raise CorruptInputError("no usable time increment", where=where, hint="a step in s, ms or us can be read")
    # Six decimals undo what writing 1/fs in decimals costs.
    fs = round(1.0 / max(step * seconds, 1e-9), 6)
    absolute = moment(given(head, "value"))
    offset = number(given(head, "value")) if absolute is None else None
    unit = _SECONDS.get(given(head, "unit").lower() or "s", 1.0)
    return _Part(tuple(channels), fs, absolute, (offset or 0.0) * unit)


def _channel(sequence: Element, code: str, where: str) -> Channel | None:
    """One lead; None for a sequence without digits."""
    value, shown = child(sequence, "value"), given(child(sequence, "code"), "displayName")
    digits = child(value, "digits")
    raw = decimals((digits.text if digits is not None else None) or "", where=where)
    if not raw.size:
        return None
    scale, origin = child(value, "scale"), child(value, "origin")
    step, start = number(given(scale, "value")), number(given(origin, "value")) or 0.0
    unit = given(scale, "unit")
    unit = "" if unit == "1" or step is None else unit
    start *= _ratio(given(origin, "unit") or unit, unit, where) if start else 1.0
    label = lead_label(code, shown)
    turned = -1.0 if label == "-aVR" else 1.0
    values = scaled(raw, step=turned * (step if step is not None else 1.0), origin=turned * start)
    gain = f"{step:g} {unit} a step, origin {start:g} {unit}" if unit else "no scale or unit given"
    return Channel(label=label.removeprefix("-"), values=values, unit=unit or None,
                   gain=gain + (", sign turned" if turned < 0 else ""))


def _ratio(unit: str, other: str, where: str) -> float:
    """How many of `other` are one `unit`."""
    if unit == other:
        return 1.0
    if unit.lower() in MV_PER_UNIT and other.lower() in MV_PER_UNIT:
        return MV_PER_UNIT[unit.lower()] / MV_PER_UNIT[other.lower()]
    raise CorruptInputError("origin and scale of a sequence have different units", where=where)


def _compatible(parts: Sequence[_Part], said: list[str]) -> list[tuple[int, _Part]]:
    """The first part and those that can stand on one time axis with it, each with its first sample there.

    Left out is a part of another rate or kind of time, one that overlaps a lead already placed, and one so far away
    that the axis would be mostly empty.
    """
    main = parts[0]
    taken = [(0, main)]
    low, high, total = 0, main.length, main.length
    spans: dict[str, list[tuple[int, int]]] = {one.label: [(0, one.values.size)] for one in main.channels}
    for part in parts[1:]:
        if (begin := _begin(part, main)) is None:
            continue
        outer = max(high, begin + part.length) - min(low, begin)
        near = outer <= max(_SHORT, min(_MAX_GAP * (total + part.length), safe.MAX_SAMPLES // 16))
        new = [(spans.setdefault(one.label, []), (begin, begin + one.values.size)) for one in part.channels]
        if near and all(_free(placed, span) for placed, span in new):
            for placed, span in new:
                insort(placed, span)
            low, high, total = min(low, begin), max(high, begin + part.length), total + part.length
            taken.append((begin, part))
    if left := len(parts) - len(taken):
        said.append(f"{left} sequence sets were left out: another rate, overlapping, or too far away in time")
    if len(taken) > 1:
        said.append(f"{len(taken)} sequence sets were placed on one time axis")
    return [(begin - low, part) for begin, part in taken]


def _begin(part: _Part, main: _Part) -> int | None:
    """First sample of `part` counted from that of `main`, None when their times cannot be compared."""
    if part.fs != main.fs or (part.absolute is None) != (main.absolute is None):
        return None
    if part.absolute is not None and main.absolute is not None:
        seconds = (part.absolute - main.absolute).total_seconds()
    else:
        seconds = part.relative - main.relative
    return round(seconds * main.fs) if abs(seconds) < _MAX_SECONDS else None


def _free(placed: list[tuple[int, int]], span: tuple[int, int]) -> bool:
    """Whether `span` meets none of the spans of its lead, which are in order."""
    at = bisect(placed, span)
    return (at == 0 or placed[at - 1][1] <= span[0]) and (at == len(placed) or span[1] <= placed[at][0])


def _placed(parts: Sequence[tuple[int, _Part]], said: list[str]) -> list[Channel]:
    """One channel a lead over the whole axis, NaN where it was not recorded."""
    if len(parts) == 1:
        return list(parts[0][1].channels)
    length = max(begin + part.length for begin, part in parts)
    if length * len({one.label for _, part in parts for one in part.channels}) > safe.MAX_SAMPLES:
        raise UnsafeInputError(f"{length} samples a lead on one time axis", where="sequence sets")
    whole: dict[str, Channel] = {}
    for begin, part in parts:
        for channel in part.channels:
            if channel.label not in whole:
                empty = np.full(length, np.nan, np.float32)
                whole[channel.label] = Channel(channel.label, empty, channel.unit, channel.gain)
            target = whole[channel.label]
            if target.unit != channel.unit:
                said.append(f"{channel.label[:16]} changes its unit: the later part was left out")
                continue
            target.values[begin:begin + channel.values.size] = channel.values
    return list(whole.values())


def _patient(root: Element, start: datetime | None, said: list[str]) -> Patient:
    """Age from birth time and recording, else as reported; sex M or F."""
    person = first(root, "subjectDemographicPerson")
    written = given(child(person, "birthTime"), "value")
    born = moment(written.ljust(6, "0") + "01" if len(written) == 6 else written)
    age, reported = years_between(born, start), _reported_age(root)
    if reported is None:
        reported = patient_age(text(person, "Age"))
    if age is not None and reported is not None and abs(age - reported) > 1:
        said.append("the reported age differs from the one that follows from the birth date, which was used")
    sex = patient_sex(given(child(person, "administrativeGenderCode"), "code"))
    return Patient(age=reported if age is None else age, sex=sex)


def _reported_age(root: Element) -> float | None:
    for one in root.iter("relatedObservation"):
        if given(child(one, "code"), "code") == _REPORTED_AGE:
            value = child(one, "value")
            letter = _AGE_LETTER.get(given(value, "unit").lower() or "a")
            return patient_age(given(value, "value") + letter) if letter else None
    return None


def _filters(series: Element) -> tuple[str, ...]:
    """Pass band and notch that the series declares, in words."""
    found: dict[str, None] = {}
    for one in children(series, "controlVariable", "controlVariable"):
        code = given(child(one, "code"), "code").upper()
        for kind, words, frequency in _FILTERS:
            for inner in children(one, "component", "controlVariable") if code.endswith(kind) else ():
                value = number(given(child(inner, "value"), "value"))
                if value and given(child(inner, "code"), "code").upper().endswith(frequency):
                    found[f"{words} {value:g} Hz"] = None
    return tuple(found)
