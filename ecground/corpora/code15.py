"""CODE-15%: 345,779 recordings of 7 or 10 s from Brazil with six abnormalities, in HDF5.

Layout: `exams.csv` (exam_id, age, is_male, 1dAVb ... AF, patient_id, normal_ecg, trace_file) and `exams_part0.hdf5` to
`exams_part17.hdf5` with `exam_id [n]` and `tracings [n, 4096, 12]`, 400 Hz.
Known defects: recordings are padded with zeros on both sides to 4,096 samples (the padding is cut off); the last row of
each part is empty; the unit is not stated and amplitudes read as mV look 2 to 3 times too high, so they are withheld;
labels are those of the telehealth system, few are a cardiologist's second look; a row with no abnormality that is not
`normal_ecg` either has findings that are not labelled; patients occur more than once; there is no official split.
Reading the samples needs h5py (`pip install ecground[hdf5]`); the table alone does not.
Reference: Ribeiro et al. 2020, Nat Commun 11:1760; CODE-15%: Zenodo 4916206, CC BY 4.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground import leads, safe
from ecground.corpora import hdf5
from ecground.corpora.case import Case, Terms, is_number, rows
from ecground.errors import CorruptInputError, NoSignalError
from ecground.io.channels import Channel, assemble, patient_age
from ecground.record import Patient, Record, Sex

__all__ = ["LABELS", "TERMS", "cases", "unpadded"]

TERMS: Final = Terms("CC BY 4.0")
LABELS: Final = ("1dAVb", "RBBB", "LBBB", "SB", "ST", "AF", "normal_ecg")
_FS: Final = 400.0
_UNIT: Final = "unit not stated; amplitudes withheld"
_PART: Final = "other findings than the six labels are possible"


def cases(folder: str | Path) -> Iterator[Case]:
    """All recordings in the order of the table.

    Raises:
        NotFoundError: no `exams.csv`.
        CorruptInputError: a row without exam or part.
        UnsafeInputError: a row names a file outside the folder.
    """
    root = Path(folder)
    parts: dict[str, _Part] = {}
    for row in rows(root / "exams.csv"):
        exam, name = row.get("exam_id", "").strip(), row.get("trace_file", "").strip()
        if not is_number(exam) or not name:
            raise CorruptInputError("a row without exam or trace file", where="exams.csv")
        part = parts.setdefault(name, _Part(safe.inside(root, name)))
        labels = tuple(label for label in LABELS if _is_true(row.get(label, "")))
        patient = Patient(age=patient_age(row.get("age", "")), sex=_sex(row))
        yield Case(
            corpus="code15", id=exam, patient=row.get("patient_id", "") or exam, labels=labels, label_system="text",
            load=partial(part.record, int(exam), patient), defects=(_UNIT,) if labels else (_UNIT, _PART),
            person=patient, fs=_FS, files=(part.path,), terms=TERMS,
        )


class _Part:
    """One HDF5 file; which row holds which exam is read once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rows: dict[int, int] | None = None

    def record(self, exam: int, patient: Patient) -> Record:
        """One recording without its padding, amplitudes in the file's own unit.

        Raises:
            MissingExtraError: h5py is not installed.
            NoSignalError: nothing but padding.
            CorruptInputError, NotFoundError, UnsafeInputError: the part cannot be read, or lacks the exam.
        """
        where = self.path.name
        with hdf5.opened(self.path) as file:
            tracings = hdf5.dataset(file, "tracings", dimensions=3, where=where)
            if self._rows is None:
                exams = hdf5.values(hdf5.dataset(file, "exam_id", dimensions=1, where=where), slice(None), where=where)
                self._rows = {int(number): row for row, number in enumerate(exams.tolist()) if number}
            row = self._rows.get(exam)
            if row is None or row >= tracings.shape[0]:
                raise CorruptInputError("the part does not hold the exam", where=where)
            tracing = hdf5.values(tracings, row, where=where)
        if tracing.shape[1] != len(leads.STANDARD):
            raise CorruptInputError(f"{tracing.shape[1]} leads instead of 12", where=where)
        return _record(unpadded(tracing), patient, where)


def unpadded(tracing: NDArray[np.floating]) -> NDArray[np.floating]:
    """`[sample, lead]` without the samples at both ends that are zero in every lead."""
    held = np.flatnonzero(np.any(tracing != 0, axis=1))
    return tracing[held[0]:held[-1] + 1] if held.size else tracing[:0]


def _record(tracing: NDArray[np.floating], patient: Patient, where: str) -> Record:
    if not tracing.size:
        raise NoSignalError("the recording holds nothing but padding", where=where)
    channels = [Channel(label=name, values=tracing[:, i].astype(np.float32), unit=None, gain=_UNIT)
                for i, name in enumerate(leads.STANDARD)]
    return assemble(channels, fs=_FS, format="code15", where=where, patient=patient,
                    notes=["zeros on both sides, added by the owners, were cut off"])


def _is_true(text: str) -> bool:
    return text.strip().lower() in ("true", "1", "1.0")


def _sex(row: Mapping[str, str]) -> Sex | None:
    said = row.get("is_male", "").strip()
    return None if not said else "M" if _is_true(said) else "F"
