"""Commands that make data sets of pages: `pages build`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from ecground.cli.batch.watch import say
from ecground.errors import EcgroundError, UsageError

if TYPE_CHECKING:
    from ecground.paper.datasets import Plan, Source

__all__ = ["app", "build"]

_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")

app = typer.Typer(name="pages", no_args_is_help=True, help="Data sets of ECG pages with exact truth.")


@app.callback()
def _group() -> None:
    """Keeps `build` a command of its own."""


@app.command()
def build(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="digitization, detection, segmentation, overlap, meeti "
                                                             "or pages.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the data set.")],
    source: Annotated[str, typer.Option("--source", "-s", metavar="SOURCE",
                                        help="simulated, a folder of recordings, or CORPUS:FOLDER.")] = "simulated",
    count: Annotated[int | None, typer.Option("--count", "-n", min=1, help="Recordings; all when not given.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Decides everything random.")] = 0,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Worker processes.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Build only the shards that DIR lacks.")] = False,
    shard_size: Annotated[int, typer.Option("--shard-size", min=1, help="Recordings in a shard.")] = 64,
    form: Annotated[Literal["tar", "parquet"], typer.Option("--form", help="Files of the shards.")] = "tar",
    layout: Annotated[list[str] | None, typer.Option("--layout", help="Page layout; may be repeated.")] = None,
    photo: Annotated[list[str] | None, typer.Option(
        "--photo", help="Recipe of photographs, or none; may be repeated.")] = None,
    dpi: Annotated[float | None, typer.Option("--dpi", min=20, max=2400, help="Resolution of rendering.")] = None,
    plain: Annotated[bool | None, typer.Option("--plain/--styles", help="One plain style, or random ones.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no words on stderr.")] = False,
) -> None:
    """Build a data set of pages: shards, failures.jsonl, and manifest.json last; prints the manifest's counts."""
    from ecground.paper.datasets import Plan, looks_of, make_shard, source_of
    from ecground.paper.datasets import build as build_shards

    _check(kind, layout, photo)
    found = source_of(source)
    looks = looks_of(kind, layouts=tuple(layout) if layout else None, recipes=tuple(photo) if photo else None, dpi=dpi,
                     plain=plain)
    plan = Plan(kind, found, _count(found, count), looks, seed, shard_size, form)
    if jobs > 1:  # workers share the cores already
        os.environ.update(dict.fromkeys(_THREADS, "1"))
    bar = _bar(plan) if sys.stderr.isatty() and not quiet else nullcontext()
    with bar as advance:
        built = build_shards(out, plan.shards, partial(make_shard, plan), settings=plan.settings, jobs=jobs,
                             resume=resume, on_shard=advance)
    if not quiet:
        for failure in built.failures:
            say(f"ecground: {failure.item}: {failure.what}")
        for number in built.missing:
            say(f"ecground: the process of shard {number} died; --resume tries again")
    counts = {name: built.counts.get(name, 0) for name in ("records", "samples", "failed")}
    typer.echo(json.dumps({"kind": kind, **counts, "shards": built.shards, "missing": len(built.missing),
                           "note": plan.settings["note"]}))
    if built.missing or built.failures:
        raise typer.Exit(EcgroundError.exit_status)


def _check(kind: str, layouts: list[str] | None, recipes: list[str] | None) -> None:
    """Names on the command line; UsageError says which there are."""
    from ecground.paper.datasets import KINDS
    from ecground.paper.layout import layout
    from ecground.paper.photo import RECIPES

    if kind not in KINDS:
        raise UsageError(f"no kind '{kind}'", where="KIND", hint=f"there are: {' '.join(KINDS)}")
    for name in layouts or ():
        layout(name)
    for name in recipes or ():
        if name != "none" and name not in RECIPES:
            raise UsageError(f"no recipe '{name}'", where="--photo", hint=f"there are: none {' '.join(RECIPES)}")


def _count(source: Source, wanted: int | None) -> int:
    from ecground.paper.datasets import size

    there = size(source)
    if there is None and wanted is None:
        raise UsageError("how many?", where="--count", hint="the simulator has no end: give --count")
    if there == 0:
        raise UsageError("the source has no recordings", where="--source")
    return min(wanted or there or 0, there or wanted or 0)


@contextmanager
def _bar(plan: Plan) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr, in recordings."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
                  console=Console(stderr=True)) as progress:
        task = progress.add_task(plan.kind, total=plan.count)
        yield lambda number: progress.update(task, advance=plan.per_shard)
