from __future__ import annotations

import tomllib

import numpy as np
import pytest

from ecground.knowledge.codes import SUPERCLASSES, scp_codes
from ecground.knowledge.findings import find
from ecground.knowledge.probability import log_odds
from ecground.metrics import auroc, calibration_error
from ecground.record import Patient
from ecground.train.certainty import Example, Fit, fit, write
from tests.knowledge.handmade import measurements


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    """Heart rates around 100/min; the label says sinus tachycardia with a chance that rises with the rate."""
    rng = np.random.default_rng(0)
    made = []
    for n, rate in enumerate(rng.uniform(80, 120, 160)):
        said = rng.random() < 1 / (1 + np.exp(-(rate - 100) / 4))
        found = find(measurements({"hr_bpm": float(rate)}), Patient(60, "M"))
        made.append(Example(f"p{n // 2}", frozenset({"STACH"} if said else {"SR", "NORM"}), found))
    return made


@pytest.fixture(scope="module")
def fitted(examples: list[Example]) -> Fit:
    return fit(examples)


def test_held_out_probabilities_tell_and_are_calibrated(examples: list[Example], fitted: Fit) -> None:
    truth = np.array(["STACH" in example.labels for example in examples])
    held = fitted.held["STACH"]
    assert auroc(truth, held) > 0.85
    assert calibration_error(truth, held, bins=5) < 0.12
    assert abs(held.mean() - truth.mean()) < 0.05


def test_every_statement_and_superclass_has_a_scale_without_negative_weights(fitted: Fit) -> None:
    assert set(fitted.statements) == set(scp_codes())
    assert set(fitted.superclasses) == set(SUPERCLASSES)
    for scale in (*fitted.statements.values(), *fitted.superclasses.values()):
        assert 0 < scale.base_rate < 1
        assert all(weight >= 0 for weight, _ in scale.weights.values())


def test_labels_without_relation_to_the_criteria_leave_the_base_rate(examples: list[Example]) -> None:
    rng = np.random.default_rng(1)
    random = [Example(e.patient, frozenset({"LVH"} if rng.random() < 0.3 else ()), e.findings) for e in examples]
    held = fit(random).held["LVH"]
    assert np.abs(held - 0.3).max() < 0.2


def test_what_is_written_can_be_read_back(fitted: Fit) -> None:
    told = tomllib.loads("\n".join(write(fitted, records=160, patients=80)))
    assert set(told["statement"]) == set(scp_codes())
    weight, centre = told["statement"]["STACH"]["weights"]["STACH.rate"]
    assert weight == pytest.approx(fitted.statements["STACH"].weights["STACH.rate"][0], abs=1e-4)
    assert -3 <= centre <= 3
    assert log_odds(told["superclass"]["CD"]["base_rate"]) < 0
