"""Suspected exchanges of electrodes in the record's values: the ordinary heart and its exchanged cables."""

from __future__ import annotations

import pytest

from ecground.leads import STANDARD
from ecground.measure import measure
from ecground.measure.cables import cable_values
from ecground.signal.assemble import from_lead_waves
from tests.measure.synthetic import record, regular
from tests.signal.test_reversal import eight, electrodes, normal, twelve


def values(rec):
    return cable_values(rec, from_lead_waves({}, leads=STANDARD, fs=rec.fs, n_samples=rec.n_samples))


def test_right_cables():
    found = values(normal())
    assert found["arm_reversal"].value == found["chest_swap"].value == 0


@pytest.mark.parametrize(("where", "name"), [(("L", "R", "F"), "RA/LA"), (("F", "L", "R"), "RA/LL")])
def test_limb_exchange_is_named(where, name):
    found = values(electrodes(normal(), *where))
    assert found["arm_reversal"].value == 1
    assert found["arm_reversal"].why.startswith(name)
    assert found["chest_swap"].value == 0


def test_chest_exchange_is_named():
    x = eight(normal())
    x[[3, 5]] = x[[5, 3]]
    found = values(twelve(x))
    assert found["chest_swap"].value == 1
    assert found["chest_swap"].why.startswith("V2/V4")
    assert found["chest_swap"].leads == ("V1", "V2", "V3", "V4", "V5", "V6")
    assert found["arm_reversal"].value == 0


def test_untestable_says_why():
    m = measure(*record(regular(), leads=("I", "II", "V1")))
    assert m.record["arm_reversal"].state == m.record["chest_swap"].state == "unmeasurable"
    assert "V1-V6" in m.record["chest_swap"].why
