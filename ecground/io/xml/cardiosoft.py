"""GE CardioSoft `CardiologyXML` (also UK Biobank's resting ECGs): comma-separated samples, measurements, statements.

Contract: microvolt = stored number x `Resolution` in uVperLsb; the strip of the whole rhythm is read, the median beat
only when there is no strip, and said so; the full disclosure of an exercise test is left out and said so.
Reference: no public specification and no open sample: element names, units and layout as several independent open
readers of UK Biobank's fields 20205 and 6025 agree on them. Never tried on a real file, which every record says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element

from ecground.errors import CorruptInputError, NoSignalError
from ecground.io.channels import Channel, assemble, patient_age, patient_sex
from ecground.io.source import Source
from ecground.io.xml.document import (
    child,
    children,
    decimals,
    first,
    given,
    number,
    root_name,
    root_of,
    scaled,
    text,
    values_of,
    years_between,
)
from ecground.record import DeviceMeasurement, DeviceReading, Patient, Record

__all__ = ["read_cardiosoft", "sniff_cardiosoft"]

_GLOBAL: Final[Mapping[str, tuple[str, str]]] = {
    "VentricularRate": ("hr_bpm", "1/min"), "RRInterval": ("rr_mean_ms", "ms"), "PDuration": ("p_dur_ms", "ms"),
    "PQInterval": ("pr_ms", "ms"), "QRSDuration": ("qrs_ms", "ms"), "QTInterval": ("qt_ms", "ms"),
    "QTCInterval": ("qtc_ms", "ms"), "PAxis": ("p_axis_deg", "deg"), "RAxis": ("qrs_axis_deg", "deg"),
    "TAxis": ("t_axis_deg", "deg"),
}
_POSITIONS: Final = ("POnset", "POffset", "QOnset", "QOffset", "TOffset")
_STATEMENTS: Final = frozenset(("Statement", "DiagnosisText", "ConclusionText"))
_AGE_LETTER: Final[Mapping[str, str]] = {"YEARS": "Y", "MONTHS": "M", "WEEKS": "W", "DAYS": "D", "": "Y"}
_UNVERIFIED: Final = "unverified: no sample of this format was ever tried"


def sniff_cardiosoft(source: Source) -> bool:
    """Whether the root element is `CardiologyXML`."""
    return root_name(source) == "CardiologyXML"


def read_cardiosoft(source: Source) -> Record:
    """The ECG of a CardioSoft file.

    Raises:
        NoSignalError: neither a strip nor a median beat with samples.
        CorruptInputError: damaged XML, no sampling rate, samples that are no numbers, or counts that contradict them.
        UnsafeInputError: DTD, entities, size or nesting.
    """
    said = [_UNVERIFIED]
    root = root_of(source, said=said)
    wave = _chosen(root, source.name, said)
    fs = number(text(wave, "SampleRate"))
    if fs is None:
        raise CorruptInputError("no usable sampling rate", where=source.name, hint="SampleRate must be a number of Hz")
    began = _moment(child(root, "ObservationDateTime"))
    return assemble(
        _channels(wave, source.name), fs=fs, format="cardiosoft", where=source.name, start=began,
        patient=_patient(child(root, "PatientInfo"), began), filters=_filters(first(root, "FilterSetting")), notes=said,
        device=DeviceReading(statements=_statements(root), measurements=tuple(_measurements(root))),
    )


def _chosen(root: Element, where: str, said: list[str]) -> Element:
    strips, beats = ([wave for wave in root.iter(tag) if child(wave, "WaveformData") is not None]
                     for tag in ("StripData", "MedianSamples"))
    if first(root, "FullDisclosure") is not None:
        said.append("other waveforms were left out: full disclosure")
    if not strips and not beats:
        raise NoSignalError("the CardioSoft file holds no strip", where=where, hint="export it with waveforms")
    if not strips:
        said.append("only a representative (median) beat is stored, no rhythm")
    elif left := len(strips) - 1 + len(beats):
        said.append(f"other waveforms were left out: {left} further strips or median beats")
    return (strips or beats)[0]


def _channels(wave: Element, where: str) -> list[Channel]:
    resolution = child(wave, "Resolution")
    step = number(text(resolution))
    unit = "uV" if step and given(resolution, "units").lower() == "uvperlsb" else None
    declared = number(text(wave, "ChannelSampleCountTotal"))
    channels = []
    for one in children(wave, "WaveformData"):
        raw = decimals(one.text or "", where=where, separator=",")
        if declared is not None and declared != raw.size:
            raise CorruptInputError(f"{declared:g} samples declared, {raw.size} stored", where=where)
        channels.append(Channel(label=given(one, "lead"), values=scaled(raw, step=step if unit and step else 1.0),
                                unit=unit, gain=f"{step:g} uV a step" if unit else "no unit given"))
    return channels


def _moment(when: Element | None) -> datetime | None:
    """A date, and a time of day where there is one, whose parts are elements."""
    parts = [number(text(when, name)) for name in ("Year", "Month", "Day", "Hour", "Minute", "Second")]
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in parts)
        return datetime(year, month, day, hour, minute, second)
    except (ValueError, OverflowError):
        return None


def _patient(person: Element | None, began: datetime | None) -> Patient:
    """Age as written, else from the dates of birth and recording."""
    stated = child(person, "Age")
    letter = _AGE_LETTER.get(given(stated, "units").upper())
    age = patient_age(text(stated) + letter) if letter and text(stated) else None
    if age is None:
        age = years_between(_moment(child(person, "BirthDateTime")), began)
    return Patient(age=age, sex=patient_sex(text(person, "Gender")))


def _filters(settings: Element | None) -> tuple[str, ...]:
    band = (("high-pass", number(text(settings, "HighPass"))), ("low-pass", number(text(settings, "LowPass"))))
    mains = [f"notch {hertz} Hz" for hertz in (50, 60) if text(settings, f"Filter{hertz}Hz").lower() == "yes"]
    return (*(f"{words} {value:g} Hz" for words, value in band if value), *mains)


def _statements(root: Element) -> tuple[str, ...]:
    found = (" ".join((one.text or "").replace("\0", " ").split()) for part in root.iter("Interpretation")
             for one in part.iter() if one.tag in _STATEMENTS)
    return tuple(dict.fromkeys(filter(None, found)))


def _measurements(root: Element) -> Iterator[DeviceMeasurement]:
    """Global values, and positions in the median beat, which are given in ms from its start."""
    table = child(root, "RestingECGMeasurements")
    for tag, (name, unit) in _GLOBAL.items():
        yield from values_of(text(table, tag), unit, name=name, label=tag)
    for tag in _POSITIONS:
        yield from values_of(text(table, tag), "ms", name=None, label=f"{tag} (median beat)")
