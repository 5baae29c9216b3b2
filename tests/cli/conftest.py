"""Recordings that misbehave on demand, read by a plug-in format that every process finds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ecground.io
from ecground.cli.app import app

PLUGIN = '''
import os, time
import numpy as np
from ecground.errors import CorruptInputError
from ecground.io import Format
from ecground.record import Record

def sniff(source):
    return source.head.startswith(b"\\0MOODY ")

def read(source):
    mood = source.head.split()[1].decode()
    log = os.environ.get("MOODY_LOG")
    if log:
        with open(log, "a") as file:
            file.write(f"{time.time()} {source.name}\\n")
    if mood == "crash":
        os._exit(9)
    if mood == "broken":
        raise CorruptInputError("in a bad mood", where=source.name)
    print("chatter of a library")
    os.write(1, b"chatter of a C library\\n")
    time.sleep(float(mood))
    return Record(np.zeros((1, 500), np.float32), 500.0, ("II",))

FORMAT = Format("moody", "test format", sniff, read)
'''


@pytest.fixture(scope="session")
def plugin(tmp_path_factory) -> Path:
    """A folder to put on the path: an installed package that offers the format."""
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "moody.py").write_text(PLUGIN)
    info = folder / "moody-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: moody\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ecground.formats]\nmoody = moody:FORMAT\n")
    return folder


@pytest.fixture
def moody(tmp_path):
    """Write recordings into a folder: name -> seconds of reading, `crash` or `broken`."""
    def write(**moods):
        folder = tmp_path / "in"
        folder.mkdir(exist_ok=True)
        for name, mood in moods.items():
            (folder / name).write_bytes(f"\0MOODY {mood} ".encode())
        return folder

    return write


@pytest.fixture
def run(plugin, monkeypatch):
    """Call the command line in this process; workers inherit the path."""
    monkeypatch.syspath_prepend(str(plugin))
    ecground.io._load_plugins.cache_clear()
    yield lambda *arguments, stdin=None: CliRunner().invoke(app, [str(a) for a in arguments], input=stdin)
    ecground.io.FORMATS.pop("moody", None)
    ecground.io._load_plugins.cache_clear()


@pytest.fixture
def objects():
    """JSON Lines in text, bytes or a file."""
    def parse(source):
        text = source.read_bytes() if isinstance(source, Path) else source
        return [json.loads(line) for line in text.splitlines()]

    return parse
