from __future__ import annotations

import numpy as np
import pytest

from ecground.signal.beats import MARKS
from ecground.simulate import draw, draw_noise, simulate, twin


@pytest.fixture(params=[3, 4])
def patient(request):
    return draw(np.random.default_rng(request.param))


def pair(patient, changes):
    return (simulate(p, rng=np.random.default_rng(7)) for p in (patient, twin(patient, changes)))


def test_a_longer_pr_moves_only_the_qrs_and_t_after_each_p(patient):
    a, b = pair(patient, {"rhythm.pr_ms": patient.rhythm.pr_ms + 60})
    assert b.truth.values["pr_ms"] - a.truth.values["pr_ms"] == pytest.approx(60, abs=3)
    for name in ("qrs_ms", "p_dur_ms", "qrs_axis_deg"):
        assert b.truth.values[name] == pytest.approx(a.truth.values[name], abs=2.1)
    assert np.allclose(a.truth.atrial_s, b.truth.atrial_s)


def test_a_longer_qt_leaves_p_and_qrs_as_they_are(patient):
    a, b = pair(patient, {"ventricular.0.qt_ms": patient.ventricular[0].qt_ms + 40})
    same = [i for i, m in enumerate(MARKS) if not m.startswith("t_")]
    assert np.array_equal(a.truth.delineation.lead_marks[:, :, same], b.truth.delineation.lead_marks[:, :, same],
                          equal_nan=True)
    assert b.truth.values["qt_ms"] - a.truth.values["qt_ms"] == pytest.approx(40, abs=4)


def test_an_st_shift_changes_no_mark_and_nothing_before_the_qrs(patient):
    a, b = pair(patient, {"ventricular.0.st.0.vector": (0.0, 0.4, 0.0)})
    assert np.array_equal(a.truth.delineation.lead_marks, b.truth.delineation.lead_marks, equal_nan=True)
    change = np.abs(b.record.signal - a.record.signal)
    assert change[2].max() > 0.15  # III looks down
    for on in a.truth.delineation.joint_mark("qrs_on")[1:]:
        assert change[:, int(on) - 10].max() < 0.03


def test_alternans_changes_only_t_and_every_second_beat_the_same_way(patient):
    a, b = pair(patient, {"variation.alternans_mv": 0.1})
    change = b.record.signal - a.record.signal
    d = a.truth.delineation
    at = d.joint_mark("t_peak")
    at = at[np.isfinite(at)].astype(int)
    lead = int(np.abs(change).max(axis=1).argmax())
    signs = np.sign(change[lead, at])
    assert (signs[1:] == -signs[:-1]).all()
    assert np.median(np.abs(change[lead, at])) == pytest.approx(0.05, abs=0.02)


def test_noise_is_added_to_the_same_heart(patient):
    noise = draw_noise(np.random.default_rng(0))
    a, b = pair(patient, {"noise": noise})
    assert np.array_equal(a.truth.delineation.lead_marks, b.truth.delineation.lead_marks, equal_nan=True)
    assert not np.array_equal(a.record.signal, b.record.signal)
