"""Where the recordings of a data set come from: the simulator, a folder of files, or a labelled collection.

A source is a few plain values, so that every process can open it and get the same recording for the same number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from ecground.errors import NotFoundError, UsageError
from ecground.record import Record

__all__ = ["Item", "Source", "items", "size", "source_of"]

_SIMULATED: Final = "simulated"


@dataclass(frozen=True, slots=True)
class Source:
    """`simulated`, `folder` or the name of a collection, and the folder it lies in."""

    name: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One recording of a source, not read yet."""

    id: str
    """Unique within the source."""
    load: Callable[[], Record]
    about: Mapping[str, Any] = field(default_factory=dict)
    """What is known besides the samples: patient, split, labels, licence; plain JSON."""
    report: str = ""
    """The collection's report text, empty when it has none."""


def source_of(text: str) -> Source:
    """What `--source` means: `simulated`, a folder, or `CORPUS:FOLDER`.

    Raises:
        UsageError: There is no such collection or folder.
    """
    from ecground.corpora import corpora

    if text == _SIMULATED:
        return Source(_SIMULATED)
    name, colon, path = text.partition(":")
    if not (colon and name in corpora()):
        name, path = "recordings", text
    if not Path(path).is_dir():
        raise UsageError(f"no folder '{path}'", where="--source", hint="simulated, a folder, or CORPUS:FOLDER with "
                         "one of the corpora: " + " ".join(corpora()))
    return Source(name, str(Path(path).absolute()))


def size(source: Source) -> int | None:
    """How many recordings there are; None for the simulator, which has no end."""
    if source.name == _SIMULATED:
        return None
    return len(_files(source.path)) if source.name == "recordings" else sum(1 for _ in _cases(source))


def items(source: Source, start: int, stop: int, seed: int) -> Iterator[Item]:
    """The recordings `start` to `stop`; `seed` decides what is simulated."""
    if source.name == _SIMULATED:
        yield from (_simulated(seed, number) for number in range(start, stop))
    elif source.name == "recordings":
        for file in _files(source.path)[start:stop]:
            yield Item(_key(str(file.relative_to(source.path))), partial(_read, file))
    else:
        for case in islice(_cases(source), start, stop):
            about = {
                "corpus": case.corpus, "record": case.id, "patient": case.patient, "split": case.split,
                "labels": list(case.labels), "label_system": case.label_system, "licence": case.terms.licence,
                "trainable": case.terms.trainable, "credentialed": case.terms.credentialed,
                "defects": list(case.defects),
            }
            yield Item(_key(f"{case.corpus}-{case.id}"), case.load, about, case.report_en or case.report)


def _cases(source: Source) -> Iterator[Any]:
    from ecground.corpora import corpus

    return iter(corpus(source.name).cases(source.path))


@lru_cache(maxsize=4)
def _files(folder: str) -> tuple[Path, ...]:
    """Files below a folder, sorted; hidden ones and the signal files that belong to a WFDB header are left out."""
    root = Path(folder)
    names = sorted(path for path in root.rglob("*") if path.is_file()
                   and not any(part.startswith(".") for part in path.relative_to(root).parts))
    headers = {path.with_suffix("") for path in names if path.suffix == ".hea"}
    return tuple(path for path in names if path.suffix == ".hea" or path.with_suffix("") not in headers)


def _read(file: Path) -> Record:
    from ecground.io import read

    if not file.is_file():
        raise NotFoundError("the file has gone", where=file.name)
    return read(file)


def _simulated(seed: int, number: int) -> Item:
    return Item(f"sim-{seed}-{number:07d}", partial(_simulate, seed, number), {"simulated": [seed, number]})


def _simulate(seed: int, number: int) -> Record:
    """A patient whose rhythm or waveform is changed about every other time; with the noise of real devices."""
    from ecground.simulate import PATHOLOGIES, RHYTHMS, draw, draw_noise, simulate

    rng = np.random.default_rng([seed, number, 0])
    rhythm = str(rng.choice(list(RHYTHMS))) if rng.random() < 0.4 else None
    pathology = str(rng.choice(list(PATHOLOGIES))) if rng.random() < 0.5 else None
    return simulate(draw(rng, rhythm=rhythm, pathology=pathology, noise=draw_noise(rng)), rng=rng).record


def _key(text: str) -> str:
    """A name that is good as the stem of a file in an archive: no folders, no dots."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in text)
