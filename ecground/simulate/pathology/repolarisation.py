"""Repolarisation: QT, electrolytes, digitalis, pericarditis, early repolarisation, Brugada pattern."""

from __future__ import annotations

import dataclasses

import numpy as np

from ecground.simulate.morphology import kernel
from ecground.simulate.pathology.heart import Heart, rounded, scaled, with_beat, with_st

__all__ = ["brugada", "digitalis", "early_repolarisation", "hyperkalaemia", "hypokalaemia", "long_qt", "pericarditis",
           "short_qt"]


def long_qt(heart: Heart, rng: np.random.Generator) -> Heart:
    """QT longer by a sixth to a third."""
    return _stretched(heart, float(rng.uniform(1.17, 1.38)))


def short_qt(heart: Heart, rng: np.random.Generator) -> Heart:
    """QT shorter by a fifth to a quarter, T tall and narrow, hardly any ST segment."""
    return _stretched(heart, float(rng.uniform(0.74, 0.82)))


def _stretched(heart: Heart, factor: float) -> Heart:
    t, st = (tuple(dataclasses.replace(k, centre_ms=round(k.centre_ms * factor, 2),
                                       rise_ms=round(k.rise_ms * factor, 2),
                                       fall_ms=round(k.fall_ms * (factor if wave is heart.beat.st else 1.0), 2))
                   for k in wave)
             for wave in (heart.beat.t, heart.beat.st))
    return with_beat(heart, t=t, st=st, qt_ms=round(heart.beat.qt_ms * factor, 1))


def hyperkalaemia(heart: Heart, rng: np.random.Generator) -> Heart:
    """Tall, narrow T; from moderate levels on low, broad P, longer PR and wider QRS."""
    level = rng.uniform(0, 1)
    main = np.array(heart.beat.t[0].vector)
    main = np.array([0.45, 0.3, -0.35]) * rng.uniform(0.8, 1.3) + 0.5 * main
    tent = kernel(heart.beat.qt_ms - 62, 30 - 6 * level, 26 - 5 * level, main * (1.2 + 1.1 * level))
    p = tuple(scaled(k, 1 - 0.75 * level) for k in heart.p.kernels)
    wide = heart.beat.qrs_ms * (1 + 0.45 * max(0.0, level - 0.35))
    made = with_beat(heart, t=(tent,), qrs_ms=round(wide, 1))
    slow = heart.p.duration_ms * (1 + 0.15 * level)
    return dataclasses.replace(made, p=dataclasses.replace(heart.p, kernels=p, duration_ms=round(slow, 1)),
                               pr_ms=round(heart.pr_ms * (1 + 0.25 * level), 1))


def hypokalaemia(heart: Heart, rng: np.random.Generator) -> Heart:
    """ST depression, low T, a U wave as tall as T or taller."""
    main = np.array(heart.beat.t[0].vector)
    low = tuple(scaled(k, rng.uniform(0.25, 0.45)) for k in heart.beat.t)
    wave = np.array([0.16, 0.10, -0.14]) * rng.uniform(0.7, 1.6) + 0.1 * main
    u = kernel(heart.beat.qt_ms + rng.uniform(40, 60), 34, 40, wave)
    sunk = with_st(heart.beat, np.array([-0.07, -0.04, 0.06]) * rng.uniform(0.7, 1.6))
    return with_beat(heart, t=low, st=(sunk[0], u))


def digitalis(heart: Heart, rng: np.random.Generator) -> Heart:
    """Sagging ST depression away from the QRS, low T, QT shorter by a tenth."""
    made = _stretched(heart, float(rng.uniform(0.86, 0.93)))
    deep = np.array([-0.15, -0.09, -0.04]) * rng.uniform(0.6, 1.4)
    bottom = heart.beat.qrs_ms + 0.55 * (made.beat.t[0].centre_ms - heart.beat.qrs_ms)
    sag = kernel(bottom, max(34.0, (bottom - heart.beat.qrs_ms) / 1.6), 42, deep)
    low = tuple(scaled(k, rng.uniform(0.3, 0.6)) for k in made.beat.t)
    return dataclasses.replace(with_beat(made, st=(sag, *made.beat.st[1:]), t=low),
                               pr_ms=round(heart.pr_ms * rng.uniform(1.0, 1.15), 1))


def pericarditis(heart: Heart, rng: np.random.Generator) -> Heart:
    """Concave ST elevation in most leads and PR depression, both mirrored in aVR."""
    injury = np.array([0.30, 0.34, -0.10]) * rng.uniform(0.5, 1.0)
    segment = with_st(heart.beat, injury)
    before = kernel(-34, 24, 22, -injury * rng.uniform(0.2, 0.4), flat=True)
    return with_beat(heart, st=(*segment, before))


def early_repolarisation(heart: Heart, rng: np.random.Generator) -> Heart:
    """J-point elevation with a notch or slur of the inferior and lateral leads, and tall T."""
    to = np.array([0.5, rng.uniform(0.2, 0.7), -0.25])
    notch = kernel(heart.beat.qrs_ms + rng.uniform(4, 10), 9, rng.uniform(9, 15), to * rng.uniform(0.22, 0.42))
    segment = with_st(heart.beat, to * rng.uniform(0.14, 0.26))
    tall = (dataclasses.replace(heart.beat.t[0], vector=rounded(np.array(heart.beat.t[0].vector) * 1.35)),
            *heart.beat.t[1:])
    return with_beat(heart, st=(*segment, notch), t=tall)


def brugada(heart: Heart, rng: np.random.Generator) -> Heart:
    """Type 1: coved ST elevation of V1 and V2 that falls into a negative T, right bundle branch block-like end."""
    size = rng.uniform(0.26, 0.5)
    share = (rng.uniform(0.7, 1.0), rng.uniform(0.85, 1.15), rng.uniform(0.15, 0.4))
    j = kernel(heart.beat.qrs_ms + 8, 20, rng.uniform(48, 64), np.zeros(3), local=[size * s for s in share])
    turned = kernel(heart.beat.t[0].centre_ms, 55, 40, np.zeros(3), local=[-(0.25 + 0.5 * size) * s for s in share])
    return with_beat(heart, st=(*heart.beat.st, j), t=(*heart.beat.t, turned))
