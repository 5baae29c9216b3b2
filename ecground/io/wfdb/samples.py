"""WFDB sample formats: bytes of a signal file -> integers, and the value that means "no sample".

Contract: `decode` gives int32 `[sample]` in file order (all signals of the file interleaved by frame); exactly `count`
samples, or CorruptInputError when the bytes are not there. Formats 8, 16, 24, 32, 61, 80, 160, 212, 310, 311 and the
FLAC formats 508, 516, 524.
Reference: WFDB Applications Guide, signal(5), PhysioNet.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import CorruptInputError, MissingExtraError

__all__ = ["FLAC_BITS", "INVALID", "available", "decode", "decode_flac"]

Integers = NDArray[np.int32]

FLAC_BITS: Final[Mapping[int, int]] = {508: 8, 516: 16, 524: 24}

_FLAC_SUBTYPE: Final[Mapping[str, int]] = {"PCM_S8": 8, "PCM_16": 16, "PCM_24": 24}

INVALID: Final[Mapping[int, int]] = {
    16: -(2**15), 61: -(2**15), 160: -(2**15), 516: -(2**15), 24: -(2**23), 524: -(2**23), 32: -(2**31),
    80: -(2**7), 508: -(2**7), 212: -(2**11), 310: -(2**9), 311: -(2**9),
}
"""Format -> the integer that marks a missing sample; format 8 (differences) has none."""

_SAMPLES_PER_BLOCK: Final[Mapping[int, tuple[int, int]]] = {
    8: (1, 1), 16: (1, 2), 24: (1, 3), 32: (1, 4), 61: (1, 2), 80: (1, 1), 160: (1, 2), 212: (2, 3), 310: (3, 4),
    311: (3, 4),
}
"""Format -> (samples, bytes) of one block."""


def available(format: int, size: int) -> int:
    """Number of whole samples in `size` bytes."""
    samples, width = _SAMPLES_PER_BLOCK[format]
    whole, rest = divmod(size, width)
    # A last block may be cut short: 212 stores one sample in two bytes; 310 and 311 one or two in two or three.
    return whole * samples + (min(samples - 1, max(rest - 1, 0)) if samples > 1 else 0)


def decode(data: bytes | memoryview, *, format: int, count: int, where: str) -> Integers:
    """The first `count` samples of the stream."""
    unpack = _UNPACK.get(format)
    if unpack is None:
        raise CorruptInputError(f"WFDB format {format} does not exist", where=where)
    if available(format, len(data)) < count:
        raise CorruptInputError(
            f"{count} samples declared, {available(format, len(data))} present", where=where,
            hint="the signal file is truncated or its header is wrong",
        )
    samples, width = _SAMPLES_PER_BLOCK[format]
    size = -(-count // samples) * width
    view = memoryview(data)[:size]
    if len(view) < size:
        view = memoryview(bytes(view) + b"\0" * (size - len(view)))
    return unpack(view)[:count]


def _plain(dtype: str, shift: int = 0) -> Callable[[memoryview], Integers]:
    def unpack(view: memoryview) -> Integers:
        values: NDArray[Any] = np.frombuffer(view, dtype).astype(np.int32)
        return values - np.int32(shift) if shift else values
    return unpack


def _24(view: memoryview) -> Integers:
    b = np.frombuffer(view, np.uint8).reshape(-1, 3).astype(np.int32)
    return _signed(b[:, 0] | b[:, 1] << 8 | b[:, 2] << 16, 24)


def _212(view: memoryview) -> Integers:
    """Two 12-bit samples in three bytes; the middle byte holds the high bits of both."""
    b = np.frombuffer(view, np.uint8).reshape(-1, 3).astype(np.int32)
    pair = np.stack([b[:, 0] | (b[:, 1] & 0x0F) << 8, b[:, 2] | (b[:, 1] & 0xF0) << 4], axis=1)
    return _signed(pair.reshape(-1), 12)


def _310(view: memoryview) -> Integers:
    """Three 10-bit samples in two little-endian words: bits 1-10 of each, the third in the five top bits of both."""
    w = np.frombuffer(view, "<u2").reshape(-1, 2).astype(np.int32)
    third = w[:, 0] >> 11 | (w[:, 1] >> 11) << 5
    three = np.stack([w[:, 0] >> 1 & 0x3FF, w[:, 1] >> 1 & 0x3FF, third], axis=1)
    return _signed(three.reshape(-1), 10)


def _311(view: memoryview) -> Integers:
    """Three 10-bit samples in one little-endian 32-bit word, lowest bits first."""
    w = np.frombuffer(view, "<u4").astype(np.int64)
    three = np.stack([w & 0x3FF, w >> 10 & 0x3FF, w >> 20 & 0x3FF], axis=1)
    return _signed(three.reshape(-1).astype(np.int32), 10)


def _signed(values: Integers, bits: int) -> Integers:
    """Two's complement of the lowest `bits` bits."""
    half = np.int32(1 << (bits - 1))
    return (values ^ half) - half


_UNPACK: Final[Mapping[int, Callable[[memoryview], Integers]]] = {
    8: _plain("i1"), 16: _plain("<i2"), 24: _24, 32: _plain("<i4"), 61: _plain(">i2"), 80: _plain("u1", 128),
    160: _plain("<u2", 32768), 212: _212, 310: _310, 311: _311,
}


def decode_flac(data: bytes, *, format: int, channels: int, where: str) -> Integers:
    """A FLAC stream: int32 `[sample, channel]`, decoded by libsndfile.

    Raises:
        MissingExtraError: the `soundfile` package (part of wfdb's installation) is not there.
        CorruptInputError: the stream is damaged or has other channels than the header says.
    """
    try:
        import soundfile  # type: ignore[import-untyped]
    except (ImportError, OSError):
        raise MissingExtraError(
            "FLAC-compressed WFDB needs the soundfile package", where=where, hint="pip install soundfile",
        ) from None
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as stream:
            bits = _FLAC_SUBTYPE.get(stream.subtype, 99)
            fits = stream.format == "FLAC" and stream.channels == channels and bits <= FLAC_BITS[format]
            if not fits or stream.frames * channels > safe.MAX_SAMPLES:
                raise CorruptInputError("the FLAC stream does not fit its header", where=where)
            # libsndfile loses samples in reads of more than 2^24, so it is read in blocks.
            blocks = list(stream.blocks(blocksize=1 << 18, dtype="int32", always_2d=True))
    except (RuntimeError, ValueError, TypeError, OSError):
        raise CorruptInputError("damaged FLAC stream", where=where) from None
    values = np.concatenate(blocks) if blocks else np.zeros((0, channels), np.int32)
    return np.asarray(values >> (32 - bits), dtype=np.int32)  # libsndfile puts the value in the top bits
