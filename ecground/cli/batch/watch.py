"""What a person learns while recordings go by: failures on stderr and in a file, a bar, the exit status.

Contract: only names of files and our own messages are said, never patient data. Failures are repeated in the file of
`--failures` as JSON Lines `{file, code, what, where, hint}`, each written out as soon as it is known.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING

import typer

from ecground.cli.options import Batch
from ecground.errors import EcgroundError, RefusedError, UsageError

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["Watch", "say"]


def say(message: str) -> None:
    """A line for a person, on stderr."""
    print(message.encode("utf-8", "backslashreplace").decode(), file=sys.stderr)


class Watch:
    """Counts outcomes and reports failures; a context manager.

    Args:
        total: number of recordings.
        batch: the options.

    Raises:
        UsageError: The file of `--failures` cannot be written.
    """

    def __init__(self, total: int, batch: Batch) -> None:
        self._batch, self._total = batch, total
        self._seen = self._failed = self._refused = 0
        self._stack = ExitStack()
        self._bar: Progress | None = None

    def __enter__(self) -> Watch:
        path, watched = self._batch.failures, sys.stderr.isatty() and not self._batch.quiet
        try:
            self._file = None if path is None else self._stack.enter_context(path.open("wb"))
        except OSError as error:
            raise UsageError(f"cannot write there ({error.strerror})", where=str(path)) from None
        if watched and self._total > 1 and (self._batch.out is not None or not sys.stdout.isatty()):
            self._bar = self._stack.enter_context(_bar())
            self._task = self._bar.add_task("recordings", total=self._total, failed=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def earlier(self, name: str, error: EcgroundError | None) -> None:
        """An outcome of the run that this one continues."""
        self._count(name, error)

    def saw(self, name: str, error: EcgroundError | None) -> None:
        """An outcome."""
        if error is not None and not self._batch.quiet:
            say(f"ecground: {name}: {error}")
        self._count(name, error)

    def _count(self, name: str, error: EcgroundError | None) -> None:
        self._seen += 1
        if error is not None:
            self._failed += 1
            self._refused += isinstance(error, RefusedError)
            if self._file is not None:
                self._file.write(json.dumps({"file": name, **error.to_dict()}).encode() + b"\n")
                self._file.flush()
        if self._bar is not None:
            self._bar.update(self._task, completed=self._seen, failed=self._failed)

    def leave(self) -> None:
        """Leave with the exit status that the outcomes call for, unless all went well."""
        if self._failed:
            refused = self._refused == self._seen
            raise typer.Exit(RefusedError.exit_status if refused else EcgroundError.exit_status)


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                    TextColumn("{task.fields[failed]} failed"), TimeRemainingColumn(),
                    console=Console(stderr=True), redirect_stdout=False)
