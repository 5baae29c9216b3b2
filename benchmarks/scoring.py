"""Marks against cardiologists' marks: the protocol of the delineation tables, and intervals by patient bootstrap.

Per lead and point, predictions and truth are paired one to one, nearest first, within the tolerance (150 ms unless
told). An unpaired prediction is a false positive only between the lead's first and last annotation, since LUDB leaves
beats at the edges unmarked, and not beside a wave whose own onset the cardiologist left open (67 of 16,591 QRS).
Errors are predicted minus true, in ms. The sums are kept per patient, for paired bootstraps over patients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from datapack import LudbRecord, Wave
from marks import LeadMarks, RecordMarks
from numpy.typing import NDArray

from ecground.metrics import Interval, bootstrap, compare, score_detection

__all__ = ["POINTS", "Score", "score", "truth"]

POINTS = ("p_on", "p_off", "qrs_on", "qrs_off", "t_peak", "t_off")
"""The points of the published tables."""
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Score:
    """One method on some patients: `sums[record, point] = (tp, fp, fn, sum of errors, sum of squared errors)`."""

    sums: NDArray[np.float64]

    def f1(self, point: int) -> Callable[[Rows], float]:
        """F1 of a point over some records, for a bootstrap."""

        def value(rows: Rows) -> float:
            tp, fp, fn = self.sums[rows, point, :3].sum(0)
            return float(2 * tp / (2 * tp + fp + fn)) if tp + fp + fn else float("nan")

        return value

    def sd(self, point: int) -> Callable[[Rows], float]:
        """Standard deviation of the errors [ms]."""

        def value(rows: Rows) -> float:
            tp, _, _, error, square = self.sums[rows, point].sum(0)
            return float(np.sqrt(max(square / tp - (error / tp) ** 2, 0.0))) if tp else float("nan")

        return value

    def row(self, point: int) -> dict[str, float]:
        """Se, PPV, F1 in percent, mean and SD in ms; NaN when the method never gives the point."""
        tp, fp, fn, error, _ = self.sums[:, point].sum(0)
        every = np.arange(len(self.sums))
        if not tp:
            return dict.fromkeys(("se", "ppv", "f1", "mean", "sd"), float("nan"))
        return {"se": 100 * tp / (tp + fn), "ppv": 100 * tp / (tp + fp), "f1": 100 * self.f1(point)(every),
                "mean": error / tp, "sd": self.sd(point)(every)}

    def intervals(self, point: int) -> dict[str, Interval]:
        """95 % intervals of F1 (as a fraction) and SD (ms) by patient bootstrap."""
        patients = np.arange(len(self.sums))
        return {"f1": bootstrap(patients, self.f1(point)), "sd": bootstrap(patients, self.sd(point))}

    def better(self, other: Score, point: int) -> dict[str, float]:
        """Bootstrap probability, over patients, that this one's F1 is higher and its SD is lower than the other's."""
        patients = np.arange(len(self.sums))
        return {"f1": compare(patients, self.f1(point), other.f1(point)).probability,
                "sd": compare(patients, other.sd(point), self.sd(point)).probability}


def truth(waves: Sequence[Wave]) -> LeadMarks:
    """A lead's cardiologist marks by mark name; points left open are missing."""
    names = {"P": "p", "QRS": "qrs", "T": "t"}
    found: dict[str, list[int]] = {}
    for wave in waves:
        stem = names[wave.kind]
        peak = "r_peak" if stem == "qrs" else f"{stem}_peak"
        for mark, at in ((f"{stem}_on", wave.onset), (peak, wave.peak), (f"{stem}_off", wave.offset)):
            if at is not None:
                found.setdefault(mark, []).append(at)
    return {mark: np.sort(np.array(at, float)) for mark, at in found.items()}


def score(records: Sequence[LudbRecord], found: Sequence[RecordMarks], *, tolerance_ms: float = 150.0) -> Score:
    """Every point of POINTS for every record, all leads of a patient together."""
    sums = np.zeros((len(records), len(POINTS), 5))
    for number, (record, leads) in enumerate(zip(records, found, strict=True)):
        for waves, marks in zip(record.waves, leads, strict=True):
            if waves:
                sums[number] += _lead_sums(waves, marks, record.fs, tolerance_ms)
    return Score(sums)


def _lead_sums(waves: Sequence[Wave], marks: LeadMarks, fs: float, tolerance_ms: float) -> NDArray[np.float64]:
    true = truth(waves)
    every = [at for wave in waves for at in (wave.onset, wave.peak, wave.offset) if at is not None]
    span = (float(min(every)), float(max(every)))
    sums = np.zeros((len(POINTS), 5))
    for row, point in enumerate(POINTS):
        reference = true.get(point, np.zeros(0))
        predicted = marks.get(point, np.zeros(0))
        if point == "qrs_on":
            open_at = np.array([w.peak for w in waves if w.kind == "QRS" and w.onset is None], float)
            predicted = _without_open(predicted, reference, open_at, tolerance_ms * fs / 1000)
        result = score_detection(reference, predicted, fs=fs, tolerance_ms=tolerance_ms, span=span)
        errors = result.errors_ms
        sums[row] = result.tp, result.fp, result.fn, errors.sum(), (errors**2).sum()
    return sums


def _without_open(
    predicted: NDArray[np.float64], reference: NDArray[np.float64], open_at: NDArray[np.float64], tolerance: float,
) -> NDArray[np.float64]:
    """Leave out predictions that belong to a wave whose point the cardiologist left open."""
    if not open_at.size or not predicted.size:
        return predicted
    beside_open = np.abs(predicted[:, None] - open_at).min(1) <= tolerance
    beside_true = (np.abs(predicted[:, None] - reference) <= tolerance).any(1) if reference.size else False
    return predicted[~beside_open | beside_true]
