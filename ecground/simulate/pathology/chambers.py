"""Chambers: hypertrophy of the ventricles, enlargement of the atria, low voltage."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from ecground.simulate.beat import Kernel, PWave
from ecground.simulate.pathology.heart import Heart, moved, rounded, scaled, with_beat, with_st

__all__ = ["lae", "low_voltage", "lvh", "rae", "rvh"]


def lvh(heart: Heart, rng: np.random.Generator) -> Heart:
    """Left ventricular hypertrophy, in half with secondary ST-T change."""
    grow = rng.uniform(1.45, 2.1)
    qrs = tuple(dataclasses.replace(k, vector=rounded(np.array(k.vector) * grow * [1.0, 0.85, 1.1]))
                for k in heart.beat.qrs[1:4])
    made = with_beat(heart, qrs=(heart.beat.qrs[0], *qrs, *heart.beat.qrs[4:]), qrs_ms=heart.beat.qrs_ms + 6)
    if rng.random() < 0.55:  # secondary ST-T
        away = np.array([-0.9, -0.35, -0.7]) * rng.uniform(0.15, 0.4)
        t = tuple(moved(k, away) for k in made.beat.t[:1]) + made.beat.t[1:]
        made = with_beat(made, t=t, st=with_st(made.beat, away * rng.uniform(0.15, 0.4)))
    return made


def rvh(heart: Heart, rng: np.random.Generator) -> Heart:
    """Right ventricular hypertrophy: forces to the right and forward."""
    right = np.array([-0.75, 0.35, -0.65]) * rng.uniform(0.7, 1.2)
    forces = tuple(moved(k, right * share) for k, share in zip(heart.beat.qrs[2:5], (0.75, 0.8, 0.35), strict=True))
    t = tuple(moved(k, -right * rng.uniform(0.1, 0.3)) for k in heart.beat.t[:1]) + heart.beat.t[1:]
    return with_beat(heart, qrs=(*heart.beat.qrs[:2], *forces, *heart.beat.qrs[5:]), t=t)


def _atria(heart: Heart, change: Callable[[int, Kernel], Kernel], duration: float) -> Heart:
    p = PWave(round(duration, 1), tuple(change(i, k) for i, k in enumerate(heart.p.kernels)))
    return dataclasses.replace(heart, p=p, pr_ms=max(heart.pr_ms, duration + 25))


def lae(heart: Heart, rng: np.random.Generator) -> Heart:
    """Left atrial enlargement: a late, broad P, backward at its end."""
    apart, grow = rng.uniform(14, 24), rng.uniform(1.2, 1.8)

    def change(i: int, k: Kernel) -> Kernel:
        if i == 0:
            return k
        vector = np.array(k.vector) * grow + [0.0, 0.0, rng.uniform(0.02, 0.06)]
        return dataclasses.replace(k, centre_ms=k.centre_ms + apart, vector=rounded(vector))

    return _atria(heart, change, float(rng.uniform(122, 152)))


def rae(heart: Heart, rng: np.random.Generator) -> Heart:
    """Right atrial enlargement: a tall first half of P."""
    grow = rng.uniform(2.0, 3.0)

    def change(i: int, k: Kernel) -> Kernel:
        return k if i else dataclasses.replace(k, vector=rounded(np.array([0.02, 0.10, -0.06]) * grow))

    return _atria(heart, change, heart.p.duration_ms)


def low_voltage(heart: Heart, rng: np.random.Generator) -> Heart:
    """Low voltage in the limb leads."""
    limb = np.array([float(np.hypot(k.vector[0], k.vector[1])) for k in heart.beat.qrs]).max()
    shrink = min(1.0, rng.uniform(0.22, 0.32) / max(float(limb), 0.1))
    waves = {name: tuple(scaled(k, s) for k in wave) for name, wave, s in
              (("qrs", heart.beat.qrs, shrink), ("t", heart.beat.t, max(shrink, 0.5)))}
    return with_beat(heart, **waves)
