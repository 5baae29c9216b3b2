"""The JSON contract of what was read from a picture of an ECG: `ecground digitize`, and `page` of `interpret`.

Part of `contracts`: the same rules hold. Pixels: x to the right, y down, the centre of the first pixel is (0, 0). Quads
are corners in the order of the paper: top left, top right, bottom right, bottom left.
"""

from __future__ import annotations

from typing import Literal, TypedDict

__all__ = ["BoxRow", "Digitize", "DigitizeProblem", "PageLead", "PageObject", "RegionRow"]


class BoxRow(TypedDict):
    """Where evidence stands on the picture."""

    lead: str
    quad: list[list[float]]
    """Four corners `[x, y]` [px]."""


class PageLead(TypedDict):
    """How one lead was read."""

    confidence: float | None
    """0..1; from 0.5 on the lead counts as read."""
    start_s: float | None
    """First second of the record that is printed of it."""
    seconds: float | None
    """How much is printed of it."""


class RegionRow(TypedDict):
    """A strip on the picture."""

    lead: str
    """As printed: a standard name or `-aVR`."""
    quad: list[list[float]]
    confidence: float | None


class DigitizeProblem(TypedDict):
    """A step that failed or is doubtful, and what to do."""

    step: str
    """`load`, `page`, `grid`, `layout`, `calibration`, `segment`, `trace` or `assemble`."""
    what: str
    hint: str


class PageObject(TypedDict):
    """What was read from a picture."""

    status: Literal["read", "partial", "refused"]
    layout: str | None
    """Name of the layout (`3x4-r1`); null when it is none of the known ones."""
    px_per_mm: list[float] | None
    """Scale of the picture along the paper's x and y, at its middle."""
    leads: dict[str, PageLead]
    regions: list[RegionRow]
    problems: list[DigitizeProblem]


class Digitize(PageObject):
    """`ecground digitize FILE`."""

    disclaimer: str
