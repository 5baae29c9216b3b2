"""A blank page with isolated dots, and where they really are in a photograph."""

from __future__ import annotations

import cv2
import numpy as np

from ecground.paper.page import LeadTruth, Page, PageTruth

RADIUS = 11.0
SPACING = 78.5
LEAST_CONTRAST = 30.0


def dotted_page(width: int = 640, height: int = 480, px_per_mm: float = 200 / 25.4) -> Page:
    """Black dots, anti-aliased, at fractions of pixels; each is one sample of a lead's trace."""
    x, y = np.meshgrid(np.arange(60, width - 50, SPACING), np.arange(55, height - 50, SPACING))
    at = np.stack([x, y], axis=-1).reshape(-1, 2)
    image = np.full((height, width), 255.0)
    for cx, cy in at:
        left, top = int(cx) - 14, int(cy) - 14
        rows, columns = np.mgrid[top:top + 30, left:left + 30]
        image[top:top + 30, left:left + 30] = 255 * (np.hypot(columns - cx, rows - cy) - RADIUS + 0.5).clip(0, 1)
    corners = np.array([[-.5, -.5], [width - .5, -.5], [width - .5, height - .5], [-.5, height - .5]])
    lead = LeadTruth("II", 0, at, corners, at[[0, -1]], 10.0)
    truth = PageTruth(
        layout="1x1", fs=500, mm_per_s=25, mm_per_mv=10, px_per_mm=(px_per_mm, px_per_mm), leads=(lead,), pulses=(),
        texts=(), corners=corners, lattice=at[None], masks=(image < 128).astype(np.uint16),
        layers=np.zeros((height, width), np.uint8))
    return Page(np.repeat(image.astype(np.uint8)[..., None], 3, axis=-1), truth, dpi=px_per_mm * 25.4)


def plain_page(page: Page, level: int) -> Page:
    """The same page in one grey and without dots."""
    return Page(np.full_like(page.image, level), page.truth, page.dpi)


def misses(photo: Page, white: Page, black: Page) -> np.ndarray:
    """Distance [px] between each dot's centroid and its truth, for the dots that can be seen.

    Where a pixel lies between the same photograph of a white and of a black page is how much of it a dot covers, so
    that stains and light neither count as dots nor shift them.
    """
    truth = photo.truth
    height, width = photo.image.shape[:2]
    contrast = white.image.mean(axis=-1) - black.image.mean(axis=-1)
    covered = (white.image.mean(axis=-1) - photo.image.mean(axis=-1)) / contrast.clip(1)
    found = []
    for x, y in truth.leads[0].trace:
        half = int(np.ceil((RADIUS + 4) * local_scale(truth, (x, y)) + 3))
        column, row = round(x), round(y)
        if not (half <= column < width - half and half <= row < height - half):
            continue
        if any(cv2.pointPolygonTest(cover.astype(np.float32), (float(x), float(y)), True) > -half
               for cover in truth.hidden):
            continue
        window = np.s_[row - half:row + half + 1, column - half:column + half + 1]
        if contrast[window].min() < LEAST_CONTRAST:
            continue
        part = covered[window] / np.percentile(covered[window], 95)
        weight = (part - 0.2).clip(0, 0.8)
        rows, columns = np.mgrid[-half:half + 1, -half:half + 1]
        centroid = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
        found.append(np.linalg.norm(centroid + np.array([column - x, row - y])))
    return np.array(found)


def local_scale(truth: PageTruth, at: tuple[float, float]) -> float:
    """Pixels of the photograph per pixel of the page near a dot, from the distance to its neighbour."""
    away = np.linalg.norm(truth.leads[0].trace - at, axis=-1)
    return float(np.sort(away)[1] / SPACING)
