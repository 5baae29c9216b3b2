"""Measurements as JSON, as a Parquet table, as text for a person, and under the names of PTB-XL+.

Contract: JSON holds every Value with its unit, state, leads, span, n, iqr, confidence and why; NaN never occurs, absent
numbers are null. Parquet is one long table, a row a value. Nothing here measures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from ecground.measure.table import LEAD_MEASURES, RECORD_MEASURES, Measurements, Value
from ecground.measure.views.sequences import sequences

__all__ = ["LEAD_ALIASES", "RECORD_ALIASES", "ptbxl_plus", "table_schema", "to_dict", "to_parquet", "to_table",
           "to_text", "value_dict"]

RECORD_ALIASES: Final[Mapping[str, str]] = {
    "PR_Int_Global": "pr_ms", "P_Dur_Global": "p_dur_ms", "QRS_Dur_Global": "qrs_ms", "QT_Int_Global": "qt_ms",
    "QT_IntBazett_Global": "qtc_bazett_ms", "QT_IntFramingham_Global": "qtc_framingham_ms",
    "RR_Mean_Global": "rr_mean_ms", "HR__Global": "hr_bpm", "P_AxisFront_Global": "p_axis_deg",
    "QRS_AxisFront_Global": "qrs_axis_deg", "T_AxisFront_Global": "t_axis_deg",
}
"""PTB-XL+ name (Strodthoff 2023, Sci Data 10:279) -> record measure."""

LEAD_ALIASES: Final[Mapping[str, str]] = {
    "P_Amp": "p_amp", "Q_Amp": "q_amp", "R_Amp": "r_amp", "S_Amp": "s_amp", "T_Amp": "t_amp", "P_DurFull": "p_dur",
    "T_DurFull": "t_dur", "QRS_Dur": "qrs_ms", "QT_Int": "qt_ms", "PR_Int": "pr_ms", "PQ_Int": "pr_ms",
    "ST_Elev": "j_amp", "P_Morph": "p_morph",
}
"""PTB-XL+ name without its lead -> lead measure."""

_MAIN: Final = ("hr_bpm", "rr_cv", "p_qrs_ratio", "pr_ms", "p_dur_ms", "qrs_ms", "qt_ms", "qtc_bazett_ms",
                "qtc_fridericia_ms", "p_axis_deg", "qrs_axis_deg", "t_axis_deg", "n_beats", "n_pvc", "n_pac", "n_paced",
                "n_blocked_p", "sokolow_mv", "cornell_mv", "limb_voltage_mv", "chest_voltage_mv")
_COLUMNS: Final = ("p_amp", "p_dur", "q_amp", "r_amp", "s_amp", "r2_amp", "qrs_form", "qrs_ms", "j_amp", "st60",
                   "st_shape", "t_amp", "t_morph", "qt_ms")


def value_dict(value: Value) -> dict[str, Any]:
    """The JSON form of one Value; numbers rounded to what the unit can bear."""
    return {
        "value": _round(value.value, value.unit), "unit": value.unit, "state": value.state, "leads": list(value.leads),
        "beats": list(value.beats), "span": list(value.span) if value.span else None, "n": value.n,
        "iqr": _round(value.iqr, value.unit), "confidence": round(value.confidence, 3), "why": value.why,
    }


def to_dict(measurements: Measurements, *, calibrated: bool = True) -> dict[str, Any]:
    """`{record, lead, beats, sequences, notes}` of plain JSON types."""
    table = measurements.beats
    return {
        "record": {name: value_dict(value) for name, value in measurements.record.items()},
        "lead": {lead: {name: value_dict(value) for name, value in values.items()}
                 for lead, values in measurements.lead.items()},
        "beats": {"kind": list(table.kind)} | {name: _numbers(column) for name, column in table.joint.items()},
        "sequences": sequences(measurements, calibrated=calibrated),
        "notes": list(measurements.notes),
    }


def ptbxl_plus(measurements: Measurements) -> dict[str, float | str]:
    """PTB-XL+ names -> value (mV, ms, degrees, 1/min); NaN = not measurable. `_count` and `_iqr` stand beside each."""
    out: dict[str, float | str] = {}
    for alias, name in RECORD_ALIASES.items():
        _add(out, alias, measurements.record.get(name))
    for lead, values in measurements.lead.items():
        for alias, name in LEAD_ALIASES.items():
            _add(out, f"{alias}_{lead.upper() if lead.startswith('a') else lead}", values.get(name))
    return out


def to_table(measurements: Measurements, *, record: str = "") -> Any:  # noqa: ANN401 - pyarrow has no types
    """One long Arrow table: record, level (record, lead, beat), lead, row, measure, value, word, unit, state, ..."""
    import pyarrow as pa

    rows: list[dict[str, Any]] = [_row(record, "record", None, name, value)
                                  for name, value in measurements.record.items()]
    rows += [_row(record, "lead", lead, name, value)
             for lead, values in measurements.lead.items() for name, value in values.items()]
    schema = table_schema()
    return pa.concat_tables([pa.Table.from_pylist(rows, schema=schema), _beat_rows(measurements, record, schema)])


def table_schema() -> Any:  # noqa: ANN401 - pyarrow has no types
    """The Arrow schema of `to_table`."""
    import pyarrow as pa

    return pa.schema([
        ("record", pa.string()), ("level", pa.string()), ("lead", pa.string()), ("row", pa.int32()),
        ("measure", pa.string()), ("value", pa.float64()), ("word", pa.string()), ("unit", pa.string()),
        ("state", pa.string()), ("first", pa.int64()), ("last", pa.int64()), ("n", pa.int32()), ("iqr", pa.float64()),
        ("confidence", pa.float64()), ("why", pa.string()),
    ])


def to_parquet(measurements: Measurements, path: str | Path, *, record: str = "") -> None:
    """Write `to_table` to a Parquet file."""
    import pyarrow.parquet as pq

    pq.write_table(to_table(measurements, record=record), str(path))


def to_text(measurements: Measurements) -> str:
    """A table for a person: the main record values, then one line a lead. Plain characters only."""
    lines = ["Measurements (research use, not a medical device)", ""]
    for name in _MAIN:
        value = measurements.record[name]
        text = _show(value)
        spread = f"  iqr {value.iqr:.3g}" if value.iqr else ""
        beats = f"  n {value.n}" if value.n else ""
        lines.append(f"{name:20} {text:>10} {value.unit:7}{RECORD_MEASURES[name][1]}{beats}{spread}")
    lines += ["", "lead  " + " ".join(f"{name:>13}" for name in _COLUMNS)]
    for lead, values in measurements.lead.items():
        lines.append(f"{lead:5} " + " ".join(f"{_show(values[name]):>13}" for name in _COLUMNS))
    units = sorted({f"{name} [{LEAD_MEASURES[name][0]}]" for name in _COLUMNS if LEAD_MEASURES[name][0]})
    lines += ["", "- absent   ? not measurable   " + ", ".join(units)]
    lines += [f"note: {note}" for note in measurements.notes]
    return "\n".join(lines)


def _show(value: Value) -> str:
    if value.state != "measured" or value.value is None:
        return "-" if value.state == "absent" else "?"
    if isinstance(value.value, str):
        return value.value
    return f"{value.value:.2f}" if value.unit in ("mV", "") and value.value % 1 else f"{value.value:.0f}"


def _round(value: float | str | None, unit: str) -> float | str | None:
    if value is None or isinstance(value, str):
        return value
    if not math.isfinite(value):
        return None
    return round(float(value), 4 if unit in ("mV", "", "mV/s") else 2)


def _numbers(column: np.ndarray[Any, np.dtype[np.float32]]) -> list[float | None]:
    return [round(float(x), 3) if np.isfinite(x) else None for x in column]


def _add(out: dict[str, float | str], alias: str, value: Value | None) -> None:
    known = value is not None and value.value is not None
    out[alias] = value.value if known and value is not None and value.value is not None else float("nan")
    out[f"{alias}_count"] = float(value.n) if value is not None else 0.0
    out[f"{alias}_iqr"] = value.iqr if value is not None and value.iqr is not None else float("nan")


def _row(record: str, level: str, lead: str | None, name: str, value: Value) -> dict[str, Any]:
    word = value.value if isinstance(value.value, str) else None
    return {
        "record": record, "level": level, "lead": lead, "row": None, "measure": name,
        "value": None if isinstance(value.value, str) else value.value, "word": word, "unit": value.unit,
        "state": value.state, "first": value.span[0] if value.span else None,
        "last": value.span[1] if value.span else None, "n": value.n, "iqr": value.iqr, "confidence": value.confidence,
        "why": value.why,
    }


def _beat_rows(measurements: Measurements, record: str, schema: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """All per-beat numbers as an Arrow table, column by column, so that a day of beats needs no Python rows."""
    import pyarrow as pa

    from ecground.measure.table import unit_of

    tables = []
    rows = len(measurements.beats.kind)
    columns: list[tuple[str | None, str, Any]] = [(None, name, column)
                                                  for name, column in measurements.beats.joint.items()]
    columns += [(lead, name, table[k]) for name, table in measurements.beats.lead.items()
                for k, lead in enumerate(measurements.delineation.leads)]
    for lead, name, column in columns:
        seen = np.isfinite(column)
        whole = int(seen.sum())
        fixed = {"record": record, "level": "beat", "lead": lead, "measure": name, "unit": unit_of(name),
                 "state": "measured"}
        data = {field.name: pa.nulls(whole, field.type) for field in schema}
        data |= {key: pa.array([text] * whole, pa.string()) for key, text in fixed.items() if text is not None}
        data["row"] = pa.array(np.arange(rows, dtype=np.int32)[seen])
        data["value"] = pa.array(np.asarray(column[seen], dtype=np.float64))
        tables.append(pa.table(data, schema=schema))
    return pa.concat_tables(tables) if tables else schema.empty_table()
