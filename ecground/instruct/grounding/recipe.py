"""One grounded interpretation as a conversation: question, text, and the ground of every claim.

The truth of a statement comes from the facts where they decide it, that of a value from them where they hold it (the
parameters of a simulation, cardiologists' marks); everything else rests on our measurements and says so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecground import __version__
from ecground.instruct.conversation import Conversation, EcgPart, Ground, Part, TextPart, Truth, Turn
from ecground.instruct.facts import Facts
from ecground.instruct.grounding.plan import Detail, plan
from ecground.instruct.grounding.verify import Verified, verify
from ecground.instruct.grounding.writer import question
from ecground.instruct.naming import Style
from ecground.knowledge.finding import Claim, Finding
from ecground.measure.table import Measurements

__all__ = ["DETAILS", "conversation", "grounds", "interpretation"]

DETAILS: tuple[Detail, ...] = ("brief", "usual", "full")
_LARGEST = 1 << 30


def interpretation(facts: Facts, measurements: Measurements, findings: Sequence[Finding], rng: np.random.Generator,
                   ) -> Verified:
    """The checked text of one ECG, its length and wording drawn from `rng`."""
    detail = DETAILS[int(rng.integers(len(DETAILS)))]
    points = plan(facts, measurements, findings, detail=detail, rng=rng)
    draws = [int(draw) for draw in rng.integers(0, _LARGEST, size=len(points))]
    return verify(points, draws, measurements, findings)


def conversation(facts: Facts, told: Verified, rng: np.random.Generator, *, parts: Sequence[Part] = (), seed: int,
                 writer: str = "narrator", style: Style = "train") -> Conversation:
    """Question and answer about one ECG; `parts` (pages, measurements) stand after the recording.

    True statements that the checker took out of the text stand under `left_out` of its generator.
    """
    asked = (EcgPart(facts.record), *parts, TextPart("\n" + question(int(rng.integers(_LARGEST)), style=style)))
    lost = sorted({claim.finding for claim in told.contradicted if claim.finding and facts.says(claim.finding)})
    left_out = {"left_out": lost} if lost else {}
    return Conversation(
        id=f"grounding-{facts.record}", sources=(facts.source,), recipe="grounding", task="interpretation",
        turns=(Turn("user", asked), Turn("assistant", (TextPart(told.text),), grounds(told, facts))),
        generator={"writer": writer, "version": __version__, "seed": seed, "wording": style, **left_out},
    )


def grounds(told: Verified, facts: Facts) -> tuple[Ground, ...]:
    """What each claim of the text rests on."""
    return tuple(_ground(claim, facts) for claim in told.claims)


def _ground(claim: Claim, facts: Facts) -> Ground:
    spans = [entry.span for entry in claim.evidence if entry.span is not None]
    return Ground(
        span=claim.span, truth=_truth(claim, facts), finding=claim.finding, polarity=claim.polarity,
        measure=claim.measure, value=claim.value, unit=claim.unit, leads=claim.leads, beats=claim.beats,
        samples=spans[0] if spans else None, verdict=claim.verdict,
    )


def _truth(claim: Claim, facts: Facts) -> Truth:
    if claim.measure is not None:
        return facts.truth if claim.measure in facts.values else "measurement"
    decided = claim.finding is not None and facts.says(claim.finding) is not None
    return facts.truth if decided else "measurement"
