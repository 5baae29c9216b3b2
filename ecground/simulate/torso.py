"""The body between heart and electrodes: lead fields, and the twelve leads from eight.

The mean lead field is Dower's transform (Dower 1968, 1980), forward direction: Frank's x (left), y (down) and z (back)
to V1..V6, I and II. A person's own field is Dower's, turned with the heart, scaled a lead and perturbed. Cables on the
wrong electrodes are a change of the field: the potentials of the ten electrodes are exchanged and led off as before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["DOWER", "REVERSALS", "Torso", "draw_torso", "fields_of", "twelve"]

DOWER: Final = np.array([
    [0.632, -0.235, 0.059], [0.235, 1.066, -0.132],
    [-0.515, 0.157, -0.917], [0.044, 0.164, -1.387], [0.882, 0.098, -1.277],
    [1.213, 0.127, -0.601], [1.125, 0.127, -0.086], [0.831, 0.076, 0.230],
])
"""Dower's lead field `[8, 3]`: I, II, V1..V6 from x (left), y (down), z (back)."""

_TO_TWELVE: Final[NDArray[np.float64]] = np.vstack([
    np.eye(8)[:2], np.array([[-1, 1, 0, 0, 0, 0, 0, 0], [-0.5, -0.5, 0, 0, 0, 0, 0, 0], [1, -0.5, 0, 0, 0, 0, 0, 0],
                    [-0.5, 1, 0, 0, 0, 0, 0, 0]]), np.eye(8)[2:],
])

_ELECTRODES: Final = ("RA", "LA", "LL", "RL", "V1", "V2", "V3", "V4", "V5", "V6")
_POTENTIAL: Final[NDArray[np.float64]] = np.vstack([
    np.eye(8)[:2][[0, 0]] * [[-1 / 3], [2 / 3]] + np.eye(8)[:2][[1, 1]] * [[-1 / 3], [-1 / 3]],
    np.eye(8)[:2][[0, 0]] * [[-1 / 3], [-1 / 3]] + np.eye(8)[:2][[1, 1]] * [[2 / 3], [2 / 3]], np.eye(8)[2:],
])
"""Eight leads -> potentials of `_ELECTRODES` against Wilson's terminal; both legs are at one potential."""
_LEAD_OFF: Final[NDArray[np.float64]] = np.zeros((8, 10))
_LEAD_OFF[0, :2] = (-1, 1)
_LEAD_OFF[1, [0, 2]] = (-1, 1)
_LEAD_OFF[2:, :3] = -1 / 3
_LEAD_OFF[2:, 4:] = np.eye(6)

REVERSALS: Final[dict[str, tuple[str, ...]]] = {
    "ra_la": ("RA", "LA"), "ra_ll": ("RA", "LL"), "la_ll": ("LA", "LL"), "ra_rl": ("RA", "RL"), "la_rl": ("LA", "RL"),
    "ra_la_ll": ("RA", "LA", "LL"), "ra_ll_la": ("RA", "LL", "LA"), "v1_v2": ("V1", "V2"), "v2_v3": ("V2", "V3"),
    "v3_v4": ("V3", "V4"), "v4_v5": ("V4", "V5"), "v5_v6": ("V5", "V6"), "v1_v3": ("V1", "V3"),
}
"""Name -> cables in the order in which each sits on the electrode of the next."""


@dataclass(frozen=True, slots=True)
class Torso:
    """One person's lead field."""

    field: tuple[tuple[float, float, float], ...]
    """Rows I, II, V1..V6; columns left, down, back; mV a mV."""


def draw_torso(rng: np.random.Generator) -> Torso:
    """A person's lead field: heart turned by up to about 20 degrees, each lead scaled and perturbed by about 10 %."""
    roll, yaw, pitch = rng.normal(0, np.radians([4, 10, 6]))
    turn = _rotation(2, roll) @ _rotation(1, yaw) @ _rotation(0, pitch)
    gain = np.exp(rng.normal([0, 0, -0.2, 0, 0, 0, 0, 0.1], [0.05, 0.05, 0.22, 0.2, 0.18, 0.15, 0.12, 0.12]))
    field = (DOWER @ turn + rng.normal(0, 0.06, (8, 3))) * gain[:, None]
    return Torso(tuple(tuple(round(float(x), 4) for x in row) for row in field))  # type: ignore[misc]


def fields_of(torsos: Sequence[Torso], reversals: Sequence[str]) -> NDArray[np.float64]:
    """Lead fields of the twelve standard leads `[record, 12, 6]`: three columns of the dipole, three near sources.

    Args:
        torsos: one a record.
        reversals: name in `REVERSALS` of the cables that are exchanged, one a record; "" = none.
    """
    eight = np.zeros((len(torsos), 8, 6))
    eight[:, :, :3] = [torso.field for torso in torsos]
    eight[:, 2:5, 3:] = np.eye(3)
    for i, name in enumerate(reversals):
        if name:
            eight[i] = _LEAD_OFF @ (_POTENTIAL @ eight[i])[_exchanged(name)]
    return np.asarray(np.matmul(_TO_TWELVE, eight))


def _exchanged(name: str) -> list[int]:
    """Electrode on which each cable sits."""
    places, cables = list(range(len(_ELECTRODES))), REVERSALS[name]
    for cable, electrode in zip(cables, (*cables[1:], cables[0]), strict=True):
        places[_ELECTRODES.index(cable)] = _ELECTRODES.index(electrode)
    return places


def twelve(eight: NDArray[np.float32]) -> NDArray[np.float32]:
    """I, II, V1..V6 `[8, sample]` -> the twelve standard leads `[12, sample]`; III = II - I holds to the last bit."""
    out = np.empty((12, eight.shape[1]), dtype=np.float32)
    out[:2], out[6:] = eight[:2], eight[2:]
    one, two = eight[0], eight[1]
    np.subtract(two, one, out=out[2])
    out[3] = -(one + two) / 2
    out[4] = one - two / 2
    out[5] = two - one / 2
    return out


def _rotation(axis: int, angle: float) -> NDArray[np.float64]:
    i, j = [k for k in range(3) if k != axis]
    out = np.eye(3)
    out[i, i] = out[j, j] = np.cos(angle)
    out[i, j], out[j, i] = -np.sin(angle), np.sin(angle)
    return out
