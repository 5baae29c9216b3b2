from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecground.instruct.debias import KEYS, audit, balanced
from ecground.instruct.qa.generate import verify


@pytest.fixture
def questions(pool):
    return [verify(facts, key, style="train", wording=number) for number, facts in enumerate(pool)
            for key in sorted(facts.decided)]


@pytest.mark.parametrize("key", list(KEYS))
def test_every_key_is_answered_yes_as_often_as_no(questions, key):
    chosen = balanced(questions, np.random.default_rng(2), key=key)
    assert chosen
    tally = {}
    for question in chosen:
        tally.setdefault(KEYS[key](question), []).append(question.answers)
    assert all(answers.count(("yes",)) == answers.count(("no",)) for answers in tally.values())
    assert len({id(question) for question in chosen}) == len(chosen), "drawn without replacement"


def test_balancing_is_seeded_and_keeps_the_order(questions):
    one, two = (balanced(questions, np.random.default_rng(3)) for _ in range(2))
    assert one == two
    assert one != balanced(questions, np.random.default_rng(4))
    places = [questions.index(question) for question in one]
    assert places == sorted(places)


def test_the_audit_states_what_a_blind_and_a_grounded_model_reach(questions):
    rows = {row.key[-1]: row for row in audit(questions)}
    fibrillation = rows["AFIB"]
    assert (fibrillation.yes, fibrillation.no, fibrillation.kept) == (4, 16, 8)
    assert fibrillation.yes_rate == pytest.approx(0.2)
    assert fibrillation.blind_maximum == pytest.approx(0.8)
    assert fibrillation.grounded_on_random == pytest.approx(0.2**2 + 0.8**2)
    assert rows["3AVB"].kept == 0
    after = audit(balanced(questions, np.random.default_rng(0)))
    assert all(row.blind_maximum == 0.5 for row in after)


def test_not_sure_and_other_kinds_drop_out(questions):
    unsure = replace(questions[0], answers=("not sure",))
    other = replace(questions[0], type="single-query", answers=("yes",))
    assert balanced([unsure, other], np.random.default_rng(0)) == []
    assert audit([unsure, other]) == []
