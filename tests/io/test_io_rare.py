"""Formats read by ecgdatakit in a child process: a stand-in for that library behaves well, badly, and terribly."""

from __future__ import annotations

import sys
import textwrap
import time

import numpy as np
import pytest

from ecground.errors import CorruptInputError, MissingExtraError, NoSignalError, UnsafeInputError
from ecground.io import FORMATS, read, sniff
from ecground.io.rare import RARE, Limits, read_rare
from ecground.io.source import Source

MFER = b"\x40\x20MFR " + b"Standard 12 leads" + bytes(40)
ISHNE = b"ISHNE1.0" + bytes(600)
MORTARA = b'<?xml version="1.0"?>\n<ECG ID="x" ACQUISITION_TIME="20200102030405"><CHANNEL/></ECG>'
EDAN = b"\0\0\0\0##NEUTRAL HOLTER RECORDING##" + bytes(600)

STAND_IN = """
    from types import SimpleNamespace as N
    import numpy as np

    class Lead(N):
        def to_physical(self):
            return Lead(samples=self.samples * self.resolution + self.offset, units=self.resolution_unit)

    def lead(label, samples, rate=250, unit="uV", resolution=5.0):
        return Lead(label=label, samples=np.asarray(samples, float), sampling_rate=rate, is_raw=True, units="",
                    resolution=resolution, resolution_unit=unit, offset=0.0)

    def record(parser, leads):
        names = ("heart_rate", "rr_interval", "pr_interval", "qrs_duration", "qt_interval", "qtc_bazett",
                 "qtc_fridericia", "p_axis", "qrs_axis", "t_axis")
        return N(
            source_format=parser, leads=leads,
            patient=N(age=63, sex="F", first_name="Jane", last_name="Doe", patient_id="4711"),
            recording=N(acquisition=N(filters=N(highpass=0.05, lowpass=150.0, notch=50.0, notch_active=False))),
            interpretation=N(statements=[("Sinus rhythm", ""), ("Normal", "ECG")]),
            measurements=N(**{name: None for name in names} | {"pr_interval": 160, "heart_rate": 72}),
        )

    class FileParser:
        @staticmethod
        def parse(path):
            data = open(path, "rb").read()
            %s
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Puts a module `ecgdatakit` with the given body of `parse` on the child's path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))

    def install(body, prologue=""):
        indented = textwrap.indent(textwrap.dedent(body), " " * 12).strip()
        (folder / "ecgdatakit.py").write_text(prologue + textwrap.dedent(STAND_IN % indented))

    return install


GOOD = 'return record("mfer", [lead("Lead I", range(100)), lead("V1", range(0, 300, 3))])'


def test_success(stand_in):
    stand_in(GOOD)
    record = read(MFER)
    assert (record.leads, record.fs, record.patient.age, record.patient.sex) == (("I", "V1"), 250, 63, "F")
    np.testing.assert_allclose(record.lead("I"), np.arange(100) * 0.005, atol=1e-6)
    np.testing.assert_allclose(record.lead("V1"), np.arange(0, 300, 3) * 0.005, atol=1e-6)
    assert record.provenance.format == "mfer"
    assert record.provenance.gain["I"] == "5 uV a step, offset 0"
    assert record.provenance.filters == ("high-pass 0.05 Hz", "low-pass 150 Hz")
    assert record.provenance.notes[0].startswith("unverified")
    assert record.device.statements == ("Sinus rhythm", "Normal ECG")
    assert {(m.name, m.value, m.unit) for m in record.device.measurements} == {
        ("pr_ms", 160, "ms"), ("hr_bpm", 72, "1/min")}
    assert not any(word in repr(record) for word in ("Jane", "Doe", "4711"))


def test_leads_of_another_rate_and_without_a_unit(stand_in):
    stand_in('return record("ishne_holter", [lead("I", range(9), unit=""), lead("II", range(9), unit=""), '
             'lead("V1", range(99), rate=1000)])')
    record = read(ISHNE)
    assert record.leads[:2] == ("I", "II")
    assert not record.provenance.calibrated
    assert any("another sampling rate" in note for note in record.provenance.notes)


@pytest.mark.parametrize(("body", "error", "words"), [
    ("raise ValueError('patient Doe')", CorruptInputError, "cannot read"),
    ("import os; os._exit(7)", CorruptInputError, "exit status 7"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", CorruptInputError, "crashed"),
    ("import os; os._exit(0)", CorruptInputError, "crashed"),
    ('return record("mfer", [])', NoSignalError, "no ECG samples"),
    ('return record("edf", [lead("I", range(9))])', CorruptInputError, "another format"),
    ('return record("mfer", [lead("I", range(9), rate=-5)])', CorruptInputError, "sampling rate"),
    ('return record("mfer", [lead("Resp", range(9))])', NoSignalError, "no ECG samples"),
])
def test_failures_are_our_errors(stand_in, body, error, words):
    stand_in(body)
    with pytest.raises(error, match=words) as caught:
        read(MFER)
    assert "Doe" not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on memory there")
def test_a_memory_hog_is_stopped(stand_in):
    stand_in("hog = [bytearray(b'x') * (64 << 20) for _ in range(1000)]")
    with pytest.raises(UnsafeInputError, match="1024 MiB"):
        read_rare("mfer", Source(MFER), limits=Limits(memory_bytes=1 << 30))


@pytest.mark.parametrize("body", ["import time; time.sleep(600)", "while True: pass"])
def test_a_hang_is_stopped(stand_in, body):
    stand_in(body)
    start = time.monotonic()
    with pytest.raises(UnsafeInputError, match="more than 2 s"):
        read_rare("mfer", Source(MFER), limits=Limits(seconds=2))
    assert time.monotonic() - start < 30


def test_too_large_an_input_is_not_even_handed_on(stand_in):
    stand_in(GOOD)
    with pytest.raises(UnsafeInputError, match="more than 10 bytes"):
        read_rare("mfer", Source(MFER), limits=Limits(input_bytes=10))


def test_a_missing_extra_says_how_to_install_it(stand_in):
    stand_in(GOOD, prologue="raise ImportError\n")
    with pytest.raises(MissingExtraError, match=r"pip install .ecground\[rare\]"):
        read(MFER)


def test_what_the_child_hands_back_is_not_trusted(stand_in):
    for meta, error, words in (
        ('json.dumps({"parser": "mfer", "leads": [{"label": "I"}]})', CorruptInputError, "another structure"),
        ('json.dumps([])', CorruptInputError, "another structure"), ('"{"', CorruptInputError, "JSON"),
        ('[object()]', UnsafeInputError, "pickle"),
    ):
        stand_in(f"import json, os, sys; np.savez(sys.argv[2], meta=np.array({meta})); os._exit(0)")
        with pytest.raises(error, match=words):
            read(MFER)


def test_the_child_sees_none_of_our_environment(stand_in, monkeypatch):
    monkeypatch.setenv("ECGROUND_SECRET", "1")
    stand_in("import os; assert 'ECGROUND_SECRET' not in os.environ; " + GOOD)
    assert read(MFER).leads == ("I", "V1")


def test_a_module_in_the_current_folder_is_not_imported(stand_in, tmp_path, monkeypatch):
    stand_in(GOOD)
    (tmp_path / "ecgdatakit.py").write_text("raise SystemExit(99)")
    monkeypatch.chdir(tmp_path)
    assert read(MFER).leads == ("I", "V1")


def test_an_edan_pair_goes_together(stand_in, tmp_path):
    stand_in("""
        import pathlib
        assert (pathlib.Path(path).parent / "ecgraw.dat").read_bytes() == b"raw"
        return record("edan_arc", [lead("I", range(9))])
    """)
    for name, content in (("patient.hea", b"\x01\x02" * 40), ("ecgraw.dat", b"raw")):
        (tmp_path / name).write_bytes(content)
    assert sniff(tmp_path / "patient.hea") == sniff(tmp_path / "ecgraw.dat") == "edan"
    assert read(tmp_path / "patient.hea").leads == ("I",)


@pytest.mark.parametrize(("data", "name"), [
    (MFER, "mfer"), (ISHNE, "ishne"), (MORTARA, "mortara"), (EDAN, "edan"),
    (MORTARA.decode().encode("utf-16"), "mortara"),
])
def test_recognised_by_content(data, name):
    assert sniff(data) == name


def test_all_are_listed_as_unverified():
    assert {FORMATS[name].verified for name in RARE} == {0}
    assert all(FORMATS[name].write is None for name in RARE)
