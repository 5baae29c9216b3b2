"""Boxes and masks for detectors, and the annotation of ecg-image-kit."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ecground.leads import STANDARD
from ecground.paper.draw import render
from ecground.paper.export.detection import CLASSES, coco, yolo
from ecground.paper.export.kit import kit
from ecground.paper.page import Page
from ecground.paper.style import Style

BARE = Style(grid="none", pulse="none", scale_place="none", paper="fit", row_mm=40.0, name_at_mm=(1.0, 15.0))


def test_yolo_boxes_of_names_enclose_ink_tightly(waves):
    page = render(waves, layout="3x4", style=BARE, dpi=150)
    height, width = page.image.shape[:2]
    lines = [[float(value) for value in line.split()] for line in yolo(page.truth).splitlines()]
    assert sorted(int(line[0]) for line in lines) == sorted([0] * 12 + list(range(1, 13)))
    dark = page.image[..., 0] < 250
    for kind, x, y, w, h in lines:
        if kind == 0:
            continue
        x0, x1, y0, y1 = (round(v) for v in ((x - w / 2) * width, (x + w / 2) * width, (y - h / 2) * height,
                                             (y + h / 2) * height))
        inside = dark[y0:y1, x0:x1]
        assert inside.any(axis=1).all(), "every row of the box of a name holds ink"
        assert not dark[y0 - 2 : y0 - 1, x0 - 2 : x1 + 2].any()


def test_coco_masks_are_the_masks(waves):
    page = render(waves, layout="6x2-r1", style=BARE, dpi=80)
    found = json.loads(json.dumps(coco([("a.png", page.truth), ("b.png", page.truth)])))
    assert [image["file_name"] for image in found["images"]] == ["a.png", "b.png"]
    assert {entry["id"] for entry in found["categories"]} == set(range(1, len(CLASSES) + 2))
    assert len({entry["id"] for entry in found["annotations"]}) == len(found["annotations"])
    traces = [entry for entry in found["annotations"] if entry["category_id"] == len(CLASSES) + 1]
    assert len(traces) == 2 * 13
    for i, entry in enumerate(traces[:13]):
        counts = entry["segmentation"]["counts"]
        flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
        mask = flat.reshape(page.truth.masks.shape[::-1]).T
        np.testing.assert_array_equal(mask, page.truth.masks >> i & 1 == 1)
        assert entry["area"] == mask.sum()


def test_kit_annotation(torn):
    page = render(torn, layout="3x4-r1", dpi=100)
    found = json.loads(json.dumps(kit(page)))
    assert (found["sampling_frequency"], found["full_mode_lead"], found["number_of_columns_in_image"]) == (500, "II", 4)
    assert found["x_grid"] == pytest.approx(5 * 100 / 25.4, abs=1e-3)
    assert [lead["lead_name"] for lead in found["leads"]] == [*STANDARD, "II"]
    first, truth = found["leads"][0], page.truth.leads[0]
    assert len(first["plotted_pixels"]) == first["end_sample"] - first["start_sample"]
    row, column = first["plotted_pixels"][10]
    assert (column, row) == pytest.approx(truth.trace[10], abs=0.006)
    assert first["plotted_pixels"][1100] == [None, None]
    assert first["lead_bounding_box"]["2"] == pytest.approx(truth.region[2][::-1], abs=0.006)
    with pytest.raises(ValueError, match="rendered"):
        kit(Page(page.image))
