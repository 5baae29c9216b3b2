"""From the components of a wave to its marks: where it can be seen to begin, peak and end, in each lead and jointly.

A wave is present in a lead when its own component, without noise or other waves, passes a visibility threshold. It
begins and ends where the component leaves and returns to a lower one (a fixed number of microvolt or a share of the
wave's peak in that lead, whichever is larger: the eye, like the tangent method, sets the foot of a tall wave higher).
Joint bounds follow `signal.assemble.joint_bounds`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ecground.signal.assemble import joint_bounds
from ecground.simulate.beat import Windows

__all__ = ["FOOT_MV", "POINTS", "SEEN_MV", "SHARE", "Kind", "Wave", "visible"]

Kind = Literal["p", "qrs", "t"]
SEEN_MV: Final = {"p": 0.020, "qrs": 0.030, "t": 0.025}
"""Peak from which a wave is present in a lead [mV]."""
FOOT_MV: Final = {"p": 0.010, "qrs": 0.014, "t": 0.012}
"""Least level at which a wave begins and ends [mV]."""
SHARE: Final = {"p": (0.12, 0.12), "qrs": (0.015, 0.015), "t": (0.18, 0.08)}
"""Levels at which a wave begins and ends, as shares of its peak in the lead: T rises slowly out of the ST segment."""
POINTS: Final = ("q", "r_peak", "s", "r2", "s2")
"""Peaks within a QRS, in the order of `Wave.points`."""
_I, _AVF = 0, 5  # rows of the twelve standard leads

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Wave:
    """All events of one wave, uncut: positions [samples] may lie outside the record, and between samples."""

    on: Array
    """`[event, lead]`; NaN = not visible in that lead."""
    peak: Array
    """`[event, lead]`; of a QRS NaN, see `points`."""
    off: Array
    """`[event, lead]`."""
    peak2: Array
    """`[event, lead]`, opposite phase of a biphasic wave; NaN = none."""
    joint: Array
    """`[event, 3]` onset, peak, offset over all leads."""
    points: Array
    """`[event, lead, 5]` Q, R, S, R', S' of a QRS; NaN = none."""
    high: Array
    """`[event, lead]` largest value [mV]."""
    low: Array
    """`[event, lead]` smallest value [mV]."""
    axis: Array
    """`[event]` frontal axis of the net areas in I and aVF [deg]."""

    @classmethod
    def blank(cls, n: int, *, leads: int = 12) -> Wave:
        """`n` events not yet filled in."""
        on, peak, off, peak2, high, low = np.full((6, n, leads), np.nan)
        return cls(on, peak, off, peak2, np.full((n, 3), np.nan), np.full((n, leads, len(POINTS)), np.nan), high, low,
                   np.full(n, np.nan))

    def fill(self, part: Windows, kind: Kind, step: int) -> None:
        """Writes the marks of some events, whose windows hold every `step`-th sample."""
        wave, at = part.wave, part.event
        top, bottom = wave.argmax(axis=2), wave.argmin(axis=2)
        row = np.arange(0, wave.size, wave.shape[2]).reshape(top.shape)
        high, low = wave.reshape(-1)[row + top], wave.reshape(-1)[row + bottom]
        self.high[at], self.low[at] = high, low
        size = np.abs(wave)
        largest, smaller = np.maximum(high, -low), np.minimum(high, -low)
        on, off = visible(size, largest, kind)
        up, seen = high >= -low, np.isfinite(on)
        shift = part.start[:, None].astype(np.float64)
        self.on[at], self.off[at] = (on + shift) * step, (off + shift) * step
        first, last = joint_bounds(on.T, off.T)
        if kind == "qrs":
            self.points[at] = (_points(wave, size, largest, seen) + shift[:, :, None]) * step
        else:
            second = seen & (smaller > np.maximum(SEEN_MV[kind], 0.15 * largest))
            for column, here, place in ((self.peak, seen, np.where(up, top, bottom)),
                                        (self.peak2, second, np.where(up, bottom, top))):
                event, lead = np.nonzero(here)
                column[at[event], lead] = (_vertex(size, row[here], place[here]) + shift[event, 0]) * step
        area = wave[:, [_I, _AVF]].sum(axis=2)
        self.axis[at] = np.degrees(np.arctan2(2 / np.sqrt(3) * area[:, 1], area[:, 0]))
        size *= size
        power = size.sum(axis=1)
        centre = _vertex(power, np.arange(0, power.size, power.shape[1]), power.argmax(axis=1))
        self.joint[at] = (np.stack([first, np.where(np.isfinite(first), centre, np.nan), last], axis=1) + shift) * step

    def events(self, chosen: slice | NDArray[np.intp]) -> Wave:
        """Some of the events."""
        return Wave(self.on[chosen], self.peak[chosen], self.off[chosen], self.peak2[chosen], self.joint[chosen],
                    self.points[chosen], self.high[chosen], self.low[chosen], self.axis[chosen])

    def clipped(self, gone: NDArray[np.bool_], cut_on: Array, cut_off: Array, least: float) -> Wave:
        """The wave limited to `cut_on..cut_off` `[event]`; leads left with less than `least` samples are empty."""
        on, off = np.fmax(self.on, cut_on[:, None]), np.fmin(self.off, cut_off[:, None])
        lost = gone[:, None] | (off - on < least) | (self.peak < on) | (self.peak > off)
        second = np.where((self.peak2 > on) & (self.peak2 < off), self.peak2, np.nan)
        joint = np.stack([np.fmax(self.joint[:, 0], cut_on), self.joint[:, 1], np.fmin(self.joint[:, 2], cut_off)],
                         axis=1)
        short = gone | (joint[:, 1] <= joint[:, 0]) | (joint[:, 1] >= joint[:, 2])
        lost |= short[:, None]
        nan = np.nan
        return Wave(np.where(lost, nan, on), np.where(lost, nan, self.peak), np.where(lost, nan, off),
                    np.where(lost, nan, second), np.where(short[:, None], nan, joint), self.points, self.high, self.low,
                    self.axis)


def visible(size: NDArray[np.float32], largest: NDArray[np.float32], kind: Kind) -> tuple[Array, Array]:
    """Where sizes |mV| `[event, lead, sample]` rise above and fall below the level, `[event, lead]`; NaN = absent.

    Between samples the size is taken as straight.
    """
    n, line = size.shape[2], size.reshape(-1)
    seen = largest > SEEN_MV[kind]
    early, late = (np.maximum(np.float32(share) * largest, np.float32(FOOT_MV[kind])) for share in SHARE[kind])
    begins = size > early[:, :, None]
    ends = begins if SHARE[kind][0] == SHARE[kind][1] else size > late[:, :, None]
    row = np.arange(0, size.size, n).reshape(largest.shape)
    first, last = begins.argmax(axis=2), n - 1 - ends[:, :, ::-1].argmax(axis=2)
    on = first - _beyond(line[row + first], line[row + np.maximum(first - 1, 0)], early)
    off = last + _beyond(line[row + last], line[row + np.minimum(last + 1, n - 1)], late)
    return np.where(seen, on, np.nan), np.where(seen, off, np.nan)


def _beyond(inside: NDArray[np.float32], outside: NDArray[np.float32], level: NDArray[np.float32]) -> Array:
    """Share of a sample between the last value above the level and the crossing; 0 at the window's edge."""
    fall = inside.astype(np.float64) - outside
    return np.where(fall > 0, (inside - level) / np.where(fall > 0, fall, 1.0), 0.0)


def _vertex(size: NDArray[np.float32], row: NDArray[np.intp], place: NDArray[np.intp]) -> Array:
    """Maximum of the parabola through the samples around `place`, counted from `row`, the first sample of each."""
    line, n = size.reshape(-1), size.shape[-1]
    here = row + np.clip(place, 1, n - 2)
    before, at, after = (line[here + k].astype(np.float64) for k in (-1, 0, 1))
    bend = before - 2 * at + after
    inner = (bend < 0) & (place > 0) & (place < n - 1)
    shift = np.clip((before - after) / np.where(inner, 2 * bend, 1.0), -0.5, 0.5)
    return np.asarray(place + np.where(inner, shift, 0.0), dtype=np.float64)


def _points(wave: NDArray[np.float32], size: NDArray[np.float32], largest: NDArray[np.float32],
            seen: NDArray[np.bool_]) -> Array:
    """Q, R, S, R', S' `[event, lead, 5]` as samples of the window, NaN = none.

    Deflections are stretches of one sign beyond 25 uV or 3 % of the largest deflection; the first positive one is R, a
    negative one before it Q, after it S, then R' and S'. A QRS without positive deflection (QS) has its point in S.
    """
    n_events, n_leads, n = wave.shape
    total = n_events * n_leads
    out = np.full((total, len(POINTS)), np.nan)
    level = np.where(seen, np.maximum(np.float32(0.025), np.float32(0.03) * largest), np.float32(np.inf))
    flat = np.flatnonzero(size > level[:, :, None])
    if len(flat):
        signed = wave.reshape(-1)[flat]
        row, positive = flat // n, signed > 0
        value = np.abs(signed)
        new = np.empty(len(flat), dtype=np.bool_)
        new[0] = True
        np.logical_or(row[1:] != row[:-1], positive[1:] != positive[:-1], out=new[1:])
        start = np.flatnonzero(new)
        best = np.maximum.reduceat(value, start)
        length = np.diff(start, append=len(flat))
        hit = np.flatnonzero(value == np.repeat(best, length))
        first = hit[np.searchsorted(hit, start)]
        of, positive = row[start], positive[start]
        head = np.searchsorted(of, of)
        order = np.arange(len(start)) - head  # number of the deflection within its lead
        first_up = np.where(positive[head], 0, 1)  # signs alternate: the first up is number 0 or 1
        has_up = np.bincount(of, weights=positive, minlength=total)[of] > 0
        rank = np.where(has_up, order - first_up, 1) + 1
        kept = rank < len(POINTS)
        out[of[kept], rank[kept]] = (flat[first] % n)[kept]
    return out.reshape(n_events, n_leads, len(POINTS))
