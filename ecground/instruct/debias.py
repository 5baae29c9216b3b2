"""Yes/no pairs by back-door adjustment: within each question, as many ECGs that answer it yes as no.

A model that never looks at the ECG can only learn how often each question is answered yes. De-biased ECG tuning (arXiv
2411.14795) takes that away by drawing yes and no alike for every question. What counts as one question is the `key`:
what is asked, whatever the wording (default), the wording itself (as that paper does it), or what is asked within one
stratum of severity, which also takes away "ill patients have everything". The audit shows what balancing did. From
simulated ECGs come exact pairs besides (`ecground.instruct.twins`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from ecground.instruct.qa.question import Question

__all__ = ["KEYS", "Audit", "KeyName", "audit", "balanced", "chosen", "tally"]

KeyName = Literal["question", "wording", "severity"]
KEYS: Final[Mapping[KeyName, Callable[[Question], tuple[str, ...]]]] = {
    "question": lambda question: question.key,
    "wording": lambda question: (question.wording,),
    "severity": lambda question: (*question.key, question.stratum),
}
"""What counts as one question."""


@dataclass(frozen=True, slots=True)
class Audit:
    """One question before and after balancing."""

    key: tuple[str, ...]
    yes: int
    """Yes answers before."""
    no: int
    kept: int
    """Questions after, half of them yes."""

    @property
    def yes_rate(self) -> float:
        """Share of yes before balancing; NaN without questions."""
        return self.yes / (self.yes + self.no) if self.yes + self.no else float("nan")

    @property
    def blind_maximum(self) -> float:
        """Best accuracy of a model that sees the question only: max(p, 1 - p)."""
        return max(self.yes_rate, 1 - self.yes_rate)

    @property
    def grounded_on_random(self) -> float:
        """Accuracy of a perfectly grounded model that is shown another ECG of the pool: p^2 + (1 - p)^2."""
        return self.yes_rate**2 + (1 - self.yes_rate) ** 2


def balanced(questions: Iterable[Question], rng: np.random.Generator, *, key: KeyName = "question") -> list[Question]:
    """As many yes as no for every key, drawn without replacement; the order of the input is kept.

    Questions other than verify, answers other than yes and no (`not sure`), and keys with one answer only drop out.
    """
    given = _answered(questions)
    return [given[i] for i in chosen([(KEYS[key](one), one.answers == ("yes",)) for one in given], rng)]


def audit(questions: Sequence[Question], *, key: KeyName = "question") -> list[Audit]:
    """One row a key, the most frequent first."""
    return tally([(KEYS[key](one), one.answers == ("yes",)) for one in _answered(questions)])


def chosen(asked: Sequence[tuple[tuple[str, ...], bool]], rng: np.random.Generator) -> list[int]:
    """Positions, ascending, of as many yes as no for every key among (key, answer)."""
    kept: list[int] = []
    for sides in _sides(asked).values():
        size = min(map(len, sides))
        for side in sides:
            kept += rng.choice(np.array(side, dtype=np.intp), size=size, replace=False).tolist()
    return sorted(kept)


def tally(asked: Sequence[tuple[tuple[str, ...], bool]]) -> list[Audit]:
    """One row a key of (key, answer), the most frequent first."""
    rows = [Audit(name, len(yes), len(no), 2 * min(len(yes), len(no))) for name, (yes, no) in _sides(asked).items()]
    return sorted(rows, key=lambda row: (-(row.yes + row.no), -row.kept, row.key))


def _answered(questions: Iterable[Question]) -> list[Question]:
    return [question for question in questions if question.is_verify and question.answers in (("yes",), ("no",))]


def _sides(asked: Sequence[tuple[tuple[str, ...], bool]]) -> dict[tuple[str, ...], tuple[list[int], list[int]]]:
    """Key -> positions of those answered yes, and of those answered no."""
    sides: dict[tuple[str, ...], tuple[list[int], list[int]]] = {}
    for i, (key, yes) in enumerate(asked):
        sides.setdefault(key, ([], []))[0 if yes else 1].append(i)
    return sides
