"""Any folder of recordings with a CSV table of labels.

Layout: the folder, or the table itself; in a folder the table is the one called `labels`, `metadata`, `records`,
`reference`, `index` or `dataset` (`.csv`, `.tsv`, gzipped or not), or the only table there is. Columns are recognised
by name, whatever their case and order: the recording (`file`, `path`, `record`, `ecg_id` ...), labels (`label`,
`labels`, `diagnosis`, `dx`, `label_1` ..., several in a cell separated by `;` or `|`), `patient`, `age`, `sex`,
`split`, `report`. Files lie below the table's folder; a WFDB record may be named without suffix.
Known defects of such tables, stated in each Case: a sex coded as a number (0 and 1 mean either) and a split of unknown
name are left out instead of guessed. Nothing is known about the licence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from ecground import safe
from ecground.corpora.case import Case, Split, is_there, rows
from ecground.errors import CorruptInputError, NotFoundError
from ecground.io import read
from ecground.io.channels import patient_age, patient_sex
from ecground.record import Patient, Record

__all__ = ["Columns", "cases", "columns_of", "table_of"]

_TABLES: Final = ("labels", "metadata", "records", "reference", "index", "dataset")
_SUFFIXES: Final = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "file": (r"(ecg|wfdb|signal|record|relative)?(file|path|filename|filepath)", r"record(ing|name)?", r"ecg",
             r"(record|ecg|study|exam)id|study", r"name|id"),
    "patient": (r"(patient|subject|person)(id|name|number|key)?", r"pid|mrn"),
    "age": (r"(patient)?age(years|atrecording)?",),
    "sex": (r"(patient)?(sex|gender)",),
    "split": (r"split|subset|partition", r"set|fold"),
    "report": (r"report(text)?", r"interpretation|text|comment"),
}
"""Field -> patterns of its column name (letters and digits only, lower case), the best first."""
_LABEL: Final = re.compile(r"(labels?|diagnos[ie]s|diagnosticlabels?|dx|class(es)?|target|findings?|statements?|codes?"
                           r"|snomed(ct)?(codes?)?|scpcodes?|(first|second|third)label)\d*")
_SPLITS: Final[Mapping[str, Split]] = {
    **dict.fromkeys(("train", "training", "dev-train"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "tune"), "valid"),
    **dict.fromkeys(("test", "testing", "held-out", "heldout", "eval"), "test"),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a table means what; empty = there is none."""

    file: str
    labels: tuple[str, ...] = ()
    patient: str = ""
    age: str = ""
    sex: str = ""
    split: str = ""
    report: str = ""


def cases(folder: str | Path) -> Iterator[Case]:
    """All rows in the order of the table.

    Raises:
        NotFoundError: no table.
        CorruptInputError: several tables, no column of file names, or a row without one.
        UnsafeInputError: a row names a file outside the folder.
    """
    path = table_of(Path(folder))
    columns: Columns | None = None
    for row in rows(path, delimiter=_delimiter(path)):
        columns = columns or columns_of(row, where=path.name)
        yield _case(path, row, columns)


def table_of(given: Path) -> Path:
    """The table of labels: `given` itself, or the one in the folder `given`."""
    if given.is_file():
        return given
    found = sorted(path for suffix in _SUFFIXES for path in given.glob(f"*{suffix}"))
    named = [path for name in _TABLES for path in found if path.name.lower().split(".")[0] == name]
    if named:
        return named[0]
    if not found:
        raise NotFoundError("no table of labels", where=given.name, hint="put labels.csv into the folder")
    if len(found) > 1:
        raise CorruptInputError(f"{len(found)} tables, none called labels.csv", where=given.name,
                                hint="give the table itself instead of the folder")
    return found[0]


def columns_of(names: Iterable[str], *, where: str) -> Columns:
    """What the columns mean; CorruptInputError when none holds file names."""
    plain = {name: re.sub(r"[^a-z0-9]", "", name.lower()) for name in names}
    found = {field: _first(patterns, plain) for field, patterns in _NAMES.items()}
    if not found["file"]:
        raise CorruptInputError("no column names the recordings", where=where, hint="call it file")
    labels = tuple(name for name, key in plain.items() if _LABEL.fullmatch(key))
    return Columns(labels=labels, **found)


def _first(patterns: Iterable[str], plain: Mapping[str, str]) -> str:
    """The column that matches the earliest pattern; empty when none does."""
    return next((name for pattern in patterns for name, key in plain.items() if re.fullmatch(pattern, key)), "")


def _delimiter(path: Path) -> str:
    """Tab, semicolon or comma: what the first line holds most of."""
    if ".tsv" in path.name.lower():
        return "\t"
    if path.name.lower().endswith(".gz"):
        return ","
    head = safe.read_head(path, count=1 << 14).split(b"\n")[0]
    return max(",;\t", key=lambda mark: head.count(mark.encode()))


def _case(table: Path, row: Mapping[str, str], columns: Columns) -> Case:
    name = row[columns.file].strip()
    if not name:
        raise CorruptInputError("a row without file name", where=table.name)
    path = safe.inside(table.parent, name)
    header = path.with_name(path.name + ".hea")
    file = header if is_there(header) and not is_there(path) else path
    sex, split = row.get(columns.sex, "").strip(), row.get(columns.split, "").strip().lower()
    person = Patient(age=patient_age(row.get(columns.age, "")), sex=patient_sex(sex))
    labels = [part.strip() for column in columns.labels for part in re.split(r"[;|]", row.get(column, ""))]
    return Case(
        corpus="folder", id=name, patient=row.get(columns.patient, "").strip() or name,
        load=partial(_load, file, person), split=_SPLITS.get(split),
        labels=tuple(dict.fromkeys(part for part in labels if part)), label_system="text" if columns.labels else "none",
        report=row.get(columns.report, ""), person=person, files=(file,),
        defects=tuple(_doubts(sex, person, split)),
    )


def _doubts(sex: str, person: Patient, split: str) -> Iterator[str]:
    if sex.replace(".", "", 1).isdigit() and person.sex is None:
        yield "sex is coded as a number and was not guessed"
    if split and split not in _SPLITS:
        yield "a split of unknown name was left out"


def _load(path: Path, person: Patient) -> Record:
    """The recording; the table's age and sex fill what the file leaves open, and win over it."""
    record = read(path)
    return record.replace(patient=Patient(
        age=record.patient.age if person.age is None else person.age,
        sex=record.patient.sex if person.sex is None else person.sex,
    ))
