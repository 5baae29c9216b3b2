"""Light on the page: uneven light, shadows, glare, colour cast, exposure.

All act in the final image, with lengths relative to it, because they belong to the room and the camera.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecground.paper.page import Points
from ecground.paper.photo.shot import Distortion, Shot, Values
from ecground.paper.photo.texture import Field, clouds, magnified, shaded

__all__ = ["COLOUR_CAST", "EXPOSURE", "GLARE", "SHADOW", "UNEVEN_LIGHT"]

_COARSE = 24
"""Pixels of the image per cell of a coarse field."""


def _coarse(shot: Shot) -> tuple[tuple[int, int], Points]:
    """Shape of a coarse field over the image, and its points in units of the image's longer side, `[r, c, 2]`."""
    height, width = shot.image.shape[:2]
    rows, columns = max(2, height // _COARSE), max(2, width // _COARSE)
    longer = max(height, width)
    x = np.linspace(-width / 2, width / 2, columns) / longer
    y = np.linspace(-height / 2, height / 2, rows) / longer
    return (rows, columns), np.stack(np.meshgrid(x, y), axis=-1)


def _draw_uneven(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"from_deg": float(rng.uniform(0, 360)), "gradient": float(severity * rng.uniform(0.05, 0.55)),
            "warmth": float(rng.normal(0, 0.05) * severity), "vignette": float(severity * rng.uniform(0, 0.35)),
            "patches": float(severity * rng.uniform(0, 0.07))}


def _uneven(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """Brighter to one side and warmer there, darker to the corners, large soft patches."""
    shape, points = _coarse(shot)
    angle = np.deg2rad(values["from_deg"])
    along = points @ np.array([np.cos(angle), np.sin(angle)])
    gain = 1 + values["gradient"] * (along - 0.2) - values["vignette"] * 2 * (points**2).sum(axis=-1)
    gain = gain + values["patches"] * clouds(rng, shape, 3, 2)
    warm = values["warmth"] * along[..., None] * np.array([1.0, 0.0, -1.0])
    return shot.with_image(shaded(shot.image, (gain[..., None] + warm).clip(0.2, 1.4).astype(np.float32)))


def _draw_shadow(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    blobs = [{"x": float(rng.uniform(-0.6, 0.6)), "y": float(rng.uniform(-0.5, 0.5)),
              "length": float(rng.uniform(0.15, 0.7)), "width": float(rng.uniform(0.06, 0.3)),
              "deg": float(rng.uniform(0, 180)), "edge": float(rng.uniform(0.1, 1.0))}
             for _ in range(int(rng.integers(1, 4)))]
    return {"blobs": blobs, "depth": float(severity * rng.uniform(0.15, 0.6))}


def _shadow(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """Shadows of hands, heads and phones: rounded shapes with soft edges, a little bluish."""
    shape, points = _coarse(shot)
    wobble = clouds(rng, shape, 5, 2)
    dark = np.zeros(shape)
    for blob in values["blobs"]:
        angle = np.deg2rad(blob["deg"])
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        u, v = np.moveaxis((points - (blob["x"], blob["y"])) @ turn.T, -1, 0)
        inside = 1 - np.sqrt((u / blob["length"])**2 + (v / blob["width"])**2) + 0.08 * wobble
        dark = np.maximum(dark, (inside / blob["edge"] + 0.5).clip(0, 1))
    smooth = dark * dark * (3 - 2 * dark)
    gain = 1 - values["depth"] * smooth[..., None] * np.array([1.0, 0.97, 0.92])
    return shot.with_image(shaded(shot.image, gain.astype(np.float32)))


def _draw_glare(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"x": float(rng.uniform(-0.45, 0.45)), "y": float(rng.uniform(-0.3, 0.3)),
            "length": float(rng.uniform(0.08, 0.3)), "width": float(rng.uniform(0.04, 0.15)),
            "deg": float(rng.uniform(0, 180)), "strength": float(rng.uniform(0.3, 0.6) + 1.3 * severity)}


def _glare(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """A lamp mirrored by glossy paper or film; what it washes out completely counts as hidden."""
    import cv2

    shape, points = _coarse(shot)
    angle = np.deg2rad(values["deg"])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    u, v = np.moveaxis((points - (values["x"], values["y"])) @ turn.T, -1, 0)
    lobe = np.exp(-((u / values["length"])**2 + (v / values["width"])**2) ** 1.3) * (1 + 0.1 * clouds(rng, shape, 6, 2))
    light = (values["strength"] * lobe).clip(0).astype(np.float32)
    # Light mixes towards white: ink keeps a rest of contrast until the sensor saturates.
    full = magnified(light.clip(0, 1), shot.image.shape)
    white = np.full_like(shot.image, 255)
    image = cv2.blendLinear(shot.image, white, 1 - full, full)
    gone, _ = cv2.findContours((full > 0.93).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    polygons = [contour[:, 0].astype(np.float64) for contour in gone if len(contour) >= 3]
    return shot.with_image(image).without(polygons) if polygons else shot.with_image(image)


def _draw_cast(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    warm, green = rng.normal(0, 0.09, 2) * severity
    return {"gain": [float(1 + warm), float(1 + 0.4 * green), float(1 - warm)]}


def _by_table(image: NDArray[np.uint8], curves: Field) -> NDArray[np.uint8]:
    """The image through one curve a channel, `[256, 3]` of 0..255."""
    import cv2

    table = curves.clip(0, 255).round().astype(np.uint8)[None]
    result: NDArray[np.uint8] = cv2.LUT(image, table)
    return result


def _cast(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    del rng
    levels = np.arange(256, dtype=np.float32)[:, None]
    return shot.with_image(_by_table(shot.image, levels * np.array(values["gain"], dtype=np.float32)))


def _draw_exposure(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"gain": float(1 + severity * rng.uniform(-0.4, 0.12)),
            "gamma": float(np.exp(rng.normal(0, 0.22) * severity)), "black": float(severity * rng.uniform(0, 45))}


def _exposure(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """Brightness, contrast curve and lifted blacks (stray light) of one camera."""
    del rng
    levels = np.arange(256, dtype=np.float32)[:, None] / 255
    curve = values["black"] + (255 - values["black"]) * values["gain"] * levels ** values["gamma"]
    return shot.with_image(_by_table(shot.image, np.repeat(curve, 3, axis=1)))


UNEVEN_LIGHT = Distortion(_draw_uneven, in_camera=_uneven)
SHADOW = Distortion(_draw_shadow, in_camera=_shadow)
GLARE = Distortion(_draw_glare, in_camera=_glare)
COLOUR_CAST = Distortion(_draw_cast, in_camera=_cast)
EXPOSURE = Distortion(_draw_exposure, in_camera=_exposure)
