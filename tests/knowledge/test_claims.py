"""Reading: reports, device statements and model paragraphs into claims."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecground.knowledge.claims import read_claims


def findings(text):
    return {(c.finding, c.polarity) for c in read_claims(text) if c.finding and c.measure is None}


def values(text):
    return {(c.measure, c.comparison, c.value, c.value_high, c.leads) for c in read_claims(text) if c.measure}


@pytest.mark.parametrize(("text", "expected"), [
    ("Sinus rhythm, normal axis, normal ECG.", {("SR", "present"), ("AXN", "present"), ("NORM", "present")}),
    ("AFib with LBBB", {("AFIB", "present"), ("CLBBB", "present")}),
    ("1st degree AV block, left anterior hemiblock", {("1AVB", "present"), ("LAFB", "present")}),
    ("A-V block I, left axis deviation", {("1AVB", "present"), ("LAD", "present")}),
    ("no ST elevation, T-wave inversion or Q waves",
     {("STE_", "absent"), ("INVT", "absent"), ("QWAVE", "absent")}),
    ("No ST elevation, left axis deviation", {("STE_", "absent"), ("LAD", "present")}),
    ("There is no evidence of acute ischaemia but left ventricular hypertrophy",
     {("ISC_", "absent"), ("LVH", "present")}),
    ("without atrial fibrillation", {("AFIB", "absent")}),
    ("This rules out atrial flutter.", {("AFLT", "absent")}),
    ("absence of right bundle branch block", {("CRBBB", "absent")}),
    ("Atrial fibrillation is ruled out.", {("AFIB", "absent")}),
    ("Q waves are not seen", {("QWAVE", "absent")}),
    ("possible inferior infarction", {("IMI", "uncertain")}),
    ("anteroseptal infarction cannot be excluded", {("ASMI", "uncertain")}),
    ("inferior myocardial damage cannot be ruled out", {("IMI", "uncertain")}),
    ("Inferior infarction, probably old", {("IMI", "present")}),
    ("tiny r waves in v2,3 suggesting old anteroseptal infarct", {("ASMI", "uncertain")}),
    ("pathological ECG", {("NORM", "absent")}),
    ("atrial fibrillation/flutter", {("AFIB|AFLT", "present")}),
    ("ventricular extrasystole(s), supraventricular extrasystole(s)", {("PVC", "present"), ("PAC", "present")}),
    ("The T waves are inverted in aVL", {("INVT", "present")}),
    ("T waves are not inverted", {("INVT", "absent")}),
    ("ST segments are isoelectric", {("STE_|STD_", "absent")}),
    ("Compared with the previous tracing, atrial fibrillation has gone.", set()),
    ("Not judged (no P wave): first-degree AV block.", set()),
    ("The device states: “Atrial fibrillation”.", set()),
    ("Only the trace was requested.", set()),
    ("No higher-degree AV block or pre-excitation.", {("2AVB|3AVB", "absent"), ("WPW", "absent")}),
    ("No ventricular hypertrophy.", {("LVH|RVH", "absent")}),
    ("QTc (Bazett) 440 ms (all leads, 9 beats; borderline; normal 350 to 450).", set()),
    ("Less certain in V4 [baseline wander].", set()),
])
def test_findings_and_polarity(text, expected):
    assert findings(text) == expected


def test_a_denial_reaches_through_a_long_list():
    listed = "AV block, pre-excitation, bundle branch block, left ventricular hypertrophy, pathological Q waves, " \
             "ST elevation, ST depression, T wave inversion"
    for last in (" or ectopic beats", ", or ectopic beats", " nor ectopic beats"):
        told = read_claims(f"No {listed}{last}.")
        assert len(told) == 9 and {claim.polarity for claim in told} == {"absent"}


def test_a_denial_ends_where_a_long_list_holds_something_else():
    told = findings("No AV block, sinus rhythm, left axis deviation, rate 70/min, QRS duration 90 ms, PR interval "
                    "160 ms, no pathological Q waves or ST elevation.")
    assert {("AVB", "absent"), ("SR", "present"), ("LAD", "present"), ("QWAVE", "absent")} <= told


@pytest.mark.parametrize(("text", "expected"), [
    ("PR interval 182 ms", ("pr_ms", "=", 182.0, None, ())),
    ("pr interval 0.24 seconds", ("pr_ms", "=", 240.0, None, ())),
    ("a rate of 75 bpm", ("hr_bpm", "=", 75.0, None, ())),
    ("75 bpm", ("hr_bpm", "=", 75.0, None, ())),
    ("the 182 ms PR interval", ("pr_ms", "=", 182.0, None, ())),
    ("QTc 0.45 s", ("qtc_ms", "=", 450.0, None, ())),
    ("axis of -45 degrees", ("qrs_axis_deg", "=", -45.0, None, ())),
    ("axis –45°", ("qrs_axis_deg", "=", -45.0, None, ())),
    ("heart rate 60-100", ("hr_bpm", "in", 60.0, 100.0, ())),
    ("QRS duration above 120 ms", ("qrs_ms", ">", 120.0, None, ())),
    ("ST elevation of 2 mm in V2-V3", ("j_amp", "=", 0.2, None, ("V2", "V3"))),
    ("ST depression of 0.1 mV in II, III and aVF", ("j_amp", "=", -0.1, None, ("II", "III", "aVF"))),
    ("S wave of 1.2 mV in V1", ("s_amp", "=", -1.2, None, ("V1",))),
    ("V6 has a wide S wave of 60 ms", ("s_dur", "=", 60.0, None, ("V6",))),
    ("Sinus rhythm, left type", ("qrs_axis_deg", "in", -45.0, 30.0, ())),
    ("The QRS complex is narrow", ("qrs_ms", "<", 120.0, None, ())),
    ("PR interval 151 ms (all leads, 10 beats; normal 120 to 200)", ("pr_ms", "in", 120.0, 200.0, ())),
    ("PR interval 210 ms (all leads, 10 beats; above normal 120 to 200)", ("pr_ms", ">", 200.0, None, ())),
    ("QRS axis -40 deg (I, aVF; below normal -30 to 90)", ("qrs_axis_deg", "<", -30.0, None, ())),
    ("P terminal force 5.2 mV ms (V1; criterion ≥ 4)", ("ptf_v1_uvms", ">=", 4000.0, None, ("V1",))),
    ("ST level at J +0.12 mV in V2 (9 beats; criterion ≥ 0.1)", ("j_amp", ">=", 0.1, None, ("V2",))),
    ("Q amplitude -0.15 mV in aVF, R amplitude 0.06 mV in aVF", ("r_amp", "=", 0.06, None, ("aVF",))),
    ("T amplitude 0.1 mV in V3, 0.2 mV in V4 (9 to 12 beats)", ("t_amp", "=", 0.2, None, ("V4",))),
    ("beats with a P wave 92% (criterion ≥ 90%)", ("p_present_fraction", ">=", 0.9, None, ())),
    ("12 beats recorded, 10 of the dominant kind", ("n_dominant", "=", 10.0, None, ())),
    ("12 beats recorded, 10 of the dominant kind", ("n_beats", "=", 12.0, None, ())),
    ("QRS form rSR' in V1", ("qrs_form", "=", "rSR'", None, ("V1",))),
])
def test_values_and_units(text, expected):
    assert expected in values(text)


@pytest.mark.parametrize(("words", "leads"), [
    ("V1-V3", ("V1", "V2", "V3")), ("v4,5,6", ("V4", "V5", "V6")), ("V3-6", ("V3", "V4", "V5", "V6")),
    ("leads I and aVL", ("I", "aVL")), ("II, III, aVF", ("II", "III", "aVF")),
    ("inferior leads", ("II", "III", "aVF")), ("the inferior leads (II, aVF)", ("II", "aVF")),
    ("V1 through V4", ("V1", "V2", "V3", "V4")), ("lead I", ("I",)), ("in F, V3-5", ("V3", "V4", "V5")),
    ("limb leads", ("I", "II", "III", "aVR", "aVL", "aVF")),
])
def test_leads(words, leads):
    claim = next(c for c in read_claims(f"T wave inversion in {words}.") if c.finding == "INVT")
    assert claim.leads == leads


def test_shared_subject_and_shared_leads():
    text = ("T waves are low in lead I and inverted in lead aVL. "
            "ST segments are depressed and T waves inverted in V5, V6.")
    found = [(c.finding, c.leads) for c in read_claims(text)]
    assert found == [("LOWT", ("I",)), ("INVT", ("aVL",)), ("STD_", ("V5", "V6")), ("INVT", ("V5", "V6"))]


def test_beats_and_counts():
    claims = read_claims("Ventricular premature complexes (beats 3 and 7). PR interval 180 ms (median of 9 beats).")
    assert claims[0].beats == (3, 7)
    assert claims[1].n_beats == 9


def test_criterion_belongs_to_its_finding():
    criterion = read_claims("First-degree AV block: PR interval 212 ms (criterion above 200 ms).")[-1]
    assert (criterion.finding, criterion.measure, criterion.comparison, criterion.value) == ("1AVB", "pr_ms", ">", 200)


def test_spans_are_offsets():
    text = "Sinus rhythm – 75 bpm; QTc 0.45 s,  T waves   inverted in V1–V3."
    for claim in read_claims(text):
        assert text[slice(*claim.span)] == claim.text


WORDS = st.sampled_from([
    "no", "not", "without", "possible", "sinus", "rhythm", "ST", "elevation", "T", "waves", "inverted", "in",
    "V1", "-", "V3", ",", ".", ";", "(", ")", "II", "and", "or", "aVF", "PR", "interval", "182", "ms", "0.2",
    "mV", "above", "criterion", "limits", "to", "of", "normal", "prolonged", "cannot", "be", "excluded",
    "beats", "median", "3", "[", "]", "“", "”", "/", ":", "%", "1st", "lead", "leads", "I", "axis", "-45",
    "deg", "İ", "ß", "µV", "QRS", "form", "rSR'",
])


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=400), st.lists(WORDS, max_size=80).map(" ".join)))
def test_any_text_is_read(text):
    for claim in read_claims(text):
        assert text[slice(*claim.span)] == claim.text
        assert claim.polarity in {"present", "absent", "uncertain"}


@pytest.mark.parametrize("piece", [
    "no ", "V1-", "T wave , ", "((((", "st ", "1 ", "“", "[", "left ", "possible or ", "- "])
def test_time_grows_with_the_text_only(piece):
    read_claims("warm up: sinus rhythm")
    start = time.process_time()
    read_claims(piece * 2000)
    assert time.process_time() - start < 4.0


@pytest.mark.parametrize(("text", "count", "leads"), [
    ("QRS duration 90 ms (all leads, 10 beats; normal 70 to 110)", 10, ()),
    ("Sokolow-Lyon voltage 2.1 mV (V1, V5, 9 beats)", 9, ("V1", "V5")),
    ("T amplitude 0.2 mV in V4 (1 beat)", 1, ("V4",)),
    ("P duration 110 ms (all leads, 8 beats)", 8, ()),
])
def test_bracket_after_a_value_says_its_leads_and_beats(text, count, leads):
    claim = read_claims(text)[0]
    assert (claim.n_beats, claim.leads, claim.comparison) == (count, leads, "=")
