"""How statements are spoken of in questions and texts: article, number, and the verbs that agree with them.

A template holds `{statement}` (`a prolonged QT interval`) and the verbs that go with it as `{is}`, `{has}`, `{was}`:
for statements that are many things they become `are`, `have`, `were`. `{Statement}` begins with a capital.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

from ecground.knowledge.codes import codes
from ecground.knowledge.phrases import capital, catalogue

__all__ = ["GROUPS", "Style", "bare", "is_several", "named", "slots"]

Style = Literal["train", "test"]
"""Which wordings: those of training data, or those kept for tests; they share no sentence."""

_VERBS: Final = {"is": "are", "has": "have", "was": "were"}


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(files("ecground.instruct").joinpath("naming.toml").read_text(encoding="utf-8"))


GROUPS: Final[Mapping[str, str]] = _table()["group"]
"""Group of statements in codes.csv -> how a question names it."""


def bare(key: str) -> str:
    """A statement as an entry of a list: `prolonged QT interval`."""
    return catalogue("en").statement(key, codes()[key].statement)


def named(key: str) -> str:
    """A statement as it is spoken of inside a sentence: `a prolonged QT interval`."""
    return str(_table()["named"].get(key, bare(key)))


def is_several(key: str) -> bool:
    """Whether the statement is many things, so that its verb is plural."""
    return key in _table()["several"]["keys"]


def slots(key: str) -> dict[str, str]:
    """What a template about one statement is filled with."""
    several = is_several(key)
    words = {"statement": named(key), **{one: many if several else one for one, many in _VERBS.items()}}
    return words | {name.capitalize(): capital(word) for name, word in words.items()}
