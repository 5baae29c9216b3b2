from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from ecground.instruct.conversation import EcgPart, from_json, to_json
from ecground.instruct.qa.generate import about_one, about_pairs, verify, wordings
from ecground.instruct.qa.question import QUESTION_TYPES, to_conversation
from ecground.knowledge.codes import codes


@pytest.fixture
def questions(pool):
    rng = np.random.default_rng(0)
    singles = [question for facts in pool for question in about_one(facts, rng, style="train")]
    return singles + list(about_pairs(pool, rng, style="train", irrelevant=30))


def test_all_seven_types_are_asked(questions):
    assert {question.type for question in questions} == set(QUESTION_TYPES)


def test_answers_are_what_the_labels_say(pool, questions):
    by_record = {facts.record: facts for facts in pool}
    for question in questions:
        ecgs = [by_record[record] for record in question.records]
        if question.finding:
            says = [facts.says(question.finding) for facts in ecgs]
            meant = {"single-verify": says[0], "comparison_consecutive-verify": says[-1] and not says[0],
                     "comparison_irrelevant-verify": all(says)}[question.type]
            assert question.answers == (("yes",) if meant else ("no",)), question
        if question.type == "single-query":
            group = question.key[1]
            true = {codes()[key].statement for key in ecgs[0].statements & ecgs[0].decided
                    if codes()[key].group == group}
            assert question.answer_set == true
        assert set(question.answers) <= set(question.options)


def test_as_many_no_as_yes_for_one_ecg(pool):
    for facts in pool:
        asked = [q for q in about_one(facts, np.random.default_rng(0), style="train") if q.type == "single-verify"]
        yes = sum(question.answers == ("yes",) for question in asked)
        assert yes and len(asked) == 2 * yes


def test_comparisons_stay_within_a_split_and_within_or_between_patients(questions):
    for question in (q for q in questions if len(q.records) == 2):
        first, second = question.sources
        assert first.split == second.split
        assert (first.patient == second.patient) == ("consecutive" in question.type)


def test_training_and_test_wordings_share_no_sentence():
    kinds = [*QUESTION_TYPES, "normal"]
    for kind in kinds:
        held = wordings()[kind]
        assert len(held["train"]) >= 7 and len(held["test"]) >= 3
        assert not set(held["train"]) & set(held["test"])
    everything = [sentence for kind in kinds for style in ("train", "test")
                  for sentence in wordings()[kind][style]]
    assert all(a.casefold() != b.casefold() for a, b in combinations(everything, 2))


def test_verbs_and_articles_agree(pool):
    asked = {key: verify(pool[0], key, style="train", wording=1).wording for key in ("PVC", "AFIB", "LNGQT", "NORM")}
    assert asked == {
        "PVC": "Are ventricular premature complexes present in this ECG?",
        "AFIB": "Is atrial fibrillation present in this ECG?",
        "LNGQT": "Is a prolonged QT interval present in this ECG?", "NORM": "Is this ECG normal?",
    }


def test_every_answer_has_its_ground(questions):
    for question in questions:
        grounds = to_conversation(question, recipe="qa", generator={"seed": 0}).turns[1].grounds
        words = ", ".join(question.answers)
        assert [words[slice(*ground.span)] for ground in grounds] == list(question.answers)
        if not question.is_verify and question.answer_set:
            assert all(codes()[ground.finding].statement in question.answers for ground in grounds)


def test_both_and_none_are_answers_of_choices(questions):
    sizes = {len(question.answer_set) for question in questions if question.type == "single-choose"}
    assert sizes == {0, 1, 2}


def test_the_same_seed_asks_the_same(pool):
    def ask():
        return list(about_pairs(pool, np.random.default_rng(5), style="test", irrelevant=5))

    assert ask() == ask()
    assert len({question.id for question in ask()}) == len(ask())


def test_two_ecgs_are_numbered_and_precede_the_question(questions):
    question = next(q for q in questions if len(q.records) == 2)
    conversation = to_conversation(question, recipe="qa", generator={"seed": 0})
    parts = conversation.turns[0].parts
    assert [part for part in parts if isinstance(part, EcgPart)] == [EcgPart(record) for record in question.records]
    assert conversation.turns[0].text == f"ECG 1: \nECG 2: \n{question.wording}"
    assert from_json(to_json(conversation)) == conversation
