"""`Truth`: what a simulated ECG really contains, and how visible waves become marks.

A wave is present in a lead when its own component, without noise or other waves, passes a visibility threshold. It
begins and ends where the component leaves and returns to a lower one (a fixed number of microvolt or a share of the
wave's peak in that lead, whichever is larger: the eye, like the tangent method, sets the foot of a tall wave higher).
Joint bounds follow `signal.assemble.joint_bounds`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.knowledge.finding import Evidence
from ecground.signal.beats import ABSENT, MARKS, PRESENT, UNMEASURABLE, WAVES, Delineation

__all__ = [
    "FOOT_MV", "SEEN_MV", "SHARE", "Statement", "Truth", "Wave", "delineation_of", "hidden_by", "peaks",
    "qrs_points", "visible",
]

SEEN_MV: Final = {"p": 0.020, "qrs": 0.030, "t": 0.025}
"""Peak from which a wave is present in a lead [mV]."""
FOOT_MV: Final = {"p": 0.010, "qrs": 0.018, "t": 0.012}
"""Least level at which a wave begins and ends [mV]."""
SHARE: Final = {"p": (0.12, 0.12), "qrs": (0.025, 0.025), "t": (0.18, 0.08)}
"""Levels at which a wave begins and ends, as shares of its peak in the lead: T rises slowly out of the ST segment."""
_SHORTEST_MS: Final = 45.0  # what a QRS leaves of a P or T wave is a wave only from this length on

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that is true of the ECG by construction."""

    scp: str | None
    """SCP-ECG code as PTB-XL spells it; None for statements without one."""
    key: str
    """Key of ecground's own: the SCP code in lower case, or a name (`left_axis`)."""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Wave:
    """Marks of all events of one wave, uncut: positions [samples] may lie outside the record."""

    on: Array
    """`[event, lead]`; NaN = not visible in that lead."""
    peak: Array
    """`[event, lead]`."""
    off: Array
    """`[event, lead]`."""
    peak2: Array
    """`[event, lead]`, opposite phase of a biphasic wave; NaN = none."""
    joint: Array
    """`[event, 3]` onset, peak, offset over all leads."""

    def clipped(self, joint: Array, gone: NDArray[np.bool_], cut_on: Array, cut_off: Array, least: float) -> Wave:
        """The wave limited to `cut_on..cut_off` `[event]`; leads left with less than `least` samples are empty."""
        on, off = np.fmax(self.on, cut_on[:, None]), np.fmin(self.off, cut_off[:, None])
        lost = gone[:, None] | (off - on < least) | (self.peak < on) | (self.peak > off)
        with np.errstate(invalid="ignore"):
            second = np.where((self.peak2 > on) & (self.peak2 < off), self.peak2, np.nan)
        limits = np.stack([np.fmax(joint[:, 0], cut_on), joint[:, 1], np.fmin(joint[:, 2], cut_off)], axis=1)
        short = gone | (limits[:, 1] <= limits[:, 0]) | (limits[:, 1] >= limits[:, 2])
        lost |= short[:, None]
        nan = np.nan
        return Wave(np.where(lost, nan, on), np.where(lost, nan, self.peak), np.where(lost, nan, off),
                    np.where(lost, nan, second), np.where(short[:, None], nan, limits))


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything true of one simulated record."""

    delineation: Delineation
    """Marks of the record, per lead and joint; a wave that a QRS hides or the record's edge cuts is UNMEASURABLE."""
    kind: tuple[str, ...]
    """`[row]`: N, S, V, paced, or p (a P wave without QRS: blocked, dissociated or retrograde)."""
    atrial_s: Array
    """Onset of every atrial event in the record [s], hidden ones too; empty in AF."""
    atrial_kind: tuple[str, ...]
    """Of each atrial event: sinus, S, retro, paced, flutter."""
    atrial_row: NDArray[np.intp]
    """Row of the delineation whose QRS each atrial event led to; -1 = none."""
    ventricular_s: Array
    """Onset of every QRS in the record [s]."""
    spikes: Array
    """Pacing spikes [samples]."""
    values: dict[str, float]
    """Interval, rate and axis values by their names in `RECORD_MEASURES`."""
    lead_values: dict[str, Array]
    """Values `[lead]` of the dominant beat by their names in `LEAD_MEASURES` (mV)."""
    statements: tuple[Statement, ...]
    p: Wave
    """Uncut marks of all atrial events with a P wave."""
    qrs: Wave
    t: Wave

    def mask(self) -> NDArray[np.bool_]:
        """`[lead, wave (P, QRS, T), sample]`: where each wave is visible, waves cut by the edges included."""
        n = self.delineation.n_samples
        out = np.zeros((len(self.delineation.leads), 3, n), dtype=np.bool_)
        for w, wave in enumerate((self.p, self.qrs, self.t)):
            for event, lead in zip(*np.nonzero(np.isfinite(wave.on)), strict=True):
                begin, end = max(0, int(wave.on[event, lead])), int(wave.off[event, lead]) + 1
                if end > 0:
                    out[lead, w, begin:end] = True
        return out


def visible(wave: NDArray[np.float32], *, name: str) -> tuple[Array, Array]:
    """First and last visible sample `[event, lead]` (NaN = absent) of components mV `[event, lead, sample]`."""
    size = np.abs(wave)
    peak = size.max(axis=2)
    seen = peak > SEEN_MV[name]
    begins, ends = (size > np.maximum(share * peak, FOOT_MV[name])[:, :, None] for share in SHARE[name])
    on = np.where(seen, begins.argmax(axis=2), np.nan)
    off = np.where(seen, wave.shape[2] - 1 - ends[:, :, ::-1].argmax(axis=2), np.nan)
    return on, off


def peaks(wave: NDArray[np.float32], on: Array, *, name: str) -> tuple[Array, Array, Array]:
    """Peak and second (opposite) peak `[event, lead]` and joint peak `[event]`, as samples of the window."""
    high, low = wave.argmax(axis=2)[:, :, None], wave.argmin(axis=2)[:, :, None]
    top, bottom = np.take_along_axis(wave, high, 2)[:, :, 0], -np.take_along_axis(wave, low, 2)[:, :, 0]
    high, low = high[:, :, 0], low[:, :, 0]
    up = top >= bottom
    seen = np.isfinite(on)
    second = seen & (np.minimum(top, bottom) > np.maximum(SEEN_MV[name], 0.15 * np.maximum(top, bottom)))
    joint = np.einsum("bls,bls->bs", wave, wave).argmax(axis=1) if wave.size else np.zeros(len(wave))
    return (np.where(seen, np.where(up, high, low), np.nan), np.where(second, np.where(up, low, high), np.nan),
            np.asarray(joint, dtype=np.float64))


def qrs_points(wave: NDArray[np.float32], on: Array) -> dict[str, Array]:
    """Q, R, S, R', S' `[event, lead]` as samples of the window, NaN = none.

    Deflections are stretches of one sign beyond 25 uV or 3 % of the largest deflection; the first positive one is R, a
    negative one before it Q, after it S, then R' and S'. A QRS without positive deflection (QS) has its point in S.
    """
    n_events, n_leads, n = wave.shape
    rows = wave.reshape(-1, n)
    size = np.abs(rows)
    level = np.maximum(0.025, 0.03 * size.max(axis=1, initial=0))
    out = {name: np.full(n_events * n_leads, np.nan) for name in ("q", "r_peak", "s", "r2", "s2")}
    flat = np.flatnonzero((size > level[:, None]) & np.isfinite(on).reshape(-1)[:, None])
    if len(flat):
        row, sign, value = flat // n, rows.ravel()[flat] > 0, size.ravel()[flat]
        new = np.r_[True, (row[1:] != row[:-1]) | (sign[1:] != sign[:-1])]
        start = np.flatnonzero(new)
        segment = np.cumsum(new) - 1
        best = np.maximum.reduceat(value, start)
        hit = np.flatnonzero(value == best[segment])
        _, first = np.unique(segment[hit], return_index=True)
        place, of, positive = flat[hit[first]] % n, row[start], sign[start]
        order = np.arange(len(start)) - np.searchsorted(of, of)  # number of the deflection within its lead
        first_up = np.where(positive[np.searchsorted(of, of)], 0, 1)  # signs alternate: the first up is number 0 or 1
        has_up = np.bincount(of, weights=positive, minlength=n_events * n_leads)[of] > 0
        rank = np.where(has_up, order - first_up, 1)
        for name, r in (("q", -1), ("r_peak", 0), ("s", 1), ("r2", 2), ("s2", 3)):
            out[name][of[rank == r]] = place[rank == r]
    return {name: points.reshape(n_events, n_leads) for name, points in out.items()}


def hidden_by(wave: Wave, qrs: Wave, *, own: NDArray[np.intp], fs: float) -> Wave:
    """The wave without what a QRS other than number `own` `[event]` hides of it."""
    n = len(wave.joint)
    cut_on, cut_off = np.full(n, -np.inf), np.full(n, np.inf)
    if not n or not len(qrs.joint):
        return wave
    on, peak, off = wave.joint[:, :1], wave.joint[:, 1:2], wave.joint[:, 2:]
    q_on, q_off = qrs.joint[None, :, 0], qrs.joint[None, :, 2]
    meets = (on < q_off) & (off > q_on) & (np.arange(len(qrs.joint))[None] != own[:, None])
    gone = (meets & (peak >= q_on) & (peak <= q_off)).any(axis=1)
    cut_off = np.where(meets & (peak < q_on), q_on, np.inf).min(axis=1)
    cut_on = np.where(meets & (peak > q_off), q_off, -np.inf).max(axis=1)
    return wave.clipped(wave.joint, gone, cut_on, cut_off, _SHORTEST_MS / 1e3 * fs)


def delineation_of(
    p: Wave, qrs: Wave, t: Wave, points: dict[str, Array], *, link: NDArray[np.intp], hidden: NDArray[np.bool_],
    has_t: NDArray[np.bool_], fs: float, leads: tuple[str, ...], n: int,
) -> tuple[Delineation, NDArray[np.intp], NDArray[np.intp]]:
    """Rows of the record from uncut waves.

    Args:
        p: atrial events, already limited to what is visible.
        qrs: ventricular events.
        t: their T waves, already limited.
        points: Q, R, S, R', S' of `qrs`, `[event, lead]`.
        link: `[atrial event]` number of the QRS it leads to, -1 = none.
        hidden: `[atrial event]` true where a QRS hides it.
        has_t: `[ventricular event]` true where the beat has a T wave, hidden or not.
        fs: sampling rate [Hz].
        leads: lead names.
        n: length of the record [samples].

    Returns:
        The delineation, and for each row its ventricular and its atrial event (-1 = none).
    """
    inside = (qrs.joint[:, 0] >= 0) & (qrs.joint[:, 2] < n)
    beats = np.flatnonzero(inside)
    partner = np.full(len(qrs.joint), -1, dtype=np.intp)
    linked = np.flatnonzero(link >= 0)
    partner[link[linked]] = linked
    alone = (link < 0) | ~inside[np.maximum(link, 0)] if len(inside) else np.ones(len(link), dtype=np.bool_)
    whole = (p.joint[:, 0] >= 0) & (p.joint[:, 2] < n)
    lone = np.flatnonzero(alone & whole & ~hidden)
    v = np.concatenate([beats, np.full(len(lone), -1)]).astype(np.intp)
    a = np.concatenate([partner[beats], lone]).astype(np.intp)
    when = np.concatenate([qrs.joint[beats, 1], p.joint[lone, 1]])
    order = np.argsort(when, kind="stable")
    v, a = v[order], a[order]
    columns = {name: np.full((len(v), len(leads)), np.nan) for name in MARKS}
    joint = np.full((len(v), len(MARKS)), np.nan)
    state = np.full((len(v), len(leads), 3), ABSENT, dtype=np.int8)
    joint_state = np.full((len(v), 3), ABSENT, dtype=np.int8)
    for w, (name, wave, pick) in enumerate(zip(WAVES, (p, qrs, t), (a, v, v), strict=True)):
        has = np.flatnonzero(pick >= 0)
        index = pick[has]
        cut = (wave.on[index] < 0) | (wave.off[index] > n - 1)
        marks = ({"on": wave.on, "peak": wave.peak, "off": wave.off, "peak2": wave.peak2} if name != "qrs"
                 else {"on": wave.on, "off": wave.off})
        for key, values in marks.items():
            columns[f"{name}_{key}"][has] = np.where(cut, np.nan, values[index])
        if name == "qrs":
            for key, values in points.items():
                columns[key][has] = np.where(cut, np.nan, values[index])
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
    marks_ = np.stack([columns[name] for name in MARKS], axis=2).transpose(1, 0, 2).copy()
    made = Delineation(
        fs=fs, leads=leads, n_samples=n, lead_marks=marks_, lead_state=np.ascontiguousarray(state.transpose(1, 0, 2)),
        lead_confidence=np.ones((len(leads), len(v), 3), dtype=np.float32), joint_marks=joint, joint_state=joint_state,
        joint_confidence=np.ones((len(v), 3), dtype=np.float32), method="simulate",
    )
    return made, v, a
