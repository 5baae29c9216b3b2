"""The real ecgdatakit in its child process, where the extra `rare` is installed, on files made from the standards.

They are no files of a real device, so the formats stay unverified; but the way to the library and back is tried.
References: Badilini 1998 (ISHNE); ISO 22077-1 (MFER).
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from ecground.io import read, sniff

ecgdatakit = pytest.importorskip("ecgdatakit", reason="the extra `rare` is not installed")


@pytest.fixture(autouse=True)
def library_on_the_path(monkeypatch):
    """The child is given PYTHONPATH, not this process's sys.path."""
    monkeypatch.setenv("PYTHONPATH", str(Path(ecgdatakit.__file__).parents[1]))


@pytest.fixture
def steps():
    """Whole steps of 2.5 uV `[lead, sample]`."""
    return np.cumsum(np.random.default_rng(0).integers(-9, 10, (3, 2000)), axis=1).astype("<i2")


def ishne(steps):
    block = bytearray(512)

    def put(form, at, *values):
        struct.pack_into("<" + form, block, at - 10, *values)

    put("iiiih", 10, 0, steps.shape[1], 522, 522, 1)
    block[18:22], block[58:61] = b"Jane", b"Doe"
    put("h", 128, 2)
    for at, when in ((132, (3, 2, 1960)), (138, (4, 5, 2020)), (150, (10, 11, 12))):
        put("3h", at, *when)
    put("h12h12h12h", 156, 3, 5, 6, 11, *[-9] * 9, 1, 1, 1, *[-9] * 9, 2500, 2500, 2500, *[-9] * 9)
    put("h", 272, 250)
    crc = 0xFFFF
    for byte in block:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return b"ISHNE1.0" + struct.pack("<H", crc) + bytes(block) + steps.T.tobytes()


def mfer(steps):
    head = b"\x40\x20" + b"MFR Standard 12 leads ECG".ljust(32) + b"\x01\x01\x01\x08\x01\x01"
    head += b"\x0b\x04" + struct.pack("<Bbh", 1, -3, 4) + b"\x0c\x04" + struct.pack("<Bbh", 0, -7, 25)
    head += b"\x0a\x01\x00\x04\x04" + struct.pack("<I", steps.shape[1]) + b"\x05\x01\x03\x06\x01\x01"
    for number, code in enumerate((1, 2, 3)):
        head += bytes([0x3F, number, 4]) + b"\x09\x02" + struct.pack("<H", code)
    data = steps.tobytes()
    return head + b"\x1e\x84" + struct.pack(">I", len(data)) + data + b"\x80\x00"


@pytest.mark.parametrize(("make", "name"), [(ishne, "ishne"), (mfer, "mfer")])
def test_samples_come_back(steps, make, name):
    data = make(steps)
    assert sniff(data) == name
    record = read(data)
    assert record.fs == 250
    assert any("unverified" in note for note in record.provenance.notes)
    for lead, row in zip(("I", "II", "V1"), steps, strict=True):
        np.testing.assert_allclose(record.lead(lead), row * 0.0025, atol=1e-6)
    assert "Jane" not in repr(record)
    assert "Doe" not in repr(record)
