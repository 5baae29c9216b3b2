"""A room imports only rooms above it; PyTorch stays in train/; files stay small and are named from the field."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ecground"
ROOMS = (
    "errors", "safe", "metrics", "weights", "record", "leads", "io", "corpora", "signal", "measure", "knowledge",
    "simulate", "paper", "digitize", "instruct", "encoders", "mllm", "evals", "train", "interpret", "report", "serve",
    "cli", "__main__",
)
FILES = sorted(PACKAGE.rglob("*.py"))
EVERYONES = {"utils", "util", "helpers", "helper", "base", "core", "common", "misc", "tools"}


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(source: str, package: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Line and full name of every module that a file of `package` imports, wherever in the file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*start, *filter(None, [node.module])))
            names = [f"ecground.{name.name}" for name in node.names] if module == "ecground" else [module]
            yield from ((node.lineno, name) for name in names)


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    return imported(path.read_text(encoding="utf-8"), path.parent.relative_to(PACKAGE.parent).parts)


def test_every_room_has_its_place():
    rooms = {path.name.removesuffix(".py") for path in PACKAGE.iterdir()
             if (path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py")))) and path.name != "__init__.py"}
    assert rooms <= set(ROOMS)


def test_a_room_imports_only_rooms_above_it():
    wrong = []
    for path in FILES:
        here = room_of(path)
        for line, module in imports_of(path):
            if here == "__init__" or not module.startswith("ecground.") or module == "ecground.__version__":
                continue
            there = module.split(".")[1]
            if there != here and ROOMS.index(there) > ROOMS.index(here):
                wrong.append(f"{path.relative_to(PACKAGE)}:{line} imports {module}")
    assert not wrong


def test_the_import_reader_sees_every_form():
    source = "from ecground import cli\ndef f():\n    import ecground.report.json\n    from ..knowledge import x\n"
    names = {name for _, name in imported(source, ("ecground", "io"))}
    assert names == {"ecground.cli", "ecground.report.json", "ecground.knowledge"}


def test_pytorch_is_imported_in_train_only():
    users = {room_of(path) for path in FILES for _, module in imports_of(path) if module.split(".")[0] == "torch"}
    assert users <= {"train"}


@pytest.mark.parametrize("folder", ["ecground", "tests", "benchmarks"])
def test_files_are_short_and_named_from_the_field(root, folder):
    for path in (root / folder).rglob("*.py"):
        assert path.stem not in EVERYONES, path
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 500, f"{path} has {lines} lines"


def test_no_tracked_file_names_a_place_outside_the_repository(root):
    git = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False)
    if git.returncode:
        pytest.skip("not a git checkout")
    places = re.compile("(?<![A-Za-z0-9_.])/(?:" + "|".join(("work", "tmp", "home", "root")) + ")/")
    checked = [root / name for name in git.stdout.split("\0") if name and (root / name).suffix not in {".onnx", ".png"}]
    assert len(checked) > 10
    found = {path.name: places.findall(path.read_text(encoding="utf-8", errors="replace"))
             for path in checked if path.is_file()}
    assert {name: places for name, places in found.items() if places} == {}
