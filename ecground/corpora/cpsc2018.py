"""China Physiological Signal Challenge 2018 as its owners ship it: 6,877 recordings with nine classes.

Layout: `REFERENCE.csv` (Recording, First_label, Second_label, Third_label) in the folder or in one of `TrainingSet1`
to `TrainingSet3`; `A0001.mat` beside it or in those folders.
Known defects: the files state neither rate nor unit nor leads (500 Hz, mV, standard order by the challenge's
definition); lengths run from 6 to 60 s and beyond; up to three labels, of which the first is not the main one; label 5
(RBBB) holds complete and incomplete blocks; patients are not named; age and sex stand in the `.mat` files only.
Reference: Liu et al. 2018, J Med Imaging Health Inform 8:1368; CC BY 4.0 as redistributed in CinC 2020.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from ecground import safe
from ecground.corpora.case import Case, Terms, is_there, rows
from ecground.errors import CorruptInputError, NotFoundError
from ecground.io import read
from ecground.io.channels import patient_age, patient_sex
from ecground.record import Patient

__all__ = ["CLASSES", "TERMS", "cases"]

TERMS: Final = Terms("CC BY 4.0")
CLASSES: Final = ("Normal", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE")
"""Labels 1 to 9 of the reference table."""
_PARTS: Final = (".", "TrainingSet1", "TrainingSet2", "TrainingSet3")
_COLUMNS: Final = ("First_label", "Second_label", "Third_label")


def cases(folder: str | Path) -> Iterator[Case]:
    """All recordings in the order of the table.

    Raises:
        NotFoundError: no `REFERENCE.csv`.
        CorruptInputError: a row with an impossible label or name.
    """
    root = Path(folder)
    table = next((path for part in _PARTS if (path := root / part / "REFERENCE.csv").is_file()), None)
    if table is None:
        raise NotFoundError("no REFERENCE.csv", where=root.name, hint="give the folder of CPSC2018's training set")
    for row in rows(table):
        name = row.get("Recording", "").strip()
        if not name.isalnum():
            raise CorruptInputError("a row without recording", where=table.name)
        path = _path(root, name)
        yield Case(
            corpus="cpsc2018", id=name, patient=name, load=partial(read, path), label_system="text", files=(path,),
            labels=tuple(dict.fromkeys(_label(row.get(column, "")) for column in _COLUMNS if row.get(column, ""))),
            person=Patient(age=patient_age(row.get("age", "")), sex=patient_sex(row.get("sex", ""))), fs=500.0,
            terms=TERMS,
        )


def _path(root: Path, name: str) -> Path:
    """Where the recording lies; where it should lie when it is missing."""
    places = [safe.inside(root, f"{part}/{name}.mat") for part in _PARTS]
    return next((path for path in places if is_there(path)), places[0])


def _label(text: str) -> str:
    number = text.strip().removesuffix(".0")
    if number not in "123456789" or len(number) != 1:
        raise CorruptInputError("a label that is none of 1 to 9", where="REFERENCE.csv")
    return CLASSES[int(number) - 1]
