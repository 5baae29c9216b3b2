"""NPZ: our own exact container for one record, and the simplest way to hand in an array.

Contract: `signal` `[lead, sample]`, `fs` Hz, `leads` names; optional `unit` (mV when written by us; without it the
record is uncalibrated) and `meta`, a JSON text with `age`, `sex`, `start`, `comments`, `device`, `provenance`.
Arrays of Python objects (pickles) are refused.
"""

from __future__ import annotations

import dataclasses
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ecground import safe
from ecground.errors import CorruptInputError, UnsafeInputError
from ecground.io.channels import Channel, assemble, measured, patient_age, patient_sex
from ecground.io.source import Source
from ecground.record import DeviceMeasurement, DeviceReading, Patient, Record

__all__ = ["read_npz", "sniff_npz", "write_npz"]


def sniff_npz(source: Source) -> bool:
    """Whether it is a zip archive whose first member is a `.npy` array."""
    head = source.head
    length = int.from_bytes(head[26:28], "little")
    return head[:4] == b"PK\x03\x04" and head[30:30 + length].endswith(b".npy")


def read_npz(source: Source) -> Record:
    """The record of an archive with `signal`, `fs` and `leads`.

    Raises:
        CorruptInputError: an array is missing, damaged, or `[sample, lead]`.
        UnsafeInputError: pickled objects, or impossible sizes.
    """
    with safe.Npz(source.data) as archive:
        missing = [key for key in ("signal", "fs", "leads") if key not in archive]
        if missing:
            raise CorruptInputError(
                f"no array {', '.join(missing)} in the archive", where=source.name,
                hint="store signal [lead, sample], fs [Hz], leads (names) and unit (mV or uV)",
            )
        signal, leads = archive["signal"], [str(name) for name in archive["leads"].reshape(-1)[:1024]]
        fs = _scalar(archive["fs"], source.name)
        unit, text = _text(archive, "unit"), _text(archive, "meta")
        meta = _meta(text, source.name) if text else {}
    if signal.ndim != 2 or signal.dtype.kind not in "fiu" or signal.shape[0] != len(leads):
        raise CorruptInputError(
            f"signal has shape {signal.shape} for {len(leads)} leads", where=source.name,
            hint="transpose it to [lead, sample]" if signal.ndim == 2 and signal.shape[-1] == len(leads) else "",
        )
    provenance = meta.get("provenance", {})
    if not provenance.get("calibrated", True):
        unit = None
    channels = [Channel(label=name, values=measured(row), unit=unit) for name, row in zip(leads, signal, strict=True)]
    record = assemble(
        channels, fs=fs, format="npz", where=source.name, start=_start(meta.get("start")), device=_device(meta),
        patient=Patient(age=patient_age(str(meta.get("age", ""))), sex=patient_sex(str(meta.get("sex", "")))),
        filters=provenance.get("filters", ()), notes=provenance.get("notes", ()), comments=meta.get("comments", ()),
    )
    origin = {lead: provenance.get("lead_origin", {}).get(lead, how) for lead, how
              in record.provenance.lead_origin.items()}
    return record.replace(provenance=dataclasses.replace(record.provenance, lead_origin=origin))


def _text(archive: safe.Npz, name: str) -> str | None:
    """The first entry of an array of texts, None when there is none."""
    values = archive[name] if name in archive else np.zeros(0)
    return str(values.reshape(-1)[0]) if values.size else None


def _scalar(values: Any, where: str) -> float:  # noqa: ANN401 - any array
    if values.size != 1 or values.dtype.kind not in "fiu":
        raise CorruptInputError("fs is not one number", where=where)
    return float(values.reshape(-1)[0])


def _meta(text: str, where: str) -> dict[str, Any]:
    """The JSON part, with the types it must have; anything else is refused."""
    meta: dict[str, Any] = safe.json_value(text, where=where)
    lists = (("comments", meta), *((key, meta.get("provenance", {})) for key in ("filters", "notes"))) \
        if isinstance(meta, dict) and isinstance(meta.get("provenance", {}), dict) else None
    if lists is None or any(
        not isinstance(part.get(key, []), list) or not all(isinstance(text, str) for text in part.get(key, []))
        for key, part in lists
    ):
        raise CorruptInputError("the meta text has another structure", where=where)
    origin = meta.get("provenance", {}).get("lead_origin", {})
    if not isinstance(origin, dict) or not all(isinstance(how, str) for how in origin.values()):
        raise CorruptInputError("the meta text has another structure", where=where)
    return meta


def _start(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _device(meta: dict[str, Any]) -> DeviceReading:
    """The device's reading; entries of another structure are refused."""
    device = meta.get("device", {})
    try:
        return DeviceReading(
            statements=tuple(str(text) for text in device.get("statements", ())),
            measurements=tuple(DeviceMeasurement(
                name=str(m["name"]), value=float(m["value"]), unit=str(m["unit"]),
                lead=str(m["lead"]) if m.get("lead") else None, label=str(m.get("label", "")),
            ) for m in device.get("measurements", ())),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise CorruptInputError("the device's reading has another structure", where="meta") from None


def write_npz(record: Record, path: Path) -> tuple[str, ...]:
    """Write everything a Record holds, exactly; nothing is lost but the gains."""
    if record.signal.nbytes > safe.MAX_FILE_BYTES:
        raise UnsafeInputError("the record is too large for one archive", where=path.name)
    meta = {
        "age": record.patient.age, "sex": record.patient.sex,
        "start": record.start.isoformat() if record.start else None, "comments": list(record.comments),
        "device": dataclasses.asdict(record.device),
        "provenance": {
            "filters": list(record.provenance.filters), "notes": list(record.provenance.notes),
            "lead_origin": dict(record.provenance.lead_origin), "calibrated": record.provenance.calibrated,
        },
    }
    stream = io.BytesIO()
    np.savez_compressed(
        stream, signal=record.signal, fs=np.float64(record.fs), leads=np.array(record.leads), unit=np.array("mV"),
        meta=np.array(json.dumps(meta)),
    )
    safe.write_atomic(path, stream.getvalue())
    return ()
