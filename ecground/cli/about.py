"""Commands about ecground itself: `formats`, `schema`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ecground.report.contracts import KINDS, FormatRow, Formats
from ecground.report.json import envelope
from ecground.report.schema import schema as json_schema

__all__ = ["formats", "schema"]


def formats() -> None:
    """The file formats that can be read and written."""
    from ecground.io import FORMATS

    rows: list[FormatRow] = [
        {"name": row.name, "description": row.description, "reads": True, "writes": row.write is not None}
        for row in FORMATS.values()]
    payload: Formats = {"formats": rows}
    typer.echo(json.dumps(envelope("formats", None, payload, None)))


def schema(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of: {' '.join(KINDS)}.")],
) -> None:
    """The JSON Schema of what a command prints."""
    if kind not in KINDS:
        raise typer.BadParameter(f"no such kind: {kind}; there are {' '.join(KINDS)}")
    typer.echo(json.dumps(json_schema(kind), indent=2))
