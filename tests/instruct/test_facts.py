from __future__ import annotations

from dataclasses import replace

from ecground.instruct.facts import facts_of, severity
from ecground.instruct.simulated import simulated


def test_labels_decide_true_and_false_and_nothing_else(case):
    facts = facts_of(case(1, ("SBRAD", "1AVB")))
    assert facts.says("1AVB") is True and facts.says("AFIB") is False
    assert facts.says("SR") is True, "sinus bradycardia is sinus rhythm"
    assert facts.says("DIG") is None and facts.says("TALLT") is None
    assert facts.record == "toy:1" and facts.source.licence == "CC0"


def test_snomed_codes_that_several_statements_share_are_left_undecided(case):
    facts = facts_of(case(1, ("164889003", "164867002"), system="snomed"))
    assert facts.says("AFIB") is True and facts.says("1AVB") is False
    assert facts.says("IMI") is None and facts.says("LMI") is None


def test_a_case_without_labels_decides_nothing(case):
    assert facts_of(case(1, ())).decided == frozenset()
    assert facts_of(case(1, ("text",), system="text")).decided == frozenset()


def test_facts_know_the_fold(case):
    assert facts_of(replace(case(1, ("SR",)), fold=7)).source.fold == 7


def test_what_is_true_of_a_simulated_ecg():
    made = simulated(60, seed=3)
    assert [facts.record for facts in made[:2]] == ["simulated:3-0", "simulated:3-1"]
    assert {facts.source.split for facts in made} == {"train", "valid"}
    for facts in made:
        pr_ms, axis = facts.values.get("pr_ms", 0.0), facts.values.get("qrs_axis_deg", 0.0)
        if facts.says("1AVB"):
            assert pr_ms > 200
        if facts.says("LAD") is not None:
            assert facts.says("LAD") == (-90 <= axis <= -30) and abs(axis + 30) > 3
    plain = next(facts for facts in made if facts.says("NORM"))
    assert plain.says("CLBBB") is False and plain.says("STE_") is False and plain.says("TALLT") is None
    assert plain.load().leads[0] == "I" and plain.person.age


def test_sinus_rhythm_is_open_where_its_beats_are_blocked():
    blocked = [facts for facts in simulated(120, seed=3) if "2AVB" in facts.statements]
    assert blocked and all(facts.says("SR") is None for facts in blocked)


def test_severity_counts_diagnostic_statements(case):
    assert [severity(facts_of(case(1, labels))) for labels in (
        ("NORM", "SR"), ("SR", "PVC"), ("IMI",), ("IMI", "LVH", "CLBBB", "1AVB"))] == ["normal", "normal", "1", "3+"]
