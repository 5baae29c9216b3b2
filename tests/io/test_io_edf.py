"""EDF and EDF+: units, channels, gaps, hostile headers, round trips, and the command line on annotations alone."""

from __future__ import annotations

import datetime
import json
import os
import warnings
from pathlib import Path

import edfio
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from ecground.cli.app import app
from ecground.errors import CorruptInputError, EcgroundError, NoSignalError, UnsafeInputError, UsageError
from ecground.io import read, sniff, write
from ecground.record import Patient, Record
from tests.conformance.check_reader import check_reader

ROUNDS = settings(max_examples=80, deadline=3000, derandomize=True, suppress_health_check=list(HealthCheck))
T = np.arange(1000) / 250


def channel(label, *, unit="uV", scale=1000.0, fs=250, transducer="", prefiltering="", limits=None):
    rows = scale * np.sin(2 * np.pi * 1.2 * np.arange(4 * fs) / fs)
    return edfio.EdfSignal(rows, fs, label=label, physical_dimension=unit, transducer_type=transducer,
                           prefiltering=prefiltering, physical_range=limits or (-2 * scale, 2 * scale))


def edf(*signals, **more):
    return edfio.Edf(list(signals), **more).to_bytes()


def patched(data: bytes, at: int, text: str, width: int = 8) -> bytes:
    return data[:at] + text.encode("latin-1").ljust(width) + data[at + width:]


@pytest.mark.parametrize(("unit", "scale"), [("uV", 1000.0), ("mV", 1.0), ("V", 0.001), ("nV", 1e6), ("µV", 1000.0)])
def test_units_become_millivolt(unit, scale):
    data = edf(channel("ECG II", unit="uV" if unit == "µV" else unit, scale=scale))
    data = patched(data, 256 + 16 + 80, unit)
    record = read(data)
    assert (record.leads, record.fs, sniff(data)) == (("II",), 250, "edf")
    np.testing.assert_allclose(record.lead("II"), np.sin(2 * np.pi * 1.2 * T), atol=1e-3)
    assert record.provenance.calibrated


def test_samples_equal_edfio():
    data = edf(channel("ECG I"), channel("EKG V1", scale=800), channel("Lead III", scale=300))
    record, other = read(data), edfio.read_edf(data)
    for name, signal in zip(("I", "V1", "III"), other.signals, strict=True):
        np.testing.assert_allclose(record.lead(name), signal.data / 1000, rtol=1e-6, atol=1e-7)


def test_without_a_unit_amplitudes_are_withheld():
    assert not read(edf(channel("ECG I", unit=""))).provenance.calibrated
    flat = patched(edf(channel("ECG I")), 256 + 16 + 80 + 8, "2000")
    assert not read(patched(flat, 256 + 16 + 80 + 16, "2000")).provenance.calibrated


def test_only_ecg_channels_are_read():
    record = read(edf(channel("EEG C3-A2"), channel("ECG II"), channel("C3"), channel("V2"),
                      channel("Resp", unit="l/s"), channel("EMG chin"), channel("X1", transducer="ECG electrode")))
    assert record.leads == ("II", "V2", "X1")
    assert "EEG C3-A2, C3, Resp, EMG chin" in " ".join(record.provenance.notes)


def test_unlabelled_voltage_is_taken_for_ecg_and_said():
    record = read(edf(channel("CH1"), channel("CH2"), channel("Fp1")))
    assert record.leads == ("CH1", "CH2")
    assert any("no channel is labelled" in note for note in record.provenance.notes)


@pytest.mark.parametrize("signals", [[channel("EEG Fpz-Cz"), channel("O2")], [channel("Resp", unit="l/s")]])
def test_no_ecg_at_all(signals):
    with pytest.raises(NoSignalError, match="is an ECG lead"):
        read(edf(*signals))


def test_channels_of_another_rate_are_left_out():
    record = read(edf(channel("ECG I", fs=500), channel("ECG II", fs=500), channel("ECG V1", fs=250)))
    assert (record.leads[:2], record.fs) == (("I", "II"), 500)
    assert "V1" not in record.leads
    assert any("another sampling rate were left out: ECG V1" in note for note in record.provenance.notes)


def test_filters_patient_and_start():
    patient = edfio.Patient(code="4711", name="Doe", sex="M", birthdate=datetime.date(1950, 6, 1))
    data = edf(channel("ECG I", prefiltering="HP:0.05Hz LP:150Hz N:50Hz"), patient=patient,
               recording=edfio.Recording(startdate=datetime.date(2020, 5, 31)), starttime=datetime.time(5, 6, 7),
               annotations=[edfio.EdfAnnotation(1, None, "Doe moved")])
    record = read(data)
    assert (record.patient, record.start) == (Patient(69.0, "M"), datetime.datetime(2020, 5, 31, 5, 6, 7))
    assert record.provenance.filters == ("high-pass 0.05 Hz", "low-pass 150 Hz", "notch 50 Hz")
    assert "1 annotations of the file were left out" in record.provenance.notes
    assert "Doe" not in repr(record)
    assert "4711" not in repr(record)


def discontinuous(onsets, width=100):
    """EDF+D with one ECG channel, written by hand."""
    fields = [("ECG I", 16), ("EDF Annotations", 16), ("", 80), ("", 80), ("uV", 8), ("", 8), ("-32768", 8), ("-1", 8),
              ("32767", 8), ("1", 8), *[("-32768", 8)] * 2, *[("32767", 8)] * 2, ("", 80), ("", 80), (str(width), 8),
              ("15", 8), ("", 32), ("", 32)]
    head = "0".ljust(8) + "X X X X".ljust(80) + "Startdate X X X X".ljust(80) + "01.01.8501.02.03" + "768".ljust(8) \
        + "EDF+D".ljust(44) + str(len(onsets)).ljust(8) + "0.4".ljust(8) + "2".ljust(4)
    data = (head + "".join(text.ljust(size) for text, size in fields)).encode()
    for k, onset in enumerate(onsets):
        data += np.full(width, 100 * (k + 1), "<i2").tobytes() + f"+{onset}\x14\x14".encode().ljust(30, b"\0")
    return data


def test_gaps_of_a_discontinuous_file():
    record = read(discontinuous([0, 0.4, 2]))
    assert (record.fs, record.n_samples) == (250, 600)
    assert np.isnan(record.lead("I")[200:500]).all()
    np.testing.assert_allclose(record.lead("I")[[0, 150, 550]], [0.1, 0.2, 0.3], atol=1e-6)
    assert any("interrupted" in note for note in record.provenance.notes)


@pytest.mark.parametrize(("onsets", "error"), [
    ([0, 0.2], CorruptInputError), ([5, 0], CorruptInputError), (["x", 1], CorruptInputError),
    ([0, 999999999], UnsafeInputError), ([0, 300000], UnsafeInputError),
])
def test_impossible_times_of_a_discontinuous_file(onsets, error):
    with pytest.raises(error):
        read(discontinuous(onsets))


@pytest.mark.parametrize(("at", "text", "width", "error"), [
    (236, "99999999", 8, CorruptInputError), (236, "-2", 8, CorruptInputError), (236, "0", 8, NoSignalError),
    (236, "x", 8, CorruptInputError), (184, "999", 8, CorruptInputError), (252, "9999", 4, UnsafeInputError),
    (252, "2", 4, CorruptInputError), (244, "nan", 8, CorruptInputError), (244, "-1", 8, CorruptInputError),
    (244, "0", 8, NoSignalError), (244, "1e9", 8, CorruptInputError), (244, "1e-300", 8, CorruptInputError),
    (256 + 16 + 80 + 8 + 32 + 80, "99999999", 8, CorruptInputError),
    (256 + 16 + 80 + 8 + 32 + 80, "0", 8, NoSignalError), (256 + 16 + 80 + 8, "abc", 8, CorruptInputError),
])
def test_headers_that_lie(at, text, width, error):
    with pytest.raises(error):
        read(patched(edf(channel("ECG I")), at, text, width))


def test_an_unknown_number_of_records_is_counted():
    data = edf(channel("ECG I"))
    record = read(patched(data, 236, "-1")[:-100])
    assert 0 < record.n_samples < 1000
    with pytest.raises(CorruptInputError, match="declared"):
        read(data[:-100])


GAP = np.where((T > 1) & (T < 2), np.nan, 9 * np.cos(T * 3))
ROUND = Record(
    signal=np.stack([np.sin(T * 7), GAP, T * 0 + 40]).astype(np.float32),
    fs=250.0, leads=("I", "V1", "MLII"), patient=Patient(63.5, "F"), start=datetime.datetime(2020, 3, 4, 5, 6, 7),
)


@pytest.mark.parametrize("fs", [100.0, 250.0, 257.5, 360.0, 999.5])
@pytest.mark.parametrize("length", [1, 999, 1000])
def test_round_trip(tmp_path, fs, length):
    record = ROUND.replace(fs=fs, signal=ROUND.signal[:, :length].copy())
    lost = write(record, tmp_path / "r.edf")
    back = read(tmp_path / "r.edf")
    assert (back.fs, back.leads, back.patient, back.start) == (fs, record.leads, record.patient, record.start)
    assert back.signal.shape == record.signal.shape
    np.testing.assert_allclose(back.signal, record.signal, atol=0.00501)
    np.testing.assert_allclose(back.lead("I"), record.lead("I"), atol=0.000051)
    assert np.array_equal(np.isnan(back.signal), np.isnan(record.signal))
    assert "rounded" in lost[0]
    assert back.provenance.notes == ()


def test_edfio_reads_what_we_write(tmp_path):
    write(ROUND, tmp_path / "r.edf")
    other = edfio.read_edf(tmp_path / "r.edf")
    assert [signal.label for signal in other.signals] == ["ECG I", "ECG V1", "ECG MLII"]
    assert {signal.physical_dimension for signal in other.signals} == {"uV"}
    np.testing.assert_allclose(other.signals[0].data / 1000, ROUND.lead("I"), atol=0.000051)
    assert any(note.text == "Not recorded@@ECG V1" for note in other.annotations)
    assert other.patient.name == "X"


def test_what_cannot_be_written(tmp_path):
    with pytest.raises(UsageError, match="cannot hold"):
        write(ROUND.replace(fs=1000 / 3.0000001), tmp_path / "r.edf")
    with pytest.raises(UsageError, match=r"3\.2 V"):
        write(ROUND.replace(signal=ROUND.signal * np.float32(1e6)), tmp_path / "r.edf")
    assert list(tmp_path.iterdir()) == []


def test_uncalibrated_stays_uncalibrated(tmp_path):
    source = edf(channel("ECG I", unit=""))
    write(read(source), tmp_path / "r.edf")
    back = read(tmp_path / "r.edf")
    assert not back.provenance.calibrated
    np.testing.assert_allclose(back.signal, read(source).signal, atol=0.06)


def test_the_suite_for_authors_of_readers(tmp_path):
    write(ROUND, tmp_path / "sample.edf")
    check_reader("edf", tmp_path / "sample.edf")


@given(data=st.data())
@ROUNDS
def test_mutated_headers(data):
    spoilt = bytearray(discontinuous([0, 0.4, 2]) if data.draw(st.booleans()) else edf(channel("ECG I")))
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(8, 767))
        spoilt[at] = data.draw(st.sampled_from(b"0123456789 -.+x\0\xff"))
    try:
        record = read(bytes(spoilt[:data.draw(st.integers(200, len(spoilt)))]))
    except EcgroundError as error:
        assert error.what
    else:
        assert record.signal.dtype == np.float32
        assert not np.isinf(record.signal).any()


@pytest.fixture
def only_annotations(tmp_path):
    notes = [edfio.EdfAnnotation(0, 30, "Sleep stage W"), edfio.EdfAnnotation(30, 30, "Sleep stage 1")]
    path = tmp_path / "notes.edf"
    path.write_bytes(edfio.Edf([], annotations=notes).to_bytes())
    return path


def check_no_leads(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = CliRunner().invoke(app, ["info", str(path)])
        text = CliRunner().invoke(app, ["info", "--format", "text", str(path)])
        refused = CliRunner().invoke(app, ["measure", str(path)])
    found = json.loads(shown.stdout)
    assert (shown.exit_code, text.exit_code, refused.exit_code) == (0, 0, 3)
    assert (found["ok"], found["record"]["leads"], found["record"]["n_samples"]) == (True, [], 0)
    assert "annotations and no signals" in found["record"]["notes"][0]
    assert json.loads(refused.stdout)["error"]["code"] == "no_signal"
    assert "holds no ECG samples" in refused.stderr


def test_annotations_alone_have_no_leads_and_cannot_be_measured(only_annotations, tmp_path):
    check_no_leads(only_annotations)
    with pytest.raises(UsageError, match="without leads"):
        write(read(only_annotations), tmp_path / "r.npz")


@pytest.mark.skipif(not os.environ.get("ECGROUND_DATA"), reason="ECGROUND_DATA is not set")
def test_the_packs_files():
    folder = Path(os.environ["ECGROUND_DATA"]) / "formats" / "edf"
    record, other = read(folder / "cardio_sample.edf"), edfio.read_edf(folder / "cardio_sample.edf")
    assert (record.leads, record.fs) == (("ECG",), 300)
    np.testing.assert_allclose(record.signal[0], other.signals[0].data, rtol=1e-6)
    check_no_leads(folder / "wfdb_test_edfann.edf")
