"""The items of one ECG: four groups of tasks in four types of question, as ECGInstruct has them.

Groups: basic features, rhythm, morphology and pathology, report. Types: close, open, fill-in, multiple choice.

Statements come from the facts only. Numbers come from the facts where they hold them, else from the measurements; a
close question about a number is asked only where the value is clear of its limit by more than the repeatability.
Distractors are hard: other statements of the same group, numbers a recognisable step away; one that the measurements
speak for is never offered as false.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from ecground.instruct.ecginstruct.item import KINDS, Item, Kind, Task
from ecground.instruct.ecginstruct.wording import Asked, Wording
from ecground.instruct.facts import Facts
from ecground.instruct.grounding.recipe import grounds, interpretation
from ecground.instruct.naming import GROUPS, Style, bare, named, slots
from ecground.knowledge.check import key_of
from ecground.knowledge.codes import codes
from ecground.knowledge.finding import Finding
from ecground.knowledge.phrases import catalogue, rounded
from ecground.knowledge.repeatability import tolerance, unit_of
from ecground.knowledge.telling import covered_by, importance
from ecground.measure.table import Measurements

__all__ = ["items"]

_MEASURES: Final[Mapping[str, tuple[float, str, tuple[float, ...]]]] = {
    "hr_bpm": (100.0, "above", (-38.0, -19.0, 21.0, 44.0)), "pr_ms": (200.0, "above", (-56.0, -34.0, 38.0, 72.0)),
    "qrs_ms": (120.0, "above", (-28.0, 26.0, 44.0, 68.0)), "qt_ms": (450.0, "above", (-95.0, -50.0, 55.0, 105.0)),
    "qrs_axis_deg": (90.0, "above", (-110.0, -62.0, 58.0, 105.0)),
}
"""Measure -> limit of its close question, the side asked for, and the steps of its distractors."""
_RHYTHMS: Final = ("SR", "SBRAD", "STACH", "SARRH", "AFIB", "AFLT", "SVTAC", "PACE")
_OF_SINUS: Final = frozenset({"SR", "SBRAD", "STACH", "SARRH"})
"""Rhythms that an ECG can have and be normal otherwise."""
_SIDES: Final = ("conduction", "hypertrophy", "infarction", "repolarisation")
_CHOICES: Final = 4
_DRAWS: Final = 3 * _CHOICES
_UNITS: Final[Mapping[str, str]] = {"1/min": "per minute", "deg": "degrees"}


def items(facts: Facts, measurements: Measurements | None, findings: Sequence[Finding], rng: np.random.Generator,
          *, style: Style = "train", kinds: Sequence[Kind] = KINDS) -> Iterator[Item]:
    """One item of each task and type that the facts and measurements allow, in a fixed order.

    Args:
        facts: what is true of the ECG.
        measurements: its numbers; None leaves out what needs them.
        findings: with the evidence for reports.
        rng: chooses statement, measure, wording and order of options.
        style: wordings of training or of test data.
        kinds: types of question wanted.
    """
    seen = frozenset(key_of(finding) for finding in findings if finding.present)
    words = Wording(rng, style)
    for kind in kinds:
        made = (_basic(facts, measurements, words, kind), _rhythm(facts, seen, words, kind),
                _morphology(facts, seen, words, kind), _report(facts, measurements, findings, words, kind))
        yield from (item for item in made if item is not None)


# Basic features -------------------------------------------------------------------------------------------------


def _basic(facts: Facts, measurements: Measurements | None, words: Wording, kind: Kind) -> Item | None:
    known = {name: value for name in _MEASURES if math.isfinite(value := _number(facts, measurements, name))}
    if not known:
        return None
    measure = sorted(known)[int(words.rng.integers(len(known)))]
    value, unit = known[measure], unit_of(measure)
    limit, side, steps = _MEASURES[measure]
    phrases = catalogue("en")
    said = {"name": phrases.measure(measure), "unit": _UNITS.get(unit, unit), "side": side,
            "limit": phrases.threshold(limit, unit), "value": phrases.quantity(value, unit, measure)}
    asked = Asked(facts.truth if measure in facts.values else "measurement", measure=measure, value=value)
    if kind == "close":
        if abs(value - limit) <= tolerance(measure, value):
            return None
        return words.item("basic", kind, said, "yes" if value > limit else "no", asked)
    if kind == "fill":
        return words.item("basic", kind, said, rounded(value, unit), asked)
    if kind == "choice":
        wrong = [_turned(value + step, unit) for step in steps if value + step > 0 or unit == "deg"]
        words.rng.shuffle(wrong)
        shown = [phrases.quantity(number, unit, measure) for number in (value, *wrong[:_CHOICES - 1])]
        return words.choice("basic", said, shown, asked)
    return words.item("basic", kind, said, words.answer("basic", "value", said), asked)


def _turned(value: float, unit: str) -> float:
    """An angle between -180 and 180 degrees; other values as they are."""
    return (value + 180.0) % 360.0 - 180.0 if unit == "deg" else value


def _number(facts: Facts, measurements: Measurements | None, measure: str) -> float:
    if measure in facts.values:
        return facts.values[measure]
    return measurements.number(measure) if measurements is not None else math.nan


# Statements -----------------------------------------------------------------------------------------------------


def _rhythm(facts: Facts, seen: frozenset[str], words: Wording, kind: Kind) -> Item | None:
    true = _told(facts, ("rhythm", "ectopy"))
    rhythms = [key for key in true if key in _RHYTHMS]
    wrong = [key for key in _RHYTHMS if facts.says(key) is False and key not in seen]
    words.rng.shuffle(wrong)
    return _stated("rhythm", kind, facts, words, true if kind in {"open", "fill"} else rhythms, wrong, {}) \
        if rhythms else None


def _morphology(facts: Facts, seen: frozenset[str], words: Wording, kind: Kind) -> Item | None:
    decided = [group for group in _SIDES if any(codes()[key].group == group for key in facts.decided & codes().keys())]
    if not decided:
        return None
    told = [group for group in decided if _told(facts, (group,))]
    group = (told or decided)[int(words.rng.integers(len(told or decided)))]
    true = _told(facts, (group,))
    wrong = [key for key in sorted(facts.decided & codes().keys())
             if codes()[key].group == group and not facts.says(key) and key not in seen]
    words.rng.shuffle(wrong)
    return _stated("morphology", kind, facts, words, true, wrong, {"group": GROUPS[group]})


def _told(facts: Facts, groups: Sequence[str]) -> list[str]:
    """True statements of the groups, the exact ones only, by importance."""
    known = codes()
    true = {key for key in facts.statements & known.keys() if facts.says(key) and known[key].group in groups}
    return sorted((key for key in true if not true.intersection(covered_by(key))), key=importance)


def _stated(task: Task, kind: Kind, facts: Facts, words: Wording, true: list[str], wrong: list[str],
            said: dict[str, str]) -> Item | None:
    """A question about statements: `true` ones are the answer, `wrong` ones the distractors."""
    if kind == "close":
        sides = [keys for keys in (true, wrong) if keys]
        if not sides:
            return None
        keys = sides[int(words.rng.integers(len(sides)))]
        key = keys[int(words.rng.integers(len(keys)))]
        return words.item(task, kind, said | slots(key), "yes" if key in true else "no",
                          Asked(facts.truth, finding=key))
    if kind == "choice":
        if not true or len(wrong) < _CHOICES - 1:
            return None
        return words.choice(task, said, [bare(key) for key in (true[0], *wrong[:_CHOICES - 1])],
                            Asked(facts.truth, finding=true[0]))
    asked = Asked(facts.truth, findings=tuple(true))
    if kind == "fill":
        return words.item(task, kind, said, _joined(true) or "no abnormality", asked)
    answer = words.answer(task, "statements", {"statements": catalogue("en").listed([named(key) for key in true])}) \
        if true else words.answer(task, "none", said)
    return words.item(task, kind, said, answer, asked)


def _joined(keys: Sequence[str]) -> str:
    return ", ".join(map(bare, keys))


# Report ---------------------------------------------------------------------------------------------------------


def _report(facts: Facts, measurements: Measurements | None, findings: Sequence[Finding], words: Wording, kind: Kind,
            ) -> Item | None:
    if kind == "open":
        return _written(facts, measurements, findings, words)
    if kind == "close":
        normal = facts.says("NORM")
        return None if normal is None else words.item("report", kind, {}, "yes" if normal else "no",
                                                      Asked(facts.truth, finding="NORM"))
    true = _told(facts, tuple({entry.group for entry in codes().values()}))
    if not true:
        return None
    asked = Asked(facts.truth, findings=tuple(true))
    if kind == "fill":
        return words.item("report", kind, {}, _joined(true), asked)
    others = dict.fromkeys(_joined(_altered(true, facts, words.rng)) for _ in range(_DRAWS))
    wrong = [summary for summary in others if summary and summary != _joined(true)][:_CHOICES - 1]
    return words.choice("report", {}, [_joined(true), *wrong], asked) if len(wrong) > 1 else None


def _altered(true: Sequence[str], facts: Facts, rng: np.random.Generator) -> list[str]:
    """The summary with one statement exchanged for a false one of its group, where there is one.

    Nothing is called normal beside what is not, so that no option rules itself out.
    """
    place = int(rng.integers(len(true)))
    false = [key for key in sorted(facts.decided & codes().keys()) if facts.says(key) is False]
    near = [key for key in false if codes()[key].group == codes()[true[place]].group] or false
    if not near:
        return []
    new = near[int(rng.integers(len(near)))]
    changed = [*true[:place], new, *true[place + 1:]]
    return [key for key in changed if key != "NORM" or new in _OF_SINUS or new == "NORM"]


def _written(facts: Facts, measurements: Measurements | None, findings: Sequence[Finding], words: Wording,
             ) -> Item | None:
    if measurements is None:
        return None
    told = interpretation(facts, measurements, findings, words.rng)
    if not told.kept:
        return None
    return Item("report", "open", words.question("report", "open", {}), told.text, facts.truth, grounds(told, facts))
