"""LUDB as PhysioNet ships it: 200 recordings with P, QRS and T marked by cardiologists in each of 12 leads.

Layout: `ludb.csv`, `data/N.{hea,dat}` and one annotation file a lead, `data/N.i` ... `data/N.v6`.
Known defects: the headers scale every lead to exactly 1.000 mV peak to peak (amplitudes, axis and Einthoven's law are
lost in the physical values), so the ADC counts are used, 1 count = 1 uV (inferred: the counts keep one common scale);
the first and last complexes of each recording are unmarked, so score only between the first and the last marked beat;
P waves without QRS are unmarked; a few peaks are
published one or two samples outside their wave; ages over 89 are given as `>89`.
Reference: Kalyakulina et al. 2020, IEEE Access 8:186181, ODC-By 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from ecground import leads
from ecground.corpora.case import Case, Mark, Marks, Terms, is_number, rows
from ecground.errors import CorruptInputError
from ecground.io.channels import patient_age, patient_sex
from ecground.io.source import Source
from ecground.io.wfdb import read_counts
from ecground.io.wfdb.annotations import read_annotations
from ecground.record import Patient, Provenance, Record

__all__ = ["COUNTS_NOTE", "DIAGNOSES", "TERMS", "UNMARKED_EDGES", "cases", "diagnoses", "marks_of"]

COUNTS_NOTE: Final = (
    "LUDB's headers scale every lead to 1.000 mV peak to peak; ADC counts were used instead, 1 uV each (inferred)"
)
TERMS: Final = Terms("ODC-By 1.0")
UNMARKED_EDGES: Final = "the first and last complexes are unmarked"
DIAGNOSES: Final = (
    "Rhythms", "Electric axis of the heart", "Conduction abnormalities", "Extrasystolies", "Hypertrophies",
    "Cardiac pacing", "Ischemia", "Non-specific repolarization abnormalities", "Other states",
)
"""Columns of `ludb.csv` that hold statements."""
_WAVE: Final = {"p": "P", "N": "QRS", "t": "T"}


def cases(folder: str | Path) -> Iterator[Case]:
    """All recordings in the order of the table; NotFoundError when the table is missing."""
    root = Path(folder)
    for row in rows(root / "ludb.csv"):
        number = row.get("ID", "").strip()
        if not is_number(number):
            raise CorruptInputError("a row without number", where="ludb.csv")
        path = root / "data" / f"{number}.hea"
        patient = Patient(age=patient_age(row.get("Age", "").strip()), sex=patient_sex(row.get("Sex", "")))
        yield Case(
            corpus="ludb", id=number, patient=number, load=partial(_load, path, patient), labels=diagnoses(row),
            label_system="text", marks=marks_of(path.with_suffix("")), defects=(UNMARKED_EDGES,),
            person=patient, files=(path, path.with_suffix(".dat")), terms=TERMS,
        )


def diagnoses(row: Mapping[str, str]) -> tuple[str, ...]:
    """The statements of one row, each once, without the final full stop."""
    found = [
        part.strip().rstrip(".") for column in DIAGNOSES for part in re.split(r"[\n;]", row.get(column, ""))
    ]
    return tuple(dict.fromkeys(part for part in found if part))


def _load(path: Path, patient: Patient) -> Record:
    """ADC counts as microvolt, in standard order."""
    labels, counts, fs = read_counts(Source(path))
    named = {leads.standard_name(label) or label: row for label, row in zip(labels, counts, strict=True)}
    order = [name for name in leads.STANDARD if name in named]
    if len(order) != len(labels):
        raise CorruptInputError("not the twelve leads of LUDB", where=path.name)
    return Record(
        signal=np.stack([named[name] for name in order]) * np.float32(1e-3), fs=fs, leads=tuple(order),
        patient=patient,
        provenance=Provenance(
            format="wfdb", lead_origin=dict.fromkeys(order, "recorded"),
            gain=dict.fromkeys(order, "1 uV a count (inferred)"), notes=(COUNTS_NOTE,),
        ),
    )


def marks_of(stem: Path) -> Marks:
    """Marks of every lead that has an annotation file beside the record `stem`."""
    marks = {}
    for lead in leads.STANDARD:
        path = stem.with_name(f"{stem.name}.{lead.lower()}")
        if path.is_file():
            notes = read_annotations(path)
            marks[lead] = _waves(notes.sample.tolist(), notes.symbol)
    return marks


def _waves(samples: list[int], symbols: tuple[str, ...]) -> tuple[Mark, ...]:
    """Peaks with the onset just before and the offset just after them, where those are marked.

    A peak published a sample or two outside its wave stands before or after both brackets, which are its own.
    """
    waves = []
    text = "".join(symbols)
    for k, symbol in enumerate(symbols):
        if symbol not in _WAVE:
            continue
        onset = k - 1 if text[max(k - 1, 0):k] == "(" else None
        offset = k + 1 if text[k + 1:k + 2] == ")" else None
        if onset is None and offset is None and text[k + 1:k + 3] == "()":
            onset, offset = k + 1, k + 2
        elif onset is None and offset is None and text[max(k - 2, 0):k] == "()":
            onset, offset = k - 2, k - 1
        at = [None if j is None else samples[j] for j in (onset, offset)]
        waves.append(Mark(_WAVE[symbol], at[0], samples[k], at[1]))
    return tuple(waves)
