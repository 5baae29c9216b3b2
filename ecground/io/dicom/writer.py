"""`Record` -> a DICOM waveform object with CID 3001 lead codes and UCUM units.

Contract: 12-lead ECG (up to 13 leads, 16384 samples, 200-1000 Hz), else General ECG (up to 24 leads, 200-1000 Hz),
else Ambulatory ECG (up to 12 leads, 50-1000 Hz); signed 16-bit samples, 1 uV a step unless a lead exceeds 32 mV, NaN as
the padding value -32768. The object is unidentified: no name, no patient number, fresh UIDs.
Reference: DICOM PS3.3 A.34.3 to A.34.5 and C.10.9, PS3.16 CID 3001.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ecground import __version__, safe
from ecground.errors import UsageError
from ecground.io.dicom.codes import LEAD_MEANING, LEAD_NUMBER, MEASURE_CODE
from ecground.record import DeviceMeasurement, Record

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["write_dicom"]

_TWELVE_LEAD: Final = "1.2.840.10008.5.1.4.1.1.9.1.1"
_GENERAL: Final = "1.2.840.10008.5.1.4.1.1.9.1.2"
_AMBULATORY: Final = "1.2.840.10008.5.1.4.1.1.9.1.3"
_IMPLEMENTATION: Final = "2.25.126187326430251739403016230107061498411"
_PADDING: Final = -(2**15)
_UCUM_MEANING: Final = {"ms": "millisecond", "deg": "degree", "1/min": "per minute", "mV": "millivolt",
                        "uV": "microvolt"}
_GROUP: Final = re.compile(r"^(.*) \(annotation group (\d+)\)$")


def write_dicom(record: Record, path: Path) -> tuple[str, ...]:
    """Write one object; says what DICOM could not keep. UsageError when no ECG object allows the rate or leads."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

    ds = Dataset()
    ds.SOPClassUID = UID(_object_class(record, path.name))
    ds.SOPInstanceUID = generate_uid(prefix=None)
    _study(ds, record, generate_uid(prefix=None), generate_uid(prefix=None))
    raw, microvolt = _integers(record)
    ds.WaveformSequence = [_group(record, raw, microvolt)]
    if annotations := _annotations(record):
        ds.WaveformAnnotationSequence = annotations
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.ImplementationClassUID = UID(_IMPLEMENTATION)
    stream = BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    safe.write_atomic(path, stream.getvalue())
    return _lost(record)


def _object_class(record: Record, where: str) -> str:
    leads, fs = len(record.leads), record.fs
    if leads <= 13 and record.n_samples <= 16384 and 200 <= fs <= 1000:
        return _TWELVE_LEAD
    if leads <= 24 and 200 <= fs <= 1000:
        return _GENERAL
    if leads <= 12 and 50 <= fs <= 1000:
        return _AMBULATORY
    raise UsageError(
        f"no DICOM ECG object holds {leads} leads at {fs:g} Hz", where=where,
        hint="resample to 50-1000 Hz, or write NPZ",
    )


def _study(ds: Dataset, record: Record, study: str, series: str) -> None:
    """Patient, study, series and equipment modules, without identity."""
    now = datetime.now(tz=UTC).replace(tzinfo=None)
    start = record.start or now
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PatientName = ds.PatientID = ds.PatientBirthDate = ""
    ds.PatientSex = record.patient.sex or ""
    if (age := record.patient.age) is not None:
        ds.PatientAge = f"{int(age):03d}Y" if age >= 2 or age == 0 else f"{round(age * 12):03d}M"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study, series
    ds.StudyDate = ds.ContentDate = start.strftime("%Y%m%d")
    ds.StudyTime = ds.ContentTime = start.strftime("%H%M%S.%f")
    ds.AcquisitionDateTime = start.strftime("%Y%m%d%H%M%S.%f") if record.start else ""
    ds.InstanceCreationDate, ds.InstanceCreationTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    ds.StudyID = ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.Modality = "ECG"
    ds.SeriesNumber = ds.InstanceNumber = "1"
    ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = "ecground", "ecground", __version__
    ds.AcquisitionContextSequence = []


def _integers(record: Record) -> tuple[NDArray[np.int16], float]:
    """`[sample, lead]` and the size of a step [uV]."""
    microvolts = record.signal.T.astype(np.float64) * 1e3
    peak = float(np.nanmax(np.abs(microvolts), initial=0.0))
    step = 1.0 if peak <= 32766 else float(f"{peak / 32700:.4g}")
    steps = np.rint(microvolts / step)
    return np.where(np.isnan(steps), _PADDING, steps).astype("<i2"), step


def _group(record: Record, raw: NDArray[np.int16], step: float) -> Dataset:
    from pydicom.dataset import Dataset

    group = Dataset()
    group.MultiplexGroupTimeOffset = group.TriggerTimeOffset = "0"
    group.WaveformOriginality = "ORIGINAL"
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = raw.shape[1], raw.shape[0]
    group.SamplingFrequency = f"{record.fs:.10g}"
    group.MultiplexGroupLabel = "RHYTHM"
    group.ChannelDefinitionSequence = [_channel(record, lead, step) for lead in record.leads]
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    if np.isnan(record.signal).any():
        group.add_new(0x5400100A, "OW", np.int16(_PADDING).astype("<i2").tobytes())
    group.add_new(0x54001010, "OW", raw.tobytes())
    return group


def _channel(record: Record, lead: str, step: float) -> Dataset:
    from pydicom.dataset import Dataset

    channel = Dataset()
    channel.ChannelLabel = lead[:16]
    number = LEAD_NUMBER.get(lead)
    channel.ChannelSourceSequence = [
        _code(f"2:{number}", "MDC", LEAD_MEANING.get(lead, f"Lead {lead}")) if number
        else _code(lead[:16], "99ECGROUND", lead[:64])
    ]
    if record.provenance.calibrated:
        channel.ChannelSensitivity = f"{step:.10g}"
        channel.ChannelSensitivityUnitsSequence = [_code("uV", "UCUM", "microvolt")]
        channel.ChannelSensitivityCorrectionFactor, channel.ChannelBaseline = "1", "0"
    channel.ChannelSampleSkew = "0"
    channel.WaveformBitsStored = 16
    for keyword, words in (("FilterLowFrequency", "high-pass"), ("FilterHighFrequency", "low-pass"),
                           ("NotchFilterFrequency", "notch")):
        for found in (re.fullmatch(rf"{words} ([\d.]+) Hz", text) for text in record.provenance.filters):
            if found:
                setattr(channel, keyword, found[1])
    return channel


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    from pydicom.dataset import Dataset

    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _annotations(record: Record) -> list[Dataset]:
    """The device's own statements, numbers and wave positions."""
    from pydicom.dataset import Dataset

    items = []
    for statement in record.device.statements:
        item = Dataset()
        item.ReferencedWaveformChannels, item.AnnotationGroupNumber = [1, 0], 0
        item.UnformattedTextValue = statement
        items.append(item)
    return items + [_measurement(m, record.leads) for m in record.device.measurements]


def _measurement(m: DeviceMeasurement, leads: Sequence[str]) -> Dataset:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedWaveformChannels = [1, leads.index(m.lead) + 1 if m.lead in leads else 0]
    named = _GROUP.match(m.label)
    label = (named[1] if named else m.label or m.name)[:64]
    code, meaning = MEASURE_CODE.get(m.name, (m.name[:16], label))
    known = m.name in MEASURE_CODE
    item.ConceptNameCodeSequence = [_code(code, "SCPECG" if known else "99ECGROUND", label if m.label else meaning)]
    if m.unit == "sample":
        item.AnnotationGroupNumber = int(named[2]) if named else 2
        item.TemporalRangeType, item.ReferencedSamplePositions = "POINT", int(m.value)
        return item
    item.AnnotationGroupNumber = 1
    unit = {"1/min": "{H.B.}/min"}.get(m.unit, m.unit)
    if unit:
        item.MeasurementUnitsCodeSequence = [_code(unit[:16], "UCUM", _UCUM_MEANING.get(m.unit, unit)[:64])]
    item.NumericValue = f"{m.value:.10g}"
    return item


def _lost(record: Record) -> tuple[str, ...]:
    lost = []
    if record.comments:
        lost.append("DICOM holds no free comments")
    if any(how != "recorded" for how in record.provenance.lead_origin.values()):
        lost.append("derived leads are written like recorded ones")
    if not record.provenance.calibrated:
        lost.append("written without sensitivity (uncalibrated), 1000 steps for 1")
    return tuple(lost)
