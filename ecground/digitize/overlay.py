"""What was read, drawn on the picture it was read from: the eye's check of a digitization."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.digitize.digitize import Digitized

__all__ = ["overlay"]

_SURE, _UNSURE = (20, 60, 220), (220, 90, 0)
_SURE_FROM: Final = 0.5
_PALE: Final = 0.35
_FAR_MM: Final = 15.0


def overlay(image: NDArray[np.uint8], found: Digitized) -> NDArray[np.uint8]:
    """The picture, paled, with each lead's recovered line and name: blue where it is sure, orange where it is not.

    Args:
        image: the picture that was read, RGB `[height, width, 3]`.
        found: what was read from it.
    """
    import cv2

    drawn = (255 - (255 - image.astype(np.float32)) * (1.0 - _PALE)).astype(np.uint8)
    if found.record is None or found.record.provenance.pixels is None:
        return drawn
    record, pixels = found.record, found.record.provenance.pixels
    weight = max(1, round(max(image.shape[:2]) / 1600))
    for lead, row in zip(record.leads, record.signal.astype(np.float64), strict=True):
        colour = _SURE if found.leads[lead].confidence >= _SURE_FROM else _UNSURE
        points = pixels.points(lead, np.arange(row.size) / record.fs, row)
        seen = np.isfinite(points[:, 0])
        # Where a lead is printed twice, its line may go on in another strip.
        far = np.hypot(*np.diff(points, axis=0).T) > _FAR_MM * (found.px_per_mm or (1.0, 1.0))[1]
        at = np.flatnonzero(seen)
        for part in np.split(at, np.flatnonzero((np.diff(at) > 1) | far[at[:-1]]) + 1):
            if part.size > 1:
                cv2.polylines(drawn, [np.rint(points[part] * 16).astype(np.int32)], False, colour, weight,
                              cv2.LINE_AA, shift=4)
        if seen.any():
            x, y = points[int(np.flatnonzero(seen)[0])]
            cv2.putText(drawn, f"{lead} {found.leads[lead].confidence:.2f}", (int(x), int(y) - 12 * weight),
                        cv2.FONT_HERSHEY_SIMPLEX, 0.5 * weight, colour, weight, cv2.LINE_AA)
    return drawn
