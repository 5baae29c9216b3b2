from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ecground.errors import UsageError
from ecground.instruct.corpus import Order, build_corpus, made, shards_of
from ecground.instruct.exchange import read
from ecground.instruct.qa.question import QUESTION_TYPES
from ecground.instruct.recipes import RECIPES, Making, recipe
from ecground.paper.datasets.source import Source

SIMULATED = Source("simulated")
ORDERS = {
    "debias": Order("debias", SIMULATED, Making(seed=1), count=60, per_shard=30),
    "qa": Order("qa", SIMULATED, Making(seed=1, pairs=6), count=8, per_shard=40),
    "grounding": Order("grounding", SIMULATED, Making(seed=1), count=4, per_shard=2, pages=0.7),
    "meeti": Order("meeti", SIMULATED, Making(seed=1), count=2, per_shard=1),
    "ecginstruct": Order("ecginstruct", SIMULATED, Making(seed=1), count=2, per_shard=2, pages=0.3),
}


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_recipe_has_a_test():
    assert set(RECIPES) == set(ORDERS)
    with pytest.raises(UsageError, match="no recipe"):
        recipe("poems")


@pytest.mark.parametrize("name", ORDERS)
def test_a_data_set_is_sound_and_has_its_card(tmp_path, name):
    built, found = build_corpus(ORDERS[name], tmp_path / "set")
    assert found.ok and found.conversations == built.counts["conversations"] > 0 and not built.failures
    card = (tmp_path / "set" / "README.md").read_text("utf-8")
    assert "not a medical device" in card and f"{found.conversations} conversations" in card
    assert json.loads((tmp_path / "set" / "guards.json").read_bytes())["ok"] is True
    for path in (tmp_path / "set").glob("*.jsonl"):
        for conversation in () if path.name == "failures.jsonl" else read(path):
            assert conversation.recipe == name and conversation.generator["seed"] == 1
            for image in conversation.images:
                assert (tmp_path / "set" / image).read_bytes().startswith(b"\x89PNG")


def test_all_seven_types_are_asked_of_simulated_ecgs(tmp_path):
    _, found = build_corpus(Order("qa", SIMULATED, Making(seed=1, pairs=20), count=60), tmp_path / "set")
    assert set(found.balance) == set(QUESTION_TYPES) and found.ok


def test_a_page_brings_boxes(tmp_path):
    build_corpus(ORDERS["grounding"], tmp_path / "set")
    shown = [conversation for path in (tmp_path / "set").glob("grounding-*.jsonl") for conversation in read(path)
             if conversation.images]
    assert shown
    for conversation in shown:
        grounds = conversation.turns[1].grounds
        assert all(box.image == conversation.images[0] for ground in grounds for box in ground.boxes)
        assert any(ground.boxes for ground in grounds)


def test_any_shard_can_be_made_anywhere():
    order = ORDERS["debias"]
    assert shards_of(order) >= 2
    assert made(order, 1) == made(order, 1)
    assert set(made(order, 0).files) == {"debias-00000.jsonl"}


def test_two_processes_give_the_same_bytes(tmp_path):
    order = ORDERS["debias"]
    build_corpus(order, tmp_path / "one")
    build_corpus(order, tmp_path / "two", jobs=2)
    assert content(tmp_path / "one") == content(tmp_path / "two")


@pytest.mark.skipif(os.name == "nt", reason="kills a process by its signal")
def test_kill_9_loses_nothing_and_the_result_is_the_same(tmp_path, root):
    arguments = ["grounding", "--count", "6", "--per-shard", "1", "--seed", "2", "--quiet"]
    command = [sys.executable, "-m", "ecground", "build", *arguments, "--out"]
    subprocess.run([*command, tmp_path / "whole"], cwd=root, check=True, capture_output=True)
    child = subprocess.Popen([*command, tmp_path / "cut"], cwd=root, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (tmp_path / "cut" / "shards" / "000001.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    child.kill()
    child.wait()
    assert not (tmp_path / "cut" / "manifest.json").exists()
    subprocess.run([*command, tmp_path / "cut", "--resume"], cwd=root, check=True, capture_output=True)
    assert content(tmp_path / "cut") == content(tmp_path / "whole")


def test_a_record_that_fails_costs_only_itself(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "broken.dcm").write_bytes(b"not an ECG at all")
    from pydicom.data import get_testdata_file

    (folder / "good.dcm").write_bytes(Path(str(get_testdata_file("waveform_ecg.dcm", download=False))).read_bytes())
    built, found = build_corpus(Order("grounding", Source("recordings", str(folder))), tmp_path / "set")
    assert found.conversations == 1
    (failure,) = built.failures
    assert failure.code == "unknown_format" and "broken" in failure.item
    assert json.loads((tmp_path / "set" / "failures.jsonl").read_text())["code"] == "unknown_format"


def test_what_makes_nothing_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no end"):
        build_corpus(Order("qa", SIMULATED), tmp_path / "set")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="nothing"):
        build_corpus(Order("qa", Source("recordings", str(tmp_path / "empty"))), tmp_path / "set")
    with pytest.raises(UsageError):
        Making(key="colour")
    with pytest.raises(UsageError):
        Order("qa", SIMULATED, pages=2.0)


def test_the_packs_train_patients_only(pack, tmp_path):
    order = Order("debias", Source("pack", str(pack)), Making(seed=0), split="train", count=300)
    built, found = build_corpus(order, tmp_path / "set")
    assert set(found.splits) == {"train"} and found.ok and built.counts["conversations"] > 300
    card = (tmp_path / "set" / "README.md").read_text("utf-8")
    assert "blind maximum" in card
    assert set(found.folds) <= set(range(1, 11)) and 10 in found.folds
    assert "a model trained on this set has no score there" in card


def test_the_card_of_other_folds_warns_of_nothing(tmp_path):
    order = Order("debias", SIMULATED, Making(seed=1), count=40)
    _, found = build_corpus(order, tmp_path / "set")
    assert found.folds == () and "no score there" not in (tmp_path / "set" / "README.md").read_text("utf-8")
