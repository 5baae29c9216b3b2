"""Structs of MATLAB 5 files: the same numbers as SciPy's reader gives, and our own errors for anything damaged.

SciPy's reader ended the process (segmentation fault, bus error) on damaged files that fuzzing had found.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from scipy.io import savemat

from ecground.errors import CorruptInputError, EcgroundError
from ecground.io import read
from ecground.io.mat5 import struct_fields


def file(compress: bool = False, **fields) -> bytes:
    out = BytesIO()
    savemat(out, {"other": np.eye(3), "ECG": fields}, do_compression=compress)
    return out.getvalue()


@pytest.mark.parametrize("dtype", ["f8", "f4", "i2", "u2", "i4", "u1", "i8"])
def test_numbers_and_texts_are_those_that_were_saved(dtype):
    data = (np.arange(60).reshape(12, 5) * 3 % 100).astype(dtype)
    found = struct_fields(file(data=data, age=61, sex="Female", more={"deep": 1}, z=1j), "ECG", where="x")
    assert np.array_equal(found["data"], data) and found["sex"] == "Female" and int(found["age"][0, 0]) == 61
    assert set(found) == {"data", "age", "sex"}, "structs and complex numbers are left out"


def test_a_whole_recording_comes_through_the_reader():
    signal = np.random.default_rng(0).normal(0, 0.3, (12, 1000))
    for compress in (False, True):
        record = read(file(compress, data=signal, age=61, sex="Male"))
        assert np.array_equal(record.signal, signal.astype(np.float32)) and record.patient.sex == "M"


def test_another_struct_or_none():
    with pytest.raises(CorruptInputError, match="no struct"):
        struct_fields(file(data=1), "EEG", where="x")
    with pytest.raises(CorruptInputError, match="lacks"):
        read(file(data=np.zeros((12, 10)), age=1))


def test_damaged_files_end_in_our_own_errors():
    good = file(data=np.random.default_rng(1).normal(0, 1, (12, 20)), age=50, sex="Male")
    rng = np.random.default_rng(2)
    answers = 0
    for n in range(2000):
        bad = bytearray(good)
        for place in rng.integers(128, len(bad), size=1 + n % 4):
            bad[place] = int(rng.choice([0, 1, 14, 15, 127, 128, 255, int(rng.integers(256))]))
        if n % 3 == 0:
            del bad[int(rng.integers(100, len(bad))):]
        try:
            read(bytes(bad))
            answers += 1
        except EcgroundError:
            pass
    assert answers < 2000
