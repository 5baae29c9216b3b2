"""Sections 3 to 6 of SCP-ECG: which leads there are, the averaged beat, and the rhythm data, decompressed.

Contract: `read_rhythm` gives each lead's samples as float64 mV `[sample]`, from its start to its end in section 3. Data
may be plain 16-bit numbers or Huffman coded, as they are or as first or second differences. Where the averaged beat was
subtracted (section 3, flag) it is added back in the zones of section 4, for beats of type 0. Bimodal data hold every
sample inside the protected zones around the QRS complexes, and the mean of each block of 2 to 4 samples elsewhere;
blocks are widened by linear interpolation between their centres, and a note says so.
Reference: EN 1064:2005+A1 (ISO 11073-91064), 5.6 to 5.9 and annex C.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import CorruptInputError, NoSignalError, UnsafeInputError
from ecground.io.scp.container import Sections, u16, u32
from ecground.io.scp.huffman import Table, decode, read_tables

__all__ = ["Lead", "Rhythm", "read_rhythm"]

_MAX_LEADS: Final = 64
_MAX_BEATS: Final = 4096
_MAX_RATE: Final = 4
_LAST_BIMODAL_PROTOCOL: Final = 29


@dataclass(frozen=True, slots=True)
class Lead:
    """One entry of section 3."""

    code: int
    """SCP-ECG lead number."""
    start: int
    """First sample, from 1."""
    stop: int
    """Last sample."""

    @property
    def length(self) -> int:
        """Samples."""
        return self.stop - self.start + 1


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The recording."""

    fs: float
    """Sampling rate [Hz]."""
    leads: tuple[Lead, ...]
    samples: tuple[NDArray[np.float64], ...]
    """One array a lead, mV `[sample]` (raw numbers when `nanovolt` is 0)."""
    nanovolt: int
    """Amplitude of one step [nV]; 0 when the file does not say."""
    encoding: str
    """How the samples were stored, in words."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Block:
    """Head and data of section 5 or 6."""

    nanovolt: int
    interval: int
    """Time between samples [us]."""
    difference: int
    bimodal: bool
    data: tuple[memoryview, ...]


@dataclass(frozen=True, slots=True)
class _Beats:
    """Section 4."""

    milliseconds: int
    """Length of the averaged beat [ms]."""
    fiducial: int
    """Sample of the averaged beat, from 1, that lies on each beat's fiducial point."""
    subtracted: tuple[tuple[int, int, int, int], ...]
    """Type, first sample, fiducial sample and last sample of each beat."""
    protected: tuple[tuple[int, int], ...]
    """First and last sample of each protected zone."""


def read_rhythm(sections: Sections, *, where: str) -> Rhythm:
    """The recording of a file.

    Raises:
        NoSignalError: the file holds no rhythm data, or no leads.
        CorruptInputError: sections are missing, too short, contradict each other or do not decode.
        UnsafeInputError: more leads or samples than can be read.
    """
    bodies = sections.bodies
    if 6 not in bodies or 3 not in bodies:
        what = "only a long recording (section 12), which cannot be read" if 12 in bodies else \
            "only an averaged beat" if 5 in bodies else "no rhythm data"
        raise NoSignalError(f"the SCP-ECG file holds {what}", where=where, hint="export the rhythm (section 6) with it")
    flags, leads = _leads(bodies[3], where)
    block = _block(bodies[6], len(leads), where, bimodal=sections.protocol <= _LAST_BIMODAL_PROTOCOL)
    tables = read_tables(bodies[2], where=f"{where}: section 2") if 2 in bodies else None
    averaged = _block(bodies[5], len(leads), where, bimodal=False) if 5 in bodies else None
    subtracted = bool(flags & 1)
    beats = _beats(bodies.get(4), where) if block.bimodal or subtracted else None
    rate = _rate(block, averaged, where) if beats is not None else 1
    zones = beats.protected if beats is not None and block.bimodal else ()
    if beats is not None and block.bimodal and len(zones) < len(beats.subtracted):
        raise CorruptInputError("bimodal data without the protected zones of section 4", where=where)
    rows = [_widened(_numbers(block.difference, data, tables, lead, rate, zones, where), lead, rate, zones)
            for lead, data in zip(leads, block.data, strict=True)]
    scale = block.nanovolt * 1e-6 or 1.0
    samples = [row * scale for row in rows]
    if beats is not None and subtracted:
        samples = _restored(samples, leads, beats, averaged, tables, where)
    notes = [f"bimodal compression: outside the QRS complexes {rate} samples were stored as one and are interpolated"] \
        if block.bimodal and rate > 1 else []
    return Rhythm(
        fs=1e6 / (block.interval / rate), leads=leads, samples=tuple(samples), nanovolt=block.nanovolt,
        encoding=_words(block, tables, subtracted), notes=tuple(notes),
    )


def _words(block: _Block, tables: Sequence[Table] | None, subtracted: bool) -> str:
    parts = ["Huffman coded" if tables else "16-bit numbers",
             ("", "first differences", "second differences")[block.difference],
             "averaged beat subtracted" if subtracted else "", "bimodal" if block.bimodal else ""]
    return ", ".join(filter(None, parts))


def _leads(body: memoryview, where: str) -> tuple[int, tuple[Lead, ...]]:
    """The flags and entries of section 3."""
    count, flags = safe.need(body, 0, 2, where=where)
    if not count:
        raise NoSignalError("the SCP-ECG file names no leads", where=where)
    if count > _MAX_LEADS:
        raise UnsafeInputError(f"{count} leads", where=where, hint=f"at most {_MAX_LEADS} can be read")
    safe.need(body, 2, 9 * count, where=f"{where}: section 3")
    leads = tuple(Lead(start=u32(body, at, where), stop=u32(body, at + 4, where), code=body[at + 8])
                  for at in range(2, 2 + 9 * count, 9))
    if any(not 1 <= lead.start <= lead.stop for lead in leads):
        raise CorruptInputError("a lead that ends before it starts", where=where)
    span = max(lead.stop for lead in leads) - min(lead.start for lead in leads) + 1
    # Leads recorded one after another span the sum of their lengths; a wider span only blows a small file up.
    if span * len(leads) > safe.MAX_SAMPLES or span > 4 * sum(lead.length for lead in leads):
        raise UnsafeInputError(f"leads that span {span} samples declared", where=where, hint="the file is damaged")
    return flags, leads


def _block(body: memoryview, leads: int, where: str, *, bimodal: bool) -> _Block:
    """Section 5 or 6, cut into leads."""
    nanovolt, interval, difference = u16(body, 0, where), u16(body, 2, where), body[4] if len(body) > 4 else 0
    if not interval or difference > 2:
        raise CorruptInputError(f"sample interval {interval} us, difference of order {difference}", where=where)
    at, data = 6 + 2 * leads, []
    for lead in range(leads):
        size = u16(body, 6 + 2 * lead, where)
        data.append(safe.need(body, at, size, where=where))
        at += size
    return _Block(nanovolt, interval, difference, bimodal and body[5] == 1, tuple(data))


def _beats(body: memoryview | None, where: str) -> _Beats:
    """Section 4; CorruptInputError when it is missing or its tables are."""
    if body is None:
        raise CorruptInputError("compressed with QRS positions, but section 4 with them is missing", where=where)
    count = u16(body, 4, where)
    if count > _MAX_BEATS:
        raise UnsafeInputError(f"{count} QRS complexes", where=where, hint=f"at most {_MAX_BEATS} can be read")
    with_zones = len(body) - 6 >= 22 * count
    safe.need(body, 6, 14 * count, where=f"{where}: section 4")
    entries = range(6, 6 + 14 * count, 14)
    zones = range(6 + 14 * count, 6 + 22 * count, 8) if with_zones else range(0)
    return _Beats(
        milliseconds=u16(body, 0, where), fiducial=u16(body, 2, where),
        subtracted=tuple((u16(body, at, where), u32(body, at + 2, where), u32(body, at + 6, where),
                          u32(body, at + 10, where)) for at in entries),
        protected=tuple((u32(body, at, where), u32(body, at + 4, where)) for at in zones),
    )


def _rate(block: _Block, averaged: _Block | None, where: str) -> int:
    """How many samples of the averaged beat one sample of the rhythm stands for outside protected zones."""
    if averaged is None or averaged.interval == block.interval:
        return 1
    rate, rest = divmod(block.interval, averaged.interval)
    if rest or not 1 <= rate <= _MAX_RATE:
        raise CorruptInputError(
            f"sample intervals of {averaged.interval} and {block.interval} us do not fit together", where=where,
        )
    return rate


def _stretches(lead: Lead, zones: Sequence[tuple[int, int]]) -> list[tuple[int, bool]]:
    """Lengths of a lead's stretches in order, and whether each is protected; empty ones are left out."""
    found: list[tuple[int, bool]] = []
    at = lead.start
    for first, last in sorted(zones):
        first, last = max(first, at), min(last, lead.stop)
        if last < first:
            continue
        found += [(first - at, False), (last - first + 1, True)]
        at = last + 1
    return [(length, safe_zone) for length, safe_zone in (*found, (lead.stop - at + 1, False)) if length > 0]


def _numbers(
    difference: int, data: memoryview, tables: Sequence[Table] | None, lead: Lead, rate: int,
    zones: Sequence[tuple[int, int]], where: str,
) -> NDArray[np.int64]:
    """The stored numbers of one lead after the differences are undone; CorruptInputError when there are too few."""
    count = sum(length if protected else -(-length // rate) for length, protected in _stretches(lead, zones))
    stored = _stored(data, tables, count, where)
    if stored.size < count:
        raise CorruptInputError(
            f"a lead holds {stored.size} of {count} samples", where=where, hint="the file is truncated",
        )
    return _integrated(stored, difference)


def _stored(data: memoryview, tables: Sequence[Table] | None, count: int, where: str) -> NDArray[np.int64]:
    if tables is not None:
        return decode(data, tables, count=count, where=where)
    return np.frombuffer(data[:len(data) // 2 * 2], "<i2")[:count].astype(np.int64)


def _integrated(stored: NDArray[np.int64], difference: int) -> NDArray[np.int64]:
    """Undo first or second differences; the first one or two numbers are samples themselves.

    Sums wrap at 16 bit, as samples are: a second difference of a steep edge does not fit and was stored wrapped.
    """
    if difference == 0 or stored.size < 2:
        return stored
    steps = stored.copy()
    if difference == 2:
        steps[1] -= steps[0]
        steps[1:] = np.cumsum(steps[1:])
    return np.cumsum(steps).astype(np.int16).astype(np.int64)


def _widened(
    values: NDArray[np.int64], lead: Lead, rate: int, zones: Sequence[tuple[int, int]],
) -> NDArray[np.float64]:
    """One value a sample, float64 `[sample]`: blocks outside the zones are interpolated between their centres."""
    if rate == 1:
        return values.astype(np.float64)
    row = np.empty(lead.length)
    at = taken = 0
    for length, protected in _stretches(lead, zones):
        if protected:
            row[at:at + length] = values[taken:taken + length]
            taken += length
        else:
            count = -(-length // rate)
            edges = np.minimum(np.arange(count + 1) * rate, length)
            centres = (edges[:-1] + edges[1:] - 1) / 2
            row[at:at + length] = np.interp(np.arange(length), centres, values[taken:taken + count])
            taken += count
        at += length
    return row


def _restored(
    samples: Sequence[NDArray[np.float64]], leads: Sequence[Lead], beats: _Beats, averaged: _Block | None,
    tables: Sequence[Table] | None, where: str,
) -> list[NDArray[np.float64]]:
    """The residuals with the averaged beat added in each zone where it was subtracted."""
    if averaged is None:
        raise CorruptInputError("the averaged beat was subtracted, but section 5 with it is missing", where=where)
    scale, length = averaged.nanovolt * 1e-6 or 1.0, 1000 * beats.milliseconds // averaged.interval
    restored = []
    for row, lead, data in zip(samples, leads, averaged.data, strict=True):
        beat = _integrated(_stored(data, tables, length, where), averaged.difference) * scale
        whole = row.copy()
        for kind, first, fiducial, last in beats.subtracted:
            if kind == 0:
                _add(whole, beat, first - lead.start, last - lead.start, beats.fiducial - 1 + first - fiducial)
        restored.append(whole)
    return restored


def _add(row: NDArray[np.float64], beat: NDArray[np.floating], first: int, last: int, offset: int) -> None:
    """Add `beat[offset:]` to `row[first..last]`, as far as both exist."""
    skip = max(-first, -offset, 0)
    start, begin = first + skip, offset + skip
    length = min(last + 1 - start, row.size - start, beat.size - begin)
    if length > 0:
        row[start:start + length] += beat[begin:begin + length]
