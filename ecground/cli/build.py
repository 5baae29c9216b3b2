"""Commands that make instruction data: `build RECIPE` for each recipe, and `build check FILE` for anybody's."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from ecground.cli.stdout import write_line
from ecground.errors import EcgroundError
from ecground.report.contracts import DISCLAIMER
from ecground.report.json import envelope, plain

if TYPE_CHECKING:
    from ecground.instruct.guards import Guarded
    from ecground.paper.datasets.shards import Spread

__all__ = ["app"]

_EXAMPLES: Final = 20


class _Recipes(TyperGroup):
    """One command a recipe, looked up when it is called for, so that other commands start without the recipes."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - Typer's own click
        from ecground.instruct.recipes import recipes

        return [*super().list_commands(ctx), *(row.name for row in recipes())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        from ecground.instruct.recipes import recipes

        known = {row.name: row for row in recipes()}
        if cmd_name not in known:
            return super().get_command(ctx, cmd_name)
        alone = typer.Typer(rich_markup_mode=None)
        alone.command(cmd_name, help=f"Make {known[cmd_name].description}.")(_recipe_command(cmd_name))
        return typer.main.get_command(alone)


app = typer.Typer(cls=_Recipes, no_args_is_help=True, rich_markup_mode=None,
                  help="Make conversations about ECGs in which every claim has its ground, or check anybody's.")


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Conversations: .jsonl, .parquet or LLaVA's .json.")],
) -> None:
    """Leaks in prompts, patients in two splits, duplicates, balance, licences and folds of a file of conversations."""
    from ecground.instruct.exchange import read
    from ecground.instruct.guards import Guard

    guard, error = Guard(), None
    try:
        for conversation in read(file):
            guard.see(conversation)
    except EcgroundError as problem:
        error = problem
        print(f"ecground: {file.name}: {problem}", file=sys.stderr)
    found = guard.result()
    write_line(json.dumps(envelope("build-check", str(file), _guarded(found), error), ensure_ascii=False))
    if error is not None or not found.ok:
        raise typer.Exit(1)


app.command("check")(check)


def _recipe_command(name: str) -> Callable[..., None]:
    def make(
        out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the data set; new, or with --resume.")],
        source: Annotated[str, typer.Option(help="`simulated`, a folder, or CORPUS:FOLDER.")] = "simulated",
        count: Annotated[int | None, typer.Option(min=1, help="Recordings at most; needed for `simulated`.")] = None,
        split: Annotated[str | None, typer.Option(help="train, valid or test: recordings of this split only.")] = None,
        seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 0,
        wording: Annotated[str, typer.Option(help="train or test: no sentence is in both.")] = "train",
        balance: Annotated[str, typer.Option(help="debias: one question is a `question`, `wording` or `severity`.")]
        = "question",
        pairs: Annotated[int, typer.Option(min=0, help="qa: pairs of different patients to compare.")] = 1000,
        pages: Annotated[float, typer.Option(min=0, max=1, help="Share of conversations that show a page.")] = 0.0,
        page_alone: Annotated[float, typer.Option(min=0, max=1, help="Share of those without the signal.")] = 0.3,
        per_shard: Annotated[int, typer.Option(min=1, help="Recordings or questions in one shard.")] = 100,
        teacher: Annotated[str, typer.Option(help="grounding: model of an OpenAI-compatible server that writes.")] = "",
        teacher_url: Annotated[str, typer.Option(help="Its address; this machine by default.")]
        = "http://127.0.0.1:8000/v1",
        allow_remote: Annotated[bool, typer.Option(help="Recordings that may be passed on may go there.")] = False,
        jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes.")] = 1,
        ray: Annotated[bool, typer.Option("--ray", help="On the Ray cluster at hand instead.")] = False,
        resume: Annotated[bool, typer.Option("--resume", help="Go on where a build stopped.")] = False,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No bar.")] = False,
    ) -> None:
        from ecground.instruct.corpus import Order, build_corpus, shards_of
        from ecground.instruct.recipes import Making
        from ecground.paper.datasets.source import source_of

        if split not in (None, "train", "valid", "test"):
            raise typer.BadParameter("train, valid or test", param_hint="--split")
        making = Making(seed=seed, style=wording, key=balance, pairs=pairs, teacher=teacher,  # type: ignore[arg-type]
                        teacher_url=teacher_url, allow_remote=allow_remote)
        order = Order(name, source_of(source), making, split, count, per_shard, pages, page_alone)  # type: ignore[arg-type]
        with _bar(shards_of(order), quiet=quiet) as advance:
            built, found = build_corpus(order, out, jobs=jobs, resume=resume, on_shard=advance,
                                        spread=_on_ray() if ray else None)
        write_line(json.dumps(envelope("build", None, {
            "out": str(out), "recipe": name, "shards": built.shards, "missing": list(built.missing),
            "counts": dict(built.counts), "failures": len(built.failures), "guards": _guarded(found),
            "disclaimer": DISCLAIMER,
        }, None), ensure_ascii=False))
        if built.missing or built.failures:
            print(f"ecground: {len(built.failures)} recordings failed and {len(built.missing)} shards are missing; "
                  "see failures.jsonl", file=sys.stderr)
            raise typer.Exit(1)

    return make


def _on_ray() -> Spread:
    from ecground.instruct.on_ray import on_ray

    return on_ray


@contextmanager
def _bar(count: int, *, quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """A bar over the shards on stderr when a person watches."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("shards", total=count)
        yield lambda _: bar.advance(task)


def _guarded(found: Guarded) -> dict[str, Any]:
    """What the guards saw; of long lists their length and some examples."""
    rows: dict[str, Any] = {name: plain(getattr(found, name)) for name in found.__slots__}
    for name in ("leaks", "crossing_patients", "straddling"):
        rows[name] = {"count": len(rows[name]), "examples": rows[name][:_EXAMPLES]}
    return {**rows, "sound": found.ok}
