"""Text into words, numbers and lead names, cut into sentences.

Contract: cleaning keeps every character at its offset, so tokens carry offsets into the text as it was given. Quoted
words and square-bracket citations are blanked: they are not the writer's own claims. Spelling is folded in the tokens
only: plural and other endings, British forms, umlauts. Time is linear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

__all__ = ["PLAIN", "Spelling", "Token", "fold", "sentences", "tokenise"]

Kind = Literal["word", "number", "lead", "symbol"]

_TOKEN: Final = re.compile(
    r"(?P<word>v[1-9]r?(?![^\W_])|[^\W\d_]+(?:[0-9]*_[^\W_]+)*'{0,2})"
    r"|(?P<number>(?:(?<![\w.)%°])[+-](?=[0-9]))?(?:0,[0-9]{2,4}|[0-9]{1,12}(?:\.[0-9]{1,12})?))|(?P<symbol>\S)"
)
_LEAD: Final = re.compile(r"av[rlf]|v[1-9]r?")
_BREAK: Final = re.compile(r"\n[ \t]*(?:\n|(?=[-*•#]))")
_SAME: Final = str.maketrans("–—−‑‒’′µ\u00a0\u202f\u2009", "-----''u   ")
_BLANK: Final = re.compile(r"\[[^\[\]]{0,400}\]|“[^“”]{0,2000}”|\((?:e?s|n|en|er|a)\)(?=[\s.,;:)]|$)")
_ABBREVIATIONS: Final = frozenset({"approx", "vs", "ca", "e", "g", "i", "dr", "resp", "cf", "fig", "incl"})
_LONGEST: Final = 300
"""Longest sentence [tokens]; longer ones are cut, which bounds the time of everything that looks around in one."""
_STOPS: Final = frozenset(".!?")
_LONG: Final = 5
_KEEP: Final = frozenset({"axis", "sinus", "this", "always", "versus", "previous", "infarctus", "apparatus", "ves",
                          "sves", "ms", "plus", "less", "mass", "pvcs", "across", "bias", "basis", "focus", "status"})


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number, lead name or sign."""

    text: str
    """Lower case; words folded."""
    start: int
    end: int
    """Character offsets in the original text."""
    kind: Kind


@dataclass(frozen=True, slots=True)
class Spelling:
    """How the words of a language are folded, beyond what is done in English."""

    letters: tuple[tuple[str, str], ...] = ()
    """Letters -> what they are written as (`ö`, `oe`)."""
    endings: tuple[str, ...] = ()
    """Endings taken from words of more than five letters, the first that fits."""
    keep: tuple[str, ...] = ()
    """Beginnings of words that keep their ending."""
    abbreviations: frozenset[str] = frozenset()
    """Words whose full stop ends no sentence."""


PLAIN: Final = Spelling()
"""English."""


@lru_cache(maxsize=8192)
def fold(word: str, spelling: Spelling = PLAIN) -> str:
    """A lower-case word in the spelling that phrases are compared in."""
    if "_" in word:
        return word
    for letter, written in spelling.letters:
        word = word.replace(letter, written)
    word = _stem(word)
    if len(word) > _LONG and not word.startswith(spelling.keep):
        for ending in spelling.endings:
            if word.endswith(ending):
                return word[: -len(ending)]
    return word


def _stem(word: str) -> str:
    if word not in _KEEP and len(word) > 3 and not word.endswith(("ss", "us", "is")):
        if word.endswith(("xes", "sses")):
            word = word[:-2]
        elif word.endswith("s"):
            word = word[:-1]
    if len(word) > 5:
        word = word.replace("isation", "ization").replace("chaem", "chem").replace("kalaem", "kalem")
    return "axis" if word == "axe" else word


def _clean(text: str) -> str:
    """Same length, lower case, plain signs; quotes, citations and plural endings in brackets blanked."""
    plain = text.translate(_SAME)
    lower = plain.lower()
    if len(lower) != len(plain):
        lower = "".join(low if len(low := char.lower()) == 1 else char for char in plain)
    return _BLANK.sub(lambda found: " " * len(found.group()), lower)


def tokenise(text: str, spelling: Spelling = PLAIN) -> list[Token]:
    """All tokens of the text, in order, with offsets into it."""
    found = []
    for match in _TOKEN.finditer(_clean(text)):
        word, kind = match.group(), match.lastgroup
        if kind == "word":
            lead = word[0] in "av" and _LEAD.fullmatch(word) is not None
            folded = word if lead else fold(word, spelling)
            found.append(Token(folded, match.start(), match.end(), "lead" if lead else "word"))
        else:
            found.append(Token(word, match.start(), match.end(), "number" if kind == "number" else "symbol"))
    return found


def sentences(text: str, spelling: Spelling = PLAIN) -> list[list[Token]]:
    """The tokens, cut at full stops, question and exclamation marks, list items and empty lines."""
    tokens = tokenise(text, spelling)
    short = _ABBREVIATIONS | spelling.abbreviations
    breaks = [*(match.end() for match in _BREAK.finditer(text)), len(text) + 1]
    done: list[list[Token]] = [[]]
    line = 0
    for place, token in enumerate(tokens):
        while token.start >= breaks[line]:
            line += 1
            done.append([])
        current, after = done[-1], tokens[place + 1] if place + 1 < len(tokens) else None
        if len(current) >= _LONGEST:
            done.append([token])
        elif token.text in _STOPS and _ends(token, current, after, short):
            done.append([])
        elif token.text != "." or not current or current[-1].text not in short:
            current.append(token)
    return [part for part in done if part]


def _ends(token: Token, before: list[Token], after: Token | None, abbreviations: frozenset[str]) -> bool:
    if token.text != "." or after is None:
        return True
    if after.text in {")", ","} or (before and before[-1].text in abbreviations and before[-1].end == token.start):
        return False
    return after.start > token.end or bool(before and len(before[-1].text) > 2)
