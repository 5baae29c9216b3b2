"""`Conversation`: turns that refer to ECGs, pages and measurements, and the grounds of each claim that they make.

The one schema of instruction data. A turn is a list of parts in reading order; ECGs and pages are named, never
embedded, so that a conversation stays text and the same recording can be read with any preprocessing. Grounds say
where the truth of a claim comes from: labels, a report, the parameters of a simulation, or measurements. `published`
keeps the keys of a foreign file that have no place here, so that writing it back changes nothing.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Final, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ecground.errors import CorruptInputError

__all__ = [
    "Conversation", "EcgPart", "Ground", "ImagePart", "MeasurementsPart", "PageBox", "Part", "Role", "Source",
    "TextPart", "Truth", "Turn", "from_json", "to_json",
]

Role = Literal["system", "user", "assistant"]
Truth = Literal["label", "report", "simulation", "measurement", "marks"]
"""Where the truth of a claim comes from: the collection's labels, its report, a simulator's parameters, our own
measurements, or cardiologists' marks."""

_EXACT: Final = ConfigDict(extra="forbid")  # a key that nobody reads is a mistake, not a comment


@dataclass(frozen=True, slots=True)
class TextPart:
    """Words."""

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT

    text: str
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class EcgPart:
    """A recording."""

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT

    record: str
    """File relative to the data set, or `corpus:identifier`."""
    type: Literal["ecg"] = "ecg"


@dataclass(frozen=True, slots=True)
class ImagePart:
    """A page, photograph or scan."""

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT

    image: str
    """File relative to the data set."""
    type: Literal["image"] = "image"


@dataclass(frozen=True, slots=True)
class MeasurementsPart:
    """Numbers given to the model as text."""

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT

    values: Mapping[str, Any]
    """Measure or lead -> value, as the prompt shows them."""
    type: Literal["measurements"] = "measurements"


Part = TextPart | EcgPart | ImagePart | MeasurementsPart


@dataclass(frozen=True, slots=True)
class PageBox:
    """Where on a page the evidence of a claim can be seen."""

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT

    image: str
    """The `ImagePart` it refers to."""
    lead: str
    quad: tuple[tuple[float, float], ...]
    """Corners top left, top right, bottom right, bottom left [px]."""
    beat: int | None = None
    """QRS complex of the lead on the page, from 1; None = the whole strip."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What one claim of a turn rests on."""

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT

    span: tuple[int, int]
    """Character offsets of the claim in the turn's text (its text parts joined)."""
    truth: Truth
    finding: str | None = None
    """SCP code or statement key."""
    polarity: Literal["present", "absent", "uncertain"] = "present"
    measure: str | None = None
    value: float | str | None = None
    unit: str = ""
    leads: tuple[str, ...] = ()
    beats: tuple[int, ...] = ()
    """QRS complexes, from 1; empty = all dominant ones."""
    samples: tuple[int, int] | None = None
    """First and last sample of a representative stretch of the record."""
    boxes: tuple[PageBox, ...] = ()
    verdict: Literal["supported", "contradicted", "unverifiable"] | None = None
    """Of the claim checker; None where it was not asked."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker's words."""

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT

    role: Role
    parts: tuple[Part, ...]
    grounds: tuple[Ground, ...] = ()

    @property
    def text(self) -> str:
        """The text parts, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))


@dataclass(frozen=True, slots=True)
class Source:
    """A recording that the conversation is about, and what may be done with it."""

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT

    corpus: str
    id: str
    patient: str
    """Empty = the collection does not name patients."""
    split: Literal["train", "valid", "test"] | None = None
    fold: int | None = None
    """PTB-XL's official fold, 1 to 10."""
    licence: str = ""
    credentialed: bool = False
    """Goes to no remote host."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns about one or more ECGs."""

    __pydantic_config__: ClassVar[ConfigDict] = _EXACT

    id: str
    turns: tuple[Turn, ...]
    sources: tuple[Source, ...] = ()
    recipe: str = ""
    """Recipe that made it (`grounding`, `qa` ...); empty for foreign files."""
    task: str = ""
    """Kind within the recipe (`rhythm/choice`, `single-verify` ...)."""
    generator: Mapping[str, Any] = field(default_factory=dict)
    """Who wrote the text: `{writer, version, seed, ...}`."""
    published: Mapping[str, Any] = field(default_factory=dict)
    """Keys of a foreign file that have no place in this schema, unchanged."""

    @property
    def records(self) -> tuple[str, ...]:
        """Every recording it refers to, in order."""
        return tuple(part.record for turn in self.turns for part in turn.parts if isinstance(part, EcgPart))

    @property
    def images(self) -> tuple[str, ...]:
        """Every page it refers to, in order."""
        return tuple(part.image for turn in self.turns for part in turn.parts if isinstance(part, ImagePart))


@cache
def _schema() -> TypeAdapter[Conversation]:
    return TypeAdapter(Conversation)


def to_json(conversation: Conversation) -> dict[str, Any]:
    """The conversation as JSON values; fields that hold their default are left out."""
    bare: dict[str, Any] = _bare(conversation)
    return bare


def _bare(value: object) -> Any:  # noqa: ANN401 - JSON is anything
    if dataclasses.is_dataclass(value):
        shown = {}
        for field_ in dataclasses.fields(value):
            held = getattr(value, field_.name)
            if field_.name == "type" or not _is_default(field_, held):
                shown[field_.name] = _bare(held)
        return shown
    if isinstance(value, tuple | list):
        return [_bare(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _bare(item) for key, item in value.items()}
    return value


def _is_default(field_: dataclasses.Field[Any], held: object) -> bool:
    if field_.default_factory is not dataclasses.MISSING:
        return not held
    return field_.default is not dataclasses.MISSING and bool(held == field_.default)


def from_json(value: object, *, where: str = "conversation") -> Conversation:
    """A conversation from JSON values.

    Raises:
        CorruptInputError: a field is missing, unknown or of the wrong type; the message names it, never its content.
    """
    try:
        return _schema().validate_json(json.dumps(value))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise CorruptInputError(f"not a conversation: {place}: {first['msg']}", where=where) from None
