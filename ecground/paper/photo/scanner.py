"""What scanners, copiers and fax machines do: grey and bilevel output, toner, streaks, lines lost on the way."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.paper.photo.shot import Distortion, Shot, Values
from ecground.paper.photo.texture import clouds, magnified, shaded

__all__ = ["BILEVEL", "FAX", "GREY", "PHOTOCOPY", "STREAKS"]

_BAYER: Final = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16.0
"""Ordered dither (Bayer, 1973)."""


def _grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    grey: NDArray[np.uint8] = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return grey


def _rgb(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    rgb: NDArray[np.uint8] = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    return rgb


def _draw_grey(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"red": float(rng.dirichlet((2, 3, 1))[0] * severity)}


def _to_grey(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """Grey levels; a lamp rich in red (`red`) makes red grids pale, as many scanners do."""
    import cv2

    del rng
    mixed = cv2.addWeighted(_grey(shot.image), 1 - values["red"], np.ascontiguousarray(shot.image[..., 0]),
                            values["red"], 0)
    return shot.with_image(_rgb(mixed))


def _draw_bilevel(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    way = ("fixed", "local", "dither")[int(rng.choice(3, p=(0.4, 0.35, 0.25)))]
    return {"way": way, "level": float(0.62 + rng.uniform(-0.2, 0.2) * severity),
            "window_mm": float(rng.uniform(4, 12))}


def _bilevel(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """Black and white by a fixed threshold, by one relative to the surroundings, or by ordered dither."""
    import cv2

    del rng
    grey = _grey(shot.image)
    if values["way"] == "dither":
        tile = (255 * (_BAYER * 0.7 + 0.15)).astype(np.uint8)
        rows, columns = -(-grey.shape[0] // 4), -(-grey.shape[1] // 4)
        level = np.tile(tile, (rows, columns))[:grey.shape[0], :grey.shape[1]]
    elif values["way"] == "local":
        window = max(3, round(values["window_mm"] * shot.px_per_mm))
        around = cv2.blur(grey, (window, window))
        level = cv2.multiply(around, np.ones_like(around), scale=min(0.97, values["level"] + 0.25))
    else:
        level = np.full_like(grey, round(255 * values["level"]))
    return shot.with_image(_rgb(cv2.compare(grey, level, cv2.CMP_GT)))


def _draw_photocopy(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"contrast": float(1.2 + 1.2 * severity * rng.random()), "background": float(severity * rng.uniform(0, 40)),
            "mottle": float(severity * rng.uniform(0, 0.2)), "specks": int(severity * rng.integers(20, 1500)),
            "edge": float(severity * rng.uniform(0, 0.8)), "generations": int(rng.integers(1, 3))}


def _photocopy(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """Grey with hard contrast, uneven toner, specks, dark edges; a copy of a copy is softer each time."""
    import cv2

    grey = _grey(shot.image)
    for _ in range(values["generations"]):
        grey = cv2.GaussianBlur(grey, (0, 0), max(0.4, 0.06 * shot.px_per_mm))
        curve = (np.arange(256) - 150) * values["contrast"] + 165
        grey = cv2.LUT(grey, curve.clip(values["background"] * 0.3, 255 - values["background"]).astype(np.uint8))
    shape = (grey.shape[0] // 4, grey.shape[1] // 4)
    toner = 1 + values["mottle"] * clouds(rng, shape, 40, 3) * 0.5
    y, x = (np.abs(np.linspace(-1, 1, n)) for n in shape)
    rim = np.maximum(x[None, :]**60, y[:, None]**60)
    grey = cv2.multiply(grey, magnified((toner * (1 - values["edge"] * rim)).astype(np.float32), grey.shape),
                        dtype=cv2.CV_8U)
    _specks(grey, values["specks"], rng, shot.px_per_mm)
    return shot.with_image(_rgb(grey))


def _specks(grey: NDArray[np.uint8], count: int, rng: np.random.Generator, px_per_mm: float) -> None:
    """Grains of toner, in place."""
    import cv2

    height, width = grey.shape
    for x, y, size, level in zip(rng.integers(0, width, count), rng.integers(0, height, count),
                                 rng.exponential(0.05, count) * px_per_mm, rng.integers(20, 160, count), strict=True):
        cv2.circle(grey, (int(x), int(y)), min(int(size), 3), int(level), cv2.FILLED)


def _draw_streaks(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    lines = [{"at": float(rng.random()), "width_mm": float(rng.uniform(0.05, 0.6)),
              "gain": float(1 + rng.uniform(-0.45, 0.15) * severity)} for _ in range(int(rng.integers(1, 9)))]
    return {"lines": lines, "ripple": float(severity * rng.uniform(0, 0.04))}


def _streaks(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """Dust on the line sensor: streaks along the feed (downwards); and a ripple of the sensor's elements."""
    width = shot.image.shape[1]
    gain = 1 + values["ripple"] * np.cumsum(rng.standard_normal(width)).clip(-3, 3) / 3
    x = np.arange(width)
    for line in values["lines"]:
        half = max(0.5, line["width_mm"] * shot.px_per_mm / 2)
        inside = (half + 0.5 - np.abs(x - line["at"] * width)).clip(0, 1)
        gain *= 1 + (line["gain"] - 1) * inside
    return shot.with_image(shaded(shot.image, np.repeat(gain[None, :], 2, axis=0).astype(np.float32)))


def _draw_fax(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"fine": bool(rng.random() > 0.4 * severity), "level": float(0.6 + rng.uniform(-0.15, 0.2) * severity),
            "lost_lines": int(severity * rng.integers(0, 12)), "specks": int(severity * rng.integers(0, 400))}


def _fax(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """Group 3 fax (ITU-T T.4): bilevel, 7.7 or 3.85 lines a mm.

    In place of a line that was lost the line above it is printed once more; what it showed is hidden.
    """
    import cv2

    height, width = shot.image.shape[:2]
    lines_per_mm = 7.7 if values["fine"] else 3.85
    lines = max(2, round(height / shot.px_per_mm * lines_per_mm))
    small = cv2.resize(_grey(shot.image), (width, lines), interpolation=cv2.INTER_AREA)
    _specks(small, values["specks"], rng, shot.px_per_mm / 2)
    black = cv2.compare(small, np.full_like(small, round(255 * values["level"])), cv2.CMP_GT)
    lost = rng.integers(1, lines, values["lost_lines"])
    for at in lost:
        black[at] = black[at - 1]
    back = cv2.resize(black, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    bars = [np.array([[-0.5, y0], [width - 0.5, y0], [width - 0.5, y1], [-0.5, y1]])
            for y0, y1 in np.stack([lost, lost + 1], axis=-1) * (height / lines) - 0.5]
    return shot.with_image(_rgb(back)).without(bars)


GREY = Distortion(_draw_grey, in_camera=_to_grey)
BILEVEL = Distortion(_draw_bilevel, in_camera=_bilevel)
PHOTOCOPY = Distortion(_draw_photocopy, in_camera=_photocopy)
STREAKS = Distortion(_draw_streaks, in_camera=_streaks)
FAX = Distortion(_draw_fax, in_camera=_fax)
