from __future__ import annotations

import numpy as np
import pytest

from ecground.instruct.corpus import Order, build_corpus
from ecground.instruct.exchange import read
from ecground.instruct.recipes import Making
from ecground.instruct.simulated import simulated
from ecground.instruct.twins import CHANGES, pairs, twin_of
from ecground.paper.datasets.source import Source


@pytest.fixture(scope="module")
def pool():
    return simulated(120, seed=4)


@pytest.fixture(scope="module")
def found(pool):
    return pairs(pool, seed=4)


def test_one_statement_tells_twins_apart(found):
    assert {key for _, _, key in found} == set(CHANGES)
    for first, second, key in found:
        assert first.says(key) is False and second.says(key) is True
        assert first.source.patient == second.source.patient and first.source.split == second.source.split
        assert first.person == second.person and first.record != second.record
        assert key not in second.record


def test_twins_share_all_but_the_change(found):
    first, second, _ = next(pair for pair in found if pair[2] == "IMI")
    a, b = first.load(), second.load()
    assert a.signal.shape == b.signal.shape and not np.array_equal(a.signal, b.signal)
    quiet_a, quiet_b = first.exact()[0], second.exact()[0]
    noise = (a.signal - quiet_a.signal, b.signal - quiet_b.signal)
    known = np.isfinite(noise[0]) & np.isfinite(noise[1])
    assert np.corrcoef(noise[0][known], noise[1][known])[0, 1] > 0.9, "the same noise on both"
    assert second.values["rr_mean_ms"] == pytest.approx(first.values["rr_mean_ms"], abs=10)


def test_a_twin_is_always_the_same(pool):
    number = next(int(f.source.id.partition("-")[2]) for f in pool if f.says("NORM"))
    one, two = (twin_of(4, number, "1AVB") for _ in range(2))
    assert np.array_equal(one.load().signal, two.load().signal, equal_nan=True) and one.values == two.values
    assert one.values["pr_ms"] > 200


def test_pairs_are_in_the_data_set_with_one_yes_and_one_no(tmp_path):
    order = Order("debias", Source("simulated"), Making(seed=4), count=60, pages=0.05)
    _, guarded = build_corpus(order, tmp_path / "set")
    assert guarded.ok
    twins = {}
    for path in (tmp_path / "set").glob("debias-*.jsonl"):
        for one in read(path):
            if one.task.endswith("/twin"):
                twins.setdefault(one.generator["pair"], []).append(one)
    assert len(twins) >= 5
    for pair in twins.values():
        assert sorted(one.turns[1].text for one in pair) == ["no", "yes"]
        assert pair[0].turns[0].text == pair[1].turns[0].text
