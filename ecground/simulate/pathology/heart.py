"""What a pathology may change, and the small changes that pathologies are made of.

Directions are Frank's (left, down, back). Injury points to the injured wall, lost muscle points away from it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecground.simulate.beat import Beat, Kernel, PWave
from ecground.simulate.morphology import repolarisation, u_and_st

__all__ = ["Heart", "Vector", "moved", "rounded", "same", "scaled", "secondary", "turned_t", "with_beat", "with_st"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Heart:
    """What a pathology may change."""

    p: PWave
    beat: Beat
    """The conducted beat."""
    pr_ms: float


def secondary(heart: Heart, rng: np.random.Generator, qrs: tuple[Kernel, ...], main: Vector, *,
               qrs_ms: float) -> Heart:
    """ST and T against the QRS."""
    qt = max(heart.beat.qt_ms + 0.6 * (qrs_ms - 95), qrs_ms + 180)
    t = repolarisation(rng, qt_ms=qt, direction=-main * rng.uniform(0.18, 0.34) + rng.normal(0, 0.04, 3))
    st = u_and_st(rng, t, qrs_ms=qrs_ms, qt_ms=qt, level=-main * rng.uniform(0.03, 0.10))
    return dataclasses.replace(heart, beat=Beat(round(qrs_ms, 1), round(qt, 1), qrs, st, t))


def same(heart: Heart, rng: np.random.Generator) -> Heart:
    """For what is drawn with the patient: the axis, alternans."""
    return heart


def rounded(vector: Vector) -> tuple[float, float, float]:
    """The vector as parameters hold it, four decimals."""
    return tuple(round(float(x), 4) for x in vector)  # type: ignore[return-value]


def moved(k: Kernel, by: Vector) -> Kernel:
    """The kernel with `by` [mV] added."""
    return dataclasses.replace(k, vector=rounded(np.array(k.vector) + by))


def scaled(k: Kernel, factor: float) -> Kernel:
    """The kernel made larger or smaller."""
    vector, local = rounded(np.array(k.vector) * factor), rounded(np.array(k.local) * factor)
    return dataclasses.replace(k, vector=vector, local=local)


def with_st(beat: Beat, level: Vector) -> tuple[Kernel, ...]:
    """ST and U with another level of the segment [mV]."""
    return (dataclasses.replace(beat.st[0], vector=rounded(level)), *beat.st[1:])


def with_beat(heart: Heart, **changes: object) -> Heart:
    """The heart with fields of its conducted beat changed."""
    return dataclasses.replace(heart, beat=dataclasses.replace(heart.beat, **changes))  # type: ignore[arg-type]


def turned_t(heart: Heart, by: Vector) -> tuple[Kernel, ...]:
    """The T wave with `by` [mV] added to its main force."""
    return (moved(heart.beat.t[0], by), *heart.beat.t[1:])
