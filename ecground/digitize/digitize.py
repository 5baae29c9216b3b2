"""The verb `digitize`: a picture of an ECG in, a `Record` with confidences out, or the step that failed and why.

The way, one step a file: `load` the picture, find the `page` and flatten it by its `grid`, `segment` traces, names and
notes, decide the `layout`, read the `calibration`, follow each `trace`, and `assemble` the record. What one step finds
doubtful becomes a `Problem`, and the result is what the others could still read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ecground.digitize.assemble import FS, Reading, assemble, reconciled, sampled
from ecground.digitize.calibration import Calibration, calibrate
from ecground.digitize.columns import likeness, same_seconds, train
from ecground.digitize.layout import Arrangement, arrange
from ecground.digitize.segment import Segmentation
from ecground.digitize.sheet import PX_PER_MM, Problem, Sheet
from ecground.digitize.trace import Strip, Trace, follow
from ecground.errors import RefusedError
from ecground.paper.layout import Layout, layouts
from ecground.paper.layout import layout as layout_named
from ecground.paper.page import Page
from ecground.record import PixelMap, Provenance, Record

__all__ = ["Digitized", "LeadReading", "Region", "digitize", "read_page", "read_sheet"]

Points = NDArray[np.float64]

_UPRIGHT: Final = 1.0
"""A page with less than this many names, weighted by their scores, may be turned."""
_BAR: Final = 4
"""Half the width of what a separator may cover [px]."""
_READ: Final = 0.5
"""Confidence from which a lead counts as read."""
_WITHHELD: Final = 0.15
"""A lead below this confidence is not given at all."""
_TALLEST_MV: Final = 5.0
"""A lead with a larger range is doubted."""


@dataclass(frozen=True, slots=True)
class LeadReading:
    """How one lead was read."""

    confidence: float
    """0..1"""
    start_s: float
    """First second of the record that is printed of it."""
    seconds: float
    """How much is printed of it."""


@dataclass(frozen=True, slots=True)
class Region:
    """A strip on the picture."""

    lead: str
    """As printed: a standard name or `-aVR`."""
    quad: Points
    """Corners `[4, (x, y)]` px of the picture: top left, top right, bottom right, bottom left of the paper."""
    confidence: float


@dataclass(frozen=True, slots=True)
class Digitized:
    """What was read from one page."""

    status: Literal["read", "partial", "refused"]
    record: Record | None
    """None when nothing could be read. `provenance.pixels` maps it to the picture."""
    layout: str | None
    """Name of the layout; None when unknown."""
    px_per_mm: tuple[float, float] | None
    """Scale of the picture along the paper's x and y, at its middle."""
    leads: Mapping[str, LeadReading]
    problems: tuple[Problem, ...]
    regions: tuple[Region, ...] = ()


def digitize(
    source: str | Path | bytes, *, layout: str | Layout | None = None, dpi: float | None = None,
    speed: float | None = None, gain: float | None = None, page: int = 0,
) -> Digitized:
    """Read the ECG on a picture.

    Args:
        source: path or content of a PNG, JPEG, TIFF, WebP, HEIC or PDF file.
        layout: the layout or its name, when it is known.
        dpi: resolution [px per inch], for pages without a grid.
        speed: paper speed [mm/s], when it is known.
        gain: amplitude scale [mm/mV], when it is known.
        page: which page of the file, from 0.

    Returns:
        `refused` with the reason where nothing could be read: a picture of something else is no error.

    Raises:
        InputError: the file cannot be opened or is no picture.
        UsageError: no such layout or page, or a value out of range.
    """
    from ecground.digitize.load import load

    plan = layout_named(layout) if isinstance(layout, str) else layout
    return read_page(load(source, page=page, dpi=dpi), layout=plan, dpi=dpi, speed=speed, gain=gain)


def read_page(
    picture: Page, *, layout: Layout | None = None, dpi: float | None = None, speed: float | None = None,
    gain: float | None = None,
) -> Digitized:
    """Read an image that is in memory; arguments as in `digitize`."""
    from ecground.digitize.page import rectify, turned
    from ecground.digitize.segment import segment

    try:
        sheet = rectify(picture, dpi=dpi)
    except RefusedError as error:
        return _refused((Problem(error.where or "page", error.what, error.hint),))
    seen = segment(sheet)
    if _support(seen) < _UPRIGHT and layout is None:
        # A page on its side or its head: the network reads names upright only.
        options = [(sheet, seen)] + [(turn, segment(turn)) for turn in (turned(sheet, k) for k in (1, 2, 3))]
        sheet, seen = max(options, key=lambda option: _support(option[1]))
    return read_sheet(sheet, seen, layout=layout, speed=speed, gain=gain)


def _support(seen: Segmentation) -> float:
    return sum(hit.score for hit in seen.names)


def read_sheet(
    sheet: Sheet, seen: Segmentation, *, layout: Layout | None = None, speed: float | None = None,
    gain: float | None = None,
) -> Digitized:
    """Everything after segmentation; arguments as in `digitize`."""
    arrangement = arrange(seen, layout=layout)
    problems = [*sheet.problems, *arrangement.problems]
    if not arrangement.strips:
        return _refused(tuple(problems))
    zeros = _row_zeros(arrangement)
    scale = calibrate(sheet, seen, zeros, speed=speed, gain=gain)
    problems += scale.problems
    strips = arrangement.strips
    traces = follow(_without_bars(seen, arrangement), seen.height_mm, strips)
    readings, arrangement, more = _on_the_clock(arrangement, traces, scale)
    problems += more
    readings, more = _named(readings, arrangement)
    problems += more
    readings = reconciled(readings)
    return _result(sheet, arrangement, scale, readings, problems)


def _without_bars(seen: Segmentation, arrangement: Arrangement) -> NDArray[np.float32]:
    """The trace map without the separators between columns."""
    trace = seen.trace.copy()
    for bar in arrangement.bars:
        near = slice(max(0, round(bar) - _BAR), round(bar) + _BAR + 1)
        trace[:, near][seen.separator[:, near] > 0.5] = 0.0
    return trace


def _row_zeros(arrangement: Arrangement) -> list[float]:
    rows = max(strip.row for strip in arrangement.strips) + 1
    zeros = [float("nan")] * rows
    for strip in arrangement.strips:
        zeros[strip.row] = strip.zero
    return zeros


def _on_the_clock(
    arrangement: Arrangement, traces: Sequence[Trace], scale: Calibration,
) -> tuple[tuple[Reading, ...], Arrangement, list[Problem]]:
    """The strips as signals; columns one after another unless their beats show the same seconds."""
    strips = arrangement.strips
    px_per_s = scale.mm_per_s * PX_PER_MM
    begin = min(strip.x0 for strip in strips)
    starts = {column: min(s.x0 for s in strips if s.column == column and not s.rhythm)
              for column in {s.column for s in strips if not s.rhythm}}
    starts.setdefault(0, begin)
    n = int(np.ceil((max(strip.x1 for strip in strips) - begin) / px_per_s * FS)) + 2

    def read(together: bool) -> tuple[Reading, ...]:
        found = []
        for strip, trace in zip(strips, traces, strict=True):
            foot = scale.feet[strip.row]
            one = sampled(
                strip, trace, mm_per_s=scale.mm_per_s, mm_per_mv=scale.mm_per_mv[strip.row] or 10.0, n=n,
                origin=starts[strip.column] if together and not strip.rhythm else begin,
                zero=strip.zero if foot is None else foot)
            if one is not None:
                found.append(one)
        return tuple(found)

    together = read(True)
    same = _same_seconds(together, len(starts))
    plan = arrangement.layout
    if plan is None or len(plan.columns) < 2:
        return read(False), arrangement, []
    if same and plan.sequential and _twin(plan) not in layouts():
        # No page is known that shows this layout's columns together; a regular rhythm may be in step by chance.
        same = None
    problems = []
    if same is None:
        problems.append(Problem("layout", "the beats do not tell whether the columns show the same seconds; they are "
                                "taken as following one another", "name the layout with --layout"))
    if bool(same) == plan.sequential:
        arrangement = replace(arrangement, layout=_twin(plan))
    return (together if same else read(False)), arrangement, problems


def _twin(plan: Layout) -> Layout:
    """The layout with the same strips whose columns run the other way in time."""
    other = replace(plan, name=f"{plan.name}-simultaneous" if plan.sequential else plan.name,
                    sequential=not plan.sequential)
    for known in layouts():
        if (known.columns, known.rhythm, known.sequential) == (other.columns, other.rhythm, other.sequential):
            return known
    return other


def _same_seconds(readings: Sequence[Reading], columns: int) -> bool | None:
    """Whether the columns show the same seconds, by the beats of readings that each start at 0."""
    trains = []
    for column in range(columns):
        parts = [train(one.signal, FS) for one in readings if one.column == column and not one.rhythm]
        if not parts:
            return None
        with np.errstate(all="ignore"):
            seen = np.isfinite(parts).any(axis=0)
            total = np.where(seen, np.nansum(parts, axis=0), np.nan)
        trains.append(total[:int(np.flatnonzero(seen)[-1]) + 1])
    wide = [train(one.signal, FS) for one in readings if one.rhythm]
    return same_seconds(trains, wide[0] if wide else None, FS)


def _named(readings: Sequence[Reading], arrangement: Arrangement) -> tuple[tuple[Reading, ...], list[Problem]]:
    """The lead of strips over the whole width: the one they run along with where no name, or a wrong one, was read."""
    nameless = {strip.row for k, strip in enumerate(arrangement.strips) if strip.rhythm and k in arrangement.unnamed}
    problems: list[Problem] = []
    done = []
    for one in readings:
        if one.rhythm:
            like = {other.place.lead: likeness(one.signal, other.signal) for other in readings if not other.rhythm}
            known = {lead: value for lead, value in like.items() if np.isfinite(value)}
            best = max(known, key=lambda lead: known[lead], default=None)
            own = known.get(one.place.lead, 0.0)
            doubt = 0.05 if one.row in nameless else 0.3
            if best is not None and known[best] > max(0.85, own + doubt):
                one = replace(one, place=replace(one.place, lead=best))
            elif one.row in nameless and own < 0.6:
                problems.append(Problem("layout", f"the lead of the strip in row {one.row + 1} is not printed; it is "
                                        f"taken as {one.place.lead}", "check it on the overlay"))
                one = replace(one, confidence=one.confidence * 0.5)
        done.append(one)
    return tuple(done), problems


def _result(
    sheet: Sheet, arrangement: Arrangement, scale: Calibration, readings: Sequence[Reading], problems: list[Problem],
) -> Digitized:
    trust = scale.confidence * (0.5 + 0.5 * sheet.confidence) * (0.4 + 0.6 * arrangement.confidence)
    sure = [replace(one, confidence=one.confidence * trust * _believable(one)) for one in readings]
    kept = [one for one in sure if one.confidence >= _WITHHELD]
    n = max((int(np.flatnonzero(np.isfinite(one.signal))[-1]) + 1 for one in kept), default=0)
    if not kept:
        problems.append(Problem("trace", "no lead could be followed", "scan the page, or photograph it nearer, from "
                                "straight above and in even light"))
        return _refused(tuple(problems))
    leads, signal, confidence = assemble([replace(one, signal=one.signal[:n]) for one in kept], n)
    wanted = {strip.lead.lstrip("-") for strip in arrangement.strips}
    weak = sorted((wanted - set(leads)) | {lead for lead in leads if confidence[lead] < _READ})
    if weak:
        problems.append(Problem("trace", f"not surely read: {', '.join(weak)}",
                                "compare them with the overlay, or retake the picture"))
    # Where a lead is printed twice, the record holds the strip over the whole width.
    places = tuple(one.place for one in sorted(kept, key=lambda one: not one.rhythm))
    pixels = PixelMap(places, sheet.warp.to, sheet.warp.step)
    calibrated = scale.gain_from != "unknown"
    record = Record(signal, FS, leads, provenance=Provenance(
        format="image", lead_origin=dict.fromkeys(leads, "digitized"), confidence=confidence, pixels=pixels,
        gain={one.place.lead: f"{abs(one.place.px_per_mv) / PX_PER_MM:g} mm/mV ({scale.gain_from})" for one in kept},
        notes=(f"digitized at {scale.mm_per_s:g} mm/s ({scale.speed_from})",
               *(f"{problem.step}: {problem.what}" for problem in problems)), calibrated=calibrated))
    status: Literal["read", "partial"] = "partial" if weak or arrangement.layout is None else "read"
    return Digitized(
        status, record, arrangement.layout.name if arrangement.layout else None, _px_per_mm(sheet),
        {lead: _lead_reading(row, confidence[lead]) for lead, row in zip(leads, signal, strict=True)},
        tuple(problems), _regions(sheet, arrangement.strips, sure))


def _believable(one: Reading) -> float:
    """Less than 1 for a range that hardly any lead has."""
    spread = float(np.nanmax(one.signal) - np.nanmin(one.signal))
    return 1.0 if spread <= _TALLEST_MV else 0.3


def _lead_reading(row: NDArray[np.float32], confidence: float) -> LeadReading:
    seen = np.flatnonzero(np.isfinite(row))
    return LeadReading(round(confidence, 3), float(seen[0]) / FS, float(seen[-1] - seen[0] + 1) / FS)


def _regions(sheet: Sheet, strips: Sequence[Strip], readings: Sequence[Reading]) -> tuple[Region, ...]:
    """Each strip's part of the paper: its width, and half-way to the rows above and below."""
    zeros = np.unique([strip.zero for strip in strips])
    half = float(np.median(np.diff(zeros))) / 2 if zeros.size > 1 else 12.5 * PX_PER_MM
    sure = {(one.row, one.column, one.rhythm): one.confidence for one in readings}
    found = []
    for strip in strips:
        top, bottom = strip.zero - half, strip.zero + half
        corners = np.array([(strip.x0, top), (strip.x1, top), (strip.x1, bottom), (strip.x0, bottom)])
        confidence = sure.get((strip.row, strip.column, strip.rhythm), 0.0)
        found.append(Region(strip.lead, sheet.warp.photo(corners), confidence))
    return tuple(found)


def _px_per_mm(sheet: Sheet) -> tuple[float, float]:
    to = sheet.warp.to
    middle = to.shape[0] // 2, to.shape[1] // 2
    across = np.hypot(*(to[middle[0], -1] - to[middle[0], 0])) / (to.shape[1] - 1)
    down = np.hypot(*(to[-1, middle[1]] - to[0, middle[1]])) / (to.shape[0] - 1)
    return float(across / sheet.warp.step * PX_PER_MM), float(down / sheet.warp.step * PX_PER_MM)


def _refused(problems: tuple[Problem, ...]) -> Digitized:
    return Digitized("refused", None, None, None, {}, problems)
