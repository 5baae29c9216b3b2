"""The header of an EDF file: where each signal's samples lie, checked against the bytes that are there.

Contract: `layout` checks every number that decides a size before anything is decoded. In a discontinuous file (EDF+D)
`onsets` gives the start of each data record.
Reference: Kemp 1992 (EDF), Kemp and Olivan 2003 (EDF+).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import CorruptInputError, UnsafeInputError

__all__ = ["ANNOTATIONS", "Layout", "layout", "looks_like_edf", "onsets"]

ANNOTATIONS: Final = "EDF Annotations"
_HEAD: Final = 256
_MAX_SIGNALS: Final = 512
_ONSET: Final = re.compile(rb"([+-]\d{1,12}(?:\.\d{1,12})?)\x14")
_PER_SIGNAL: Final = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
"""Widths of a signal's fields: label, transducer, unit, limits (physical, digital), prefiltering, samples, reserved."""
_SAMPLES_FIELD: Final = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """The sizes of a file."""

    labels: tuple[str, ...]
    samples: tuple[int, ...]
    """Samples of each signal in a data record."""
    records: int
    """Data records that are there."""
    record_seconds: float
    header_bytes: int
    reserved: str
    """`EDF+C`, `EDF+D` or nothing."""

    @property
    def record_bytes(self) -> int:
        """Bytes of a data record."""
        return 2 * sum(self.samples)

    @property
    def signal_samples(self) -> int:
        """Samples of a data record that are no annotations."""
        return sum(count for label, count in zip(self.labels, self.samples, strict=True) if label != ANNOTATIONS)


def looks_like_edf(head: bytes) -> bool:
    """Whether the file starts with version 0 and has numbers where an EDF header has them."""
    if head[:8] != b"0       " or len(head) < _HEAD:
        return False
    return re.fullmatch(rb" *\d+ *", head[184:192]) is not None and re.fullmatch(rb" *\d+ *", head[252:256]) is not None


def layout(data: bytes, *, where: str) -> Layout:
    """The sizes that the header declares.

    Raises:
        CorruptInputError: a number is missing or impossible, or the file is shorter than it says.
        UnsafeInputError: more signals or samples than can be read.
    """
    head = bytes(safe.need(data, 0, _HEAD, where=where))
    signals = _integer(head[252:256], "number of signals", where)
    if signals > _MAX_SIGNALS:
        raise UnsafeInputError(f"{signals} signals", where=where, hint=f"at most {_MAX_SIGNALS} can be read")
    header_bytes = _integer(head[184:192], "length of the header", where)
    if header_bytes != _HEAD * (signals + 1):
        raise CorruptInputError(f"a header of {header_bytes} bytes for {signals} signals", where=where)
    fields = bytes(safe.need(data, _HEAD, _HEAD * signals, where=where))
    labels = tuple(fields[16 * k:16 * (k + 1)].decode("latin-1").strip() for k in range(signals))
    at = sum(_PER_SIGNAL[:_SAMPLES_FIELD]) * signals
    samples = tuple(_integer(fields[at + 8 * k:at + 8 * (k + 1)], "samples of a signal", where) for k in range(signals))
    records = _integer(head[236:244], "number of data records", where, least=-1)
    size = 2 * sum(samples)
    if records == -1:
        records = (len(data) - header_bytes) // size if size else 0
    safe.need(data, header_bytes, records * size, where=where)
    return Layout(
        labels=labels, samples=samples, records=records, record_seconds=_seconds(head[244:252], where),
        header_bytes=header_bytes, reserved=head[192:236].decode("latin-1").strip(),
    )


def _integer(raw: bytes, what: str, where: str, *, least: int = 0) -> int:
    match = re.fullmatch(rb"[ \0]*(-?\d{1,8})[ \0]*", raw)
    value = int(match[1]) if match else least - 1
    if value < least:
        raise CorruptInputError(f"the {what} is no possible number", where=where, hint="the header is damaged")
    return value


def _seconds(raw: bytes, where: str) -> float:
    try:
        value = float(raw)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and 0 <= value <= 1e6):
        raise CorruptInputError("the length of a data record is no possible number", where=where)
    return value


def onsets(data: bytes, found: Layout, *, where: str) -> NDArray[np.float64]:
    """Start of each data record [s], `[record]`; CorruptInputError when one has no time or they run backwards."""
    try:
        index = found.labels.index(ANNOTATIONS)
    except ValueError:
        raise CorruptInputError("a discontinuous file without times", where=where) from None
    starts, offset = np.empty(found.records), 2 * sum(found.samples[:index])
    for record in range(found.records):
        at = found.header_bytes + record * found.record_bytes + offset
        match = _ONSET.match(data, at, at + 2 * found.samples[index])
        starts[record] = float(match[1]) if match else math.nan
    if not np.all(np.isfinite(starts)) or np.any(np.diff(starts) < 0.999 * found.record_seconds):
        raise CorruptInputError("the times of a discontinuous file are missing or overlap", where=where)
    return starts
