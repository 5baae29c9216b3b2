from __future__ import annotations

import numpy as np
import pytest

from ecground.corpora import CORPORA, corpus, register
from ecground.errors import UsageError
from ecground.knowledge import codes
from ecground.simulate.corpus import SIMULATED, cases, simulated


@pytest.fixture(scope="module")
def some():
    return list(cases("200:3"))


def test_a_case_is_the_same_however_many_are_listed(some):
    again = list(cases("30:3"))
    for a, b in zip(some, again, strict=False):
        assert (a.id, a.labels, a.split, a.marks, a.person) == (b.id, b.labels, b.split, b.marks, b.person)
    assert np.array_equal(some[17].record.signal, simulated(17, seed=3).record.signal, equal_nan=True)
    assert not np.array_equal(some[17].record.signal, simulated(17, seed=4).record.signal)


def test_labels_are_known_codes_and_belong_to_the_truth(some):
    known = set(_scp())
    seen = {label for case in some for label in case.labels}
    assert seen <= known and len(seen) > 30
    for case in some[:20]:
        made = simulated(int(case.id.split("-")[1]), seed=3)
        assert set(case.labels) == {s.scp for s in made.truth.statements if s.scp}
        assert (case.person.age, case.person.sex) == (made.record.patient.age, made.record.patient.sex)
    assert any(case.superclasses == ("NORM",) for case in some)
    assert all("NORM" not in case.superclasses or len(case.superclasses) == 1 for case in some)


def _scp():
    from importlib.resources import files

    lines = (files(codes.__name__.rsplit(".", 1)[0]) / "codes.csv").read_text(encoding="utf-8").splitlines()
    return [line.split(",")[1] for line in lines[1:]]


def test_every_tenth_is_for_validation(some):
    assert {i for i, case in enumerate(some) if case.split == "valid"} == set(range(9, 200, 10))
    assert len({case.patient for case in some}) == 200


def test_marks_and_beats_lie_in_the_record(some):
    for case in some[:40]:
        assert case.beats is not None and len(case.beats.sample) == len(case.beats.symbol)
        assert (np.diff(case.beats.sample) > 0).all()
        for marks in case.marks.values():
            for mark in marks:
                assert 0 <= mark.onset < mark.offset <= 5000


def test_the_table_takes_it_as_a_plug_in():
    before = dict(CORPORA)
    try:
        register(SIMULATED)
        case = next(iter(corpus("simulated").cases("1")))
        assert case.record.signal.shape == (12, 5000) and case.terms.trainable and not case.terms.credentialed
    finally:
        CORPORA.clear()
        CORPORA.update(before)


@pytest.mark.parametrize("source", ["", "many", "-3", "10:x", "1e3"])
def test_what_is_no_number_is_refused(source):
    with pytest.raises(UsageError):
        cases(source)
