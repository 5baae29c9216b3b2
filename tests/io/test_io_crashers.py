"""Inputs that fuzzing found and that once ended in something else than our own errors (`python -m tests.fuzz.run`)."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from scipy.io import savemat

from ecground.errors import CorruptInputError, UnsafeInputError
from ecground.io import read
from ecground.io.deid import Key, deidentify

GOOD = {"signal": np.ones((1, 40), np.float32), "fs": np.float64(250), "leads": np.array(["I"]), "unit": np.array("mV")}


def npy(header, content=b""):
    """A `.npy` file with this text for a header."""
    text = header.encode("latin-1")
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + content


def archive(**members):
    """An `.npz` of good arrays, with some members replaced by raw bytes."""
    stream = io.BytesIO()
    np.savez(stream, **{name: value for name, value in GOOD.items() if name not in members})
    with zipfile.ZipFile(stream, "a") as opened:
        for name, content in members.items():
            opened.writestr(f"{name}.npy", content)
    return stream.getvalue()


HEADER = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n"


@pytest.mark.parametrize("member", [
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': ("),  # TokenError, which is no SyntaxError
    npy("{'descr': '''<f8"),
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1L,), }\n", bytes(8)),  # NumPy warns of Python 2
    npy("{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (), }\n", bytes(8)),
    npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }\n", bytes(4)),
])
def test_headers_of_arrays(member):
    with pytest.raises(CorruptInputError):
        read(archive(fs=member))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("code", [0x110000, 0xFFFFFFFF, 0xD800, 0xDFFF])
@pytest.mark.parametrize("name", ["leads", "unit", "meta"])
def test_text_of_numbers_that_are_no_characters(tmp_path, name, code, order):
    character = code.to_bytes(4, "little" if order == "<" else "big")
    data = archive(**{name: npy(HEADER % (f"{order}U1", "(1,)"), character)})
    with pytest.raises(CorruptInputError, match="characters"):
        read(data)
    path = tmp_path / "r.npz"
    path.write_bytes(data)
    with pytest.raises(CorruptInputError, match="characters"):
        deidentify(path, tmp_path, key=Key(bytes(32)))


def test_half_a_character_escaped_in_json():
    text = np.array(r'{"comments": ["x\ud800"], "device": {"statements": ["\ud83d\ude00"]}}')
    with pytest.raises(CorruptInputError, match="JSON"):
        read(archive(meta=stored(text)))
    assert read(archive(meta=stored(np.array(str(text).replace(r"\ud800", ""))))).device.statements == ("\U0001f600",)


def test_empty_descriptions():
    empty = stored(np.zeros(0, "U1"))
    assert read(archive(unit=empty, meta=empty)).leads == ("I",)
    assert not read(archive(unit=empty)).provenance.calibrated


def stored(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def test_numbers_beyond_single_precision_are_missing():
    stream = io.BytesIO()
    data = np.ones((12, 40))
    data[3, 5] = 1e300
    savemat(stream, {"ECG": {"sex": "Male", "age": 40, "data": data}})
    record = read(stream.getvalue())
    assert np.flatnonzero(np.isnan(record.lead("aVR"))).tolist() == [5]


def test_a_name_that_no_file_can_have(tmp_path):
    (tmp_path / "r.hea").write_text(f"r 1 250 10\n{'x' * 300}.dat 16 200 12 0 0 0 0 I\n")
    with pytest.raises(UnsafeInputError):
        read(tmp_path / "r.hea")


def test_a_circle_of_links(tmp_path):
    for one, other in (("a.dat", "b.dat"), ("b.dat", "a.dat")):
        (tmp_path / one).symlink_to(tmp_path / other)
    (tmp_path / "r.hea").write_text("r 1 250 10\na.dat 16 200 12 0 0 0 0 I\n")
    with pytest.raises(UnsafeInputError):
        read(tmp_path / "r.hea")


def test_a_length_of_a_segment_in_raised_figures(tmp_path):
    (tmp_path / "r.hea").write_text("r/2 2 250 80\ns 40\ns 4\u00b2\n", encoding="utf-8")
    with pytest.raises(CorruptInputError):
        read(tmp_path / "r.hea")
