"""Commands that say something about an ECG: `interpret`, `findings`, `check`, `compare`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ecground.cli.batch import Command, run
from ecground.cli.inputs import Input
from ecground.cli.options import Age, Batch, Files, Form, FormOption, Json, SexOption, batched, chosen
from ecground.errors import EcgroundError, MeasurementError, NotFoundError, UnsafeInputError
from ecground.interpret import Interpretation, Source
from ecground.interpret import interpret as interpret_source
from ecground.knowledge.finding import Claim
from ecground.record import Sex
from ecground.report import json, text

if TYPE_CHECKING:
    from ecground.knowledge.serial import Comparison
    from ecground.report.contracts import Check, Findings

__all__ = ["check", "compare", "findings", "interpret"]

_TEXT_BYTES: Final = 1 << 20


@batched
def interpret(
    files: Files = None, age: Age = None, sex: SexOption = None, form: FormOption = None, as_json: Json = False, *,
    batch: Batch,
) -> None:
    """Read, measure and explain: a text whose every sentence is checked against the measurements.

    Prints text on a terminal and JSON into a pipe or file, unless --format says which.
    """
    command = Command("interpret", partial(interpret_source, age=age, sex=sex), json.interpretation,
                      text.interpretation, _first_problem)
    default = Form.text if batch.out is None and sys.stdout.isatty() else Form.json
    run(command, files or (), chosen(form, as_json, default=default), batch)


@batched
def findings(
    files: Files = None, age: Age = None, sex: SexOption = None, form: FormOption = None, as_json: Json = False, *,
    batch: Batch,
) -> None:
    """Every coded statement, present or not, with the evidence for and against it."""
    command = Command("findings", partial(_judged_source, age=age, sex=sex), _findings, _findings_text)
    run(command, files or (), chosen(form, as_json), batch)


@batched
def check(
    files: Files = None,
    report: Annotated[str | None, typer.Option("--text", help="The report to check.")] = None,
    report_file: Annotated[str | None, typer.Option("--text-file", help="Read the report from a file, or - .")] = None,
    age: Age = None, sex: SexOption = None, form: FormOption = None, as_json: Json = False, *, batch: Batch,
) -> None:
    """Judge every claim of an English report: supported, contradicted or unverifiable."""
    if (report is None) == (report_file is None):
        raise typer.BadParameter("give the report with --text or --text-file, one of the two")
    if report_file == "-" and "-" in (*(files or ()), batch.files_from):
        raise typer.BadParameter("standard input can be read once only")
    words = report if report is not None else _read_report(str(report_file))
    command = Command("check", partial(_check, words=words, age=age, sex=sex), _claims, text.claims)
    run(command, files or (), chosen(form, as_json), batch)


def compare(
    old: Annotated[str, typer.Argument(metavar="OLD", help="The earlier recording.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The later recording.")],
    age: Age = None, sex: SexOption = None, form: FormOption = None, as_json: Json = False,
) -> None:
    """What changed between two recordings, and what is ordinary repeatability."""
    if old == new == "-":
        raise typer.BadParameter("standard input cannot be both recordings")

    def analyse(source: Source) -> Comparison:
        from ecground.knowledge.serial import compare as compare_readings

        earlier = _judged(interpret_source(Input(old).source, age=age, sex=sex))
        return compare_readings(earlier, _judged(interpret_source(source, age=age, sex=sex)))

    command = Command("compare", analyse, lambda found: json.comparison(old, found),
                      lambda name, found: text.comparison(old, name, found))
    run(command, [new], chosen(form, as_json))


def _first_problem(found: Interpretation) -> EcgroundError | None:
    return found.problems[0].error if found.problems else None


def _judged(found: Interpretation) -> Interpretation:
    """The interpretation, if its findings could be made; else the reason why not."""
    if found.findings is None or found.measurements is None:
        raise _first_problem(found) or MeasurementError("no findings")
    return found


def _judged_source(source: Source, *, age: float | None, sex: Sex | None) -> Interpretation:
    return _judged(interpret_source(source, age=age, sex=sex))


def _findings(found: Interpretation) -> Findings:
    return json.findings(found.findings or (), found.superclasses or (), found.episodes, record=found.record)


def _findings_text(name: str, found: Interpretation) -> str:
    return text.findings(name, found.findings or ())


def _claims(found: tuple[Claim, ...]) -> Check:
    return {"claims": json.claims(found)}


def _check(
    source: Source, *, words: str | EcgroundError, age: float | None, sex: Sex | None,
) -> tuple[Claim, ...]:
    from ecground.knowledge.check import check as check_claims
    from ecground.knowledge.claims import read_claims

    if isinstance(words, EcgroundError):
        raise words
    found = _judged_source(source, age=age, sex=sex)
    assert found.measurements is not None
    return tuple(check_claims(read_claims(words), found.measurements, found.findings or ()))


def _read_report(name: str) -> str | EcgroundError:
    """The report, or why it cannot be read: every recording's object then says so."""
    try:
        if name == "-":
            data = sys.stdin.buffer.read(_TEXT_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(_TEXT_BYTES + 1)
    except OSError as error:
        return NotFoundError(f"the report cannot be read ({error.strerror})", where=name)
    if len(data) > _TEXT_BYTES:
        return UnsafeInputError("the report is longer than 1 MiB", where=name, hint="give one report at a time")
    return data.decode("utf-8", "replace")
