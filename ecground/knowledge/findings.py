"""Measurements -> findings: every statement judged, in clinical order, with the values that speak for and against it.

Order: technical, rhythm and ectopy, conduction, then what the conduction allows (AHA/ACCF/HRS 2009 III-VI: no
hypertrophy, Q or ST rules in left bundle branch block, ventricular pacing or pre-excitation), then the rest. A finding
is `present` when one of its deciding criteria is met. It is not judged (and then never present) under 16 years, where
the criteria are those of adults, when a value that decides could not be measured, when it is suppressed by another
finding, or when an ECG alone cannot tell it; `why` says which. A normal ECG is excluded by every other statement but
those that are normal, borderline, or rest on criteria which, met alone, are variants of the normal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from ecground.knowledge.codes import SUPERCLASSES, Code, Superclass, codes
from ecground.knowledge.criteria import Rule, Rulebook, Suppression, rulebook
from ecground.knowledge.finding import Criterion, Finding
from ecground.knowledge.judge import Judge
from ecground.knowledge.probability import base_rate, probability, superclass_probability
from ecground.measure.table import Measurements
from ecground.record import Patient

if TYPE_CHECKING:
    from ecground.signal.quality import Quality

__all__ = ["ADULT_AGE", "BORDERLINE", "find", "superclasses"]

ADULT_AGE: Final = 16.0
"""Age [years] below which adult criteria are not applicable."""
BORDERLINE: Final = 1.0
"""Margin [tolerances] under which a statement does not exclude a normal ECG."""

_ORDER: Final = ("technical", "rhythm", "ectopy", "conduction", "intervals", "axis", "morphology", "hypertrophy",
                 "infarction", "acute infarction", "repolarisation", "summary")
_SUPERCLASS_NAMES: Final[Mapping[Superclass, str]] = {
    "NORM": "normal ECG", "MI": "myocardial infarction", "STTC": "ST/T change", "CD": "conduction disturbance",
    "HYP": "hypertrophy",
}


def find(measurements: Measurements, patient: Patient, *, quality: Quality | None = None) -> tuple[Finding, ...]:
    """Every known statement judged: the 71 SCP codes in scp_statements order, then those without SCP code.

    Args:
        measurements: what was measured; NaN, absent and unmeasurable values are fine.
        patient: age [years] and sex; where a threshold needs one that is unknown, the strictest is used and said.
        quality: per-lead quality; values of leads that it calls unusable decide nothing.
    """
    book = rulebook()
    judge = Judge(measurements, patient, quality=quality)
    entries = codes()
    found: dict[str, Finding] = {}
    for entry in _order():
        found[entry.key] = _judge(entry, judge, book, found)
    return tuple(found[key] for key in entries)


def superclasses(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """NORM, MI, STTC, CD and HYP: present when one of their statements is, judged when one of them is.

    The probability follows from those of all statements; `criteria` are those that the present ones meet.
    """
    by_class: dict[Superclass, list[Finding]] = {name: [] for name in SUPERCLASSES}
    for finding in findings:
        owner = codes()[finding.scp].superclass if finding.scp is not None else None
        if owner is not None:
            by_class[owner].append(finding)
    return tuple(_superclass(name, members) for name, members in by_class.items())


@cache
def _order() -> tuple[Code, ...]:
    """Clinical order, and within a group those first that suppress others, as the rulebook lists them."""
    suppressors = list(dict.fromkeys(key for suppression in rulebook().suppressions for key in suppression.by))
    rank = {key: place for place, key in enumerate(suppressors)}
    last = len(suppressors)
    return tuple(sorted(codes().values(), key=lambda entry: (_ORDER.index(entry.group), rank.get(entry.key, last))))


def _judge(entry: Code, judge: Judge, book: Rulebook, found: Mapping[str, Finding]) -> Finding:
    rules = book.rules[entry.key]
    if judge.age is not None and judge.age < ADULT_AGE and entry.key not in book.any_age:
        return _finding(entry, why=f"not applicable under {ADULT_AGE:g} years: the criteria are those of adults")
    criteria = tuple(judge.criterion(rule) for rule in rules)
    suppressed = _suppressed(entry.key, book.suppressions, found)
    if suppressed:
        return _finding(entry, why=suppressed, criteria=criteria)
    if entry.key in book.beyond:
        return _finding(entry, chance=probability(entry.key, criteria), why=f"not to be told: {book.beyond[entry.key]}",
                        criteria=criteria)
    deciding = [(rule, made) for rule, made in zip(rules, criteria, strict=True)
                if rule.role == "decides" and judge.applies(rule)]
    present_now = any(made.met for _, made in deciding)
    judged = present_now or (bool(deciding) and all(made.met is not None for _, made in deciding))
    if present_now and entry.key == "NORM":
        excluding = [codes()[key].statement for key in codes() if key in found and _excludes(key, found[key], book)]
        if excluding:
            return _finding(entry, chance=probability(entry.key, criteria), judged=True,
                            why=f"excluded by {', '.join(excluding)}", criteria=criteria)
    return _finding(
        entry, chance=probability(entry.key, criteria), present=present_now, judged=judged,
        why=_why(judge, deciding, judged=judged), criteria=criteria,
    )


def _finding(entry: Code, *, chance: float | None = None, present: bool = False, judged: bool = False,
             why: str = "", criteria: tuple[Criterion, ...] = ()) -> Finding:
    return Finding(
        scp=entry.scp, snomed=entry.snomed, statement=entry.statement, present=present, judged=judged, why=why,
        criteria=criteria, probability=base_rate(entry.key) if chance is None else chance,
    )


def _excludes(key: str, finding: Finding, book: Rulebook) -> bool:
    """Whether a statement cannot stand beside a normal ECG."""
    if not finding.present or key in book.beside_normal:
        return False
    least = 0.0 if codes()[key].group in book.serious else BORDERLINE
    return any(made.met and (made.margin or 0.0) >= least and book.by_id[made.id].role == "decides"
               and made.id not in book.trivial for made in finding.criteria)


def _suppressed(key: str, suppressions: Iterable[Suppression], found: Mapping[str, Finding]) -> str:
    """Why the statement cannot be judged beside those present; empty when it can."""
    for suppression in suppressions:
        by = [name for name in suppression.by if name in found and found[name].present]
        if by and key in suppression.statements:
            return suppression.why.format(by=" and ".join(codes()[name].statement for name in by))
    return ""


def _why(judge: Judge, deciding: list[tuple[Rule, Criterion]], *, judged: bool) -> str:
    if not judged:
        gaps = [gap for rule, made in deciding if made.met is None for gap in judge.gaps(rule)]
        told = list(dict.fromkeys(gaps))
        return "not to be told: " + ("; ".join(told[:4]) if told else "no criterion applies at this age")
    unknown = [word for rule, _ in deciding for word in judge.unknown(rule)]
    return f"{' and '.join(dict.fromkeys(unknown))} unknown: the strictest threshold was used" if unknown else ""


def _superclass(name: Superclass, members: list[Finding]) -> Finding:
    present = [member for member in members if member.present]
    judged = any(member.judged for member in members)
    chances = {str(member.scp): member.probability for member in members}
    return Finding(
        scp=name, snomed=None, statement=_SUPERCLASS_NAMES[name], present=bool(present), judged=judged,
        probability=superclass_probability(name, chances),
        why=", ".join(str(member.scp) for member in present) or ("" if judged else "none of its statements is judged"),
        criteria=tuple(made for member in present for made in member.criteria if made.met),
    )
