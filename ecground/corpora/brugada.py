"""Brugada-HUCA: 363 recordings of 12 s with and without Brugada syndrome, for testing only (share-alike licence).

Layout: `metadata.csv` (patient_id, basal_pattern, sudden_death, brugada) and `files/188981/188981.{hea,dat}`.
Known defects: 100 Hz, so fast deflections are smoothed and QRS durations are coarse; no age, no sex; `brugada` is 2 in
a few rows, which the table does not explain (kept as `brugada=2`, not as the syndrome); one recording a patient.
Nothing that is trained may be distributed under another licence than CC BY-SA 4.0 where this collection went into it.
Reference: Brugada-HUCA 1.0.0, PhysioNet, CC BY-SA 4.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from ecground.corpora.case import Case, Terms, is_number, rows
from ecground.errors import CorruptInputError
from ecground.io import read

__all__ = ["COLUMNS", "TERMS", "cases", "labels_of"]

TERMS: Final = Terms("CC BY-SA 4.0", trainable=False)
COLUMNS: Final = ("brugada", "basal_pattern", "sudden_death")
_COARSE: Final = "100 Hz: fast deflections are smoothed"
_UNEXPLAINED: Final = "a code that the table does not explain"


def cases(folder: str | Path) -> Iterator[Case]:
    """All recordings in the order of the table.

    Raises:
        NotFoundError: no `metadata.csv`.
        CorruptInputError: a row without patient.
    """
    root = Path(folder)
    for row in rows(root / "metadata.csv"):
        name = row.get("patient_id", "").strip()
        if not is_number(name):
            raise CorruptInputError("a row without patient_id", where="metadata.csv")
        path = root / "files" / name / f"{name}.hea"
        labels = labels_of(row)
        yield Case(
            corpus="brugada", id=name, patient=name, load=partial(read, path), split="test", labels=labels,
            label_system="text", files=(path, path.with_suffix(".dat")), terms=TERMS,
            defects=(_COARSE, _UNEXPLAINED) if any("=" in label for label in labels) else (_COARSE,),
        )


def labels_of(row: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the columns that are 1, `name=value` for other values; `none` when all are 0."""
    found = [(name, row.get(name, "").strip().removesuffix(".0")) for name in COLUMNS]
    present = tuple(name if value == "1" else f"{name}={value}" for name, value in found if value not in ("", "0"))
    return present or (("none",) if all(value == "0" for _, value in found) else ())
