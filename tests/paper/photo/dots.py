"""A blank page with isolated dots, and where they really are in a photograph."""

from __future__ import annotations

import cv2
import numpy as np

from ecground.paper.page import LeadTruth, Page, PageTruth

RADIUS = 6.0


def dotted_page(width: int = 900, height: int = 660, px_per_mm: float = 200 / 25.4) -> Page:
    """Black dots, anti-aliased, at fractions of pixels; each is one sample of a lead's trace."""
    x, y = np.meshgrid(np.arange(60, width - 50, 78.37), np.arange(55, height - 50, 78.71))
    at = np.stack([x, y], axis=-1).reshape(-1, 2)
    image = np.full((height, width), 255.0)
    for cx, cy in at:
        left, top = int(cx) - 9, int(cy) - 9
        rows, columns = np.mgrid[top:top + 20, left:left + 20]
        image[top:top + 20, left:left + 20] = 255 * (np.hypot(columns - cx, rows - cy) - RADIUS + 0.5).clip(0, 1)
    corners = np.array([[-.5, -.5], [width - .5, -.5], [width - .5, height - .5], [-.5, height - .5]])
    lead = LeadTruth("II", 0, at, corners, at[[0, -1]], 10.0)
    truth = PageTruth(
        layout="1x1", fs=500, mm_per_s=25, mm_per_mv=10, px_per_mm=(px_per_mm, px_per_mm), leads=(lead,), pulses=(),
        texts=(), corners=corners, lattice=at[None], masks=(image < 128).astype(np.uint16),
        layers=np.zeros((height, width), np.uint8))
    return Page(np.repeat(image.astype(np.uint8)[..., None], 3, axis=-1), truth, dpi=px_per_mm * 25.4)


def misses(photo: Page) -> np.ndarray:
    """Distance [px] between each dot's centroid and its truth, for the dots that can be seen undisturbed."""
    truth = photo.truth
    height, width = photo.image.shape[:2]
    grey = photo.image.mean(axis=-1)
    covers = [*truth.hidden, *(text.quad for text in truth.texts)]
    found = []
    # The local scale decides how large a dot looks.
    for x, y in truth.leads[0].trace:
        scale = local_scale(truth, (x, y))
        half = int(np.ceil(RADIUS * scale + 6))
        column, row = round(x), round(y)
        if not (half <= column < width - half and half <= row < height - half):
            continue
        if any(cv2.pointPolygonTest(cover.astype(np.float32), (float(x), float(y)), True) > -2 * half
               for cover in covers):
            continue
        patch = grey[row - half:row + half + 1, column - half:column + half + 1]
        found.append(np.linalg.norm(centroid(patch, scale) + np.array([column - half - x, row - half - y])))
    return np.array(found)


def local_scale(truth: PageTruth, at: tuple[float, float]) -> float:
    """Pixels of the photograph per pixel of the page near a dot, from the distances to its neighbours."""
    away = np.hypot(*(truth.leads[0].trace - at).T)
    return float(np.sort(away)[1] / 78.5)


def centroid(patch: np.ndarray, scale: float) -> np.ndarray:
    """Of the dark blob in the middle, (x, y): darkness below the plane of its surroundings, without faint noise."""
    rows, columns = np.mgrid[:patch.shape[0], :patch.shape[1]]
    middle = (patch.shape[0] - 1) / 2
    away = np.hypot(columns - middle, rows - middle)
    ring = away > RADIUS * scale + 3
    basis = np.stack([np.ones_like(rows), columns, rows], axis=-1).astype(float)
    plane, *_ = np.linalg.lstsq(basis[ring], patch[ring], rcond=None)
    dark = basis @ plane - patch
    weight = (dark - 0.35 * np.percentile(dark, 98)).clip(0) * (away < RADIUS * scale + 3)
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
