"""`Question`: one question about one or two ECGs, with the set of its right answers, and how it becomes a conversation.

Types are those of ECG-QA (Oh et al. 2023): single-{verify, choose, query}, comparison_{consecutive, irrelevant}-
{verify, query}. Answers are sets: their order never matters. `none` is written out as an answer and is the empty set.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, get_args

from ecground.instruct.conversation import Conversation, EcgPart, Ground, Part, Source, TextPart, Truth, Turn
from ecground.knowledge.codes import codes

__all__ = ["NONE", "QUESTION_TYPES", "Question", "QuestionType", "to_conversation"]

QuestionType = Literal[
    "single-verify", "single-choose", "single-query", "comparison_consecutive-verify",
    "comparison_consecutive-query", "comparison_irrelevant-verify", "comparison_irrelevant-query",
]
QUESTION_TYPES: Final[tuple[QuestionType, ...]] = get_args(QuestionType)
NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class Question:
    """One question and its right answers."""

    id: str
    type: QuestionType
    key: tuple[str, ...]
    """What is asked, whatever the wording: the question's number, its attribute and lead."""
    wording: str
    """The question as asked."""
    answers: tuple[str, ...]
    """Right answers in alphabetical order; `("none",)` when nothing applies."""
    options: tuple[str, ...]
    """Answers that were possible."""
    records: tuple[str, ...]
    """One or two ECGs, in the order in which the question numbers them."""
    sources: tuple[Source, ...]
    truth: Truth = "label"
    finding: str | None = None
    """Statement key that a yes or no is about."""
    attribute_type: str = ""
    """`scp_code`, `noise`, `heart_axis`, `numeric_feature` ... as ECG-QA names them."""
    stratum: str = ""
    """Severity of the ECG, for stratified balancing."""

    @property
    def answer_set(self) -> frozenset[str]:
        """The answers as they are scored: `none` is the empty set."""
        return frozenset(self.answers) - {NONE}

    @property
    def is_verify(self) -> bool:
        """Asked for yes or no."""
        return self.type.endswith("-verify")


def to_conversation(question: Question, *, recipe: str, generator: dict[str, Any]) -> Conversation:
    """The question and its answer as two turns; the ECGs stand before the question, two of them are numbered."""
    parts: list[Part] = []
    for number, record in enumerate(question.records, 1):
        label = f"ECG {number}: " if len(question.records) > 1 else ""
        parts += [TextPart(label), EcgPart(record), TextPart("\n")] if label else [EcgPart(record), TextPart("\n")]
    answer = ", ".join(question.answers)
    return Conversation(
        id=question.id, turns=(Turn("user", (*parts, TextPart(question.wording))),
                               Turn("assistant", (TextPart(answer),), _grounds(question))),
        sources=question.sources, recipe=recipe, task=question.type, generator=generator,
    )


def _grounds(question: Question) -> tuple[Ground, ...]:
    """One for each answer: of yes and no what is asked for, of a name its statement, where it is one of ours."""
    found, at = [], 0
    for answer in question.answers:
        finding = question.finding if question.is_verify else _keys().get(answer)
        found.append(Ground((at, at + len(answer)), question.truth, finding=finding,
                            polarity="absent" if answer == "no" else "present"))
        at += len(answer) + 2
    return tuple(found)


@cache
def _keys() -> dict[str, str]:
    return {entry.statement: key for key, entry in codes().items()}
