"""Counterfactual twins: a simulated ECG and the same ECG with one thing changed, as one yes and one no to one question.

The person, the electrodes, the noise and every random number are the same; what differs is the change and what follows
from it. So nothing but the statement asked for can tell the answers apart. Twin `k` of recording `i` of a seed is
called `seed-i` with `tk` behind it, `k` counting `CHANGES` from 0, so that its name says nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from ecground.instruct.facts import Facts
from ecground.instruct.simulated import facts_of_simulated

if TYPE_CHECKING:
    from ecground.record import Record
    from ecground.signal.beats import Delineation
    from ecground.simulate import Parameters, Simulated

__all__ = ["CHANGES", "Pair", "pairs", "twin_of"]

Change = Callable[["Parameters", np.random.Generator], Mapping[str, object]]
Pair = tuple[Facts, Facts, str]
"""The ECG without the statement, its twin with it, and the statement's key."""
_TWIN: Final = 7
"""Keeps a twin's draws apart from those of its patient."""


def _long_pr(_: Parameters, rng: np.random.Generator) -> Mapping[str, object]:
    return {"rhythm.pr_ms": round(float(rng.uniform(235, 290)), 1)}


def _slow(_: Parameters, rng: np.random.Generator) -> Mapping[str, object]:
    return {"rhythm.rate_bpm": round(float(rng.uniform(44, 54)), 1)}


def _fibrillation(parameters: Parameters, rng: np.random.Generator) -> Mapping[str, object]:
    """Atrial fibrillation at the ventricular rate that the sinus rhythm had."""
    from ecground.simulate.draw import RHYTHMS

    drawn = {**RHYTHMS["af"](rng), "rate_bpm": parameters.rhythm.rate_bpm, "ectopy": "none"}
    return {"rhythm": type(parameters.rhythm)(name="af", **drawn)}


def _pathology(name: str, parameters: Parameters, rng: np.random.Generator) -> Mapping[str, object]:
    from ecground.simulate.pathology import PATHOLOGIES, Heart

    heart = Heart(parameters.atrial[0], parameters.ventricular[0], parameters.rhythm.pr_ms)
    changed = PATHOLOGIES[name](heart, rng)
    return {"atrial.0": changed.p, "ventricular.0": changed.beat, "rhythm.pr_ms": changed.pr_ms, "pathologies": (name,)}


CHANGES: Final[Mapping[str, Change]] = {
    "1AVB": _long_pr, "SBRAD": _slow, "AFIB": _fibrillation, "CLBBB": partial(_pathology, "lbbb"),
    "CRBBB": partial(_pathology, "rbbb"), "IMI": partial(_pathology, "q_inferior"), "LVH": partial(_pathology, "lvh"),
    "STEMI_I": partial(_pathology, "st_elevation_inferior"), "INVT": partial(_pathology, "t_inversion"),
    "WPW": partial(_pathology, "wpw"),
}
"""Statement -> what makes it true of a normal ECG, as `simulate.twin` takes it."""


def pairs(pool: Sequence[Facts], *, seed: int) -> list[Pair]:
    """One twin of each normal simulated ECG of the pool; the changes take turns."""
    chosen = [facts for facts in pool if facts.source.corpus == "simulated" and facts.says("NORM")]
    made = []
    for place, facts in enumerate(chosen):
        key = list(CHANGES)[place % len(CHANGES)]
        twin = twin_of(seed, int(facts.source.id.partition("-")[2]), key)
        if facts.says(key) is False and twin.says(key):
            made.append((facts, twin, key))
    return made


def twin_of(seed: int, number: int, key: str) -> Facts:
    """The facts of recording `number` of a seed after the change that makes a statement true."""
    place = list(CHANGES).index(key)
    source = f"{seed}-{number}"
    facts = facts_of_simulated(_made(seed, number, key, noisy=False), f"{source}t{place}",
                               partial(_load, seed, number, key), partial(_exact, seed, number, key),
                               "valid" if number % 10 == 9 else "train")
    return dataclasses.replace(facts, source=dataclasses.replace(facts.source, patient=source))


def _made(seed: int, number: int, key: str, *, noisy: bool) -> Simulated:
    from ecground.simulate import twin
    from ecground.simulate.corpus import patient_of
    from ecground.simulate.generate import simulate_seeded

    patient, stream = patient_of(number, seed=seed)
    rng = np.random.default_rng([seed, number, _TWIN])
    changed = twin(patient, CHANGES[key](patient, rng))
    return simulate_seeded([changed if noisy else dataclasses.replace(changed, noise=None)], [stream])[0]


def _load(seed: int, number: int, key: str) -> Record:
    return _made(seed, number, key, noisy=True).record


def _exact(seed: int, number: int, key: str) -> tuple[Record, Delineation]:
    made = _made(seed, number, key, noisy=False)
    return made.record, made.truth.delineation
