"""Conversations that show a page: the recording drawn in any layout and style, with boxes for what its grounds name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np

from ecground.instruct.conversation import Conversation, EcgPart, ImagePart, Part, Turn
from ecground.instruct.spatial import placed
from ecground.record import Record

__all__ = ["Shown", "shown"]

_DPI = 100
"""Enough for a vision tower, whose input is smaller."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A conversation and the picture it refers to."""

    conversation: Conversation
    name: str
    png: bytes


def shown(conversation: Conversation, record: Record, rng: np.random.Generator, *, with_signal: bool) -> Shown:
    """The conversation with a page of its recording.

    Args:
        conversation: about one recording.
        record: that recording.
        rng: draws layout and style.
        with_signal: keep the recording itself beside the page; otherwise the page stands in its place.
    """
    import cv2

    from ecground.paper.draw import render
    from ecground.paper.layout import layouts
    from ecground.paper.style import draw_style

    fitting = [plan for plan in layouts() if {lead.lstrip("-") for column in plan.columns for lead in column}
               <= set(record.leads) and len(plan.columns[0]) * len(plan.columns) > 1]
    page = render(record, layout=fitting[int(rng.integers(len(fitting)))], style=draw_style(rng), dpi=_DPI)
    name = f"images/{blake2b(conversation.id.encode(), digest_size=8).hexdigest()}.png"  # tells no statement
    turns = tuple(_with_image(turn, name, with_signal=with_signal) for turn in conversation.turns)
    coded = cv2.imencode(".png", page.image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 3])[1]
    told = replace(conversation, turns=turns)
    return Shown(told if page.truth is None else placed(told, name, page.truth), name, coded.tobytes())


def _with_image(turn: Turn, name: str, *, with_signal: bool) -> Turn:
    parts: list[Part] = []
    for part in turn.parts:
        if isinstance(part, EcgPart):
            parts += [part, ImagePart(name)] if with_signal else [ImagePart(name)]
        else:
            parts.append(part)
    return replace(turn, parts=tuple(parts))
