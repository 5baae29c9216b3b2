"""What phrases mean: the reading lexicon of each language, and which language a text is in.

Contract: a language is a file `read_xx.toml`; those of other languages add to the English one, whose abbreviations and
units are used everywhere. All matching walks the tokens once with look-ups in a dictionary, so its time grows linearly
with the text. The language of a text is the one that knows most of the words which only some of the languages know.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, cast

from ecground.knowledge.codes import phrases as code_phrases
from ecground.knowledge.phrases import catalogue
from ecground.knowledge.reading.words import Spelling, Token, fold, tokenise

__all__ = ["LANGUAGES", "Entry", "Lexicon", "language_of", "lexicon"]

LANGUAGES: Final = ("en", "de", "sv")
"""Languages that can be read, the first where nothing speaks for another."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_LOOK: Final = 4000
"""Characters by which the language is told."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one phrase of the lexicon means."""

    kind: str
    """finding, measure, subject, state, unit, comparator, region or the name of a cue list."""
    key: str
    """Statement key, measure name, subject, adjective, unit, comparison or region; the phrase itself for cues."""


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

    def __init__(self, reading: Mapping[str, Any]) -> None:
        self.reading = reading
        self.spelling = _spelling(reading["language"])
        self.age = frozenset(reading["language"]["age"])
        """Words that say how old a finding is."""
        self.fillers = frozenset(fold(word, self.spelling) for word in reading["fillers"]["words"])
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
        words = tuple(token.text for token in tokenise(phrase, self.spelling) if token.text != "-")
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
            for noun in reading["territories"]["leads"]:
                self._add(f"{region} {noun}", "region", region)
        for region in ("inferior", "lateral", "anterior"):
            self._add(f"{region}ly", "region", region)
            self._add(f"{region} wall", "region", region)
        self._add(catalogue().say("values.jointly"), "ignore", "jointly")

    def _add_territories(self) -> None:
        sites = self.reading["territories"]
        nouns, spelling, other = sites["nouns"], sites["spelling"], sites["or_else"]
        for site, row in sites.items():
            if not isinstance(row, list) or site in {"columns", "patterns", "leads"}:
                continue
            for variant in (site, *(other for other, plain in spelling.items() if plain == site)):
                for column, key in zip(sites["columns"], row, strict=True):
                    for noun in nouns[column]:
                        self._add_site(variant, noun, f"{key}|{other[noun]}" if noun in other else key)
                for noun in nouns["infarction"]:
                    self._add(f"acute {variant} {noun}", "finding", row[3])

    def _add_site(self, site: str, noun: str, key: str) -> None:
        if noun.startswith("acute "):
            self._add(f"acute {site} {noun[6:]}", "finding", key)
            noun = noun[6:]
            self._add(f"acute {noun} of the {site} wall", "finding", key)
            return
        for pattern in self.reading["territories"]["patterns"]:
            self._add(pattern.format(site=site, noun=noun), "finding", key)


@cache
def lexicon(language: str = "en") -> Lexicon:
    """The reading lexicon of one of `LANGUAGES`, built once."""
    own = _tables(language)
    if language != LANGUAGES[0]:
        own = cast("Mapping[str, Any]", _added(_tables(LANGUAGES[0]), own))
    return Lexicon(own)


def language_of(text: str) -> str:
    """The one of `LANGUAGES` that knows most of the words by which they differ; English when none stands out."""
    words = set(_WORD.findall(text[:_LOOK].lower()))
    score = {}
    for language in LANGUAGES:
        spelling = _spelling(_tables(language)["language"])
        score[language] = sum(fold(word, spelling) in _vocabulary(language) for word in words)
    return max(LANGUAGES, key=lambda language: (score[language], language != LANGUAGES[0] and score[language] > 0))


@cache
def _tables(language: str) -> Mapping[str, Any]:
    text = files("ecground.knowledge").joinpath("phrases", f"read_{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _spelling(table: Mapping[str, Any]) -> Spelling:
    return Spelling(letters=tuple(table["letters"].items()), endings=tuple(table["endings"]),
                    keep=tuple(table["keep"]), abbreviations=frozenset(table["abbreviations"]))


def _added(base: object, own: object) -> object:
    """Tables joined key by key, lists one after the other, anything else replaced."""
    if isinstance(base, Mapping) and isinstance(own, Mapping):
        return {key: _added(base[key], own[key]) if key in base and key in own else own.get(key, base.get(key))
                for key in (*base, *(key for key in own if key not in base))}
    return [*base, *own] if isinstance(base, list) and isinstance(own, list) else own


@cache
def _vocabulary(language: str) -> frozenset[str]:
    """The words of its phrases, folded: of English those no other language has, of others those English has not."""
    words = {name: set(_words(_tables(name), _spelling(_tables(name)["language"]))) for name in LANGUAGES}
    words[LANGUAGES[0]] |= {fold(word) for phrase in (*code_phrases(), *catalogue().measures.values())
                            for word in _WORD.findall(phrase.lower())}
    others = LANGUAGES[1:] if language == LANGUAGES[0] else LANGUAGES[:1]
    return frozenset(words[language].difference(*(words[name] for name in others)))


def _words(table: object, spelling: Spelling) -> Iterator[str]:
    """All words in the lists of the tables, and in the keys of states."""
    if isinstance(table, Mapping):
        for part in table.values():
            yield from _words(part, spelling)
    elif isinstance(table, list):
        for phrase in table:
            if isinstance(phrase, str):
                yield from (fold(word, spelling) for word in _WORD.findall(phrase.lower()))
