"""The items of one ECG: four groups of tasks in four types of question, as ECGInstruct has them.

Groups: basic features, rhythm, morphology and pathology, report. Types: close, open, fill-in, multiple choice.

Statements come from the facts only. Numbers come from the facts where they hold them, else from the measurements; a
close question about a number is asked only where the value is clear of its limit by more than the repeatability.
Distractors are hard: other statements of the same group, numbers a recognisable step away; one that the measurements
speak for is never offered as false.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

from ecground.instruct.conversation import Ground, Truth
from ecground.instruct.ecginstruct.item import KINDS, Item, Kind, Task
from ecground.instruct.facts import Facts
from ecground.instruct.grounding.recipe import grounds, interpretation
from ecground.instruct.qa.generate import GROUPS
from ecground.knowledge.check import key_of
from ecground.knowledge.codes import codes
from ecground.knowledge.finding import Finding
from ecground.knowledge.phrases import capital, catalogue, rounded
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
_SIDES: Final = ("conduction", "hypertrophy", "infarction", "repolarisation")
_LETTERS: Final = "ABCDEFGH"
_CHOICES: Final = 4


def items(facts: Facts, measurements: Measurements | None, findings: Sequence[Finding], rng: np.random.Generator,
          *, kinds: Sequence[Kind] = KINDS) -> Iterator[Item]:
    """One item of each task and type that the facts and measurements allow, in a fixed order.

    Args:
        facts: what is true of the ECG.
        measurements: its numbers; None leaves out what needs them.
        findings: with the evidence for reports.
        rng: chooses statement, measure, wording and order of options.
        kinds: types of question wanted.
    """
    seen = frozenset(key_of(finding) for finding in findings if finding.present)
    for kind in kinds:
        made = (_basic(facts, measurements, rng, kind), _rhythm(facts, seen, rng, kind),
                _morphology(facts, seen, rng, kind), _report(facts, measurements, findings, rng, kind))
        yield from (item for item in made if item is not None)


# Basic features -------------------------------------------------------------------------------------------------


def _basic(facts: Facts, measurements: Measurements | None, rng: np.random.Generator, kind: Kind) -> Item | None:
    known = {name: value for name in _MEASURES if math.isfinite(value := _number(facts, measurements, name))}
    if not known:
        return None
    measure = sorted(known)[int(rng.integers(len(known)))]
    value, unit = known[measure], unit_of(measure)
    limit, side, steps = _MEASURES[measure]
    truth: Truth = facts.truth if measure in facts.values else "measurement"
    phrases = catalogue("en")
    slots = {"name": phrases.measure(measure), "unit": {"1/min": "per minute", "deg": "degrees"}.get(unit, unit),
             "side": side, "limit": phrases.threshold(limit, unit), "value": phrases.quantity(value, unit, measure)}
    if kind == "close":
        if abs(value - limit) <= tolerance(measure, value):
            return None
        return _item("basic", kind, rng, slots, "yes" if value > limit else "no", truth, measure=measure, value=value)
    if kind == "fill":
        return _item("basic", kind, rng, slots, rounded(value, unit), truth, measure=measure, value=value)
    if kind == "choice":
        wrong = [value + step for step in steps if value + step > 0 or unit == "deg"]
        rng.shuffle(wrong)
        shown = [phrases.quantity(number, unit, measure) for number in (value, *wrong[:_CHOICES - 1])]
        return _choice("basic", rng, slots, shown, truth, measure=measure, value=value)
    return _item("basic", kind, rng, slots, _word("basic", "answer", rng, slots), truth, measure=measure, value=value)


def _number(facts: Facts, measurements: Measurements | None, measure: str) -> float:
    if measure in facts.values:
        return facts.values[measure]
    return measurements.number(measure) if measurements is not None else math.nan


# Statements -----------------------------------------------------------------------------------------------------


def _rhythm(facts: Facts, seen: frozenset[str], rng: np.random.Generator, kind: Kind) -> Item | None:
    true = _told(facts, ("rhythm", "ectopy"))
    rhythms = [key for key in true if key in _RHYTHMS]
    wrong = [key for key in _RHYTHMS if facts.says(key) is False and key not in seen]
    rng.shuffle(wrong)
    return _stated("rhythm", kind, facts, rng, true if kind in {"open", "fill"} else rhythms, wrong,
                   {"group": "rhythm"}) if rhythms else None


def _morphology(facts: Facts, seen: frozenset[str], rng: np.random.Generator, kind: Kind) -> Item | None:
    decided = [group for group in _SIDES if any(codes()[key].group == group for key in facts.decided if key in codes())]
    if not decided:
        return None
    told = [group for group in decided if _told(facts, (group,))]
    group = (told or decided)[int(rng.integers(len(told or decided)))]
    true = _told(facts, (group,))
    wrong = [key for key in sorted(facts.decided & codes().keys())
             if codes()[key].group == group and not facts.says(key) and key not in seen]
    rng.shuffle(wrong)
    return _stated("morphology", kind, facts, rng, true, wrong, {"group": GROUPS[group]})


def _told(facts: Facts, groups: Sequence[str]) -> list[str]:
    """True statements of the groups, the exact ones only, by importance."""
    known = codes()
    true = {key for key in facts.statements & known.keys() if facts.says(key) and known[key].group in groups}
    return sorted((key for key in true if not true.intersection(covered_by(key))), key=importance)


def _stated(task: Task, kind: Kind, facts: Facts, rng: np.random.Generator, true: list[str], wrong: list[str],
            slots: dict[str, str]) -> Item | None:
    """A question about statements: `true` ones are the answer, `wrong` ones the distractors."""
    names = {key: codes()[key].statement for key in (*true, *wrong)}
    if kind == "close":
        asked = [keys for keys in (true, wrong) if keys]
        if not asked:
            return None
        keys = asked[int(rng.integers(len(asked)))]
        key = keys[int(rng.integers(len(keys)))]
        answer = "yes" if key in true else "no"
        return _item(task, kind, rng, slots | {"statement": names[key]}, answer, facts.truth, finding=key)
    if kind == "choice":
        if not true or len(wrong) < _CHOICES - 1:
            return None
        shown = [names[key] for key in (true[0], *wrong[:_CHOICES - 1])]
        return _choice(task, rng, slots, shown, facts.truth, finding=true[0])
    stated = ", ".join(names[key] for key in true)
    if kind == "fill":
        return _item(task, kind, rng, slots, stated or "no abnormality", facts.truth, findings=true, names=names)
    said = _word(task, "answer", rng, {"statements": stated}) if true else _word(task, "none", rng, slots)
    return _item(task, kind, rng, slots, said, facts.truth, findings=true, names=names)


# Report ---------------------------------------------------------------------------------------------------------


def _report(facts: Facts, measurements: Measurements | None, findings: Sequence[Finding], rng: np.random.Generator,
            kind: Kind) -> Item | None:
    if kind == "open":
        return _written(facts, measurements, findings, rng)
    if kind == "close":
        normal = facts.says("NORM")
        return None if normal is None else _item("report", kind, rng, {}, "yes" if normal else "no", facts.truth,
                                                 finding="NORM")
    true = _told(facts, tuple({entry.group for entry in codes().values()}))
    if not true:
        return None
    names = {key: entry.statement for key, entry in codes().items()}
    stated = ", ".join(names[key] for key in true)
    if kind == "fill":
        return _item("report", kind, rng, {}, stated, facts.truth, findings=true, names=names)
    others = list(dict.fromkeys(_altered(true, facts, rng, names) for _ in range(3 * _CHOICES)))
    wrong = [summary for summary in others if summary != stated][:_CHOICES - 1]
    return _choice("report", rng, {}, [stated, *wrong], facts.truth, findings=true) if len(wrong) > 1 else None


def _altered(true: Sequence[str], facts: Facts, rng: np.random.Generator, names: Mapping[str, str]) -> str:
    """The summary with one statement exchanged for a false one of its group, where there is one."""
    place = int(rng.integers(len(true)))
    false = [key for key in sorted(facts.decided & codes().keys()) if facts.says(key) is False]
    near = [key for key in false if codes()[key].group == codes()[true[place]].group] or false
    if not near:
        return ""
    changed = [*true[:place], near[int(rng.integers(len(near)))], *true[place + 1:]]
    return ", ".join(names[key] for key in changed)


def _written(facts: Facts, measurements: Measurements | None, findings: Sequence[Finding], rng: np.random.Generator,
             ) -> Item | None:
    if measurements is None:
        return None
    told = interpretation(facts, measurements, findings, rng)
    if not told.kept:
        return None
    return Item("report", "open", _word("report", "open", rng, {}), told.text, facts.truth, grounds(told, facts))


# Wording --------------------------------------------------------------------------------------------------------


def _item(task: Task, kind: Kind, rng: np.random.Generator, slots: Mapping[str, str], answer: str, truth: Truth, *,
          finding: str | None = None, measure: str | None = None, value: float | None = None,
          findings: Sequence[str] = (), names: Mapping[str, str] | None = None) -> Item:
    whole = (0, len(answer))
    if findings and names:
        found = [(key, answer.find(names[key])) for key in findings]
        rests = tuple(Ground((at, at + len(names[key])), truth, finding=key) for key, at in found if at >= 0)
    else:
        rests = (Ground(whole, truth, finding=finding, polarity="absent" if answer == "no" and finding else "present",
                        measure=measure, value=value, unit=unit_of(measure) if measure else ""),)
    return Item(task, kind, _word(task, kind, rng, slots), answer, truth, rests)


def _choice(task: Task, rng: np.random.Generator, slots: Mapping[str, str], shown: Sequence[str], truth: Truth, *,
            finding: str | None = None, measure: str | None = None, value: float | None = None,
            findings: Sequence[str] = ()) -> Item:
    """Lettered options, the first of `shown` being right; they are shuffled."""
    order = [int(i) for i in rng.permutation(len(shown))]
    options = tuple(shown[i] for i in order)
    right = _LETTERS[order.index(0)]
    lines = "\n".join(f"{letter}. {option}" for letter, option in zip(_LETTERS, options, strict=False))
    answer = f"{right}. {shown[0]}"
    ground = Ground((0, len(answer)), truth, finding=finding or (findings[0] if len(findings) == 1 else None),
                    measure=measure, value=value, unit=unit_of(measure) if measure else "")
    question = _word(task, "choice", rng, {**slots, "options": lines})
    return Item(task, "choice", question, answer, truth, (ground,), options)


def _word(task: Task, kind: str, rng: np.random.Generator, slots: Mapping[str, str]) -> str:
    wordings = _words()[task][kind]
    filled = dict(slots) | {name.capitalize(): capital(words) for name, words in slots.items()}
    return wordings[int(rng.integers(len(wordings)))].format(**filled)


@cache
def _words() -> Mapping[str, Mapping[str, Sequence[str]]]:
    text = files("ecground.instruct.ecginstruct").joinpath("words.toml").read_text(encoding="utf-8")
    held: Mapping[str, Mapping[str, Sequence[str]]] = tomllib.loads(text)
    return held
