"""Is this an electrocardiogram at all? Refuses samples that are clearly something else, never a poor ECG.

Contract: `require_ecg(record)` returns None or raises. It looks at up to `_SEGMENTS` ten-second segments of each lead
(mV, any rate, NaN = not seen) and lets the record pass as soon as one of them shows narrow complexes that resemble each
other, stand out from what lies between them and come back to their level. Without such complexes it refuses only
what it can name: a constant, a pure oscillation, a smooth pulse wave, steps, bursts or noise. Ventricular
fibrillation, whose power lies at 2-9 Hz, passes. Thresholds were set on real ECGs of training patients against
generated signals of the other kinds; no real recording may be refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecground.errors import NoSignalError, NotAnEcgError
from ecground.record import Record
from ecground.signal.filters import finite_stretches
from ecground.signal.resample import resample

__all__ = ["SHORTEST_SECONDS", "require_ecg"]

SHORTEST_SECONDS: Final = 2.0
"""An ECG must show at least this much of one lead without a gap [s]."""
_FS: Final = 125.0
_SEGMENTS: Final = 6
_SECONDS: Final = 10.0
_HINT: Final = "if it is an ECG, check which channels, unit and sampling rate the file declares"


@dataclass(frozen=True, slots=True)
class _Traits:
    """What one segment of one lead looks like; shares in 0..1."""

    swing: float
    """Range of the raw samples [mV]."""
    kurtosis: float
    """Of the 5-30 Hz band: 3 for noise, over 5 for sparse complexes."""
    likeness: float
    """Median correlation of the complexes with the most typical of them."""
    complexes: int
    quiet: float
    """Median over peak of the 5-30 Hz envelope."""
    shift: float
    """Change of level over a complex, by its height: 1 for a step."""
    sharp: float
    """Height of the complexes at 5-30 Hz by the range at 0.5-40 Hz."""
    tone: float
    """Share of the 0.5-40 Hz power in the strongest spectral line."""
    pitch: float
    """Frequency of that line [Hz]."""
    seconds: float
    """Length of the piece [s]."""
    fibrillation: float
    """Share of the 0.5-40 Hz power at 2-9 Hz."""


def require_ecg(record: Record) -> None:
    """Raise NotAnEcgError when the samples are clearly no ECG, NoSignalError when there are too few to tell."""
    if not record.leads or not np.isfinite(record.signal).any():
        raise NoSignalError("the record holds no ECG samples", where="signal", hint=_HINT)
    longest, traits = 0.0, []
    for segment in _segments(record):
        for row in _order(record):
            piece = _longest_run(segment[row])
            longest = max(longest, len(piece) / record.fs)
            if len(piece) < SHORTEST_SECONDS * record.fs:
                continue
            found = _traits(piece, record.fs)
            if _has_complexes(found):
                return
            traits.append(found)
        joint = _joint(segment, record.fs)
        if joint is not None and _has_complexes(_traits(joint, record.fs)):
            return
    if not traits:
        raise NoSignalError(
            f"too little signal to read: {longest:.1f} s in one piece, {SHORTEST_SECONDS:.0f} s are needed",
            where="signal", hint="give a longer recording",
        )
    reasons = [_otherwise(found) for found in traits]
    if all(reason is not None for reason in reasons):
        named = [reason for reason in reasons if reason is not None]
        raise NotAnEcgError(
            f"the samples do not look like an ECG: {max(set(named), key=named.count)}", where="signal", hint=_HINT,
        )


def _order(record: Record) -> list[int]:
    """Lead II and the middle chest leads first: they show complexes most often."""
    first = [record.leads.index(name) for name in ("II", "V4", "V2", "I") if name in record.leads]
    return first + [row for row in range(len(record.leads)) if row not in first]


def _segments(record: Record) -> list[NDArray[np.float32]]:
    """Up to `_SEGMENTS` segments of ten seconds, spread evenly, the middle ones first."""
    size = int(_SECONDS * record.fs)
    if record.n_samples <= size:
        return [record.signal]
    count = min(_SEGMENTS, -(-record.n_samples // size))
    starts = np.linspace(0, record.n_samples - size, count).astype(int)
    starts = starts[np.argsort(np.abs(np.arange(count) - (count - 1) / 2), kind="stable")]
    return [record.signal[:, start : start + size] for start in starts]


def _longest_run(row: NDArray[np.float32]) -> NDArray[np.float32]:
    runs = list(finite_stretches(np.isfinite(row)))
    if not runs:
        return row[:0]
    start, stop = max(runs, key=lambda run: run[1] - run[0])
    return row[start:stop]


def _joint(segment: NDArray[np.float32], fs: float) -> NDArray[np.float32] | None:
    """First principal component of the 5-30 Hz band of all leads: complexes that each lead shows too weakly."""
    whole = segment[np.isfinite(segment).all(axis=1)]
    if len(whole) < 2 or whole.shape[1] < SHORTEST_SECONDS * fs:
        return None
    scaled = whole - whole.mean(axis=1, keepdims=True)
    scaled = scaled / (np.abs(np.diff(scaled, axis=1)).mean(axis=1, keepdims=True) + 1e-6)
    _, vectors = np.linalg.eigh(scaled @ scaled.T)
    return np.asarray(vectors[:, -1] @ scaled, dtype=np.float32)


def _traits(piece: NDArray[np.float32], fs: float) -> _Traits:
    """Measure one gap-free piece of one lead."""
    from scipy.signal import find_peaks, sosfiltfilt

    x = resample(piece[None], fs=fs, to=_FS)[0].astype(np.float64)
    wide, narrow = (sosfiltfilt(design, x) for design in _designs())
    swing = float(np.ptp(piece))
    power = float((narrow**2).mean())
    if swing < 1e-6 or power < 1e-14:
        return _Traits(swing, 0.0, 0.0, 0, 1.0, 0.0, 0.0, 0.0, 0.0, len(x) / _FS, 0.0)
    kurtosis = float((narrow**4).mean() / power**2)
    envelope = np.convolve(np.abs(narrow), np.full(9, 1 / 9), "same")
    peaks, _ = find_peaks(envelope, distance=25, height=0.4 * float(np.percentile(envelope, 98)))
    peaks = peaks[(peaks > 36) & (peaks < len(x) - 36)]
    spectrum = np.abs(np.fft.rfft(wide * np.hanning(len(wide)))) ** 2
    frequency = np.fft.rfftfreq(len(wide), 1.0 / _FS)
    top = int(spectrum.argmax())
    pitch = float(frequency[top])
    tone = float(spectrum[max(0, top - 2) : top + 3].sum() / spectrum.sum())
    fibrillation = float(spectrum[(frequency >= 2.0) & (frequency <= 9.0)].sum() / spectrum.sum())
    if not len(peaks):
        return _Traits(swing, kurtosis, 0.0, 0, 1.0, 0.0, 0.0, tone, pitch, len(x) / _FS, fibrillation)
    # Each complex is centred on its largest deflection before complexes are compared.
    peaks = np.array([p - 7 + int(np.abs(narrow[p - 7 : p + 8]).argmax()) for p in peaks])
    windows = narrow[peaks[:, None] + np.arange(-10, 11)]
    range_ = float(np.percentile(wide, 99.5) - np.percentile(wide, 0.5)) + 1e-12
    height = np.ptp(wide[peaks[:, None] + np.arange(-8, 9)], axis=1) + 1e-12
    return _Traits(
        swing, kurtosis, _likeness(windows), len(peaks), float(np.median(envelope) / np.median(envelope[peaks])),
        _shift(wide, peaks) / float(np.median(height)), float(np.median(np.abs(narrow[peaks])) / range_),
        tone, pitch, len(x) / _FS, fibrillation,
    )


def _shift(wide: NDArray[np.float64], peaks: NDArray[np.int64]) -> float:
    """Typical change of level over a complex [mV]: near it, or farther off where wide complexes have ended."""
    shifts = []
    for near, far in ((8, 14), (20, 28)):
        before, after = (wide[peaks[:, None] + at].mean(axis=1) for at in (-np.arange(near, far), np.arange(near, far)))
        shifts.append(float(np.median(np.abs(after - before))))
    return min(shifts)


@lru_cache(maxsize=1)
def _designs() -> tuple[Any, Any]:
    from scipy.signal import butter

    return (butter(2, [0.5, 40.0], "bandpass", fs=_FS, output="sos"),
            butter(2, [5.0, 30.0], "bandpass", fs=_FS, output="sos"))


def _likeness(windows: NDArray[np.float64]) -> float:
    """Median correlation with the complex that resembles the others most; 0 for fewer than three."""
    if len(windows) < 3:
        return 0.0
    unit = windows - windows.mean(axis=1, keepdims=True)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True) + 1e-12
    return float(np.median(unit @ unit.T, axis=1).max())


def _has_complexes(traits: _Traits) -> bool:
    """Narrow, alike, apart, and back to the level they came from."""
    apart = traits.sharp >= 0.08 and traits.shift <= 0.42 and traits.tone <= 0.65
    if traits.complexes < 3:
        return apart and traits.complexes > 0 and traits.kurtosis >= 6.0 and traits.quiet <= 0.2
    return apart and traits.likeness >= 0.8 and traits.kurtosis >= 4.3 and traits.quiet <= 0.45


def _otherwise(traits: _Traits) -> str | None:
    """What the segment is instead of an ECG, in words; None when it may be a poor ECG or fibrillation."""
    if traits.kurtosis == 0.0:
        return "the signal is constant"
    if traits.tone > _purest(traits):
        return "it is one smooth oscillation" if traits.sharp >= 0.08 else "it is a smooth wave without sharp complexes"
    if traits.sharp < 0.08 and traits.tone > 0.5 and traits.seconds >= 6.0:
        return "it is a smooth wave without sharp complexes"
    if traits.fibrillation > 0.55 and traits.swing >= 0.1:
        return None
    if traits.shift > 0.6 and traits.kurtosis >= 4.3 and (traits.likeness < 0.6 or traits.tone > 0.5):
        return "it is made of steps"
    if traits.likeness >= 0.78 or traits.complexes < 2.75 * (traits.seconds - 0.6):
        return None
    kurtosis, fibrillation = (3.4, 0.3) if traits.seconds < 6.0 else (4.6, 0.5)
    if traits.quiet > 0.5 and traits.kurtosis < kurtosis and traits.fibrillation < fibrillation:
        return "it is noise without repeating complexes"
    if 0.18 < traits.quiet < 0.45 and traits.fibrillation < 0.32:
        return "it is made of bursts that do not resemble each other"
    return None


def _purest(traits: _Traits) -> float:
    """Largest share of one spectral line that an ECG may show: more where flutter can be, and in short pieces."""
    fluttering = 2.0 <= traits.pitch <= 9.0 and traits.swing >= 0.1
    return (0.93 if fluttering else 0.65) if traits.seconds >= 6.0 else (0.985 if fluttering else 0.93)
