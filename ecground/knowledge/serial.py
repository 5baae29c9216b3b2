"""`compare`: two ECGs of one patient, value by value and statement by statement, by fixed rules.

Contract: takes Measurements or anything that has `measurements` and `findings` (an Interpretation); with bare
Measurements no statements are compared. A value that either recording lacks is left out. `beyond_repeatability` holds a
difference against `ecground.knowledge.repeatability.CHANGE`. Statements count as changed when one recording has them
and the other was judged and has not. The text is from the phrase catalogue; its claims are about the newer recording.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ecground.knowledge.check import check, is_open, key_of
from ecground.knowledge.claims import read_claims
from ecground.knowledge.finding import Claim, Finding
from ecground.knowledge.phrases import Catalogue, capital, catalogue
from ecground.knowledge.repeatability import CHANGE, change_limit, unit_of
from ecground.knowledge.telling import covered_by, importance
from ecground.leads import STANDARD
from ecground.measure.table import RECORD_MEASURES, Measurements

__all__ = ["Change", "Comparison", "Interpreted", "compare"]

_RECORD: Final = tuple(name for name in CHANGE if name in RECORD_MEASURES)
_BY_LEAD: Final = tuple(name for name in CHANGE if name not in RECORD_MEASURES)


class Interpreted(Protocol):
    """What an Interpretation offers to a comparison."""

    @property
    def measurements(self) -> Measurements | None:
        """Everything measured."""

    @property
    def findings(self) -> tuple[Finding, ...] | None:
        """Every statement judged."""


@dataclass(frozen=True, slots=True)
class Change:
    """One value or statement in the older and in the newer recording."""

    measure: str | None
    """Measure name; None for a statement."""
    code: str | None
    """SCP code or statement key; None for a value."""
    old: float | bool
    new: float | bool
    delta: float | None
    """new - old, in `unit`; axes the shorter way round; None for a statement."""
    unit: str
    beyond_repeatability: bool
    """True when the difference is more than two recordings of an unchanged heart show; for a statement, when the
    recording without it clearly lacks it."""
    lead: str | None = None
    limit: float | None = None
    """The smallest real difference, in `unit`."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed between two recordings."""

    changes: tuple[Change, ...]
    """Values in the order of the vocabulary, then statements."""
    text: str
    claims: tuple[Claim, ...]
    """Claims of `text` about the newer recording, checked against it."""


def compare(old: Interpreted | Measurements, new: Interpreted | Measurements, *, language: str = "en") -> Comparison:
    """Compare an earlier with a later recording of the same patient.

    Args:
        old: the earlier recording, measured or interpreted.
        new: the later one.
        language: of the phrase catalogue.
    """
    before, then = _parts(old)
    after, now = _parts(new)
    values = tuple(_values(before, after)) if before is not None and after is not None else ()
    statements = tuple(_statements(then, now))
    text = _text(values, statements, then, now, catalogue(language))
    claims = check(read_claims(text), after, now) if after is not None else ()
    return Comparison((*values, *statements), text, claims)


def _parts(side: Interpreted | Measurements) -> tuple[Measurements | None, Sequence[Finding]]:
    if isinstance(side, Measurements):
        return side, ()
    return side.measurements, side.findings or ()


def _values(before: Measurements, after: Measurements) -> Iterator[Change]:
    for measure in _RECORD:
        change = _change(measure, None, before.number(measure), after.number(measure))
        if change is not None:
            yield change
    for lead in STANDARD:
        for measure in _BY_LEAD:
            change = _change(measure, lead, before.number(measure, lead), after.number(measure, lead))
            if change is not None:
                yield change


def _change(measure: str, lead: str | None, old: float, new: float) -> Change | None:
    limit = change_limit(measure, old, new)
    if limit is None or not (math.isfinite(old) and math.isfinite(new)):
        return None
    delta = new - old
    if measure.endswith("_axis_deg"):
        delta = (delta + 180.0) % 360.0 - 180.0
    return Change(measure=measure, code=None, old=old, new=new, delta=delta, unit=unit_of(measure), lead=lead,
                  beyond_repeatability=abs(delta) > limit, limit=limit)


def _statements(then: Sequence[Finding], now: Sequence[Finding]) -> Iterator[Change]:
    earlier = {key_of(finding): finding for finding in then}
    for finding in now:
        key = key_of(finding)
        past = earlier.get(key)
        if past is None or past.present == finding.present:
            continue
        lacking = past if finding.present else finding
        if lacking.judged:
            yield Change(measure=None, code=key, old=past.present, new=finding.present, delta=None, unit="",
                         beyond_repeatability=not is_open(key, lacking))


def _text(values: Sequence[Change], statements: Sequence[Change], then: Sequence[Finding], now: Sequence[Finding],
          phrases: Catalogue) -> str:
    """Statements first, then values that changed, one line a measure, then what stayed."""
    steady = [change for change in values if not change.beyond_repeatability and change.lead is None]
    told = [phrases.say("serial.title"), *_told_statements(statements, then, now, phrases)]
    changed: dict[str, list[Change]] = {}
    for change in values:
        if change.beyond_repeatability:
            changed.setdefault(str(change.measure), []).append(change)
    told += [_changed(measure, changes, phrases) for measure, changes in changed.items()]
    if steady:
        listed = ", ".join(
            f"{phrases.measure(str(change.measure))} {phrases.quantity(float(change.new), change.unit)}"
            for change in steady)
        told.append(phrases.say("serial.steady", list=listed))
    if not values:
        told.append(phrases.say("serial.no_values"))
    return "\n".join((*told, phrases.say("report.disclaimer")))


def _told_statements(changes: Sequence[Change], then: Sequence[Finding], now: Sequence[Finding], phrases: Catalogue
                     ) -> list[str]:
    """What appeared and what went, by importance; what goes without saying beside a more exact statement is left."""
    names = {key_of(finding): finding.statement for finding in (*then, *now)}
    sides = {side: {key_of(finding) for finding in found if finding.present}
             for side, found in ((True, now), (False, then))}
    told = sorted((change for change in changes
                   if not sides[bool(change.new)].intersection(covered_by(str(change.code)))),
                  key=lambda change: importance(str(change.code)))
    if names and not told:
        return [phrases.say("serial.none")]
    by_kind: dict[str, list[str]] = {"appeared": [], "disappeared": [], "uncertain": []}
    for change in told:
        kind = "appeared" if change.new else "disappeared" if change.beyond_repeatability else "uncertain"
        by_kind[kind].append(phrases.statement(str(change.code), names[str(change.code)]))
    gone = by_kind["disappeared"]
    lines = [phrases.say("serial.appeared", statements=", ".join(by_kind["appeared"]))] if by_kind["appeared"] else []
    if gone:
        lines.append(phrases.say("serial.disappeared", statements=phrases.either(gone)))
    return lines + [phrases.say("serial.uncertain", statement=name) for name in by_kind["uncertain"]]


def _changed(measure: str, changes: Sequence[Change], phrases: Catalogue) -> str:
    """`T amplitude -0.42 mV in I [earlier 0.46 mV], 0.20 mV in II [earlier 0.49 mV]`, with the limit of chance."""
    parts = []
    for change in changes:
        new = phrases.quantity(float(change.new), change.unit, measure)
        value = phrases.say("values.by_lead", value=new, lead=change.lead) if change.lead else new
        sign = "+" if (change.delta or 0.0) > 0 else ""
        parts.append(phrases.say(
            "serial.value", value=value, old=phrases.quantity(float(change.old), change.unit, measure),
            delta=sign + phrases.quantity(change.delta, change.unit)))
    limits = [change.limit for change in changes if change.limit is not None]
    return phrases.say("serial.changed", measure=capital(phrases.measure(measure)), values=", ".join(parts),
                       limit=phrases.quantity(min(limits, default=None), changes[0].unit))
