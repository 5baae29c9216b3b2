"""Schiller EDI XML (SEMA): comma-separated samples, measurements of the average beat, statements.

Contract: microvolt = stored number x unitperbit; the rhythm is read, the average beat only when there is no rhythm, and
said so. A date of 1 January 1970 is the device's "unknown". Amplitudes a lead are mV of the average beat.
Reference: no public specification; element names and units as found in a real file (AT-10P), where amplitudes and
durations agree with its average beats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree.ElementTree import Element

from ecground.errors import CorruptInputError, NoSignalError
from ecground.io.channels import Channel, assemble, patient_sex
from ecground.io.source import Source
from ecground.io.xml.document import (
    child,
    children,
    decimals,
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

__all__ = ["read_schiller", "sniff_schiller"]

_UNITS: Final[Mapping[str, str]] = {"UV": "uV", "MV": "mV", "NV": "nV", "V": "V"}
_GLOBAL: Final[Mapping[str, tuple[str, str]]] = {
    "HR": ("hr_bpm", "1/min"), "RR": ("rr_mean_ms", "ms"), "P": ("p_dur_ms", "ms"), "PQ": ("pr_ms", "ms"),
    "QRS": ("qrs_ms", "ms"), "QT": ("qt_ms", "ms"), "QTC": ("qtc_ms", "ms"), "AXIS_P": ("p_axis_deg", "deg"),
    "AXIS_QRS": ("qrs_axis_deg", "deg"), "AXIS_T": ("t_axis_deg", "deg"),
}
_LEAD: Final[Mapping[str, tuple[str, str]]] = {
    "P_POS_AMPL": ("p_amp", "mV"), "Q_AMPL": ("q_amp", "mV"), "Q_DUR": ("q_dur", "ms"), "R_AMPL": ("r_amp", "mV"),
    "R_DUR": ("r_dur", "ms"), "S_AMPL": ("s_amp", "mV"), "S_DUR": ("s_dur", "ms"), "R-_AMPL": ("r2_amp", "mV"),
    "R-_DUR": ("r2_dur", "ms"), "S-_AMPL": ("s2_amp", "mV"), "S-_DUR": ("s2_dur", "ms"), "J_AMPL": ("j_amp", "mV"),
    "T_POS_AMPL": ("t_amp", "mV"),
}
"""P_POS and T_POS carry the sign of the wave: they are negative in aVR."""
_FILTERS: Final[Mapping[str, str]] = {
    "HIGHPASS_CUTOFF_FREQ": "high-pass", "LOWPASS_CUTOFF_FREQ": "low-pass", "MAINS": "notch",
}


def sniff_schiller(source: Source) -> bool:
    """Whether the root element is a `SchillerEDI`, with or without its package name."""
    return root_name(source).endswith("SchillerEDI")


def read_schiller(source: Source) -> Record:
    """The ECG of a Schiller file.

    Raises:
        NoSignalError: no channel with samples.
        CorruptInputError: damaged XML, samples that are no numbers, or counts that contradict them.
        UnsafeInputError: DTD, entities, size or nesting.
    """
    said: list[str] = []
    root = root_of(source, said=said)
    wave = _chosen(root, source.name, said)
    rate = child(wave, "resolution", "samplerate")
    fs, exponent = number(text(rate, "value") or text(rate)), text(rate, "exponent")
    if fs is None or exponent not in ("", "0", "1"):
        raise CorruptInputError("no usable sampling rate", where=source.name, hint="a plain number of Hz can be read")
    scale = number(text(wave, "resolution", "yres", "unitperbit") or text(wave, "resolution", "yres"))
    unit = _UNITS.get(text(wave, "resolution", "yres", "units").upper())
    channels = [_channel(one, scale, unit, source.name) for one in children(wave, "channel")]
    start = first(root, "startdatetime")
    began = moment(text(start, "date"), text(start, "time"))
    began = None if began is not None and began.year == 1970 else began
    person = first(root, "patdata")
    return assemble(
        channels, fs=fs, format="schiller", where=source.name, start=began,
        patient=Patient(age=years_between(moment(text(person, "birthdate")), began),
                        sex=patient_sex(text(person, "gender"))),
        device=DeviceReading(statements=_statements(root), measurements=tuple(_measurements(root))),
        filters=_filters(root), notes=said,
    )


def _chosen(root: Element, where: str, said: list[str]) -> Element:
    waves = [wave for wave in root.iter("wavedata") if child(wave, "channel") is not None]
    if not waves:
        raise NoSignalError("the Schiller file holds no waveform", where=where, hint="export it with waveforms")
    rhythms = [wave for wave in waves if "RHYTHM" in text(wave, "type").upper()]
    best = max(rhythms or waves, key=lambda wave: number(text(wave, "channel", "samplecount")) or 0.0)
    if not rhythms:
        said.append("no rhythm is stored: the longest other waveform was read "
                    f"({text(best, 'type')[:24].lower() or 'unnamed'})")
    if left := [text(wave, "type")[:24].lower() or "unnamed" for wave in waves if wave is not best]:
        said.append("other waveforms were left out: " + ", ".join(left))
    return best


def _channel(one: Element, scale: float | None, unit: str | None, where: str) -> Channel:
    kind = text(one, "datastype").upper()
    if kind not in ("COMMASEPARATE", ""):
        raise CorruptInputError(f"samples stored as {kind[:24]} cannot be read", where=where,
                                hint="export as comma-separated numbers")
    data = child(one, "data")
    raw = decimals((data.text if data is not None else None) or "", where=where, separator=",")
    declared = number(text(one, "samplecount"))
    if declared is not None and declared != raw.size:
        raise CorruptInputError(f"{declared:g} samples declared, {raw.size} stored", where=where)
    known = unit if scale else None
    return Channel(label=text(one, "name"), values=scaled(raw, step=scale or 1.0), unit=known,
                   gain=f"{scale:g} {known} a step" if known else "no unit given")


def _filters(root: Element) -> tuple[str, ...]:
    """The filters of the stored samples, not those of the display."""
    found = []
    for one in children(first(root, "filters_data"), "filter"):
        words, value = _FILTERS.get(text(one, "name").upper()), number(text(one, "value"))
        if words and value:
            found.append(f"{words} {value:g} Hz")
    return tuple(dict.fromkeys(found))


def _statements(root: Element) -> tuple[str, ...]:
    """Lines of the interpretation; parameters and remarks are none."""
    found: dict[str, None] = {}
    for block in root.iter("textdata"):
        if "INTERPRETATION" not in text(block, "type").upper():
            continue
        for inner in children(block, "textdata"):
            for line in "\n".join(inner.itertext()).splitlines():
                if tidy := " ".join(line.replace("\0", " ").split()):
                    found[tidy] = None
    return tuple(found)


def _measurements(root: Element) -> Iterator[DeviceMeasurement]:
    """Global values, positions of the average beat and of every beat of the rhythm, amplitudes a lead."""
    for one in root.iter("annotation_global"):
        label = text(one, "name")
        name, unit = _GLOBAL.get(label.upper(), (None, "sample" if label.upper().endswith(("_ON", "_OFF")) else ""))
        shown = f"{label} (average beat)" if unit == "sample" else label
        yield from values_of(text(one, "value"), unit, name=name, label=shown)
    for one in root.iter("rhythm_global"):
        label = text(one, "name")
        if label.upper().endswith(("_ON", "_OFF")):
            for value in children(one, "value"):
                yield from values_of(text(value), "sample", name=None, label=label)
    for channel in root.iter("channel"):
        lead = standard_name(text(channel, "name"))
        for one in children(channel, "annotation_lead") if lead else ():
            label = text(one, "name")
            if label.upper() in _LEAD:
                name, unit = _LEAD[label.upper()]
                yield from values_of(text(one, "value"), unit, name=name, lead=lead, label=label)
