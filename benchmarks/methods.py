"""The methods that are compared, each a function from records to marks: ours, the U-Net network, the libraries."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from datapack import LEADS
from marks import MARKS, RecordMarks
from numpy.typing import NDArray

from ecground.record import Record
from ecground.signal.beats import MARKS as OUR_MARKS
from ecground.signal.beats import PRESENT, Delineation, P

__all__ = ["OPENECG_HELD_OUT", "PEERS", "Result", "baseline", "joint_marks", "ours", "p_score", "peer"]

PEERS = ("nk-dwt", "nk-cwt", "nk-peak", "nk-prominence", "ecgdeli", "wavedet-single", "wavedet-multi",
         "prominence-multi", "openecg-v56c", "openecg-v6")
OPENECG_HELD_OUT = frozenset((
    10, 11, 14, 20, 21, 22, 28, 33, 34, 35, 39, 47, 48, 53, 55, 56, 66, 67, 70, 72, 73, 74, 78, 91, 92, 93, 95, 101,
    115, 119, 120, 133, 135, 154, 174, 178, 179, 189, 191, 194, 196,
))
"""The 41 of LUDB's 200 patients that openecg held out (data/splits/ludb_v1.json of github.com/vitaldb/openecg)."""
ROOT = Path(__file__).resolve().parent.parent
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Result:
    """What one method found in some records."""

    name: str
    marks: list[RecordMarks]
    cpu_s: float
    """CPU seconds a record, median."""
    crashed: int = 0
    """Leads on which the method raised."""
    delineations: list[Delineation] = field(default_factory=list)
    """Ours only: the joint marks and states."""


def ours(signals: Sequence[Array], fs: float, leads: tuple[str, ...] = LEADS) -> Result:
    """Our delineator."""
    from ecground.signal.delineate import delineate

    delineate(Record(signals[0], fs, leads))  # warm-up: the network is loaded once
    found: list[Delineation] = []
    cpu: list[float] = []
    for signal in signals:
        before = time.process_time()
        found.append(delineate(Record(signal, fs, leads)))
        cpu.append(time.process_time() - before)
    return Result("ecground", [_lead_marks(d) for d in found], float(np.median(cpu)), delineations=found)


def _lead_marks(found: Delineation) -> RecordMarks:
    columns = {mark: OUR_MARKS.index(mark) for mark in MARKS}
    return [
        {mark: _seen(rows[:, column]) for mark, column in columns.items()}
        for rows in found.lead_marks.astype(np.float64)
    ]


def joint_marks(found: Delineation) -> dict[str, NDArray[np.float64]]:
    """Our marks over all leads, in the form of one lead's."""
    return {mark: _seen(found.joint_mark(mark)) for mark in MARKS}


def _seen(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sort(positions[np.isfinite(positions)])


def p_score(found: Delineation) -> float:
    """Median over the beats of the probability of a P wave, 0..1: low in atrial fibrillation. 0.5 without any QRS."""
    state, sure = found.joint_state[found.has_qrs, P], found.joint_confidence[found.has_qrs, P]
    return float(np.median(np.where(state == PRESENT, sure, 1 - sure))) if len(state) else 0.5


def baseline(network: object, signals: Sequence[Array], fs: float) -> Result:
    """The baseline network that single_lead_unet.train gives."""
    network(signals[0], fs)  # type: ignore[operator]  # warm-up
    marks, cpu = [], []
    for signal in signals:
        before = time.process_time()
        marks.append(network(signal, fs))  # type: ignore[operator]
        cpu.append(time.process_time() - before)
    return Result("U-Net", marks, float(np.median(cpu)))


def peer_python() -> Path | None:
    """The peers' interpreter: ECGROUND_PEERS, else .venv-peers of this repository; None when there is none."""
    place = Path(os.environ.get("ECGROUND_PEERS", ROOT / ".venv-peers/bin/python"))
    return place if place.exists() else None


def peer(name: str, signals: Sequence[Array], fs: float) -> Result | None:
    """Another library, run as a separate program by the peers' interpreter; None when it could not run at all."""
    python = peer_python()
    if python is None:
        print(f"  {name}: no peers' environment (see benchmarks/requirements-peers.txt)", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as place:
        source, target = Path(place) / "in.npz", Path(place) / "out.npz"
        np.savez(source, signal=np.stack(signals), fs=fs)
        done = subprocess.run(
            [str(python), str(ROOT / "benchmarks/peers.py"), name, str(source), str(target)],
            check=False, capture_output=True, text=True,
        )
        if done.returncode or not target.exists():
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            print(f"  {name}: did not run: {last}", file=sys.stderr)
            return None
        with np.load(target, allow_pickle=False) as file:
            table = {key: file[key] for key in file.files}
    return Result(name, _peer_marks(table, len(signals), len(signals[0])), float(np.median(table["cpu_s"])),
                  int(table["crashed"].sum()))


def _peer_marks(table: dict[str, NDArray[np.float64]], records: int, leads: int) -> list[RecordMarks]:
    given = set(table["mark"].astype(int).tolist())
    found: list[list[dict[str, list[float]]]] = [
        [{MARKS[i]: [] for i in given} for _ in range(leads)] for _ in range(records)
    ]
    rows = zip(table["record"], table["lead"], table["mark"], table["position"], strict=True)
    for record, lead, mark, position in rows:
        found[int(record)][int(lead)][MARKS[int(mark)]].append(float(position))
    return [[{mark: np.unique(at) for mark, at in lead.items()} for lead in record] for record in found]
