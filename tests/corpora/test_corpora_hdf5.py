"""CODE-15% and SPH: tables always, samples where h5py is installed (extra `hdf5`)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from ecground.corpora import code15, hdf5, sph
from ecground.errors import (
    CorruptInputError,
    MissingExtraError,
    NoSignalError,
    NotFoundError,
    UnsafeInputError,
)
from ecground.leads import STANDARD
from ecground.record import Patient

EXAMS = ("exam_id,age,is_male,nn_predicted_age,1dAVb,RBBB,LBBB,SB,ST,AF,patient_id,death,timey,normal_ecg,trace_file\n"
         "11,38,True,40.1,False,False,False,True,False,False,7,False,2.0,False,exams_part0.hdf5\n"
         "12,73,False,67.0,True,False,False,False,False,True,7,False,2.0,False,exams_part0.hdf5\n"
         "13,20,False,22.0,False,False,False,False,False,False,8,,,True,exams_part0.hdf5\n"
         "14,20,False,22.0,False,False,False,False,False,False,9,,,False,exams_part1.hdf5\n")
SPH = ("ECG_ID,AHA_Code,Patient_ID,Age,Sex,N,Date,RR_Interval,PR_Interval,QRS_Complex,QT_Interval,QTc_Interval\n"
       "A00001,22;23,S00001,55,M,5000,2020-03-04,934,153,154,472,488\n"
       "A00002,60+310,S00001,32,F,6000,2019-09-03,845,-2,157,462,502\n")
needs_data = pytest.mark.skipif(not os.environ.get("ECGROUND_DATA"), reason="ECGROUND_DATA is not set")


@pytest.fixture
def h5py():
    return pytest.importorskip("h5py", reason="h5py is not installed (extra hdf5)")


@pytest.fixture
def code_folder(tmp_path):
    (tmp_path / "exams.csv").write_text(EXAMS)
    return tmp_path


def write_part(h5py, path, rows, lead_count=12):
    """A part as published: recordings in the middle of zeros, a last row without exam."""
    tracings = np.zeros((len(rows) + 1, 4096, lead_count), np.float32)
    for tracing, (_, signal) in zip(tracings, rows, strict=False):
        start = (4096 - signal.shape[1]) // 2
        tracing[start:start + signal.shape[1]] = signal.T
    with h5py.File(path, "w") as file:
        file["exam_id"] = np.array([*(exam for exam, _ in rows), 0])
        file["tracings"] = tracings


def test_the_table_needs_no_library(code_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    (code_folder / "exams_part0.hdf5").write_bytes(b"")
    first, second, normal, open_case = code15.cases(code_folder)
    assert (first.id, first.patient, first.labels, first.fs) == ("11", "7", ("SB",), 400.0)
    assert (first.person, second.person) == (Patient(38, "M"), Patient(73, "F"))
    assert second.labels == ("1dAVb", "AF")
    assert (normal.labels, open_case.labels) == (("normal_ecg",), ())
    assert len(open_case.defects) == 2
    assert not open_case.files[0].is_file()
    with pytest.raises(MissingExtraError) as error:
        _ = first.record
    assert "ecground[hdf5]" in error.value.hint


def test_padding_is_cut_and_amplitudes_are_withheld(code_folder, h5py, twelve):
    short, full = twelve(2800, 400), twelve(4096, 400)
    short[:, [0, -1]] = 0.5  # no zeros of its own at the ends
    full[:, [0, -1]] = 0.5
    write_part(h5py, code_folder / "exams_part0.hdf5", [(12, short), (11, full), (13, full[:, :0])])
    first, second, empty, missing = code15.cases(code_folder)
    assert (first.record.n_samples, second.record.n_samples) == (4096, 2800)
    record = second.record
    assert (record.leads, record.fs, record.patient) == (STANDARD, 400.0, Patient(73, "F"))
    np.testing.assert_allclose(record.signal, short, rtol=1e-6)
    assert not record.provenance.calibrated
    with pytest.raises(NoSignalError):
        _ = empty.record
    with pytest.raises(NotFoundError):
        _ = missing.record


def test_unpadded_keeps_zeros_inside():
    tracing = np.zeros((10, 2))
    tracing[3, 0] = tracing[7, 1] = 1
    assert code15.unpadded(tracing).shape == (5, 2)
    assert code15.unpadded(np.zeros((4, 12))).shape == (0, 12)


def test_parts_that_lie(code_folder, h5py, twelve, tmp_path):
    path = code_folder / "exams_part0.hdf5"
    first = next(iter(code15.cases(code_folder)))
    for damage in (b"", b"no HDF5", b"\x89HDF\r\n\x1a\n" + b"\0" * 100):
        path.write_bytes(damage)
        with pytest.raises(CorruptInputError):
            _ = first.record
    write_part(h5py, path, [(99, twelve(2800, 400))])
    with pytest.raises(CorruptInputError, match="exam"):
        _ = next(iter(code15.cases(code_folder))).record
    write_part(h5py, path, [(11, twelve(2800, 400)[:8])], lead_count=8)
    with pytest.raises(CorruptInputError, match="8 leads"):
        _ = next(iter(code15.cases(code_folder))).record
    with h5py.File(path, "w") as file:
        file["exam_id"] = np.array([11])
        file["tracings"] = h5py.ExternalLink("elsewhere.hdf5", "/tracings")
    with pytest.raises((UnsafeInputError, CorruptInputError)):
        _ = next(iter(code15.cases(code_folder))).record


@pytest.mark.parametrize("kind", ["link", "virtual", "external", "text", "dimensions"])
def test_data_sets_that_are_refused(tmp_path, h5py, kind):
    path, other = tmp_path / "a.h5", tmp_path / "b.h5"
    with h5py.File(other, "w") as file:
        file["ecg"] = np.zeros((12, 100))
    with h5py.File(path, "w") as file:
        file["inside"] = np.zeros((12, 100))
        if kind == "link":
            file["ecg"] = h5py.SoftLink("/inside")
        elif kind == "virtual":
            layout = h5py.VirtualLayout((12, 100), dtype=float)
            layout[:] = h5py.VirtualSource(str(other), "ecg", shape=(12, 100))
            file.create_virtual_dataset("ecg", layout)
        elif kind == "external":
            file.create_dataset("ecg", (12, 100), dtype=float, external=[(str(tmp_path / "raw"), 0, 9600)])
        elif kind == "text":
            file["ecg"] = np.full((12, 100), b"x")
        else:
            file["ecg"] = np.zeros(100)
    expected = CorruptInputError if kind in ("text", "dimensions") else UnsafeInputError
    with pytest.raises(expected), hdf5.opened(path) as file:
        hdf5.dataset(file, "ecg", dimensions=2, where=path.name)


def test_a_huge_array_is_refused_before_it_is_read(tmp_path, h5py):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("ecg", (12, 1 << 30), dtype="f8", chunks=(1, 1024))  # never written: a few bytes on disk
    with pytest.raises(UnsafeInputError), hdf5.opened(tmp_path / "a.h5") as file:
        hdf5.values(hdf5.dataset(file, "ecg", dimensions=2, where="a"), slice(None), where="a")


def test_sph_tables_and_samples(tmp_path, h5py, twelve, write_wfdb):
    (tmp_path / "metadata.csv").write_text(SPH)
    (tmp_path / "records").mkdir()
    signal = twelve(5000, 500)
    with h5py.File(tmp_path / "records" / "A00001.h5", "w") as file:
        file["ecg"] = signal.astype(np.float16)
    write_wfdb(tmp_path / "records" / "A00002", twelve(6000, 500))
    first, second = sph.cases(tmp_path)
    assert (first.labels, second.labels, first.label_system) == (("22", "23"), ("60+310",), "aha")
    assert first.patient == second.patient == "S00001"
    record = first.record
    np.testing.assert_allclose(record.signal, signal, atol=0.002)
    assert (record.fs, record.patient, record.provenance.calibrated) == (500.0, Patient(55, "M"), True)
    assert {row.name: row.value for row in record.device.measurements} == {
        "rr_mean_ms": 934, "pr_ms": 153, "qrs_ms": 154, "qt_ms": 472, "qtc_ms": 488}
    assert "pr_ms" not in {row.name for row in second.record.device.measurements}
    with h5py.File(tmp_path / "records" / "A00001.h5", "w") as file:
        file["ecg"] = signal * 1000  # microvolt after all
    assert not first.record.provenance.calibrated
    with h5py.File(tmp_path / "records" / "A00001.h5", "w") as file:
        file["ecg"] = signal[:, :4000]
    with pytest.raises(CorruptInputError, match="4000 samples"):
        _ = first.record


@needs_data
def test_the_published_table_of_sph(tmp_path):
    """Original table: 25,770 recordings of 24,666 patients, 46.04 % abnormal, 14.45 % with several statements."""
    source = Path(os.environ["ECGROUND_DATA"]) / "metadata" / "sph_metadata.csv.gz"
    (tmp_path / "metadata.csv").write_bytes(source.read_bytes())
    cases = list(sph.cases(tmp_path))
    assert len(cases) == 25770
    assert len({case.patient for case in cases}) == 24666
    normal = sum(case.labels == ("1",) for case in cases)
    assert 100 * (1 - normal / len(cases)) == pytest.approx(46.04, abs=0.01)
    several = sum(len(case.labels) > 1 for case in cases)
    assert 100 * several / len(cases) == pytest.approx(14.45, abs=0.01)
    assert sum(case.person.sex == "M" for case in cases) / len(cases) == pytest.approx(0.5536, abs=0.0001)
