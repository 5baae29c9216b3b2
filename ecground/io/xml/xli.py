"""Philips' XLI compression of a Sierra ECG: LZW with codes of 10 bits over second differences.

Contract: chunks one after another, one a lead, each with a header of 8 bytes (length of the packed data, a code, the
first difference; little endian). Unpacked, a chunk holds all high bytes, then all low bytes, of 16-bit words: the
first two samples, then second differences with an offset of 64. Of the limb leads only I and II are stored whole;
III, aVR, aVL and aVF are what is left after the derivation from them, in whole steps rounded down.
Reference: the public description of the format by the sierra-ecg-tools project (MIT).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.errors import CorruptInputError, UnsafeInputError

__all__ = ["MAX_LEAD_SAMPLES", "restored_limb_leads", "unpacked_leads"]

MAX_LEAD_SAMPLES: Final = 4_000_000
"""Most samples of one lead: LZW may grow data 600-fold, so the declared length is checked first."""
_BITS: Final = 10
_LAST_CODE: Final = (1 << _BITS) - 2
_OFFSET: Final = 64


def unpacked_leads(data: bytes, *, count: int, samples: int | None, where: str) -> list[NDArray[np.int64]]:
    """The chunks of `data` as integers `[sample]` each.

    Args:
        data: all chunks.
        count: leads that the file declares.
        samples: samples a lead that the file declares, None when it does not say.
        where: name of the file for messages.

    Raises:
        CorruptInputError: a chunk is cut or damaged, or there are not as many leads or samples as declared.
        UnsafeInputError: more samples than a resting ECG can have.
    """
    if samples is not None and not 0 < samples <= MAX_LEAD_SAMPLES:
        raise UnsafeInputError(f"{samples} samples a lead declared, limit {MAX_LEAD_SAMPLES}", where=where)
    leads: list[NDArray[np.int64]] = []
    at = 0
    while len(leads) < count:
        if at + 8 > len(data):
            raise CorruptInputError(f"{count} leads declared, {len(leads)} stored", where=where)
        length, _, start = struct.unpack_from("<ihh", data, at)
        at += 8
        if length <= 0 or at + length > len(data):
            raise CorruptInputError(f"lead {len(leads) + 1} is cut off", where=where, hint="export the file again")
        limit = 2 * (samples or MAX_LEAD_SAMPLES)
        words = _words(_lzw(data[at:at + length], limit=limit, where=where))
        if samples is not None and words.size != samples:
            raise CorruptInputError(f"{samples} samples declared, {words.size} stored", where=where)
        leads.append(_integrated(words, start, where=where))
        at += length
    return leads


def _lzw(data: bytes, *, limit: int, where: str) -> bytes:
    """Unpacked bytes, at most `limit`; a code that was not defined yet ends in CorruptInputError."""
    table: list[bytes] = [bytes((k,)) for k in range(256)]
    out = bytearray()
    previous = b""
    waiting = bits = 0
    for byte in data:
        waiting = (waiting << 8 | byte) & 0xFFFFFF
        bits += 8
        if bits < _BITS:
            continue
        bits -= _BITS
        code = waiting >> bits & (1 << _BITS) - 1
        if code > _LAST_CODE:
            break
        if code < len(table):
            piece = table[code]
        elif code == len(table) and previous:
            piece = previous + previous[:1]
        else:
            raise CorruptInputError("damaged compressed samples", where=where, hint="export the file again")
        if previous and len(table) <= _LAST_CODE:
            table.append(previous + piece[:1])
        out += piece
        previous = piece
        if len(out) > limit + 1:
            raise CorruptInputError("more samples stored than declared", where=where, hint="export the file again")
    return bytes(out)


def _words(data: bytes) -> NDArray[np.int64]:
    """Signed 16-bit words whose high bytes come first; an odd last byte is half a word with a low byte of zero."""
    data += b"\0" * (len(data) % 2)
    half = len(data) // 2
    pairs = np.frombuffer(data, np.uint8).reshape(2, half)
    words: NDArray[np.int64] = pairs[0].view(np.int8).astype(np.int64) * 256 + pairs[1]
    return words


def _integrated(words: NDArray[np.int64], start: int, *, where: str) -> NDArray[np.int64]:
    """Samples from the first two and their second differences."""
    if words.size < 2:
        raise CorruptInputError("a lead with fewer than two samples", where=where)
    slope = np.empty(words.size - 1, np.int64)
    slope[0] = words[1] - words[0]
    if slope.size > 1:
        slope[1] = -start
        slope[2:] = _OFFSET - words[2:-1]
    samples = np.concatenate([words[:1], words[0] + np.cumsum(np.cumsum(slope))])
    if np.abs(samples).max() > 2**15:
        raise CorruptInputError("compressed samples leave 16 bits: damaged", where=where, hint="export the file again")
    return samples


def restored_limb_leads(leads: Sequence[NDArray[np.int64]], labels: Sequence[str]) -> list[NDArray[np.int64]]:
    """The leads with III, aVR, aVL and aVF whole; unchanged when one of the six is not there."""
    row = {label: k for k, label in enumerate(labels)}
    if not all(name in row for name in ("I", "II", "III", "aVR", "aVL", "aVF")):
        return list(leads)
    whole = list(leads)
    one, two = whole[row["I"]], whole[row["II"]]
    three = whole[row["III"]] = two - one - whole[row["III"]]
    whole[row["aVR"]] = -whole[row["aVR"]] - (one + two) // 2
    whole[row["aVL"]] = (one - three) // 2 - whole[row["aVL"]]
    whole[row["aVF"]] = (two + three) // 2 - whole[row["aVF"]]
    return whole
