"""Pacing spikes in the samples as recorded.

Contract: `find_spikes(record)` takes unfiltered mV `[lead, sample]` at the file's own rate (NaN = not seen) and gives
sample positions with the leads that show each spike. A spike is bent far more sharply than the 8-40 ms before it and
after it, in several leads at once; a QRS complex is not, since its bends come in series. Below `LOWEST_FS` nothing
can be said. Files filtered at 150 Hz keep most spikes of unipolar and many of bipolar pacing, 40 Hz files none.

Thresholds were set on 1,584 ECGs of PTB-XL training patients (20 paced), 500 Hz, 0.05-150 Hz.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.record import Record

__all__ = ["LOWEST_FS", "Spikes", "find_spikes"]

LOWEST_FS: Final = 240.0
"""Sampling rate below which a spike cannot be told from a QRS complex [Hz]."""
_NOISE_MV: Final = 0.008
_SMALLEST_MV: Final = 0.03
_BEFORE: Final = 8.0
_BOTH: Final = 6.0
_PIECE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Spikes:
    """Spikes in time order."""

    samples: NDArray[np.int64]
    """`[spike]` position [samples]."""
    leads: NDArray[np.bool_]
    """`[lead, spike]`: whether the lead shows it."""
    strength: NDArray[np.float64]
    """`[spike]`: how many times sharper than its surroundings, in the weakest lead that was needed."""
    assessable: bool
    """False when the sampling rate is too low or too little was seen."""

    @property
    def support(self) -> NDArray[np.int64]:
        """`[spike]`: number of leads that show it."""
        return np.asarray(self.leads.sum(axis=0), dtype=np.int64)


def find_spikes(record: Record) -> Spikes:
    """Pacing spikes of `record`; three leads must agree, or all where there are fewer."""
    count = len(record.leads)
    if record.fs < LOWEST_FS or record.seconds < 0.2 or not np.isfinite(record.signal).any():
        return Spikes(np.zeros(0, np.int64), np.zeros((count, 0), bool), np.zeros(0), False)
    size, margin = int(_PIECE_SECONDS * record.fs), int(0.2 * record.fs)
    found = []
    for start in range(0, record.n_samples, size):
        low = max(0, start - margin)
        at, leads, strength = _in_piece(record.signal[:, low : start + size + margin], record.fs)
        at = at + low
        mine = (at >= start) & (at < start + size)
        found.append((at[mine], leads[:, mine], strength[mine]))
    at, leads, strength = (np.concatenate(part, axis=-1) for part in zip(*found, strict=True))
    return Spikes(at.astype(np.int64), leads.astype(bool), strength, True)


def _in_piece(
    signal: NDArray[np.float32], fs: float,
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]:
    """Positions, leads and strengths of the spikes of one piece."""
    from scipy.ndimage import maximum_filter1d

    bend = _bend(signal, fs)
    near, width = round(0.008 * fs), round(0.032 * fs) | 1
    around = maximum_filter1d(bend, width, axis=1, mode="constant")
    off = near + width // 2
    before, after = np.zeros_like(bend), np.zeros_like(bend)
    before[:, off:], after[:, :-off] = around[:, :-off], around[:, off:]
    # Where the record begins or ends, nothing is known of what came before or after: no spike is claimed there.
    before[:, :off] = after[:, -off:] = np.inf
    earlier = bend / (before + _NOISE_MV)
    both = np.sqrt(earlier * (bend / (after + _NOISE_MV)))
    ratio = np.where(bend >= _SMALLEST_MV, np.minimum(earlier / _BEFORE, both / _BOTH), 0.0)
    # Leads may show the sharpest bend a sample apart.
    ratio = maximum_filter1d(ratio, 3, axis=1, mode="constant")
    seen = int(np.isfinite(signal).any(axis=1).sum())
    needed = min(3, seen)
    strength = np.partition(ratio, -needed, axis=0)[-needed]
    score = strength + 1e-3 * np.minimum(ratio, 10.0).sum(axis=0)
    peak = (strength >= 1.0) & (score >= maximum_filter1d(score, 2 * round(0.01 * fs) + 1, mode="constant"))
    at = np.flatnonzero(peak)
    at = at[np.diff(at, prepend=-fs) > 0.01 * fs]
    if not at.size:
        return at, np.zeros((len(signal), 0), bool), np.zeros(0)
    # The widened ratio is level over three samples: the spike is where the bends are largest.
    beside = np.clip(at[:, None] + np.arange(-2, 3), 0, signal.shape[1] - 1)
    exact = beside[np.arange(at.size), bend.sum(axis=0)[beside].argmax(axis=1)]
    return exact, ratio[:, at] >= 1.0, strength[at].astype(np.float64) * _BOTH


def _bend(signal: NDArray[np.float32], fs: float) -> NDArray[np.float32]:
    """|x[n] - (x[n-2 ms] + x[n+2 ms]) / 2| in mV, 0 where any of the three is not seen."""
    step = max(1, round(0.002 * fs))
    bend = np.zeros(signal.shape, dtype=np.float32)
    middle = signal[:, step:-step] - 0.5 * (signal[:, : -2 * step] + signal[:, 2 * step :])
    bend[:, step:-step] = np.nan_to_num(np.abs(middle))
    return bend
