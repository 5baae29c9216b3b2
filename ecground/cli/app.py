"""The table of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from ecground import __version__
from ecground.cli import about, build, corpus, deid, digitize, draw, explain, numbers, pages

__all__ = ["app"]

app = typer.Typer(
    name="ecground",
    help="Read electrocardiograms and explain them with evidence a reader can check. Research use, not a medical "
         "device. Every FILE may be a recording, a folder of recordings, or - for standard input.",
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
)
for command in (explain.interpret, explain.findings, explain.check, explain.compare,
                numbers.measure, numbers.fiducials, numbers.info, deid.deid, corpus.corpus, draw.render, draw.plot,
                digitize.digitize,
                about.formats, about.schema):
    app.command()(command)
app.add_typer(pages.app, name="pages")
app.add_typer(build.app, name="build")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ecground {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True,
                                          help="Print the version and leave.")] = False,
) -> None:
    del version
