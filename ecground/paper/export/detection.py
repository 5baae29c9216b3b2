"""Boxes of strips and lead names for detectors: YOLO text and COCO JSON, and the ink of each lead as COCO masks.

Classes: 0 a strip, 1 to 12 the names I, II, III, aVR, aVL, aVF, V1 to V6 (as in the data sets of Karbasi et al.); -aVR
counts as aVR. COCO numbers its categories from 1 and has one more, `trace`, whose masks are the ink.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecground.leads import STANDARD
from ecground.paper.page import Box, PageTruth, Points

__all__ = ["CLASSES", "coco", "yolo"]

CLASSES: Final = ("strip", *STANDARD)
_TRACE: Final = len(CLASSES) + 1
_LEAST: Final = 0.2
"""Share of a box that must lie inside the image for it to be named."""


def _boxes(truth: PageTruth) -> Iterator[tuple[int, Box, Points]]:
    """Class, upright box inside the image, and quad of everything that can be detected."""
    height, width = truth.masks.shape
    for lead in truth.leads:
        name = lead.lead.removeprefix("-")
        quads = [(0, lead.region)]
        if lead.name is not None and name in STANDARD:
            quads.append((1 + STANDARD.index(name), lead.name))
        for kind, quad in quads:
            whole = Box.around(quad)
            x0, y0, x1, y1 = max(whole.x0, -0.5), max(whole.y0, -0.5), min(whole.x1, width - 0.5), min(
                whole.y1, height - 0.5)
            share = max(0.0, x1 - x0) * max(0.0, y1 - y0)
            if share > 0 and share >= _LEAST * (whole.x1 - whole.x0) * (whole.y1 - whole.y0):
                yield kind, Box(x0, y0, x1, y1), quad


def yolo(truth: PageTruth) -> str:
    """A line `class x_centre y_centre width height` for each box, in shares of the image's width and height."""
    height, width = truth.masks.shape
    return "".join(
        f"{kind} {((box.x0 + box.x1) / 2 + 0.5) / width:.6f} {((box.y0 + box.y1) / 2 + 0.5) / height:.6f} "
        f"{(box.x1 - box.x0) / width:.6f} {(box.y1 - box.y0) / height:.6f}\n" for kind, box, _ in _boxes(truth))


def coco(pages: Iterable[tuple[str, PageTruth]]) -> dict[str, Any]:
    """One COCO data set of pages, given as file name and truth. Corners are from the image's corner, as COCO counts."""
    images: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for file, truth in pages:
        height, width = truth.masks.shape
        images.append({"id": len(images) + 1, "file_name": file, "width": width, "height": height})
        for kind, box, quad in _boxes(truth):
            corners = np.clip(quad + 0.5, 0, (width, height))
            found.append({
                "id": len(found) + 1, "image_id": len(images), "category_id": kind + 1, "iscrowd": 0,
                "bbox": [round(v, 2) for v in (box.x0 + 0.5, box.y0 + 0.5, box.x1 - box.x0, box.y1 - box.y0)],
                "area": round(_area(corners), 2), "segmentation": [np.round(corners, 2).reshape(-1).tolist()]})
        for i, lead in enumerate(truth.leads):
            mask = (truth.masks >> i & 1).astype(bool)
            if mask.any():
                found.append({"id": len(found) + 1, "image_id": len(images), "category_id": _TRACE, "iscrowd": 1,
                              "lead": lead.lead, **_ink(mask)})
    names = [*CLASSES, "trace"]
    categories = [{"id": i + 1, "name": name, "supercategory": "ecg"} for i, name in enumerate(names)]
    return {"images": images, "annotations": found, "categories": categories}


def _ink(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """Area, box and run lengths (down the columns, first the pixels outside) of a mask."""
    y, x = np.nonzero(mask)
    flat = np.concatenate([[False], mask.T.reshape(-1)])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    counts = np.diff(np.concatenate([[0], edges, [mask.size]])).tolist()
    left, top = int(x.min()), int(y.min())
    return {"area": len(x), "bbox": [left, top, int(x.max()) - left + 1, int(y.max()) - top + 1],
            "segmentation": {"size": list(mask.shape), "counts": counts}}


def _area(corners: Points) -> float:
    x, y = corners[:, 0], corners[:, 1]
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)
