"""The picture of README: some leads on ECG paper, every wave shaded where it was found, as SVG."""

from __future__ import annotations

import re
from typing import Final

from ecground.paper.draw import plan
from ecground.paper.header import Facts
from ecground.paper.layout import Layout
from ecground.paper.shading import shaded
from ecground.paper.vector import to_svg
from ecground.paper.vendors import style
from ecground.record import Record
from ecground.signal.beats import Delineation

__all__ = ["picture"]

SECONDS: Final = 5.0
LEADS: Final = ("I", "II", "V5", "V1")
RATE: Final = 250.0
"""Samples a second that are drawn [Hz]: enough for a line 0.2 mm wide."""


def picture(record: Record, marks: Delineation, *, caption: str) -> str:
    """The SVG text of the first five seconds of four leads; `caption` stands above them."""
    step = max(1, round(record.fs / RATE))
    drawn = record.replace(signal=record.signal[:, ::step], fs=record.fs / step)
    looks = style("plot").replace(seconds=SECONDS, pulse="none", row_mm=25.0,
                                  margins_mm=(4.0, 3.0, 4.0, 9.0))
    sheet = plan(drawn, layout=Layout("picture", (LEADS,)), style=looks, facts=Facts(patient=(caption,)))
    # Without its true size the picture is as wide as the text around it.
    return re.sub(r' width="[^"]*mm" height="[^"]*mm"', "", to_svg(shaded(sheet, marks)), count=1)
