"""DICOM waveform objects whose channels are ECG leads: 12-lead, general, ambulatory, haemodynamic; read and written.

Contract: millivolt = raw x sensitivity x correction factor + baseline, in the channel's UCUM unit (PS3.3 C.10.9). Of
several multiplex groups the ORIGINAL rhythm is read (groups that hold other leads of the same recording are placed by
their time offset); median beats and other groups are named in the notes. The padding value becomes NaN, except a
padding value of 0, which some writers declare although zero is an honest sample. Annotations become the device's
reading.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import CorruptInputError, EcgroundError, NoSignalError, UnsafeInputError
from ecground.io.channels import Channel, assemble, is_sentinel, lead_name, patient_age, patient_sex
from ecground.io.dicom.annotations import device_reading
from ecground.io.dicom.codes import lead_of_code
from ecground.io.dicom.writer import write_dicom
from ecground.io.source import Source
from ecground.record import Patient, Record

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["read_dicom", "sniff_dicom", "write_dicom"]

_DTYPES: Final = {
    (8, "SB"): "i1", (8, "UB"): "u1", (16, "SS"): "i2", (16, "US"): "u2", (32, "SL"): "i4", (32, "UL"): "u4",
}
_TEMPLATE: Final = re.compile(r"(?i)median|template|average|representative|beat")
_DEFLATED: Final = b"1.2.840.10008.1.2.1.99"
_NO_PREAMBLE: Final = re.compile(rb"(?s)[\x02\x08]\x00.\x00(UL|OB|UI|CS|DA|TM|SH|LO|ST|[\x02-\x40]\x00\x00\x00)")


def sniff_dicom(source: Source) -> bool:
    """Whether the file has DICOM's mark after the preamble, or starts with a data element of group 2 or 8."""
    head = source.head
    return head[128:132] == b"DICM" or (_NO_PREAMBLE.match(head) is not None and b"\x08\x00\x16\x00" in head[:4096])


def read_dicom(source: Source) -> Record:
    """The ECG of a DICOM object.

    Raises:
        NoSignalError: the object has no waveform, or no channel is an ECG lead.
        CorruptInputError: the object is damaged or lengths disagree.
        UnsafeInputError: a deflated object.
    """
    if _DEFLATED in source.data[:4096]:
        raise UnsafeInputError("a deflated DICOM object", where=source.name, hint="store it uncompressed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _read(source)
        except EcgroundError:
            raise
        except Exception as error:  # noqa: BLE001 - pydicom raises every kind of exception on damaged objects
            raise CorruptInputError(
                f"a damaged DICOM object ({type(error).__name__})", where=source.name, hint="export it again",
            ) from None


def _read(source: Source) -> Record:
    from pydicom import dcmread

    ds = dcmread(BytesIO(source.data), force=True)
    groups = list(ds.get("WaveformSequence") or [])
    if not groups:
        raise NoSignalError(
            "the DICOM object holds no waveform", where=source.name,
            hint="give an ECG waveform object, not an image, PDF or report",
        )
    said: list[str] = []
    little = bool(ds.original_encoding[1]) if ds.original_encoding[1] is not None else True
    chosen = _rhythm_groups(groups, source.name, said)
    fs = float(chosen[0].SamplingFrequency)
    first = min(_offset_seconds(group) for group in chosen)
    channels: list[Channel] = []
    for group in chosen:
        lead = round((_offset_seconds(group) - first) * fs) if len(chosen) > 1 else 0
        channels += _channels(group, lead, little=little, where=source.name, said=said)
    length = max(channel.values.size for channel in channels)
    if len(chosen) > 1:
        channels = [_padded(channel, length) for channel in channels]
    return assemble(
        channels, fs=fs, format="dicom", where=source.name, patient=_patient(ds), start=_start(ds),
        device=device_reading(ds), filters=_filters(chosen), notes=said,
    )


def _rhythm_groups(groups: Sequence[Dataset], where: str, said: list[str]) -> list[Dataset]:
    """The group with the rhythm, and further original groups of the same rate that hold other leads."""
    ecg = [(k, group) for k, group in enumerate(groups) if _leads_of(group)]
    if not ecg:
        raise NoSignalError("no channel of the DICOM object is an ECG lead", where=where)
    ranked = sorted(ecg, key=lambda pair: (
        pair[1].get("WaveformOriginality") != "ORIGINAL", bool(_TEMPLATE.search(_label(pair[1]))),
        -len(_leads_of(pair[1])) * int(pair[1].NumberOfWaveformSamples), pair[0],
    ))
    best = ranked[0][1]
    taken, seen = [ranked[0][0]], set(_leads_of(best))
    for k, group in ranked[1:]:
        same = group.get("WaveformOriginality") == best.get("WaveformOriginality") == "ORIGINAL"
        same = same and _TEMPLATE.search(_label(group)) is None and group.SamplingFrequency == best.SamplingFrequency
        if same and not seen & set(_leads_of(group)):
            taken.append(k)
            seen |= set(_leads_of(group))
    left = [f"{_label(group) or f'group {k + 1}'} ({str(group.get('WaveformOriginality', '?')).lower()}, "
            f"{group.NumberOfWaveformSamples} samples)" for k, group in enumerate(groups) if k not in taken]
    if left:
        said.append("other waveform groups were left out: " + ", ".join(left))
    if len(taken) > 1:
        said.append(f"{len(taken)} waveform groups with different leads were placed on one time axis")
    return [groups[k] for k in sorted(taken)]


def _label(group: Dataset) -> str:
    return str(group.get("MultiplexGroupLabel") or "")


def _offset_seconds(group: Dataset) -> float:
    return float(group.get("MultiplexGroupTimeOffset") or 0.0) / 1e3


def _leads_of(group: Dataset) -> list[str]:
    found = []
    for index, channel in enumerate(group.get("ChannelDefinitionSequence") or []):
        name = lead_name(Channel(_channel_label(channel), np.zeros(0, np.float32), _unit(channel)), index)
        if name is not None:
            found.append(name)
    return found


def _channel_label(channel: Dataset) -> str:
    """The lead by its code, else the code's meaning, else the channel's own label."""
    for source in channel.get("ChannelSourceSequence") or []:
        code = lead_of_code(str(source.get("CodeValue") or ""), str(source.get("CodingSchemeDesignator") or ""))
        if code:
            return code
        if meaning := str(source.get("CodeMeaning") or ""):
            return meaning
    return str(channel.get("ChannelLabel") or "")


def _unit(channel: Dataset) -> str | None:
    for unit in channel.get("ChannelSensitivityUnitsSequence") or []:
        if code := str(unit.get("CodeValue") or ""):
            return code
    return None


def _raw(group: Dataset, *, little: bool, where: str) -> NDArray[Any]:
    """Integers `[sample, channel]`."""
    bits, kind = int(group.WaveformBitsAllocated), str(group.WaveformSampleInterpretation)
    dtype = _DTYPES.get((bits, kind))
    if dtype is None:
        raise CorruptInputError(f"{bits}-bit samples of kind {kind[:8]} cannot be read", where=where)
    width, count = int(group.NumberOfWaveformChannels), int(group.NumberOfWaveformSamples)
    if width != len(group.ChannelDefinitionSequence):
        raise CorruptInputError(
            f"{width} channels declared, {len(group.ChannelDefinitionSequence)} described", where=where,
        )
    if width * count > safe.MAX_SAMPLES:
        raise UnsafeInputError(f"{count} samples in {width} channels declared", where=where)
    data = safe.need(bytes(group.WaveformData), 0, width * count * bits // 8, where=where)
    return np.frombuffer(data, ("<" if little else ">") + dtype).reshape(count, width)


def _channels(group: Dataset, lead: int, *, little: bool, where: str, said: list[str]) -> list[Channel]:
    """The channels of one group; `lead` samples of NaN go before its first sample."""
    raw = _raw(group, little=little, where=where)
    if lead + raw.shape[0] > safe.MAX_SAMPLES // max(raw.shape[1], 1):
        raise UnsafeInputError("a waveform group starts too far after the first", where=where)
    padding = _padding(group, raw.dtype, little=little, said=said)
    channels = []
    for k, channel in enumerate(group.ChannelDefinitionSequence):
        sensitivity = float(channel.get("ChannelSensitivity") or 0.0)
        factor = float(channel.get("ChannelSensitivityCorrectionFactor") or 1.0)
        baseline = float(channel.get("ChannelBaseline") or 0.0)
        scale = sensitivity * factor if sensitivity else 1.0
        values = (raw[:, k] * np.float64(scale) + (baseline if sensitivity else 0.0)).astype(np.float32)
        label = _channel_label(channel)
        if padding is not None:
            values[raw[:, k] == padding] = np.nan
        if is_sentinel(raw[:, k]):
            values[:] = np.nan
            said.append(f"{label[:32]} holds only the value {raw[0, k]}: not recorded")
        unit = _unit(channel) if sensitivity else None
        gain = f"{scale:g} {unit} a step, baseline {baseline:g} {unit}" if unit else "no sensitivity or unit given"
        values = np.concatenate([np.full(lead, np.nan, np.float32), values]) if lead else values
        channels.append(Channel(label=label, values=values, unit=unit, gain=gain))
    return channels


def _padding(group: Dataset, dtype: np.dtype[Any], *, little: bool, said: list[str]) -> int | None:
    """The raw value that means "no sample", None when there is none or it is 0."""
    declared = group.get("WaveformPaddingValue")
    if declared is None or declared == b"":
        return None
    value = int(declared) if isinstance(declared, int) else int(np.frombuffer(bytes(declared), dtype, count=1)[0])
    if value == 0:
        said.append("the file declares zero as padding; zeros were kept as samples")
        return None
    return value


def _padded(channel: Channel, length: int) -> Channel:
    values = np.full(length, np.nan, np.float32)
    values[:channel.values.size] = channel.values
    return Channel(label=channel.label, values=values, unit=channel.unit, gain=channel.gain)


def _filters(groups: Sequence[Dataset]) -> tuple[str, ...]:
    """The pass band and notch that the channels declare, each once, in words."""
    found: dict[str, None] = {}
    for channel in (channel for group in groups for channel in group.ChannelDefinitionSequence):
        for keyword, words in (
            ("FilterLowFrequency", "high-pass {:g} Hz"), ("FilterHighFrequency", "low-pass {:g} Hz"),
            ("NotchFilterFrequency", "notch {:g} Hz"),
        ):
            if value := float(channel.get(keyword) or 0.0):
                found[words.format(value)] = None
    return tuple(found)


def _patient(ds: Dataset) -> Patient:
    """Age from PatientAge, else from the dates of birth and recording; sex M or F."""
    age = patient_age(str(ds.get("PatientAge") or ""))
    born, start = _date(str(ds.get("PatientBirthDate") or "")), _start(ds)
    if age is None and born is not None and start is not None:
        years = (start.date() - born).days / 365.25
        age = float(int(years)) if 0 <= years <= 130 else None
    return Patient(age=age, sex=patient_sex(str(ds.get("PatientSex") or "")))


def _date(text: str) -> date | None:
    try:
        return datetime.strptime(text[:8], "%Y%m%d").date()
    except ValueError:
        return None


def _start(ds: Dataset) -> datetime | None:
    """Acquisition time, else the content's date and time; local time of the device."""
    day, time = ds.get("ContentDate") or ds.get("StudyDate"), ds.get("ContentTime") or ds.get("StudyTime")
    content = f"{day or ''}{time or ''}"
    for text in (str(ds.get("AcquisitionDateTime") or ""), content):
        match = re.match(r"(\d{14})(?:\.(\d{1,6}))?", text)
        if match:
            try:
                moment = datetime.strptime(match[1], "%Y%m%d%H%M%S")
            except ValueError:
                continue
            return moment.replace(microsecond=int((match[2] or "0").ljust(6, "0")))
    return None
