"""The one checker: a changed number, lead, finding or negation is contradicted; the truth of the simulator decides."""

from dataclasses import replace

import pytest

from ecground.knowledge.check import check
from ecground.knowledge.claims import read_claims
from ecground.knowledge.codes import codes
from ecground.knowledge.finding import Claim
from ecground.knowledge.findings import find
from ecground.knowledge.repeatability import tolerance
from ecground.record import Patient
from tests.knowledge.handmade import measurements, unmeasurable
from tests.knowledge.told import CASES, clearly_absent, told, verdicts


def changed(text, claim, new):
    start, end = claim.span
    return text[:start] + new + text[end:]


@pytest.mark.parametrize("case", CASES)
def test_a_changed_number_is_contradicted(case):
    made = told(*case)
    checked = 0
    for claim in read_claims(made[3]):
        if isinstance(claim.value, float) and claim.comparison == "=" and claim.finding is None:
            for sign in (-1, 1):
                wrong = claim.value + sign * (3 * tolerance(str(claim.measure), claim.value) + 0.02)
                judged = check([replace(claim, value=wrong)], made[1], made[2])[0]
                assert judged.verdict == "contradicted", (claim.text, wrong, judged.why)
                checked += 1
    assert checked > 10


@pytest.mark.parametrize("case", CASES)
def test_a_changed_number_in_the_text_is_contradicted(case):
    made = told(*case)
    for measure, unit in (("PR interval", " ms"), ("QRS duration", " ms"), ("Ventricular rate", "/min")):
        place = made[3].find(f"{measure} ")
        number = made[3][place + len(measure) + 1:].split(unit)[0]
        if place < 0 or not number.isdigit():
            continue
        text = f"{measure} {int(number) * 2}{unit}."
        assert [c.verdict for c in verdicts(text, made)] == ["contradicted"], text


@pytest.mark.parametrize("case", CASES)
def test_a_changed_criterion_is_contradicted(case):
    made = told(*case)
    for claim in read_claims(made[3]):
        if claim.finding and claim.measure and isinstance(claim.value, float) and claim.value_high is None:
            wrong = replace(claim, value=claim.value + 0.3 * abs(claim.value) + 27)
            assert check([wrong], made[1], made[2])[0].verdict == "contradicted", claim


@pytest.mark.parametrize("case", CASES)
def test_a_changed_negation_is_contradicted(case):
    made = told(*case)
    flips = {"present": "absent", "absent": "present"}
    for claim in verdicts(made[3], made):
        if claim.polarity in flips:
            wrong = replace(claim, polarity=flips[claim.polarity], verdict=None)
            assert check([wrong], made[1], made[2])[0].verdict == "contradicted", (claim.text, claim.why)


@pytest.mark.parametrize("case", CASES)
def test_a_changed_finding_is_contradicted(case):
    made = told(*case)
    for key in clearly_absent(made):
        for word in ("", "possible "):
            judged = verdicts(f"Conclusion: {word}{codes()[key].statement}.", made)
            mine = [c for c in judged if c.finding == key]
            implied = any(c.verdict == "supported" for c in mine)
            assert mine, key
            assert all(c.verdict == "contradicted" for c in mine) or implied, (key, mine)


@pytest.mark.parametrize("case", CASES)
def test_a_changed_lead_is_contradicted(case):
    made = told(*case)
    checked = 0
    for claim in read_claims(made[3]):
        if claim.finding is None and claim.leads and isinstance(claim.value, float) and claim.comparison == "=":
            for lead in made[1].lead:
                there = made[1].number(str(claim.measure), lead)
                if abs(there - claim.value) > 2 * tolerance(str(claim.measure), claim.value) + 0.02:
                    judged = check([replace(claim, leads=(lead,))], made[1], made[2])[0]
                    assert judged.verdict == "contradicted", (claim.text, lead)
                    checked += 1
    assert checked > 0


@pytest.mark.parametrize("case", CASES)
def test_verdicts_agree_with_what_was_simulated(case):
    """Outside truth: intervals that the simulator set, not those we measured."""
    made = told(*case)
    for measure, phrase in (("pr_ms", "PR interval"), ("qrs_ms", "QRS duration"), ("hr_bpm", "Heart rate")):
        true = made[0].truth.values.get(measure)
        if true is None or true != true or made[1].number(measure) != made[1].number(measure):
            continue
        unit = "/min" if measure == "hr_bpm" else " ms"
        assert verdicts(f"{phrase} {true:.0f}{unit}.", made)[0].verdict == "supported", (measure, true)
        assert verdicts(f"{phrase} {true * 1.6:.0f}{unit}.", made)[0].verdict == "contradicted"


def test_qualitative_claims():
    made = told("sinus", None)
    for text, verdict in (("The PR interval is normal.", "supported"), ("Prolonged PR interval.", "contradicted"),
                          ("P waves are absent.", "contradicted"), ("No P waves are seen.", "contradicted"),
                          ("Wide QRS complex.", "contradicted"), ("Atrial fibrillation.", "contradicted"),
                          ("No atrial fibrillation.", "supported"), ("Normal PR interval (limits 90 to 300 ms)",
                                                                      "contradicted")):
        assert verdicts(text, made)[-1].verdict == verdict, text


def test_what_cannot_be_checked_is_unverifiable():
    made = told("sinus", None)
    claims = (Claim("x", (0, 1)), Claim("x", (0, 1), finding="NO_SUCH_STATEMENT"),
              Claim("x", (0, 1), measure="no_such_measure", value=1.0), Claim("x", (0, 1), measure="pr_ms"),
              Claim("x", (0, 1), measure="pr_ms", value=160.0, beats=(99,)))
    assert [c.verdict for c in check(claims, made[1], made[2])] == ["unverifiable"] * 5


def test_beats_of_ectopy():
    made = told("pvc", None)
    kinds = [kind for kind in made[1].beats.kind if kind != "p"]
    right = kinds.index("V") + 1
    wrong = kinds.index("N") + 1
    assert verdicts(f"Ventricular premature complexes (beat {right}).", made)[0].verdict == "supported"
    assert verdicts(f"Ventricular premature complexes (beat {wrong}).", made)[0].verdict == "contradicted"


def test_missed_p_waves_contradict_neither_sinus_rhythm_nor_av_block():
    unseen = {"p_present_fraction": 0.6, "pr_ms": unmeasurable("ms", "no P wave in most beats"), "p_axis_deg": 50}
    regular = measurements(record=unseen)
    irregular = {"p_present_fraction": 0.1, "rr_cv": 0.25, "rr_irregularity": 0.25, "f_wave_uv": 60}
    fibrillating = measurements(record={**unseen, **irregular})
    for text in ("Sinus rhythm.", "First-degree AV block."):
        assert _verdict(text, regular) == "unverifiable", text
        assert _verdict(text, fibrillating) != "supported", text
    assert _verdict("Sinus rhythm.", fibrillating) == "contradicted"
    assert _verdict("First-degree AV block.", measurements()) == "contradicted"


def test_a_long_qt_by_another_formula_is_left_open():
    assert _verdict("Prolonged QT interval.", measurements(record={"qtc_bazett_ms": 470})) == "unverifiable"
    assert _verdict("Prolonged QT interval.", measurements()) == "contradicted"


def _verdict(text, values):
    return check(read_claims(text), values, find(values, Patient(age=50, sex="M")))[0].verdict
