import socket
import tempfile
import warnings

import numpy as np
import pytest

from ecground.errors import (
    CorruptInputError,
    EcgroundError,
    InputError,
    NoSignalError,
    NotFoundError,
    UnsafeInputError,
)
from ecground.io import read, sniff, write
from ecground.io.wfdb import samples
from ecground.io.wfdb.annotations import read_annotations
from ecground.io.wfdb.header import looks_like_header, parse_header, patient_of
from ecground.io.wfdb.library import decoding
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
    gain = 60.0 if fmt in ("80", "508") else 1000.0
    wfdb.wrsamp("r", fs=250, units=["mV"] * 3, sig_name=["I", "V1", "V2"], p_signal=signal, fmt=[fmt] * 3,
                adc_gain=[gain] * 3, baseline=[0] * 3, write_dir=str(tmp_path))
    record = read(tmp_path / "r.hea")
    equal(record, ("I", "V1", "V2"), np.rint(signal * gain) / gain)
    assert np.isnan(record.lead("V1")[100:110]).all()
    assert record.provenance.notes == ()


def words(values, bits, per_word, dtype):
    """Several samples a little-endian word, the first in the lowest bits."""
    padded = np.concatenate([values, np.zeros(-len(values) % per_word, np.int64)]).reshape(-1, per_word)
    return sum((padded[:, k] & (1 << bits) - 1) << bits * k for k in range(per_word)).astype(dtype)


def encode_310(values):
    padded = np.concatenate([values, np.zeros(-len(values) % 3, np.int64)]).reshape(-1, 3) & 1023
    low, high = padded[:, 2] & 31, padded[:, 2] >> 5
    return np.stack([padded[:, 0] << 1 | low << 11, padded[:, 1] << 1 | high << 11], axis=1).astype("<u2").tobytes()


ENCODERS = {
    8: (32, lambda v: np.diff(v, prepend=5).astype("i1").tobytes()),
    16: (16, lambda v: v.astype("<i2").tobytes()),
    24: (24, lambda v: words(v, 24, 1, "<u4").view("u1").reshape(-1, 4)[:, :3].tobytes()),
    32: (32, lambda v: v.astype("<i4").tobytes()),
    61: (16, lambda v: v.astype(">i2").tobytes()),
    80: (8, lambda v: (v + 128).astype("u1").tobytes()),
    160: (16, lambda v: (v + 32768).astype("<u2").tobytes()),
    # the second byte of a 212 block holds the high bits of both samples, the third the low bits of the second
    212: (12, lambda v: words(np.where(np.arange(len(v)) % 2, v >> 8 & 15 | (v & 255) << 4, v), 12, 2, "<u4")
          .view("u1").reshape(-1, 4)[:, :3].tobytes()),
    310: (10, encode_310),
    311: (10, lambda v: words(v, 10, 3, "<u4").tobytes()),
}
"""Format -> (bits, encoder), written from signal(5)."""


@pytest.mark.parametrize("fmt", ENCODERS)
@pytest.mark.parametrize("count", [598, 599, 600])
def test_every_format_as_signal_5_describes_it(tmp_path, fmt, count):
    bits, encode = ENCODERS[fmt]
    if fmt == 8:
        values = 5 + np.cumsum(RNG.integers(-128, 128, count))
    else:
        limit = 1 << (bits - 1)
        values = RNG.integers(-limit + 1, limit, count)
        values[:3] = [limit - 1, -limit + 1, -limit]
    (tmp_path / "r.dat").write_bytes(encode(values))
    (tmp_path / "r.hea").write_text(f"r 1 250 {count}\nr.dat {fmt} 100(12)/mV 0 0 5 {values.sum() & 0xFFFF} 0 V1\n")
    record = read(tmp_path / "r.hea")
    expected = (values - 12) / 100
    if fmt != 8:
        expected[2] = np.nan
    np.testing.assert_allclose(record.lead("V1"), expected.astype(np.float32), rtol=1e-6)
    assert record.provenance.notes == ()


def test_212_by_hand(tmp_path):
    (tmp_path / "r.dat").write_bytes(bytes.fromhex("e39308 1f00ff 010800"))
    (tmp_path / "r.hea").write_text("r 1 250 6\nr.dat 212 1/mV\n")
    # 0x3e3, 0x908 = 2312 - 4096; 0x01f, 0x0ff; 0x801 = 2049 - 4096, 0x000
    assert read(tmp_path / "r.hea").signal[0].tolist() == [995, -1784, 31, 255, -2047, 0]


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


def test_skew_moves_a_lead_forward(tmp_path):
    raw = RNG.integers(-2000, 2000, (300, 2), dtype=np.int16)
    (tmp_path / "r.dat").write_bytes(raw.astype("<i2").tobytes())
    sums = [int(column.sum(dtype=np.int64)) & 0xFFFF for column in raw.T]
    (tmp_path / "r.hea").write_text(
        f"r 2 250 300\nr.dat 16:7 200 16 0 0 {sums[0]} 0 I\nr.dat 16 200 16 0 0 {sums[1]} 0 V1\n")
    record = read(tmp_path / "r.hea")
    np.testing.assert_allclose(record.lead("I")[:293], raw[7:, 0] / 200, rtol=1e-6)
    assert np.isnan(record.lead("I")[293:]).all()
    np.testing.assert_allclose(record.lead("V1"), raw[:, 1] / 200, rtol=1e-6)
    assert record.provenance.notes == ()


def test_format_8_with_skew_longer_than_the_record(tmp_path):
    (tmp_path / "r.dat").write_bytes(b"\x01" * 600)
    (tmp_path / "r.hea").write_text("r 2 250 300\nr.dat 8 1 0 0 9 0 0 V1\nr.dat 8:99999999 1 0 0 0 0 0 V2\n")
    record = read(tmp_path / "r.hea")
    assert record.lead("V1").tolist() == list(range(10, 310))
    assert np.isnan(record.lead("V2")).all()


def test_several_rates_in_format_61(tmp_path):
    frames = RNG.integers(-900, 900, (200, 3))
    (tmp_path / "r.dat").write_bytes(frames.astype(">i2").tobytes())
    (tmp_path / "r.hea").write_text("r 2 125 200\nr.dat 61x2 1000 16 0 0 0 0 V1\nr.dat 61 1000 16 0 0 0 0 V2\n")
    record = read(tmp_path / "r.hea")
    np.testing.assert_allclose(record.lead("V1"), frames[:, :2].reshape(-1) / 1000, rtol=1e-6)
    np.testing.assert_allclose(record.lead("V2")[::2], frames[:, 2] / 1000, rtol=1e-6)


def test_flac_without_declared_length(tmp_path):
    counts = RNG.integers(-900, 900, (500, 2))
    wfdb.wrsamp("r", fs=250, units=["mV"] * 2, sig_name=["V1", "V2"], d_signal=counts, fmt=["516"] * 2,
                adc_gain=[1000.0] * 2, baseline=[0] * 2, write_dir=str(tmp_path))
    header = tmp_path / "r.hea"
    declared = header.read_text()
    header.write_text(declared.replace("r 2 250 500", "r 2 250"))
    np.testing.assert_allclose(read(header).signal.T, counts / 1000, rtol=1e-6)
    for text in (declared.replace("r 2 250 500", "r 2 250 501"), declared.replace("516", "508")):
        header.write_text(text)
        with pytest.raises(CorruptInputError):
            read(header)
    header.write_text(declared)
    data = (tmp_path / "r.dat").read_bytes()
    for damaged in (data[:-200], b"RIFF" + data[4:], data[:100]):
        (tmp_path / "r.dat").write_bytes(damaged)
        with pytest.raises(CorruptInputError):
            read(header)


def test_what_wfdb_itself_cannot_parse(tmp_path):
    """An impossible date, a name with two dots, and a folder whose name fsspec would take for a chain of URLs."""
    folder = tmp_path / "memory:: folder"
    folder.mkdir()
    (folder / "r.v1.dat").write_bytes(np.arange(300, dtype="<i2").tobytes())
    (folder / "r.hea").write_text("r 1 250 300 10:00:00 31/02/1985\nr.v1.dat 16 100 16 0 0 0 0 V1\n")
    assert read(folder / "r.hea").lead("V1")[299] == pytest.approx(2.99)


def test_nothing_is_left_behind_and_nothing_is_fetched(tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "r.dat").write_bytes(np.arange(300, dtype="<i2").tobytes())
    (tmp_path / "r.hea").write_text("r 1 250 300\nr.dat 16 100 16 0 0 0 0 V1\n")
    before = (tmp_path / "r.dat").read_bytes()
    read(tmp_path / "r.hea")
    assert not list((tmp_path / "temporary").iterdir())
    assert (tmp_path / "r.dat").read_bytes() == before
    (tmp_path / "temporary").rmdir()
    with pytest.raises(InputError, match="decoding failed") as caught:
        read(tmp_path / "r.hea")
    assert "temporary" in caught.value.hint


@pytest.mark.parametrize(("raised", "error"), [
    (IndexError("x"), CorruptInputError), (Exception("x"), CorruptInputError), (MemoryError(), UnsafeInputError),
    (PermissionError(13, "Permission denied"), InputError), (NotFoundError("x"), NotFoundError),
])
def test_failures_of_the_library_become_ours(raised, error):
    with pytest.raises(EcgroundError) as caught, decoding("a.dat"):
        raise raised
    assert type(caught.value) is error
    assert caught.value.__cause__ is None


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
    assert [samples.available(310, size) for size in range(8)] == [0, 0, 1, 1, 3, 3, 4, 4]
    assert [samples.available(311, size) for size in range(8)] == [0, 0, 1, 2, 3, 3, 4, 5]


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


def test_annotations_that_wfdb_writes(tmp_path):
    sample = np.array([18, 77, 370, 5000, 90_000, 90_010])
    symbol = ["+", "N", "V", "~", "+", "N"]
    aux = ["(N", "", "", "", "(AFIB", ""]
    wfdb.wrann("r", "atr", sample, symbol, aux_note=aux, fs=360, write_dir=str(tmp_path))
    notes = read_annotations(tmp_path / "r.atr")
    assert notes.sample.tolist() == sample.tolist()
    assert list(notes.symbol) == symbol
    assert list(notes.text) == aux


def annotation(code, interval, text=None):
    """One annotation as annot(5) describes it, with an auxiliary text or without."""
    words = [code << 10 | interval] + ([63 << 10 | len(text)] if text is not None else [])
    return np.array(words, "<u2").tobytes() + (text or b"") + b"\0" * (len(text or b"") % 2)


def test_annotations_by_hand(tmp_path):
    skip = np.array([59 << 10, 1, 2], "<u2").tobytes()  # 65538 samples: the high word comes first
    extra = np.array([61 << 10 | 3, 62 << 10 | 1, 60 << 10 | 255], "<u2").tobytes()  # subtype, channel, number
    data = (annotation(22, 0, b"## time resolution: 360") + annotation(28, 18, b"(AFIB\0") + annotation(1, 1000)
            + extra + skip + annotation(5, 4) + annotation(0, 100) + annotation(42, 7))
    for end in (b"\0\0", b""):
        (tmp_path / "r.atr").write_bytes(data + end)
        notes = read_annotations(tmp_path / "r.atr")
        assert notes.sample.tolist() == [18, 1018, 66560, 66667]
        assert notes.symbol == ("+", "N", "V", "?")
        assert notes.text == ("(AFIB", "", "", "")


@pytest.mark.parametrize("data", [
    annotation(1, 5, b"(N")[:-2], annotation(1, 5, b"a") + annotation(63, 1) + b"b\0",
    np.array([59 << 10, 0xFFFF, 0xFF00, 1 << 10], "<u2").tobytes(), np.array([59 << 10, 1], "<u2").tobytes(),
])
def test_damaged_annotations(tmp_path, data):
    (tmp_path / "r.atr").write_bytes(data)
    with pytest.raises(CorruptInputError):
        read_annotations(tmp_path / "r.atr")


def test_unknown_definitions_are_left_out(tmp_path):
    """wfdb.rdann would never return from this file."""
    (tmp_path / "r.atr").write_bytes(annotation(22, 0, b"## something new") + annotation(1, 5) + b"\0\0")
    assert read_annotations(tmp_path / "r.atr").sample.tolist() == [5]
