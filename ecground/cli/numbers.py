"""Commands that print numbers: `info`, `measure`, `fiducials`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecground.cli.batch import Command, run
from ecground.cli.options import Age, Files, Form, FormOption, Json, SexOption, chosen
from ecground.cli.tables import write_table
from ecground.interpret import Source, load
from ecground.record import Record, Sex
from ecground.report import json, text

if TYPE_CHECKING:
    from ecground.measure.table import Measurements
    from ecground.signal.beats import Delineation
    from ecground.signal.quality import Quality

__all__ = ["fiducials", "info", "measure"]


class MeasureForm(StrEnum):
    """How measurements are printed; `table` is another word for `text`."""

    json = "json"
    text = "text"
    table = "table"
    csv = "csv"
    parquet = "parquet"


@dataclass(frozen=True)
class _Measured:
    """What `measure` prints."""

    record: Record
    quality: Quality
    measurements: Measurements


def info(files: Files, age: Age = None, sex: SexOption = None, form: FormOption = None, as_json: Json = False) -> None:
    """What a recording holds: format, leads, sampling rate, patient, the device's own reading."""
    run(Command("info", lambda source: load(source, age=age, sex=sex), json.info, text.info),
        files, chosen(form, as_json))


def fiducials(files: Files, form: FormOption = None, as_json: Json = False) -> None:
    """Onset, peak and end of P, QRS and T of every beat, in every lead and over all leads jointly."""
    run(Command("fiducials", _delineate, json.fiducials, text.fiducials), files, chosen(form, as_json))


def measure(
    files: Files, age: Age = None, sex: SexOption = None,
    form: Annotated[MeasureForm | None, typer.Option("--format", help="json is the default.")] = None,
    as_json: Json = False,
    out: Annotated[Path | None, typer.Option("--output", "-o", help="File for csv and parquet.")] = None,
) -> None:
    """Intervals, amplitudes, axes and rhythm, for record, leads and beats."""
    if as_json and form not in (None, MeasureForm.json):
        raise typer.BadParameter(f"--json contradicts --format {form}")
    if out is not None and form not in (MeasureForm.csv, MeasureForm.parquet):
        raise typer.BadParameter("--output goes with --format csv or --format parquet")
    if form is MeasureForm.parquet and out is None:
        raise typer.BadParameter("--format parquet needs --output FILE")
    if form in (MeasureForm.csv, MeasureForm.parquet):
        write_table(files, lambda source: _measure(source, age, sex).measurements, out, parquet=form == "parquet")
        return
    command = Command(
        "measure", lambda source: _measure(source, age, sex),
        lambda found: json.measure(found.record, found.measurements, found.quality),
        lambda name, found: text.measurements(name, found.record, found.measurements, found.quality))
    run(command, files, Form.text if form in (MeasureForm.text, MeasureForm.table) else Form.json)


def _delineate(source: Source) -> Delineation:
    from ecground.signal.delineate import delineate
    from ecground.signal.refuse import require_ecg

    record = load(source)
    require_ecg(record)
    return delineate(record)


def _measure(source: Source, age: float | None, sex: Sex | None) -> _Measured:
    from ecground.measure import measure as measure_record
    from ecground.signal.delineate import delineate
    from ecground.signal.quality import assess
    from ecground.signal.refuse import require_ecg

    record = load(source, age=age, sex=sex)
    require_ecg(record)
    marks = delineate(record)
    quality = assess(record, marks)
    return _Measured(record, quality, measure_record(record, marks, quality=quality))
