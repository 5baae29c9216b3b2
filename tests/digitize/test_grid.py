"""The parts of finding a grid: maps, fringes, spacing, shifts."""

from __future__ import annotations

import numpy as np
import pytest

from ecground.digitize.demodulate import EVERY, shifts
from ecground.digitize.lattice import contrast, fringes, tile_spectra
from ecground.digitize.spacing import spacing
from ecground.digitize.unwarp import Flattening, Surface, fit_homography, linear, project, surface


def lines(at, period, width=1.2):
    """Dark where `at` is near a multiple of `period`."""
    return np.exp(-(((at + period / 2) % period - period / 2) / (width / 2)) ** 2)


def grid(height, width, px_per_mm, *, fine=1.0, bold=1.0, turn=0.0, bend=0.0):
    """Contrast of a grid turned by `turn` rad and swinging by `bend` px, and x and y on the paper [mm]."""
    y, x = np.mgrid[:height, :width].astype(float)
    x = x + bend * np.sin(2 * np.pi * y / height)
    u = (np.cos(turn) * x + np.sin(turn) * y) / px_per_mm
    v = (-np.sin(turn) * x + np.cos(turn) * y) / px_per_mm
    thin = 1.2 / px_per_mm
    dark = sum(fine * lines(w, 1.0, thin) + bold * lines(w, 5.0, 1.5 * thin) for w in (u, v))
    noise = np.random.default_rng(0).normal(0, 0.05, (height, width))
    return (dark + noise).astype(np.float32), u, v


def test_a_homography_is_found_among_wrong_values():
    h = np.array([[1.1, 0.1, 5.0], [-0.05, 0.95, -3.0], [1e-4, -5e-5, 1.0]])
    points = np.random.default_rng(1).uniform(0, 1000, (200, 2))
    u, v = project(h, points).T.copy()
    weight = np.ones(200)
    weight[:40] = 0
    u[:40], v[:40] = 1e6, -1e6
    u[40:50] += 30
    found = fit_homography(points, u, v, weight, weight)
    assert np.abs(project(found, points) - project(h, points)).max() < 0.5


def test_a_surface_follows_values_and_is_calm_where_there_are_none():
    x, y = np.arange(0.0, 200.0, 4.0), np.arange(0.0, 120.0, 4.0)
    true = 0.02 * x[None, :] + np.sin(y / 40)[:, None]
    weight = np.ones(true.shape)
    weight[10:15, 20:30] = 0
    values = np.where(weight > 0, true, 99.0)
    fit = surface(x, y, values, weight, spacing=16.0, stiffness=0.01)
    at = np.stack(np.meshgrid(x, y), axis=-1)
    assert np.abs(fit(at) - true).max() < 0.05
    assert fit(np.array([[-1e4, 0.0]]))[0] == pytest.approx(fit(np.array([[-200.0, 0.0]]))[0])


def test_image_and_grid_are_inverse():
    h = np.array([[0.2, 0.01, 1.0], [-0.01, 0.21, 2.0], [1e-5, 0.0, 1.0]])
    rng = np.random.default_rng(2)
    bends = tuple(Surface(rng.normal(0, 0.3, (6, 8)), (-200.0, -200.0), 250.0) for _ in range(2))
    flat = Flattening(h, bends)
    points = rng.uniform(0, 1000, (50, 2))
    assert np.abs(flat.image(flat.grid(points)) - points).max() < 0.01
    larger = flat.of_larger(0.5)
    assert np.allclose(larger.image(flat.grid(points)), (points + 0.5) * 2 - 0.5, atol=0.02)


def test_linear_between_nodes():
    nodes = np.stack(np.meshgrid(np.arange(4.0), np.arange(3.0) * 10), axis=-1)
    out = linear(nodes, 8, (17, 25))
    assert out.shape == (17, 25, 2)
    assert np.allclose(out[..., 0], np.arange(25)[None] / 8)
    assert np.allclose(out[..., 1], np.arange(17)[:, None] / 8 * 10)


@pytest.mark.parametrize("turn", [0.0, 0.3, -0.5])
def test_phase_follows_turned_and_bent_lines(turn):
    image, u, v = grid(400, 520, 5.0, turn=turn, bend=2.0)
    tiles = tile_spectra(contrast(200 - 100 * image))
    for family, true in ((0, u), (1, v)):
        found = fringes(tiles, family)[0]
        seen = found.weight > 0
        assert seen.mean() > 0.9
        x, y = tiles.centre[seen].round().astype(int).T
        mm = np.polyfit(found.phase[seen], true[y, x], 1)
        assert np.abs(np.polyval(mm, found.phase[seen]) - true[y, x]).max() < 0.15


@pytest.mark.parametrize(("fine", "bold", "expected"), [(1.0, 1.0, 1.0), (0.0, 1.0, 5.0), (0.3, 1.5, 1.0)])
def test_spacing_of_lines(fine, bold, expected):
    image, _, _ = grid(600, 900, 6.0, fine=fine, bold=bold)
    period = 6.0 * expected
    told = spacing(image, (period, period))
    assert told.mm == (expected, expected)
    overtone = spacing(image, (period / 2, period))
    assert overtone.mm == (expected / 2, expected)


def test_unlike_axes_are_no_grid():
    image, _, _ = grid(600, 900, 6.0, bold=0.0)
    squeezed = np.ascontiguousarray(np.repeat(image[::2], 1, axis=0))
    assert spacing(squeezed, (6.0, 2.1)) is None or max(spacing(squeezed, (6.0, 2.1)).mm) < 5


@pytest.mark.parametrize(("fine", "bold"), [(1.0, 0.5), (0.0, 1.0), (0.6, 0.0)])
def test_shifts_are_read_to_a_hundredth_of_a_millimetre(fine, bold):
    per_mm, height, width = 4, 100, 150
    y, x = np.mgrid[:height * per_mm, :width * per_mm] / per_mm
    true = 0.15 * np.sin(2 * np.pi * y / 100)
    dark = fine * lines(x + true, 1.0, 0.5) + bold * lines(x + true, 5.0, 0.6)
    image = (dark + np.random.default_rng(3).normal(0, 0.1, dark.shape)).astype(np.float32)
    found = shifts(image, per_mm=per_mm, first=True)
    expected = true[per_mm // 2::per_mm * EVERY, ::per_mm * EVERY]
    off = (found.shift - expected)[6:-6, 6:-6]
    off -= np.round(np.median(off))
    assert np.abs(off - np.median(off)).max() < 0.06
    assert abs(np.median(off)) < 0.03
    assert np.std(off) < 0.015
    assert (found.weight[4:-4, 4:-4] > 0).all()
