"""Commands about ecground itself: `formats`, `schema`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ecground.report.contracts import KINDS, FormatRow, Formats
from ecground.report.json import envelope
from ecground.report.schema import schema as json_schema

__all__ = ["formats", "formats_markdown", "schema"]


def formats(
    markdown: Annotated[bool, typer.Option("--markdown", help="A table for people instead of JSON.")] = False,
) -> None:
    """The file formats that can be read and written, and on how many files reading was verified."""
    if markdown:
        typer.echo(formats_markdown(), nl=False)
        return
    payload: Formats = {"formats": _rows()}
    typer.echo(json.dumps(envelope("formats", None, payload, None)))


def formats_markdown() -> str:
    """The table of formats as Markdown, as README shows it."""
    lines = ["| format | name | read | write | reading verified on |", "|---|---|---|---|---|"]
    for row in _rows():
        verified = {None: "round trips", 0: "no sample: unverified", 1: "1 file"}.get(
            row["verified"], f"{row['verified']} files")
        wrote = "yes" if row["writes"] else "no"
        lines.append(f"| {row['description']} | `{row['name']}` | yes | {wrote} | {verified} |")
    return "\n".join(lines) + "\n"


def _rows() -> list[FormatRow]:
    from ecground.io import FORMATS

    return [{"name": row.name, "description": row.description, "reads": True, "writes": row.write is not None,
             "verified": row.verified} for row in FORMATS.values()]


def schema(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"One of: {' '.join(KINDS)}.")],
) -> None:
    """The JSON Schema of what a command prints."""
    if kind not in KINDS:
        raise typer.BadParameter(f"no such kind: {kind}; there are {' '.join(KINDS)}")
    typer.echo(json.dumps(json_schema(kind), indent=2))
