"""How likely a statement is, from the margins of its criteria.

    probability = 1 / (1 + exp(-(intercept + sum_i weight_i * (squash(margin_i) - centre_i))))
    squash(m) = 3 tanh(m / 3)

All weights are >= 0, so the probability rises with every margin. Intercept, weights and centres (the mean squashed
margin) of each statement were fitted on training patients of PTB-XL by `ecground.train.certainty` and lie in
`probability.toml`; a criterion that could not be judged counts with its centre. Where nothing can be told (no
criterion yet, not applicable, suppressed, too poor a recording) the probability is the statement's share among those
training patients, and it says nothing about this ECG.

A superclass has the same form, with the log odds of its statements in the place of squashed margins.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from ecground.knowledge.finding import Criterion

__all__ = ["RARE", "Scale", "base_rate", "log_odds", "probability", "scales", "squash", "superclass_probability"]

RARE: Final = 0.001
"""Share of a statement that was never seen in training."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Fitted logistic scale of one statement."""

    base_rate: float
    """Share of the training records that carry the statement."""
    intercept: float
    weights: Mapping[str, tuple[float, float]]
    """Criterion id -> (weight, centre)."""


@cache
def scales(table: str = "statement") -> Mapping[str, Scale]:
    """Key -> scale, of each `statement` with PTB-XL labels or each `superclass`."""
    text = files("ecground.knowledge").joinpath("probability.toml").read_text(encoding="utf-8")
    found = {
        key: Scale(float(entry["base_rate"]), float(entry["intercept"]),
                   MappingProxyType({id_: (float(w), float(c)) for id_, (w, c) in entry["weights"].items()}))
        for key, entry in tomllib.loads(text)[table].items()
    }
    return MappingProxyType(found)


def log_odds(chance: float) -> float:
    """ln(p / (1 - p)), within -6 and 6."""
    inside = max(1e-9, min(1.0 - 1e-9, chance))
    return max(-6.0, min(6.0, math.log(inside / (1.0 - inside))))


def squash(margin: float) -> float:
    """Margin [tolerances] -> bounded evidence: far beyond the threshold, more of the same adds little."""
    return 3.0 * math.tanh(margin / 3.0)


def base_rate(key: str) -> float:
    """Share of the statement among the training records; RARE where it was never looked for."""
    scale = scales().get(key)
    return RARE if scale is None else scale.base_rate


def probability(key: str, criteria: Iterable[Criterion]) -> float:
    """Probability of the statement `key`, given its applied criteria; its base rate when none could be judged."""
    margins = {c.id: c.margin for c in criteria if c.margin is not None}
    if not margins:
        return base_rate(key)
    scale = scales().get(key)
    if scale is None:
        return _unfitted(margins.values())
    return _logistic(scale, {id_: squash(margin) for id_, margin in margins.items()})


def superclass_probability(name: str, chances: Mapping[str, float]) -> float:
    """Probability of a superclass, given SCP code -> probability of its statements."""
    return _logistic(scales("superclass")[name], {key: log_odds(chance) for key, chance in chances.items()})


def _logistic(scale: Scale, evidence: Mapping[str, float]) -> float:
    known = ((scale.weights[id_], size) for id_, size in evidence.items() if id_ in scale.weights)
    total = scale.intercept + sum(weight * (size - centre) for (weight, centre), size in known)
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


def _unfitted(margins: Iterable[float]) -> float:
    """Statements without labels to fit: a unit slope on the best margin, even odds at the threshold."""
    return 1.0 / (1.0 + math.exp(-squash(max(margins))))
