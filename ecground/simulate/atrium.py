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
    sources = np.empty((2, n), dtype=np.float32)
    vectors = np.empty((2, 3))
    knots = max(4, int(2 * n / fs))
    for i, (direction, share) in enumerate((((-0.2, 0.45, -0.75), 1.0), ((0.45, 0.6, 0.25), 0.5))):
        drift = np.interp(time, np.linspace(0, n / fs, knots), rng.normal(0, 0.10, knots))
        phase = 2 * np.pi * np.cumsum(rhythm.atrial_bpm / 60 * (1 + drift)) / fs + rng.uniform(0, 2 * np.pi)
        level = np.interp(time, np.linspace(0, n / fs, knots), rng.lognormal(-0.05, 0.35, knots))
        turn = (phase % (2 * np.pi)).astype(np.float32)
        wave = np.sin(turn)
        for harmonic, size in ((2, 0.35), (3, 0.18)):
            wave += np.float32(size * rng.uniform(0.5, 1.3)) * np.sin(harmonic * turn + np.float32(rng.uniform(0, 6)))
        np.multiply(wave, level.astype(np.float32), out=sources[i])
        vectors[i] = np.array(direction) * share * rhythm.atrial_mv * rng.lognormal(0, 0.2)
    return np.asarray((field @ vectors.T).astype(np.float32) @ sources)


def _flutter(rhythm: Rhythm, onsets: Array, field: Array, *, n: int, fs: float) -> NDArray[np.float32]:
    cycle = 60 / rhythm.atrial_bpm
    u = (2 * np.pi * (((np.arange(n) / fs - onsets[0]) / cycle) % 1.0)).astype(np.float32)
    # the Fourier parts of a sawtooth with a rounded corner: slow downstroke, quick upstroke in the inferior leads
    saw = np.sin(u) + np.float32(0.42) * np.sin(2 * u) + np.float32(0.17) * np.sin(3 * u)
    bump = np.cos(u - np.float32(0.9)) + np.float32(0.3) * np.cos(2 * u - np.float32(1.0))
    vectors = rhythm.atrial_mv * np.array([[0.10, -0.85, 0.10], [-0.15, 0.15, -0.55]])
    return np.asarray((field @ vectors.T).astype(np.float32) @ np.stack([saw, bump]))
