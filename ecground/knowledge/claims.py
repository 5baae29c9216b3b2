"""`read_claims`: any English ECG report into claims that can be checked.

Reads findings with their synonyms, denial (`no`, `without`, `is ruled out`) and doubt (`possible`, `cannot exclude`)
with their scopes, leads, regions and ranges of leads, values with units, comparisons, reference limits, criteria and
beats. Contract: spans are character offsets in the text as given; values are in the unit of the measure (ms, mV, deg,
1/min), 1 mm of amplitude being 0.1 mV; a `|` in a finding means "one of", an `&` "all of". A claim with both a finding
and a measure states the criterion by which the finding is made. Sentences about another recording, and statements that
something was not judged, make no claim. Scopes follow the idea of NegEx (Chapman et al. 2001): a cue reaches forward
to the next turning word, over a comma only within a list that ends in `and`, `or` or `nor`. Time is linear.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ecground.knowledge.finding import Claim, Polarity
from ecground.knowledge.phrases import catalogue
from ecground.knowledge.reading.lexicon import Lexicon, language_of, lexicon
from ecground.knowledge.reading.mentions import Mention
from ecground.knowledge.reading.statements import Statement, Statements, last_before
from ecground.knowledge.reading.words import sentences
from ecground.knowledge.repeatability import UNITS
from ecground.measure.table import RECORD_MEASURES

__all__ = ["read_claims"]

_DIMENSION: Final = {"ms": "time", "s": "time", "mV": "voltage", "uV": "voltage", "mm": "voltage", "cm": "voltage",
                     "1/min": "rate", "deg": "angle", "": "", "%": ""}
_FACTOR: Final = {("s", "ms"): 1000.0, ("uV", "mV"): 1e-3, ("mm", "mV"): 0.1, ("cm", "mV"): 1.0, ("mV", "uV"): 1e3,
                  ("mm", "uV"): 100.0, ("mV ms", "uV ms"): 1e3, ("%", ""): 0.01}
_WRITTEN: Final = {"uV ms": "mV ms"}
"""Units that a report writes as another one."""
_PLAIN: Final = frozenset({"ms", "deg", "1/min"})
"""Units that reports leave out everywhere."""
_DEPTHS: Final = frozenset({"q_amp", "s_amp", "s2_amp"})
_WORDED: Final = frozenset({"qrs_form", "p_morph", "t_morph", "st_shape", "dominant_class"})


def read_claims(text: str) -> tuple[Claim, ...]:
    """All claims of the text in reading order; none when it says nothing about an ECG. Never raises on any text."""
    found: list[Claim] = []
    words = lexicon(language_of(text))
    for tokens in sentences(text, words.spelling):
        found.extend(_Sentence(tokens, text, words).claims())
    return tuple(sorted(found, key=lambda claim: claim.span))


class _Sentence(Statements):
    """One sentence on its way from statements to claims."""

    def claims(self) -> list[Claim]:
        if any("skip" in item.kinds for item in self.items):
            return []
        statements = self.told()
        values = self._values(statements)
        return [self._claim(statement) for statement in statements] + values

    # Values -----------------------------------------------------------------------------------------------------

    def _values(self, statements: list[Statement]) -> list[Claim]:
        found: list[Claim] = []
        spent: set[int] = set()
        for place, item in enumerate(self.items):
            if "count" in item.kinds and found and found[-1].n_beats is None:
                found = _with_count(found, int(item.value))
            elif "quantity" in item.kinds:
                claim = self._value(place, item, statements, found, spent)
                if claim is not None:
                    found.append(claim)
            elif item.kinds.get("measure") in _WORDED:
                found.extend(self._worded(place, item))
        return found

    def _value(self, place: int, item: Mention, statements: list[Statement], before: list[Claim],
               spent: set[int]) -> Claim | None:
        role = self._role(place)
        owner = last_before(statements, item.first)
        if role:
            known = before[-1] if before else None
            noun = self._measured(place, item, spent) if known is None else None
            measure = known.measure if known is not None else noun[1] if noun is not None else None
            if measure is None:
                return None
            item = replace(item, kinds={**item.kinds, "quantity": _limit_unit(item, measure)})
            leads = _chain_leads(before) if role == "criterion" else ()
            key = "LIMITS" if role == "limits" else owner.key if owner is not None else ""
            low = self._limit_sign(place) if role == "limits" else None
            return self._quantity(item, measure, leads, item.first, key=key, comparison=low,
                                  negated=self._negated(place))
        noun = self._measured(place, item, spent)
        if noun is None:
            return None
        at, measure, sign = noun
        leads, last = self._value_leads(place, item, at, statements)
        first = item.first if at < 0 else min(self.items[at].first, item.first)
        beats = self._value_beats(place)
        if at >= 0:
            spent.add(at)
        return self._quantity(item, measure, leads, first, last=last, sign=sign, beats=beats,
                              negated=self._negated(place))

    def _role(self, place: int) -> str:
        """`criterion` or `limits` when such a word stands shortly before the quantity."""
        item = self.items[place]
        if item.high is not None and place and self.items[place - 1].kinds.get("state") == "normal" \
                and self.items[place - 1].last == item.first:
            return "limits"
        for earlier in reversed(self.items[:place]):
            if item.first - earlier.last > 5 or "quantity" in earlier.kinds or "finding" in earlier.kinds:
                return ""
            for role in ("criterion", "limits"):
                if role in earlier.kinds:
                    return role
        return ""

    def _limit_sign(self, place: int) -> str | None:
        """`above normal (limits ...)` says the value lies above the limits, `below normal` below them."""
        for at in range(place - 1, 0, -1):
            if "state" in self.items[at].kinds and self.items[at].kinds["state"] == "normal":
                return self.items[at - 1].kinds.get("comparator")
            if "quantity" in self.items[at].kinds:
                return None
        return None

    def _measured(self, place: int, item: Mention, spent: set[int]) -> tuple[int, str, str] | None:
        """Which measure the quantity is of: (its mention or -1, measure, sign)."""
        after = place + 1
        if after < len(self.items) and self.items[after].first - item.last <= 1:
            later = _measure_of(self.items[after], item, self.words)
            if later is not None and "finding" not in self.items[after].kinds and not self._open_noun(place, spent):
                return (after, *later)
        for at in range(place - 1, -1, -1):
            earlier = _measure_of(self.items[at], item, self.words)
            if earlier is not None and self._near(at, item):
                return (at, *earlier)
        return (-1, "hr_bpm", "") if item.kinds["quantity"] == "1/min" else None

    def _open_noun(self, place: int, spent: set[int]) -> bool:
        """Whether the nearest measure before the quantity still waits for its value."""
        for at in range(place - 1, -1, -1):
            if _measure_of(self.items[at], self.items[place], self.words) is not None:
                return at not in spent
        return False

    def _near(self, at: int, item: Mention) -> bool:
        """A number without a unit must follow its measure closely."""
        return item.kinds["quantity"] != "" or item.first - self.items[at].last <= 3

    def _value_leads(self, place: int, item: Mention, at: int, statements: list[Statement]
                     ) -> tuple[tuple[str, ...], int]:
        for later in self.items[place + 1 : place + 3]:
            if "ignore" in later.kinds or later.first - item.last > 3:
                break
            if later.kinds.get("leads") == "all" and at >= 0 and "measure" in self.items[at].kinds \
                    and self.items[at].kinds["measure"] in RECORD_MEASURES:
                break
            if "leads" in later.kinds and not self.has(",", item.last, later.first):
                if at >= 0 and "finding" in self.items[at].kinds:
                    for statement in statements:
                        if statement.first == self.items[at].first and not statement.leads:
                            statement.leads = later.leads
                return later.leads, later.last
        if at >= 0 and at + 1 < len(self.items) and "leads" in self.items[at + 1].kinds:
            return self.items[at + 1].leads, item.last
        for statement in statements:
            if at >= 0 and statement.first == self.items[at].first:
                return statement.leads, item.last
        return self._leads_before(at), item.last

    def _leads_before(self, at: int) -> tuple[str, ...]:
        """`V6 has a wide S wave of ...`, `Lead V1: ...`: leads before the noun that are no earlier value's."""
        for place in range(at - 1, -1, -1):
            if "finding" in self.items[place].kinds:
                return ()
            if "leads" in self.items[place].kinds:
                near = not {",", ":"} & {token.text for token in
                                         self.tokens[self.items[place].last : self.items[at].first]}
                if not self.value_before(place) and (near or place == 0):
                    return self.items[place].leads
                return self.items[0].leads if "leads" in self.items[0].kinds else ()
        return ()

    def _value_beats(self, place: int) -> tuple[int, ...]:
        for later in self.items[place + 1 : place + 3]:
            if "quantity" in later.kinds:
                break
            if "beats" in later.kinds and later.first - self.items[place].last <= 4:
                return later.beats
        return ()

    def _negated(self, place: int) -> bool:
        """`not above 120 ms`, `above 120 ms not met`: right before the number or its comparator, or right after."""
        after = place + 1
        if after < len(self.items) and "missed" in self.items[after].kinds:
            return self.items[after].first - self.items[place].last <= 1
        for earlier in reversed(self.items[:place]):
            if "comparator" in earlier.kinds and earlier.last == self.items[place].first:
                continue
            return "negation" in earlier.kinds and self.items[place].first - earlier.last <= 3
        return False

    def _quantity(self, item: Mention, measure: str, leads: tuple[str, ...], first: int, *, last: int = 0,
                  sign: str = "", key: str = "", comparison: str | None = None, beats: tuple[int, ...] = (),
                  negated: bool = False, polarity: Polarity = "present") -> Claim | None:
        value = _convert(item.value, item.kinds["quantity"], measure)
        high = None if item.high is None else _convert(item.high, item.kinds["quantity"], measure)
        if value is None:
            return None
        signs = item.comparison
        if comparison == ">" and high is not None:
            value, high, signs = high, None, ">"
        elif comparison == "<":
            high, signs = None, "<"
        if value > 0 and (measure in _DEPTHS or sign == "-"):
            value, high = -abs(value), None if high is None else -abs(high)
            if high is not None and high < value:
                value, high = high, value
            signs = {">": "<", ">=": "<=", "<": ">", "<=": ">="}.get(signs, signs)
        start, end = self.tokens[first].start, self.tokens[max(last, item.last) - 1].end
        return Claim(
            text=self.text[start:end], span=(start, end), finding=key or None, leads=leads, measure=measure,
            value=round(value, 6), value_high=None if high is None else round(high, 6), comparison=signs,
            unit=UNITS.get(measure, item.kinds["quantity"]), polarity="absent" if negated else polarity, beats=beats,
        )

    def _worded(self, place: int, item: Mention) -> list[Claim]:
        """`QRS form QS in V1, rS in V2`: a measure whose values are words, each with its leads."""
        found = []
        start = item.last
        for later in self.items[place + 1 :]:
            if "leads" not in later.kinds:
                break
            word = self._word(start, later.first)
            if not word:
                break
            span = (self.tokens[item.first].start, self.tokens[later.last - 1].end)
            found.append(Claim(text=self.text[slice(*span)], span=span, leads=later.leads,
                               measure=item.kinds["measure"], value=catalogue().unword(word)))
            start = later.last + (later.last < len(self.tokens) and self.tokens[later.last].text == ",")
        return found

    def _word(self, first: int, last: int) -> str:
        """The words between two tokens when they are a form and end in `in`; empty otherwise."""
        if last - first < 2 or self.tokens[last - 1].text != "in" or last - first > 8:
            return ""
        if {",", ";", ":", "("} & {token.text for token in self.tokens[first:last]}:
            return ""
        return self.text[self.tokens[first].start : self.tokens[last - 2].end]

    def _claim(self, statement: Statement) -> Claim:
        start, end = self.tokens[statement.first].start, self.tokens[max(statement.last, statement.end) - 1].end
        return Claim(
            text=self.text[start:end], span=(start, end), finding=statement.key or None, leads=statement.leads,
            measure=statement.measure or None, value=statement.value if statement.measure else None,
            value_high=statement.high, comparison=statement.comparison, unit=UNITS.get(statement.measure, ""),
            polarity=statement.polarity, beats=statement.beats,
        )



def _measure_of(item: Mention, quantity: Mention, words: Lexicon) -> tuple[str, str] | None:
    """The measure a mention gives to a quantity of this unit, and the sign it implies."""
    reading = words.reading
    dimension = _DIMENSION.get(quantity.kinds["quantity"], quantity.kinds["quantity"])
    if "measure" in item.kinds:
        measure = item.kinds["measure"]
        if _convert(1.0, quantity.kinds["quantity"], measure) is not None:
            return measure, ""
    if "finding" in item.kinds:
        name, sign = reading["implied"].get(item.kinds["finding"], ("", ""))
        if name in reading["subjects"]:
            name = reading["subjects"][name].get(dimension, "")
        if name and dimension and _convert(1.0, quantity.kinds["quantity"], name) is not None:
            return name, sign
    if "subject" in item.kinds:
        name = reading["subjects"][item.kinds["subject"]].get(dimension, "")
        if name:
            return name, ""
    return None


def _convert(value: float, unit: str, measure: str) -> float | None:
    """The value in the measure's own unit; None when the unit does not fit it."""
    own = UNITS.get(measure)
    if own is None or unit == own:
        return value
    if unit == "" and own in {"ms", "deg", "1/min"}:
        return value * 1000.0 if own == "ms" and 0 < value < 3 else value
    factor = _FACTOR.get((unit, own))
    return None if factor is None else value * factor


def _limit_unit(item: Mention, measure: str) -> str:
    """The unit of a limit: when none is written, that in which the value before it is written."""
    unit, own = item.kinds["quantity"], UNITS.get(measure, "")
    return unit if unit or own in _PLAIN else _WRITTEN.get(own, own)


def _chain_leads(claims: list[Claim]) -> tuple[str, ...]:
    """The leads of the values that the last measure was told with: `0.21 mV in V2, 0.25 mV in V3`."""
    return tuple(dict.fromkeys(lead for claim in claims if claim.span[0] == claims[-1].span[0]
                               for lead in claim.leads))


def _with_count(claims: list[Claim], count: int) -> list[Claim]:
    return [*claims[:-1], replace(claims[-1], n_beats=count)]
