"""Coronary disease: ST elevation and lost muscle by territory, ischaemia, and patterns of infarction without it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

import numpy as np

from ecground.simulate.morphology import kernel
from ecground.simulate.pathology.heart import Heart, moved, rounded, turned_t, with_beat, with_st

__all__ = ["WALLS", "de_winter", "ischaemia", "q_posterior", "q_wave", "st_depression", "st_elevation", "t_inversion",
           "wellens", "widespread_depression"]

WALLS: Final = {
    "anterior": (0.25, 0.0, -1.0), "anteroseptal": (-0.15, -0.1, -1.0), "anterolateral": (0.75, -0.2, -0.65),
    "lateral": (1.0, -0.35, 0.1), "inferior": (-0.1, 1.0, 0.15), "inferolateral": (0.6, 0.8, 0.25),
    "posterior": (0.2, 0.15, 1.0),
}
"""Territory -> direction from the middle of the heart to it."""


def st_elevation(wall: str) -> Callable[[Heart, np.random.Generator], Heart]:
    """Acute injury of a wall; opposite leads show reciprocal depression."""
    forward = WALLS[wall][2] <= -0.6

    def change(heart: Heart, rng: np.random.Generator) -> Heart:
        injury = np.array(WALLS[wall]) * rng.uniform(0.18, 0.55) * (0.7 if forward else 1.0)
        return with_beat(heart, st=with_st(heart.beat, injury), t=turned_t(heart, injury * rng.uniform(0.4, 1.2)))

    return change


def q_wave(wall: str) -> Callable[[Heart, np.random.Generator], Heart]:
    """Old infarction: initial forces point away from the lost wall; T does in half of them."""
    def change(heart: Heart, rng: np.random.Generator) -> Heart:
        away = -np.array(WALLS[wall]) * rng.uniform(0.35, 0.75)
        loss = kernel(rng.uniform(16, 22), 8, rng.uniform(8, 11), away)
        first = heart.beat.qrs[0]
        first = dataclasses.replace(first, vector=rounded(np.array(first.vector) * 0.3 + away * 0.3))
        apex = moved(heart.beat.qrs[1], away * 0.5)
        t = heart.beat.t
        if rng.random() < 0.5:
            t = (moved(t[0], away * rng.uniform(0.2, 0.6)), *t[1:])
        return with_beat(heart, qrs=(loss, first, apex, *heart.beat.qrs[2:]), t=t, qrs_ms=heart.beat.qrs_ms + 5)

    return change


def q_posterior(heart: Heart, rng: np.random.Generator) -> Heart:
    """Old posterior infarction: the basal wall's backward forces are lost, R grows in V1-V3, T turns forward."""
    lost = np.array([-0.1, 0.0, -1.0]) * rng.uniform(0.6, 1.0)
    forces = tuple(moved(k, lost * float(np.exp(-((k.centre_ms - 52) / 14) ** 2))) for k in heart.beat.qrs)
    return with_beat(heart, qrs=forces, t=turned_t(heart, np.array([0.0, 0.0, -0.15])))


def st_depression(heart: Heart, rng: np.random.Generator) -> Heart:
    """Subendocardial injury: ST away from the left ventricle."""
    injury = np.array([-0.9, -0.4, 0.35]) * rng.uniform(0.10, 0.30)
    return with_beat(heart, st=with_st(heart.beat, injury), t=turned_t(heart, injury * rng.uniform(0.0, 0.8)))


def t_inversion(heart: Heart, rng: np.random.Generator) -> Heart:
    """T inverted over one wall."""
    wall = np.array(WALLS[("anterior", "inferior", "lateral")[int(rng.integers(0, 3))]])
    return with_beat(heart, t=turned_t(heart, -wall * rng.uniform(0.25, 0.6) + np.array([-0.12, 0.0, 0.0])))


def ischaemia(wall: str) -> Callable[[Heart, np.random.Generator], Heart]:
    """ST depression and T inversion over one wall."""
    def change(heart: Heart, rng: np.random.Generator) -> Heart:
        away = -np.array(WALLS[wall])
        level = away * rng.uniform(0.05, 0.16) + np.array([-0.03, 0.0, 0.0])
        made = with_beat(heart, st=with_st(heart.beat, level))
        return with_beat(made, t=turned_t(heart, away * rng.uniform(0.3, 0.6) + np.array([-0.1, 0.0, 0.0])))

    return change


def wellens(heart: Heart, rng: np.random.Generator) -> Heart:
    """Deep symmetric T inversion of V2-V4 with preserved R and flat ST (reperfused proximal left descending artery)."""
    peak, late = heart.beat.t[0], heart.beat.qt_ms - 78
    deep = kernel(late, 34, 30, np.array([0.05, 0.02, 0.40]) * rng.uniform(0.9, 1.5), local=(-0.05, -0.15, -0.12))
    early = dataclasses.replace(peak, vector=rounded(np.array(peak.vector) * rng.uniform(0.15, 0.5)))
    return with_beat(heart, t=(deep, early), st=with_st(heart.beat, np.array([0.0, 0.0, -0.015])))


def de_winter(heart: Heart, rng: np.random.Generator) -> Heart:
    """Upsloping ST depression at J with tall symmetric T in the chest leads, slight ST elevation in aVR."""
    size = rng.uniform(0.9, 1.4)
    depth = np.array([-0.14, -0.02, 0.13]) * size
    j = kernel(heart.beat.qrs_ms + 22, 26, 36, depth)
    tall = kernel(heart.beat.t[0].centre_ms - 12, 52, 36, np.array([0.45, 0.12, -0.42]) * size)
    return with_beat(heart, st=(j, *heart.beat.st[1:]), t=(tall,))


def widespread_depression(heart: Heart, rng: np.random.Generator) -> Heart:
    """ST depression in most leads with elevation in aVR: left main or three-vessel ischaemia."""
    injury = np.array([-0.62, -0.55, 0.22]) * rng.uniform(0.22, 0.38)
    return with_beat(heart, st=with_st(heart.beat, injury), t=turned_t(heart, injury * rng.uniform(0.2, 0.8)))
