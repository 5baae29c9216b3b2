"""`criteria.toml` read into expressions: which measurement, held against which threshold, in which leads, for whom.

A criterion is data. Its expression is one of these nodes:

    {measure, op, threshold, [lead], [tolerance], [absent]}     one value against one threshold
    {sum = [{measure, [lead], [weight]} ...], op, threshold}    a weighted sum of values against one threshold
    {all = [...]}  {any = [...]}  {none = [...]}                every, one, or not one of the parts
    {leads = [...], at_least, [contiguous], all|any = [...]}    the parts hold in at least so many leads
    {points = [{points, ...} ...], at_least}                    a point score
    {use = "name"}                                              an expression named in [expression.NAME]

`threshold` is a number, a pair for `in`, words for `is`, or a list of `{value, [sex], [age_min], [age_max]}` of which
the first that is known to fit the patient counts; the last has no condition and is the strictest, for the unknown.
`tolerance` is the unit of the margin; by default that of the measure in [tolerance]. An absent wave has size 0, and a
term on its interval is false, or with `absent = "unknown"` open. Values are in the units of
`ecground.measure.table`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, Literal

from ecground.knowledge.patterns import PATTERN_MEASURES
from ecground.leads import CHEST, CONTIGUOUS, LIMB, STANDARD, TERRITORIES
from ecground.measure.table import LEAD_MEASURES, RECORD_MEASURES

__all__ = [
    "EACH", "AllOf", "AnyOf", "Leads", "Node", "NoneOf", "Points", "Role", "Rule", "Rulebook", "Suppression", "Term",
    "Threshold", "rulebook",
]

Role = Literal["decides", "supports"]
"""`decides`: meeting it is the textbook verdict. `supports`: it is shown and weighs in the probability only."""

EACH: Final = "each"
"""Lead of a value that is read in the lead under trial of a `Leads` node."""
_SIZES: Final = frozenset(
    name for name in LEAD_MEASURES if name.startswith(("p_", "q_", "r_", "s_", "r2_", "s2_", "t_", "u_"))
    and name.endswith(("_amp", "_amp2", "_dur", "_area", "_uvms"))
)
"""Sizes of waves: an absent wave has size 0."""
_LEAD_SETS: Mapping[str, tuple[str, ...]] = {"limb": LIMB, "chest": CHEST, "all": STANDARD, **TERRITORIES}


@dataclass(frozen=True, slots=True)
class Threshold:
    """One threshold and the patients it is meant for."""

    value: float | tuple[float, float] | tuple[str, ...]
    """In the unit of the measure."""
    sex: str | None = None
    age_min: float | None = None
    """Youngest age [years], inclusive."""
    age_max: float | None = None
    """Oldest age [years], exclusive."""


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A weighted sum of values (mostly one value) held against a threshold."""

    parts: tuple[tuple[str, str | None, float], ...]
    """(measure, lead, weight); lead None = the record's value, EACH = that of the lead under trial in `Leads`."""
    op: str
    """`>`, `>=`, `<`, `<=`, `in`, `is`."""
    thresholds: tuple[Threshold, ...]
    tolerance: float
    """Unit of the margin, in the unit of the measure."""
    unit: str
    absent: tuple[float | None, ...]
    """For each part: what an absent wave counts as; None = the term is then false."""
    absent_tells: bool = True
    """False when an absent wave leaves the term open instead."""


@dataclass(frozen=True, slots=True, eq=False)
class AllOf:
    """Every part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AnyOf:
    """One part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class NoneOf:
    """No part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Leads:
    """The part holds in at least `at_least` of `leads`; contiguous: in two anatomical neighbours."""

    leads: tuple[str, ...]
    at_least: int
    pairs: tuple[tuple[str, str], ...]
    """Neighbouring pairs when contiguity is asked for, else empty."""
    part: Node


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The points of the parts that hold reach `at_least`."""

    at_least: float
    parts: tuple[tuple[float, Node], ...]


Node = Term | AllOf | AnyOf | NoneOf | Leads | Points


@dataclass(frozen=True, slots=True)
class Rule:
    """One published criterion of one statement."""

    id: str
    statement: str
    """Key in `ecground.knowledge.codes`."""
    source: str
    """Paper or standard the threshold comes from."""
    checked: bool
    """True when the threshold was read in its source by us."""
    role: Role
    expression: Node
    age_min: float | None = None
    """Youngest age [years] the criterion is meant for; below it, it is left out."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """Statements that cannot be judged while another one is present."""

    by: tuple[str, ...]
    statements: frozenset[str]
    why: str


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All of criteria.toml."""

    rules: Mapping[str, tuple[Rule, ...]]
    """Statement key -> its criteria, in file order."""
    any_age: frozenset[str]
    """Statements whose criteria hold under 16 years too."""
    beside_normal: frozenset[str]
    """Statements that a normal ECG may carry; every other one excludes it."""
    trivial: frozenset[str]
    """Ids of criteria that, met alone, are a variant of the normal: they do not exclude a normal ECG."""
    serious: frozenset[str]
    """Groups of statements that exclude a normal ECG even when they are met by less than one tolerance."""
    suppressions: tuple[Suppression, ...]
    beyond: Mapping[str, str]
    """Statements that an ECG alone cannot tell -> why; their criteria are shown and weighed only."""
    rule_base: Mapping[str, tuple[str, ...]]
    """Rule of the rule base -> ids of its criteria."""
    no_rule: Mapping[str, str]
    """Rule of the rule base that is no criterion -> why."""
    by_id: Mapping[str, Rule] = field(default_factory=dict)


@cache
def rulebook() -> Rulebook:
    """The criteria that ship with the package. Raises KeyError or ValueError when the file contradicts itself."""
    data = tomllib.loads(files("ecground.knowledge").joinpath("criteria.toml").read_text(encoding="utf-8"))
    reader = _Reader(data)
    rules: dict[str, list[Rule]] = {}
    for entry in data["criterion"]:
        rule = reader.rule(entry)
        rules.setdefault(rule.statement, []).append(rule)
    frozen = {statement: tuple(found) for statement, found in rules.items()}
    suppressions = tuple(
        Suppression(by=tuple(entry["by"]), statements=frozenset(entry["statements"]), why=entry["why"])
        for entry in data["suppression"]
    )
    return Rulebook(
        rules=MappingProxyType(frozen), any_age=frozenset(data["any_age"]["statements"]),
        beside_normal=frozenset(data["normal"]["beside"]), trivial=frozenset(data["normal"]["trivial"]),
        serious=frozenset(data["normal"]["serious"]),
        suppressions=suppressions, beyond=MappingProxyType(data["beyond"]),
        rule_base=MappingProxyType({name: tuple(ids) for name, ids in data["rule"].items()}),
        no_rule=MappingProxyType(data["no_rule"]),
        by_id=MappingProxyType({rule.id: rule for found in frozen.values() for rule in found}),
    )


class _Reader:
    """Tables of one TOML document -> nodes; named expressions are read once and shared."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.tolerances: Mapping[str, float] = data["tolerance"]
        self.sources: Mapping[str, str] = data["source"]
        self.named: Mapping[str, Any] = data["expression"]
        self.done: dict[str, Node] = {}

    def rule(self, entry: Mapping[str, Any]) -> Rule:
        about = {"id", "statement", "source", "checked", "role", "age_min"}
        expression = {key: value for key, value in entry.items() if key not in about}
        return Rule(
            id=entry["id"], statement=entry["statement"], checked=bool(entry["checked"]),
            source="; ".join(self.sources[name] for name in entry["source"]),
            role=entry["role"], expression=self.node(expression), age_min=entry.get("age_min"),
        )

    def node(self, entry: Mapping[str, Any]) -> Node:
        if "leads" in entry:
            return self.leads(entry)
        if "use" in entry:
            return self.use(entry["use"])
        if "points" in entry:
            parts = tuple((float(part["points"]), self.node(_without(part, "points"))) for part in entry["points"])
            return Points(at_least=float(entry["at_least"]), parts=parts)
        for name, kind in (("all", AllOf), ("any", AnyOf), ("none", NoneOf)):
            if name in entry:
                made: Node = kind(tuple(self.node(part) for part in entry[name]))
                return made
        return self.term(entry)

    def use(self, name: str) -> Node:
        if name not in self.done:
            self.done[name] = self.node(self.named[name])
        return self.done[name]

    def leads(self, entry: Mapping[str, Any]) -> Leads:
        names = entry["leads"]
        leads = _LEAD_SETS[names] if isinstance(names, str) else tuple(names)
        pairs = tuple(pair for pair in CONTIGUOUS if set(pair) <= set(leads)) if entry.get("contiguous") else ()
        at_least = int(entry.get("at_least", len(leads)))
        return Leads(leads, at_least, pairs, self.node(_without(entry, "leads", "at_least", "contiguous")))

    def term(self, entry: Mapping[str, Any]) -> Term:
        listed = entry.get("sum", [entry])
        parts = tuple((str(p["measure"]), _lead(p), float(p.get("weight", 1.0))) for p in listed)
        measure, lead, _ = parts[0]
        unit = LEAD_MEASURES[measure][0] if lead is not None else _RECORD[measure][0]
        if entry["op"] not in {">", ">=", "<", "<=", "in", "is"}:
            raise ValueError(f"criteria.toml: comparison {entry['op']!r} of {measure}")
        return Term(
            parts=parts, op=entry["op"], thresholds=_thresholds(entry["threshold"], entry["op"]),
            tolerance=float(entry["tolerance"] if "tolerance" in entry else self.tolerances.get(measure, 1.0)),
            unit=unit, absent=tuple(0.0 if name in _SIZES else None for name, _, _ in parts),
            absent_tells=entry.get("absent") != "unknown",
        )


_RECORD: Final[Mapping[str, tuple[str, str]]] = {**RECORD_MEASURES, **PATTERN_MEASURES}


def _lead(part: Mapping[str, Any]) -> str | None:
    """The lead a value is read in; names that only leads have are read in the lead under trial."""
    if "lead" in part:
        return str(part["lead"])
    return None if part["measure"] in _RECORD else EACH


def _thresholds(given: float | str | list[Any], op: str) -> tuple[Threshold, ...]:
    if not isinstance(given, list):
        return (Threshold((given,) if isinstance(given, str) else float(given)),)
    if op == "in":
        return (Threshold((float(given[0]), float(given[1]))),)
    if op == "is":
        return (Threshold(tuple(str(word) for word in given)),)
    return tuple(Threshold(float(g["value"]), g.get("sex"), g.get("age_min"), g.get("age_max")) for g in given)


def _without(entry: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in names}
