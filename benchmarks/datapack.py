"""The recordings and the outside truth that the benchmarks use, from the data pack named by ECGROUND_DATA.

The pack's README says what it holds and under which licences. Amplitudes are mV. Nothing is written.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEADS", "Beats", "LudbRecord", "Wave", "folder", "ludb", "mitdb", "ptbxl"]

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
BEATS = frozenset("NLRAaJSVFejE/fQ")
"""MIT-BIH annotation symbols that are beats."""
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Wave:
    """One wave that a cardiologist marked; positions in samples at the record's fs, None = not marked."""

    kind: str
    """P, QRS or T."""
    onset: int | None
    peak: int | None
    offset: int | None


@dataclass(frozen=True, slots=True)
class LudbRecord:
    """One patient of LUDB: 10 s, 12 leads, and each lead's marks."""

    name: str
    signal: Array
    """mV `[lead, sample]`, 500 Hz."""
    waves: tuple[tuple[Wave, ...], ...]
    """Per lead, in the order of LEADS."""
    fs: float = 500.0


@dataclass(frozen=True, slots=True)
class Beats:
    """One half hour of MIT-BIH."""

    name: str
    signal: Array
    """mV `[2, sample]`, 360 Hz."""
    leads: tuple[str, ...]
    beats: NDArray[np.int64]
    """Annotated beats [samples], those in ventricular flutter left out."""
    flutter: tuple[tuple[int, int], ...]
    """Ventricular flutter, first and last sample: neither beats nor detections count there."""
    fs: float = 360.0


def folder() -> Path:
    """The data pack; ends the program with a hint when there is none."""
    path = os.environ.get("ECGROUND_DATA", "")
    if not path or not (Path(path) / "splits.csv").is_file():
        sys.exit("set ECGROUND_DATA to the folder of the data pack (it holds splits.csv)")
    return Path(path)


def decode(planes: NDArray[np.uint8]) -> NDArray[np.int16]:
    """The pack's coding of int16 samples: byte planes of zig-zag first differences along the last axis."""
    zigzag = planes[0].astype(np.uint16) | (planes[1].astype(np.uint16) << 8)
    differences = (zigzag >> 1).astype(np.int16) ^ -(zigzag & 1).astype(np.int16)
    return np.asarray(np.cumsum(differences, axis=-1, dtype=np.int16))


@cache
def _splits() -> dict[tuple[str, str], str]:
    with (folder() / "splits.csv").open(newline="") as file:
        return {(row["dataset"], row["record"]): row["split"] for row in csv.DictReader(file)}


def ludb(split: str) -> list[LudbRecord]:
    """LUDB's patients of one split, `train` or `valid`."""
    marked = {
        str(entry["id"]): tuple(tuple(Wave(*wave) for wave in entry["waves"].get(lead, ())) for lead in LEADS)
        for entry in json.loads((folder() / "ludb/delineation.json").read_text())["records"]
    }
    with np.load(folder() / "ludb/ludb.npz", allow_pickle=False) as file:
        names, counts = file["ids"], decode(file["data"])
    return [
        LudbRecord(str(name), (count / 1000).astype(np.float32), marked[str(name)])
        for name, count in zip(names, counts, strict=True)
        if _splits()["ludb", str(name)] == split
    ]


def ptbxl(split: str) -> Iterator[tuple[str, Array, float, frozenset[str], str]]:
    """PTB-XL of one split: (name, `[12, sample]`, fs, SCP codes, patient); mV, or z-scores in the norm250 part."""
    with (folder() / "ptbxl/records.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if _splits()["ptbxl", r["ecg_id"]] == split]
    for shard in sorted({row["shard"] for row in rows}):
        with np.load(folder() / shard, allow_pickle=False) as file:
            samples, info = decode(file["data"]), json.loads(str(file["info"]))
        for row in rows:
            if row["shard"] == shard:
                signal = (samples[int(row["row"])] / 1000).astype(np.float32)
                yield row["ecg_id"], signal, float(info["fs"]), frozenset(row["labels"].split(";")), row["patient_id"]


def mitdb() -> Iterator[Beats]:
    """MIT-BIH Arrhythmia, the pack's half hours."""
    with (folder() / "mitdb/records.csv").open(newline="") as file:
        leads = {row["record"]: tuple(row["leads"].split(";")) for row in csv.DictReader(file)}
    with np.load(folder() / "mitdb/mitdb.npz", allow_pickle=False) as file:
        for name in sorted(leads):
            signal = (decode(file[f"d_{name}"]) * 0.005).astype(np.float32)
            sample, symbol = file[f"a_{name}_sample"].astype(np.int64), file[f"a_{name}_symbol"]
            flutter = tuple(zip(sample[symbol == "["].tolist(), sample[symbol == "]"].tolist(), strict=True))
            beat = np.isin(symbol, list(BEATS))
            for first, last in flutter:
                beat &= (sample < first) | (sample > last)
            yield Beats(name, signal, leads[name], sample[beat], flutter)
