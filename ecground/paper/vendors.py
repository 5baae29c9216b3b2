"""Named styles: how pages of well-known devices and programs look, as data. They are likenesses, not measured copies.

A plug-in adds its own with `register` or an entry point of the group `ecground.styles`.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Final

from ecground.errors import UsageError
from ecground.paper.style import Colour, Style

__all__ = ["STYLES", "register", "style"]

STYLES: Final[dict[str, Style]] = {}


def register(row: Style) -> None:
    """Add a style to `STYLES`, replacing one of the same name."""
    STYLES[row.name] = row


_BLACK: Final[Colour] = (0, 0, 0)
_RED: Final = Style(minor=(255, 214, 214), major=(255, 150, 150))
_ORANGE: Final = Style(minor=(255, 219, 190), major=(245, 165, 110))
_GREEN: Final = Style(minor=(205, 235, 210), major=(130, 190, 145))
_BLUE: Final = Style(minor=(210, 226, 246), major=(150, 180, 225))
_GREY: Final = Style(minor=(225, 225, 225), major=(170, 170, 170))

register(Style("plain"))
register(_RED.replace(
    name="muse-like", paper="letter", margins_mm=(8.0, 7.0, 8.0, 6.0), inks=(_BLACK,), text_ink=_BLACK, trace_mm=0.2,
    header="columns", drop=1.0, separators="bars", name_at_mm=(1.0, 7.0), name_mm=3.6, speed_words="{:g}mm/s",
    gain_words="{:g}mm/mV", filter_words="40Hz"))
register(_ORANGE.replace(
    name="pagewriter-like", paper="letter", margins_mm=(9.0, 9.0, 9.0, 9.0), grid="dots", grid_area="block",
    frame="block", inks=(_BLACK,), text_ink=_BLACK, trace_mm=0.22, header="columns", drop=0.8, pulse="right",
    name_mm=3.0, speed_words="Speed: {:g} mm/sec", gain_words="Limb: {:g} mm/mV", filter_words="F 60~ 0.15-100 Hz"))
register(_ORANGE.replace(
    name="schiller-like", inks=((25, 25, 25),), trace_mm=0.25, header="block", name_place="left", name_mm=3.4,
    separators="ticks", speed_words="{:g} mm/s", gain_words="{:g} mm/mV", filter_words="0.05-35Hz F50 SBL"))
register(_RED.replace(
    name="mortara-like", paper="letter", minor_mm=0.12, major_mm=0.25, inks=((10, 10, 40),), header="columns",
    pulse="right", name_at_mm=(2.0, 6.0), drop=0.9, speed_words="{:g} mm/s", gain_words="{:g} mm/mV",
    filter_words="0.05-150 Hz"))
register(_GREEN.replace(
    name="nihon-like", inks=(_BLACK,), trace_mm=0.22, header="line", separators="bars", name_at_mm=(0.5, 9.0),
    speed_words="{:g} mm/s", gain_words="{:g} mm/mV", filter_words="H50 D 35 Hz", scale_place="top"))
register(_RED.replace(
    name="edan-like", paper="roll", roll_mm=210.0, grid="dots", inks=((40, 40, 40),), text_ink=(40, 40, 40),
    trace_mm=0.18, header="line", scale_place="bottom", speed_words="{:g}mm/s", gain_words="{:g}mm/mV",
    filter_words="DFT 0.05Hz LP 100Hz AC50"))
register(Style(
    "thermal-roll", paper="roll", roll_mm=110.0, margins_mm=(6.0, 4.0, 12.0, 4.0), background=(248, 244, 238),
    minor=(240, 208, 200), major=(225, 160, 150), inks=((60, 55, 60),), text_ink=(60, 55, 60), trace_mm=0.18,
    row_mm=24.0, name_mm=2.6, text_mm=2.2, font="opencv", speed_words="{:g}mm/s", gain_words="{:g}mm/mV"))
register(_RED.replace(
    name="pulse-right", paper="fit", inks=(_BLACK,), pulse="right", separators="bars", scale_place="none",
    trace_mm=0.28, row_mm=30.0, name_at_mm=(1.0, 9.0)))
register(Style(
    "names-below", paper="letter", minor=(245, 215, 215), major=(225, 165, 165), minor_mm=0.13, major_mm=0.18,
    inks=(_BLACK,), name_place="below", name_at_mm=(0.5, 4.0), name_mm=3.9, trace_mm=0.26,
    margins_mm=(8.0, 8.0, 8.0, 8.0)))
register(_GREY.replace(
    name="monochrome", inks=(_BLACK,), text_ink=_BLACK, header="block", separators="ticks"))
register(_BLUE.replace(name="blue", inks=((20, 30, 110),), text_ink=(20, 30, 110), header="line", frame="block"))
register(_GREEN.replace(name="green", inks=(_BLACK,), text_ink=_BLACK, frame="cells", name_box=True))
register(Style("gridless", grid="none", inks=(_BLACK,), text_ink=_BLACK, separators="bars"))
register(_GREY.replace(name="five-millimetre", grid="major", inks=((20, 20, 20),), paper="fit"))
register(_GREY.replace(
    name="coloured", paper="fit",
    inks=((200, 30, 40), (20, 90, 190), (20, 130, 70), (150, 60, 160), (200, 110, 10), (60, 60, 60))))
register(_RED.replace(name="crowded", paper="fit", row_mm=11.0, inks=(_BLACK,), name_at_mm=(1.0, 4.0), name_mm=2.8,
               trace_mm=0.22))
register(_RED.replace(name="clipped", paper="fit", row_mm=20.0, clip_mm=10.0, inks=(_BLACK,)))
register(_RED.replace(name="half-chest", chest_mm_per_mv=5.0, inks=(_BLACK,), header="columns", text_ink=_BLACK))
register(Style("plot", paper="fit", margins_mm=(4.0, 3.0, 4.0, 3.0), background=(255, 253, 251), minor=(248, 226, 221),
               major=(236, 186, 174), row_mm=26.0, inks=((27, 27, 27),), text_ink=(51, 51, 51), trace_mm=0.22,
               name_at_mm=(1.0, 9.0), header="line"))
register(Style("screen", paper="fit", background=_BLACK, minor=(24, 40, 24), major=(40, 70, 40), inks=((90, 255, 120),),
               text_ink=(200, 230, 200), pulse="none", trace_mm=0.3))


@cache
def _load_plugins() -> None:
    for point in entry_points(group="ecground.styles"):
        register(point.load())


def style(name: str) -> Style:
    """The style of that name; UsageError when there is none."""
    _load_plugins()
    try:
        return STYLES[name]
    except KeyError:
        raise UsageError(f"no style '{name}'", where="style", hint=f"there are: {' '.join(STYLES)}") from None
