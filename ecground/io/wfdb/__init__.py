"""WFDB records: header and signal files (PhysioNet, PTB-XL, CinC `.mat`, MIT-BIH), read and written.

Contract: the header is given as a path (`.hea`, one of its signal files, or the record name without suffix); signal
files lie in its folder. All storage formats, several files, several rates (all leads come out at the highest rate of
an ECG lead), skew, fixed and variable multi-segment records. NaN where the file marks a sample as missing.
Reference: WFDB Applications Guide, header(5) and signal(5), PhysioNet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import CorruptInputError, InputError, NoSignalError, NotFoundError, UnsafeInputError, UsageError
from ecground.io.channels import Channel, assemble, is_sentinel, lead_name
from ecground.io.source import Source
from ecground.io.wfdb import samples
from ecground.io.wfdb.header import Header, SignalLine, looks_like_header, parse_header, patient_of
from ecground.record import Record

__all__ = ["read_counts", "read_wfdb", "sniff_wfdb", "write_wfdb"]

Samples = NDArray[np.float32]
_HEADER_LIMIT: Final = 16 << 20
_GAIN: Final = 1000.0
"""ADC units per mV that are written: 1 uV a step."""


def sniff_wfdb(source: Source) -> bool:
    """Whether the source is a WFDB header, or a signal file that the header beside it names."""
    return looks_like_header(source.head) or _header_beside(source) is not None


def _header_beside(source: Source) -> Path | None:
    """The header `<stem>.hea` beside a signal file, if it names that file."""
    if source.path is None:
        return None
    header = source.path.with_suffix(".hea")
    if header == source.path or not header.is_file():
        return None
    head = safe.read_head(header, count=1 << 16)
    return header if looks_like_header(head) and source.path.suffix.encode() in head else None


def read_wfdb(source: Source) -> Record:
    """One record, all segments.

    Raises:
        InputError: a header given as bytes, which carries no samples.
        NotFoundError: a file that the header names is missing.
        NoSignalError: the header declares no signals.
        CorruptInputError: header and signal files contradict each other.
        UnsafeInputError: the header names a file outside its folder, or declares impossible sizes.
    """
    beside = _header_beside(source)
    if beside is not None:
        source = Source(beside)
    if source.path is None:
        raise InputError(
            "a WFDB header carries no samples itself", where=source.name,
            hint="give the path of the header; its signal files must lie beside it",
        )
    header = parse_header(source.text, where=source.name)
    said: list[str] = []
    comments = header.comments
    if header.segments:
        channels, rate = _read_segments(header, source, said)
    else:
        channels, rate = _common_rate(_read_single(header, source, said), said)
    if not channels:
        raise NoSignalError("the header declares no signals", where=source.name, hint="give the record with signals")
    return assemble(
        channels, fs=header.fs * rate, format="wfdb", where=source.name, patient=patient_of(comments),
        start=header.start, notes=said, comments=comments,
    )


def read_counts(source: Source) -> tuple[tuple[str, ...], Samples, float]:
    """Labels, ADC counts as stored (float32 `[signal, sample]`), and rate of a record without segments.

    For collections whose gains are wrong; everybody else wants `read_wfdb`.
    """
    header = parse_header(source.text, where=source.name)
    pairs = _read_single(header, source, [])
    if not pairs or len({values.size for _, values in pairs}) != 1:
        raise CorruptInputError("signals of different lengths, or none", where=source.name)
    counts = np.stack([values * np.float64(line.gain) + line.baseline for line, values in pairs])
    return tuple(line.label for line, _ in pairs), np.rint(counts).astype(np.float32), header.fs


def _read_single(header: Header, source: Source, said: list[str]) -> list[tuple[SignalLine, Samples]]:
    """Every signal of a record without segments, physical units, `[frame x samples per frame]`."""
    files = [(name, list(lines)) for name, lines in groupby(header.signals, key=lambda line: line.file) if name != "~"]
    if len({name for name, _ in files}) < len(files):
        raise CorruptInputError("signals of one file do not follow each other", where=source.name)
    result: list[tuple[SignalLine, Samples]] = []
    for name, lines in files:
        raw = samples.decode(_signal_file(source, name, said), lines, frames=header.frames, where=source.name)
        # Popped one by one: a day of twelve leads is not held twice.
        result += [(line, _physical(line, raw.pop(0), said)) for line in lines]
    return result


def _signal_file(source: Source, name: str, said: list[str]) -> Path:
    """The file that the header names, or, of a pair that was renamed together, the one named as the header is."""
    path = source.sibling(name)
    if path.is_file():
        return path
    renamed = source.sibling(Path(source.name).stem + path.suffix)
    if not renamed.is_file():
        raise NotFoundError(
            "the signal file that the header names is missing", where=path.name,
            hint="keep .hea and .dat in one folder",
        )
    said.append("the header names another signal file; the one with the header's own name was read")
    return renamed


def _physical(line: SignalLine, raw: NDArray[Any], said: list[str]) -> Samples:
    """Integers -> physical units, float32; NaN for missing samples and the end that skew leaves open.

    Gain and skew stay here: the checksum is that of the stored integers, a sentinel is recognised in them, and wfdb
    cannot shift format 8, which has no integer for "no sample".
    """
    if line.checksum is not None and (int(raw.sum(dtype=np.int64)) - line.checksum) & 0xFFFF:
        said.append(f"checksum of signal {line.label or line.file} differs from the header's: samples may be damaged")
    values = ((raw - np.float64(line.baseline)) / line.gain).astype(np.float32)
    if is_sentinel(raw):
        values[:] = np.nan
        said.append(f"lead {line.label} holds only the value {raw[0]}: not recorded")
    if line.format in samples.INVALID:
        values[raw == samples.INVALID[line.format]] = np.nan
    if shift := min(line.skew * line.per_frame, values.size) if line.skew > 0 else 0:
        values = np.concatenate([values[shift:], np.full(shift, np.nan, np.float32)])
    return values


def _channel(line: SignalLine, values: Samples) -> Channel:
    gain = f"{line.gain:g} adu/{line.unit}, baseline {line.baseline}"
    if not line.calibrated:
        return Channel(label=line.label, values=values, unit=None, gain="no gain in the header; 200 adu assumed for 1")
    return Channel(label=line.label, values=values, unit=line.unit, gain=gain)


def _common_rate(signals: list[tuple[SignalLine, Samples]], said: list[str]) -> tuple[list[Channel], int]:
    """Channels at one rate, and that rate in samples a frame: the highest of an ECG lead."""
    pairs = [(line.per_frame, _channel(line, values)) for line, values in signals]
    rate = max((each for k, (each, channel) in enumerate(pairs) if lead_name(channel, k) is not None), default=1)
    channels = []
    for each, channel in pairs:
        values = channel.values
        if each != rate:
            size = values.size // each * rate
            grid = np.arange(size) * (each / rate)
            values = np.interp(grid, np.arange(values.size), values).astype(np.float32) if values.size else values
            said.append(f"lead {channel.label} is stored with {each} samples a frame and was interpolated to {rate}")
        channels.append(Channel(label=channel.label, values=values, unit=channel.unit, gain=channel.gain))
    return channels, rate


def _read_segments(header: Header, source: Source, said: list[str]) -> tuple[list[Channel], int]:
    """All segments on one time axis; NaN in gaps and where a segment lacks a lead."""
    total = sum(segment.frames for segment in header.segments)
    joined: dict[str, Channel] = {}
    rates: set[int] = set()
    position = 0
    for segment in header.segments:
        part = Source(source.sibling(segment.name + ".hea")) if segment.name != "~" and segment.frames else None
        if part is not None:
            inner = parse_header(part.text, where=part.name)
            if inner.segments or inner.fs != header.fs:
                raise CorruptInputError("a segment is itself segmented or has another rate", where=part.name)
            channels, rate = _common_rate(_read_single(inner, part, said), said)
            rates.add(rate)
            if len(rates) > 1 or total * rate * (len(joined) + len(channels)) > safe.MAX_SAMPLES:
                raise UnsafeInputError("segments of different rates, or too long in all", where=source.name)
            _place(joined, channels, position * rate, segment.frames * rate, total * rate)
        position += segment.frames
    said.append(f"{len(header.segments)} segments were joined")
    return list(joined.values()), max(rates, default=1)


def _place(joined: dict[str, Channel], channels: list[Channel], at: int, count: int, total: int) -> None:
    """Copy one segment's channels into the joined ones, creating those that appear for the first time."""
    for index, channel in enumerate(channels):
        key = channel.label or f"#{index}"
        if key not in joined:
            empty = np.full(total, np.nan, np.float32)
            joined[key] = Channel(label=channel.label, values=empty, unit=channel.unit, gain=channel.gain)
        part = channel.values[:count]
        if channel.unit != joined[key].unit:
            raise CorruptInputError("a lead changes its unit between segments", where="multi-segment record")
        joined[key].values[at:at + part.size] = part


def write_wfdb(record: Record, path: Path) -> tuple[str, ...]:
    """Write `<stem>.hea` and `<stem>.dat` (format 16, or 32 beyond +-32 mV; 1 uV a step); says what was not kept.

    Not written by wfdb.wrsamp: it refuses the gain 0 that means "uncalibrated", takes 18 times the memory of the
    samples, and leaves half a record behind when it fails.
    """
    name = path.with_suffix("").name
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise UsageError(
            "a WFDB record name has letters, digits, _ and - only", where=path.name, hint="choose another file name",
        )
    gain = _GAIN if record.provenance.calibrated else 200.0
    scaled = np.rint(record.signal.astype(np.float64) * gain)
    peak = float(np.nanmax(np.abs(scaled), initial=0.0))
    if peak >= 2**31 - 1:
        raise UsageError("samples are too large for WFDB", where="write", hint="write NPZ instead")
    kind, dtype = (16, "<i2") if peak < 2**15 - 1 else (32, "<i4")
    raw = np.where(np.isnan(scaled), samples.INVALID[kind], scaled).astype(dtype)
    written = f"{gain:g}(0)/mV" if record.provenance.calibrated else "0"
    when = f" {record.start:%H:%M:%S %d/%m/%Y}" if record.start else ""
    lines = [f"{name} {len(record.leads)} {record.fs:.10g} {record.n_samples}{when}"]
    for row, lead in zip(raw, record.leads, strict=True):
        checksum = int(row.sum(dtype=np.int64)) & 0xFFFF
        first = int(row[0]) if row.size else 0
        lines.append(f"{name}.dat {kind} {written} {8 * row.itemsize} 0 {first} {checksum} 0 {lead}")
    lines += [f"# {comment}" for comment in _comments(record)]
    safe.write_atomic(path.with_suffix(".dat"), raw.T.tobytes())
    safe.write_atomic(path.with_suffix(".hea"), ("\n".join(lines) + "\n").encode())
    return _lost(record)


def _comments(record: Record) -> list[str]:
    """Header comments: age, sex, derived leads, then the record's own comments without those two."""
    origin: Mapping[str, str] = record.provenance.lead_origin
    derived = ", ".join(f"{lead} = {how}" for lead, how in origin.items() if how != "recorded")
    age = [f"Age: {record.patient.age:g}"] if record.patient.age is not None else []
    sex = [f"Sex: {record.patient.sex}"] if record.patient.sex is not None else []
    kept = [" ".join(c.split()) for c in record.comments if not re.match(r"(?i)<?(age|sex|derived leads)>?\s*:", c)]
    return age + sex + ([f"Derived leads: {derived}"] if derived else []) + [comment for comment in kept if comment]


def _lost(record: Record) -> tuple[str, ...]:
    lost = []
    if record.device.statements or record.device.measurements:
        lost.append("WFDB cannot hold the device's own statements and measurements")
    if record.start is not None and record.start.microsecond:
        lost.append("WFDB start time was cut to whole seconds")
    if not record.provenance.calibrated:
        lost.append("written as uncalibrated (gain 0), 1/200 a step")
    return tuple(lost)
