"""Small copies of the published layouts, made from synthetic signals."""

import warnings

import numpy as np
import pytest

from ecground.corpora import Mark, ludb, mitdb, ptbxl
from ecground.errors import CorruptInputError, NotFoundError
from ecground.leads import STANDARD
from ecground.record import Patient

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # wfdb uses what pandas deprecates
    import wfdb

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")
LUDB_HEADER = (
    "ID,Sex,Age,Rhythms,Electric axis of the heart,Conduction abnormalities,Extrasystolies,Hypertrophies,"
    "Cardiac pacing,Ischemia,Non-specific repolarization abnormalities,Other states\n"
)


def twelve(n=1000, fs=100):
    t = np.arange(n) / fs
    one, two = np.sin(t * 7) * 0.8, np.cos(t * 5) * 1.1
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.stack([*limb, *(np.sin(t * (3 + k)) * 0.3 * (k + 1) for k in range(6))], axis=1)


@pytest.fixture
def ptbxl_folder(tmp_path):
    names = [name.upper() if name.startswith("a") else name for name in STANDARD]
    for part, fs, suffix in (("records500", 500, "hr"), ("records100", 100, "lr")):
        folder = tmp_path / part / "00000"
        folder.mkdir(parents=True)
        for k in (1, 2):
            wfdb.wrsamp(f"{k:05d}_{suffix}", fs=fs, units=["mV"] * 12, sig_name=names, fmt=["16"] * 12,
                        p_signal=twelve(10 * fs, fs) * k, adc_gain=[1000] * 12, baseline=[0] * 12,
                        write_dir=str(folder))
    columns = "ecg_id,patient_id,age,sex,report,scp_codes,baseline_drift,static_noise,burst_noise,electrodes_problems,"
    rows = [
        "1,15709.0,56.0,1,sinusrhythmus,\"{'NORM': 100.0, 'LVOLT': 0.0, 'SR': 0.0}\",,\" , I-V1,  \",,,3,"
        "records100/00000/00001_lr,records500/00000/00001_hr",
        "2,13243.0,300.0,0,infarkt,\"{'IMI': 80.0, 'LVH': 50.0}\",,,,,10,"
        "records100/00000/00002_lr,records500/00000/00002_hr",
    ]
    (tmp_path / "ptbxl_database.csv").write_text("\n".join([columns + "strat_fold,filename_lr,filename_hr", *rows]))
    (tmp_path / "scp_statements.csv").write_text(
        ",description,diagnostic,diagnostic_class\nNORM,normal ECG,1.0,NORM\nIMI,inferior MI,1.0,MI\n"
        "LVH,hypertrophy,1.0,HYP\nSR,sinus rhythm,,\nLVOLT,low voltage,,\n")
    return tmp_path


def test_ptbxl(ptbxl_folder):
    first, second = ptbxl.cases(ptbxl_folder)
    assert (first.id, first.patient, first.split, second.split) == ("1", "15709", "train", "test")
    assert second.fold == 10 and first.fold in range(1, 9)
    assert first.labels == ("NORM", "LVOLT", "SR")
    assert first.likelihood == {"NORM": 100.0, "LVOLT": 0.0, "SR": 0.0}
    assert (first.superclasses, second.superclasses) == (("NORM",), ("HYP", "MI"))
    assert first.defects == ("static_noise: , I-V1,",)
    record = second.record
    assert (record.patient, record.fs, record.leads) == (Patient(90, "M"), 500, STANDARD)
    np.testing.assert_allclose(record.signal.T, twelve(5000, 500) * 2, atol=0.000501)
    assert first.record.patient == Patient(56, "F")
    assert [case.record.fs for case in ptbxl.cases(ptbxl_folder, fs=100)] == [100, 100]
    assert [case.id for case in ptbxl.cases(ptbxl_folder, split="test")] == ["2"]
    assert ptbxl.superclass_of(ptbxl_folder / "scp_statements.csv") == {"NORM": "NORM", "IMI": "MI", "LVH": "HYP"}


@pytest.mark.parametrize(("old", "new"), [("{'NORM': 100.0", "{'NORM': x("), (",3,records100", ",,records100")])
def test_ptbxl_with_a_damaged_table(ptbxl_folder, old, new):
    path = ptbxl_folder / "ptbxl_database.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(CorruptInputError):
        list(ptbxl.cases(ptbxl_folder))


def test_collections_that_are_not_there(tmp_path):
    for module in (ptbxl, ludb, mitdb):
        with pytest.raises(NotFoundError):
            list(module.cases(tmp_path))


@pytest.fixture
def ludb_folder(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    signal = twelve(1000, 500)
    counts = np.rint(signal * 1000)
    spans = np.ptp(counts, axis=0)
    # as published: gains that make each lead 1.000 mV peak to peak
    wfdb.wrsamp("3", fs=500, units=["mV"] * 12, sig_name=[n.lower() for n in STANDARD], fmt=["16"] * 12,
                d_signal=counts.astype(np.int64), adc_gain=list(spans), baseline=[2] * 12, write_dir=str(data),
                comments=["<age>: 70", "<sex>: M"])
    for lead in STANDARD:
        wfdb.wrann("3", "x", np.array([100, 110, 120, 150, 160, 175, 200, 202, 215, 300, 340]),
                   ["(", "p", ")", "(", "N", ")", "N", "(", ")", "t", ")"], write_dir=str(data))
        (data / "3.x").rename(data / f"3.{lead.lower()}")
    (tmp_path / "ludb.csv").write_text(
        LUDB_HEADER + '3,F,>89,"Sinus rhythm","Electric axis of the heart: normal",,"A.\nB.",,,,,\n')
    return tmp_path


def test_ludb_uses_counts_not_the_normalised_values(ludb_folder):
    (case,) = ludb.cases(ludb_folder)
    record = case.record
    np.testing.assert_allclose(record.signal.T, twelve(1000, 500), atol=0.0006)
    assert record.leads == STANDARD
    assert record.patient == Patient(90, "F")
    assert ludb.COUNTS_NOTE in record.provenance.notes
    assert case.labels == ("Sinus rhythm", "Electric axis of the heart: normal", "A", "B")
    assert set(case.marks) == set(STANDARD)
    assert case.marks["V3"] == (
        Mark("P", 100, 110, 120), Mark("QRS", 150, 160, 175), Mark("QRS", 202, 200, 215), Mark("T", None, 300, 340),
    )


def test_mitdb(tmp_path):
    signal = twelve(3600, 360)[:, [1, 6]]
    for name in ("100", "202"):
        wfdb.wrsamp(name, fs=360, units=["mV"] * 2, sig_name=["MLII", "V1"], p_signal=signal, fmt=["212"] * 2,
                    adc_gain=[200] * 2, baseline=[0] * 2, write_dir=str(tmp_path), comments=["69 M 1085 1629 x1"])
        wfdb.wrann(name, "atr", np.array([18, 77, 370, 700, 800, 1200, 1500]), ["+", "N", "V", "[", "]", "+", "N"],
                   aux_note=["(N", "", "", "", "", "(AFIB", ""], write_dir=str(tmp_path))
    first, second = mitdb.cases(tmp_path)
    assert (first.id, second.patient, first.split) == ("100", "201", "test")
    assert first.beats is not None
    assert first.beats.sample.tolist() == [77, 370, 1500]
    assert first.beats.symbol == ("N", "V", "N")
    assert first.beats.rhythm == ((18, "N"), (1200, "AFIB"))
    assert first.beats.fibrillation == ((700, 800),)
    assert first.beats.lead == "MLII"
    assert first.labels == ("N", "AFIB")
    assert first.record.patient == Patient(69, "M")
    np.testing.assert_allclose(first.record.lead("MLII"), signal[:, 0], atol=0.0026)
