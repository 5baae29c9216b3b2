"""`Truth`: what a simulated ECG really contains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecground.knowledge.finding import Evidence
from ecground.signal.beats import Delineation
from ecground.simulate.marks import Wave

__all__ = ["Statement", "Truth"]

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
