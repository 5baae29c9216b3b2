"""The median beat of the dominant class: aligned samples and marks that stand for the record in every lead.

Contract: `MedianBuilder` collects windows chunk by chunk (at most 256 beats, evenly spread, so that memory does not
grow with the recording) and `build()` gives a `Windows` of one row. The median over aligned beats keeps what repeats
and drops noise and single ectopic beats (as the representative beat of 12SL and Glasgow does).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.measure.robust import nan_median
from ecground.measure.waves.windows import Windows

__all__ = ["MOST_BEATS", "MedianBuilder"]

MOST_BEATS: Final = 256
"""Most beats behind a median beat."""


class MedianBuilder:
    """Gathers the aligned windows of chosen beats and takes their median."""

    def __init__(self, dominant: NDArray[np.bool_], shift: NDArray[np.int64], fs: float) -> None:
        """`dominant` and `shift` [samples at `fs`] are `[row]` arrays of `BeatClasses`."""
        rows = np.flatnonzero(dominant)
        if len(rows) > MOST_BEATS:
            rows = rows[np.linspace(0, len(rows) - 1, MOST_BEATS).astype(np.intp)]
        self._chosen = np.zeros(len(dominant), dtype=np.bool_)
        self._chosen[rows] = True
        self._shift, self._fs = shift, fs
        self._parts: list[Windows] = []

    def add(self, w: Windows) -> None:
        """Keep the chosen rows of these windows, moved so that their QRS complexes lie on each other."""
        mine = np.flatnonzero(self._chosen[w.rows])
        if len(mine) == 0:
            return
        late = np.rint(self._shift[w.rows[mine]] * (w.rate / self._fs)).astype(np.int64)
        y = w.y[:, mine]
        if late.any():
            index = np.arange(w.y.shape[2]) + late[:, None]
            ok = (index >= 0) & (index < w.y.shape[2])
            y = np.take_along_axis(y, np.where(ok, index, 0)[None], axis=2)
            y = np.where(ok, y, np.float32(np.nan))
        marks = w.marks[:, mine] - late[None, :, None].astype(np.float32)
        joint = w.joint[mine] - late[:, None].astype(np.float32)
        self._parts.append(Windows(w.rows[mine], w.rate, w.zero, y, marks, joint))

    def build(self) -> Windows | None:
        """One-row windows of the median beat; None without beats. A mark needs half of the beats that show its lead."""
        if not self._parts:
            return None
        first = self._parts[0]
        y = np.concatenate([part.y for part in self._parts], axis=1)
        marks = np.concatenate([part.marks for part in self._parts], axis=1)
        joint = np.concatenate([part.joint for part in self._parts], axis=0)
        rows = np.concatenate([part.rows for part in self._parts])
        shown = np.isfinite(y[:, :, first.zero]).sum(axis=1)
        return Windows(rows[:1], first.rate, first.zero, nan_median(y, axis=1)[:, None].astype(np.float32),
                       _common(marks, shown[:, None], axis=1)[:, None],
                       _common(joint, np.array(len(joint)), axis=0)[None])


def _common(marks: NDArray[np.float32], beats: NDArray[np.intp], axis: int) -> NDArray[np.float32]:
    """Median of marks that at least half of the `beats` have: of a lead, those in which it is seen."""
    share = np.isfinite(marks).sum(axis=axis) / np.maximum(beats, 1)
    return np.where(share >= 0.5, nan_median(marks, axis=axis), np.nan).astype(np.float32)
