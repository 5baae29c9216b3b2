"""Commands that say something about an ECG: `interpret`, `findings`, `check`, `compare`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ecground.cli.batch import Command, run
from ecground.cli.inputs import Input
from ecground.cli.options import Age, Files, Form, FormOption, Json, SexOption, chosen
from ecground.errors import EcgroundError, MeasurementError, NotFoundError, UnsafeInputError
from ecground.interpret import Interpretation, Source
from ecground.interpret import interpret as interpret_source
from ecground.knowledge.finding import Claim
from ecground.report import json, text

if TYPE_CHECKING:
    from ecground.knowledge.serial import Comparison

__all__ = ["check", "compare", "findings", "interpret"]

_TEXT_BYTES: Final = 1 << 20


def interpret(
    files: Files, age: Age = None, sex: SexOption = None, form: FormOption = None, as_json: Json = False,
) -> None:
    """Read, measure and explain: a text whose every sentence is checked against the measurements.

    Prints text on a terminal and JSON into a pipe or file, unless --format says which.
    """
    command = Command("interpret", lambda source: interpret_source(source, age=age, sex=sex),
                      json.interpretation, text.interpretation, _first_problem)
    run(command, files, chosen(form, as_json, default=Form.text if sys.stdout.isatty() else Form.json))


def findings(
    files: Files, age: Age = None, sex: SexOption = None, form: FormOption = None, as_json: Json = False,
) -> None:
    """Every coded statement, present or not, with the evidence for and against it."""
    command = Command(
        "findings", lambda source: _judged(interpret_source(source, age=age, sex=sex)),
        lambda found: json.findings(found.findings or (), found.superclasses or ()),
        lambda name, found: text.findings(name, found.findings or ()))
    run(command, files, chosen(form, as_json))


def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The recording.")],
    report: Annotated[str | None, typer.Option("--text", help="The report to check.")] = None,
    report_file: Annotated[str | None, typer.Option("--text-file", help="Read the report from a file, or - .")] = None,
    age: Age = None, sex: SexOption = None, form: FormOption = None, as_json: Json = False,
) -> None:
    """Judge every claim of an English report: supported, contradicted or unverifiable."""
    if (report is None) == (report_file is None):
        raise typer.BadParameter("give the report with --text or --text-file, one of the two")
    if file == report_file == "-":
        raise typer.BadParameter("standard input cannot be both the recording and the report")

    def judge(source: Source) -> tuple[Claim, ...]:
        words = report if report is not None else _read_report(str(report_file))
        return _check(words, _judged(interpret_source(source, age=age, sex=sex)))

    command = Command("check", judge, lambda found: {"claims": json.claims(found)}, text.claims)
    run(command, [file], chosen(form, as_json))


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


def _check(words: str, found: Interpretation) -> tuple[Claim, ...]:
    from ecground.knowledge.check import check as check_claims
    from ecground.knowledge.claims import read_claims

    assert found.measurements is not None
    return tuple(check_claims(read_claims(words), found.measurements, found.findings or ()))


def _read_report(name: str) -> str:
    try:
        if name == "-":
            data = sys.stdin.buffer.read(_TEXT_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(_TEXT_BYTES + 1)
    except OSError as error:
        raise NotFoundError(f"the report cannot be read ({error.strerror})", where=name) from None
    if len(data) > _TEXT_BYTES:
        raise UnsafeInputError("the report is longer than 1 MiB", where=name, hint="give one report at a time")
    return data.decode("utf-8", "replace")
