"""Text into words, numbers and lead names, and the lexicon that knows what phrases mean.

Contract: cleaning keeps every character at its offset, so tokens carry offsets into the text as it was given. Quoted
words and square-bracket citations are blanked: they are not the writer's own claims. All matching walks the tokens once
with look-ups in a dictionary, so its time grows linearly with the text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final, Literal

from ecground.knowledge.codes import phrases as code_phrases
from ecground.knowledge.phrases import catalogue

__all__ = ["Entry", "Lexicon", "Token", "lexicon", "sentences", "tokenise"]

Kind = Literal["word", "number", "lead", "symbol"]

_TOKEN: Final = re.compile(
    r"(?P<word>v[1-9]r?(?![^\W_])|[^\W\d_]+(?:[0-9]*_[^\W_]+)*'{0,2})"
    r"|(?P<number>(?:(?<![\w.)%°])[+-](?=[0-9]))?(?:0,[0-9]{2,4}|[0-9]{1,12}(?:\.[0-9]{1,12})?))|(?P<symbol>\S)"
)
_LEAD: Final = re.compile(r"av[rlf]|v[1-9]r?")
_BREAK: Final = re.compile(r"\n[ \t]*(?:\n|(?=[-*•#]))")
_SAME: Final = str.maketrans("–—−‑‒’′µ\u00a0\u202f\u2009", "-----''u   ")
_BLANK: Final = re.compile(r"\[[^\[\]]{0,400}\]|“[^“”]{0,2000}”|\((?:e?s)\)(?=[\s.,;:)]|$)")
_ABBREVIATIONS: Final = frozenset({"approx", "vs", "ca", "e", "g", "i", "dr", "resp", "cf", "fig", "incl"})
_LONGEST: Final = 300
"""Longest sentence [tokens]; longer ones are cut, which bounds the time of everything that looks around in one."""
_STOPS: Final = frozenset(".!?")
_KEEP: Final = frozenset({"axis", "sinus", "this", "always", "versus", "previous", "infarctus", "apparatus", "ves",
                          "sves", "ms", "plus", "less", "mass", "pvcs", "across", "bias", "basis", "focus", "status"})


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number, lead name or sign."""

    text: str
    """Lower case, plural ending and British spelling removed for words."""
    start: int
    end: int
    """Character offsets in the original text."""
    kind: Kind


@dataclass(frozen=True, slots=True)
class Entry:
    """What one phrase of the lexicon means."""

    kind: str
    """finding, measure, subject, state, unit, comparator, region or the name of a cue list."""
    key: str
    """Statement key, measure name, subject, adjective, unit, comparison or region; the phrase itself for cues."""


@lru_cache(maxsize=4096)
def _stem(word: str) -> str:
    if "_" in word:
        return word
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


def tokenise(text: str) -> list[Token]:
    """All tokens of the text, in order, with offsets into it."""
    found = []
    for match in _TOKEN.finditer(_clean(text)):
        word, kind = match.group(), match.lastgroup
        if kind == "word":
            lead = word[0] in "av" and _LEAD.fullmatch(word) is not None
            found.append(Token(word if lead else _stem(word), match.start(), match.end(), "lead" if lead else "word"))
        else:
            found.append(Token(word, match.start(), match.end(), "number" if kind == "number" else "symbol"))
    return found


def sentences(text: str) -> list[list[Token]]:
    """The tokens, cut at full stops, question and exclamation marks, list items and empty lines."""
    tokens = tokenise(text)
    breaks = [*(match.end() for match in _BREAK.finditer(text)), len(text) + 1]
    done: list[list[Token]] = [[]]
    line = 0
    for place, token in enumerate(tokens):
        while token.start >= breaks[line]:
            line += 1
            done.append([])
        current = done[-1]
        if len(current) >= _LONGEST:
            done.append([token])
        elif token.text in _STOPS and _ends(token, current, tokens[place + 1] if place + 1 < len(tokens) else None):
            done.append([])
        else:
            current.append(token)
    return [part for part in done if part]


def _ends(token: Token, before: list[Token], after: Token | None) -> bool:
    if token.text != "." or after is None:
        return True
    if after.text in {")", ","} or (before and before[-1].text in _ABBREVIATIONS and before[-1].end == token.start):
        return False
    return after.start > token.end or bool(before and len(before[-1].text) > 2)


class _Node:
    """A step in the tree of phrases: what a phrase that ends here means, and the words that may follow."""

    __slots__ = ("entries", "next")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.next: dict[str, _Node] = {}


def _walk(node: _Node, tokens: Sequence[Token], place: int, fillers: frozenset[str], skipped: int
          ) -> tuple[list[Entry], int] | None:
    """The longest phrase from `node` on; hyphens do not count, nor up to two fillers inside the name of a finding."""
    best = (node.entries, place) if node.entries and (not skipped or node.entries[0].kind == "finding") else None
    if place >= len(tokens) or not node.next:
        return best
    text = tokens[place].text
    child = node.next.get(text)
    found = None if child is None else _walk(child, tokens, place + 1, fillers, skipped)
    if found is None and text == "-":
        found = _walk_on(node, tokens, place, fillers, skipped)
    elif found is None and skipped < 2 and text in fillers:
        found = _walk_on(node, tokens, place, fillers, skipped + 1)
    return found or best


def _walk_on(node: _Node, tokens: Sequence[Token], place: int, fillers: frozenset[str], skipped: int
             ) -> tuple[list[Entry], int] | None:
    """The walk past a token that does not count; ending right after it would be no match."""
    found = _walk(node, tokens, place + 1, fillers, skipped)
    return None if found is None or found[1] == place + 1 else found


class Lexicon:
    """Phrases to meanings; `match` gives the longest phrase that starts at a token."""

    def __init__(self, reading: dict[str, Any]) -> None:
        self.reading = reading
        self.fillers = frozenset(reading["fillers"]["words"])
        self._root = _Node()
        self._fill()

    def match(self, tokens: Sequence[Token], start: int) -> tuple[list[Entry], int] | None:
        """The meanings of the longest phrase that starts at `start`, and the token after it; None when none does."""
        text = tokens[start].text
        node = self._root.next.get(text)
        if node is None:
            return ([Entry("measure", text)], start + 1) if "_" in text else None
        found = _walk(node, tokens, start + 1, self.fillers, 0)
        return None if found is None else (found[0], found[1])

    def _add(self, phrase: str, kind: str, key: str) -> None:
        words = tuple(token.text for token in tokenise(phrase) if token.text != "-")
        node = self._root
        for word in words:
            node = node.next.setdefault(word, _Node())
        if all(old.kind != kind for old in node.entries):
            node.entries.append(Entry(kind, key))

    def _fill(self) -> None:
        reading = self.reading
        for key, names in reading["findings"].items():
            for name in names:
                self._add(name, "finding", key)
        self._add_territories()
        for phrase, key in code_phrases().items():
            self._add(phrase, "finding", key)
        for measure, name in catalogue().measures.items():
            self._add(name, "measure", measure)
            if "_" in measure:
                self._add(measure, "measure", measure)
        for kind, table in (("measure", reading["measures"]), ("subject", reading["subjects"]["names"]),
                            ("comparator", reading["comparators"]), ("unit", reading["units"])):
            for key, names in table.items():
                for name in names:
                    self._add(name, kind, key)
        for adjective in {word for states in reading["states"].values() for word in states}:
            self._add(adjective, "state", adjective)
        for cue, names in reading["cues"].items():
            for name in names:
                self._add(name, cue, name)
        for region in reading["regions"]:
            for noun in ("leads", "lead", "derivations", "chest leads"):
                self._add(f"{region} {noun}", "region", region)
        for region in ("inferior", "lateral", "anterior"):
            self._add(f"{region}ly", "region", region)
            self._add(f"{region} wall", "region", region)
        self._add(catalogue().say("values.jointly"), "ignore", "jointly")

    def _add_territories(self) -> None:
        sites = self.reading["territories"]
        nouns, spelling = sites["nouns"], sites["spelling"]
        for site, row in sites.items():
            if site in {"nouns", "spelling", "columns"}:
                continue
            for variant in (site, *(other for other, plain in spelling.items() if plain == site)):
                for column, key in zip(sites["columns"], row, strict=True):
                    for noun in nouns[column]:
                        self._add_site(variant, noun, key)
                for noun in nouns["infarction"]:
                    self._add(f"acute {variant} {noun}", "finding", row[3])

    def _add_site(self, site: str, noun: str, key: str) -> None:
        if noun.startswith("acute "):
            self._add(f"acute {site} {noun[6:]}", "finding", key)
            noun = noun[6:]
            self._add(f"acute {noun} of the {site} wall", "finding", key)
            return
        for phrase in (f"{site} {noun}", f"{site} wall {noun}", f"{noun} of the {site} wall",
                       f"{noun} in {site} leads", f"{noun} in the {site} leads"):
            self._add(phrase, "finding", key)


@cache
def lexicon() -> Lexicon:
    """The English reading lexicon, built once."""
    text = files("ecground.knowledge").joinpath("phrases", "read_en.toml").read_text(encoding="utf-8")
    return Lexicon(tomllib.loads(text))
