"""What lenses, sensors and files do: blur, sharpening, noise, JPEG, and the moiré of a photographed screen.

Kernels are symmetric, so nothing moves.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.paper.photo.shot import Distortion, Shot, Values
from ecground.paper.photo.texture import tiled

__all__ = ["DEFOCUS", "JPEG", "MOIRE", "MOTION_BLUR", "SENSOR_NOISE", "SHARPEN"]

_TILE: Final = 448


def _draw_defocus(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"sigma_mm": float(rng.uniform(0.02, 0.06) + 0.16 * severity * rng.random())}


def _defocus(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    import cv2

    del rng
    sigma = max(0.3, values["sigma_mm"] * shot.px_per_mm)
    return shot.with_image(cv2.GaussianBlur(shot.image, (0, 0), sigma))


def _draw_motion(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"length_mm": float(0.1 + 0.5 * severity * rng.random()), "deg": float(rng.uniform(0, 180))}


def _motion(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """A straight shake of the camera while the shutter is open."""
    import cv2

    del rng
    length = min(values["length_mm"] * shot.px_per_mm, 14.0)
    half = int(np.ceil(length / 2)) + 1
    y, x = np.mgrid[-half:half + 1, -half:half + 1]
    angle = np.deg2rad(values["deg"])
    along, aside = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    kernel = (length / 2 + 0.5 - np.abs(along)).clip(0, 1) * (1 - np.abs(aside)).clip(0, 1)
    return shot.with_image(cv2.filter2D(shot.image, -1, kernel / kernel.sum()))


def _draw_sharpen(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"amount": float(0.2 + 1.3 * severity * rng.random()), "sigma_px": float(rng.uniform(0.8, 1.8))}


def _sharpen(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """Unsharp masking as phones do it: lines get bright rims."""
    import cv2

    del rng
    soft = cv2.GaussianBlur(shot.image, (0, 0), values["sigma_px"])
    return shot.with_image(cv2.addWeighted(shot.image, 1 + values["amount"], soft, -values["amount"], 0))


def _draw_noise(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"sd": float(1.0 + 11 * severity * rng.random()), "grain_px": float(rng.choice((0.0, 0.0, 0.6, 0.9))),
            "colour": float(rng.uniform(0, 0.7))}


def _noise(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """Sensor noise after a camera's denoising: partly grey, partly coloured, fine or clumped."""
    import cv2

    colour = rng.standard_normal((_TILE, _TILE, 3), dtype=np.float32)
    grey = rng.standard_normal((_TILE, _TILE, 1), dtype=np.float32)
    patch = values["colour"] * colour + (1 - values["colour"]) * grey
    if values["grain_px"]:
        patch = cv2.GaussianBlur(patch, (0, 0), values["grain_px"])
    patch *= values["sd"] / patch.std()
    # The sum is cut to 0..255 once, so that rounding stays unbiased.
    noise = tiled(rng, patch.round().astype(np.int16), shot.image.shape)
    return shot.with_image(cv2.add(shot.image, noise, dtype=cv2.CV_8U))


def _draw_jpeg(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"quality": round(95 - 60 * severity * rng.random())}


def _jpeg(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    import cv2

    del rng
    ok, data = cv2.imencode(".jpg", shot.image, [cv2.IMWRITE_JPEG_QUALITY, int(values["quality"])])
    assert ok
    # OpenCV takes the channels for blue, green, red; swapped both ways only the chroma weights differ slightly.
    image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert image is not None
    return shot.with_image(image)


def _draw_moire(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    """A screen whose pixels are nearly as large as those of the camera."""
    return {"pitch_px": float(rng.uniform(0.9, 1.35) * (1 if rng.random() < 0.6 else 2)),
            "depth": float(0.06 + 0.3 * severity * rng.random())}


def _moire(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """The grid of red, green and blue dots of a screen, sampled by the camera: where both grids beat, bands appear.

    The dots are fixed to the screen, so the bands bend with the geometry of the photograph.
    """
    import cv2

    if shot.source is None:
        return shot
    step = np.median(np.hypot(*np.moveaxis(np.diff(shot.source[::16, :, :], axis=1), -1, 0)))
    scale = np.float32(256 / (values["pitch_px"] * float(step)))
    start = rng.uniform(0, 256, 2)
    phase = np.arange(256, dtype=np.float32) * np.float32(2 * np.pi / 256)
    # Phases as bytes wrap around by themselves.
    x = _bytes(shot.source[..., 0] * scale + np.float32(start[0]))
    y = _bytes(shot.source[..., 1] * scale + np.float32(start[1]))
    rows = 1 - values["depth"] * (0.5 - 0.5 * np.cos(phase))
    columns = [1 - values["depth"] * (0.5 - 0.5 * np.cos(phase + np.float32(2 * np.pi * k / 3))) for k in range(3)]
    down = cv2.LUT(y, (rows * 255).astype(np.uint8))
    across = cv2.merge([cv2.LUT(x, (column * 255).astype(np.uint8)) for column in columns])
    mask = cv2.multiply(across, cv2.merge([down] * 3), scale=1 / 255)
    return shot.with_image(cv2.multiply(shot.image, mask, scale=1.15 / 255))


def _bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return values.astype(np.int32).astype(np.uint8)


DEFOCUS = Distortion(_draw_defocus, in_camera=_defocus)
MOTION_BLUR = Distortion(_draw_motion, in_camera=_motion)
SHARPEN = Distortion(_draw_sharpen, in_camera=_sharpen)
SENSOR_NOISE = Distortion(_draw_noise, in_camera=_noise)
JPEG = Distortion(_draw_jpeg, in_camera=_jpeg)
MOIRE = Distortion(_draw_moire, in_camera=_moire)
