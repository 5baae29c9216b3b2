from __future__ import annotations

import numpy as np
import pytest

from ecground.digitize.evidence import place
from ecground.record import PixelMap, Provenance, Record, StripMap


def test_boxes_on_a_picture_follow_its_map():
    lattice = np.stack(np.meshgrid(np.arange(6) * 64.0 + 100, np.arange(6) * 64.0 + 50), axis=-1)
    strip = StripMap("II", 0.0, 2.0, x=10.0, y=100.0, px_per_s=100.0, px_per_mv=80.0)
    record = Record(np.zeros((1, 1000), np.float32), 500.0, ("II",),
                    provenance=Provenance(pixels=PixelMap((strip,), lattice, 64.0)))
    quad = place(record, "II", (100, 200))
    assert quad == pytest.approx(np.array([[130, 142], [150, 142], [150, 158], [130, 158]]), abs=0.5)
    assert place(record, "II", (900, 1200)) is None and place(record, "V1", (0, 1)) is None
