"""CSV and TSV: one column a lead, one row a sample, a first row with the lead names.

Contract: comma, tab or semicolon (then a decimal comma is allowed). The sampling rate comes from a time column
(`time`, `t`, `seconds`, with `ms` or `us` in its name for other units) or from a comment line `# fs: 500`. The unit
comes from the lead's name (`II (mV)`, `V1_uV`) or from `# unit: mV`; without either the record is uncalibrated.
Empty cells and `nan` are NaN; a gap in the time column becomes NaN samples. `# age:`, `# sex:` and `# start:` are read.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground import leads, safe
from ecground.errors import CorruptInputError, InputError, NoSignalError, UnsafeInputError
from ecground.io.channels import MV_PER_UNIT, Channel, assemble, is_sentinel, patient_age, patient_sex
from ecground.io.source import Source
from ecground.record import Patient, Record

__all__ = ["read_delimited", "sniff_delimited", "write_delimited"]

Columns = NDArray[np.float64]
_MISSING: Final = frozenset(("", "nan", "na", "n/a", "null", "none", "-", "inf", "-inf"))
_TIME: Final = re.compile(r"(?i)^(time|t|timestamp|seconds|secs?|millis\w*|time[\s_.]*stamp)$")
_COUNTER: Final = re.compile(r"(?i)^(sample|samples|index|idx|n|row|#|)$")
_TIME_UNIT: Final = {"": 1.0, "s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3, "us": 1e-6, "µs": 1e-6}
_UNIT_SUFFIX: Final = re.compile(r"^(.*?)[\s_]*[\s_(\[/]\s*([nuµμm]?[vV]|u?m?s|µs|sec|msec|seconds)\s*[)\]]?$")
_MAX_COLUMNS: Final = 512


def sniff_delimited(source: Source) -> bool:
    """Whether it is text in columns with numbers."""
    head = source.head
    if b"\0" in head or head[:1] in (b"{", b"[", b"<") or head[:5] == b"%PDF-":
        return False
    lines = [line for line in _decoded(head).splitlines()[:40] if line.strip() and not line.startswith("#")]
    if len(lines) < 2:
        return False
    delimiter = _delimiter(lines[0])
    return all(_number_share(line.split(delimiter)) > 0.5 for line in lines[1:3])


def _decoded(data: bytes) -> str:
    return data.decode("utf-8-sig", errors="replace")


def _delimiter(line: str) -> str:
    return max("\t;,", key=lambda mark: (line.count(mark), mark == ","))


def _number_share(fields: Sequence[str]) -> float:
    return sum(_is_number(field) for field in fields) / len(fields)


def _is_number(field: str) -> bool:
    text = field.strip().strip('"').replace(",", ".")
    try:
        float(text)
    except ValueError:
        return text.lower() in _MISSING
    return True


def read_delimited(source: Source) -> Record:
    """The record of a table.

    Raises:
        CorruptInputError: no row of lead names, a transposed table, ragged rows, or irregular times.
        InputError: the sampling rate is nowhere given.
        NoSignalError: no column is a lead.
    """
    rows = source.text.splitlines()
    comments = [row.lstrip("# ").strip() for row in rows if row.startswith("#")]
    lines = [row for row in rows if row.strip() and not row.startswith("#")]
    delimiter = _delimiter(lines[0]) if lines else ","
    names = [field.strip().strip('"').strip() for field in lines[0].split(delimiter)] if lines else []
    _check_header(names, lines, delimiter, source.name)
    said: list[str] = []
    table = _table(lines[1:], delimiter, len(names), source.name)
    time = next((k for k, name in enumerate(names) if _TIME.match(_split_unit(name)[0])), None)
    values, fs = _timed(table, time, names, comments, source.name, said)
    stated = _comment(comments, "unit", "units")
    channels = []
    for k, name in enumerate(names):
        label, unit = _split_unit(name)
        if k != time and not _COUNTER.match(label):
            channels.append(_channel(label, values[:, k], unit or stated, said))
    if not channels:
        raise NoSignalError("no column is a lead", where=source.name, hint="name the columns I, II, V1 ...")
    return assemble(
        channels, fs=fs, format="csv", where=source.name, notes=said, comments=comments, start=_start(comments),
        patient=Patient(
            age=patient_age(_comment(comments, "age") or ""), sex=patient_sex(_comment(comments, "sex") or ""),
        ),
    )


def _check_header(names: Sequence[str], lines: Sequence[str], delimiter: str, where: str) -> None:
    lead_first = bool(names) and leads.standard_name(names[0]) is not None
    if len(names) > _MAX_COLUMNS or (lead_first and _number_share(names[1:] or ["x"]) > 0.5):
        raise CorruptInputError(
            "the table is transposed: leads are rows, samples are columns", where=where,
            hint="transpose it to one column a lead, with the lead names in the first row",
        )
    if not names or all(_is_number(name) for name in names):
        raise CorruptInputError(
            "no row of lead names above the numbers", where=where, hint='add a first row such as "time,I,II,V1"',
        )
    second = [field.strip() for field in lines[1].split(delimiter)] if len(lines) > 1 else []
    if second and leads.standard_name(second[0]) and not _is_number(second[0]):
        raise CorruptInputError(
            "the table is transposed: lead names are in the first column", where=where,
            hint="transpose it to one column a lead",
        )


def _table(lines: Sequence[str], delimiter: str, width: int, where: str) -> Columns:
    """Numbers `[sample, column]`; a fast pass for clean tables, a patient one for empty cells and words."""
    if len(lines) * width > safe.MAX_SAMPLES:
        raise UnsafeInputError("too many cells", where=where)
    if not lines:
        return np.zeros((0, width))
    text = "\n".join(lines)
    if delimiter == ";":
        text = text.replace(",", ".")
    try:
        table = np.loadtxt(io.StringIO(text), delimiter=delimiter, ndmin=2, comments=None)
    except ValueError:
        table = np.array([_cells(line, delimiter, width, where) for line in text.splitlines()])
    if table.shape[1] != width:
        raise CorruptInputError(f"{width} names for {table.shape[1]} columns", where=where)
    return table


def _cells(line: str, delimiter: str, width: int, where: str) -> list[float]:
    fields = line.split(delimiter)
    if len(fields) > width and all(not field.strip() for field in fields[width:]):
        fields = fields[:width]
    if len(fields) > width:
        raise CorruptInputError(f"a row of {len(fields)} cells under {width} names", where=where)
    cells = [field.strip().strip('"').strip() for field in fields] + [""] * (width - len(fields))
    try:
        return [np.nan if cell.lower() in _MISSING else float(cell) for cell in cells]
    except ValueError:
        raise CorruptInputError("a cell is not a number", where=where, hint="write missing samples as empty") from None


def _split_unit(name: str) -> tuple[str, str | None]:
    """`II (mV)` -> (`II`, `mV`)."""
    match = _UNIT_SUFFIX.match(name)
    return (match[1].strip(), match[2]) if match and match[1].strip() else (name, None)


def _comment(comments: Sequence[str], *keys: str) -> str | None:
    for comment in comments:
        match = re.match(rf"(?i)({'|'.join(keys)})\s*[:=]\s*(\S.*)$", comment)
        if match:
            return match[2].strip()
    return None


def _timed(
    table: Columns, time: int | None, names: Sequence[str], comments: Sequence[str], where: str, said: list[str],
) -> tuple[Columns, float]:
    """The table on a regular grid, and its rate [Hz]; from the comment, else from the time column."""
    stated = _comment(comments, "fs", r"sampl(?:ing|e)[ _]rate", r"(?:sampling[ _])?frequency")
    if stated is not None:
        match = re.match(r"([\d.]+(?:[eE][+-]?\d+)?)\s*(k?)(?:hz)?", stated, re.IGNORECASE)
        try:
            return table, float(match[1]) * (1e3 if match[2] else 1.0) if match else float("nan")
        except ValueError:
            raise CorruptInputError("the sampling rate in the comment is no number", where=where) from None
    if time is None:
        raise InputError(
            "the table does not say its sampling rate", where=where,
            hint='add a time column in seconds, or a line "# fs: 500" above the table',
        )
    name, unit = _split_unit(names[time])
    if unit is None:
        unit = "ms" if name.lower().startswith("milli") else "s"
        said.append(f"time column {name[:20]} was read as {'milliseconds' if unit == 'ms' else 'seconds'}")
    if unit not in _TIME_UNIT:
        raise CorruptInputError("the unit of the time column is unknown", where=where, hint="use s, ms or us")
    return _regular(table, table[:, time] * _TIME_UNIT[unit], where, said)


def _regular(table: Columns, t: Columns, where: str, said: list[str]) -> tuple[Columns, float]:
    """Rows placed on a regular grid; steps left out become NaN."""
    if t.size < 2 or not np.isfinite(t).all() or (np.diff(t) <= 0).any():
        raise CorruptInputError("the time column is empty or does not rise", where=where)
    step = float(np.median(np.diff(t)))
    if np.rint(np.diff(t) / step).max() <= 1:
        step = float((t[-1] - t[0]) / (t.size - 1))
    place = np.concatenate([[0.0], np.cumsum(np.maximum(np.rint(np.diff(t) / step), 1))])
    if place[-1] * table.shape[1] > min(safe.MAX_SAMPLES, 100 * table.size + 1_000_000):
        raise CorruptInputError("the time column has immense gaps", where=where)
    step = float((t[-1] - t[0]) / place[-1])
    if np.abs(t - t[0] - place * step).max() > 0.9 * step:
        raise CorruptInputError("the time column is irregular", where=where, hint="resample to a constant rate first")
    fs = float(f"{1 / step:.6g}")
    missing = int(place[-1]) + 1 - t.size
    if not missing:
        return table, fs
    said.append(f"{missing} samples are missing in the time column (NaN)")
    full = np.full((int(place[-1]) + 1, table.shape[1]), np.nan)
    full[place.astype(np.int64)] = table
    return full, fs


def _channel(label: str, column: Columns, unit: str | None, said: list[str]) -> Channel:
    values = column.astype(np.float32)
    if values.size and np.isnan(values[-1]) and np.isfinite(values).any():
        said.append(f"lead {label[:32]} is shorter than the table: its end is missing (NaN)")
    if is_sentinel(column):
        values[:] = np.nan
    known = unit if unit and unit.lower() in MV_PER_UNIT else None
    return Channel(label=label, values=values, unit=known, gain=f"table in {known}" if known else "")


def _start(comments: Sequence[str]) -> datetime | None:
    try:
        return datetime.fromisoformat(_comment(comments, "start") or "")
    except ValueError:
        return None


def write_delimited(record: Record, path: Path) -> tuple[str, ...]:
    """Write a table with a time column in seconds, 0.1 uV resolution, empty cells for NaN."""
    mark = "\t" if path.suffix.lower() == ".tsv" else ","
    unit = " (mV)" if record.provenance.calibrated else ""
    lines = [f"# fs: {record.fs:.10g}"]
    lines += [f"# age: {record.patient.age:g}"] if record.patient.age is not None else []
    lines += [f"# sex: {record.patient.sex}"] if record.patient.sex is not None else []
    lines += [f"# start: {record.start.isoformat()}"] if record.start is not None else []
    lines.append(mark.join(["time (s)", *(f"{lead.replace(mark, ' ')}{unit}" for lead in record.leads)]))
    digits = max(4, len(f"{record.fs:.0f}") + 2)
    cells = np.char.mod("%.4f", record.signal.T.astype(np.float64))
    cells[np.isnan(record.signal.T)] = ""
    times = np.char.mod(f"%.{digits}f", np.arange(record.n_samples) / record.fs)
    lines += [mark.join((t, *row)) for t, row in zip(times, cells, strict=True)]
    safe.write_atomic(path, ("\n".join(lines) + "\n").encode())
    lost = []
    if record.device.statements or record.device.measurements or record.comments:
        lost.append("CSV cannot hold the device's reading and comments")
    return tuple(lost)
