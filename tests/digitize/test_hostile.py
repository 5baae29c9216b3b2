"""Whatever the network says about whatever picture: a result with a reason, never an exception."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ecground.digitize.digitize import read_sheet
from ecground.digitize.overlay import overlay
from ecground.digitize.segment import NAMES, TOKENS, NameHit, Segmentation, TokenHit
from ecground.digitize.sheet import Sheet, Warp
from ecground.paper.layout import layouts


def nonsense(seed):
    rng = np.random.default_rng(seed)
    height, width = int(rng.integers(3, 500)), int(rng.integers(3, 900))

    def cloud(spread):
        noise = gaussian_filter(rng.normal(size=(height, width)), spread)
        spread_out = (noise - noise.mean()) / (noise.std() + 1e-9)
        return np.clip(0.4 * spread_out + 0.2 * rng.random(), 0, 1).astype(np.float32)

    trace = cloud([0.6, rng.choice([0.6, 5.0, 40.0])])
    if seed % 3 == 0:
        trace[:] = 0.0
        for _ in range(int(rng.integers(0, 8))):
            row = int(rng.integers(0, height))
            trace[max(0, row - 1):row + 2, int(rng.integers(0, width)):] = 1.0
    x, y = np.arange(0, width + 16, 16), np.arange(0, height + 16, 16)
    warp = Warp(16.0, np.stack(np.meshgrid(x, y), axis=-1).astype(np.float64))
    image = rng.integers(0, 255, (height, width, 3)).astype(np.uint8)
    names = tuple(NameHit(str(rng.choice(NAMES)), float(rng.uniform(0, width)), float(rng.uniform(0, height)),
                          float(rng.random())) for _ in range(int(rng.integers(0, 16))))
    tokens = tuple(TokenHit(*TOKENS[int(rng.integers(0, len(TOKENS)))], 1.0, 1.0, 0.5)
                   for _ in range(int(rng.integers(0, 3))))
    heights = 20 * cloud(4) - 10 if seed % 2 else np.zeros_like(trace)
    return (Sheet(image, warp, np.ones((height, width), bool), 1.0, 1.0),
            Segmentation(trace, heights, cloud(2), cloud(2), cloud(2), names, tokens))


@pytest.mark.parametrize("seed", range(24))
def test_nonsense_is_refused_or_read_with_doubt(seed):
    sheet, seen = nonsense(seed)
    given = layouts()[seed % len(layouts())] if seed % 4 == 0 else None
    found = read_sheet(sheet, seen, layout=given)
    assert found.status in ("read", "partial", "refused")
    assert (found.record is None) == (found.status == "refused")
    assert found.status == "read" or found.problems
    if found.record is not None:
        assert np.nanmax(np.abs(found.record.signal)) < 50
    assert overlay(sheet.image, found).shape == sheet.image.shape
