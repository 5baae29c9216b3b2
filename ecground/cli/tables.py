"""Measurements of many recordings as one long table: CSV on stdout or in a file, Parquet in a file.

Rows are written record by record, so memory does not grow with their number; a file appears under its name only when
it is complete.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecground.cli.batch import Outcome, Watch, outcomes, recordings
from ecground.cli.options import Batch
from ecground.errors import UsageError
from ecground.interpret import Source

if TYPE_CHECKING:
    from ecground.measure.table import Measurements

__all__ = ["write_table"]


def write_table(measure: Callable[[Source], Measurements], names: Sequence[str], batch: Batch, *,
                parquet: bool) -> None:
    """Measure every recording and write its rows; leaves by `typer.Exit` unless all went well.

    Raises:
        UsageError: The folder of the output does not exist, or the arguments name nothing.
    """
    from ecground.measure.views.export import table_schema

    if batch.out is not None and not batch.out.parent.is_dir():
        raise UsageError("the folder to write to does not exist", where=str(batch.out.parent), hint="create it first")
    inputs = recordings(names, batch)
    with (Watch(len(inputs), batch) as watch, _sink(batch.out) as sink,
          _writer(sink, table_schema(), parquet=parquet) as writer,
          closing(outcomes(partial(_rows, measure), inputs, batch)) as found):
        for item, outcome in zip(inputs, found, strict=True):
            if outcome.result is not None:
                writer.write_table(outcome.result)
            watch.saw(item.name, outcome.error)
    watch.leave()


def _rows(measure: Callable[[Source], Measurements], name: str, source: Source) -> Outcome[Any]:
    from ecground.measure.views.export import to_table

    return Outcome(to_table(measure(source), record=name))


@contextmanager
def _sink(out: Path | None) -> Iterator[Any]:
    """Stdout, or a file that gets its name at the end."""
    if out is None:
        yield sys.stdout.buffer
        return
    part = out.with_name(out.name + ".part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _writer(sink: Any, schema: Any, *, parquet: bool) -> Any:  # noqa: ANN401 - pyarrow has no types
    if parquet:
        from pyarrow.parquet import ParquetWriter

        return ParquetWriter(sink, schema)
    from pyarrow.csv import CSVWriter

    return CSVWriter(sink, schema)
