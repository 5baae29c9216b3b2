"""Where the delineation network's examples come from: LUDB's marks, PTB-XL's labels, and the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ecground.corpora import pack
from ecground.corpora.case import Case
from ecground.signal.delineate import normalise, prepare
from ecground.simulate import PATHOLOGIES, RHYTHMS, draw, simulate
from ecground.train.delineation_data import Example, rasterise
from ecground.train.delineation_net import DelineationNet

__all__ = ["ludb_examples", "pseudo_label", "ptbxl_examples", "simulated_examples"]

SURE = 0.8
"""A pseudo-label counts where the network gives its class at least this probability."""
NO_P = frozenset({"AFIB", "AFLT"})
"""Labels that say: no P wave in this record."""
SINUS = frozenset({"SR", "SBRAD", "STACH", "SARRH"})
"""Labels that say: P waves are here."""
FEWEST_P = 0.6
"""A sinus record in which the network finds P in a smaller share of the QRS time is left out: it would teach misses."""

BEFORE_QRS = 80
"""Samples at 250 Hz before a QRS in which the P wave of sinus rhythm lies."""
GUARD = 5
"""Samples at 250 Hz on both sides of a simulated bound that are not trained on."""


def ludb_examples(data: Path) -> list[Example]:
    """Training patients of LUDB with the cardiologists' marks of every lead."""
    return [_marked(case) for case in pack.cases(data, "ludb", split="train")]


def _marked(case: Case) -> Example:
    record = case.record
    signal = prepare(record)
    waves = {
        lead: [(m.wave, float(m.onset), float(m.offset)) for m in marks if m.onset is not None and m.offset is not None]
        for lead, marks in case.marks.items()
    }
    return Example(signal, rasterise(waves, record.leads, fs=record.fs, n=signal.shape[1]))


def ptbxl_examples(data: Path, teacher: DelineationNet) -> list[Example]:
    """Training patients of PTB-XL, marked by `teacher` where it is sure and corrected by the rhythm label."""
    found = (pseudo_label(teacher, prepare(case.record), frozenset(case.labels))
             for case in pack.cases(data, "ptbxl", split="train"))
    return [example for example in found if example is not None]


def pseudo_label(teacher: DelineationNet, signal: NDArray[np.float32], labels: frozenset[str]) -> Example | None:
    """One record's example from the teacher's sure classes and its labels; None when the two disagree on P waves."""
    usable = signal.shape[1] // 32 * 32
    signal = signal[:, :usable]
    seen = np.isfinite(signal)
    with torch.inference_mode():
        feed = normalise(signal, seen), seen.astype(np.float32)
        lead, _ = teacher(*(torch.from_numpy(x)[None] for x in feed))
        probability = lead[0].softmax(1).numpy()
    best = probability.argmax(1)
    classes = np.where(probability.max(1) >= SURE, best, -1).astype(np.int8)
    if labels & NO_P:
        # What looked like P is not one; what was unsure stays unknown only where it is no P-or-nothing question.
        undecided = (best == 1) | ((best == 0) & (classes == -1))
        classes[undecided] = 0
    elif labels & SINUS:
        p_share = (best == 1).any(0).mean() / max((best == 2).any(0).mean(), 1e-6)
        if p_share < FEWEST_P:
            return None
        _forget_missing_p(classes, best)
    return Example(signal, classes)


def _forget_missing_p(classes: NDArray[np.int8], best: NDArray[np.intp]) -> None:
    """In sinus rhythm a QRS without P before it may be the teacher's miss: that stretch is not trained on."""
    has_p = (best == 1).any(0)
    qrs = (best == 2).mean(0) > 0.5
    for onset in np.flatnonzero(np.diff(qrs.astype(np.int8), prepend=0) == 1):
        before = slice(max(onset - BEFORE_QRS, 0), onset)
        if not has_p[before].any():
            part = classes[:, before]
            part[part == 0] = -1


def simulated_examples(n: int, rng: np.random.Generator) -> list[Example]:
    """`n` simulated records over all rhythms and pathologies, with the simulator's own marks."""
    return list(_simulated(n, rng))


def _simulated(n: int, rng: np.random.Generator) -> Iterator[Example]:
    for _ in range(n):
        pathology = str(rng.choice(list(PATHOLOGIES))) if rng.random() < 0.5 else None
        patient = draw(rng, rhythm=str(rng.choice(list(RHYTHMS))), pathology=pathology)
        made = simulate(patient, fs=500.0, seconds=10.0, rng=rng)
        marks = made.truth.delineation
        waves: dict[str, list[tuple[str, float, float]]] = {lead: [] for lead in marks.leads}
        for lead in marks.leads:
            for name, prefix in (("P", "p"), ("QRS", "qrs"), ("T", "t")):
                bounds = zip(marks.lead_mark(lead, f"{prefix}_on"), marks.lead_mark(lead, f"{prefix}_off"), strict=True)
                waves[lead] += [(name, float(a), float(b)) for a, b in bounds if np.isfinite(a) and np.isfinite(b)]
        signal = prepare(made.record)
        yield Example(signal, _whole(rasterise(waves, marks.leads, fs=marks.fs, n=signal.shape[1])))


def _whole(classes: NDArray[np.int8]) -> NDArray[np.int8]:
    """A simulated record is known from end to end, but for a guard band around each bound.

    The simulator's onset is a threshold, a cardiologist's a judgement: it teaches which waves there are, not where
    exactly they begin.
    """
    known = np.where(classes < 0, 0, classes).astype(np.int8)
    change = np.flatnonzero((np.diff(known, axis=1) != 0).ravel())
    row, at = np.divmod(change, known.shape[1] - 1)
    for step in range(-GUARD + 1, GUARD + 1):
        known[row, np.clip(at + step, 0, known.shape[1] - 1)] = -1
    return known
