"""What holds for every de-identified copy: keys, dates, names, refusals, and that a wrong copy is not written."""

from datetime import datetime

import numpy as np
import pytest

from ecground.errors import RefusedError, UsageError
from ecground.io import read, write
from ecground.io.deid import FORMATS, Key, deidentify
from ecground.io.deid.dates import Dates
from ecground.io.deid.vocabulary import is_number, is_statement
from tests.io.planted import recording

KEY = Key(b"0123456789abcdef0123456789abcdef")
START = datetime(2019, 7, 14, 9, 10, 11)


def test_every_format_that_is_written_has_a_table(tmp_path):
    from ecground.io import FORMATS as ALL

    assert {name for name, row in ALL.items() if row.write is not None} <= FORMATS


def test_a_format_without_table_is_refused(tmp_path, monkeypatch):
    import ecground.io.deid as room

    write(recording(), tmp_path / "a.npz")
    monkeypatch.setattr(room, "FORMATS", frozenset({"wfdb"}))
    with pytest.raises(RefusedError):
        deidentify(tmp_path / "a.npz", tmp_path, key=KEY)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_the_same_key_gives_the_same_bytes_and_another_key_others(tmp_path):
    write(recording(start=START), tmp_path / "a.dcm")
    made = []
    for name, key in (("1", KEY), ("2", Key(KEY.secret)), ("3", Key(b"x" * 32))):
        folder = tmp_path / name
        folder.mkdir()
        copy = deidentify(tmp_path / "a.dcm", folder, key=key)
        made.append((copy.file, (folder / copy.file).read_bytes()))
    assert made[0] == made[1]
    assert made[0][0] != made[2][0]
    assert made[0][1] != made[2][1]


def test_one_patient_moves_by_the_same_days_in_every_format(tmp_path):
    import pydicom

    write(recording(start=START), tmp_path / "a.dcm")
    ds = pydicom.dcmread(tmp_path / "a.dcm")
    ds.PatientID = "MRN 0815"
    ds.save_as(tmp_path / "a.dcm")
    write(recording(start=START), tmp_path / "b.hea")
    with (tmp_path / "b.hea").open("a") as file:
        file.write("# Patient ID: mrn 0815\n")
    starts = [read(tmp_path / deidentify(tmp_path / name, tmp_path, key=KEY).file).start for name in ("a.dcm", "b.hea")]
    assert starts[0] == starts[1] != START


def test_the_input_is_never_overwritten(tmp_path):
    write(recording(), tmp_path / "a.npz")
    before = (tmp_path / "a.npz").read_bytes()
    with pytest.raises(UsageError):
        deidentify(tmp_path / "a.npz", tmp_path, key=KEY, keep_name=True)
    assert (tmp_path / "a.npz").read_bytes() == before


def test_a_copy_with_other_samples_is_not_written(tmp_path, monkeypatch):
    import ecground.io.deid as room
    from ecground.errors import InputError

    write(recording(), tmp_path / "a.npz")
    write(recording(n=601), tmp_path / "b.npz")
    wrong = (tmp_path / "b.npz").read_bytes()
    monkeypatch.setitem(room._ONE_FILE, "npz", (".npz", lambda source, key, ledger: wrong))
    with pytest.raises(InputError, match="same samples"):
        deidentify(tmp_path / "a.npz", tmp_path, key=KEY)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def test_a_short_key_is_refused_and_none_is_shown():
    with pytest.raises(UsageError):
        Key(b"short")
    assert "0123456789" not in repr(KEY)


@pytest.mark.parametrize(("said", "moved"), [
    ("20190714", "20180713"), ("20190714091011.123+0200", "20180713091011.123"),
    ("2019-07-14T09:10:11", "2018-07-13T09:10:11"),
    ("07-14-2019", "07-13-2018"), ("14/07/2019 09:10", "13/07/2018 09:10"), ("tomorrow", None), ("20191399", None),
    ("20190714 Smith", None),
])
def test_dates_move_in_their_own_spelling(said, moved):
    assert Dates(-366).text(said) == moved


@pytest.mark.parametrize("text", [
    "Sinus rhythm", "QTc 450 ms, left axis deviation", "MDC_ECG_LEAD_AVF", "ST elevation in V1-V3", "Rate < 50",
])
def test_statements(text):
    assert is_statement(text)


@pytest.mark.parametrize("text", [
    "", "Sinus rhythm, Dr. Miller", "Smith", "12.11.1950", "sinus 12/11/50", "4711", "J. P.", "sinus\0rhythm",
    "7318240037",
    "c2ludXM=", "sinus 3 mar",
])
def test_no_statements(text):
    assert not is_statement(text)


def test_numbers_that_could_identify_are_none():
    assert is_number("-0.0025")
    assert not is_number("7318240")


@pytest.mark.parametrize("suffix", [".edf", ".hea", ".csv", ".npz", ".dcm", ".xml"])
def test_gaps_and_odd_lengths_of_our_own_files_survive(tmp_path, suffix):
    record = recording(start=START, n=613)
    record.signal[1, 300:340] = np.nan
    path = tmp_path / f"a{suffix}"
    write(record, path)
    copy = deidentify(path, tmp_path, key=KEY)
    np.testing.assert_array_equal(read(tmp_path / copy.file).signal, read(path).signal)
    assert np.isnan(read(path).lead("II")).sum() == 40
