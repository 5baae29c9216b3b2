"""MIMIC-IV-ECG: about 800,000 recordings of 160,000 patients with the cart's own reports and measurements.

Layout: `record_list.csv` (subject_id, study_id, file_name, ecg_time, path), `machine_measurements.csv` (study_id,
report_0 ... report_17, bandwidth, filtering, rr_interval, p_onset, p_end, qrs_onset, qrs_end, t_end, p_axis, qrs_axis,
t_axis), `files/p1000/p10000032/s40689238/40689238.{hea,dat}`. `.csv.gz` works as well.
Known defects: the statements are the machine's, not a physician's, so `labels` stays empty and they stand in `report`
and in the record's device reading; numbers that were not measured are 29999, 32767 or 65535 (left out); some ten
thousand recordings have no row of measurements; the leads are stored with aVF before aVL (read by name, never by
place); times are shifted; age and sex stand in MIMIC-IV, not here; a patient has many recordings and there is no split.
Whoever joins it with credentialed tables of MIMIC-IV falls under their rule, so every Case is `credentialed`.
Reference: Gow et al. 2023, MIMIC-IV-ECG 1.0, PhysioNet.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, cast

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.corpora.case import Case, Terms, is_number, rows
from ecground.errors import CorruptInputError, NotFoundError
from ecground.io import read
from ecground.record import DeviceMeasurement, DeviceReading, Record

__all__ = ["SENTINELS", "TERMS", "Measurements", "cases", "number", "reading_of"]

TERMS: Final = Terms("ODbL 1.0; joined with MIMIC-IV: PhysioNet Credentialed Health Data", credentialed=True)
SENTINELS: Final = frozenset((29999.0, 32767.0, 65535.0))
"""Numbers that mean "not measured"."""
_FILTERS: Final = ("bandwidth", "filtering")
_MACHINE: Final = "the statements are the machine's, not a physician's"
_REPORTS: Final = tuple(f"report_{i}" for i in range(18))
_AXES: Final[Mapping[str, str]] = {"p_axis": "p_axis_deg", "qrs_axis": "qrs_axis_deg", "t_axis": "t_axis_deg"}
_SPANS: Final[Mapping[str, tuple[str, str]]] = {
    "p_dur_ms": ("p_onset", "p_end"), "pr_ms": ("p_onset", "qrs_onset"), "qrs_ms": ("qrs_onset", "qrs_end"),
    "qt_ms": ("qrs_onset", "t_end"),
}
_LINE_LIMIT: Final = 1 << 20


def cases(folder: str | Path) -> Iterator[Case]:
    """All recordings in the order of the record list.

    Raises:
        NotFoundError: no `record_list.csv`.
        CorruptInputError: a row without study, patient or path.
        UnsafeInputError: a row names a file outside the folder.
    """
    root = Path(folder)
    listed = _table(root, "record_list")
    if listed is None:
        raise NotFoundError("no record_list.csv", where=root.name, hint="give the folder of MIMIC-IV-ECG")
    table = _table(root, "machine_measurements")
    with ExitStack() as stack:
        measured = stack.enter_context(Measurements(table)) if table is not None else None
        for row in rows(listed):
            yield _case(root, row, measured)


def _case(root: Path, row: Mapping[str, str], measured: Measurements | None) -> Case:
    study, patient, place = (row.get(name, "").strip() for name in ("study_id", "subject_id", "path"))
    if not (is_number(study) and is_number(patient) and place):
        raise CorruptInputError("a row without study, patient or path", where="record_list.csv")
    path = safe.inside(root, place + ".hea")
    machine = measured.row(int(study)) if measured is not None else {}
    reading = reading_of(machine)
    return Case(
        corpus="mimic-iv-ecg", id=study, patient=patient, report="\n".join(reading.statements),
        load=partial(_load, path, reading, _filters(machine)), fs=500.0, terms=TERMS,
        defects=(_MACHINE,) if machine else ("no machine measurements",),
        files=(path, path.with_suffix(".dat")),
    )


def number(text: str) -> float:
    """A number of the table; NaN where there is none or it means "not measured"."""
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    return float("nan") if abs(value) in SENTINELS else value


def reading_of(row: Mapping[str, str]) -> DeviceReading:
    """The cart's statements and what follows from its marks: intervals [ms] and axes [deg]."""
    found = [DeviceMeasurement(name="rr_mean_ms", value=number(row.get("rr_interval", "")), unit="ms",
                               label="rr_interval")]
    for name, (first, last) in _SPANS.items():
        span = number(row.get(last, "")) - number(row.get(first, ""))
        found.append(DeviceMeasurement(name=name, value=span, unit="ms", label=f"{last} - {first}"))
    # A mark at or before the one it should follow was not measured; comparisons with NaN are false.
    kept = [measurement for measurement in found if measurement.value > 0]
    for column, name in _AXES.items():
        angle = number(row.get(column, ""))
        if abs(angle) <= 360:
            kept.append(DeviceMeasurement(name=name, value=angle, unit="deg", label=column))
    statements = tuple(text for name in _REPORTS if (text := row.get(name, "").strip()))
    return DeviceReading(statements=statements, measurements=tuple(kept))


class Measurements:
    """`machine_measurements.csv` with an index of its rows: 16 bytes a row stay in memory, the rows on disk.

    A context manager. Rows are quickest in the order of the table. Line breaks inside quotes, which the table does not
    have, give a CorruptInputError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        packed = safe.read_head(path, count=2) == b"\x1f\x8b"
        self._stack = ExitStack()
        self._file: BinaryIO = self._stack.enter_context(path.open("rb"))
        if packed:
            self._file = cast("BinaryIO", self._stack.enter_context(gzip.GzipFile(fileobj=self._file)))
        try:
            self._columns = self._line()
            if "study_id" not in self._columns:
                raise CorruptInputError("no column study_id", where=path.name)
            self._studies, self._offsets = self._index()
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Measurements:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def row(self, study: int) -> dict[str, str]:
        """The row of one study; empty when there is none."""
        at = int(np.searchsorted(self._studies, study))
        if at == self._studies.size or self._studies[at] != study:
            return {}
        if self._file.tell() != self._offsets[at]:
            self._file.seek(int(self._offsets[at]))
        return dict(zip(self._columns, self._line(), strict=False))

    def _index(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Studies in ascending order and the offset of the row of each."""
        column = self._columns.index("study_id")
        offset, studies, offsets = self._file.tell(), [], []
        while cells := self._line():
            if len(cells) <= column or not is_number(cells[column].strip()):
                raise CorruptInputError("a row without study_id", where=self._path.name)
            studies.append(int(cells[column]))
            offsets.append(offset)
            offset = self._file.tell()
        keys = np.array(studies, dtype=np.int64)
        order = np.argsort(keys, kind="stable")
        return keys[order], np.array(offsets, dtype=np.int64)[order]

    def _line(self) -> list[str]:
        """The cells of the next line; empty at the end."""
        try:
            line = self._file.readline(_LINE_LIMIT)
            return next(csv.reader([line.decode("utf-8-sig")]), []) if line else []
        except (UnicodeDecodeError, csv.Error, OSError, EOFError):
            raise CorruptInputError("a damaged table", where=self._path.name) from None


def _table(root: Path, name: str) -> Path | None:
    return next((path for end in (".csv", ".csv.gz") if (path := root / (name + end)).is_file()), None)


def _filters(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(text for name in _FILTERS if (text := row.get(name, "").strip()))


def _load(path: Path, reading: DeviceReading, filters: tuple[str, ...]) -> Record:
    record = read(path)
    origin = record.provenance
    return record.replace(device=reading, provenance=replace(origin, filters=(*origin.filters, *filters)))
