"""Criteria held against measurements: met or not or not to be told, with a signed margin and the evidence.

Contract: truth has three values, True, False and None (a value that decides it could not be measured, or rests on a
recording too poor). The margin is the distance to the threshold in tolerances, >= 0 when met; `all` takes the smallest
margin of its parts, `any` the largest, `none` the negated largest, a lead set the margin of the k-th best lead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from ecground.knowledge.criteria import EACH, AllOf, AnyOf, Leads, Node, NoneOf, Points, Rule, Term, Threshold
from ecground.knowledge.finding import Criterion, Evidence
from ecground.knowledge.patterns import patterns
from ecground.measure.table import Measurements, Value
from ecground.record import Patient

if TYPE_CHECKING:
    from ecground.signal.quality import Quality

__all__ = ["FAR", "LOW_CONFIDENCE", "Judge"]

FAR: Final = 6.0
"""Margin [tolerances] beyond which nothing more can be learnt, and that of a wave that is absent."""
LOW_CONFIDENCE: Final = 0.2
"""Values with less confidence than this decide nothing."""

_Truth = tuple[bool | None, float]
_UNKNOWN: Final[_Truth] = (None, math.nan)
_MISSING: Final = Value(None, "", state="unmeasurable", confidence=0.0, why="not recorded")
_POOR: Final = Value(None, "", state="unmeasurable", confidence=0.0, why="recording too poor")
_COMPARE: Final[Mapping[str, Callable[[float, float], float]]] = {
    ">": lambda value, limit: value - limit, ">=": lambda value, limit: value - limit,
    "<": lambda value, limit: limit - value, "<=": lambda value, limit: limit - value,
}


class Judge:
    """Applies rules to one patient's measurements; each expression is evaluated once."""

    def __init__(self, measurements: Measurements, patient: Patient, *,
                 quality: Quality | None = None) -> None:
        self.record: Mapping[str, Value] = {**measurements.record, **patterns(measurements, quality)}
        self.lead: Mapping[str, Mapping[str, Value]] = measurements.lead
        self.unusable = frozenset() if quality is None else frozenset(set(quality.leads) - set(quality.usable))
        self.age, self.sex = patient.age, patient.sex
        self.memo: dict[tuple[Node, str | None], _Truth] = {}

    def criterion(self, rule: Rule) -> Criterion:
        """The rule applied, with its evidence."""
        if self._too_young(rule):
            return Criterion(id=rule.id, source=rule.source, checked=rule.checked, met=None, margin=None)
        met, margin = self.truth(rule.expression)
        return Criterion(
            id=rule.id, source=rule.source, checked=rule.checked, met=met,
            margin=None if met is None else round(margin, 3), evidence=tuple(self.evidence(rule.expression)),
        )

    def applies(self, rule: Rule) -> bool:
        """False when the rule is meant for older patients only."""
        return not self._too_young(rule)

    def _too_young(self, rule: Rule) -> bool:
        return rule.age_min is not None and self.age is not None and self.age < rule.age_min

    def truth(self, node: Node, lead: str | None = None) -> _Truth:
        """(met, margin) of an expression; `lead` is the lead under trial."""
        key = (node, lead)
        found = self.memo.get(key)
        if found is None:
            found = self.memo[key] = self._truth(node, lead)
        return found

    def _truth(self, node: Node, lead: str | None) -> _Truth:
        if isinstance(node, Term):
            return self._term(node, lead)
        if isinstance(node, AllOf):
            return _all([self.truth(part, lead) for part in node.parts])
        if isinstance(node, AnyOf):
            return _negate(_all([_negate(self.truth(part, lead)) for part in node.parts]))
        if isinstance(node, NoneOf):
            return _all([_negate(self.truth(part, lead)) for part in node.parts])
        if isinstance(node, Leads):
            return self._leads(node)
        return self._points(node, lead)

    def _term(self, term: Term, lead: str | None) -> _Truth:
        total = 0.0
        for (measure, where, weight), absent in zip(term.parts, term.absent, strict=True):
            value = self.value(measure, lead if where == EACH else where)
            if value.state == "absent":
                if absent is None:
                    return (False, -FAR) if term.absent_tells else _UNKNOWN
                total += weight * absent
                continue
            if value.value is None or value.confidence < LOW_CONFIDENCE:
                return _UNKNOWN
            if isinstance(value.value, str):
                met = value.value in self.threshold(term).value  # type: ignore[operator]
                return met, 1.0 if met else -1.0
            total += weight * value.value
        return _UNKNOWN if math.isnan(total) else self._compare(term, total)

    def _compare(self, term: Term, value: float) -> _Truth:
        limit = self.threshold(term).value
        if isinstance(limit, tuple):
            low, high = limit
            distance = min(value - low, high - value)  # type: ignore[operator]
        else:
            distance = _COMPARE[term.op](value, limit)
        met = distance > 0 or (distance == 0 and term.op not in {"<", ">"})
        return met, max(-FAR, min(FAR, distance / term.tolerance))

    def _leads(self, node: Leads) -> _Truth:
        truths = {name: self.truth(node.part, name) for name in node.leads}
        if node.pairs:
            return _negate(_all([_negate(_all([truths[a], truths[b]])) for a, b in node.pairs]))
        return _at_least(node.at_least, list(truths.values()))

    def _points(self, node: Points, lead: str | None) -> _Truth:
        truths = [(points, self.truth(part, lead)[0]) for points, part in node.parts]
        sure = sum(points for points, met in truths if met)
        open_ = sum(points for points, met in truths if met is None)
        if sure < node.at_least <= sure + open_:
            return _UNKNOWN
        return sure >= node.at_least, max(-FAR, min(FAR, sure - node.at_least))

    def value(self, measure: str, lead: str | None) -> Value:
        """The value a term rests on; `unmeasurable` when the record lacks it."""
        if lead is None:
            return self.record.get(measure, _MISSING)
        if lead in self.unusable:
            return _POOR
        return self.lead.get(lead, {}).get(measure, _MISSING)

    def threshold(self, term: Term) -> Threshold:
        """The first threshold that is known to fit the patient."""
        for threshold in term.thresholds:
            if threshold.sex is not None and threshold.sex != self.sex:
                continue
            if threshold.age_min is not None and (self.age is None or self.age < threshold.age_min):
                continue
            if threshold.age_max is not None and (self.age is None or self.age >= threshold.age_max):
                continue
            return threshold
        return term.thresholds[-1]

    def gaps(self, rule: Rule) -> Iterator[str]:
        """What a rule lacks, in words: the values that could not be measured."""
        for term, lead in self._terms(rule.expression, None):
            for measure, where, _ in term.parts:
                place = lead if where == EACH else where
                value = self.value(measure, place)
                if value.state != "absent" and (value.value is None or value.confidence < LOW_CONFIDENCE):
                    yield f"{measure}{f' in {place}' if place else ''}: {value.why or 'too uncertain'}"

    def unknown(self, rule: Rule) -> Iterator[str]:
        """`age` and `sex`, where a threshold of the rule needs them and they are unknown."""
        if self.sex is not None and self.age is not None:
            return
        for term, _ in self._terms(rule.expression, None):
            if self.sex is None and any(threshold.sex is not None for threshold in term.thresholds):
                yield "sex"
            if self.age is None and any((t.age_min, t.age_max) != (None, None) for t in term.thresholds):
                yield "age"

    def _terms(self, node: Node, lead: str | None) -> Iterator[tuple[Term, str | None]]:
        if isinstance(node, Term):
            yield node, lead
        elif isinstance(node, Leads):
            for name in node.leads:
                yield from self._terms(node.part, name)
        else:
            for part in (p for _, p in node.parts) if isinstance(node, Points) else node.parts:
                yield from self._terms(part, lead)

    def evidence(self, node: Node, lead: str | None = None, *, against: bool = False) -> Iterator[Evidence]:
        """The values that carry the verdict; `against` inside a negation."""
        if isinstance(node, Term):
            yield self._held(node, lead, against=against)
        elif isinstance(node, NoneOf):
            for part in self._telling(node.parts, lead):
                yield from self.evidence(part, lead, against=not against)
        elif isinstance(node, AnyOf):
            for part in self._telling(node.parts, lead):
                yield from self.evidence(part, lead, against=against)
        elif isinstance(node, Leads):
            for name in self._telling_leads(node):
                yield from self.evidence(node.part, name, against=against)
        elif isinstance(node, Points):
            for part in self._telling(tuple(part for _, part in node.parts), lead):
                yield from self.evidence(part, lead, against=against)
        else:
            for part in node.parts:
                yield from self.evidence(part, lead, against=against)

    def _telling(self, parts: tuple[Node, ...], lead: str | None) -> list[Node]:
        """The parts that hold; when none does, the one that comes nearest."""
        truths = [self.truth(part, lead) for part in parts]
        met = [part for part, (holds, _) in zip(parts, truths, strict=True) if holds]
        if met:
            return met
        ranked = sorted(zip(parts, truths, strict=True), key=lambda pair: -_rank(pair[1]))
        return [ranked[0][0]]

    def _telling_leads(self, node: Leads) -> list[str]:
        """The leads in which the part holds, or those that come nearest to making up the number."""
        truths = {name: self.truth(node.part, name) for name in node.leads}
        met = [name for name, (holds, _) in truths.items() if holds]
        if self.truth(node)[0]:
            paired = {name for pair in node.pairs if all(truths[n][0] for n in pair) for name in pair}
            return [name for name in met if name in paired] if node.pairs else met
        if node.pairs:
            best = max(node.pairs, key=lambda pair: min(_rank(truths[name]) for name in pair))
            return list(best)
        nearest = sorted(node.leads, key=lambda name: -_rank(truths[name]))[: node.at_least]
        return [name for name in node.leads if name in nearest]

    def _held(self, term: Term, lead: str | None, *, against: bool) -> Evidence:
        met, _ = self.truth(term, lead)
        values = [(measure, lead if where == EACH else where) for measure, where, _ in term.parts]
        found = [self.value(measure, where) for measure, where in values]
        return Evidence(
            measure=_name(term, lead), value=self._shown(term, found), unit=term.unit,
            leads=tuple(dict.fromkeys(where for _, where in values if where is not None)) or found[0].leads,
            beats=found[0].beats, span=found[0].span, comparison=_OPPOSITE[term.op] if against else term.op,
            threshold=_plain(self.threshold(term)),
            confidence=min(value.confidence for value in found), supports=met is not None and met != against,
        )

    @staticmethod
    def _shown(term: Term, found: list[Value]) -> float | str | None:
        if len(found) == 1:
            return found[0].value
        total = 0.0
        for (_, _, weight), value, absent in zip(term.parts, found, term.absent, strict=True):
            size = absent if value.state == "absent" else value.value
            if not isinstance(size, float):
                return None
            total += weight * size
        return total


_OPPOSITE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "in": "not in", "is": "is not"}
"""How a value inside a negation is held against the threshold."""


def _all(truths: list[_Truth]) -> _Truth:
    """Conjunction: False if one is false, else None if one is unknown; the smallest margin of those known."""
    if any(met is False for met, _ in truths):
        return False, min(margin for met, margin in truths if met is False)
    if any(met is None for met, _ in truths):
        return _UNKNOWN
    return True, min((margin for _, margin in truths), default=FAR)


def _negate(truth: _Truth) -> _Truth:
    met, margin = truth
    return (None if met is None else not met), -margin


def _at_least(count: int, truths: list[_Truth]) -> _Truth:
    met = sum(holds is True for holds, _ in truths)
    unknown = sum(holds is None for holds, _ in truths)
    if met < count <= met + unknown:
        return _UNKNOWN
    margins = sorted((margin for _, margin in truths if not math.isnan(margin)), reverse=True)
    return met >= count, margins[count - 1] if len(margins) >= count else -FAR


def _rank(truth: _Truth) -> float:
    return -math.inf if math.isnan(truth[1]) else truth[1]


def _name(term: Term, lead: str | None) -> str:
    """`r_amp`, or for a sum `r_amp V1 - s_amp V5`, as a reader writes it."""
    if len(term.parts) == 1:
        return term.parts[0][0]
    words: list[str] = []
    for measure, where, weight in term.parts:
        name = measure if where is None else f"{measure} {lead if where == EACH else where}"
        size = "" if abs(weight) == 1 else f"{abs(weight):g} "
        words.append(f"{'- ' if weight < 0 else '+ ' if words else ''}{size}{name}")
    return " ".join(words)


def _plain(threshold: Threshold) -> float | str | tuple[float, float]:
    value = threshold.value
    if isinstance(value, tuple) and isinstance(value[0], str):
        return " or ".join(str(word) for word in value)
    return value
