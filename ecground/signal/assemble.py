"""Waves of single leads -> the rows of a Delineation: which P, QRS and T belong to one beat, in each lead and jointly.

`Waves` is a flat table of what was found (or marked by hand) in each lead, `Events` the same over all leads. A row is
a QRS event with the P event before it and the T event after it; a P event that no QRS follows is a row of its own.
The joint onset is the moment when a quarter of the leads that have the wave have begun it (the fourth earliest of
twelve, the earliest of up to three), the joint offset the mirror image. The CSE Working Party (Eur Heart J 1985;6:815)
takes the earliest onset and latest offset of any lead; marks of single leads scatter by about 10 ms, so the extreme of
twelve would follow the scatter, and the quarter agrees best with what recording devices state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.signal.beats import ABSENT, MARK_WAVE, MARKS, PRESENT, QRS, UNMEASURABLE, WAVES, Delineation, P, T

__all__ = ["Events", "Waves", "assemble", "from_lead_waves", "joint_bounds", "vote"]

LONGEST_PR: Final = 0.6
"""A P wave that starts earlier than this before the QRS does not belong to it [s]."""
_REACH: Final = 0.04
"""A lead's wave may lie this far outside the joint event it belongs to [s]."""
_ON: Final = tuple(MARKS.index(f"{w}_on") for w in WAVES)
_OFF: Final = tuple(MARKS.index(f"{w}_off") for w in WAVES)

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Waves:
    """What was found in single leads: one entry a wave, any order; positions in samples at the record's fs."""

    lead: Ints
    """Row of the lead in the record."""
    wave: Ints
    """0 P, 1 QRS, 2 T."""
    marks: Floats
    """`[wave, mark]` in the order of `beats.MARKS`; NaN = none."""
    confidence: Floats


@dataclass(frozen=True, slots=True)
class Events:
    """Waves over all leads, sorted by onset."""

    wave: Ints
    onset: Floats
    offset: Floats
    confidence: Floats

    def of(self, wave: int) -> tuple[Floats, Floats, Floats]:
        """Onsets, offsets and confidences of one kind of wave."""
        mine = self.wave == wave
        return self.onset[mine], self.offset[mine], self.confidence[mine]


def from_lead_waves(
    waves: Mapping[str, Sequence[tuple[str, float | None, float | None, float | None]]],
    *, leads: tuple[str, ...], fs: float, n_samples: int, method: str = "marks",
) -> Delineation:
    """A Delineation from marks of a cardiologist or a simulator: lead -> (P|QRS|T, onset, peak, offset) in samples."""
    rows, kinds, marks = [], [], []
    for name, found in waves.items():
        for kind, onset, peak, offset in found:
            wave = WAVES.index(kind.lower())
            row = np.full(len(MARKS), np.nan)
            prefix = WAVES[wave]
            names = (f"{prefix}_on", "r_peak" if wave == QRS else f"{prefix}_peak", f"{prefix}_off")
            for mark, value in zip(names, (onset, peak, offset), strict=True):
                if value is not None:
                    row[MARKS.index(mark)] = value
            rows.append(leads.index(name))
            kinds.append(wave)
            marks.append(row)
    table = Waves(
        np.asarray(rows, np.intp), np.asarray(kinds, np.intp),
        np.asarray(marks, np.float64).reshape(-1, len(MARKS)), np.ones(len(rows)),
    )
    table = _with_bounds(table)
    seen = np.ones((len(leads), 1), bool)
    return assemble(table, vote(table, n_leads=len(leads), fs=fs), leads=leads, fs=fs, n_samples=n_samples, seen=seen,
                    method=method)


def _with_bounds(waves: Waves) -> Waves:
    """Marks that lack an onset or an offset keep their place by their peak for the grouping."""
    keep = np.isfinite(_bounds(waves)).all(axis=1)
    return Waves(waves.lead[keep], waves.wave[keep], waves.marks[keep], waves.confidence[keep])


def _bounds(waves: Waves) -> Floats:
    """`[wave, 2]` onset and offset of each entry."""
    columns = np.array([_ON, _OFF]).T
    return np.take_along_axis(waves.marks, columns[waves.wave], axis=1)


def vote(waves: Waves, *, n_leads: int, fs: float) -> Events:
    """Joint events by majority: stretches where at least a quarter of the leads (one of up to four) have the wave."""
    needed = max(1, -(-n_leads // 4)) if n_leads > 4 else 1
    bounds = _bounds(waves)
    found: list[tuple[int, float, float]] = []
    for wave in (P, QRS, T):
        mine = bounds[waves.wave == wave]
        if not len(mine):
            continue
        edges = np.concatenate([mine[:, 0], mine[:, 1]])
        steps = np.concatenate([np.ones(len(mine)), -np.ones(len(mine))])
        order = np.lexsort((-steps, edges))
        edges, depth = edges[order], np.cumsum(steps[order])
        high = np.concatenate([[False], depth >= needed])
        starts, ends = np.flatnonzero(~high[:-1] & high[1:]), np.flatnonzero(high[:-1] & ~high[1:])
        for a, b in zip(edges[starts], edges[ends], strict=False):
            if found and found[-1][0] == wave and a - found[-1][2] < 0.02 * fs:
                found[-1] = (wave, found[-1][1], b)
            else:
                found.append((wave, a, b))
    found.sort(key=lambda e: e[1])
    return Events(
        np.array([e[0] for e in found], np.intp), np.array([e[1] for e in found]), np.array([e[2] for e in found]),
        np.ones(len(found)),
    )


def assemble(
    waves: Waves, events: Events, *, leads: tuple[str, ...], fs: float, n_samples: int, seen: NDArray[np.bool_],
    method: str,
) -> Delineation:
    """Rows of beats from lead waves and joint events; `seen` `[lead, k]` says where each lead can be judged.

    `seen` divides the record into k equal stretches.
    """
    row_of_event, n_rows = _rows(events, fs)
    index, keep = _event_of(waves, events, fs)
    row = row_of_event[index]
    keep &= row >= 0
    lead_marks = np.full((len(leads), n_rows, len(MARKS)), np.nan)
    lead_confidence = np.zeros((len(leads), n_rows, 3), np.float32)
    bounds = _bounds(waves)
    # Longest last, so that it wins where a lead has two pieces of one wave.
    order = np.flatnonzero(keep)[np.argsort((bounds[:, 1] - bounds[:, 0])[keep], kind="stable")]
    for wave in (P, QRS, T):
        mine = order[waves.wave[order] == wave]
        columns = np.flatnonzero(np.array(MARK_WAVE) == wave)
        lead_marks[waves.lead[mine][:, None], row[mine][:, None], columns] = waves.marks[mine][:, columns]
        lead_confidence[waves.lead[mine], row[mine], wave] = waves.confidence[mine]
    joint_marks = _joint(lead_marks)
    state = _states(lead_marks, joint_marks, seen, n_samples)
    joint_confidence = np.zeros((n_rows, 3), np.float32)
    placed = row_of_event[:-1] >= 0
    joint_confidence[row_of_event[:-1][placed], events.wave[placed]] = events.confidence[placed]
    joint_state = np.where(np.isfinite(joint_marks[:, list(_ON)]), PRESENT, ABSENT).astype(np.int8)
    nothing = (state == UNMEASURABLE).all(axis=0) if len(leads) else np.ones((n_rows, 3), bool)
    joint_state[nothing] = UNMEASURABLE
    built = Delineation(fs, leads, n_samples, lead_marks, state, lead_confidence, joint_marks, joint_state,
                        joint_confidence, method)
    return _without_empty_rows(built)


def _rows(events: Events, fs: float) -> tuple[Ints, int]:
    """Row of each event (-1 = belongs to none; one more entry stands for "no event") and the number of rows."""
    qrs, p, t = (np.flatnonzero(events.wave == wave) for wave in (QRS, P, T))
    owner = np.full(len(events.wave), -1, np.intp)
    owner[qrs], owner[p] = qrs, p
    after = np.searchsorted(events.onset[qrs], events.onset[p], side="right")
    near = np.flatnonzero(after < len(qrs))
    near = near[events.onset[qrs][after[near]] - events.onset[p][near] <= LONGEST_PR * fs]
    last = np.full(len(qrs), -1, np.intp)
    last[after[near]] = p[near]  # time order: only the last P before a QRS conducts, the others are rows of their own
    owner[last[last >= 0]] = qrs[last >= 0]
    before = np.searchsorted(events.offset[qrs], (events.onset[t] + events.offset[t]) / 2) - 1
    first = np.full(len(qrs), -1, np.intp)
    follows = before >= 0
    first[before[follows][::-1]] = t[follows][::-1]  # the first T after a QRS is its own, a second belongs to none
    owner[first[first >= 0]] = qrs[first >= 0]
    heads = np.unique(owner[owner >= 0])
    heads = heads[np.argsort(events.onset[heads], kind="stable")]
    number = np.full(len(events.wave) + 1, -1, np.intp)
    number[heads] = np.arange(len(heads))
    return number[np.append(owner, -1)], len(heads)


def _event_of(waves: Waves, events: Events, fs: float) -> tuple[Ints, NDArray[np.bool_]]:
    """For each lead wave the joint event it belongs to, and whether there is one."""
    bounds = _bounds(waves)
    centre = bounds.mean(axis=1)
    index = np.full(len(centre), -1, np.intp)
    found = np.zeros(len(centre), bool)
    for wave in (P, QRS, T):
        at = np.flatnonzero(events.wave == wave)
        mine = np.flatnonzero(waves.wave == wave)
        if not (len(at) and len(mine)):
            continue
        middle = (events.onset[at] + events.offset[at]) / 2
        nearest = np.clip(np.searchsorted((middle[1:] + middle[:-1]) / 2, centre[mine]), 0, len(at) - 1)
        index[mine] = at[nearest]
        reach = _REACH * fs
        found[mine] = (centre[mine] >= events.onset[at][nearest] - reach) & (
            centre[mine] <= events.offset[at][nearest] + reach)
    return index, found


def joint_bounds(onset: Floats, offset: Floats) -> tuple[Floats, Floats]:
    """Onset and offset over leads `[...]` from `[lead, ...]`, NaN = the lead does not show the wave.

    The quarter rule of the module docstring; NaN where no lead shows it.
    """
    if not len(onset):
        return np.full(onset.shape[1:], np.nan), np.full(offset.shape[1:], np.nan)
    return _ranked(onset), -_ranked(-offset)


def _ranked(position: Floats) -> Floats:
    """The position of the lead at a quarter of those that have one, counted from the earliest."""
    rank = np.isfinite(position).sum(axis=0) // 4
    return np.asarray(np.take_along_axis(np.sort(position, axis=0), rank[None], axis=0)[0])  # NaN sorts last


def _joint(lead_marks: Floats) -> Floats:
    """`[row, mark]`: bounds by `joint_bounds`, peaks by the median lead."""
    joint = np.full(lead_marks.shape[1:], np.nan)
    if not lead_marks.size:
        return joint
    count = np.isfinite(lead_marks).sum(axis=0)
    middle = np.clip((count - 1) // 2, 0, None)
    joint[:] = np.take_along_axis(np.sort(lead_marks, axis=0), middle[None], axis=0)[0]
    for on, off in zip(_ON, _OFF, strict=True):
        joint[:, on], joint[:, off] = joint_bounds(lead_marks[:, :, on], lead_marks[:, :, off])
    return joint


def _states(
    lead_marks: Floats, joint_marks: Floats, seen: NDArray[np.bool_], n_samples: int,
) -> NDArray[np.int8]:
    """`[lead, row, wave]`: present where marked, unmeasurable where the lead is not seen, else absent."""
    present = np.isfinite(lead_marks[:, :, list(_ON)])
    anchor = np.nanmean(np.where(np.isfinite(joint_marks).any(axis=1, keepdims=True), joint_marks, 0.0), axis=1)
    stretch = np.clip((anchor * seen.shape[1] / max(n_samples, 1)).astype(np.intp), 0, seen.shape[1] - 1)
    visible = seen[:, stretch]  # [lead, row]
    return np.where(present, PRESENT, np.where(visible[:, :, None], ABSENT, UNMEASURABLE)).astype(np.int8)


def _without_empty_rows(d: Delineation) -> Delineation:
    """Events that no lead confirms leave no row."""
    keep = np.isfinite(d.joint_marks[:, _ON[QRS]]) | np.isfinite(d.joint_marks[:, _ON[P]])
    if keep.all():
        return d
    return Delineation(
        d.fs, d.leads, d.n_samples, d.lead_marks[:, keep], d.lead_state[:, keep], d.lead_confidence[:, keep],
        d.joint_marks[keep], d.joint_state[keep], d.joint_confidence[keep], d.method)
