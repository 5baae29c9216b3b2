"""Where words stand: lead names, speed and gain, and the header. Positions in millimetres of the sheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ecground.paper.drawing import Rule, Strip, Words
from ecground.paper.fonts import extent
from ecground.paper.frame import LINE, Frame
from ecground.paper.header import Facts
from ecground.paper.style import Style

__all__ = ["box_round", "header", "header_lines", "names", "scale"]

Lines = Sequence[tuple[str, str]]
"""Kind and words of each line."""

_COLUMNS: Final = {"line": (0.0,), "columns": (0.0, 0.3, 0.62), "block": (0.0, 0.55)}
"""Where the columns of each header begin, in shares of the width between the margins."""


def names(strips: tuple[Strip, ...], frame: Frame, style: Style) -> list[Words]:
    """The lead name of every strip."""
    if style.name_place == "none":
        return []
    size, (right, away) = style.name_mm, style.name_at_mm
    away = min(away, 0.4 * frame.row)
    found = []
    for index, strip in enumerate(strips):
        x, y = strip.region[0] + right, strip.baseline
        if style.name_place == "below":
            y += away + 0.7 * size
        elif style.name_place == "trace":
            y += 0.35 * size
        elif style.name_place == "left" and strip.cell.column == 0:
            x = frame.block[0] - 1.0 - extent(strip.cell.lead, style.font, size)[2]
            y += 0.35 * size
        else:
            y -= away
        found.append(Words("lead", strip.cell.lead, x, y, size, style.text_ink, index))
    return found


def box_round(words: Words, style: Style) -> Rule:
    """A frame round printed words."""
    left, top, right, bottom = extent(words.words, style.font, words.size)
    x0, y0, x1, y1 = words.x + left - 0.6, words.y + top - 0.6, words.x + right + 0.6, words.y + bottom + 0.6
    return Rule("separator", np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]), 0.15, words.colour)


def scale(frame: Frame, style: Style) -> list[Words]:
    """Speed, gain and filter as the style words them."""
    if style.scale_place == "none":
        return []
    gain = style.gain_words.format(style.mm_per_mv)
    if style.chest_mm_per_mv is not None:
        limb = gain
        gain = limb.replace(f"{style.mm_per_mv:g}", f"{style.mm_per_mv:g}/{style.chest_mm_per_mv:g}", 1)
    below = min(frame.block[3] + 1.1 * style.text_mm, frame.height - 0.4 * style.text_mm)
    y = frame.top - 0.35 * style.text_mm if style.scale_place == "top" else below
    x, found = style.margins_mm[0], []
    for kind, text in (("speed", style.speed_words.format(style.mm_per_s)), ("gain", gain),
                       ("filter", style.filter_words)):
        if text:
            found.append(Words(kind, text, x, y, style.text_mm, style.text_ink))
            x += extent(text, style.font, style.text_mm)[2] + 2.0 * style.text_mm
    return found


def _header_columns(facts: Facts | None, style: Style) -> list[Lines]:
    """The lines of each column of the header."""
    if facts is None or style.header == "none":
        return []
    patient = [("patient", line) for line in facts.patient] + [("date", facts.date)] * bool(facts.date)
    device = [("device", facts.device)] * bool(facts.device)
    numbers = [("measurement", line) for line in facts.measurements]
    said = [("statement", line) for line in facts.statements]
    if style.header == "line":
        return [[line] for line in (*patient, *device)]
    return [patient + device, numbers, said] if style.header == "columns" else [patient + said + device, numbers]


def header_lines(facts: Facts | None, style: Style) -> int:
    """Lines of text that the header takes."""
    return max((len(column) for column in _header_columns(facts, style)), default=0)


def header(facts: Facts | None, frame: Frame, style: Style) -> list[Words]:
    """The words above the strips; what does not fit into its column is cut off at its end."""
    columns = _header_columns(facts, style)
    left, top, right, _ = style.margins_mm
    free = frame.width - left - right
    if style.header == "line":
        starts, x = [], 0.0
        for (_, words), in columns:
            starts.append(x)
            x += extent(words, style.font, style.text_mm)[2] + 2 * style.text_mm
    else:
        starts = [share * free for share in _COLUMNS[style.header]] if columns else []
    found = []
    for lines, begin, end in zip(columns, starts, (*starts[1:], free), strict=False):
        for row, (kind, words) in enumerate(lines):
            shown = _cut(words, style, end - begin)
            if shown:
                found.append(Words(kind, shown, left + begin, top + (row + 0.8) * LINE * style.text_mm, style.text_mm,
                                   style.text_ink))
    return found


def _cut(words: str, style: Style, room: float) -> str:
    while words and extent(words, style.font, style.text_mm)[2] > room:
        words = words[:-1].rstrip()
    return words
