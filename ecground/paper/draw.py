"""`render`: a Record as a Page, image and truth; `plan` and `sheets`: pages before they become pixels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ecground.errors import UsageError
from ecground.paper.compose import compose
from ecground.paper.drawing import Drawing
from ecground.paper.header import Facts
from ecground.paper.layout import Layout
from ecground.paper.layout import layout as layout_named
from ecground.paper.page import Page
from ecground.paper.raster import rasterise
from ecground.paper.style import Style
from ecground.paper.vendors import style as style_named
from ecground.record import Record

__all__ = ["plan", "render", "sheets"]

_MOST_PIXELS = 200_000_000


def plan(record: Record, *, layout: Layout | str = "3x4-r1", style: Style | str | None = None, start_s: float = 0.0,
         facts: Facts | None = None) -> Drawing:
    """What `render` prints, in millimetres: for `vector.to_svg`, `vector.to_pdf`, or to add shades. Raises the same."""
    arrangement = layout_named(layout) if isinstance(layout, str) else layout
    looks = style_named(style) if isinstance(style, str) else style or Style()
    return compose(record, arrangement, looks, start_s=start_s, facts=facts)


def sheets(record: Record, *, layout: Layout | str = "3x4-r1", style: Style | str | None = None, start_s: float = 0.0,
           facts: Facts | None = None) -> Iterator[Drawing]:
    """The whole record, sheet after sheet, each beginning where the one before ended; a rest under 1 s is left out."""
    while True:
        drawing = plan(record, layout=layout, style=style, start_s=start_s, facts=facts)
        yield drawing
        end = max(strip.start + len(strip.trace) for strip in drawing.strips)
        if record.n_samples - end < record.fs:
            return
        start_s = end / record.fs


def render(record: Record | Drawing, *, layout: Layout | str = "3x4-r1", style: Style | str | None = None,
           dpi: float = 200.0, start_s: float = 0.0, facts: Facts | None = None) -> Page:
    """`record` on ECG paper, with the truth of every pixel.

    Args:
        record: what is printed; NaN leaves a gap, missing limb leads are derived where they follow from others. Or a
            `Drawing` that `plan` made, which is printed as it is.
        layout: a `Layout` or the name of a registered one.
        style: looks, speed and gain, or the name of registered ones; plain pink A4 paper when None.
        dpi: resolution, 20 to 2400 pixels an inch.
        start_s: first second of the record that is printed.
        facts: patient, numbers and statements for the header, where the style has one.

    Raises:
        UsageError: no such layout or style, no room on the paper, a resolution out of range.
        NoSignalError: the record has none of the layout's leads.
    """
    if not (np.isfinite(dpi) and 20 <= dpi <= 2400):
        raise UsageError(f"{dpi} dpi", where="dpi", hint="20 to 2400")
    drawing = record if isinstance(record, Drawing) else plan(
        record, layout=layout, style=style, start_s=start_s, facts=facts)
    if drawing.width * drawing.height * (dpi / 25.4) ** 2 > _MOST_PIXELS:
        raise UsageError(f"a page of {drawing.width:.0f} x {drawing.height:.0f} mm at {dpi:g} dpi is too large",
                         where="dpi", hint="a lower resolution or fewer seconds")
    image, truth = rasterise(drawing, dpi)
    return Page(image, truth, dpi)
