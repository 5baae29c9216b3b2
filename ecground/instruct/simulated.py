"""Facts of simulated ECGs: statements and values that are true by construction.

Recording `i` of a seed is always the same patient; every fifth is for validation. Form statements (inverted T waves, ST
depression, an axis) can come with many conditions, so they are known where they were built in and left open elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from ecground.instruct.conversation import Source
from ecground.instruct.facts import Facts, implied
from ecground.knowledge.codes import codes
from ecground.record import Record

if TYPE_CHECKING:
    from ecground.simulate import Simulated

__all__ = ["key_of_statement", "made_up", "simulated"]

_KEYS: Final[Mapping[str, str]] = {
    "left_axis": "LAD", "right_axis": "RAD", "extreme_axis": "EAD", "junctional_rhythm": "JUNC",
    "ventricular_tachycardia": "VT", "mobitz_1": "MOBITZ1", "mobitz_2": "MOBITZ2", "stemi_anterior": "STEMI_A",
    "stemi_inferior": "STEMI_I", "stemi_lateral": "STEMI_L", "stemi_posterior": "STEMI_P",
    "stemi_anteroseptal": "STEMI_AS", "stemi_anterolateral": "STEMI_AL", "stemi_inferolateral": "STEMI_IL",
}
"""The simulator's own names -> keys of codes.csv, where they differ by more than their case."""
_DECIDED: Final = frozenset({
    "SR", "SBRAD", "STACH", "SARRH", "AFIB", "AFLT", "SVTAC", "PACE", "BIGU", "TRIGU", "PVC", "PAC", "1AVB", "2AVB",
    "3AVB", "CLBBB", "CRBBB", "IRBBB", "LAFB", "LPFB", "WPW", "LVH", "RVH", "LAO/LAE", "RAO/RAE", "NORM", "IMI",
    "LNGQT",
})
"""Statements that are false where they were not built in."""
_VALUES: Final = ("hr_bpm", "rr_mean_ms", "rr_min_ms", "rr_max_ms", "pr_ms", "p_dur_ms", "qrs_ms", "qt_ms",
                  "qrs_axis_deg", "p_axis_deg", "t_axis_deg", "n_pvc", "n_pac")
_EVERY: Final = 5


@dataclass(frozen=True, slots=True)
class _Load:
    """Reads one simulated recording; picklable."""

    seed: int
    number: int

    def __call__(self) -> Record:
        return made_up(self.seed, self.number).record


def simulated(count: int, *, seed: int, split: Literal["train", "valid", "test"] | None = None) -> Sequence[Facts]:
    """The facts of recordings 0 to `count` of a seed, those of one split only if it is named."""
    parts = [(number, "valid" if number % _EVERY == _EVERY - 1 else "train") for number in range(count)]
    return [_facts(seed, number, part) for number, part in parts if split in (None, part)]  # type: ignore[arg-type]


def _facts(seed: int, number: int, part: Literal["train", "valid"]) -> Facts:
    truth = made_up(seed, number).truth
    keys = implied(key for statement in truth.statements if (key := key_of_statement(statement.scp, statement.key)))
    name = f"{seed}-{number}"
    source = Source("simulated", name, name, part, None, "CC0", credentialed=False)
    known = {measure: float(truth.values.get(measure, np.nan)) for measure in _VALUES}
    return Facts(
        source, _Load(seed, number), keys, _DECIDED | keys, "simulation", person=made_up(seed, number).record.patient,
        values={measure: value for measure, value in known.items() if np.isfinite(value)},
    )


def key_of_statement(scp: str | None, key: str) -> str | None:
    """The key in codes.csv of a statement of the simulator; None where it has none."""
    name = scp or _KEYS.get(key, key.upper())
    return name if name in codes() else None


@lru_cache(maxsize=8)
def made_up(seed: int, number: int) -> Simulated:
    """Recording `number` of a seed: a patient whose rhythm or waveform is changed about every other time."""
    from ecground.simulate import PATHOLOGIES, RHYTHMS, draw, draw_noise, simulate

    rng = np.random.default_rng([seed, number])
    rhythm = str(rng.choice(list(RHYTHMS))) if rng.random() < 0.4 else None
    pathology = str(rng.choice(list(PATHOLOGIES))) if rng.random() < 0.5 else None
    return simulate(draw(rng, rhythm=rhythm, pathology=pathology, noise=draw_noise(rng)), rng=rng)
