"""The fuzzer's targets work without atheris: first inputs are good, and a few hundred changed ones end as they must."""

from __future__ import annotations

import random
from importlib.util import find_spec

import pytest

from ecground.io import FORMATS
from ecground.io.rare import RARE
from tests.fuzz import seeds, targets


def first_inputs(name):
    if name.endswith("hdf5") and find_spec("h5py") is None:
        pytest.skip("h5py is not installed")
    return seeds.SEEDS[name.removeprefix("deid-")]()


def changed(data, rng):
    """One to three changes: a byte, a piece taken out, doubled, or a number at its limit."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at, size = rng.randrange(len(data) or 1), rng.randint(1, 40)
        kind = rng.randrange(4)
        if kind == 0:
            data[at:at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del data[at:at + size]
        elif kind == 2:
            data[at:at] = data[at:at + size]
        else:
            data[at:at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"9999"))
    return bytes(data)


def test_every_format_has_a_target():
    read_here = set(FORMATS) - set(RARE)
    assert read_here <= set(seeds.SEEDS)
    assert {f"deid-{name}" for name in targets.FORMATS} <= set(targets.TARGETS)


@pytest.mark.parametrize("name", targets.TARGETS)
def test_first_inputs_are_good(monkeypatch, name):
    monkeypatch.delenv("ECGROUND_DATA", raising=False)
    answers = [targets.answer(name, data) for data in first_inputs(name)]
    assert answers[0] == "ok"
    assert answers.count("ok") >= len(answers) / 2


@pytest.mark.parametrize("name", targets.TARGETS)
def test_changed_inputs(monkeypatch, name):
    monkeypatch.delenv("ECGROUND_DATA", raising=False)
    rng, good = random.Random(5), first_inputs(name)
    for _ in range(12 if name.startswith("deid-") else 25):
        assert targets.answer(name, changed(rng.choice(good), rng))


def test_joined_members_become_an_archive_again():
    whole = seeds.npz()[0]
    again = seeds.archive(seeds.members(whole, seeds.NPZ_MEMBERS), seeds.NPZ_MEMBERS)
    assert targets.answer("npz", again) == "ok"
