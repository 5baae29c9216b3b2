"""Every reader that ships passes the suite that authors of plug-ins run."""

from __future__ import annotations

import numpy as np
import pytest

from ecground import write
from ecground.errors import CorruptInputError
from ecground.io import FORMATS, Format, read
from ecground.leads import STANDARD
from ecground.record import Patient, Record
from tests.conformance.check_reader import check_reader


@pytest.fixture
def record():
    """Twelve leads of smooth waves that obey Einthoven's law, 500 Hz, whole microvolts."""
    t = np.arange(5000) / 500
    free = {"I": np.sin(7 * t), "II": 1.2 * np.sin(7 * t + 0.3)}
    free |= {f"V{i}": (0.3 + 0.2 * i) * np.sin(7 * t + i) for i in range(1, 7)}
    one, two = free["I"], free["II"]
    limb = {"III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}
    rows = np.stack([(free | limb)[lead] for lead in STANDARD])
    return Record(np.round(rows, 3).astype(np.float32), 500.0, STANDARD, Patient(58.0, "F"))


@pytest.mark.parametrize(("name", "file"), [
    ("wfdb", "a.hea"), ("csv", "a.csv"), ("npz", "a.npz"), ("dicom", "a.dcm")])
def test_what_we_write_passes(name, file, record, tmp_path):
    write(record, tmp_path / file)
    back = check_reader(name, tmp_path / file, alone=name != "wfdb")
    assert back.leads == record.leads
    assert back.fs == record.fs
    assert np.abs(back.signal - record.signal).max() < 0.003


def test_a_real_file_passes(real_ecg):
    back = check_reader("dicom", real_ecg)
    assert set(back.leads) == set(STANDARD)
    assert back.device.statements


def test_every_format_is_explained():
    assert all(row.name == name and row.description for name, row in FORMATS.items())


def plugin(monkeypatch, reader):
    """A format of three bytes magic, then float32 samples of lead II."""
    row = Format("probe", "a format of this test", lambda source: source.head.startswith(b"PRB"), reader)
    monkeypatch.setitem(FORMATS, "probe", row)


def test_a_plug_in_that_crashes_on_short_files_is_caught(monkeypatch, tmp_path):
    def reader(source):
        samples = np.frombuffer(source.data[4:], "<f4")[None]
        record = Record(samples.copy(), 250.0, ("II",))
        return record.replace(provenance=type(record.provenance)("probe", {"II": "recorded"}))

    plugin(monkeypatch, reader)
    file = tmp_path / "a.prb"
    file.write_bytes(b"PRB0" + np.sin(np.arange(500) / 9).astype("<f4").tobytes())
    assert read(file).n_samples == 500
    with pytest.raises(AssertionError, match="instead of an"):
        check_reader("probe", file)


def test_a_plug_in_with_wrong_units_is_caught(monkeypatch, tmp_path):
    def reader(source):
        if len(source.data) % 4 or len(source.data) < 8:
            raise CorruptInputError("cut short", where=source.name)
        record = Record(np.full((1, 500), 1e6, np.float32), 250.0, ("II",))
        return record.replace(provenance=type(record.provenance)("probe", {"II": "recorded"}))

    plugin(monkeypatch, reader)
    file = tmp_path / "a.prb"
    file.write_bytes(b"PRB0" + bytes(400))
    with pytest.raises(AssertionError, match="millivolt"):
        check_reader("probe", file)
