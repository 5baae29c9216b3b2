"""Record + layout + style -> `Drawing`: which ink lies where on the sheet, in millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.errors import NoSignalError, UsageError
from ecground.leads import derive
from ecground.paper.drawing import Drawing, Grid, Rule, Strip, Words
from ecground.paper.fonts import extent
from ecground.paper.layout import Cell, Layout
from ecground.paper.style import PAPERS, ROLLS, Style
from ecground.record import Record

__all__ = ["PULSE_MS", "compose"]

PULSE_MS: Final = 200.0
"""Length of the calibration pulse at the page's speed."""
_LEAD_IN_MM: Final = 2.5
"""Baseline on both sides of the calibration pulse."""
_MOST_SECONDS: Final = 10.0
_ROW_MM: Final = (12.0, 35.0)
"""Least and largest distance of rows that is chosen when the style names none."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the strips are [mm]."""

    width: float
    height: float
    left: float
    """x of the first sample."""
    top: float
    right: float
    row: float
    rows: int
    seconds: float
    pulse: float
    """Width of a pulse with its lead-in; 0 without pulses."""

    def baseline(self, row: int) -> float:
        return self.top + (row + 0.5) * self.row


def compose(record: Record, layout: Layout, style: Style, *, start_s: float = 0.0,
            words: tuple[Words, ...] = ()) -> Drawing:
    """The page that shows `record` from `start_s` on; `words` are printed as they are.

    Leads that the record lacks and that do not follow from others leave their place empty. NoSignalError when no lead
    of the layout is there, UsageError when the page has no room.
    """
    if not 0 <= start_s < record.seconds:
        raise UsageError(f"the record has no second {start_s:g}", where="start_s",
                         hint=f"it is {record.seconds:g} s long")
    frame = _place(record, layout, style, start_s)
    signals = _signals(record, layout)
    cells = [cell for cell in layout.cells(frame.seconds) if cell.lead in signals]
    if not cells:
        raise NoSignalError(f"the record has no lead of the layout {layout.name}", where="layout",
                            hint=f"it has: {' '.join(record.leads)}")
    strips = tuple(_strip(signals[cell.lead], record.fs, cell, i, frame, style, layout, start_s)
                   for i, cell in enumerate(cells))
    return Drawing(
        width=frame.width, height=frame.height, layout=layout.name, fs=record.fs, style=style,
        grid=_grid(frame, style), strips=strips,
        rules=(*_pulses(frame, strips, style), *_separators(frame, strips, layout, style),
               *_frames(frame, strips, style)),
        words=(*_names(strips, frame, style), *_scale(frame, style), *words),
    )


def _place(record: Record, layout: Layout, style: Style, start_s: float) -> _Frame:
    left, top, right, bottom = style.margins_mm
    width, height = PAPERS[style.paper]
    pulse = 0.0 if style.pulse == "none" else PULSE_MS / 1000 * style.mm_per_s + 2 * _LEAD_IN_MM
    label = 0.0
    if style.name_place == "left":
        label = max(extent(name, style.font, style.name_mm)[2] for column in layout.columns for name in column) + 1.5
    head, foot = _band(style, "top"), _band(style, "bottom")
    free = np.inf if width == 0 else width - left - right - pulse - label
    most = min(record.seconds - start_s, style.seconds or _MOST_SECONDS)
    seconds = min(most, np.floor(free / style.mm_per_s * 4 + 1e-9) / 4 if np.isfinite(free) else np.inf)
    if seconds <= 0 or (style.seconds and style.seconds > free / style.mm_per_s + 1e-9):
        raise UsageError(f"{most:g} s at {style.mm_per_s:g} mm/s do not fit on {style.paper}", where="style",
                         hint="paper 'fit', fewer seconds, smaller margins or a lower speed")
    rows = layout.rows
    if style.row_mm is not None:
        row = style.row_mm
    elif height:
        row = float(np.clip(np.floor((height - top - bottom - head - foot) / rows), *_ROW_MM))
    else:
        row = 20.0 if rows > 4 else 30.0
    needed = top + bottom + head + foot + rows * row
    if height and needed > height + 1e-6:
        row = (height - top - bottom - head - foot) / rows
        if row < 4.0:
            raise UsageError(f"{rows} rows do not fit on {style.paper}", where="style",
                             hint="paper 'fit', smaller margins or fewer rows")
    if style.paper == "fit":
        height = needed
    elif style.paper == "roll":
        height = next((roll for roll in sorted({style.roll_mm, *ROLLS}) if roll >= max(needed, style.roll_mm)), needed)
    begin = left + label + (pulse if style.pulse == "left" else 0.0)
    end = begin + seconds * style.mm_per_s
    if width == 0:
        width = end + right + (pulse if style.pulse == "right" else 0.0)
    if width > 5000 or height > 5000:
        raise UsageError(f"a page of {width:.0f} x {height:.0f} mm", where="style", hint="fewer seconds or rows")
    return _Frame(width, height, begin, top + head, end, row, rows, float(seconds), pulse)


def _band(style: Style, side: str) -> float:
    """Height of the words above or below the strips [mm]."""
    lines = {"none": 0.0, "line": 1.0, "columns": 5.0, "block": 5.0}[style.header] if side == "top" else 0.0
    return style.text_mm * 1.35 * (lines + (style.scale_place == side))


def _signals(record: Record, layout: Layout) -> dict[str, NDArray[np.float32]]:
    """Millivolt of every lead that the layout shows and the record has."""
    known = dict(zip(record.leads, record.signal, strict=True))
    known |= {name: signal for name, (signal, _) in derive(known).items()}
    wanted = {name for column in (*layout.columns, layout.rhythm) for name in column}
    plain = {name: known[name] for name in wanted if name in known}
    return plain | {f"-{name}": -known[name] for name in known if f"-{name}" in wanted}


def _strip(signal: NDArray[np.float32], fs: float, cell: Cell, index: int, frame: _Frame, style: Style,
           layout: Layout, start_s: float) -> Strip:
    # A hair less than a sample's time, so that 2.5 s at 500 Hz begin at sample 1250 whatever the rounding.
    first, last = (int(np.ceil((start_s + s) * fs - 1e-6)) for s in (cell.start_s, cell.stop_s))
    last = min(last, len(signal))
    share = 0.0 if cell.rhythm else cell.column * frame.seconds / len(layout.columns)
    zero = frame.left + (share - cell.start_s - start_s) * style.mm_per_s
    baseline, gain = frame.baseline(cell.row), style.gain(cell.lead)
    up = signal[first:last].astype(np.float64) * gain
    if style.clip_mm is not None:
        up = np.clip(up, -style.clip_mm, style.clip_mm)
    x = zero + np.arange(first, last) / fs * style.mm_per_s
    left = frame.left + share * style.mm_per_s
    region = (left, baseline - frame.row / 2, left + (cell.stop_s - cell.start_s) * style.mm_per_s,
              baseline + frame.row / 2)
    return Strip(cell, first, np.stack([x, baseline - up], axis=-1), region, baseline, gain,
                 style.inks[index % len(style.inks)])


def _grid(frame: _Frame, style: Style) -> Grid:
    area = (0.0, 0.0, frame.width, frame.height)
    if style.grid_area == "block":
        begin = frame.left - (frame.pulse if style.pulse == "left" else 0.0)
        end = frame.right + (frame.pulse if style.pulse == "right" else 0.0)
        bottom = frame.top + frame.rows * frame.row
        area = (max(0.0, begin), max(0.0, frame.top), min(frame.width, end), min(frame.height, bottom))
    return Grid(area, (frame.left + style.grid_offset_mm[0], frame.baseline(0) + style.grid_offset_mm[1]))


def _pulses(frame: _Frame, strips: tuple[Strip, ...], style: Style) -> list[Rule]:
    if style.pulse == "none":
        return []
    begin = frame.left - frame.pulse if style.pulse == "left" else frame.right
    length = PULSE_MS / 1000 * style.mm_per_s
    gains = {strip.cell.row: strip.mm_per_mv for strip in reversed(strips)}
    colours = {strip.cell.row: strip.colour for strip in reversed(strips)}
    corners = np.array([[0, 0], [_LEAD_IN_MM, 0], [_LEAD_IN_MM, -1], [_LEAD_IN_MM + length, -1],
                        [_LEAD_IN_MM + length, 0], [2 * _LEAD_IN_MM + length, 0]], dtype=np.float64)
    return [Rule("pulse", corners * [1.0, gains[row]] + [begin, frame.baseline(row)], style.trace_mm, colours[row], row)
            for row in sorted(gains)]


def _separators(frame: _Frame, strips: tuple[Strip, ...], layout: Layout, style: Style) -> list[Rule]:
    if style.separators == "none":
        return []
    half = frame.row / 4 if style.separators == "bars" else 2.0
    return [Rule("separator", np.array([[x, strip.baseline - half], [x, strip.baseline + half]]), style.trace_mm,
                 style.text_ink, strip.cell.row)
            for strip in strips if strip.cell.column > 0 for x in [strip.region[0]]]


def _frames(frame: _Frame, strips: tuple[Strip, ...], style: Style) -> list[Rule]:
    if style.frame == "none":
        return []
    areas = [strip.region for strip in strips] if style.frame == "cells" else [
        (frame.left - (frame.pulse if style.pulse == "left" else 0.0), frame.top,
         frame.right + (frame.pulse if style.pulse == "right" else 0.0), frame.top + frame.rows * frame.row)]
    return [Rule("separator", np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]), 0.2, style.text_ink)
            for x0, y0, x1, y1 in areas]


def _names(strips: tuple[Strip, ...], frame: _Frame, style: Style) -> list[Words]:
    if style.name_place == "none":
        return []
    size = style.name_mm
    names = []
    for index, strip in enumerate(strips):
        x, y = strip.region[0] + 1.0, strip.baseline
        reach = min(8.0, 0.36 * frame.row)
        if style.name_place == "above":
            y -= reach
        elif style.name_place == "below":
            y += reach + 0.7 * size
        elif style.name_place == "trace":
            y += 0.35 * size
        elif strip.cell.column == 0:
            x = strip.region[0] - 1.0 - extent(strip.cell.lead, style.font, size)[2]
            x -= frame.pulse if style.pulse == "left" else 0.0
            y += 0.35 * size
        else:
            y -= reach
        names.append(Words("lead", strip.cell.lead, x, y, size, style.text_ink, index))
    return names


def _scale(frame: _Frame, style: Style) -> list[Words]:
    """Speed, gain and filter as printed."""
    if style.scale_place == "none":
        return []
    gain = style.gain_words.format(style.mm_per_mv)
    if style.chest_mm_per_mv is not None:
        gain = gain.replace(f"{style.mm_per_mv:g}", f"{style.mm_per_mv:g}/{style.chest_mm_per_mv:g}", 1)
    y = frame.top - 0.35 * style.text_mm if style.scale_place == "top" else (
        min(frame.top + frame.rows * frame.row, frame.height - 1.35 * style.text_mm) + 1.1 * style.text_mm)
    x, words = style.margins_mm[0], []
    for kind, text in (("speed", style.speed_words.format(style.mm_per_s)), ("gain", gain),
                       ("filter", style.filter_words)):
        if text:
            words.append(Words(kind, text, x, y, style.text_mm, style.text_ink))
            x += extent(text, style.font, style.text_mm)[2] + 2.0 * style.text_mm
    return words
