"""`ecground corpus NAME PATH`: one object for a collection, valid under its schema, and a text for people."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

import ecground
from ecground.cli.app import app
from ecground.record import Patient, Record


@pytest.fixture
def collection(tmp_path):
    """Five rows: two good recordings of one patient in two splits, a broken file, a missing one, one named twice."""
    t = np.arange(2000) / 500
    signal = np.stack([np.sin(6 * t), 0.5 * np.cos(6 * t)]).astype(np.float32)
    for name in ("a", "b"):
        ecground.write(Record(signal, 500.0, ("I", "II"), Patient(61.0, "F")), tmp_path / f"{name}.hea")
    (tmp_path / "c.hea").write_text("c 12 500 5000\n")
    (tmp_path / "labels.csv").write_text("file,label,patient,age,sex,split\n"
                                         "a.hea,AFIB;LBBB,p1,61,F,train\nb.hea,AFIB,p1,62,F,test\n"
                                         "c.hea,,p2,,,test\nd.hea,NORM,p3,20,M,test\na.hea,AFIB,p1,61,F,train\n")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, ["corpus", *map(str, arguments)])


def printed(root, *arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    schema = json.loads((root / "docs" / "schemas" / "corpus.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(found)
    assert found["schema"] == "ecground/corpus/1"
    return found


def test_tables_and_files(collection, root):
    found = printed(root, "folder", collection)
    assert (found["file"], found["checked"], found["cases"], found["patients"]) == (str(collection), False, 5, 3)
    assert found["labels"] == {"AFIB": 3, "LBBB": 1, "NORM": 1}
    assert next(iter(found["labels"])) == "AFIB"
    assert found["splits"] == {"train": 2, "test": 3}
    assert found["sexes"] == {"F": 3, "M": 1, "unknown": 1}
    assert found["ages"] == {"known": 4, "unknown": 1, "minimum": 20, "median": 61, "maximum": 62}
    assert found["unlabelled"] == {"count": 1, "examples": ["c.hea"]}
    assert found["missing"] == {"count": 1, "examples": ["d.hea"]}
    assert found["duplicates"] == {"count": 1, "examples": ["a.hea"]}
    assert found["crossing"] == {"count": 1, "examples": ["b.hea"]}
    assert (found["broken"], found["seconds"], found["uncalibrated"]) == (None, None, None)
    assert found["card"]["verified"] == "not run on the original"


def test_check_reads_every_recording(collection, root):
    found = printed(root, "folder", collection, "--check")
    assert found["checked"]
    assert found["broken"]["count"] == 1
    assert [(row["id"], row["code"]) for row in found["broken"]["examples"]] == [("c.hea", "corrupt")]
    assert found["rates"] == {"500": 3, "unknown": 2}
    assert found["seconds"] == {"known": 3, "unknown": 2, "minimum": 4, "median": 4, "maximum": 4}


def test_text(collection):
    text = run("folder", collection, "--check", "--format", "text").stdout
    for words in ("5 recordings of 3 patients", "AFIB", "files missing      1: d.hea", "cannot be read     1: c.hea (",
                  "duplicate ids      1: a.hea", "patients across    1: b.hea", "esearch use, not a medical device"):
        assert words in text
    assert "not tried" in run("folder", collection, "--format", "text").stdout


def test_patients_that_are_not_named(tmp_path, root):
    (tmp_path / "E00001.hea").write_text("E00001 1 500 2\nE00001.mat 16+24 1000/mV 16 0 0 0 0 I\n#Dx: 426783006\n")
    found = printed(root, "georgia", tmp_path)
    assert (found["patients"], found["crossing"], found["missing"]["count"]) == (None, None, 1)
    assert found["labels"] == {"426783006": 1}
    assert "patients not named" in run("georgia", tmp_path, "--format", "text").stdout


def test_credentialed_data_say_so(tmp_path, root):
    (tmp_path / "record_list.csv").write_text("subject_id,study_id,path\n1,2,files/p1/s2/2\n")
    found = printed(root, "mimic-iv-ecg", tmp_path)
    assert found["credentialed"] == found["cases"] == 1
    assert "not to third parties" in run("mimic-iv-ecg", tmp_path, "--format", "text").stdout


def test_failures(tmp_path):
    result = run("ptbxl", tmp_path)
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["ok"], found["error"]["code"]) == (False, "not_found")
    assert "ptbxl_database.csv" in result.stderr or "scp_statements.csv" in result.stderr
    result = run("nope", tmp_path)
    assert result.exit_code == 2
    assert "brugada" in result.stderr
    assert result.stdout == ""


@pytest.mark.skipif(not os.environ.get("ECGROUND_DATA"), reason="ECGROUND_DATA is not set")
def test_a_real_collection(root):
    """LUDB's part of the data pack and the rest: every patient stays in one split."""
    found = printed(root, "pack", os.environ["ECGROUND_DATA"])
    assert found["cases"] > 3000
    assert (found["crossing"]["count"], found["duplicates"]["count"], found["missing"]["count"]) == (0, 0, 0)
