"""Fits the logistic scales of `ecground/knowledge/probability.toml`: margins of criteria -> probability of a statement.

For each SCP statement a logistic regression on the squashed margins of its own criteria, all weights >= 0 so that the
probability rises with every margin, pulled towards `PRIOR` for deciding criteria and 0 for supporting ones (a ridge:
rare statements keep about the slope of the textbook). Records in which the statement is not judged (suppressed, too
young) take no part; an unjudged criterion counts with its mean.

    python -m ecground.train.certainty PACK_FOLDER > ecground/knowledge/probability.toml

Labels: the cardiologists' statements of PTB-XL (Wagner et al. 2020), patients of the pack's training split with
original amplitudes. Needs no PyTorch; takes minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import math
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

__all__ = ["Example", "FitArgs", "fit", "fit_superclasses", "write"]

LEAST: Final = 0.05
"""Smallest weight of a deciding criterion: rare statements still follow their textbook."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """One training record: what the cardiologists said, and our findings on it."""

    labels: frozenset[str]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class FitArgs:
    """How strongly the textbook is believed against the data."""

    ridge: float = 1.0
    """Weight of the pull towards the prior weights, in units of records."""
    prior: float = 0.3
    """Weight of a deciding criterion before any data [logit per tolerance]."""


def fit(examples: Iterable[Example], *, args: FitArgs = FitArgs()) -> dict[str, Scale]:
    """The scale of every SCP statement: key -> Scale; those without criterion get their base rate."""
    listed = list(examples)
    place = {key: row for row, key in enumerate(codes())}
    return {key: _fit_one(key, listed, place[key], args) for key in scp_codes()}


def fit_superclasses(examples: Iterable[Example], scales: Mapping[str, Scale], *,
                     args: FitArgs = FitArgs()) -> dict[str, Scale]:
    """The scale of every superclass over the log odds of its statements under freshly fitted `scales`."""
    listed = list(examples)
    place = {key: row for row, key in enumerate(codes())}
    fitted: dict[str, Scale] = {}
    for name in SUPERCLASSES:
        members = [key for key in scp_codes() if codes()[key].superclass == name]
        truth = np.array([bool(example.labels & set(members)) for example in listed])
        base = (float(truth.sum()) + 0.5) / (truth.size + 1.0)
        x = np.array([[log_odds(_chance(scales[key], example.findings[place[key]])) for key in members]
                      for example in listed])
        centre = x.mean(axis=0)
        intercept, weights = _logistic(x - centre, truth, np.full(len(members), args.prior), args.ridge)
        fitted[name] = Scale(base, intercept, {key: (float(w), float(c)) for key, w, c in
                                               zip(members, weights, centre, strict=True)})
    return fitted


def _chance(scale: Scale, finding: Finding) -> float:
    """The probability that `scale` gives a finding."""
    margins = {c.id: c.margin for c in finding.criteria if c.margin is not None}
    if not margins or not _informs(finding):
        return scale.base_rate
    total = scale.intercept + sum(w * (squash(margins[id_]) - c) for id_, (w, c) in scale.weights.items()
                                  if id_ in margins)
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


def _fit_one(key: str, examples: list[Example], row: int, args: FitArgs) -> Scale:
    truth = np.array([key in example.labels for example in examples])
    base = (float(truth.sum()) + 0.5) / (truth.size + 1.0)
    rules = rulebook().rules.get(key, ())
    used = [n for n, example in enumerate(examples) if _informs(example.findings[row])]
    if not rules or not used:
        return Scale(base, _logit(base), {})
    x = np.array([[_squashed(example.findings[row], rule.id) for rule in rules]
                  for example in (examples[n] for n in used)])
    seen = np.isfinite(x)
    centre = np.where(seen, x, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    prior = np.array([args.prior if rule.role == "decides" else 0.0 for rule in rules])
    intercept, weights = _logistic(np.where(seen, x - centre, 0.0), truth[used], prior, args.ridge)
    return Scale(base, intercept, {rule.id: (float(w), float(c)) for rule, w, c in
                                   zip(rules, weights, centre, strict=True)})


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


def write(scales: Mapping[str, Scale], superclasses: Mapping[str, Scale], *, records: int,
          patients: int) -> Iterator[str]:
    """The lines of probability.toml, with where the numbers come from."""
    criteria = files("ecground.knowledge").joinpath("criteria.toml").read_bytes()
    yield "# Made by `python -m ecground.train.certainty`; `ecground.knowledge.probability` says how it is used."
    yield f"# PTB-XL (CC BY 4.0, Wagner et al. 2020): {records} records of {patients} training patients."
    yield f"# criteria.toml sha256 {hashlib.sha256(criteria).hexdigest()[:16]}"
    yield "# weights: criterion id = [weight, centre]"
    for table, found in (("statement", scales), ("superclass", superclasses)):
        for key, scale in found.items():
            inner = ", ".join(f'"{id_}" = [{w:.4f}, {c:.4f}]' for id_, (w, c) in scale.weights.items())
            yield ""
            yield f'[{table}."{key}"]'
            yield f"base_rate = {scale.base_rate:.5f}"
            yield f"intercept = {scale.intercept:.4f}"
            yield f"weights = {{ {inner} }}"


def read_pack(folder: Path) -> Iterator[tuple[str, Example]]:
    """Patient and Example of every training record with original amplitudes."""
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
        yield case.patient, Example(frozenset(case.labels), found)


def main() -> None:
    """Read the pack's training patients, fit, and print probability.toml."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path, help="folder of the data pack (it holds splits.csv)")
    read = list(read_pack(parser.parse_args().pack))
    examples = [example for _, example in read]
    scales = fit(examples)
    patients = len({patient for patient, _ in read})
    for line in write(scales, fit_superclasses(examples, scales), records=len(read), patients=patients):
        print(line)


if __name__ == "__main__":
    main()
