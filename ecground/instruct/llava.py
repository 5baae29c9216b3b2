"""LLaVA-style JSON, as PULSE and GEM publish and train on it <-> `Conversation`.

A file is one array of `{"id", "image", "conversations": [{"from": "human" | "gpt", "value"}]}`. `<image>` in a human's
words marks where the picture stands; several pictures are a list, and each has its mark. GEM adds `"ecg"` (a path): its
trainer puts the signal's tokens before those of the picture at the one mark, so the mark stands for both here too.
Other keys (`machine_measurements`, `report`, ...) are kept in `Conversation.published`. What this form cannot hold is
lost when our conversations are written to it: grounds, sources, and measurements as parts of their own (these become
text).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

from ecground import safe
from ecground.errors import CorruptInputError, UnsafeInputError
from ecground.instruct.conversation import (
    Conversation,
    EcgPart,
    ImagePart,
    MeasurementsPart,
    Part,
    Role,
    TextPart,
    Turn,
)

__all__ = ["MARK", "elements", "from_llava", "to_llava"]

MARK: Final = "<image>"
_ROLE: Final[Mapping[str, Role]] = {"human": "user", "gpt": "assistant", "system": "system"}
_FROM: Final[Mapping[str, str]] = {role: name for name, role in _ROLE.items()}
_OWN: Final = frozenset({"id", "conversations"})
_PIECE: Final = 1 << 20
_MAX_ELEMENT: Final = 16 << 20
_TOKEN: Final = re.compile(rb'["\\\[\]{}]')


def from_llava(value: object, *, where: str = "conversation") -> Conversation:
    """One element of a LLaVA-style array.

    Raises:
        CorruptInputError: it is not of that form, or has fewer pictures than marks.
    """
    if not isinstance(value, dict) or not isinstance(value.get("conversations"), list):
        raise CorruptInputError("no list `conversations`", where=where, hint="LLaVA-style JSON has one an element")
    pictures = _names(value, "image", where)
    signals = _names(value, "ecg", where)
    turns = []
    for said in value["conversations"]:
        role = _ROLE.get(said.get("from", "")) if isinstance(said, dict) else None
        if role is None or not isinstance(said.get("value"), str):
            raise CorruptInputError("a turn without `from` and `value`", where=where,
                                    hint="`from` is human, gpt or system")
        turns.append(Turn(role, tuple(_parts(said["value"], pictures, signals))))
    kept = {key: held for key, held in value.items() if key not in _OWN}
    return Conversation(str(value.get("id", "")), tuple(turns), published=kept)


def _names(value: Mapping[str, Any], key: str, where: str) -> list[str]:
    held = value.get(key, [])
    names = [held] if isinstance(held, str) else held
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise CorruptInputError(f"`{key}` is neither a path nor a list of paths", where=where)
    return list(names)


def _parts(words: str, pictures: list[str], signals: list[str]) -> Iterator[Part]:
    """Text between the marks, and at each mark the next signal and picture; a mark without either stays text."""
    pieces = words.split(MARK)
    for i, piece in enumerate(pieces):
        if i:
            if not signals and not pictures:
                yield TextPart(MARK)
            if signals:
                yield EcgPart(signals.pop(0))
            if pictures:
                yield ImagePart(pictures.pop(0))
        if piece:
            yield TextPart(piece)


def to_llava(conversation: Conversation) -> dict[str, Any]:
    """The conversation as an element of a LLaVA-style array; one that came from such a file comes out unchanged."""
    said = [{"from": _FROM[turn.role], "value": _words(turn.parts)} for turn in conversation.turns]
    element: dict[str, Any] = {"id": conversation.id}
    if not conversation.published:
        element |= {key: names[0] if len(names) == 1 else list(names)
                    for key, names in (("ecg", conversation.records), ("image", conversation.images)) if names}
    return element | dict(conversation.published) | {"conversations": said}


def _words(parts: tuple[Part, ...]) -> str:
    words, marked = [], False
    for part in parts:
        if isinstance(part, TextPart):
            words.append(part.text)
        elif isinstance(part, MeasurementsPart):
            words.append("\n" + json.dumps(part.values, ensure_ascii=False) + "\n")
        elif not (isinstance(part, ImagePart) and marked):
            words.append(MARK)
        marked = isinstance(part, EcgPart)  # a picture right after a signal shares its mark
    return "".join(words)


def elements(stream: BinaryIO, *, where: str) -> Iterator[object]:
    """The elements of one JSON array, one at a time, whatever the size of the file.

    Raises:
        CorruptInputError: not an array, or damaged; what stood before has been given.
        UnsafeInputError: an element of more than 16 MiB, or nested more than 64 levels.
    """
    buffer, begin, at, depth, quoted, opened = b"", 0, 0, 0, False, False
    while piece := stream.read(_PIECE):
        buffer += piece
        while token := _TOKEN.search(buffer, at):
            sign, at = token.group(), token.end()
            if sign == b"\\":
                if at == len(buffer):  # the escaped sign is not read yet
                    at -= 1
                    break
                at += 1
            elif sign == b'"':
                quoted = not quoted
            elif quoted:
                continue
            elif sign in b"[{":
                depth += 1
                if depth == 1:
                    _need_array(sign, buffer[begin:at - 1], where)
                    begin, opened = at, True
            else:
                depth -= 1
                if depth == 1 or (depth == 0 and buffer[begin:at - 1].strip(b" \t\r\n,")):
                    yield _element(buffer[begin:at], where)
                begin = at if depth <= 1 else begin
        else:
            at = len(buffer)
        if len(buffer) - begin > _MAX_ELEMENT:
            raise UnsafeInputError(f"an element of more than {_MAX_ELEMENT} bytes", where=where)
        buffer, at, begin = buffer[begin:], at - begin, 0
    if not opened or buffer.strip():
        raise CorruptInputError("the array does not end" if opened else "not a JSON array", where=where,
                                hint="the file is truncated or of another kind")


def _need_array(sign: bytes, before: bytes, where: str) -> None:
    if sign != b"[" or before.strip(b"\xef\xbb\xbf \t\r\n"):
        raise CorruptInputError("not a JSON array", where=where, hint="LLaVA-style files hold one array")


def _element(raw: bytes, where: str) -> object:
    value: object = safe.json_value(raw.strip(b" \t\r\n,"), where=where)
    return value
