"""Measurements of many recordings as one long table: CSV on stdout or in a file, Parquet in a file.

Rows are written record by record, so memory does not grow with their number; a file appears under its name only when
it is complete.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecground.cli.batch import guarded, leave, progress
from ecground.cli.inputs import expand
from ecground.errors import UsageError
from ecground.interpret import Source

if TYPE_CHECKING:
    from ecground.measure.table import Measurements

__all__ = ["write_table"]


def write_table(names: Sequence[str], measure: Callable[[Source], Measurements], out: Path | None, *,
                parquet: bool) -> None:
    """Measure every recording and write its rows; leaves by `typer.Exit` unless all went well.

    Raises:
        UsageError: The folder of `out` does not exist.
    """
    from ecground.measure.views.export import table_schema, to_table

    if out is not None and not out.parent.is_dir():
        raise UsageError("the folder to write to does not exist", where=str(out.parent), hint="create it first")
    errors = []
    with _sink(out) as sink, _writer(sink, table_schema(), parquet=parquet) as writer:
        for item in progress(expand(names)):
            rows, error = guarded(
                lambda item=item: to_table(measure(item.source), record=item.name), item.name)  # type: ignore[misc]
            errors.append(error)
            if rows is not None:
                writer.write_table(rows)
    leave(errors)


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
