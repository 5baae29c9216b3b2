"""Forms of the waves of the median beat, in words, and what shapes the QRS complex: notches and the delta wave.

Contract: `forms(median, of_median)` gives one word a lead for `p_morph`, `qrs_form`, `st_shape`, `t_morph`;
`qrs_details(median)` gives `notch_n` and `delta_ms` `[lead]`. `median` has one row (MedianBuilder.build).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.measure.waves.p_and_t import p_reach, smooth, wave_bounds
from ecground.measure.waves.windows import Windows
from ecground.signal.beats import MARKS

__all__ = ["ST_LEVEL_MV_S", "form_letters", "forms", "p_form", "qrs_details", "st_form", "st_slope_word", "t_form"]

P_SECOND_MV: Final = 0.02
"""Second phases of P below this do not count (CSE: 20 uV)."""
T_FLAT_MV: Final = 0.05
"""T waves within +-0.05 mV are flat (half a millimetre on paper)."""
_SECOND_SHARE: Final = 0.20
"""A second phase must have at least this share of the first."""
ST_LEVEL_MV_S: Final = 0.625
"""ST is level when it changes by less than this: half a millimetre (0.05 mV) over the 80 ms after J."""
_BEND_MV: Final = 0.03
"""ST is concave or convex when it leaves the chord from J to T peak by more than this (and by 10 % of its rise)."""
_NOTCH_MV: Final = 0.04
_LEFT_MV: Final = 0.02
_DELTA_LEAST_MS: Final = 24.0
"""A slow start of the QRS counts as a delta wave from this duration on (a normal upstroke is steep within 20 ms)."""

Array = NDArray[np.float32]


def forms(median: Windows, of_median: Mapping[str, Array]) -> dict[str, tuple[str, ...]]:
    """`p_morph`, `qrs_form`, `st_shape` and `t_morph`, each one word a lead; `absent` where there is no wave."""
    leads = range(median.y.shape[0])
    waves = [of_median[f"{name}_amp"] for name in ("q", "r", "s", "r2", "s2")]
    out = {"qrs_form": tuple(form_letters(*(float(wave[k]) for wave in waves)) or "none" for k in leads)}
    own_p = np.isfinite(median.marks[:, 0, MARKS.index("p_on")])
    p, t = _between(median, *p_reach(median)), _between(median, *wave_bounds(median, "t_on", "t_off"))
    out["p_morph"] = tuple(
        p_form(p[k] - np.linspace(p[k][0], p[k][-1], len(p[k])), float(of_median["p_amp"][k]),
               float(of_median["p_amp2"][k]), median.rate) if own_p[k] and len(p[k]) > 2 else "absent" for k in leads)
    out["t_morph"] = tuple(
        t_form(t[k], float(of_median["t_amp"][k]), float(of_median["t_amp2"][k])) if len(t[k]) > 2 else "absent"
        for k in leads)
    out["st_shape"] = tuple(st_form(*_st_arc(median, k), float(of_median["st_slope"][k])) for k in leads)
    return out


def form_letters(q: float, r: float, s: float, r2: float, s2: float) -> str:
    """QRS form by size: capital for waves of at least half the largest (`qRs`, `rS`, `QS`, `rSR'`).

    Arguments are amplitudes in mV, NaN = no such wave. Empty when there is no wave at all.
    """
    waves = [(letter, abs(a)) for letter, a in (("q", q), ("r", r), ("s", s), ("r'", r2), ("s'", s2)) if a == a]
    if not waves:
        return ""
    if [letter for letter, _ in waves] == ["s"]:
        return "QS"
    largest = max(size for _, size in waves)
    return "".join(letter.upper() if size >= 0.5 * largest else letter for letter, size in waves)


def p_form(y: Array, amp: float, amp2: float, rate: float) -> str:
    """P form `+ - +- -+ M` from one P wave `y` [mV, from its own line]; M = two peaks at least 40 ms apart."""
    if abs(amp2) >= max(P_SECOND_MV, _SECOND_SHARE * abs(amp)):
        return "+-" if int(np.argmax(y)) < int(np.argmin(y)) else "-+"
    if amp > 0 and _two_peaks(y, rate):
        return "M"
    return "+" if amp > 0 else "-"


def t_form(y: Array, amp: float, amp2: float) -> str:
    """T form `+ - +- -+ flat` from one T wave `y` [mV above the level before QRS onset]."""
    if not abs(amp) >= T_FLAT_MV:
        return "flat"
    if abs(amp2) >= max(T_FLAT_MV, _SECOND_SHARE * abs(amp)):
        return "+-" if int(np.argmax(y)) < int(np.argmin(y)) else "-+"
    return "+" if amp > 0 else "-"


def st_slope_word(slope: float) -> str:
    """`up`, `level` or `down` from the slope J to J + 80 ms [mV/s]; empty when NaN."""
    if not np.isfinite(slope):
        return ""
    return "level" if abs(slope) < ST_LEVEL_MV_S else "up" if slope > 0 else "down"


def st_form(arc: Array, rise: float, slope: float) -> str:
    """ST form: `level`, `up` or `down`, with `concave` or `convex` (`up concave`) when it clearly bends.

    `arc` is the way from J to the T peak [mV], `rise` how far T peak lies above J.
    """
    word = st_slope_word(slope)
    if not word or len(arc) < 5 or not np.isfinite(arc).all():
        return word or "unknown"
    bend = arc - np.linspace(arc[0], arc[-1], len(arc))
    deepest = float(bend[np.abs(bend).argmax()])
    if abs(deepest) < max(_BEND_MV, 0.1 * abs(rise)):
        return word
    return f"{word} {'concave' if deepest < 0 else 'convex'}"


def qrs_details(median: Windows) -> dict[str, Array]:
    """Notches in the middle of the QRS and the duration of a delta wave, `[lead]`; NaN where there is no QRS."""
    bounds = (np.broadcast_to(median.joint[:, MARKS.index(mark)], median.y.shape[:2]) for mark in ("qrs_on", "qrs_off"))
    waves = _between(smooth_windows(median, 0.012), *bounds)
    shape = (len(waves),)
    notches, delta = np.full(shape, np.nan, dtype=np.float32), np.full(shape, np.nan, dtype=np.float32)
    for k, y in enumerate(waves):
        if len(y) > 4 and np.isfinite(y).all():
            notches[k] = _notches(y)
            delta[k] = _delta_ms(y, median.rate)
    return {"notch_n": notches, "delta_ms": delta}


def smooth_windows(median: Windows, seconds: float) -> Windows:
    """The same windows, smoothed."""
    return Windows(median.rows, median.rate, median.zero, smooth(median.y, median.samples(seconds)), median.marks,
                   median.joint)


def _between(median: Windows, begin: Array, end: Array) -> list[Array]:
    """The samples between two positions `[lead, 1]` in every lead; empty where one is unknown."""
    out = []
    for k, (a, b) in enumerate(zip(begin[:, 0], end[:, 0], strict=True)):
        known = np.isfinite(a) and np.isfinite(b)
        out.append(median.y[k, 0, max(0, round(float(a))):round(float(b)) + 1] if known else median.y[k, 0, :0])
    return out


def _st_arc(median: Windows, k: int) -> tuple[Array, float]:
    """From J to the T peak of lead `k`, and how far the peak lies above J."""
    j = float(median.joint[0, MARKS.index("qrs_off")])
    _, t_off = wave_bounds(median, "t_on", "t_off")
    end = float(t_off[k, 0])
    if not (np.isfinite(j) and np.isfinite(end)) or end - j < 0.08 * median.rate:
        return median.y[k, 0, :0], float("nan")
    y = median.y[k, 0, round(j):round(end) + 1]
    if not np.isfinite(y).all():
        return y[:0], float("nan")
    peak = int(np.abs(y - np.linspace(y[0], y[-1], len(y))).argmax())
    arc = y[:peak + 1]
    return arc, float(arc[-1] - arc[0]) if len(arc) else float("nan")


def _notches(y: Array) -> int:
    """Turns against the direction of the complex between its outermost large peaks.

    Counts pairs of a turn and a return of at least 0.04 mV (or 3 % of the peak-to-peak) that do not cross to the
    other side: QRS, qRs, rS have none, an M-shaped R has one (Strauss 2011: notches of the mid QRS in LBBB).
    """
    least = max(_NOTCH_MV, 0.03 * float(y.max() - y.min()))
    turns = _turning_points(y, least)
    count = 0
    for a, b, c in zip(turns[:-2], turns[1:-1], turns[2:], strict=True):
        same_side = np.sign(y[a]) == np.sign(y[b]) == np.sign(y[c])
        count += bool(same_side and abs(y[b]) < min(abs(y[a]), abs(y[c])))
    return count


def _turning_points(y: Array, least: float) -> list[int]:
    """Indices of successive maxima and minima that differ by at least `least`."""
    turns: list[int] = []
    high = low = 0
    direction = 0
    for i in range(1, len(y)):
        high = i if y[i] > y[high] else high
        low = i if y[i] < y[low] else low
        if direction >= 0 and y[high] - y[i] >= least:
            turns.append(high)
            direction, low, high = -1, i, i
        elif direction <= 0 and y[i] - y[low] >= least:
            turns.append(low)
            direction, low, high = 1, i, i
    return turns


def _delta_ms(y: Array, rate: float) -> float:
    """How long the main wave rises slowly at its start: until its slope first reaches 40 % of the steepest.

    Counted from where the wave leaves 20 uV for the last time before, so that neither a Q wave nor an early mark of the
    QRS onset counts. 0 when too short, or when less than 0.05 mV were gained: then it is a late or flat start.
    """
    peak = int(np.abs(y).argmax())
    if peak < 4:
        return 0.0
    rising = y[:peak + 1] * np.sign(y[peak])
    slope = np.diff(rising)
    steep = np.flatnonzero(slope >= 0.4 * float(slope.max()))
    until = int(steep[0]) if len(steep) else 0
    low = np.flatnonzero(rising[:until + 1] < _LEFT_MV)
    begin = int(low[-1]) if len(low) else 0
    duration = (until - begin) / rate * 1000.0
    return float(duration) if duration >= _DELTA_LEAST_MS and rising[until] - rising[begin] >= 0.05 else 0.0


def _two_peaks(y: Array, rate: float) -> bool:
    """Two positive peaks at least 40 ms apart with a notch of at least 10 uV between them (AHA/ACCF/HRS 2009 V)."""
    rising = np.diff(y) > 0
    peaks = np.flatnonzero(rising[:-1] & ~rising[1:]) + 1
    peaks = peaks[y[peaks] > 0.5 * y.max(initial=0.0)]
    if len(peaks) < 2:
        return False
    first, last = int(peaks[0]), int(peaks[-1])
    notch = float(min(y[first], y[last]) - y[first:last + 1].min())
    return (last - first) / rate >= 0.040 and notch >= 0.010
