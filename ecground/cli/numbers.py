"""Commands that print numbers: `info`, `measure`, `fiducials`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ecground.cli.batch import Command, run
from ecground.cli.options import Age, Batch, Files, Form, FormOption, Json, SexOption, batched, chosen
from ecground.cli.tables import write_table
from ecground.interpret import Source, load
from ecground.record import Record, Sex
from ecground.report import json, text

if TYPE_CHECKING:
    from ecground.measure.table import Measurements
    from ecground.report.contracts import Measure
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


@batched
def info(
    files: Files = None, age: Age = None, sex: SexOption = None, form: FormOption = None, as_json: Json = False, *,
    batch: Batch,
) -> None:
    """What a recording holds: format, leads, sampling rate, patient, the device's own reading."""
    command = Command("info", partial(load, age=age, sex=sex), json.info, text.info)
    run(command, files or (), chosen(form, as_json), batch)


@batched
def fiducials(files: Files = None, form: FormOption = None, as_json: Json = False, *, batch: Batch) -> None:
    """Onset, peak and end of P, QRS and T of every beat, in every lead and over all leads jointly."""
    command = Command("fiducials", _delineate, json.fiducials, text.fiducials)
    run(command, files or (), chosen(form, as_json), batch)


@batched
def measure(
    files: Files = None, age: Age = None, sex: SexOption = None,
    form: Annotated[MeasureForm | None, typer.Option("--format", help="json is the default.")] = None,
    as_json: Json = False, *, batch: Batch,
) -> None:
    """Intervals, amplitudes, axes and rhythm, for record, leads and beats."""
    if as_json and form not in (None, MeasureForm.json):
        raise typer.BadParameter(f"--json contradicts --format {form}")
    if form in (MeasureForm.csv, MeasureForm.parquet):
        if batch.resume:
            raise typer.BadParameter("only JSON can be continued with --resume")
        if form is MeasureForm.parquet and batch.out is None:
            raise typer.BadParameter("--format parquet needs --output FILE")
        write_table(partial(_measurements, age=age, sex=sex), files or (), batch, parquet=form is MeasureForm.parquet)
        return
    command = Command("measure", partial(_measure, age=age, sex=sex), _measured, _table)
    run(command, files or (), Form.text if form in (MeasureForm.text, MeasureForm.table) else Form.json, batch)


def _delineate(source: Source) -> Delineation:
    from ecground.signal.delineate import delineate
    from ecground.signal.refuse import require_ecg

    record = load(source)
    require_ecg(record)
    return delineate(record)


def _measured(found: _Measured) -> Measure:
    return json.measure(found.record, found.measurements, found.quality)


def _table(name: str, found: _Measured) -> str:
    return text.measurements(name, found.record, found.measurements, found.quality)


def _measurements(source: Source, *, age: float | None, sex: Sex | None) -> Measurements:
    return _measure(source, age=age, sex=sex).measurements


def _measure(source: Source, *, age: float | None, sex: Sex | None) -> _Measured:
    from ecground.measure import measure as measure_record
    from ecground.signal.delineate import delineate
    from ecground.signal.quality import assess
    from ecground.signal.refuse import require_ecg

    record = load(source, age=age, sex=sex)
    require_ecg(record)
    marks = delineate(record)
    quality = assess(record, marks)
    return _Measured(record, quality, measure_record(record, marks, quality=quality))
