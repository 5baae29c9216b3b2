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
from ecground.instruct.naming import Style, bare, is_several, named
from ecground.knowledge.phrases import capital, catalogue

__all__ = ["MOST_WORDS", "Text", "question", "realise"]

MOST_WORDS: Final = 300
"""As ECG-Grounding asks of its writers."""


_LISTS: Final = frozenset({"absent", "conclusion"})
"""Sentences that list statements, and say nothing without one."""


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


def question(draw: int, *, style: Style) -> str:
    """One way of asking for a grounded interpretation; training and test wordings share none."""
    asked = _words()["question"][style]
    return asked[draw % len(asked)]


def _sentence(point: Point, draw: int) -> str:
    """The sentence of a point; empty when it is left without a statement that it cannot do without."""
    table, _, kind = point.kind.partition(".")
    if not point.names:
        if table in _LISTS:
            return ""
        kind = "rate" if point.kind == "rhythm.said" else kind
    wordings = _words()[table][kind]
    return wordings[draw % len(wordings)].format(**_slots(point, table))


def _slots(point: Point, table: str) -> dict[str, str]:
    phrases, slots = catalogue("en"), dict(point.slots)
    if table in _LISTS:
        slots["statements"] = phrases.either(point.names) if table == "absent" else ", ".join(point.names)
    elif point.names:
        one = len(point.names) == 1 and point.names[0] == bare(point.keys[0])
        slots["statement"] = phrases.listed(point.names)
        slots["named"] = phrases.listed([_spoken(key, name) for key, name in zip(point.keys, point.names, strict=True)])
        slots["is"] = "are" if one and is_several(point.keys[0]) else "is"
    return slots | {name.capitalize(): capital(words) for name, words in slots.items()}


def _spoken(key: str, name: str) -> str:
    """With its article, where it has one; a single premature complex has."""
    if name == bare(key):
        return named(key)
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


@cache
def _words() -> Mapping[str, Mapping[str, Sequence[str]]]:
    text = files("ecground.instruct.grounding").joinpath("words.toml").read_text(encoding="utf-8")
    held: Mapping[str, Mapping[str, Sequence[str]]] = tomllib.loads(text)
    return held
