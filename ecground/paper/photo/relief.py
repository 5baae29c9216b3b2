"""Paper that is not flat: bend, folds, crumples. Each is a height field that shifts and shades what is seen.

A point of the paper at height z above the table appears shifted by z / distance away from the middle of the view
(parallax of a camera above it), and its brightness follows the slope towards the light. Bend and fold also keep the
paper's length: what slopes is seen shortened.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.paper.page import Points
from ecground.paper.photo.shot import Back, Distortion, Shot, Size, Values
from ecground.paper.photo.texture import Field, shaded

__all__ = ["BEND", "CRUMPLE", "FOLD"]

_CAMERA_MM: Final = 350.0
"""Usual distance of a phone from an ECG."""
_FINE_MM: Final = 1.5
"""Step of the rasters of heights."""


def _light(rng: np.random.Generator) -> dict[str, float]:
    """Direction and strength of the light that makes slopes visible."""
    return {"light_deg": float(rng.uniform(0, 360)), "contrast": float(rng.uniform(0.5, 1.6))}


def _raster(size: Size, margin: float = 1.0) -> Points:
    """Points `[rows, columns, 2]` in mm over `margin` times the sheet."""
    axes = [np.arange(-margin * side / 2, margin * side / 2 + _FINE_MM, _FINE_MM) for side in size]
    return np.stack(np.meshgrid(*axes), axis=-1)


def _slope_gain(height: NDArray[np.float64], values: Values) -> Field:
    """Brightness of slopes for a raster of heights [mm] with the step `_FINE_MM`."""
    down, across = np.gradient(height, _FINE_MM)
    angle = np.deg2rad(values["light_deg"])
    slope = across * np.cos(angle) + down * np.sin(angle)
    gain: Field = (1 + values["contrast"] * np.clip(slope, -0.35, 0.35)).clip(0.45, 1.25).astype(np.float32)
    return gain


def _parallax(points: Points, height: NDArray[np.float64]) -> Points:
    """Where the paper at that height [mm] would be seen if it lay on the table."""
    flat: Points = points * (1 - height[..., None] / _CAMERA_MM)
    return flat


def _draw_bend(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    """A sheet that rolls up a little: a cylinder, tightest about 15 cm in radius."""
    half = np.hypot(*shot.size_mm) / 2
    return {"axis_deg": float(rng.choice((0.0, 90.0)) + rng.normal(0, 15)),
            "radius_mm": float(half * (1.25 + rng.uniform(0.2, 3.0) / max(severity, 0.05))),
            "up": bool(rng.random() < 0.5), **_light(rng)}


def _across(points: Points, degrees: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance from the line through the centre with that normal, and the normal."""
    normal = np.array([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))])
    return points @ normal, normal


def _cylinder(distance: NDArray[np.float64], values: Values) -> NDArray[np.float64]:
    radius = values["radius_mm"]
    height: NDArray[np.float64] = radius - np.sqrt(radius**2 - np.clip(distance, -0.95 * radius, 0.95 * radius)**2)
    return height if values["up"] else -height


def _bent(values: Values, rng: np.random.Generator, size: Size) -> Back:
    del rng, size
    radius = values["radius_mm"]

    def of(points: Points) -> Points:
        distance, normal = _across(points, values["axis_deg"])
        inside = np.clip(distance, -0.9 * radius, 0.9 * radius)
        along = radius * np.arcsin(inside / radius) - inside
        flat = points + along[..., None] * normal
        return _parallax(flat, _cylinder(inside, values))

    return of


def _shade_bend(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    distance, _ = _across(_raster(shot.size_mm), values["axis_deg"])
    return shot.with_image(shaded(shot.image, _slope_gain(_cylinder(distance, values), values)))


def _draw_fold(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    """Creases as by folding a sheet in two or four, or by carelessness; none at the very edge."""
    width, height = shot.size_mm
    lines = []
    for _ in range(int(rng.integers(1, 4))):
        upright = bool(rng.random() < 0.6)
        across = width if upright else height
        offset = rng.choice((0.0, 0.25, -0.25)) * across + rng.normal(0, 0.04 * across)
        lines.append({
            "normal_deg": float((0 if upright else 90) + rng.normal(0, 2.5)), "offset_mm": float(offset),
            "slope": float(rng.choice((-1, 1)) * rng.uniform(0.03, 0.2) * (0.3 + severity)),
            "reach_mm": float(across * rng.uniform(0.15, 0.45)), "wear": float(rng.uniform(0, 0.35) * severity),
        })
    return {"lines": lines, **_light(rng)}


def _tent(distance: NDArray[np.float64], line: Values) -> NDArray[np.float64]:
    """Height of a crease: a ridge or valley that levels out at its reach; the crease itself is 1 mm round."""
    ridge = np.sqrt(distance**2 + 0.6**2)
    reach = line["reach_mm"]
    height: NDArray[np.float64] = line["slope"] * reach * np.exp(-ridge / reach)
    return height


def _folded(values: Values, rng: np.random.Generator, size: Size) -> Back:
    del rng, size

    def of(points: Points) -> Points:
        shift = np.zeros_like(points)
        height = np.zeros(points.shape[:-1])
        for line in values["lines"]:
            distance, normal = _across(points, line["normal_deg"])
            distance = distance - line["offset_mm"]
            height += _tent(distance, line)
            # Length along the paper: half the slope squared, summed from the crease on.
            reach = line["reach_mm"]
            longer = line["slope"]**2 * reach / 4 * (1 - np.exp(-2 * np.abs(distance) / reach)) * np.sign(distance)
            shift += longer[..., None] * normal
        return _parallax(points + shift, height)

    return of


def _shade_fold(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    del rng
    points = _raster(shot.size_mm)
    height, wear = np.zeros(points.shape[:-1]), np.ones(points.shape[:-1])
    for line in values["lines"]:
        distance = _across(points, line["normal_deg"])[0] - line["offset_mm"]
        height += _tent(distance, line)
        wear *= 1 - line["wear"] * np.exp(-(distance / 1.2)**2)
    return shot.with_image(shaded(shot.image, _slope_gain(height, values) * wear.astype(np.float32)))


def _draw_crumple(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"creases": int(rng.integers(6, 14 + round(22 * severity))),
            "slope": float(0.02 + 0.13 * severity * rng.uniform(0.4, 1.0)), **_light(rng)}


def _crumpled_height(values: Values, rng: np.random.Generator, size: Size, margin: float) -> NDArray[np.float64]:
    """Many short creases in all directions, on a raster [mm]."""
    points = _raster(size, margin)
    height = np.zeros(points.shape[:-1])
    for _ in range(values["creases"]):
        centre = rng.uniform(-0.5, 0.5, 2) * size
        angle, reach = rng.uniform(0, 180), rng.uniform(12, 60)
        slope = values["slope"] * rng.normal()
        away = points - centre
        distance, _ = _across(away, angle)
        fade = np.exp(-(away**2).sum(axis=-1) / (2 * reach**2))
        height += slope * np.sqrt(distance**2 + 0.8**2) * fade
    return height


def _crumpled(values: Values, rng: np.random.Generator, size: Size) -> Back:
    import cv2

    margin = 1.3
    height = _crumpled_height(values, rng, size, margin).astype(np.float32)

    def of(points: Points) -> Points:
        rows = points if points.ndim == 3 else points[None]
        at = ((rows + margin * np.array(size) / 2) / _FINE_MM).astype(np.float32)
        seen = cv2.remap(height, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return _parallax(points, seen.reshape(points.shape[:-1]).astype(np.float64))

    return of


def _shade_crumple(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    # The warp draws the same creases from the same seed over a wider raster.
    return shot.with_image(shaded(shot.image, _slope_gain(_crumpled_height(values, rng, shot.size_mm, 1.0), values)))


BEND = Distortion(_draw_bend, on_paper=_shade_bend, warp=_bent)
FOLD = Distortion(_draw_fold, on_paper=_shade_fold, warp=_folded)
CRUMPLE = Distortion(_draw_crumple, on_paper=_shade_crumple, warp=_crumpled)
