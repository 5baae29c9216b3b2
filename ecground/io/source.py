"""`Source`: what a reader is given, whether it came as a path, bytes or a file object.

Contract: `head` is cheap and enough to recognise a format; `data` reads everything once; `sibling` opens a file in the
same folder and no other.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Final

from ecground import safe
from ecground.errors import CorruptInputError, NotFoundError, UsageError

__all__ = ["HEAD_BYTES", "Source"]

HEAD_BYTES: Final = 1 << 16
"""Bytes a sniffer may look at."""


class Source:
    """One input; `path` is None for bytes and file objects."""

    def __init__(self, given: str | Path | bytes | BinaryIO) -> None:
        self.path: Path | None = None
        self._given: bytes | BinaryIO | Path
        if isinstance(given, str | Path):
            self.path = self._given = _existing(Path(given))
        elif isinstance(given, bytes | bytearray | memoryview):
            self._given = bytes(given)
        elif hasattr(given, "read"):
            self._given = given
        else:
            raise UsageError(
                f"cannot read from {type(given).__name__}", where="read", hint="give a path, bytes or a file object",
            )

    @property
    def name(self) -> str:
        """Name for messages: the last part of the path."""
        return self.path.name if self.path else "bytes" if isinstance(self._given, bytes) else "file object"

    @cached_property
    def head(self) -> bytes:
        """The first 64 KiB."""
        if self.path is not None and "data" not in self.__dict__:
            return safe.read_head(self.path, count=HEAD_BYTES)
        return self.data[:HEAD_BYTES]

    @cached_property
    def data(self) -> bytes:
        """Everything, at most `safe.MAX_FILE_BYTES`."""
        return self._given if isinstance(self._given, bytes) else safe.read_bytes(self._given)

    @cached_property
    def text(self) -> str:
        """Everything as text: UTF-8 with or without BOM, else Latin-1."""
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return self.data.decode("latin-1")

    def sibling(self, name: str) -> Path:
        """The path of a file in the same folder."""
        if self.path is None:
            raise CorruptInputError(
                "a header given as bytes cannot name other files", where=self.name, hint="give the path of the header",
            )
        return safe.inside(self.path.parent, name)


def _existing(path: Path) -> Path:
    """The file itself; a WFDB record may be named without suffix."""
    try:
        if path.is_file():
            return path
        header = path.with_name(path.name + ".hea")
        if path.name and header.is_file():
            return header
        if path.is_dir():
            raise NotFoundError("a folder, not a file", where=path.name, hint="give one file of the folder")
    except (OSError, ValueError):
        pass
    raise NotFoundError("no such file", where=path.name, hint="check the path")
