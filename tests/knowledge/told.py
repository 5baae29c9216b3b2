"""Simulated patients, measured at their true marks and told: what the tests of narrate, check and serial share."""

from __future__ import annotations

from functools import cache

import numpy as np

from ecground.knowledge.check import check, is_open, key_of
from ecground.knowledge.claims import read_claims
from ecground.knowledge.findings import find
from ecground.knowledge.narrate import narrate
from ecground.measure import measure
from ecground.simulate import draw, simulate

CASES = (
    ("sinus", None), ("sinus_bradycardia", "lbbb"), ("sinus_tachycardia", None), ("af", None), ("av_block_1", None),
    ("pvc", None), ("sinus", "rbbb"), ("flutter", None), ("mobitz_1", None), ("pac", None),
)


@cache
def told(rhythm: str, pathology: str | None, seed: int = 0):
    """(simulated, measurements, findings, text) of one patient."""
    rng = np.random.default_rng(seed)
    made = simulate(draw(rng, rhythm=rhythm, pathology=pathology), rng=rng)
    measurements = measure(made.record, made.truth.delineation)
    findings = find(measurements, made.record.patient)
    return made, measurements, findings, narrate(measurements, findings, patient=made.record.patient)


def verdicts(text: str, case) -> list:
    _, measurements, findings, _ = case
    return list(check(read_claims(text), measurements, findings))


def clearly_absent(case) -> list[str]:
    """Keys of findings that are judged, absent and not open."""
    among = {key_of(f): f for f in case[2]}
    return [key for key, f in among.items() if f.judged and not f.present and not is_open(key, f, among)]
