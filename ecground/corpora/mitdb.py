"""MIT-BIH Arrhythmia Database as PhysioNet ships it: 48 half-hours, two leads, every beat and rhythm change marked.

Layout: `RECORDS` (optional), `100.{hea,dat,atr}` ...
Known defects: leads are modified limb and chest leads (MLII, V1, V5) and swapped in 114 (V5 first); 102, 104, 107 and
217 are paced and are left out of many scores; beats are not marked in ventricular flutter (207); 201 and 202 are one
patient; the electrodes of several records come off; marks sit at the R peak to about 50 ms, not at the sample.
The collection is for testing QRS detection and beat classes; it has no official split (DS1 and DS2 are de Chazal's).
Reference: Moody & Mark 2001, IEEE EMB Mag 20:45, ODC-By 1.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground import leads
from ecground.corpora.case import Beats, Case, Terms
from ecground.errors import NotFoundError
from ecground.io import read
from ecground.io.source import Source
from ecground.io.wfdb.annotations import BEATS, read_annotations
from ecground.io.wfdb.header import parse_header, patient_of

__all__ = ["PACED", "TERMS", "beats_of", "cases"]

TERMS: Final = Terms("ODC-By 1.0", trainable=False)
PACED: Final = frozenset(("102", "104", "107", "217"))
"""Records with paced beats."""


def cases(folder: str | Path) -> Iterator[Case]:
    """All records that have a header and reference annotations; NotFoundError when there are none."""
    root = Path(folder)
    names = sorted(path.stem for path in root.glob("*.atr") if path.with_suffix(".hea").is_file())
    if not names:
        raise NotFoundError("no records with .hea and .atr", where=root.name, hint="give the folder of MIT-BIH")
    for name in names:
        notes = read_annotations(root / f"{name}.atr")
        header = parse_header(Source(root / f"{name}.hea").text, where=name)
        first = leads.standard_name(header.signals[0].label) if header.signals else None
        beats = replace(beats_of(notes.sample, notes.symbol, notes.text), lead=first or "")
        yield Case(
            corpus="mitdb", id=name, patient="201" if name == "202" else name, split="test",
            load=partial(read, root / f"{name}.hea"), labels=tuple(dict.fromkeys(r for _, r in beats.rhythm)),
            label_system="text", beats=beats, defects=defects_of(name), person=patient_of(header.comments),
            fs=header.fs, files=(root / f"{name}.hea", root / f"{name}.dat"), terms=TERMS,
        )


def beats_of(sample: NDArray[np.int64], symbol: tuple[str, ...], text: tuple[str, ...]) -> Beats:
    """Beats, rhythm changes and stretches of ventricular flutter out of all annotations of a record."""
    is_beat = np.array([s in BEATS for s in symbol], dtype=bool)
    rhythm = tuple(
        (int(at), note.strip("(\0 ")) for at, s, note in zip(sample, symbol, text, strict=True) if s == "+" and note
    )
    flutter, opened = [], None
    for at, s in zip(sample.tolist(), symbol, strict=True):
        if s == "[":
            opened = at
        elif s == "]" and opened is not None:
            flutter.append((opened, at))
            opened = None
    return Beats(
        sample=sample[is_beat].astype(np.int64), symbol=tuple(s for s in symbol if s in BEATS), rhythm=rhythm,
        fibrillation=tuple(flutter),
    )


def defects_of(name: str) -> tuple[str, ...]:
    """What is known about one record."""
    return (("paced beats",) if name in PACED else ()) + (("leads in another order",) if name == "114" else ()) \
        + (("ventricular flutter without beat marks",) if name == "207" else ())
