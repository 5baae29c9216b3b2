"""Fits the logistic scales of `ecground/knowledge/probability.toml`: margins of criteria -> probability of a statement.

For each SCP statement a logistic regression on the squashed margins of its own criteria, all weights >= 0 so that the
probability rises with every margin, pulled towards `prior` for deciding criteria and 0 for supporting ones (a ridge:
rare statements keep about the slope of the textbook). Records in which the statement is not judged (suppressed, too
young) take no part; an unjudged criterion counts with its mean.

Cross-fitting: patients are parted into folds, each fold is predicted by a fit on the others, and slope and level of
these predictions against the labels (Platt 1999; Cox 1958) are put into the final scale, so that it is no surer than
it has a right to be. Superclasses are fitted on the predictions so made, never on those of records fitted upon.

    python -m ecground.train.certainty PACK_FOLDER > ecground/knowledge/probability.toml

Labels: the cardiologists' statements of PTB-XL (Wagner et al. 2020), patients of the pack's training split with
original amplitudes. Needs no PyTorch; takes minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.knowledge.codes import SUPERCLASSES, codes, scp_codes
from ecground.knowledge.criteria import rulebook
from ecground.knowledge.finding import Finding
from ecground.knowledge.probability import Scale, log_odds, squash

__all__ = ["Example", "Fit", "FitArgs", "fit", "write"]

LEAST: Final = 0.05
"""Smallest weight of a deciding criterion: rare statements still follow their textbook."""
Floats = NDArray[np.float64]
Truth = NDArray[np.bool_]
Columns = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Example:
    """One training record: what the cardiologists said, and our findings on it."""

    patient: str
    labels: frozenset[str]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class FitArgs:
    """How strongly the textbook is believed against the data."""

    ridge: float = 1.0
    """Weight of the pull towards the prior weights, in units of records."""
    prior: float = 0.3
    """Weight of a deciding criterion before any data [logit per tolerance]."""
    folds: int = 5
    """Groups of patients for cross-fitting."""
    calibration_ridge: float = 4.0
    """Weight of the pull of slope and level towards 1 and 0 when the held-out predictions are calibrated."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Scales, and what they are worth on patients they were not fitted on."""

    statements: Mapping[str, Scale]
    superclasses: Mapping[str, Scale]
    held: Mapping[str, Floats]
    """SCP code or superclass -> `[record]` probability from the fold that did not see the patient."""


def fit(examples: Iterable[Example], *, args: FitArgs = FitArgs()) -> Fit:
    """The scales of all SCP statements and superclasses; statements without criterion get their base rate."""
    listed = list(examples)
    fold = np.array([zlib.crc32(example.patient.encode()) % args.folds for example in listed], dtype=np.int64)
    place = {key: row for row, key in enumerate(codes())}
    statements: dict[str, Scale] = {}
    held: dict[str, Floats] = {}
    for key in scp_codes():
        statements[key], held[key] = _fit_statement(key, listed, place[key], fold, args)
    superclasses: dict[str, Scale] = {}
    for name in SUPERCLASSES:
        superclasses[name], held[name] = _fit_superclass(name, listed, held, fold, args)
    return Fit(statements, superclasses, held)


def _fit_statement(key: str, examples: list[Example], row: int, fold: Columns,
                   args: FitArgs) -> tuple[Scale, Floats]:
    truth = np.array([key in example.labels for example in examples])
    base = (float(truth.sum()) + 0.5) / (truth.size + 1.0)
    held = np.full(truth.size, base)
    rules = rulebook().rules.get(key, ())
    used = np.array([_informs(example.findings[row]) for example in examples], dtype=np.bool_)
    if not rules or not used.any():
        return Scale(base, _logit(base), {}), held
    x = np.array([[_squashed(example.findings[row], rule.id) for rule in rules]
                  for example, wanted in zip(examples, used, strict=True) if wanted])
    seen = np.isfinite(x)
    centre = np.where(seen, x, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    prior = np.array([args.prior if rule.role == "decides" else 0.0 for rule in rules])
    intercept, weights, held[used] = _cross_fit(np.where(seen, x - centre, 0.0), truth[used], prior, fold[used], args)
    return Scale(base, intercept, {rule.id: (float(w), float(c)) for rule, w, c in
                                   zip(rules, weights, centre, strict=True)}), held


def _fit_superclass(name: str, examples: list[Example], chances: Mapping[str, Floats], fold: Columns,
                    args: FitArgs) -> tuple[Scale, Floats]:
    """The scale of a superclass over the log odds of its statements, as held-out patients were given them."""
    members = [key for key in scp_codes() if codes()[key].superclass == name]
    truth = np.array([bool(example.labels & set(members)) for example in examples])
    base = (float(truth.sum()) + 0.5) / (truth.size + 1.0)
    x = np.array([[log_odds(float(chance)) for chance in chances[key]] for key in members]).T
    centre = x.mean(axis=0)
    intercept, weights, held = _cross_fit(x - centre, truth, np.full(len(members), args.prior), fold, args)
    return Scale(base, intercept, {key: (float(w), float(c)) for key, w, c in
                                   zip(members, weights, centre, strict=True)}), held


def _cross_fit(x: Floats, truth: Truth, prior: Floats, fold: Columns, args: FitArgs) -> tuple[float, Floats, Floats]:
    """Intercept and weights of the fit on all rows, its slope and level as held-out folds call for; their chances."""
    logit = np.zeros(truth.size)
    for part in np.unique(fold):
        rest = fold != part
        intercept, weights = _logistic(x[rest], truth[rest], prior, args.ridge)
        logit[~rest] = intercept + x[~rest] @ weights
    level, slope = _calibration(logit, truth, args.calibration_ridge)
    intercept, weights = _logistic(x, truth, prior, args.ridge)
    return level + slope * intercept, slope * weights, 1.0 / (1.0 + np.exp(-(level + slope * logit)))


def _calibration(logit: Floats, truth: Truth, ridge: float) -> tuple[float, float]:
    """Level and slope by which predictions of held-out records fit the labels best."""
    from scipy.optimize import minimize

    sign = np.where(truth, -1.0, 1.0)

    def loss(theta: Floats) -> float:
        z = sign * (theta[0] + theta[1] * logit)
        return float(np.logaddexp(0.0, z).sum() + 0.5 * ridge * (theta[0] ** 2 + (theta[1] - 1.0) ** 2))

    found = minimize(loss, np.array([0.0, 1.0]), method="L-BFGS-B", bounds=[(None, None), (0.2, 2.0)])
    return float(found.x[0]), float(found.x[1])


def _informs(finding: Finding) -> bool:
    """The criteria were applied and nothing suppressed them."""
    return bool(finding.criteria) and (finding.judged or finding.why.startswith("not to be told"))


def _squashed(finding: Finding, id_: str) -> float:
    margin = next((c.margin for c in finding.criteria if c.id == id_), None)
    return float("nan") if margin is None else squash(margin)


def _logistic(x: Floats, truth: NDArray[np.bool_], prior: Floats, ridge: float) -> tuple[float, Floats]:
    """Penalised logistic regression with weights >= 0: intercept and weights."""
    from scipy.optimize import minimize

    sign = np.where(truth, -1.0, 1.0)

    def loss(theta: Floats) -> tuple[float, Floats]:
        z = sign * (theta[0] + x @ theta[1:])
        pull = theta[1:] - prior
        slope = sign / (1.0 + np.exp(-z))
        gradient = np.concatenate([[slope.sum() + 0.02 * theta[0]], x.T @ slope + ridge * pull])
        value = np.logaddexp(0.0, z).sum() + 0.5 * ridge * pull @ pull + 0.01 * theta[0] ** 2
        return float(value), gradient

    start = np.concatenate([[_logit((truth.sum() + 0.5) / (truth.size + 1.0))], prior])
    bounds = [(None, None), *((LEAST if pull > 0 else 0.0, None) for pull in prior)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.x[0]), np.asarray(found.x[1:])


def _logit(share: float) -> float:
    return math.log(share / (1.0 - share))


def write(found: Fit, *, records: int, patients: int) -> Iterator[str]:
    """The lines of probability.toml, with where the numbers come from."""
    criteria = files("ecground.knowledge").joinpath("criteria.toml").read_bytes()
    yield "# Made by `python -m ecground.train.certainty`; `ecground.knowledge.probability` says how it is used."
    yield f"# PTB-XL (CC BY 4.0, Wagner et al. 2020): {records} records of {patients} training patients."
    yield f"# criteria.toml sha256 {hashlib.sha256(criteria).hexdigest()[:16]}"
    yield "# weights: criterion id = [weight, centre]"
    for table, scales in (("statement", found.statements), ("superclass", found.superclasses)):
        for key, scale in scales.items():
            inner = ", ".join(f'"{id_}" = [{w:.4f}, {c:.4f}]' for id_, (w, c) in scale.weights.items())
            yield ""
            yield f'[{table}."{key}"]'
            yield f"base_rate = {scale.base_rate:.5f}"
            yield f"intercept = {scale.intercept:.4f}"
            yield f"weights = {{ {inner} }}"


def read_pack(folder: Path) -> Iterator[Example]:
    """Every training record with original amplitudes, as an Example."""
    from ecground.corpora import pack
    from ecground.knowledge.findings import find
    from ecground.measure import measure
    from ecground.signal.delineate import delineate
    from ecground.signal.quality import assess

    for case in pack.cases(folder, "ptbxl", subset="raw500", split="train"):
        record = case.record
        delineation = delineate(record)
        quality = assess(record, delineation)
        found = find(measure(record, delineation, quality=quality), record.patient, quality=quality)
        yield Example(case.patient, frozenset(case.labels), found)


def main() -> None:
    """Read the pack's training patients, fit, and print probability.toml."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path, help="folder of the data pack (it holds splits.csv)")
    examples = list(read_pack(parser.parse_args().pack))
    found = fit(examples)
    patients = len({example.patient for example in examples})
    for line in write(found, records=len(examples), patients=patients):
        print(line)


if __name__ == "__main__":
    main()
