"""A writer of SCP-ECG records with every compression, for tests only: made from the standard, not the reader."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np

CUSTOM_TABLES = (
    # (prefix bits, total bits, switch to table or None, base value, prefix as text)
    ((1, 1, None, 0, "0"), (2, 2, None, 1, "10"), (3, 3, 2, 0, "110"), (3, 13, None, 3, "111")),
    ((1, 17, None, -2, "0"), (2, 2, 1, 0, "10"), (2, 2, None, -1, "11")),
)
"""Two tables that lead to each other: small values in the first, any in the second."""


def crc_ccitt(data: bytes) -> int:
    """CRC-CCITT, bit by bit."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def section(number: int, body: bytes, *, protocol: int = 20, wrong_crc: bool = False) -> bytes:
    body += b"\0" * (len(body) % 2)
    mark = b"SCPECG" if number == 0 else b"\0" * 6
    rest = struct.pack("<HIBB", number, 16 + len(body), protocol, protocol) + mark + body
    return struct.pack("<H", crc_ccitt(rest) ^ (1 if wrong_crc else 0)) + rest


def record(sections: dict[int, bytes], *, wrong_crc=(), pointers=None, protocol=20, size=None) -> bytes:
    """A whole record; `pointers` replaces (length, index) of a section, number 0 is the record in `wrong_crc`."""
    numbers = sorted(set(range(12)) | set(sections))
    built = {number: section(number, body, protocol=protocol, wrong_crc=number in wrong_crc)
             for number, body in sections.items()}
    table_length = 16 + 10 * len(numbers)
    at, entries = 6 + table_length, []
    for number in numbers:
        length = table_length if number == 0 else len(built.get(number, b""))
        index = 7 if number == 0 else at + 1 if length else 0
        entries.append((number, *(pointers or {}).get(number, (length, index))))
        at += 0 if number == 0 else length
    table = section(0, b"".join(struct.pack("<HII", *entry) for entry in entries), protocol=protocol)
    body = table + b"".join(built[number] for number in sorted(built))
    rest = struct.pack("<I", 6 + len(body) if size is None else size) + body
    return struct.pack("<H", crc_ccitt(rest) ^ (1 if 0 in wrong_crc else 0)) + rest


def tag(number: int, value: bytes) -> bytes:
    return struct.pack("<BH", number, len(value)) + value


def patient(*, name=b"Doe\0", age=(63, 1), sex=2, day=(2021, 3, 4), time=(5, 6, 7), filters=(5, 150, 2), extra=b""):
    device = bytearray(40)
    device[16] = 0x37  # UTF-8
    return (tag(0, name) + tag(2, b"ID-4711\0") + tag(4, struct.pack("<HB", *age)) + tag(8, bytes([sex]))
            + tag(14, bytes(device)) + tag(25, struct.pack("<HBB", *day)) + tag(26, bytes(time))
            + tag(27, struct.pack("<H", filters[0])) + tag(28, struct.pack("<H", filters[1]))
            + tag(29, bytes([filters[2]])) + tag(30, b"Dr House, ward 7\0") + extra + tag(255, b""))


def leads(codes, length: int, *, start: int = 1, subtracted: bool = False) -> bytes:
    flags = int(subtracted) | 4 | len(codes) << 3 & 0xF8
    return bytes([len(codes), flags]) + b"".join(struct.pack("<IIB", start, start + length - 1, c) for c in codes)


def differences(values: np.ndarray, order: int) -> np.ndarray:
    values = values.astype(np.int64)
    if order == 0:
        return values
    if order == 1:
        return np.concatenate([values[:1], np.diff(values)])
    return np.concatenate([values[:2], values[2:] - 2 * values[1:-1] + values[:-2]])


def bits_default(value: int) -> str:
    if value == 0:
        return "0"
    if abs(value) <= 8:
        return "1" * abs(value) + "0" + ("0" if value > 0 else "1")
    return "1111111110" + f"{value & 0xFF:08b}" if -128 <= value <= 127 else "1111111111" + f"{value & 0xFFFF:016b}"


@dataclass
class CustomCoder:
    """Codes with the two tables above, switching as values demand."""

    table: int = 1

    def bits(self, value: int) -> str:
        if self.table == 1:
            if value in (0, 1):
                return ("0", "10")[value]
            if -509 <= value <= 514:
                return "111" + f"{value - 3 & 0x3FF:010b}"
            self.table = 2
            return "110" + self.bits(value)
        if value == -1:
            return "11"
        if value in (0, 1):
            self.table = 1
            return "10" + self.bits(value)
        return "0" + f"{value + 2 & 0xFFFF:016b}"


def packed(bits: str) -> bytes:
    bits += "0" * (-len(bits) % 16)
    return int(bits, 2).to_bytes(len(bits) // 8, "big") if bits else b""


def coded(values: np.ndarray, coding: str) -> bytes:
    if coding == "none":
        return values.astype("<i2").tobytes()
    if coding == "default":
        return packed("".join(bits_default(int(value)) for value in values))
    coder = CustomCoder()
    return packed("".join(coder.bits(int(value)) for value in values))


def tables(coding: str) -> bytes | None:
    if coding == "none":
        return None
    if coding == "default":
        return struct.pack("<H", 19999)
    out = struct.pack("<H", len(CUSTOM_TABLES))
    for table in CUSTOM_TABLES:
        out += struct.pack("<H", len(table))
        for prefix, total, switch, value, text in table:
            out += struct.pack("<BBBhI", prefix, total, 1 if switch is None else 0, value if switch is None else switch,
                               int(text[::-1], 2))
    return out


def block(rows, *, nanovolt: int, interval: int, order: int, bimodal: int, coding: str) -> bytes:
    data = [coded(differences(np.asarray(row), order), coding) for row in rows]
    return (struct.pack("<HHBB", nanovolt, interval, order, bimodal)
            + b"".join(struct.pack("<H", len(part)) for part in data) + b"".join(data))


@dataclass
class Ecg:
    """What is to be stored: integer samples `[lead, sample]` and how."""

    samples: np.ndarray
    codes: tuple[int, ...]
    coding: str = "default"
    order: int = 2
    interval: int = 2000
    nanovolt: int = 2500
    beat: np.ndarray | None = None
    """Averaged beat `[lead, sample]`; it is subtracted at each of `beats`."""
    fiducial: int = 30
    """Sample of the averaged beat, from 1."""
    beats: tuple[int, ...] = ()
    """Fiducial samples in the recording, from 1."""
    rate: int = 1
    """Above 1: bimodal, blocks of this many samples outside the protected zones."""
    zones: tuple[tuple[int, int], ...] = ()
    extra: dict[int, bytes] = field(default_factory=dict)

    def sections(self) -> dict[int, bytes]:
        length = self.samples.shape[1]
        rest = self.samples.astype(np.int64).copy()
        out = {1: patient(), 3: leads(self.codes, length, subtracted=self.beat is not None)}
        if (huffman := tables(self.coding)) is not None:
            out[2] = huffman
        if self.beat is not None or self.rate > 1:
            out[4], rest = self.positions(rest)
            beat = self.beat if self.beat is not None else np.zeros((len(self.codes), 8), int)
            out[5] = block(beat, nanovolt=self.nanovolt, interval=self.interval, order=self.order, bimodal=0,
                           coding=self.coding)
        rows = [self.thinned(row) for row in rest]
        out[6] = block(rows, nanovolt=self.nanovolt, interval=self.interval * self.rate, order=self.order,
                       bimodal=int(self.rate > 1), coding=self.coding)
        return out | self.extra

    def positions(self, rest: np.ndarray) -> tuple[bytes, np.ndarray]:
        width = 8 if self.beat is None else self.beat.shape[1]
        out = struct.pack("<HHH", width * self.interval // 1000, self.fiducial, len(self.beats))
        for at in self.beats:
            first, last = at - self.fiducial + 1, at - self.fiducial + width
            out += struct.pack("<HIII", 0 if self.beat is not None else 1, first, at, last)
            if self.beat is not None:
                rest[:, first - 1:last] -= self.beat
        return out + b"".join(struct.pack("<II", *zone) for zone in self.zones), rest

    def thinned(self, row: np.ndarray) -> np.ndarray:
        if self.rate == 1:
            return row
        out, at = [], 1
        for first, last in (*self.zones, (row.size + 1, row.size)):
            out += [round(float(np.mean(row[k - 1:min(k - 1 + self.rate, first - 1)])))
                    for k in range(at, first, self.rate)]
            out += row[first - 1:last].tolist()
            at = last + 1
        return np.array(out)

    def bytes(self) -> bytes:
        return record(self.sections())
