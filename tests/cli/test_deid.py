"""`ecground deid`: the report, names, the key, folders, and a run that goes on after a failure."""

import json
import stat

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

from ecground.cli.app import app
from ecground.io import read, write
from ecground.report.schema import schema
from tests.io.planted import Planted, left, recording


def run(*arguments):
    result = CliRunner().invoke(app, ["deid", *map(str, arguments)])
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()], result


@pytest.fixture
def ward(tmp_path):
    """A folder with three recordings, a broken one and names that nobody may learn."""
    planted, folder = Planted(), tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for name in (f"{planted.word()}.dcm", f"sub/{planted.word()}.npz", f"{planted.word()}.hea"):
        write(recording(n=500 + planted.made), folder / name)
    (folder / f"{planted.word()}.scp").write_bytes(b"broken " * 9)
    return folder, planted


def test_a_folder(tmp_path, ward):
    folder, planted = ward
    (tmp_path / "key").write_bytes(b"k" * 32)
    code, rows, result = run(folder, "-o", tmp_path / "out", "--key-file", tmp_path / "key")
    assert code == 1
    assert [row["ok"] for row in rows].count(True) == 3
    for row in rows:
        jsonschema.validate(row, schema("deid"))
        assert row["schema"] == "ecground/deid/1"
    made = sorted((tmp_path / "out").iterdir())
    assert sorted(name for row in rows if row["ok"] for name in row["files"]) == [path.name for path in made]
    assert len(left(planted.words, result.stderr.encode())) == 1
    assert left(planted.words, result.stdout.encode(), *(path.read_bytes() + path.name.encode() for path in made)) == []
    code, again, _ = run(folder, "-o", tmp_path / "out2", "--key-file", tmp_path / "key", "--jobs", 2)
    assert again == rows
    assert [path.read_bytes() for path in made] == [path.read_bytes() for path in sorted((tmp_path / "out2").iterdir())]


def test_a_fresh_key_is_kept_only_where_asked(tmp_path):
    write(recording(), tmp_path / "a.npz")
    first, second = (run(tmp_path / "a.npz", "-o", tmp_path / name)[1][0]["file"] for name in ("1", "2"))
    assert first != second
    assert {path.name for path in tmp_path.iterdir()} == {"a.npz", "1", "2"}
    key = tmp_path / "key"
    made = run(tmp_path / "a.npz", "-o", tmp_path / "3", "--save-key", key)[1][0]["file"]
    assert run(tmp_path / "a.npz", "-o", tmp_path / "4", "--key-file", key)[1][0]["file"] == made
    assert stat.S_IMODE(key.stat().st_mode) & 0o077 == 0
    assert run(tmp_path / "a.npz", "-o", tmp_path / "5", "--save-key", key)[0] != 0


def test_names_are_kept_when_asked(tmp_path):
    write(recording(), tmp_path / "a.npz")
    _, rows, _ = run(tmp_path / "a.npz", "-o", tmp_path / "out", "--keep-names")
    assert rows[0]["file"] == "a.npz"
    np.testing.assert_array_equal(read(tmp_path / "out" / "a.npz").signal, read(tmp_path / "a.npz").signal)
    assert run(tmp_path / "a.npz", "-o", tmp_path / "out", "--keep-names")[0] == 1


def test_copies_never_lie_among_originals(tmp_path):
    write(recording(), tmp_path / "a.npz")
    for out in (tmp_path, tmp_path / "new"):
        assert run(tmp_path, "-o", out)[0] != 0
    assert run(tmp_path / "a.npz", "-o", tmp_path)[0] != 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("arguments", [["-"], [], ["a", "--resume"], ["a", "--resume", "--report", "r"]])
def test_calls_that_make_no_sense(tmp_path, arguments):
    assert run(*arguments, "-o", tmp_path / "out")[0] == 2


def test_a_run_goes_on(tmp_path, ward):
    folder, planted = ward
    (tmp_path / "key").write_bytes(b"k" * 32)
    call = (folder, "-o", tmp_path / "out", "--key-file", tmp_path / "key", "--report", tmp_path / "r.jsonl")
    run(*call)
    whole = (tmp_path / "r.jsonl").read_bytes()
    for path in (tmp_path / "out").iterdir():
        path.unlink()
    assert run(*call, "--resume")[0] == 1
    assert (tmp_path / "r.jsonl").read_bytes() == whole
    assert list((tmp_path / "out").iterdir()) == []
    assert left(planted.words, whole) == []


def test_text(tmp_path):
    write(recording(), tmp_path / "a.npz")
    result = CliRunner().invoke(
        app, ["deid", str(tmp_path / "a.npz"), "-o", str(tmp_path / "out"), "--format", "text"])
    assert "not a medical device" in result.stdout
    assert "a.npz" not in result.stdout
