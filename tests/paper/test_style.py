"""Styles: what is impossible is refused, what is random is reproducible and varied, what is named is registered."""

from __future__ import annotations

import numpy as np
import pytest

from ecground.errors import MissingExtraError, UsageError
from ecground.paper.draw import plan, render
from ecground.paper.fonts import available, extent, ink
from ecground.paper.header import draw_facts, facts_of
from ecground.paper.layout import LAYOUTS, Layout
from ecground.paper.layout import register as register_layout
from ecground.paper.page import LAYERS
from ecground.paper.style import Style, draw_style
from ecground.paper.vendors import STYLES, register, style


@pytest.mark.parametrize("change", [
    {"mm_per_s": 0.0}, {"mm_per_mv": float("inf")}, {"chest_mm_per_mv": -5.0}, {"trace_mm": float("nan")},
    {"margins_mm": (-1.0, 0.0, 0.0, 0.0)}, {"paper": "napkin"}, {"inks": ()}, {"inks": ((0, 0, 256),)},
    {"background": (1, 2)}, {"drop": 1.5}, {"seconds": -1.0}, {"row_mm": 1e9}, {"speed_words": "{} {}"},
    {"gain_words": "{x}"}, {"speed_words": "{"}, {"grid_offset_mm": (float("nan"), 0.0)}, {"no_such_field": 1},
])
def test_impossible_styles_are_usage_errors(change):
    with pytest.raises(UsageError):
        Style().replace(**change)


@pytest.mark.parametrize("change", [
    {"margins_mm": (200.0, 0.0, 200.0, 0.0)}, {"margins_mm": (0.0, 150.0, 0.0, 60.0)}, {"font": "no-such-font"},
    {"text_mm": 100.0}, {"seconds": 10.0, "mm_per_s": 100.0},
])
def test_pages_without_room_are_usage_errors(waves, change):
    with pytest.raises(UsageError):
        render(waves, style=Style(header="columns").replace(**change), facts=draw_facts(np.random.default_rng(0)))


def test_random_styles_are_reproducible_and_varied():
    assert draw_style(np.random.default_rng(5)) == draw_style(np.random.default_rng(5))
    drawn = [draw_style(np.random.default_rng(seed)) for seed in range(150)]
    for field in ("paper", "mm_per_s", "mm_per_mv", "grid", "grid_area", "pulse", "separators", "frame", "name_place",
                  "header", "scale_place", "font", "speed_words", "gain_words"):
        assert len({getattr(entry, field) for entry in drawn}) > 1, field


@pytest.mark.parametrize("name", STYLES)
def test_named_styles_draw(waves, name):
    page = render(waves, style=name, dpi=60, facts=draw_facts(np.random.default_rng(1)))
    assert len(page.truth.leads) == 13
    assert bool((page.truth.layers & LAYERS["grid"]).any()) == (style(name).grid != "none")
    assert len(page.truth.pulses) == (0 if style(name).pulse == "none" else 4)


def test_a_plugged_in_style_and_layout_are_found(waves):
    register(Style("test-only", mm_per_s=50.0, paper="fit"))
    register_layout(Layout("test-two", (("V2",), ("-aVR",)), sequential=False))
    try:
        truth = render(waves, layout="test-two", style="test-only", dpi=50).truth
    finally:
        del STYLES["test-only"], LAYOUTS["test-two"]
    assert (truth.mm_per_s, [lead.lead for lead in truth.leads]) == (50.0, ["V2", "-aVR"])
    with pytest.raises(UsageError, match="no style"):
        style("test-only")


def test_seventeen_strips_are_too_many(waves):
    with pytest.raises(UsageError, match="strips"):
        render(waves, layout=Layout("long", (("I",) * 17,)), style=Style(paper="fit"))


@pytest.mark.parametrize("font", ["aileron", "opencv", "dejavu"])
def test_ink_of_words_fits_their_extent(font):
    if font not in available():
        with pytest.raises(MissingExtraError):
            ink("aVR", font, 30.0)
        return
    patch, left, top = ink("aVR", font, 60.0)
    assert patch[0].any() and patch[-1].any() and patch[:, 0].any() and patch[:, -1].any()
    x0, y0, x1, y1 = extent("aVR", font, 60.0)
    assert (left, top) == pytest.approx((x0, y0), abs=3)
    assert patch.shape == pytest.approx((y1 - y0, x1 - x0), abs=5)
    assert 0.5 < patch.shape[0] / 60 < 0.9, "capitals are about 0.7 of the em square"


def test_invented_patients_are_recognisable():
    for seed in range(30):
        facts = draw_facts(np.random.default_rng(seed))
        assert "FAKE-" in " ".join(facts.patient)
        assert facts == draw_facts(np.random.default_rng(seed))


def test_facts_of_measurements(real_ecg):
    import ecground

    facts = facts_of(ecground.measure(ecground.read(real_ecg)), statements=("Sinus rhythm",))
    assert any("61 bpm" in line for line in facts.measurements)
    assert "medical device" in facts.device


def test_truth_of_words(waves):
    looks = Style(chest_mm_per_mv=5.0, speed_words="Speed: {:g}mm/s", gain_words="{:g} mm/mV", filter_words="40 Hz")
    truth = render(waves, style=looks).truth
    assert [(text.kind, text.words) for text in truth.texts] == [
        ("speed", "Speed: 25mm/s"), ("gain", "10/5 mm/mV"), ("filter", "40 Hz")]
    for text in truth.texts:
        (x0, y0), (x1, y1) = text.quad[0] + 0.5, text.quad[2] + 0.5
        box = truth.layers[round(y0) : round(y1), round(x0) : round(x1)] & LAYERS["text"]
        assert box.any(axis=0)[[0, -1]].any() and box.any(axis=1)[[0, -1]].any()


def test_wide_headers_are_cut_not_lost(waves):
    from ecground.paper.header import Facts

    drawing = plan(waves, style=Style(header="columns"), facts=Facts(statements=("very " * 80,)))
    words = next(entry for entry in drawing.words if entry.kind == "statement")
    assert words.words.startswith("very very")
    assert words.x + extent(words.words, "aileron", words.size)[2] <= drawing.width
