"""Building a data set of conversations: from a source and a recipe to shards, a card and a list of failures.

Everything that decides the bytes stands in `Order`; shard i is `made(order, i)`, a pure function, so one process, many,
Ray Data or a Slurm array give the same files. The guards see every conversation on its way into the card.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Literal

from ecground import __version__
from ecground.corpora.case import Case
from ecground.errors import EcgroundError, UsageError
from ecground.instruct.conversation import Conversation, to_json
from ecground.instruct.facts import Facts, facts_of
from ecground.instruct.guards import Guard, Guarded
from ecground.instruct.recipes import Making, Recipe, recipe
from ecground.paper.datasets.shards import Built, Failure, Made, Spread, build
from ecground.paper.datasets.source import Source

__all__ = ["Order", "build_corpus", "made", "pool", "shards_of"]

_ALL: Final = 1 << 62
_ANSWERS: Final = "teacher"
"""Folder of the language model's answers, in that of the data set."""


@dataclass(frozen=True, slots=True)
class Order:
    """Everything that a data set depends on."""

    recipe: str
    source: Source
    making: Making = field(default_factory=Making)
    split: Literal["train", "valid", "test"] | None = None
    """Recordings of this split only; None = all."""
    count: int | None = None
    """Recordings at most; needed for the simulator, which has no end."""
    per_shard: int = 100
    """Units of the recipe in one shard."""
    pages: float = 0.0
    """Share of conversations about one ECG that show a page of it."""
    page_alone: float = 0.3
    """Share of those in which the page stands alone, without the signal."""

    def __post_init__(self) -> None:
        if not (0 <= self.pages <= 1 and 0 <= self.page_alone <= 1 and self.per_shard >= 1):
            raise UsageError("an impossible setting of the build", where="build",
                             hint="--pages from 0 to 1, --per-shard from 1")

    def settings(self) -> dict[str, Any]:
        """As plain JSON, without the place where the source lies."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        making = {name: value for name, value in plain["making"].items() if name != "cache"}
        return {**plain, "making": making, "source": self.source.name, "version": __version__}


def pool(order: Order) -> Sequence[Facts]:
    """The recordings of the order's source with what is known of them, in the source's order."""
    if order.source.name == "simulated":
        from ecground.instruct.simulated import simulated

        if order.count is None:
            raise UsageError("the simulator has no end", where="--count", hint="say how many recordings")
        found: Sequence[Facts] = simulated(order.count, seed=order.making.seed, split=order.split)
        return found
    if order.source.name == "recordings":
        from ecground.paper.datasets.source import items

        files = items(order.source, 0, order.count if order.count is not None else _ALL, order.making.seed)
        return [facts_of(Case("recordings", item.id, "", item.load)) for item in files]
    from ecground.corpora import corpus

    cases = (case for case in corpus(order.source.name).cases(order.source.path)
             if order.split in (None, case.split) and (case.terms.trainable or order.split == "test"))
    return [facts_of(case) for case, _ in zip(cases, range(order.count or _ALL), strict=False)]


@lru_cache(maxsize=2)
def _units(order: Order) -> tuple[Recipe, Sequence[Any], dict[str, Facts]]:
    """The units of an order, listed once a process, and the facts by the name of their recording."""
    chosen, facts = recipe(order.recipe), pool(order)
    return chosen, chosen.units(facts, order.making), {fact.record: fact for fact in facts}


def shards_of(order: Order) -> int:
    """How many shards the order has."""
    return -(-len(_units(order)[1]) // order.per_shard)


def made(order: Order, number: int) -> Made:
    """Shard `number` of an order."""
    chosen, units, facts = _units(order)
    start = number * order.per_shard
    lines, files, failures = BytesIO(), dict[str, bytes](), []
    counts = dict.fromkeys(("units", "conversations", "claims", "struck", "dropped"), 0)
    for place, unit in enumerate(units[start:start + order.per_shard], start):
        counts["units"] += 1
        try:
            result = chosen.make(unit, order.making, order.making.rng(1, place))
            known = facts | {own.record: own for own in result.recordings}
            told = [_paged(order, one, known, place, files) for one in result.conversations]
        except EcgroundError as error:
            item = str(getattr(unit, "record", None) or getattr(unit, "id", place))
            failures.append(Failure(item, error.code, error.what))
            continue
        files |= result.files
        for one in told:
            lines.write(json.dumps(to_json(one), ensure_ascii=False).encode() + b"\n")
        counts["conversations"] += len(told)
        counts["claims"] += result.claims
        counts["struck"] += result.struck
        counts["dropped"] += result.dropped
    return Made({f"{order.recipe}-{number:05d}.jsonl": lines.getvalue(), **files}, counts, tuple(failures))


def _paged(order: Order, conversation: Conversation, facts: dict[str, Facts], place: int, files: dict[str, bytes],
           ) -> Conversation:
    """The conversation, with a page of its one recording as often as the order wants it."""
    rng = order.making.rng(2, place)
    if len(conversation.records) != 1 or conversation.images or rng.random() >= order.pages:
        return conversation
    from ecground.instruct.pages import shown

    record = facts[conversation.records[0]].load()
    with_page = shown(conversation, record, rng, with_signal=rng.random() >= order.page_alone)
    files[with_page.name] = with_page.png
    return with_page.conversation


def build_corpus(
    order: Order, out: Path, *, jobs: int = 1, resume: bool = False, on_shard: Callable[[int], None] | None = None,
    spread: Spread | None = None,
) -> tuple[Built, Guarded]:
    """Build the data set, watch it with the guards, and write its card `README.md` and `guards.json`.

    Args:
        order: what is wanted.
        out: folder of the data set; new, or with `resume`.
        jobs: processes of this machine.
        resume: go on where a build stopped.
        on_shard: is told the number of each shard that is complete.
        spread: makes the shards elsewhere (`instruct.on_ray.on_ray`).

    Raises:
        UsageError: the order makes nothing, or the folder is in use or of another order.
    """
    from ecground.instruct.card import write_card
    from ecground.instruct.exchange import read

    if order.making.teacher:
        order = replace(order, making=replace(order.making, cache=str(out / _ANSWERS)))
    count = shards_of(order)
    if not count:
        raise UsageError("the source gives nothing to make this data set of", where=order.source.name,
                         hint="recipes of questions need labels; --split may leave nothing")
    built = build(out, count, partial(made, order), settings=order.settings(), jobs=jobs, resume=resume,
                  on_shard=on_shard, spread=spread)
    guard = Guard()
    for name in sorted(name for name in built.files if name.endswith(".jsonl")):
        for conversation in read(out / name):
            guard.see(conversation)
    found = guard.result()
    chosen, _, facts = _units(order)
    notes = chosen.notes(tuple(facts.values()), order.making) if chosen.notes is not None else ""
    write_card(out, order, built, found, notes=notes)
    return built, found
