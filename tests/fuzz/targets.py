"""One function a parser: it gives the parser one input and raises what nobody should see.

An `EcgroundError` is a good answer to a bad file. Everything else that comes out (another exception, a warning, a
record that breaks its promises) is a defect. Inputs of several parts are split at `seeds.CUT`.
"""

from __future__ import annotations

import contextlib
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from ecground.corpora.code15 import _Part
from ecground.errors import EcgroundError
from ecground.io import read
from ecground.io.deid import FORMATS, Key, deidentify
from ecground.io.rare import _record as handed_back
from ecground.io.scp.container import crc
from ecground.io.wfdb.annotations import read_annotations
from ecground.record import Patient, Record
from tests.fuzz import seeds

KEY = Key(b"0123456789abcdef0123456789abcdef")
_MEMORY = Path("/dev/shm")
_SCP_POINTERS = range(22, 22 + 120, 10)


def promises(record: Record) -> None:
    """What every Record holds, whatever it was read from."""
    assert record.signal.dtype == np.float32
    assert not np.isinf(record.signal).any()
    assert len(record.leads) == len(set(record.leads)) == record.signal.shape[0]
    assert set(record.provenance.lead_origin) == set(record.leads)
    assert all(np.isfinite(one.value) for one in record.device.measurements)
    assert record.patient.age is None or 0 <= record.patient.age <= 130


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder in memory where there is one."""
    name = tempfile.mkdtemp(dir=_MEMORY if _MEMORY.is_dir() else None)
    try:
        yield Path(name)
    finally:
        shutil.rmtree(name, ignore_errors=True)


def laid(place: Path, name: str, data: bytes) -> Path:
    """The input as a file, or, of a WFDB record, as a header with the signal file `r.dat` beside it."""
    parts = data.split(seeds.CUT, 1) if name == "wfdb" else [data]
    path = place / ("r.hea" if name == "wfdb" else "r.bin")
    path.write_bytes(parts[0])
    if name == "wfdb":
        for beside in ("r.dat", "00001_lr.dat", "00002_lr.dat", "00003_lr.dat"):
            if beside == "r.dat" or beside.encode() in parts[0]:
                (place / beside).write_bytes(parts[1] if len(parts) > 1 else b"")
    return path


def resealed(data: bytes) -> bytes:
    """An SCP record with right checksums over whatever its sections now hold, so that changes reach the decoders."""
    spoilt = bytearray(data)
    if len(spoilt) < 142:
        return data
    for at in _SCP_POINTERS:
        _, length, index = struct.unpack_from("<HII", spoilt, at)
        if 16 < length <= len(spoilt) and 7 < index <= len(spoilt) - length + 1:
            start = index - 1
            spoilt[start:start + 2] = struct.pack("<H", crc(bytes(spoilt[start + 2:start + length])))
    spoilt[6:8] = struct.pack("<H", crc(bytes(spoilt[8:142])))
    spoilt[0:2] = struct.pack("<H", crc(bytes(spoilt[2:])))
    return bytes(spoilt)


def prepared(name: str, data: bytes) -> bytes:
    """The bytes that the parser gets: checksums of SCP made right, joined members made an archive."""
    if name == "scp" and len(data) % 4:  # every fourth length keeps the wrong checksums
        return resealed(data)
    if name == "npz" and not data.startswith(b"PK"):
        return seeds.archive(data, seeds.NPZ_MEMBERS)
    return data


def parse(name: str, data: bytes) -> None:
    """`read`: the sniffers and the reader of the format that one of them recognises."""
    data = prepared(name, data)
    with folder() if name == "wfdb" else contextlib.nullcontext(Path()) as place:
        promises(read(laid(place, name, data) if name == "wfdb" else data))


def deid(name: str, data: bytes) -> None:
    """A de-identified copy; it is read back and its samples compared on the way."""
    with folder() as place:
        path = laid(place, name, prepared(name, data))
        (place / "copies").mkdir()
        deidentify(path, place / "copies", key=KEY)


def annotations(data: bytes) -> None:
    """A WFDB annotation file."""
    with folder() as place:
        found = read_annotations(laid(place, "annotations", data))
    assert len(found.symbol) == len(found.text) == found.sample.size


def rare(data: bytes) -> None:
    """What the child process hands back."""
    with folder() as place:
        path = place / "reading.npz"
        path.write_bytes(seeds.archive(data, seeds.RARE_MEMBERS))
        promises(handed_back("mfer", path, "file"))


def hdf5(data: bytes) -> None:
    """A part of CODE-15%."""
    with folder() as place:
        for exam in (7, 8):
            promises(_Part(laid(place, "hdf5", data)).record(exam, Patient()))


_ALONE: dict[str, Callable[[bytes], None]] = {
    "annotations": annotations, "rare": rare, "hdf5": hdf5, "picture": partial(deid, "picture"),
}
TARGETS: dict[str, Callable[[bytes], None]] = {
    name: _ALONE[name] if name in _ALONE else partial(parse, name) for name in seeds.SEEDS
} | {f"deid-{name}": partial(deid, name) for name in seeds.SEEDS if name in FORMATS}
"""Name of a parser, or `deid-` and the format of the copy -> what is done with one input."""


def answer(name: str, data: bytes) -> str:
    """How the parser answered: `ok` or the code of our error; anything else it raises goes through."""
    try:
        TARGETS[name](data)
    except EcgroundError as error:
        assert error.what
        return error.code
    return "ok"
