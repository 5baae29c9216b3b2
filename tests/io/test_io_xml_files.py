"""Files of real devices, read and compared with what independent readers gave for them.

The numbers below were established with ecgdatakit 2.0.3 and sierraecg 0.4.0 (Schiller: ecg2dcm 1.3.1): a checksum over
all samples as whole steps of the file, lead after lead, and the numbers and words that the device stored.
"""

import hashlib
import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from ecground.io import read, sniff
from ecground.leads import STANDARD
from ecground.record import Patient

DATA = os.environ.get("ECGROUND_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="ECGROUND_DATA is not set")

EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
FDA = {"pr_ms": 148, "qrs_ms": 120, "qt_ms": 420, "qtc_ms": 443, "p_axis_deg": 44, "qrs_axis_deg": -61,
       "t_axis_deg": 86, "p_dur_ms": 102}
PHILIPS = {"hr_bpm": 41, "pr_ms": 151, "qrs_ms": 135, "qt_ms": 476, "p_axis_deg": 66, "qrs_axis_deg": -21,
           "t_axis_deg": 59, "n_beats": 6}
FILES = {
    # path: (step uV, fs, samples, leads of the checksum, checksum, V2 at samples 0 and 1234, patient, start, measures)
    "aecg/fda_Example_aECG.xml": (
        2.5, 500, 5000, STANDARD, "cc80d4e29602e677", (55, -13), Patient(49, "M"), "2002-11-22T09:10:00", FDA),
    "aecg/fda_subject1_0.xml": (
        2.5, 500, 5000, STANDARD, "cc80d4e29602e677", (55, -13), Patient(49, "M"), "2002-11-22T09:10:00", FDA),
    "aecg/jhu_hl7aecg-Example2.xml": (
        2.5, 1000, 10000, STANDARD, "5b99a7b1304f9a92", (155, 50), Patient(32, None), "2004-01-15T11:20:04",
        {"hr_bpm": 52}),
    "aecg/liryc_hl7aecg_example.xml": (
        5, 100, 1000, STANDARD, "1abd2f8f99a2f3c3", (-22, None), Patient(None, None), "2025-09-23T10:35:50",
        {"hr_bpm": 57, "pr_ms": 192, "qrs_ms": 88, "qt_ms": 418, "p_axis_deg": 60, "qrs_axis_deg": 64,
         "t_axis_deg": 11}),
    "muse/MUSE_20080710_165457_96000.xml": (
        4.88, 250, 2500, EIGHT, "507b0b12cb3bb385", (-4, 10), Patient(58, "M"), "1996-03-25T11:18:00",
        {"hr_bpm": 69, "atrial_rate_bpm": 69, "pr_ms": 180, "qrs_ms": 56, "qt_ms": 388, "qtc_ms": 416,
         "qtc_fridericia_ms": 406, "p_axis_deg": 76, "qrs_axis_deg": 64, "t_axis_deg": 61, "n_beats": 12}),
    "schiller/cardio_sample.xml": (
        1, 500, 5000, EIGHT, "9db444c1573ab8a0", (120, 45), Patient(None, None), None,
        {"hr_bpm": 69, "rr_mean_ms": 869, "p_dur_ms": 108, "pr_ms": 174, "qrs_ms": 94, "qt_ms": 370, "qtc_ms": 397,
         "p_axis_deg": 42, "qrs_axis_deg": 0, "t_axis_deg": 3}),
    "sierra/129DYPRG_1.03.XML": (
        5, 500, 5264, STANDARD, "b1390ec92f96192b", (45, 6), Patient(50, "M"), "2011-12-01T07:27:34", PHILIPS),
    "sierra/repbeats_example_1.03.xml": (
        5, 500, 5264, STANDARD, "b1390ec92f96192b", (45, 6), Patient(50, "M"), "2011-12-01T07:27:34", PHILIPS),
    "sierra/ZZDEMOPTONLY_1.04.xml": (
        5, 500, 5300, STANDARD, "bc98e94aceda0fe7", (117, 10), Patient(60, "M"), "2010-01-19T15:19:22",
        {"hr_bpm": 84, "rr_mean_ms": 714, "pr_ms": 144, "qrs_ms": 84, "qt_ms": 352, "qtc_bazett_ms": 417,
         "qtc_fridericia_ms": 394, "p_axis_deg": 81, "qrs_axis_deg": 78, "t_axis_deg": 67, "n_beats": 13}),
    "sierra/ad4d3d80-d165_1.04.xml": (
        5, 500, 5300, STANDARD, "597d1cccc03757e0", (423, 348), Patient(32, "F"), "2008-12-23T19:44:46",
        {"hr_bpm": 41, "rr_mean_ms": 1463, "pr_ms": 144, "qrs_ms": 102, "qt_ms": 564, "qtc_bazett_ms": 466,
         "qtc_fridericia_ms": 497, "p_axis_deg": 19, "qrs_axis_deg": 85, "t_axis_deg": 53, "n_beats": 7}),
    "sierra/2020-5-18_1.04.01.xml": (
        5, 500, 5300, STANDARD, "e19f80e032bb2f59", (17, -48), Patient(69, None), "2020-05-18T15:48:11",
        {"hr_bpm": 64, "rr_mean_ms": 938, "pr_ms": 164, "qrs_ms": 102, "qt_ms": 399, "qtc_bazett_ms": 412,
         "qtc_fridericia_ms": 408, "p_axis_deg": 27, "qrs_axis_deg": 22, "t_axis_deg": 80, "n_beats": 10}),
}
STATEMENTS = {
    "aecg/fda_Example_aECG.xml": ("Sinus Rhythm",), "aecg/jhu_hl7aecg-Example2.xml": (),
    "muse/MUSE_20080710_165457_96000.xml": ("Statement Text(22)", "Statement Text(1684)"),
    "schiller/cardio_sample.xml": (),
    "sierra/2020-5-18_1.04.01.xml": (
        "Sinus rhythm (normal P axis, V-rate 50-99)", "Abnormal R-wave progression, early transition "
        "(QRS area>0 in V2)", "OTHERWISE NORMAL ECG"),
}


def opened(name):
    path = Path(DATA or "", "formats", name)
    if not path.is_file():
        pytest.skip(f"{name} is not in this data pack")
    return path


@pytest.mark.parametrize("name", FILES)
def test_samples_agree_with_independent_readers(name):
    step, fs, samples, leads, checksum, (begin, later), *_ = FILES[name]
    path = opened(name)
    record = read(path)
    assert sniff(path) == record.provenance.format == name.split("/")[0]
    assert (record.leads, record.fs, record.n_samples) == (STANDARD, fs, samples)
    steps = np.stack([record.lead(lead) for lead in leads]).astype(np.float64) * 1e3 / step
    assert np.abs(steps - np.rint(steps)).max() < 1e-3
    whole = np.rint(steps).astype("<i4")
    assert whole[leads.index("V2"), 0] == begin
    if later is not None:
        assert whole[leads.index("V2"), 1234] == later
    assert hashlib.sha256(whole.tobytes()).hexdigest()[:16] == checksum


@pytest.mark.parametrize("name", FILES)
def test_what_the_device_said(name):
    *_, patient, start, measures = FILES[name]
    record = read(opened(name))
    assert record.patient == patient
    assert record.start == (datetime.fromisoformat(start) if start else None)
    ours = {}
    for one in record.device.measurements:
        if one.lead is None and one.unit != "sample":
            assert one.name not in ours
            ours[one.name] = one.value
    assert {measure: ours.get(measure) for measure in measures} == measures
    if name in STATEMENTS:
        assert record.device.statements == STATEMENTS[name]


@pytest.mark.parametrize("name", [name for name in FILES if name[:4] in ("muse", "sier", "schi")])
def test_lead_amplitudes_of_the_device_fit_the_samples(name):
    """The scale of both: R waves as high in the samples (over the median of 2 s) as the device says for the lead."""
    record = read(opened(name))
    width = round(2 * record.fs)
    ratios = []
    for one in record.device.measurements:
        if one.name == "r_amp" and one.value > 0.4:
            x = record.lead(one.lead)
            windows = x[:x.size // width * width].reshape(-1, width)
            ratios.append(float(np.median(windows.max(axis=1) - np.median(windows, axis=1))) / one.value)
    assert len(ratios) >= 4
    assert 0.85 < np.median(ratios) < 1.15


def test_philips_files_lose_their_calibration_pulse():
    record = read(opened("sierra/129DYPRG_1.03.XML"))
    assert any("calibration pulse" in note for note in record.provenance.notes)
    assert np.ptp(record.signal[:, -200:], axis=0).max() > 0.01


def test_philips_statements_name_nobody():
    record = read(opened("sierra/ad4d3d80-d165_1.04.xml"))
    assert not [line for line in record.device.statements if "onfirmed" in line]
