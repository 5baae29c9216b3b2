"""The XML formats read from files built here: scales, times, leads, statements, quirks of vendors and refusals."""

import struct
import time
from datetime import datetime

import numpy as np
import pytest

from ecground.errors import CorruptInputError, NoSignalError, UnknownFormatError, UnsafeInputError, UsageError
from ecground.io import read, sniff, write
from ecground.io.xml.xli import MAX_LEAD_SAMPLES
from ecground.leads import STANDARD
from ecground.record import DeviceMeasurement, DeviceReading, Patient, Provenance, Record
from tests.io.xml_documents import (
    EIGHT,
    TWELVE,
    aecg,
    annotation,
    annotations,
    counts,
    lzw,
    muse,
    prefixed,
    rhythm,
    schiller,
    sequence_set,
    sierra,
    twelve,
    xli,
)


def rows(names, table):
    return dict(zip(names, table, strict=True))


def said(record, word):
    return any(word in note for note in record.provenance.notes)


def value(record, name, lead=None):
    found = [m.value for m in record.device.measurements if (m.name, m.lead) == (name, lead)]
    assert len(found) == 1, (name, lead, found)
    return found[0]


# What all have in common


@pytest.mark.parametrize(("data", "name"), [
    (aecg(rows(EIGHT, counts())), "aecg"), (muse(rows(EIGHT, counts())), "muse"),
    (sierra(twelve()), "sierra"), (schiller(rows(EIGHT, counts())), "schiller"),
])
def test_recognised_in_any_dress(data, name):
    assert sniff(data) == name
    padded = b"\r\n\0 " + data + b"\0\0\0"
    assert sniff(padded) == name
    text = data.decode("latin-1").split("?>", 1)[1]
    for dressed in (padded, b"\xef\xbb\xbf" + data, ("<?xml version='1.0'?>" + text).encode("utf-16"),
                    text.encode()):
        np.testing.assert_array_equal(read(dressed).signal, read(data).signal)


@pytest.mark.parametrize("data", [
    b"<note>AnnotatedECG</note>", b"<!-- <RestingECG> --><other/>", b"plain text <restingecgdata>", b"<", b"<?xml ?>",
    b"\xff\xfe", b"<!DOCTYPE RestingECG [<!ENTITY a 'b'>]><RestingECG/>",
])
def test_not_recognised(data):
    with pytest.raises(UnknownFormatError):
        sniff(data)


def attacked(data, where, what):
    head, found, tail = data.partition(where)
    assert found
    return head + what + found + tail


@pytest.mark.parametrize(("data", "root"), [
    (aecg(rows(EIGHT, counts(n=30))), b"<AnnotatedECG"), (muse(rows(EIGHT, counts(n=30)), doctype=""), b"<RestingECG"),
    (sierra(twelve(n=30)), b"<restingecgdata"), (schiller(rows(EIGHT, counts(n=30))), b"<com.xiriuz"),
])
def test_attacks(data, root):
    name = root[1:].split(b".")[0]
    for dtd in (b'<!DOCTYPE %s [<!ENTITY a "b">]>', b'<!DOCTYPE %s [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
                b'<!DOCTYPE %s [<!ELEMENT x ANY>]>', b'<!DOCTYPE other SYSTEM "http://host/x.dtd">'):
        with pytest.raises((UnsafeInputError, UnknownFormatError)):
            read(attacked(data, root, dtd.replace(b"%s", name)))
    end = data.rindex(b"</")
    with pytest.raises(UnsafeInputError):
        read(data[:end] + b"<a>" * 100 + b"</a>" * 100 + data[end:])
    with pytest.raises(CorruptInputError):
        read(data[:end])
    with pytest.raises(CorruptInputError):
        read(data[:end] + b"&undefined;" + data[end:])


def test_too_many_elements(monkeypatch):
    monkeypatch.setattr("ecground.safe.MAX_XML_NODES", 500)
    data = schiller(rows(EIGHT, counts(n=30)))
    assert read(data).n_samples == 30
    end = data.rindex(b"</")
    with pytest.raises(UnsafeInputError):
        read(data[:end] + b"<a/>" * 500 + data[end:])
    with pytest.raises(UnsafeInputError):
        read(data[:end] + b"<a " + b" ".join(b"x%d=''" % k for k in range(500)) + b"/>" + data[end:])


@pytest.mark.parametrize("data", [
    aecg({"I": [1, 2, 300]}, scale="1e308"), muse(rows(("I",), counts(1)), scale="1e308"),
    schiller(rows(("I",), counts(1)), scale="1e308"), sierra(twelve(), resolution="1e308"),
    sierra(twelve(), duration="1e308"), aecg({"I": [1, 2, 300]}, origin="1e308", scale="1e308", origin_unit="V"),
])
def test_numbers_beyond_any_voltage(data):
    try:
        seen = read(data).signal
    except (NoSignalError, UnsafeInputError):
        return
    assert (seen[np.isfinite(seen)] == 0).all()


def test_vendor_doctype_is_passed_over_and_never_loaded(tmp_path):
    (tmp_path / "restecg.dtd").write_text('<!ENTITY who "patient">')
    data = muse(rows(EIGHT, counts()))
    (tmp_path / "a.xml").write_bytes(data)
    assert len(read(tmp_path / "a.xml").leads) == 12
    (tmp_path / "b.xml").write_bytes(data.replace(b"FEMALE", b"&who;"))
    with pytest.raises((UnsafeInputError, CorruptInputError)):
        read(tmp_path / "b.xml")


def test_latin_1_that_says_utf_8():
    data = aecg(rows(EIGHT, counts()), inside=annotations(annotation("MDC_ECG_INTERPRETATION", "QQQ", kind="ST")))
    record = read(data.replace(b"QQQ", "Légère déviation".encode("latin-1")))
    assert record.device.statements == ("Légère déviation",)
    assert said(record, "Latin-1")


# HL7 aECG


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


# GE MUSE


def test_muse_eight_leads_become_twelve():
    table = counts()
    record = read(muse(rows(EIGHT, table)))
    assert record.leads == STANDARD
    assert (record.fs, record.patient.age, record.patient.sex) == (500.0, 61.0, "F")
    assert record.start == datetime(2016, 3, 25, 11, 18, 2)
    assert set(record.provenance.filters) == {"high-pass 0.16 Hz", "low-pass 150 Hz", "notch 60 Hz"}
    np.testing.assert_allclose(record.lead("V3"), table[4] * 4.88e-3, atol=1e-5)
    np.testing.assert_allclose(record.lead("aVF"), (table[1] - table[0] / 2) * 4.88e-3, atol=1e-5)
    assert record.provenance.lead_origin["aVF"] == "II - I/2"
    assert said(record, "Median")


def test_muse_scale_rate_and_width_come_from_the_file():
    table = counts()
    record = read(muse(rows(EIGHT, table), scale="2.5", base=25, exponent=1, size=4, kinds=("Rhythm",)))
    assert record.fs == 250
    np.testing.assert_allclose(record.lead("II"), table[1] * 2.5e-3, atol=1e-6)
    assert read(muse(rows(EIGHT, table), scale="0.00488", unit="MILLIVOLTS")).lead("I")[9] == pytest.approx(
        table[0][9] * 0.00488, rel=1e-5)
    assert not read(muse(rows(EIGHT, table), unit="")).provenance.calibrated


def test_muse_median_only_when_there_is_no_rhythm():
    record = read(muse(rows(EIGHT, counts()), kinds=("Median",)))
    assert record.n_samples == 20
    assert said(record, "no rhythm")
    with pytest.raises(NoSignalError):
        read(muse({}, kinds=()))


@pytest.mark.parametrize(("person", "age"), [
    ("<PatientAge>18</PatientAge><AgeUnits>MONTHS</AgeUnits>", 1.5), ("<PatientAge>44</PatientAge>", 44),
    ("<DateofBirth>03-26-1950</DateofBirth>", 65), ("<DateofBirth>XX-XX-XXXX</DateofBirth>", None), ("", None),
])
def test_muse_age(person, age):
    assert read(muse(rows(("I", "II"), counts(2)), person=person)).patient.age == age


def test_muse_statements_and_measurements():
    def lines(tag, *parts):
        return f"<{tag}>" + "".join(
            f"<DiagnosisStatement>{'<StmtFlag>ENDSLINE</StmtFlag>' if end else ''}<StmtText>{words}</StmtText>"
            "</DiagnosisStatement>" for words, end in parts) + f"</{tag}>"

    def amplitude(lead, wave, peak):
        return (f"<MeasuredAmplitude><AmplitudeMeasurementLeadID>{lead}</AmplitudeMeasurementLeadID>"
                f"<AmplitudeMeasurementWaveID>{wave}</AmplitudeMeasurementWaveID>"
                f"<AmplitudeMeasurementPeak>{peak}</AmplitudeMeasurementPeak></MeasuredAmplitude>")

    extra = (
        "<RestingECGMeasurements><VentricularRate>69</VentricularRate><PRInterval>180</PRInterval>"
        "<QRSDuration>32767</QRSDuration><QTInterval>0</QTInterval><RAxis>-12</RAxis><POnset>70</POnset>"
        "</RestingECGMeasurements>"
        + lines("Diagnosis", ("Normal sinus rhythm", False), ("with sinus arrhythmia", True), ("Edited", True))
        + lines("OriginalDiagnosis", ("Atrial fibrillation", True))
        + "<AmplitudeMeasurements>" + amplitude("V2", "IE_R", 619) + amplitude("V2", "IE_S", 639)
        + amplitude("AVR", "IE_T", -141) + amplitude("??", "IE_R", 1) + "</AmplitudeMeasurements>"
    )
    record = read(muse(rows(EIGHT, counts()), extra=extra))
    assert record.device.statements == ("Normal sinus rhythm with sinus arrhythmia", "Edited", "Atrial fibrillation")
    assert said(record, "edited")
    assert (value(record, "hr_bpm"), value(record, "pr_ms"), value(record, "qrs_axis_deg")) == (69, 180, -12)
    assert value(record, "r_amp", "V2") == pytest.approx(0.619)
    assert value(record, "s_amp", "V2") == pytest.approx(-0.639)
    assert value(record, "t_amp", "aVR") == pytest.approx(-0.141)
    assert not {"qrs_ms", "qt_ms"} & {m.name for m in record.device.measurements}


def test_muse_quirks_of_leads():
    table = counts()
    table[3] = -32768
    named = dict(zip(("Lead I", "II\0", "V1", "V2", "V3", "V4", "V5", "V6"), table, strict=True))
    data = muse({name.replace("\0", " "): row for name, row in named.items()},
                lead_extra="<LeadOff>TRUE</LeadOff><FirstSampleBaseline>3</FirstSampleBaseline>")
    record = read(data)
    assert record.leads == STANDARD
    assert np.isnan(record.lead("V2")).all()
    assert said(record, "was off")
    assert said(record, "FirstSampleBaseline")
    changed = read(data.replace(b"<LeadDataCRC32>", b"<LeadDataCRC32>1"))
    assert said(changed, "checksum")


@pytest.mark.parametrize("change", [
    lambda d: d.replace(b"<LeadSampleCountTotal>500", b"<LeadSampleCountTotal>501"),
    lambda d: d.replace(b"<LeadByteCountTotal>1000", b"<LeadByteCountTotal>9999999999"),
    lambda d: d.replace(b"<LeadSampleSize>2", b"<LeadSampleSize>3"),
    lambda d: d.replace(b"<WaveFormData>\n", b"<WaveFormData>\n*"),
    lambda d: d.replace(b"<WaveFormData>\n", b"<WaveFormData>\nAAA"),
    lambda d: d.replace(b"<SampleBase>500", b"<SampleBase>0"),
    lambda d: d.replace(b"<SampleBase>500", b"<SampleBase>"),
    lambda d: d.replace(b"<SampleExponent>0", b"<SampleExponent>300"),
])
def test_muse_damage(change):
    with pytest.raises(CorruptInputError):
        read(change(muse(rows(EIGHT, counts()), kinds=("Rhythm",))))


# Philips Sierra


@pytest.mark.parametrize("version", ["1.03", "1.04", "1.04.01", "1.04.02"])
def test_sierra_packed(version):
    table = twelve(n=900, seed=4)
    record = read(sierra(table, version=version))
    assert (record.leads, record.fs, record.patient) == (STANDARD, 500.0, Patient(50.0, "M"))
    assert record.start == datetime(2020, 5, 18, 15, 48, 11)
    np.testing.assert_allclose(record.signal, table * 5e-3, atol=1e-5)
    assert not said(record, "tested")


def test_sierra_plain_and_other_versions():
    table = twelve()
    record = read(sierra(table, compression="Uncompressed", version="1.05", resolution="2.5"))
    np.testing.assert_allclose(record.signal, table * 2.5e-3, atol=1e-5)
    assert said(record, "1.05")
    assert said(record, "not compressed")
    assert not read(sierra(table, resolution="")).provenance.calibrated
    shifted = read(sierra(table, offset="7"))
    np.testing.assert_allclose(shifted.lead("V1"), (table[6] - 7) * 5e-3, atol=1e-5)
    assert said(shifted, "offset")


def test_sierra_elements_of_1_03():
    table = twelve()
    data = sierra(table, version="1.03").replace(b'compression="XLI"', b'compressflag="True" compressmethod="XLI"')
    for attribute in (b"leadlabels", b"numberofleads", b"samplespersecond", b"resolution"):
        head, _, tail = data.partition(attribute + b'="')
        data = head + tail.partition(b'"')[2]
    data = data.replace(b"</samplingrate>", b"</samplingrate><signalresolution>5</signalresolution>"
                        b"<numberchannelsallocated>12</numberchannelsallocated><acquisitiontype>STD-12</acquisitiontype>")
    np.testing.assert_allclose(read(data).signal, table * 5e-3, atol=1e-5)
    unknown = read(data.replace(b"STD-12", b"EASI-5"))
    assert not set(unknown.leads) & set(STANDARD)
    assert len(unknown.leads) == 12


def test_sierra_calibration_pulse_is_cut_off():
    table = twelve(n=900)
    table[:, 700:] = 0
    table[:, 750:850] = 200
    record = read(sierra(table))
    assert record.n_samples == 700
    assert said(record, "calibration pulse")
    for other in (table[:, :800], np.where(np.arange(900) == 860, 3, table)):
        assert read(sierra(other)).n_samples == other.shape[1]
    assert read(sierra(table, resolution="4")).n_samples == 900


@pytest.mark.parametrize(("age", "years"), [
    ("<years>50</years>", 50), ("<months>18</months>", 1.5), ("<dateofbirth>1951-05-19</dateofbirth>", 68),
    ("<dateofbirth>1951-05-18</dateofbirth>", 69), ("", None),
])
def test_sierra_age(age, years):
    assert read(sierra(twelve(), age=age)).patient.age == years


def test_sierra_reading():
    inside = """<interpretations><interpretation><globalmeasurements><heartrate>64</heartrate><print>164</print>
    <qtcb>412</qtcb><qtco methodname="Hodges">405</qtco><thorizaxis>60</thorizaxis><tfrontaxis>Failed</tfrontaxis>
    </globalmeasurements><mdsignatureline>Confirmed by: Somebody</mdsignatureline><severity>- NORMAL ECG -</severity>
    <statement><leftstatement>Sinus rhythm</leftstatement><rightstatement>V-rate 50-99</rightstatement></statement>
    </interpretation></interpretations>
    <internalmeasurements><crossleadmeasurements><meanventrate>63</meanventrate><meanqrsdur>102</meanqrsdur>
    </crossleadmeasurements><leadmeasurements><leadmeasurement leadname="V2" pmeasflag="False" qrsmeasflag="True">
    <pamp>50</pamp><ramp>900</ramp><samp>-480</samp><sdur>0</sdur><ston>21</ston><print>150</print></leadmeasurement>
    </leadmeasurements></internalmeasurements>"""
    record = read(sierra(twelve(), inside=inside))
    assert record.device.statements == ("Sinus rhythm (V-rate 50-99)", "NORMAL ECG")
    got = {m.name: m.value for m in record.device.measurements if m.lead is None}
    assert got == {"hr_bpm": 64, "pr_ms": 164, "qtc_bazett_ms": 412, "qtc_hodges_ms": 405, "qrs_ms": 102}
    lead = {m.name: m.value for m in record.device.measurements if m.lead == "V2"}
    assert lead == pytest.approx({"r_amp": 0.9, "s_amp": -0.48, "j_amp": 0.021, "pr_ms": 150})


def test_sierra_declared_counts_must_be_true():
    table = twelve()
    good = xli(table, TWELVE)
    for change in (
        {"duration": 998}, {"duration": 2000}, {"data": good[:-9]}, {"data": good[:7]}, {"data": b""},
        {"data": struct.pack("<ihh", -5, 1, 0) + good[8:]}, {"data": struct.pack("<ihh", 2**31 - 1, 1, 0) + good[8:]},
        {"data": good[:8] + b"\xff" * 20 + good[28:]}, {"compression": "ZIP"}, {"encoding": "Plain"}, {"bits": "24"},
        {"compression": "Uncompressed", "duration": 1001 * 4}, {"compression": "Uncompressed", "duration": 400},
    ):
        with pytest.raises((CorruptInputError, NoSignalError)):
            read(sierra(table, **change))
    for text, wrong in ((b'numberofleads="12"', b'numberofleads="13"'), (b'numberofleads="12"', b'numberofleads="0"'),
                        (b'samplespersecond="500"', b'samplespersecond="0"')):
        with pytest.raises(CorruptInputError):
            read(sierra(table).replace(text, wrong))
    for text, wrong in ((b'numberofleads="12"', b'numberofleads="1000000"'),
                        (b'durationperchannel="1000"', b'durationperchannel="1e15"')):
        with pytest.raises(UnsafeInputError):
            read(sierra(table).replace(text, wrong))


def test_sierra_bomb_stops_at_the_declared_length():
    zeros = lzw(bytes(600_000))
    assert len(zeros) * 300 < 600_000
    data = struct.pack("<ihh", len(zeros), 1, 0) + zeros
    short = np.zeros((1, 500))
    begin = time.perf_counter()
    with pytest.raises(CorruptInputError):
        read(sierra(short, labels="V1", data=data, duration=1000))
    assert time.perf_counter() - begin < 1
    with pytest.raises(UnsafeInputError):
        read(sierra(short, labels="V1", data=data, duration=2 * MAX_LEAD_SAMPLES + 2))


# Schiller


def test_schiller():
    table = counts()
    extra = """<annotation_global><name>HR</name><value>69</value></annotation_global>
    <annotation_global><name>BP_S</name><value>-</value></annotation_global>
    <annotation_global><name>PQ</name><value>174</value></annotation_global>
    <rhythm_global><name>R_QRS_ON</name><value>40</value><value>140</value></rhythm_global>
    <filters_display><filter><name>MAINS</name><value>60</value></filter></filters_display>
    <filters_data><filter><name>MAINS</name><value>50</value></filter><filter><name>SMOOTHING</name><value>OFF</value>
    </filter></filters_data><textdata><type>INTERPRETATION</type><remarks><param>LOW</param></remarks><textdata>
    Sinus rhythm
    Normal ECG</textdata></textdata>"""
    lead = ("<annotation_lead><name>R-_AMPL</name><value>0.31</value></annotation_lead>"
            "<annotation_lead><name>T_POS_AMPL</name><value>-0.2</value></annotation_lead>"
            "<annotation_lead><name>S-_AMPL</name><value>-</value></annotation_lead>")
    record = read(schiller(rows(EIGHT, table), extra=extra, lead_extra=lead))
    assert (record.leads, record.fs) == (STANDARD, 500.0)
    assert record.patient == Patient(59.0, "F")
    assert record.start == datetime(2020, 3, 4, 10, 11, 12, 500000)
    np.testing.assert_allclose(record.lead("V6"), table[7] * 1e-3, atol=1e-6)
    assert record.device.statements == ("Sinus rhythm", "Normal ECG")
    assert record.provenance.filters == ("notch 50 Hz",)
    assert (value(record, "hr_bpm"), value(record, "pr_ms")) == (69, 174)
    assert (value(record, "r2_amp", "V1"), value(record, "t_amp", "V1")) == (0.31, -0.2)
    assert [m.value for m in record.device.measurements if m.name == "r_qrs_on"] == [40, 140]
    assert said(record, "ecg_averages")


def test_schiller_unknown_date_units_and_average_only():
    record = read(schiller(rows(EIGHT, counts()), date="19700101", scale="0.005", unit="MV"))
    assert record.start is None
    assert record.patient.age is None
    assert record.lead("I")[9] == pytest.approx(counts()[0][9] * 0.005, rel=1e-5)
    assert not read(schiller(rows(EIGHT, counts()), unit="")).provenance.calibrated
    alone = read(schiller(rows(EIGHT, counts()), kinds=("ECG_AVERAGES",)))
    assert alone.n_samples == 20
    assert said(alone, "no rhythm")


@pytest.mark.parametrize("change", [
    {"fs": "x"}, {"fs": "0"}, {"exponent": "2"}, {"count": 501}, {"kind": "BASE64"},
])
def test_schiller_damage(change):
    with pytest.raises(CorruptInputError):
        read(schiller(rows(EIGHT, counts()), **change))
    with pytest.raises(NoSignalError):
        read(schiller({}))
    with pytest.raises(CorruptInputError):
        read(schiller(rows(EIGHT, counts())).replace(b"<data>", b"<data>1,,x,"))
