"""A command over many recordings, from the names on the command line to its exit status.

Contract: one object (or text) a recording in the order of the inputs: on stdout as soon as it is ready, or in OUT. One
recording gives one document, which appears whole or not at all; many, or a folder, give JSON Lines in a `Journal`.
Exit status: 0 all ok, 1 some failed, 3 every one refused (docs/json.md).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import typer

from ecground.cli.batch.journal import Journal, companions, key_of
from ecground.cli.batch.outcome import Outcome
from ecground.cli.batch.pool import outcomes
from ecground.cli.batch.watch import Watch
from ecground.cli.inputs import Input, expand
from ecground.cli.options import Batch, Form
from ecground.errors import EcgroundError, UsageError
from ecground.interpret import Source
from ecground.report.json import envelope
from ecground.safe import write_atomic

__all__ = ["Command", "recordings", "run"]

R = TypeVar("R")
T = TypeVar("T")


def no_problem(result: object) -> None:
    """A whole result has no problem."""
    del result


def nothing(name: str, error: EcgroundError) -> Mapping[str, Any]:
    """A recording without result has no fields but those of the envelope."""
    del name, error
    return {}


@dataclass(frozen=True)
class Command(Generic[R]):
    """What a command does with one recording, and how it shows the result; picklable when it is to run in workers."""

    kind: str
    analyse: Callable[[Source], R]
    payload: Callable[[R], Mapping[str, Any]]
    text: Callable[[str, R], str]
    """File name and result -> what a person reads."""
    problem: Callable[[R], EcgroundError | None] = no_problem
    """The first step that failed although a partial result exists."""
    lost: Callable[[str, EcgroundError], Mapping[str, Any]] = nothing
    """Name and failure of a recording without result -> fields of its object; they go before the envelope's own."""

    @property
    def call(self) -> str:
        """What decides the results besides the recordings: a run is continued only with the same."""
        given = self.analyse.keywords if isinstance(self.analyse, partial) else {}
        return json.dumps([self.kind, {name: str(value) for name, value in given.items()}], sort_keys=True)


def run(command: Command[R], names: Sequence[str], form: Form, batch: Batch = Batch()) -> None:  # noqa: B008 - frozen
    """Run `command` over all recordings that `names` name; leaves by `typer.Exit` unless all went well.

    Raises:
        UsageError: The arguments name nothing, or the output cannot be written or continued.
    """
    if batch.out is not None and form is not Form.json:
        raise typer.BadParameter("--output goes with JSON")
    inputs = recordings(names, batch)
    with Watch(len(inputs), batch) as watch:
        if batch.out is None:
            for _, text, _ in _results(command, inputs, form, batch, watch):
                sys.stdout.buffer.write(text)
                sys.stdout.buffer.flush()
        elif not batch.resume and len(inputs) == 1 and inputs[0].name in names:
            _write_document(batch.out, b"".join(text for _, text, _ in _results(command, inputs, form, batch, watch)))
        else:
            _continue(command, inputs, batch, watch)
    watch.leave()


def recordings(names: Sequence[str], batch: Batch) -> list[Input]:
    """The recordings that a call names, without the files that it writes itself."""
    written = {str(path.absolute()) for out in (batch.out, batch.failures) if out is not None
               for path in (out, *companions(out))}
    inputs = expand(names, files_from=batch.files_from)
    return [item for item in inputs if item.name == "-" or str(Path(item.name).absolute()) not in written]


def _continue(command: Command[R], inputs: Sequence[Input], batch: Batch, watch: Watch) -> None:
    """Append to OUT what it lacks."""
    assert batch.out is not None
    keys = [key_of(item) for item in inputs]
    with Journal(batch.out, command.call, keys, resume=batch.resume) as journal:
        for entry in journal.entries:
            watch.earlier(entry.key[0], entry.error)
        todo = journal.open_of(keys)
        results = _results(command, [inputs[number] for number in todo], Form.json, batch, watch)
        for number, (_, line, error) in zip(todo, results, strict=True):
            journal.add(keys[number], line, error)


def _results(
    command: Command[R], inputs: Sequence[Input], form: Form, batch: Batch, watch: Watch,
) -> Iterator[tuple[Input, bytes, EcgroundError | None]]:
    """Each recording with what is to be written about it and its failure; `watch` has seen it."""
    with closing(outcomes(partial(_answer, command, form), inputs, batch)) as found:
        for item, outcome in zip(inputs, found, strict=True):
            body = outcome.result
            if body is None:
                assert outcome.error is not None
                fields = command.lost(item.name, outcome.error)
                body = _object(command.kind, item.name, fields, outcome.error) if form is Form.json else b""
            yield item, body, outcome.error
            watch.saw(item.name, outcome.error)


def _answer(command: Command[R], form: Form, name: str, source: Source) -> Outcome[bytes]:
    """What is to be written about one recording."""
    result = command.analyse(source)
    problem = command.problem(result)
    if form is Form.text:
        return Outcome(_encoded(command.text(name, result)), problem)
    return Outcome(_object(command.kind, name, command.payload(result), problem), problem)


def _object(kind: str, name: str, payload: Mapping[str, Any], error: EcgroundError | None) -> bytes:
    return _encoded(json.dumps(envelope(kind, name, payload, error), ensure_ascii=False, allow_nan=False))


def _encoded(text: str) -> bytes:
    """UTF-8 whatever the console's code page; file names that are no text keep their bytes as escapes."""
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _write_document(out: Path, text: bytes) -> None:
    try:
        write_atomic(out, text)
    except OSError as error:
        raise UsageError(f"cannot write there ({os.strerror(error.errno or 0)})", where=str(out)) from None
