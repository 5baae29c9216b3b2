"""The simulator as a collection of its own: case `i` of seed `s` is the same ECG everywhere and always.

Contract: `cases("1000")` or `cases("1000:7")` (number, and seed) lists cases lazily, with SCP codes, marks and beats
that are true by construction; the samples are made when they are asked for. Every tenth case is for validation.
Patients are drawn so that rare statements are common: a population's frequencies they have not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from ecground.corpora import Beats, Case, Corpus, Mark, Marks, Terms
from ecground.errors import UsageError
from ecground.record import Patient, Record
from ecground.simulate.draw import RHYTHMS, draw
from ecground.simulate.generate import Simulated, simulate_seeded
from ecground.simulate.noise import draw_noise
from ecground.simulate.parameters import Parameters
from ecground.simulate.pathology import EXCLUSIVE, PATHOLOGIES
from ecground.simulate.torso import REVERSALS

__all__ = ["SIMULATED", "cases", "patient_of", "simulated"]

TERMS: Final = Terms("Apache-2.0")
_BATCH: Final = 96
_NOT_CONDUCTED: Final = frozenset({"vt", "pacing_v", "pacing_av"})  # no beat shows how the ventricles conduct
_NO_SINUS_P: Final = frozenset({"af", "flutter", "svt", "junctional", "pacing_a"})
_ATRIAL: Final = frozenset({"lae", "rae"} | {name for name in PATHOLOGIES if name.startswith("wpw")})
_SYMBOLS: Final = {"N": "N", "S": "A", "V": "V", "paced": "/"}
_SUPERCLASS: Final = {
    "NORM": "NORM",
    **dict.fromkeys(("CLBBB", "CRBBB", "IRBBB", "ILBBB", "IVCD", "LAFB", "LPFB", "WPW", "1AVB", "2AVB", "3AVB"), "CD"),
    **dict.fromkeys(("LVH", "RVH", "LAO/LAE", "RAO/RAE"), "HYP"),
    **dict.fromkeys(("AMI", "ASMI", "ALMI", "LMI", "IMI", "ILMI", "PMI"), "MI"),
    **dict.fromkeys(("ISCAN", "ISCAS", "ISCAL", "ISCLA", "ISCIN", "ISCIL", "DIG", "LNGQT", "EL"), "STTC"),
}
"""PTB-XL's diagnostic superclass of a statement."""


def patient_of(index: int, *, seed: int = 0) -> tuple[Parameters, int]:
    """Patient and recording number `index`, and the number of its random streams."""
    rng = np.random.default_rng([seed, index])
    rhythm = "sinus" if rng.random() < 0.35 else str(rng.choice(sorted(RHYTHMS)))
    names: list[str] = []
    for wanted in rng.permutation(list(PATHOLOGIES))[: int(rng.choice(3, p=[0.4, 0.4, 0.2]))].tolist():
        barred = rhythm in _NOT_CONDUCTED or (rhythm in _NO_SINUS_P and wanted in _ATRIAL)
        if not barred and not any(wanted in group and group & set(names) for group in EXCLUSIVE):
            names.append(wanted)
    age = float(np.round(rng.uniform(0, 18), 2)) if rng.random() < 0.03 else None
    reversal = str(rng.choice(sorted(REVERSALS))) if rng.random() < 0.02 else ""
    patient = draw(rng, rhythm=rhythm, pathology=names, age=age, noise=draw_noise(rng), reversal=reversal)
    return patient, int(rng.integers(0, 2**62))


def simulated(index: int, *, seed: int = 0) -> Simulated:
    """Case number `index` with everything that is true of it (500 Hz, 10 s)."""
    patient, stream = patient_of(index, seed=seed)
    return simulate_seeded([patient], [stream])[0]


def cases(source: str | Path) -> Iterator[Case]:
    """The cases of `"number"` or `"number:seed"`; UsageError for anything else."""
    count, _, seed = str(source).partition(":")
    if not (count.isascii() and count.isdecimal() and (seed or "0").isascii() and (seed or "0").isdecimal()):
        raise UsageError(f"{str(source)[:40]!r} is no number of simulated cases", where="simulate.corpus",
                         hint="1000, or 1000:7 for the seed 7")
    return _cases(int(count), int(seed or "0"))


def _cases(count: int, seed: int) -> Iterator[Case]:
    for first in range(0, count, _BATCH):
        indices = range(first, min(first + _BATCH, count))
        drawn = [patient_of(index, seed=seed) for index in indices]
        clean = [dataclasses.replace(patient, noise=None) for patient, _ in drawn]  # noise changes no truth
        for index, made in zip(indices, simulate_seeded(clean, [stream for _, stream in drawn]), strict=True):
            yield _case(index, seed, made)


def _case(index: int, seed: int, made: Simulated) -> Case:
    truth = made.truth
    labels = tuple(dict.fromkeys(s.scp for s in truth.statements if s.scp is not None))
    own = f"{seed}-{index}"
    kinds = [kind for kind in truth.kind if kind != "p"]
    return Case(
        corpus="simulated", id=own, patient=own, load=partial(_record, index, seed),
        split="valid" if index % 10 == 9 else "train", labels=labels, label_system="scp",
        likelihood=dict.fromkeys(labels, 100.0),
        superclasses=tuple(sorted({_SUPERCLASS[label] for label in labels if label in _SUPERCLASS})),
        marks=_marks(made), fs=made.record.fs, terms=TERMS,
        beats=Beats(np.rint(truth.delineation.r_peaks).astype(np.int64), tuple(_SYMBOLS[kind] for kind in kinds)),
        person=Patient(age=made.parameters.age, sex=made.parameters.sex),
    )


def _record(index: int, seed: int) -> Record:
    return simulated(index, seed=seed).record


def _marks(made: Simulated) -> Marks:
    d = made.truth.delineation
    out: dict[str, tuple[Mark, ...]] = {}
    for lead in d.leads:
        found = []
        for wave, names in (("P", ("p_on", "p_peak", "p_off")), ("QRS", ("qrs_on", "r_peak", "qrs_off")),
                            ("T", ("t_on", "t_peak", "t_off"))):
            rows = np.stack([d.lead_mark(lead, name) for name in names], axis=1)
            found += [Mark(wave, *(None if x != x else round(x) for x in row)) for row in rows.tolist()
                      if row[0] == row[0]]
        out[lead] = tuple(sorted(found, key=lambda mark: mark.onset or 0))
    return out


SIMULATED: Final = Corpus("simulated", "ecground's own simulated ECGs", cases, TERMS,
                          "no folder: the number of cases, or number:seed", verified="made here")
"""Row of the table of collections."""
