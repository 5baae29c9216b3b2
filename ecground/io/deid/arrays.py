"""De-identified copies of tables and array files: CSV and TSV, NPZ, the MATLAB struct of CPSC2018.

Contract: CSV keeps its delimiter, every number as it is written, lead columns and the time column, which then starts at
0; NPZ keeps its arrays `signal`, `fs`, `leads`, `unit` and a judged `meta`; MATLAB keeps `data`, `age` and `sex` behind
a head without date. Everything else goes: other columns and arrays, comments, cells that are no numbers.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import numpy as np

from ecground import safe
from ecground.io.channels import MV_PER_UNIT, patient_age, patient_sex
from ecground.io.deid.dates import Dates, Key, capped, identity_of
from ecground.io.deid.ledger import Ledger
from ecground.io.deid.vocabulary import is_number, is_statement, is_unit
from ecground.io.source import Source
from ecground.leads import standard_name

__all__ = ["deidentified_csv", "deidentified_matlab", "deidentified_npz"]

_TIME: Final = re.compile(r"(?i)(time|t|timestamp|seconds|secs?|millis\w*|time[\s_.]*stamp)([\s_]*[\s_(\[/]\s*"
                          r"(us|µs|ms|msec|s|sec|seconds)\s*[)\]]?)?")
_UNIT_SUFFIX: Final = re.compile(r"(.*?)[\s_]*[\s_(\[/]\s*([nuµμm]?[vV])\s*[)\]]?")
_CELL: Final = re.compile(r"[-+]?(\d{1,15}([.,]\d*)?|[.,]\d+)([eE][-+]?\d{1,3})?")
_MISSING: Final = frozenset(("", "nan", "na", "n/a", "null", "none", "-", "inf", "-inf"))
_RATE: Final = re.compile(r"(?i)(fs|sampl(?:ing|e)[ _]rate|(?:sampling[ _])?frequency)\s*[:=]\s*([\d.]+(?:e[+-]?\d+)?)"
                          r"\s*(k?hz)?\s*")
_PAIR: Final = re.compile(r"(?i)(units?|age|sex|start|patient[ _]?(?:id|name)?|mrn)\s*[:=]\s*(\S.*)")
_FORMULA: Final = re.compile(r"[\sIVLRFav()+\-/*\d.]{1,32}")
_MATLAB_HEAD: Final = b"MATLAB 5.0 MAT-file, de-identified copy".ljust(116) + bytes(8)


def deidentified_csv(source: Source, key: Key, ledger: Ledger) -> bytes:
    """The table without what identifies a person; `ledger` gets what was done."""
    rows = source.text.splitlines()
    comments = [row.lstrip("# ").strip() for row in rows if row.startswith("#")]
    lines = [row for row in rows if row.strip() and not row.startswith("#")]
    delimiter = max("\t;,", key=lambda mark: (lines[0].count(mark), mark == ",")) if lines else ","
    names = [field.strip().strip('"').strip() for field in lines[0].split(delimiter)] if lines else []
    kept = [k for k, name in enumerate(names) if _TIME.fullmatch(name) or _is_lead(name)]
    for _ in range(len(names) - len(kept)):
        ledger.note("column", "unknown")
        ledger.regret("a column whose name is no known lead cannot be told from other data and was left out")
    table = [[_cell(field, ledger) for field in line.split(delimiter)] for line in lines[1:]]
    for k in kept:
        if _TIME.fullmatch(names[k]):
            _from_zero(table, k, ledger)
    made = [*_comments(comments, source, key, ledger), delimiter.join(names[k] for k in kept)]
    made += [delimiter.join(row[k] if k < len(row) else "" for k in kept) for row in table]
    ledger.keep("samples", "lead names", "sampling rate", "units", "sex", "age (90 for more than 89)", "time of day")
    return ("\n".join(made) + "\n").encode()


def _is_lead(name: str) -> bool:
    match = _UNIT_SUFFIX.fullmatch(name)
    label = match[1].strip() if match and match[1].strip() else name
    return standard_name(label) is not None or (bool(label) and is_statement(label) and not is_number(label))


def _cell(field: str, ledger: Ledger) -> str:
    said = field.strip().strip('"').strip()
    if _CELL.fullmatch(said) or said.lower() in _MISSING:
        return said
    ledger.note("cell", "no number")
    return ""


def _from_zero(table: list[list[str]], column: int, ledger: Ledger) -> None:
    """Times counted from the first one, exactly: the first may be a date in seconds since 1970."""
    times = []
    for row in table:
        try:
            times.append(Decimal(row[column].replace(",", ".")) if column < len(row) else None)
        except InvalidOperation:
            times.append(None)
    first = next((time for time in times if time is not None), None)
    if first is None or first == 0 or not first.is_finite():
        return
    ledger.note("time column", "date", "shifted")
    for row, time in zip(table, times, strict=True):
        if time is not None:
            row[column] = str(time - first)


def _comments(comments: Sequence[str], source: Source, key: Key, ledger: Ledger) -> list[str]:
    """Rate, unit, age, sex and the moved start, and statements in known words."""
    said = {match[1].lower(): match[2].strip() for one in comments if (match := _PAIR.fullmatch(one))}
    who = identity_of(*(said.get(name, "") for name in ("patient id", "mrn", "patient", "patient name")))
    if who is None:
        ledger.regret("the table names no patient: its date moved by an offset of its own")
        who = key.pseudonym("content", source.data)
    dates, kept = key.dates(who), []
    for comment in comments:
        pair, rate = _PAIR.fullmatch(comment), _RATE.fullmatch(comment)
        if rate:
            kept.append(f"# fs: {rate[2]}{' ' + rate[3] if rate[3] else ''}")
        elif pair and (line := _pair(pair[1].lower(), pair[2].strip(), dates)):
            kept.append(f"# {line}")
            if line != comment:
                ledger.note(f"comment/{pair[1].lower().replace(' ', '_')[:5]}", "value",
                            "shifted" if pair[1].lower() == "start" else "replaced")
        elif not pair and is_statement(comment):
            kept.append(f"# {comment}")
        else:
            ledger.note("comment", "free text")
    return kept


def _pair(name: str, value: str, dates: Dates) -> str | None:
    """A comment `name: value` as it may stay."""
    years, sex = patient_age(value), patient_sex(value)
    if name.startswith("unit") and value.lower() in MV_PER_UNIT:
        return f"unit: {value}"
    if name == "age" and years is not None:
        return f"age: {capped(years):g}"
    if name == "sex" and sex is not None:
        return f"sex: {sex}"
    moved = dates.text(value) if name == "start" else None
    return f"start: {moved}" if moved else None


def deidentified_npz(source: Source, key: Key, ledger: Ledger) -> bytes:
    """The archive without what identifies a person; `ledger` gets what was done."""
    with safe.Npz(source.data) as archive:
        arrays = {name: archive[name] for name in ("signal", "fs", "leads", "unit") if name in archive}
        meta = _json_of(archive["meta"], source.name) if "meta" in archive else {}
        for name in archive:
            if name not in ("signal", "fs", "leads", "unit", "meta"):
                ledger.note("array", "unknown")
    labels = [str(name) for name in arrays["leads"].reshape(-1)[:1024]] if "leads" in arrays else []
    arrays["leads"] = np.array([_label(name, k, ledger) for k, name in enumerate(labels)])
    if "unit" in arrays and not all(is_unit(str(one)) for one in arrays["unit"].reshape(-1)):
        del arrays["unit"]
        ledger.note("unit", "free text")
    for name in ("signal", "fs"):
        if name in arrays and arrays[name].dtype.kind not in "fiu":
            del arrays[name]
            ledger.note(name, "no number")
    who = identity_of(str(meta.get("patient_id", "")), str(meta.get("patient", "")))
    if who is None:
        ledger.regret("the archive names no patient: its date moved by an offset of its own")
        who = key.pseudonym("content", source.data)
    arrays["meta"] = np.array(json.dumps(_meta(meta, key.dates(who), ledger)))
    ledger.keep("samples", "lead names", "sampling rate", "units", "device measurements", "statements in known words",
                "sex", "age (90 for more than 89)", "time of day")
    stream = io.BytesIO()
    np.savez_compressed(stream, **{name: one.copy() for name, one in arrays.items()})  # type: ignore[arg-type]
    return stream.getvalue()


def _json_of(array: np.ndarray[Any, Any], where: str) -> dict[str, Any]:
    """The meta text of an archive; an empty one when it is no object."""
    value = safe.json_value(str(array.reshape(-1)[0]), where=where) if array.size else {}
    return value if isinstance(value, dict) else {}


def _label(name: str, index: int, ledger: Ledger) -> str:
    if standard_name(name) is not None or is_statement(name):
        return name
    ledger.note("leads", "free text", "replaced")
    return f"signal {index + 1}"


def _meta(meta: Mapping[str, Any], dates: Dates, ledger: Ledger) -> dict[str, Any]:
    """The parts of `meta` that its format has, each judged."""
    years, sex = patient_age(str(meta.get("age", ""))), patient_sex(str(meta.get("sex", "")))
    start = dates.text(str(meta["start"])) if meta.get("start") else None
    if start:
        ledger.note("meta/start", "date", "shifted")
    unknown = set(meta) - {"age", "sex", "start", "comments", "device", "provenance"}
    for _ in unknown:
        ledger.note("meta", "unknown")
    device = _object(meta.get("device"))
    provenance = _object(meta.get("provenance"))
    origin = {lead: how for lead, how in _object(provenance.get("lead_origin")).items()
              if standard_name(str(lead)) and (how == "recorded" or _FORMULA.fullmatch(str(how)))}
    return {
        "age": None if years is None else capped(years), "sex": sex, "start": start,
        "comments": _known(meta.get("comments"), "meta/comments", ledger),
        "device": {
            "statements": _known(device.get("statements"), "meta/device/statements", ledger),
            "measurements": [one for one in map(_measurement, device.get("measurements") or []) if one],
        },
        "provenance": {
            "filters": _known(provenance.get("filters"), "meta/provenance/filters", ledger),
            "notes": _known(provenance.get("notes"), "meta/provenance/notes", ledger),
            "lead_origin": origin, "calibrated": provenance.get("calibrated") is not False,
        },
    }


def _object(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return value if isinstance(value, dict) else {}


def _known(lines: Any, where: str, ledger: Ledger) -> list[str]:  # noqa: ANN401 - any JSON
    said = [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else []
    kept = [line for line in said if is_statement(line)]
    for _ in range(len(said) - len(kept)):
        ledger.note(where, "free text")
    return kept


def _measurement(given: Any) -> dict[str, Any] | None:  # noqa: ANN401 - any JSON
    """A device's number whose name, unit and lead are known words."""
    one = _object(given)
    name, unit, lead, label = (str(one.get(part) or "") for part in ("name", "unit", "lead", "label"))
    value = one.get("value")
    if not isinstance(value, int | float) or not is_statement(name) or not (is_unit(unit) or unit == "sample"):
        return None
    return {"name": name, "value": value, "unit": unit, "lead": lead if standard_name(lead) else None,
            "label": label if is_statement(label) else ""}


def deidentified_matlab(source: Source, key: Key, ledger: Ledger) -> bytes:
    """The struct `ECG` with data, age and sex; nothing else of the file."""
    del key  # the file holds no date and no identifier that would stay
    from scipy.io import savemat

    from ecground.io.matlab import struct_of

    found = struct_of(source)
    years, sex = patient_age(_first(found["age"])), patient_sex(_first(found["sex"]))
    ledger.note("head", "date", "replaced")
    ledger.note("other variables and fields", "unknown")
    ledger.keep("samples", "sex", "age (90 for more than 89)")
    stream = io.BytesIO()
    savemat(stream, {"ECG": {
        "sex": {"M": "Male", "F": "Female", None: "Unknown"}[sex],
        "age": np.float64(np.nan if years is None else capped(years)), "data": found["data"],
    }}, do_compression=False)
    return _MATLAB_HEAD + stream.getvalue()[124:]


def _first(value: Any) -> str:  # noqa: ANN401 - a number or a string of the file
    flat = np.asarray(value).reshape(-1)
    return str(flat[0]) if flat.size else ""
