"""`Style`: how a page looks, as plain values, and `draw_style`, which draws one at random.

Lengths are millimetres of paper, colours RGB 0..255.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Final, Literal, TypeVar

import numpy as np

from ecground.errors import UsageError
from ecground.paper.fonts import available

__all__ = ["GAINS", "PAPERS", "ROLLS", "SPEEDS", "Colour", "Style", "draw_style"]

Colour = tuple[int, int, int]
Option = TypeVar("Option")

SPEEDS: Final = (12.5, 25.0, 50.0, 100.0)
"""Paper speeds of electrocardiographs [mm/s]."""
GAINS: Final = (2.5, 5.0, 10.0, 20.0, 40.0)
"""Amplitude scales of electrocardiographs [mm/mV]."""
PAPERS: Final[dict[str, tuple[float, float]]] = {
    "a4": (297.0, 210.0), "letter": (279.4, 215.9), "a4-portrait": (210.0, 297.0), "letter-portrait": (215.9, 279.4),
    "fit": (0.0, 0.0), "roll": (0.0, 0.0),
}
"""Width and height [mm]; `fit` is as large as what is printed, `roll` has the height of a roll and any length."""
ROLLS: Final = (50.0, 58.0, 80.0, 110.0, 112.0, 145.0, 210.0, 216.0)
"""Heights of paper rolls [mm]."""


@dataclass(frozen=True, slots=True)
class Style:
    """Everything of a page that is neither the record nor the layout."""

    name: str = "plain"
    paper: str = "a4"
    """A key of `PAPERS`."""
    roll_mm: float = 112.0
    """Height of the roll, for `paper="roll"`; a roll too small for the layout is replaced by the next larger one."""
    margins_mm: tuple[float, float, float, float] = (10.0, 8.0, 10.0, 8.0)
    """Left, top, right, bottom."""
    background: Colour = (255, 255, 255)

    mm_per_s: float = 25.0
    mm_per_mv: float = 10.0
    chest_mm_per_mv: float | None = None
    """Gain of the chest leads where it differs from the limb leads'."""
    seconds: float | None = None
    """Printed in the page's width at most; None: as much as fits, up to 10 s. A shorter record ends earlier."""

    grid: Literal["lines", "dots", "major", "none"] = "lines"
    """1 mm and 5 mm lines, dots every 1 mm between 5 mm lines, 5 mm lines only, nothing."""
    grid_area: Literal["sheet", "block"] = "sheet"
    """Grid over the whole sheet, or only behind the strips."""
    minor: Colour = (250, 205, 200)
    major: Colour = (240, 150, 145)
    minor_mm: float = 0.1
    """Weight of the 1 mm lines."""
    major_mm: float = 0.2
    """Weight of the 5 mm lines."""
    grid_offset_mm: tuple[float, float] = (0.0, 0.0)
    """Where the 5 mm lines lie relative to the start and the first baseline of the strips."""

    inks: tuple[Colour, ...] = ((20, 20, 20),)
    """Colours of the traces, strip by strip in turn."""
    trace_mm: float = 0.25
    """Width of the trace."""
    text_ink: Colour = (20, 20, 20)
    row_mm: float | None = None
    """Distance of two rows; None: as the page allows, at most 35. Traces may cross into the next row."""
    clip_mm: float | None = None
    """The pen stops this far above and below the baseline; None: never."""

    drop: float = 0.3
    """Share of the free height that lies above the strips, 0..1."""
    shift: float = 0.0
    """Share of the free width that lies left of them."""

    pulse: Literal["left", "right", "none"] = "left"
    """Side of the calibration pulse of each row."""
    separators: Literal["none", "bars", "ticks"] = "none"
    """Between the columns: bars as high as half a row, or ticks of 4 mm."""
    frame: Literal["none", "block", "cells"] = "none"
    """A box round the strips, or round each strip."""

    name_place: Literal["above", "below", "left", "trace", "none"] = "above"
    """Where lead names stand: over or under the start of the trace, in front of it, or on it."""
    name_at_mm: tuple[float, float] = (1.0, 8.0)
    """To the right of the strip's start, and above or below its baseline (not beyond its row)."""
    name_box: bool = False
    """A frame round each lead name."""
    name_mm: float = 3.2
    """Size of the lead names (height of the em square)."""
    text_mm: float = 2.8
    """Size of other text."""
    font: str = "aileron"
    """A key of `fonts.FONTS`, or the path of a TrueType or OpenType file."""
    header: Literal["none", "line", "columns", "block"] = "none"
    """Where the facts of a page stand above its strips: nowhere, in one line, in three columns, in two."""
    scale_place: Literal["bottom", "top", "none"] = "bottom"
    """Where speed, gain and filter are printed."""
    speed_words: str = "{:g} mm/s"
    """How the speed is written; `{:g}` is the number."""
    gain_words: str = "{:g} mm/mV"
    """How the gain is written; mixed gains give `limb/chest`."""
    filter_words: str = ""

    def __post_init__(self) -> None:
        positive = (self.mm_per_s, self.mm_per_mv, self.chest_mm_per_mv or 1.0, self.trace_mm, self.name_mm,
                    self.text_mm, self.row_mm or 1.0, self.clip_mm or 1.0, self.seconds or 1.0, self.roll_mm)
        if not all(np.isfinite(value) and 0 < value < 2000 for value in positive):
            raise UsageError("speed, gain, widths and sizes of a style are positive numbers below 2000", where="style")
        if self.paper not in PAPERS:
            raise UsageError(f"no paper '{self.paper}'", where="style.paper", hint=f"there are: {' '.join(PAPERS)}")
        if not self.inks:
            raise UsageError("a style needs an ink", where="style.inks")
        weights = (*self.margins_mm, self.minor_mm, self.major_mm, *(abs(mm) for mm in self.grid_offset_mm))
        if not all(np.isfinite(value) and 0 <= value < 500 for value in weights):
            raise UsageError("margins and grid weights are between 0 and 500 mm", where="style")
        if not all(0 <= share <= 1 for share in (self.drop, self.shift)):
            raise UsageError("drop and shift are shares, 0 to 1", where="style")
        colours = (self.background, self.minor, self.major, self.text_ink, *self.inks)
        if not all(len(colour) == 3 and all(0 <= part <= 255 for part in colour) for colour in colours):
            raise UsageError("a colour is three numbers from 0 to 255", where="style")
        self._check_words()

    def _check_words(self) -> None:
        for words in (self.speed_words, self.gain_words):
            try:
                words.format(1.0)
            except (ValueError, IndexError, KeyError, AttributeError):
                raise UsageError(f"'{words}' has no place for a number", where="style",
                                 hint="write {:g} where the number stands") from None

    def replace(self, **changes: object) -> Style:
        """A copy with some fields changed; UsageError for an unknown field."""
        unknown = set(changes) - {f.name for f in fields(self)}
        if unknown:
            raise UsageError(f"a style has no {' '.join(sorted(unknown))}", where="style")
        return replace(self, **changes)  # type: ignore[arg-type]

    def gain(self, lead: str) -> float:
        """mm/mV of a strip that shows `lead`."""
        return self.chest_mm_per_mv if self.chest_mm_per_mv and lead.startswith("V") else self.mm_per_mv


_GRID_COLOURS: Final[tuple[tuple[Colour, Colour], ...]] = (
    ((250, 205, 200), (240, 150, 145)), ((255, 224, 224), (255, 160, 160)), ((246, 214, 190), (226, 160, 110)),
    ((200, 226, 246), (130, 180, 226)), ((206, 236, 206), (130, 196, 140)), ((222, 222, 222), (170, 170, 170)),
    ((250, 190, 210), (235, 110, 150)), ((244, 170, 170), (230, 90, 90)), ((236, 222, 186), (200, 170, 110)),
)
_INKS: Final[tuple[Colour, ...]] = ((0, 0, 0), (20, 20, 20), (50, 50, 50), (20, 20, 90), (10, 40, 130), (90, 20, 20),
                                    (70, 40, 90), (10, 80, 60))
_SPEED_WORDS: Final = ("{:g} mm/s", "{:g}mm/s", "{:g} mm/sec", "{:g}mm/sec", "Speed: {:g}mm/s", "Speed {:g} mm/s",
                       "{:g} MM/SEC", "Velocity: {:g} mm/s", "{:.1f} mm/s")
_GAIN_WORDS: Final = ("{:g} mm/mV", "{:g}mm/mV", "Gain: {:g}mm/mV", "{:.1f} mm/mV", "{:g} MM/MV", "Limb: {:g} mm/mV",
                      "{:g} mm / mV")
_FILTERS: Final = ("", "0.05-150 Hz", "0.05 - 40 Hz", "Filter: 35Hz AC50", "~ 0.5-40 Hz", "F 50~ 0.15-100 Hz", "25Hz")


def _tint(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    red, green, blue = np.clip(np.asarray(colour) + rng.normal(0.0, spread, 3), 0, 255).astype(int).tolist()
    return (red, green, blue)


def draw_style(rng: np.random.Generator) -> Style:
    """A random style, drawn widely, for training and testing of what reads pages."""
    def pick(options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        share = None if weights is None else np.asarray(weights) / sum(weights)
        return options[int(rng.choice(len(options), p=share))]

    minor, major = pick(_GRID_COLOURS)
    ink = _tint(rng, pick(_INKS), 8.0)
    inks = (ink,) if rng.random() < 0.92 else tuple(_tint(rng, pick(_INKS), 20.0) for _ in range(6))
    weight = rng.uniform(0.05, 0.2)
    return Style(
        name="random",
        paper=pick(("a4", "letter", "fit", "roll"), (4, 4, 2, 1)), roll_mm=pick(ROLLS),
        margins_mm=tuple(rng.uniform(3.0, 16.0, 4).round(2).tolist()),
        background=_tint(rng, (252, 250, 247), 4.0) if rng.random() < 0.6 else (255, 255, 255),
        mm_per_s=pick((25.0, 50.0, 12.5, 100.0), (85, 10, 4, 1)), mm_per_mv=pick((10.0, 5.0, 20.0), (85, 10, 5)),
        chest_mm_per_mv=5.0 if rng.random() < 0.04 else None,
        grid=pick(("lines", "dots", "major", "none"), (78, 8, 7, 7)), grid_area=pick(("sheet", "block")),
        minor=_tint(rng, minor, 6.0), major=_tint(rng, major, 10.0),
        minor_mm=float(weight), major_mm=float(weight * rng.uniform(1.0, 2.6)),
        grid_offset_mm=(0.0, 0.0) if rng.random() < 0.5 else tuple(rng.uniform(0.0, 5.0, 2).round(3).tolist()),
        inks=inks, trace_mm=float(rng.uniform(0.12, 0.5)), text_ink=ink if rng.random() < 0.7 else (0, 0, 0),
        row_mm=None if rng.random() < 0.7 else round(float(rng.uniform(14.0, 40.0)), 1),
        clip_mm=float(rng.uniform(12.0, 25.0)) if rng.random() < 0.05 else None,
        drop=float(rng.random()), shift=0.0 if rng.random() < 0.5 else float(rng.random()),
        pulse=pick(("left", "right", "none"), (5, 2, 3)), separators=pick(("none", "bars", "ticks")),
        frame=pick(("none", "block", "cells"), (8, 1, 1)),
        name_place=pick(("above", "below", "left", "trace", "none"), (60, 12, 12, 12, 4)),
        name_at_mm=(float(rng.uniform(-1.0, 4.0)), float(rng.uniform(4.0, 13.0))), name_box=bool(rng.random() < 0.04),
        name_mm=float(rng.uniform(2.2, 5.0)), text_mm=float(rng.uniform(2.0, 3.6)),
        font=pick(available()),
        header=pick(("none", "line", "columns", "block")), scale_place=pick(("bottom", "top", "none"), (6, 2, 2)),
        speed_words=pick(_SPEED_WORDS), gain_words=pick(_GAIN_WORDS), filter_words=pick(_FILTERS),
    )
