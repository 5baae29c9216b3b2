"""One lead cut out of a page: its image, its clean mask, what crosses it, and its signal.

`signal_of` reads the signal back from the rendered truth, so it is what is printed: NaN where nothing is, cut where a
pen was stopped. Pixels are relative to the crop, the centre of its first pixel is (0, 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecground.paper.export.files import lead_mask
from ecground.paper.page import Box, LeadTruth, Page, PageTruth

__all__ = ["Crop", "crops", "shared_ink", "signal_of", "signals"]


@dataclass(frozen=True, slots=True)
class Crop:
    """A lead of a page, upright and undistorted."""

    lead: LeadTruth
    """As on the page; pixels of the page."""
    origin: tuple[int, int]
    """Column and row of the page at the crop's first pixel."""
    image: NDArray[np.uint8]
    """RGB `[height, width, 3]`."""
    mask: NDArray[np.uint8]
    """255 where the lead's ink is, also where another lead crosses it."""
    others: NDArray[np.uint8]
    """255 where the ink of other leads is."""


def crops(page: Page, margin_mm: float = 2.0) -> list[Crop]:
    """Each lead of a rendered page: its strip and all of its trace, with a margin."""
    assert page.truth is not None
    return [_crop(page.image, page.truth, number, margin_mm) for number in range(len(page.truth.leads))]


def _crop(image: NDArray[np.uint8], truth: PageTruth, number: int, margin_mm: float) -> Crop:
    lead = truth.leads[number]
    box = Box.around(np.concatenate([lead.region, lead.trace]))
    pad_x, pad_y = margin_mm * truth.px_per_mm[0], margin_mm * truth.px_per_mm[1]
    height, width = truth.masks.shape
    x0, x1 = max(0, int(box.x0 - pad_x)), min(width, int(box.x1 + pad_x) + 2)
    y0, y1 = max(0, int(box.y0 - pad_y)), min(height, int(box.y1 + pad_y) + 2)
    bits = truth.masks[y0:y1, x0:x1]
    others = ((bits & np.uint16(0xFFFF ^ (1 << number))) > 0).astype(np.uint8) * np.uint8(255)
    return Crop(lead, (x0, y0), np.ascontiguousarray(image[y0:y1, x0:x1]), lead_mask(bits, number), others)


def shared_ink(crop: Crop) -> int:
    """Pixels in which the lead and another one lie over each other."""
    return int(np.count_nonzero(crop.mask & crop.others))


def signal_of(lead: LeadTruth, truth: PageTruth) -> NDArray[np.float64]:
    """Amplitude [mV] of each printed sample of a rendered, undistorted page."""
    signal: NDArray[np.float64] = (lead.baseline[0, 1] - lead.trace[:, 1]) / (truth.px_per_mm[1] * lead.mm_per_mv)
    return signal


def signals(truth: PageTruth, only: LeadTruth | None = None) -> dict[str, Any]:
    """What is printed, as plain JSON: per strip its lead, first sample, baseline and mV (null where nothing is)."""
    leads = truth.leads if only is None else (only,)
    return {
        "fs": truth.fs, "mm_per_s": truth.mm_per_s, "px_per_mm": list(truth.px_per_mm), "layout": truth.layout,
        "leads": [{
            "lead": lead.lead, "start": lead.start, "mm_per_mv": lead.mm_per_mv, "rhythm": lead.rhythm,
            "x_px": _edge(lead), "baseline_px": round(float(lead.baseline[0, 1]), 3),
            "mv": [round(value, 4) if value == value else None for value in signal_of(lead, truth).tolist()],
        } for lead in leads],
    }


def _edge(lead: LeadTruth) -> list[float]:
    """Columns of the first and the last sample."""
    return [round(float(x), 3) for x in lead.baseline[:, 0]]
