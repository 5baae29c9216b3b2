"""The recipes: what each data set consists of, as units that can be made one by one, in any order and place.

`units` lists what there is to make from a pool of facts; it is cheap, needs no samples and gives the same list in every
process. `make` turns one unit into conversations, with a generator of its own seeded by the unit's place. A plug-in
adds a recipe with `register` or an entry point of the group `ecground.recipes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ecground import __version__
from ecground.errors import UsageError
from ecground.instruct.conversation import Conversation
from ecground.instruct.debias import KEYS, KeyName, chosen, tally
from ecground.instruct.facts import Facts, severity
from ecground.instruct.naming import Style
from ecground.instruct.qa.generate import about_one, about_pairs, verify, wordings
from ecground.instruct.qa.question import Question, to_conversation
from ecground.knowledge.codes import codes

if TYPE_CHECKING:
    from ecground.instruct.grounding.verify import Verified
    from ecground.instruct.readings import Reading
    from ecground.instruct.teacher import Teacher
    from ecground.instruct.twins import Pair

_LARGEST: Final = 1 << 30
_Verify = tuple[Facts, str, int, str]
"""An ECG, the statement asked for, the number that draws the wording, and the pair of twins it belongs to, if any."""

__all__ = ["RECIPES", "Making", "Recipe", "Result", "recipe", "recipes", "register"]


@dataclass(frozen=True, slots=True)
class Making:
    """What a build was asked for, beyond the recordings."""

    seed: int = 0
    style: Style = "train"
    """Wordings of training or of test data."""
    key: KeyName = "question"
    """What balancing counts as one question."""
    pairs: int = 1000
    """Pairs of different patients to compare."""
    teacher: str = ""
    """Language model that writes grounded texts; empty = the narrator."""
    teacher_url: str = "http://127.0.0.1:8000/v1"
    allow_remote: bool = False
    """The user agreed to a teacher on another host."""
    cache: str = ""
    """Folder of a teacher's answers, so that none is asked for twice; empty = none. Decides no bytes."""

    def __post_init__(self) -> None:
        if self.key not in KEYS or self.style not in ("train", "test") or self.pairs < 0 or self.seed < 0:
            raise UsageError("an impossible setting of the build", where="build",
                             hint=f"--balance {' | '.join(KEYS)}, --wording train | test, --pairs and --seed from 0")

    def rng(self, *place: int) -> np.random.Generator:
        """The generator of one unit, or of the listing."""
        return np.random.default_rng([self.seed, *place])


@dataclass(frozen=True, slots=True)
class Result:
    """What one unit became."""

    conversations: tuple[Conversation, ...]
    claims: int = 0
    """Claims written before any repair."""
    struck: int = 0
    """Claims that the checker contradicted, so that they were taken out."""
    dropped: int = 0
    """Texts that were not worth keeping after that."""
    recordings: tuple[Facts, ...] = ()
    """That the conversations are about and that may not be in the pool."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """That the conversations refer to, by their names in the data set."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One kind of data set."""

    name: str
    description: str
    units: Callable[[Sequence[Facts], Making], Sequence[Any]]
    """All that there is to make."""
    make: Callable[[Any, Making, np.random.Generator], Result]
    """One unit's conversations."""
    notes: Callable[[Sequence[Facts], Making], str] | None = None
    """What the card says besides."""


RECIPES: Final[dict[str, Recipe]] = {}


def register(row: Recipe) -> None:
    """Add a recipe, or replace the one of that name."""
    RECIPES[row.name] = row


@cache
def _load_plugins() -> None:
    for point in entry_points(group="ecground.recipes"):
        register(point.load())


def recipes() -> tuple[Recipe, ...]:
    """All recipes, those of plug-ins included."""
    _load_plugins()
    return tuple(RECIPES.values())


def recipe(name: str) -> Recipe:
    """The recipe of that name; UsageError when there is none."""
    _load_plugins()
    try:
        return RECIPES[name]
    except KeyError:
        raise UsageError(f"no recipe '{name}'", where="recipe", hint=f"there are: {' '.join(RECIPES)}") from None


def _each(pool: Sequence[Facts], _: Making) -> Sequence[Facts]:
    return pool


def _interpreted(facts: Facts, making: Making, rng: np.random.Generator) -> tuple[Reading, Verified]:
    """The measured ECG and its checked interpretation, by the narrator or the teacher."""
    from ecground.instruct.grounding.recipe import interpretation
    from ecground.instruct.readings import read_facts

    reading = read_facts(facts)
    if making.teacher:
        return reading, _taught(facts, reading, making)
    return reading, interpretation(facts, reading.measurements, reading.findings, rng)


def _grounding(facts: Facts, making: Making, rng: np.random.Generator) -> Result:
    from ecground.instruct.grounding.recipe import conversation

    _, told = _interpreted(facts, making, rng)
    writer = making.teacher or "narrator"
    made = (conversation(facts, told, rng, seed=making.seed, writer=writer, style=making.style),) if told.kept else ()
    return Result(made, told.first, len(told.contradicted), int(not told.kept))


def _meeti(facts: Facts, making: Making, rng: np.random.Generator) -> Result:
    from ecground.instruct.meeti import meeti

    reading, told = _interpreted(facts, making, rng)
    if not told.kept:
        return Result((), told.first, len(told.contradicted), 1)
    talk, files = meeti(facts, reading.measurements, told, rng, seed=making.seed, style=making.style)
    return Result((talk,), told.first, len(told.contradicted), files=files)


def _taught(facts: Facts, reading: Reading, making: Making) -> Verified:
    """A language model's text of one ECG, without what the measurements contradict."""
    from ecground.instruct.grounding.guide import messages
    from ecground.instruct.grounding.verify import verify_text

    text = _teacher(making).complete(messages(facts, reading.measurements), seed=making.seed,
                                     credentialed=facts.source.credentialed)
    return verify_text(text, reading.measurements, reading.findings)


@cache
def _teacher(making: Making) -> Teacher:
    from ecground.instruct.teacher import Teacher

    return Teacher(making.teacher, making.teacher_url, making.allow_remote,
                   cache=Path(making.cache) if making.cache else None)


def _ecginstruct(facts: Facts, making: Making, rng: np.random.Generator) -> Result:
    from ecground.instruct.ecginstruct import item, tasks
    from ecground.instruct.readings import read_facts

    reading = read_facts(facts)
    made = tasks.items(facts, reading.measurements, reading.findings, rng, style=making.style)
    return Result(tuple(item.to_conversation(one, facts, number=number, seed=making.seed)
                        for number, one in enumerate(made)))


def _questions(pool: Sequence[Facts], making: Making) -> Sequence[Question]:
    singles = [question for number, facts in enumerate(pool)
               for question in about_one(facts, making.rng(number), style=making.style)]
    patients = [*pool, *(twin for _, twin, _ in _pairs(pool, making))]  # a twin is its patient's later ECG
    return singles + list(about_pairs(patients, making.rng(len(pool)), style=making.style, irrelevant=making.pairs))


def _verifying(pool: Sequence[Facts], making: Making) -> tuple[list[tuple[tuple[str, ...], bool]], list[_Verify]]:
    """What can be asked as yes or no: its key for balancing and its answer, and what makes the question of it.

    Questions are written for the chosen ones only: a collection has some seventy times its recordings of them.
    """
    asked: list[tuple[tuple[str, ...], bool]] = []
    units: list[_Verify] = []
    for number, facts in enumerate(pool):
        keys = sorted(facts.decided & codes().keys())
        draws = making.rng(number).integers(0, _LARGEST, size=len(keys))
        stratum = severity(facts) if making.key == "severity" else ""
        for key, draw in zip(keys, draws.tolist(), strict=True):
            wording = str(draw % len(wordings()["single-verify"][making.style])) if making.key == "wording" else ""
            asked.append(((key, stratum or wording), key in facts.statements))
            units.append((facts, key, draw, ""))
    return asked, units


def _balanced(pool: Sequence[Facts], making: Making) -> Sequence[_Verify]:
    asked, units = _verifying(pool, making)
    return [units[i] for i in chosen(asked, making.rng(len(pool)))] + _twins(pool, making)


def _pairs(pool: Sequence[Facts], making: Making) -> list[Pair]:
    if not any(facts.source.corpus == "simulated" for facts in pool):
        return []
    from ecground.instruct.twins import pairs

    return pairs(pool, seed=making.seed)


def _twins(pool: Sequence[Facts], making: Making) -> list[_Verify]:
    """Both ECGs of each pair of twins, asked in the same words."""
    found = _pairs(pool, making)
    draws = making.rng(len(pool), 1).integers(0, _LARGEST, size=len(found)).tolist()
    return [(facts, key, draw, f"{first.record} {key}") for (first, second, key), draw
            in zip(found, draws, strict=True) for facts in (first, second)]


def _debias(unit: _Verify, making: Making, rng: np.random.Generator) -> Result:
    facts, key, draw, pair = unit
    (told,) = _asked("debias")(verify(facts, key, style=making.style, wording=draw), making, rng).conversations
    if pair:
        told = replace(told, id=f"{told.id}-twin", task=f"{told.task}/twin", generator={**told.generator, "pair": pair})
    return Result((told,), recordings=(facts,))


def _audited(pool: Sequence[Facts], making: Making) -> str:
    from ecground.instruct.card import audit_table

    return f"## Balance before and after\n\n{audit_table(tally(_verifying(pool, making)[0]))}"


def _asked(name: str) -> Callable[[Question, Making, np.random.Generator], Result]:
    def make(question: Question, making: Making, _: np.random.Generator) -> Result:
        generator = {"writer": "wordings", "version": __version__, "seed": making.seed, "wording": making.style}
        return Result((to_conversation(question, recipe=name, generator=generator),))

    return make


register(Recipe("grounding", "grounded interpretations, every claim checked", _each, _grounding))
register(Recipe("meeti", "signal, page, values of every beat and interpretation under one id", _each, _meeti))
register(Recipe("ecginstruct", "four groups of tasks in four types of question", _each, _ecginstruct))
register(Recipe("qa", "questions of ECG-QA's seven types", _questions, _asked("qa")))
register(Recipe("debias", "yes/no questions with as many yes as no for each", _balanced, _debias,
                _audited))
