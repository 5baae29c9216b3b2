"""The statements of a sentence: findings and states (`T waves are inverted`), their leads, denial and doubt.

Contract: works on the mentions of one sentence; `ecground.knowledge.claims` makes claims of the result. Scopes follow
the idea of NegEx (Chapman et al. 2001): a cue reaches forward to the next turning word, over a comma only within a list
that ends in `and`, `or` or `nor`, never over a colon, semicolon or bracket.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ecground.knowledge.finding import Polarity
from ecground.knowledge.reading.lexicon import Lexicon
from ecground.knowledge.reading.mentions import Mention, mentions
from ecground.knowledge.reading.words import Token
from ecground.measure.table import LEAD_MEASURES

__all__ = ["Statement", "Statements", "last_before"]

_BY_LEAD: Final = frozenset({"STE_", "STD_", "INVT", "LOWT", "TALLT", "QWAVE", "NT_", "TAB_", "NST_", "NDT"})
_JOINERS: Final = frozenset({"and", "or", "nor", "/", "&", "und", "oder", "och", "eller"})
"""Words that let a cue reach over one finding to the next."""


@dataclass(slots=True)
class Statement:
    """A finding or a comparison on its way to a claim."""

    key: str
    """Finding key, or `` for a comparison."""
    first: int
    last: int
    measure: str = ""
    comparison: str = "="
    value: float = 0.0
    high: float | None = None
    leads: tuple[str, ...] = ()
    beats: tuple[int, ...] = ()
    end: int = 0
    """Token after the leads, when they follow."""
    anchor: int = -1
    """Token that denial and doubt must reach: the adjective of a state, else the first token."""
    flipped: bool = False
    polarity: Polarity = "present"


class Statements:
    """One sentence, from mentions to statements."""

    def __init__(self, tokens: Sequence[Token], text: str, words: Lexicon) -> None:
        self.tokens = tokens
        self.text = text
        self.words = words
        self.items = mentions(tokens, text, words)
        self.used: set[int] = set()
        self.ends: dict[int, int] = {}
        """First token of each statement -> the one after its last."""

    def told(self) -> list[Statement]:
        """All statements in order, with leads and polarity; their leads may still grow by those of values."""
        statements = self._statements()
        self.ends = {statement.first: statement.last for statement in statements}
        self._give_leads(statements)
        for statement in statements:
            self._give_polarity(statement)
        return statements

    # Findings and states ----------------------------------------------------------------------------------------

    def _statements(self) -> list[Statement]:
        found = []
        for place, item in enumerate(self.items):
            if "finding" in item.kinds:
                found.append(_meaning(item.kinds["finding"], item.first, item.last, item.first))
            elif "state" in item.kinds:
                state = self._state(place, item)
                if state is not None:
                    found.append(state)
        return sorted(found, key=lambda statement: statement.first)

    def _state(self, place: int, item: Mention) -> Statement | None:
        """`inverted T waves`, `T waves are ... inverted`: the adjective with the noun it speaks of."""
        adjective = item.kinds["state"]
        before = self.items[place - 1] if place else None
        if before is not None and before.last == item.first and before.kinds.get("comparator") in {">", "<"}:
            return None
        after = self.items[place + 1] if place + 1 < len(self.items) else None
        if adjective == "normal" and after is not None and after.high is not None and after.first == item.last:
            return None
        for noun in self._nouns(place, item):
            names = [noun.kinds[kind] for kind in ("measure", "subject") if kind in noun.kinds]
            for name in names:
                meaning = self.words.reading["states"].get(name, {}).get(adjective)
                if meaning is not None:
                    self.used.add(item.first)
                    return _meaning(meaning, min(noun.first, item.first), max(noun.last, item.last), item.first)
        return None

    def _nouns(self, place: int, item: Mention) -> list[Mention]:
        """Candidates for the noun of an adjective: the one right after it, then those before it, nearest first."""
        nouns = []
        for later in self.items[place + 1 :]:
            if later.first - item.last > 1:
                break
            if {"measure", "subject"} & set(later.kinds):
                nouns.append(later)
                break
            if "state" not in later.kinds:
                break
        for earlier in reversed(self.items[:place]):
            if "stop" in earlier.kinds or "finding" in earlier.kinds or self.has(";", earlier.last, item.first):
                break
            if {"measure", "subject"} & set(earlier.kinds):
                nouns.append(earlier)
                break
        return nouns

    # Leads ------------------------------------------------------------------------------------------------------

    def _give_leads(self, statements: list[Statement]) -> None:
        """Leads belong to the statement before them, else to the first one after them and those that follow it."""
        for place, item in enumerate(self.items):
            if "beats" in item.kinds:
                owner = last_before(statements, item.first)
                if owner is not None:
                    owner.beats += item.beats
            if "leads" not in item.kinds or self.value_before(place):
                continue
            owner = last_before(statements, item.first)
            if owner is not None and self.has(";", owner.last, item.first):
                continue
            if owner is None:
                self._lead_in(statements, item)
            elif not owner.leads and owner.comparison == "=" and owner.measure == "":
                owner.leads, owner.end = item.leads, item.last
                self._share(statements, owner)
            elif owner.measure in LEAD_MEASURES:
                owner.leads, owner.end = item.leads, item.last

    def value_before(self, place: int) -> bool:
        """Whether a quantity stands right before the leads, so that they are the value's."""
        return place > 0 and "quantity" in self.items[place - 1].kinds \
            and self.items[place].first - self.items[place - 1].last <= 3 \
            and not self.has(",", self.items[place - 1].last, self.items[place].first)

    def _lead_in(self, statements: list[Statement], item: Mention) -> None:
        for statement in statements:
            if statement.first >= item.last and not statement.leads and statement.key in _BY_LEAD:
                statement.leads = item.leads

    def _share(self, statements: list[Statement], owner: Statement) -> None:
        """`ST depressed and T waves inverted in V4`: the statement joined by `and` has the leads too."""
        place = statements.index(owner)
        if place and owner.key in _BY_LEAD and statements[place - 1].key in _BY_LEAD:
            before = statements[place - 1]
            between = [token.text for token in self.tokens[before.last : owner.first]]
            if not before.leads and len(between) <= 3 and {"and", "or", "/"} & set(between):
                before.leads = owner.leads

    # Denial and doubt -------------------------------------------------------------------------------------------

    def _give_polarity(self, statement: Statement) -> None:
        polarity = self._cue_after(statement) or self._cue_before(statement) or "present"
        if polarity != "uncertain" and statement.flipped:
            polarity = "absent" if polarity == "present" else "present"
        statement.polarity = polarity

    def _cue_before(self, statement: Statement) -> Polarity | None:
        for item in reversed(self.items):
            if item.first >= statement.anchor or item.first in self.used:
                continue
            if {"stop", "certain"} & set(item.kinds):
                return None
            if item.last <= statement.anchor and {"negation", "uncertain"} & set(item.kinds):
                if self._reaches(item, statement):
                    return "uncertain" if "uncertain" in item.kinds else "absent"
                return None
        return None

    def _reaches(self, cue: Mention, statement: Statement) -> bool:
        """Over a comma only inside a list, never over a colon or far."""
        between = [token.text for token in self.tokens[cue.last : statement.anchor]]
        if {":", "(", ";"} & set(between) or len(between) > 40 or self._parted(cue.last, statement.first):
            return False
        if "," not in between:
            named = any("finding" in item.kinds and cue.last <= item.first < statement.anchor for item in self.items)
            return named or len(between) <= 12
        comma = len(between) - 1 - between[::-1].index(",")
        tail = between[comma + 1 :]
        rest = [token.text for token in self.tokens[cue.last + comma + 1 : statement.last + 12]]
        joined = _until(rest, {":", ";", "("})
        return bool({"or", "nor", "and"} & set(tail)) or _list_goes_on(joined) or self._only_statements(statement.last)

    def _only_statements(self, place: int) -> bool:
        """Whether from `place` on a list of nothing but statements goes on to its `or`, however long it is."""
        while place + 1 < len(self.tokens) and self.tokens[place].text == ",":
            if self.tokens[place + 1].text in {"or", "nor"}:
                return True
            if place + 1 not in self.ends:
                return False
            place = self.ends[place + 1]
        return place < len(self.tokens) and self.tokens[place].text in {"or", "nor"}

    def _parted(self, first: int, last: int) -> bool:
        """Whether a finding among tokens `[first, last)` ends the reach of a cue before it: nothing joins it on."""
        for item in reversed(self.items):
            if "finding" in item.kinds and first <= item.first and item.last <= last:
                return not ({","} | _JOINERS) & {token.text for token in self.tokens[item.last : last]}
        return False

    def _cue_after(self, statement: Statement) -> Polarity | None:
        for item in self.items:
            if item.first < max(statement.last, statement.end) or item.first in self.used:
                continue
            between = [token.text for token in self.tokens[max(statement.last, statement.end) : item.first]]
            if len(between) > 6 or {",", ":", ";", "("} & set(between) or "stop" in item.kinds:
                return None
            if "finding" in item.kinds and not _JOINERS & set(between):
                return None
            follows = self.tokens[item.last].text if item.last < len(self.tokens) else ""
            if "uncertain_after" in item.kinds and follows not in self.words.age and not self._opens(item):
                return "uncertain"
            if "negation_after" in item.kinds:
                return "absent"
            if {"negation", "uncertain"} & set(item.kinds):
                return None
        return None

    def _opens(self, cue: Mention) -> bool:
        """Whether the cue looks forward: another finding follows it before the next comma."""
        if "uncertain" not in cue.kinds:
            return False
        for item in self.items:
            if item.first >= cue.last and ("finding" in item.kinds or "subject" in item.kinds):
                return "," not in [token.text for token in self.tokens[cue.last : item.first]]
        return False

    def has(self, sign: str, first: int, last: int) -> bool:
        """Whether the sign stands among tokens `[first, last)`."""
        return any(token.text == sign for token in self.tokens[first:last])


def _finding(key: str, first: int, last: int, anchor: int) -> Statement:
    return Statement(key.lstrip("!"), first, last, anchor=anchor, flipped=key.startswith("!"))


def _meaning(meaning: str, first: int, last: int, anchor: int) -> Statement:
    """A state's meaning: a finding key, or `measure sign number [number]`."""
    parts = meaning.split()
    if len(parts) == 1:
        return _finding(meaning, first, last, anchor)
    high = float(parts[3]) if len(parts) > 3 else None
    return Statement("", first, last, measure=parts[0], comparison=parts[1], value=float(parts[2]), high=high,
                      anchor=anchor)


def last_before(statements: list[Statement], first: int) -> Statement | None:
    """The last statement that ends before token `first`."""
    earlier = [statement for statement in statements if statement.last <= first]
    return earlier[-1] if earlier else None


def _until(words: list[str], stops: set[str]) -> list[str]:
    for place, word in enumerate(words):
        if word in stops:
            return words[:place]
    return words


def _list_goes_on(words: list[str]) -> bool:
    """Whether a list with commas ends in `or`, `nor` or `and` soon after."""
    return bool({"or", "nor", "and"} & set(words))
