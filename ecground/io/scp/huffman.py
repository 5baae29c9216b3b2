"""Section 2 of SCP-ECG: Huffman tables, and the decoding of a bit stream with them.

Contract: `read_tables` gives the tables of a file (or the default one); `decode` gives at most `count` integers.
A code is a prefix, read most significant bit first, that stands for a base value, followed by 0 to 24 further bits that
are added to it as a signed number; or it switches to another table. Decoding is vectorised: the code at every bit
position is looked up at once, then the positions where codes start are followed one by one.
Reference: EN 1064:2005+A1, 5.5 and annex C (default table).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import CorruptInputError, UnsafeInputError
from ecground.io.scp.container import u16

__all__ = ["DEFAULT_TABLE", "Code", "Table", "decode", "read_tables"]

_DEFAULT_MARK: Final = 19999
_CODE_BYTES: Final = 9
_MAX_TABLES: Final = 16
_NO_CODE: Final = 1023
_STRIDE: Final = 1024
_MAX_CODES: Final = 1000
_MAX_PREFIX: Final = 32
_MAX_EXTRA: Final = 24


@dataclass(frozen=True, slots=True)
class Code:
    """One code of a table."""

    prefix: int
    """Bits of the prefix."""
    total: int
    """Bits of prefix and value."""
    value: int
    """Base value; the table to switch to when `switch`."""
    bits: int
    """The prefix, most significant bit first."""
    switch: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Codes in the order of their prefixes, ready for a search; arrays are `[code]`."""

    low: NDArray[np.uint64]
    """First 32-bit window that starts with the code."""
    high: NDArray[np.uint64]
    """One past the last such window."""
    prefix: NDArray[np.int64]
    total: NDArray[np.int64]
    value: NDArray[np.int64]
    switch: NDArray[np.bool_]


def _default_codes() -> list[Code]:
    """0 is `0`; +-n up to 8 is n ones, a zero and the sign; then 8-bit and 16-bit originals."""
    codes = [Code(prefix=1, total=1, value=0, bits=0)]
    for n in range(1, 9):
        ones = ((1 << n) - 1) << 2
        codes += [Code(n + 2, n + 2, n, ones), Code(n + 2, n + 2, -n, ones | 1)]
    return [*codes, Code(10, 18, 0, 0b1111111110), Code(10, 26, 0, 0b1111111111)]


def _table(codes: Sequence[Code], where: str) -> Table:
    """A searchable table; CorruptInputError when one prefix begins with another."""
    ordered = sorted(codes, key=lambda code: code.bits << (_MAX_PREFIX - code.prefix))
    shift = [_MAX_PREFIX - code.prefix for code in ordered]
    low = np.array([code.bits << by for code, by in zip(ordered, shift, strict=True)], np.uint64)
    high = np.array([(code.bits + 1) << by for code, by in zip(ordered, shift, strict=True)], np.uint64)
    if not ordered or np.any(high[:-1] > low[1:]):
        raise CorruptInputError("a Huffman table is empty or ambiguous", where=where)
    return Table(
        low=low, high=high, prefix=np.array([code.prefix for code in ordered]),
        total=np.array([code.total for code in ordered]), value=np.array([code.value for code in ordered]),
        switch=np.array([code.switch for code in ordered]),
    )


DEFAULT_TABLE: Final[tuple[Code, ...]] = tuple(_default_codes())
"""The 19 codes that a file means by table number 19999."""


def read_tables(body: memoryview, *, where: str) -> tuple[Table, ...]:
    """The tables of section 2.

    Raises:
        CorruptInputError: the section is too short, a code is impossible, or a switch leads to no table.
        UnsafeInputError: more tables or codes than any device writes.
    """
    count = u16(body, 0, where)
    if count == _DEFAULT_MARK:
        return (_table(DEFAULT_TABLE, where),)
    if not 1 <= count <= _MAX_TABLES:
        raise UnsafeInputError(f"{count} Huffman tables", where=where)
    at, tables = 2, []
    for _ in range(count):
        size = u16(body, at, where)
        if size > _MAX_CODES:
            raise UnsafeInputError(f"{size} codes in a Huffman table", where=where)
        block = bytes(safe.need(body, at + 2, size * _CODE_BYTES, where=where))
        codes = [_code(block[k:k + _CODE_BYTES], count, where) for k in range(0, len(block), _CODE_BYTES)]
        tables.append(_table(codes, where))
        at += 2 + len(block)
    return tuple(tables)


def _code(raw: bytes, tables: int, where: str) -> Code:
    """One code structure; its prefix is stored with the first bit lowest."""
    prefix, total, switch = raw[0], raw[1], raw[2] == 0
    value = int.from_bytes(raw[3:5], "little", signed=True)
    stored = int.from_bytes(raw[5:9], "little")
    if not (1 <= prefix <= _MAX_PREFIX and 0 <= total - prefix <= _MAX_EXTRA) or (switch and not 1 <= value <= tables):
        raise CorruptInputError("an impossible code in a Huffman table", where=where)
    bits = int(f"{stored & ((1 << prefix) - 1):0{prefix}b}"[::-1], 2)
    return Code(prefix=prefix, total=total, value=value, bits=bits, switch=switch)


def decode(data: memoryview, tables: Sequence[Table], *, count: int, where: str) -> NDArray[np.int64]:
    """At most `count` values of one lead's bit stream, int64 `[value]`; fewer when the stream ends before.

    Raises:
        CorruptInputError: a bit pattern that is no code, before `count` values were found.
    """
    n_bits = 8 * len(data)
    if not n_bits:
        return np.zeros(0, np.int64)
    words = _words(data)
    position = np.arange(n_bits)
    word, offset = words[position >> 3], (position & 7).astype(np.uint64)
    window = (word >> (np.uint64(32) - offset)) & np.uint64(0xFFFFFFFF)
    # A state is table * n_bits + bit position; a code leads from one state to another, or out of the stream.
    codes = np.concatenate([_lookup(table, window) + _STRIDE * k for k, table in enumerate(tables)])
    following, is_value = _transitions(codes, tables, n_bits)
    starts = _follow(following.tolist(), is_value.tolist(), count)
    bad = starts[codes[starts] % _STRIDE == _NO_CODE]
    if bad.size:
        raise CorruptInputError("a bit pattern that is no Huffman code", where=where)
    return _values(codes[starts], starts % n_bits, words, tables)


def _words(data: memoryview) -> NDArray[np.uint64]:
    """For each byte, the 64 bits that start there, zeros after the end, `[byte]`."""
    padded = np.concatenate([np.frombuffer(data, np.uint8), np.zeros(8, np.uint8)]).astype(np.uint64)
    words = np.zeros(len(data), np.uint64)
    for k in range(8):
        words |= padded[k:k + len(data)] << np.uint64(8 * (7 - k))
    return words


def _lookup(table: Table, window: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Index of the code that starts at each position, _NO_CODE where none does, int64 `[position]`."""
    index = np.searchsorted(table.low, window, side="right") - 1
    inside = (index >= 0) & (window < table.high[index])
    return np.where(inside, index, _NO_CODE).astype(np.int64)


def _transitions(
    codes: NDArray[np.int64], tables: Sequence[Table], n_bits: int,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """State after each state (-1 = the stream ends inside the code) and whether it gives a value, `[state]`."""
    following = np.full(codes.size, -1, np.int64)
    is_value = np.zeros(codes.size, np.bool_)
    for k, table in enumerate(tables):
        part = slice(k * n_bits, (k + 1) * n_bits)
        code = codes[part] - _STRIDE * k
        known = code != _NO_CODE
        index = np.where(known, code, 0)
        end = np.arange(n_bits) + np.where(table.switch[index], table.prefix[index], table.total[index])
        target = np.where(table.switch[index], table.value[index] - 1, k)
        ends = known & (end <= n_bits)
        # The last code may end exactly with the stream: it leads out, and its value counts.
        following[part] = np.where(ends & (end < n_bits), target * n_bits + end, -1)
        is_value[part] = (ends & ~table.switch[index]) | ~known
    return following, is_value


def _follow(following: list[int], is_value: list[bool], count: int) -> NDArray[np.int64]:
    """States that give a value, in order, at most `count`."""
    starts: list[int] = []
    state = 0
    while state >= 0 and len(starts) < count:
        if is_value[state]:
            starts.append(state)
        state = following[state]
    return np.array(starts, np.int64)


def _values(
    codes: NDArray[np.int64], position: NDArray[np.int64], words: NDArray[np.uint64], tables: Sequence[Table],
) -> NDArray[np.int64]:
    """Base value plus the signed further bits of each code, int64 `[value]`."""
    values = np.zeros(codes.size, np.int64)
    for k, table in enumerate(tables):
        mine = codes // _STRIDE == k
        code, at = codes[mine] % _STRIDE, position[mine]
        width = table.total[code] - table.prefix[code]
        skip = (at & 7) + table.prefix[code]
        extra = (words[at >> 3] << skip.astype(np.uint64)) >> np.uint64(64 - _MAX_EXTRA)
        signed = extra.astype(np.int64) >> (_MAX_EXTRA - width)
        sign = np.int64(1) << np.maximum(width - 1, 0)
        values[mine] = table.value[code] + np.where(width > 0, (signed ^ sign) - sign, 0)
    return values
