"""Narration: what is told is read back and supported, in order, with leads, beats, values and criteria."""

import pytest

from ecground.knowledge.check import check, key_of
from ecground.knowledge.claims import read_claims
from ecground.knowledge.codes import codes
from ecground.knowledge.criteria import rulebook
from ecground.knowledge.findings import find
from ecground.knowledge.narrate import SECTIONS, narrate, section_of
from ecground.knowledge.phrases import catalogue
from ecground.knowledge.repeatability import UNITS
from ecground.knowledge.telling import covered_by
from ecground.record import DeviceMeasurement, DeviceReading, Patient
from ecground.signal.quality import KINDS
from tests.knowledge.handmade import measurements
from tests.knowledge.told import CASES, told, verdicts


@pytest.mark.parametrize("case", CASES)
def test_everything_told_is_supported(case):
    made = told(*case)
    judged = verdicts(made[3], made)
    assert len(judged) > 15
    assert [(c.text, c.why) for c in judged if c.verdict != "supported"] == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 21))
def test_everything_told_is_supported_for_many_patients(seed):
    for case in CASES:
        made = told(*case, seed)
        assert [(c.text, c.why) for c in verdicts(made[3], made) if c.verdict != "supported"] == []


@pytest.mark.parametrize("case", CASES)
def test_present_findings_are_told_and_the_disclaimer_ends_the_text(case):
    made = told(*case)
    present = {key_of(f) for f in made[2] if f.present and not f.statement.startswith("normal QRS")}
    told_keys = {c.finding for c in verdicts(made[3], made) if c.polarity == "present" and c.finding}
    missing = {key for key in present if key not in told_keys}
    assert {key for key in missing if not present & set(covered_by(key))} == set()
    assert made[3].endswith("Research use, not a medical device.")


def test_sentences_name_leads_beats_unit_and_criterion():
    text = told("sinus_bradycardia", "lbbb")[3]
    line = next(line for line in text.splitlines() if "omplete left bundle branch block" in line)
    for part in ("QRS duration", " ms", "criterion ≥ 120)", " beats", "(all leads, ", " in V", "R-peak time",
                 "[AHA 2009-III"):
        assert part in line, part


def test_beats_and_leads_are_read_back():
    made = told("sinus", None)
    claims = verdicts(made[3], made)
    pr = next(c for c in claims if c.measure == "pr_ms" and c.comparison == "=")
    assert (pr.n_beats, pr.leads) == (made[1].record["pr_ms"].n, ())
    axis = next(c for c in claims if c.measure == "qrs_axis_deg" and c.comparison == "=")
    assert axis.leads == ("I", "aVF")
    assert any(c.finding == "LIMITS" and (c.value, c.value_high) == (120.0, 200.0) for c in claims)


def test_no_sentence_is_told_twice_and_none_is_a_near_miss():
    for case in CASES:
        text = told(*case)[3]
        lines = [line for line in text.splitlines() if not line.startswith("Conclusion")]
        told_names = [part.split(":")[0] for line in lines for part in line.split(". ") if ": " in part]
        assert len(told_names) == len(set(told_names)), told_names
        assert "ossible" not in text


def test_borderline_is_said_of_the_value():
    for value, said in ((197.0, False), (199.0, True), (204.0, False)):
        numbers = measurements({"pr_ms": value, "qrs_ms": 90.0, "qtc_bazett_ms": 400.0, "qtc_fridericia_ms": 400.0})
        found = find(numbers, Patient(age=50.0, sex="M"))
        text = narrate(numbers, found, patient=Patient(age=50.0, sex="M"))
        assert (f"Borderline: PR interval {value:.0f} ms." in text) is said, text
        judged = check(read_claims(text), numbers, found)
        assert [c.text for c in judged if c.verdict != "supported"] == []


def test_what_was_not_judged_is_told_by_reason_in_one_line():
    numbers = measurements(leads=("I", "II"))
    patient = Patient(age=50.0, sex="M")
    found = find(numbers, patient)
    text = narrate(numbers, found, patient=patient)
    line = next(line for line in text.splitlines() if line.startswith("Not judged"))
    assert "infarction and Q waves" in line
    assert len(line) < 700
    assert all(c.verdict == "supported" for c in check(read_claims(text), numbers, found))


def test_normal_ecg_ends_the_conclusion():
    numbers = measurements()
    found = find(numbers, Patient(age=50.0, sex="M"))
    assert any(f.scp == "NORM" and f.present for f in found)
    assert "normal ECG." in narrate(numbers, found, patient=Patient(age=50.0, sex="M"))


def test_device_words_are_quoted_and_make_no_claims():
    made = told("sinus", None)
    qrs = round(made[1].number("qrs_ms")) + 2.0
    device = DeviceReading(("ATRIAL FIBRILLATION",), (
        DeviceMeasurement("pr_ms", 999.0, "ms"), DeviceMeasurement("qrs_ms", qrs, "ms"),
        DeviceMeasurement("p_onset", 12.0, "sample")))
    text = narrate(made[1], made[2], patient=Patient(), device=device)
    assert "“ATRIAL FIBRILLATION”" in text
    assert f"“PR interval 999 ms”, here PR interval {made[1].number('pr_ms'):.0f} ms" in text
    assert f"agree with these within repeatability: “QRS duration {qrs:.0f} ms”." in text
    assert "12" not in next(line for line in text.splitlines() if "device" in line)
    assert {c.finding for c in verdicts(text, made)} & {"AFIB"} == set()
    assert all(c.verdict == "supported" for c in verdicts(text, made))


def test_nothing_found_still_makes_a_report():
    made = told("sinus", None)
    assert "Conclusion" in narrate(made[1], (), patient=Patient())


def test_every_statement_has_a_section():
    assert {section_of(key_of(f)) for f in told("sinus", None)[2]} <= set(SECTIONS)


def test_every_statement_and_source_has_a_phrase():
    listed = catalogue()._tables["statement"]
    assert [key for key in codes() if key not in listed] == []
    sources = {source for rules in rulebook().rules.values() for rule in rules for source in rule.source.split("; ")}
    assert [source for source in sources if catalogue().tags(source) == source] == []
    tags = [catalogue().tags(source) for source in sources]
    assert len(tags) == len(set(tags))


def test_every_kind_of_noise_has_a_phrase():
    assert [kind for kind in KINDS if kind not in catalogue()._tables["noise"]] == []


def test_every_measure_has_a_phrase():
    missing = [name for name in UNITS if name not in catalogue().measures]
    assert missing == []
