"""What every reader owes, for the authors of formats: call `check_reader` with a small sample of your own.

    from tests.conformance.check_reader import check_reader

    def test_my_format(tmp_path):
        check_reader("myformat", Path("sample.xyz"))

It fails with an AssertionError that says which duty is not met.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from ecground import read
from ecground.errors import EcgroundError
from ecground.io import FORMATS, sniff
from ecground.record import Record

__all__ = ["check_reader"]

LARGEST_MV = 100.0
CUTS = (0, 1, 16, 0.1, 0.5, 0.9, -1)


def check_reader(name: str, sample: Path, *, alone: bool = True, damaged: int = 20) -> Record:
    """Check the reader `name` of `ecground.io.FORMATS` on one good file.

    Args:
        name: row of FORMATS that must recognise the sample.
        sample: a good file of that format.
        alone: False when the file needs others beside it (WFDB), so that its bytes are not enough.
        damaged: number of copies with random bytes changed that the reader must survive.

    Returns:
        The record, for further checks of your own.
    """
    assert name in FORMATS, f"{name} is not in FORMATS; register it first"
    assert sniff(sample) == name, f"{sample.name} is taken for {sniff(sample)}"
    record = read(sample)
    _check_record(record, name)
    if alone:
        _check_sources(record, sample)
        _check_damage(sample.read_bytes(), damaged)
    known = read(sample, age=41, sex="F").patient
    assert (known.age, known.sex) == (41, "F"), "age and sex of the caller must win"
    return record


def _check_record(record: Record, name: str) -> None:
    origin = record.provenance
    assert origin.format == name, f"provenance.format is {origin.format!r}"
    assert set(origin.lead_origin) == set(record.leads), "provenance.lead_origin must name every lead, and no other"
    assert record.signal.flags.c_contiguous, "the samples of a lead must lie side by side"
    assert record.n_samples > 0, "a record without samples must be a NoSignalError"
    seen = record.signal[np.isfinite(record.signal)]
    assert seen.size, "a record without a single value must be a NoSignalError"
    assert not np.isinf(record.signal).any(), "what is missing is NaN, never infinite"
    assert not origin.calibrated or np.median(np.abs(seen)) < LARGEST_MV, "samples must be millivolt"


def _same(one: Record, two: Record) -> bool:
    return (one.leads, one.fs, one.patient) == (two.leads, two.fs, two.patient) \
        and np.array_equal(one.signal, two.signal, equal_nan=True)


def _check_sources(record: Record, sample: Path) -> None:
    data = sample.read_bytes()
    assert _same(record, read(str(sample))), "a path as text must give the same record"
    assert _same(record, read(data)), "bytes must give the same record as the path"
    with sample.open("rb") as file:
        assert _same(record, read(file)), "a file object must give the same record as the path"
    assert _same(record, read(io.BytesIO(data))), "a stream in memory must give the same record as the path"


def _check_damage(data: bytes, copies: int) -> None:
    """A damaged file ends in one of our errors, or in a record that is still one; nothing else may come out."""
    for cut in CUTS:
        _survive(data[: cut if isinstance(cut, int) else int(cut * len(data))], f"the first {cut} of the file")
    random = np.random.default_rng(20)
    for copy in range(copies):
        spoilt = np.frombuffer(data, np.uint8).copy()
        # Headers lie at the beginning: half of the damage goes there.
        reach = min(len(spoilt), 2048) if copy % 2 else len(spoilt)
        spoilt[random.integers(0, reach, size=8)] = random.integers(0, 256, size=8)
        _survive(spoilt.tobytes(), f"damaged copy {copy}")


def _survive(data: bytes, what: str) -> None:
    try:
        record = read(data)
    except EcgroundError as error:
        assert error.what, f"{what}: an error must say what is wrong"
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__} instead of an EcgroundError") from error
    else:
        assert record.n_samples > 0, f"{what}: an empty record instead of an error"
