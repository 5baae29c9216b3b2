from __future__ import annotations

import numpy as np
import pytest

from ecground.signal.assemble import from_lead_waves
from ecground.signal.beats import ABSENT, MARKS, PRESENT, QRS, UNMEASURABLE, P, T

FS = 500.0
LEADS = ("I", "II", "V1", "V5")


def beat(at: float, *, p: bool = True, qrs: bool = True, t: bool = True, shift: float = 0.0):
    """One beat's waves with the QRS onset at `at` samples."""
    found = []
    if p:
        found.append(("P", at - 80 + shift, at - 60, at - 30 + shift))
    if qrs:
        found.append(("QRS", at + shift, at + 20, at + 45 + shift))
    if t:
        found.append(("T", at + 130 + shift, at + 170, at + 210 + shift))
    return found


def build(per_lead):
    return from_lead_waves(per_lead, leads=LEADS, fs=FS, n_samples=5000)


def test_each_beat_is_a_row_with_its_own_p_and_t():
    d = build({lead: beat(500) + beat(900) + beat(1300) for lead in LEADS})
    assert d.n_rows == 3
    assert (d.joint_state == PRESENT).all()
    assert d.joint_mark("qrs_on") == pytest.approx([500, 900, 1300])
    assert d.joint_mark("p_on") == pytest.approx([420, 820, 1220])
    assert d.joint_mark("t_off") == pytest.approx([710, 1110, 1510])
    assert d.lead_mark("V5", "t_peak") == pytest.approx([670, 1070, 1470])


def test_a_blocked_p_is_a_row_without_qrs():
    d = build({lead: beat(500) + beat(900, qrs=False, t=False) + beat(1700) for lead in LEADS})
    assert d.has_qrs.tolist() == [True, False, True]
    assert d.joint_state[1].tolist() == [PRESENT, ABSENT, ABSENT]
    assert len(d.r_peaks) == 2


def test_two_p_before_one_qrs_the_last_one_conducts():
    d = build({lead: [*beat(500), ("P", 800, 820, 840), *beat(1000)] for lead in LEADS})
    assert d.has_qrs.tolist() == [True, False, True]
    assert d.joint_mark("p_on")[2] == pytest.approx(920)


def test_a_wave_missing_in_one_lead_is_absent_there_only():
    per_lead = {lead: beat(500) for lead in LEADS}
    per_lead["V1"] = beat(500, p=False)
    d = build(per_lead)
    assert d.lead_state[LEADS.index("V1"), 0, P] == ABSENT
    assert d.lead_state[LEADS.index("II"), 0, P] == PRESENT
    assert d.joint_state[0, P] == PRESENT
    assert np.isnan(d.lead_mark("V1", "p_on")[0])


def test_joint_bounds_ignore_the_single_most_extreme_lead():
    per_lead = {lead: beat(500, shift=s) for lead, s in zip(LEADS, (-30, -2, 0, 2), strict=True)}
    d = build(per_lead)
    assert d.joint_mark("qrs_on")[0] == pytest.approx(498)
    assert d.joint_mark("qrs_off")[0] == pytest.approx(545)


def test_with_one_or_two_leads_the_extremes_count():
    d = from_lead_waves({"II": beat(500), "V5": beat(500, shift=6)}, leads=("II", "V5"), fs=FS, n_samples=2000)
    assert d.joint_mark("qrs_on")[0] == pytest.approx(500)
    assert d.joint_mark("qrs_off")[0] == pytest.approx(551)


def test_no_wave_at_all_gives_no_row():
    d = build({lead: [] for lead in LEADS})
    assert d.n_rows == 0
    assert d.lead_marks.shape == (4, 0, len(MARKS))
    assert d.r_peaks.shape == (0,)


def test_a_t_without_qrs_belongs_to_nobody():
    d = build({lead: [("T", 100, 140, 180), *beat(500)] for lead in LEADS})
    assert d.n_rows == 1
    assert d.joint_mark("t_on")[0] == pytest.approx(630)


def test_p_of_dissociation_far_before_the_qrs_is_its_own_row():
    d = build({lead: [("P", 100, 120, 140), ("QRS", 500, 520, 545)] for lead in LEADS})
    assert d.has_qrs.tolist() == [False, True]
    assert d.joint_state[1, P] == ABSENT


def test_rows_stay_linear_in_time_for_a_day_of_beats():
    beats = [w for k in range(2000) for w in beat(500 + 400 * k)]
    d = from_lead_waves({"II": beats}, leads=("II",), fs=FS, n_samples=500 + 400 * 2000)
    assert d.n_rows == 2000
    assert (np.diff(d.joint_mark("qrs_on")) > 0).all()
    assert (d.joint_state[:, T] == PRESENT).all()
    assert (d.lead_state != UNMEASURABLE).all()
    assert (d.joint_state[:, QRS] == PRESENT).all()
