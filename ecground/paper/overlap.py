"""Where the ink of two leads lies on the same pixels, read off the masks of a page."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ecground.paper.page import Box, PageTruth

__all__ = ["Overlap", "overlaps"]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two strips that share ink."""

    leads: tuple[int, int]
    """Their places in `PageTruth.leads`."""
    pixels: int
    box: Box
    """Encloses the shared pixels."""


def overlaps(truth: PageTruth) -> tuple[Overlap, ...]:
    """Every pair of strips with common pixels, in the order of the leads."""
    masks = truth.masks
    y, x = np.nonzero(masks & (masks - np.uint16(1)))  # more than one bit
    bits = masks[y, x]
    found = []
    for i, j in combinations(range(len(truth.leads)), 2):
        both = (bits >> i) & (bits >> j) & 1 == 1
        if both.any():
            at = np.stack([x[both], y[both]], axis=-1).astype(np.float64)
            inner = Box.around(at)
            found.append(Overlap((i, j), len(at), Box(inner.x0 - 0.5, inner.y0 - 0.5, inner.x1 + 0.5, inner.y1 + 0.5)))
    return tuple(found)
