from __future__ import annotations

from ecground.instruct.facts import facts_of, severity


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


def test_severity_counts_diagnostic_statements(case):
    assert [severity(facts_of(case(1, labels))) for labels in (
        ("NORM", "SR"), ("SR", "PVC"), ("IMI",), ("IMI", "LVH", "CLBBB", "1AVB"))] == ["normal", "normal", "1", "3+"]
