"""Arguments and file lists of the command line -> the recordings they name, in a fixed order.

A pattern (`*`, `?`, `[...]`, `**`) that reaches us unexpanded is expanded here, so that it works in every shell and
beyond the shell's limits. A list holds one name a line, or names ended by NUL; its names are taken as they are, folders
included. A folder is walked without following links; hidden files are left out, and a WFDB record counts once, as its
header: the signal, segment and annotation files beside it are its parts. Every other file is named, also one that no
reader recognises: it then says so in its own object instead of vanishing.
"""

from __future__ import annotations

import glob
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
_LIST_BYTES: Final = 256 << 20
"""Longest file list: two million names of 128 bytes."""


@dataclass(frozen=True, slots=True)
class Input:
    """One recording to read."""

    name: str
    """As results name it."""

    @property
    def source(self) -> Path | bytes:
        """What `ecground.io.read` gets."""
        return sys.stdin.buffer.read() if self.name == "-" else Path(self.name)


def expand(names: Sequence[str], *, files_from: str | None = None) -> list[Input]:
    """The recordings that the arguments name, and after them those of the list `files_from` (`-`: standard input).

    Raises:
        UsageError: A folder holds no files, a pattern matches none, or the list cannot be read.
    """
    found = [entry for name in names for entry in _argument(name)]
    if files_from is not None:
        found += [entry for name in _listed(files_from) for entry in _entry(name)]
    return found


def _argument(name: str) -> list[Input]:
    """A name as the shell hands it over: a pattern only when nothing is called so."""
    if name == "-" or not glob.has_magic(name) or os.path.lexists(name):
        return _entry(name)
    matched = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - keeps the name as it was written
    if not matched:
        raise UsageError("no file matches the pattern", where=name, hint="hidden files match only a pattern with a dot")
    folders: dict[str, list[str]] = {}
    for folder, file in map(os.path.split, matched):
        folders.setdefault(folder, []).append(file)
    parts = {folder: _parts_of_records(Path(folder), files) for folder, files in folders.items()}
    kept = (path for path in matched if os.path.basename(path) not in parts[os.path.dirname(path)])  # noqa: PTH119,PTH120
    return [entry for path in kept for entry in _entry(path)]


def _entry(name: str) -> list[Input]:
    folder = Path(name)
    if name == "-" or not folder.is_dir():
        return [Input(name)]
    inside = [Input(str(path)) for path in _walk(folder)]
    if not inside:
        raise UsageError("the folder holds no files", where=name, hint="hidden files are not read")
    return inside


def _listed(name: str) -> Iterator[str]:
    """Names in a list: one a line, or ended by NUL as `find -print0` writes them; empty ones are passed over."""
    try:
        if name == "-":
            data = sys.stdin.buffer.read(_LIST_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(_LIST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"the file list cannot be read ({error.strerror})", where=name) from None
    if len(data) > _LIST_BYTES:
        raise UsageError("the file list is longer than 256 MiB", where=name, hint="split it")
    lines = data.split(b"\0") if b"\0" in data else (line.rstrip(b"\r") for line in data.split(b"\n"))
    return (os.fsdecode(line) for line in lines if line)


def _walk(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(where)
        names = sorted(name for name in files if not name.startswith("."))
        parts = _parts_of_records(here, names)
        yield from (here / name for name in names if name not in parts)


def _parts_of_records(folder: Path, names: Iterable[str]) -> set[str]:
    """Those of the `names` in a folder that belong to a WFDB record whose header is among them."""
    present = set(names)
    by_stem: dict[str, list[str]] = {}
    for name in present:
        by_stem.setdefault(Path(name).stem, []).append(name)
    parts: set[str] = set()
    for header in (name for name in present if name.endswith(".hea")):
        stem = header.removesuffix(".hea")
        named = _named_in_header(folder / header)
        parts |= present & (named | {f"{name}.hea" for name in named if name != stem}) - {header}
        beside = (name for name in by_stem.get(stem, ()) if name != header and name not in parts)
        parts |= {name for name in beside if not _is_recording(folder / name)}
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
