"""The phrase catalogue: every sentence that is shown, as a template in a TOML file a translator can edit.

Contract: a template is found by its dotted key (`values.normal`) and filled with named slots; `{Name}` fills the slot
`name` with a capital first letter. Numbers are rounded here, once, so that what is written and what is checked agree:
ms, degrees, rates and counts to 1; mV to 0.01; indices to 0.01; shares of the beats to 1 %;
microvolt to 1; mV ms to 0.1.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from ecground.errors import UsageError

__all__ = ["Catalogue", "capital", "catalogue", "is_count", "rounded"]

_DECIMALS: Final[Mapping[str, int]] = {
    "ms": 0, "1/min": 0, "deg": 0, "uV": 0, "%": 0, "mV": 2, "mV ms": 1, "mV/s": 2, "": 2,
}
_CAPITAL: Final = re.compile(r"\{[A-Z]")
_SIGNED: Final = frozenset({"j_amp", "st20", "st40", "st60", "st80"})
"""Measures written with their sign even when positive: the sign is the finding."""
_SCALED: Final[Mapping[str, tuple[str, float]]] = {"uV ms": ("mV ms", 1e-3)}
"""Units that are written as another one, and the factor."""
_SHARES: Final = frozenset({"p_present_fraction", "spike_p_fraction", "spike_qrs_fraction", "ectopic_fraction"})
"""Shares of the beats, written in percent."""


def rounded(value: float, unit: str, *, count: bool = False) -> str:
    """The number as it is written, without its unit."""
    places = 0 if count else _DECIMALS.get(unit, 2)
    text = f"{value:.{places}f}"
    return text[1:] if text.startswith("-") and float(text) == 0 else text


def is_count(measure: str) -> bool:
    """Whether the measure counts something, so that it is a whole number."""
    return measure.startswith(("n_", "notch_n", "pace_spikes", "longest_")) or measure.endswith("_cycles")


class Catalogue:
    """The phrases of one language."""

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self._tables = tables
        self.measures: Mapping[str, str] = tables["measure"]
        """Measure name -> its name in words."""
        self.denied: Mapping[str, str] = tables["denied"]
        """Several statements that are denied in one phrase: key -> phrase."""
        self._forms = {phrase: form for form, phrase in tables["word"].items()}

    def say(self, key: str, **slots: str) -> str:
        """The template `table.name` with its slots filled; KeyError when the catalogue lacks it."""
        table, _, name = key.partition(".")
        template = str(self._tables[table][name])
        if _CAPITAL.search(template):
            slots |= {slot.capitalize(): capital(text) for slot, text in slots.items()}
        return template.format(**slots)

    def measure(self, name: str) -> str:
        """The measure in words; a measure without a phrase keeps its own name."""
        return self.measures.get(name, name)

    def statement(self, key: str, name: str) -> str:
        """A statement as it is told inside a sentence; `name` when the catalogue has no other phrase for it."""
        return str(self._tables["statement"].get(key, name)).replace(",", "")

    def comparison(self, sign: str) -> str:
        """`>` and the like in words."""
        return str(self._tables["comparison"].get(sign, sign))

    def quantity(self, value: float | str | None, unit: str, measure: str = "") -> str:
        """A value with its unit, rounded; words are kept as they are."""
        if value is None or isinstance(value, str):
            return self.word(str(value or ""))
        value, unit = _as_written(value, unit, measure)
        number = "?" if math.isnan(value) else rounded(value, unit, count=is_count(measure))
        if measure in _SIGNED and not number.startswith("-"):
            number = f"+{number}"
        return str(self._tables["unit"].get(unit, "{value} " + unit)).format(value=number)

    def limit(self, value: float, unit: str, measure: str = "") -> str:
        """A limit in the unit of the value before it: the number alone, with a percent sign for shares."""
        value, unit = _as_written(round(value) if unit == "deg" else value, unit, measure)
        return self.threshold(value, unit if unit == "%" else "")

    def threshold(self, value: float, unit: str) -> str:
        """A limit with its unit, with as many decimals as it has (at most three)."""
        text = f"{value:.3f}".rstrip("0").rstrip(".")
        return str(self._tables["unit"].get(unit, "{value} " + unit)).format(value="0" if text == "-0" else text)

    def quote(self, text: str) -> str:
        """Other people's words in quotes, which readers of the text skip."""
        return self.say("device.quote", text=text.replace("“", "'").replace("”", "'").strip())

    def tags(self, sources: str) -> str:
        """The short tags of sources joined by semicolons; a source without a tag is given in full."""
        tags = _tags()
        return ", ".join(dict.fromkeys(tags.get(source, source) for source in sources.split("; ")))

    def word(self, value: str) -> str:
        """A measured form (`+-`) in words."""
        return str(self._tables["word"].get(value, value))

    def unword(self, phrase: str) -> str:
        """The measured form that a phrase stands for; other words are kept."""
        return str(self._forms.get(phrase, phrase))

    def listed(self, parts: Sequence[str]) -> str:
        """`a, b and c`."""
        return self._joined(parts, "list_last")

    def either(self, parts: Sequence[str]) -> str:
        """`a, b or c`."""
        return self._joined(parts, "or")

    def _joined(self, parts: Sequence[str], last: str) -> str:
        word = str(self._tables["language"][last])
        return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + word + parts[-1] if parts else ""


def capital(text: str) -> str:
    """The first letter as a capital, the rest as it is."""
    return text[:1].upper() + text[1:]


def _as_written(value: float, unit: str, measure: str) -> tuple[float, str]:
    """The value in the unit it is written in."""
    if measure in _SHARES:
        return 100.0 * value, "%"
    written, factor = _SCALED.get(unit, (unit, 1.0))
    return value * factor, written


@cache
def _tags() -> Mapping[str, str]:
    text = files("ecground.knowledge").joinpath("phrases", "citations.toml").read_text(encoding="utf-8")
    return dict(tomllib.loads(text)["tag"])


@cache
def catalogue(language: str = "en") -> Catalogue:
    """The catalogue of a language, read once.

    Raises:
        UsageError: there is no catalogue of this language.
    """
    source = files("ecground.knowledge").joinpath("phrases", f"{language}.toml")
    if not language.isalpha() or not source.is_file():
        raise UsageError(f"no phrase catalogue for language '{language}'", where="language", hint="use 'en'")
    return Catalogue(tomllib.loads(source.read_text(encoding="utf-8")))
