"""Beats -> Measurements: every interval, amplitude, axis and rhythm number of one record.

`measure()` is the way through the room, in order: windows around the beats, their classes, the waves of every beat and
lead, the median beat of the dominant class, then the record's own values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecground.measure.table import Measurements
from ecground.record import Record
from ecground.signal.beats import Delineation

if TYPE_CHECKING:
    from ecground.signal.quality import Quality

__all__ = ["measure"]


def measure(record: Record, delineation: Delineation | None = None, *,
            quality: Quality | None = None) -> Measurements:
    """Measure one record.

    `delineation` must belong to `record` (same fs, leads and samples); without it `ecground.signal.delineate` makes
    one. `quality` (`ecground.signal.quality.assess`) scales confidences. Any number of leads, length and
    beats, NaN allowed: what cannot be measured is a Value that says why. UsageError when the delineation is of another
    record.
    """
    from ecground.measure.record_values import measure_record  # numpy-heavy; keeps the import of the names fast

    if delineation is None:
        from ecground.signal.delineate import delineate

        delineation = delineate(record)
    return measure_record(record, delineation, quality=quality)
