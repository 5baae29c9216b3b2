"""The rules of docs/json.md that hold for every command: objects, streams, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import ecground
from ecground.cli.app import app
from ecground.record import Patient, Record


@pytest.fixture
def run():
    """Call the command line in this process: exit code, stdout, stderr."""
    return lambda *arguments, stdin=None: CliRunner().invoke(app, [str(a) for a in arguments], input=stdin)


@pytest.fixture
def ecg(tmp_path):
    """A small calibrated two-lead file; `info` does no analysis, so any samples do."""
    t = np.arange(2000) / 500
    signal = np.stack([np.sin(6 * t), 0.5 * np.cos(6 * t)]).astype(np.float32)
    ecground.write(Record(signal, 500.0, ("I", "II"), Patient(61.0, "F")), tmp_path / "a.hea")
    return tmp_path / "a.hea"


@pytest.fixture
def empty(tmp_path):
    """A WFDB record without signals: readable, but nothing to interpret."""
    file = tmp_path / "empty.hea"
    file.write_text("empty 0 500 0\n")
    return file


@pytest.fixture
def broken(tmp_path):
    file = tmp_path / "broken.bin"
    file.write_bytes(b"\x00\x01no recording at all")
    return file


def objects(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_one_file_is_one_object(run, ecg):
    result = run("info", ecg)
    found, = objects(result)
    assert result.exit_code == 0
    assert list(found)[:4] == ["schema", "file", "ok", "error"]
    assert (found["schema"], found["file"], found["ok"], found["error"]) == ("ecground/info/1", str(ecg), True, None)
    assert found["record"]["fs"] == 500.0
    assert result.stderr == ""


def test_several_files_are_lines_in_their_order(run, ecg, broken, tmp_path):
    missing = tmp_path / "none.hea"
    result = run("info", broken, ecg, missing)
    found = objects(result)
    assert result.exit_code == 1
    assert [entry["file"] for entry in found] == [str(broken), str(ecg), str(missing)]
    assert [entry["ok"] for entry in found] == [False, True, False]
    assert [entry["error"] and entry["error"]["code"] for entry in found] == ["unknown_format", None, "not_found"]
    assert all(set(entry["error"]) == {"code", "what", "where", "hint"} for entry in found if entry["error"])
    assert len(result.stderr.splitlines()) == 2


def test_a_folder_counts_a_wfdb_record_once(run, ecg):
    result = run("info", ecg.parent)
    assert [entry["file"] for entry in objects(result)] == [str(ecg)]
    assert result.exit_code == 0


def test_exit_3_needs_every_file_refused(run, ecg, empty, broken):
    assert run("info", empty).exit_code == 3
    assert objects(run("info", empty))[0]["error"]["code"] == "no_signal"
    assert run("info", empty, empty).exit_code == 3
    assert run("info", empty, ecg).exit_code == 1
    assert run("info", empty, broken).exit_code == 1


@pytest.mark.parametrize("arguments", [
    ["info"], ["nonsense"], ["info", "--age", "old", "x"], ["info", "--age", "400", "x"], ["info", "--sex", "Q", "x"],
    ["info", "--format", "pdf", "x"], ["info", "--json", "--format", "text", "x"], ["check", "x"],
    ["check", "x", "--text", "a", "--text-file", "b"], ["check", "-", "--text-file", "-"], ["compare", "x"],
    ["schema", "nonsense"],
])
def test_a_wrong_call_prints_nothing_on_stdout(run, arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr


def test_age_and_sex_override_the_file(run, ecg):
    patient = objects(run("info", ecg, "--age", "44", "--sex", "m"))[0]["record"]["patient"]
    assert patient == {"age": 44.0, "sex": "M"}
    assert objects(run("info", ecg))[0]["record"]["patient"] == {"age": 61.0, "sex": "F"}


def test_standard_input_is_a_file(run, tmp_path):
    from ecground import write

    file = tmp_path / "x.npz"
    write(Record(np.ones((1, 900), np.float32), 300.0, ("II",)), file)
    found, = objects(run("info", "-", stdin=file.read_bytes()))
    assert (found["file"], found["ok"], found["record"]["n_samples"]) == ("-", True, 900)


def test_text_is_for_people(run, ecg):
    result = run("info", "--format", "text", ecg)
    assert "6 leads, 4 s at 500 Hz" in result.stdout
    assert "{" not in result.stdout


def test_a_defect_in_one_file_does_not_lose_the_others(run, ecg, monkeypatch, tmp_path):
    real = ecground.read
    bad = tmp_path / "bad.dcm"
    bad.write_bytes(b"anything")

    def failing(source, **known):
        if "bad" in str(source):
            print("chatter of a library")
            raise ZeroDivisionError("Jane Doe")
        return real(source, **known)

    monkeypatch.setattr("ecground.io.read", failing)
    result = run("info", bad, ecg)
    found = objects(result)
    assert [entry["ok"] for entry in found] == [False, True]
    assert found[0]["error"]["code"] == "internal"
    assert result.exit_code == 1
    assert "Jane" not in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert "chatter" in result.stderr


def test_debug_shows_where(run, monkeypatch, ecg):
    monkeypatch.setenv("ECGROUND_DEBUG", "1")
    monkeypatch.setattr("ecground.io.read", lambda source, **known: 1 / 0)
    assert "Traceback" in run("info", ecg).stderr


def test_names_that_are_no_text_stay_valid_json(run, tmp_path):
    if sys.platform != "linux":
        pytest.skip("only Linux has file names that are no text")
    file = tmp_path / os.fsdecode(b"caf\xe9.hea")
    result = run("info", file)
    assert os.fsencode(objects(result)[0]["file"]) == os.fsencode(file)


def test_formats_lists_the_table(run):
    found, = objects(run("formats"))
    assert {"wfdb", "dicom", "csv", "npz"} <= {row["name"] for row in found["formats"]}
    assert (found["file"], found["ok"]) == (None, True)


def test_schema_prints_what_is_published(run, root):
    published = (root / "docs" / "schemas" / "interpret.schema.json").read_text(encoding="utf-8")
    assert json.loads(run("schema", "interpret").stdout) == json.loads(published)


def test_the_module_and_the_version():
    done = subprocess.run([sys.executable, "-m", "ecground", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"ecground {ecground.__version__}"


def test_a_wrong_folder_ends_with_a_word_and_not_with_a_traceback(tmp_path):
    done = subprocess.run([sys.executable, "-m", "ecground", "info", str(tmp_path)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "holds no files" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_early_is_no_crash(ecg):
    command = f'"{sys.executable}" -m ecground info {" ".join([str(ecg)] * 200)} | head -n 1'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr
