"""Puts an item into words: wordings of training or of test data, lettered options, and the grounds of the answer."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np

from ecground.instruct.conversation import Ground, Truth
from ecground.instruct.ecginstruct.item import Item, Kind, Task
from ecground.instruct.naming import Style, bare
from ecground.knowledge.phrases import capital
from ecground.knowledge.repeatability import unit_of

__all__ = ["Asked", "Wording", "words"]

_LETTERS: Final = "ABCDEFGH"


@cache
def words() -> Mapping[str, Mapping[str, Mapping[str, Sequence[str]]]]:
    """Task -> style or `answer` -> type of question -> sentences with their gaps."""
    text = files("ecground.instruct.ecginstruct").joinpath("words.toml").read_text(encoding="utf-8")
    held: dict[str, Any] = tomllib.loads(text)
    return held


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer is about."""

    truth: Truth
    finding: str | None = None
    """Statement that a yes, a no or a letter is about."""
    measure: str | None = None
    value: float | None = None
    findings: tuple[str, ...] = ()
    """Statements that the answer lists by name."""

    @property
    def unit(self) -> str:
        """Of the value."""
        return unit_of(self.measure) if self.measure else ""


@dataclass(frozen=True, slots=True)
class Wording:
    """Draws sentences of one style."""

    rng: np.random.Generator
    style: Style

    def item(self, task: Task, kind: Kind, slots: Mapping[str, str], answer: str, asked: Asked) -> Item:
        """A question of the type and its answer."""
        if asked.findings:
            found = [(key, answer.find(bare(key))) for key in asked.findings]
            rests = tuple(Ground((at, at + len(bare(key))), asked.truth, finding=key) for key, at in found if at >= 0)
        else:
            absent = answer == "no" and asked.finding is not None
            rests = (Ground((0, len(answer)), asked.truth, finding=asked.finding, measure=asked.measure,
                            polarity="absent" if absent else "present", value=asked.value, unit=asked.unit),)
        return Item(task, kind, self.question(task, kind, slots), answer, asked.truth, rests)

    def choice(self, task: Task, slots: Mapping[str, str], shown: Sequence[str], asked: Asked) -> Item:
        """Lettered options, shuffled; the first of `shown` is right."""
        order = [int(i) for i in self.rng.permutation(len(shown))]
        options = tuple(shown[i] for i in order)
        lines = "\n".join(f"{letter}. {option}" for letter, option in zip(_LETTERS, options, strict=False))
        answer = f"{_LETTERS[order.index(0)]}. {shown[0]}"
        alone = asked.findings[0] if len(asked.findings) == 1 else None
        ground = Ground((0, len(answer)), asked.truth, finding=asked.finding or alone, measure=asked.measure,
                        value=asked.value, unit=asked.unit)
        return Item(task, "choice", self.question(task, "choice", {**slots, "options": lines}), answer, asked.truth,
                    (ground,), options)

    def question(self, task: Task, kind: Kind, slots: Mapping[str, str]) -> str:
        """A sentence that asks."""
        return self._filled(words()[task][self.style][kind], slots)

    def answer(self, task: Task, kind: str, slots: Mapping[str, str]) -> str:
        """A sentence that answers."""
        return self._filled(words()[task]["answer"][kind], slots)

    def _filled(self, sentences: Sequence[str], slots: Mapping[str, str]) -> str:
        filled = dict(slots) | {name.capitalize(): capital(text) for name, text in slots.items()}
        return sentences[int(self.rng.integers(len(sentences)))].format(**filled)
