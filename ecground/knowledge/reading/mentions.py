"""What a sentence mentions: statements, measures, leads, quantities, beats and the small words that turn them.

Contract: one pass over the tokens of one sentence gives the mentions in order, none overlapping. Values keep the unit
they were written in; `ecground.knowledge.claims` puts mentions together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ecground.knowledge.reading.lexicon import Lexicon
from ecground.knowledge.reading.words import Token
from ecground.leads import STANDARD

__all__ = ["Mention", "mentions"]

_ROMAN: Final = {"i": "I", "ii": "II", "iii": "III"}
_LETTER: Final = {"f": "aVF", "l": "aVL", "r": "aVR"}
_NOT_A_LEAD_AFTER: Final = frozenset({"block", "type", "mobitz", "grade", "degree", "class", "stage", "av"})
_OF_A_WAVE: Final = frozenset({"in", "wave", "amplitude", "duration", "-", "peak", "form", "height", "progression"})
"""Words after a letter that make it the name of a wave, not of a lead (`aVF, R amplitude`)."""
_RANGE: Final = frozenset({"-", "to", "through", "thru", "bis", "till"})
_AND: Final = frozenset({",", "/", "and", "&", "+", "or", "und", "oder", "och", "samt"})
_BRACKET: Final = 24
"""Tokens looked back for the bracket a count stands in."""
_FIRST_DIGITS: Final = frozenset("123456789")


@dataclass(frozen=True, slots=True)
class Mention:
    """One thing named in a sentence."""

    kinds: Mapping[str, str]
    """Kind -> key: `finding`, `measure`, `subject`, `state`, `leads`, `quantity`, `beats`, `count`, or a cue list."""
    first: int
    last: int
    """Tokens `[first, last)` of the sentence."""
    leads: tuple[str, ...] = ()
    value: float = 0.0
    high: float | None = None
    comparison: str = "="
    beats: tuple[int, ...] = field(default=())


def mentions(tokens: Sequence[Token], text: str, words: Lexicon) -> list[Mention]:
    """All mentions of one sentence, in order."""
    found: list[Mention] = []
    place = 0
    while place < len(tokens):
        mention = _at(tokens, place, text, words, found)
        if mention is None:
            place += 1
        else:
            found.append(mention)
            place = mention.last
    return found


def _at(tokens: Sequence[Token], place: int, text: str, words: Lexicon, found: list[Mention]) -> Mention | None:
    beats = _beats(tokens, place)
    if beats is not None:
        return beats
    leads = _leads(tokens, place, text)
    match = words.match(tokens, place)
    if match is not None and (leads is None or match[1] > leads.last):
        entries, end = match
        kinds = {entry.kind: entry.key for entry in entries}
        if set(kinds) == {"unit"}:
            return None
        if "region" in kinds:
            region = _region(tokens, place, end, text, words.reading["regions"][kinds["region"]])
            return replace(region, kinds={"leads": "all"}) if "ignore" in kinds else region
        return Mention(kinds, place, end)
    if leads is not None:
        return leads
    if tokens[place].kind == "number":
        return _quantity(tokens, place, words, found[-1] if found and found[-1].last == place else None)
    return None


def _region(tokens: Sequence[Token], first: int, end: int, text: str, leads: Sequence[str]) -> Mention:
    """A region of leads; a list in brackets after it says exactly which."""
    if end + 1 < len(tokens) and tokens[end].text == "(":
        named = _leads(tokens, end + 1, text)
        if named is not None:
            return Mention({"leads": ""}, first, named.last, leads=named.leads)
    return Mention({"leads": ""}, first, end, leads=tuple(leads))


def _leads(tokens: Sequence[Token], first: int, text: str) -> Mention | None:
    """A list of leads: `leads II, III and aVF`, `V1-V4`, `v4,5,6`."""
    place = first
    said = False
    while place < len(tokens) and tokens[place].text in {"lead", "derivation"}:
        place, said = place + 1, True
    if place >= len(tokens) or (first > 0 and tokens[first - 1].text in _NOT_A_LEAD_AFTER):
        return None
    names: list[str] = []
    end = place
    while end < len(tokens):
        name = _lead_name(tokens, end, names)
        if name is None:
            break
        names.append(name)
        end += 1
        step = _separator(tokens, end, names)
        if step is None:
            break
        separator, after = step
        if separator in _RANGE:
            upper = _lead_name(tokens, after, names)
            if upper is None:
                break
            names.extend(_between(names[-1], upper))
            end = after + 1
            step = _separator(tokens, end, names)
            if step is None or step[0] in _RANGE:
                break
            after = step[1]
        end = after
    if not names or (names == ["I"] and not said and not _is_lead_one(tokens, place, text)):
        return None
    last = _back(tokens, end)
    if last < len(tokens) and tokens[last].text == "lead":
        last += 1
    return Mention({"leads": ""}, first, last, leads=tuple(dict.fromkeys(names)))


def _back(tokens: Sequence[Token], end: int) -> int:
    """The end of a lead list without the separators that led nowhere."""
    while end > 0 and (tokens[end - 1].text in _AND or tokens[end - 1].text in _RANGE):
        end -= 1
    return end


def _is_lead_one(tokens: Sequence[Token], place: int, text: str) -> bool:
    """Whether a lone `I` is the lead: a capital after `in`, or before a colon."""
    if text[tokens[place].start] != "I":
        return False
    before = tokens[place - 1].text if place > 0 else ""
    after = tokens[place + 1].text if place + 1 < len(tokens) else ""
    return before in {"in", "over", "of", "("} or after == ":"


def _lead_name(tokens: Sequence[Token], place: int, names: Sequence[str]) -> str | None:
    if place >= len(tokens):
        return None
    token = tokens[place]
    if token.kind == "lead":
        return f"aV{token.text[2].upper()}" if token.text.startswith("a") else token.text.upper()
    if token.text in _ROMAN:
        return _ROMAN[token.text]
    if not names:
        return None
    if token.kind == "number" and token.text in _FIRST_DIGITS and names[-1].startswith("V"):
        return f"V{token.text}" if _digit_is_lead(tokens, place) else None
    follows = tokens[place + 1].text if place + 1 < len(tokens) else ""
    return _LETTER.get(token.text) if token.kind == "word" and follows not in _OF_A_WAVE else None


def _digit_is_lead(tokens: Sequence[Token], place: int) -> bool:
    """`v4,5,6` and `V3-6` yes; `V2, 3 extrasystoles` and `V2 and 3 mm` no."""
    close = tokens[place - 1].end == tokens[place].start
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    return close or after is None or after.kind == "symbol" or after.text in {"and", "to", "lead"}


def _separator(tokens: Sequence[Token], place: int, names: Sequence[str]) -> tuple[str, int] | None:
    """The separator at `place` and the token after it, when another lead follows."""
    if place >= len(tokens):
        return None
    text = tokens[place].text
    after = place + 1
    if text in _AND or text in _RANGE:
        if text == "," and after < len(tokens) and tokens[after].text in _AND - {","}:
            after += 1
        if after < len(tokens) and tokens[after].text == "lead":
            after += 1
        return (text, after) if _lead_name(tokens, after, names) is not None else None
    return None


def _between(low: str, high: str) -> list[str]:
    """Leads after `low` up to `high` in the standard order."""
    if low in STANDARD and high in STANDARD and STANDARD.index(low) < STANDARD.index(high):
        return list(STANDARD[STANDARD.index(low) + 1 : STANDARD.index(high) + 1])
    return [high]


def _beats(tokens: Sequence[Token], place: int) -> Mention | None:
    """`beats 3, 5 and 7`, `beat 4`, `3rd beat`, and `median of 9 beats` (a count)."""
    token = tokens[place]
    if token.text == "beat":
        numbers, end = _numbers(tokens, place + 1)
        return Mention({"beats": ""}, place, end, beats=tuple(numbers)) if numbers else None
    if token.kind != "number" or "." in token.text or place + 1 >= len(tokens):
        return None
    if tokens[place + 1].text == "beat" and _in_bracket(tokens, place):
        if tokens[place - 1].text in _RANGE:
            return None
        return Mention({"count": ""}, place, place + 2, value=float(token.text))
    if _counts_between(tokens, place):
        return Mention({"ignore": ""}, place, place + 4)
    if tokens[place + 1].text == "beat" and place >= 2 and tokens[place - 1].text == "of":
        if tokens[place - 2].text in {"median", "mean", "average"}:
            return Mention({"count": ""}, place, place + 2, value=float(token.text))
        return None
    if tokens[place + 1].text in {"st", "nd", "rd", "th"} and place + 2 < len(tokens):
        return Mention({"beats": ""}, place, place + 3, beats=(_whole(token.text),)) \
            if tokens[place + 2].text == "beat" else None
    return None


def _in_bracket(tokens: Sequence[Token], place: int) -> bool:
    """`(10 beats`, `(all leads, 10 beats`, `(V1, V5, 10 beats`: the count of the value before the bracket."""
    if place == 0 or tokens[place - 1].text not in {"(", ","}:
        return False
    before = [token.text for token in tokens[max(0, place - _BRACKET) : place]]
    return "(" in before and ")" not in before[len(before) - before[::-1].index("(") :]


def _counts_between(tokens: Sequence[Token], place: int) -> bool:
    """`(9 to 10 beats`: the values of several leads rest on so many beats."""
    after = [token.text for token in tokens[place + 1 : place + 4]]
    return len(after) == 3 and after[0] in _RANGE and after[2] == "beat" and tokens[place + 2].kind == "number" \
        and _in_bracket(tokens, place)


def _numbers(tokens: Sequence[Token], place: int) -> tuple[list[int], int]:
    numbers: list[int] = []
    end = place
    while place < len(tokens) and tokens[place].kind == "number" and tokens[place].text.isdigit():
        numbers.append(_whole(tokens[place].text))
        end = place + 1
        place = end
        while place < len(tokens) and tokens[place].text in {",", "and", "&"}:
            place += 1
    return numbers, end


def _whole(text: str) -> int:
    return int(text.lstrip("+-"))


def _quantity(tokens: Sequence[Token], first: int, words: Lexicon, before: Mention | None) -> Mention | None:
    """A number with its unit, or a range of two; ratios, dates and list numbers are none."""
    place = first
    if _part_of_ratio(tokens, first):
        return None
    value = _number(tokens[place].text)
    unit, place = _unit(tokens, place + 1, words)
    high: float | None = None
    comparison = before.kinds.get("comparator", "=") if before is not None else "="
    if place + 1 < len(tokens) and tokens[place + 1].kind == "number" and (
        tokens[place].text in _RANGE or (tokens[place].text == "and" and comparison == "in")
    ):
        high = _number(tokens[place + 1].text)
        later, place = _unit(tokens, place + 2, words)
        unit = unit or later
    if high is not None and high < value:
        value, high = high, value
    comparison = "in" if high is not None else "=" if comparison == "in" else comparison
    return Mention({"quantity": unit}, first, place, value=value, high=high, comparison=comparison)


def _part_of_ratio(tokens: Sequence[Token], place: int) -> bool:
    around = [tokens[at].text for at in (place - 1, place + 1) if 0 <= at < len(tokens)]
    if place + 1 < len(tokens) and tokens[place + 1].text == "lead":
        return True
    for at, sign in ((place - 1, place - 2), (place + 1, place + 2)):
        if 0 <= at < len(tokens) and tokens[at].text in {":", "/"} and 0 <= sign < len(tokens) \
                and tokens[sign].kind == "number":
            return True
    return "#" in around


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _unit(tokens: Sequence[Token], place: int, words: Lexicon) -> tuple[str, int]:
    if place >= len(tokens):
        return "", place
    match = words.match(tokens, place)
    if match is not None:
        for entry in match[0]:
            if entry.kind == "unit":
                return entry.key, match[1]
    return "", place
