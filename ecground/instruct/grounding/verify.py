"""The claim checker at work on generated text: what it contradicts is repaired or goes.

A statement that a sentence only lists (conclusion, absences) is taken out of the list; any other contradicted sentence
is left out whole. A text that loses more than `MOST_LOST` of its claims, or its conclusion, is dropped: it is then
about another ECG than the measurements are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ecground.instruct.grounding.plan import Point
from ecground.instruct.grounding.writer import Text, realise
from ecground.knowledge.check import check
from ecground.knowledge.claims import read_claims
from ecground.knowledge.finding import Claim, Finding
from ecground.measure.table import Measurements

__all__ = ["MOST_LOST", "Verified", "verify"]

MOST_LOST: Final = 0.25
"""Share of claims whose loss makes a text not worth keeping."""
_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True)
class Verified:
    """A text none of whose claims is contradicted, and what that took."""

    text: Text
    claims: tuple[Claim, ...]
    """The claims of the text, each with its verdict."""
    first: int
    """Claims before any repair."""
    contradicted: tuple[Claim, ...]
    """Claims that were taken out."""

    @property
    def kept(self) -> bool:
        """Whether the text is worth keeping."""
        lost = self.first - len(self.claims)
        ends = any(point.kind == "conclusion.said" for point in self.text.points)
        return bool(self.claims) and ends and lost <= MOST_LOST * self.first


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
            return Verified(text, claims, first, tuple(struck))
        struck += wrong
        kept = [(point, draw) for old, draw in kept for point in _repaired(old, text, wrong)]
    return Verified(realise([], []), (), max(first, 0), tuple(struck))


def _repaired(point: Point, text: Text, wrong: Sequence[Claim]) -> list[Point]:
    """The point without what is wrong in its sentence; nothing when it cannot do without."""
    if point not in text.points:
        return [point]
    begin, end = text.spans[text.points.index(point)]
    mine = [claim for claim in wrong if begin <= claim.span[0] < end]
    if not mine:
        return [point]
    if not point.kind.startswith(("absent.", "conclusion.")):
        return []
    words = " ".join(claim.text.casefold() for claim in mine)
    left = [(key, name) for key, name in zip(point.keys, point.names, strict=False)
            if name.casefold() not in words and not any(claim.finding == key for claim in mine)]
    if not left or len(left) == len(point.names):
        return []
    return [replace(point, keys=tuple(key for key, _ in left), names=tuple(name for _, name in left))]
