"""`import ecground` is quick and brings no heavy library."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "matplotlib", "scipy", "wfdb", "pydicom", "pandas", "pyarrow", "onnxruntime", "typer", "rich")
SECONDS = 0.3
PROBE = """
import sys, time
start = time.perf_counter()
import ecground
print(time.perf_counter() - start, *sorted({name.split(".")[0] for name in sys.modules}))
"""


def probe(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()


def test_import_is_quick_and_light():
    runs = [probe(PROBE) for _ in range(5)]
    loaded = set(runs[0][1:])
    assert "ecground" in loaded
    assert not loaded & set(HEAVY)
    assert min(float(run[0]) for run in runs) < SECONDS


@pytest.mark.parametrize("module", ["record", "interpret", "signal.beats", "report.json"])
def test_the_nouns_bring_no_framework(module):
    loaded = probe(f"import sys, ecground.{module}; print(*sys.modules)")
    assert f"ecground.{module}" in loaded
    assert not set(loaded) & {"torch", "matplotlib", "wfdb", "pydicom", "pandas", "pyarrow", "onnxruntime"}


def test_the_command_line_starts_without_the_analysis():
    loaded = probe("import sys, ecground.cli.app; print(*sys.modules)")
    assert not set(loaded) & {"torch", "matplotlib", "scipy", "wfdb", "pydicom", "pandas", "pyarrow", "onnxruntime"}
