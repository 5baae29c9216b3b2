"""Rewrites what is made from code: docs/schemas, and the picture, the demo output and the table of formats of README.

Run by `make docs`; tests compare the results with what is committed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import ecground
from ecground.cli.about import formats_markdown
from ecground.report.contracts import KINDS
from ecground.report.schema import schema

__all__ = ["demo_output", "write_demo", "write_formats", "write_picture", "write_schemas"]

ROOT: Final = Path(__file__).parents[1]
DEMO_BEGIN: Final = "<!-- demo: written by docs/generate.py -->\n"
DEMO_END: Final = "<!-- /demo -->\n"
FORMATS_BEGIN: Final = "<!-- formats: written by docs/generate.py -->\n"
FORMATS_END: Final = "<!-- /formats -->\n"


def write_schemas() -> None:
    """One file a kind."""
    folder = ROOT / "docs" / "schemas"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.schema.json"):
        old.unlink()
    for kind in KINDS:
        text = json.dumps(schema(kind), indent=2, ensure_ascii=False) + "\n"
        (folder / f"{kind}.schema.json").write_text(text, encoding="utf-8", newline="\n")


def write_picture() -> None:
    """The recording of the demo with its waves shaded; the caption is what its interpretation says of the rhythm."""
    sys.path.insert(0, str(ROOT / "docs"))
    from picture import picture

    reading = ecground.interpret(_demo_recording())
    assert reading.delineation is not None
    rhythm = next(line for line in reading.text.splitlines() if "rhythm" in line).split(" (")[0].split(":")[0]
    svg = picture(reading.record, reading.delineation, caption=f"{rhythm.strip()}.")
    (ROOT / "docs" / "interpreted.svg").write_text(svg, encoding="utf-8", newline="\n")


def _demo_recording() -> str:
    from pydicom.data import get_testdata_file

    return str(get_testdata_file("waveform_ecg.dcm", download=False))


def demo_output() -> str:
    """What `make demo` prints for the recording, with the path of the recording shortened to its name."""
    path = _demo_recording()
    command = [sys.executable, "-m", "ecground", "interpret", "--format", "text", path]
    done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8", cwd=ROOT)  # noqa: S603
    return done.stdout.replace(path, Path(path).name)


def write_demo() -> None:
    """Put the demo's output between its two marks in README."""
    _between(DEMO_BEGIN, DEMO_END, f"```text\n{demo_output().rstrip()}\n```\n")


def write_formats() -> None:
    """Put the table of formats between its two marks in README."""
    _between(FORMATS_BEGIN, FORMATS_END, formats_markdown())


def _between(begin: str, end: str, block: str) -> None:
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    head, rest = text.split(begin)
    _, tail = rest.split(end)
    readme.write_text(head + begin + block + end + tail, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_schemas()
    write_picture()
    write_demo()
    write_formats()
