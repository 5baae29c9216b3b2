"""Where the camera or scanner looks from: turn, stretch, perspective, lens.

Each warp maps points of the view back to where they were before, in mm from the centre of the sheet.
"""

from __future__ import annotations

import numpy as np

from ecground.paper.page import Points
from ecground.paper.photo.shot import Back, Distortion, Shot, Size, Values

__all__ = ["LENS", "PERSPECTIVE", "ROTATION", "STRETCH", "TURN"]


def _draw_rotation(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"degrees": float(rng.choice((-1.0, 1.0)) * severity * rng.uniform(0.2, 8.0))}


def _rotated(values: Values, rng: np.random.Generator, size: Size) -> Back:
    del rng, size
    angle = np.deg2rad(values["degrees"])
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return lambda points: points @ matrix.T


def _draw_turn(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"degrees": float(rng.choice((90.0, 180.0, 270.0)))}


def _draw_stretch(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    """Feed rollers of scanners and copiers are off by up to a percent or so along the paper."""
    across, along = 1 + severity * rng.uniform(-0.012, 0.012, 2)
    return {"x": float(across), "y": float(along), "shear": float(severity * rng.uniform(-0.003, 0.003))}


def _stretched(values: Values, rng: np.random.Generator, size: Size) -> Back:
    del rng, size
    back = np.linalg.inv(np.array([[values["x"], values["shear"]], [0.0, values["y"]]]))
    return lambda points: points @ back.T


def _draw_perspective(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    """A hand-held camera some 30 cm away and not quite above the middle."""
    direction = rng.uniform(0, 2 * np.pi)
    tilt = severity * rng.uniform(1.0, 26.0)
    far = max(shot.size_mm) * rng.uniform(1.1, 1.8)
    return {"tilt_x_deg": float(tilt * np.cos(direction)), "tilt_y_deg": float(tilt * np.sin(direction)),
            "distance_mm": float(far)}


def _perspective(values: Values, rng: np.random.Generator, size: Size) -> Back:
    del rng, size
    a, b = np.deg2rad(values["tilt_x_deg"]), np.deg2rad(values["tilt_y_deg"])
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    turned = (about_x @ about_y)[:, :2]
    distance = values["distance_mm"]
    to_view = np.array([[*turned[0], 0], [*turned[1], 0], [*(turned[2] / distance), 1.0]])
    back = np.linalg.inv(to_view)

    def of(points: Points) -> Points:
        three: Points = points @ back[:, :2].T + back[:, 2]
        # Beyond the horizon nothing is seen: such points are kept finite, far outside.
        depth: Points = np.maximum(three[..., 2:], 0.05)
        flat: Points = three[..., :2] / depth
        return flat

    return of


def _draw_lens(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"k": float(severity * rng.uniform(-0.05, 0.04))}


def _lens(values: Values, rng: np.random.Generator, size: Size) -> Back:
    """Radial distortion; `k` is the relative shift at the corner of the sheet (barrel below 0)."""
    del rng
    k, corner = values["k"], np.hypot(*size) / 2

    def of(points: Points) -> Points:
        radius = np.minimum((points**2).sum(axis=-1, keepdims=True) / corner**2, 4.0)
        undistorted: Points = points * (1 - k * radius)
        return undistorted

    return of


ROTATION = Distortion(_draw_rotation, warp=_rotated)
TURN = Distortion(_draw_turn, warp=_rotated)
STRETCH = Distortion(_draw_stretch, warp=_stretched)
PERSPECTIVE = Distortion(_draw_perspective, warp=_perspective)
LENS = Distortion(_draw_lens, warp=_lens)
