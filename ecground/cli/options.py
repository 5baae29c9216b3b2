"""Arguments and options that several commands share.

Every command that takes recordings ends in a parameter `batch: Batch`; `batched` shows its fields as options.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from ecground.record import Sex

__all__ = ["Age", "Batch", "Files", "Form", "FormOption", "Json", "SexOption", "batched", "chosen"]


class Form(StrEnum):
    """How a result is printed."""

    json = "json"
    text = "text"


Files = Annotated[list[str] | None, typer.Argument(
    metavar="FILE...", help="Recordings, folders, patterns in quotes, or - for standard input.", show_default=False)]
Age = Annotated[float | None, typer.Option("--age", min=0, max=130, help="Age in years, instead of the file's.")]
SexOption = Annotated[Sex | None, typer.Option("--sex", case_sensitive=False, help="Instead of the file's.")]
FormOption = Annotated[Form | None, typer.Option("--format", help="json (default) or text for people.")]
Json = Annotated[bool, typer.Option("--json", help="Short for --format json.")]


@dataclass(frozen=True)
class Batch:
    """How many recordings are worked through; docs/json.md, "Many files"."""

    files_from: Annotated[str | None, typer.Option(
        "--files-from", metavar="LIST", help="Take names from a file, or - : one a line, or ended by NUL.")] = None
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Worker processes.")] = 1
    timeout: Annotated[float | None, typer.Option(
        "--timeout", min=0.001, metavar="SECONDS", help="Give up on a file after this time.")] = None
    out: Annotated[Path | None, typer.Option(
        "--output", "-o", metavar="OUT", help="Write there instead of on stdout.")] = None
    resume: Annotated[bool, typer.Option("--resume", help="Continue OUT: what is done is skipped.")] = False
    failures: Annotated[Path | None, typer.Option(
        "--failures", metavar="LIST", help="Write a line of JSON for each file that failed.")] = None
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no words on stderr.")] = False


def batched(command: Callable[..., None]) -> Callable[..., None]:
    """`command` as the command line shows it: the options of `Batch` in place of its last parameter, `batch`."""
    own = list(inspect.signature(command, eval_str=True).parameters.values())[:-1]
    hints = get_type_hints(Batch, include_extras=True)
    options = [inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default,
                                 annotation=hints[field.name]) for field in fields(Batch)]

    @functools.wraps(command)
    def shown(**given: Any) -> None:  # noqa: ANN401 - whatever the options are
        batch = Batch(**{option.name: given.pop(option.name) for option in options})
        given["files"] = given["files"] or []
        _consistent(given["files"], batch)
        command(**given, batch=batch)

    shown.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
    return shown


def _consistent(files: list[str], batch: Batch) -> None:
    """Raise `typer.BadParameter` for options that contradict each other."""
    if not files and batch.files_from is None:
        raise typer.BadParameter("name a recording, a folder or a pattern, or a list with --files-from")
    if files.count("-") + (batch.files_from == "-") > 1:
        raise typer.BadParameter("standard input can be read once only")
    if batch.resume and batch.out is None:
        raise typer.BadParameter("--resume needs --output OUT")
    if batch.resume and "-" in files:
        raise typer.BadParameter("--resume cannot know standard input again")
    if batch.out is not None and batch.out == batch.failures:
        raise typer.BadParameter("--output and --failures need two files")


def chosen(form: Form | None, json: bool, default: Form = Form.json) -> Form:
    """The form to print: --json wins over the default, a contradiction is a usage error."""
    if json and form not in (None, Form.json):
        raise typer.BadParameter(f"--json contradicts --format {form}")
    return Form.json if json else form or default
