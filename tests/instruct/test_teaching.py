"""A language model as the writer of grounded texts, from its answers to the finished data set."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from ecground.errors import RefusedError
from ecground.instruct.corpus import Order, build_corpus
from ecground.instruct.exchange import read
from ecground.instruct.grounding.recipe import interpretation
from ecground.instruct.readings import read_facts
from ecground.instruct.recipes import Making, recipe
from ecground.instruct.simulated import simulated
from ecground.paper.datasets.source import Source
from tests.instruct.standin import answer

OTHER = "Atrial fibrillation, ventricular rate 31/min. QRS duration 250 ms. PR interval 900 ms. " \
        "Conclusion: ventricular tachycardia."


def order(server, count=3):
    making = Making(seed=6, teacher="toy", teacher_url=f"http://127.0.0.1:{server.server_address[1]}/v1")
    return Order("grounding", Source("simulated"), making, count=count, per_shard=1)


@pytest.fixture
def answers():
    """A text with one false number, one about another ECG, and none."""
    first = simulated(1, seed=6)[0]
    reading = read_facts(first)
    told = interpretation(first, reading.measurements, reading.findings, np.random.default_rng(0)).text
    rhythm, _, rest = told.partition(". ")
    return [(200, answer(f"{rhythm}. The QRS duration is 612 ms. {rest}")), (200, answer(OTHER)), (400, "no")]


def told(folder):
    return [one for path in sorted(folder.glob("grounding-*.jsonl")) for one in read(path)]


def test_false_numbers_are_taken_out_and_other_ecgs_dropped(server, answers, tmp_path):
    server.script = answers
    built, found = build_corpus(order(server), tmp_path / "set")
    (kept,) = told(tmp_path / "set")
    assert "612" not in kept.turns[1].text and len(kept.turns[1].text.split()) > 20
    assert kept.generator["writer"] == "toy" and found.ok and not found.verdicts.get("contradicted")
    assert built.counts["dropped"] == 1 and built.counts["struck"] >= 3
    (failure,) = [json.loads(line) for line in (tmp_path / "set" / "failures.jsonl").read_text().splitlines()]
    assert failure["item"] == "simulated:6-2" and "status 400" in failure["what"]
    asked = json.loads(server.seen[0][2])["messages"]
    assert "Diagnosis:" in asked[1]["content"] and "ventricular rate" not in told(tmp_path / "set")[0].turns[0].text


def test_a_resumed_build_asks_for_nothing_twice(server, answers, tmp_path):
    server.script = answers[:2]
    build_corpus(order(server, count=2), tmp_path / "set")
    before = [one.turns[1].text for one in told(tmp_path / "set")]
    for path in (tmp_path / "set" / "shards").iterdir():
        path.unlink()
    build_corpus(order(server, count=2), tmp_path / "set", resume=True)
    assert len(server.seen) == 2 and [one.turns[1].text for one in told(tmp_path / "set")] == before
    assert "teacher" not in json.loads((tmp_path / "set" / "settings.json").read_bytes())["making"].get("cache", "")


def test_credentialed_recordings_go_to_no_other_host():
    facts = simulated(1, seed=6)[0]
    guarded = replace(facts, source=replace(facts.source, credentialed=True))
    making = Making(seed=6, teacher="toy", teacher_url="http://192.0.2.7/v1", allow_remote=True)
    with pytest.raises(RefusedError, match="no other host"):
        recipe("grounding").make(guarded, making, np.random.default_rng(0))
