"""`Case`: one labelled recording of a public collection.

Contract: `record` is made when it is asked for, so that a collection can be listed without reading it; labels are in
the collection's own code system; reference marks and beats are samples at the record's rate, 0-based. `terms` travel
with every recording: what may be done with it is known wherever it goes.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import CorruptInputError, UnsafeInputError
from ecground.record import Patient, Record

__all__ = ["Beats", "Case", "LabelSystem", "Mark", "Marks", "Split", "Terms", "is_number", "is_there", "rows"]

Split = Literal["train", "valid", "test"]
LabelSystem = Literal["scp", "snomed", "aha", "text", "none"]
_TABLE_LIMIT: Final = 1 << 30
_LINE_LIMIT: Final = 1 << 20
_UNKNOWN: Final = Patient()


class Mark(NamedTuple):
    """One wave marked by a cardiologist in one lead; positions are samples, None = not marked."""

    wave: str
    """`P`, `QRS` or `T`."""
    onset: int | None
    peak: int | None
    offset: int | None


Marks = Mapping[str, tuple[Mark, ...]]
"""Lead name -> marks in time order."""


@dataclass(frozen=True, slots=True)
class Beats:
    """Reference beats and rhythm of a recording."""

    sample: NDArray[np.int64]
    """`[beat]` R-peak positions [samples]."""
    symbol: tuple[str, ...] = ()
    """`[beat]` PhysioNet beat codes (`N`, `V`, ...); empty when the collection gives positions only."""
    rhythm: tuple[tuple[int, str], ...] = ()
    """(sample, rhythm) at each change, as the collection names it (`AFIB`, `N`)."""
    fibrillation: tuple[tuple[int, int], ...] = ()
    """First and last sample of ventricular flutter or fibrillation, where beats are not marked."""
    lead: str = ""
    """The file's first lead, on which QRS detectors are usually scored; empty when there is one lead."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What may be done with a recording."""

    licence: str = ""
    """As its owner names it; empty = not known."""
    credentialed: bool = False
    """Access is personal: recordings, tables and what is derived from them go to nobody else, nor through an API."""
    trainable: bool = True
    """False: for testing only (a share-alike licence, no licence, or a benchmark that must stay unseen)."""


@dataclass(frozen=True, slots=True)
class Case:
    """One recording with what its collection says about it."""

    corpus: str
    """`ptbxl`, `ludb`, `mitdb` ..."""
    id: str
    """Identifier within the collection."""
    patient: str
    """Patient identifier, the record's own where the collection gives none."""
    load: Callable[[], Record]
    """Reads the samples."""
    split: Split | None = None
    labels: tuple[str, ...] = ()
    """Statements in `label_system`; empty when the collection has none."""
    label_system: LabelSystem = "none"
    likelihood: Mapping[str, float | None] = field(default_factory=dict)
    """Label -> likelihood [%]; PTB-XL's 0 means "not stated"; None = only presence is known."""
    superclasses: tuple[str, ...] = ()
    """PTB-XL diagnostic superclasses: NORM MI STTC CD HYP."""
    report: str = ""
    """The physician's report in its own language."""
    report_en: str = ""
    """English version of the report, where the collection has one (machine-translated)."""
    marks: Marks = field(default_factory=dict)
    """Reference marks per lead; empty when there are none."""
    beats: Beats | None = None
    defects: tuple[str, ...] = ()
    """What is known to be wrong with this recording or its labels."""
    person: Patient = _UNKNOWN
    """Age and sex as far as the collection's tables say them; the record may know more."""
    fs: float | None = None
    """Sampling rate [Hz] where it is known without reading the samples."""
    files: tuple[Path, ...] = ()
    """Files that `load` needs, so that missing ones are found without reading; empty = not known beforehand."""
    terms: Terms = Terms()
    """Licence and limits of use."""
    fold: int | None = None
    """Fold of the collection's own division, where it has one: PTB-XL's 1 to 10."""

    @property
    def record(self) -> Record:
        """The recording; read anew at each access."""
        return self.load()


def is_number(text: str) -> bool:
    """Whether a cell holds an identifier of at most 18 decimal digits, so that it fits a 64-bit integer."""
    return text.isascii() and text.isdecimal() and len(text) <= 18


def is_there(path: Path) -> bool:
    """Whether the file exists; False also for a name that the file system cannot hold."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def rows(path: Path, *, delimiter: str = ",") -> Iterator[dict[str, str]]:
    """The rows of a UTF-8 CSV table, gzipped or not, read line by line; missing cells are empty.

    Raises:
        NotFoundError: no such table.
        UnsafeInputError: more than 1 GiB, or a line of more than 1 MiB.
        CorruptInputError: damaged, or not UTF-8.
    """
    packed = safe.read_head(path, count=2) == b"\x1f\x8b"
    try:
        for row in csv.DictReader(_lines(path, packed=packed), delimiter=delimiter):
            yield {key: value or "" for key, value in row.items() if isinstance(key, str)}
    except (UnicodeDecodeError, csv.Error):
        raise CorruptInputError("a damaged table", where=path.name, hint="tables are CSV in UTF-8") from None
    except (OSError, EOFError):
        raise CorruptInputError("a damaged gzip table", where=path.name) from None


def _lines(path: Path, *, packed: bool) -> Iterator[str]:
    """Text lines without the byte order mark; the bytes after unpacking are limited."""
    with ExitStack() as stack:
        stream: BinaryIO = stack.enter_context(path.open("rb"))
        if packed:
            stream = cast("BinaryIO", stack.enter_context(gzip.GzipFile(fileobj=stream)))
        total, coding = 0, "utf-8-sig"
        while line := stream.readline(_LINE_LIMIT + 1):
            total += len(line)
            if len(line) > _LINE_LIMIT or total > _TABLE_LIMIT:
                raise UnsafeInputError("a table or a line of it is too long", where=path.name)
            yield line.decode(coding)
            coding = "utf-8"
