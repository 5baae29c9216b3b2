"""`Record` -> EDF+C with one `ECG <lead>` channel a lead, in microvolt.

Contract: 16-bit samples, 0.1, 1 or 10 uV a step, the finest that a lead's range allows. EDF has no missing samples:
they are stored as zero and marked by an annotation for that channel (`Not recorded@@ECG V1`); a last data record that
is not full is marked by the standard text `Recording ends`. Our reader turns both back. The file names no person.
Reference: Kemp 1992 (EDF), Kemp and Olivan 2003 (EDF+).
"""

from __future__ import annotations

import re
import warnings
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import UsageError
from ecground.record import Record

if TYPE_CHECKING:
    from edfio import EdfAnnotation, EdfSignal

__all__ = ["AGE", "END_OF_RECORDING", "NOT_RECORDED", "write_edf"]

NOT_RECORDED: Final = "Not recorded"
END_OF_RECORDING: Final = "Recording ends"
AGE: Final = re.compile(r"(?:^| )Age_(\d{1,3}(?:\.\d+)?)y(?: |$)")
"""The subfield of the patient identification in which age in years is kept."""
_STEPS: Final = (0.1, 1.0, 10.0, 100.0)
_LOW, _HIGH = -32768, 32767
_MAX_GAPS: Final = 10_000
_RECORD_SECONDS: Final = (1, 2, 3, 4, 5, 8, 10, 12, 15, 16, 20, 25, 30, 40, 50, 60, 100)
_FILTER: Final = re.compile(r"(high-pass|low-pass|notch) ([\d.]+) Hz")
_FILTER_CODE: Final = {"high-pass": "HP", "low-pass": "LP", "notch": "N"}


def write_edf(record: Record, path: Path) -> tuple[str, ...]:
    """Write one file; says what EDF+ could not keep.

    Raises:
        UsageError: a sampling rate without whole data records, or amplitudes beyond 3.2 V.
    """
    import edfio

    width, seconds = _data_record(record.fs, path.name)
    signals, steps = _signals(record, width, path.name)
    day = record.start.date() if record.start and 1985 <= record.start.year <= 2084 else None
    age = record.patient.age
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        edf = edfio.Edf(
            signals, data_record_duration=seconds, annotations=_annotations(record, width, path.name),
            patient=edfio.Patient(sex=record.patient.sex or "X", additional=() if age is None else (f"Age_{age:g}y",)),
            recording=edfio.Recording(startdate=day),
            starttime=record.start.time() if record.start and day else None,
        )
        safe.write_atomic(path, edf.to_bytes())
    return tuple(_lost(record, steps, day))


def _data_record(fs: float, where: str) -> tuple[int, float]:
    """Samples of a data record and its length [s]."""
    for seconds in _RECORD_SECONDS:
        samples = round(fs * seconds)
        if samples and abs(samples - fs * seconds) < 1e-9 * samples:
            return samples, float(seconds)
    raise UsageError(
        f"EDF cannot hold {fs:g} Hz exactly", where=where, hint="resample to a whole number of Hz, or write NPZ",
    )


def _signals(record: Record, width: int, where: str) -> tuple[list[EdfSignal], set[float]]:
    """One channel a lead, filled up to whole data records, and the steps used [uV]."""
    from edfio import EdfSignal

    unit, scale = ("uV", 1e3) if record.provenance.calibrated else ("", 1.0)
    rows = np.nan_to_num(record.signal.astype(np.float64) * scale)
    rows = np.pad(rows, ((0, 0), (0, -record.n_samples % width)))
    filters = " ".join(f"{_FILTER_CODE[kind]}:{hertz}Hz" for text in record.provenance.filters
                       for kind, hertz in _FILTER.findall(text))[:80]
    signals, steps = [], set()
    for lead, row in zip(record.leads, rows, strict=True):
        step = next((step for step in _STEPS if np.abs(row).max() < _HIGH * step), None)
        if step is None:
            raise UsageError(f"lead {lead[:16]} exceeds 3.2 V", where=where, hint="check the unit of the samples")
        steps.add(step)
        signals.append(EdfSignal.from_digital(
            np.rint(row / step).astype(np.int16), sampling_frequency=record.fs, label=_label(lead),
            physical_dimension=unit, physical_range=(round(_LOW * step, 1), round(_HIGH * step, 1)),
            digital_range=(_LOW, _HIGH), prefiltering=filters,
        ))
    return signals, steps


def _label(lead: str) -> str:
    """`ECG <lead>`, ASCII, at most 16 characters."""
    return f"ECG {lead}".encode("ascii", "replace").decode()[:16].strip()


def _annotations(record: Record, width: int, where: str) -> list[EdfAnnotation]:
    """What is missing, and where the recording ends when the last data record is not full."""
    from edfio import EdfAnnotation

    found = []
    for lead, row in zip(record.leads, record.signal, strict=True):
        for first, length in _gaps(np.isnan(row)):
            found.append(EdfAnnotation(round(first / record.fs, 6), round(length / record.fs, 6),
                                       f"{NOT_RECORDED}@@{_label(lead)}"))
            if len(found) > _MAX_GAPS:
                raise UsageError("too many gaps for EDF annotations", where=where, hint="write NPZ")
    if record.n_samples % width:
        found.append(EdfAnnotation(round(record.n_samples / record.fs, 6), None, END_OF_RECORDING))
    return found


def _gaps(missing: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First sample and length of each run of missing samples."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], missing.astype(np.int8), [0]])))
    return [(int(first), int(last - first)) for first, last in zip(edges[::2], edges[1::2], strict=True)]


def _lost(record: Record, steps: set[float], day: date | None) -> list[str]:
    """One sentence for each thing that EDF+ could not keep."""
    unit = "uV" if record.provenance.calibrated else "units"
    lost = [f"amplitudes were rounded to {' or '.join(f'{step:g}' for step in sorted(steps))} {unit}"]
    if np.isnan(record.signal).any():
        lost.append("EDF has no missing samples: they are zero, and marked by annotations")
    if record.device.statements or record.device.measurements:
        lost.append("the device's own reading was left out")
    if record.comments:
        lost.append("comments were left out")
    if record.start is not None and day is None:
        lost.append("EDF holds dates from 1985 to 2084 only: the start was left out")
    lost += [f"the lead name {lead[:16]} was changed" for lead in record.leads if _label(lead) != f"ECG {lead}"]
    return lost
