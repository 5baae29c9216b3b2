"""The claim checker at work on generated text: what it contradicts is repaired or goes.

A statement that a sentence only lists (conclusion, absences, the rhythm before its rate) is taken out of the list; any
other contradicted sentence is left out whole, as is every contradicted sentence of another writer (`verify_text`). A
text that loses more than `MOST_LOST` of its claims, or its conclusion, is dropped: it is then about another ECG than
the measurements are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ecground.instruct.grounding.plan import Point
from ecground.instruct.grounding.writer import Text, realise
from ecground.knowledge.check import check
from ecground.knowledge.claims import read_claims
from ecground.knowledge.finding import Claim, Finding
from ecground.measure.table import Measurements

__all__ = ["MOST_LOST", "Verified", "verify", "verify_text"]

MOST_LOST: Final = 0.25
"""Share of claims whose loss makes a text not worth keeping."""
_ROUNDS: Final = 4
_REPAIRABLE: Final = frozenset({"absent.said", "absent.more", "conclusion.said", "rhythm.said"})
_SENTENCE: Final = re.compile(r"\S(?:[^.!?]|[.!?](?!\s|$))*[.!?]*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Verified:
    """A text none of whose claims is contradicted, and what that took."""

    text: str
    claims: tuple[Claim, ...]
    """The claims of the text, each with its verdict."""
    first: int
    """Claims before any repair."""
    contradicted: tuple[Claim, ...]
    """Claims that were taken out."""
    concludes: bool
    """What the text ends on has survived."""

    @property
    def kept(self) -> bool:
        """Whether the text is worth keeping."""
        lost = self.first - len(self.claims)
        return bool(self.claims) and self.concludes and lost <= MOST_LOST * self.first


def verify(points: Sequence[Point], draws: Sequence[int], measurements: Measurements, findings: Sequence[Finding],
           ) -> Verified:
    """The text of the points after every contradicted claim was taken out of it."""
    kept = list(zip(points, draws, strict=True))
    struck: list[Claim] = []
    first = -1
    for _ in range(_ROUNDS):
        text = realise([point for point, _ in kept], [draw for _, draw in kept])
        claims = check(read_claims(text.text), measurements, findings)
        first = len(claims) if first < 0 else first
        wrong = [claim for claim in claims if claim.verdict == "contradicted"]
        if not wrong:
            concludes = any(point.kind == "conclusion.said" for point in text.points)
            return Verified(text.text, claims, first, tuple(struck), concludes)
        struck += wrong
        kept = [(point, draw) for old, draw in kept for point in _repaired(old, text, wrong)]
    return Verified("", (), max(first, 0), tuple(struck), False)


def verify_text(text: str, measurements: Measurements, findings: Sequence[Finding]) -> Verified:
    """Somebody's text without the sentences in which a claim is contradicted; it concludes with its last sentence."""
    claims = check(read_claims(text), measurements, findings)
    wrong = tuple(claim for claim in claims if claim.verdict == "contradicted")
    spans = [(found.start(), found.end()) for found in _SENTENCE.finditer(text)]
    left = [(begin, end) for begin, end in spans if not any(begin <= claim.span[0] < end for claim in wrong)]
    kept = " ".join(text[begin:end].strip() for begin, end in left)
    again = check(read_claims(kept), measurements, findings)
    sound = not any(claim.verdict == "contradicted" for claim in again)
    return Verified(kept, again, len(claims), wrong, sound and bool(left) and left[-1] == spans[-1])


def _repaired(point: Point, text: Text, wrong: Sequence[Claim]) -> list[Point]:
    """The point without what is wrong in its sentence; nothing when it cannot do without."""
    if point not in text.points:
        return [point]
    begin, end = text.spans[text.points.index(point)]
    mine = [claim for claim in wrong if begin <= claim.span[0] < end]
    if not mine:
        return [point]
    if point.kind not in _REPAIRABLE:
        return []
    left = [row for row, (first, last) in zip(zip(point.keys, point.names, strict=True),
                                              _places(point.names, text.text[begin:end]), strict=True)
            if not any(claim.span[0] < begin + last and claim.span[1] > begin + first for claim in mine)]
    if len(left) == len(point.names) or not (left or point.slots):
        return []
    return [replace(point, keys=tuple(key for key, _ in left), names=tuple(name for _, name in left))]


def _places(names: Sequence[str], sentence: str) -> list[tuple[int, int]]:
    """Where the names stand in their sentence, in order."""
    low, at, places = sentence.casefold(), 0, []
    for name in names:
        at = low.index(name.casefold(), at)
        places.append((at, at + len(name)))
        at += len(name)
    return places
