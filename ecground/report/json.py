"""Results -> the objects of docs/json.md.

Contract: every function returns plain dicts, lists, strings, numbers and None that `json.dumps(allow_nan=False)`
accepts; NaN and infinities become None, samples whole numbers, other floats seven significant digits.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ecground.errors import EcgroundError
from ecground.record import DeviceReading, Record
from ecground.report import contracts as c
from ecground.report.picture import BoxRow, PageObject
from ecground.report.schema import schema_name
from ecground.signal.beats import ABSENT, MARK_WAVE, MARKS, PRESENT, STATE_NAMES, WAVES, Delineation

if TYPE_CHECKING:
    from ecground.digitize.digitize import Digitized
    from ecground.interpret import Interpretation, StepProblem
    from ecground.knowledge.episodes import Episode
    from ecground.knowledge.finding import Claim, Evidence, Finding
    from ecground.knowledge.serial import Comparison
    from ecground.measure.table import Measurements, Value
    from ecground.signal.quality import Quality

__all__ = [
    "claims", "comparison", "device", "envelope", "fiducials", "findings", "info", "interpretation", "measure",
    "measurements", "number", "page", "plain", "problems", "quality",
]

_ROW_MARKS = MARKS[:11]
_ONLY_SOMETIMES = frozenset({"q", "s"})
"""Marks that a present QRS may truly lack."""


def envelope(kind: str, file: str | None, payload: Mapping[str, Any], error: EcgroundError | None) -> dict[str, Any]:
    """One whole object: `{schema, file, ok, error, ...payload}`."""
    head = {"schema": schema_name(kind), "file": file, "ok": error is None,
            "error": None if error is None else error.to_dict()}
    return {**head, **payload}


def number(value: float | np.floating[Any] | None) -> float | None:
    """A float that JSON can hold: seven significant digits, None for NaN, infinity and None."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{float(value):.7g}")


def plain(value: Any) -> Any:  # noqa: ANN401 - a converter from any field type of the nouns
    """Dataclasses, tuples, mappings and NumPy values as dicts, lists and numbers."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float | np.floating):
        return number(value)
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, Iterable):
        return [plain(entry) for entry in value]
    raise TypeError(f"no JSON form for {type(value).__name__}")


def info(record: Record) -> c.Info:
    """What the file holds, without any analysis."""
    return {"record": _record(record), "device": device(record.device)}


def _record(record: Record) -> c.RecordObject:
    origin, seen = record.provenance, np.isfinite(record.signal).mean(axis=1) if record.n_samples else []
    return {
        "format": origin.format, "fs": float(record.fs), "n_samples": record.n_samples,
        "seconds": round(record.seconds, 6), "leads": list(record.leads),
        "lead_origin": dict(origin.lead_origin), "gain": dict(origin.gain), "calibrated": origin.calibrated,
        "seen": {lead: round(float(share), 4) for lead, share in zip(record.leads, seen, strict=False)},
        "filters": list(origin.filters), "notes": list(origin.notes),
        "patient": {"age": number(record.patient.age), "sex": record.patient.sex},
        "start": record.start.isoformat() if record.start else None,
    }


def device(reading: DeviceReading, ours: Measurements | None = None) -> c.Device:
    """The device's own reading; with `ours`, our value of each of its measures beside it."""
    rows: list[c.DeviceValue] = []
    for theirs in reading.measurements:
        row: c.DeviceValue = {"name": theirs.name, "value": number(theirs.value), "unit": theirs.unit,
                              "lead": theirs.lead, "label": theirs.label}
        if ours is not None:
            row["ours"] = number(ours.number(theirs.name, theirs.lead))
        rows.append(row)
    return {"statements": list(reading.statements), "measurements": rows}


def quality(found: Quality) -> c.QualityObject:
    """Signal quality of the record and of each lead."""
    leads = {lead: {**plain(entry), "lead_off": entry.lead_off} for lead, entry in found.leads.items()}
    return {"summary": found.summary, "sqi": number(found.sqi), "usable": list(found.usable),
            "leads": cast("dict[str, c.LeadQualityRow]", leads), "mains_hz": number(found.mains_hz),
            "einthoven_mv": number(found.einthoven_mv), "notes": list(found.notes)}


def measure(record: Record, found: Measurements, signal: Quality | None) -> c.Measure:
    """The payload of `ecground measure`."""
    return {"fs": float(record.fs), "quality": None if signal is None else quality(signal),
            "device": device(record.device, found),
            "measurements": measurements(found, calibrated=record.provenance.calibrated)}


def measurements(found: Measurements, *, calibrated: bool = True) -> c.MeasurementsObject:
    """Record, lead and beat values; an unknown amplitude scale withholds the amplitudes of the sequences."""
    from ecground.measure.views.sequences import sequences

    table = found.beats
    by_lead: dict[str, dict[str, list[float | None]]] = {lead: {} for lead in found.delineation.leads}
    for name, values in table.lead.items():
        for lead, row in zip(found.delineation.leads, values, strict=True):
            by_lead[lead][name] = _numbers(row)
    return {
        "record": _values(found.record),
        "leads": {lead: _values(values) for lead, values in found.lead.items()},
        "beats": {"kind": list(table.kind), "r_peak": _positions(found.delineation.joint_mark("r_peak")),
                  "joint": {name: _numbers(values) for name, values in table.joint.items()}, "leads": by_lead},
        "sequences": sequences(found, calibrated=calibrated),
        "notes": list(found.notes),
    }


def _values(found: Mapping[str, Value]) -> dict[str, c.MeasuredValue]:
    from ecground.measure.views.export import value_dict

    return {name: cast("c.MeasuredValue", value_dict(value)) for name, value in found.items()}


def _numbers(values: NDArray[np.float32]) -> list[float | None]:
    return [number(value) for value in values.tolist()]


def _positions(values: NDArray[Any]) -> list[int | None]:
    return [None if math.isnan(value) else round(value) for value in values.tolist()]


def fiducials(found: Delineation) -> c.Fiducials:
    """All marks, per lead and joint, the same rows in the same order."""
    leads = {lead: _rows(found.lead_marks[i], found.lead_state[i]) for i, lead in enumerate(found.leads)}
    return {"fs": float(found.fs), "leads": leads, "global": _rows(found.joint_marks, found.joint_state)}


def _rows(marks: NDArray[Any], states: NDArray[np.int8]) -> list[c.Row]:
    """`[row, mark]` and `[row, wave]` -> one dict a row."""
    columns = [_positions(marks[:, i]) for i in range(len(_ROW_MARKS))]
    rows = []
    for state, *values in zip(states.tolist(), *columns, strict=True):
        row: dict[str, Any] = dict(zip(_ROW_MARKS, values, strict=True))
        row["why"] = _why(values, state)
        rows.append(cast("c.Row", row))
    return rows


def _why(values: Sequence[int | None], state: Sequence[int]) -> dict[str, str] | None:
    """A reason for each null: by wave where the wave is missing, by mark where a present wave lacks one."""
    reasons = {wave: STATE_NAMES[code] for wave, code in zip(WAVES, state, strict=True) if code != PRESENT}
    for mark, wave, value in zip(_ROW_MARKS, MARK_WAVE, values, strict=False):
        if value is None and state[wave] == PRESENT:
            reasons[mark] = STATE_NAMES[ABSENT] if mark in _ONLY_SOMETIMES else "unmeasurable"
    return reasons or None


def findings(found: Iterable[Finding], groups: Iterable[Finding], told: Iterable[Episode] | None = None, *,
             record: Record) -> c.Findings:
    """Statements with an SCP code, superclasses, statements without a code, and episodes of a record."""
    rows = [_finding(finding, record) for finding in found]
    fs = record.fs
    return {"statements": [row for row in rows if row["scp"] is not None],
            "superclasses": [_finding(group, record) for group in groups],
            "other": [row for row in rows if row["scp"] is None],
            "episodes": None if told is None else [_episode(episode, fs) for episode in told]}


def _finding(found: Finding, record: Record) -> c.FindingRow:
    """A finding; evidence of a record that was read from a picture has its places there."""
    row: dict[str, Any] = plain(found)
    if record.provenance.pixels is not None:
        for criterion, made in zip(row["criteria"], found.criteria, strict=True):
            for entry, evidence in zip(criterion["evidence"], made.evidence, strict=True):
                entry["boxes"] = _boxes(evidence, record)
    return cast("c.FindingRow", row)


def _boxes(evidence: Evidence, record: Record) -> list[BoxRow]:
    """Where the stretch of an entry stands on the picture, in each of its leads (joint values: in every lead)."""
    from ecground.digitize.evidence import place

    if evidence.span is None:
        return []
    quads = [(lead, place(record, lead, evidence.span)) for lead in evidence.leads or record.leads]
    return [{"lead": lead, "quad": plain(np.round(quad, 1))} for lead, quad in quads if quad is not None]


def page(found: Digitized) -> PageObject:
    """How a picture was read."""
    return {
        "status": found.status, "layout": found.layout,
        "px_per_mm": [float(f"{scale:.7g}") for scale in found.px_per_mm] if found.px_per_mm else None,
        "leads": {name: {"confidence": number(lead.confidence), "start_s": number(lead.start_s),
                         "seconds": number(lead.seconds)} for name, lead in found.leads.items()},
        "regions": [{"lead": region.lead, "quad": plain(np.round(region.quad, 1)),
                     "confidence": number(region.confidence)} for region in found.regions],
        "problems": [{"step": problem.step, "what": problem.what, "hint": problem.hint} for problem in found.problems],
    }


def _episode(episode: Episode, fs: float) -> c.EpisodeRow:
    times = {"onset_s": round(episode.onset / fs, 3), "end_s": round(episode.end / fs, 3)}
    return cast("c.EpisodeRow", {**plain(episode), **times})


def claims(found: Iterable[Claim], record: Record | None = None) -> list[c.ClaimRow]:
    """Checked claims in the order of the text; of a `record` read from a picture with the places of their evidence."""
    return [_claim(claim, record) for claim in found]


def _claim(found: Claim, record: Record | None) -> c.ClaimRow:
    row: dict[str, Any] = {**plain(found), "lead": " ".join(found.leads) or None}
    if record is not None and record.provenance.pixels is not None:
        for entry, evidence in zip(row["evidence"], found.evidence, strict=True):
            entry["boxes"] = _boxes(evidence, record)
    return cast("c.ClaimRow", row)


def problems(found: Iterable[StepProblem]) -> list[c.Problem]:
    """The steps that failed."""
    return [{"step": problem.step, "code": problem.error.code, "what": problem.error.what, "hint": problem.error.hint}
            for problem in found]


def interpretation(found: Interpretation) -> c.Interpret:
    """The payload of `ecground interpret`."""
    groups = found.superclasses or ()
    return {
        "record": _record(found.record),
        "quality": None if found.quality is None else quality(found.quality),
        "device": device(found.record.device, found.measurements),
        "measurements": None if found.measurements is None else measurements(
            found.measurements, calibrated=found.record.provenance.calibrated),
        "findings": None if found.findings is None else findings(
            found.findings, groups, found.episodes, record=found.record),
        "page": None if found.page is None else page(found.page),
        "text": found.text, "claims": claims(found.claims, found.record), "model": None,
        "problems": problems(found.problems), "disclaimer": c.DISCLAIMER,
    }


def comparison(old_file: str, found: Comparison) -> c.Compare:
    """The payload of `ecground compare`."""
    changes: list[c.Change] = []
    for change in found.changes:
        row: c.Change = {
            "old": plain(change.old), "new": plain(change.new), "delta": number(change.delta), "unit": change.unit,
            "beyond_repeatability": change.beyond_repeatability, "lead": change.lead, "limit": number(change.limit)}
        if change.measure is not None:
            row["measure"] = change.measure
        else:
            row["code"] = str(change.code)
        changes.append(row)
    return {"old_file": old_file, "changes": changes, "text": found.text, "claims": claims(found.claims),
            "disclaimer": c.DISCLAIMER}
