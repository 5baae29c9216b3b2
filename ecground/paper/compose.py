"""Record + layout + style -> `Drawing`: which ink lies where on the sheet, in millimetres."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.errors import NoSignalError, UsageError
from ecground.leads import derive
from ecground.paper.drawing import Drawing, Grid, Rule, Strip
from ecground.paper.frame import LEAD_IN_MM, PULSE_MS, Frame, place
from ecground.paper.header import Facts
from ecground.paper.layout import Cell, Layout
from ecground.paper.lettering import box_round, header, header_lines, names, scale
from ecground.paper.style import Style
from ecground.record import Record

__all__ = ["compose"]

_MOST_STRIPS: Final = 16


def compose(record: Record, layout: Layout, style: Style, *, start_s: float = 0.0, facts: Facts | None = None,
            ) -> Drawing:
    """The page that shows `record` from `start_s` on, with `facts` in its header.

    Leads that the record lacks and that do not follow from others leave their place empty. NoSignalError when no lead
    of the layout is there, UsageError when the page has no room.
    """
    if not 0 <= start_s < record.seconds:
        raise UsageError(f"the record has no second {start_s:g}", where="start_s",
                         hint=f"it is {record.seconds:g} s long")
    frame = place(layout, style, seconds=record.seconds - start_s, header_lines=header_lines(facts, style))
    signals = _signals(record, layout)
    cells = [cell for cell in layout.cells(frame.seconds) if cell.lead in signals]
    if not cells:
        raise NoSignalError(f"the record has no lead of the layout {layout.name}", where="layout",
                            hint=f"it has: {' '.join(record.leads)}")
    if len(cells) > _MOST_STRIPS:
        raise UsageError(f"{len(cells)} strips on a page", where="layout", hint=f"the masks hold {_MOST_STRIPS}")
    columns = len(layout.columns)
    strips = tuple(_strip(signals[cell.lead], record.fs, cell, style.inks[i % len(style.inks)], frame, style,
                          share=0.0 if cell.rhythm else cell.column / columns, start_s=start_s)
                   for i, cell in enumerate(cells))
    if min(len(strip.trace) for strip in strips) < 2:
        raise UsageError(f"{frame.seconds:g} s hold fewer than two samples a strip", where="seconds",
                         hint="print more seconds or fewer columns")
    labels = names(strips, frame, style)
    boxes = [box_round(label, style) for label in labels] if style.name_box else []
    return Drawing(
        width=frame.width, height=frame.height, layout=layout.name, fs=record.fs, style=style,
        grid=_grid(frame, style), strips=strips,
        rules=(*_pulses(frame, strips, style), *_separators(frame, strips, style), *_frames(frame, strips, style),
               *boxes),
        words=(*labels, *scale(frame, style), *header(facts, frame, style)),
    )


def _signals(record: Record, layout: Layout) -> dict[str, NDArray[np.float32]]:
    """Millivolt of every lead that the layout shows and the record has."""
    known = dict(zip(record.leads, record.signal, strict=True))
    known |= {name: signal for name, (signal, _) in derive(known).items()}
    wanted = {name for column in (*layout.columns, layout.rhythm) for name in column}
    plain = {name: known[name] for name in wanted if name in known}
    return plain | {f"-{name}": -known[name] for name in known if f"-{name}" in wanted}


def _strip(signal: NDArray[np.float32], fs: float, cell: Cell, colour: tuple[int, int, int], frame: Frame,
           style: Style, *, share: float, start_s: float) -> Strip:
    """A strip that begins `share` of the width from the left."""
    # A hair less than a sample's time, so that 2.5 s at 500 Hz begin at sample 1250 whatever the rounding.
    first, last = (int(np.ceil((start_s + s) * fs - 1e-6)) for s in (cell.start_s, cell.stop_s))
    last = min(last, len(signal))
    left = frame.left + share * frame.seconds * style.mm_per_s
    x = left + (np.arange(first, last) / fs - start_s - cell.start_s) * style.mm_per_s
    baseline, gain = frame.baseline(cell.row), style.gain(cell.lead)
    up = signal[first:last].astype(np.float64) * gain
    if style.clip_mm is not None:
        up = np.clip(up, -style.clip_mm, style.clip_mm)
    region = (left, baseline - frame.row / 2, left + (cell.stop_s - cell.start_s) * style.mm_per_s,
              baseline + frame.row / 2)
    return Strip(cell, first, np.stack([x, baseline - up], axis=-1), region, baseline, gain, colour)


def _grid(frame: Frame, style: Style) -> Grid:
    x0, y0, x1, y1 = frame.block
    inside = (max(0.0, x0), max(0.0, y0), min(frame.width, x1), min(frame.height, y1))
    area = inside if style.grid_area == "block" else (0.0, 0.0, frame.width, frame.height)
    return Grid(area, (frame.left + style.grid_offset_mm[0], frame.baseline(0) + style.grid_offset_mm[1]))


def _pulses(frame: Frame, strips: tuple[Strip, ...], style: Style) -> list[Rule]:
    """One calibration pulse a row, in the gain of the strip beside it."""
    if style.pulse == "none":
        return []
    begin = frame.block[0] if style.pulse == "left" else frame.right
    length = PULSE_MS / 1000 * style.mm_per_s
    beside = {strip.cell.row: strip for strip in (reversed(strips) if style.pulse == "left" else strips)}
    corners = np.array([[0, 0], [LEAD_IN_MM, 0], [LEAD_IN_MM, -1], [LEAD_IN_MM + length, -1],
                        [LEAD_IN_MM + length, 0], [2 * LEAD_IN_MM + length, 0]], dtype=np.float64)
    return [Rule("pulse", corners * [1.0, strip.mm_per_mv] + [begin, strip.baseline], style.trace_mm, strip.colour, row)
            for row, strip in sorted(beside.items())]


def _separators(frame: Frame, strips: tuple[Strip, ...], style: Style) -> list[Rule]:
    if style.separators == "none":
        return []
    half = frame.row / 4 if style.separators == "bars" else 2.0
    return [Rule("separator", np.array([[x, strip.baseline - half], [x, strip.baseline + half]]), style.trace_mm,
                 style.text_ink, strip.cell.row)
            for strip in strips if strip.cell.column > 0 for x in [strip.region[0]]]


def _frames(frame: Frame, strips: tuple[Strip, ...], style: Style) -> list[Rule]:
    if style.frame == "none":
        return []
    areas = [strip.region for strip in strips] if style.frame == "cells" else [frame.block]
    return [Rule("separator", np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]), 0.2, style.text_ink)
            for x0, y0, x1, y1 in areas]
