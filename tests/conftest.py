"""Shared by all tests: one thread a process, and tests of training skip, saying so, where PyTorch is not installed."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if find_spec("torch") is None:
        skip = pytest.mark.skip(reason="PyTorch is not installed (make test-train installs it)")
        for item in items:
            if item.get_closest_marker("train"):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def real_ecg() -> Path:
    """The 12-lead DICOM recording (10 s, 1000 Hz) inside the installed pydicom package."""
    from pydicom.data import get_testdata_file

    return Path(str(get_testdata_file("waveform_ecg.dcm", download=False)))
