"""Command about a labelled collection on disk: `corpus`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ecground.cli.options import Form, FormOption, Json, chosen
from ecground.cli.stdout import write_line
from ecground.errors import EcgroundError, UsageError
from ecground.report import collection as c
from ecground.report.contracts import DISCLAIMER
from ecground.report.json import envelope, plain

if TYPE_CHECKING:
    from ecground.corpora import Case, Corpus
    from ecground.corpora.survey import Survey

__all__ = ["corpus"]

_LABELS_SHOWN: Final = 40


def corpus(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The collection; `folder` for any with a CSV of labels.")],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The folder it lies in.")],
    check: Annotated[bool, typer.Option("--check", help="Read every recording, not only tables and headers.")] = False,
    form: FormOption = None, as_json: Json = False,
) -> None:
    """What a labelled collection on disk holds, and what is missing, broken or doubtful in it."""
    from ecground.corpora import corpus as row_of
    from ecground.corpora.survey import survey

    try:
        row = row_of(name)
    except UsageError as error:
        raise typer.BadParameter(f"{error.what}; {error.hint}", param_hint="NAME") from None
    wanted = chosen(form, as_json)
    try:
        found = survey(_watched(row.cases(path)) if check else row.cases(path), check=check)
    except EcgroundError as error:
        print(f"ecground: {path.name}: {error}", file=sys.stderr)
        if wanted is Form.json:
            write_line(json.dumps(envelope("corpus", str(path), {}, error)))
        raise typer.Exit(EcgroundError.exit_status) from None
    write_line(_text(row, found) if wanted is Form.text
               else json.dumps(envelope("corpus", str(path), _payload(row, found), None), ensure_ascii=False))


def _watched(cases: Iterable[Case]) -> Iterable[Case]:
    """A count on stderr when a person watches."""
    return _with_bar(cases) if sys.stderr.isatty() else cases


def _with_bar(cases: Iterable[Case]) -> Iterator[Case]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    with Progress(SpinnerColumn(), TextColumn("{task.completed} recordings"), console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        for case in cases:
            yield case
            bar.advance(task)


def _payload(row: Corpus, found: Survey) -> c.Corpus:
    return {
        "card": {
            "name": row.name, "title": row.title, "licence": row.terms.licence, "layout": row.layout,
            "verified": row.verified, "named_patients": row.named_patients,
        },
        "checked": found.checked, "cases": found.cases,
        "patients": found.patients if row.named_patients else None,
        "splits": dict(found.splits), "labels": dict(found.labels.most_common()),
        "label_systems": dict(found.label_systems), "reports": found.reports,
        "ages": _spread(found.ages), "sexes": dict(found.sexes), "rates": dict(found.rates),
        "seconds": _spread(found.seconds) if found.checked else None,
        "credentialed": found.credentialed, "for_testing": found.for_testing,
        "defects": dict(found.defects.most_common()),
        "uncalibrated": found.uncalibrated if found.checked else None,
        "unlabelled": _listed(found.unlabelled, found.unlabelled_examples),
        "missing": _listed(found.missing, found.missing_examples),
        "broken": _broken(found) if found.checked else None,
        "duplicates": _listed(found.duplicates, found.duplicate_examples),
        "crossing": _listed(found.crossing, found.crossing_examples) if row.named_patients else None,
        "disclaimer": DISCLAIMER,
    }


def _spread(spread: object) -> c.SpreadObject:
    found: c.SpreadObject = plain(spread)
    return found


def _listed(count: int, examples: list[str]) -> c.Listed:
    return {"count": count, "examples": list(examples)}


def _broken(found: Survey) -> c.Broken:
    return {"count": found.broken, "examples": [
        {"id": failure.id, "code": failure.code, "what": failure.what} for failure in found.broken_examples]}


def _text(row: Corpus, found: Survey) -> str:
    """The same for a person; a line for everything that is there, problems last."""
    ages, seconds = found.ages, found.seconds
    lines = [
        f"{row.title} ({row.name}): {found.cases} recordings" + _if(
            row.named_patients, f" of {found.patients} patients", ", patients not named"),
        f"licence      {row.terms.licence}; " + _if(found.credentialed > 0, "credentialed: not to third parties; ", "")
        + _if(found.for_testing > 0, f"{found.for_testing} for testing only", "training allowed"),
        f"reader       {row.verified}",
        f"splits       {_counts(found.splits)}",
        f"age          {ages.known} known" + _if(
            ages.known > 0, f", {_years(ages.minimum)} to {_years(ages.maximum)}, median {_years(ages.median)}", ""),
        f"sex          {_counts(found.sexes)}",
        f"rates [Hz]   {_counts(found.rates)}",
    ]
    if seconds.known:
        lines.append(f"length [s]   {seconds.minimum:g} to {seconds.maximum:g}, median {seconds.median:g}")
    if found.reports:
        lines.append(f"reports      {found.reports}")
    lines += ["", f"labels ({', '.join(found.label_systems)})"]
    shown = found.labels.most_common(_LABELS_SHOWN)
    lines += [f"  {count:8d}  {label}" for label, count in shown]
    if len(found.labels) > len(shown):
        lines.append(f"  and {len(found.labels) - len(shown)} more kinds")
    lines += ["", *_problems(row, found), "", DISCLAIMER]
    return "\n".join(lines)


def _problems(row: Corpus, found: Survey) -> Iterator[str]:
    yield f"without label      {found.unlabelled}{_names(found.unlabelled_examples)}"
    yield f"files missing      {found.missing}{_names(found.missing_examples)}"
    if found.checked:
        broken = [f"{failure.id} ({failure.what})" for failure in found.broken_examples]
        yield f"cannot be read     {found.broken}{_names(broken)}"
        yield f"amplitudes unsure  {found.uncalibrated}"
    else:
        yield "cannot be read     not tried (--check)"
    yield f"duplicate ids      {found.duplicates}{_names(found.duplicate_examples)}"
    yield "patients across    " + _if(
        row.named_patients, f"{found.crossing}{_names(found.crossing_examples)}", "cannot be told: patients not named")
    for text, count in found.defects.most_common(_LABELS_SHOWN):
        yield f"known defect       {count}: {text}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"


def _names(examples: list[str]) -> str:
    return ": " + ", ".join(examples) if examples else ""


def _years(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _if(condition: bool, yes: str, no: str) -> str:
    return yes if condition else no
