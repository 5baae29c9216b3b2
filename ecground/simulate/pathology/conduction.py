"""Conduction: bundle branches, fascicles, pre-excitation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

import numpy as np

from ecground.simulate.morphology import kernel
from ecground.simulate.pathology.heart import Heart, Vector, moved, rounded, secondary, with_beat

__all__ = ["ilbbb", "irbbb", "ivcd", "lafb", "lbbb", "lpfb", "rbbb", "wpw"]

_PATHWAYS: Final = {"left_lateral": (-0.55, 0.35, -0.75), "posteroseptal": (0.45, -0.85, -0.35),
                    "right_lateral": (1.0, 0.05, 0.45), "anteroseptal": (0.55, 0.75, 0.55)}
"""Position of the accessory pathway -> direction of the delta wave, away from it."""


def lbbb(heart: Heart, rng: np.random.Generator) -> Heart:
    """Left bundle branch block: late, broad forces to the left and back."""
    qrs_ms = float(np.clip(rng.normal(150, 12), 125, 185))
    size = rng.lognormal(0.0, 0.2)
    main = np.array([[0.22, 0.10, 0.12], [0.75, 0.22, 0.85], [0.62, 0.12, 0.95], [0.50, 0.02, 0.55]])
    main = (main + rng.normal(0, 0.14, (4, 3))) * size
    centre = np.array([16.0, 42.0, 74.0, 102.0]) + rng.normal(0, 3, 4)
    width = np.array([9.0, 13.0, 15.0, 12.0])
    qrs = tuple(kernel(c, w, w, v, local=rng.normal(0, 0.06, 3)) for c, w, v in zip(centre, width, main, strict=True))
    return secondary(heart, rng, qrs, main.sum(axis=0) / 2, qrs_ms=qrs_ms)


def _late_right(heart: Heart, rng: np.random.Generator, *, size: float, centre: float, wide: float,
                qrs_ms: float) -> Heart:
    late = np.array([-0.42, -0.02, -0.55]) * size * rng.lognormal(0, 0.15) + rng.normal(0, 0.07, 3)
    qrs = (*heart.beat.qrs[:5], kernel(centre, wide * 0.8, wide, late, local=(rng.uniform(0.0, 0.2) * size, 0.0, 0.0)))
    return with_beat(heart, qrs=qrs, qrs_ms=round(qrs_ms, 1))


def rbbb(heart: Heart, rng: np.random.Generator) -> Heart:
    """Right bundle branch block: a broad terminal force to the right and forward."""
    made = _late_right(heart, rng, size=rng.uniform(0.7, 1.5), centre=rng.uniform(88, 102), wide=rng.uniform(13, 18),
                       qrs_ms=float(np.clip(rng.normal(140, 11), 121, 175)))
    turned = tuple(moved(k, np.array([0.04, 0.0, rng.uniform(0.08, 0.22)])) for k in made.beat.t[:1])
    return with_beat(made, t=turned + made.beat.t[1:], qt_ms=made.beat.qt_ms + 18)


def irbbb(heart: Heart, rng: np.random.Generator) -> Heart:
    """Incomplete right bundle branch block."""
    return _late_right(heart, rng, size=rng.uniform(0.35, 0.8), centre=rng.uniform(74, 82), wide=rng.uniform(8, 11),
                       qrs_ms=float(rng.uniform(104, 118)))


def ivcd(heart: Heart, rng: np.random.Generator) -> Heart:
    """Unspecific intraventricular delay: notches anywhere in a wide QRS."""
    extra = tuple(kernel(rng.uniform(30, 95), 9, 10, rng.normal(0, 0.28, 3)) for _ in range(3))
    return with_beat(heart, qrs=heart.beat.qrs[:5] + extra, qrs_ms=float(rng.uniform(112, 150)))


def _fascicle(heart: Heart, rng: np.random.Generator, early: Vector, late: Vector) -> Heart:
    """Early forces one way, late forces the other, at normal width."""
    first, apex, wall, base, last = heart.beat.qrs[:5]
    size = float(np.linalg.norm(wall.vector))
    forces = (
        dataclasses.replace(first, vector=rounded(np.array(first.vector) * 0.6 + early * 0.25 * size)),
        dataclasses.replace(apex, vector=rounded(np.array(apex.vector) * 0.5 + early * 0.15 * size)),
        dataclasses.replace(wall, vector=rounded(np.array(wall.vector) * [0.7, 0.0, 0.2] + late * 0.75 * size)),
        dataclasses.replace(base, vector=rounded(np.array(base.vector) * [0.6, 0.0, 1.0] + late * 0.75 * size)),
        dataclasses.replace(last, vector=rounded(np.array(last.vector) + late * rng.uniform(0.1, 0.4) * size)),
    )
    return with_beat(heart, qrs=forces + heart.beat.qrs[5:], qrs_ms=float(rng.uniform(94, 118)))


def lafb(heart: Heart, rng: np.random.Generator) -> Heart:
    """Left anterior fascicular block."""
    return _fascicle(heart, rng, np.array([-0.15, 1.0, -0.2]), np.array([0.55, -1.0 * rng.uniform(0.8, 1.2), 0.1]))


def lpfb(heart: Heart, rng: np.random.Generator) -> Heart:
    """Left posterior fascicular block."""
    return _fascicle(heart, rng, np.array([0.6, -0.9, -0.2]), np.array([-0.65, 0.9 * rng.uniform(0.8, 1.2), 0.2]))


def wpw(position: str | None = None) -> Callable[[Heart, np.random.Generator], Heart]:
    """Pre-excitation by a pathway at `position` (None = anywhere): short PR, delta wave, ST and T against it."""
    def change(heart: Heart, rng: np.random.Generator) -> Heart:
        wanted = rng.normal(0, 1, 3) * [0.8, 1.0, 0.8] + np.array([0.35, 0.0, -0.1])
        if position is not None:
            wanted = np.array(_PATHWAYS[position]) + rng.normal(0, 0.12, 3)
        direction = wanted / np.linalg.norm(wanted)
        delta = kernel(16, 13, 20, direction * rng.uniform(0.18, 0.45))
        shifted = tuple(dataclasses.replace(k, centre_ms=k.centre_ms + 22) for k in heart.beat.qrs)
        qrs_ms = float(rng.uniform(116, 150))
        t = tuple(moved(k, -direction * rng.uniform(0.05, 0.25)) for k in heart.beat.t[:1]) + heart.beat.t[1:]
        made = with_beat(heart, qrs=(delta, *shifted), qrs_ms=qrs_ms, t=t, qt_ms=heart.beat.qt_ms + 12)
        return dataclasses.replace(made, pr_ms=float(rng.uniform(86, 118)))

    return change


def ilbbb(heart: Heart, rng: np.random.Generator) -> Heart:
    """Incomplete left bundle branch block: no septal force, slow left forces, QRS 110-119 ms."""
    late = np.array([0.45, 0.15, 0.55]) * rng.uniform(0.6, 1.1)
    first, apex, wall, base, last = heart.beat.qrs[:5]
    forces = (dataclasses.replace(first, vector=rounded(np.array([0.14, 0.06, 0.05]) * rng.uniform(0.6, 1.4))),
              moved(apex, np.array([0.25, 0.05, 0.35])), wall, moved(base, late * 0.6), moved(last, late * 0.4))
    turned = (moved(heart.beat.t[0], -late * rng.uniform(0.1, 0.35)), *heart.beat.t[1:])
    return with_beat(heart, qrs=forces, qrs_ms=float(rng.uniform(110, 118.5)), t=turned)
