"""De-identified copies of recordings, in their own format, and a report that holds nothing of what was removed.

Contract: `deidentify` writes a copy whose samples are those of the original, byte for byte, and that holds only what
the tables of fields keep; the name of the copy is a keyed pseudonym. The same key, file and format give the same bytes.
The input is never written to; a copy appears whole or not at all, and only after it was read back and its samples
compared. A format without a table of fields is refused, never copied.
Reference: DICOM PS3.15 annex E; 45 CFR 164.514(b). No promise of anonymity: SECURITY.md says what is left.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from ecground import safe
from ecground.errors import EcgroundError, InputError, NoSignalError, RefusedError, UsageError
from ecground.io import read, sniff
from ecground.io.deid import table
from ecground.io.deid.arrays import deidentified_csv, deidentified_matlab, deidentified_npz
from ecground.io.deid.dates import KEY_BYTES, Key
from ecground.io.deid.dicom import deidentified_dicom
from ecground.io.deid.edf import deidentified_edf
from ecground.io.deid.ledger import Entry, Ledger
from ecground.io.deid.picture import deidentified_picture, picture_format
from ecground.io.deid.scp import deidentified_scp
from ecground.io.deid.wfdb import deidentified_wfdb
from ecground.io.deid.xml import deidentified_xml
from ecground.io.source import Source
from ecground.leads import STANDARD
from ecground.record import Record

__all__ = ["FORMATS", "KEY_BYTES", "Copy", "Entry", "Key", "Ledger", "deidentify"]

_ONE_FILE: Final[dict[str, tuple[str, Callable[[Source, Key, Ledger], bytes]]]] = {
    "dicom": (".dcm", deidentified_dicom), "scp": (".scp", deidentified_scp), "edf": (".edf", deidentified_edf),
    "csv": (".csv", deidentified_csv), "npz": (".npz", deidentified_npz), "matlab": (".mat", deidentified_matlab),
    **{name: (".xml", partial(deidentified_xml, tree)) for name, tree in table.XML.items()},
}
"""Name in `ecground.io.FORMATS` -> suffix of the copy and how it is made; WFDB, of several files, is not here."""
FORMATS: Final = frozenset((*_ONE_FILE, "wfdb"))
"""Formats with a table of fields."""
_PICTURES: Final = {"png": ".png", "jpeg": ".jpg"}
"""Pictures of ECGs, which are no recordings: what lies around the pixels goes."""
_SAFE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,120}")
_ALWAYS: Final = (
    "the trace itself stays: who has another recording of the same heart may recognise it",
)


@dataclass(frozen=True, slots=True)
class Copy:
    """One de-identified copy."""

    file: str
    """Name of the copy: pseudonym and suffix; of a WFDB record its header."""
    files: tuple[str, ...]
    """All files written."""
    format: str
    """Name in `ecground.io.FORMATS`, or `png` or `jpeg`."""
    ledger: Ledger


def deidentify(source: Path, folder: Path, *, key: Key, keep_name: bool = False) -> Copy:
    """Write a de-identified copy of one recording.

    Args:
        source: the recording; of a WFDB record its header.
        folder: where the copy goes; it must exist.
        key: what pseudonyms and shifts of dates are made from.
        keep_name: name the copy as the original is named.

    Raises:
        RefusedError: the format has no table of fields, or a DICOM object has no waveform.
        UsageError: a copy would overwrite an input or, with `keep_name`, another file.
        InputError: the input cannot be read, or the copy would not hold the same samples.
    """
    given = Source(source)
    if picture := picture_format(given):
        return _picture(given, folder, picture, key=key, keep_name=keep_name)
    format = sniff(source)
    if format not in FORMATS:
        raise RefusedError("no table of fields for this format", where=format,
                           hint="formats that can be de-identified: " + " ".join(sorted(FORMATS)))
    name = _name(given, key, keep_name=keep_name)
    ledger = Ledger()
    for sentence in _ALWAYS:
        ledger.regret(sentence)
    if format == "wfdb":
        files = deidentified_wfdb(given, key, ledger, name)
    else:
        suffix, make = _ONE_FILE[format]
        files = {f"{name}{suffix}": make(given, key, ledger)}
    _refuse_overwriting(folder, files, given, new=keep_name)
    _compare(source, format, files)
    for file, data in files.items():
        safe.write_atomic(folder / file, data)
    return Copy(file=list(files)[-1], files=tuple(files), format=format, ledger=ledger)


def _picture(source: Source, folder: Path, format: str, *, key: Key, keep_name: bool) -> Copy:
    """The copy of a picture, whose pixels were compared."""
    ledger = Ledger()
    file = f"{_name(source, key, keep_name=keep_name)}{_PICTURES[format]}"
    data = deidentified_picture(source, ledger)
    _refuse_overwriting(folder, {file: data}, source, new=keep_name)
    safe.write_atomic(folder / file, data)
    return Copy(file=file, files=(file,), format=format, ledger=ledger)


def _name(source: Source, key: Key, *, keep_name: bool) -> str:
    """Name of the copy without suffix: from the content, so that it does not depend on where the file lies."""
    if not keep_name:
        return key.pseudonym("file", source.data)
    stem = source.path.stem if source.path is not None else ""
    if not _SAFE_NAME.fullmatch(stem):
        raise UsageError("the file's name cannot be kept", where="--keep-names",
                         hint="names of letters, digits, _ and - can be kept")
    return stem


def _refuse_overwriting(folder: Path, files: dict[str, bytes], source: Source, *, new: bool) -> None:
    for file in files:
        target = folder / file
        if source.path is not None and target.exists() and target.samefile(source.path):
            raise UsageError("the copy would overwrite the input", where="--output", hint="choose another folder")
        if new and target.exists():
            raise UsageError("a file of that name is already there", where="--output",
                             hint="choose an empty folder, or leave --keep-names out")


def _compare(source: Path, format: str, files: dict[str, bytes]) -> None:
    """The copy reads as the original does; InputError when its samples differ."""
    with tempfile.TemporaryDirectory(prefix="ecground-") as name:
        folder = Path(name)
        for file, data in files.items():
            folder.joinpath(file).write_bytes(data)
        copy = folder / list(files)[-1]
        try:
            before = read(source)
        except NoSignalError:
            before = None
        if before is None or not before.leads:  # annotations alone: some or all of them are gone
            if sniff(copy) != format:
                raise InputError("the copy has another format", where=format)
            return
        try:
            after = read(copy)
        except EcgroundError as error:
            raise InputError("the copy cannot be read back", where=f"{format}, {error.code}",
                             hint="nothing was written; please report it") from None
    if not _same_samples(before, after):
        raise InputError("the copy does not hold the same samples", where=format,
                         hint="nothing was written; please report it")


def _same_samples(before: Record, after: Record) -> bool:
    """Every standard lead is there with its samples, and every other row of the copy is one of the original's."""
    if before.fs != after.fs or before.n_samples != after.n_samples:
        return False
    if {name for name in before.leads if name in STANDARD} != {name for name in after.leads if name in STANDARD}:
        return False
    return all(
        np.array_equal(row, before.lead(name), equal_nan=True) if name in before.leads
        else any(np.array_equal(row, other, equal_nan=True) for other in before.signal)
        for name, row in zip(after.leads, after.signal, strict=True)
    )
