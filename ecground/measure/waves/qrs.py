"""The QRS complex of many beats and leads at once: Q, R, S, R', S', areas and R-peak time.

Contract: `measure_qrs(windows)` gives name in LEAD_MEASURES -> float32 `[lead, row]`; amplitudes mV above the level
just before QRS onset, durations ms, NaN = no such wave or nothing seen.

Definitions (CSE working party 1985, Eur Heart J 6:815; AHA/ACCF/HRS 2009 III): bounds are the joint QRS onset and
offset; a wave is a stretch on one side of the reference level of at least 20 uV; a first negative wave is Q, the first
positive R, the negative after it S, then R' and S'; without any positive wave the whole complex is QS, told as S.
The first wave begins where the lead itself passes that level, not at the joint onset, which an earlier lead may set and
people mark some 8 ms before the deflection is visible; R-peak time counts from there (the earliest onset in that lead).
The last wave counts only if it turns back before J, so that an elevated or depressed J is not an R' or S'.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.measure.waves.windows import Windows
from ecground.signal.beats import MARKS

__all__ = ["measure_qrs"]

_LEAST_MV: Final = 0.02
"""Smallest wave that counts (CSE: 20 uV)."""
_LEAST_SHARE: Final = 0.015
"""... and at least this share of the peak-to-peak amplitude, so that noise in tall complexes makes no wave."""
_LEAST_S: Final = 0.006
"""Shortest wave that counts (CSE: 6 ms)."""
_RUNS: Final = 6
_LAST_R_SHARE: Final = 0.3
"""R-peak time is taken to an R' of at least this share of R."""
_BEFORE_S, _AFTER_S = 0.20, 0.34

Array = NDArray[np.float32]


def measure_qrs(w: Windows) -> dict[str, Array]:
    """QRS measures of every lead and row of `w`, each float32 `[lead, row]`; rows without QRS are all NaN."""
    lo, hi = w.zero - w.samples(_BEFORE_S), w.zero + w.samples(_AFTER_S)
    y = w.y[:, :, lo:hi]
    on = w.joint[:, MARKS.index("qrs_on")] - lo
    off = w.joint[:, MARKS.index("qrs_off")] - lo
    t = np.arange(hi - lo, dtype=np.float32)
    inside = ((t >= np.floor(on)[:, None]) & (t <= np.ceil(off)[:, None]))[None] & np.isfinite(y)
    y = np.where(inside, y, np.float32(0.0))
    seen = inside.any(axis=2)
    top, bottom = y.max(axis=2), y.min(axis=2)
    ms = np.float32(1000.0 / w.rate)
    out = {
        "qrs_pp": top - bottom,
        "qrs_net": top + bottom,
        "qrs_area": y.sum(axis=2) * ms * 1000.0,
    }
    amp, peak, start, end = _waves(y, inside, on, off, least=np.maximum(_LEAST_MV, _LEAST_SHARE * (top - bottom)))
    out |= _named(amp, peak, start, end, ms=float(ms), least_ms=1000 * _LEAST_S)
    out["r_peak_time_ms"] = (out.pop("last_r") - out.pop("begin")) * ms
    lead_qrs = (w.marks[:, :, MARKS.index("qrs_off")] - w.marks[:, :, MARKS.index("qrs_on")]) * ms
    out["qrs_ms"] = lead_qrs
    return {name: np.where(seen, value, np.float32(np.nan)).astype(np.float32) for name, value in out.items()}


def _waves(y: Array, inside: NDArray[np.bool_], on: Array, off: Array, *, least: Array,
           ) -> tuple[Array, Array, Array, Array]:
    """Alternating deflections: signed amplitude, peak, start and end (grid), each `[run, lead, row]`, NaN = none."""
    t = np.arange(y.shape[2], dtype=np.int32)
    sign = np.where(y > least[..., None], 1, np.where(y < -least[..., None], -1, 0)).astype(np.int8)
    held = np.maximum.accumulate(np.where(sign != 0, t, np.int32(-1)), axis=2)
    side = np.where(held >= 0, np.take_along_axis(sign, np.maximum(held, 0), axis=2), 0)
    change = np.zeros(side.shape, dtype=np.int8)
    change[..., 1:] = side[..., 1:] != side[..., :-1]
    change[..., 0] = side[..., 0] != 0
    number = np.cumsum(change, axis=2, dtype=np.int8)
    last = np.clip(np.nan_to_num(np.ceil(off)), 0, y.shape[2] - 1).astype(np.intp)
    level_j = np.take_along_axis(y, np.broadcast_to(last[None, :, None], (*y.shape[:2], 1)), axis=2)[..., 0]
    shape = (_RUNS, *y.shape[:2])
    amp = np.full(shape, np.nan, dtype=np.float32)
    peak, start, end = amp.copy(), amp.copy(), amp.copy()
    strength = np.abs(y)
    total = number[..., -1]
    for run in range(min(_RUNS, int(total.max(initial=0)))):
        mask = (number == run + 1) & inside
        size = np.where(mask, strength, np.float32(-1.0))
        at = size.argmax(axis=2)
        value = np.take_along_axis(y, at[..., None], axis=2)[..., 0]
        found = mask.any(axis=2)
        final = total == run + 1
        turned = np.abs(value) - np.where(np.sign(level_j) == np.sign(value), np.abs(level_j), 0.0) >= least
        found &= ~final | turned
        amp[run] = np.where(found, value, np.nan)
        peak[run] = at
        start[run] = mask.argmax(axis=2)
        end[run] = mask.shape[2] - 1 - mask[..., ::-1].argmax(axis=2)
    _to_crossings(y, start, end, amp, on, off)
    return amp, peak, start, end


def _to_crossings(y: Array, start: Array, end: Array, amp: Array, on: Array, off: Array) -> None:
    """Move the bounds between two waves from the threshold back to the zero crossing, in place; none leaves the QRS.

    Within a run the held side lasts until the next wave passes its own threshold, so the zero crossing between two
    waves lies just before the start of the second: walk back from there to the last sample of the first wave's side.
    """
    t = np.arange(y.shape[2], dtype=np.int32)
    above = np.maximum.accumulate(np.where(y > 0, t, np.int32(-1)), axis=2)
    below = np.maximum.accumulate(np.where(y < 0, t, np.int32(-1)), axis=2)
    for run in range(1, len(amp)):
        both = np.isfinite(amp[run]) & np.isfinite(start[run])
        index = np.clip(np.nan_to_num(start[run]), 0, len(t) - 1).astype(np.intp)[..., None]
        other = np.where(amp[run] > 0, np.take_along_axis(below, index, 2)[..., 0],
                         np.take_along_axis(above, index, 2)[..., 0])
        crossing = np.where(other >= 0, other + 0.5, start[run])
        start[run] = np.where(both, crossing, start[run])
        end[run - 1] = np.where(both, crossing, end[run - 1])
    start[:] = np.maximum(start, on)
    end[:] = np.minimum(end, off)


def _named(amp: Array, peak: Array, start: Array, end: Array, *, ms: float, least_ms: float) -> dict[str, Array]:
    """Name the deflections Q R S R' S'; `begin`, `last_r`: grid positions of the first wave and the last R peak."""
    duration = (end - start) * ms
    real = np.isfinite(amp) & (duration >= least_ms)
    first_positive = np.where(real & (amp > 0), np.arange(len(amp))[:, None, None], 99).min(axis=0)
    out = {name: np.full(amp.shape[1:], np.nan, dtype=np.float32)
           for name in ("q_amp", "q_dur", "r_amp", "r_dur", "s_amp", "s_dur", "r2_amp", "r2_dur", "s2_amp", "s2_dur",
                        "last_r", "begin")}
    for run in range(len(amp)):
        kind = real[run]
        out["begin"] = np.where(kind & np.isnan(out["begin"]), start[run], out["begin"])
        up, down = kind & (amp[run] > 0), kind & (amp[run] < 0)
        no_r = first_positive == 99
        for name, chosen in (
            ("q", down & ~no_r & (run < first_positive)),
            ("s", down & no_r),
            ("r", up & (run == first_positive)),
            ("s", down & ~no_r & (run > first_positive) & np.isnan(out["s_amp"])),
            ("r2", up & (run > first_positive) & np.isfinite(out["s_amp"]) & np.isnan(out["r2_amp"])),
            ("s2", down & np.isfinite(out["r2_amp"]) & np.isfinite(out["s_amp"])),
        ):
            fresh = chosen & np.isnan(out[f"{name}_amp"])
            out[f"{name}_amp"] = np.where(fresh, amp[run], out[f"{name}_amp"])
            out[f"{name}_dur"] = np.where(fresh, duration[run], out[f"{name}_dur"])
        tall = up & ((amp[run] >= _LAST_R_SHARE * out["r_amp"]) | np.isnan(out["last_r"]))
        out["last_r"] = np.where(tall, peak[run], out["last_r"])
    return out
