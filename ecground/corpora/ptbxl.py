"""PTB-XL as PhysioNet ships it: 21,799 recordings of 10 s with 71 SCP-ECG statements by cardiologists.

Layout: `ptbxl_database.csv`, `scp_statements.csv`, `records500/00000/00001_hr.{hea,dat}`, `records100/..._lr`.
Known defects: a likelihood of 0 means "not stated", not "absent" (any statement present counts, as the published
benchmark does); ages of 300 mean 90 or more; reports are mostly German, some Swedish and English, and part of them is
machine-made; 100 Hz copies are resampled; the noise columns (`baseline_drift`, `static_noise`, `burst_noise`,
`electrodes_problems`) are free text and incomplete; header comments hold no age or sex, the table does.
Splits are the official folds: 1-8 train, 9 valid, 10 test.
Reference: Wagner et al. 2020, Sci Data 7:154, CC BY 4.0.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from ecground import safe
from ecground.corpora.case import Case, Split, Terms, rows
from ecground.errors import CorruptInputError
from ecground.io import read
from ecground.io.channels import patient_age
from ecground.record import Patient, Record, Sex

__all__ = ["NOISE_COLUMNS", "TERMS", "cases", "statements", "superclass_of"]

TERMS = Terms("CC BY 4.0")
NOISE_COLUMNS = ("baseline_drift", "static_noise", "burst_noise", "electrodes_problems")
_COLUMNS = {"ecg_id", "patient_id", "age", "sex", "scp_codes", "strat_fold", "filename_lr", "filename_hr"}
"""Columns without which a row says nothing."""


def statements(path: Path) -> dict[str, dict[str, str]]:
    """`scp_statements.csv`: SCP code -> its row (`description`, `diagnostic_class`, ...)."""
    table = list(rows(path))
    return {row[""]: row for row in table if row.get("")}


def superclass_of(path: Path) -> dict[str, str]:
    """SCP code -> diagnostic superclass (NORM MI STTC CD HYP), diagnostic statements only."""
    return {code: row["diagnostic_class"] for code, row in statements(path).items() if row.get("diagnostic_class")}


def cases(folder: str | Path, *, fs: int = 500, split: Split | None = None) -> Iterator[Case]:
    """All recordings, or those of one split, in the order of the table.

    Args:
        folder: where `ptbxl_database.csv` lies.
        fs: 500 or 100 Hz copies.
        split: `train`, `valid` or `test`, None for all.

    Raises:
        NotFoundError: a table is missing.
        CorruptInputError: a table has another structure.
        UnsafeInputError: the table names a file outside the folder.
    """
    root = Path(folder)
    superclass = superclass_of(root / "scp_statements.csv")
    for row in rows(root / "ptbxl_database.csv"):
        fold = _fold(row)
        part = _split(fold)
        if split in (None, part):
            case = _case(root, row, superclass, "filename_hr" if fs == 500 else "filename_lr", part)
            yield replace(case, fs=float(fs), fold=fold)


def _fold(row: Mapping[str, str]) -> int:
    if not row.keys() >= _COLUMNS:
        raise CorruptInputError("columns are missing", where="ptbxl_database.csv")
    try:
        return int(float(row["strat_fold"]))
    except (ValueError, OverflowError):
        raise CorruptInputError("a row without fold", where="ptbxl_database.csv") from None


def _split(fold: int) -> Split:
    return "test" if fold == 10 else "valid" if fold == 9 else "train"


def _case(root: Path, row: Mapping[str, str], superclass: Mapping[str, str], column: str, split: Split) -> Case:
    likelihood = _likelihood(row["scp_codes"])
    found = {superclass[code] for code in likelihood if code in superclass}
    sex: Sex | None = {"0": "M", "1": "F"}.get(row["sex"].removesuffix(".0"))  # type: ignore[assignment]
    patient = Patient(age=patient_age(row["age"]), sex=sex)
    path = safe.inside(root, row[column])
    return Case(
        corpus="ptbxl", id=row["ecg_id"], patient=row["patient_id"].removesuffix(".0"), split=split,
        load=partial(_load, path, patient), labels=tuple(likelihood), label_system="scp", likelihood=likelihood,
        superclasses=tuple(sorted(found)), report=row.get("report", ""),
        defects=tuple(f"{name}: {row[name].strip()}" for name in NOISE_COLUMNS if row.get(name, "").strip()),
        person=patient, files=(_header(path), path.with_name(path.name + ".dat")), terms=TERMS,
    )


def _load(path: Path, patient: Patient) -> Record:
    return read(_header(path)).replace(patient=patient)


def _header(path: Path) -> Path:
    return path.with_name(path.name + ".hea")


def _likelihood(text: str) -> dict[str, float | None]:
    """`{'NORM': 100.0, 'SR': 0.0}` as the table writes it."""
    try:
        codes = ast.literal_eval(text[:4096])
        return {str(code): float(value) for code, value in codes.items()}
    except (ValueError, SyntaxError, AttributeError, TypeError, RecursionError, MemoryError):
        raise CorruptInputError("scp_codes cannot be read", where="ptbxl_database.csv") from None
