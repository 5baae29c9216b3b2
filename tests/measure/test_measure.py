"""measure(): numbers against the parameters the synthetic beats were made of, and what must never change them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecground.errors import UsageError
from ecground.measure import measure
from ecground.measure.table import LEAD_MEASURES, RECORD_MEASURES
from ecground.record import Provenance, Record
from ecground.signal.assemble import from_lead_waves
from tests.measure.synthetic import NORMAL, P_WAVE, R_WAVE, WIDE, Beat, Wave, record, regular

FEW = settings(max_examples=15, deadline=None)
Q_BEGINS = -24 - 5 * (2 * np.log(120 / 20)) ** 0.5
"""Where the Q wave of the normal beat passes 20 uV [ms after the R peak]."""


@pytest.fixture(scope="module")
def normal():
    return measure(*record(regular()))


def test_every_name_of_the_vocabulary_is_there(normal):
    assert set(normal.record) == set(RECORD_MEASURES)
    assert all(set(values) == set(LEAD_MEASURES) for values in normal.lead.values())


def test_intervals_are_those_of_the_marks(normal):
    truth = {"pr_ms": 160, "p_dur_ms": 80, "qrs_ms": 88, "qt_ms": 380, "jt_ms": 292, "tpte_ms": 90,
             "pr_segment_ms": 80, "rr_median_ms": 800, "hr_bpm": 75}
    assert {name: normal.number(name) for name in truth} == pytest.approx(truth, abs=0.5)


def test_qtc_formulas(normal):
    assert normal.number("qtc_bazett_ms") == pytest.approx(380 / 0.8**0.5, abs=0.7)
    assert normal.number("qtc_fridericia_ms") == pytest.approx(380 / 0.8 ** (1 / 3), abs=0.7)
    assert normal.number("qtc_framingham_ms") == pytest.approx(380 + 154 * 0.2, abs=0.7)
    assert normal.number("qtc_hodges_ms") == pytest.approx(380 + 1.75 * 15, abs=0.7)


def test_amplitudes_are_those_of_the_waves(normal):
    for lead in ("I", "V4"):
        found = {name: normal.number(name, lead) for name in ("p_amp", "q_amp", "r_amp", "s_amp", "t_amp")}
        truth = {"p_amp": 0.15, "q_amp": -0.12, "r_amp": 1.2, "s_amp": -0.30, "t_amp": 0.35}
        assert found == pytest.approx(truth, abs=0.008)
        assert normal.lead[lead]["qrs_form"].value == "qRs"
        assert normal.number("r_peak_time_ms", lead) == pytest.approx(-Q_BEGINS, abs=2)


def test_durations_meet_at_zero_crossings(normal):
    q, r, s = (normal.number(f"{wave}_dur", "II") for wave in "qrs")
    assert q + r + s == pytest.approx(48 - Q_BEGINS, abs=3)
    assert 15 <= q <= 28
    assert 25 <= r <= 40


def test_spans_are_samples_of_one_beat(normal):
    span = normal.lead["V2"]["t_amp"].span
    assert span is not None
    assert span[1] - span[0] == 90
    starts = [(0.5 + 0.8 * k + 0.160) * 500 for k in range(12)]
    assert min(abs(span[0] - start) for start in starts) <= 1


def test_forms():
    cases = {
        "QS": Beat((Wave(0, 9, -1.0),)),
        "rS": Beat((Wave(-22, 6, 0.3), Wave(8, 9, -1.0))),
        "Rs": Beat((Wave(-8, 8, 1.0), Wave(24, 6, -0.3))),
        "rSR'": Beat((Wave(-25, 5, 0.3), Wave(-4, 5, -0.8), Wave(22, 7, 0.9))),
        "R": Beat((Wave(0, 9, 0.8),)),
    }
    for form, beat in cases.items():
        assert measure(*record(regular(beat=beat), leads=("V1",))).lead["V1"]["qrs_form"].value == form


def test_st_elevation_is_no_second_r():
    step = tuple(Wave(float(at), 10, 0.3) for at in range(58, 240, 14))
    beat = Beat((Wave(-8, 8, 1.0), Wave(24, 6, -0.3), *step))
    m = measure(*record(regular(beat=beat), leads=("V3",)))
    assert np.isnan(m.number("r2_amp", "V3"))
    assert m.lead["V3"]["r2_amp"].state == "absent"
    assert m.number("st60", "V3") == pytest.approx(0.54, abs=0.03)


def test_t_and_p_forms():
    beats = {
        ("+-", "t_morph"): (Wave(220, 18, 0.3), Wave(280, 18, -0.3)),
        ("-+", "t_morph"): (Wave(220, 18, -0.3), Wave(280, 18, 0.3)),
        ("-", "t_morph"): (Wave(250, 25, -0.4),),
        ("flat", "t_morph"): (Wave(250, 25, 0.02),),
        ("M", "p_morph"): (Wave(-182, 9, 0.15), Wave(-138, 9, 0.15)),
        ("+-", "p_morph"): (Wave(-178, 9, 0.1), Wave(-142, 9, -0.1)),
    }
    for (form, name), waves in beats.items():
        m = measure(*record(regular(beat=Beat((Wave(0, 8, 1.0), *waves))), leads=("V1",)))
        assert m.lead["V1"][name].value == form


def test_p_terminal_force():
    beat = Beat((Wave(-180, 8, 0.1), Wave(-140, 8, -0.1), Wave(0, 8, 1.0)))
    m = measure(*record(regular(beat=beat), leads=("V1", "V2")))
    assert m.number("ptf_v1_uvms") == pytest.approx(100 * 40, rel=0.1)


def test_axis_from_weights():
    for angle in (-150.0, -60.0, 0.0, 45.0, 90.0, 170.0):
        i, avf = np.cos(np.radians(angle)), np.sin(np.radians(angle)) * np.sqrt(3) / 2
        weights = {"I": i, "II": avf + i / 2, "III": avf - i / 2, "aVF": avf}
        beat = Beat((P_WAVE, Wave(0, 8, 1.0), Wave(250, 25, 0.3)))
        for leads in (("I", "II", "III", "aVF"), ("I", "II"), ("II", "III")):
            m = measure(*record(regular(beat=beat), leads=leads, weights=weights))
            for name in ("qrs_axis_deg", "p_axis_deg", "t_axis_deg"):
                assert abs((m.number(name) - angle + 180) % 360 - 180) < 2


def test_ectopic_beats_are_told_apart():
    beats = regular()
    beats[4] = (beats[4][0] - 0.28, WIDE)
    beats[8] = (beats[8][0] - 0.22, NORMAL)
    m = measure(*record(beats))
    assert (m.number("n_pvc"), m.number("n_pac"), m.number("n_beats")) == (1, 1, len(beats))
    assert m.record["n_pvc"].beats == (4,)
    assert m.record["n_pac"].beats == (8,)
    assert m.number("qrs_ms") == pytest.approx(88, abs=1)
    assert m.number("r_amp", "V4") == pytest.approx(1.2, abs=0.01)


def test_irregularity_tells_fibrillation_from_ectopy():
    single = regular()
    single[4] = (single[4][0] - 0.3, WIDE)
    rng = np.random.default_rng(3)
    at = 0.4 + np.cumsum(rng.uniform(0.45, 1.05, 14))
    chaotic = [(float(t), Beat(NORMAL.waves[1:], p=None)) for t in at if t < 9.5]
    calm, wild = measure(*record(single)), measure(*record(chaotic))
    assert calm.number("rr_irregularity") < 0.03
    assert wild.number("rr_irregularity") > 0.12
    assert wild.number("n_pac") == 0
    assert wild.number("p_present_fraction") == 0
    assert wild.record["pr_ms"].state == "absent"


def test_wenckebach():
    beats, blocked = [], []
    for start in (0.6, 4.2, 7.8):
        for k, delay in enumerate((0.0, 0.06, 0.10)):
            shifted = Beat((Wave(-160 - 1000 * delay, 12, 0.15), *NORMAL.waves[1:]),
                           p=(-200 - 1000 * delay, -160 - 1000 * delay, -120 - 1000 * delay))
            if start + 0.9 * k + delay < 9.5:
                beats.append((start + 0.9 * k + delay, shifted))
        blocked.append(start + 0.9 * 3 - 0.16)
    m = measure(*record(beats, blocked_p=tuple(b for b in blocked if b < 9.7)))
    assert m.number("n_blocked_p") == 2
    assert m.number("pr_step_ms") == pytest.approx(50, abs=4)
    assert m.number("pr_range_ms") == pytest.approx(100, abs=3)
    assert m.number("p_qrs_ratio") > 1.2
    assert m.number("atrial_rate_bpm") == pytest.approx(60 / 0.9, abs=0.5)


def test_notes_and_withheld_amplitudes():
    m = measure(*record(regular(), calibrated=False))
    assert m.lead["II"]["r_amp"].state == "unmeasurable"
    assert m.record["sokolow_mv"].state == "unmeasurable"
    assert "scale" in m.record["sokolow_mv"].why
    assert m.record["ptf_v1_uvms"].state == "unmeasurable"
    assert m.number("qrs_ms") == pytest.approx(88, abs=1)
    assert m.lead["II"]["qrs_form"].value == "qRs"
    assert any("amplitude" in note for note in m.notes)


def test_cornell_product_adds_for_women():
    products = [measure(*record(regular(), sex=sex)).number("cornell_product_mvms") for sex in ("M", "F")]
    assert products[0] == pytest.approx((1.2 + 0.3) * 88, rel=0.02)
    assert products[1] - products[0] == pytest.approx(0.6 * 88, rel=0.02)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_beats(count):
    rec, _ = record(regular(), seconds=3.0)
    made = record([(0.7 + 0.9 * k, NORMAL) for k in range(count)], seconds=3.0)
    m = measure(rec, made[1]) if count == 0 else measure(*made)
    assert m.number("n_beats") == count
    assert m.record["rr_sd_ms"].state == "unmeasurable"
    assert m.notes
    if count == 0:
        assert m.record["pr_ms"].state == "unmeasurable"
        assert m.lead["V1"]["r_amp"].state == "unmeasurable"
    else:
        assert m.number("qrs_ms") == pytest.approx(88, abs=1)


def test_no_samples_at_all():
    rec = Record(np.zeros((2, 0), dtype=np.float32), 500.0, ("I", "II"))
    m = measure(rec, from_lead_waves({}, leads=("I", "II"), fs=500.0, n_samples=0))
    assert m.number("n_beats") == 0


def test_unseen_lead_and_gap():
    rec, marks = record(regular())
    x = rec.signal.copy()
    x[3] = np.nan
    x[:, 2500:3600] = np.nan
    m = measure(rec.replace(signal=x), marks)
    assert m.lead["aVR"]["r_amp"].state == "unmeasurable"
    assert m.number("r_amp", "II") == pytest.approx(1.2, abs=0.01)
    assert m.number("rr_median_ms") == pytest.approx(800, abs=1)


def test_noise_and_drift_move_amplitudes_little():
    rec, marks = record(regular(), noise_mv=0.03)
    drift = (0.3 * np.sin(2 * np.pi * 0.25 * np.arange(rec.n_samples) / rec.fs)).astype(np.float32)
    m = measure(rec.replace(signal=rec.signal + drift), marks)
    truth = {"p_amp": 0.15, "r_amp": 1.2, "s_amp": -0.3, "t_amp": 0.35, "st60": 0.0}
    errors = {name: np.median([abs(m.number(name, lead) - value) for lead in rec.leads])
              for name, value in truth.items()}
    assert max(errors.values()) < 0.03


def test_other_record_is_refused():
    rec, marks = record(regular())
    with pytest.raises(UsageError):
        measure(rec.replace(fs=250.0), marks)


@pytest.mark.parametrize("fs", [100.0, 250.0, 360.0, 1000.0])
def test_any_sampling_rate(fs):
    m = measure(*record(regular(), fs=fs))
    assert m.number("qt_ms") == pytest.approx(380, abs=1)
    assert m.number("t_amp", "V3") == pytest.approx(0.35, abs=0.02)
    if fs >= 250:
        assert m.number("r_amp", "V3") == pytest.approx(1.2, abs=0.05)
        assert m.lead["V3"]["qrs_form"].value == "qRs"


@FEW
@given(st.floats(0.3, 2.0))
def test_amplitudes_scale_with_the_signal(factor):
    rec, marks = record(regular(), seconds=6.0, leads=("I", "aVF", "V1"))
    one, two = measure(rec, marks), measure(rec.replace(signal=(rec.signal * np.float32(factor))), marks)
    for name in ("p_amp", "r_amp", "s_amp", "t_amp", "qrs_area", "t_area", "qrs_pp"):
        assert two.number(name, "V1") == pytest.approx(factor * one.number(name, "V1"), rel=1e-3)
    assert two.number("qrs_axis_deg") == pytest.approx(one.number("qrs_axis_deg"), abs=0.01)


@FEW
@given(st.integers(1, 300))
def test_time_shift_moves_spans_only(shift):
    early = measure(*record(regular(first=0.8), seconds=8.0, leads=("II",)))
    late = measure(*record([(at + shift / 500, beat) for at, beat in regular(first=0.8, seconds=8.0)], seconds=9.0,
                           leads=("II",)))
    sooner = {value.span[0] for value in early.lead["II"].values() if value.span}
    assert sooner
    for name in ("r_amp", "t_amp", "p_amp", "st60", "qt_ms", "pr_ms"):
        assert late.number(name, "II") == pytest.approx(early.number(name, "II"), abs=2e-3)


@FEW
@given(st.sampled_from(["I", "aVL", "V2", "V6"]))
def test_another_lead_changes_no_lead_value(extra):
    few, marks_few = record(regular(), leads=("II", "V1"), noise_mv=0.0)
    more, marks_more = record(regular(), leads=("II", "V1", extra), noise_mv=0.0)
    a, b = measure(few, marks_few), measure(more, marks_more)
    for lead in few.leads:
        for name, value in a.lead[lead].items():
            other = b.lead[lead][name]
            assert (value.state, value.value) == (other.state, other.value)


@FEW
@given(st.floats(0.45, 1.4))
def test_rate(rr):
    m = measure(*record(regular(rr=rr, seconds=12.0, beat=Beat(NORMAL.waves[1:4], p=None, t=None)), seconds=12.0))
    assert m.number("hr_bpm") == pytest.approx(60 / rr, rel=0.005)
    assert m.number("rr_irregularity") < 0.01


def test_delta_wave_is_the_slow_start_of_the_main_wave():
    slurred = Beat((P_WAVE, Wave(-26, 11, 0.25), R_WAVE, Wave(26, 6, -0.3)), qrs=(-60.0, 0.0, 48.0), t=None)
    late_mark = Beat(NORMAL.waves, qrs=(-60.0, 0.0, 48.0))
    assert 20 <= measure(*record(regular(beat=slurred), leads=("V5",))).number("delta_ms", "V5") <= 45
    assert measure(*record(regular(beat=late_mark), leads=("V5",))).number("delta_ms", "V5") == 0


def test_confidence_of_a_digitized_record_is_that_of_its_reading():
    given_record, marks = record(regular())
    sure = measure(given_record, marks)
    doubts = dict.fromkeys(given_record.leads, 0.5)
    unsure = measure(given_record.replace(provenance=Provenance(confidence=doubts)), marks)
    for name in ("hr_bpm", "qrs_ms", "qt_ms"):
        assert unsure.record[name].confidence == pytest.approx(0.5 * sure.record[name].confidence)
        assert unsure.record[name].value == sure.record[name].value


@pytest.mark.parametrize("strip", ["II", None], ids=["rhythm strip", "none"])
def test_a_page_of_short_strips_is_measured_like_the_record(normal, strip):
    """2.5 s of each lead, as paper shows them: every beat counts, and each lead is measured in the beats it shows."""
    whole, marks = record(regular())
    signal = whole.signal.copy()
    for k, lead in enumerate(whole.leads):
        if lead != strip:
            part = k // 3
            signal[k, : part * 1250] = signal[k, (part + 1) * 1250:] = np.nan
    page = measure(whole.replace(signal=signal), marks)
    assert page.number("n_dominant") == normal.number("n_dominant") == page.number("n_beats")
    for name in ("pr_ms", "qrs_ms", "qt_ms", "qrs_axis_deg", "hr_bpm"):
        assert page.number(name) == pytest.approx(normal.number(name), abs=2), name
    for lead in ("I", "aVF", "V1", "V6"):
        assert page.number("r_amp", lead) == pytest.approx(normal.number("r_amp", lead), abs=0.02)
        first, last = page.lead[lead]["r_amp"].span
        assert np.isfinite(signal[whole.leads.index(lead), first:last]).all()


def test_a_beat_of_another_shape_on_a_page_stays_another_one():
    beats = [(at, WIDE if i == 7 else beat) for i, (at, beat) in enumerate(regular())]
    whole, marks = record(beats)
    signal = whole.signal.copy()
    for k, lead in enumerate(whole.leads):
        if lead != "II":
            signal[k, : k // 3 * 1250] = signal[k, (k // 3 + 1) * 1250:] = np.nan
    page = measure(whole.replace(signal=signal), marks)
    assert page.number("n_dominant") == page.number("n_beats") - 1
