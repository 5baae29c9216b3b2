"""Questions like ECG-QA's, of all seven types, from any labelled collection.

Answers come from `Facts` only: a question is asked where the facts decide it. As many yes as no are drawn for the
statements of one ECG, every second no from the groups of the true ones (hard negatives). Comparisons never pair
ECGs of different splits; consecutive ones pair neighbours in the order in which a patient's recordings are listed.
Training and test wordings share no sentence.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import pairwise, zip_longest
from typing import Final

import numpy as np

from ecground.instruct.facts import Facts, severity
from ecground.instruct.naming import GROUPS, Style, named, slots
from ecground.instruct.qa.question import NONE, Question, QuestionType
from ecground.knowledge.codes import codes

__all__ = ["about_one", "about_pairs", "verify", "wordings"]

_MOST_NAMED: Final = 4
_NOT_DEVELOPED: Final = frozenset({"SR", "AXN"})
"""Nobody develops a normal finding."""


@cache
def wordings() -> Mapping[str, Mapping[Style, Sequence[str]]]:
    """Type of question -> style -> sentences with their gaps."""
    text = files("ecground.instruct.qa").joinpath("wordings.toml").read_text(encoding="utf-8")
    held: Mapping[str, Mapping[Style, Sequence[str]]] = tomllib.loads(text)
    return held


def verify(facts: Facts, key: str, *, style: Style, wording: int) -> Question:
    """The yes-or-no question about one decided statement, in the wording of that number."""
    sentences = wordings()[_family("single-verify", key)][style]
    ask = _Asker((facts,), np.random.default_rng(0), style)
    question = ask.verify("single-verify", key, key in facts.statements)
    return replace(question, wording=sentences[wording % len(sentences)].format(**slots(key)))


def _family(kind: str, key: str) -> str:
    """The table of wordings: that an ECG is normal is asked in words of its own."""
    return "normal" if key == "NORM" and kind == "single-verify" else kind


def about_one(facts: Facts, rng: np.random.Generator, *, style: Style) -> Iterator[Question]:
    """Verify, choose and query questions about one ECG."""
    ask = _Asker((facts,), rng, style)
    true, false = _asked(facts, rng)
    for key in (*true, *false):
        yield ask.verify("single-verify", key, key in facts.statements)
    for here, other in _choices(true, false):
        pair = (here, other) if rng.random() < 0.5 else (other, here)
        yield ask.choose(*pair)
    for group in _queried(facts, rng):
        yield ask.query("single-query", group, facts.statements)


def about_pairs(
    pool: Sequence[Facts], rng: np.random.Generator, *, style: Style, irrelevant: int,
) -> Iterator[Question]:
    """Comparison questions: of every patient's consecutive ECGs, and of `irrelevant` pairs of different patients."""
    for first, second in _consecutive(pool):
        yield from _compared(first, second, rng, style, consecutive=True)
    parts: dict[str | None, list[Facts]] = {}
    for facts in pool:
        parts.setdefault(facts.source.split, []).append(facts)
    drawn = 0
    for attempt in range(20 * irrelevant):
        if drawn == irrelevant or len(pool) < 2:
            return
        part = parts[pool[(attempt * 7919 + int(rng.integers(len(pool)))) % len(pool)].source.split]
        first, second = (part[int(i)] for i in rng.integers(len(part), size=2))
        if _person(first) != _person(second) and first.decided & second.decided:
            drawn += 1
            yield from _compared(first, second, rng, style, consecutive=False)


def _compared(first: Facts, second: Facts, rng: np.random.Generator, style: Style, *, consecutive: bool,
              ) -> Iterator[Question]:
    """One verify question with each answer where there is one, and one query."""
    ask = _Asker((first, second), rng, style)
    kind = "consecutive" if consecutive else "irrelevant"
    decided = sorted(first.decided & second.decided & codes().keys())
    meant = second.statements - first.statements if consecutive else first.statements & second.statements
    decided = [key for key in decided if key != "NORM" and not (consecutive and key in _NOT_DEVELOPED)]
    yes = [key for key in decided if key in meant]
    near = [key for key in decided if key not in meant and key in first.statements | second.statements]
    verify: QuestionType = f"comparison_{kind}-verify"  # type: ignore[assignment]
    query: QuestionType = f"comparison_{kind}-query"  # type: ignore[assignment]
    for keys, answer in ((yes, True), (near or [key for key in decided if key not in meant], False)):
        if keys:
            yield ask.verify(verify, keys[int(rng.integers(len(keys)))], answer)
    groups = sorted(set(_groups(first)) & set(_groups(second)))
    if groups:
        yield ask.query(query, groups[int(rng.integers(len(groups)))], meant)


def _consecutive(pool: Sequence[Facts]) -> Iterator[tuple[Facts, Facts]]:
    people: dict[tuple[str, str], list[Facts]] = {}
    for facts in pool:
        if facts.source.patient and facts.decided:
            people.setdefault((facts.source.corpus, facts.source.patient), []).append(facts)
    for own in people.values():
        yield from ((a, b) for a, b in pairwise(own) if a.source.split == b.source.split)


def _person(facts: Facts) -> tuple[str, str]:
    return facts.source.corpus, facts.source.patient or facts.source.id


def _asked(facts: Facts, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Statements to ask about: true ones, and as many false ones, of the groups of the true ones first."""
    known = codes()
    order = sorted(facts.decided & known.keys())
    rng.shuffle(order)
    true = [key for key in order if key in facts.statements][:_MOST_NAMED]
    groups = {known[key].group for key in true}
    false = [key for key in order if key not in facts.statements]
    near = [key for key in false if known[key].group in groups]
    mixed = [key for both in zip_longest(near, [key for key in false if key not in near]) for key in both if key]
    return true, mixed[:max(len(true), 1)]


def _choices(true: Sequence[str], false: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs of one group, where there are, of which one holds, then a pair of which both hold, and one of none.

    That the ECG is normal is no choice.
    """
    held = [key for key in true if key != "NORM"]
    denied = [key for key in false if key != "NORM"]
    left = list(denied)
    for key in held:
        near = [other for other in left if codes()[other].group == codes()[key].group]
        other = next(iter(near or left), "")
        if other:
            left.remove(other)
            yield key, other
    if len(held) > 1:
        yield held[0], held[-1]
    if len(denied) > 1:
        yield denied[0], denied[-1]


def _queried(facts: Facts, rng: np.random.Generator) -> list[str]:
    """Groups to ask for: those with something to name, and half as many of which nothing holds, at least one."""
    decided = _groups(facts)
    told = {codes()[key].group for key in facts.statements & facts.decided & codes().keys()}
    empty = [group for group in decided if group not in told]
    rng.shuffle(empty)
    few = empty[:max(1, len(told) // 2)]
    return [group for group in decided if group in told or group in few]


def _groups(facts: Facts) -> list[str]:
    """Groups of which something is decided."""
    return [group for group in GROUPS if any(codes()[key].group == group for key in facts.decided & codes().keys())]


@dataclass(frozen=True, slots=True)
class _Asker:
    """Fills wordings about given ECGs."""

    ecgs: tuple[Facts, ...]
    rng: np.random.Generator
    style: Style

    def verify(self, kind: QuestionType, key: str, answer: bool) -> Question:
        """A yes-or-no question about one statement."""
        return self._question(kind, (key,), ("yes" if answer else "no",), ("no", "yes"), finding=key, **slots(key))

    def choose(self, a: str, b: str) -> Question:
        """Which of two statements hold."""
        names = {key: codes()[key].statement for key in (a, b)}
        answers = sorted(names[key] for key in (a, b) if key in self.ecgs[0].statements) or [NONE]
        return self._question("single-choose", tuple(sorted((a, b))), tuple(answers), (*sorted(names.values()), NONE),
                              a=named(a), b=named(b))

    def query(self, kind: QuestionType, group: str, meant: frozenset[str]) -> Question:
        """Which statements of a group hold."""
        decided = frozenset.intersection(*(facts.decided for facts in self.ecgs))
        options = sorted(entry.statement for key, entry in codes().items() if entry.group == group and key in decided)
        answers = sorted(codes()[key].statement for key in meant & decided if codes()[key].group == group) or [NONE]
        return self._question(kind, (group,), tuple(answers), (*options, NONE), group=GROUPS[group])

    def _question(self, kind: QuestionType, key: tuple[str, ...], answers: tuple[str, ...], options: tuple[str, ...],
                  *, finding: str | None = None, **gaps: str) -> Question:
        choices = wordings()[_family(kind, finding or "")][self.style]
        wording = choices[int(self.rng.integers(len(choices)))].format(**gaps)
        name = "-".join((kind, self.style, *(facts.record for facts in self.ecgs), *key))
        return Question(
            id=name, type=kind, key=(kind, *key), wording=wording, answers=answers, options=options,
            records=tuple(facts.record for facts in self.ecgs), sources=tuple(facts.source for facts in self.ecgs),
            truth=self.ecgs[0].truth, finding=finding, attribute_type="scp_code", stratum=severity(self.ecgs[-1]),
        )
