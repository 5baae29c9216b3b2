"""All waves of several records at once: events from the schedules, templates fitted, components marked and added.

Events lie one after another, record by record. Each wave is evaluated once, marked, and added to its record while it
is still in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.signal.assemble import joint_bounds
from ecground.simulate.beat import Bank, Events, bank, levels_at, windows
from ecground.simulate.marks import Kind, Wave, visible
from ecground.simulate.parameters import Parameters
from ecground.simulate.rhythm import Schedule
from ecground.simulate.superpose import Superposition, slow_step
from ecground.simulate.values import middles

__all__ = ["EIGHT", "Ensemble", "ensemble"]

EIGHT: Final = np.array([0, 1, 6, 7, 8, 9, 10, 11])
"""Rows of I, II, V1..V6 among the twelve standard leads."""
_FINE: Final = 500.0  # Hz at which templates are fitted
_BEFORE, _AFTER = 1.1, 0.45  # s: events further outside the record leave no trace in it
_TEMPLATES: Final = 64  # more than any patient has

Array = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Chamber:
    """All atrial or all ventricular events."""

    events: Events
    shape: list[tuple[int, int]]
    """`[template]` record, and row of Parameters.atrial or .ventricular."""
    number: Ints
    """`[event]` place in the record's schedule."""
    late: Array
    """`[event]` s by which repolarisation is later than at the record's usual interval."""
    sign: Array
    """`[event]` +1 and -1 in turn."""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Waves of several records."""

    fast: Superposition
    """Sum of the QRS complexes at the full rate."""
    slow: Superposition
    """Sum of P, ST and T at every `step`-th sample."""
    step: int
    p: Wave
    qrs: Wave
    t: Wave
    p_events: Events
    events: Events
    p_number: Ints
    """`[atrial event]` place in the record's schedule."""
    number: Ints
    """`[ventricular event]` place in the record's schedule."""
    link: Ints
    """`[atrial event]` ventricular event it conducts to, -1 = none."""
    _field: Array
    _parts: tuple[tuple[Bank, Events], ...]

    def eight(self, record: int) -> NDArray[np.float32]:
        """I, II, V1..V6 of a record, mV `[8, sample]`; a view, to be written to once."""
        out = self.fast.record(record)
        out += self.slow.upsampled(record, self.step, self.fast.n)
        return out

    def levels(self, chosen: Ints, time: Array) -> Array:
        """Level mV `[event, lead, time]` of QRS, ST and T of chosen beats; `time` `[event, time]` s of the record."""
        total = np.zeros((len(chosen), self._field.shape[1], time.shape[1]))
        for waves, events in self._parts:
            total += levels_at(waves, events, chosen, self._field, time - events.when[chosen, None])
        return total


def ensemble(parameters: Sequence[Parameters], plans: Sequence[Schedule], field: Array,
             rngs: Sequence[np.random.Generator], *, n: int, fs: float) -> Ensemble:
    """Waves of all records.

    Args:
        parameters: one a record.
        plans: their events.
        field: lead fields `[record, 12, 6]`.
        rngs: source of beat-to-beat scatter, one a record.
        n: samples.
        fs: sampling rate [Hz].
    """
    v = _chamber(parameters, [p.v_time for p in plans], [p.v_template for p in plans], rngs, seconds=n / fs)
    a = _chamber(parameters, [p.p_time for p in plans], [p.p_template for p in plans], rngs, seconds=n / fs)
    beats = [parameters[r].ventricular[i] for r, i in v.shape]
    atria = [parameters[r].atrial[i] for r, i in a.shape]
    v_field, a_field = (field[np.array([r for r, _ in c.shape], dtype=np.intp)] for c in (v, a))
    p_bank = _fitted(bank([w.kernels for w in atria]), a_field, "p", [w.duration_ms / 1e3 for w in atria])
    qrs_bank = _fitted(bank([b.qrs for b in beats]), v_field, "qrs", [b.qrs_ms / 1e3 for b in beats])
    t_bank = _ended(bank([b.t for b in beats]), v_field, [b.qt_ms / 1e3 for b in beats])
    st_bank = bank([b.st for b in beats])
    st_events = replace(v.events, when=v.events.when + 0.5 * v.late)
    gain = v.events.gain * (1 + 0.5 * (v.events.gain - 1)) * _alternation(parameters, t_bank, v_field, v)
    t_events = replace(v.events, when=v.events.when + v.late, gain=gain)
    step = slow_step(fs)
    fast = Superposition.blank(len(parameters), n, fs)
    slow = Superposition.blank(len(parameters), -(-n // step), fs / step)
    p = _marked(slow, p_bank, a.events, field, "p", fs, step)
    qrs = _marked(fast, qrs_bank, v.events, field, "qrs", fs, 1)
    t = _marked(slow, t_bank, t_events, field, "t", fs, step)
    for part in windows(st_bank, st_events, field[:, EIGHT], fs=fs / step):
        slow.add(part, part.wave, v.events.record)
    return Ensemble(
        fast, slow, step, p, qrs, t, a.events, v.events, a.number, v.number,
        _links(plans, a, v), field, ((qrs_bank, v.events), (st_bank, st_events), (t_bank, t_events)),
    )


def _chamber(parameters: Sequence[Parameters], times: list[list[float]], templates: list[list[int]],
             rngs: Sequence[np.random.Generator], *, seconds: float) -> _Chamber:
    count = np.array([len(one) for one in times])
    record = np.repeat(np.arange(len(times)), count)
    when = np.array([at for one in times for at in one], dtype=np.float64)
    code = np.array([at for one in templates for at in one], dtype=np.intp) + record * _TEMPLATES
    gain, tilt = _breath(parameters, rngs, when, record, count)
    late, sign = _succession(parameters, when, record, count)
    number = np.arange(len(when)) - (np.cumsum(count) - count)[record]
    kept = np.flatnonzero((when > -_BEFORE) & (when < seconds + _AFTER))
    used, template = np.unique(code[kept], return_inverse=True)
    events = Events(record[kept], when[kept], template.astype(np.intp), gain[kept], tilt[kept])
    shape = [divmod(one, _TEMPLATES) for one in used.tolist()]
    return _Chamber(events, shape, number[kept], late[kept], sign[kept])


def _breath(parameters: Sequence[Parameters], rngs: Sequence[np.random.Generator], when: Array, record: Ints,
            count: Ints) -> tuple[Array, Array]:
    """Gain `[event]` and tilt `[event, 3]`."""
    phase = np.array([rng.uniform(0, 2 * np.pi) for rng in rngs])
    scatter = np.concatenate([rng.standard_normal((k, 4)) for rng, k in zip(rngs, count.tolist(), strict=True)])
    each = np.array([(v.breathing_hz, v.breathing_gain, v.breathing_tilt, v.gain_sd, v.tilt_sd)
                     for v in (p.variation for p in parameters)])
    hz, depth, turn, gain_sd, tilt_sd = each[record].T
    wave = np.sin(2 * np.pi * hz * when + phase[record])
    gain = 1 + depth * wave + gain_sd * np.clip(scatter[:, 0], -2.5, 2.5)
    tilt = tilt_sd[:, None] * scatter[:, 1:] + (turn * wave)[:, None] * np.array([0.5, 0.4, 1.0])
    return gain, tilt


def _succession(parameters: Sequence[Parameters], when: Array, record: Ints, count: Ints) -> tuple[Array, Array]:
    """`late` and `sign` of `_Chamber`: QT follows the interval before the beat."""
    order = np.lexsort((when, record))
    first = np.cumsum(count) - count
    gaps = np.diff(when[order], prepend=0.0)
    gaps[first[count > 0]] = np.nan
    usual, _, _ = middles(gaps, record[order], len(count))
    before = np.empty(len(when))
    before[order] = gaps - usual[record[order]]
    slope = np.array([p.variation.qt_slope for p in parameters])
    change = np.nan_to_num(before, nan=0.0)
    sign = np.empty(len(when))
    sign[order] = 1.0 - 2.0 * ((np.arange(len(when)) - first[record[order]]) % 2)
    return slope[record] * np.clip(change, -0.25, 0.25), sign


def _alternation(parameters: Sequence[Parameters], t_bank: Bank, field: Array, v: _Chamber) -> Array:
    """Factor of each T wave `[event]` that makes every second one differ by `alternans_mv` in its largest lead."""
    size = np.abs((t_bank.source[:, 0, None, :] * field).sum(axis=2)).max(axis=1)
    step = np.array([parameters[r].variation.alternans_mv for r, _ in v.shape]) / 2 / np.maximum(size, 0.05)
    return np.asarray(1 + v.sign * step[v.events.template])


def _edges(waves: Bank, field: Array, kind: Kind) -> tuple[Array, Array]:
    """Joint visible onset and offset of each template [s]; NaN for an invisible one."""
    on, off = np.full((2, len(waves.count)), np.nan)
    for part in windows(waves, Events.at_rest(np.arange(len(waves.count))), field, fs=_FINE):
        size = np.abs(part.wave)
        first, last = joint_bounds(*(bound.T for bound in visible(size, size.max(axis=2), kind)))
        on[part.event], off[part.event] = (part.start + first) / _FINE, (part.start + last) / _FINE
    return on, off


def _fitted(waves: Bank, field: Array, kind: Kind, seconds: list[float]) -> Bank:
    """Templates stretched and moved so that they are visible from 0 to `seconds`."""
    on, off = _edges(waves, field, kind)
    scale = np.where(np.isfinite(on), np.array(seconds) / np.maximum(off - on, 1e-3), 1.0)
    return waves.retimed(scale, np.where(np.isfinite(on), -on * scale, 0.0))


def _ended(waves: Bank, field: Array, ends: list[float]) -> Bank:
    """Templates moved so that they are visible until `ends` [s]."""
    _, off = _edges(waves, field, "t")
    return waves.retimed(np.ones(len(ends)), np.where(np.isfinite(off), np.array(ends) - off, 0.0))


def _links(plans: Sequence[Schedule], a: _Chamber, v: _Chamber) -> Ints:
    """`[atrial event]` ventricular event, -1 = none."""
    place = {key: i for i, key in enumerate(zip(v.events.record.tolist(), v.number.tolist(), strict=True))}
    return np.array([place.get((r, plans[r].p_beat[i]), -1)
                     for r, i in zip(a.events.record.tolist(), a.number.tolist(), strict=True)], dtype=np.intp)


def _marked(total: Superposition, waves: Bank, events: Events, field: Array, kind: Kind, fs: float, step: int) -> Wave:
    """Marks of all events of one wave, which are added to the sum; evaluated at every `step`-th sample."""
    out = Wave.blank(len(events.when))
    for part in windows(waves, events, field, fs=fs / step):
        out.fill(part, kind, step)
        total.add(part, part.wave[:, EIGHT], events.record)
    return out
