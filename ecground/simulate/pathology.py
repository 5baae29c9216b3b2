"""Pathologies as changes of a person's beats: `PATHOLOGIES[name](heart, rng) -> heart`.

Directions are Frank's (left, down, back). Injury points to the injured wall, lost muscle points away from it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.simulate.beat import Beat, Kernel, PWave
from ecground.simulate.morphology import kernel, repolarisation, u_and_st

__all__ = ["EXCLUSIVE", "PATHOLOGIES", "Heart"]

Vector = NDArray[np.float64]
_WALLS: Final = {"anterior": (0.25, 0.0, -1.0), "inferior": (-0.1, 1.0, 0.15), "lateral": (1.0, -0.35, 0.1)}


@dataclass(frozen=True, slots=True)
class Heart:
    """What a pathology may change."""

    p: PWave
    beat: Beat
    """The conducted beat."""
    pr_ms: float


def _lbbb(heart: Heart, rng: np.random.Generator) -> Heart:
    qrs_ms = float(np.clip(rng.normal(150, 12), 125, 185))
    size = rng.lognormal(0.0, 0.2)
    main = np.array([[0.22, 0.10, 0.12], [0.75, 0.22, 0.85], [0.62, 0.12, 0.95], [0.50, 0.02, 0.55]])
    main = (main + rng.normal(0, 0.14, (4, 3))) * size
    centre = np.array([16.0, 42.0, 74.0, 102.0]) + rng.normal(0, 3, 4)
    width = np.array([9.0, 13.0, 15.0, 12.0])
    qrs = tuple(kernel(c, w, w, v, local=rng.normal(0, 0.06, 3)) for c, w, v in zip(centre, width, main, strict=True))
    return _secondary(heart, rng, qrs, main.sum(axis=0) / 2, qrs_ms=qrs_ms)


def _secondary(heart: Heart, rng: np.random.Generator, qrs: tuple[Kernel, ...], main: Vector, *,
               qrs_ms: float) -> Heart:
    """ST and T against the QRS."""
    qt = max(heart.beat.qt_ms + 0.6 * (qrs_ms - 95), qrs_ms + 180)
    t = repolarisation(rng, qt_ms=qt, direction=-main * rng.uniform(0.18, 0.34) + rng.normal(0, 0.04, 3))
    st = u_and_st(rng, t, qrs_ms=qrs_ms, qt_ms=qt, level=-main * rng.uniform(0.03, 0.10))
    return dataclasses.replace(heart, beat=Beat(round(qrs_ms, 1), round(qt, 1), qrs, st, t))


def _late_right(heart: Heart, rng: np.random.Generator, *, size: float, centre: float, wide: float,
                qrs_ms: float) -> Heart:
    late = np.array([-0.42, -0.02, -0.55]) * size * rng.lognormal(0, 0.15) + rng.normal(0, 0.07, 3)
    qrs = (*heart.beat.qrs[:5], kernel(centre, wide * 0.8, wide, late, local=(rng.uniform(0.0, 0.2) * size, 0.0, 0.0)))
    return _with_beat(heart, qrs=qrs, qrs_ms=round(qrs_ms, 1))


def _rbbb(heart: Heart, rng: np.random.Generator) -> Heart:
    made = _late_right(heart, rng, size=rng.uniform(0.7, 1.5), centre=rng.uniform(88, 102), wide=rng.uniform(13, 18),
                       qrs_ms=float(np.clip(rng.normal(140, 11), 121, 175)))
    turned = tuple(_moved(k, np.array([0.04, 0.0, rng.uniform(0.08, 0.22)])) for k in made.beat.t[:1])
    return _with_beat(made, t=turned + made.beat.t[1:], qt_ms=made.beat.qt_ms + 18)


def _irbbb(heart: Heart, rng: np.random.Generator) -> Heart:
    return _late_right(heart, rng, size=rng.uniform(0.35, 0.8), centre=rng.uniform(74, 82), wide=rng.uniform(8, 11),
                       qrs_ms=float(rng.uniform(104, 118)))


def _ivcd(heart: Heart, rng: np.random.Generator) -> Heart:
    extra = tuple(kernel(rng.uniform(30, 95), 9, 10, rng.normal(0, 0.28, 3)) for _ in range(3))
    return _with_beat(heart, qrs=heart.beat.qrs[:5] + extra, qrs_ms=float(rng.uniform(112, 150)))


def _fascicle(heart: Heart, rng: np.random.Generator, early: Vector, late: Vector) -> Heart:
    """Early forces one way, late forces the other, at normal width."""
    first, apex, wall, base, last = heart.beat.qrs[:5]
    size = float(np.linalg.norm(wall.vector))
    forces = (
        dataclasses.replace(first, vector=_tuple(np.array(first.vector) * 0.6 + early * 0.25 * size)),
        dataclasses.replace(apex, vector=_tuple(np.array(apex.vector) * 0.5 + early * 0.15 * size)),
        dataclasses.replace(wall, vector=_tuple(np.array(wall.vector) * [0.7, 0.0, 0.2] + late * 0.75 * size)),
        dataclasses.replace(base, vector=_tuple(np.array(base.vector) * [0.6, 0.0, 1.0] + late * 0.75 * size)),
        dataclasses.replace(last, vector=_tuple(np.array(last.vector) + late * rng.uniform(0.1, 0.4) * size)),
    )
    return _with_beat(heart, qrs=forces + heart.beat.qrs[5:], qrs_ms=float(rng.uniform(94, 118)))


def _lafb(heart: Heart, rng: np.random.Generator) -> Heart:
    return _fascicle(heart, rng, np.array([-0.15, 1.0, -0.2]), np.array([0.55, -1.0 * rng.uniform(0.8, 1.2), 0.1]))


def _lpfb(heart: Heart, rng: np.random.Generator) -> Heart:
    return _fascicle(heart, rng, np.array([0.6, -0.9, -0.2]), np.array([-0.65, 0.9 * rng.uniform(0.8, 1.2), 0.2]))


def _wpw(heart: Heart, rng: np.random.Generator) -> Heart:
    direction = rng.normal(0, 1, 3) * [0.8, 1.0, 0.8] + np.array([0.35, 0.0, -0.1])
    direction = direction / np.linalg.norm(direction)
    delta = kernel(16, 13, 20, direction * rng.uniform(0.18, 0.45))
    shifted = tuple(dataclasses.replace(k, centre_ms=k.centre_ms + 22) for k in heart.beat.qrs)
    qrs_ms = float(rng.uniform(116, 150))
    t = tuple(_moved(k, -direction * rng.uniform(0.05, 0.25)) for k in heart.beat.t[:1]) + heart.beat.t[1:]
    made = _with_beat(heart, qrs=(delta, *shifted), qrs_ms=qrs_ms, t=t, qt_ms=heart.beat.qt_ms + 12)
    return dataclasses.replace(made, pr_ms=float(rng.uniform(86, 118)))


def _lvh(heart: Heart, rng: np.random.Generator) -> Heart:
    grow = rng.uniform(1.45, 2.1)
    qrs = tuple(dataclasses.replace(k, vector=_tuple(np.array(k.vector) * grow * [1.0, 0.85, 1.1]))
                for k in heart.beat.qrs[1:4])
    made = _with_beat(heart, qrs=(heart.beat.qrs[0], *qrs, *heart.beat.qrs[4:]), qrs_ms=heart.beat.qrs_ms + 6)
    if rng.random() < 0.55:  # secondary ST-T
        away = np.array([-0.9, -0.35, -0.7]) * rng.uniform(0.15, 0.4)
        t = tuple(_moved(k, away) for k in made.beat.t[:1]) + made.beat.t[1:]
        made = _with_beat(made, t=t, st=_st(made.beat, away * rng.uniform(0.15, 0.4)))
    return made


def _rvh(heart: Heart, rng: np.random.Generator) -> Heart:
    right = np.array([-0.75, 0.35, -0.65]) * rng.uniform(0.7, 1.2)
    forces = tuple(_moved(k, right * share) for k, share in zip(heart.beat.qrs[2:5], (0.75, 0.8, 0.35), strict=True))
    t = tuple(_moved(k, -right * rng.uniform(0.1, 0.3)) for k in heart.beat.t[:1]) + heart.beat.t[1:]
    return _with_beat(heart, qrs=(*heart.beat.qrs[:2], *forces, *heart.beat.qrs[5:]), t=t)


def _atria(heart: Heart, change: Callable[[int, Kernel], Kernel], duration: float) -> Heart:
    p = PWave(round(duration, 1), tuple(change(i, k) for i, k in enumerate(heart.p.kernels)))
    return dataclasses.replace(heart, p=p, pr_ms=max(heart.pr_ms, duration + 25))


def _lae(heart: Heart, rng: np.random.Generator) -> Heart:
    apart, grow = rng.uniform(14, 24), rng.uniform(1.2, 1.8)

    def change(i: int, k: Kernel) -> Kernel:
        if i == 0:
            return k
        vector = np.array(k.vector) * grow + [0.0, 0.0, rng.uniform(0.02, 0.06)]
        return dataclasses.replace(k, centre_ms=k.centre_ms + apart, vector=_tuple(vector))

    return _atria(heart, change, float(rng.uniform(122, 152)))


def _rae(heart: Heart, rng: np.random.Generator) -> Heart:
    grow = rng.uniform(2.0, 3.0)

    def change(i: int, k: Kernel) -> Kernel:
        return k if i else dataclasses.replace(k, vector=_tuple(np.array([0.02, 0.10, -0.06]) * grow))

    return _atria(heart, change, heart.p.duration_ms)


def _st_elevation(wall: str) -> Callable[[Heart, np.random.Generator], Heart]:
    def change(heart: Heart, rng: np.random.Generator) -> Heart:
        injury = np.array(_WALLS[wall]) * rng.uniform(0.18, 0.55) * (0.7 if wall == "anterior" else 1.0)
        t = tuple(_moved(k, injury * rng.uniform(0.4, 1.2)) for k in heart.beat.t[:1]) + heart.beat.t[1:]
        return _with_beat(heart, st=_st(heart.beat, injury), t=t)

    return change


def _st_depression(heart: Heart, rng: np.random.Generator) -> Heart:
    injury = np.array([-0.9, -0.4, 0.35]) * rng.uniform(0.10, 0.30)
    t = tuple(_moved(k, injury * rng.uniform(0.0, 0.8)) for k in heart.beat.t[:1]) + heart.beat.t[1:]
    return _with_beat(heart, st=_st(heart.beat, injury), t=t)


def _q_wave(wall: str) -> Callable[[Heart, np.random.Generator], Heart]:
    def change(heart: Heart, rng: np.random.Generator) -> Heart:
        away = -np.array(_WALLS[wall]) * rng.uniform(0.35, 0.75)
        loss = kernel(rng.uniform(16, 22), 8, rng.uniform(8, 11), away)
        first = heart.beat.qrs[0]
        first = dataclasses.replace(first, vector=_tuple(np.array(first.vector) * 0.3 + away * 0.3))
        apex = _moved(heart.beat.qrs[1], away * 0.5)
        t = heart.beat.t
        if rng.random() < 0.5:
            t = (_moved(t[0], away * rng.uniform(0.2, 0.6)), *t[1:])
        return _with_beat(heart, qrs=(loss, first, apex, *heart.beat.qrs[2:]), t=t, qrs_ms=heart.beat.qrs_ms + 5)

    return change


def _t_inversion(heart: Heart, rng: np.random.Generator) -> Heart:
    wall = np.array(list(_WALLS.values())[int(rng.integers(0, 3))])
    away = -wall * rng.uniform(0.25, 0.6) + np.array([-0.12, 0.0, 0.0])
    return _with_beat(heart, t=(_moved(heart.beat.t[0], away), *heart.beat.t[1:]))


def _long_qt(heart: Heart, rng: np.random.Generator) -> Heart:
    longer = float(rng.uniform(1.17, 1.38))
    t = tuple(dataclasses.replace(k, centre_ms=round(k.centre_ms * longer, 2), rise_ms=round(k.rise_ms * longer, 2))
              for k in heart.beat.t)
    late = tuple(dataclasses.replace(k, centre_ms=k.centre_ms * longer, rise_ms=k.rise_ms * longer,
                                     fall_ms=k.fall_ms * longer) for k in heart.beat.st)
    return _with_beat(heart, t=t, st=late, qt_ms=heart.beat.qt_ms * longer)


def _low_voltage(heart: Heart, rng: np.random.Generator) -> Heart:
    limb = np.array([float(np.hypot(k.vector[0], k.vector[1])) for k in heart.beat.qrs]).max()
    shrink = min(1.0, rng.uniform(0.22, 0.32) / max(float(limb), 0.1))
    scaled = {name: tuple(_scaled(k, s) for k in wave) for name, wave, s in
              (("qrs", heart.beat.qrs, shrink), ("t", heart.beat.t, max(shrink, 0.5)))}
    return _with_beat(heart, **scaled)


def _same(heart: Heart, rng: np.random.Generator) -> Heart:
    """Axis deviations are drawn with the axis itself."""
    return heart


def _tuple(vector: Vector) -> tuple[float, float, float]:
    return tuple(round(float(x), 4) for x in vector)  # type: ignore[return-value]


def _moved(k: Kernel, by: Vector) -> Kernel:
    return dataclasses.replace(k, vector=_tuple(np.array(k.vector) + by))


def _scaled(k: Kernel, factor: float) -> Kernel:
    return dataclasses.replace(k, vector=_tuple(np.array(k.vector) * factor), local=_tuple(np.array(k.local) * factor))


def _st(beat: Beat, level: Vector) -> tuple[Kernel, ...]:
    return (dataclasses.replace(beat.st[0], vector=_tuple(level)), *beat.st[1:])


def _with_beat(heart: Heart, **changes: object) -> Heart:
    return dataclasses.replace(heart, beat=dataclasses.replace(heart.beat, **changes))  # type: ignore[arg-type]


PATHOLOGIES: Final[dict[str, Callable[[Heart, np.random.Generator], Heart]]] = {
    "lbbb": _lbbb, "lvh": _lvh, "rvh": _rvh, "lafb": _lafb, "lpfb": _lpfb, "rbbb": _rbbb, "irbbb": _irbbb,
    "ivcd": _ivcd, "q_anterior": _q_wave("anterior"), "q_inferior": _q_wave("inferior"),
    "q_lateral": _q_wave("lateral"), "wpw": _wpw, "st_elevation_anterior": _st_elevation("anterior"),
    "st_elevation_inferior": _st_elevation("inferior"), "st_elevation_lateral": _st_elevation("lateral"),
    "st_depression": _st_depression, "t_inversion": _t_inversion, "lae": _lae, "rae": _rae, "long_qt": _long_qt,
    "left_axis": _same, "right_axis": _same, "low_voltage": _low_voltage,
}
"""Pathology name -> change of the heart, in the order in which they are applied."""

EXCLUSIVE: Final = (
    frozenset({"lbbb", "rbbb", "irbbb", "ivcd", "wpw"}), frozenset({"lafb", "lpfb"}),
    frozenset({"left_axis", "right_axis"}), frozenset({"lbbb", "lafb"}), frozenset({"lbbb", "lpfb"}),
    frozenset({"lbbb", "rvh"}),
)
"""Sets of pathologies of which one heart has at most one."""
