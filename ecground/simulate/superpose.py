"""The sum of all waves of several records.

QRS complexes are added at the full rate. P, ST and T have nothing above some 40 Hz: they are evaluated and added at
about 250 Hz, and the sum is brought to the full rate by cubic Lagrange interpolation, whose error is below 1 uV.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.simulate.beat import Windows

__all__ = ["Superposition", "slow_step"]

_SLOW_HZ: Final = 250.0
_PAD_S: Final = 2.0  # room on both sides for waves that the edges cut
_LAPS: Final = 6  # of the windows of one record, this many in succession may overlap


def slow_step(fs: float) -> int:
    """Samples of the full rate for each one of the slow rate."""
    return max(1, int(fs / _SLOW_HZ))


@dataclass(frozen=True, slots=True)
class Superposition:
    """Sums of eight leads in the making."""

    whole: NDArray[np.float32]
    """mV `[record, lead, sample]`, with room on both sides."""
    n: int
    """Samples of the record at this rate."""
    pad: int
    """Samples before the record."""

    @classmethod
    def blank(cls, records: int, n: int, fs: float) -> Superposition:
        """Nothing yet."""
        pad = int(_PAD_S * fs)
        return cls(np.zeros((records, 8, n + 2 * pad), dtype=np.float32), n, pad)

    def add(self, part: Windows, wave: NDArray[np.float32], record: NDArray[np.intp]) -> None:
        """Adds windows `[event, 8, sample]` in laps, so that no two of one step overlap; `record` `[event]` of all."""
        size, width = wave.shape[2], self.whole.shape[2]
        of = record[part.event]
        lap = (np.arange(len(of)) - np.searchsorted(of, of)) % _LAPS
        lap[(part.start + size <= 0) | (part.start >= self.n)] = -1
        places = (of * 8 * width + part.start + self.pad)[:, None] + np.arange(8) * width
        flat = self.whole.reshape(-1)
        line = np.ndarray((flat.size - size + 1, size), flat.dtype, flat.data, strides=flat.strides * 2)
        for turn in range(_LAPS):
            chosen = np.flatnonzero(lap == turn)
            if len(chosen):
                line[places[chosen]] += wave[chosen]

    def record(self, i: int) -> NDArray[np.float32]:
        """Record `i`, mV `[8, sample]`, a view."""
        return self.whole[i, :, self.pad:self.pad + self.n]

    def upsampled(self, i: int, step: int, n: int) -> NDArray[np.float32]:
        """Record `i` at `step` times the rate, mV `[8, n]`."""
        if step == 1:
            return self.record(i)
        count = -(-n // step)
        before, here, after, later = (self.whole[i, :, self.pad + k:self.pad + k + count] for k in (-1, 0, 1, 2))
        out = np.empty((8, count, step), dtype=np.float32)
        out[:, :, 0] = here
        for phase in range(1, step):
            u = phase / step
            made = here * np.float32((u + 1) * (u - 1) * (u - 2) / 2)
            for tap, weight in ((before, -u * (u - 1) * (u - 2) / 6), (after, -(u + 1) * u * (u - 2) / 2),
                                (later, (u + 1) * u * (u - 1) / 6)):
                made += tap * np.float32(weight)
            out[:, :, phase] = made
        return out.reshape(8, count * step)[:, :n]
