"""Sheets and segmentations from the truth of rendered pages: what a perfect rectification and network would give."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

from ecground.digitize.segment import CELL, NAMES, TOKENS, NameHit, Segmentation, TokenHit
from ecground.digitize.sheet import PX_PER_MM, Sheet, Warp
from ecground.paper.page import Page
from ecground.train.segment_data import MARKS, Slack, crop

HEIGHT_MM = 10.0


def oracle(page: Page) -> tuple[Sheet, Segmentation]:
    """The sheet of a page that was not distorted, and everything that is printed on it."""
    assert page.truth is not None
    scale = page.truth.px_per_mm[0] / PX_PER_MM
    height, width = (int(np.ceil(side / scale / 32)) * 32 for side in page.image.shape[:2])
    piece = crop(page.truth, page, (0.0, 0.0), (height, width), Slack.none())
    x, y = np.arange(0, width + 16, 16), np.arange(0, height + 16, 16)
    to = (np.stack(np.meshgrid(x, y), axis=-1) + 0.5) * scale - 0.5
    sheet = Sheet(piece.image, Warp(16.0, to), np.ones((height, width), bool), 1.0, 1.0)
    return sheet, _segmentation(piece)


def _filled(heights: np.ndarray) -> np.ndarray:
    """Cells of two leads point at the zero line that a neighbour points at: a network cannot know better."""
    zero = np.arange(heights.shape[0])[:, None] * CELL / PX_PER_MM / HEIGHT_MM + heights
    near = distance_transform_edt(np.isnan(heights), return_distances=False, return_indices=True)
    return (zero[tuple(near)] - np.arange(heights.shape[0])[:, None] * CELL / PX_PER_MM / HEIGHT_MM).astype(np.float32)


def _segmentation(piece) -> Segmentation:
    heights = _filled(piece.height.astype(np.float32)) * HEIGHT_MM
    large = np.repeat(np.repeat(heights, CELL, axis=0), CELL, axis=1)
    offset = (np.arange(large.shape[0]) % CELL - (CELL - 1) / 2) / PX_PER_MM
    marks = {name: np.repeat(np.repeat((piece.marks >> i & 1).astype(np.float32), CELL, 0), CELL, 1)
             for i, name in enumerate(MARKS)}
    names = [NameHit(NAMES[s.kind], s.x, s.y, 1.0) for s in piece.spots if 0 <= s.kind < len(NAMES)]
    tokens = [TokenHit(*TOKENS[s.kind - len(NAMES)], s.x, s.y, 1.0) for s in piece.spots if s.kind >= len(NAMES)]
    return Segmentation(piece.trace.astype(np.float32) / 255, large - offset[:, None].astype(np.float32),
                        marks["pulse"], marks["separator"], marks["text"], tuple(names), tuple(tokens))
