"""`Frame`: where the strips lie on the sheet, from paper, margins, speed and number of rows. Lengths in millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ecground.errors import UsageError
from ecground.paper.fonts import extent
from ecground.paper.layout import Layout
from ecground.paper.style import PAPERS, ROLLS, Style

__all__ = ["LEAD_IN_MM", "LINE", "PULSE_MS", "Frame", "place"]

PULSE_MS: Final = 200.0
"""Length of the calibration pulse at the page's speed."""
LEAD_IN_MM: Final = 2.5
"""Baseline on both sides of the calibration pulse."""
LINE: Final = 1.35
"""Distance of two lines of text, in sizes of the text."""
_MOST_SECONDS: Final = 10.0
_ROW_MM: Final = (12.0, 35.0)
"""Least and largest distance of rows that is chosen when the style names none."""
_LEAST_ROW_MM: Final = 4.0
_MOST_MM: Final = 5000.0


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the strips are."""

    width: float
    """Of the sheet."""
    height: float
    left: float
    """x of the first sample."""
    top: float
    """y of the upper edge of the first row."""
    right: float
    """x of the end of the rows."""
    row: float
    """Distance of two rows."""
    rows: int
    seconds: float
    pulse: float
    """Width of a calibration pulse with its lead-in; 0 without pulses."""
    block: tuple[float, float, float, float]
    """x0, y0, x1, y1 of everything that rows hold, calibration pulses included."""

    def baseline(self, row: int) -> float:
        """Where 0 mV lies: y."""
        return self.top + (row + 0.5) * self.row


def place(layout: Layout, style: Style, *, seconds: float, header_lines: int) -> Frame:
    """The frame for at most `seconds` of signal under `header_lines` lines of text; UsageError where it has no room."""
    left, top, right, bottom = style.margins_mm
    width, height = PAPERS[style.paper]
    pulse = 0.0 if style.pulse == "none" else PULSE_MS / 1000 * style.mm_per_s + 2 * LEAD_IN_MM
    label = 0.0
    if style.name_place == "left":
        label = max(extent(name, style.font, style.name_mm)[2] for column in layout.columns for name in column) + 1.5
    shown = _seconds(style, seconds, width - left - right - pulse - label if width else np.inf)
    begin = left + label + (pulse if style.pulse == "left" else 0.0)
    if width:
        begin += style.shift * max(0.0, width - left - right - pulse - label - shown * style.mm_per_s)
    end = begin + shown * style.mm_per_s
    tail = pulse if style.pulse == "right" else 0.0
    line = style.text_mm * LINE
    head = line * (header_lines + (style.scale_place == "top"))
    foot = line * (style.scale_place == "bottom")
    row = _row(style, layout.rows, height - top - bottom - head - foot if height else np.inf)
    needed = top + head + layout.rows * row + foot + bottom
    if style.paper == "roll":
        height = next((roll for roll in sorted({style.roll_mm, *ROLLS}) if roll >= max(needed, style.roll_mm)), needed)
    height = height or needed
    first = top + head + style.drop * max(0.0, height - needed)
    width = width or end + right + tail
    if max(width, height) > _MOST_MM:
        raise UsageError(f"a page of {width:.0f} x {height:.0f} mm", where="style", hint="fewer seconds or rows")
    lead = pulse if style.pulse == "left" else 0.0
    return Frame(width, height, begin, first, end, row, layout.rows, shown, pulse,
                 (begin - lead, first, end + tail, first + layout.rows * row))


def _seconds(style: Style, most: float, free: float) -> float:
    """What the width shows: all, or as many quarters of a second as fit."""
    wanted = min(most, style.seconds or _MOST_SECONDS)
    fits = free / style.mm_per_s + 1e-9
    shown = wanted if wanted <= fits else float(np.floor(fits * 4) / 4)
    if shown <= 0 or (style.seconds and shown < wanted):
        raise UsageError(f"{wanted:g} s at {style.mm_per_s:g} mm/s do not fit on {style.paper} paper", where="style",
                         hint="paper fit, fewer seconds, smaller margins or a lower speed")
    return shown


def _row(style: Style, rows: int, free: float) -> float:
    """Distance of two rows."""
    usual = 20.0 if rows > 4 else 30.0
    row = style.row_mm or (usual if np.isinf(free) else float(np.clip(np.floor(free / rows), *_ROW_MM)))
    row = min(row, free / rows)
    if row < _LEAST_ROW_MM:
        raise UsageError(f"{rows} rows do not fit on {style.paper} paper", where="style",
                         hint="paper fit, smaller margins or fewer rows")
    return row
