"""`Reading`: measurements and findings of one ECG, made once and used by every recipe that needs numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecground.instruct.facts import Facts

if TYPE_CHECKING:
    from ecground.knowledge.finding import Finding
    from ecground.measure.table import Measurements
    from ecground.record import Record

__all__ = ["Reading", "read_facts"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One ECG, measured."""

    record: Record
    measurements: Measurements
    findings: tuple[Finding, ...]


def read_facts(facts: Facts) -> Reading:
    """Load and measure the recording behind the facts.

    Raises:
        InputError, RefusedError: it cannot be read, or holds no ECG that may be interpreted.
    """
    from ecground.knowledge.findings import find
    from ecground.measure import measure
    from ecground.signal.delineate import delineate
    from ecground.signal.quality import assess
    from ecground.signal.refuse import require_ecg

    record = facts.load()
    require_ecg(record)
    marks = delineate(record)
    quality = assess(record, marks)
    measurements = measure(record, marks, quality=quality)
    return Reading(record, measurements, find(measurements, record.patient, quality=quality))
