"""PR, QRS, QT and P duration of a record from anybody's marks: by lead medians, and over all leads jointly.

The same pairing serves truth and methods. A beat is an R peak with the QRS onset and offset around it, the last P onset
and offset between the beat before and the QRS (within 400 ms), and the first T offset before the next beat (within
700 ms). By lead medians: median over the beats of each lead, then over leads. Jointly: in each beat the onset
of the earliest quarter of the leads and the offset of the latest quarter, then the median over
beats: the global intervals of the CSE working party, robust against one stray lead.
"""

from __future__ import annotations

import numpy as np
from marks import LeadMarks, RecordMarks
from numpy.typing import NDArray

from ecground.signal.assemble import joint_bounds

__all__ = ["NAMES", "beats", "by_joint", "by_lead", "p_shares"]

NAMES = ("pr", "qrs", "qt", "p_dur")
R, Q_ON, Q_OFF, P_ON, P_OFF, T_OFF = range(6)
Float = NDArray[np.float64]


def beats(marks: LeadMarks, fs: float) -> Float:
    """`[beat, 6]`: R peak, QRS onset and offset, P onset and offset, T offset [ms]; NaN = none."""
    at = {mark: np.sort(positions) * 1000.0 / fs for mark, positions in marks.items()}
    r = at.get("r_peak", np.zeros(0))
    none = np.zeros(0)
    table = np.full((len(r), 6), np.nan)
    table[:, R] = r
    table[:, Q_ON] = _before(at.get("qrs_on", none), r, within=200)
    table[:, Q_OFF] = _after(at.get("qrs_off", none), r, within=250)
    past = np.concatenate([[-np.inf], table[:-1, Q_OFF]]) if len(r) else none
    following = np.concatenate([table[1:, Q_ON], [np.inf]]) if len(r) else none
    p_on = _before(at.get("p_on", none), table[:, Q_ON], within=400)
    table[:, P_ON] = np.where(p_on < np.nan_to_num(past, nan=-np.inf), np.nan, p_on)
    p_off = _before(at.get("p_off", none), table[:, Q_ON] + 20, within=400)
    table[:, P_OFF] = np.where(p_off > table[:, P_ON], p_off, np.nan)
    t_off = _after(at.get("t_off", none), table[:, Q_OFF], within=700)
    table[:, T_OFF] = np.where(t_off > np.nan_to_num(following, nan=np.inf), np.nan, t_off)
    return table


def _before(marks: Float, points: Float, *, within: float) -> Float:
    """The last mark at or before each point, NaN when none within `within` ms."""
    return -_after(-marks[::-1], -points, within=within)


def _after(marks: Float, points: Float, *, within: float) -> Float:
    padded = np.concatenate([marks, [np.nan]])
    nearest = padded[np.minimum(np.searchsorted(marks, np.nan_to_num(points, nan=np.inf)), len(marks))]
    return np.where(nearest - points <= within, nearest, np.nan)


def by_lead(leads: RecordMarks, fs: float) -> Float:
    """`[4]` in the order of NAMES [ms]: median over beats, then over leads."""
    return _median(np.array([_median(_intervals(beats(marks, fs))) for marks in leads]).reshape(-1, len(NAMES)))


def by_joint(leads: RecordMarks, fs: float) -> Float:
    """`[4]` in the order of NAMES [ms], onsets and offsets over all leads."""
    tables = [beats(marks, fs) for marks in leads]
    every = np.concatenate(tables) if tables else np.zeros((0, 6))
    every = every[np.argsort(every[:, R])]
    groups = np.split(every, np.flatnonzero(np.diff(every[:, R]) > 120) + 1) if len(every) else []
    rows = [_joined(group) for group in groups if len(group) * 2 >= len([t for t in tables if len(t)])]
    return _median(_intervals(np.array(rows).reshape(-1, 6)))


def _joined(group: Float) -> Float:
    row = np.full(6, np.nan)
    row[R] = np.median(group[:, R])
    shown = np.isfinite(group).sum(axis=0) * 2 >= len(group)  # by half of the leads or more
    on, off = joint_bounds(group, group)
    for column, bound in ((Q_ON, on), (P_ON, on), (Q_OFF, off), (P_OFF, off), (T_OFF, off)):
        row[column] = bound[column] if shown[column] else np.nan
    return row


def _intervals(table: Float) -> Float:
    return np.stack([table[:, Q_ON] - table[:, P_ON], table[:, Q_OFF] - table[:, Q_ON],
                     table[:, T_OFF] - table[:, Q_ON], table[:, P_OFF] - table[:, P_ON]], axis=1)


def _median(table: Float) -> Float:
    """Column medians over what is known; NaN for an empty column."""
    known = [column[np.isfinite(column)] for column in table.T]
    return np.array([np.median(column) if column.size else np.nan for column in known])


def p_shares(leads: RecordMarks, fs: float) -> Float:
    """Share of beats with a P wave in each lead that has QRS onsets to place a P before; `[nan]` when none has."""
    tables = [table[np.isfinite(table[:, Q_ON])] for table in (beats(marks, fs) for marks in leads)]
    shares = [float(np.isfinite(table[:, P_ON]).mean()) for table in tables if len(table)]
    return np.array(shares or [np.nan])
