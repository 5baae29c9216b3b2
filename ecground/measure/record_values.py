"""The whole measurement of one record: from windows to record-level Values.

Contract: `measure_record(record, delineation, quality=...)` gives Measurements with every name of RECORD_MEASURES and,
for every lead, of LEAD_MEASURES. Time is linear in the length of the record; beats are handled 128 at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.errors import UsageError
from ecground.leads import CHEST, LIMB
from ecground.measure.cables import cable_values
from ecground.measure.rhythm.alternans import alternans_values
from ecground.measure.rhythm.atrial import atrial_values
from ecground.measure.rhythm.beat_classes import BeatClasses, classify, rr_intervals
from ecground.measure.rhythm.cycles import p_values, rhythm_values, rr_of_dominant
from ecground.measure.rhythm.pacing import paced_beats, pacing_values
from ecground.measure.robust import nan_iqr, nan_median
from ecground.measure.table import RECORD_MEASURES, BeatTable, Measurements, Value, absent, measured, unmeasurable
from ecground.measure.waves.axis import angle_between, frontal_axis, voltages
from ecground.measure.waves.forms import forms, qrs_details
from ecground.measure.waves.intervals import interval_values, joint_intervals, qtc_values
from ecground.measure.waves.lead_values import LeadContext, lead_values
from ecground.measure.waves.median_beat import MedianBuilder
from ecground.measure.waves.p_and_t import measure_p, measure_st, measure_t, measure_u
from ecground.measure.waves.qrs import measure_qrs
from ecground.measure.waves.windows import (
    Windows,
    find_baseline,
    gather,
    levels_before_qrs,
    reference_samples,
)
from ecground.record import Record
from ecground.signal.beats import MARKS, Delineation
from ecground.signal.pacing import find_spikes
from ecground.signal.quality import Quality

__all__ = ["measure_record"]

_CHUNK: Final = 128
"""Beats handled at once."""
_LEAD_MEDIANS: Final = {"pr_lead_median_ms": "pr_ms", "p_lead_median_ms": "p_dur", "qrs_lead_median_ms": "qrs_ms",
                        "qt_lead_median_ms": "qt_ms"}

Array = NDArray[np.float32]


def measure_record(record: Record, delineation: Delineation, *, quality: Quality | None) -> Measurements:
    """Everything; see `ecground.measure.measure`."""
    _same_record(record, delineation)
    rr = rr_intervals(record, delineation)
    pacing = paced_beats(delineation, find_spikes(record))
    classes = classify(record, delineation, rr=rr, spiked=pacing.qrs)
    of_beats, median = _waves_of_beats(record, delineation, classes)
    of_median = _waves_of_median(median, len(record.leads), rr[1][classes.dominant], delineation, record.fs)
    words = forms(median, of_median) if median is not None else {}
    scores = {} if quality is None else {name: found.sqi for name, found in quality.leads.items()}
    context = LeadContext(record, delineation, classes.dominant, scores, _typical_row(classes))
    lead = lead_values(context, median, of_median, of_beats, words)
    joint = joint_intervals(delineation)
    out = rhythm_values(delineation, rr, classes)
    out |= p_values(delineation, classes, joint["pr_ms"])
    out |= interval_values(delineation, joint, classes.dominant)
    dominant_rr = float(nan_median(rr_of_dominant(rr, classes)))
    out |= qtc_values(out["qt_ms"], dominant_rr, 60000.0 / dominant_rr, out["qrs_ms"].number)
    out |= _from_leads(record, lead, out["qrs_ms"])
    out |= pacing_values(pacing, delineation.has_qrs) | atrial_values(record, delineation, classes)
    out |= cable_values(record, delineation)
    out["twa_uv"], waves = alternans_values(record, delineation, classes)
    for name, value in waves.items():
        lead[name]["twa_uv"] = value
    trust = _digitized(record)
    record_values = {name: replace(value, confidence=value.confidence * trust) for name, value in
                     ((name, out.get(name, unmeasurable(name, "not measured"))) for name in RECORD_MEASURES)}
    return Measurements(delineation, record_values, lead, _beat_table(classes, rr, joint, of_beats),
                        _notes(record, classes))


def _digitized(record: Record) -> float:
    """How surely a record that was read from a picture was read, 1 for recordings: joint values rest on all leads."""
    confidence = record.provenance.confidence
    return float(np.median([confidence.get(lead, 1.0) for lead in record.leads])) if confidence else 1.0


def _same_record(record: Record, delineation: Delineation) -> None:
    if delineation.leads != record.leads or delineation.n_samples != record.n_samples or (
            abs(delineation.fs - record.fs) > 1e-6 * record.fs):
        raise UsageError("the delineation belongs to another record", where="measure",
                         hint="delineate this record at its own sampling rate, with the same leads")


def _waves_of_beats(record: Record, delineation: Delineation, classes: BeatClasses,
                    ) -> tuple[dict[str, Array], Windows | None]:
    """Every numeric LEAD_MEASURE `[lead, row]` of all rows, and the median beat."""
    levels = levels_before_qrs(record, delineation)
    calm = delineation.has_qrs & ((classes.kind == "N") | (classes.kind == "paced") | classes.dominant)
    baseline = find_baseline(delineation, levels, calm)
    reference = reference_samples(delineation)
    builder = MedianBuilder(classes.dominant, classes.shift, record.fs)
    parts: list[dict[str, Array]] = []
    for start in range(0, delineation.n_rows, _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, delineation.n_rows), dtype=np.intp)
        w = gather(record, delineation, baseline, rows, reference=reference, levels=levels)
        builder.add(w)
        parts.append(_waves(w))
    names = parts[0] if parts else {}
    return {name: np.concatenate([part[name] for part in parts], axis=1) for name in names}, builder.build()


def _waves(w: Windows) -> dict[str, Array]:
    return measure_p(w) | measure_qrs(w) | measure_st(w) | measure_t(w)


def _waves_of_median(median: Windows | None, n_leads: int, rr_after: NDArray[np.float64], delineation: Delineation,
                     fs: float) -> dict[str, Array]:
    """The same measures of the median beat, and those that are only taken there, `[lead]`."""
    if median is None:
        return {}
    out = {name: value[:, 0] for name, value in _waves(median).items()}
    beats = delineation.joint_marks
    starts = np.where(np.isfinite(beats[:, MARKS.index("p_on")]), beats[:, MARKS.index("p_on")],
                      beats[:, MARKS.index("qrs_on")])
    lead_in = float(nan_median(beats[:, MARKS.index("r_peak")] - starts)) / fs
    rr = float(nan_median(rr_after)) / 1000.0
    out["u_amp"] = (measure_u(median, rr - lead_in)[:, 0] if np.isfinite(rr - lead_in)
                    else np.full(n_leads, np.nan, dtype=np.float32))
    return out | qrs_details(median)


def _typical_row(classes: BeatClasses) -> int | None:
    """The dominant beat most like the median beat."""
    rows = np.flatnonzero(classes.dominant)
    if len(rows) == 0:
        return None
    return int(rows[np.nan_to_num(classes.correlation[rows], nan=-1.0).argmax()])


def _from_leads(record: Record, lead: Mapping[str, Mapping[str, Value]], qrs: Value) -> dict[str, Value]:
    """Axes, voltages, QT dispersion and P terminal force from the lead values."""
    out: dict[str, Value] = {}
    for name, area in (("p_axis_deg", "p_area"), ("qrs_axis_deg", "qrs_area"), ("t_axis_deg", "t_area")):
        out[name] = _axis_value(name, {key: lead[key][area] for key in record.leads})
    angle = angle_between(out["qrs_axis_deg"].number, out["t_axis_deg"].number)
    out["qrst_angle_deg"] = measured("qrst_angle_deg", angle, why="needs both axes",
                                     leads=out["qrs_axis_deg"].leads, n=out["qrs_axis_deg"].n,
                                     confidence=min(out["qrs_axis_deg"].confidence, out["t_axis_deg"].confidence))
    out |= _voltage_values(record, lead)
    out["cornell_product_mvms"] = _cornell_product(record, out["cornell_mv"], qrs)
    qt = {key: lead[key]["qt_ms"] for key in record.leads if lead[key]["qt_ms"].state == "measured"}
    if len(qt) >= 6:
        longest, shortest = max(qt, key=lambda k: qt[k].number), min(qt, key=lambda k: qt[k].number)
        out["qt_dispersion_ms"] = measured("qt_dispersion_ms", qt[longest].number - qt[shortest].number,
                                           leads=(longest, shortest), n=len(qt),
                                           confidence=min(v.confidence for v in qt.values()))
    else:
        out["qt_dispersion_ms"] = unmeasurable("qt_dispersion_ms", "needs QT in six leads")
    for name, key in _LEAD_MEDIANS.items():
        out[name] = _median_over_leads(name, [lead[k][key] for k in record.leads])
    force = lead.get("V1", {}).get("p_terminal_uvms")
    out["ptf_v1_uvms"] = (Value(force.value, "uV ms", force.state, ("V1",), force.beats, force.span, force.n, force.iqr,
                                force.confidence, force.why)
                          if force is not None else unmeasurable("ptf_v1_uvms", "lead V1 is missing"))
    return out


def _median_over_leads(name: str, values: list[Value]) -> Value:
    """Median over the leads that have the interval: shorter than the joint one, and what cardiologists mark by lead."""
    seen = [value for value in values if value.state == "measured"]
    if not seen:
        gone = bool(values) and all(value.state == "absent" for value in values)
        return absent(name, "no such wave in any lead") if gone else unmeasurable(name, values[0].why if values else
                                                                                  "no lead")
    numbers = np.array([value.number for value in seen])
    return measured(name, float(np.median(numbers)), leads=tuple(value.leads[0] for value in seen),
                    span=seen[int(np.abs(numbers - np.median(numbers)).argmin())].span, n=len(seen),
                    iqr=float(nan_iqr(numbers)), confidence=float(np.median([value.confidence for value in seen])))


def _axis_value(name: str, areas: Mapping[str, Value]) -> Value:
    net = {lead: value.number for lead, value in areas.items()}
    angle, length, used = frontal_axis(net)
    if not used:
        states = {areas[lead].state for lead in LIMB if lead in areas}
        if states == {"absent"}:
            return Value(None, "deg", "absent", why="no such wave in the limb leads")
        why = next((areas[k].why for k in LIMB if k in areas and areas[k].why), "needs two limb leads")
        return unmeasurable(name, why)
    wave = {"p": 200.0, "q": 1500.0, "t": 1500.0}[name[0]]
    parts = [areas[lead] for lead in used]
    firm = min(1.0, length / wave)
    return measured(name, angle, leads=used, span=parts[0].span, n=min(part.n for part in parts),
                    confidence=min(part.confidence for part in parts) * firm,
                    why="net area near zero in both leads: axis uncertain" if firm < 0.5 else "")


def _voltage_values(record: Record, lead: Mapping[str, Mapping[str, Value]]) -> dict[str, Value]:
    def amplitude(key: str, *names: str) -> float:
        found = [lead[key][name] for name in names]
        if all(value.state == "unmeasurable" for value in found):
            return float("nan")
        numbers = [value.number for value in found if value.state == "measured"]
        return max(numbers, key=abs) if numbers else 0.0

    keys = record.leads
    tallest = {key: amplitude(key, "r_amp", "r2_amp") for key in keys}
    deepest = {key: amplitude(key, "s_amp", "s2_amp") for key in keys}
    found = voltages(tallest, deepest, {key: lead[key]["qrs_pp"].number for key in keys})
    out: dict[str, Value] = {}
    for name, (value, leads) in found.items():
        group = LIMB if name == "limb_voltage_mv" else CHEST if name == "chest_voltage_mv" else leads
        here = [key for key in leads if key in lead]
        why = ("amplitude scale of the file is unknown" if not record.provenance.calibrated
               else f"needs {' '.join(group)}")
        out[name] = measured(name, value, leads=leads, why="" if np.isfinite(value) else why,
                             confidence=min((lead[k]["qrs_pp"].confidence for k in here), default=0.0),
                             span=lead[here[0]]["qrs_pp"].span if here else None,
                             n=min((lead[k]["qrs_pp"].n for k in here), default=0))
    return out


def _cornell_product(record: Record, cornell: Value, qrs: Value) -> Value:
    """(R aVL + S V3, plus 0.6 mV in women) x QRS duration (Molloy 1992; AHA/ACCF/HRS 2009 V)."""
    name = "cornell_product_mvms"
    if cornell.state != "measured" or qrs.state != "measured":
        return unmeasurable(name, cornell.why or qrs.why)
    extra = 0.6 if record.patient.sex == "F" else 0.0
    return measured(name, (cornell.number + extra) * qrs.number, leads=cornell.leads, span=cornell.span, n=cornell.n,
                    confidence=min(cornell.confidence, qrs.confidence),
                    why="" if record.patient.sex else "sex unknown: nothing added")


def _beat_table(classes: BeatClasses, rr: tuple[NDArray[np.float64], NDArray[np.float64]],
                joint: Mapping[str, NDArray[np.float64]], of_beats: Mapping[str, Array]) -> BeatTable:
    with np.errstate(invalid="ignore", divide="ignore"):
        columns = {
            "hr_bpm": 60000.0 / rr[0], "rr_before_ms": rr[0], "rr_after_ms": rr[1], "pr_ms": joint["pr_ms"],
            "p_dur_ms": joint["p_dur_ms"], "qrs_ms": joint["qrs_ms"], "qt_ms": joint["qt_ms"],
            "qtc_ms": joint["qt_ms"] / np.sqrt(rr[0] / 1000.0), "template_corr": classes.correlation,
        }
    return BeatTable(tuple(str(kind) for kind in classes.kind),
                     {name: np.asarray(column, dtype=np.float32) for name, column in columns.items()}, dict(of_beats))


def _notes(record: Record, classes: BeatClasses) -> tuple[str, ...]:
    beats = int((classes.kind != "p").sum())
    notes = []
    if beats == 0:
        notes.append("no QRS complex was found")
    elif beats < 3:
        notes.append(f"only {beats} QRS complex{'es' if beats > 1 else ''}: rhythm cannot be measured")
    if not record.provenance.calibrated:
        notes.append("the amplitude scale of the file is unknown: amplitudes are withheld")
    return tuple(notes)
