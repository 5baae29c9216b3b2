import warnings

import numpy as np
import pytest

from ecground.errors import CorruptInputError, InputError, NoSignalError, NotFoundError, UnsafeInputError
from ecground.io import read, sniff, write
from ecground.io.wfdb import samples
from ecground.io.wfdb.annotations import read_annotations
from ecground.io.wfdb.header import looks_like_header, parse_header, patient_of
from ecground.record import Record

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # wfdb uses what pandas deprecates
    import wfdb

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")
RNG = np.random.default_rng(5)


def wave(n, leads=3, scale=1.0):
    t = np.arange(n) / 250
    return np.stack([scale * np.sin(2 * np.pi * (k + 1) * t) * (0.5 + 0.2 * k) for k in range(leads)], axis=1)


def equal(record, names, expected):
    for k, name in enumerate(names):
        np.testing.assert_allclose(record.lead(name), expected[:, k].astype(np.float32), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("fmt", ["16", "24", "32", "80", "212", "508", "516", "524"])
def test_formats_that_wfdb_writes(tmp_path, fmt):
    signal = wave(1001, leads=3, scale=0.4)
    signal[100:110, 1] = np.nan
    gain = [60.0] * 3 if fmt in ("80", "508") else [1000.0] * 3
    wfdb.wrsamp("r", fs=250, units=["mV"] * 3, sig_name=["I", "V1", "V2"], p_signal=signal, fmt=[fmt] * 3,
                adc_gain=gain, baseline=[0] * 3, write_dir=str(tmp_path))
    record = read(tmp_path / "r.hea")
    equal(record, ("I", "V1", "V2"), wfdb.rdrecord(str(tmp_path / "r")).p_signal)
    assert np.isnan(record.lead("V1")[100:110]).all()
    assert record.provenance.notes == ()


@pytest.mark.parametrize("fmt", [8, 16, 24, 32, 61, 80, 160, 212, 310, 311])
@pytest.mark.parametrize("count", [598, 599, 600])
def test_random_bytes_of_each_format_as_wfdb_decodes_them(tmp_path, fmt, count):
    data = bytearray(RNG.integers(0, 256, 2400 if fmt == 32 else 1800, dtype=np.uint8).tobytes())
    if fmt == 311:
        data[3::4] = bytes(b & 0x3F for b in data[3::4])  # the two top bits of a word are not part of a sample
    (tmp_path / "r.dat").write_bytes(bytes(data))
    (tmp_path / "r.hea").write_text(f"r 1 250 {count}\nr.dat {fmt} 100/mV 12 0 5 0 0 V1\n")
    expected = wfdb.rdrecord(str(tmp_path / "r")).p_signal
    equal(read(tmp_path / "r.hea"), ("V1",), expected)


def test_offset_several_files_and_length_from_the_file(tmp_path):
    a, b = RNG.integers(-2000, 2000, (2, 400), dtype=np.int16)
    (tmp_path / "a.mat").write_bytes(b"x" * 24 + a.astype("<i2").tobytes())
    (tmp_path / "b.dat").write_bytes(b.astype(">i2").tobytes())
    (tmp_path / "r.hea").write_text("r 2 500\na.mat 16+24 1000(10)/mV 16 0 0 0 0 II\nb.dat 61 1/uV 16 0 0 0 0 V5\n")
    for name in ("r.hea", "a.mat", "r"):
        record = read(tmp_path / name) if name != "a.mat" else read(tmp_path / "r.hea")
        np.testing.assert_allclose(record.lead("II"), (a - 10) / 1000, rtol=1e-5)
        np.testing.assert_allclose(record.lead("V5"), b / 1000, rtol=1e-5)


def test_signal_file_and_stem_lead_to_the_header(tmp_path):
    wfdb.wrsamp("r", fs=250, units=["mV"], sig_name=["V1"], p_signal=wave(500, 1), fmt=["16"], write_dir=str(tmp_path))
    want = read(tmp_path / "r.hea").signal
    assert np.array_equal(read(tmp_path / "r.dat").signal, want)
    assert np.array_equal(read(str(tmp_path / "r")).signal, want)
    assert sniff(tmp_path / "r.dat") == "wfdb"


def test_a_pair_that_was_renamed_together(tmp_path):
    wfdb.wrsamp("r", fs=250, units=["mV"], sig_name=["V1"], p_signal=wave(500, 1), fmt=["16"], write_dir=str(tmp_path))
    want = read(tmp_path / "r.hea").signal
    for suffix in (".hea", ".dat"):
        (tmp_path / f"r{suffix}").rename(tmp_path / f"other{suffix}")
    record = read(tmp_path / "other.hea")
    assert np.array_equal(record.signal, want)
    assert any("another signal file" in note for note in record.provenance.notes)


def test_skew_as_wfdb_reads_it(tmp_path):
    raw = RNG.integers(-2000, 2000, (300, 2), dtype=np.int16)
    (tmp_path / "r.dat").write_bytes(raw.astype("<i2").tobytes())
    (tmp_path / "r.hea").write_text("r 2 250 300\nr.dat 16:7 200 16 0 0 0 0 I\nr.dat 16 200 16 0 0 0 0 V1\n")
    equal(read(tmp_path / "r.hea"), ("I", "V1"), wfdb.rdrecord(str(tmp_path / "r")).p_signal)


def test_several_rates_come_out_at_the_highest(tmp_path):
    n = 200
    frames = np.zeros((n, 6), np.int16)
    fast = np.sin(np.arange(4 * n) / 40) * 800
    frames[:, :4] = fast.reshape(n, 4)
    frames[:, 4] = fast[::4]
    frames[:, 5] = 7
    (tmp_path / "r.dat").write_bytes(frames.astype("<i2").tobytes())
    (tmp_path / "r.hea").write_text(
        "r 3 125 200\nr.dat 16x4 1000 16 0 0 0 0 II\nr.dat 16 1000 16 0 0 0 0 V1\nr.dat 16 100/NU 16 0 0 0 0 PLETH\n")
    record = read(tmp_path / "r.hea")
    assert record.fs == 500
    assert record.leads == ("II", "V1")
    assert np.abs(record.lead("II") - record.lead("V1"))[:-4].max() < 2e-3
    assert any("PLETH" in note for note in record.provenance.notes)
    assert any("interpolated" in note for note in record.provenance.notes)


def test_segments_fixed_and_variable_with_a_gap(tmp_path):
    a, b = (RNG.integers(-900, 900, (100, 2), dtype=np.int16) for _ in range(2))
    for name, raw in (("s1", a), ("s2", b)):
        (tmp_path / f"{name}.dat").write_bytes(raw.astype("<i2").tobytes())
    (tmp_path / "s1.hea").write_text("s1 2 250 100\ns1.dat 16 1000 16 0 0 0 0 II\ns1.dat 16 1000 16 0 0 0 0 V1\n")
    (tmp_path / "s2.hea").write_text("s2 2 250 100\ns2.dat 16 500 16 0 0 0 0 V1\ns2.dat 16 1000 16 0 0 0 0 V5\n")
    layout = "".join(f"~ 0 200 16 0 0 0 0 {name}\n" for name in ("II", "V1", "V5"))
    (tmp_path / "lay.hea").write_text("lay 3 250 0\n" + layout)
    (tmp_path / "m.hea").write_text("m/4 3 250 250\nlay 0\ns1 100\n~ 50\ns2 100\n# Age: 50\n")
    record = read(tmp_path / "m.hea")
    assert record.leads == ("II", "V1", "V5")
    assert record.n_samples == 250
    assert record.patient.age == 50
    want = np.full((3, 250), np.nan)
    want[0, :100], want[1, :100] = a[:, 0] / 1000, a[:, 1] / 1000
    want[1, 150:], want[2, 150:] = b[:, 0] / 500, b[:, 1] / 1000
    np.testing.assert_allclose(record.signal, want, rtol=1e-5)


@pytest.mark.parametrize(("unit", "factor"), [("mV", 1), ("uV", 1e-3), ("V", 1e3), ("nV", 1e-6)])
def test_units(tmp_path, unit, factor):
    (tmp_path / "r.dat").write_bytes(np.array([100, -200, 300] * 100, "<i2").tobytes())
    (tmp_path / "r.hea").write_text(f"r 1 250 300\nr.dat 16 10(20)/{unit} 16 0 0 0 0 V1\n")
    assert read(tmp_path / "r.hea").signal[0, 0] == pytest.approx(8 * factor)


def test_no_gain_is_uncalibrated(tmp_path):
    (tmp_path / "r.dat").write_bytes(np.arange(300, dtype="<i2").tobytes())
    (tmp_path / "r.hea").write_text("r 1 250 300\nr.dat 16\n")
    record = read(tmp_path / "r.hea")
    assert not record.provenance.calibrated
    assert record.leads == ("ch1",)


@pytest.mark.parametrize(("comments", "age", "sex"), [
    (["Age: 59", "Sex: Female", "Dx: 426177001"], 59, "F"), (["<age>: 64", "<sex>: M"], 64, "M"),
    (["<age>: 64 <sex>: F <diagnoses>:"], 64, "F"), (["age: 81", "sex: male"], 81, "M"),
    (["69 M 1085 1629 x1", "Aldomet, Inderal"], 69, "M"), (["-1 M 0 0 x1"], None, "M"),
    (["Age: NaN", "Sex: Unknown"], None, None), (["<age>: >89", "<sex>: F"], 90, "F"), ([], None, None),
    (["Diagnosis: 3 vessel disease"], None, None), (["Age: 300"], 90, None),
])
def test_patient_in_comments(comments, age, sex):
    patient = patient_of(comments)
    assert (patient.age, patient.sex) == (age, sex)


def test_start_in_the_orders_that_are_in_use():
    for when in ("10:43:15 17/11/1984", "17-Nov-1984 10:43:15", "10:43:15.000 17/11/1984"):
        start = parse_header(f"r 0 500 1 {when}\n", where="x").start
        assert start is not None
        assert start.isoformat() == "1984-11-17T10:43:15"
    assert parse_header("r 0 500 1 10:43:15\n", where="x").start is None


def test_checksum_sentinel_and_normalised_leads_are_said(tmp_path):
    raw = np.zeros((300, 2), np.int16)
    raw[:, 0] = RNG.integers(-900, 900, 300)
    raw[:, 1] = 29999
    (tmp_path / "r.dat").write_bytes(raw.astype("<i2").tobytes())
    (tmp_path / "r.hea").write_text("r 2 250 300\nr.dat 16 1000 16 0 0 1 0 V1\nr.dat 16 1000 16 0 0 0 0 V2\n")
    record = read(tmp_path / "r.hea")
    assert any("checksum" in note for note in record.provenance.notes)
    assert np.isnan(record.lead("V2")).all()
    signal = wave(500, 6) / np.ptp(wave(500, 6), axis=0)
    wfdb.wrsamp("n", fs=250, units=["mV"] * 6, sig_name=["I", "II", "V1", "V2", "V3", "V4"], p_signal=signal,
                fmt=["16"] * 6, write_dir=str(tmp_path))
    record = read(tmp_path / "n.hea")
    assert not record.provenance.calibrated
    assert any("normalised" in note for note in record.provenance.notes)
    assert "III" not in record.leads


def test_derived_leads_are_filled_and_said(tmp_path):
    wfdb.wrsamp("r", fs=250, units=["mV"] * 2, sig_name=["ii", "i"], p_signal=wave(500, 2), fmt=["16"] * 2,
                write_dir=str(tmp_path))
    record = read(tmp_path / "r.hea")
    assert record.leads == ("I", "II", "III", "aVR", "aVL", "aVF")
    np.testing.assert_allclose(record.lead("III"), record.lead("II") - record.lead("I"), atol=1e-6)
    assert record.provenance.lead_origin["III"] == "II - I"
    assert record.provenance.lead_origin["I"] == "recorded"
    assert any("derived" in note for note in record.provenance.notes)


def test_wrong_lead_names_are_noticed(tmp_path):
    signal = wave(500, 2)
    limb = np.stack([signal[:, 0], signal[:, 1], signal[:, 0] - signal[:, 1]], axis=1)
    wfdb.wrsamp("r", fs=250, units=["mV"] * 3, sig_name=["I", "II", "III"], p_signal=limb, fmt=["16"] * 3,
                write_dir=str(tmp_path))
    assert any("I + III - II" in note for note in read(tmp_path / "r.hea").provenance.notes)


def header_case(tmp_path, text, data=b"\0" * 600):
    (tmp_path / "r.dat").write_bytes(data)
    (tmp_path / "r.hea").write_text(text)
    return tmp_path / "r.hea"


@pytest.mark.parametrize(("text", "error"), [
    ("r 1 250 900\nr.dat 16 200 16 0 0 0 0 V1\n", CorruptInputError),
    ("r 2 250 100\nr.dat 16 200 16 0 0 0 0 V1\n", CorruptInputError),
    ("r 1 250 100\n../r.dat 16 200 16 0 0 0 0 V1\n", UnsafeInputError),
    ("r 1 250 100\n/etc/passwd 16 200 16 0 0 0 0 V1\n", UnsafeInputError),
    ("r 1 250 100\nhttp://h/r.dat 16 200 16 0 0 0 0 V1\n", UnsafeInputError),
    ("r 1 250 100\nnone.txt 16 200 16 0 0 0 0 V1\n", NotFoundError),
    ("r 1 250 100\nr.dat 17 200 16 0 0 0 0 V1\n", CorruptInputError),
    ("r 1 250 100\nr.dat 16+9999 200 16 0 0 0 0 V1\n", CorruptInputError),
    ("r 1 250 99999999999999\nr.dat 16 200 16 0 0 0 0 V1\n", UnsafeInputError),
    ("r 1 250 100\nr.dat 16x99999999 200 16 0 0 0 0 V1\n", UnsafeInputError),
    ("r 1 0 100\nr.dat 16 200 16 0 0 0 0 V1\n", CorruptInputError),
    ("r 0 250 100\n", NoSignalError),
    ("r 1 250 100\nr.dat 16 200/mmHg 16 0 0 0 0 ABP\n", NoSignalError),
    ("r/1 1 250 100\n../x 100\n", UnsafeInputError),
    ("r/1 1 250 100\nr 100\n", CorruptInputError),
    ("r/2 1 250 99999999999\na 99999999998\nr 1\n", InputError),
])
def test_bad_headers(tmp_path, text, error):
    with pytest.raises(error):
        read(header_case(tmp_path, text))


def test_all_samples_missing_is_no_signal(tmp_path):
    data = np.full(300, -(2**15), "<i2").tobytes()
    with pytest.raises(NoSignalError):
        read(header_case(tmp_path, "r 1 250 300\nr.dat 16 200 16 0 0 0 0 V1\n", data))


def test_a_header_as_bytes_is_refused_clearly(tmp_path):
    path = header_case(tmp_path, "r 1 250 300\nr.dat 16 200 16 0 0 0 0 V1\n")
    with pytest.raises(InputError, match="carries no samples") as caught:
        read(path.read_bytes())
    assert "path" in caught.value.hint


def test_what_is_no_header():
    for text in (b"", b"time,I,II\n0,1,2\n", b"hello world\n", b'{"a": 1}', b"1 2 3\n4 5 6\n", b"\x89PNG\0\0"):
        assert not looks_like_header(text)
    assert looks_like_header(b"100 2 360 650000 0:0:0\r\n100.dat 212 200 11 1024 995 -22131 0 MLII\r\n")


def test_available_counts_cut_blocks():
    assert [samples.available(212, size) for size in range(8)] == [0, 0, 1, 2, 2, 3, 4, 4]
    assert [samples.available(16, size) for size in range(5)] == [0, 0, 1, 1, 2]


def test_write_keeps_samples_nan_and_patient(tmp_path):
    signal = wave(500, 2).T.astype(np.float32).copy()
    signal[0, 3:9] = np.nan
    record = Record(signal=signal, fs=360.5, leads=("V1", "MLII"), comments=("Dx: 426783006",))
    assert write(record, tmp_path / "out.hea") == ()
    back = read(tmp_path / "out.hea")
    np.testing.assert_allclose(back.signal, signal, atol=0.0005001)
    assert back.fs == 360.5
    assert back.comments == ("Dx: 426783006",)
    np.testing.assert_allclose(wfdb.rdrecord(str(tmp_path / "out")).p_signal.T, signal, atol=0.0005001)
    big = Record(signal=signal * 100, fs=500.0, leads=("V1", "V2"))
    write(big, tmp_path / "big.dat")
    np.testing.assert_allclose(read(tmp_path / "big.hea").signal, signal * 100, atol=0.0005001)


def test_annotations_as_wfdb_reads_them(tmp_path):
    sample = np.array([18, 77, 370, 5000, 90_000, 90_010])
    symbol = ["+", "N", "V", "~", "+", "N"]
    aux = ["(N", "", "", "", "(AFIB", ""]
    wfdb.wrann("r", "atr", sample, symbol, aux_note=aux, fs=360, write_dir=str(tmp_path))
    notes = read_annotations(tmp_path / "r.atr")
    want = wfdb.rdann(str(tmp_path / "r"), "atr")
    assert notes.sample.tolist() == want.sample.tolist() == sample.tolist()
    assert list(notes.symbol) == want.symbol
    assert notes.text[0] == "(N"
    assert notes.text[4] == "(AFIB"
