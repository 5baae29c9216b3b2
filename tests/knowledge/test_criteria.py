from __future__ import annotations

import math

import pytest

from ecground.knowledge.codes import codes
from ecground.knowledge.criteria import AllOf, AnyOf, Leads, NoneOf, Points, Rule, Term, Threshold, rulebook
from ecground.knowledge.judge import FAR, Judge
from ecground.record import Patient
from tests.knowledge.handmade import absent, measurements, unmeasurable

MAN = Patient(age=60, sex="M")


def term(measure: str, op: str, threshold: float, *, lead: str | None = None, tolerance: float = 0.05) -> Term:
    return Term(parts=((measure, lead, 1.0),), op=op, thresholds=(Threshold(threshold),), tolerance=tolerance,
                unit="", absent=(None,))


def test_every_rule_names_a_known_statement_a_source_and_says_unchecked() -> None:
    book = rulebook()
    assert set(book.rules) <= set(codes())
    assert len(book.by_id) == sum(len(rules) for rules in book.rules.values()), "criterion ids are unique"
    for rule in book.by_id.values():
        assert rule.source
        assert rule.role in {"decides", "supports"}
    assert set(book.rules) == set(codes())
    for statement, rules in book.rules.items():
        assert any(rule.role == "decides" for rule in rules) != (statement in book.beyond), statement


RULES = (
    *(f"R{n:02}" for n in range(1, 15)), *(f"C{n:02}" for n in range(1, 19) if n not in (8, 9)),
    *(f"A{n:02}" for n in range(1, 5)), *(f"H{n:02}" for n in range(1, 13)), *(f"S{n:02}" for n in range(1, 16)),
    *(f"M{n:02}" for n in range(1, 6)), "Q01", "Q02", "Q03", "U01", "N01", *(f"T{n:02}" for n in range(1, 5)),
)


def test_every_rule_of_the_rule_base_is_a_criterion_or_says_why_not() -> None:
    book = rulebook()
    assert len(RULES) == 75
    assert set(book.rule_base) | set(book.no_rule) == set(RULES)
    assert not set(book.rule_base) & set(book.no_rule)
    for ids in book.rule_base.values():
        assert ids
        assert set(ids) <= set(book.by_id)
    kept = {book.by_id[id_].statement for ids in book.rule_base.values() for id_ in ids}
    assert set(book.rules) - kept <= {"EL", "DIG"} | book.beside_normal
    assert book.trivial <= set(book.by_id)
    assert set(book.no_rule) == {"S02", "M04", "Q03", "T04"}


def test_suppressions_and_age_rules_name_known_statements() -> None:
    book = rulebook()
    for suppression in book.suppressions:
        assert set(suppression.by) | suppression.statements <= set(codes())
        assert not set(suppression.by) & suppression.statements
    assert book.any_age <= set(codes())


def test_a_margin_counts_tolerances_and_has_the_sign_of_the_verdict() -> None:
    judge = Judge(measurements({"pr_ms": 215}), MAN)
    assert judge.truth(term("pr_ms", ">", 200, tolerance=10)) == (True, 1.5)
    assert judge.truth(term("pr_ms", "<", 200, tolerance=10)) == (False, -1.5)
    assert judge.truth(term("pr_ms", ">", 215, tolerance=10)) == (False, 0.0)
    assert judge.truth(term("pr_ms", ">=", 215, tolerance=10)) == (True, 0.0)


def test_unknown_is_neither_met_nor_not_met_unless_another_part_decides() -> None:
    judge = Judge(measurements({"pr_ms": unmeasurable("ms")}), MAN)
    unknown, met, unmet = term("pr_ms", ">", 200), term("hr_bpm", ">", 60), term("hr_bpm", ">", 80)
    assert judge.truth(AllOf((unknown, met)))[0] is None
    assert judge.truth(AllOf((unknown, unmet)))[0] is False
    assert judge.truth(AnyOf((unknown, met)))[0] is True
    assert judge.truth(AnyOf((unknown, unmet)))[0] is None
    assert judge.truth(NoneOf((unknown, unmet)))[0] is None
    assert judge.truth(NoneOf((unknown, met)))[0] is False
    assert math.isnan(judge.truth(unknown)[1])


def test_an_absent_wave_has_size_zero_and_an_absent_interval_meets_nothing() -> None:
    judge = Judge(measurements({"pr_ms": absent("ms")}), MAN)
    assert judge.truth(term("pr_ms", ">", 200)) == (False, -FAR)
    no_q = Term(parts=(("q_amp", "V1", 1.0),), op=">", thresholds=(Threshold(-0.05),), tolerance=0.05, unit="mV",
                absent=(0.0,))
    assert judge.truth(no_q) == (True, 1.0)


def test_a_lead_set_counts_leads_and_contiguity_needs_neighbours() -> None:
    up = term("j_amp", ">=", 0.1, lead="each")
    apart = Judge(measurements(lead={"II": {"j_amp": 0.2}, "V5": {"j_amp": 0.2}}), MAN)
    both = ("II", "aVF", "V5", "V6")
    assert apart.truth(Leads(both, 2, (), up))[0] is True
    assert apart.truth(Leads(both, 2, (("II", "aVF"), ("V5", "V6")), up))[0] is False
    beside = Judge(measurements(lead={"V6": {"j_amp": 0.2}, "V5": {"j_amp": 0.15}}), MAN)
    met, margin = beside.truth(Leads(both, 2, (("II", "aVF"), ("V5", "V6")), up))
    assert met is True
    assert margin == pytest.approx(1.0)


def test_a_missing_lead_leaves_the_count_open() -> None:
    up = term("j_amp", ">=", 0.1, lead="each")
    judge = Judge(measurements(leads=("I", "II", "V5"), lead={"V5": {"j_amp": 0.2}}), MAN)
    assert judge.truth(Leads(("V5", "V6"), 2, (), up))[0] is None
    assert judge.truth(Leads(("I", "II", "V6"), 2, (), up))[0] is False


def test_points_add_up_and_stay_open_while_a_part_is_unknown() -> None:
    judge = Judge(measurements({"qrs_ms": 95, "pr_ms": unmeasurable("ms")}), MAN)
    score = Points(4, ((3.0, term("qrs_ms", ">=", 90)), (2.0, term("pr_ms", ">", 200))))
    assert judge.truth(score)[0] is None
    assert judge.truth(Points(3, score.parts)) == (True, 0.0)
    assert judge.truth(Points(6, score.parts))[0] is False


@pytest.mark.parametrize(
    ("patient", "threshold"),
    [(Patient(30, "M"), 0.25), (Patient(40, "M"), 0.2), (Patient(70, "F"), 0.15), (Patient(None, "M"), 0.25),
     (Patient(50, None), 0.25)])
def test_thresholds_follow_sex_and_age_and_the_unknown_get_the_strictest(patient: Patient, threshold: float) -> None:
    rule = rulebook().by_id["STEMI_A"]
    criterion = Judge(measurements(), patient).criterion(rule)
    held = [e for e in criterion.evidence if e.leads == ("V3",)]
    assert [e.threshold for e in held] == [threshold]


def test_evidence_names_leads_values_and_what_speaks_against() -> None:
    lead = {name: {"t_amp": -0.3} for name in ("V4", "V5", "V6")}
    inverted = Judge(measurements(lead=lead), MAN).criterion(rulebook().by_id["INVT"])
    assert inverted.met
    shown = [e for e in inverted.evidence if e.measure == "t_amp"]
    assert [e.leads for e in shown] == [("V4",), ("V5",), ("V6",)]
    assert all(e.value == -0.3 and e.supports and e.span == (100, 200) for e in shown)
    bradycardia = Judge(measurements(), MAN).criterion(rulebook().by_id["SBRAD"])
    assert not bradycardia.met
    rate = next(e for e in bradycardia.evidence if e.measure == "hr_bpm")
    assert (rate.value, rate.comparison, rate.threshold, rate.supports) == (70, "<", 60, False)


def test_evidence_within_a_negation_supports_when_it_does_not_hold() -> None:
    criterion = Judge(measurements(), MAN).criterion(rulebook().by_id["NORM"])
    assert criterion.met
    assert all(e.supports for e in criterion.evidence)


def test_every_rule_can_be_applied_to_nothing() -> None:
    empty = measurements({name: unmeasurable() for name in measurements().record}, leads=(), kinds="")
    judge = Judge(empty, Patient())
    for rule in rulebook().by_id.values():
        made = judge.criterion(rule)
        assert made.met is None or made.id in {"BIGU", "TRIGU", "PVC.share", "MOBITZ1", "MOBITZ2"}, made


def test_an_age_limit_leaves_the_rule_out() -> None:
    young = Judge(measurements({"sokolow_mv": 4.5}), Patient(20, "M"))
    rule: Rule = rulebook().by_id["VCLVH.sokolow"]
    assert young.criterion(rule).met is None
    assert Judge(measurements({"sokolow_mv": 4.5}), MAN).criterion(rule).met is True
