"""Results of many recordings in one JSON Lines file that can be continued, whatever stopped the run.

Contract: OUT only grows. Beside it, `OUT.journal` has a line for the call and one for each result that OUT holds for
certain: `{file, size, mtime_ns, end, error, refused}`, `end` being OUT's length after it. At least once a second OUT
is synced to the disk, and only then the journal is told. So after kill -9 or a power cut the journal never knows more
than OUT: what OUT holds beyond it, a half line included, is cut and done again.

A recording is done when its name, size and time of change are those of the journal. One that changed is done again,
and its old result taken out; results of recordings that the call does not name stay. A failure is a result.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final

from ecground import __version__
from ecground.cli.batch.outcome import error_from
from ecground.cli.inputs import Input
from ecground.errors import EcgroundError, RefusedError, UsageError

__all__ = ["Entry", "Journal", "Key", "companions", "key_of"]

_SYNC_SECONDS: Final = 1.0

Key = tuple[str, int | None, int | None]
"""Name, size [bytes] and time of change [ns] of a file; None where there is none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One result in OUT."""

    key: Key
    end: int
    """Length of OUT after it [bytes]."""
    error: EcgroundError | None

    def row(self) -> bytes:
        """Its line in the journal."""
        name, size, mtime = self.key
        error = None if self.error is None else self.error.to_dict()
        return _line({"file": name, "size": size, "mtime_ns": mtime, "end": self.end, "error": error,
                      "refused": isinstance(self.error, RefusedError)})


def key_of(item: Input) -> Key:
    """What tells whether a recording is the one it was."""
    try:
        found = Path(item.name).stat()
    except (OSError, ValueError):
        return item.name, None, None
    return item.name, found.st_size, found.st_mtime_ns


def companions(out: Path) -> tuple[Path, ...]:
    """The files that may lie beside OUT on its account."""
    journal = _beside(out, ".journal")
    return journal, _beside(out, ".new"), _beside(journal, ".new")


class Journal:
    """OUT and its journal, open for more; a context manager.

    Args:
        out: the file of results.
        call: what decides the results besides the recordings (command, options); only its hash is kept.
        keys: the recordings of this call.
        resume: go on with what is there.

    Raises:
        UsageError: OUT is there and `resume` is False; there is no journal to it, or that of another call; its folder
            is missing.
    """

    def __init__(self, out: Path, call: str, keys: Sequence[Key], *, resume: bool) -> None:
        self._out = out
        self._journal, self._new_out, self._new_journal = companions(out)
        self._head = _line({"schema": "ecground/journal/1", "version": __version__,
                            "call": hashlib.sha256(call.encode("utf-8", "backslashreplace")).hexdigest()})
        if not out.parent.is_dir():
            raise UsageError("the folder to write to does not exist", where=str(out.parent), hint="create it first")
        if out.exists() and not resume:
            raise UsageError("the output is there already", where=str(out), hint="--resume continues it")
        self._settle()
        self.entries = self._recover(keys) if resume else []
        """Results of earlier runs, in the order of OUT."""
        self._waiting: list[Entry] = []

    def __enter__(self) -> Journal:
        end = self.entries[-1].end if self.entries else 0
        self._results, self._rows = self._out.open("ab"), self._journal.open("ab")
        _cut(self._results, end)
        _cut(self._rows, len(self._head) + sum(len(entry.row()) for entry in self.entries) if self.entries else 0)
        if not self.entries:
            self._rows.write(self._head)
            _to_disk(self._rows)
        self._end, self._synced = end, time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        self._sync()
        self._results.close()
        self._rows.close()

    def open_of(self, keys: Sequence[Key]) -> list[int]:
        """Numbers of those `keys` that OUT has no result of; a key named twice needs two."""
        done = Counter(entry.key for entry in self.entries)
        still = []
        for number, key in enumerate(keys):
            if done[key] > 0:
                done[key] -= 1
            else:
                still.append(number)
        return still

    def add(self, key: Key, line: bytes, error: EcgroundError | None) -> None:
        """Append one result (with its line end)."""
        self._results.write(line)
        self._end += len(line)
        self._waiting.append(Entry(key, self._end, error))
        if time.monotonic() - self._synced >= _SYNC_SECONDS:
            self._sync()

    def _sync(self) -> None:
        """First the results, then the journal: it must never know more than OUT."""
        _to_disk(self._results)
        self._rows.writelines(entry.row() for entry in self._waiting)
        self._rows.flush()
        self._waiting.clear()
        self._synced = time.monotonic()

    def _recover(self, keys: Sequence[Key]) -> list[Entry]:
        """What is certainly in OUT and still wanted."""
        if not self._journal.exists():
            if self._out.exists() and self._out.stat().st_size:
                raise UsageError("the output has no journal", where=str(self._out),
                                 hint="only a batch can be continued")
            return []
        size = self._out.stat().st_size if self._out.exists() else 0
        entries = [entry for entry in self._read() if entry.end <= size]
        wanted, named = set(keys), {key[0] for key in keys}
        kept = [entry for entry in entries if entry.key in wanted or entry.key[0] not in named]
        return entries if len(kept) == len(entries) else self._rewrite(entries, kept)

    def _read(self) -> Iterator[Entry]:
        """Entries up to the first line that was not written to its end."""
        with self._journal.open("rb") as file:
            head = file.readline()
            if head.endswith(b"\n") and head != self._head:
                raise UsageError("the output comes from another command, other options or another version",
                                 where=str(self._out), hint="continue it with the same call, or choose another OUT")
            for line in file:
                try:
                    row = json.loads(line)
                    entry = Entry((row["file"], row["size"], row["mtime_ns"]), row["end"],
                                  None if row["error"] is None else error_from(row["error"], refused=row["refused"]))
                except (ValueError, TypeError, KeyError):
                    return
                if not line.endswith(b"\n"):
                    return
                yield entry

    def _rewrite(self, entries: Sequence[Entry], kept: Sequence[Entry]) -> list[Entry]:
        """OUT and journal without the results of recordings that changed; both or neither, see `_settle`."""
        keep, moved, start, end = {id(entry) for entry in kept}, [], 0, 0
        with self._out.open("rb") as old, self._new_out.open("wb") as new:
            for entry in entries:
                line = old.read(entry.end - start)
                start = entry.end
                if id(entry) in keep:
                    new.write(line)
                    end += len(line)
                    moved.append(Entry(entry.key, end, entry.error))
            _to_disk(new)
        with self._new_journal.open("wb") as rows:
            rows.write(self._head)
            rows.writelines(entry.row() for entry in moved)
            _to_disk(rows)
        self._new_out.replace(self._out)
        self._new_journal.replace(self._journal)
        return moved

    def _settle(self) -> None:
        """Finish a rewrite that was cut off: OUT is exchanged first, so a new journal alone is the valid one."""
        if self._new_journal.exists() and not self._new_out.exists():
            self._new_journal.replace(self._journal)
        self._new_out.unlink(missing_ok=True)
        self._new_journal.unlink(missing_ok=True)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row).encode() + b"\n"


def _cut(file: BinaryIO, end: int) -> None:
    """Drop what lies beyond `end`."""
    file.truncate(end)
    file.seek(end)


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
