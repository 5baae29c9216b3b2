"""Overlaps are the pixels that two leads share."""

from __future__ import annotations

import numpy as np

from ecground.paper.draw import render
from ecground.paper.overlap import overlaps


def test_rows_far_apart_do_not_overlap(waves):
    quiet = waves.replace(signal=waves.signal * np.float32(0.3))
    assert overlaps(render(quiet, layout="6x1-limb", dpi=60).truth) == ()


def test_crowded_rows_overlap_where_the_masks_say(waves):
    truth = render(waves, layout="12x1", style="crowded", dpi=80).truth
    found = overlaps(truth)
    assert found
    for pair in found:
        i, j = pair.leads
        y, x = np.nonzero((truth.masks >> i & 1) & (truth.masks >> j & 1))
        assert len(x) == pair.pixels
        assert (pair.box.x0, pair.box.y1) == (x.min() - 0.5, y.max() + 0.5)
    pairs = {pair.leads for pair in found}
    apart = {(i, j) for i in range(12) for j in range(i + 1, 12)} - pairs
    assert not any(((truth.masks >> i & 1) & (truth.masks >> j & 1)).any() for i, j in apart)
