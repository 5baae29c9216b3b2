"""From traces on a sheet to a `Record`: millivolt, seconds, gaps, the limb leads reconciled, and confidences.

Time runs along the whole sheet: second 0 is where the block of strips begins, and in a sequential layout the columns
follow one another on the same clock. Heights are resampled from whole columns (200 a second at 25 mm/s) to 500 Hz by
monotone cubic interpolation (Fritsch and Carlson 1980, doi:10.1137/0717021), which does not overshoot at a QRS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.digitize.sheet import PX_PER_MM
from ecground.digitize.trace import Strip, Trace
from ecground.leads import STANDARD
from ecground.record import StripMap

__all__ = ["FS", "Reading", "assemble", "reconciled", "sampled"]

Floats = NDArray[np.float64]

FS: Final = 500.0
"""Sampling rate of what is read [Hz]."""
_BRIDGED_S: Final = 0.03
"""Longest gap that is filled: where another lead's stroke crosses."""
_CRUMB_S: Final = 0.1
"""Shorter pieces of a line with longer gaps than that on both sides are no part of it."""
_LINE_PX: Final = 0.35
"""Uncertainty of a height on a flat line [px], standard deviation."""
_COLUMN_PX: Final = 0.25
"""Uncertainty across a steep stroke [px]."""
_SIGMAS: Final = 2.5
_FLAT_MV, _TALL_MV = 0.04, 12.0  # ranges that no lead has


@dataclass(frozen=True, slots=True)
class Reading:
    """One strip in seconds and millivolt."""

    place: StripMap
    signal: Floats
    """mV at `FS`, from the record's start; NaN where the strip shows nothing."""
    sigma: Floats
    """Uncertainty of each sample [mV]."""
    confidence: float
    """0..1: how surely the strip's line was followed."""
    row: int
    column: int
    rhythm: bool


def sampled(
    strip: Strip, trace: Trace, *, mm_per_s: float, mm_per_mv: float, origin: float, zero: float, n: int,
) -> Reading | None:
    """A strip's trace on the record's clock; None where it has no ink to speak of.

    Args:
        strip: what is printed there.
        trace: its line.
        mm_per_s: paper speed.
        mm_per_mv: gain.
        origin: x of second 0 [px].
        zero: y of 0 mV [px].
        n: samples of the record.
    """
    from scipy.interpolate import PchipInterpolator

    seen = _without_crumbs(np.isfinite(trace.y), mm_per_s * PX_PER_MM)
    if seen.sum() < 0.2 * seen.size or seen.sum() < 16:
        return None
    upside_down = strip.lead.startswith("-")
    px_per_s = mm_per_s * PX_PER_MM
    px_per_mv = mm_per_mv * PX_PER_MM * (-1.0 if upside_down else 1.0)
    x, y = trace.x[seen].astype(np.float64), trace.y[seen]
    clock = (x - origin) / px_per_s
    grid = np.arange(n) / FS
    inside = (grid >= clock[0] - 0.5 / px_per_s) & (grid <= clock[-1] + 0.5 / px_per_s)
    signal, sigma = np.full(n, np.nan), np.full(n, np.nan)
    at = np.clip(grid[inside], clock[0], clock[-1])
    curve = PchipInterpolator(clock, (zero - y) / px_per_mv)
    signal[inside] = curve(at)
    slope = np.abs(np.gradient(y, x))
    spread = np.sqrt(_LINE_PX**2 + (_COLUMN_PX * slope) ** 2 + (0.3 * trace.misfit[seen]) ** 2)
    sigma[inside] = np.interp(at, clock, spread) / abs(px_per_mv)
    after = np.clip(np.searchsorted(clock, at), 1, clock.size - 1)
    blank = (clock[after] - clock[after - 1] > max(_BRIDGED_S, 2.5 / px_per_s)) & (at > clock[0])
    signal[np.flatnonzero(inside)[blank]] = np.nan
    if not _plausible(signal):
        return None
    place = StripMap(strip.lead.lstrip("-"), float(clock[0]), float(clock[-1]), origin, zero, px_per_s, px_per_mv)
    return Reading(place, signal, sigma, _confidence(trace), strip.row, strip.column, strip.rhythm)


def _without_crumbs(seen: NDArray[np.bool_], px_per_s: float) -> NDArray[np.bool_]:
    """Columns with ink, without short pieces that stand alone: dashes of a frame or pulse beyond the trace's end."""
    kept = seen.copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]]).astype(np.int8)))
    starts, stops = edges[::2], edges[1::2]
    if not starts.size:
        return kept
    before = np.append(np.inf, (starts[1:] - stops[:-1])) / px_per_s
    after = np.append(before[1:], np.inf)
    for start, stop, left, right in zip(starts, stops, before, after, strict=True):
        if (stop - start) / px_per_s < _CRUMB_S and min(left, right) > _BRIDGED_S:
            kept[start:stop] = False
    return kept


def _plausible(signal: Floats) -> bool:
    seen = signal[np.isfinite(signal)]
    return seen.size > 0 and _FLAT_MV < float(np.ptp(seen)) < _TALL_MV


def _confidence(trace: Trace) -> float:
    """Share of the columns with ink, times how surely it is the strip's, times how well the line explains it."""
    seen = np.isfinite(trace.y)
    explained = np.exp(-np.clip(trace.misfit[seen], 0.0, 40.0) / 8.0)
    return float(seen.mean() * trace.certain[seen].mean() * explained.mean())


def assemble(readings: Sequence[Reading], n: int) -> tuple[tuple[str, ...], NDArray[np.float32], dict[str, float]]:
    """Leads in standard order, their signal `[lead, sample]` in mV, and their confidence.

    Where a lead is printed twice the strip over the whole width is taken, and the other fills its gaps.
    """
    names = [name for name in STANDARD if any(one.place.lead == name for one in readings)]
    signal = np.full((len(names), n), np.nan, np.float32)
    confidence: dict[str, float] = {}
    for i, name in enumerate(names):
        mine = sorted((one for one in readings if one.place.lead == name),
                      key=lambda one: (one.rhythm, np.isfinite(one.signal).sum(), one.confidence), reverse=True)
        for one in mine:
            fill = np.isnan(signal[i]) & np.isfinite(one.signal)
            signal[i, fill] = one.signal[fill]
        confidence[name] = mine[0].confidence
    return tuple(names), signal, confidence


def reconciled(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """I, II and III of one column moved so that II = I + III, by their uncertainties, where these allow it.

    Einthoven's law holds for what the electrodes saw. Where the three lines miss it by more than they are uncertain,
    nothing is moved: pages exist that scale each lead by itself.
    """
    done = list(readings)
    for column in {one.column for one in readings}:
        where = {one.place.lead: k for k, one in enumerate(readings)
                 if one.column == column and not one.rhythm and one.place.lead in ("I", "II", "III")}
        if len(where) == 3:
            parts = [readings[where[name]] for name in ("I", "II", "III")]
            for name, signal in zip(("I", "II", "III"), _einthoven(parts), strict=True):
                done[where[name]] = replace(done[where[name]], signal=signal)
    return tuple(done)


def _einthoven(parts: Sequence[Reading]) -> list[Floats]:
    one, two, three = (part.signal for part in parts)
    variance = [part.sigma**2 for part in parts]
    residual = one + three - two
    both = np.isfinite(residual)
    if both.sum() < 0.5 * FS:
        return [one, two, three]
    total = variance[0] + variance[1] + variance[2]
    level = float(np.median(residual[both]))
    free = residual - level
    ratio = float(np.sqrt(np.mean(free[both] ** 2 / total[both])))
    if ratio > _SIGMAS:
        return [one, two, three]
    share = np.where(both & (np.abs(free) < 2 * _SIGMAS * np.sqrt(total)), free / total, 0.0)
    return [one - share * variance[0], two + share * variance[1], three - share * variance[2]]
