"""`pages build`: whole data sets from the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecground.cli.pages import app
from ecground.errors import UsageError

FEW = ["--count", "4", "--shard-size", "1", "--layout", "3x1", "--dpi", "80", "--plain", "-q"]
RUN = [sys.executable, "-c", "from ecground.cli.pages import app; app()"]


def build(*arguments: str | Path):
    return CliRunner().invoke(app, ["build", *map(str, arguments)], catch_exceptions=True)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A data set of four simulated recordings."""
    folder = tmp_path_factory.mktemp("pages") / "set"
    result = build("digitization", "--out", folder, *FEW)
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert printed["records"] == printed["samples"] == 4 and printed["failed"] == 0 and printed["shards"] == 4
    return folder


def test_the_manifest_names_every_shard_and_its_hash(whole):
    manifest = json.loads((whole / "manifest.json").read_bytes())
    assert manifest["counts"]["samples"] == 4 and len(manifest["files"]) == 4
    assert "not a medical device" in manifest["settings"]["note"]
    with tarfile.open(whole / "digitization-000002.tar") as archive:
        assert archive.getnames() == ["sim-0-0000002.png", "sim-0-0000002.json"]


def test_two_processes_give_the_same_bytes(whole, tmp_path):
    assert build("digitization", "--out", tmp_path / "two", *FEW, "--jobs", "2").exit_code == 0
    assert content(tmp_path / "two") == content(whole)


def test_a_killed_build_goes_on_to_the_same_bytes(whole, tmp_path):
    cut = tmp_path / "cut"
    child = subprocess.Popen([*RUN, "build", "digitization", "--out", str(cut), *FEW])
    deadline = time.monotonic() + 120
    while not (cut / "shards" / "000001.json").exists() and time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.01)
    child.kill()
    child.wait()
    assert (cut / "shards" / "000001.json").exists() and not (cut / "manifest.json").exists()
    assert build("digitization", "--out", cut, *FEW, "--resume").exit_code == 0
    assert content(cut) == content(whole)


def test_another_seed_is_another_data_set(whole, tmp_path):
    assert build("digitization", "--out", tmp_path / "other", *FEW, "--seed", "1").exit_code == 0
    assert (tmp_path / "other" / "digitization-000000.tar").read_bytes() != (
        whole / "digitization-000000.tar").read_bytes()
    result = build("digitization", "--out", tmp_path / "other", *FEW, "--seed", "2", "--resume")
    assert isinstance(result.exception, UsageError)


def test_parquet_holds_the_same_samples(whole, tmp_path):
    import pyarrow.parquet as pq

    assert build("digitization", "--out", tmp_path / "set", *FEW, "--form", "parquet").exit_code == 0
    table = pq.read_table(tmp_path / "set" / "digitization-000001.parquet").to_pylist()
    with tarfile.open(whole / "digitization-000001.tar") as archive:
        for suffix in ("png", "json"):
            assert table[0][suffix] == archive.extractfile(f"{table[0]['key']}.{suffix}").read()


def test_a_file_that_cannot_be_read_is_named_and_costs_nothing_else(real_ecg, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(real_ecg, folder / "a.dcm")
    (folder / "b.dcm").write_bytes(b"not an ECG")
    shutil.copy(real_ecg, folder / "c.dcm")
    result = build("digitization", "--source", folder, "--out", tmp_path / "set", "--layout", "3x4", "--dpi", "80",
                   "-q")
    assert result.exit_code == 1
    assert json.loads(result.stdout) | {"note": ""} == {
        "kind": "digitization", "records": 3, "samples": 2, "failed": 1, "shards": 1, "missing": 0, "note": ""}
    (failure,) = map(json.loads, (tmp_path / "set" / "failures.jsonl").read_text().splitlines())
    assert failure["item"] == "b_dcm" and failure["code"] == "unknown_format"


def test_a_collection_gives_its_split_and_labels(real_ecg, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(real_ecg, folder / "a.dcm")
    (folder / "labels.csv").write_text("file,label,patient,split\na.dcm,AF,p1,valid\n")
    assert build("detection", "--source", f"folder:{folder}", "--out", tmp_path / "set", "--dpi", "80",
                 "-q").exit_code == 0
    with tarfile.open(tmp_path / "set" / "detection-000000.tar") as archive:
        (name,) = [name for name in archive.getnames() if name.endswith(".json")]
        about = json.loads(archive.extractfile(name).read())
    assert about["split"] == "valid" and about["labels"] == ["AF"] and about["patient"] == "p1"


@pytest.mark.parametrize(("arguments", "what"), [
    (["portraits"], "no kind"), (["pages", "--photo", "polaroid", "--count", "1"], "no recipe"),
    (["pages", "--layout", "5x5", "--count", "1"], "no layout"), (["pages"], "how many"),
    (["pages", "--source", "nowhere"], "no folder"),
])
def test_wrong_calls_are_usage_errors(tmp_path, arguments, what):
    result = build(*arguments, "--out", tmp_path / "set")
    assert isinstance(result.exception, UsageError) and what in str(result.exception)
    assert not (tmp_path / "set").exists()
