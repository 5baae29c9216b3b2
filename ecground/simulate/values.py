"""Values that are true of simulated ECGs, from exact marks and clean components, named as in `ecground.measure.table`.

Interval values are medians over dominant beats; amplitudes and axes are those of a dominant beat in the middle.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.leads import STANDARD
from ecground.signal.beats import MARKS, PRESENT, QRS
from ecground.simulate.marks import Wave
from ecground.simulate.rows import Rows

__all__ = ["KINDS", "ST_LATER_S", "dominant", "middles", "values_of"]

KINDS: Final = ("N", "S", "V", "paced", "p")
"""Beat types; `p` is a P wave without QRS."""
ST_LATER_S: Final = (0.0, 0.04, 0.06, 0.08)
"""Times after the J point at which the ST level is stated [s]."""
_ST_NAMES: Final = ("j_amp", "st40", "st60", "st80")
_LONE: Final = KINDS.index("p")
_SPANS: Final = (("pr_ms", "p_on", "qrs_on"), ("p_dur_ms", "p_on", "p_off"), ("qrs_ms", "qrs_on", "qrs_off"),
                 ("qt_ms", "qrs_on", "t_off"), ("pr_segment_ms", "p_off", "qrs_on"))

Array = NDArray[np.float64]
Ints = NDArray[np.intp]
Flags = NDArray[np.bool_]


def dominant(rows: Rows, kind: Ints) -> tuple[Flags, Ints]:
    """Which rows are beats of the dominant kind, and the middle one of each record (-1 = no beat).

    Dominant are conducted beats where they are a third of all, else the most frequent kind.

    Args:
        rows: rows of several records.
        kind: `[row]` place in `KINDS`.
    """
    n = len(rows.stop)
    beat = rows.joint_state[:, QRS] == PRESENT
    counts = np.bincount(rows.record[beat] * _LONE + kind[beat], minlength=n * _LONE)[: n * _LONE].reshape(n, _LONE)
    main = np.where(counts[:, 0] * 3 >= counts.sum(axis=1), 0, counts.argmax(axis=1))
    chosen = beat & (kind == main[rows.record])
    at, per = np.flatnonzero(chosen), np.bincount(rows.record[chosen], minlength=n)
    middle = np.full(n, -1, dtype=np.intp)
    some = per > 0
    middle[some] = at[(np.cumsum(per) - per + per // 2)[some]]
    return chosen, middle


def values_of(rows: Rows, kind: Ints, chosen: Flags, middle: Ints, levels: Array, *, p: Wave, qrs: Wave, t: Wave,
              fs: float) -> tuple[list[dict[str, float]], list[dict[str, Array]]]:
    """Record values (missing ones left out) and values `[lead]`, both a record.

    Args:
        rows: rows of several records.
        kind: `[row]` place in `KINDS`.
        chosen: `[row]` dominant beats.
        middle: `[record]` row whose amplitudes are stated, -1 = none.
        levels: `[record, lead, 4]` mV at `ST_LATER_S` after the J point of that row.
        p: atrial events.
        qrs: ventricular events.
        t: their T waves.
        fs: sampling rate [Hz].
    """
    ms, n = 1e3 / fs, len(rows.stop)
    beat = rows.joint_state[:, QRS] == PRESENT
    found: dict[str, Array] = _rates(rows, beat, ms, n)
    for name, code in (("n_pvc", "V"), ("n_pac", "S"), ("n_paced", "paced"), ("n_blocked_p", "p")):
        found[name] = np.bincount(rows.record[kind == KINDS.index(code)], minlength=n).astype(np.float64)
    column = {name: rows.joint_marks[:, i] for i, name in enumerate(MARKS)}
    for name, first, last in _SPANS:
        span = (column[last] - column[first])[chosen] * ms
        found[name], least, most = middles(span, rows.record[chosen], n)
        if name == "pr_ms":
            found["pr_range_ms"] = most - least
    qt, s = found["qt_ms"], found["rr_median_ms"] / 1e3
    found |= {"qtc_bazett_ms": qt / s**0.5, "qtc_fridericia_ms": qt / s ** (1 / 3),
              "qtc_framingham_ms": qt + 154 * (1 - s), "qtc_hodges_ms": qt + 1.75 * (60 / s - 60)}
    leads = _lead_values(found, rows, middle, levels, p, qrs, t)
    names, table = list(found), np.stack(list(found.values()), axis=1).tolist()
    records = [{name: value for name, value in zip(names, row, strict=True) if value == value} for row in table]
    made = [{name: values[i] for name, values in leads.items() if values[i, 0] == values[i, 0]} if middle[i] >= 0
            else {} for i in range(n)]
    return records, made


def _rates(rows: Rows, beat: Flags, ms: float, n: int) -> dict[str, Array]:
    at, record = rows.joint_marks[beat, MARKS.index("r_peak")], rows.record[beat]
    same = record[1:] == record[:-1]
    rr, of = (np.diff(at) * ms)[same], record[1:][same]
    middle, least, most = middles(rr, of, n)
    count = np.bincount(of, minlength=n)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(of, weights=rr, minlength=n) / np.where(count > 0, count, np.nan)
        variance = np.bincount(of, weights=(rr - mean[of]) ** 2, minlength=n) / np.where(count > 0, count, np.nan)
    return {"n_beats": np.bincount(record, minlength=n).astype(np.float64), "hr_bpm": 6e4 / middle,
            "rr_median_ms": middle, "rr_mean_ms": mean, "rr_min_ms": least, "rr_max_ms": most,
            "rr_sd_ms": np.sqrt(variance)}


def middles(values: Array, group: Ints, n: int) -> tuple[Array, Array, Array]:
    """Median, minimum and maximum of each group `[n]`; NaN where it has no finite value."""
    fine = np.isfinite(values)
    values, group = values[fine], group[fine]
    values = np.append(values[np.lexsort((values, group))], np.nan)
    count = np.bincount(group, minlength=n)
    first, some = np.cumsum(count) - count, count > 0
    low, high, last = (np.where(some, values[np.where(some, at, 0)], np.nan) for at in
                       (first + (count - 1) // 2, first + count // 2, first + count - 1))
    return (low + high) / 2, np.where(some, values[first], np.nan), last


def _lead_values(found: dict[str, Array], rows: Rows, middle: Ints, levels: Array, p: Wave, qrs: Wave, t: Wave,
                 ) -> dict[str, Array]:
    """Amplitudes [mV] `[record, lead]` of the middle beats; axes and voltages go into `found`."""
    there = middle >= 0
    beat = np.where(there, rows.beat[middle], -1)
    atrial = np.where(there, rows.atrial[middle], -1)
    high, low = (_of(values, beat) for values in (qrs.high, qrs.low))
    leads = {"qrs_pp": high - low, "r_amp": np.maximum(high, 0), "qrs_net": high + low, "s_amp": np.minimum(low, 0),
             "t_amp": _larger(_of(t.high, beat), _of(t.low, beat)),
             "p_amp": _larger(_of(p.high, atrial), _of(p.low, atrial))}
    leads |= {name: levels[:, :, i] for i, name in enumerate(_ST_NAMES)}
    found |= {"qrs_axis_deg": _of(qrs.axis, beat), "t_axis_deg": _of(t.axis, beat), "p_axis_deg": _of(p.axis, atrial)}
    at = STANDARD.index
    r, s, swing = leads["r_amp"], leads["s_amp"], leads["qrs_pp"]
    found |= {"sokolow_mv": -s[:, at("V1")] + np.maximum(r[:, at("V5")], r[:, at("V6")]),
              "cornell_mv": r[:, at("aVL")] - s[:, at("V3")], "limb_voltage_mv": swing[:, :6].max(axis=1),
              "chest_voltage_mv": swing[:, 6:].max(axis=1)}
    return leads


def _larger(high: Array, low: Array) -> Array:
    return np.where(high >= -low, high, low)


def _of(values: Array, event: Ints) -> Array:
    """Values of events, NaN for event -1."""
    out = np.full((len(event), *values.shape[1:]), np.nan)
    some = event >= 0
    out[some] = values[event[some]]
    return out
