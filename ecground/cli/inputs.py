"""Arguments of the command line -> the recordings they name, in a fixed order.

A folder is walked without following links; hidden files are left out, and a WFDB record counts once, as its header:
the signal, segment and annotation files beside it are its parts. Every other file is named, also one that no reader
recognises: it then says so in its own object instead of vanishing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ecground.errors import EcgroundError, UsageError
from ecground.io import sniff

__all__ = ["Input", "expand"]

_HEADER_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Input:
    """One recording to read."""

    name: str
    """As results name it."""

    @property
    def source(self) -> Path | bytes:
        """What `ecground.io.read` gets."""
        return sys.stdin.buffer.read() if self.name == "-" else Path(self.name)


def expand(names: Sequence[str]) -> list[Input]:
    """The recordings that the arguments name.

    Raises:
        UsageError: A folder holds no files.
    """
    found: list[Input] = []
    for name in names:
        folder = Path(name)
        if name != "-" and folder.is_dir():
            inside = [Input(str(path)) for path in _walk(folder)]
            if not inside:
                raise UsageError("the folder holds no files", where=name, hint="hidden files are not read")
            found += inside
        else:
            found.append(Input(name))
    return found


def _walk(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(where)
        names = sorted(name for name in files if not name.startswith("."))
        parts = _parts_of_records(here, names)
        yield from (here / name for name in names if name not in parts)


def _parts_of_records(folder: Path, names: Iterable[str]) -> set[str]:
    """Names of files that belong to a WFDB record whose header lies in the same folder."""
    present = set(names)
    parts: set[str] = set()
    for header in (name for name in present if name.endswith(".hea")):
        stem = header.removesuffix(".hea")
        named = _named_in_header(folder / header)
        parts |= present & (named | {f"{name}.hea" for name in named if name != stem})
        parts |= {name for name in present - parts if Path(name).stem == stem and not _is_recording(folder / name)}
    return parts


def _is_recording(path: Path) -> bool:
    """False for annotation files and the like: no reader knows them on their own."""
    try:
        sniff(path)
    except EcgroundError:
        return False
    return True


def _named_in_header(header: Path) -> set[str]:
    """First word of every line after the first: signal files, or segments of a multi-segment record."""
    try:
        with header.open("rb") as file:
            text = file.read(_HEADER_BYTES).decode("latin-1")
    except OSError:
        return set()
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {words[0] for words in lines[1:]}
