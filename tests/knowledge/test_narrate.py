"""Narration: what is told is read back and supported, in order, with leads, beats, values and criteria."""

import pytest

from ecground.knowledge.check import key_of
from ecground.knowledge.narrate import SECTIONS, narrate, section_of
from ecground.knowledge.phrases import catalogue
from ecground.knowledge.repeatability import UNITS
from ecground.record import DeviceMeasurement, DeviceReading, Patient
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
    assert missing <= {"BRADY", "TACHY", "WIDEQRS", "SR", "LPR", "1AVB", "LVOLT_LIMB", "VCLVH", "LAD", "ISC_", "2AVB",
                       "PRC(S)", "AMI", "LVOLT", "SVTAC"}, missing
    assert made[3].endswith("Research use, not a medical device.")


def test_sentences_name_leads_beats_unit_and_criterion():
    text = told("sinus_bradycardia", "lbbb")[3]
    line = next(line for line in text.splitlines() if "omplete left bundle branch block" in line)
    for part in ("QRS duration", " ms", "median of", " beats", "criterion at least 120 ms", "all leads jointly", "in V",
                 "mV in ", "Surawicz"):
        assert part in line, part


def test_device_words_are_quoted_and_make_no_claims():
    made = told("sinus", None)
    device = DeviceReading(("ATRIAL FIBRILLATION",), (DeviceMeasurement("pr_ms", 999.0, "ms"),))
    text = narrate(made[1], made[2], patient=Patient(), device=device)
    assert "“ATRIAL FIBRILLATION”" in text
    assert "“PR interval 999 ms”" in text
    assert {c.finding for c in verdicts(text, made)} & {"AFIB"} == set()
    assert all(c.verdict == "supported" for c in verdicts(text, made))


def test_nothing_found_still_makes_a_report():
    made = told("sinus", None)
    assert "Conclusion" in narrate(made[1], (), patient=Patient())


def test_every_statement_has_a_section():
    assert {section_of(key_of(f)) for f in told("sinus", None)[2]} <= set(SECTIONS)


def test_every_measure_has_a_phrase():
    missing = [name for name in UNITS if name not in catalogue().measures]
    assert missing == []
