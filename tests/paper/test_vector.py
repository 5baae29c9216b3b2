"""SVG and PDF show what the pixels show, in the same places."""

from __future__ import annotations

import re

import numpy as np
import pytest

from ecground.paper.draw import plan, render
from ecground.paper.header import draw_facts
from ecground.paper.style import Style, draw_style
from ecground.paper.vector import to_pdf, to_svg

STYLES = {
    "plain": Style(header="columns", separators="bars", frame="block"),
    "dots": Style(grid="dots", paper="fit", name_place="left", name_box=True, font="opencv"),
    "random": draw_style(np.random.default_rng(11)),
}


def drawn(record, style, layout="3x4-r1"):
    return plan(record, layout=layout, style=style, facts=draw_facts(np.random.default_rng(2)))


@pytest.mark.parametrize("name", STYLES)
def test_pdf_agrees_with_the_pixels(torn, name):
    import pypdfium2

    drawing = drawn(torn, STYLES[name])
    document = pypdfium2.PdfDocument(to_pdf([drawing, drawing]))
    assert len(document) == 2
    assert document[0].get_size() == pytest.approx((drawing.width * 72 / 25.4, drawing.height * 72 / 25.4), abs=0.01)
    shown = document[1].render(scale=200 / 72).to_numpy()[..., 2::-1].astype(float)
    page = render(drawing, dpi=200)
    height, width = (min(a, b) for a, b in zip(shown.shape, page.image.shape[:2], strict=False))
    difference = np.abs(shown[:height, :width].mean(axis=2) - page.image[:height, :width].mean(axis=2))
    # Two renderers spread the ink of a line over its pixels differently, but never more than a pixel away.
    assert difference.mean() < 7
    on_trace = page.truth.masks[:height, :width] != 0
    dark = shown[:height, :width].mean(axis=2)
    assert np.abs(dark[on_trace].mean() - page.image[:height, :width].mean(axis=2)[on_trace].mean()) < 25
    for lead in page.truth.leads:
        x, y = lead.trace[np.isfinite(lead.trace).all(axis=1)][::50].round().astype(int).T
        keep = (x < width - 1) & (y < height - 1) & (y > 0)
        around = np.min([dark[y[keep] + dy, x[keep]] for dy in (-1, 0, 1)], axis=0)
        assert (around < dark.max() - 30).mean() > 0.95


def test_pdf_centre_of_a_line_is_the_trace(waves):
    import pypdfium2

    style = Style(grid="none", name_place="none", scale_place="none", pulse="none", inks=((0, 0, 0),), paper="fit",
                  row_mm=40.0, trace_mm=0.4)
    drawing = drawn(waves, style, "3x1")
    shown = pypdfium2.PdfDocument(to_pdf([drawing]))[0].render(scale=200 / 72).to_numpy()[..., 0]
    # The page is not a whole number of pixels high, and pypdfium2 stretches it to one.
    stretch = shown.shape[0] / (drawing.height * 200 / 25.4)
    for lead in render(drawing, dpi=200).truth.leads:
        top, bottom = (int(y) for y in (lead.region[0, 1], lead.region[2, 1]))
        columns = np.arange(int(lead.trace[0, 0]) + 9, int(lead.trace[-1, 0]) - 9)
        dark = 255.0 - shown[top:bottom, columns]
        centre = (dark * np.arange(top, bottom)[:, None]).sum(axis=0) / dark.sum(axis=0)
        expected = (np.interp(columns, lead.trace[:, 0], lead.trace[:, 1]) + 0.5) * stretch - 0.5
        assert abs(np.mean(centre - expected)) < 0.1
        assert np.percentile(np.abs(centre - expected), 95) < 0.25


def test_svg_holds_the_traces_of_the_drawing(torn):
    drawing = drawn(torn, STYLES["plain"])
    svg = to_svg(drawing)
    assert f'width="{drawing.width:g}mm"' in svg
    paths = re.findall(r'<path d="([^"]*)"[^>]*stroke-linejoin="round"', svg)
    assert len(paths) == len(drawing.strips)
    for path, strip in zip(paths, drawing.strips, strict=True):
        numbers = np.array(re.findall(r"-?\d+\.?\d*", path), dtype=float).reshape(-1, 2)
        seen = np.isfinite(strip.trace).all(axis=1)
        np.testing.assert_allclose(numbers, strip.trace[seen], atol=0.0006)
        assert path.count("M") == np.count_nonzero(np.diff(seen.astype(int), prepend=0) == 1)
    for words in drawing.words:
        assert f">{words.words}</text>" in svg


def test_words_are_escaped(waves):
    from ecground.paper.header import Facts

    drawing = plan(waves, style=Style(header="line"), facts=Facts(patient=("<b> & (x) \\ é €",)))
    assert "&lt;b&gt; &amp; (x) \\ é €" in to_svg(drawing)
    import pypdfium2

    page = pypdfium2.PdfDocument(to_pdf([drawing]))[0]
    assert "<b> & (x) \\ é €" in page.get_textpage().get_text_range()
