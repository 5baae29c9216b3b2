"""Chapman-Shaoxing-Ningbo: 45,152 recordings of 10 s, with labels rebuilt (`fixed`) or with the published error.

Layout: PhysioNet's `ecg-arrhythmia` (`WFDBRecords/01/010/JS00001.{hea,mat}`, codes in the headers), and for the
38-class benchmark the tables of MERL in the folder (`train.csv`, `val.csv`, `test.csv`, gzipped or not, any name that
ends so; columns `ecg_path`, `age`, `diagnose` and one column a class).
Known defects: MERL's columns come from asking whether a class name is a substring of the joined codes, so `VB` is
counted in every `AVB`, `AF` (flutter) in every `AFIB`, `ST` in every `STTC STE STDD STTU`: 772 of the 4,620 test rows
are wrong and `VB` has no true case among them; HeartLang and MELP share the tables, so every published "CSN-38" number
carries the error. `published` keeps it for comparison with those numbers, `fixed` splits the codes. The `age` column is
12 in every row and is not used. Patients are not named: the split is by recording. 116 of 16,546 training rows have
none of the 38 classes. Some headers overflow 16 bits (missing samples). The first release of Chapman (figshare, an
Excel table and CSV files in microvolt) is not read.
Reference: Zheng et al. 2020, Sci Data 7:48, and PhysioNet ecg-arrhythmia 1.0.0, CC BY 4.0; MERL: Liu et al. 2024, ICML.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, Literal, NamedTuple

from ecground import safe
from ecground.corpora import cinc
from ecground.corpora.case import Case, Split, Terms, rows
from ecground.errors import CorruptInputError, NotFoundError, UsageError
from ecground.io import read

__all__ = ["CLASSES", "TERMS", "Labels", "Row", "cases", "fixed", "published", "table"]

TERMS: Final = Terms("CC BY 4.0")
Labels = Literal["fixed", "published"]
CLASSES: Final = (
    "AQW", "UW", "SR", "WPW", "2AVB", "AT", "VB", "ARS", "STTC", "SA", "STE", "VPB", "TWO", "STTU", "ALS", "APB",
    "2AVB1", "PRIE", "CCR", "CR", "AF", "AVB", "QTIE", "LBBB", "VEB", "SVT", "RBBB", "1AVB", "STDD", "MI", "AFIB",
    "TWC", "PWC", "ERV", "RVH", "LVH", "ST", "JEB",
)
"""The 38 classes in the order of the published columns."""
_SPLITS: Final[Mapping[str, Split]] = {"train": "train", "val": "valid", "test": "test"}
_ERROR: Final = "published labels name classes that are only part of a code"
_SOURCE: Final = "chapman_shaoxing_ningbo"


class Row(NamedTuple):
    """One row of the published tables."""

    path: str
    """File of the recording below the collection's folder, with `/`."""
    codes: str
    """The codes as published, joined by commas."""
    published: tuple[str, ...]
    """The classes whose column is set."""


def fixed(codes: str) -> tuple[str, ...]:
    """The classes among comma-separated codes, in the order of `CLASSES`."""
    present = {code.strip() for code in codes.split(",")}
    return tuple(name for name in CLASSES if name in present)


def published(codes: str) -> tuple[str, ...]:
    """The classes that occur anywhere in the joined codes: the published error, reproduced."""
    return tuple(name for name in CLASSES if name in codes)


def table(path: Path) -> Iterator[Row]:
    """The rows of one published table; CorruptInputError when it has other columns."""
    for row in rows(path):
        if "ecg_path" not in row or "diagnose" not in row or not row.keys() >= set(CLASSES):
            raise CorruptInputError("not a table of the 38-class benchmark", where=path.name)
        name = row["ecg_path"].lstrip("/").removeprefix("chapman/")
        yield Row(name, row["diagnose"], tuple(label for label in CLASSES if row[label] not in ("", "0", "0.0")))


def cases(folder: str | Path, *, labels: Labels = "fixed", tables: str | Path | None = None) -> Iterator[Case]:
    """The recordings of the published tables, or, where there are no tables, all headers with their SNOMED CT codes.

    Args:
        folder: holds `WFDBRecords`.
        labels: `fixed`, or `published` with the error.
        tables: folder of the tables; None = `folder`.

    Raises:
        UsageError: `published` labels without tables.
        NotFoundError: neither tables nor headers.
        CorruptInputError: a table has another structure.
        UnsafeInputError: a table names a file outside the folder.
    """
    root = Path(folder)
    found = _tables(root if tables is None else Path(tables))
    if found:
        for path, split in found:
            for row in table(path):
                yield _from_row(root, row, split, labels)
        return
    if labels == "published":
        raise UsageError("published labels stand in the benchmark's tables only", where=root.name,
                         hint="put train.csv, val.csv and test.csv of MERL into the folder")
    yield from _from_headers(root)


def _tables(folder: Path) -> list[tuple[Path, Split]]:
    return [(path, split) for end, split in _SPLITS.items() for suffix in (".csv", ".csv.gz")
            for path in sorted(folder.glob(f"*{end}{suffix}"))]


def _from_row(root: Path, row: Row, split: Split, labels: Labels) -> Case:
    path = safe.inside(root, row.path).with_suffix(".hea")
    right = fixed(row.codes)
    wrong = labels == "published" and set(row.published) != set(right)
    return Case(
        corpus="csn", id=path.stem, patient=path.stem, load=partial(read, path), split=split,
        labels=row.published if labels == "published" else right, label_system="text",
        defects=(_ERROR,) if wrong else (), files=(path, path.with_suffix(".mat")), terms=TERMS,
    )


def _from_headers(root: Path) -> Iterator[Case]:
    found = False
    for path in cinc.headers(root):
        if path.stem.startswith("JS"):
            found = True
            yield replace(cinc.case_of(path, _SOURCE, corpus="csn"), terms=TERMS)
    if not found:
        raise NotFoundError("no headers JS00001.hea ...", where=root.name, hint="give the folder of WFDBRecords")
