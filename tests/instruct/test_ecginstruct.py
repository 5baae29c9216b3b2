from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ecground.instruct.conversation import ImagePart, from_json, to_json
from ecground.instruct.ecginstruct.item import KINDS, TASKS, to_conversation
from ecground.instruct.ecginstruct.tasks import items
from ecground.instruct.ecginstruct.wording import words
from ecground.instruct.facts import facts_of
from ecground.instruct.naming import bare


@pytest.fixture
def made(case, measured):
    """(items, facts) of a simulated ECG with first-degree block, ten draws each."""
    measurements, findings = measured
    facts = facts_of(case(1, ("SR", "1AVB")))
    found = [item for seed in range(10) for item in items(facts, measurements, findings, np.random.default_rng(seed))]
    return found, facts


def test_every_task_comes_in_every_type(made):
    found, _ = made
    assert {(item.task, item.kind) for item in found} == {(task, kind) for task in TASKS for kind in KINDS}


def test_a_choice_has_one_right_answer_in_a_shuffled_place(made):
    found, facts = made
    letters = Counter()
    for item in (item for item in found if item.kind == "choice"):
        letter, _, text = item.answer.partition(". ")
        assert item.options["ABCD".index(letter)] == text and len(set(item.options)) == len(item.options)
        assert f"{letter}. {text}" in item.question
        letters[letter] += 1
        if item.task in {"rhythm", "morphology"}:
            true = {bare(key) for key in facts.statements}
            assert sum(option in true for option in item.options) == 1
    assert len(letters) >= 3


def test_close_answers_follow_the_labels(made):
    found, facts = made
    for item in (item for item in found if item.kind == "close" and item.task != "basic"):
        (ground,) = item.grounds
        assert item.answer == ("yes" if facts.says(ground.finding) else "no")


def test_a_number_near_its_limit_is_not_asked_as_yes_or_no(case, measured):
    measurements, findings = measured
    facts = facts_of(case(1, ("SR",)))
    limits = {"hr_bpm": 100, "pr_ms": 200, "qrs_ms": 120, "qt_ms": 450, "qrs_axis_deg": 90}
    asked = [item for seed in range(60) for item in items(facts, measurements, findings, np.random.default_rng(seed),
                                                          kinds=("close",)) if item.task == "basic"]
    assert asked
    for item in asked:
        ground = item.grounds[0]
        assert item.answer == ("yes" if ground.value > limits[ground.measure] else "no")
        assert abs(ground.value - limits[ground.measure]) > 3


def test_training_and_test_wordings_share_no_sentence(made):
    for task, styles in words().items():
        for kind in KINDS:
            train, test = set(styles["train"][kind]), set(styles["test"][kind])
            assert len(train) >= 3 and len(test) >= 2 and not train & test, (task, kind)


def test_no_summary_rules_itself_out(case):
    facts = facts_of(case(1, ("SR", "NORM")))
    for seed in range(30):
        for item in items(facts, None, (), np.random.default_rng(seed), kinds=("choice",)):
            if item.task == "report":
                assert not [option for option in item.options if "normal ECG" in option and "sinus" not in option]


def test_without_measurements_only_statements_are_asked(case):
    facts = facts_of(case(1, ("AFIB", "LVH")))
    found = list(items(facts, None, (), np.random.default_rng(0)))
    assert {item.task for item in found} == {"rhythm", "morphology", "report"}
    assert not any(item.task == "report" and item.kind == "open" for item in found)
    assert next(item for item in found if item.task == "rhythm" and item.kind == "fill").answer == "atrial fibrillation"


def test_grounds_point_at_their_words_and_survive_the_file(made):
    found, facts = made
    for number, item in enumerate(found):
        for ground in item.grounds:
            assert item.answer[slice(*ground.span)]
            if ground.finding and item.kind == "fill":
                assert item.answer[slice(*ground.span)] == bare(ground.finding)
        conversation = to_conversation(item, facts, number=number, parts=(ImagePart("page.png"),), seed=1)
        assert from_json(to_json(conversation)) == conversation and conversation.images == ("page.png",)
