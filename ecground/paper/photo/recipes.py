"""The tables: every distortion by name, and ready recipes for whole ways of losing quality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ecground.paper.photo import camera, light, relief, scanner, view
from ecground.paper.photo.exposure import Framing
from ecground.paper.photo.shot import Distortion

__all__ = ["DISTORTIONS", "RECIPES", "Part", "Recipe"]

DISTORTIONS: Final[dict[str, Distortion]] = {
    "bend": relief.BEND,
    "fold": relief.FOLD,
    "crumple": relief.CRUMPLE,
    "stretch": view.STRETCH,
    "rotation": view.ROTATION,
    "turn": view.TURN,
    "perspective": view.PERSPECTIVE,
    "lens": view.LENS,
    "moire": camera.MOIRE,
    "uneven_light": light.UNEVEN_LIGHT,
    "shadow": light.SHADOW,
    "glare": light.GLARE,
    "colour_cast": light.COLOUR_CAST,
    "exposure": light.EXPOSURE,
    "defocus": camera.DEFOCUS,
    "motion_blur": camera.MOTION_BLUR,
    "sensor_noise": camera.SENSOR_NOISE,
    "sharpen": camera.SHARPEN,
    "grey": scanner.GREY,
    "streaks": scanner.STREAKS,
    "photocopy": scanner.PHOTOCOPY,
    "bilevel": scanner.BILEVEL,
    "fax": scanner.FAX,
    "jpeg": camera.JPEG,
}


@dataclass(frozen=True, slots=True)
class Part:
    """A distortion in a recipe."""

    name: str
    chance: float = 1.0
    severity: tuple[float, float] = (0.0, 1.0)
    """Range of severities, each 0..1."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way in which pages become images; parts in the order in which they happen."""

    parts: tuple[Part, ...]
    framing: Framing
    scanned: bool = False
    """The file states its true resolution."""


_SCANNER: Final = Framing((5.9, 11.9), (0.9, 1.15), ("lid",))
_PHONE: Final = Framing((4.0, 11.0), (0.05, 1.5), ("wood", "cloth", "blanket", "desk"))

_FLATBED: Final = (Part("stretch", 0.7, (0, 0.4)), Part("rotation", 0.8, (0, 0.35)))
_HANDHELD: Final = (Part("rotation", 0.9, (0, 0.9)), Part("perspective", 1, (0.05, 0.8)), Part("lens", 0.6))
_ROOM: Final = (Part("uneven_light", 1), Part("shadow", 0.5), Part("glare", 0.12, (0, 0.6)), Part("colour_cast", 0.8),
                Part("exposure", 0.9))
_SENSOR: Final = (Part("defocus", 0.9, (0, 0.7)), Part("motion_blur", 0.25, (0, 0.6)),
                  Part("sensor_noise", 1, (0, 0.6)), Part("sharpen", 0.5), Part("jpeg", 1, (0, 0.8)))

RECIPES: Final[dict[str, Recipe]] = {
    "scan": Recipe(
        (Part("fold", 0.15, (0, 0.3)), *_FLATBED, Part("exposure", 0.6, (0, 0.3)), Part("colour_cast", 0.5, (0, 0.4)),
         Part("defocus", 0.7, (0, 0.3)), Part("sensor_noise", 0.8, (0, 0.3)), Part("streaks", 0.2, (0, 0.6)),
         Part("jpeg", 0.8, (0, 0.7))), _SCANNER, scanned=True),
    "phone": Recipe(
        (Part("bend", 0.6), Part("fold", 0.4), Part("crumple", 0.15, (0, 0.5)), *_HANDHELD, *_ROOM, *_SENSOR), _PHONE),
}
