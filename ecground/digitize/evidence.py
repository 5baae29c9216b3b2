"""Where a stretch of a digitized record stands on the picture it was read from."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.record import Record

__all__ = ["place"]

_MARGIN_MV: Final = 0.1


def place(record: Record, lead: str, samples: tuple[int, int]) -> NDArray[np.float64] | None:
    """The quad `[4, (x, y)]` px around samples first to last of a lead, in the order of the paper.

    None where the record was not read from a picture, or the picture does not show all of the stretch in this lead.
    """
    pixels = record.provenance.pixels
    if pixels is None or lead not in record.leads:
        return None
    part = record.lead(lead)[max(samples[0], 0):samples[1] + 1]
    if not np.isfinite(part).any():
        return None
    span_mv = float(np.nanmin(part)) - _MARGIN_MV, float(np.nanmax(part)) + _MARGIN_MV
    return pixels.box(lead, (samples[0] / record.fs, samples[1] / record.fs), span_mv)
