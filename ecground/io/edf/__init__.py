"""EDF and EDF+ (European Data Format): the ECG channels of a recording, read and written.

Contract: the header's sizes are checked here, values come from edfio, and physical units become millivolt. Only ECG is
read: channels labelled so (`ECG II`), or with a lead's name; in a file without any, voltage channels that are not named
after another signal or an electrode of the scalp. Channels of another sampling rate are left out, with a note. Gaps of
a discontinuous file (EDF+D), and stretches that our writer marked as not recorded, are NaN. A file that holds
annotations and no signals gives a record without leads.
Reference: Kemp 1992 (EDF), Kemp and Olivan 2003 (EDF+), edfplus.info "standard texts".
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ecground.errors import CorruptInputError, EcgroundError, NoSignalError, UnsafeInputError
from ecground.io.channels import MV_PER_UNIT, Channel, assemble, is_sentinel, lead_name, patient_sex
from ecground.io.edf.header import ANNOTATIONS, Layout, layout, looks_like_edf, onsets
from ecground.io.edf.writer import AGE, END_OF_RECORDING, NOT_RECORDED, write_edf
from ecground.io.source import Source
from ecground.leads import standard_name
from ecground.record import Patient, Provenance, Record

if TYPE_CHECKING:
    from edfio import Edf, EdfSignal

__all__ = ["read_edf", "sniff_edf", "write_edf"]

_ECG: Final = re.compile(r"(?i)\b(ecg|ekg)")
_LEAD: Final = re.compile(r"(?i)(lead[ _]?)?(I{1,3}|aV[RLF]|V[1-9]R?|M[LC]\S{1,3}|D[123]|DI{1,3}|CM5|CC5|CS1)")
_SCALP: Final = re.compile(r"(?i)(EEG\s*)?(fp|af|f|fc|ft|c|cp|t|tp|p|po|o|a|m)(z|\d{1,2})\b")
_GAP_SAMPLES: Final = 1 << 26
_FILTER: Final = re.compile(r"(?i)\b(HP|LP|N)\s*:\s*([\d.]+)\s*Hz")
_FILTER_WORDS: Final = {"HP": "high-pass", "LP": "low-pass", "N": "notch"}


def sniff_edf(source: Source) -> bool:
    """Whether the file starts with an EDF header."""
    return looks_like_edf(source.head)


def read_edf(source: Source) -> Record:
    """The ECG of an EDF or EDF+ file.

    Raises:
        NoSignalError: it holds signals, but no ECG.
        CorruptInputError: the header is damaged or the file is shorter than it says.
        UnsafeInputError: more signals or samples than can be read.
    """
    where = source.name
    found = layout(source.data, where=where)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _read(source, found)
        except EcgroundError:
            raise
        except Exception as error:  # noqa: BLE001 - edfio raises every kind of exception on damaged fields
            raise CorruptInputError(
                f"a damaged EDF file ({type(error).__name__})", where=where, hint="export it again",
            ) from None


def _read(source: Source, found: Layout) -> Record:
    import edfio

    where = source.name
    silent = all(label == ANNOTATIONS for label in found.labels)
    if not silent and not (found.records and found.record_seconds and found.signal_samples):
        raise NoSignalError("the EDF file holds no samples", where=where, hint="give a file with recorded leads")
    edf = edfio.read_edf(_counted(source.data, found), header_encoding="latin-1")
    if silent:
        return _without_signals(edf, where)
    said: list[str] = []
    chosen = _ecg_of_one_rate(edf.signals, where, said)
    fs = chosen[0].samples_per_data_record / found.record_seconds
    starts = onsets(source.data, found, where=where) if found.reserved.startswith("EDF+D") else None
    if starts is not None:
        _bound_gaps(starts, fs, chosen, where)
    rows = [_row(signal, fs, starts) for signal in chosen]
    rows = _marked(rows, chosen, edf, fs, said)
    channels = [Channel(label=_label(signal.label), values=row, unit=_unit(signal), gain=_gain(signal))
                for signal, row in zip(chosen, rows, strict=True)]
    if starts is not None and np.any(np.diff(starts) > found.record_seconds + 0.5 / fs):
        said.append("the recording was interrupted: gaps are missing (NaN)")
    return assemble(
        channels, fs=fs, format="edf", where=where, patient=_patient(edf), start=_start(edf),
        filters=_filters(chosen), notes=said,
    )


def _counted(data: bytes, found: Layout) -> bytes:
    """The file with the number of data records that are there, and nothing after them; itself when that is so."""
    used = found.header_bytes + found.records * found.record_bytes
    counted = f"{found.records:<8d}".encode()
    if data[236:244] == counted and len(data) == used:
        return data
    return data[:236] + counted + data[244:used]


def _without_signals(edf: Edf, where: str) -> Record:
    """A record without leads; its rate is 1 Hz because it needs one, and a note says so."""
    if not edf.annotations:
        raise NoSignalError("the EDF file holds neither signals nor annotations", where=where)
    note = f"the file holds {len(edf.annotations)} annotations and no signals; its sampling rate of 1 Hz means nothing"
    return Record(
        signal=np.zeros((0, 0), np.float32), fs=1.0, leads=(), patient=_patient(edf), start=_start(edf),
        provenance=Provenance(format="edf", notes=(note,), calibrated=False),
    )


def _ecg_of_one_rate(signals: Sequence[EdfSignal], where: str, said: list[str]) -> list[EdfSignal]:
    """The ECG channels of the rate that most of them have."""
    labelled = [signal for signal in signals if _is_labelled_ecg(signal)]
    ecg = labelled or [signal for k, signal in enumerate(signals) if _may_be_ecg(signal, k)]
    if not ecg:
        raise NoSignalError(
            f"none of {len(signals)} channels is an ECG lead", where=where,
            hint="label ECG channels by their lead, for example 'ECG II', with a unit of voltage",
        )
    if not labelled:
        said.append("no channel is labelled as ECG: the voltage channels were taken for leads")
    rates = [signal.samples_per_data_record for signal in ecg]
    rate = max(set(rates), key=lambda one: (rates.count(one), one))
    other = [signal.label for signal in ecg if signal.samples_per_data_record != rate]
    if other:
        said.append("ECG channels of another sampling rate were left out: " + ", ".join(other))
    left = [signal.label for signal in signals if signal not in ecg]
    if left:
        said.append("channels that are no ECG leads were left out: " + ", ".join(left[:32]))
    return [signal for signal in ecg if signal.samples_per_data_record == rate]


def _is_labelled_ecg(signal: EdfSignal) -> bool:
    named = _ECG.search(signal.label) or _LEAD.fullmatch(signal.label) or _ECG.search(signal.transducer_type)
    return bool(named) and (_unit(signal) is None or _is_voltage(signal))


def _may_be_ecg(signal: EdfSignal, index: int) -> bool:
    channel = Channel(label=signal.label, values=np.zeros(0, np.float32), unit=_unit(signal))
    return _is_voltage(signal) and not _SCALP.match(signal.label) and lead_name(channel, index) is not None


def _is_voltage(signal: EdfSignal) -> bool:
    return signal.physical_dimension.strip().lower() in MV_PER_UNIT


def _unit(signal: EdfSignal) -> str | None:
    """The unit of the physical values; None when there is none, or no scale to reach it."""
    flat = signal.physical_min == signal.physical_max or signal.digital_min == signal.digital_max
    return None if flat else signal.physical_dimension.strip() or None


def _label(label: str) -> str:
    """The lead inside `ECG II` or `EKG-V1`; the label itself when there is none."""
    bare = re.sub(r"(?i)^(ecg|ekg)[\s_\-]*", "", label)
    return bare if standard_name(bare) else label


def _gain(signal: EdfSignal) -> str:
    unit = _unit(signal)
    if unit is None:
        return "no unit given"
    step = (signal.physical_max - signal.physical_min) / (signal.digital_max - signal.digital_min)
    return f"{step:g} {unit} a step"


def _bound_gaps(starts: NDArray[np.float64], fs: float, signals: Sequence[EdfSignal], where: str) -> None:
    """UnsafeInputError when gaps blow a small file up: more than 8 times its samples and more than 2^26 in all."""
    stored = len(starts) * signals[0].samples_per_data_record
    span = (starts[-1] - starts[0]) * fs + signals[0].samples_per_data_record
    if span * len(signals) > max(_GAP_SAMPLES, 8 * stored * len(signals)):
        raise UnsafeInputError("the gaps of the recording are too long", where=where, hint="cut the file into parts")


def _row(signal: EdfSignal, fs: float, starts: NDArray[np.float64] | None) -> NDArray[np.float32]:
    """Physical values `[sample]` in the channel's unit; NaN in the gaps between data records."""
    values: NDArray[np.float32] = signal.data.astype(np.float32)
    if is_sentinel(signal.digital):
        values[:] = np.nan
    if starts is None:
        return values
    first = np.rint((starts - starts[0]) * fs).astype(np.int64)
    width = signal.samples_per_data_record
    row = np.full(int(first[-1]) + width, np.nan, np.float32)
    row[(first[:, None] + np.arange(width)).reshape(-1)] = values[:first.size * width]
    return row


def _marked(
    rows: Sequence[NDArray[np.float32]], signals: Sequence[EdfSignal], edf: Edf, fs: float, said: list[str],
) -> list[NDArray[np.float32]]:
    """Rows with the stretches that our writer marked as not recorded, and without what follows the recording's end."""
    marks = [note for note in edf.annotations if note.text.startswith((NOT_RECORDED, END_OF_RECORDING))]
    if others := len(edf.annotations) - len(marks):
        said.append(f"{others} annotations of the file were left out")
    changed = [row.copy() for row in rows] if marks else list(rows)
    for note in marks:
        at = max(round(note.onset * fs), 0)
        if note.text == END_OF_RECORDING:
            changed = [row[:at] for row in changed]
            continue
        lead = note.text.removeprefix(NOT_RECORDED).removeprefix("@@")
        for row, signal in zip(changed, signals, strict=True):
            if lead == signal.label:
                row[at:at + max(round((note.duration or 0) * fs), 0)] = np.nan
    return changed


def _filters(signals: Sequence[EdfSignal]) -> tuple[str, ...]:
    """Prefiltering of the channels, each once, in words."""
    found = {f"{_FILTER_WORDS[kind.upper()]} {hertz} Hz": None for signal in signals
             for kind, hertz in _FILTER.findall(signal.prefiltering)}
    return tuple(found)


def _patient(edf: Edf) -> Patient:
    """Sex, and the age that our writer kept or that follows from the dates of birth and recording (EDF+ only)."""
    if not str(edf.reserved).startswith("EDF+"):
        return Patient()
    stated = AGE.search(edf.local_patient_identification)
    age = float(stated[1]) if stated else _years(_quietly(lambda: edf.patient.birthdate), _start(edf))
    return Patient(age=age if age is not None and age <= 130 else None, sex=patient_sex(edf.patient.sex))


def _years(born: Any, start: datetime | None) -> float | None:  # noqa: ANN401 - whatever edfio made of the field
    if born is None or start is None or start.date() < born:
        return None
    return float(int((start.date() - born).days / 365.25))


def _start(edf: Edf) -> datetime | None:
    day, time = _quietly(lambda: edf.startdate), _quietly(lambda: edf.starttime)
    return datetime.combine(day, time) if day is not None and time is not None else None


def _quietly(field: Any) -> Any:  # noqa: ANN401 - one of edfio's fields
    """A field of the header; None when it is withheld or damaged."""
    try:
        return field()
    except Exception:  # noqa: BLE001 - anonymised and malformed dates raise different exceptions
        return None
