from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from ecground.errors import UsageError
from ecground.paper.datasets.shards import FAILURES, MANIFEST, Failure, Made, build, finish_shard, is_finished


def make(number: int, *, slow: float = 0.0) -> Made:
    time.sleep(slow)
    failures = (Failure(f"toy:{number}", "corrupt", "broken"),) if number == 2 else ()
    return Made({f"part-{number:06d}.txt": f"shard {number}\n".encode() * (number + 1)}, {"records": number}, failures)


def die_once(number: int, *, folder: str) -> Made:
    """Shard 1 kills its process, whoever runs it."""
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return make(number)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_build_holds_its_shards_failures_and_manifest(tmp_path):
    seen = []
    built = build(tmp_path / "set", 4, make, settings={"seed": 1}, on_shard=seen.append)
    assert built.shards == 4 and built.missing == () and built.counts == {"records": 6} and seen == [0, 1, 2, 3]
    assert [json.loads(line) for line in (tmp_path / "set" / FAILURES).read_text().splitlines()] == [
        {"item": "toy:2", "code": "corrupt", "what": "broken"}]
    whole = json.loads((tmp_path / "set" / MANIFEST).read_bytes())
    assert whole["files"]["part-000003.txt"][0] == len(b"shard 3\n") * 4


def test_two_processes_give_the_same_bytes(tmp_path):
    build(tmp_path / "one", 3, make, settings={})
    build(tmp_path / "two", 3, make, settings={}, jobs=2)
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_shards_made_elsewhere_count(tmp_path):
    build(tmp_path / "whole", 3, make, settings={})
    other = tmp_path / "parts"
    other.mkdir()
    (other / "settings.json").write_bytes((tmp_path / "whole" / "settings.json").read_bytes())
    for number in (2, 0, 1):
        finish_shard(other, number, make)
    build(other, 3, make, settings={}, resume=True)
    assert content(other) == content(tmp_path / "whole")


def test_what_is_damaged_or_missing_is_made_again(tmp_path):
    whole = tmp_path / "set"
    build(whole, 4, make, settings={})
    before = content(whole)
    (whole / "part-000001.txt").write_bytes(b"half")
    (whole / "part-000002.txt").unlink()
    (whole / "shards" / "000003.json").write_bytes(b"{")
    assert [is_finished(whole, number) for number in range(4)] == [True, False, False, False]
    build(whole, 4, make, settings={}, resume=True)
    assert content(whole) == before


def test_a_folder_in_use_or_of_other_settings_is_refused(tmp_path):
    build(tmp_path / "set", 2, make, settings={"seed": 1})
    with pytest.raises(UsageError, match="not empty"):
        build(tmp_path / "set", 2, make, settings={"seed": 1})
    with pytest.raises(UsageError, match="other settings"):
        build(tmp_path / "set", 2, make, settings={"seed": 2}, resume=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(UsageError, match="not made by a build"):
        build(tmp_path / "mine", 2, make, settings={}, resume=True)


@pytest.mark.skipif(os.name == "nt", reason="kills a process by its signal")
def test_a_dying_process_costs_its_shard_only(tmp_path):
    built = build(tmp_path / "set", 3, partial(die_once, folder=""), settings={}, jobs=2)
    assert built.missing == (1,) and built.shards == 2
    assert json.loads((tmp_path / "set" / MANIFEST).read_bytes())["missing"] == [1]


@pytest.mark.skipif(os.name == "nt", reason="kills a process by its signal")
def test_kill_9_in_the_middle_loses_nothing(tmp_path, root):
    build(tmp_path / "whole", 6, make, settings={})
    code = ("from functools import partial; from pathlib import Path;"
            "from tests.paper.datasets.test_shards import make; from ecground.paper.datasets.shards import build;"
            f"build(Path({str(tmp_path / 'cut')!r}), 6, partial(make, slow=0.15), settings={{}}, resume=True)")
    child = subprocess.Popen([sys.executable, "-c", code], cwd=root)
    deadline = time.monotonic() + 60
    while not is_finished(tmp_path / "cut", 2) and time.monotonic() < deadline:
        time.sleep(0.02)
    child.kill()
    child.wait()
    assert is_finished(tmp_path / "cut", 2) and not is_finished(tmp_path / "cut", 5)
    build(tmp_path / "cut", 6, make, settings={}, resume=True)
    assert content(tmp_path / "cut") == content(tmp_path / "whole")
