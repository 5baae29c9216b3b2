"""Simulated ECGs with complete truth: parameters -> Record + Truth, and counterfactual twins.

`draw` a patient, `simulate` the record; `twin` changes single values. Research use, not a medical device.
"""

from __future__ import annotations

from ecground.simulate.draw import RHYTHMS, draw
from ecground.simulate.generate import Simulated, simulate, simulate_batch
from ecground.simulate.noise import Noise, add_noise, draw_noise
from ecground.simulate.parameters import Parameters, Variation, twin
from ecground.simulate.pathology import PATHOLOGIES
from ecground.simulate.torso import REVERSALS
from ecground.simulate.truth import Statement, Truth

__all__ = [
    "PATHOLOGIES", "REVERSALS", "RHYTHMS", "Noise", "Parameters", "Simulated", "Statement", "Truth", "Variation",
    "add_noise", "draw", "draw_noise", "simulate", "simulate_batch", "twin",
]
