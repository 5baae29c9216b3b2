from __future__ import annotations

from dataclasses import replace

import pytest

from ecground.instruct.conversation import (
    Conversation,
    EcgPart,
    Ground,
    ImagePart,
    MeasurementsPart,
    Source,
    TextPart,
    Turn,
)
from ecground.instruct.guards import Guard, leaks_of

OURS = (Source("ptbxl", "1", "p1", "train", 3, "CC BY 4.0"),)


def talk(question: str, answer: str, *parts, sources=OURS, **fields):
    return Conversation("c1", (Turn("user", (*(parts or (EcgPart("ptbxl:1"),)), TextPart(question))),
                               Turn("assistant", (TextPart(answer),))), sources, **fields)


def result(*conversations):
    guard = Guard()
    list(guard.watch(conversations))
    return guard.result()


@pytest.mark.parametrize(("conversation", "kind"), [
    (talk("Baseline drift noted, extra beats present. Does it have noise?", "yes"), "metadata"),
    (talk("Clinical report: sinus rhythm. What is the rhythm?", "It is sinus rhythm"), "metadata"),
    (talk("Read it.", "atrial fibrillation", EcgPart("x:1"), MeasurementsPart({"report": "AF"})), "measurements"),
    (talk("This patient with atrial fibrillation came in. What do you see?", "The ECG shows atrial fibrillation."),
     "answer"),
    (talk("What do you see?", "Infarction", ImagePart("photos/mendeley_MI_1.jpg")), "file name"),
    (talk("What do you see?", "Infarction", ImagePart("pages/IMI-00012.png")), "file name"),
])
def test_prompts_that_give_the_answer_away_are_named(conversation, kind):
    assert kind in {leak.kind for leak in leaks_of(conversation)}
    assert not result(conversation).ok


@pytest.mark.parametrize("conversation", [
    talk("Does this ECG show atrial fibrillation?", "no"),
    talk("Which is it, atrial fibrillation or atrial flutter?", "atrial flutter"),
    talk("Which?\nA. atrial fibrillation\nB. sinus rhythm", "A. atrial fibrillation"),
    talk("What is the PR interval?", "The PR interval is 150 ms.", ImagePart("mimic/p11/s44/44.png")),
    talk("Interpret.", "Sinus rhythm.", EcgPart("x:1"), MeasurementsPart({"pr_ms": 150, "qrs_ms": 90})),
])
def test_fair_prompts_pass(conversation):
    assert leaks_of(conversation) == []
    assert result(conversation).ok


def test_patients_on_two_sides_are_found():
    train, valid = Source("toy", "1", "p1", "train"), Source("toy", "2", "p1", "valid")
    found = result(talk("Q?", "a b", sources=(train,)), talk("Q?", "a c", sources=(valid,)))
    assert found.crossing_patients == ("toy:p1",) and not found.ok
    other = replace(valid, patient="p2")
    assert result(talk("Q?", "a", sources=(train,)), talk("Q?", "b", sources=(other,))).ok


def test_a_comparison_over_two_splits_straddles():
    pair = (Source("toy", "1", "p1", "train"), Source("toy", "2", "p2", "valid"))
    found = result(talk("Same?", "no", sources=pair))
    assert found.straddling == ("c1",) and not found.ok


def test_counts_of_a_set():
    one = talk("Does it show a block?", "yes", recipe="qa", task="single-verify")
    found = result(one, one, talk("Does it show a block?", "no", recipe="qa", task="single-verify"))
    assert (found.conversations, found.turns, found.duplicates) == (3, 6, 1)
    assert found.balance == {"single-verify": {"yes": 2, "no": 1}}
    assert found.folds == (3,) and found.licences == {"CC BY 4.0": 3} and found.splits == {"train": 3}
    assert found.words["maximum"] == 1


def test_a_contradicted_claim_forbids_the_set():
    base = talk("Read.", "PR 240 ms")
    wrong = replace(base, turns=(base.turns[0], replace(base.turns[1], grounds=(
        Ground((0, 9), "measurement", measure="pr_ms", verdict="contradicted"),))))
    assert not result(wrong).ok and result(wrong).verdicts == {"contradicted": 1}


def test_an_empty_set_is_fine():
    assert result().ok and result().words["maximum"] == 0
