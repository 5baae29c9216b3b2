"""SPH: 25,770 recordings of 10 to 60 s from Shandong Provincial Hospital with AHA statement codes.

Layout: `metadata.csv` (ECG_ID, AHA_Code, Patient_ID, Age, Sex, N, Date, and in a later version intervals) and
`records/A00001.h5` with `ecg [12, N]`; WFDB copies (`records/A00001.hea`) are read where there is no `.h5`.
Known defects: codes are primary statements with modifiers (`60+310`), several separated by `;`; the HDF5 files state
neither unit nor rate nor leads (mV, 500 Hz and the standard order as its readers take them; a record whose amplitudes
cannot be mV is withheld); mains, drift and muscle noise were filtered out by the device; the intervals are automatic,
and negative ones mean that the wave was not found; patients occur more than once; no official split. Another "SPH" is
Shaoxing People's Hospital (see `csn`).
Reference: Liu et al. 2022, Sci Data 9:272, CC BY 4.0; codes: Mason et al. 2007, Circulation 115:1325.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from ecground import leads
from ecground.corpora import hdf5
from ecground.corpora.amplitude import is_plausible, typical_mv, withheld
from ecground.corpora.case import Case, Terms, is_number, is_there, rows
from ecground.errors import CorruptInputError
from ecground.io import read
from ecground.io.channels import Channel, assemble, patient_age, patient_sex
from ecground.record import DeviceMeasurement, DeviceReading, Patient, Record

__all__ = ["TERMS", "cases", "intervals", "statements"]

TERMS: Final = Terms("CC BY 4.0")
_FS: Final = 500.0
_INTERVALS: Final[Mapping[str, str]] = {
    "RR_Interval": "rr_mean_ms", "PR_Interval": "pr_ms", "QRS_Complex": "qrs_ms", "QT_Interval": "qt_ms",
    "QTc_Interval": "qtc_ms",
}


def cases(folder: str | Path) -> Iterator[Case]:
    """All recordings in the order of the table.

    Raises:
        NotFoundError: no `metadata.csv`.
        CorruptInputError: a row without a usable identifier.
    """
    root = Path(folder)
    for row in rows(root / "metadata.csv"):
        name = row.get("ECG_ID", "").strip()
        if not name.isalnum():
            raise CorruptInputError("a row without ECG_ID", where="metadata.csv")
        files = _files(root / "records", name)
        patient = Patient(age=patient_age(row.get("Age", "")), sex=patient_sex(row.get("Sex", "")))
        length = row.get("N", "").strip()
        yield Case(
            corpus="sph", id=name, patient=row.get("Patient_ID", "") or name, label_system="aha",
            load=partial(_load, files[0], patient, intervals(row), int(length) if is_number(length) else None),
            labels=statements(row.get("AHA_Code", "")), person=patient, fs=_FS, files=files, terms=TERMS,
        )


def statements(codes: str) -> tuple[str, ...]:
    """The statements of one row, each a primary code with its modifiers (`60+310`)."""
    return tuple(dict.fromkeys(part.strip() for part in codes.split(";") if part.strip()))


def intervals(row: Mapping[str, str]) -> tuple[DeviceMeasurement, ...]:
    """The automatic intervals of one row [ms]; those that were not found are left out."""
    found = []
    for column, name in _INTERVALS.items():
        text = row.get(column, "").strip()
        value = float(text) if is_number(text.replace(".", "", 1)) else 0.0
        if value > 0:
            found.append(DeviceMeasurement(name=name, value=value, unit="ms", label=column))
    return tuple(found)


def _files(folder: Path, name: str) -> tuple[Path, ...]:
    """The HDF5 file, or the header and samples of a WFDB copy."""
    header = folder / f"{name}.hea"
    return (header, folder / f"{name}.dat") if is_there(header) else (folder / f"{name}.h5",)


def _load(path: Path, patient: Patient, measured: tuple[DeviceMeasurement, ...], length: int | None) -> Record:
    record = read(path) if path.suffix == ".hea" else _read_hdf5(path)
    if length is not None and record.n_samples != length:
        raise CorruptInputError(f"{record.n_samples} samples, {length} in the table", where=path.name)
    size = typical_mv(record)
    if record.provenance.calibrated and not is_plausible(size):
        record = withheld(record, f"a typical range of {size:.3g} mV is impossible: amplitudes are withheld")
    return record.replace(patient=patient, device=DeviceReading(measurements=measured))


def _read_hdf5(path: Path) -> Record:
    with hdf5.opened(path) as file:
        found = hdf5.dataset(file, "ecg", dimensions=2, where=path.name)
        if found.shape[0] != len(leads.STANDARD):
            raise CorruptInputError(f"{found.shape[0]} leads instead of 12", where=path.name)
        samples = hdf5.values(found, slice(None), where=path.name).astype(np.float32)
    channels = [Channel(label=name, values=row, unit="mV", gain="stored as mV (as its readers take it)")
                for name, row in zip(leads.STANDARD, samples, strict=True)]
    return assemble(channels, fs=_FS, format="sph", where=path.name,
                    notes=["500 Hz, mV and the order of leads as its readers take them; the file states none of them"])
