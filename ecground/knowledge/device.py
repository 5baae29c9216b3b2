"""What the recording device said, quoted, and its numbers beside ours.

Contract: every word and number of the device stands in quotes, which readers of the text skip: it is not our claim.
Numbers are compared with the tolerance of two careful readings of one recording; only those that differ are told with
ours beside them. What the device gives by lead or in samples is not compared.
"""

from __future__ import annotations

import math

from ecground.knowledge.phrases import Catalogue
from ecground.knowledge.repeatability import tolerance, unit_of
from ecground.measure.table import Measurements
from ecground.record import DeviceMeasurement, DeviceReading

__all__ = ["device_words"]

_LOOSE = {"qtc_ms": "qtc_bazett_ms"}
"""Measures that devices give without saying how they correct -> the usual correction."""


def device_words(device: DeviceReading | None, measurements: Measurements, phrases: Catalogue) -> str:
    """The paragraph about the device; empty when it said nothing."""
    if device is None:
        return ""
    parts, alike = [], []
    if device.statements:
        quotes = ", ".join(phrases.quote(said) for said in device.statements)
        parts.append(phrases.say("device.statements", quotes=quotes))
    for entry in device.measurements:
        ours = _LOOSE.get(entry.name, entry.name)
        number = measurements.number(ours)
        if entry.lead is not None or math.isnan(number) or unit_of(ours) != entry.unit:
            continue
        quote = phrases.quote(phrases.say("device.value", measure=phrases.measure(entry.name),
                                          value=phrases.quantity(entry.value, entry.unit, ours)))
        if abs(_difference(entry, number)) <= tolerance(ours, number):
            alike.append(quote)
            continue
        value = phrases.say("device.value", measure=phrases.measure(ours),
                            value=phrases.quantity(number, entry.unit, ours))
        parts.append(phrases.say("device.differs", quote=quote, value=value))
    if alike:
        parts.append(phrases.say("device.agrees", quotes=", ".join(alike)))
    return " ".join(parts)


def _difference(entry: DeviceMeasurement, ours: float) -> float:
    """Theirs less ours; axes the shorter way round."""
    return (entry.value - ours + 180.0) % 360.0 - 180.0 if entry.name.endswith("_axis_deg") else entry.value - ours
