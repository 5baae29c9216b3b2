"""The builders of the JSON objects, on results made by hand."""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pytest

from ecground.errors import NotAnEcgError
from ecground.knowledge.finding import Claim, Criterion, Evidence, Finding
from ecground.measure.table import BEAT_MEASURES, LEAD_MEASURES, BeatTable, Measurements, Value
from ecground.record import DeviceMeasurement, DeviceReading, Patient, PixelMap, Provenance, Record, StripMap
from ecground.report import json as report
from ecground.signal.beats import ABSENT, MARKS, PRESENT, UNMEASURABLE, Delineation

NAN = float("nan")
MARK = {name: i for i, name in enumerate(MARKS)}


@pytest.fixture
def delineation():
    """Two leads, three rows: a whole beat, a P wave alone, and a beat without P and with a T out of reach."""
    joint = np.full((3, len(MARKS)), NAN)
    joint[0, :11] = [10, 20, 30, 50.4, 55, 60.5, 66, 71, 90, 110, 130]
    joint[1, :3] = [200, 210, 220]
    joint[2, 3:8] = [300, NAN, 310, NAN, 320]
    state = np.array([[PRESENT] * 3, [PRESENT, ABSENT, ABSENT], [ABSENT, PRESENT, UNMEASURABLE]], dtype=np.int8)
    return Delineation(
        fs=500.0, leads=("I", "V1"), n_samples=5000,
        lead_marks=np.stack([joint, joint + 1]).astype(np.float32), lead_state=np.stack([state, state]),
        lead_confidence=np.ones((2, 3, 3), np.float32), joint_marks=joint, joint_state=state,
        joint_confidence=np.ones((3, 3), np.float32))


@pytest.fixture
def measured(delineation):
    joint = {name: np.full(3, NAN, np.float32) for name in BEAT_MEASURES}
    lead = {name: np.full((2, 3), NAN, np.float32) for name in LEAD_MEASURES}
    joint["pr_ms"][0] = 160
    lead["r_amp"][:] = [[1, NAN, 2], [0.1, NAN, NAN]]
    return Measurements(
        delineation=delineation, record={"pr_ms": Value(160.0, "ms", beats=(0,), span=(10, 50), n=1, iqr=NAN),
                                         "dominant_class": Value("N", "")},
        lead={"I": {"p_amp": Value(None, "mV", "absent", leads=("I",), why="no P wave")}, "V1": {}},
        beats=BeatTable(kind=("N", "p", "N"), joint=joint, lead=lead))


def test_fiducials_are_whole_samples_in_the_order_of_the_rows(delineation):
    found = report.fiducials(delineation)
    rows = found["global"]
    assert [row["qrs_on"] for row in rows] == [50, None, 300]
    assert [row["p_on"] for row in rows] == [10, 200, None]
    assert {len(rows) for rows in found["leads"].values()} == {3}
    assert found["leads"]["V1"][0]["p_on"] == 11
    assert list(rows[0]) == [*MARKS[:11], "why"]
    assert all(value is None or type(value) is int for name, value in rows[0].items() if name != "why")


def test_every_gap_has_its_reason(delineation):
    whole, blocked, late = report.fiducials(delineation)["global"]
    assert whole["why"] is None
    assert blocked["why"] == {"qrs": "absent", "t": "absent"}
    assert late["why"] == {"p": "absent", "t": "unmeasurable", "q": "absent", "s": "absent"}


def test_a_lost_bound_of_a_present_wave_is_unmeasurable(delineation):
    marks = delineation.joint_marks.copy()
    marks[0, MARK["t_off"]] = NAN
    rows = report._rows(marks, delineation.joint_state)
    assert rows[0]["why"] == {"t_off": "unmeasurable"}


def test_samples_of_a_holter_keep_every_digit(delineation):
    marks = delineation.joint_marks + 86_400_000.0
    assert report._rows(marks, delineation.joint_state)[0]["p_on"] == 86_400_010


def test_measurements_hold_no_nan(measured):
    found = report.measurements(measured)
    text = json.dumps(found, allow_nan=False)
    assert found["record"]["pr_ms"]["span"] == [10, 50]
    assert found["record"]["pr_ms"]["iqr"] is None
    assert found["leads"]["I"]["p_amp"]["state"] == "absent"
    assert found["beats"]["leads"]["I"]["r_amp"] == [1.0, None, 2.0]
    assert found["beats"]["leads"]["V1"]["r_amp"] == [0.1, None, None]
    assert found["beats"]["r_peak"] == [60, None, 310]
    assert "NaN" not in text


def test_device_values_stand_beside_ours(measured):
    reading = DeviceReading(("Ritmo sinusale",), (
        DeviceMeasurement("pr_ms", 158.0, "ms", label="PR Interval"), DeviceMeasurement("qt_ms", NAN, "ms")))
    assert report.device(reading)["measurements"][0] == {
        "name": "pr_ms", "value": 158.0, "unit": "ms", "lead": None, "label": "PR Interval"}
    beside = report.device(reading, measured)["measurements"]
    assert beside[0]["ours"] == 160.0
    assert beside[1]["value"] is None
    assert beside[1]["ours"] is None


def test_info_counts_what_was_seen():
    signal = np.zeros((2, 1000), np.float32)
    signal[1, 250:] = NAN
    record = Record(signal, 500.0, ("I", "II"), Patient(61.0, "F"), datetime(2020, 1, 2, 3, 4, 5))
    found = report.info(record)["record"]
    assert found["seen"] == {"I": 1.0, "II": 0.25}
    assert found["seconds"] == 2.0
    assert found["start"] == "2020-01-02T03:04:05"
    assert found["patient"] == {"age": 61.0, "sex": "F"}


def test_findings_are_parted_by_code():
    evidence = Evidence("qrs_ms", 142.0, "ms", comparison=">=", threshold=(120.0, NAN))
    criterion = Criterion("crbbb.width", "AHA 2009 III", checked=True, met=True, margin=2.2, evidence=(evidence,))
    coded = Finding("CRBBB", "59118001", "complete right bundle branch block", 0.97, True, True, criteria=(criterion,))
    uncoded = Finding(None, None, "arm leads reversed", 0.1, False, True)
    record = Record(np.zeros((1, 10), np.float32), 500.0, ("I",))
    found = report.findings([coded, uncoded], [Finding("CD", None, "conduction disturbance", 0.97, True, True)],
                            record=record)
    assert [row["scp"] for row in found["statements"]] == ["CRBBB"]
    assert [row["statement"] for row in found["other"]] == ["arm leads reversed"]
    assert found["superclasses"][0]["scp"] == "CD"
    (entry,) = found["statements"][0]["criteria"][0]["evidence"]
    assert entry["threshold"] == [120.0, None] and "boxes" not in entry


def test_evidence_of_a_picture_says_where_it_stands():
    lattice = np.stack(np.meshgrid(np.arange(6) * 64.0 + 100, np.arange(6) * 64.0 + 50), axis=-1)
    pixels = PixelMap((StripMap("II", 0.0, 2.0, x=10.0, y=100.0, px_per_s=100.0, px_per_mv=80.0),), lattice, 64.0)
    record = Record(np.zeros((2, 1000), np.float32), 500.0, ("II", "V1"), provenance=Provenance(pixels=pixels))
    evidence = (Evidence("qrs_ms", 142.0, "ms", span=(100, 200)),
                Evidence("r_amp", 1.0, "mV", leads=("V1",), span=(1, 2)), Evidence("hr_bpm", 60.0, "1/min"))
    criterion = Criterion("c", "s", checked=True, met=True, margin=1.0, evidence=evidence)
    finding = Finding("CRBBB", None, "block", 0.9, True, True, criteria=(criterion,))
    joint, hidden, nowhere = report.findings([finding], [], record=record)["statements"][0]["criteria"][0]["evidence"]
    (box,) = joint["boxes"]
    assert box["lead"] == "II" and np.array(box["quad"]) == pytest.approx(
        np.array([[130, 142], [150, 142], [150, 158], [130, 158]]), abs=0.2)
    assert hidden["boxes"] == [] and nowhere["boxes"] == []
    claim = Claim("QRS 142 ms", (0, 10), measure="qrs_ms", evidence=evidence[:1])
    assert report.claims([claim], record)[0]["evidence"][0]["boxes"] == joint["boxes"]
    assert "boxes" not in report.claims([claim])[0]["evidence"][0]


def test_claims_name_their_leads_both_ways():
    claim = Claim("ST elevation in II and aVF", (0, 26), "STE_", leads=("II", "aVF"), value=NAN, verdict="contradicted")
    row, = report.claims([claim])
    assert (row["lead"], row["leads"], row["value"], row["span"]) == ("II aVF", ["II", "aVF"], None, [0, 26])
    assert report.claims([Claim("Sinus rhythm", (0, 12), "SR")])[0]["lead"] is None


def test_the_envelope_says_what_failed():
    whole = report.envelope("info", "a.dcm", {"record": 1}, None)
    assert list(whole)[:4] == ["schema", "file", "ok", "error"]
    assert (whole["ok"], whole["error"], whole["record"]) == (True, None, 1)
    failed = report.envelope("info", "a.dcm", {}, NotAnEcgError("a flat line", hint="check the electrodes"))
    assert failed["error"] == {"code": "not_an_ecg", "what": "a flat line", "where": "", "hint": "check the electrodes"}
    assert failed["ok"] is False


@pytest.mark.parametrize(("value", "expected"), [
    (NAN, None), (float("inf"), None), (None, None), (np.float32(0.1), 0.1), (123456.789, 123456.8), (0.0, 0.0)])
def test_numbers_are_finite_and_short(value, expected):
    assert report.number(value) == expected


def test_plain_refuses_what_json_cannot_hold():
    with pytest.raises(TypeError, match="no JSON form"):
        report.plain(object())
