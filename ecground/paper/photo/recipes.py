"""The tables: every distortion by name, and ready recipes for whole ways of losing quality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ecground.paper.photo import camera, damage, light, relief, scanner, view, writing
from ecground.paper.photo.exposure import Framing
from ecground.paper.photo.shot import Distortion

__all__ = ["DISTORTIONS", "RECIPES", "Part", "Recipe"]

DISTORTIONS: Final[dict[str, Distortion]] = {
    "handwriting": writing.HANDWRITING,
    "stamp": writing.STAMP,
    "fading": damage.FADING,
    "stains": damage.STAINS,
    "soaked": damage.SOAKED,
    "mould": damage.MOULD,
    "holes": damage.HOLES,
    "torn": damage.TORN,
    "missing_corner": damage.MISSING_CORNER,
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
_OFFICE: Final = Framing((7.9, 8.1), (0.95, 1.05), ("lid",))
"""Copies and faxes: some 200 dpi."""
_PHONE: Final = Framing((4.0, 9.0), (0.0, 1.45), ("wood", "cloth", "blanket", "desk"), close=0.5)
_SCREEN: Final = Framing((4.5, 9.0), (0.0, 1.2), ("desk", "lid"), close=0.5)

_NOTES: Final = (Part("handwriting", 0.2, (0, 0.6)), Part("stamp", 0.08))
_FLATBED: Final = (Part("stretch", 0.7, (0, 0.4)), Part("rotation", 0.8, (0, 0.35)))
_HANDHELD: Final = (Part("rotation", 0.9, (0, 0.9)), Part("perspective", 1, (0.05, 0.8)), Part("lens", 0.6))
_ROOM: Final = (Part("uneven_light"), Part("shadow", 0.5), Part("glare", 0.12, (0, 0.6)), Part("colour_cast", 0.8),
                Part("exposure", 0.9))
_SENSOR: Final = (Part("defocus", 0.9, (0, 0.7)), Part("motion_blur", 0.25, (0, 0.6)),
                  Part("sensor_noise", 1, (0, 0.6)), Part("sharpen", 0.5), Part("jpeg", 1, (0, 0.8)))
_SCANNED: Final = (Part("exposure", 0.6, (0, 0.3)), Part("colour_cast", 0.5, (0, 0.4)), Part("defocus", 0.7, (0, 0.3)),
                   Part("sensor_noise", 0.8, (0, 0.3)), Part("streaks", 0.2, (0, 0.6)))
_FILE: Final = Part("jpeg", 0.8, (0, 0.7))

RECIPES: Final[dict[str, Recipe]] = {
    "scan": Recipe((*_NOTES, Part("holes", 0.05), Part("fold", 0.15, (0, 0.3)), *_FLATBED, *_SCANNED, _FILE), _SCANNER,
                   scanned=True),
    "scan-bw": Recipe((*_NOTES, Part("fold", 0.15, (0, 0.3)), *_FLATBED, *_SCANNED, Part("grey"), Part("bilevel", 0.3),
                       _FILE), _SCANNER, scanned=True),
    "photocopy": Recipe((*_NOTES, Part("holes", 0.15), *_FLATBED, Part("streaks", 0.3), Part("photocopy"),
                         Part("bilevel", 0.3, (0, 0.6)), _FILE), _OFFICE, scanned=True),
    "fax": Recipe((*_NOTES, *_FLATBED, Part("streaks", 0.2), Part("fax")), _OFFICE, scanned=True),
    "phone": Recipe((*_NOTES, Part("bend", 0.6), Part("fold", 0.4), Part("crumple", 0.15, (0, 0.5)), *_HANDHELD,
                     *_ROOM, *_SENSOR), _PHONE),
    "phone-of-screen": Recipe((*_HANDHELD, Part("moire"), Part("uneven_light", 1, (0, 0.5)),
                               Part("glare", 0.25, (0, 0.7)), Part("colour_cast"), Part("exposure", 0.9), *_SENSOR),
                              _SCREEN),
    "stained": Recipe((*_NOTES, Part("stains"), Part("soaked", 0.5), Part("fading", 0.2, (0, 0.5)), Part("bend", 0.5),
                       Part("fold", 0.3), Part("crumple", 0.3, (0, 0.6)), *_HANDHELD, *_ROOM, *_SENSOR), _PHONE),
    "damaged": Recipe((*_NOTES, Part("fading", 0.5), Part("stains", 0.5), Part("soaked", 0.3), Part("torn", 0.6),
                       Part("missing_corner", 0.5), Part("holes", 0.2), Part("bend", 0.4), Part("fold", 0.6),
                       Part("crumple", 0.8, (0.2, 1)), *_HANDHELD, *_ROOM, *_SENSOR), _PHONE),
    "mould": Recipe((*_NOTES, Part("fading", 0.4, (0, 0.6)), Part("mould"), Part("soaked", 0.4), Part("stains", 0.2),
                     Part("missing_corner", 0.1, (0, 0.4)), Part("fold", 0.3, (0, 0.4)), *_FLATBED, *_SCANNED,
                     Part("grey", 0.3), _FILE), _SCANNER, scanned=True),
}
"""What pages look like in practice; the types of the PhysioNet digitization contest on Kaggle (2025) come from here:
colour and grey scans (0003, 0004), phone (0005), phone of a screen (0006), stained (0009), heavily damaged (0010) and
scans of mouldy paper, colour and grey (0011, 0012)."""
