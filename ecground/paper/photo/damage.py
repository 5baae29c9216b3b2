"""What happens to paper in files and wards: stains, water, mould, fading, tears, lost corners, punched holes.

Everything acts on the sheet before it is photographed. What is torn or punched off shows the background, has no ink in
the masks and is named in `hidden`; stains and mould cover ink without taking it away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.paper.page import Points
from ecground.paper.photo.shot import Distortion, Shot, Values
from ecground.paper.photo.texture import Field, clouds, magnified, shaded

__all__ = ["FADING", "HOLES", "MISSING_CORNER", "MOULD", "SOAKED", "STAINS", "TORN"]

_PER_MM: Final = 3.0
"""Points of a stain's field per mm."""

_COLOURS: Final = {
    "coffee": (0.72, 0.55, 0.36), "tea": (0.85, 0.7, 0.45), "ink": (0.35, 0.4, 0.75), "blood": (0.6, 0.25, 0.22),
    "iodine": (0.75, 0.45, 0.15), "grease": (0.9, 0.88, 0.78),
}
_MOULDS: Final = ((0.25, 0.28, 0.25), (0.3, 0.36, 0.25), (0.42, 0.36, 0.28), (0.15, 0.15, 0.17))


def _place(rng: np.random.Generator, shot: Shot, over: float = 0.5) -> dict[str, float]:
    """A random place on the sheet [mm from its centre]."""
    width, height = shot.size_mm
    return {"x": float(rng.uniform(-over, over) * width), "y": float(rng.uniform(-over, over) * height)}


def _draw_stains(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    spots = [{**_place(rng, shot), "radius_mm": float(rng.uniform(4, 18 + 40 * severity)),
              "colour": str(rng.choice(list(_COLOURS))), "depth": float(rng.uniform(0.15, 0.4 + 0.5 * severity)),
              "ring": bool(rng.random() < 0.5), "ragged": float(rng.uniform(0.02, 0.25))}
             for _ in range(int(rng.integers(1, 3 + round(6 * severity))))]
    return {"spots": spots}


def _stains(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """Blots and the rings of cups: darker at the rim, where the liquid dried last."""
    image = shot.image.copy()
    for spot in values["spots"]:
        reach = 1.7 * spot["radius_mm"]
        window = _window(shot, spot, reach)
        if window is None:
            continue
        n = max(8, int(2 * reach * _PER_MM))
        y, x = np.mgrid[-reach:reach:n * 1j, -reach:reach:n * 1j]
        away = np.hypot(x, y) / spot["radius_mm"] + spot["ragged"] * clouds(rng, (n, n), 6, 4)
        rim = np.exp(-((away - 0.95) / 0.06)**2)
        inside = ((1 - away) / 0.1 + 0.5).clip(0, 1)
        amount = spot["depth"] * (rim + 0.12 * inside if spot["ring"] else 0.55 * inside + 0.45 * rim)
        gain = 1 - amount.clip(0, 1)[..., None] * (1 - np.array(_COLOURS[spot["colour"]]))
        _shade_window(image, window, gain.astype(np.float32))
    return shot.with_image(image)


def _window(shot: Shot, spot: Values, reach_mm: float) -> tuple[int, int, int] | None:
    """Left, top and side [px] of a square around a place, if any of it lies on the sheet."""
    x, y = shot.px(np.array([spot["x"], spot["y"]]))
    half = max(2, round(reach_mm * shot.px_per_mm))
    left, top = round(x) - half, round(y) - half
    height, width = shot.image.shape[:2]
    return (left, top, 2 * half) if -2 * half < left < width and -2 * half < top < height else None


def _shade_window(image: NDArray[np.uint8], window: tuple[int, int, int], gain: Field) -> None:
    """Multiply a square of the image by a coarse gain, in place."""
    left, top, side = window
    full = magnified(gain, (side, side))
    y0, x0 = max(0, top), max(0, left)
    part = image[y0:top + side, x0:left + side]
    fit = full[y0 - top:y0 - top + part.shape[0], x0 - left:x0 - left + part.shape[1]]
    part[:] = (part * fit).astype(np.uint8)


def _draw_soaked(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"share": float(0.1 + 0.6 * severity * rng.random()), "tide": float(0.1 + 0.4 * severity * rng.random()),
            "bleed_mm": float(0.05 + 0.3 * severity * rng.random()), "cells": float(rng.uniform(1.2, 3.5))}


def _soaked(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """Wet once: ink has bled, colours are washed out, a brown tide line runs along the edge."""
    import cv2

    height, width = shot.image.shape[:2]
    field = clouds(rng, (height // 4, width // 4), values["cells"], 6)
    level = float(np.quantile(field, 1 - values["share"]))
    wet = ((field - level) / 0.12 + 0.5).clip(0, 1)
    line = np.exp(-((field - level) / 0.05)**2)[..., None]
    bled = cv2.GaussianBlur(shot.image, (0, 0), max(0.4, values["bleed_mm"] * shot.px_per_mm))
    bled = cv2.addWeighted(bled, 0.8, np.full_like(bled, 225), 0.2, 0)
    full = magnified(wet, shot.image.shape)
    image = cv2.blendLinear(shot.image, bled, 1 - full, full)
    brown = 1 - values["tide"] * (line + 0.25 * wet[..., None]) * (1 - np.array([0.72, 0.6, 0.4]))
    return shot.with_image(shaded(image, brown.clip(0.3, 1).astype(np.float32)))


def _draw_mould(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    patches = [{**_place(rng, shot, 0.6), "radius_mm": float(rng.uniform(8, 30 + 60 * severity)),
                "spots": int(rng.integers(30, 120 + round(900 * severity))), "kind": int(rng.integers(len(_MOULDS))),
                "depth": float(rng.uniform(0.3, 0.55 + 0.4 * severity))}
               for _ in range(int(rng.integers(1, 3 + round(5 * severity))))]
    return {"patches": patches, "musty": float(severity * rng.uniform(0, 0.3))}


def _mould(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """Colonies of spots, dense in the middle, with a fuzzy halo."""
    import cv2

    height, width = shot.image.shape[:2]
    gain = np.ones((height // 2, width // 2, 3), np.float32)
    scale = shot.px_per_mm / 2
    for patch in values["patches"]:
        centre = (shot.px(np.array([patch["x"], patch["y"]])) + 0.5) / 2
        at = centre + rng.standard_normal((patch["spots"], 2)) * patch["radius_mm"] * scale / 2
        radii = np.minimum(rng.exponential(0.45, patch["spots"]) * scale, 3 * scale)
        grown = np.zeros((height // 2, width // 2), np.uint8)
        for (x, y), radius in zip(at, radii, strict=True):
            cv2.circle(grown, (round(x * 16), round(y * 16)), max(8, round(radius * 16)), 255, cv2.FILLED,
                       cv2.LINE_AA, 4)
        grown = cv2.GaussianBlur(grown, (0, 0), 0.12 * scale + 0.3)
        away = ((np.mgrid[:height // 16, :width // 16] * 8.0 - centre[::-1, None, None]) / scale)
        halo = np.exp(-(away**2).sum(axis=0) / (2 * (0.6 * patch["radius_mm"])**2)) * (
            0.6 + 0.3 * clouds(rng, (height // 16, width // 16), 12, 3))
        amount = np.maximum(grown.astype(np.float32) / 255, 0.35 * magnified(halo.astype(np.float32), grown.shape))
        gain *= 1 - patch["depth"] * amount.clip(0, 1)[..., None] * (1 - np.array(_MOULDS[patch["kind"]], np.float32))
    musty = 1 - values["musty"] * (0.5 + 0.3 * clouds(rng, (height // 8, width // 8), 4, 4)).clip(0, 1)[..., None] * (
        1 - np.array([0.8, 0.72, 0.5], np.float32))
    return shot.with_image(shaded(shot.image, gain * magnified(musty.astype(np.float32), gain.shape)))


def _draw_fading(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"rest": float(1 - 0.75 * severity * rng.uniform(0.5, 1)), "uneven": float(0.25 * severity * rng.random()),
            "yellow": float(severity * rng.uniform(0, 0.35))}


def _fading(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """Thermal paper in the sun: ink goes, paper yellows."""
    import cv2

    height, width = shot.image.shape[:2]
    rest = values["rest"] + values["uneven"] * clouds(rng, (height // 16, width // 16), 3, 3)
    full = magnified(rest.clip(0.22, 1).astype(np.float32), shot.image.shape)
    paper = np.quantile(shot.image[::8, ::8].reshape(-1, 3), 0.9, axis=0)
    blank = np.broadcast_to(paper.astype(np.uint8), shot.image.shape)
    image = cv2.blendLinear(shot.image, np.ascontiguousarray(blank), full, 1 - full)
    yellow = 1 - values["yellow"] * np.array([0.1, 0.25, 0.8], np.float32)
    return shot.with_image(shaded(image, np.ones((2, 2, 3), np.float32) * yellow))


def _draw_torn(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    side = str(rng.choice(("left", "right", "top", "bottom")))
    return {"side": side, "from": float(rng.uniform(0, 0.6)), "along": float(rng.uniform(0.15, 1.0)),
            "depth_mm": float(3 + 35 * severity * rng.random()), "rough_mm": float(rng.uniform(0.3, 2.0))}


def _torn(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """A strip torn off one side, along a ragged line."""
    t = np.linspace(0, 1, 240)
    ragged = clouds(rng, (2, len(t)), 9, 5)[0]
    depth = values["depth_mm"] * np.sin(np.pi * t)**0.5 * (1 + 0.3 * ragged) + values["rough_mm"] * ragged
    width, height = shot.size_mm
    length = width if values["side"] in ("top", "bottom") else height
    along = (values["from"] + values["along"] * t - 0.5) * length
    across = (height if values["side"] in ("top", "bottom") else width) / 2
    edge = np.column_stack([along, depth.clip(0) - across])
    edge = np.concatenate([[[along[0], -across - 2]], edge, [[along[-1], -across - 2]]])
    if values["side"] in ("bottom", "right"):
        edge = edge * (1, -1)
    return _cut(shot, [shot.px(edge if values["side"] in ("top", "bottom") else edge[:, ::-1])])


def _draw_corner(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    across, down = 8 + severity * rng.uniform(5, 60, 2)
    return {"corner": [float(rng.choice((-1, 1))), float(rng.choice((-1, 1)))], "across_mm": float(across),
            "down_mm": float(down), "rough_mm": float(rng.uniform(0, 1.5))}


def _corner(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    t = np.linspace(0, 1, 60)
    sign, half = np.array(values["corner"]), np.array(shot.size_mm) / 2
    wobble = values["rough_mm"] * clouds(rng, (2, len(t)), 7, 3)[0]
    line = np.column_stack([values["across_mm"] * (1 - t) + wobble, values["down_mm"] * t + wobble])
    polygon = np.concatenate([[[-2.0, -2.0], [line[0, 0], -2.0]], line, [[-2.0, line[-1, 1]]]])
    return _cut(shot, [shot.px(sign * (half - polygon))])


def _draw_holes(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    return {"side": str(rng.choice(("left", "right", "top", "bottom"))), "inset_mm": float(rng.uniform(9, 14)),
            "shift_mm": float(rng.normal(0, 10 + 20 * severity))}


def _holes(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """Two holes of 6 mm, 80 mm apart (ISO 838)."""
    del rng
    half = np.array(shot.size_mm) / 2
    sideways = values["side"] in ("left", "right")
    across = (half[0] if sideways else half[1]) - values["inset_mm"]
    across = -across if values["side"] in ("left", "top") else across
    round_ = np.linspace(0, 2 * np.pi, 25)[:-1]
    ring = 3 * np.column_stack([np.cos(round_), np.sin(round_)])
    centres = [np.array([across, values["shift_mm"] + d]) for d in (-40, 40)]
    return _cut(shot, [shot.px(ring + (centre if sideways else centre[::-1])) for centre in centres])


def _cut(shot: Shot, polygons: Sequence[Points]) -> Shot:
    """Take polygons [px] out of the sheet; torn fibres leave a light rim."""
    import cv2

    whole = np.full(shot.image.shape[:2], 255, np.uint8) if shot.paper is None else shot.paper.copy()
    image = shot.image.copy()
    for polygon in polygons:
        corners = [np.round(polygon * 16).astype(np.int32)]
        cv2.polylines(image, corners, True, (248, 247, 244), max(1, round(0.5 * shot.px_per_mm)), cv2.LINE_AA, 4)
        cv2.fillPoly(whole, corners, (0,), cv2.LINE_AA, 4)
    return replace(shot, image=image, paper=whole).without(polygons)


STAINS = Distortion(_draw_stains, on_paper=_stains)
SOAKED = Distortion(_draw_soaked, on_paper=_soaked)
MOULD = Distortion(_draw_mould, on_paper=_mould)
FADING = Distortion(_draw_fading, on_paper=_fading)
TORN = Distortion(_draw_torn, on_paper=_torn)
MISSING_CORNER = Distortion(_draw_corner, on_paper=_corner)
HOLES = Distortion(_draw_holes, on_paper=_holes)
