import os
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ecground.errors import CorruptInputError, NoSignalError, UnsafeInputError, UsageError
from ecground.io import read, sniff, write
from ecground.leads import STANDARD
from ecground.record import DeviceMeasurement, DeviceReading, Patient, Provenance, Record

RNG = np.random.default_rng(3)
pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR")


def code(value, scheme, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def channel(name, number=None, sensitivity="2.5", unit="uV", baseline="0", factor="1"):
    c = Dataset()
    c.ChannelSourceSequence = [code(f"2:{number}", "MDC", name) if number else code("x", "99X", name)]
    if sensitivity is not None:
        c.ChannelSensitivity, c.ChannelSensitivityCorrectionFactor, c.ChannelBaseline = sensitivity, factor, baseline
        c.ChannelSensitivityUnitsSequence = [code(unit, "UCUM", unit)]
    return c


def group(
    raw, channels, *, fs=500, originality="ORIGINAL", label="RHYTHM", padding=None, offset=None, bits=16, kind="SS",
):
    g = Dataset()
    g.WaveformOriginality, g.MultiplexGroupLabel, g.SamplingFrequency = originality, label, str(fs)
    g.NumberOfWaveformSamples, g.NumberOfWaveformChannels = raw.shape
    g.WaveformBitsAllocated, g.WaveformSampleInterpretation = bits, kind
    g.ChannelDefinitionSequence = channels
    if offset is not None:
        g.MultiplexGroupTimeOffset = str(offset)
    if padding is not None:
        g.add_new(0x5400100A, "OW", np.array([padding], raw.dtype).tobytes())
    g.add_new(0x54001010, "OW", raw.tobytes())
    return g


def encoded(groups, syntax=ExplicitVRLittleEndian, **attributes):
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = "1.2.840.10008.5.1.4.1.1.9.1.2", "1.2.3", "ECG"
    for name, value in attributes.items():
        setattr(ds, name, value)
    ds.WaveformSequence = groups
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, "1.2.3"
    stream = BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def integers(n=1000, k=2):
    return RNG.integers(-900, 900, (n, k), dtype=np.int16)


def vendor_files():
    folder = os.environ.get("ECGROUND_DATA")
    return sorted(Path(folder, "formats", "dicom").glob("*.dcm")) if folder else []


def against_pydicom(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = dcmread(path)
        want = ds.waveform_array(0)
    unit = ds.WaveformSequence[0].ChannelDefinitionSequence[0].ChannelSensitivityUnitsSequence[0].CodeValue
    record = read(path)
    assert record.leads == STANDARD  # these files store the standard order
    np.testing.assert_allclose(record.signal.T, want * {"uV": 1e-3, "mV": 1.0}[unit], atol=2e-6)
    return record


def test_the_file_that_pydicom_ships(real_ecg):
    record = against_pydicom(real_ecg)
    assert (record.fs, record.signal.shape) == (1000, (12, 10000))
    assert record.patient == Patient(age=42, sex="F")
    assert record.start is not None
    assert record.start.isoformat() == "2013-01-25T10:59:19"
    assert record.device.statements == ("RITMO SINUSALE", "ECG NORMALE")
    ours = {m.name: (m.value, m.unit) for m in record.device.measurements if m.unit != "sample"}
    assert ours == {
        "rr_mean_ms": (982, "ms"), "pr_ms": (161, "ms"), "qrs_ms": (75, "ms"), "qt_ms": (368, "ms"),
        "qtc_ms": (370, "ms"), "p_axis_deg": (74, "deg"), "qrs_axis_deg": (52, "deg"), "t_axis_deg": (57, "deg"),
    }
    # 2 statements, 8 numbers, a PP interval of 0 (not measured), and 66 positions: all 77 annotations.
    assert sum(m.unit == "sample" for m in record.device.measurements) == 66
    assert record.provenance.filters == ("high-pass 0.05 Hz", "low-pass 300 Hz")
    assert any("MEDIAN BEAT" in note for note in record.provenance.notes)
    assert "1.25 uV a step" in record.provenance.gain["I"]
    assert sniff(real_ecg) == "dicom"
    assert np.array_equal(read(real_ecg.read_bytes()).signal, record.signal)
    with real_ecg.open("rb") as handle:
        assert np.array_equal(read(handle).signal, record.signal)


@pytest.mark.skipif(not os.environ.get("ECGROUND_DATA"), reason="ECGROUND_DATA is not set")
def test_vendor_files_of_the_pack():
    files = vendor_files()
    assert len(files) == 4
    records = {path.name: against_pydicom(path) for path in files}
    zero = records["ecgtoolkit_Example.dcm"]
    assert np.isfinite(zero.signal).all()
    assert (zero.signal == 0).any()
    assert any("zero as padding" in note for note in zero.provenance.notes)
    axes = {m.name: m for m in zero.device.measurements}
    assert (axes["qrs_axis_deg"].value, axes["qrs_axis_deg"].unit) == (-61, "deg")


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_scale_baseline_and_correction(syntax):
    raw = integers()
    data = encoded([group(raw, [channel("V1", 3, "2", "uV", "40", "1.5"), channel("V2", 4, "0.001", "mV")])], syntax)
    record = read(data)
    assert record.leads == ("V1", "V2")
    np.testing.assert_allclose(record.lead("V1"), (raw[:, 0] * 3.0 + 40) / 1000, atol=1e-6)
    np.testing.assert_allclose(record.lead("V2"), raw[:, 1] / 1000, atol=1e-6)


def test_big_endian():
    raw = integers()
    data = encoded([group(raw.astype(">i2"), [channel("V1", 3), channel("V2", 4)])], ExplicitVRBigEndian)
    np.testing.assert_allclose(read(data).signal, raw.T * 2.5e-3, atol=1e-6)


@pytest.mark.parametrize(("bits", "kind", "dtype"), [
    (8, "SB", "i1"), (8, "UB", "u1"), (16, "US", "<u2"), (32, "SL", "<i4"),
])
def test_sample_kinds(bits, kind, dtype):
    raw = RNG.integers(0, 100, (1000, 2)).astype(dtype)
    record = read(encoded([group(raw, [channel("V1", 3), channel("V2", 4)], bits=bits, kind=kind)]))
    np.testing.assert_allclose(record.signal, raw.T * 2.5e-3, atol=1e-6)


def test_padding_is_missing_but_zero_padding_is_not():
    raw = integers()
    raw[100:200, 0] = -32768
    raw[5:9] = 0
    channels = [channel("V1", 3), channel("V2", 4)]
    record = read(encoded([group(raw, channels, padding=-32768)]))
    assert np.isnan(record.lead("V1")).sum() == 100
    assert np.isfinite(record.lead("V2")).all()
    record = read(encoded([group(np.where(raw == -32768, 1, raw).astype(np.int16), channels, padding=0)]))
    assert np.isfinite(record.signal).all()
    assert any("zero as padding" in note for note in record.provenance.notes)


def test_rhythm_group_wins_over_median_and_derived():
    raw, median = integers(1000), integers(2000)
    channels = [channel("V1", 3), channel("V2", 4)]
    record = read(encoded([
        group(median, channels, originality="DERIVED", label="MEDIAN BEAT"), group(median, channels, label="Template"),
        group(raw, channels),
    ]))
    np.testing.assert_allclose(record.signal, raw.T * 2.5e-3, atol=1e-6)
    assert sum("left out" in note for note in record.provenance.notes) == 1


def test_groups_of_different_leads_share_one_time_axis():
    a, b = integers(500, 1), integers(500, 1)
    record = read(encoded([
        group(a, [channel("V1", 3)], offset=0), group(b, [channel("V2", 4)], offset=1000),
    ]))
    assert record.signal.shape == (2, 1000)
    np.testing.assert_allclose(record.lead("V1")[:500], a[:, 0] * 2.5e-3, atol=1e-6)
    np.testing.assert_allclose(record.lead("V2")[500:], b[:, 0] * 2.5e-3, atol=1e-6)
    assert np.isnan(record.lead("V1")[500:]).all()
    assert np.isnan(record.lead("V2")[:500]).all()


def test_pressure_channels_are_left_out():
    raw = integers(1000, 2)
    record = read(encoded([group(raw, [channel("Lead II", 2), channel("Arterial pressure", None, "0.1", "mm[Hg]")])]))
    assert record.leads == ("II",)
    assert any("pressure" in note for note in record.provenance.notes)


def test_without_sensitivity_is_uncalibrated():
    record = read(encoded([group(integers(), [channel("V1", 3, None), channel("V2", 4, None)])]))
    assert not record.provenance.calibrated


@pytest.mark.parametrize(("given", "age"), [("042Y", 42), ("006M", 0.5), ("", None), ("010D", 10 / 365.25)])
def test_patient(given, age):
    data = encoded([group(integers(), [channel("V1", 3), channel("V2", 4)])], PatientAge=given, PatientSex="O")
    patient = read(data).patient
    assert patient.age == (pytest.approx(age) if age is not None else None)
    assert patient.sex is None


def test_age_from_the_birth_date():
    data = encoded([group(integers(), [channel("V1", 3), channel("V2", 4)])], PatientBirthDate="19530508",
                   AcquisitionDateTime="20021122091000.25")
    record = read(data)
    assert record.patient.age == 49
    assert record.start is not None
    assert record.start.microsecond == 250_000


def test_age_and_sex_override(real_ecg):
    assert read(real_ecg, age=7, sex="M").patient == Patient(age=7, sex="M")
    assert read(real_ecg, age=7).patient == Patient(age=7, sex="F")
    for wrong in ({"age": -1}, {"age": 200}, {"sex": "X"}):
        with pytest.raises(UsageError):
            read(real_ecg, **wrong)


def test_objects_without_an_ecg():
    with pytest.raises(NoSignalError):
        read(encoded([]))
    with pytest.raises(NoSignalError):
        read(encoded([group(integers(), [channel("ABP", None, "1", "mm[Hg]"), channel("CVP", None, "1", "mm[Hg]")])]))


@pytest.mark.parametrize(("name", "value", "error"), [
    ("NumberOfWaveformSamples", 1001, CorruptInputError), ("NumberOfWaveformChannels", 3, CorruptInputError),
    ("WaveformBitsAllocated", 64, CorruptInputError), ("SamplingFrequency", "0", CorruptInputError),
    ("NumberOfWaveformSamples", 4_000_000_000, UnsafeInputError),
])
def test_lengths_that_disagree(name, value, error):
    broken = group(integers(), [channel("V1", 3), channel("V2", 4)])
    setattr(broken, name, value)
    with pytest.raises(error):
        read(encoded([broken]))


def test_deflated_is_refused():
    data = encoded([group(integers(), [channel("V1", 3), channel("V2", 4)])]).replace(
        b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99\0")
    with pytest.raises(UnsafeInputError):
        read(data)


def record_of(n=5000, fs=500.0, leads=STANDARD, scale=1.0, **more):
    t = np.arange(n) / fs
    signal = np.stack([scale * np.sin(2 * np.pi * (1 + k / 7) * t) for k in range(len(leads))]).astype(np.float32)
    return Record(signal=signal, fs=fs, leads=tuple(leads), **more)


def test_written_object_in_pydicom(tmp_path):
    record = record_of(patient=Patient(age=61, sex="M"))
    assert write(record, tmp_path / "a.dcm") == ()
    ds = dcmread(tmp_path / "a.dcm")
    assert ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.9.1.1"
    assert (ds.Modality, ds.PatientAge, ds.PatientSex, str(ds.PatientName)) == ("ECG", "061Y", "M", "")
    channels = ds.WaveformSequence[0].ChannelDefinitionSequence
    codes = [c.ChannelSourceSequence[0].CodeValue for c in channels]
    assert codes == ["2:1", "2:2", "2:61", "2:62", "2:63", "2:64", "2:3", "2:4", "2:5", "2:6", "2:7", "2:8"]
    assert {c.ChannelSensitivityUnitsSequence[0].CodeValue for c in channels} == {"uV"}
    np.testing.assert_allclose(ds.waveform_array(0).T / 1000, record.signal, atol=0.0005001)


@pytest.mark.parametrize(("n", "fs", "leads", "uid"), [
    (5000, 500, STANDARD, "9.1.1"), (20_000, 500, STANDARD, "9.1.2"), (1000, 100, STANDARD, "9.1.3"),
    (5000, 500, (*STANDARD, "V7", "V8", "X", "Y", "Z"), "9.1.2"),
])
def test_object_class_follows_the_limits(tmp_path, n, fs, leads, uid):
    write(record_of(n, fs, leads), tmp_path / "a.dcm")
    assert str(dcmread(tmp_path / "a.dcm").SOPClassUID).endswith(uid)
    assert read(tmp_path / "a.dcm").leads == tuple(leads)


def test_rates_that_dicom_does_not_allow(tmp_path):
    for fs in (20.0, 2000.0):
        with pytest.raises(UsageError):
            write(record_of(5000, fs), tmp_path / "a.dcm")
    assert not list(tmp_path.iterdir())


def test_the_device_reading_survives(tmp_path, real_ecg):
    record = read(real_ecg)
    write(record, tmp_path / "a.dcm")
    back = read(tmp_path / "a.dcm")
    assert back.device == record.device
    assert back.provenance.filters == record.provenance.filters
    assert back.start == record.start
    own = DeviceReading(("Sinus rhythm",), (DeviceMeasurement("st_v2", 0.25, "mV", "V2", "ST V2"),))
    write(record_of(device=own), tmp_path / "b.dcm")
    kept = read(tmp_path / "b.dcm").device
    assert kept.statements == own.statements
    assert (kept.measurements[0].value, kept.measurements[0].lead) == (0.25, "V2")


def test_large_and_missing_samples(tmp_path):
    record = record_of(scale=80.0)
    record.signal[2, 10:20] = np.nan
    write(record, tmp_path / "a.dcm")
    back = read(tmp_path / "a.dcm")
    assert np.isnan(back.signal[2, 10:20]).all()
    np.testing.assert_allclose(back.signal, record.signal, atol=0.002)


def test_uncalibrated_is_said(tmp_path):
    lost = write(record_of(provenance=Provenance(calibrated=False)), tmp_path / "a.dcm")
    assert any("uncalibrated" in text for text in lost)
    assert not read(tmp_path / "a.dcm").provenance.calibrated
