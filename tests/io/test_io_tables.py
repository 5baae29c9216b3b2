import io
import json
import zlib

import numpy as np
import pytest

from ecground.errors import (
    CorruptInputError,
    EcgroundError,
    InputError,
    NoSignalError,
    NotFoundError,
    UnknownFormatError,
    UnsafeInputError,
    UsageError,
)
from ecground.io import FORMATS, Format, matlab, read, register, sniff, write
from ecground.leads import STANDARD
from ecground.record import DeviceMeasurement, DeviceReading, Patient, Provenance, Record

RNG = np.random.default_rng(11)


def table(values, names, mark=","):
    return "\n".join([mark.join(names), *(mark.join(f"{v:.6f}" for v in row) for row in values)]).encode() + b"\n"


def test_time_column_and_units():
    t = np.arange(500) / 360
    values = np.stack([t, np.sin(t), 1000 * np.cos(t)], axis=1)
    record = read(table(values, ["time (s)", "V1 (mV)", "V2 [uV]"]))
    assert record.fs == 360
    assert record.leads == ("V1", "V2")
    np.testing.assert_allclose(record.signal, [np.sin(t), np.cos(t)], atol=1e-5)
    assert record.provenance.calibrated


@pytest.mark.parametrize(("name", "scale"), [("time", 1), ("Time (ms)", 1e3), ("t_ms", 1e3), ("time [us]", 1e6)])
def test_units_of_time(name, scale):
    t = np.arange(300) / 250 * scale
    record = read(b"# unit: mV\n" + table(np.stack([t, np.sin(t)], axis=1), [name, "II"]))
    assert record.fs == 250


def test_comments_give_rate_unit_and_patient():
    head = b"# fs: 250 Hz\n# unit: uV\n# age: 44\n# sex: female\n# start: 2020-01-02T03:04:05\n"
    record = read(head + table(RNG.normal(size=(300, 2)) * 500, ["sample", "MLII"]))
    assert (record.fs, record.leads, record.patient) == (250, ("MLII",), Patient(44, "F"))
    assert record.start is not None
    assert record.start.year == 2020
    assert np.nanmax(np.abs(record.signal)) < 5


def test_semicolons_with_decimal_commas_tabs_and_bom():
    rows = "\n".join(f"{k / 250:.3f};{k / 1000:.3f}".replace(".", ",") for k in range(300))
    record = read(("\ufefftime (s);V1 (mV)\n" + rows).encode())
    assert (record.fs, record.signal[0, 100]) == (250, pytest.approx(0.1))
    record = read(table(np.stack([np.arange(300) / 250] * 2, axis=1), ["time (s)", "V1 (mV)"], "\t"))
    assert record.fs == 250


def test_missing_cells_and_gaps_are_nan():
    rows = ["time (s),V1 (mV),V2 (mV)"] + [f"{k / 100:.2f},0.1,0.2" for k in range(200) if not 50 <= k < 60]
    rows[5] = rows[5].replace(",0.1,", ",,")
    rows[-20:] = [row.rsplit(",", 1)[0] + "," for row in rows[-20:]]
    record = read("\n".join(rows).encode())
    assert record.n_samples == 200
    assert np.isnan(record.signal[:, 50:60]).all()
    assert np.isnan(record.lead("V1")[4])
    assert np.isnan(record.lead("V2")[-20:]).all()
    assert any("missing in the time column" in note for note in record.provenance.notes)
    assert any("V2 is shorter" in note for note in record.provenance.notes)


def test_without_unit_is_uncalibrated_and_nothing_is_derived():
    record = read(b"# fs: 500\n" + table(RNG.normal(size=(300, 2)), ["I", "II"]))
    assert not record.provenance.calibrated
    assert record.leads == ("I", "II")


def test_aliases_order_duplicates_and_other_columns():
    values = RNG.normal(size=(300, 6))
    record = read(b"# fs: 500\n# unit: mV\n" + table(values, ["C2", "Lead II", "Resp", "D1", "lead ii", "V7"]))
    assert record.leads[:2] == ("I", "II")
    assert {"III", "aVR", "aVL", "aVF", "V2", "V7", "II_2"} == set(record.leads[2:])
    assert record.leads.index("V2") < record.leads.index("V7")
    notes = " ".join(record.provenance.notes)
    assert "Resp" in notes
    assert "II_2" in notes


def test_sentinels_in_a_whole_column():
    values = np.stack([RNG.normal(size=300), np.full(300, 32767.0)], axis=1)
    assert np.isnan(read(b"# fs: 500\n# unit: uV\n" + table(values, ["V1", "V2"])).lead("V2")).all()


@pytest.mark.parametrize(("text", "error", "hint"), [
    ("I,II\n" + "1,2\n" * 50, InputError, "fs"),
    ("1,2\n3,4\n5,6\n", CorruptInputError, "first row"),
    ("I," + ",".join("1" * 1 for _ in range(99)) + "\nII," + ",".join("2" for _ in range(99)) + "\n", CorruptInputError,
     "transpose"),
    ("lead," + ",".join(f"s{k}" for k in range(600)) + "\nI," + ",".join("2" for _ in range(600)) + "\n",
     CorruptInputError, "transpose"),
    ("name,a,b,c\nI,1,2,3\nII,4,5,6\n", CorruptInputError, "transpose"),
    ("time (s),V1 (mV)\n0,1\n0,2\n0,3\n", CorruptInputError, ""),
    ("time (s),V1 (mV)\n" + "".join(f"{k * k},1\n" for k in range(50)), CorruptInputError, ""),
    ("time (s),V1 (mV)\n0,1\n0.01,2\n9999999999,3\n", CorruptInputError, ""),
    ("# fs: 0\nV1,V2\n1,2\n3,4\n", CorruptInputError, ""),
    ("# fs: 1.2.3\nV1,V2\n1,2\n3,4\n", CorruptInputError, ""),
    ("# fs: 500\nV1,V2\n1,2\n3,4,5,6\n3,4\n", CorruptInputError, ""),
    ("# fs: 500\nV1,V2\n1,2\n3,4\nx,y\n", CorruptInputError, ""),
    ("# fs: 500\ntime (s),resp\n1,2\n3,4\n", NoSignalError, ""),
    ("# fs: 500\nV1,V2\n,\n,\n", NoSignalError, ""),
])
def test_tables_that_are_refused(text, error, hint):
    with pytest.raises(error) as caught:
        read(text.encode())
    assert hint in caught.value.hint


def npz(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def test_npz_of_a_user():
    signal = RNG.normal(size=(2, 400))
    record = read(npz(signal=signal, fs=400, leads=np.array(["v1", "V2"]), unit=np.array("mV")))
    np.testing.assert_allclose(record.signal, signal, rtol=1e-6)
    assert (record.fs, record.leads) == (400, ("V1", "V2"))
    assert not read(npz(signal=signal, fs=400, leads=np.array(["V1", "V2"]))).provenance.calibrated


@pytest.mark.parametrize(("arrays", "error"), [
    ({"signal": np.zeros((2, 9)), "fs": 500}, CorruptInputError),
    ({"signal": np.zeros((900, 2)), "fs": 500, "leads": np.array(["I", "II"])}, CorruptInputError),
    ({"signal": np.zeros((1, 9)), "fs": np.array([1, 2]), "leads": np.array(["I"])}, CorruptInputError),
    ({"signal": np.array([["a"]]), "fs": 500, "leads": np.array(["I"])}, CorruptInputError),
    ({"signal": np.array([[{}]], dtype=object), "fs": 500, "leads": np.array(["I"])}, UnsafeInputError),
    ({"signal": np.zeros((1, 9)), "fs": 500, "leads": np.array(["I"]), "meta": np.array("[]")}, CorruptInputError),
    ({"signal": np.zeros((1, 9)), "fs": 500, "leads": np.array(["I"]), "meta": np.array('{"device": 1}')},
     CorruptInputError),
    ({"signal": np.zeros((1, 9)), "fs": 500, "leads": np.array(["I"]), "meta": np.array('{"comments": [1]}')},
     CorruptInputError),
    ({"signal": np.zeros((1, 0)), "fs": 500, "leads": np.array(["I"])}, NoSignalError),
    ({"signal": np.zeros((1, 9)), "fs": -1, "leads": np.array(["I"])}, CorruptInputError),
])
def test_npz_that_is_refused(arrays, error):
    with pytest.raises(error):
        read(npz(**arrays))


def test_npz_keeps_everything(tmp_path):
    signal = RNG.normal(size=(3, 500)).astype(np.float32)
    signal[1, 7:70] = np.nan
    record = Record(
        signal=signal, fs=333.25, leads=("V1", "MLII", "X"), patient=Patient(3.5, "F"),
        device=DeviceReading(("a", "b"), (DeviceMeasurement("qt_ms", 400.5, "ms", "V1", "QT"),)),
        provenance=Provenance(notes=("one",), filters=("notch 50 Hz",), lead_origin={"X": "by hand"}), comments=("c",),
    )
    assert write(record, tmp_path / "a.npz") == ()
    back = read(tmp_path / "a.npz")
    assert np.array_equal(back.signal[back.leads.index("V1")], signal[0])
    assert (back.patient, back.device, back.comments, back.fs) == (record.patient, record.device, ("c",), 333.25)
    assert back.provenance.lead_origin["X"] == "by hand"
    assert back.provenance.filters == ("notch 50 Hz",)
    assert "one" in back.provenance.notes


def cpsc(data, **more):
    from scipy.io import savemat

    stream = io.BytesIO()
    savemat(stream, {"ECG": {"sex": "Female", "age": 52, "data": data, **more}}, do_compression=True)
    return stream.getvalue()


def test_cpsc2018_struct():
    data = RNG.normal(size=(12, 700))
    record = read(cpsc(data))
    assert (record.leads, record.fs, record.patient) == (STANDARD, 500, Patient(52, "F"))
    np.testing.assert_allclose(record.signal, data, rtol=1e-6)
    assert any("CPSC2018" in note for note in record.provenance.notes)


def test_other_matlab_files_are_refused():
    from scipy.io import savemat

    bare, other = io.BytesIO(), io.BytesIO()
    savemat(bare, {"val": np.zeros((12, 100), np.int16)}, format="4")
    savemat(other, {"x": np.zeros(3)})
    with pytest.raises(InputError, match="neither leads") as caught:
        read(bare.getvalue())
    assert ".hea" in caught.value.hint
    for data in (other.getvalue(), cpsc(np.zeros((3, 100)))):
        with pytest.raises(CorruptInputError):
            read(data)


def test_compressed_matlab_bomb(monkeypatch):
    monkeypatch.setattr(matlab, "_LIMIT", 1 << 20)
    packed = zlib.compress(b"\0" * (matlab._LIMIT + 1), 9)
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    with pytest.raises(UnsafeInputError):
        read(head + np.array([15, len(packed)], "<u4").tobytes() + packed)


def test_unknown_content_lists_the_candidates(tmp_path):
    for data in (b"", b"hello", b"\x89PNG\r\n\x1a\n" + b"\0" * 100, b"%PDF-1.7 1,2\n3,4\n5,6", b'{"a": [1, 2]}'):
        with pytest.raises(UnknownFormatError) as caught:
            read(data)
        assert all(name in caught.value.hint for name in ("wfdb", "dicom", "csv", "npz"))
    with pytest.raises(NotFoundError):
        read(tmp_path / "none.dat")
    with pytest.raises(NotFoundError):
        read(tmp_path)
    with pytest.raises(UsageError):
        read(42)


def test_write_chooses_by_suffix_and_says_what_it_can(tmp_path):
    record = Record(signal=np.ones((1, 900), np.float32), fs=500.0, leads=("V1",))
    for suffix in (".hea", ".csv", ".tsv", ".npz", ".dcm"):
        write(record, tmp_path / f"a{suffix}")
    write(record, tmp_path / "b.bin", format="npz")
    assert sniff(tmp_path / "b.bin") == "npz"
    for path, options in ((tmp_path / "a.xyz", {}), (tmp_path / "a.npz", {"format": "nope"}),
                          (tmp_path / "none" / "a.npz", {}), (tmp_path / "a b.hea", {}),
                          (tmp_path / "a.mat", {"format": "matlab"})):
        with pytest.raises(UsageError):
            write(record, path, **options)


def test_a_plug_in_is_one_row_of_the_table():
    def sniffer(source):
        return source.head.startswith(b"MYECG")

    def reader(source):
        values = json.loads(source.data[5:])
        return Record(signal=np.asarray([values], np.float32), fs=250.0, leads=("II",))

    register(Format("mine", "a format of a test", sniffer, reader))
    try:
        assert read(b"MYECG[1, 2, 3]").signal.tolist() == [[1, 2, 3]]
        assert sniff(b"MYECG[]") == "mine"
    finally:
        del FORMATS["mine"]
    with pytest.raises(EcgroundError):
        read(b"MYECG[1, 2, 3]")
