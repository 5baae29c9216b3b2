"""Philips Sierra / PageWriter XML (`restingecgdata`), versions 1.03, 1.04 and 1.04.01; 1.04.02 has the same elements.

Contract: microvolt = (stored number - signal offset) x resolution. Samples are base64, packed with XLI (see `xli`) or
plain 16-bit little-endian lead after lead; packed ones hold the limb leads as residuals, plain ones are taken as they
are. Many files end with a calibration pulse in all leads: it is cut off and said so. The rhythm is read;
representative beats are named in the notes. Signature lines, which name people, are not kept.
Reference: the elements of five real files and the sierra-ecg-tools project; amplitudes of the lead table are microvolt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import CorruptInputError, NoSignalError, UnsafeInputError
from ecground.io.channels import Channel, assemble, patient_age, patient_sex
from ecground.io.source import Source
from ecground.io.xml.document import (
    base64_bytes,
    child,
    children,
    first,
    given,
    moment,
    number,
    root_name,
    root_of,
    scaled,
    text,
    values_of,
    years_between,
)
from ecground.io.xml.xli import restored_limb_leads, unpacked_leads
from ecground.leads import STANDARD, standard_name
from ecground.record import DeviceMeasurement, DeviceReading, Patient, Record

__all__ = ["read_sierra", "sniff_sierra"]

_VERSIONS: Final = ("1.03", "1.04", "1.04.01", "1.04.02")
_MAX_LEADS: Final = 64
_GLOBAL: Final[Mapping[str, tuple[str, str]]] = {
    "heartrate": ("hr_bpm", "1/min"), "meanventrate": ("hr_bpm", "1/min"), "atrialrate": ("atrial_rate_bpm", "1/min"),
    "rrint": ("rr_mean_ms", "ms"), "pdur": ("p_dur_ms", "ms"), "print": ("pr_ms", "ms"), "meanprint": ("pr_ms", "ms"),
    "meanprseg": ("pr_segment_ms", "ms"), "qrsdur": ("qrs_ms", "ms"), "meanqrsdur": ("qrs_ms", "ms"),
    "qtint": ("qt_ms", "ms"), "meanqtint": ("qt_ms", "ms"), "qtcb": ("qtc_bazett_ms", "ms"),
    "qtcf": ("qtc_fridericia_ms", "ms"), "meanqtc": ("qtc_ms", "ms"), "qtintdispersion": ("qt_dispersion_ms", "ms"),
    "pfrontaxis": ("p_axis_deg", "deg"), "qrsfrontaxis": ("qrs_axis_deg", "deg"), "tfrontaxis": ("t_axis_deg", "deg"),
    "numberofcomplexes": ("n_beats", ""),
}
_LEAD: Final[Mapping[str, tuple[str, str]]] = {
    "pamp": ("p_amp", "mV"), "pdur": ("p_dur", "ms"), "ppamp": ("p_amp2", "mV"), "qamp": ("q_amp", "mV"),
    "qdur": ("q_dur", "ms"), "ramp": ("r_amp", "mV"), "rdur": ("r_dur", "ms"), "samp": ("s_amp", "mV"),
    "sdur": ("s_dur", "ms"), "rpamp": ("r2_amp", "mV"), "rpdur": ("r2_dur", "ms"), "spamp": ("s2_amp", "mV"),
    "spdur": ("s2_dur", "ms"), "vat": ("r_peak_time_ms", "ms"), "qrsppk": ("qrs_pp", "mV"), "qrsdur": ("qrs_ms", "ms"),
    "ston": ("j_amp", "mV"), "st80": ("st80", "mV"), "stdur": ("st_dur", "ms"), "tamp": ("t_amp", "mV"),
    "tpamp": ("t_amp2", "mV"), "tdur": ("t_dur", "ms"), "print": ("pr_ms", "ms"), "qtint": ("qt_ms", "ms"),
}
_MEASURED_FLAG: Final[Mapping[str, str]] = {
    "p": "pmeasflag", "q": "qrsmeasflag", "r": "qrsmeasflag", "s": "qrsmeasflag", "v": "qrsmeasflag", "t": "tmeasflag",
}
"""First letter of a lead value -> attribute that says whether the device measured it."""


def sniff_sierra(source: Source) -> bool:
    """Whether the root element is `restingecgdata`."""
    return root_name(source) == "restingecgdata"


def read_sierra(source: Source) -> Record:
    """The ECG of a Philips file.

    Raises:
        NoSignalError: no rhythm waveform.
        CorruptInputError: damaged XML, base64 or compression, unknown encodings, counts that contradict the samples.
        UnsafeInputError: DTD, entities, size, nesting, or declared lengths beyond reason.
    """
    said: list[str] = []
    root = root_of(source, said=said)
    if (version := text(root, "documentinfo", "documentversion")) not in _VERSIONS:
        said.append(f"document version {version[:16] or 'missing'} is not one that was tested ({', '.join(_VERSIONS)})")
    wave = first(root, "parsedwaveforms")
    if wave is None or not text(wave):
        raise NoSignalError("the Sierra file holds no rhythm waveform", where=source.name,
                            hint="export it with waveforms")
    if first(root, "repbeats") is not None:
        said.append("other waveforms were left out: representative beats")
    traits = child(root, "dataacquisition", "signalcharacteristics")
    fs = number(given(wave, "samplespersecond") or text(traits, "samplingrate"))
    if fs is None or not 1 <= fs <= 100_000:
        raise CorruptInputError("no usable sampling rate", where=source.name)
    acquired = child(root, "dataacquisition")
    start = moment(given(acquired, "date"), given(acquired, "time"))
    return assemble(
        _channels(root, wave, fs, source.name, said), fs=fs, format="sierra", where=source.name, start=start,
        patient=_patient(root, given(acquired, "date")),
        device=DeviceReading(statements=_statements(root, said), measurements=tuple(_measurements(root))),
        filters=_filters(wave, traits), notes=said,
    )


def _channels(root: Element, wave: Element, fs: float, where: str, said: list[str]) -> list[Channel]:
    traits = child(root, "dataacquisition", "signalcharacteristics")
    bits = given(wave, "bitspersample") or given(wave, "nbitspersample") or text(traits, "bitspersample") or "16"
    if bits != "16" or given(wave, "dataencoding").lower() != "base64":
        raise CorruptInputError(
            f"{bits[:8]}-bit samples in the encoding {given(wave, 'dataencoding')[:16] or 'missing'} cannot be read",
            where=where, hint="16-bit base64 can be read",
        )
    labels = _labels(root, wave, where)
    raw = _raw(wave, labels, _declared(wave, fs, where), where, said)
    if (given(wave, "signalsigned") or text(traits, "signalsigned")).lower() == "false":
        raw = [samples & 0xFFFF for samples in raw]
    step = number(given(wave, "resolution") or text(traits, "resolution") or text(traits, "signalresolution"))
    offset = number(given(wave, "signaloffset") or text(traits, "signaloffset")) or 0.0
    if offset:
        said.append(f"the file's signal offset of {offset:g} steps was subtracted")
    if end := _calibration(raw, step, offset):
        said.append(f"a calibration pulse of 1 mV in all leads was cut off the end ({(raw[0].size - end) / fs:.2f} s)")
        raw = [samples[:end] for samples in raw]
    gain = f"{step:g} uV a step" if step else "no resolution given"
    return [Channel(label=label, values=scaled(samples - offset, step=step or 1.0),
                    unit="uV" if step else None, gain=gain) for label, samples in zip(labels, raw, strict=True)]


def _declared(wave: Element, fs: float, where: str) -> int | None:
    """Samples a lead as the file declares them, None when it does not."""
    duration = number(given(wave, "durationperchannel"))
    if duration is None:
        return None
    if not 0 < duration < 1e9:
        raise UnsafeInputError(f"a duration of {duration:g} ms declared", where=where)
    return round(duration * fs / 1000)


def _calibration(raw: Sequence[NDArray[np.int64]], step: float | None, offset: float) -> int:
    """First sample of the calibration pulse that ends many files, 0 when there is none.

    It is a stretch in which all leads are the same (no ECG can do that, for III = II - I) and hold nothing but zero and
    1 mV, up and down again.
    """
    if not step or len(raw) < 3 or len({samples.size for samples in raw}) > 1:
        return 0
    table = np.stack(raw)
    differ = np.flatnonzero((table != table[0]).any(axis=0))
    end = int(differ[-1]) + 1 if differ.size else 0
    tail = scaled(table[0, end:] - offset, step=step)
    high = np.abs(tail - 1000.0) < 20.0
    pulse = high.any() and not high[0] and not high[-1] and bool(((tail == 0.0) | high).all())
    return end if pulse else 0


def _labels(root: Element, wave: Element, where: str) -> list[str]:
    """Lead names: those of the waveforms, else of the acquisition type, else "unnamed"."""
    traits = child(root, "dataacquisition", "signalcharacteristics")
    count = number(given(wave, "numberofleads") or text(traits, "numberchannelsallocated"))
    named = given(wave, "leadlabels").split()
    count = float(len(named)) if count is None else count
    if count < 1 or count != int(count):
        raise CorruptInputError("no usable number of leads", where=where)
    if count > _MAX_LEADS:
        raise UnsafeInputError(f"{count:g} leads declared, limit {_MAX_LEADS}", where=where)
    if not named and text(traits, "acquisitiontype").upper() in ("STD-12", "10-WIRE"):
        named = list(STANDARD)
    named = [standard_name(name) or name for name in named[:int(count)]]
    return named + [f"unnamed {chr(ord('A') + k % 26)}{k}" for k in range(len(named), int(count))]


def _raw(
    wave: Element, labels: list[str], samples: int | None, where: str, said: list[str],
) -> list[NDArray[np.int64]]:
    """Integers of each lead, `[sample]`."""
    packed = base64_bytes(wave.text or "", where=where)
    method = given(wave, "compressmethod") or given(wave, "compression")
    if method.upper() == "XLI" and given(wave, "compressflag").lower() != "false":
        leads = unpacked_leads(packed, count=len(labels), samples=samples, where=where)
        return restored_limb_leads(leads, labels)
    if method and method.upper() not in ("XLI", "UNCOMPRESSED", "NONE"):
        raise CorruptInputError(f"samples packed with {method[:16]} cannot be read", where=where)
    count = len(packed) // (2 * len(labels)) if samples is None else samples
    if not 0 < count <= safe.MAX_SAMPLES // len(labels):
        raise UnsafeInputError(f"{count} samples a lead declared", where=where)
    data = safe.need(packed, 0, 2 * count * len(labels), where=where)
    if len(packed) > len(data):
        raise CorruptInputError(f"{len(packed)} bytes stored, {len(data)} declared", where=where)
    said.append("the samples are not compressed: limb leads were taken as stored")
    return list(np.frombuffer(data, "<i2").astype(np.int64).reshape(len(labels), count))


def _filters(wave: Element, traits: Element | None) -> tuple[str, ...]:
    """The pass band of the stored samples, not that of the report."""
    low, _, high = text(traits, "signalbandwidth").partition("-")
    band = [("high-pass", given(wave, "hipass") or text(traits, "hipass") or low),
            ("low-pass", given(wave, "lowpass") or text(traits, "lowpass") or high)]
    if (given(wave, "notchfiltered") or text(traits, "notchfiltered")).lower() == "true":
        notch = given(wave, "notchfilterfreqs") or text(traits, "notchfilterfreqs")
        band += [("notch", one) for one in notch.replace(",", " ").split()]
    return tuple(f"{words} {value:g} Hz" for words, said in band if (value := number(said)))


def _patient(root: Element, day: str) -> Patient:
    """Age as written, else from the dates of birth and recording."""
    person = first(root, "generalpatientdata")
    age = None
    for unit in ("years", "months", "weeks", "days"):
        if age is None and (written := text(person, "age", unit)):
            age = patient_age(written + unit[0])
    if age is None:
        age = years_between(moment(text(person, "age", "dateofbirth")), moment(day))
    return Patient(age=age, sex=patient_sex(text(person, "sex")))


def _statements(root: Element, said: list[str]) -> tuple[str, ...]:
    """Statement and reason, each interpretation closed by its severity."""
    interpretations = children(root, "interpretations", "interpretation")
    if len(interpretations) > 1:
        said.append(f"the file holds {len(interpretations)} interpretations; the statements of all are listed")
    found: list[str] = []
    for one in interpretations:
        for statement in children(one, "statement"):
            left, right = text(statement, "leftstatement"), text(statement, "rightstatement")
            found.append(f"{left} ({right})" if left and right else left or right)
        found.append(text(one, "severity").strip("- "))
    return tuple(dict.fromkeys(line for line in found if line))


def _measurements(root: Element) -> Iterator[DeviceMeasurement]:
    """Global values, those of the interpretation first, then the table of each lead."""
    tables = [table for path in (
        ("interpretations", "interpretation", "globalmeasurements"),
        ("interpretations", "interpretation", "interpretationmeasurements"),
        ("measurements", "globalmeasurements"), ("internalmeasurements", "crossleadmeasurements"),
    ) for table in children(root, *path)]
    seen: set[str] = set()
    for one in (one for table in tables for one in table):
        name, unit = _GLOBAL.get(one.tag) or _named_qtc(one) or ("", "")
        if name and name not in seen:
            for value in values_of(text(one), unit, name=name, label=one.tag):
                seen.add(name)
                yield value
    for row in root.iter("leadmeasurement"):
        if lead := standard_name(given(row, "leadname")):
            yield from _lead_values(row, lead)


def _named_qtc(one: Element) -> tuple[str, str] | None:
    """Our name for a corrected QT that names its formula."""
    formula = given(one, "methodname").lower()
    return (f"qtc_{formula}_ms", "ms") if one.tag == "qtco" and formula in ("framingham", "hodges") else None


def _lead_values(row: Element, lead: str) -> Iterator[DeviceMeasurement]:
    for one in row:
        if one.tag not in _LEAD:
            continue
        flag = "stmeasflag" if one.tag.startswith("st") else _MEASURED_FLAG[one.tag[0]]
        if one.tag not in ("print", "qtint") and given(row, flag).lower() == "false":
            continue
        name, unit = _LEAD[one.tag]
        scale = 1e-3 if unit == "mV" else 1.0
        yield from values_of(text(one), unit, name=name, lead=lead, label=one.tag, scale=scale)
