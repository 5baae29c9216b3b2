"""`Case`: one labelled recording of a public collection.

Contract: `record` is made when it is asked for, so that a collection can be listed without reading it; labels are in
the collection's own code system; reference marks and beats are samples at the record's rate, 0-based.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import CorruptInputError
from ecground.record import Record

__all__ = ["Beats", "Case", "LabelSystem", "Mark", "Marks", "Split", "rows"]

Split = Literal["train", "valid", "test"]
LabelSystem = Literal["scp", "snomed", "text", "none"]
_TABLE_LIMIT: Final = 256 << 20


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

    @property
    def record(self) -> Record:
        """The recording; read anew at each access."""
        return self.load()


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV table, gzipped or not; missing cells are empty."""
    data = safe.read_bytes(path, limit=_TABLE_LIMIT)
    if data[:2] == b"\x1f\x8b":
        try:
            with gzip.open(io.BytesIO(data)) as stream:
                data = safe.read_bytes(stream, limit=_TABLE_LIMIT)  # type: ignore[arg-type]
        except (OSError, EOFError):
            raise CorruptInputError("a damaged gzip table", where=path.name) from None
    try:
        for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")):
            yield {key: value or "" for key, value in row.items() if isinstance(key, str)}
    except (UnicodeDecodeError, csv.Error):
        raise CorruptInputError("a damaged table", where=path.name) from None
