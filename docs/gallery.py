"""Writes docs/gallery.md: every layout, style, distortion and recipe as a small picture with its truth drawn on it.

    python docs/gallery.py

Truth is drawn in colour: the box of each strip and of its name, words, the corners of the sheet, in magenta what cannot
be seen; in the detail also traces, calibration pulses and the crossings of the 5 mm lines.
"""

from __future__ import annotations

import colorsys
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

import ecground
from ecground.paper.draw import render
from ecground.paper.header import draw_facts
from ecground.paper.layout import LAYOUTS
from ecground.paper.page import Page, PageTruth, Points
from ecground.paper.photo import DISTORTIONS, RECIPES, Framing, Part, Recipe, photograph
from ecground.paper.vendors import STYLES
from ecground.record import Record

__all__ = ["overlay", "write"]

HERE: Final = Path(__file__).parent
WIDTH: Final = 360
"""Of a picture [px]; a detail stands beside the whole page, as wide."""
QUALITY: Final = 58
_SHIFT: Final = 4
Picture = NDArray[np.uint8]


def overlay(picture: Picture, truth: PageTruth, *, scale: float, corner: tuple[float, float], traces: bool) -> None:
    """Draw truth on a picture that shows the page from `corner` [px] on, `scale` times as large."""
    def line(points: Points, colour: tuple[int, ...], closed: bool = True) -> None:
        placed = np.clip((points + 0.5 - corner) * scale - 0.5, -30000, 30000)
        fixed = np.round(placed * 2**_SHIFT).astype(np.int32)
        cv2.polylines(picture, [fixed], closed, colour, 1, cv2.LINE_AA, _SHIFT)

    for polygon in truth.hidden:
        line(polygon, (255, 0, 255))
    line(truth.corners, (255, 140, 0))
    for text in truth.texts:
        line(text.quad, (150, 90, 0))
    for i, lead in enumerate(truth.leads):
        colour = tuple(int(255 * part) for part in colorsys.hsv_to_rgb(i * 0.381 % 1, 1.0, 0.8))
        line(lead.region, colour)
        if lead.name is not None:
            line(lead.name, colour)
        if traces:
            line(lead.trace[np.isfinite(lead.trace).all(axis=1)], colour, closed=False)
    if traces:
        for pulse in truth.pulses:
            line(pulse.trace, (0, 0, 255), closed=False)
        for point in truth.lattice.reshape(-1, 2):
            line(point + np.array([[-2, 0], [2, 0]]), (0, 130, 130), closed=False)
            line(point + np.array([[0, -2], [0, 2]]), (0, 130, 130), closed=False)


def _sheet(page: Page) -> Picture:
    """The whole page with the boxes of its truth, and beside it a detail, twice as large, with all of it."""
    truth = page.truth
    assert truth is not None
    height, width = page.image.shape[:2]
    tall = min(round(WIDTH * height / width), WIDTH)
    scale = min(WIDTH / width, tall / height)
    whole = cv2.resize(page.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    overlay(whole, truth, scale=scale, corner=(0.0, 0.0), traces=False)
    heights = [lead.trace[:, 1] - np.nanmedian(lead.trace[:, 1]) for lead in truth.leads]
    tallest = int(np.argmax([np.nanmax(np.abs(height)) for height in heights]))
    peak = truth.leads[tallest].trace[np.nanargmax(np.abs(heights[tallest]))]
    middle = (peak[0], (peak[1] + np.nanmedian(truth.leads[tallest].trace[:, 1])) / 2)
    wide, high = WIDTH // 2, tall // 2
    x, y = (int(np.clip(m - n / 2, 0, max(0, limit - n)))
            for m, n, limit in ((middle[0], wide, width), (middle[1], high, height)))
    detail = cv2.resize(page.image[y : y + high, x : x + wide], None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    overlay(detail, truth, scale=2.0, corner=(x, y), traces=True)
    canvas = np.full((tall, 2 * WIDTH + 4, 3), 255, np.uint8)
    canvas[: whole.shape[0], : whole.shape[1]] = whole[:tall, :WIDTH]
    canvas[: detail.shape[0], WIDTH + 4 : WIDTH + 4 + detail.shape[1]] = detail
    return canvas


def _save(name: str, picture: Picture) -> str:
    path = HERE / "gallery" / f"{name}.jpg"
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return f"gallery/{path.name}"


def _recording() -> Record:
    from pydicom.data import get_testdata_file

    record = ecground.read(str(get_testdata_file("waveform_ecg.dcm", download=False)))
    return record.replace(signal=record.signal[:, ::2].copy(), fs=record.fs / 2)


def write() -> None:
    """The page and its pictures."""
    (HERE / "gallery").mkdir(exist_ok=True)
    for old in (HERE / "gallery").glob("*.jpg"):
        old.unlink()
    record = _recording()
    parts = [
        "# Pages and their truth", "",
        "Written by `docs/gallery.py` from one real recording. Left the page with the boxes of strips, lead names and "
        "words, right a detail with all of its truth: also traces, calibration pulses and the crossings of the 5 mm "
        "lines. Magenta surrounds what cannot be seen. Research use, not a medical device.", "",
        "## Layouts", "", "`ecground render FILE -o page.png --layout NAME`", ""]
    for name in LAYOUTS:
        parts += _entry(name, f"layout-{name}", render(record, layout=name, dpi=110))
    parts += ["## Styles", "", "`ecground render FILE -o page.png --style NAME`", ""]
    for i, name in enumerate(STYLES):
        facts = draw_facts(np.random.default_rng(i))
        parts += _entry(name, f"style-{name}", render(record, style=name, dpi=110, facts=facts))
    page = render(record, style="muse-like", dpi=200, facts=draw_facts(np.random.default_rng(1)))
    parts += ["## Distortions", "", "One by one, at full strength.", ""]
    for name in DISTORTIONS:
        alone = Recipe((Part(name, 1.0, (1.0, 1.0)),), Framing((5.0, 5.0), (1.02, 1.08), ("wood",)))
        parts += _entry(name, f"distortion-{name}", photograph(page, alone, np.random.default_rng(3)))
    parts += ["## Recipes", "", "Distortions as they come together in practice.", ""]
    for name in RECIPES:
        parts += _entry(name, f"recipe-{name}", photograph(page, name, np.random.default_rng(5)))
    (HERE / "gallery.md").write_text("\n".join(parts), encoding="utf-8", newline="\n")


def _entry(name: str, file: str, page: Page) -> list[str]:
    return [f"**{name}**", "", f"![A page, {name}, and its truth]({_save(file, _sheet(page))})", ""]


if __name__ == "__main__":
    write()
