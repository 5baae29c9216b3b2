"""Continuous atrial activity: fibrillation waves and flutter waves, as eight leads.

Fibrillation: two sources of slowly changing frequency (4-9 Hz) with harmonics and waxing amplitude, strongest in V1
(Stridh and Sornmo 2001). Flutter: one sawtooth for each atrial cycle, negative in II, III, aVF and positive in V1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecground.simulate.rhythm import Rhythm

__all__ = ["atrial_activity"]

Array = NDArray[np.float64]


def atrial_activity(rhythm: Rhythm, flutter_s: Array, field: Array, *, n: int, fs: float,
                    rng: np.random.Generator) -> NDArray[np.float32]:
    """float32 mV `[8, n]`; zero unless the driver is `af` or `flutter`.

    Args:
        rhythm: gives the driver, the atrial rate and the amplitude.
        flutter_s: onsets of the flutter waves [s].
        field: lead field of I, II, V1..V6 `[8, 3]`.
        n: samples.
        fs: sampling rate [Hz].
        rng: for the waxing and waning.
    """
    if rhythm.driver == "af":
        return _fibrillation(rhythm, field, n=n, fs=fs, rng=rng)
    if rhythm.driver == "flutter":
        return _flutter(rhythm, flutter_s, field, n=n, fs=fs)
    return np.zeros((8, 1), dtype=np.float32)


def _fibrillation(rhythm: Rhythm, field: Array, *, n: int, fs: float, rng: np.random.Generator) -> NDArray[np.float32]:
    time = np.arange(n, dtype=np.float32) / np.float32(fs)
    out = np.zeros((8, n), dtype=np.float32)
    for direction, share in (((-0.2, 0.45, -0.75), 1.0), ((0.45, 0.6, 0.25), 0.5)):
        knots = max(4, int(2 * n / fs))
        drift = np.interp(time, np.linspace(0, n / fs, knots), rng.normal(0, 0.10, knots))
        phase = 2 * np.pi * np.cumsum(rhythm.atrial_bpm / 60 * (1 + drift)) / fs + rng.uniform(0, 2 * np.pi)
        level = np.interp(time, np.linspace(0, n / fs, knots), rng.lognormal(-0.05, 0.35, knots))
        phase = phase.astype(np.float32)
        wave = np.sin(phase)
        for harmonic, size in ((2, 0.35), (3, 0.18)):
            wave += np.float32(size * rng.uniform(0.5, 1.3)) * np.sin(harmonic * phase + np.float32(rng.uniform(0, 6)))
        vector = np.array(direction) * share * rhythm.atrial_mv * rng.lognormal(0, 0.2)
        out += (field @ vector).astype(np.float32)[:, None] * (wave * level.astype(np.float32))[None]
    return out


def _flutter(rhythm: Rhythm, onsets: Array, field: Array, *, n: int, fs: float) -> NDArray[np.float32]:
    time = np.arange(n) / fs
    place = np.searchsorted(onsets, time, side="right") - 1
    cycle = 60 / rhythm.atrial_bpm
    u = 2 * np.pi * ((time - onsets[place]) / cycle)
    # the Fourier parts of a sawtooth with a rounded corner: slow downstroke, quick upstroke in the inferior leads
    saw = np.sin(u) + 0.42 * np.sin(2 * u) + 0.17 * np.sin(3 * u)
    bump = np.cos(u - 0.9) + 0.3 * np.cos(2 * u - 1.0)
    vectors = rhythm.atrial_mv * np.array([[0.10, -0.85, 0.10], [-0.15, 0.15, -0.55]])
    wave = (field @ vectors[0])[:, None] * saw + (field @ vectors[1])[:, None] * bump
    return np.asarray(wave, dtype=np.float32)
