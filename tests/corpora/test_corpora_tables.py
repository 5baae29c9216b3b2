"""Collections described by a CSV table: CPSC2018, MIMIC-IV-ECG, Brugada-HUCA, any folder; and the tables themselves."""

from __future__ import annotations

import gzip
import math
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from ecground.corpora import brugada, case, cpsc2018, folder, mimic
from ecground.errors import CorruptInputError, NotFoundError, UnsafeInputError
from ecground.leads import STANDARD
from ecground.record import Patient

needs_data = pytest.mark.skipif(not os.environ.get("ECGROUND_DATA"), reason="ECGROUND_DATA is not set")
MIMIC_LEADS = ("I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6")
RECORDS = ("subject_id,study_id,file_name,ecg_time,path\n"
           "10000032,40689238,40689238,2180-07-23 08:44:00,files/p1000/p10000032/s40689238/40689238\n"
           "10000032,44458630,44458630,2180-07-23 09:54:00,files/p1000/p10000032/s44458630/44458630\n"
           "10000117,49036311,49036311,2181-03-04 17:14:00,files/p1000/p10000117/s49036311/49036311\n")
MACHINE = ("subject_id,study_id,cart_id,ecg_time,report_0,report_1,report_2,bandwidth,filtering,rr_interval,p_onset,"
           "p_end,qrs_onset,qrs_end,t_end,p_axis,qrs_axis,t_axis\n"
           '10000032,44458630,6848296,t,"Atrial fibrillation, rapid",,Abnormal ECG,0.005-150 Hz,60 Hz notch,500,29999,'
           "29999,40,140,32767,29999,-30,65535\n"
           "10000032,40689238,6848296,t,Sinus rhythm,Normal ECG,,0.005-150 Hz,<not specified>,659,40,128,170,258,518,"
           "81,77,75\n")


def test_rows_of_tables(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_bytes('\ufeffa,b\n1,"x\ny"\n2\n'.encode())
    expected = [{"a": "1", "b": "x\ny"}, {"a": "2", "b": ""}]
    assert list(case.rows(path)) == expected
    packed = tmp_path / "t.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert list(case.rows(packed)) == expected
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(CorruptInputError):
        list(case.rows(packed))
    path.write_bytes(b"a\n\xff\n")
    with pytest.raises(CorruptInputError):
        list(case.rows(path))
    with pytest.raises(NotFoundError):
        list(case.rows(tmp_path / "none.csv"))
    monkeypatch.setattr(case, "_TABLE_LIMIT", 1000)
    packed.write_bytes(gzip.compress(b"a\n" + b"1\n" * 1000))
    with pytest.raises(UnsafeInputError):
        list(case.rows(packed))
    path.write_bytes(b"a\n" + b"1" * (2 << 20))
    with pytest.raises(UnsafeInputError):
        list(case.rows(path))


@pytest.fixture
def cpsc(tmp_path, twelve):
    from scipy.io import savemat

    (tmp_path / "TrainingSet1").mkdir()
    savemat(tmp_path / "TrainingSet1" / "A0002.mat",
            {"ECG": {"sex": "Female", "age": np.array([[49]]), "data": twelve(3000, 500)}})
    (tmp_path / "TrainingSet1" / "REFERENCE.csv").write_text(
        "Recording,First_label,Second_label,Third_label\nA0001,5,2,\nA0002,1,,\n")
    return tmp_path


def test_cpsc2018(cpsc, twelve):
    first, second = cpsc2018.cases(cpsc)
    assert (first.labels, second.labels) == (("RBBB", "AF"), ("Normal",))
    assert [path.is_file() for path in (*first.files, *second.files)] == [False, True]
    record = second.record
    np.testing.assert_allclose(record.signal, twelve(3000, 500), rtol=1e-6)
    assert (record.patient, record.fs, record.leads) == (Patient(49, "F"), 500.0, STANDARD)
    with pytest.raises(NotFoundError):
        _ = first.record


@pytest.mark.parametrize("row", ["A0001,10,,", "A0001,x,,", ",1,,", "../A0001,1,,", "A0001,12,,"])
def test_cpsc2018_with_a_bad_row(cpsc, row):
    path = cpsc / "TrainingSet1" / "REFERENCE.csv"
    path.write_text(f"Recording,First_label,Second_label,Third_label\n{row}\n")
    with pytest.raises(CorruptInputError):
        list(cpsc2018.cases(cpsc))


@needs_data
def test_cpsc2018_originals(tmp_path):
    """Original table of 6,877 recordings less those kept apart, and an original recording."""
    data = Path(os.environ["ECGROUND_DATA"])
    table = gzip.decompress((data / "metadata" / "cpsc2018_reference.csv.gz").read_bytes())
    (tmp_path / "REFERENCE.csv").write_bytes(table)
    shutil.copy(data / "formats" / "mat" / "A1980.mat", tmp_path)
    cases = {found.id: found for found in cpsc2018.cases(tmp_path)}
    assert len(cases) == table.count(b"\n") - 1
    assert cases["A0001"].labels == ("RBBB",)
    assert cases["A0001"].person == Patient(74, "M")
    record = cases["A1980"].record
    assert record.patient == Patient(52, "M")
    assert record.seconds == 10


@pytest.fixture
def mimic_folder(tmp_path, twelve, write_wfdb):
    (tmp_path / "record_list.csv").write_text(RECORDS)
    (tmp_path / "machine_measurements.csv").write_text(MACHINE)
    signal = twelve(5000, 500)[[STANDARD.index(name) for name in MIMIC_LEADS]]
    write_wfdb(tmp_path / "files" / "p1000" / "p10000032" / "s40689238" / "40689238", signal, names=MIMIC_LEADS,
               gain=200.0)
    return tmp_path


def test_mimic(mimic_folder, twelve):
    first, second, third = mimic.cases(mimic_folder)
    assert (first.id, first.patient, first.labels) == ("40689238", "10000032", ())
    assert first.patient == second.patient
    assert first.report == "Sinus rhythm\nNormal ECG"
    assert second.report == "Atrial fibrillation, rapid\nAbnormal ECG"
    assert (third.report, third.defects) == ("", ("no machine measurements",))
    assert all(found.terms.credentialed for found in (first, second, third))
    assert [found.files[0].is_file() for found in (first, second, third)] == [True, False, False]
    record = first.record
    assert record.leads == STANDARD
    np.testing.assert_allclose(record.signal, twelve(5000, 500), atol=0.0026)  # half of 1/200 mV
    assert {row.name: row.value for row in record.device.measurements} == {
        "rr_mean_ms": 659, "p_dur_ms": 88, "pr_ms": 130, "qrs_ms": 88, "qt_ms": 348, "p_axis_deg": 81,
        "qrs_axis_deg": 77, "t_axis_deg": 75}
    assert record.device.statements == ("Sinus rhythm", "Normal ECG")
    assert "0.005-150 Hz" in record.provenance.filters


def test_mimic_sentinels_are_not_numbers():
    assert all(math.isnan(mimic.number(text)) for text in ("29999", "32767", "65535", "29999.0", "", "x", "-32767"))
    assert mimic.number("29998") == 29998
    reading = mimic.reading_of({"rr_interval": "500", "p_onset": "29999", "p_end": "29999", "qrs_onset": "40",
                                "qrs_end": "140", "t_end": "32767", "p_axis": "29999", "qrs_axis": "-30",
                                "t_axis": "65535"})
    assert {row.name: row.value for row in reading.measurements} == {
        "rr_mean_ms": 500, "qrs_ms": 100, "qrs_axis_deg": -30}
    assert mimic.reading_of({}).measurements == ()


def test_mimic_gzipped_and_without_measurements(mimic_folder):
    plain = [(found.id, found.report) for found in mimic.cases(mimic_folder)]
    table = mimic_folder / "machine_measurements.csv"
    (mimic_folder / "machine_measurements.csv.gz").write_bytes(gzip.compress(table.read_bytes()))
    table.unlink()
    assert [(found.id, found.report) for found in mimic.cases(mimic_folder)] == plain
    (mimic_folder / "machine_measurements.csv.gz").unlink()
    assert [found.report for found in mimic.cases(mimic_folder)] == ["", "", ""]


@pytest.mark.parametrize(("table", "old", "new", "error"), [
    ("record_list.csv", "files/p1000/p10000117", "../p1000/p10000117", UnsafeInputError),
    ("record_list.csv", "10000117,49036311", "10000117,x", CorruptInputError),
    ("machine_measurements.csv", "10000032,40689238", "10000032,", CorruptInputError),
    ("machine_measurements.csv", "study_id", "study", CorruptInputError),
])
def test_mimic_with_damaged_tables(mimic_folder, table, old, new, error):
    path = mimic_folder / table
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(error):
        list(mimic.cases(mimic_folder))


def test_brugada(tmp_path, twelve, write_wfdb):
    (tmp_path / "metadata.csv").write_text(
        "patient_id,basal_pattern,sudden_death,brugada\n188981,1,0,1\n251972,0,0,0\n3,1,0,2\n")
    write_wfdb(tmp_path / "files" / "188981" / "188981", twelve(1200, 100), fs=100)
    first, normal, odd = brugada.cases(tmp_path)
    assert (first.labels, normal.labels, odd.labels) == (
        ("brugada", "basal_pattern"), ("none",), ("brugada=2", "basal_pattern"))
    assert len(odd.defects) == 2
    assert {found.split for found in (first, normal, odd)} == {"test"}
    assert not first.terms.trainable
    assert first.record.fs == 100


@needs_data
def test_the_published_table_of_brugada(tmp_path):
    """The original table less the rows kept apart: counted by hand from its last column."""
    source = Path(os.environ["ECGROUND_DATA"]) / "metadata" / "brugada_huca_metadata.csv"
    shutil.copy(source, tmp_path / "metadata.csv")
    last = [line.rsplit(",", 1)[1] for line in source.read_text().splitlines()[1:]]
    cases = list(brugada.cases(tmp_path))
    assert len(cases) == len(last) > 350
    assert sum("brugada" in found.labels for found in cases) == last.count("1") > 60
    assert sum("brugada=2" in found.labels for found in cases) == last.count("2") == 7


@pytest.mark.parametrize(("header", "row"), [
    ("file,label,patient,age,sex,split", "a.hea,AFIB;LBBB,p1,61,F,train"),
    ("Split;Patient ID;Sex;Age (years);Diagnosis;File Name", "Training;p1;female;61;AFIB|LBBB;a.hea"),
    ("id,ecg_path,subject_id,dx_1,dx_2,gender,patient_age,partition", "9,a,p1,AFIB,LBBB,Female,61,TRAIN"),
])
def test_any_folder(tmp_path, twelve, write_wfdb, header, row):
    write_wfdb(tmp_path / "a", twelve(1000, 500), comments=("Age: 5", "Sex: M"))
    (tmp_path / "labels.csv").write_text(f"{header}\n{row}\n")
    (tmp_path / "other.csv").write_text("x\n")
    (found,) = folder.cases(tmp_path)
    assert (found.patient, found.split, found.labels) == ("p1", "train", ("AFIB", "LBBB"))
    assert found.person == found.record.patient == Patient(61, "F")
    assert found.files == (tmp_path / "a.hea",)
    assert found.defects == ()


def test_any_folder_does_not_guess(tmp_path, twelve, write_wfdb):
    write_wfdb(tmp_path / "a", twelve(1000, 500), comments=("Age: 5", "Sex: M"))
    table = tmp_path / "things.csv"
    table.write_text("record,sex,split\na,0,fold7\nb.hea,,\n")
    first, second = folder.cases(tmp_path)
    assert (first.person, first.split, first.label_system) == (Patient(), None, "none")
    assert len(first.defects) == 2
    assert first.record.patient == Patient(5, "M")
    assert not second.files[0].is_file()
    assert [found.id for found in folder.cases(table)] == ["a", "b.hea"]


@pytest.mark.parametrize(("content", "error"), [
    ("label,age\nAFIB,3\n", CorruptInputError), ("file,label\n,AFIB\n", CorruptInputError),
    ("file,label\n../a.hea,AFIB\n", UnsafeInputError), ("file,label\n/a.hea,AFIB\n", UnsafeInputError),
])
def test_folders_with_bad_tables(tmp_path, content, error):
    with pytest.raises(NotFoundError):
        list(folder.cases(tmp_path))
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(error):
        list(folder.cases(tmp_path))
    (tmp_path / "b.csv").write_text(content)
    with pytest.raises(CorruptInputError, match="2 tables"):
        list(folder.cases(tmp_path))
