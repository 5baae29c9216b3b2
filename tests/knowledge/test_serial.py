"""Serial comparison: what changed is found, what did not is not, and the text is true of the later recording."""

from types import SimpleNamespace

import numpy as np

from ecground.knowledge.findings import find
from ecground.knowledge.serial import compare
from ecground.measure import measure
from ecground.simulate import draw, simulate, twin
from tests.knowledge.told import told


def side(parameters, seed=3):
    made = simulate(parameters, rng=np.random.default_rng(seed))
    measurements = measure(made.record, made.truth.delineation)
    return SimpleNamespace(measurements=measurements, findings=find(measurements, made.record.patient))


def test_one_changed_parameter_is_the_one_change():
    base = draw(np.random.default_rng(5), rhythm="sinus")
    same = compare(side(base), side(base))
    assert [c for c in same.changes if c.beyond_repeatability] == []
    longer = twin(base, {"rhythm.pr_ms": base.rhythm.pr_ms + 90.0})
    found = compare(side(base), side(longer))
    real = {c.measure for c in found.changes if c.measure and c.beyond_repeatability}
    assert real == {"pr_ms"}
    change = next(c for c in found.changes if c.measure == "pr_ms")
    assert abs(change.delta - 90.0) < 8
    assert "PR interval" in found.text
    assert found.text.endswith("Research use, not a medical device.")


def test_statements_appear_and_disappear():
    old, new = told("sinus", None), told("af", None)
    parts = [SimpleNamespace(measurements=case[1], findings=case[2]) for case in (old, new)]
    there = {c.code: c for c in compare(*parts).changes if c.code}
    back = {c.code: c for c in compare(*reversed(parts)).changes if c.code}
    assert there["AFIB"].new is True
    assert back["AFIB"].new is False
    assert all(c.verdict == "supported" for c in compare(*parts).claims)
    assert all(c.verdict == "supported" for c in compare(*reversed(parts)).claims)


def test_text_tells_statements_before_values_and_each_measure_once():
    cases = told("sinus", None), told("af", None)
    parts = [SimpleNamespace(measurements=case[1], findings=case[2]) for case in cases]
    lines = compare(*parts).text.splitlines()
    assert lines[1].startswith("New: atrial fibrillation")
    changed = [line for line in lines if "[earlier " in line]
    for name in ("R amplitude ", "T amplitude ", "ST level at J+60 ms ", "Ventricular rate "):
        assert sum(line.startswith(name) for line in changed) <= 1
    assert changed
    assert all(line.count("beyond repeatability") == 1 for line in changed)


def test_bare_measurements_and_missing_sides():
    case = told("sinus", None)
    assert compare(case[1], case[1]).changes
    empty = SimpleNamespace(measurements=None, findings=None)
    assert compare(empty, empty).changes == ()
