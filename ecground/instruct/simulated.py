"""Facts of simulated ECGs: statements and values that are true by construction.

Recording `i` of a seed is the case of that number of `ecground.simulate.corpus`. What was built in is true, and false
where it was not. Statements that name a measurement (an axis, a long PR interval) are decided by the true value, unless
it is within the measure's repeatability of the limit. ST and T forms come with many conditions: they are true where
they were built in, false in a normal ECG, and left open elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, Literal

from ecground.instruct.conversation import Source
from ecground.instruct.facts import Facts, implied
from ecground.knowledge.codes import codes
from ecground.knowledge.repeatability import tolerance
from ecground.record import Patient, Record

if TYPE_CHECKING:
    from ecground.signal.beats import Delineation
    from ecground.simulate import Parameters, Simulated

__all__ = ["facts_of_simulated", "key_of_statement", "made_up", "simulated"]

_KEYS: Final[Mapping[str, str]] = {
    "left_axis": "LAD", "right_axis": "RAD", "extreme_axis": "EAD", "junctional_rhythm": "JUNC",
    "ventricular_tachycardia": "VT", "mobitz_1": "MOBITZ1", "mobitz_2": "MOBITZ2", "stemi_anterior": "STEMI_A",
    "stemi_inferior": "STEMI_I", "stemi_lateral": "STEMI_L", "stemi_posterior": "STEMI_P",
    "stemi_anteroseptal": "STEMI_AS", "stemi_anterolateral": "STEMI_AL", "stemi_inferolateral": "STEMI_IL",
    "ste": "STE_", "std": "STD_", "lae": "LAO/LAE", "rae": "RAO/RAE",
}
"""The simulator's own names -> keys of codes.csv, where they differ by more than their case."""
_RHYTHM: Final = frozenset({
    "SR", "SBRAD", "STACH", "SARRH", "AFIB", "AFLT", "SVTAC", "PACE", "BIGU", "TRIGU", "PVC", "PAC", "1AVB", "2AVB",
    "3AVB", "JUNC", "VT",
})
_BUILT_IN: Final = frozenset({
    "CLBBB", "CRBBB", "IRBBB", "ILBBB", "LAFB", "LPFB", "WPW", "LVH", "RVH", "LAO/LAE", "RAO/RAE", "NORM", "AMI",
    "ASMI", "ALMI", "LMI", "IMI", "ILMI", "PMI",
})
"""Statements that are false where they were not built in, rhythm apart."""
_FORMS: Final = frozenset({
    "STE_", "STD_", "INVT", "QWAVE", "BRUGADA1", "WELLENS", "DEWINTER", "PERIC", "AVR_ISC", "STEMI_A", "STEMI_I",
    "STEMI_L", "STEMI_P", "STEMI_AS", "STEMI_AL", "STEMI_IL", "STEMI",
})
"""Statements that are false in a normal ECG, and known elsewhere only where they were built in."""
_SINUS: Final = frozenset({"SR", "SBRAD", "STACH", "SARRH"})
_BY_VALUE: Final[Mapping[str, tuple[str, float, float]]] = {
    "SHORTPR": ("pr_ms", 0.0, 120.0), "WIDEQRS": ("qrs_ms", 120.0, math.inf),
    "LAD": ("qrs_axis_deg", -90.0, -30.0), "RAD": ("qrs_axis_deg", 90.0, 180.0), "EAD": ("qrs_axis_deg", -180.0, -90.0),
}
"""Statement -> the measure that decides it, and the values between which it is true."""
_VALUES: Final[tuple[str, ...]] = (
    "hr_bpm", "rr_mean_ms", "rr_min_ms", "rr_max_ms", "pr_ms", "p_dur_ms", "qrs_ms", "qt_ms", "qrs_axis_deg",
    "p_axis_deg", "t_axis_deg", "n_pvc", "n_pac",
)
_LONG_PR_MS: Final = 200.0
_BATCH: Final = 96


def simulated(count: int, *, seed: int, split: Literal["train", "valid", "test"] | None = None) -> Sequence[Facts]:
    """The facts of recordings 0 to `count` of a seed, those of one split only if it is named; every tenth is valid."""
    numbers = [number for number in range(count) if split in (None, _split(number))]
    batches = (numbers[first:first + _BATCH] for first in range(0, len(numbers), _BATCH))
    return [facts for some in batches for facts in _listed(some, seed)]


def _listed(numbers: Sequence[int], seed: int) -> list[Facts]:
    """Facts of a batch, made without noise: noise changes no truth."""
    import dataclasses

    from ecground.simulate.corpus import patient_of
    from ecground.simulate.generate import simulate_seeded

    drawn = [patient_of(number, seed=seed) for number in numbers]
    made = simulate_seeded([dataclasses.replace(patient, noise=None) for patient, _ in drawn],
                           [stream for _, stream in drawn])
    return [facts_of_simulated(one, f"{seed}-{number}", partial(_load, seed, number), partial(_exact, seed, number),
                               _split(number))
            for number, one in zip(numbers, made, strict=True)]


def _split(number: int) -> Literal["train", "valid"]:
    return "valid" if number % 10 == 9 else "train"


def _load(seed: int, number: int) -> Record:
    return made_up(seed, number).record


def _exact(seed: int, number: int) -> tuple[Record, Delineation]:
    made = made_up(seed, number, noisy=False)
    return made.record, made.truth.delineation


def facts_of_simulated(
    made: Simulated, name: str, load: Callable[[], Record], exact: Callable[[], tuple[Record, Delineation]],
    split: Literal["train", "valid"],
) -> Facts:
    """What is true of one simulated ECG.

    Args:
        made: the ECG.
        name: its identifier, also that of its patient.
        load: makes its samples, with noise.
        exact: makes them without, and the true marks.
        split: the side it belongs to.
    """
    truth, parameters = made.truth, made.parameters
    keys = implied(key for statement in truth.statements if (key := key_of_statement(statement.scp, statement.key)))
    true, decided = _by_value(truth.values)
    known = {measure: truth.values[measure] for measure in _VALUES if measure in truth.values}
    keys = implied(keys | true)
    decided = (keys | decided | _decided(parameters, keys)) - _border(truth.values)
    return Facts(
        Source("simulated", name, name, split, None, "Apache-2.0", credentialed=False), load, keys,
        decided.intersection(codes()), "simulation", values=known,
        person=Patient(age=parameters.age, sex=parameters.sex), exact=exact,
    )


def _decided(parameters: Parameters, keys: frozenset[str]) -> frozenset[str]:
    """Statements known to be true or false by construction.

    Sinus rhythm is left open where the sinus node drives but its beats are blocked or premature. Of a recording with
    exchanged cables only rhythm is known. What a beat of ventricular origin would hide is not known.
    """
    rhythm = _RHYTHM if keys & _SINUS or parameters.rhythm.driver != "sinus" else _RHYTHM - _SINUS
    rhythm |= {"LPR"} if parameters.rhythm.conduction == "1:1" else frozenset()
    if parameters.reversal or "V" in parameters.rhythm.pacing or parameters.rhythm.name == "vt":
        return rhythm
    return rhythm | _BUILT_IN | (_FORMS if "NORM" in keys else frozenset())


def _border(values: Mapping[str, float]) -> frozenset[str]:
    """First-degree AV block, where the PR interval is too near its limit to call."""
    pr_ms = values.get("pr_ms", 0.0)
    return frozenset({"1AVB", "LPR"}) if abs(pr_ms - _LONG_PR_MS) <= tolerance("pr_ms", pr_ms) else frozenset()


def _by_value(values: Mapping[str, float]) -> tuple[frozenset[str], frozenset[str]]:
    """Statements that a true value makes true, and those that it decides."""
    true, decided = set(), set()
    for key, (measure, low, high) in _BY_VALUE.items():
        value = values.get(measure)
        if value is None or min(abs(value - low), abs(value - high)) <= tolerance(measure, value):
            continue
        decided.add(key)
        if low <= value <= high:
            true.add(key)
    return frozenset(true), frozenset(decided)


def key_of_statement(scp: str | None, key: str) -> str | None:
    """The key in codes.csv of a statement of the simulator; None where it has none."""
    name = scp or _KEYS.get(key, key.upper())
    return name if name in codes() else None


@lru_cache(maxsize=8)
def made_up(seed: int, number: int, *, noisy: bool = True) -> Simulated:
    """Recording `number` of a seed, with all that is true of it."""
    import dataclasses

    from ecground.simulate.corpus import patient_of
    from ecground.simulate.generate import simulate_seeded

    patient, stream = patient_of(number, seed=seed)
    return simulate_seeded([patient if noisy else dataclasses.replace(patient, noise=None)], [stream])[0]
