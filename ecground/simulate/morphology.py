"""Shapes of normal and ectopic beats, drawn with the spread of a population.

Vectors are Frank's (left, down, back) in mV; sequences follow the activation of the ventricles: septum (right and
forward), apex and anterior wall (left, down, forward), free wall (left, down, back), base (back, up). Durations given
here are nominal: the generator stretches every wave to the visible duration that the parameters ask for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ecground.simulate.beat import Beat, Kernel, PWave

__all__ = ["conducted", "focal", "kernel", "p_wave", "paced", "repolarisation", "spun", "u_and_st"]

Vector = NDArray[np.float64]


def kernel(centre: float, rise: float, fall: float, vector: Vector, *, local: Iterable[float] = (0.0, 0.0, 0.0),
           flat: bool = False) -> Kernel:
    """A kernel from arrays, rounded so that parameters print well."""
    v = tuple(round(float(x), 4) for x in vector)
    near = tuple(round(float(x), 4) for x in local)
    return Kernel(round(float(centre), 2), round(float(rise), 2), round(float(fall), 2), v, near, flat)  # type: ignore[arg-type]


def spun(wave: tuple[Kernel, ...], degrees: float) -> tuple[Kernel, ...]:
    """The wave turned in the frontal plane; positive = clockwise as seen by the reader (axis grows)."""
    a = np.radians(degrees)
    c, s = float(np.cos(a)), float(np.sin(a))
    return tuple(dataclasses.replace(k, vector=(round(c * k.vector[0] - s * k.vector[1], 4),
                                                round(s * k.vector[0] + c * k.vector[1], 4), k.vector[2]))
                 for k in wave)


def p_wave(rng: np.random.Generator, *, origin: str) -> PWave:
    """Right then left atrium; 1 in 6 notched or bifid. Origins: sinus, ectopic, retrograde."""
    size = float(rng.lognormal(0.0, 0.28))
    right = np.array([0.035, 0.085, -0.055]) + rng.normal(0, [0.012, 0.022, 0.018])
    left = np.array([0.060, 0.055, 0.022]) + rng.normal(0, [0.018, 0.022, 0.018])
    if origin == "ectopic":
        right, left = right * rng.normal([0.3, 0.4, 1], 0.6), left * rng.normal([0.5, 0.5, 1], 0.5)
    if origin == "retrograde":
        right, left = right * [0.2, -1.0, 0.6], left * [0.2, -1.1, 0.6]
    apart = rng.uniform(40, 56) if rng.random() < 0.17 else rng.uniform(24, 40)
    width = rng.uniform(13, 18, 4)
    kernels = (kernel(38, width[0], width[1], right * size, local=rng.normal(0, 0.008, 3)),
               kernel(38 + apart, width[2], width[3], left * size, local=rng.normal(0, 0.008, 3)))
    duration = {"sinus": rng.normal(108, 11), "ectopic": rng.normal(98, 12), "retrograde": rng.normal(85, 10)}[origin]
    return PWave(round(float(np.clip(duration, 68, 160)), 1), kernels)


def conducted(rng: np.random.Generator, *, qrs_ms: float, qt_ms: float, size: float, right: float = 0.0) -> Beat:
    """A beat conducted by the His-Purkinje system; `size` scales the QRS (1 = population median).

    `right` (0 to 1) turns the forces of the free wall to the right ventricle, as in the newborn.
    """
    wall = rng.lognormal(0, 0.22, 5)
    vectors = np.array([[-0.09, -0.03, -0.15], [0.34, 0.28, -0.36], [1.05, 0.74, 0.28], [0.36, 0.24, 0.84],
                        [-0.18, -0.09, 0.30]])
    vectors += rng.normal(0, [[0.05, 0.07, 0.05], [0.10, 0.12, 0.12], [0.16, 0.22, 0.16], [0.12, 0.12, 0.14],
                              [0.09, 0.10, 0.09]])
    vectors[2:4] += right * np.array([[-1.1, 0.1, -0.75], [-0.5, 0.0, -0.85]])
    vectors *= (wall * size)[:, None]
    centre = np.array([13.0, 26.0, 38.0, 50.0, 66.0]) + rng.normal(0, [1.2, 1.8, 1.8, 2.2, 3.0])
    width = np.array([6.0, 7.0, 7.5, 8.0, 9.0]) * rng.lognormal(0, 0.10, 5)
    near = rng.normal(0, 0.10, (5, 3)) * np.linalg.norm(vectors, axis=1)[:, None]
    qrs = [kernel(c, w, w * rng.uniform(0.85, 1.2), v, local=m)
           for c, w, v, m in zip(centre, width, vectors, near, strict=True)]
    qrs += _fragments(rng, size)
    t = repolarisation(rng, qt_ms=qt_ms)
    return Beat(round(qrs_ms, 1), round(qt_ms, 1), tuple(qrs), u_and_st(rng, t, qrs_ms=qrs_ms, qt_ms=qt_ms), t)


def _fragments(rng: np.random.Generator, size: float) -> list[Kernel]:
    """Slurs, notches and an end-conduction r': small late or mid-QRS forces in any direction."""
    out = []
    if rng.random() < 0.3:
        direction = rng.normal(0, 1, 3)
        direction /= np.linalg.norm(direction)
        out.append(kernel(rng.uniform(22, 74), 4.5, rng.uniform(4.5, 7), direction * size * rng.uniform(0.05, 0.22)))
    if rng.random() < 0.2:
        out.append(kernel(rng.uniform(70, 80), 7, 8, np.array([-0.10, -0.03, -0.10]) * rng.uniform(0.3, 1.6),
                          local=(rng.uniform(0, 0.1), 0.0, 0.0)))
    return out


def repolarisation(rng: np.random.Generator, *, qt_ms: float, direction: Vector | None = None) -> tuple[Kernel, ...]:
    """An asymmetric T wave: a slow ramp and a steeper fall, at nominal time; the generator sets its end to QT."""
    stretch = np.sqrt(qt_ms / 400)
    size = float(rng.lognormal(0.05, 0.30))
    base = np.array([0.28, 0.19, -0.15]) + rng.normal(0, [0.045, 0.045, 0.07]) if direction is None else direction
    vector = base * size
    ramp = rng.uniform(0.15, 0.4)
    fall = rng.uniform(26, 38) * stretch
    rise = fall * rng.uniform(1.15, 1.8)
    peak = qt_ms - 2.4 * fall
    turn = rng.normal(0, 0.07, 3) * np.linalg.norm(vector)
    near = rng.normal(0, 0.12, 3) * np.linalg.norm(vector)
    return (kernel(peak, rise, fall, vector, local=near),
            kernel(peak - rng.uniform(1.1, 1.6) * rise, rise * rng.uniform(1.0, 1.7), rise * 0.9, vector * ramp + turn,
                   local=near * ramp))


def u_and_st(rng: np.random.Generator, t: tuple[Kernel, ...], *, qrs_ms: float, qt_ms: float,
             level: Vector | None = None) -> tuple[Kernel, ...]:
    """The ST segment (its level a few percent of T, or `level`) and, in a third, a U wave."""
    vector = np.array(t[0].vector)
    own = vector * rng.normal(0.14, 0.08) + rng.normal(0, 0.010, 3) - np.array([0.0, 0.0, 0.02])
    st = own if level is None else level
    peak = t[0].centre_ms
    middle = (qrs_ms + peak) / 2
    half = max(30.0, (peak - qrs_ms) / 2)
    out = [kernel(middle, half * 0.92, half * 0.85, st, flat=True)]
    if rng.random() < 0.33:
        wide = rng.uniform(24, 38)
        out.append(kernel(qt_ms + rng.uniform(45, 90), wide, wide * 1.2, vector * rng.uniform(0.03, 0.13)))
    return tuple(out)


def focal(rng: np.random.Generator, *, qt_ms: float) -> Beat:
    """A beat from a ventricular focus anywhere: wide, slurred, T against the QRS."""
    direction = rng.normal(0, 1, 3) * [1.0, 1.1, 0.9]
    direction /= np.linalg.norm(direction)
    size = float(rng.lognormal(0.25, 0.3))
    qrs_ms = float(np.clip(rng.normal(150, 15), 122, 190))
    return _wide(rng, direction * size, qrs_ms=qrs_ms, qt_ms=max(qt_ms + 25.0, qrs_ms + 190))


def paced(rng: np.random.Generator, *, qt_ms: float) -> Beat:
    """Right ventricular pacing: from the apex (left, up, back) or septum (left, down, back)."""
    direction = np.array([rng.uniform(0.35, 0.9), rng.uniform(-1.0, 0.5), rng.uniform(0.3, 0.8)])
    size = float(rng.lognormal(0.25, 0.22))
    qrs_ms = float(np.clip(rng.normal(158, 14), 125, 200))
    return _wide(rng, direction / np.linalg.norm(direction) * size, qrs_ms=qrs_ms, qt_ms=max(qt_ms + 25, qrs_ms + 190))


def _wide(rng: np.random.Generator, main: Vector, *, qrs_ms: float, qt_ms: float) -> Beat:
    length = float(np.linalg.norm(main))
    share = np.array([0.30, 0.85, 0.75, 0.30]) * rng.lognormal(0, 0.2, 4)
    centre = np.array([24.0, 50.0, 78.0, 108.0]) + rng.normal(0, 4, 4)
    width = np.array([11.0, 15.0, 17.0, 15.0]) * rng.lognormal(0, 0.12, 4)
    side = rng.normal(0, 0.28, (4, 3)) * length * share[:, None] + rng.normal(0, 0.06, (4, 3))
    qrs = tuple(kernel(c, w, w, main * s + d, local=rng.normal(0, 0.12, 3) * length * s)
                for c, w, s, d in zip(centre, width, share, side, strict=True))
    t = repolarisation(rng, qt_ms=qt_ms, direction=-main * rng.uniform(0.25, 0.42) + rng.normal(0, 0.04, 3))
    st = u_and_st(rng, t, qrs_ms=qrs_ms, qt_ms=qt_ms, level=-main * rng.uniform(0.03, 0.12))
    return Beat(round(qrs_ms, 1), round(qt_ms, 1), qrs, st, t)
