"""CinC Challenges: codes, patients, and the documented wrong gains, on written and on original headers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from ecground.corpora import cinc
from ecground.errors import CorruptInputError, NotFoundError, UsageError
from ecground.record import Patient

needs_data = pytest.mark.skipif(not os.environ.get("ECGROUND_DATA"), reason="ECGROUND_DATA is not set")
SAID = ("Age: 74", "Sex: Male", "Dx: 59118001,164889003,,59118001,", "Rx: Unknown")


def test_labels_person_rate_and_files_without_reading_samples(tmp_path, twelve, write_wfdb):
    path = write_wfdb(tmp_path / "training" / "georgia" / "g1" / "E00001", twelve(5000, 500), comments=SAID, mat=True)
    path.with_suffix(".mat").unlink()
    (case,) = cinc.cases(tmp_path)
    assert (case.corpus, case.id, case.label_system, case.fs) == ("cinc", "E00001", "snomed", 500.0)
    assert case.labels == ("59118001", "164889003")
    assert case.person == Patient(74, "M")
    assert case.files == (path, path.with_suffix(".mat"))
    assert case.defects == ("empty, repeated or unreadable codes in the Dx list",)
    assert case.terms.licence == "CC BY 4.0"
    with pytest.raises(NotFoundError):
        _ = case.record


@pytest.mark.parametrize(("age", "sex", "person"), [
    ("NaN", "NaN", Patient()), ("-1", "Unknown", Patient()), ("300", "F", Patient(90, "F")),
    ("6", "Female", Patient(6, "F"))])
def test_quirks_of_age_and_sex(tmp_path, twelve, write_wfdb, age, sex, person):
    write_wfdb(tmp_path / "JS00001", twelve(500, 500), comments=(f"Age: {age}", f"Sex: {sex}", "Dx: 426177001"))
    (case,) = cinc.cases(tmp_path)
    assert case.person == person
    assert case.record.patient == person


@pytest.mark.parametrize(("record", "said"), [("E00017", 4880.0), ("S0001", 2_000_000.0), ("HR00001", 200.0)])
def test_the_documented_wrong_gain_is_corrected(tmp_path, twelve, write_wfdb, record, said):
    signal = twelve(2000, 500)
    write_wfdb(tmp_path / record, signal, said=said, mat=True)
    (case,) = cinc.cases(tmp_path)
    found = case.record
    np.testing.assert_allclose(found.signal, signal, atol=0.0011)
    assert found.provenance.calibrated
    assert any("known error" in note for note in found.provenance.notes)
    assert set(found.provenance.gain.values()) == {"1000 adu/mV (documented)"}
    assert any("known error" in text for text in case.defects)


def test_the_same_gain_elsewhere_is_believed(tmp_path, twelve, write_wfdb):
    """4880 is Georgia's error, not CPSC's: samples that fit it keep their header's scale."""
    signal = twelve(2000, 500)
    write_wfdb(tmp_path / "A0001", signal, gain=4880.0)
    (case,) = cinc.cases(tmp_path)
    np.testing.assert_allclose(case.record.signal, signal, atol=0.0011)
    assert case.record.provenance.calibrated
    assert case.defects == ()


@pytest.mark.parametrize(("said", "factor"), [(100_000.0, 0.01), (20.0, 50.0)])
def test_impossible_amplitudes_are_withheld_not_rescaled(tmp_path, twelve, write_wfdb, said, factor):
    signal = twelve(2000, 500)
    write_wfdb(tmp_path / "E00002", signal, said=said)
    (case,) = cinc.cases(tmp_path)
    record = case.record
    assert not record.provenance.calibrated
    np.testing.assert_allclose(record.signal, signal * factor, rtol=0.05, atol=0.002 * factor * 10)
    assert any("amplitudes are withheld" in note for note in record.provenance.notes)


def test_a_documented_gain_whose_correction_is_impossible_is_withheld(tmp_path, twelve, write_wfdb):
    write_wfdb(tmp_path / "HR00001", twelve(2000, 500) * 0.02, said=200.0)
    (case,) = cinc.cases(tmp_path)
    assert not case.record.provenance.calibrated


def test_sources_and_unreadable_headers(tmp_path, twelve, write_wfdb):
    for name in ("A0001", "Q0400", "I0001", "S0001", "E00001", "JS00001", "other"):
        write_wfdb(tmp_path / name, twelve(500, 500))
    (tmp_path / "JS00002.hea").write_text("no header\n")
    found = {case.id: case for case in cinc.cases(tmp_path)}
    assert list(found) == ["A0001", "E00001", "I0001", "JS00001", "JS00002", "Q0400", "S0001"]
    assert [case.id for case in cinc.cases(tmp_path, source="georgia")] == ["E00001"]
    assert found["I0001"].terms.licence == "ODC-By 1.0"
    assert any("patient" in text for text in found["S0001"].defects)
    assert "constant in all leads" in found["Q0400"].defects
    assert found["JS00002"].defects == ("the header cannot be read",)
    with pytest.raises(CorruptInputError):
        _ = found["JS00002"].record


def test_wrong_calls(tmp_path):
    with pytest.raises(UsageError):
        list(cinc.cases(tmp_path, source="nope"))
    with pytest.raises(NotFoundError):
        list(cinc.cases(tmp_path))


@needs_data
def test_original_headers(tmp_path):
    """Early headers of Georgia say 4880 for the same samples and checksums: read as 1000 they give today's record."""
    original = Path(os.environ["ECGROUND_DATA"]) / "formats" / "wfdb" / "cinc2021"
    cases = {case.id: case for case in cinc.cases(original)}
    assert {name: case.labels for name, case in cases.items()} == {
        "A0001": ("59118001",), "E00001": ("426783006",), "JS00002": ("426177001", "164934002"),
        "Q0001": ("164867002", "427084000")}
    assert [cases[name].person for name in ("E00001", "JS00002")] == [Patient(None, "F"), Patient(59, "F")]
    assert all(case.record.provenance.calibrated for case in cases.values())
    early = tmp_path / "E00001.hea"
    early.write_text((original / "E00001.hea").read_text().replace("1000/mV", "4880/mV"))
    shutil.copy(original / "E00001.mat", tmp_path)
    (case,) = cinc.cases(tmp_path)
    np.testing.assert_allclose(case.record.signal, cases["E00001"].record.signal, rtol=1e-5)


@needs_data
def test_samples_of_ptb_are_microvolt():
    """Outside truth for 1000 adu/mV: the same recording in the PTB Diagnostic ECG Database itself."""
    from ecground.corpora import pack

    root = Path(os.environ["ECGROUND_DATA"])
    ours = next(case for case in pack.cases(root, "cinc2021_mixed") if case.id == "S0001").record
    theirs = next(case for case in pack.cases(root, "misc_rhythm") if case.id == "ptb_s0010_re").record
    for lead in ("I", "II", "V2"):
        slope = np.polyfit(theirs.lead(lead)[:38400], ours.lead(lead)[:38400], 1)[0]
        assert slope == pytest.approx(1, abs=0.005)
