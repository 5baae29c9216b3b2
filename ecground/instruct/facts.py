"""`Facts`: what is known of an ECG from outside (labels, cardiologists' marks, a simulator's parameters).

Questions and their answers are made from facts, never from our own measurements. What a collection's labels cannot say
is not known: only statements in `decided` may be asked as yes or no. SCP labels decide PTB-XL's 71 statements (a label
with any likelihood counts as present, the usual rule of the benchmarks); SNOMED CT labels decide the statements that
have a code of their own, those that share one are left undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from ecground.corpora.case import Case
from ecground.instruct.conversation import Source, Truth
from ecground.knowledge.check import IMPLIED_BY
from ecground.knowledge.codes import codes, scp_codes
from ecground.record import Patient, Record

if TYPE_CHECKING:
    from ecground.signal.beats import Delineation

__all__ = ["Facts", "facts_of", "implied", "severity"]

_NEVER_ASKED: Final = frozenset({"DIG", "EL"})
"""Statements about drugs and electrolytes: no ECG alone decides them."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One ECG and what is true of it."""

    source: Source
    load: Callable[[], Record]
    """Reads the samples."""
    statements: frozenset[str]
    """Keys of the statements that are true, more general ones that follow from them included."""
    decided: frozenset[str]
    """Keys of the statements that are known to be true or false."""
    truth: Truth
    values: Mapping[str, float] = field(default_factory=dict)
    """Measures known from outside, by their names in `measure.table`."""
    report: str = ""
    """The physician's report in its own language."""
    person: Patient = field(default_factory=Patient)
    exact: Callable[[], tuple[Record, Delineation]] | None = None
    """The recording without its noise and the true marks of its waves, of a simulated ECG: numbers are then measured
    from these. None = the marks are ours to find."""

    @property
    def record(self) -> str:
        """The name conversations refer to it by."""
        return f"{self.source.corpus}:{self.source.id}"

    def says(self, key: str) -> bool | None:
        """Whether the statement is true; None when that is not known."""
        return key in self.statements if key in self.decided else None


def facts_of(case: Case) -> Facts:
    """The facts that a collection's labels state."""
    present, decided = _decided(case)
    source = Source(case.corpus, case.id, case.patient, case.split, case.fold, case.terms.licence,
                    case.terms.credentialed)
    return Facts(source, case.load, present, decided, "label", report=case.report_en or case.report,
                 person=case.person)


def _decided(case: Case) -> tuple[frozenset[str], frozenset[str]]:
    if case.label_system == "scp" and case.labels:
        return implied(case.labels), frozenset(scp_codes()) - _NEVER_ASKED
    if case.label_system == "snomed" and case.labels:
        own = _own_snomed()
        present = implied(own[label] for label in case.labels if label in own)
        return present, frozenset(own.values()) - _NEVER_ASKED
    return frozenset(), frozenset()


def implied(keys: Iterable[str]) -> frozenset[str]:
    """The statements, and the more general ones that are true when they are (sinus bradycardia is sinus rhythm)."""
    given = frozenset(keys)
    return given | {general for general, exact in IMPLIED_BY.items() if given.intersection(exact)}


@cache
def _own_snomed() -> Mapping[str, str]:
    """SNOMED CT code -> key, for codes that belong to one statement."""
    keys: dict[str, list[str]] = {}
    for key, entry in codes().items():
        if entry.snomed:
            keys.setdefault(entry.snomed, []).append(key)
    return {snomed: found[0] for snomed, found in keys.items() if len(found) == 1}


def severity(facts: Facts) -> str:
    """Stratum of how abnormal an ECG is: `normal`, or the number of diagnostic statements, `3+` from three on."""
    diagnostic = sum("diagnostic" in codes()[key].kinds for key in facts.statements if key in codes() and key != "NORM")
    return "normal" if diagnostic == 0 else f"{diagnostic}" if diagnostic < 3 else "3+"
