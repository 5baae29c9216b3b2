"""GE MUSE, CardioSoft, Philips Sierra and Schiller, from files built here: scales, quirks, refusals."""

import struct
import time
from datetime import datetime

import numpy as np
import pytest

from ecground.errors import CorruptInputError, NoSignalError, UnsafeInputError
from ecground.io import read
from ecground.io.xml.xli import MAX_LEAD_SAMPLES
from ecground.leads import STANDARD
from ecground.record import Patient
from tests.io.xml_documents import (
    EIGHT,
    TWELVE,
    cardiosoft,
    counts,
    lzw,
    muse,
    rows,
    said,
    schiller,
    sierra,
    twelve,
    value,
    xli,
)

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


# GE CardioSoft


def test_cardiosoft():
    table = counts()
    extra = ("<Interpretation><Diagnosis><DiagnosisText>Sinus rhythm</DiagnosisText><DiagnosisText>Normal ECG"
             "</DiagnosisText></Diagnosis></Interpretation><FullDisclosure/>")
    record = read(cardiosoft(rows(EIGHT, table), extra=extra))
    assert (record.leads, record.fs, record.n_samples) == (STANDARD, 500.0, 500)
    assert record.patient == Patient(61.0, "F")
    assert record.start == datetime(2020, 3, 4, 10, 11, 12)
    np.testing.assert_allclose(record.lead("V6"), table[7] * 5e-3, atol=1e-6)
    assert record.device.statements == ("Sinus rhythm", "Normal ECG")
    assert record.provenance.filters == ("low-pass 100 Hz", "notch 50 Hz")
    assert (value(record, "hr_bpm"), value(record, "pr_ms"), value(record, "qrs_axis_deg")) == (69, 174, -12)
    assert said(record, "unverified")
    assert said(record, "full disclosure")
    assert said(record, "1 further strips or median beats")


def test_cardiosoft_strip_within_and_beat_alone():
    assert read(cardiosoft(rows(EIGHT, counts()), inside="Strip").replace(
        b"<Strip>", b"<Strip><StripData>").replace(b"</Strip>", b"</StripData></Strip>")).n_samples == 500
    alone = read(cardiosoft(rows(EIGHT, counts()), strips=0))
    assert alone.n_samples == 20
    assert said(alone, "no rhythm")


def test_cardiosoft_age_from_dates_and_unknown_units():
    born = "<BirthDateTime><Day>5</Day><Month>3</Month><Year>1960</Year></BirthDateTime><Gender>x</Gender>"
    assert read(cardiosoft(rows(EIGHT, counts()), person=born)).patient == Patient(59.0, None)
    assert read(cardiosoft(rows(EIGHT, counts()), person="<Age units='Months'>6</Age>")).patient.age == 0.5
    for change in ({"unit": "mVperLsb"}, {"scale": "x"}, {"unit": ""}):
        assert not read(cardiosoft(rows(EIGHT, counts()), **change)).provenance.calibrated


@pytest.mark.parametrize("change", [{"fs": "x"}, {"fs": "0"}, {"count": 499, "beat": False}])
def test_cardiosoft_damage(change):
    with pytest.raises(CorruptInputError):
        read(cardiosoft(rows(EIGHT, counts()), **change))
    with pytest.raises(NoSignalError):
        read(cardiosoft({}))
    with pytest.raises(CorruptInputError):
        read(cardiosoft(rows(EIGHT, counts())).replace(b"\n\t", b"1,,x,"))
