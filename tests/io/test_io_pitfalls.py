"""What goes wrong when ECG files are read, and the test that holds it. The tests without a file are in this one.

| pitfall | test |
|---|---|
| a padding of zero takes honest zeros away | test_io_dicom.py::test_padding_is_missing_but_zero_padding_is_not |
| leads in another order (aECG, SCP; aVF before aVL in MIMIC-IV-ECG; alphabetical) | test_leads_go_by_their_names |
| leads that were never recorded taken for recorded ones | test_io_wfdb.py::test_derived_leads_are_filled_and_said |
| eight leads stored, twelve meant | test_io_xml_vendors.py::test_muse_eight_leads_become_twelve |
| swapped names or wrong units show in I + III - II | test_swapped_names_are_noticed_in_every_format |
| the step in microvolt differs from file to file, and lead to lead | test_every_step_comes_from_the_file |
| sensitivity without correction factor or baseline | test_io_dicom.py::test_scale_baseline_and_correction |
| a unit guessed from the range of the numbers | test_without_a_unit_no_range_makes_it_millivolt |
| 10 s at 500 Hz taken for granted | test_rate_and_length_are_those_of_the_file |
| the calibration pulse at the end of Philips' 11 s | test_io_xml_vendors.py::test_sierra_calibration_pulse_is_cut_off |
| a median beat taken for the rhythm, in DICOM | test_io_dicom.py::test_rhythm_group_wins_over_median_and_derived |
| the same in aECG | test_io_xml_aecg.py::test_aecg_rhythm_before_beat |
| the same in MUSE | test_io_xml_vendors.py::test_muse_median_only_when_there_is_no_rhythm |
| the same in Schiller | test_io_xml_vendors.py::test_schiller_unknown_date_units_and_average_only |
| the same in CardioSoft | test_io_xml_vendors.py::test_cardiosoft_strip_within_and_beat_alone |
| SCP-ECG: the averaged beat was subtracted | test_io_scp.py::test_the_averaged_beat_is_added_back |
| a high-pass at 0.5 Hz changes ST: filters are kept | test_filters_of_the_file_are_kept |
| sentinels read as voltages | test_a_lead_of_one_sentinel_is_missing |
| sentinels among the device's measurements | test_io_scp.py::test_what_was_not_measured_is_left_out |
| LUDB: every lead normalised by itself | test_io_wfdb.py::test_checksum_sentinel_and_normalised_leads_are_said |
| Georgia and PTB in CinC: wrong gains in headers | test_corpora_cinc.py::test_the_documented_wrong_gain_is_corrected |
| EDF channels that are no ECG | test_io_edf.py::test_only_ecg_channels_are_read |
| several sampling rates in one file | test_io_wfdb.py::test_several_rates_come_out_at_the_highest |
| XML with entities, DTDs, references | test_io_xml.py::test_attacks |
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from ecground.io import read, write
from ecground.leads import STANDARD
from ecground.record import Provenance, Record
from tests.io import scp_writer as scp
from tests.io.xml_documents import EIGHT, aecg, cardiosoft, counts, muse, rows, said, schiller, sierra, twelve

MIMIC = ("I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6")
SCP = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6", "III", "aVR", "aVL", "aVF")
WRITTEN = ("r.hea", "r.csv", "r.npz", "r.dcm", "r.edf", "r.xml")


def recording(leads=STANDARD, fs=500.0, n=600):
    """Whole microvolts that obey Einthoven's law, with the leads in this order."""
    signal = dict(zip(STANDARD, twelve(n=n) * np.float32(0.001), strict=True))
    return Record(np.stack([signal[lead] for lead in leads]).astype(np.float32), fs, leads,
                  provenance=Provenance(filters=("high-pass 0.5 Hz", "low-pass 40 Hz", "notch 50 Hz")))


def test_the_table_names_tests_that_exist():
    folder = Path(__file__).parent
    named = re.findall(r"\| (?:(\w+\.py)::)?(test_\w+) \|$", __doc__, re.MULTILINE)
    assert len(named) >= 20
    for file, test in named:
        path = next(folder.parent.rglob(file)) if file else Path(__file__)
        assert f"def {test}(" in path.read_text("utf-8"), test


@pytest.mark.parametrize("order", [MIMIC, SCP, tuple(sorted(STANDARD)), STANDARD[::-1]])
@pytest.mark.parametrize("file", WRITTEN)
def test_leads_go_by_their_names(tmp_path, file, order):
    wanted = recording()
    write(recording(order), tmp_path / file)
    record = read(tmp_path / file)
    assert record.leads == STANDARD
    assert set(record.provenance.lead_origin.values()) == {"recorded"}
    np.testing.assert_allclose(record.signal, wanted.signal, atol=6e-4)


@pytest.mark.parametrize("file", WRITTEN)
def test_swapped_names_are_noticed_in_every_format(tmp_path, file):
    good = recording()
    write(good, tmp_path / file)
    assert not said(read(tmp_path / file), "is not zero")
    large = good.replace(signal=good.signal * np.float32(5), leads=("II", "I", *STANDARD[2:]))
    write(large, tmp_path / file)
    assert said(read(tmp_path / file), "I + III - II is not zero")


@pytest.mark.parametrize("step", [1.0, 1.25, 2.5, 4.88, 5.0])
def test_every_step_comes_from_the_file(tmp_path, step):
    table = counts(n=60)
    for data in (muse(rows(EIGHT, table), scale=str(step)), schiller(rows(EIGHT, table), scale=str(step)),
                 aecg(rows(EIGHT, table), scale=str(step)), cardiosoft(rows(EIGHT, table), scale=str(step))):
        np.testing.assert_allclose(read(data).lead("V2"), table[3] * step * 1e-3, rtol=1e-5, atol=1e-6)
    table = twelve(n=60)
    np.testing.assert_allclose(read(sierra(table, resolution=str(step))).lead("V2"), table[7] * step * 1e-3, rtol=1e-5)
    (tmp_path / "r.dat").write_bytes(table[:2].T.astype("<i2").tobytes())
    (tmp_path / "r.hea").write_text(f"r 2 500\nr.dat 16 {1000 / step:.9g}/mV 16 0\nr.dat 16 {1 / step:.9g}/uV 16 0\n")
    record = read(tmp_path / "r.hea")
    np.testing.assert_allclose(record.signal[:2], table[:2] * step * 1e-3, rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-4, 1e-3, 1.0, 1e3])
def test_without_a_unit_no_range_makes_it_millivolt(tmp_path, scale):
    signal = recording().signal[:2] * np.float32(scale)
    np.savez(tmp_path / "r.npz", signal=signal, fs=np.float64(500), leads=np.array(["I", "II"]))
    (tmp_path / "r.csv").write_text("I,II\n" + "".join(f"{a:.8g},{b:.8g}\n" for a, b in signal.T))
    for record in (read(tmp_path / "r.npz"), read(muse(rows(EIGHT, counts(n=60)), unit=""))):
        assert not record.provenance.calibrated
        assert said(record, "withheld")
    np.testing.assert_allclose(read(tmp_path / "r.npz").signal, signal)


@pytest.mark.parametrize("fs", [100.0, 240.0, 250.0, 257.0, 360.0, 400.0, 500.0, 1000.0])
@pytest.mark.parametrize("file", WRITTEN)
def test_rate_and_length_are_those_of_the_file(tmp_path, file, fs):
    n = int(fs * 2.6)
    write(recording(fs=fs, n=n), tmp_path / file)
    record = read(tmp_path / file)
    assert (record.fs, record.n_samples) == (fs, n)


@pytest.mark.parametrize("file", ["r.dcm", "r.edf", "r.npz", "r.xml"])
def test_filters_of_the_file_are_kept(tmp_path, file):
    write(recording(), tmp_path / file)
    assert set(read(tmp_path / file).provenance.filters) == {"high-pass 0.5 Hz", "low-pass 40 Hz", "notch 50 Hz"}


def holding(folder, sentinel):
    """Files of every format in which V4 is one raw number."""
    from edfio import Edf, EdfSignal
    from scipy.io import savemat

    table, whole = counts(n=60), twelve(n=60)
    table[5], whole[9] = sentinel, sentinel
    named = rows(EIGHT, table)
    (folder / "r.dat").write_bytes(table.T.astype("<i2").tobytes())
    (folder / "r.hea").write_text("r 8 500\n" + "".join(f"r.dat 16 1000/mV 16 0 0 0 0 {lead}\n" for lead in EIGHT))
    (folder / "r.csv").write_text("# fs: 500\n# unit: uV\n" + ",".join(EIGHT) + "\n" + "".join(
        ",".join(map(str, row)) + "\n" for row in table.T))
    np.savez(folder / "r.npz", signal=table, fs=np.float64(500), leads=np.array(EIGHT), unit=np.array("uV"))
    savemat(folder / "r.mat", {"ECG": {"sex": "Male", "age": 40, "data": whole * 1.0}})
    Edf([EdfSignal.from_digital(row.astype(np.int16), 60, label=f"ECG {lead}", physical_dimension="uV",
                                physical_range=(-32768, 32767), digital_range=(-32768, 32767))
         for lead, row in named.items()]).write(folder / "r.edf")
    codes = (1, 2, 3, 4, 5, 6, 7, 8)
    return [folder / "r.hea", folder / "r.csv", folder / "r.npz", folder / "r.mat", folder / "r.edf",
            muse(named), schiller(named), aecg(named), cardiosoft(named), sierra(whole, compression="Uncompressed"),
            scp.Ecg(samples=table, codes=codes, coding="none", order=0).bytes()]


@pytest.mark.parametrize("sentinel", [32767, -32768, 29999])
def test_a_lead_of_one_sentinel_is_missing(tmp_path, sentinel):
    for source in holding(tmp_path, sentinel):
        record = read(source)
        assert np.isnan(record.lead("V4")).all(), record.provenance.format
        assert np.isfinite(record.lead("V3")).all(), record.provenance.format
        assert said(record, "not recorded"), record.provenance.format
