"""README is true: its commands run, its Python runs, its demo output is what the demo prints, its tree exists."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
BLOCKS = {kind: [text for name, text in FENCES if name == kind] for kind in ("console", "python", "text", "")}
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def commands():
    """The `$ ...` lines of all console blocks, in order."""
    lines = [line for block in BLOCKS["console"] for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """This interpreter first on the path, and an `ecground` command even where only the module is importable."""
    folder = tmp_path_factory.mktemp("bin")
    for name, arguments in (("python", ""), ("ecground", " -m ecground")):
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}"{arguments} "$@"\n')
        script.chmod(0o755)
    return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


@pytest.mark.skipif(sys.platform == "win32", reason="the commands are for a POSIX shell")
def test_every_console_command_runs_and_answers(environment, tmp_path):
    asked = [command for command in commands() if not command.startswith("make ")]
    assert len(asked) >= 5
    script = "set -eo pipefail\n" + "\n".join(f"echo '=== {i}'\n{command}" for i, command in enumerate(asked))
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True,
                          check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
    answers = re.split(r"^=== \d+\n", done.stdout, flags=re.MULTILINE)[1:]
    for command, answer in zip(asked, answers, strict=True):
        silent = " > " in command or re.match(r"\w+=", command)
        assert silent or answer.strip(), command


@pytest.mark.parametrize("block", BLOCKS["python"])
def test_every_python_block_runs(block, environment, tmp_path):
    done = subprocess.run([sys.executable, "-W", "error", "-c", block], cwd=tmp_path, env=environment,
                          capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_demo_output_is_real():
    """Words must agree; numbers may differ in their last digits between machines."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    shown, real = BLOCKS["text"][0], generate.demo_output()
    assert NUMBER.sub("0", shown).split() == NUMBER.sub("0", real).split(), "run `make docs`"
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(real), strict=True)
    assert all(float(a) == pytest.approx(float(b), rel=0.1, abs=2.0) for a, b in pairs), "run `make docs`"


def test_every_link_and_picture_is_there():
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(targets) > 5
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_tree_names_what_exists():
    tree = next(block for block in BLOCKS[""] if block.startswith("ecground/"))
    inside = {line.split()[0].rstrip("/") for line in tree.splitlines() if line.startswith("  ")}
    rooms = {path.name for path in (ROOT / "ecground").iterdir() if path.name[0] not in "_." and path.name != "py.typed"
             and (path.suffix == ".py" or any(path.rglob("*.py")))}
    assert inside == rooms


def test_it_says_what_it_is_not():
    assert "not a medical device" in README
