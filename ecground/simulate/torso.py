"""The body between heart and electrodes: lead fields, and the twelve leads from eight.

The mean lead field is Dower's transform (Dower 1968, 1980), forward direction: Frank's x (left), y (down) and z (back)
to V1..V6, I and II. A person's own field is Dower's, turned with the heart, scaled a lead and perturbed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["DOWER", "Torso", "draw_torso", "field_of", "twelve"]

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


def field_of(torso: Torso) -> NDArray[np.float64]:
    """Lead field of the twelve standard leads `[12, 3]`."""
    return np.asarray(_TO_TWELVE @ np.array(torso.field))


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
