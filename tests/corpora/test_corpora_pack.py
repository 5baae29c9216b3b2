"""The data pack: a small one made here, and the real one where ECGROUND_DATA names it."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from ecground.corpora import Mark, ludb, pack
from ecground.errors import CorruptInputError, NotFoundError, UsageError
from ecground.leads import STANDARD
from ecground.record import Patient

RNG = np.random.default_rng(17)
needs_data = pytest.mark.skipif(not os.environ.get("ECGROUND_DATA"), reason="ECGROUND_DATA is not set")


def encode(samples):
    """The pack's code, written from its description."""
    steps = np.diff(samples.astype(np.int32), axis=-1, prepend=0).astype(np.int16).astype(np.int32)
    coded = ((steps << 1) ^ (steps >> 31)).astype(np.uint16)
    return np.stack([(coded & 255).astype(np.uint8), (coded >> 8).astype(np.uint8)])


def test_decode_inverts_the_description():
    samples = RNG.integers(-32768, 32768, (3, 2, 400)).astype(np.int16)
    samples[0, 0, :4] = [32767, -32768, 32767, -32768]
    assert np.array_equal(pack.decode(encode(samples)), samples)
    # by hand: 0, -1, 1, 300 -> steps 0, -1, 2, 299 -> codes 0, 1, 4, 598
    planes = np.array([[[0, 1, 4, 598 & 255]], [[0, 0, 0, 598 >> 8]]], np.uint8)
    assert pack.decode(planes).tolist() == [[0, -1, 1, 300]]


@pytest.fixture
def small(tmp_path):
    (tmp_path / "splits.csv").write_text(
        "dataset,record,patient,split\nptbxl,7,p1,train\nptbxl,8,p2,valid\nptbxl,9,p3,train\nludb,2,2,valid\n")
    for name in ("ptbxl", "ludb", "mitdb", "cpsc2019"):
        (tmp_path / name).mkdir()
    raw = RNG.integers(-900, 900, (2, 12, 500)).astype(np.int16)
    info = {"fs": 500, "leads": list(STANDARD), "unit": "uV"}
    np.savez_compressed(tmp_path / "ptbxl" / "raw500_00.npz", ids=np.array([7, 8]), data=encode(raw),
                        info=np.array(json.dumps(info)))
    np.savez_compressed(tmp_path / "ptbxl" / "norm250_00.npz", ids=np.array([9]), data=encode(raw[:1]),
                        info=np.array(json.dumps(info | {"fs": 250})))
    columns = ("ecg_id,patient_id,age,sex,label_conflict,report,baseline_drift,static_noise,burst_noise,"
               "electrodes_problems,report_en,scp_codes,labels,superclass,subset,shard,row\n")
    (tmp_path / "ptbxl" / "records.csv").write_text(columns + "".join([
        '7,1,56,F,0,bericht,,,,,report,"{""NORM"": 100.0, ""SR"": null}",NORM;SR,NORM,raw500,ptbxl/raw500_00.npz,0\n',
        '8,2,90,M,1,,,,,,,"{""AFIB"": null}",AFIB,,raw500,ptbxl/raw500_00.npz,1\n',
        '9,3,,,0,,,,,,,"{""LVH"": 50.0}",LVH,HYP,norm250,ptbxl/norm250_00.npz,0\n',
    ]))
    np.savez_compressed(tmp_path / "ludb" / "ludb.npz", ids=np.array([2]), data=encode(raw[:1]),
                        info=np.array(json.dumps(info)))
    (tmp_path / "ludb" / "ludb.csv").write_text("ID,Sex,Age,Rhythms,Ischemia\n2,M,>89,Sinus rhythm,a; b\n")
    waves = {"II": [["P", 10, 20, 30], ["QRS", None, 50, 60]]}
    (tmp_path / "ludb" / "delineation.json").write_text(json.dumps({"fs": 500, "records": [{"id": 2, "waves": waves}]}))
    np.savez_compressed(
        tmp_path / "mitdb" / "mitdb.npz", info=np.array("{}"), d_100=encode(raw[0, :2]), a_100_sample=np.array([5, 77]),
        a_100_symbol=np.array(["+", "N"]), a_100_aux=np.array(["(AFIB", ""]))
    (tmp_path / "mitdb" / "records.csv").write_text(
        "record,leads,fs,samples,age,sex,rhythms\n100,MLII;V5,360,500,69,M,(AFIB\n")
    np.savez_compressed(tmp_path / "cpsc2019" / "signals.npz", info=np.array('{"leads": ["unknown"]}'),
                        d_c1=encode(raw[0, :1]), a_c1_rpeaks=np.array([3, 400]))
    (tmp_path / "cpsc2019" / "records.csv").write_text("record,fs,samples\nc1,500,500\n")
    return tmp_path, raw


def test_ptbxl_rows(small):
    folder, raw = small
    first, second, third = pack.cases(folder, "ptbxl")
    assert (first.split, second.split, first.patient) == ("train", "valid", "p1")
    np.testing.assert_allclose(first.record.signal, raw[0] / 1000, rtol=1e-6)
    np.testing.assert_allclose(second.record.signal, raw[1] / 1000, rtol=1e-6)
    assert first.record.patient == Patient(56, "F")
    assert (first.labels, first.likelihood) == (("NORM", "SR"), {"NORM": 100.0, "SR": None})
    assert (first.report, first.report_en, third.superclasses) == ("bericht", "report", ("HYP",))
    assert second.defects == ("releases disagree about the labels",)
    record = third.record
    assert not record.provenance.calibrated
    assert (record.fs, record.patient) == (250, Patient())
    assert first.record.provenance.calibrated
    assert [case.id for case in pack.cases(folder, "ptbxl", split="valid")] == ["8"]
    assert [case.id for case in pack.cases(folder, "ptbxl", subset="norm250")] == ["9"]


def test_a_shard_without_wanted_records_is_not_opened(small):
    folder, _ = small
    (folder / "ptbxl" / "norm250_00.npz").write_bytes(b"damaged")
    assert [case.id for case in pack.cases(folder, "ptbxl", split="valid")] == ["8"]
    with pytest.raises(CorruptInputError):
        list(pack.cases(folder, "ptbxl"))


def test_table_and_shard_that_disagree(small):
    folder, _ = small
    path = folder / "ptbxl" / "records.csv"
    path.write_text(path.read_text().replace("raw500_00.npz,1", "raw500_00.npz,0"))
    with pytest.raises(CorruptInputError):
        list(pack.cases(folder, "ptbxl"))


def test_marks_beats_and_peaks(small):
    folder, raw = small
    (case,) = pack.cases(folder, "ludb")
    assert case.marks["II"] == (Mark("P", 10, 20, 30), Mark("QRS", None, 50, 60))
    assert case.labels == ("Sinus rhythm", "a", "b")
    assert case.record.patient.age == 90
    (case,) = pack.cases(folder, "mitdb")
    assert case.beats is not None
    assert (case.beats.sample.tolist(), case.beats.lead, case.beats.rhythm) == ([77], "MLII", ((5, "AFIB"),))
    assert (case.split, case.labels) == ("test", ("AFIB",))
    assert case.record.leads == ("V5", "MLII")
    np.testing.assert_allclose(case.record.lead("MLII"), raw[0, 0] * 5e-3, rtol=1e-6)
    (case,) = pack.cases(folder, "cpsc2019")
    assert case.beats is not None
    assert (case.record.leads, case.beats.sample.tolist()) == (("ECG",), [3, 400])


def test_wrong_names(small):
    folder, _ = small
    with pytest.raises(UsageError):
        list(pack.cases(folder, "nope"))
    with pytest.raises(NotFoundError):
        list(pack.cases(folder, "code15"))


@needs_data
def test_the_real_pack():
    root = Path(os.environ["ECGROUND_DATA"])
    counts = {name: sum(1 for _ in pack.cases(root, name)) for name in pack.DATASETS if name != "ptbxl"}
    assert counts == {"ludb": 150, "mitdb": 36, "cinc2021_mixed": 92, "cpsc2018_mat": 8, "code15": 8,
                      "brugada_huca": 9, "cpsc2019": 38, "misc_rhythm": 10}
    beats = sum(case.beats.sample.size for case in pack.cases(root, "mitdb") if case.beats)
    assert beats == 83_455
    assert sum(len(found) for case in pack.cases(root, "ludb") for found in case.marks.values()) == 44_128
    for case in pack.cases(root, "ptbxl", subset="raw500", split="valid"):
        record = case.record
        assert np.abs(record.lead("I") + record.lead("III") - record.lead("II")).max() < 0.0051
        break


@needs_data
def test_native_ludb_agrees_with_the_pack():
    root = Path(os.environ["ECGROUND_DATA"])
    cases = {case.id: case for case in pack.cases(root, "ludb")}
    for number in ("2", "4", "7"):
        stem = root / "formats" / "wfdb" / "ludb" / number
        assert ludb.marks_of(stem) == cases[number].marks
