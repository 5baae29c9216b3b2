"""`Reading`: measurements and findings of one ECG, made once and used by every recipe that needs numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecground.instruct.facts import Facts

if TYPE_CHECKING:
    from ecground.knowledge.finding import Finding
    from ecground.measure.table import Measurements

__all__ = ["Reading", "read_facts"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One ECG, measured."""

    measurements: Measurements
    findings: tuple[Finding, ...]


def read_facts(facts: Facts) -> Reading:
    """Measure the recording behind the facts: from its true marks where they are known, else from those we find.

    Raises:
        InputError, RefusedError: it cannot be read, or holds no ECG that may be interpreted.
    """
    from ecground.knowledge.findings import find
    from ecground.measure import measure
    from ecground.signal.delineate import delineate
    from ecground.signal.quality import assess
    from ecground.signal.refuse import require_ecg

    if facts.exact is not None:
        clean, true = facts.exact()
        exact = measure(clean, true)
        return Reading(exact, find(exact, clean.patient))
    record = facts.load()
    require_ecg(record)
    marks = delineate(record)
    quality = assess(record, marks)
    measurements = measure(record, marks, quality=quality)
    return Reading(measurements, find(measurements, record.patient, quality=quality))
