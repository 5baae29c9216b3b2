"""Damaged input raises our own errors only, in bounded time; what is written is read back."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ecground.errors import EcgroundError
from ecground.io import read, write
from ecground.io.wfdb.annotations import read_annotations
from ecground.record import Patient, Record

ROUNDS = settings(max_examples=60, deadline=2000, derandomize=True,
                  suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
SIGNALS = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 5), st.integers(2, 60)),
    elements=st.one_of(st.just(np.nan), st.floats(-30, 30, width=32)),
)
LEADS = ("V1", "V4", "V7", "MLII", "X")


def sample_record():
    t = np.arange(400) / 250
    signal = np.stack([np.sin(t * 7), np.cos(t * 5), t]).astype(np.float32)
    return Record(signal=signal, fs=250.0, leads=("I", "V1", "V2"), patient=Patient(50, "M"), comments=("note",))


@pytest.fixture(scope="module", autouse=True)
def slow_imports_done(tmp_path_factory):
    """The deadlines are for reading, not for the import of the libraries underneath."""
    folder = tmp_path_factory.mktemp("warm")
    write(sample_record(), folder / "r.hea")
    read(folder / "r.hea")


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    for name in ("r.hea", "r.csv", "r.npz", "r.dcm"):
        write(sample_record(), folder / name)
    from scipy.io import savemat

    stream = io.BytesIO()
    savemat(stream, {"ECG": {"sex": "Male", "age": 40, "data": np.ones((12, 50))}}, do_compression=True)
    files = {path.suffix: path.read_bytes() for path in folder.iterdir()}
    return files | {".mat": stream.getvalue()}


def mutated(data: bytes, draw) -> bytes:
    kind = draw(st.sampled_from(["cut", "flip", "splice", "grow"]))
    at = draw(st.integers(0, max(len(data) - 1, 0)))
    if kind == "cut":
        return data[:at]
    if kind == "grow":
        return data[:at] + draw(st.binary(min_size=1, max_size=16)) + data[at:]
    if kind == "splice":
        end = draw(st.integers(at, min(at + 64, len(data))))
        return data[:at] + data[end:]
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 8))):
        changed[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(changed)


def survives(source):
    try:
        record = read(source)
    except EcgroundError as error:
        assert error.what
        return
    assert record.signal.dtype == np.float32
    assert len(record.leads) == record.signal.shape[0]


@pytest.mark.parametrize("suffix", [".csv", ".npz", ".dcm", ".mat"])
@given(data=st.data())
@ROUNDS
def test_mutated_bytes(originals, suffix, data):
    survives(mutated(originals[suffix], data.draw))


@pytest.mark.parametrize("part", [".hea", ".dat"])
@given(data=st.data())
@ROUNDS
def test_mutated_wfdb(originals, tmp_path, part, data):
    for suffix in (".hea", ".dat"):
        content = originals[suffix]
        (tmp_path / f"r{suffix}").write_bytes(mutated(content, data.draw) if suffix == part else content)
    survives(tmp_path / "r.hea")


@given(text=st.text(alphabet="r.dat 0123456789/x:+()~#\n-mVI", max_size=120))
@ROUNDS
def test_random_headers(tmp_path, text):
    (tmp_path / "r.dat").write_bytes(b"\x01\x02" * 300)
    (tmp_path / "r.hea").write_text("r " + text)
    survives(tmp_path / "r.hea")


@given(data=st.one_of(st.binary(max_size=400), st.text(alphabet="0123456789,.;\tIVe-\n#fs: nan", max_size=300)))
@ROUNDS
def test_random_bytes(data):
    survives(data.encode() if isinstance(data, str) else data)


@given(data=st.binary(max_size=200))
@ROUNDS
def test_random_annotations(tmp_path, data):
    path = Path(tmp_path / "r.atr")
    path.write_bytes(data)
    try:
        notes = read_annotations(path)
    except EcgroundError:
        return
    assert len(notes.symbol) == len(notes.text) == notes.sample.size


@pytest.mark.parametrize("suffix", [".hea", ".csv", ".npz", ".dcm"])
@given(signal=SIGNALS, fs=st.sampled_from([100.0, 250.0, 360.0, 257.5, 1000.0]), age=st.sampled_from([None, 0, 7, 90]))
@ROUNDS
def test_round_trip(tmp_path, suffix, signal, fs, age):
    if not np.isfinite(signal).any():
        return
    record = Record(signal=signal, fs=fs, leads=LEADS[:len(signal)], patient=Patient(age, "F"))
    path = tmp_path / f"r{suffix}"
    write(record, path)
    back = read(path)
    assert (back.fs, back.leads, back.patient) == (fs, record.leads, record.patient)
    np.testing.assert_allclose(back.signal, signal, atol=0.000501, rtol=1e-6)
