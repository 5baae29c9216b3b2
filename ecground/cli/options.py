"""Arguments and options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from ecground.record import Sex

__all__ = ["Age", "Files", "Form", "FormOption", "Json", "SexOption", "chosen"]


class Form(StrEnum):
    """How a result is printed."""

    json = "json"
    text = "text"


Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="Recordings, folders, or - for standard input.")]
Age = Annotated[float | None, typer.Option("--age", min=0, max=130, help="Age in years, instead of the file's.")]
SexOption = Annotated[Sex | None, typer.Option("--sex", case_sensitive=False, help="Instead of the file's.")]
FormOption = Annotated[Form | None, typer.Option("--format", help="json (default) or text for people.")]
Json = Annotated[bool, typer.Option("--json", help="Short for --format json.")]


def chosen(form: Form | None, json: bool, default: Form = Form.json) -> Form:
    """The form to print: --json wins over the default, a contradiction is a usage error."""
    if json and form not in (None, Form.json):
        raise typer.BadParameter(f"--json contradicts --format {form}")
    return Form.json if json else form or default
