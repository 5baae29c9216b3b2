"""HL7 aECG from documents built here: scales, times, leads, statements, refusals; written and read back."""

from datetime import datetime

import numpy as np
import pytest

from ecground.errors import CorruptInputError, NoSignalError, UsageError
from ecground.io import read, sniff, write
from ecground.leads import STANDARD
from ecground.record import DeviceMeasurement, DeviceReading, Patient, Provenance, Record
from tests.io.xml_documents import (
    EIGHT,
    aecg,
    annotation,
    annotations,
    counts,
    prefixed,
    rhythm,
    rows,
    said,
    sequence_set,
    value,
)


def test_aecg_scale_time_and_leads():
    table = counts()
    record = read(aecg(rows(("V6", "I", "II", "V1", "V2", "V3", "V4", "V5"), table), origin="10"))
    assert record.leads == STANDARD
    assert record.fs == 500
    assert record.start == datetime(2024, 1, 2, 3, 4, 5, 500000)
    np.testing.assert_allclose(record.lead("V6"), (table[0] * 2.5 + 10) / 1e3, atol=1e-6)
    np.testing.assert_allclose(record.lead("III"), (table[2] - table[1]) * 2.5 / 1e3, atol=1e-6)


@pytest.mark.parametrize(("increment", "unit", "fs"), [
    ("4", "ms", 250), ("0.001", "s", 1000), ("1000", "us", 1000), ("0.00388349514563107", "s", 257.5),
    ("0.01", "", 100),
])
def test_aecg_rates(increment, unit, fs):
    assert read(aecg(rows(("I",), counts(1)), increment=increment, unit=unit)).fs == fs


@pytest.mark.parametrize(("increment", "unit"), [("0", "s"), ("-1", "s"), ("x", "s"), ("", ""), ("2", "mm"),
                                                 ("1e-300", "s"), ("1e9", "s"), ("nan", "s")])
def test_aecg_without_usable_rate(increment, unit):
    with pytest.raises(CorruptInputError):
        read(aecg(rows(("I",), counts(1)), increment=increment, unit=unit))


@pytest.mark.parametrize(("scale", "unit", "origin", "origin_unit", "mv"), [
    ("2.5", "uV", "0", "uV", 0.25), ("0.005", "mV", "0", "mV", 0.5), ("1e-6", "V", "0", "", 0.1),
    ("1", "uV", "1", "mV", 1.1),
])
def test_aecg_units(scale, unit, origin, origin_unit, mv):
    record = read(aecg({"I": [100] * 20 + [0]}, scale=scale, scale_unit=unit, origin=origin, origin_unit=origin_unit))
    assert record.signal[0, 0] == pytest.approx(mv)


def test_aecg_without_unit_withholds_amplitudes_and_other_signals_are_left_out():
    assert not read(aecg({"I": [1, 2, 3]}, scale_unit="1", origin_unit="")).provenance.calibrated
    with pytest.raises(NoSignalError):
        read(aecg({"I": [1, 2, 3]}, scale_unit="mm[Hg]", origin_unit="mm[Hg]"))
    with pytest.raises(CorruptInputError):
        read(aecg({"I": [1, 2, 3]}, scale_unit="uV", origin="3", origin_unit="mm"))


def test_aecg_inverted_avr():
    record = read(aecg({"AVRNEG": [100, 200, 300]}))
    np.testing.assert_allclose(record.lead("aVR"), [-0.25, -0.5, -0.75], atol=1e-6)


def test_aecg_prefix_and_odd_namespace():
    plain = aecg(rows(EIGHT, counts()))
    for other in (aecg(rows(EIGHT, counts()), prefix="hl7"), aecg(rows(EIGHT, counts()), namespace="urn:other")):
        np.testing.assert_array_equal(read(other).signal, read(plain).signal)
    assert prefixed("<a></a>", "x") == b"<x:a></x:a>"


def test_aecg_rhythm_before_beat():
    beat = f'<derivation><derivedSeries><code code="REPRESENTATIVE_BEAT"/>{sequence_set({"I": [7] * 90})}' \
           "</derivedSeries></derivation>"
    both = aecg({}, series=rhythm({"I": [1, 2, 3]}, derived=beat))
    assert read(both).n_samples == 3
    assert said(read(both), "representative beat")
    alone = aecg({"I": [5, 6, 7]}, code="REPRESENTATIVE_BEAT")
    assert said(read(alone), "no rhythm")
    hidden = aecg({}, series=f'<component><series><code code="RHYTHM"/>{beat}</series></component>')
    assert read(hidden).n_samples == 90


def test_aecg_sets_on_one_time_axis():
    inside = sequence_set({"V1": [4, 5]}, head="20240102030405.510") + sequence_set({"I": [9]},
                                                                                   head="20240102030405.520")
    record = read(aecg({"I": [1, 2, 3]}, inside=inside))
    want = np.full((2, 11), np.nan)
    want[0, :3], want[0, 10], want[1, 5:7] = [1, 2, 3], 9, [4, 5]
    np.testing.assert_allclose(record.signal, want * 2.5e-3, atol=1e-6)
    assert said(record, "placed on one time axis")


@pytest.mark.parametrize("inside", [
    sequence_set({"I": [4, 5]}, head="20240102030405.502"), sequence_set({"I": [4]}, increment="0.004"),
    sequence_set({"V1": [4]}, head="20240302030405"), sequence_set({"V1": [4]}, head="0.1", kind="TIME_RELATIVE"),
    sequence_set({"V1": [4]}, head="99990102030405"),
])
def test_aecg_sets_that_do_not_fit(inside):
    record = read(aecg({"I": [1, 2, 3]}, inside=inside))
    assert record.signal.shape == (1, 3)
    assert said(record, "left out")


def test_aecg_several_series_longest_first():
    series = rhythm({"I": [1, 2]}, head="20240102030406") + rhythm({"I": [1, 2, 3]}, head="20240102030407")
    record = read(aecg({}, series=series))
    assert record.start == datetime(2024, 1, 2, 3, 4, 6)
    assert record.n_samples == 503
    relative = rhythm({"I": [1, 2]}, head="0", kind="TIME_RELATIVE") + rhythm({"V1": [1, 2, 3]})
    assert read(aecg({}, series=relative)).leads == ("V1",)


@pytest.mark.parametrize(("person", "age", "sex"), [
    ('<birthTime value="19600103"/><administrativeGenderCode code="F"/>', 63, "F"),
    ('<birthTime value="19600102"/><administrativeGenderCode code="UN"/>', 64, None),
    ('<birthTime value="196005"/>', 63, None), ('<birthTime value="1960"/>', None, None),
    ('<birthTime value=""/><Age>81</Age>', 81, None), ('<birthTime value="20990101"/>', None, None),
    ('<birthTime value="19601399"/>', None, None),
])
def test_aecg_patient(person, age, sex):
    patient = read(aecg({"I": [1, 2]}, person=person)).patient
    assert (patient.age, patient.sex) == (age, sex)


def test_aecg_device_reading():
    span = ('<support><supportingROI><component><boundary><code code="TIME_ABSOLUTE"/><value xsi:type="IVL_TS">'
            '<low value="20240102030405.600"/><high value="20240102030405.700"/></value></boundary></component>'
            "</supportingROI></support>")
    v1 = ('<support><supportingROI><component><boundary><code code="MDC_ECG_LEAD_V1"/></boundary></component>'
          "</supportingROI></support>")
    wave = ('<component><annotation><code code="MDC_ECG_WAVC"/><value xsi:type="CE" code="MDC_ECG_WAVC_PWAVE"/>'
            f"{span}</annotation></component>")
    beat = annotation("MDC_ECG_BEAT", inside=annotation("MDC_ECG_TIME_PD_PR", "170") + annotation(
        "MDC_ECG_TIME_PD_QT", "0.41", unit="s") + wave)
    person = ("<author><assignedEntity><assignedAuthorType><assignedPerson/></assignedAuthorType></assignedEntity>"
              "</author>")
    inside = annotations(
        beat, beat, annotation("MDC_ECG_TIME_PD_PR", "160"), annotation("MDC_ECG_HEART_RATE", "52", unit="bmp"),
        annotation("MDC_ECG_TIME_PD_QTc", "0"), annotation("VENDOR_ECG_QRS_AXIS", "-30", unit="deg"),
        annotation("MDC_ECG_TIME_PD_QRS", "29999"), annotation("VENDOR_ECG_RV5", "1.5", unit="mV"),
        annotation("VENDOR_MATRIX", inside=v1 + annotation("VENDOR_R_AMP", "535", unit="uV")),
        annotation("MDC_ECG_INTERPRETATION", inside=annotation("MDC_ECG_INTERPRETATION_STATEMENT", "Sinus  rhythm",
                                                               kind="ST")),
    ) + annotations(annotation("MDC_ECG_TIME_PD_PR", "999"), author=person)
    record = read(aecg(rows(EIGHT, counts()), inside=inside))
    assert record.device.statements == ("Sinus rhythm",)
    assert value(record, "pr_ms") == 160
    assert value(record, "qt_ms") == pytest.approx(410)
    assert value(record, "hr_bpm") == 52
    assert value(record, "qrs_axis_deg") == -30
    assert value(record, "vendor_ecg_rv5") == 1.5
    assert value(record, "r_amp", "V1") == pytest.approx(0.535)
    names = [m.name for m in record.device.measurements]
    assert "qtc_ms" not in names
    assert "qrs_ms" not in names
    positions = [(m.name, m.value) for m in record.device.measurements if m.unit == "sample"]
    assert positions == [("p_onset", 50.0), ("p_offset", 100.0)] * 2
    assert said(record, "by a person")


def test_aecg_damage():
    good = aecg({"I": [1, 2, 3]})
    with pytest.raises(CorruptInputError):
        read(good.replace(b"1 2 3", b"1 2 three"))
    with pytest.raises(NoSignalError):
        read(good.replace(b"1 2 3", b" "))
    with pytest.raises(NoSignalError):
        read(aecg({}, series="<component/>"))
    assert np.isnan(read(good.replace(b"1 2 3", b"1 nan 1e999")).signal[0, 1:]).all()


def test_aecg_written_and_read_back(tmp_path):
    signal = counts(4, 300).astype(np.float32) * np.float32(0.00488)
    signal[1, 20:200] = np.nan
    signal[3, 290:] = np.nan
    device = DeviceReading(("Sinus rhythm <1>", "Infarto à \x07 12"), (
        DeviceMeasurement("pr_ms", 162.0, "ms", label="PR Interval"), DeviceMeasurement("hr_bpm", 61.5, "1/min"),
        DeviceMeasurement("qtc_hodges_ms", 401.0, "ms"), DeviceMeasurement("r2_amp", 0.123, "mV", "V1"),
        DeviceMeasurement("st_dur", 120.0, "ms", "aVR"), DeviceMeasurement("vendor_number", 7.0, ""),
        DeviceMeasurement("p_onset", 7.0, "sample"),
    ))
    record = Record(signal=signal, fs=257.5, leads=("I", "V1", "MLII", "chest lead 9"), patient=Patient(0.5, "F"),
                    start=datetime(2021, 2, 3, 4, 5, 6, 7000), device=device, comments=("x",),
                    provenance=Provenance(filters=("high-pass 0.05 Hz", "notch 50 Hz")))
    path = tmp_path / "a.xml"
    lost = write(record, path)
    assert any("positions" in line for line in lost)
    assert any("comments" in line for line in lost)
    back = read(path)
    assert (back.fs, back.leads, back.patient, back.start) == (257.5, record.leads, record.patient, record.start)
    assert sniff(path) == "aecg"
    np.testing.assert_allclose(back.signal, signal, atol=0.000051)
    assert back.device.statements == ("Sinus rhythm <1>", "Infarto à 12")
    assert [(m.name, round(m.value, 9), m.unit, m.lead) for m in back.device.measurements] == [
        (m.name, m.value, m.unit, m.lead) for m in device.measurements if m.unit != "sample"]
    assert set(back.provenance.filters) == {"high-pass 0.05 Hz", "notch 50 Hz"}


def test_aecg_write_says_what_is_lost_and_refuses(tmp_path):
    signal = np.full((2, 50), np.nan, np.float32)
    record = Record(signal=signal, fs=100.0, leads=("I", "V1"))
    with pytest.raises(UsageError):
        write(record, tmp_path / "a.xml")
    signal = signal.copy()
    signal[0, 10:20] = 1.0
    lost = write(record.replace(signal=signal, provenance=Provenance(calibrated=False)), tmp_path / "a.xml")
    assert [word for word in ("uncalibrated", "V1", "before the first") if any(word in one for one in lost)] == [
        "uncalibrated", "V1", "before the first"]
    back = read(tmp_path / "a.xml")
    assert not back.provenance.calibrated
    assert back.signal.shape == (1, 10)
    np.testing.assert_allclose(back.signal, 1.0)
    assert back.start is None
    flicker = np.zeros((1, 20_000), np.float32)
    flicker[0, ::2] = np.nan
    with pytest.raises(UsageError):
        write(Record(signal=flicker, fs=100.0, leads=("I",)), tmp_path / "b.xml")
