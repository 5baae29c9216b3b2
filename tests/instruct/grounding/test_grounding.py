from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecground.instruct.conversation import from_json, to_json
from ecground.instruct.facts import facts_of
from ecground.instruct.grounding.plan import plan, told
from ecground.instruct.grounding.recipe import conversation, interpretation
from ecground.instruct.grounding.verify import verify
from ecground.instruct.grounding.writer import MOST_WORDS, realise
from ecground.knowledge.check import check, key_of
from ecground.knowledge.claims import read_claims


@pytest.fixture
def facts(case):
    return facts_of(case(1, ("SR", "1AVB")))


def test_no_text_has_a_contradicted_claim_and_all_are_short(facts, measured):
    measurements, findings = measured
    texts = set()
    for seed in range(20):
        made = interpretation(facts, measurements, findings, np.random.default_rng(seed))
        assert made.kept and made.claims
        again = check(read_claims(made.text), measurements, findings)
        assert not [claim for claim in again if claim.verdict == "contradicted"]
        assert len(made.text.split()) <= MOST_WORDS
        texts.add(made.text)
    assert len(texts) == 20, "every seed words it differently"


def test_variety_never_changes_a_fact(facts, measured):
    measurements, findings = measured
    values = {}
    for seed in range(20):
        made = interpretation(facts, measurements, findings, np.random.default_rng(seed))
        for claim in made.claims:
            if claim.measure and claim.comparison == "=" and not claim.leads:
                values.setdefault(claim.measure, set()).add(claim.value)
        assert "first-degree AV block" in made.text
    assert values["pr_ms"] and all(len(found) == 1 for found in values.values())


def test_what_the_labels_deny_is_not_told(case, measured):
    _, findings = measured
    by_key = {key_of(finding): finding for finding in findings}
    assert by_key["1AVB"].present
    denied = facts_of(case(1, ("SR", "NORM")))
    assert "1AVB" not in told(denied, by_key)
    assert "1AVB" in told(facts_of(case(1, ("1AVB", "SR"))), by_key)


def test_a_label_that_the_measurements_contradict_is_repaired_out_of_the_text(case, measured):
    measurements, findings = measured
    wrong = facts_of(case(1, ("SR", "1AVB", "CLBBB")))
    made = interpretation(wrong, measurements, findings, np.random.default_rng(0))
    assert made.kept and made.contradicted
    assert "bundle branch block" not in made.text.split("onclusion")[-1] or "No" in made.text
    assert any(claim.finding == "CLBBB" for claim in made.contradicted)


def test_a_text_about_another_ecg_is_dropped(case, measured):
    measurements, findings = measured
    other = facts_of(case(1, ("AFIB", "CLBBB", "IMI", "LVH", "PVC")))
    empty = tuple(replace(finding, present=False, criteria=()) for finding in findings)
    points = plan(other, measurements, empty, detail="brief", rng=np.random.default_rng(0))
    assert not verify(points, [0] * len(points), measurements, empty).kept


def test_a_rhythm_that_the_checker_denies_leaves_the_rate(case, measured):
    measurements, findings = measured
    made = interpretation(facts_of(case(1, ("AFLT", "1AVB"))), measurements, findings, np.random.default_rng(2))
    assert "flutter" not in made.text and made.text.split(".")[0].lower().startswith(("ventricular", "the ventricular"))


def test_general_and_exact_names_of_one_thing_are_told_apart(case, measured):
    """`ST depression` stays when `ST depression of acute posterior infarction` is taken out."""
    from ecground.instruct.grounding.verify import _places

    sentence = "Conclusion: sinus rhythm, ST depression of acute posterior infarction, ST depression."
    places = _places(("sinus rhythm", "ST depression of acute posterior infarction", "ST depression"), sentence)
    assert [sentence[slice(*place)] for place in places] == [
        "sinus rhythm", "ST depression of acute posterior infarction", "ST depression"]


def test_what_nothing_is_known_of_is_told_from_the_findings(case, measured):
    measurements, findings = measured
    made = interpretation(facts_of(case(1, ())), measurements, findings, np.random.default_rng(0))
    assert "first-degree AV block" in made.text and made.kept


def test_labels_are_never_added_to_by_a_diagnosis(case, measured):
    _, findings = measured
    by_key = {key_of(finding): replace(finding, present=True, probability=0.9) for finding in findings}
    told_of = set(told(facts_of(case(1, ("SR", "NORM"))), by_key))
    assert not told_of & {"STEMI_A", "EREPOL", "BRUGADA1", "JUNC", "VT"} and "TALLT" in told_of


def test_test_questions_are_not_those_of_training(facts, measured):
    measurements, findings = measured
    made = interpretation(facts, measurements, findings, np.random.default_rng(1))
    asked = {style: {conversation(facts, made, np.random.default_rng(seed), seed=1, style=style).turns[0].text
                     for seed in range(40)} for style in ("train", "test")}
    assert len(asked["train"]) >= 6 and len(asked["test"]) == 3 and not asked["train"] & asked["test"]


def test_no_form_is_denied_that_a_lead_shows(facts, measured):
    measurements, findings = measured
    lead = dict(measurements.lead["V5"])
    lead["t_amp"] = replace(lead["t_amp"], value=-0.2)
    turned = replace(measurements, lead={**measurements.lead, "V5": lead})
    for values, denied in ((measurements, True), (turned, False)):
        points = plan(facts, values, findings, detail="full", rng=np.random.default_rng(0))
        assert any("INVT" in point.keys for point in points if point.kind.startswith("absent.")) == denied


def test_the_least_important_sentences_go_first(facts, measured):
    measurements, findings = measured
    points = plan(facts, measurements, findings, detail="full", rng=np.random.default_rng(0))
    short = realise(points, [0] * len(points), most_words=40)
    assert {point.kind for point in points} > {point.kind for point in short.points}
    assert {"rhythm.said", "conclusion.said"} <= {point.kind for point in short.points}
    assert [short.text[begin:end].endswith(".") for begin, end in short.spans] == [True] * len(short.points)


def test_leaving_a_point_out_changes_no_other_sentence(facts, measured):
    measurements, findings = measured
    points = plan(facts, measurements, findings, detail="usual", rng=np.random.default_rng(0))
    draws = list(range(len(points)))
    whole, less = realise(points, draws), realise(points[1:], draws[1:])
    assert whole.text.endswith(less.text)


def test_every_claim_has_its_ground(facts, measured):
    measurements, findings = measured
    rng = np.random.default_rng(1)
    made = interpretation(facts, measurements, findings, rng)
    talk = conversation(facts, made, rng, seed=1)
    grounds = talk.turns[1].grounds
    assert len(grounds) == len(made.claims) and talk.records == (facts.record,)
    assert {ground.truth for ground in grounds} == {"label", "measurement"}
    labelled = [ground for ground in grounds if ground.finding == "1AVB" and not ground.measure]
    assert labelled and all(ground.truth == "label" for ground in labelled)
    assert any(ground.samples for ground in grounds)
    assert from_json(to_json(talk)) == talk
