"""Noise as electrodes make it, and what recording devices do to the signal.

Noise is drawn for nine electrodes (RA, LA, LL, V1..V6) and led off like the heart's signal, so Einthoven's law still
holds. Levels are rms in microvolt at an electrode. Spectral shapes: baseline below 0.5 Hz, pink 1/f power, muscle
20-150 Hz with bursts (Clifford 2006, ch. 3), mains with third harmonic, motion as decaying jumps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ecground.leads import STANDARD
from ecground.record import Record

__all__ = ["Noise", "add_noise", "coloured", "draw_noise", "electrode_noise", "lose_contact", "record_as_device"]

Colour = Literal["baseline", "pink", "muscle", "white"]
_LEAD_OFF: Final = np.zeros((8, 9), dtype=np.float32)
_LEAD_OFF[0, :2] = (-1, 1)
_LEAD_OFF[1, [0, 2]] = (-1, 1)
_LEAD_OFF[2:, :3] = -1 / 3
_LEAD_OFF[2:, 3:] = np.eye(6)


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise levels and device of one recording."""

    baseline_uv: float = 0.0
    """Baseline wander [uV rms]."""
    mains_uv: float = 0.0
    """Mains interference [uV rms]."""
    mains_hz: float = 50.0
    muscle_uv: float = 0.0
    """Muscle activity [uV rms, mean over bursts and rests]."""
    pink_uv: float = 0.0
    """1/f noise [uV rms]."""
    white_uv: float = 0.0
    """Noise of the amplifiers, the same at all frequencies [uV rms]."""
    motion_uv: float = 0.0
    """Typical size of electrode motion artefacts [uV]."""
    motion_per_s: float = 0.1
    """Motion artefacts a second over all electrodes."""
    lost: tuple[str, ...] = ()
    """Leads that lose contact."""
    lost_from: float = 0.0
    """Start of the loss as a share of the record."""
    lost_until: float = 1.0
    lost_as: Literal["nan", "flat"] = "nan"
    """What the device stores without contact."""
    highpass_hz: float = 0.0
    """Device's low cutoff, -3 dB [Hz]; 0 = none."""
    lowpass_hz: float = 0.0
    """Device's high cutoff, -3 dB [Hz]; 0 = none."""
    lsb_uv: float = 0.0
    """Step of the analogue-digital converter [uV]; 0 = none."""


def draw_noise(rng: np.random.Generator) -> Noise:
    """A recording as hospitals make them: mostly quiet, now and then bad; a device filter and a converter step."""
    level = rng.lognormal([3.2, 0.0, 1.4, 0.9, 0.75], [0.8, 1.2, 0.55, 0.6, 0.35])
    level *= rng.random(5) < [0.97, 0.5, 0.97, 0.95, 1.0]
    lost = rng.random() < 0.01
    lead = int(rng.integers(6, 12))
    return Noise(
        baseline_uv=float(min(level[0], 400)), mains_uv=float(min(level[1], 60)),
        mains_hz=float(rng.choice([50.0, 60.0], p=[0.75, 0.25])), muscle_uv=float(min(level[2], 35)),
        pink_uv=float(min(level[3], 60)), white_uv=float(level[4]),
        motion_uv=float(rng.uniform(50, 600)) if rng.random() < 0.1 else 0.0,
        motion_per_s=float(rng.uniform(0.05, 0.4)),
        lost=(STANDARD[lead],) if lost else (), lost_from=float(rng.uniform(0, 0.6)),
        lost_until=float(rng.uniform(0.6, 1.0)), lost_as="nan" if rng.random() < 0.5 else "flat",
        highpass_hz=float(rng.choice([0.0, 0.05, 0.15, 0.5], p=[0.2, 0.5, 0.15, 0.15])),
        lowpass_hz=float(rng.choice([0.0, 40.0, 100.0, 150.0], p=[0.4, 0.08, 0.12, 0.4])),
        lsb_uv=float(rng.choice([1.0, 2.44, 4.88, 5.0])),
    )


def coloured(
    rng: np.random.Generator, *, channels: int, n: int, fs: float, kind: Colour,
) -> NDArray[np.float32]:
    """Gaussian noise of unit rms with the spectrum of `kind`, float32 `[channels, n]`."""
    return _shaped(rng, _spectrum(kind, n, fs), channels, n)


@lru_cache(maxsize=32)
def _spectrum(kind: Colour, n: int, fs: float) -> NDArray[np.float32]:
    """Amplitudes of the Fourier coefficients that make noise of unit rms."""
    size = _fast(n)
    f = np.fft.rfftfreq(size, 1 / fs)
    with np.errstate(divide="ignore"):
        match kind:
            case "baseline":
                shape = np.where((f > 0) & (f < 0.7), np.maximum(f, 0.05) ** -1.0, 0.0)
            case "pink":
                shape = np.where(f > 0, np.maximum(f, 0.3) ** -0.5, 0.0)
            case "white":
                shape = np.where(f > 0, 1.0, 0.0)
            case "muscle":
                shape = 1 / (1 + (25 / np.maximum(f, 0.1)) ** 4) / (1 + (f / 120) ** 4)
    return np.asarray(shape * size / (2 * np.sqrt((shape**2).sum())), dtype=np.float32)


def _shaped(rng: np.random.Generator, shape: NDArray[np.float32], channels: int, n: int) -> NDArray[np.float32]:
    """Noise `[channels, n]` with given amplitudes of its Fourier coefficients.

    Coefficients are drawn uniform, which costs a fifth of normal ones; a sample is a sum of thousands of them.
    """
    spectrum = rng.random((channels, 2 * len(shape)), dtype=np.float32)
    spectrum -= np.float32(0.5)
    spectrum *= np.repeat(shape * np.float32(np.sqrt(12.0)), 2)
    return np.asarray(np.fft.irfft(spectrum.view(np.complex64), _fast(n), axis=1)[:, :n])


def electrode_noise(noise: Noise, *, n: int, fs: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise of I, II, V1..V6, float32 mV `[8, n]`."""
    total = np.zeros((9, n), dtype=np.float32)
    steady: tuple[tuple[float, Colour], ...] = (
        (noise.baseline_uv, "baseline"), (noise.pink_uv, "pink"), (noise.white_uv, "white"))
    power = sum((level / 1e3 * _spectrum(kind, n, fs)) ** 2 for level, kind in steady if level)
    if np.any(power):
        total += _shaped(rng, np.sqrt(power).astype(np.float32), 9, n)
    if noise.muscle_uv:
        burst = _bursts(rng, n=n, seconds=n / fs)
        muscle = coloured(rng, channels=9, n=n, fs=fs, kind="muscle")
        muscle *= rng.lognormal(0, 0.5, (9, 1)).astype(np.float32) * np.float32(noise.muscle_uv / 1e3)
        muscle *= burst
        total += muscle
    if noise.mains_uv:
        total += np.float32(noise.mains_uv / 1e3) * _mains(noise.mains_hz, n=n, fs=fs, rng=rng)
    if noise.motion_uv:
        _add_motion(total, noise, fs=fs, rng=rng)
    return np.asarray(_LEAD_OFF @ total, dtype=np.float32)


def record_as_device(eight: NDArray[np.float32], noise: Noise, *, fs: float) -> NDArray[np.float32]:
    """Device filters (zero phase, second-order Butterworth magnitude) and converter steps, `[8, n]` mV in and out."""
    out = eight
    n = eight.shape[1]
    if noise.highpass_hz or (noise.lowpass_hz and noise.lowpass_hz < 0.5 * fs):
        pad = int(min(n - 1, fs))
        before, after = 2 * out[:, :1] - out[:, pad:0:-1], 2 * out[:, -1:] - out[:, -2:-pad - 2:-1]
        wide = np.concatenate([before, out, after], axis=1)
        size = _fast(wide.shape[1])
        f = np.fft.rfftfreq(size, 1 / fs)
        gain = np.ones(len(f), dtype=np.float32)
        if noise.lowpass_hz and noise.lowpass_hz < 0.5 * fs:
            gain /= np.sqrt(1 + (f / noise.lowpass_hz) ** 4).astype(np.float32)
        if noise.highpass_hz:
            gain *= (f**2 / np.sqrt(f**4 + noise.highpass_hz**4)).astype(np.float32)
        wide = np.fft.irfft(np.fft.rfft(wide, size, axis=1) * gain, size, axis=1)
        out = wide[:, pad:pad + n].astype(np.float32)
    if noise.lsb_uv:
        step = np.float32(noise.lsb_uv / 1e3)
        out = np.round(out / step) * step
    return out


def lose_contact(signal: NDArray[np.float32], leads: tuple[str, ...], noise: Noise) -> None:
    """Writes the loss of contact into `signal [lead, n]`, in place."""
    begin, end = int(noise.lost_from * signal.shape[1]), int(noise.lost_until * signal.shape[1])
    for name in noise.lost:
        if name in leads:
            signal[leads.index(name), begin:end] = np.nan if noise.lost_as == "nan" else 0.0


def add_noise(record: Record, *, snr_db: float, kind: Literal["baseline", "pink", "muscle", "mains"] = "pink",
              mains_hz: float = 50.0, rng: np.random.Generator) -> Record:
    """The record with noise of one kind at a given signal-to-noise ratio in every lead.

    The power of the signal is its variance over the seen samples of the lead; NaN stays NaN. Leads get independent
    noise, so Einthoven's law no longer holds.
    """
    n_leads, n = record.signal.shape
    unit = (_mains(mains_hz, n=n, fs=record.fs, rng=rng, channels=n_leads) if kind == "mains"
            else coloured(rng, channels=n_leads, n=n, fs=record.fs, kind=kind))
    seen = np.isfinite(record.signal)
    count = np.maximum(seen.sum(axis=1, keepdims=True), 1)
    filled = np.where(seen, record.signal, 0)
    spread = np.sqrt((np.where(seen, filled - filled.sum(axis=1, keepdims=True) / count, 0) ** 2)
                     .sum(axis=1, keepdims=True) / count)
    unit = unit / np.maximum(np.sqrt((unit**2).mean(axis=1, keepdims=True)), 1e-9)
    noisy = record.signal + unit * spread * 10 ** (-snr_db / 20)
    return record.replace(signal=noisy.astype(np.float32))


def _mains(hz: float, *, n: int, fs: float, rng: np.random.Generator, channels: int = 9) -> NDArray[np.float32]:
    time = np.arange(n) / fs
    phase = 2 * np.pi * (hz + rng.normal(0, 0.05)) * time + 0.6 * np.sin(2 * np.pi * rng.uniform(0.05, 0.2) * time)
    size = 1.414 * rng.lognormal(0, 0.4, channels)
    third = size * rng.uniform(0, 0.3, channels) * (3 * hz < fs / 2)
    turn = rng.normal(0, 0.8, channels)
    u = (phase % (2 * np.pi)).astype(np.float32)
    waves = np.stack([np.sin(u), np.cos(u), np.sin(3 * u)])
    return np.asarray(np.stack([size * np.cos(turn), size * np.sin(turn), third], axis=1).astype(np.float32) @ waves)


def _bursts(rng: np.random.Generator, *, n: int, seconds: float) -> NDArray[np.float32]:
    """Envelope of muscle activity, mean square about 1, `[n]`."""
    knots = max(3, int(seconds * 1.5))
    level = rng.lognormal(-0.25, 0.7, knots)
    return np.interp(np.linspace(0, knots - 1, n), np.arange(knots), level).astype(np.float32)


def _add_motion(total: NDArray[np.float32], noise: Noise, *, fs: float, rng: np.random.Generator) -> None:
    n = total.shape[1]
    for _ in range(int(rng.poisson(noise.motion_per_s * n / fs))):
        at, electrode = int(rng.integers(0, n)), int(rng.integers(0, 9))
        size = noise.motion_uv / 1e3 * float(rng.normal())
        time = np.arange(n - at) / fs
        rise = 1 - np.exp(-time / rng.uniform(0.01, 0.15))
        total[electrode, at:] += (size * rise * np.exp(-time / rng.uniform(0.1, 0.9))).astype(np.float32)


def _fast(n: int) -> int:
    """The next length that the Fourier transform likes: 2^a 3^b 5^c."""
    best = 1 << (n - 1).bit_length()
    for five in (1, 5, 25):
        for three in (1, 3, 9):
            odd = five * three
            best = min(best, odd << max(0, -(-n // odd) - 1).bit_length())
    return best
