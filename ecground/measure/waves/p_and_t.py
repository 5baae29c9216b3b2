"""P wave, PR segment, ST segment, T and U wave of many beats and leads at once.

Contract: `measure_p`, `measure_st` and `measure_t` give name in LEAD_MEASURES -> float32 `[lead, row]`, mV, ms, uV ms;
NaN = no such wave or nothing seen. P is measured from the line between its onset and its offset (the earlier and the
later of the lead's own and the joint bounds), ST and T from the level just before QRS onset. Where the delineator sees
a wave over all leads jointly but not in one lead, the joint bounds are used in that lead: how flat a wave is must be
measurable too.

ST levels are at the joint QRS offset (J) and 20, 40, 60, 80 ms later, each the mean of +-4 ms (AHA/ACCF/HRS 2009 VI).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.measure.robust import nan_median
from ecground.measure.waves.windows import Windows
from ecground.signal.beats import MARKS

__all__ = ["measure_p", "measure_st", "measure_t", "measure_u", "p_reach", "smooth", "wave_bounds"]

_LEAST_U_MV: Final = 0.05
_ST_MS: Final = (("j_amp", 0), ("st20", 20), ("st40", 40), ("st60", 60), ("st80", 80))
_SMOOTH_S: Final = 0.020
_P_FOOT_S: Final = 0.008
"""The line under P begins and ends this far beyond its bounds, where a steep wave has surely returned."""

Array = NDArray[np.float32]


def measure_p(w: Windows) -> dict[str, Array]:
    """P and PR-segment measures `[lead, row]`."""
    hi = w.zero + w.samples(0.12)
    y = smooth(w.y[:, :, :hi], w.samples(_SMOOTH_S))
    on, off = wave_bounds(w, "p_on", "p_off")
    first, last = p_reach(w)
    t = np.arange(hi, dtype=np.float32)
    start, stop = _at(y, first), _at(y, last)
    width = np.maximum(last - first, 1.0)
    y = y - start[..., None] - ((stop - start) / width)[..., None] * (t - first[..., None])
    inside = (t >= first[..., None]) & (t <= last[..., None]) & np.isfinite(y)
    y = np.where(inside, y, np.float32(0.0))
    seen = inside.any(axis=2)
    ms = 1000.0 / w.rate
    main, second = _phases(y)
    duration, depth = _terminal(y, ((first + last) / 2).astype(np.float32))
    out = {
        "p_amp": main, "p_amp2": second, "p_dur": (off - on) * ms, "p_area": y.sum(axis=2) * ms * 1000.0,
        "p_initial_amp": y.max(axis=2), "p_terminal_uvms": depth * 1000.0 * duration * ms,
    }
    out = {name: np.where(seen, value, np.nan).astype(np.float32) for name, value in out.items()}
    lead_on = w.marks[:, :, MARKS.index("qrs_on")]
    qrs_on = np.where(np.isfinite(lead_on), lead_on, w.joint[:, MARKS.index("qrs_on")])
    own_p_on = w.marks[:, :, MARKS.index("p_on")]
    out["pr_ms"] = ((qrs_on - own_p_on) * ms).astype(np.float32)
    out["pr_segment_amp"] = _segment_level(w, on, off)
    return out


def measure_st(w: Windows) -> dict[str, Array]:
    """J, ST levels, slope from J to J + 80 ms and duration of the ST segment `[lead, row]`."""
    j = w.joint[:, MARKS.index("qrs_off")]
    half = max(1, round(0.004 * w.rate))
    out = {}
    for name, after in _ST_MS:
        centre = j + after * w.rate / 1000.0
        index = np.rint(np.nan_to_num(centre, nan=-1e6)).astype(np.int64)[:, None] + np.arange(-half, half + 1)
        ok = (index >= 0) & (index < w.y.shape[2])
        values = np.take_along_axis(w.y, np.where(ok, index, 0)[None], axis=2)
        out[name] = np.where(ok.all(axis=1), values.mean(axis=2), np.nan).astype(np.float32)
    out["st_slope"] = ((out["st80"] - out["j_amp"]) / np.float32(0.080)).astype(np.float32)
    t_on, _ = wave_bounds(w, "t_on", "t_off")
    out["st_dur"] = ((t_on - j) * 1000.0 / w.rate).astype(np.float32)
    return out


def measure_t(w: Windows) -> dict[str, Array]:
    """T-wave, QT and JT measures `[lead, row]`."""
    lo = w.zero
    y = smooth(w.y[:, :, lo:], w.samples(_SMOOTH_S))
    on, off = (mark - lo for mark in wave_bounds(w, "t_on", "t_off"))
    t = np.arange(y.shape[2], dtype=np.float32)
    inside = (t >= on[..., None]) & (t <= off[..., None]) & np.isfinite(y)
    y = np.where(inside, y, np.float32(0.0))
    seen = inside.any(axis=2)
    ms = 1000.0 / w.rate
    main, second = _phases(y)
    peak = np.abs(np.where(np.sign(y) == np.sign(main)[..., None], y, 0.0)).argmax(axis=2)
    out = {
        "t_amp": main, "t_amp2": second, "t_dur": (off - on) * ms, "t_sym": (peak - on) / np.maximum(off - on, 1.0),
        "t_area": y.sum(axis=2) * ms * 1000.0,
    }
    out = {name: np.where(seen, value, np.nan).astype(np.float32) for name, value in out.items()}
    own = w.marks
    begin, end = own[:, :, MARKS.index("qrs_on")], own[:, :, MARKS.index("t_off")]
    out["qt_ms"] = ((end - begin) * ms).astype(np.float32)
    out["jt_ms"] = ((end - own[:, :, MARKS.index("qrs_off")]) * ms).astype(np.float32)
    return out


def measure_u(w: Windows, next_p_s: float) -> Array:
    """U amplitude `[lead, row]` mV: largest deviation from the line between T offset and the next P wave.

    `next_p_s` is how long after the reference point the next P (or QRS) begins [s]. NaN where less than 160 ms lie
    between T offset and that point, or the deviation is under 0.05 mV.
    """
    _, off = wave_bounds(w, "t_on", "t_off")
    start = off + 0.02 * w.rate
    stop = np.minimum(w.zero + (next_p_s - 0.02) * w.rate, start + 0.28 * w.rate)
    stop = np.minimum(stop, w.y.shape[2] - 1.0)
    y = smooth(w.y, w.samples(2 * _SMOOTH_S))
    t = np.arange(y.shape[2], dtype=np.float32)
    first, last = _at(y, start), _at(y, stop)
    line = first[..., None] + ((last - first) / np.maximum(stop - start, 1.0))[..., None] * (t - start[..., None])
    inside = (t >= start[..., None]) & (t <= stop[..., None])
    main, _ = _phases(np.where(inside, np.nan_to_num(y - line), 0.0))
    room = (stop - start) >= 0.16 * w.rate
    return np.where(room & (np.abs(main) >= _LEAST_U_MV), main, np.nan).astype(np.float32)


def wave_bounds(w: Windows, on: str, off: str) -> tuple[Array, Array]:
    """Onset and offset `[lead, row]`: the lead's own, else the joint ones."""
    begin, end = w.marks[:, :, MARKS.index(on)], w.marks[:, :, MARKS.index(off)]
    own = np.isfinite(begin) & np.isfinite(end) & (end > begin)
    return (np.where(own, begin, w.joint[:, MARKS.index(on)]), np.where(own, end, w.joint[:, MARKS.index(off)]))


def p_reach(w: Windows) -> tuple[Array, Array]:
    """First and last grid position `[lead, row]` between which P is measured: the lead's own bounds and the joint ones.

    In V1 the bounds of a biphasic P often leave out half of one phase, when the atria are seen longer in other leads.
    """
    on, off = wave_bounds(w, "p_on", "p_off")
    foot = np.float32(_P_FOOT_S * w.rate)
    first = np.fmin(on, w.joint[:, MARKS.index("p_on")]) - foot
    last = np.fmax(off, w.joint[:, MARKS.index("p_off")]) + foot
    last = np.fmin(last, w.joint[:, MARKS.index("qrs_on")])
    return first, last


def _phases(y: Array) -> tuple[Array, Array]:
    """The larger and the smaller phase, signed; the smaller is 0 when there is none."""
    top, bottom = y.max(axis=2), y.min(axis=2)
    positive = top >= -bottom
    return np.where(positive, top, bottom), np.where(positive, bottom, top)


def _terminal(y: Array, middle: Array) -> tuple[Array, Array]:
    """Duration [grid] and depth [mV, >= 0] of the last negative part of P; both 0 when P ends positive.

    The part after the last sample that is clearly positive (10 % of the wave, or 5 uV), up to the last that is clearly
    negative (5 % of its depth, or 5 uV). It begins at the `middle` of P at the earliest: where P is negative as a
    whole, as under a high V1 electrode, only its second half is the left atrium's.
    """
    t = np.arange(y.shape[2], dtype=np.float32)
    least = np.maximum(0.1 * np.abs(y).max(axis=2), 0.005)[..., None]
    last_positive = np.where(y > least, t, np.float32(-1.0)).max(axis=2)
    negative = (y < 0) & (t > np.maximum(last_positive, middle)[..., None])
    depth = -np.where(negative, y, 0.0).min(axis=2)
    begin = np.where(negative, t, np.float32(y.shape[2])).min(axis=2)
    clear = negative & (y < -np.maximum(0.05 * depth, 0.005)[..., None])
    end = np.where(clear, t, np.float32(-1.0)).max(axis=2)
    real = end >= begin
    none = np.float32(0.0)
    return np.where(real, end - begin + 1, none), np.where(real, depth, none)


def _segment_level(w: Windows, p_on: Array, p_off: Array) -> Array:
    """PR-segment level against the 40 ms that end 10 ms before the P wave `[lead, row]` mV."""
    onset = w.joint[:, MARKS.index("qrs_on")]
    joint_on, joint_off = w.joint[:, MARKS.index("p_on")], w.joint[:, MARKS.index("p_off")]
    segment = _level(w, joint_off + 0.004 * w.rate, onset - 0.004 * w.rate, 0.040)
    quiet = _level(w, joint_on - 0.050 * w.rate, joint_on - 0.010 * w.rate, 0.040)
    return (segment - quiet).astype(np.float32)


def _level(w: Windows, start: Array, stop: Array, seconds: float) -> Array:
    """Median over at most `seconds` that end at `stop` and do not begin before `start`; NaN if under 8 ms."""
    steps = np.arange(-w.samples(seconds), 0)
    index = np.rint(np.nan_to_num(stop, nan=-1e6)).astype(np.int64)[:, None] + steps
    ok = (index >= np.nan_to_num(start, nan=1e9)[:, None]) & (index >= 0) & (index < w.y.shape[2])
    values = np.take_along_axis(w.y, np.where(ok, index, 0)[None], axis=2)
    level = nan_median(np.where(ok, values, np.float32(np.nan)))
    return np.where(ok.sum(axis=1) >= 0.008 * w.rate, level, np.nan).astype(np.float32)


def _at(y: Array, position: Array) -> Array:
    """Values `[lead, row]` at grid positions `[lead, row]`; NaN outside."""
    index = np.rint(np.nan_to_num(position, nan=-1.0)).astype(np.int64)
    ok = (index >= 0) & (index < y.shape[2])
    value = np.take_along_axis(y, np.where(ok, index, 0)[..., None], axis=2)[..., 0]
    return np.where(ok, value, np.nan).astype(np.float32)


def smooth(y: Array, width: int) -> Array:
    """Least-squares parabola over about `width` samples (Savitzky & Golay 1964); the ends are kept as they are.

    Unlike a moving mean it keeps the height of a peak, at the same noise.
    """
    half = width // 2
    if half < 2 or y.shape[2] <= 2 * half:
        return y
    step = np.arange(-half, half + 1)
    weight = (3.0 * (3 * half * half + 3 * half - 1) - 15.0 * step**2) / ((2 * half - 1) * (2 * half + 1)
                                                                         * (2 * half + 3))
    total = np.zeros((*y.shape[:2], y.shape[2] - 2 * half), dtype=np.float32)
    for k in range(2 * half + 1):
        total += np.float32(weight[k]) * y[:, :, k:k + total.shape[2]]
    out = y.copy()
    out[:, :, half:-half] = total
    return out
