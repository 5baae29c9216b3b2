"""Samples of one WFDB signal file, decoded by the `wfdb` package after the sizes were checked against the file.

Contract: `decode` gives the integers of every signal of one file, `[frame x samples per frame]`, as stored: no skew, no
gain; `INVALID` is the integer that means "no sample". The package never sees the user's header, whose file names,
dates and numbers it would parse by rules of its own, but a plain one written here after ours was checked, in a folder
of its own where the signal file is linked: it can open no other file, and a header that it could not parse is read.
Reference: WFDB Applications Guide, signal(5), PhysioNet.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import CorruptInputError, MissingExtraError, UnsafeInputError
from ecground.io.wfdb.header import SignalLine
from ecground.io.wfdb.library import decoding

__all__ = ["INVALID", "available", "decode"]

_BITS: Final[Mapping[int, int]] = {
    16: 16, 61: 16, 160: 16, 516: 16, 24: 24, 524: 24, 32: 32, 80: 8, 508: 8, 212: 12, 310: 10, 311: 10,
}
INVALID: Final[Mapping[int, int]] = {format: -(1 << (bits - 1)) for format, bits in _BITS.items()}
"""Format -> the integer that marks a missing sample; format 8 (differences) has none."""
_FLAC: Final = frozenset((508, 516, 524))
_BLOCK: Final[Mapping[int, tuple[int, int]]] = {
    8: (1, 1), 16: (1, 2), 24: (1, 3), 32: (1, 4), 61: (1, 2), 80: (1, 1), 160: (1, 2), 212: (2, 3), 310: (3, 4),
    311: (3, 4),
}
"""Format -> (samples, bytes) of one block; the last block may be cut short."""
_MAX_WIDTH: Final = 1 << 16


def available(format: int, size: int) -> int:
    """Number of whole samples in `size` bytes."""
    samples, width = _BLOCK[format]
    # The second sample of a 310 block lies in its last two bytes, so three bytes hold only one.
    return size * samples // width - (format == 310 and size % width == 3)


def decode(path: Path, lines: Sequence[SignalLine], *, frames: int | None, where: str) -> list[NDArray[Any]]:
    """The stored integers of all signals of the file, in the order of `lines`.

    Args:
        path: the signal file.
        lines: the header's lines of this file, all of them.
        frames: declared number of frames; None or 0 takes what the file holds.
        where: the header's name for messages.

    Raises:
        CorruptInputError: the lines contradict each other or the file, or the file is damaged.
        UnsafeInputError: impossible sizes.
        NotFoundError: the file cannot be opened.
        MissingExtraError: a FLAC file, and no libsndfile.
    """
    first = lines[0]
    if any((line.format, line.offset) != (first.format, first.offset) for line in lines):
        raise CorruptInputError("signals of one file differ in format or offset", where=where)
    if first.format not in (8, *INVALID):
        raise CorruptInputError(f"WFDB format {first.format} does not exist", where=where)
    width = sum(line.per_frame for line in lines)
    if (frames or 0) * width > safe.MAX_SAMPLES or width > _MAX_WIDTH:
        raise UnsafeInputError(f"{frames} frames of {width} samples declared", where=where)
    held = _frames_held(path, first, len(lines), width)
    if (frames or 0) > held:
        raise CorruptInputError(
            f"{frames} frames declared, {held} present", where=path.name,
            hint="the signal file is truncated or its header is wrong",
        )
    if not held:
        return [np.zeros(0, np.int16) for _ in lines]
    return _decoded(path, lines, frames or held)


def _frames_held(path: Path, line: SignalLine, signals: int, width: int) -> int:
    """Whole frames in the file; UnsafeInputError when there are too many to be read."""
    safe.read_head(path, count=1)  # our own error for a file that cannot be opened
    size = path.stat().st_size
    if size > safe.MAX_FILE_BYTES:
        raise UnsafeInputError(f"{size} bytes, limit {safe.MAX_FILE_BYTES}", where=path.name)
    if line.format in _FLAC:
        held = (_flac_length(path) - line.offset) * signals // width
    else:
        if line.offset > size:
            raise CorruptInputError(f"offset {line.offset} is beyond the end of the file", where=path.name)
        held = available(line.format, size - line.offset) // width
    if held * width > safe.MAX_SAMPLES:
        raise UnsafeInputError(f"{held} frames of {width} samples", where=path.name)
    return max(held, 0)


def _flac_length(path: Path) -> int:
    """Samples a channel of a FLAC file; wfdb cannot tell them and reads only what the header declares."""
    try:
        import soundfile  # type: ignore[import-untyped]
    except (ImportError, OSError):
        raise MissingExtraError(
            "FLAC-compressed WFDB needs libsndfile", where=path.name, hint="pip install soundfile",
        ) from None
    with decoding(path.name):
        return int(soundfile.info(str(path.resolve())).frames)


def _decoded(path: Path, lines: Sequence[SignalLine], frames: int) -> list[NDArray[Any]]:
    """What wfdb reads in a folder that holds a plain header and a link to the signal file."""
    # wfdb (4.3) fails on integers of format 61, which is 16 with the bytes of each sample swapped.
    swapped = lines[0].format == 61
    format = 16 if swapped else lines[0].format
    rows = [f"record {len(lines)} 1 {frames}"]
    rows += [f"s.dat {format}x{line.per_frame}+{line.offset} 1(0)/1 0 0 {line.first} 0 0 x" for line in lines]
    wide = format in (8, 24, 32, 524)
    with decoding(path.name) as wfdb, tempfile.TemporaryDirectory(prefix="ecground-") as name:
        folder = Path(name).resolve()
        folder.joinpath("record.hea").write_text("\n".join(rows) + "\n", encoding="ascii")
        _link(folder / "s.dat", path.resolve())
        record = wfdb.rdrecord(
            str(folder / "record"), physical=False, smooth_frames=False, return_res=32 if wide else 16,
        )
        values: list[NDArray[Any]] = record.e_d_signal
        if [each.size for each in values] != [frames * line.per_frame for line in lines]:
            raise CorruptInputError("not all samples could be decoded", where=path.name)
    return [each.byteswap() for each in values] if swapped else values


def _link(link: Path, target: Path) -> None:
    """A symbolic link, or a copy where the system allows none (Windows without developer mode)."""
    try:
        link.symlink_to(target)
    except (OSError, NotImplementedError):
        shutil.copyfile(target, link)
