"""Flattened pages: scale, straightness, turns, what is refused, what is said."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ecground.digitize.page import on_sheet, rectify, turned
from ecground.errors import RefusedError
from ecground.leads import STANDARD
from ecground.paper.draw import render
from ecground.paper.page import Page
from ecground.paper.photo import photograph
from ecground.record import Record


@pytest.fixture(scope="module")
def waves():
    """Twelve leads with spikes and humps, 10 s."""
    rng = np.random.default_rng(1)
    t = np.arange(5000) / 500.0
    beat = np.exp(-(((t % 0.8) - 0.3) / 0.01) ** 2) + 0.25 * np.exp(-(((t % 0.8) - 0.55) / 0.05) ** 2)
    signal = beat * rng.uniform(-1, 1, (12, 1)) + 0.02 * rng.normal(size=(12, 5000))
    return Record(signal.astype(np.float32), 500.0, STANDARD)


def errors(page, sheet):
    """Error of the printed lattice on the sheet [mm], its places [mm] and which of them the picture shows."""
    lattice = page.truth.lattice
    height, width = page.image.shape[:2]
    shown = ((lattice >= 0) & (lattice < (width, height))).all(axis=-1)
    true = np.stack(np.meshgrid(np.arange(lattice.shape[1]), np.arange(lattice.shape[0])), axis=-1) * 5.0
    off = on_sheet(sheet, lattice) / 8.0 - true
    off -= np.median(off[shown], axis=0)
    return off[shown], true[shown]


def slope(off, true):
    """Relative error of the scale along x and y."""
    design = np.column_stack([true, np.ones(len(true))])
    return [np.linalg.lstsq(design, off[:, axis], rcond=None)[0][axis] for axis in (0, 1)]


@pytest.mark.parametrize(("style", "dpi"), [
    ("plain", 120), ("muse-like", 200), ("green", 150), ("monochrome", 200), ("five-millimetre", 200),
])
def test_clean_pages_have_the_true_scale(waves, style, dpi):
    page = render(waves, style=style, dpi=dpi)
    sheet = rectify(Page(page.image))
    off, true = errors(page, sheet)
    assert np.abs(slope(off, true)).max() < 1e-3
    assert np.sqrt((off ** 2).sum(axis=1).mean()) < 0.06
    assert sheet.grid_mm == (5.0 if style == "five-millimetre" else 1.0)
    assert sheet.confidence > 0.7


@pytest.mark.parametrize(("recipe", "seed"), [("phone", 2), ("phone", 8), ("scan", 3)])
def test_photographs_are_flat_again(waves, recipe, seed):
    page = photograph(render(waves, dpi=200), recipe, np.random.default_rng(seed))
    sheet = rectify(Page(page.image))
    off, true = errors(page, sheet)
    assert np.abs(slope(off, true)).max() < 3e-3
    assert np.quantile(np.hypot(*off.T), 0.9) < 0.3


def test_axes_of_unlike_scale(waves):
    page = render(waves, dpi=200)
    stretched = cv2.resize(page.image, None, fx=0.96, fy=1.04, interpolation=cv2.INTER_AREA)
    sheet = rectify(Page(stretched))
    columns, rows = (np.diff(sheet.warp.to, axis=axis).mean(axis=(0, 1)) for axis in (1, 0))
    assert columns[0] / sheet.warp.step == pytest.approx(200 / 25.4 / 8 * 0.96, rel=1e-3)
    assert rows[1] / sheet.warp.step == pytest.approx(200 / 25.4 / 8 * 1.04, rel=1e-3)


def test_the_sheet_shows_what_the_photograph_shows_there(waves):
    page = render(waves, dpi=200)
    sheet = rectify(Page(page.image))
    lead = page.truth.leads[0]
    at = on_sheet(sheet, lead.trace[::50])
    assert np.allclose(sheet.warp.photo(at), lead.trace[::50], atol=0.02)
    x, y = at.round().astype(int).T
    assert np.median(sheet.image[y, x].min(axis=1)) < 130
    assert sheet.image.shape[:2] == sheet.seen.shape
    assert sheet.image.dtype == np.uint8


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turns_take_the_warp_along(waves, quarters):
    page = render(waves, layout="3x1", dpi=150)
    sheet = turned(rectify(Page(np.ascontiguousarray(np.rot90(page.image, -quarters)))), quarters)
    height, width = sheet.image.shape[:2]
    back = sheet.warp.photo(np.array([[0.0, 0.0], [width - 1.0, 0.0], [0.0, height - 1.0]]))
    across, down = back[1] - back[0], back[2] - back[0]
    expected = {1: (0, 1), 2: (-1, 0), 3: (0, -1)}[quarters]
    assert np.allclose(across / np.linalg.norm(across), expected, atol=0.02)
    assert np.linalg.norm(across) / (width - 1) == pytest.approx(150 / 25.4 / 8, rel=2e-3)
    assert np.linalg.norm(down) / (height - 1) == pytest.approx(150 / 25.4 / 8, rel=2e-3)


def other_things():
    rng = np.random.default_rng(4)
    text = np.full((900, 1000, 3), 255, np.uint8)
    for row in range(20):
        cv2.putText(text, "The quick brown fox jumps over the lazy dog", (40, 40 + row * 40), 0, 1.0, (0, 0, 0), 2)
    blobs = cv2.GaussianBlur(rng.normal(size=(600, 900, 3)), (0, 0), 6)
    return {
        "noise": rng.integers(0, 256, (500, 700, 3)).astype(np.uint8), "blank": np.full((600, 800, 3), 250, np.uint8),
        "text": text, "cloud": (127 + 600 * blobs).clip(0, 255).astype(np.uint8),
        "tiny": np.zeros((3, 5, 3), np.uint8), "line": np.zeros((1, 900, 3), np.uint8),
    }


@pytest.mark.parametrize("name", ["noise", "blank", "text", "cloud", "tiny", "line"])
def test_what_has_no_grid_is_refused(name):
    with pytest.raises(RefusedError, match="grid") as caught:
        rectify(Page(other_things()[name]))
    assert caught.value.where == "grid"
    assert "--dpi" in caught.value.hint


def test_a_page_without_grid_has_the_scale_it_is_given(waves):
    page = render(waves, style="gridless", dpi=200)
    sheet = rectify(Page(page.image), dpi=200)
    off, _ = errors(page, sheet)
    assert np.abs(off).max() < 0.01
    assert sheet.grid_mm is None
    assert sheet.confidence <= 0.5
    assert [problem.step for problem in sheet.problems] == ["grid"]
    assert rectify(Page(page.image, None, 200)).confidence < sheet.confidence


def test_glare_and_coarseness_are_said(waves):
    page = render(waves, dpi=200)
    burnt = page.image.copy()
    height, width = burnt.shape[:2]
    cv2.circle(burnt, (int(0.85 * width), int(0.5 * height)), height // 4, (255, 255, 255), -1)
    said = [problem.what for problem in rectify(Page(burnt)).problems]
    assert any("glare" in what and "right" in what for what in said)
    small = cv2.resize(page.image, None, fx=0.38, fy=0.38, interpolation=cv2.INTER_AREA)
    sheet = rectify(Page(small))
    assert any("px to the millimetre" in problem.what for problem in sheet.problems)
    assert sheet.confidence < 0.95
