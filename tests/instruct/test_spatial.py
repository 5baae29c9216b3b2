from __future__ import annotations

import numpy as np
import pytest

from ecground.instruct.conversation import Ground
from ecground.instruct.spatial import on_page, placed
from ecground.paper.draw import render
from ecground.record import Record


@pytest.fixture(scope="module")
def page():
    t = np.arange(5000) / 500
    signal = np.stack([np.sin(2 * np.pi * t + k) * 0.5 for k in range(12)]).astype(np.float32)
    leads = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    return render(Record(signal, 500.0, leads), layout="3x4-r1", dpi=100)


def test_a_box_lies_around_its_samples(page):
    strip = next(strip for strip in page.truth.leads if strip.lead == "V1")
    samples = (strip.start + 100, strip.start + 200)
    (box,) = on_page(Ground((0, 1), "label", leads=("V1",), samples=samples), "a.png", page.truth)
    quad = np.array(box.quad)
    inside = strip.trace[100:201]
    assert box.lead == "V1" and box.image == "a.png"
    assert quad[0, 0] <= inside[:, 0].min() + 0.1 and quad[1, 0] >= inside[:, 0].max() - 0.1
    assert quad[0, 1] < inside[:, 1].min() and quad[2, 1] > inside[:, 1].max()
    assert quad[1, 0] - quad[0, 0] == pytest.approx(np.ptp(inside[:, 0]), abs=0.2)


def test_samples_that_are_not_printed_give_the_whole_strip(page):
    (box,) = on_page(Ground((0, 1), "label", leads=("V1",), samples=(0, 10)), "a.png", page.truth)
    strip = next(strip for strip in page.truth.leads if strip.lead == "V1")
    assert np.array(box.quad) == pytest.approx(strip.region, abs=0.06)


def test_a_rhythm_strip_shows_what_its_cell_does_not(page):
    samples = (4000, 4100)
    (box,) = on_page(Ground((0, 1), "label", leads=("II",), samples=samples), "a.png", page.truth)
    rhythm = next(strip for strip in page.truth.leads if strip.rhythm)
    assert np.array(box.quad)[:, 0].min() == pytest.approx(rhythm.trace[4000, 0], abs=0.2)


def test_without_leads_there_is_no_place(page):
    assert on_page(Ground((0, 1), "label"), "a.png", page.truth) == ()
    assert on_page(Ground((0, 1), "label", leads=("V9",)), "a.png", page.truth) == ()


def test_boxes_go_into_the_conversation(page, case, measured):
    from ecground.instruct.facts import facts_of
    from ecground.instruct.grounding.recipe import conversation, interpretation

    rng = np.random.default_rng(0)
    facts = facts_of(case(1, ("SR", "1AVB")))
    talk = conversation(facts, interpretation(facts, *measured, rng), rng, seed=0)
    grounds = placed(talk, "a.png", page.truth).turns[1].grounds
    assert any(ground.boxes for ground in grounds)
    assert all(bool(ground.boxes) == bool(ground.leads) for ground in grounds)
