"""The annotation JSON of ecg-image-kit (Shivashankara et al. 2024), so that programs made for its pages read ours.

Positions are `[row, column]` of pixels, boxes their four corners from the upper left in the order of the clock.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecground.paper.page import LeadTruth, Page, Points

__all__ = ["kit"]


def kit(page: Page) -> dict[str, Any]:
    """The dictionary that ecg-image-kit writes beside a page. ValueError for a page without truth.

    Samples that are not printed have `[None, None]`; leads appear in the order of the page, rhythm strips last.
    """
    truth = page.truth
    if truth is None:
        raise ValueError("only rendered pages have annotations")
    height, width = truth.masks.shape
    rhythm = [lead.lead for lead in truth.leads if lead.rhythm]
    return {
        "sampling_frequency": int(truth.fs) if truth.fs == int(truth.fs) else truth.fs,
        "width": width, "height": height,
        "x_grid": round(truth.px_per_mm[0] * 5, 3), "y_grid": round(truth.px_per_mm[1] * 5, 3),
        "resolution": round(page.dpi or truth.px_per_mm[0] * 25.4), "pad_inches": 0,
        "dc_pulse": bool(truth.pulses), "bw": bool(np.ptp(page.image[::8, ::8], axis=2).max() == 0),
        "gridlines": bool((truth.layers & 1).any()),
        "printed_text": any(text.kind in {"patient", "measurement", "statement", "date"} for text in truth.texts),
        "number_of_columns_in_image": 1 + max(lead.column for lead in truth.leads),
        "full_mode_lead": rhythm[0] if rhythm else "None",
        "leads": [_lead(lead) for lead in truth.leads],
    }


def _lead(lead: LeadTruth) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "lead_name": lead.lead, "start_sample": lead.start, "end_sample": lead.stop,
        "plotted_pixels": [[y, x] if y == y else [None, None] for x, y in np.round(lead.trace, 2).tolist()],
        "lead_bounding_box": _corners(lead.region),
    }
    if lead.name is not None:
        entry["text_bounding_box"] = _corners(lead.name)
    return entry


def _corners(quad: Points) -> dict[str, list[float]]:
    return {str(i): [y, x] for i, (x, y) in enumerate(np.round(quad, 2).tolist())}
