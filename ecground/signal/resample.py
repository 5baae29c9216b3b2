"""Polyphase resampling to any rate, without moving a sample in time.

Contract: `[lead, sample]` mV in and out (float32), output sample k lies at time k / fs_out, the output has
ceil(n fs_out / fs_in) samples, and an output sample is NaN exactly where the nearest input sample is. Edges and gap
borders are continued by odd reflection. Long records go through in pieces with overlap, in linear time.

Reference: Kaiser-windowed sinc polyphase filter, Crochiere & Rabiner, Proc IEEE 1981;69:300.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.errors import UsageError
from ecground.record import Record
from ecground.signal.filters import finite_stretches

__all__ = ["output_length", "resample", "resample_record"]

_LOBES: Final = 24
"""Half length of the filter in samples of the slower rate."""
_PIECE: Final = 1 << 18
"""Input samples a piece."""
_LARGEST: Final = 60_000
"""Largest numerator or denominator of the rate ratio."""


def resample_record(record: Record, fs: float) -> Record:
    """The record at `fs` Hz; the record itself when it has that rate already."""
    if fs == record.fs:
        return record
    return record.replace(signal=resample(record.signal, fs=record.fs, to=fs), fs=float(fs))


def resample(signal: NDArray[np.float32], *, fs: float, to: float) -> NDArray[np.float32]:
    """`signal` `[lead, sample]` at `fs` Hz, as float32 `[lead, sample]` at `to` Hz. UsageError for impossible rates."""
    up, down = _ratio(fs, to, signal.shape[1])
    if up == down:
        return np.asarray(signal, dtype=np.float32).copy()
    total = -(-signal.shape[1] * up // down)
    out = np.full((signal.shape[0], total), np.nan, dtype=np.float32)
    seen = np.isfinite(signal)
    if seen.all():
        _stretch(signal, (0, signal.shape[1]), (up, down), out)
        return out
    patterns: dict[bytes, list[int]] = {}
    for lead in range(signal.shape[0]):
        patterns.setdefault(np.packbits(seen[lead]).tobytes(), []).append(lead)
    for rows in patterns.values():
        part = out[rows]
        for run in finite_stretches(seen[rows[0]]):
            _stretch(signal[rows], run, (up, down), part)
        out[rows] = part
    return out


def output_length(n: int, *, fs: float, to: float) -> int:
    """Samples that `resample` gives for `n` samples."""
    up, down = _ratio(fs, to, n)
    return -(-n * up // down)


def _ratio(fs: float, to: float, n: int) -> tuple[int, int]:
    """The rate ratio to / fs as a fraction that drifts less than 0.02 output samples over `n` input samples."""
    if not (0 < fs < np.inf and 0 < to < np.inf):
        raise UsageError(f"cannot resample from {fs} Hz to {to} Hz", where="resample", hint="rates must be positive")
    exact = Fraction(to).limit_denominator(10**6) / Fraction(fs).limit_denominator(10**6)
    for limit in (100, 1000, 10_000, _LARGEST):
        near = exact.limit_denominator(limit)
        if near > 0 and abs(float(near - exact)) * n < 0.02 and near.numerator <= _LARGEST:
            return near.numerator, near.denominator
    raise UsageError(f"cannot resample from {fs} Hz to {to} Hz without drift", where="resample",
                     hint="give a target rate in a simpler ratio to the file's rate")


@lru_cache(maxsize=16)
def _filter(up: int, down: int) -> tuple[NDArray[np.float64], int]:
    """Taps at `up` times the input rate (gain `up`), and their delay in output samples."""
    slow = max(up, down)
    half = -(-_LOBES * slow // down) * down
    at = np.arange(-half, half + 1)
    # Half way down at 0.92 of the slower Nyquist rate: flat to 0.8 of it, 80 dB down from 1.03 of it.
    cut = 0.92 / slow
    taps = cut * np.sinc(cut * at) * np.kaiser(2 * half + 1, 8.0)
    # Every phase must have the same sum, else a constant would ripple.
    for phase in range(up):
        taps[phase::up] /= taps[phase::up].sum()
    return taps, half // down


def _stretch(
    signal: NDArray[np.float32], run: tuple[int, int], ratio: tuple[int, int], out: NDArray[np.float32],
) -> None:
    """Resample one gap-free stretch `[run)` of `signal` into its place in `out`, piece by piece."""
    from scipy.signal import upfirdn

    start, stop = run
    up, down = ratio
    taps, delay = _filter(up, down)
    reach = (len(taps) // 2) // up + 2
    first, last = _outputs(start, up, down), _outputs(stop, up, down)
    if stop == signal.shape[1]:
        last = out.shape[1]
    step = max(1, _PIECE * up // down)
    for k in range(first, last, step):
        end = min(k + step, last)
        low = (k * down // up - reach) // down * down
        high = (end - 1) * down // up + reach + 1
        piece = _continued(signal, run, (low, high))
        skip = k - low * up // down + delay
        out[:, k:end] = upfirdn(taps, piece, up, down, axis=1)[:, skip : skip + end - k]


def _outputs(edge: int, up: int, down: int) -> int:
    """First output sample whose nearest input sample is `edge` or later: k down / up >= edge - 1/2."""
    return max(0, -(-(2 * edge - 1) * up // (2 * down)))


def _continued(
    signal: NDArray[np.float32], run: tuple[int, int], wanted: tuple[int, int],
) -> NDArray[np.float64]:
    """Samples `wanted` of the stretch `run`, continued beyond its ends by odd reflection (level beyond that)."""
    start, stop = run
    low, high = wanted
    at = np.arange(low, high)
    inside = np.clip(at, start, stop - 1)
    x = signal[:, inside].astype(np.float64)
    for end, beyond in ((start, at < start), (stop - 1, at >= stop)):
        if beyond.any():
            mirror = np.clip(2 * end - at[beyond], start, stop - 1)
            x[:, beyond] = 2.0 * signal[:, [end]] - signal[:, mirror]
    return x
