"""Waves shaded on the page where they were found: P, QRS and T of every lead under its trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from ecground.paper.drawing import Drawing, Shade, Strip, Words
from ecground.paper.fonts import extent
from ecground.paper.style import Colour
from ecground.signal.beats import Delineation

__all__ = ["WAVE_COLOURS", "shaded"]

WAVE_COLOURS: Final[dict[str, Colour]] = {"p": (42, 111, 187), "qrs": (209, 73, 91), "t": (58, 143, 92)}
_OPACITY: Final = 0.18
_REACH_MM: Final = 11.0


def shaded(drawing: Drawing, marks: Delineation) -> Drawing:
    """The drawing with a tint from onset to offset of every wave, and a legend in its upper right corner.

    Leads that were not delineated, -aVR among them as aVR, stay as they are.
    """
    shades = [shade for strip in drawing.strips for shade in _of_strip(strip, marks, drawing.fs)]
    size, x = drawing.style.text_mm, drawing.width - drawing.style.margins_mm[2]
    y = drawing.style.margins_mm[1] + size
    legend = []
    for wave, colour in reversed(WAVE_COLOURS.items()):
        x -= extent(wave.upper(), drawing.style.font, size)[2]
        legend.append(Words("legend", wave.upper(), x, y, size, drawing.style.text_ink))
        x -= 1.5 * size
        shades.append(Shade((x, y - 0.8 * size, x + size, y), colour, 0.45))
        x -= size
    return replace(drawing, shades=(*drawing.shades, *shades), words=(*drawing.words, *legend))


def _of_strip(strip: Strip, marks: Delineation, fs: float) -> Iterator[Shade]:
    lead = strip.cell.lead.removeprefix("-")
    if lead not in marks.leads or len(strip.trace) < 2:
        return
    first, last = strip.start, strip.start + len(strip.trace) - 1
    step = (strip.trace[-1, 0] - strip.trace[0, 0]) / (last - first)
    half = min(_REACH_MM, (strip.region[3] - strip.region[1]) / 2)
    for wave, colour in WAVE_COLOURS.items():
        bounds = np.stack([marks.lead_mark(lead, f"{wave}_{end}") for end in ("on", "off")]) * fs / marks.fs
        for begin, end in np.clip(bounds[:, np.isfinite(bounds).all(axis=0)], first, last).T.tolist():
            if end > begin:
                x0, x1 = (float(strip.trace[0, 0] + (sample - first) * step) for sample in (begin, end))
                yield Shade((x0, strip.baseline - half, x1, strip.baseline + half), colour, _OPACITY)
