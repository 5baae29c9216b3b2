"""Are the cables where their names say? Limb and chest lead swaps suspected from the samples, with evidence.

Contract: `suspect_swaps(record, delineation=None)` needs I, II and V1-V6 seen at the same time (mV `[lead, sample]`);
otherwise it says that it could not test. Sex, age and diagnosis are not used. A suspicion is never a correction.

Method, own: limb leads are predicted from the chest leads (a fixed linear map); each exchange of limb electrodes is
undone in turn, and the one whose I and II agree best with the prediction wins by a margin. Chest leads are reordered
in turn, and the order whose correlations agree best with those of a population wins by a margin. Map, correlations and
margins were set on 1,584 ECGs of PTB-XL training patients so that under 1 % of real recordings are suspected. An
exchange of left arm and left leg leaves too little trace and is not reported (AHA/ACCF/HRS 2007 part I says the same).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.leads import CHEST
from ecground.record import Record
from ecground.signal.beats import Delineation
from ecground.signal.filters import MONITORING, bandpass
from ecground.signal.resample import resample

__all__ = ["LeadSwaps", "Swap", "suspect_swaps"]

_FS: Final = 125.0
_LEADS: Final = ("I", "II", *CHEST)
_SECONDS: Final = 30.0
_TO_LIMB: Final = (
    (-0.607, -0.033), (0.230, -0.101), (0.059, 0.119), (-0.091, 0.098), (0.130, 0.075), (0.259, 0.363),
)
"""Chest lead -> (I, II): least squares over the population, band 0.5-40 Hz."""
_CORRELATION: Final = (
    (1.000, 0.655, -0.598, -0.083, 0.305, 0.606, 0.771, 0.804),
    (0.655, 1.000, -0.448, -0.028, 0.394, 0.704, 0.815, 0.819),
    (-0.598, -0.448, 1.000, 0.697, 0.299, -0.145, -0.448, -0.598),
    (-0.083, -0.028, 0.697, 1.000, 0.748, 0.349, 0.039, -0.140),
    (0.305, 0.394, 0.299, 0.748, 1.000, 0.767, 0.494, 0.316),
    (0.606, 0.704, -0.145, 0.349, 0.767, 1.000, 0.853, 0.710),
    (0.771, 0.815, -0.448, 0.039, 0.494, 0.853, 1.000, 0.915),
    (0.804, 0.819, -0.598, -0.140, 0.316, 0.710, 0.915, 1.000),
)
"""Mean correlation of `_LEADS` over the population, band 0.5-40 Hz."""
_LIMB_SWAPS: Final = {
    "RA/LA": (((-1.0, 0.0), (-1.0, 1.0)), 0.30),
    "RA/LL": (((1.0, -1.0), (0.0, -1.0)), 0.50),
    "RA->LA->LL->RA": (((-1.0, 1.0), (-1.0, 0.0)), 0.60),
    "RA->LL->LA->RA": (((0.0, -1.0), (1.0, -1.0)), 0.55),
}
"""Exchange -> (observed I, II in terms of the true ones; margin of agreement from which it is suspected)."""
_CHEST_MARGIN: Final = {"V1/V2": 2.4, "V2/V3": 4.3, "V3/V4": 3.0, "V4/V5": 6.5, "V5/V6": 3.6}
_CHEST_MARGIN_FAR: Final = 2.0
_FLAT: Final = 0.1


@dataclass(frozen=True, slots=True)
class Swap:
    """One suspected exchange of electrodes."""

    electrodes: str
    """`RA/LA`, `V1/V2`, `RA/RL`, `V1-V6 reversed`, or a rotation such as `RA->LA->LL->RA`."""
    probability: float
    """0.5 at the margin from which an exchange is suspected."""
    evidence: tuple[str, ...]
    """What speaks for it, in words with numbers."""


@dataclass(frozen=True, slots=True)
class LeadSwaps:
    """Result of the test."""

    suspected: tuple[Swap, ...]
    """Most probable first; empty when the leads agree with their names."""
    tested: bool
    """False when the leads that the test needs were not seen together."""
    why: str
    """Why it could not be tested; empty otherwise."""
    dextrocardia: bool
    """The chest leads shrink from V1 to V6 and I, V5 and V6 point down: the heart may lie on the right."""

    @property
    def arms(self) -> float:
        """Probability that the arm cables were exchanged; 0 when not suspected."""
        return max((swap.probability for swap in self.suspected if swap.electrodes == "RA/LA"), default=0.0)


def suspect_swaps(record: Record, delineation: Delineation | None = None) -> LeadSwaps:
    """Limb and chest lead swaps of `record`; a Delineation adds the direction of P in lead I to the evidence."""
    x = _together(record)
    if x is None:
        return LeadSwaps((), False, "I, II and V1-V6 are not all seen together for two seconds", False)
    covariance = x @ x.T / x.shape[1]
    if np.diag(covariance)[2:].min() < 1e-6 or np.diag(covariance)[:2].max() < 1e-6:
        return LeadSwaps((), False, "a lead that the test needs is flat", False)
    p_wave = _p_amplitude(record, delineation) if delineation is not None else float("nan")
    found = sorted(_explain(covariance, p_wave), key=lambda swap: -swap.probability)
    return LeadSwaps(tuple(found), True, "", _points_right(x))


def _explain(covariance: NDArray[np.float64], p_wave: float) -> list[Swap]:
    """The fewest exchanges that explain the leads: one undone must not leave, or make, a second one."""
    flat = _right_leg(covariance)
    if flat is not None:
        return [flat]
    limb, chest = _limb(covariance, p_wave), _chest(covariance)
    if limb is None or chest is None:
        return [swap for swap in (limb, chest) if swap is not None]
    undo = np.eye(8)
    undo[:2, :2] = np.linalg.inv(np.array(_LIMB_SWAPS[limb.electrodes][0]))
    remaining = _chest(undo @ covariance @ undo.T)
    if remaining is None:
        return [limb]
    order = _orders()[0][chest.electrodes]
    return [chest] if _limb(covariance[np.ix_(order, order)], p_wave) is None else [limb, remaining]


def _together(record: Record) -> NDArray[np.float64] | None:
    """`_LEADS` at 125 Hz, 0.5-40 Hz, from at most half a minute in which all are seen; None for under 2 s."""
    if not set(_LEADS) <= set(record.leads):
        return None
    rows = [record.leads.index(name) for name in _LEADS]
    begin = max(0, (record.n_samples - int(_SECONDS * record.fs)) // 2)
    part = record.signal[rows, begin : begin + int(_SECONDS * record.fs)]
    x = bandpass(resample(part, fs=record.fs, to=_FS), fs=_FS, band=MONITORING)
    x = x[:, np.isfinite(x).all(axis=0)].astype(np.float64)
    if x.shape[1] < 2.0 * _FS:
        return None
    # A single artefact must not decide: beats are limited to four times their usual height.
    limit = 4.0 * np.percentile(np.abs(x), 97, axis=1, keepdims=True)
    return np.asarray(np.clip(x, -limit, limit))


def _agreement(covariance: NDArray[np.float64], undo: NDArray[np.float64]) -> float:
    """Correlation, over both leads, of I and II (after `undo`) with what the chest leads predict, -1..1."""
    to_limb = np.array(_TO_LIMB)
    cross = undo @ covariance[:2, 2:]
    power = np.trace(undo @ covariance[:2, :2] @ undo.T)
    predicted = np.trace(to_limb.T @ covariance[2:, 2:] @ to_limb)
    return float((cross * to_limb.T).sum() / np.sqrt(power * predicted + 1e-12))


def _limb(covariance: NDArray[np.float64], p_wave: float) -> Swap | None:
    """The limb exchange that explains the leads best, when it does so by its margin."""
    named = _agreement(covariance, np.eye(2))
    best, highest = None, 0.0
    for electrodes, (observed, margin) in _LIMB_SWAPS.items():
        undone = _agreement(covariance, np.linalg.inv(np.array(observed)))
        logit = 10.0 * (undone - named - margin)
        words = [f"I and II agree with the chest leads by {named:.2f} as named, {undone:.2f} with {electrodes} undone"]
        if electrodes == "RA/LA" and abs(p_wave) > 0.02:
            logit += 1.5 if p_wave < 0 else -3.0
            words.append(f"P in I is {p_wave:+.2f} mV")
        probability = float(1.0 / (1.0 + np.exp(-logit)))
        if logit > highest:
            best, highest = Swap(electrodes, probability, tuple(words)), logit
    return best


def _right_leg(covariance: NDArray[np.float64]) -> Swap | None:
    """An arm cable on the right leg leaves the lead between both legs almost flat: II for RA/RL, III for LA/RL."""
    one, two = np.sqrt(np.diag(covariance)[:2])
    three = float(np.sqrt(max(0.0, covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])))
    sizes = {"II": (float(two), "RA/RL"), "III": (three, "LA/RL")}
    for name, (size, electrodes) in sizes.items():
        ratio = size / float(np.median([one, two, three]))
        if ratio < _FLAT:
            probability = float(1.0 / (1.0 + np.exp(-60.0 * (_FLAT - ratio))))
            return Swap(electrodes, probability, (f"{name} is almost flat: {ratio:.2f} of the middle limb lead",))
    return None


@lru_cache(maxsize=1)
def _orders() -> tuple[dict[str, list[int]], NDArray[np.float64]]:
    """Every exchange of two chest leads and the full reversal as row orders, and the inverse correlation."""
    orders: dict[str, list[int]] = {}
    for i, j in itertools.combinations(range(6), 2):
        order = list(range(8))
        order[2 + i], order[2 + j] = order[2 + j], order[2 + i]
        orders[f"V{i + 1}/V{j + 1}"] = order
    orders["V1-V6 reversed"] = [0, 1, 7, 6, 5, 4, 3, 2]
    return orders, np.asarray(np.linalg.inv(np.array(_CORRELATION) + 0.02 * np.eye(8)), dtype=np.float64)


def _chest(covariance: NDArray[np.float64]) -> Swap | None:
    """The chest order that agrees best with the population, when it is not the named one by its margin."""
    size = np.sqrt(np.diag(covariance)) + 1e-9
    correlation = covariance / np.outer(size, size)
    orders, inverse = _orders()
    named = float((inverse * correlation).sum())
    best: Swap | None = None
    for electrodes, order in orders.items():
        gain = named - float((inverse * correlation[np.ix_(order, order)]).sum())
        margin = _CHEST_MARGIN.get(electrodes, _CHEST_MARGIN_FAR)
        probability = float(1.0 / (1.0 + np.exp(-np.clip(2.0 * (gain - margin), -50, 50))))
        if probability >= 0.5 and (best is None or probability > best.probability):
            words = f"V1-V6 fit the population better by {gain:.1f} with {electrodes} undone ({margin:.1f} needed)"
            best = Swap(electrodes, probability, (words,))
    return best


def _points_right(x: NDArray[np.float64]) -> bool:
    """I, V5 and V6 mostly negative, and V6 under half of the largest of V1-V3."""
    size = np.sqrt((x**2).mean(axis=1))
    skew = (x**3).mean(axis=1) / (size**3 + 1e-12)
    return bool((skew[[0, 6, 7]] < -1.0).all() and size[7] < 0.5 * size[2:5].max())


def _p_amplitude(record: Record, delineation: Delineation) -> float:
    """Median height of P in lead I over the line from its onset to its offset [mV]; NaN without P waves."""
    if "I" not in delineation.leads or "I" not in record.leads:
        return float("nan")
    marks = np.stack([delineation.lead_mark("I", name) for name in ("p_on", "p_peak", "p_off")])
    scale = record.fs / delineation.fs
    at = np.round(marks[:, np.isfinite(marks).all(axis=0)] * scale).astype(int)
    if not at.size:
        return float("nan")
    on, peak, off = record.lead("I")[np.clip(at, 0, record.n_samples - 1)]
    height = peak - 0.5 * (on + off)
    return float(np.nanmedian(height)) if np.isfinite(height).any() else float("nan")
