from __future__ import annotations

import numpy as np
import pytest

from ecground.digitize.segment import HEAT, NAMES, TOKENS, Segmentation, _peaks, segment
from ecground.digitize.sheet import PX_PER_MM, Sheet, Warp
from ecground.paper.draw import render
from ecground.paper.page import Page
from ecground.paper.style import Style
from ecground.simulate import draw, simulate

DPI = PX_PER_MM * 25.4


def sheet_of(image: np.ndarray) -> Sheet:
    height, width = image.shape[:2]
    corners = np.array([[[0.0, 0.0], [width, 0.0]], [[0.0, height], [width, height]]])
    return Sheet(image, Warp(float(max(height, width)), corners), np.ones((height, width), bool), 1.0, 1.0)


@pytest.fixture(scope="module")
def page() -> Page:
    rng = np.random.default_rng(4)
    record = simulate(draw(rng), fs=500.0, seconds=10.0, rng=rng).record
    return render(record, layout="3x4-r1", style=Style(separators="bars"), dpi=DPI)


@pytest.fixture(scope="module")
def found(page: Page) -> Segmentation:
    return segment(sheet_of(page.image))


def test_the_trace_is_found_and_nothing_else_is_one(page: Page, found: Segmentation) -> None:
    says, ink = found.trace > 0.5, page.truth.masks > 0
    near = np.any([np.roll(ink, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)], axis=0)
    assert (says & near).sum() > 0.97 * says.sum()
    missed = 0
    for lead in page.truth.leads:
        x, y = np.rint(lead.trace).astype(int).T
        near = np.max([found.trace[y + dy, x] for dy in (-1, 0, 1)], axis=0)
        missed += (near < 0.5).mean() / len(page.truth.leads)
    assert missed < 0.02


def test_the_middle_of_the_line_is_exact_to_a_fraction_of_a_pixel(page: Page, found: Segmentation) -> None:
    lead = page.truth.leads[-1]
    columns = np.arange(int(lead.trace[0, 0]) + 3, int(lead.trace[-1, 0]) - 3)
    y = np.interp(columns, lead.trace[:, 0], lead.trace[:, 1])
    flat = np.abs(np.gradient(y)) < 0.3
    rows = np.rint(y[flat]).astype(int)[:, None] + np.arange(-4, 5)
    line = found.trace[rows, columns[flat][:, None]]
    middle = (line * rows).sum(axis=1) / line.sum(axis=1)
    assert np.abs(middle - y[flat]).mean() < 0.25


def test_heights_point_at_the_own_zero_line(page: Page, found: Segmentation) -> None:
    for lead in page.truth.leads:
        x, y = np.rint(lead.trace).astype(int).T
        zero = y + PX_PER_MM * found.height_mm[y, x]
        assert abs(np.median(zero) - lead.baseline[0, 1]) < 2.5 * PX_PER_MM


def test_names_and_notes_are_read_where_they_stand(page: Page, found: Segmentation) -> None:
    printed = [(lead.lead, lead.name.mean(axis=0)) for lead in page.truth.leads]
    sure = [hit for hit in found.names if hit.score > 0.5]
    for name, place in printed:
        assert any(hit.lead == name and np.hypot(hit.x - place[0], hit.y - place[1]) < 12 for hit in sure), name
    assert len(sure) == len(printed)
    best = {kind: next(hit.value for hit in found.tokens if hit.kind == kind) for kind in ("speed", "gain")}
    assert best == {"speed": 25.0, "gain": 10.0}


def test_pulses_and_separators_are_no_traces(page: Page, found: Segmentation) -> None:
    for pulse in page.truth.pulses:
        x, y = np.rint(pulse.trace[2:4].mean(axis=0)).astype(int)
        assert found.pulse[y - 3:y + 4, x].max() > 0.5
        assert found.trace[y - 3:y + 4, x].max() < 0.5


def test_a_page_upside_down_has_few_names(page: Page) -> None:
    turned = segment(sheet_of(np.ascontiguousarray(page.image[::-1, ::-1])))
    assert sum(hit.score for hit in turned.names) < 0.35 * sum(hit.score for hit in segment(sheet_of(page.image)).names)


def test_what_is_not_seen_has_no_trace_and_no_name(page: Page) -> None:
    whole = sheet_of(page.image)
    seen = whole.seen.copy()
    seen[:, : seen.shape[1] // 2] = False
    found = segment(Sheet(whole.image, whole.warp, seen, 1.0, 1.0))
    assert found.trace[~seen].max() == 0
    assert all(hit.x > seen.shape[1] // 2 - HEAT for hit in (*found.names, *found.tokens))


@pytest.mark.parametrize("size", [(1, 1), (33, 31), (32, 64), (100, 257)])
def test_any_size_is_taken(size: tuple[int, int]) -> None:
    found = segment(sheet_of(np.full((*size, 3), 200, np.uint8)))
    for field in (found.trace, found.height_mm, found.pulse, found.separator, found.text):
        assert field.shape == size
        assert field.dtype == np.float32
        assert np.isfinite(field).all()
    assert found.trace.max() < 0.5
    assert found.names == ()


def test_a_grey_sheet_and_noise_hold_no_names() -> None:
    rng = np.random.default_rng(0)
    for image in (np.full((512, 512, 3), 90, np.uint8), rng.integers(0, 255, (512, 512, 3)).astype(np.uint8)):
        found = segment(sheet_of(image))
        assert len(found.names) < 2
        assert (found.trace > 0.5).mean() < 0.02


def test_peaks_are_placed_between_cells_and_one_at_a_place() -> None:
    heat = np.zeros((len(NAMES), 40, 40), np.float32)
    rows, columns = np.mgrid[:40, :40] + 0.5
    bell = np.exp(-((columns - 10.3) ** 2 + (rows - 20.8) ** 2) / (2 * 1.2**2))
    heat[4], heat[7] = 0.9 * bell, 0.6 * bell
    (kind, x, y, score), = _peaks(heat, 0.3)
    assert kind == 4
    assert (x, y) == pytest.approx((10.3 * HEAT - 0.5, 20.8 * HEAT - 0.5), abs=0.05)
    assert score == pytest.approx(0.9 * bell.max())


def test_notes_cover_the_usual_speeds_and_gains() -> None:
    assert {value for kind, value in TOKENS if kind == "speed"} == {12.5, 25.0, 50.0, 100.0}
    assert {value for kind, value in TOKENS if kind == "gain"} == {2.5, 5.0, 10.0, 20.0}
