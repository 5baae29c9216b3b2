"""Zero-phase filters: diagnostic and monitoring bands, baseline removal, and a notch at the mains frequency found.

Contract: signals are `[lead, sample]` in mV, float32 out, NaN = not seen. Each gap-free stretch is filtered on its own,
gaps stay NaN, and stretches under `SHORTEST` seconds come back as they are. No filter moves a wave in time.

Slow components are estimated by penalised least squares, `argmin sum (x-z)^2 + lam sum (D^d z)^2` (Whittaker 1923;
Eilers, Anal Chem 2003;75:3631). Away from the edges `x - z` is a Butterworth high-pass of order d run forwards and
backwards; at the edges the penalty's natural boundary replaces padding, so that short strips do not ring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecground.record import Record

__all__ = [
    "DIAGNOSTIC", "MONITORING", "SHORTEST", "Band", "bandpass", "baseline", "clean", "finite_stretches",
    "mains_frequency", "remove_baseline", "remove_mains",
]

SHORTEST: Final = 0.2
"""Gap-free stretches shorter than this are left alone [s]."""
_SEARCH_SECONDS: Final = 60.0
_MAINS_RATIO: Final = 30.0
_MAINS_FLOOR_MV: Final = 0.0008


@dataclass(frozen=True, slots=True)
class Band:
    """A pass band; the whole zero-phase filter is 3 dB down at both limits."""

    name: str
    low: float
    """High-pass limit [Hz]."""
    low_order: int
    """Order of each pass of the high-pass; 1 removes only the mean of a strip short against 1/low."""
    high: float
    """Low-pass limit [Hz]; no low-pass where the sampling rate cannot hold it."""


DIAGNOSTIC: Final = Band("diagnostic", 0.05, 1, 150.0)
"""0.05-150 Hz, for ST and intervals (AHA/ACCF/HRS 2007 part I)."""
MONITORING: Final = Band("monitoring", 0.5, 2, 40.0)
"""0.5-40 Hz, for rhythm and display; distorts ST."""


def bandpass(signal: NDArray[np.float32], *, fs: float, band: Band = DIAGNOSTIC) -> NDArray[np.float32]:
    """`signal` `[lead, sample]` mV, limited to `band`."""

    def one(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return _low_pass(x - _trend(x, fs, band.low, band.low_order), fs, band.high)

    return _by_stretch(signal, fs, one)


def baseline(signal: NDArray[np.float32], *, fs: float, cutoff: float = 0.5) -> NDArray[np.float32]:
    """The slow wander below `cutoff` Hz, `[lead, sample]` mV, NaN where the signal is."""
    return _by_stretch(signal, fs, lambda x: _trend(x, fs, cutoff, 2))


def remove_baseline(signal: NDArray[np.float32], *, fs: float, cutoff: float = 0.5) -> NDArray[np.float32]:
    """`signal` without its wander below `cutoff` Hz."""
    return _by_stretch(signal, fs, lambda x: x - _trend(x, fs, cutoff, 2))


def clean(record: Record, *, band: Band = DIAGNOSTIC) -> Record:
    """The record without mains hum (at the frequency found, if any) and limited to `band`."""
    found = mains_frequency(record)
    signal = record.signal if found is None else remove_mains(record.signal, fs=record.fs, frequency=found)
    return record.replace(signal=bandpass(signal, fs=record.fs, band=band))


def mains_frequency(record: Record) -> float | None:
    """The mains frequency that is in the samples, near 50 or 60 Hz (to about 0.02 Hz), or None.

    The spectrum of what a one-period moving average leaves (QRS slopes limited) must have a line within 0.4 Hz of
    50 or 60 Hz, or of where the sampling rate folds it, 15 dB above its neighbourhood in the mean of all leads and
    of at least 0.8 uV. A line that another multiple of the same mains supports may be half as strong.
    """
    best, found = 0.0, None
    for nominal in (50.0, 60.0):
        score, frequency = _line(record.signal, record.fs, nominal)
        if score > best:
            best, found = score, frequency
    return found if best >= 1.0 else None


def remove_mains(signal: NDArray[np.float32], *, fs: float, frequency: float) -> NDArray[np.float32]:
    """`signal` without the hum at `frequency` and its harmonics up to the third, wherever the sampling rate folds them.

    The hum's slowly changing phasor (0.5 Hz to each side) is estimated with limited QRS slopes and subtracted, after
    the idea of the subtraction procedure (Levkov et al., Biomed Eng Online 2005;4:50): QRS complexes do not ring.
    """
    seen = sorted({round(_fold(k * frequency, fs), 6) for k in (1, 2, 3)})
    lines = [f for f in seen if 15.0 < f < 0.49 * fs]

    def one(x: NDArray[np.float64]) -> NDArray[np.float64]:
        out = x
        for line in lines:
            out = out - _hum(out, fs, line)
        return out

    return _by_stretch(signal, fs, one)


def finite_stretches(row: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Start and end (exclusive) of every run of True in a 1-D mask."""
    edges = np.flatnonzero(np.diff(row.astype(np.int8), prepend=0, append=0))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _by_stretch(
    signal: NDArray[np.float32], fs: float, step: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float32]:
    """Run `step` on every gap-free stretch, leads with equal gaps together."""
    seen = np.isfinite(signal)
    if seen.all():
        if signal.shape[1] < SHORTEST * fs:
            return signal.copy()
        return np.asarray(step(signal.astype(np.float64)), dtype=np.float32)
    out = np.where(seen, signal, np.float32(np.nan)).astype(np.float32)
    patterns: dict[bytes, list[int]] = {}
    for lead in range(signal.shape[0]):
        patterns.setdefault(np.packbits(seen[lead]).tobytes(), []).append(lead)
    for rows in patterns.values():
        for start, stop in finite_stretches(seen[rows[0]]):
            if stop - start >= SHORTEST * fs:
                out[rows, start:stop] = step(signal[rows, start:stop].astype(np.float64))
    return out


def _trend(x: NDArray[np.float64], fs: float, cutoff: float, order: int) -> NDArray[np.float64]:
    """The part of `x` `[lead, sample]` below `cutoff` Hz; `x` minus it is 3 dB down at `cutoff`."""
    from scipy.interpolate import CubicSpline

    n = x.shape[1]
    # Block means 100 times faster than the cut-off are enough for it, and keep the equations well conditioned.
    block = max(1, int(fs / (100.0 * cutoff)))
    whole = n // block
    if whole < 4:
        return np.repeat(x.mean(axis=1, keepdims=True), n, axis=1)
    means = x[:, : whole * block].reshape(x.shape[0], whole, block).mean(axis=2)
    if block == 1:
        return _whittaker(means, fs, cutoff, order)
    smooth = _whittaker(means, fs / block, cutoff, order)
    centres = np.arange(whole) * block + 0.5 * (block - 1)
    spline = CubicSpline(centres, smooth, axis=1, bc_type="natural")
    out = np.asarray(spline(np.clip(np.arange(n), centres[0], centres[-1])), dtype=np.float64)
    head, tail = np.arange(int(centres[0]) + 1), np.arange(int(np.ceil(centres[-1])), n)
    slopes = spline(centres[[0, -1]], 1)
    out[:, head] = smooth[:, :1] + slopes[:, :1] * (head - centres[0])
    out[:, tail] = smooth[:, -1:] + slopes[:, 1:] * (tail - centres[-1])
    return out


def _whittaker(x: NDArray[Any], fs: float, cutoff: float, order: int) -> NDArray[Any]:
    """Penalised least squares smoothing `[row, sample]`, real or complex; `x - z` is 3 dB down at `cutoff`."""
    from scipy.linalg import solveh_banded

    n = x.shape[1]
    # Gain of x - z is lam s^2d / (1 + lam s^2d), s = 2 sin(w/2): 1/sqrt(2) at the cut-off gives lam s^2d = 1/(sqrt2-1).
    lam = 1.0 / (np.sqrt(2.0) - 1.0) / (2.0 * np.sin(np.pi * min(cutoff / fs, 0.5))) ** (2 * order)
    return np.asarray(solveh_banded(_penalty(n, order) * lam + _unit(n, order), x.T, lower=True, check_finite=False).T)


@lru_cache(maxsize=16)
def _penalty(n: int, order: int) -> NDArray[np.float64]:
    """Lower band form of D'D for differences of `order` 1 or 2, `[order + 1, n]`."""
    band = np.zeros((order + 1, n))
    kernel = (-1.0, 1.0) if order == 1 else (1.0, -2.0, 1.0)
    rows = n - order
    for i, a in enumerate(kernel):
        for j in range(i, order + 1):
            band[j - i, i : i + rows] += a * kernel[j]
    return band


@lru_cache(maxsize=16)
def _unit(n: int, order: int) -> NDArray[np.float64]:
    band = np.zeros((order + 1, n))
    band[0] = 1.0
    return band


def _low_pass(x: NDArray[np.float64], fs: float, high: float) -> NDArray[np.float64]:
    """Butterworth of order 4 both ways, 3 dB down at `high` in all; `x` itself where `fs` cannot hold it."""
    from scipy.signal import sosfiltfilt

    design = _low_pass_design(fs, high)
    if design is None:
        return x
    pad = min(x.shape[1] - 1, int(2.0 * fs / high) + 3)
    return np.asarray(sosfiltfilt(design, x, axis=1, padtype="odd", padlen=pad), dtype=np.float64)


@lru_cache(maxsize=32)
def _low_pass_design(fs: float, high: float) -> NDArray[np.float64] | None:
    from scipy.signal import butter

    if high >= 0.48 * fs:
        return None
    # Each pass must be 1.5 dB down at the limit, on the warped frequency axis of the bilinear transform.
    single = fs / np.pi * np.arctan(np.tan(np.pi * high / fs) / (np.sqrt(2.0) - 1.0) ** (1.0 / 8.0))
    return np.asarray(butter(4, single, fs=fs, output="sos"))


def _fold(frequency: float, fs: float) -> float:
    """Where sampling at `fs` shows a component of `frequency` [Hz]."""
    return abs((frequency + fs / 2) % fs - fs / 2)


def _residue(x: NDArray[np.float64], fs: float, line: float) -> NDArray[np.float64]:
    """`x` minus its mean over one period of `line`, so that the line stays whole, with steep QRS slopes limited."""
    from scipy.ndimage import convolve1d

    half = fs / line / 2.0
    m = int(np.floor(half - 0.5)) if half >= 0.5 else 0
    kernel = np.ones(2 * m + 3)
    kernel[[0, -1]] = half - (m + 0.5)
    kernel /= kernel.sum()
    gain = 1.0 - float((kernel * np.cos(2 * np.pi * line / fs * np.arange(-m - 1, m + 2))).sum())
    rest = (x - convolve1d(x, kernel, axis=1, mode="nearest")) / gain
    limit = 3.0 * np.median(np.abs(rest), axis=1, keepdims=True)
    return np.asarray(np.clip(rest, -limit, limit))


def _hum(x: NDArray[np.float64], fs: float, line: float) -> NDArray[np.float64]:
    """The sinusoid at `line` Hz with slowly changing amplitude and phase, `[lead, sample]`."""
    n = x.shape[1]
    angle = 2 * np.pi * line / fs * np.arange(n)
    cos, sin = np.cos(angle), np.sin(angle)
    rest = _residue(x, fs, line)
    block = max(1, round(fs / line)) * 2
    whole = n // block
    if whole < 4:
        return np.asarray(2.0 * (np.outer(rest @ cos, cos) + np.outer(rest @ sin, sin)) / n)
    shape = (whole, block)
    cut = whole * block
    parts = [np.einsum("lwb,wb->lw", rest[:, :cut].reshape(-1, *shape), turn[:cut].reshape(shape)) / block
             for turn in (cos, sin)]
    smooth = _whittaker(np.concatenate(parts), fs / block, 0.5, 2)
    at = (np.arange(n) - 0.5 * (block - 1)) / block
    level = np.stack([np.interp(at, np.arange(whole), row) for row in smooth])
    return np.asarray(2.0 * (level[: len(x)] * cos + level[len(x) :] * sin))


def _line(signal: NDArray[np.float32], fs: float, nominal: float) -> tuple[float, float]:
    """How clearly the mains of `nominal` Hz is in the signal (1 = just enough), and its exact frequency."""
    folded = _fold(nominal, fs)
    if not 15.0 < folded < 0.495 * fs:
        return 0.0, nominal
    x = _longest(signal, fs)
    if x.shape[1] < 1.5 * fs:
        return 0.0, nominal
    sharp, at, height = _peak(x, fs, folded)
    second = _fold(2 * nominal, fs)
    if 0.5 * _MAINS_RATIO <= sharp < _MAINS_RATIO and 15.0 < second < 0.495 * fs and abs(second - folded) > 2.0:
        sharp *= 2.0 if _peak(x, fs, second)[0] > _MAINS_RATIO else 1.0
    if height < _MAINS_FLOOR_MV:
        return 0.0, nominal
    sign = 1.0 if abs(((nominal + 0.01 + fs / 2) % fs) - fs / 2) > folded else -1.0
    return sharp / _MAINS_RATIO, nominal + sign * (at - folded)


def _longest(signal: NDArray[np.float32], fs: float) -> NDArray[np.float64]:
    """The longest stretch most leads see, at most a minute from its middle, without the leads that miss any of it."""
    seen = np.isfinite(signal)
    if not seen.any():
        return np.zeros((0, 0))
    most = seen.sum(axis=0) >= max(1.0, 0.5 * seen.any(axis=1).sum())
    runs = list(finite_stretches(most)) or list(finite_stretches(seen[int(seen.sum(axis=1).argmax())]))
    start, stop = max(runs, key=lambda run: run[1] - run[0])
    extra = max(0, (stop - start) - int(_SEARCH_SECONDS * fs)) // 2
    part = signal[:, start + extra : stop - extra]
    return part[np.isfinite(part).all(axis=1)].astype(np.float64)


def _peak(x: NDArray[np.float64], fs: float, line: float) -> tuple[float, float, float]:
    """Power of the strongest line within 0.4 Hz of `line` over its neighbourhood, its frequency [Hz], its amplitude."""
    from scipy.fft import next_fast_len

    if x.shape[0] == 0:
        return 0.0, line, 0.0
    n = x.shape[1]
    window = np.hanning(n)
    size = next_fast_len(2 * n, real=True)
    spectrum = np.fft.rfft(_residue(x, fs, line) * window, size, axis=1)
    frequency = np.fft.rfftfreq(size, 1.0 / fs)
    power = (np.abs(spectrum) ** 2).mean(axis=0)
    away = np.abs(frequency - line)
    near, around = away <= 0.4, (away > max(1.0, 3.0 * fs / n)) & (away < 8.0)
    if not near.any() or around.sum() < 8:
        return 0.0, line, 0.0
    top = int(np.flatnonzero(near)[power[near].argmax()])
    bend = power[top - 1 : top + 2]
    shift = 0.0
    if bend.size == 3 and bend[1] >= max(bend[0], bend[2]) and bend.min() > 0:
        left, middle, right = np.log(bend)
        shift = 0.5 * (left - right) / (left - 2 * middle + right) if left + right < 2 * middle else 0.0
    height = 2.0 * np.sqrt(power[top]) / window.sum()
    return float(power[top] / np.median(power[around])), float((top + shift) * fs / size), float(height)
