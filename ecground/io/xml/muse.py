"""GE MUSE `RestingECG` XML: base64 samples of the stored leads, measurements, statements.

Contract: microvolt = stored number x LeadAmplitudeUnitsPerBit of that very lead; rate = SampleBase x 10^SampleExponent.
The rhythm waveform is read; the median beat only when there is no rhythm, and said so. The usual eight stored leads
become twelve by derivation. HighPassFilter is in hundredths of a hertz. Wave positions of the median beat are samples
of it. A `DOCTYPE RestingECG` is passed over, never loaded.
Reference: GE MUSE XML export (restecg.dtd); checked on one real file (amplitudes of the matrix are microvolt there).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from ecground.errors import CorruptInputError, NoSignalError
from ecground.io.channels import Channel, assemble, patient_age, patient_sex
from ecground.io.source import Source
from ecground.io.xml.document import (
    base64_bytes,
    child,
    children,
    first,
    moment,
    number,
    root_name,
    root_of,
    scaled,
    text,
    values_of,
    years_between,
)
from ecground.leads import standard_name
from ecground.record import DeviceMeasurement, DeviceReading, Patient, Record

__all__ = ["read_muse", "sniff_muse"]

_UNITS: Final[Mapping[str, str]] = {
    "MICROVOLTS": "uV", "MICROVOLT": "uV", "MILLIVOLTS": "mV", "MILLIVOLT": "mV", "NANOVOLTS": "nV", "VOLTS": "V",
}
_AGE_LETTER: Final[Mapping[str, str]] = {"YEARS": "Y", "MONTHS": "M", "WEEKS": "W", "DAYS": "D", "": "Y"}
_GLOBAL: Final[Mapping[str, tuple[str, str]]] = {
    "VentricularRate": ("hr_bpm", "1/min"), "AtrialRate": ("atrial_rate_bpm", "1/min"), "PRInterval": ("pr_ms", "ms"),
    "PDuration": ("p_dur_ms", "ms"), "QRSDuration": ("qrs_ms", "ms"), "QTInterval": ("qt_ms", "ms"),
    "QTCorrected": ("qtc_ms", "ms"), "QTcFrederica": ("qtc_fridericia_ms", "ms"),
    "QTcFramingham": ("qtc_framingham_ms", "ms"), "QTcBazett": ("qtc_bazett_ms", "ms"), "PAxis": ("p_axis_deg", "deg"),
    "RAxis": ("qrs_axis_deg", "deg"), "TAxis": ("t_axis_deg", "deg"), "QRSCount": ("n_beats", ""),
}
_POSITIONS: Final = ("POnset", "POffset", "QOnset", "QOffset", "TOffset")
_WAVES: Final[Mapping[str, str]] = {
    "P": "p_amp", "PP": "p_amp2", "Q": "q_amp", "R": "r_amp", "S": "s_amp", "RP": "r2_amp", "SP": "s2_amp",
    "STJ": "j_amp", "STJ20": "st20", "STJ40": "st40", "STJ60": "st60", "STJ80": "st80", "T": "t_amp",
}
_DEPTHS: Final = frozenset({"q_amp", "s_amp", "s2_amp"})


def sniff_muse(source: Source) -> bool:
    """Whether the root element is `RestingECG`."""
    return root_name(source) == "RestingECG"


def read_muse(source: Source) -> Record:
    """The ECG of a MUSE file.

    Raises:
        NoSignalError: no waveform with samples.
        CorruptInputError: damaged XML or base64, or counts that contradict the samples.
        UnsafeInputError: entities, a DTD inside the file, size or nesting.
    """
    said: list[str] = []
    root = root_of(source, said=said, doctype="RestingECG")
    wave = _chosen(root, source.name, said)
    base, exponent = number(text(wave, "SampleBase")), number(text(wave, "SampleExponent")) or 0.0
    if base is None or not -12 <= exponent <= 12:
        raise CorruptInputError("no usable sampling rate", where=source.name, hint="SampleBase must be a number")
    channels = [_channel(lead, source.name, said) for lead in children(wave, "LeadData")]
    test, start = child(root, "TestDemographics"), None
    if test is not None:
        start = moment(text(test, "AcquisitionDate"), text(test, "AcquisitionTime"))
    return assemble(
        channels, fs=base * 10.0**exponent, format="muse", where=source.name, start=start,
        patient=_patient(child(root, "PatientDemographics"), text(test, "AcquisitionDate")),
        device=DeviceReading(statements=_statements(root, said), measurements=tuple(_measurements(root))),
        filters=_filters(wave), notes=said,
    )


def _chosen(root: Element, where: str, said: list[str]) -> Element:
    """The longest rhythm waveform, else the longest of any kind."""
    waves = [wave for wave in children(root, "Waveform") if child(wave, "LeadData") is not None]
    if not waves:
        raise NoSignalError("the MUSE file holds no waveform", where=where, hint="export it with waveforms")

    def rank(wave: Element) -> tuple[bool, float]:
        lead = child(wave, "LeadData")
        return "rhythm" in text(wave, "WaveformType").lower(), number(text(lead, "LeadSampleCountTotal")) or 0.0

    best = max(waves, key=rank)
    if not rank(best)[0]:
        said.append("only a representative (median) beat is stored, no rhythm")
    if left := [text(wave, "WaveformType")[:16] or "unnamed" for wave in waves if wave is not best]:
        said.append("other waveforms were left out: " + ", ".join(left))
    return best


def _channel(lead: Element, where: str, said: list[str]) -> Channel:
    label = text(lead, "LeadID")
    raw = _samples(lead, label, where, said)
    scale, written = number(text(lead, "LeadAmplitudeUnitsPerBit")), text(lead, "LeadAmplitudeUnits")
    unit = _UNITS.get(written.upper(), written) if scale else None
    if text(lead, "LeadOff").upper() == "TRUE":
        said.append(f"the device says that lead {label[:16]} was off")
    said += [f"{tag} of {label[:16]} is not zero; its meaning is not published, it was not applied"
             for tag in ("FirstSampleBaseline", "LeadOffsetFirstSample") if number(text(lead, tag))]
    return Channel(label=label, values=scaled(raw, step=scale or 1.0), unit=unit or None,
                   gain=f"{scale:g} {unit} a step" if scale and unit else "no unit given")


def _samples(lead: Element, label: str, where: str, said: list[str]) -> NDArray[np.signedinteger]:
    """Stored numbers, little endian `[sample]`; counts must be true, a wrong CRC is only said."""
    packed = base64_bytes(text(lead, "WaveFormData"), where=where)
    size = int(number(text(lead, "LeadSampleSize")) or 2)
    if size not in (1, 2, 4) or len(packed) % size:
        raise CorruptInputError(f"{len(packed)} bytes are no whole samples of {size} bytes", where=where)
    for tag, stored in (("LeadByteCountTotal", len(packed)), ("LeadSampleCountTotal", len(packed) // size)):
        declared = number(text(lead, tag))
        if declared is not None and declared != stored:
            raise CorruptInputError(f"{tag} is {declared:g}, but {stored} are stored", where=where,
                                    hint="the file is truncated or was changed")
    crc = text(lead, "LeadDataCRC32")
    if crc.isascii() and crc.isdigit() and len(crc) < 12 and int(crc) != zlib.crc32(packed):
        said.append(f"the checksum of lead {label[:16]} does not fit its samples: they may have been changed")
    return np.frombuffer(packed, f"<i{size}")


def _filters(wave: Element) -> tuple[str, ...]:
    high, low, mains = (number(text(wave, tag)) for tag in ("HighPassFilter", "LowPassFilter", "ACFilter"))
    found = [("high-pass", high / 100 if high else None), ("low-pass", low), ("notch", mains)]
    return tuple(f"{words} {value:g} Hz" for words, value in found if value)


def _patient(person: Element | None, day: str) -> Patient:
    """Age as written, else from the dates of birth and recording."""
    letter = _AGE_LETTER.get(text(person, "AgeUnits").upper())
    age = patient_age(text(person, "PatientAge") + letter) if letter else None
    if age is None:
        age = years_between(moment(text(person, "DateofBirth")), moment(day))
    return Patient(age=age, sex=patient_sex(text(person, "Gender")))


def _statements(root: Element, said: list[str]) -> tuple[str, ...]:
    """The current statements, then those of the device that an editor has taken away."""
    current, original = (_lines(child(root, tag)) for tag in ("Diagnosis", "OriginalDiagnosis"))
    if current and original and current != original:
        said.append("the diagnosis was edited after the recording: edited statements first, then the device's own")
    return tuple(dict.fromkeys(current + original))


def _lines(diagnosis: Element | None) -> list[str]:
    """Statements, whose parts run on until the flag ENDSLINE."""
    lines: list[str] = []
    parts: list[str] = []
    statements = children(diagnosis, "DiagnosisStatement")
    flagged = any(text(flag).upper() == "ENDSLINE" for one in statements for flag in children(one, "StmtFlag"))
    for statement in statements:
        parts += [part for part in [text(statement, "StmtText")] if part]
        if not flagged or any(text(flag).upper() == "ENDSLINE" for flag in children(statement, "StmtFlag")):
            lines, parts = [*lines, " ".join(parts)], []
    return [line for line in [*lines, " ".join(parts)] if line]


def _measurements(root: Element) -> Iterator[DeviceMeasurement]:
    """Global values, wave positions in the median beat, and amplitudes a lead."""
    table = child(root, "RestingECGMeasurements")
    table = child(root, "OriginalRestingECGMeasurements") if table is None else table
    for tag, (name, unit) in _GLOBAL.items():
        yield from values_of(text(table, tag), unit, name=name, label=tag)
    for tag in _POSITIONS:
        yield from values_of(text(table, tag), "sample", name=None, label=f"{tag} (median beat)")
    for one in first(root, "AmplitudeMeasurements") or ():
        wave = text(one, "AmplitudeMeasurementWaveID").removeprefix("IE_")
        lead = standard_name(text(one, "AmplitudeMeasurementLeadID"))
        if wave not in _WAVES or lead is None:
            continue
        for value in values_of(text(one, "AmplitudeMeasurementPeak"), "mV", name=_WAVES[wave], lead=lead, label=wave,
                               scale=1e-3):
            yield _deep(value) if value.name in _DEPTHS else value


def _deep(value: DeviceMeasurement) -> DeviceMeasurement:
    """MUSE gives the depth of Q and S as a magnitude; ours are negative."""
    return DeviceMeasurement(value.name, -abs(value.value), value.unit, value.lead, value.label)
