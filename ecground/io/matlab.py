"""MATLAB files: the struct `ECG{sex, age, data}` of the China Physiological Signal Challenge 2018.

Contract: version 5 files with that struct; 12 leads in the order I II III aVR aVL aVF V1..V6, millivolt, 500 Hz by the
challenge's definition (the file itself says neither, and the notes say so). A version 4 file with a matrix `val` (CinC)
holds bare numbers: it is read through its WFDB header, and refused without one.
Reference: Liu et al. 2018, J Med Imaging Health Inform 8:1368.
"""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np

from ecground import leads, safe
from ecground.errors import CorruptInputError, InputError
from ecground.io.channels import Channel, assemble, measured, patient_age, patient_sex
from ecground.io.mat5 import struct_fields
from ecground.io.source import Source
from ecground.record import Patient, Record

__all__ = ["read_matlab", "sniff_matlab", "struct_of"]

_COMPRESSED: Final = 15
_LIMIT: Final = 256 << 20


def _is_version_4(head: bytes) -> bool:
    """A little-endian version 4 header: type, rows, columns, imaginary flag, length of the name."""
    if len(head) < 24:
        return False
    kind, rows, columns, imaginary, name = struct.unpack_from("<5i", head)
    return 0 <= kind < 53 and 0 < rows <= 64 and columns > 0 and imaginary == 0 and 1 < name <= 64 \
        and head[20:20 + name].rstrip(b"\0").isalnum() and head[20 + name - 1:20 + name] == b"\0"


def sniff_matlab(source: Source) -> bool:
    """Whether it is a MATLAB file of version 4 or 5."""
    return source.head.startswith(b"MATLAB 5.0 MAT-file") or _is_version_4(source.head)


def read_matlab(source: Source) -> Record:
    """The ECG of a CPSC2018 file.

    Raises:
        InputError: a bare matrix, which says neither leads nor rate nor unit.
        CorruptInputError: damaged, or without the struct.
        UnsafeInputError: a compressed variable that grows without measure.
    """
    ecg = struct_of(source)
    data, age, sex = ecg["data"], ecg["age"], ecg["sex"]
    if data.ndim != 2 or data.dtype.kind not in "fiu" or 12 not in data.shape:
        raise CorruptInputError(f"ECG.data has shape {data.shape}, not 12 leads", where=source.name)
    rows = data if data.shape[0] == 12 else data.T
    channels = [Channel(label=name, values=measured(row), unit="mV", gain="stored as mV")
                for name, row in zip(leads.STANDARD, rows, strict=True)]
    return assemble(
        channels, fs=500.0, format="matlab", where=source.name,
        patient=Patient(age=patient_age(_text(age)), sex=patient_sex(_text(sex))),
        notes=["500 Hz, mV and the order of leads by the definition of CPSC2018; the file states none of them"],
    )


def struct_of(source: Source) -> dict[str, Any]:
    """The fields `data`, `age` and `sex` of the struct as arrays; raises as `read_matlab` does."""
    if not source.head.startswith(b"MATLAB 5.0"):
        raise InputError(
            "a bare MATLAB matrix says neither leads nor sampling rate nor unit", where=source.name,
            hint="put its WFDB header (.hea) of the same name beside it",
        )
    return _load(_inflated(source.data, source.name), source.name)


def _inflated(data: bytes, where: str) -> bytes:
    """The same file with compressed variables inflated, so that their size is known before anything is built."""
    little = data[126:128] == b"IM"
    if not little:
        raise CorruptInputError("a big-endian MATLAB file", where=where, hint="save it again on this kind of machine")
    parts, at, total = [data[:128]], 128, 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<2I", data, at)
        body = safe.need(data, at + 8, size, where=where)
        if kind == _COMPRESSED:
            part = safe.inflate(body, limit=_LIMIT - total, where=where)
        else:
            part = bytes(data[at:at + 8]) + bytes(body)
        total += len(part)
        parts.append(part)
        at += 8 + size
    return b"".join(parts)


def _load(data: bytes, where: str) -> dict[str, Any]:
    fields = struct_fields(data, "ECG", where=where)
    if not {"data", "age", "sex"} <= fields.keys():
        raise CorruptInputError("the struct ECG lacks data, age or sex", where=where,
                                hint="only CPSC2018 files of this kind can be read")
    return {key: np.asarray(fields[key]) for key in ("data", "age", "sex")}


def _text(value: Any) -> str:  # noqa: ANN401 - a number or a string of the file
    flat = np.asarray(value).reshape(-1)
    return str(flat[0]) if flat.size else ""
