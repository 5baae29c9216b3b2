"""Where on a page the evidence of a claim can be seen: boxes in pixels for lead and beat.

From the truth of a rendered page, as quads in the order of the paper (top left, top right, bottom right, bottom left),
so that "where" can be trained and scored. For digitized pages see `digitize.evidence`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ecground.instruct.conversation import Conversation, Ground, PageBox, Turn
from ecground.paper.page import LeadTruth, PageTruth, Points

__all__ = ["on_page", "placed"]

_MARGIN_MM = 1.0
_DECIMALS = 1


def placed(conversation: Conversation, image: str, truth: PageTruth) -> Conversation:
    """The conversation with a box on `image` for every ground that names leads which the page shows."""
    turns = tuple(_placed(turn, image, truth) for turn in conversation.turns)
    return replace(conversation, turns=turns)


def _placed(turn: Turn, image: str, truth: PageTruth) -> Turn:
    grounds = tuple(replace(ground, boxes=on_page(ground, image, truth)) for ground in turn.grounds)
    return replace(turn, grounds=grounds)


def on_page(ground: Ground, image: str, truth: PageTruth) -> tuple[PageBox, ...]:
    """Boxes of a ground's leads on a rendered page: around its samples where they are printed, else the whole strip.

    A ground without leads has no place of its own.
    """
    found = []
    for lead in ground.leads:
        strips = [strip for strip in truth.leads if strip.lead.lstrip("-") == lead]
        boxes = [(strip, _around(strip, ground.samples, truth)) for strip in strips]
        shown = [quad for _, quad in boxes if quad is not None] or [strip.region for strip in strips[:1]]
        found += [PageBox(image, lead, _quad(quad)) for quad in shown[:1]]
    return tuple(found)


def _around(strip: LeadTruth, samples: tuple[int, int] | None, truth: PageTruth) -> Points | None:
    """The quad around part of a strip, along the paper; None where the strip does not show all of it."""
    if samples is None or samples[0] < strip.start or samples[1] >= strip.stop:
        return None
    part = strip.trace[samples[0] - strip.start:samples[1] + 1 - strip.start]
    part = part[np.isfinite(part).all(axis=1)]
    if not len(part):
        return None
    along = strip.baseline[1] - strip.baseline[0]
    along = along / np.hypot(*along)
    down = np.array([-along[1], along[0]])
    u, v = part @ along, part @ down
    margin = _MARGIN_MM * float(np.mean(truth.px_per_mm))
    corners = ((u.min(), v.min() - margin), (u.max(), v.min() - margin), (u.max(), v.max() + margin),
               (u.min(), v.max() + margin))
    return np.array([a * along + b * down for a, b in corners])


def _quad(points: Points | Sequence[Sequence[float]]) -> tuple[tuple[float, float], ...]:
    return tuple((round(float(x), _DECIMALS), round(float(y), _DECIMALS)) for x, y in points)
