"""`Item`: one instruction and its answer, before it becomes a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from ecground import __version__
from ecground.instruct.conversation import Conversation, EcgPart, Ground, Part, TextPart, Truth, Turn
from ecground.instruct.facts import Facts

__all__ = ["KINDS", "TASKS", "Item", "Kind", "Task", "to_conversation"]

Task = Literal["basic", "rhythm", "morphology", "report"]
Kind = Literal["close", "open", "fill", "choice"]
TASKS: Final[tuple[Task, ...]] = get_args(Task)
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Item:
    """One instruction."""

    task: Task
    kind: Kind
    question: str
    answer: str
    truth: Truth
    grounds: tuple[Ground, ...] = ()
    """Of the answer; made by the recipe when they are more than one statement or value."""
    options: tuple[str, ...] = ()
    """Of a choice, in the order of their letters."""


def to_conversation(item: Item, facts: Facts, *, number: int, parts: Sequence[Part] = (), seed: int) -> Conversation:
    """The item as a question about a recording, with `parts` (a page) after it, and its answer."""
    asked = (EcgPart(facts.record), *parts, TextPart("\n" + item.question))
    return Conversation(
        id=f"ecginstruct-{facts.record}-{item.task}-{item.kind}-{number}", sources=(facts.source,),
        turns=(Turn("user", asked), Turn("assistant", (TextPart(item.answer),), item.grounds)),
        recipe="ecginstruct", task=f"{item.task}/{item.kind}",
        generator={"writer": "narrator", "version": __version__, "seed": seed},
    )
