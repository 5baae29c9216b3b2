"""Formats without any open sample: MFER, ISHNE, Mortara ELI XML and EDAN, through the extra `ecgdatakit`.

Contract: nobody could check these readings against a real file, so every record says that it is unverified. The file is
read by a child process with limits on memory, CPU time, file size and wall-clock time; what it hands back is a NumPy
archive, read like any file of a stranger. A crash, a hang or an endless allocation ends in one of our errors.
Where there is no `resource` module (Windows), only the wall-clock limit holds.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from ecground import safe
from ecground.errors import CorruptInputError, MissingExtraError, NoSignalError, UnsafeInputError
from ecground.io.channels import Channel, assemble, patient_age, patient_sex
from ecground.io.rare.exits import DAMAGED, MISSING, NO_MEMORY, NO_SIGNAL
from ecground.io.source import Source
from ecground.record import DeviceMeasurement, DeviceReading, Patient, Record

__all__ = ["RARE", "READERS", "Limits", "RareFormat", "read_rare"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the child process may use."""

    memory_bytes: int = 4 << 30
    """Address space."""
    seconds: int = 60
    """Wall-clock and CPU time [s]."""
    input_bytes: int = 512 << 20
    """Largest input."""


@dataclass(frozen=True, slots=True)
class RareFormat:
    """One format that ecgdatakit reads."""

    description: str
    file_name: str
    """Name under which the child is given the content: ecgdatakit tells some formats by their names."""
    parsers: tuple[str, ...]
    """Parsers of ecgdatakit whose reading is accepted, by the name that they put into it."""
    companion: Mapping[str, str]
    """File name -> the other file without which it cannot be read."""
    sniff: Callable[[Source], bool]


_MORTARA: Final = re.compile(rb"<ECG\s[^>]{0,2000}ACQUISITION_TIME")
_EDAN_PAIR: Final = {"patient.hea": "ecgraw.dat", "ecgraw.dat": "patient.hea"}
_EDAN_MARK: Final = b"##NEUTRAL HOLTER RECORDING##"


def _is_edan(source: Source) -> bool:
    if source.head[4:4 + len(_EDAN_MARK)] == _EDAN_MARK:
        return True
    other = _EDAN_PAIR.get(source.path.name) if source.path else None
    return other is not None and source.path is not None and (source.path.parent / other).is_file()


RARE: Final[Mapping[str, RareFormat]] = {
    "mfer": RareFormat(
        "MFER (ISO 22077)", "input.mwf", ("mfer",), {},
        lambda source: source.head[:1] == b"\x40" and source.head[2:6] == b"MFR ",
    ),
    "ishne": RareFormat("ISHNE Holter", "input.ecg", ("ishne_holter",), {},
                        lambda source: source.head[:8] == b"ISHNE1.0"),
    "mortara": RareFormat("Mortara ELI XML", "input.xml", ("mortara_el250",), {},
                          lambda source: _MORTARA.search(source.head[:8192].replace(b"\0", b"")) is not None),
    "edan": RareFormat("EDAN Holter (.arc, or patient.hea with ecgraw.dat)", "input.arc",
                       ("edan_arc", "edan_arc_archive", "neutral_holter_arc"), _EDAN_PAIR, _is_edan),
}
"""Name -> format. None of them could be tried on a file of a real device."""


def read_rare(name: str, source: Source, *, limits: Limits | None = None) -> Record:
    """The ECG of a file in one of the formats of `RARE`.

    Raises:
        MissingExtraError: ecgdatakit is not installed.
        NoSignalError: the file holds no leads.
        CorruptInputError: ecgdatakit cannot read it, or the child process crashed.
        UnsafeInputError: a limit was hit.
    """
    given, bounds = RARE[name], limits or Limits()
    if len(source.data) > bounds.input_bytes:
        raise UnsafeInputError(f"more than {bounds.input_bytes} bytes", where=source.name)
    with tempfile.TemporaryDirectory(prefix="ecground-") as folder:
        place = Path(folder)
        companion = given.companion.get(source.path.name) if source.path else None
        target = place / (source.path.name if source.path and companion else given.file_name)
        target.write_bytes(source.data)
        if companion:
            other = safe.read_bytes(source.sibling(companion), limit=bounds.input_bytes)
            (place / companion).write_bytes(other)
        output = place / "reading.npz"
        _run(target, output, bounds, source.name)
        return _record(name, output, source.name)


def _run(target: Path, output: Path, limits: Limits, where: str) -> None:
    """Let the child read `target`; its way of ending becomes one of our errors unless all went well."""
    command = [sys.executable, "-P", "-m", "ecground.io.rare.worker", str(target), str(output),
               str(limits.memory_bytes), str(limits.seconds)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, a fixed argument list, no shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            timeout=limits.seconds, check=False, cwd=target.parent, env=_environment(),
        )
    except subprocess.TimeoutExpired:
        raise UnsafeInputError(f"reading took more than {limits.seconds} s and was stopped", where=where) from None
    if done.returncode == MISSING:
        raise MissingExtraError(
            "this format needs ecgdatakit", where=where, hint='install it: pip install "ecground[rare]"',
        )
    if done.returncode == NO_MEMORY:
        raise UnsafeInputError(f"reading needs more than {limits.memory_bytes >> 20} MiB", where=where)
    if done.returncode == NO_SIGNAL:
        raise NoSignalError("the file holds no ECG samples", where=where, hint="give a file with recorded leads")
    if done.returncode == DAMAGED:
        raise CorruptInputError("ecgdatakit cannot read the file", where=where, hint="it is damaged, or a variant")
    if done.returncode != 0 or not output.is_file():
        raise CorruptInputError(
            f"the reader of this format crashed (exit status {done.returncode})", where=where,
            hint="the file is damaged; nothing else was affected",
        )


def _environment() -> dict[str, str]:
    """What the child needs to start, and nothing that others might have put there for this process."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ}
    package = str(Path(__file__).parents[3])
    paths = filter(None, (package, os.environ.get("PYTHONPATH")))
    return kept | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1",
                   "OPENBLAS_NUM_THREADS": "1"}


def _record(name: str, output: Path, where: str) -> Record:
    """The record from what the child wrote; anything unexpected in it is a CorruptInputError."""
    with safe.Npz(output) as archive:
        described = archive["meta"] if "meta" in archive else np.zeros(0)
        if not described.size:
            raise CorruptInputError("the reader handed back no description", where=where)
        meta = safe.json_value(str(described.reshape(-1)[0]), where=where)
        try:
            if meta["parser"] not in RARE[name].parsers:
                raise CorruptInputError(f"ecgdatakit takes the file for another format than {name}", where=where)
            channels = [
                Channel(label=str(lead["label"]), values=archive[f"lead{k}"].reshape(-1).astype("f4"),
                        unit=str(lead["unit"]) or None, gain=str(lead["gain"]))
                for k, lead in enumerate(meta["leads"])]
            device = _device(meta)
            fs, notes = float(meta["fs"]), [str(note) for note in meta["notes"]]
            filters = [str(text) for text in meta["filters"]]
            patient = Patient(age=patient_age(str(meta["age"] or "")), sex=patient_sex(str(meta["sex"])))
        except (KeyError, TypeError, ValueError, IndexError):
            raise CorruptInputError("the reader handed back another structure", where=where) from None
    return assemble(
        channels, fs=fs, format=name, where=where, patient=patient, device=device, filters=filters,
        notes=("unverified: no sample of this format was ever tried", *notes),
    )


def _device(meta: Any) -> DeviceReading:  # noqa: ANN401 - any JSON, checked by the caller
    return DeviceReading(
        statements=tuple(" ".join(str(text).split()) for text in meta["statements"]),
        measurements=tuple(DeviceMeasurement(name=str(one), value=float(value), unit=str(unit), label=str(one))
                           for one, value, unit in meta["measurements"]),
    )


READERS: Final[Mapping[str, Callable[[Source], Record]]] = {name: partial(read_rare, name) for name in RARE}
"""Name -> reader, for the table of formats."""
