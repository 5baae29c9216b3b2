"""From uncut waves to the rows of a Delineation: what a QRS hides, what the edges cut, which P belongs to which QRS.

Events of many records lie one after another; nothing crosses from one record to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.signal.beats import ABSENT, MARKS, PRESENT, UNMEASURABLE, WAVES, Delineation
from ecground.simulate.marks import POINTS, Wave

__all__ = ["Rows", "hidden_by", "neighbours", "rows_of"]

_SHORTEST_MS: Final = 45.0  # what a QRS leaves of a P or T wave is a wave only from this length on

Array = NDArray[np.float64]
Ints = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of several records, one record after another."""

    lead_marks: Array
    """`[row, lead, mark]` samples."""
    lead_state: NDArray[np.int8]
    """`[row, lead, wave]`."""
    joint_marks: Array
    """`[row, mark]` samples."""
    joint_state: NDArray[np.int8]
    """`[row, wave]`."""
    beat: Ints
    """`[row]` ventricular event, -1 = none."""
    atrial: Ints
    """`[row]` atrial event, -1 = none."""
    record: Ints
    """`[row]`."""
    stop: Ints
    """`[record]` first row after its own."""

    def delineation(self, record: int, *, fs: float, leads: tuple[str, ...], n: int) -> Delineation:
        """Marks of one record."""
        part = slice(int(self.stop[record - 1]) if record else 0, int(self.stop[record]))
        size = part.stop - part.start
        return Delineation(
            fs=fs, leads=leads, n_samples=n, lead_marks=self.lead_marks[part].transpose(1, 0, 2).copy(),
            lead_state=self.lead_state[part].transpose(1, 0, 2).copy(),
            lead_confidence=np.ones((len(leads), size, 3), dtype=np.float32), joint_marks=self.joint_marks[part].copy(),
            joint_state=self.joint_state[part].copy(), joint_confidence=np.ones((size, 3), dtype=np.float32),
            method="simulate",
        )


def neighbours(record: Ints, others: Ints, n_records: int) -> Ints:
    """For each event of `record` all events of `others` in the same record, `[event, k]`, -1 = no more."""
    count = np.bincount(others, minlength=n_records)
    first = np.cumsum(count) - count
    place = np.arange(int(count.max(initial=0)))
    table = np.where(place < count[:, None], first[:, None] + place, -1)
    return np.asarray(table[record])


def hidden_by(wave: Wave, qrs: Wave, *, near: Ints, own: Ints, fs: float) -> Wave:
    """The wave without what a QRS other than number `own` `[event]` hides of it; `near` as from `neighbours`."""
    if not wave.on.size or not near.size:
        return wave
    on, peak, off = wave.joint[:, :1], wave.joint[:, 1:2], wave.joint[:, 2:]
    there = near >= 0
    q_on, q_off = (np.where(there, qrs.joint[near, i], np.nan) for i in (0, 2))
    meets = (on < q_off) & (off > q_on) & (near != own[:, None])
    gone = (meets & (peak >= q_on) & (peak <= q_off)).any(axis=1)
    cut_off = np.where(meets & (peak < q_on), q_on, np.inf).min(axis=1)
    cut_on = np.where(meets & (peak > q_off), q_off, -np.inf).max(axis=1)
    return wave.clipped(gone, cut_on, cut_off, _SHORTEST_MS / 1e3 * fs)


def rows_of(p: Wave, qrs: Wave, t: Wave, *, p_record: Ints, record: Ints, link: Ints, hidden: Flags, has_t: Flags,
            n_records: int, n: int) -> Rows:
    """Rows from uncut waves.

    Args:
        p: atrial events, already limited to what is visible.
        qrs: ventricular events.
        t: their T waves, already limited.
        p_record: `[atrial event]` record.
        record: `[ventricular event]` record.
        link: `[atrial event]` number of the QRS it leads to, -1 = none.
        hidden: `[atrial event]` true where a QRS hides it.
        has_t: `[ventricular event]` true where the beat has a T wave, hidden or not.
        n_records: records.
        n: length of each record [samples].
    """
    v, a, row_record = _order(p, qrs, p_record, record, link, hidden, n)
    leads = qrs.on.shape[1]
    lead_marks = np.full((len(v), leads, len(MARKS)), np.nan)
    joint = np.full((len(v), len(MARKS)), np.nan)
    state = np.full((len(v), leads, 3), ABSENT, dtype=np.int8)
    joint_state = np.full((len(v), 3), ABSENT, dtype=np.int8)
    for w, (name, wave, pick) in enumerate(zip(WAVES, (p, qrs, t), (a, v, v), strict=True)):
        has = np.flatnonzero(pick >= 0)
        index = pick[has]
        cut = (wave.on[index] < 0) | (wave.off[index] > n - 1)
        for key, values in _columns(wave, name):
            lead_marks[has, :, MARKS.index(key)] = np.where(cut, np.nan, values[index])
        shown = np.isfinite(wave.on[index]) & ~cut
        span = wave.joint[index]
        joint_cut = (span[:, 0] < 0) | (span[:, 2] > n - 1)
        joint_shown = np.isfinite(span[:, 0]) & ~joint_cut
        exists = hidden[index] if name == "p" else has_t[index] if name == "t" else np.zeros(len(index), np.bool_)
        lost = np.where((exists & ~joint_shown) | joint_cut, UNMEASURABLE, ABSENT)
        state[has, :, w] = np.where(shown, PRESENT, np.where(cut, UNMEASURABLE, lost[:, None]))
        joint_state[has, w] = np.where(joint_shown, PRESENT, lost)
        keys = (f"{name}_on", "r_peak" if name == "qrs" else f"{name}_peak", f"{name}_off")
        for key, values in zip(keys, span.T, strict=True):
            joint[has, MARKS.index(key)] = np.where(joint_shown, values, np.nan)
    stop = np.cumsum(np.bincount(row_record, minlength=n_records))
    return Rows(lead_marks, state, joint, joint_state, v, a, row_record, stop)


def _columns(wave: Wave, name: str) -> list[tuple[str, Array]]:
    """Mark name and values `[event, lead]`."""
    bounds = [(f"{name}_on", wave.on), (f"{name}_off", wave.off)]
    if name == "qrs":
        return bounds + [(key, wave.points[:, :, i]) for i, key in enumerate(POINTS)]
    return [*bounds, (f"{name}_peak", wave.peak), (f"{name}_peak2", wave.peak2)]


def _order(p: Wave, qrs: Wave, p_record: Ints, record: Ints, link: Ints, hidden: Flags, n: int,
           ) -> tuple[Ints, Ints, Ints]:
    """Ventricular and atrial event and record of each row: whole QRS, and whole P waves without one, in time order."""
    inside = (qrs.joint[:, 0] >= 0) & (qrs.joint[:, 2] <= n - 1)
    beats = np.flatnonzero(inside)
    partner = np.full(len(inside), -1, dtype=np.intp)
    linked = np.flatnonzero(link >= 0)
    partner[link[linked]] = linked
    alone = link < 0
    alone[linked] = ~inside[link[linked]]
    lone = np.flatnonzero(alone & (p.joint[:, 0] >= 0) & (p.joint[:, 2] <= n - 1) & ~hidden)
    v = np.concatenate([beats, np.full(len(lone), -1)]).astype(np.intp)
    a = np.concatenate([partner[beats], lone]).astype(np.intp)
    row_record = np.concatenate([record[beats], p_record[lone]]).astype(np.intp)
    order = np.lexsort((np.concatenate([qrs.joint[beats, 1], p.joint[lone, 1]]), row_record))
    return v[order], a[order], row_record[order]
