"""The picture of README: some leads on ECG paper, every wave shaded where it was found. Plain SVG, no plotting library.

Scale: 25 mm/s and 10 mm/mV as on paper, one millimetre = `MM` units.
"""

from __future__ import annotations

from html import escape
from typing import Final

import numpy as np

from ecground.record import Record
from ecground.signal.beats import Delineation

__all__ = ["picture"]

MM: Final = 8.0
SECONDS: Final = 5.0
LEADS: Final = ("I", "II", "V1", "V5")
ROW_MM: Final = 25.0
HEAD_MM: Final = 8.0
WAVES: Final = (("p", "P", "#2a6fbb"), ("qrs", "QRS", "#d1495b"), ("t", "T", "#3a8f5c"))


def picture(record: Record, marks: Delineation, *, caption: str) -> str:
    """The SVG text of the first five seconds of four leads; `caption` stands above them."""
    width, height = SECONDS * 25 * MM, (HEAD_MM + ROW_MM * len(LEADS)) * MM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" font-family="sans-serif">',
        f'<rect width="{width:g}" height="{height:g}" fill="#fffdfb"/>', _grid(width, height),
        f'<text x="{2 * MM:g}" y="{5 * MM:g}" font-size="{2.6 * MM:g}" fill="#333">{escape(caption)}</text>',
        _legend(width),
    ]
    for row, lead in enumerate(name for name in LEADS if name in record.leads):
        middle = (HEAD_MM + ROW_MM * (row + 0.5)) * MM
        parts += [_shades(record, marks, lead, middle), _trace(record, lead, middle),
                  f'<text x="{2 * MM:g}" y="{middle - 8 * MM:g}" font-size="{3 * MM:g}" fill="#333">{lead}</text>']
    return "\n".join([*parts, "</svg>"]) + "\n"


def _grid(width: float, height: float) -> str:
    lines = []
    for step, stroke, weight in ((1, "#f6dcd6", 0.5), (5, "#eab7ab", 1)):
        path = "".join(f"M{x:g} 0V{height:g}" for x in np.arange(0, width + 1, step * MM))
        path += "".join(f"M0 {y:g}H{width:g}" for y in np.arange(0, height + 1, step * MM))
        lines.append(f'<path d="{path}" stroke="{stroke}" stroke-width="{weight:g}" fill="none"/>')
    return "\n".join(lines)


def _legend(width: float) -> str:
    parts = []
    for place, (_, name, colour) in enumerate(reversed(WAVES)):
        x = width - (place + 1) * 11 * MM
        parts.append(f'<rect x="{x:g}" y="{3 * MM:g}" width="{3 * MM:g}" height="{2.4 * MM:g}" fill="{colour}" '
                     f'fill-opacity="0.45"/><text x="{x + 4 * MM:g}" y="{5 * MM:g}" font-size="{2.6 * MM:g}" '
                     f'fill="#333">{name}</text>')
    return "".join(parts)


def _shades(record: Record, marks: Delineation, lead: str, middle: float) -> str:
    """A tinted box from onset to offset of every wave of this lead."""
    boxes = []
    for wave, _, colour in WAVES:
        onsets, offsets = (marks.lead_mark(lead, f"{wave}_{end}") / record.fs for end in ("on", "off"))
        for begin, end in zip(onsets.tolist(), offsets.tolist(), strict=True):
            if end <= SECONDS and begin >= 0:
                boxes.append(f'<rect x="{begin * 25 * MM:.1f}" y="{middle - 11 * MM:g}" '
                             f'width="{(end - begin) * 25 * MM:.1f}" height="{21 * MM:g}" fill="{colour}" '
                             'fill-opacity="0.16"/>')
    return "".join(boxes)


def _trace(record: Record, lead: str, middle: float) -> str:
    """The samples at about 250 Hz, NaN as gaps, centred in the row."""
    step = max(1, round(record.fs / 250))
    values = record.lead(lead)[: int(SECONDS * record.fs) : step]
    level = float(np.nanmin(values) + np.nanmax(values)) / 2
    path, pen = [], "M"
    for i, value in enumerate(values.tolist()):
        if value != value:
            pen = "M"
            continue
        path.append(f"{pen}{i * step / record.fs * 25 * MM:.1f} {middle - (value - level) * 10 * MM:.1f}")
        pen = "L"
    return f'<path d="{"".join(path)}" stroke="#1b1b1b" stroke-width="1.6" fill="none" stroke-linejoin="round"/>'
