from __future__ import annotations

import json

import numpy as np
import pytest

from ecground.instruct.conversation import EcgPart, ImagePart
from ecground.instruct.corpus import Order, build_corpus
from ecground.instruct.exchange import read
from ecground.instruct.recipes import Making
from ecground.instruct.simulated import simulated
from ecground.paper.datasets.source import Source

PARTS = {"signals": "npz", "images": "png", "features": "json", "text": "json"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("meeti") / "set"
    built, found = build_corpus(Order("meeti", Source("simulated"), Making(seed=12), count=3, per_shard=2), out)
    assert found.ok and found.conversations + built.counts["dropped"] == 3
    return out


@pytest.fixture(scope="module")
def talks(folder):
    return [talk for path in sorted(folder.glob("meeti-*.jsonl")) for talk in read(path)]


def test_one_id_has_every_part(folder, talks):
    assert talks
    for talk in talks:
        name = talk.id.removeprefix("meeti-")
        assert all((folder / part / f"{name}.{suffix}").is_file() for part, suffix in PARTS.items())
        signal, image = (next(part for part in talk.turns[0].parts if isinstance(part, kind))
                         for kind in (EcgPart, ImagePart))
        assert (folder / signal.record).is_file() and (folder / image.image).read_bytes().startswith(b"\x89PNG")
        text = json.loads((folder / "text" / f"{name}.json").read_bytes())
        assert text["interpretation"] == talk.turns[1].text and "not a medical device" in text["note"]


def test_the_features_are_of_every_beat_and_qt_starts_at_the_qrs(folder, talks):
    facts = {fact.source.id: fact for fact in simulated(3, seed=12)}
    for talk in talks:
        name = talk.id.removeprefix("meeti-")
        features = json.loads((folder / "features" / f"{name}.json").read_bytes())
        assert len(features["leads"]) == 12 and all(len(rows) == 14 for rows in features["leads"].values())
        true = facts[talk.sources[0].id].values.get("qt_ms")
        qt = [value for value in features["leads"]["II"]["qt_interval"] if value is not None]
        if true and qt:
            assert np.median(qt) == pytest.approx(true, abs=45)
        with np.load(folder / "signals" / f"{name}.npz") as stored:
            assert stored["signal"].shape == (12, 5000) and stored["fs"] == 500


def test_evidence_has_boxes_on_the_page(talks):
    boxes = [box for talk in talks for ground in talk.turns[1].grounds for box in ground.boxes]
    assert boxes and all(len(box.quad) == 4 for box in boxes)
