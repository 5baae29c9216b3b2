"""Waveform annotations of a DICOM ECG -> `DeviceReading`: the device's statements, numbers and wave positions.

Contract: every annotation with content is kept. Text becomes a statement; a number becomes a measurement under our
name where one is known (PR, QRS, QT, QTc, axes, rates), else under the file's; a position becomes a measurement with
unit `sample`, labelled with its annotation group. Values that mean "not measured" (29999, 65535, +-32767, or 0 for an
interval or rate) are dropped.
Reference: DICOM PS3.3 C.10.10, PS3.16 TID 3713.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ecground.io.dicom.codes import MEASURE_UNIT, lead_of_code, measure_name
from ecground.record import DeviceMeasurement, DeviceReading

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["device_reading"]

_NOT_MEASURED: Final = frozenset((29999.0, 65535.0, 32767.0, -32767.0, -32768.0))
_UNITS: Final = {"{h.b.}/min": "1/min", "{beats}/min": "1/min", "/min": "1/min", "bpm": "1/min"}


def device_reading(ds: Dataset) -> DeviceReading:
    """Statements, measurements and wave positions of the object's annotations, in file order."""
    statements: list[str] = []
    measurements: list[DeviceMeasurement] = []
    for item in ds.get("WaveformAnnotationSequence") or []:
        if text := " ".join(str(item.get("UnformattedTextValue") or "").split()):
            statements.append(text)
            continue
        meaning = _meaning(item, "ConceptNameCodeSequence")
        label = meaning or "unnamed measurement"
        if item.get("NumericValue") is not None:
            measurements += _numbers(ds, item, label)
        elif item.get("ReferencedSamplePositions") is not None:
            group = item.get("AnnotationGroupNumber")
            named = f"{label} (annotation group {group})" if group is not None else label
            measurements += [
                DeviceMeasurement(name=_own_name(label), value=float(v), unit="sample", label=named)
                for v in np.atleast_1d(item.ReferencedSamplePositions)
            ]
        elif coded := _meaning(item, "ConceptCodeSequence") or _meaning(item, "ConceptNameCodeSequence"):
            statements.append(coded)
    statements += [text for text in [_interpretation(ds)] if text]
    return DeviceReading(statements=tuple(dict.fromkeys(statements)), measurements=tuple(measurements))


def _interpretation(ds: Dataset) -> str:
    """Free text that some devices store beside the annotations."""
    return " ".join(str(ds.get("InterpretationText") or "").split())


def _numbers(ds: Dataset, item: Dataset, label: str) -> list[DeviceMeasurement]:
    name = measure_name(label)
    unit = _unit(item)
    for ending, own in MEASURE_UNIT.items():
        # Some writers put "ms" on axes; the measure decides its unit unless the file's differs by a factor.
        if name is not None and name.endswith(ending) and unit != "s":
            unit = own
    kept = []
    for number in np.atleast_1d(np.asarray(item.NumericValue, dtype=float)):
        value = float(number) * (1000.0 if name is not None and unit == "s" else 1.0)
        missing = value == 0.0 and unit in ("ms", "s", "1/min")
        if np.isfinite(value) and value not in _NOT_MEASURED and not missing:
            shown = "ms" if name is not None and unit == "s" else unit
            kept.append(DeviceMeasurement(
                name=name or _own_name(label), value=value, unit=shown, label=label,
                lead=None if name is not None and name.endswith(("_bpm", "_deg")) else _lead(ds, item),
            ))
    return kept


def _meaning(item: Dataset, keyword: str) -> str:
    for code in item.get(keyword) or []:
        if text := " ".join(str(code.get("CodeMeaning") or "").split()):
            return text
    return ""


def _unit(item: Dataset) -> str:
    for code in item.get("MeasurementUnitsCodeSequence") or []:
        unit = str(code.get("CodeValue") or "")
        return _UNITS.get(unit.lower(), unit)
    return ""


def _own_name(label: str) -> str:
    return "_".join("".join(c if c.isalnum() else " " for c in label.lower()).split())


def _lead(ds: Dataset, item: Dataset) -> str | None:
    """The one lead an annotation refers to; channel 0 of a pair (group, channel) means the whole group."""
    pair = np.atleast_1d(item.get("ReferencedWaveformChannels") or [0, 0])
    if pair.size != 2 or pair[1] == 0:
        return None
    try:
        channel = ds.WaveformSequence[int(pair[0]) - 1].ChannelDefinitionSequence[int(pair[1]) - 1]
        source = channel.ChannelSourceSequence[0]
        return lead_of_code(str(source.CodeValue), str(source.CodingSchemeDesignator))
    except (IndexError, AttributeError):
        return None
