"""`Record` -> HL7 annotated ECG (aECG): one rhythm series, the device's reading as an annotation set.

Contract: 0.1 uV a step, origin 0; a sequence set for every stretch in which the same leads are seen, so that NaN comes
back as NaN; relative time when the record has no start. The document is unidentified: no name, no number, fresh ids;
age as reported age, sex as its code.
Reference: HL7 PORT_MT020001, FDA's aECG implementation guide.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from ecground import __version__, safe
from ecground.errors import UsageError
from ecground.io.xml.aecg_codes import MDC, MDC_OF, OWN
from ecground.leads import STANDARD
from ecground.record import DeviceMeasurement, Record

__all__ = ["write_aecg"]

_STEP_UV: Final = 0.1
_MAX_STRETCHES: Final = 4096
_ACT: Final = "2.16.840.1.113883.5.4"
_NAMESPACE: Final = "urn:hl7-org:v3"
_SCHEMA: Final = "http://www.w3.org/2001/XMLSchema-instance"
_UNIT: Final = {"1/min": "bpm", "": "1"}
_FILTER: Final = re.compile(r"(high-pass|low-pass|notch) ([\d.]+) Hz")
_FILTER_CODE: Final = {"high-pass": ("HIGH_PASS", "CUTOFF_FREQ"), "low-pass": ("LOW_PASS", "CUTOFF_FREQ"),
                       "notch": ("NOTCH", "NOTCH_FREQ")}
_UNWRITABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_aecg(record: Record, path: Path) -> tuple[str, ...]:
    """Write one document; says what aECG could not keep.

    Raises:
        UsageError: no sample was seen, or the leads come and go too often to be written as sequence sets.
    """
    stretches = list(_stretches(record))
    if not stretches or len(stretches) > _MAX_STRETCHES:
        raise UsageError(
            f"aECG cannot hold {len(stretches)} stretches of seen leads", where=path.name,
            hint="write NPZ" if stretches else "give a record with samples",
        )
    root = Element("AnnotatedECG", {"xmlns": _NAMESPACE, "xmlns:xsi": _SCHEMA, "xmlns:voc": f"{_NAMESPACE}/voc",
                                    "type": "Observation"})
    SubElement(root, "id", {"root": str(uuid.uuid4())})
    _code(root, "93000", "2.16.840.1.113883.6.12", "CPT-4")
    _span(root, record)
    _subject(root, record)
    series = SubElement(SubElement(root, "component"), "series")
    SubElement(series, "id", {"root": str(uuid.uuid4())})
    _code(series, "RHYTHM", _ACT, "ActCode")
    _span(series, record)
    device = SubElement(SubElement(SubElement(series, "author"), "seriesAuthor"), "manufacturedSeriesDevice")
    SubElement(device, "manufacturerModelName").text = "ecground"
    SubElement(device, "softwareName").text = __version__
    _filters(series, record)
    for begin, end, rows in stretches:
        _sequence_set(series, record, begin, end, rows)
    _annotations(series, record)
    data = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    safe.write_atomic(path, data)
    return _lost(record, stretches)


def _stretches(record: Record) -> Iterator[tuple[int, int, list[int]]]:
    """First sample, end and rows of each stretch in which the same leads are seen."""
    seen = np.isfinite(record.signal)
    edges = [0, *(np.flatnonzero((seen[:, 1:] != seen[:, :-1]).any(axis=0)) + 1).tolist(), record.n_samples]
    for begin, end in pairwise(edges):
        rows = np.flatnonzero(seen[:, begin]).tolist() if end > begin else []
        if rows:
            yield begin, end, rows


def _code(parent: Element, code: str, system: str = MDC, name: str = "MDC", shown: str = "") -> Element:
    attributes = {"code": code, "codeSystem": system, "codeSystemName": name}
    return SubElement(parent, "code", attributes | ({"displayName": shown} if shown else {}))


def _stamp(then: datetime) -> str:
    return then.strftime("%Y%m%d%H%M%S.") + f"{then.microsecond:06d}"


def _span(parent: Element, record: Record) -> None:
    """When the recording began and ended; nothing when the record does not know."""
    time = SubElement(parent, "effectiveTime", {} if record.start else {"nullFlavor": "UNK"})
    if record.start is not None:
        end = record.start + timedelta(seconds=record.seconds)
        SubElement(time, "low", {"value": _stamp(record.start), "inclusive": "true"})
        SubElement(time, "high", {"value": _stamp(end), "inclusive": "false"})


def _subject(root: Element, record: Record) -> None:
    event = SubElement(SubElement(root, "componentOf"), "timepointEvent")
    assignment = SubElement(SubElement(event, "componentOf"), "subjectAssignment")
    trial = SubElement(SubElement(assignment, "subject"), "trialSubject")
    SubElement(trial, "id", {"root": str(uuid.uuid4())})
    person = SubElement(trial, "subjectDemographicPerson")
    study = SubElement(SubElement(assignment, "componentOf"), "clinicalTrial")
    SubElement(study, "id", {"root": str(uuid.uuid4())})
    sex = record.patient.sex or "UN"
    SubElement(person, "administrativeGenderCode", {"code": sex, "codeSystem": "2.16.840.1.113883.5.1"})
    if (age := record.patient.age) is not None:
        observation = SubElement(SubElement(root, "controlVariable"), "relatedObservation")
        _code(observation, "21612-7", "2.16.840.1.113883.6.1", "LOINC", "Reported Age")
        SubElement(observation, "value", {"xsi:type": "PQ", "value": f"{age:.10g}", "unit": "a"})


def _filters(series: Element, record: Record) -> None:
    for kind, hertz in (found.groups() for one in record.provenance.filters if (found := _FILTER.fullmatch(one))):
        name, frequency = _FILTER_CODE[kind]
        outer = SubElement(SubElement(series, "controlVariable"), "controlVariable")
        _code(outer, f"MDC_ECG_CTL_VBL_ATTR_FILTER_{name}")
        inner = SubElement(SubElement(outer, "component"), "controlVariable")
        _code(inner, f"MDC_ECG_CTL_VBL_ATTR_FILTER_{frequency}")
        SubElement(inner, "value", {"xsi:type": "PQ", "value": hertz, "unit": "Hz"})


def _sequence_set(series: Element, record: Record, begin: int, end: int, rows: Sequence[int]) -> None:
    group = SubElement(SubElement(series, "component"), "sequenceSet")
    time = SubElement(SubElement(group, "component"), "sequence")
    _code(time, "TIME_ABSOLUTE" if record.start else "TIME_RELATIVE", _ACT, "ActCode")
    value = SubElement(time, "value", {"xsi:type": "GLIST_TS" if record.start else "GLIST_PQ"})
    if record.start:
        SubElement(value, "head", {"value": _stamp(record.start + timedelta(seconds=begin / record.fs))})
    else:
        SubElement(value, "head", {"value": f"{begin / record.fs:.12g}", "unit": "s"})
    SubElement(value, "increment", {"value": f"{1 / record.fs:.15g}", "unit": "s"})
    unit = {"unit": "uV"} if record.provenance.calibrated else {}
    step = _STEP_UV if record.provenance.calibrated else _STEP_UV / 1e3
    for row in rows:
        lead = record.leads[row]
        sequence = SubElement(SubElement(group, "component"), "sequence")
        ending = lead.upper() if lead in STANDARD else re.sub(r"[^A-Z0-9]", "_", lead.upper())
        _code(sequence, f"MDC_ECG_LEAD_{ending}", shown="" if lead in STANDARD else _clean(lead))
        value = SubElement(sequence, "value", {"xsi:type": "SLIST_PQ"})
        SubElement(value, "origin", {"value": "0", **unit})
        SubElement(value, "scale", {"value": f"{step:g}", **unit})
        steps = np.rint(record.signal[row, begin:end].astype(np.float64) * (1e3 / _STEP_UV)).astype(np.int64)
        SubElement(value, "digits").text = " ".join(map(str, steps.tolist()))


def _annotations(series: Element, record: Record) -> None:
    reading = record.device
    written = [one for one in reading.measurements if one.unit != "sample"]
    if not reading.statements and not written:
        return
    group = SubElement(SubElement(series, "subjectOf"), "annotationSet")
    if reading.statements:
        outer = SubElement(SubElement(group, "component"), "annotation")
        _code(outer, "MDC_ECG_INTERPRETATION")
        for statement in reading.statements:
            inner = SubElement(SubElement(outer, "component"), "annotation")
            _code(inner, "MDC_ECG_INTERPRETATION_STATEMENT")
            SubElement(inner, "value", {"xsi:type": "ST"}).text = _clean(statement)
    for one in written:
        _measurement(SubElement(SubElement(group, "component"), "annotation"), one)


def _measurement(annotation: Element, one: DeviceMeasurement) -> None:
    known = MDC_OF.get(one.name) if one.lead is None else None
    _code(annotation, known or OWN + re.sub(r"[^A-Z0-9_]", "_", one.name.upper()), shown=_clean(one.label))
    unit = _UNIT.get(one.unit, one.unit)
    SubElement(annotation, "value", {"xsi:type": "PQ", "value": f"{one.value:.10g}", "unit": _clean(unit)})
    if one.lead is not None:
        region = SubElement(SubElement(annotation, "support"), "supportingROI", {"classCode": "ROIBND"})
        _code(region, "ROIPS", _ACT, "ActCode")
        _code(SubElement(SubElement(region, "component"), "boundary"), f"MDC_ECG_LEAD_{_clean(one.lead).upper()}")


def _clean(text: str) -> str:
    """Text without the characters that XML forbids."""
    return _UNWRITABLE.sub(" ", text)


def _lost(record: Record, stretches: Sequence[tuple[int, int, list[int]]]) -> tuple[str, ...]:
    lost = []
    if record.comments:
        lost.append("aECG holds no free comments")
    if any(how != "recorded" for how in record.provenance.lead_origin.values()):
        lost.append("derived leads are written like recorded ones")
    if not record.provenance.calibrated:
        lost.append("written without unit (uncalibrated)")
    if unseen := sorted(set(range(len(record.leads))) - {row for _, _, rows in stretches for row in rows}):
        lost.append("leads without a sample are left out: " + " ".join(record.leads[row] for row in unseen))
    if stretches[0][0] > 0 or stretches[-1][1] < record.n_samples:
        lost.append("the time before the first and after the last sample that was seen is left out")
    if any(one.unit == "sample" for one in record.device.measurements):
        lost.append("wave positions of the device are left out")
    return tuple(lost)
