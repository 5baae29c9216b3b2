"""Puts points into words, with seeded variety that never changes a fact, and keeps to a number of words.

Each point draws its wording from its own number, so that leaving a point out changes no other sentence.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from ecground.instruct.grounding.plan import Point
from ecground.knowledge.phrases import capital, catalogue

__all__ = ["MOST_WORDS", "Text", "question", "realise"]

MOST_WORDS: Final = 300
"""As ECG-Grounding asks of its writers."""


@dataclass(frozen=True, slots=True)
class Text:
    """The words, and which of them each point became."""

    text: str
    spans: tuple[tuple[int, int], ...]
    """Character offsets of the sentence of each point."""
    points: tuple[Point, ...]


def realise(points: Sequence[Point], draws: Sequence[int], *, most_words: int = MOST_WORDS) -> Text:
    """One paragraph of at most `most_words`; `draws` has a number for each point that chooses its wording."""
    sentences = [(point, _sentence(point, draw)) for point, draw in zip(points, draws, strict=True)]
    told = [(point, sentence) for point, sentence in sentences if sentence]
    while sum(len(sentence.split()) for _, sentence in told) > most_words:
        last = max(range(len(told)), key=lambda i: (told[i][0].rank, i))
        if told[last][0].rank == 0:
            break
        del told[last]
    spans, at = [], 0
    for _, sentence in told:
        spans.append((at, at + len(sentence)))
        at += len(sentence) + 1
    return Text(" ".join(sentence for _, sentence in told), tuple(spans), tuple(point for point, _ in told))


def question(draw: int) -> str:
    """One way of asking for a grounded interpretation."""
    asked = _words()["question"]["ask"]
    return asked[draw % len(asked)]


def _sentence(point: Point, draw: int) -> str:
    """The sentence of a point; empty when it is left without a statement."""
    table, _, kind = point.kind.partition(".")
    wordings = _words()[table][kind]
    slots = dict(point.slots)
    if table in {"absent", "conclusion"}:
        if not point.names:
            return ""
        phrases = catalogue("en")
        slots["statements"] = phrases.either(point.names) if table == "absent" else ", ".join(point.names)
    slots |= {name.capitalize(): capital(words) for name, words in slots.items()}
    return wordings[draw % len(wordings)].format(**slots)


@cache
def _words() -> Mapping[str, Mapping[str, Sequence[str]]]:
    text = files("ecground.instruct.grounding").joinpath("words.toml").read_text(encoding="utf-8")
    held: Mapping[str, Mapping[str, Sequence[str]]] = tomllib.loads(text)
    return held
