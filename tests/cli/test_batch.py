"""Many recordings in worker processes: order, isolation, time limits, failures, exit codes, resuming."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import ecground


def verdicts(found):
    return {Path(entry["file"]).name: entry["error"] and entry["error"]["code"] for entry in found}


def journalled(out):
    """Names that the journal holds."""
    path = out.with_name(out.name + ".journal")
    lines = path.read_text().splitlines()[1:] if path.exists() else []
    return [line.split('"file": "')[1].split('"')[0] for line in lines if line.endswith("}")]


def test_workers_print_what_one_process_prints(run, moody, objects, tmp_path):
    folder = moody(a=0.3, b="broken", c=0, e=0)
    (folder / "d.txt").write_text("no recording at all")
    alone, together = run("info", folder), run("info", folder, "--jobs", 2, "--failures", tmp_path / "failures")
    assert together.stdout == alone.stdout
    assert together.exit_code == alone.exit_code == 1
    failed = {"b": "corrupt", "d.txt": "unknown_format"}
    assert verdicts(objects(alone.stdout)) == {"a": None, "c": None, "e": None} | failed
    failures = objects(tmp_path / "failures")
    assert {Path(row["file"]).name: row["code"] for row in failures} == failed
    assert set(failures[0]) == {"file", "code", "what", "where", "hint"}


def test_a_crash_costs_one_file(run, moody, objects):
    result = run("info", moody(a=0, b="crash", c=0, d="crash", e=0), "--jobs", 2)
    found = objects(result.stdout)
    assert verdicts(found) == {"a": None, "b": "crashed", "c": None, "d": "crashed", "e": None}
    assert "exit status 9" in found[1]["error"]["what"]
    assert result.exit_code == 1


def test_a_slow_file_is_given_up_and_the_others_do_not_run_away(run, moody, objects, tmp_path, monkeypatch):
    monkeypatch.setenv("MOODY_LOG", str(tmp_path / "log"))
    names = [f"f{number:02}" for number in range(40)]
    folder = moody(**dict.fromkeys(names, 0) | {"f00": 120})
    result = run("info", folder, "--jobs", 2, "--timeout", 6)
    assert verdicts(objects(result.stdout)) == dict.fromkeys(names) | {"f00": "timeout"}
    begun = {name: float(when) for when, name in map(str.split, (tmp_path / "log").read_text().splitlines())}
    assert sum(when < begun["f00"] + 5 for when in begun.values()) <= 16, "results must not pile up behind a slow file"


def test_quiet_is_quiet(run, moody):
    folder = moody(a=0, b="broken")
    assert run("info", folder, "--jobs", 2).stderr.count("in a bad mood") == 1
    result = run("info", folder, "--jobs", 2, "--quiet")
    assert "bad mood" not in result.stderr
    assert result.exit_code == 1


def test_standard_input_reaches_a_worker(run, moody, objects, real_ecg):
    result = run("info", "-", moody(a=0), "--jobs", 2, stdin=real_ecg.read_bytes())
    assert [entry["ok"] for entry in objects(result.stdout)] == [True, True]


def test_an_output_has_the_lines_of_stdout(run, moody, tmp_path):
    folder, out = moody(a=0, b="crash", c=0.01), tmp_path / "out.jsonl"
    printed = run("info", folder, "--jobs", 2)
    kept = run("info", folder, "-o", out)
    assert kept.stdout == ""
    assert kept.exit_code == printed.exit_code == 1
    assert out.read_text() == printed.stdout


def test_resuming_does_only_what_is_open(run, moody, objects, tmp_path, monkeypatch):
    monkeypatch.setenv("MOODY_LOG", str(tmp_path / "log"))
    folder, out, failures = moody(b="broken", c=0, d=0), tmp_path / "in" / "out.jsonl", tmp_path / "failures"
    assert run("info", folder, "-o", out, "--failures", failures).exit_code == 1
    first, told = out.read_bytes(), failures.read_bytes()
    failures.write_bytes(b"half a li")
    again = run("info", folder, "-o", out, "--failures", failures, "--resume")
    assert (out.read_bytes(), failures.read_bytes(), again.exit_code) == (first, told, 1)
    assert len((tmp_path / "log").read_text().splitlines()) == 3

    moody(a=0, b=0.001, d="broken  ")  # a is new, b and d changed
    assert run("info", folder, "-o", out, "--failures", failures, "--resume").exit_code == 1
    assert out.read_bytes().splitlines()[0] == first.splitlines()[1], "what did not change keeps its line"
    assert verdicts(objects(out)) == {"c": None, "a": None, "b": None, "d": "corrupt"}
    assert len(objects(out)) == 4
    assert [Path(row["file"]).name for row in objects(failures)] == ["d"]
    assert len((tmp_path / "log").read_text().splitlines()) == 6


def test_a_file_named_twice_has_two_results_also_when_resumed(run, moody, objects, tmp_path):
    folder, out = moody(a=0), tmp_path / "out.jsonl"
    assert run("info", folder / "a", "-o", out, "--resume").exit_code == 0
    assert run("info", folder / "a", folder / "a", "-o", out, "--resume").exit_code == 0
    assert len(objects(out)) == 2
    assert run("info", folder / "a", folder / "a", "-o", out, "--resume").exit_code == 0
    assert len(objects(out)) == 2


def test_kill_9_loses_nothing_and_doubles_nothing(run, plugin, moody, root, tmp_path, monkeypatch):
    monkeypatch.setenv("MOODY_LOG", str(tmp_path / "log"))
    moods = {f"f{number:03}": 0.06 for number in range(40)}
    folder, out = moody(**moods, f005a="broken"), tmp_path / "out.jsonl"
    unbroken = run("info", folder).stdout
    (tmp_path / "log").unlink()

    path = os.pathsep.join([str(plugin), str(root)])
    call = [sys.executable, "-m", "ecground", "info", str(folder), "--jobs", "2", "-o", str(out)]
    with subprocess.Popen(call, env=os.environ | {"PYTHONPATH": path}, stderr=subprocess.DEVNULL) as process:
        patience = time.monotonic() + 60
        while not journalled(out) and process.poll() is None and time.monotonic() < patience:
            time.sleep(0.02)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    certain = journalled(out)
    assert 0 < len(certain) < len(moods)
    assert psutil.wait_procs(workers, timeout=20)[1] == [], "workers end with their parent"
    with out.open("ab") as file:
        file.write(b'{"schema": "ecground/info/1", "fi')

    assert run("info", folder, "-o", out, "--jobs", 2, "--resume").exit_code == 1
    assert out.read_text() == unbroken
    read = [line.split()[1] for line in (tmp_path / "log").read_text().splitlines()]
    assert all(read.count(Path(name).name) == 1 for name in certain), "what is certain is not done again"


def test_exit_codes_and_their_memory(run, moody, tmp_path):
    folder = moody(a=0)
    for name in ("x.hea", "y.hea"):
        (folder / name).write_text(f"{name[0]} 0 500 0\n")
    refused = [folder / "x.hea", folder / "y.hea"]
    for resume in ([], ["--resume"]):
        assert run("info", *refused, "-o", tmp_path / "refused", *resume).exit_code == 3
        assert run("info", folder, "-o", tmp_path / "some", *resume).exit_code == 1
    assert run("info", folder / "a", "--jobs", 2).exit_code == 0
    assert run("info", *refused, "--jobs", 2).exit_code == 3


@pytest.mark.parametrize("arguments", [
    ["--resume"], ["--jobs", "0"], ["--timeout", "0"], ["--format", "text", "-o", "x"],
    ["-", "--resume", "-o", "x"], ["-", "--files-from", "-"], ["-o", "x", "--failures", "x"],
])
def test_a_wrong_call_says_so(run, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("info", "some.hea", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr
    assert list(tmp_path.iterdir()) == []


def test_one_file_gives_one_document(run, moody, objects, tmp_path):
    out = tmp_path / "a.json"
    folder = moody(a=0, b="broken")
    assert run("info", folder / "b", "-o", out).exit_code == 1
    assert run("info", folder / "a", "-o", out).exit_code == 0
    assert verdicts(objects(out)) == {"a": None}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "in"]


def test_check_judges_one_report_against_many(run, moody, objects, tmp_path):
    (tmp_path / "report.txt").write_text("Sinus rhythm.")
    result = run("check", moody(a="broken", b="broken"), "--text-file", tmp_path / "report.txt", "--jobs", 2)
    assert verdicts(objects(result.stdout)) == {"a": "corrupt", "b": "corrupt"}
    result = run("check", moody(a=0, b=0), "--text-file", tmp_path / "none.txt")
    assert verdicts(objects(result.stdout)) == {"a": "not_found", "b": "not_found"}


def test_tables_are_made_by_workers_too(run, moody, real_ecg, tmp_path):
    import pyarrow.parquet as pq

    out = tmp_path / "all.parquet"
    result = run("measure", real_ecg, moody(a="crash"), "--format", "parquet", "-o", out, "--jobs", 2)
    assert result.exit_code == 1
    assert set(pq.read_table(out)["record"].to_pylist()) == {str(real_ecg)}
    assert run("measure", real_ecg, "--format", "parquet", "-o", out, "--resume").exit_code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_bar_is_drawn_for_a_person_only(moody, plugin, root):
    import pty

    folder = moody(Jane_Doe=0, b="broken", c=0)
    path = os.pathsep.join([str(plugin), str(root)])
    environment = os.environ | {"PYTHONPATH": path, "TERM": "xterm", "COLUMNS": "100"}
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-m", "ecground", "info", str(folder)], env=environment,
                          stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        printed = process.stdout.read()
        drawn = b""
        while chunk := _read(ours):
            drawn += chunk
    os.close(ours)
    assert b"3/3" in drawn
    assert b"1 failed" in drawn
    assert b"Jane" not in drawn
    assert len(printed.splitlines()) >= 3


def _read(terminal):
    """What is left, or nothing once the other side is closed."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("more", [[], ["--failures", "/dev/full"]])
def test_a_full_disk_is_no_traceback(moody, root, more):
    call = [sys.executable, "-m", "ecground", "info", str(moody(a="x", b="x")), *more]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(call, env=os.environ | {"PYTHONPATH": str(root)}, stdout=full, stderr=subprocess.PIPE,
                              text=True, check=False)
    assert done.returncode == 1
    assert "cannot be written (No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_version_of_the_journal_is_that_of_the_package(run, moody, tmp_path):
    folder, out = moody(a=0, b=0), tmp_path / "out"
    run("info", folder, "-o", out)
    head = (tmp_path / "out.journal").read_text().splitlines()[0]
    assert f'"version": "{ecground.__version__}"' in head
