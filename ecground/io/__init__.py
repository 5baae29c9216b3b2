"""Bytes <-> `Record`: `read` recognises a file by its content and returns millivolt, `write` does the way back.

Contract: one table, `FORMATS`, names every format, how to recognise it and how to read and write it. A plug-in adds a
row with `register`, or with an entry point of the group `ecground.formats` that gives a `Format`. Reading raises only
`EcgroundError`s and never guesses silently: what a reader did or assumed is in `Record.provenance.notes`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ecground.errors import UnknownFormatError, UnsafeInputError, UsageError
from ecground.io.delimited import read_delimited, sniff_delimited, write_delimited
from ecground.io.dicom import read_dicom, sniff_dicom, write_dicom
from ecground.io.edf import read_edf, sniff_edf, write_edf
from ecground.io.matlab import read_matlab, sniff_matlab
from ecground.io.npz import read_npz, sniff_npz, write_npz
from ecground.io.rare import RARE, READERS
from ecground.io.scp import read_scp, sniff_scp
from ecground.io.source import Source
from ecground.io.wfdb import read_wfdb, sniff_wfdb, write_wfdb
from ecground.io.xml import (
    read_aecg,
    read_cardiosoft,
    read_muse,
    read_schiller,
    read_sierra,
    sniff_aecg,
    sniff_cardiosoft,
    sniff_muse,
    sniff_schiller,
    sniff_sierra,
    write_aecg,
)
from ecground.record import Patient, Record, Sex

__all__ = ["FORMATS", "Format", "Source", "read", "register", "sniff", "write"]


@dataclass(frozen=True, slots=True)
class Format:
    """One row of the table of formats."""

    name: str
    """Short name, as in `provenance.format`."""
    description: str
    """What it is, for a person."""
    sniff: Callable[[Source], bool]
    """Recognises the content; looks at `source.head` and must not raise."""
    read: Callable[[Source], Record]
    write: Callable[[Record, Path], tuple[str, ...]] | None = None
    """Writes to a path and says what the format could not keep; None when it is read-only."""
    suffixes: tuple[str, ...] = ()
    """Suffixes that choose this format for writing."""
    verified: int | None = 0
    """Files of real devices or published collections whose samples agreed with an independent reader; 0: unverified;
    None: no device's format, so that round trips are the test."""


FORMATS: dict[str, Format] = {}
"""Name -> Format, in the order in which they are tried."""


def register(format: Format) -> Format:
    """Add a format to the table, or replace the one of that name."""
    FORMATS[format.name] = format
    return format


register(Format(
    "wfdb", "WFDB header and signal files (PhysioNet, PTB-XL, CinC, MIT-BIH)", sniff_wfdb, read_wfdb, write_wfdb,
    (".hea", ".dat"), verified=13,
))
register(Format("dicom", "DICOM ECG waveform", sniff_dicom, read_dicom, write_dicom, (".dcm", ".dicom"), verified=4))
register(Format("scp", "SCP-ECG (EN 1064, ISO 11073-91064)", sniff_scp, read_scp, verified=1))
register(Format("edf", "EDF and EDF+", sniff_edf, read_edf, write_edf, (".edf",), verified=1))
register(Format("aecg", "HL7 annotated ECG (XML)", sniff_aecg, read_aecg, write_aecg, (".xml",), verified=4))
register(Format("muse", "GE MUSE RestingECG (XML)", sniff_muse, read_muse, verified=1))
register(Format("sierra", "Philips Sierra (XML 1.03, 1.04, 1.04.01)", sniff_sierra, read_sierra, verified=5))
register(Format("schiller", "Schiller EDI (XML)", sniff_schiller, read_schiller, verified=1))
register(Format("cardiosoft", "GE CardioSoft CardiologyXML (UK Biobank)", sniff_cardiosoft, read_cardiosoft))
register(Format(
    "npz", "NumPy archive with signal, fs and leads", sniff_npz, read_npz, write_npz, (".npz",), verified=None,
))
register(Format("matlab", "MATLAB struct of CPSC2018", sniff_matlab, read_matlab, verified=1))
for _name, _rare in RARE.items():
    register(Format(_name, _rare.description, _rare.sniff, READERS[_name]))
register(Format(
    "csv", "CSV or TSV, one column a lead", sniff_delimited, read_delimited, write_delimited, (".csv", ".tsv", ".txt"),
    verified=None,
))


@cache
def _load_plugins() -> None:
    """Rows that installed packages offer; once a process."""
    for point in entry_points(group="ecground.formats"):
        register(point.load())


def _recognise(source: Source) -> Format:
    _load_plugins()
    for format in FORMATS.values():
        if format.sniff(source):
            return format
    raise UnknownFormatError(
        "no reader recognises the content", where=source.name,
        hint="formats that can be read: " + "; ".join(f"{f.name} ({f.description})" for f in FORMATS.values()),
    )


def sniff(source: str | Path | bytes | BinaryIO) -> str:
    """The name of the format in `FORMATS`; UnknownFormatError when there is none."""
    return _recognise(Source(source)).name


def read(
    source: str | Path | bytes | BinaryIO, *, age: float | None = None, sex: Sex | None = None,
) -> Record:
    """Read one ECG, whatever its format.

    Args:
        source: path, bytes or binary file object.
        age: age in years that overrides the file's.
        sex: `M` or `F`, overrides the file's.

    Returns:
        The record: float32 mV `[lead, sample]`, standard lead names and order, NaN where nothing was recorded.

    Raises:
        NotFoundError, UnknownFormatError, CorruptInputError, UnsafeInputError: the input cannot be used.
        NoSignalError: it holds no ECG samples. (A file of annotations alone gives a record without leads.)
        UsageError: impossible `age` or `sex`.
    """
    if age is not None and not 0 <= age <= 130:
        raise UsageError(f"age {age:g}", where="age", hint="years between 0 and 130")
    if sex not in (None, "M", "F"):
        raise UsageError("sex must be M or F", where="sex", hint="use M or F, or leave it out")
    given = Source(source)
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # numbers beyond float32 become NaN, as `Record` promises
            record = _recognise(given).read(given)
    except MemoryError:
        raise UnsafeInputError("the file needs more memory than there is", where=given.name) from None
    if age is None and sex is None:
        return record
    patient = Patient(
        age=record.patient.age if age is None else float(age), sex=record.patient.sex if sex is None else sex,
    )
    return record.replace(patient=patient)


def write(record: Record, path: str | Path, *, format: str | None = None) -> tuple[str, ...]:
    """Write one ECG; a reader never sees half a file.

    Args:
        record: what to write.
        path: where; the suffix chooses the format unless `format` does.
        format: name in `FORMATS`.

    Returns:
        One sentence for each thing that the format could not keep; empty when nothing was lost.

    Raises:
        UsageError: no format of that name or suffix can write, the folder is missing, or the record does not fit.
    """
    _load_plugins()
    target = Path(path)
    writers = {row.name: row for row in FORMATS.values() if row.write is not None}
    chosen = writers.get(format) if format else next(
        (row for row in writers.values() if target.suffix.lower() in row.suffixes), None,
    )
    if chosen is None or chosen.write is None:
        suffixes = " ".join(suffix for row in writers.values() for suffix in row.suffixes)
        raise UsageError(
            f"no writer for {format or target.suffix or 'a file without suffix'}", where=target.name,
            hint=f"formats: {' '.join(writers)}; suffixes: {suffixes}",
        )
    if not target.parent.is_dir():
        raise UsageError("the folder to write to does not exist", where=target.name, hint="create the folder first")
    if not record.leads:
        raise UsageError("a record without leads", where=target.name, hint="give a recording with signals")
    return chosen.write(record, target)
