"""The ink lies where the truth says, to a small part of a pixel."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from ecground.errors import NoSignalError, UsageError
from ecground.paper.draw import plan, render, sheets
from ecground.paper.drawing import Rule
from ecground.paper.layout import LAYOUTS
from ecground.paper.page import LAYERS
from ecground.paper.style import Style, draw_style
from ecground.record import Record

PLAIN = Style(grid="none", name_place="none", scale_place="none", pulse="none", inks=((0, 0, 0),), paper="fit")


def ink_centres(page, lead):
    """Column and darkness-weighted mean row of the ink in a strip that nothing else enters."""
    top, bottom = (int(y) for y in (lead.region[0, 1], lead.region[2, 1]))
    dark = 1.0 - page.image[top:bottom, :, 0] / 255.0
    columns = np.arange(int(lead.trace[0, 0]) + 5, int(lead.trace[-1, 0]) - 5)
    part = dark[:, columns]
    return columns, (part * np.arange(top, bottom)[:, None]).sum(axis=0) / part.sum(axis=0)


@pytest.mark.parametrize("dpi", [100, 200, 287.3])
@pytest.mark.parametrize("width", [0.2, 0.25, 0.43])
def test_centre_of_the_ink_is_the_trace(waves, dpi, width):
    page = render(waves, layout="3x1", style=PLAIN.replace(trace_mm=width, row_mm=40.0), dpi=dpi)
    for lead in page.truth.leads:
        columns, centre = ink_centres(page, lead)
        error = centre - np.interp(columns, lead.trace[:, 0], lead.trace[:, 1])
        assert abs(error.mean()) < 0.01
        assert np.abs(error).max() < (0.1 if dpi >= 200 else 0.15)


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_prints_its_leads(waves, name):
    page = render(waves, layout=name)
    truth = page.truth
    assert [lead.lead for lead in truth.leads] == [cell.lead for cell in LAYOUTS[name].cells(10.0)]
    assert page.image.shape[:2] == truth.masks.shape == truth.layers.shape
    for i, lead in enumerate(truth.leads):
        y, x = np.nonzero(truth.masks & (1 << i))
        assert lead.trace[0, 0] - 3 <= x.min() and x.max() <= lead.trace[-1, 0] + 3
        away = np.abs(y - np.interp(x, lead.trace[:, 0], lead.trace[:, 1]))
        assert np.percentile(away, 99) < 4
        assert lead.name is not None


def test_a_random_style_draws_or_says_why(waves):
    drawn = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        try:
            page = render(waves, layout=str(rng.choice(list(LAYOUTS))), style=draw_style(rng), dpi=72)
        except UsageError as error:
            assert error.hint
            continue
        drawn += 1
        assert page.truth.masks.any()
    assert drawn >= 15


def test_turned_lead_gap_and_gain(torn):
    signal = torn.signal
    page = render(torn, layout="6x1-cabrera", style=PLAIN.replace(mm_per_mv=5.0))
    turned = next(lead for lead in page.truth.leads if lead.lead == "-aVR")
    up = (turned.baseline[0, 1] - turned.trace[:, 1]) / (page.truth.px_per_mm[1] * 5.0)
    np.testing.assert_allclose(up, -signal[3, : len(up)], atol=1e-5)
    gap = slice(int(turned.trace[1000, 0]) + 4, int(turned.trace[1499, 0]) - 4)
    assert (page.image[:, gap] == 255).all()


@pytest.mark.parametrize("dpi", [0, -5, float("nan"), float("inf"), 1e9, 5])
def test_impossible_resolution(waves, dpi):
    with pytest.raises(UsageError):
        render(waves, dpi=dpi)


def test_impossible_pages(waves):
    with pytest.raises(UsageError):
        render(waves, layout="no such")
    with pytest.raises(UsageError):
        render(waves, start_s=10.0)
    with pytest.raises(UsageError):
        render(waves, style=Style(seconds=20.0, mm_per_s=100.0))
    with pytest.raises(UsageError):
        Style(mm_per_s=float("nan"))
    with pytest.raises(UsageError):
        Style(paper="a3")
    with pytest.raises(NoSignalError):
        render(Record(np.zeros((1, 500), np.float32), 500.0, ("X",)))


@pytest.mark.parametrize("side", ["left", "right"])
def test_pulse_is_one_millivolt_for_200_ms(waves, side):
    page = render(waves, style=PLAIN.replace(pulse=side, mm_per_mv=5.0, mm_per_s=50.0, seconds=5.0), layout="3x1")
    pulse = page.truth.pulses[0]
    ppm = page.truth.px_per_mm[0]
    assert np.ptp(pulse.trace[:, 1]) == pytest.approx(5.0 * ppm)
    assert pulse.trace[3, 0] - pulse.trace[2, 0] == pytest.approx(10.0 * ppm)
    top = page.image[:, round(pulse.trace[2:4, 0].mean()), 0].astype(float)
    row = round(pulse.trace[2, 1])
    dark = 255 - top[row - 3 : row + 4]
    assert (dark * np.arange(row - 3, row + 4)).sum() / dark.sum() == pytest.approx(pulse.trace[2, 1], abs=0.05)
    bits = page.truth.layers == LAYERS["pulse"]
    x = np.flatnonzero(bits.any(axis=0))
    assert pulse.trace[:, 0].min() - 2 < x.min() < x.max() < pulse.trace[:, 0].max() + 2


def test_lattice_lies_on_the_5_mm_lines(waves):
    page = render(waves, style=Style(minor_mm=0.1, major_mm=0.4, grid_offset_mm=(1.3, 2.7), major=(0, 0, 0)), dpi=187.0)
    grey = page.image[..., 1].astype(float)
    checked = 0
    for x, y in page.truth.lattice[2:-2:5, 2:-2:7].reshape(-1, 2):
        rows, columns = np.arange(round(y) - 4, round(y) + 5), np.arange(round(x) - 4, round(x) + 5)
        if (page.truth.masks[rows[0] : rows[-1] + 3, columns[0] : columns[-1] + 3] != 0).any():
            continue
        # Beside the crossing, where only one of the two heavy lines is; the light ones are paler than 60.
        for dark, places, truth in ((255 - grey[rows, round(x) + 6], rows, y),
                                    (255 - grey[round(y) + 6, columns], columns, x)):
            heavy = np.clip(dark - 60, 0, None)
            assert (heavy * places).sum() / heavy.sum() == pytest.approx(truth, abs=0.3)
            checked += 1
    assert checked > 60


def test_masks_are_the_ink(waves):
    page = render(waves, layout="6x2", style=PLAIN.replace(trace_mm=0.4))
    dark = page.image[..., 0] < 128
    seen = page.truth.masks != 0
    assert (dark & ~seen).sum() == 0
    assert (seen & ~dark).sum() <= 0.02 * seen.sum(), "only pixels covered by a half may differ"


def test_a_strip_starts_at_the_second_it_shows(waves):
    truth = render(waves, layout="3x4", start_s=1.0, style=Style(seconds=8.0)).truth
    assert [(lead.start, lead.stop) for lead in truth.leads[::3]] == [(500, 1500), (1500, 2500), (2500, 3500),
                                                                    (3500, 4500)]
    lead = truth.leads[3]
    assert lead.trace[0, 0] == pytest.approx(lead.region[0, 0])
    seconds = np.diff(lead.trace[:, 0]) / truth.px_per_mm[0] / truth.mm_per_s
    np.testing.assert_allclose(seconds, 1 / 500, rtol=1e-9)


def test_clipped_traces_stay_in_their_rows(waves):
    loud = waves.replace(signal=waves.signal * np.float32(5))
    truth = render(loud, layout="3x1", style="clipped").truth
    for lead in truth.leads:
        away = np.abs(lead.trace[:, 1] - lead.baseline[0, 1]) / truth.px_per_mm[1]
        assert away.max() == pytest.approx(10.0)


def test_missing_limb_leads_are_derived_and_others_left_out(waves):
    two = Record(waves.signal[:2], 500.0, ("I", "II"))
    assert [lead.lead for lead in render(two, layout="3x4", dpi=50).truth.leads] == [
        "I", "II", "III", "aVR", "aVL", "aVF"]


def test_sheets_show_every_sample_once(waves):
    looks = Style(paper="a4", mm_per_s=50.0, pulse="none")
    spans = [(strip.start, strip.start + len(strip.trace)) for drawing in sheets(waves, layout="12x1", style=looks)
             for strip in drawing.strips[:1]]
    assert spans[0][0] == 0 and spans[-1][1] >= 4500
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    assert len(spans) == 2


def test_absurd_samples_are_drawn_as_far_as_the_sheet_goes(waves):
    signal = waves.signal.copy()
    signal[0, 100], signal[1, 200], signal[2, 300] = 1e9, -np.inf, np.inf
    truth = render(waves.replace(signal=signal), layout="3x1", dpi=50).truth
    assert truth.leads[0].trace[100, 1] < -1e9
    assert (truth.masks & 1)[0].any(), "the spike leaves over the upper edge"
    assert (truth.masks & 2).any() and (truth.masks & 4).any()


@pytest.mark.parametrize("corner", [(-30.0, -30.0), (20.0, -40.0), (-40.0, 20.0), (500.0, 20.0), (20.0, 500.0)])
def test_a_rule_beyond_the_sheet_costs_nothing(waves, corner):
    drawing = plan(waves, layout="3x4")
    away = Rule("separator", np.array([corner, (corner[0], corner[1] + 5.0)]), 0.3, (0, 0, 0))
    with_it, without = (render(replace(drawing, rules=rules), dpi=60)
                        for rules in ((*drawing.rules, away), drawing.rules))
    assert np.array_equal(with_it.image, without.image)
