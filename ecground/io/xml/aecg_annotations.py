"""Annotations of an aECG -> `DeviceReading`: the device's statements, numbers and wave positions.

Contract: rhythm and interpretation statements, every number, and the onset and offset of every wave of the rhythm
(unit `sample`). A global value that is given several times is kept once: the record's own, else that of the
representative beat, else that of the first beat. Annotation sets by a person are not the device's and are left out.
Reference: HL7 aECG annotation sets, ISO/IEEE 11073-10102 codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element

from ecground.io.xml.aecg_codes import UNIT_OF, lead_label, measure_of, wave_of
from ecground.io.xml.document import child, children, first, given, moment, number, text, values_of
from ecground.leads import standard_name
from ecground.record import DeviceMeasurement, DeviceReading

__all__ = ["device_reading"]

_RECORD, _REPRESENTATIVE, _BEAT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the tree of annotations a value stands."""

    level: int
    """`_RECORD`, `_REPRESENTATIVE` or `_BEAT`; the lowest number wins."""
    lead: str | None = None
    wave: str = ""


@dataclass(frozen=True, slots=True)
class _Clock:
    """How times become samples."""

    fs: float
    """Rate [Hz]."""
    zero: datetime | None
    """Time of the first sample, None when unknown."""


_PEAKS: Final = ("PEAK", "MDC_ECG_WAVC_PEAK")


def device_reading(
    series: Sequence[Element], *, fs: float, zero: datetime | None, said: list[str],
) -> DeviceReading:
    """The device's reading out of the annotation sets of `series` and of what is derived from them.

    Args:
        series: the elements `series` (or `derivedSeries`) that were read.
        fs: sampling rate [Hz].
        zero: time of the first sample, None when unknown.
        said: takes notes.
    """
    clock = _Clock(fs, zero)
    statements: dict[str, None] = {}
    found: list[tuple[int, DeviceMeasurement]] = []
    people = 0
    for one in series:
        for level, owner in [(_RECORD, one)] + [
            (_REPRESENTATIVE, derived) for derived in children(one, "derivation", "derivedSeries")
        ]:
            for group in children(owner, "subjectOf", "annotationSet"):
                if first(child(group, "author"), "assignedPerson") is not None:
                    people += 1
                    continue
                for annotation in children(group, "component", "annotation"):
                    statements.update(dict.fromkeys(_statements(annotation)))
                    found += _values(annotation, _Place(level), clock)
    if people:
        said.append(f"{people} annotation sets by a person were left out: they are not the device's")
    return DeviceReading(statements=tuple(statements), measurements=tuple(_best(found)))


def _best(found: Sequence[tuple[int, DeviceMeasurement]]) -> Iterator[DeviceMeasurement]:
    """Positions all, of other values the best-placed of each name and lead, in file order."""
    best: dict[tuple[str, str | None], int] = {}
    for level, value in found:
        key = (value.name, value.lead)
        best[key] = min(level, best.get(key, level))
    given_once: set[tuple[str, str | None]] = set()
    for level, value in found:
        key = (value.name, value.lead)
        if value.unit == "sample":
            yield value
        elif level == best[key] and key not in given_once:
            given_once.add(key)
            yield value


def _statements(annotation: Element) -> Iterator[str]:
    """Rhythms and texts, of this annotation and those inside."""
    code, value = given(child(annotation, "code"), "code").upper(), child(annotation, "value")
    if code.endswith("_RHY"):
        shown = given(value, "displayName") or given(value, "code").rpartition("_RHY_")[2].replace("_", " ").lower()
        if shown:
            yield " ".join(shown.split())
    elif (said := text(value)) and (given(value, "type").endswith("ST") or number(said) is None):
        yield said
    for inner in children(annotation, "component", "annotation"):
        yield from _statements(inner)


def _values(annotation: Element, place: _Place, clock: _Clock) -> Iterator[tuple[int, DeviceMeasurement]]:
    """Numbers and positions of this annotation and those inside."""
    code, value = given(child(annotation, "code"), "code"), child(annotation, "value")
    if lead := _lead(annotation):
        place = replace(place, lead=lead)
    upper = code.upper()
    if upper.endswith("_BEAT") and place.level == _RECORD:
        place = replace(place, level=_BEAT)
    if "_WAVC" in upper:
        kind = given(value, "code").upper()
        place = place if kind in _PEAKS else replace(place, wave=wave_of(kind))
        if place.level != _REPRESENTATIVE:
            for position in _positions(annotation, place, clock, peak=kind in _PEAKS):
                yield place.level, position
    elif value is not None and given(value, "type").rpartition(":")[2] in ("PQ", "INT", "REAL", ""):
        for measurement in _numbers(code, value, place.lead):
            yield place.level, measurement
    for inner in children(annotation, "component", "annotation"):
        yield from _values(inner, place, clock)


def _numbers(code: str, value: Element, lead: str | None) -> Iterator[DeviceMeasurement]:
    name = measure_of(code, lead=lead is not None)
    written = given(value, "unit")
    unit, scale = UNIT_OF.get(written.lower(), (written[:16], 1.0))
    shown = "".join(c if c.isalnum() or c == "_" else "_" for c in code)[:64]
    yield from values_of(given(value, "value"), unit, name=name, lead=lead, label=shown, scale=scale)


def _positions(annotation: Element, place: _Place, clock: _Clock, *, peak: bool) -> Iterator[DeviceMeasurement]:
    """Onset and offset, or the peak, of one wave in samples of the rhythm."""
    for boundary in children(annotation, "support", "supportingROI", "component", "boundary"):
        if not given(child(boundary, "code"), "code").upper().startswith("TIME_"):
            continue
        value = child(boundary, "value")
        ends = [("peak", value)] if peak else [("onset", child(value, "low")), ("offset", child(value, "high"))]
        for end, element in ends:
            if (sample := _sample(element, clock)) is not None:
                name = f"{place.wave or 'wave'}_{end}"
                yield DeviceMeasurement(name=name, value=float(sample), unit="sample", lead=place.lead, label=name)


def _sample(element: Element | None, clock: _Clock) -> int | None:
    """A time as a sample of the rhythm, None when it is missing or before the first sample."""
    written, unit = given(element, "value"), given(element, "unit").lower()
    if unit in UNIT_OF and UNIT_OF[unit][0] == "ms":
        value = number(written)
        seconds = None if value is None else value * UNIT_OF[unit][1] / 1e3
    else:
        then = moment(written)
        seconds = (then - clock.zero).total_seconds() if then is not None and clock.zero is not None else None
    return round(seconds * clock.fs) if seconds is not None and 0 <= seconds < 1e7 else None


def _lead(annotation: Element) -> str | None:
    """The one lead that an annotation says it rests on."""
    codes = [given(child(boundary, "code"), "code") for boundary in children(
        annotation, "support", "supportingROI", "component", "boundary")]
    leads = [lead for code in codes if "_ECG_LEAD_" in code.upper() and (lead := standard_name(lead_label(code, "")))]
    return leads[0] if len(leads) == 1 else None
