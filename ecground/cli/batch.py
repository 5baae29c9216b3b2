"""One command over many recordings: each gets its object, whatever happens to the others.

Contract: objects go to stdout in the order of the inputs, one a line, as soon as each is ready; failures are repeated
as one line on stderr. Exit status: 0 all ok, 1 some failed, 3 every one refused (docs/json.md).
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import typer

from ecground.cli.inputs import Input, expand
from ecground.cli.options import Form
from ecground.errors import EcgroundError, RefusedError
from ecground.interpret import Source
from ecground.report.json import envelope

__all__ = ["Command", "InternalError", "answer", "guarded", "leave", "progress", "run", "say", "write_line"]

R = TypeVar("R")


class InternalError(EcgroundError):
    """A defect of ecground or of a library it uses; the other files are not affected."""

    code = "internal"


@dataclass(frozen=True)
class Command(Generic[R]):
    """What a command does with one recording, and how it shows the result."""

    kind: str
    analyse: Callable[[Source], R]
    payload: Callable[[R], Mapping[str, Any]]
    text: Callable[[str, R], str]
    """File name and result -> what a person reads."""
    problem: Callable[[R], EcgroundError | None] = lambda result: None
    """The first step that failed although a partial result exists."""


def run(command: Command[R], names: Sequence[str], form: Form) -> None:
    """Run `command` over all recordings that `names` name; leaves by `typer.Exit` unless all went well."""
    leave([answer(command, item.name, lambda item=item: item.source, form)  # type: ignore[misc]
           for item in progress(expand(names))])


def answer(command: Command[R], name: str, source: Callable[[], Source], form: Form) -> EcgroundError | None:
    """Print one object (or its text) on stdout; the failure, if any, goes to stderr too and is returned."""

    def work() -> tuple[Mapping[str, Any] | str, EcgroundError | None]:
        result = command.analyse(source())
        body = command.payload(result) if form is Form.json else command.text(name, result)
        return body, command.problem(result)

    done, error = guarded(work, name)
    body, problem = done or ({}, error)
    if error is None and problem is not None:
        say(f"ecground: {name}: {problem}")
    if form is Form.json:
        payload = body if isinstance(body, Mapping) else {}
        write_line(json.dumps(envelope(command.kind, name, payload, problem), ensure_ascii=False, allow_nan=False))
    elif isinstance(body, str):
        write_line(body)
    return problem


def guarded(step: Callable[[], R], name: str) -> tuple[R | None, EcgroundError | None]:
    """The step's result, or the failure, already said on stderr; nothing but an interrupt gets past."""
    try:
        with contextlib.redirect_stdout(sys.stderr):  # stdout holds results only, whatever a library prints
            return step(), None
    except EcgroundError as error:
        failure = error
    except Exception as error:  # noqa: BLE001 - one file must not lose the others
        if os.environ.get("ECGROUND_DEBUG"):
            traceback.print_exc()
        failure = InternalError(
            f"an unexpected {type(error).__name__}", where=name,
            hint="this is a defect of ecground; ECGROUND_DEBUG=1 shows where, please report it")
    say(f"ecground: {name}: {failure}")
    return None, failure


def leave(errors: Sequence[EcgroundError | None]) -> None:
    """Leave with the exit status that these outcomes call for."""
    failed = [error for error in errors if error is not None]
    if not failed:
        return
    refused = len(failed) == len(errors) and all(isinstance(error, RefusedError) for error in failed)
    raise typer.Exit(RefusedError.exit_status if refused else EcgroundError.exit_status)


def say(message: str) -> None:
    """A line for a person, on stderr."""
    print(message.encode("utf-8", "backslashreplace").decode(), file=sys.stderr)


def write_line(text: str) -> None:
    """A line on stdout."""
    # UTF-8 whatever the console's code page; file names that are no text keep their bytes as \\udcXX escapes.
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.buffer.flush()


def progress(inputs: Sequence[Input]) -> Iterable[Input]:
    """A bar on stderr when a person watches several files go by."""
    if len(inputs) < 2 or not sys.stderr.isatty():
        return inputs
    return _with_bar(inputs)


def _with_bar(inputs: Sequence[Input]) -> Iterator[Input]:
    from rich.console import Console
    from rich.progress import track

    yield from track(inputs, description="recordings", console=Console(stderr=True))
