"""Whether a claim is true of the simulator's parameters, never of our own measurements.

Statements are held against what was built in; record values against the true ones, amplitudes against the noise-free
signal between the true marks, both within the checker's tolerance; comparisons with half of it, as the checker does;
numbered beats against the beats that were made. An amplitude is the extreme of the wave above or below the level at
the true QRS onset, median over the dominant beats. Of a lead's claimed Q and S (R and R') the larger is held against
the extreme of the QRS complex, the other cannot be judged. Durations of Q, forms, slopes, counts of cycles and
statements that the simulator leaves open (tall T waves) cannot be judged either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ecground.instruct.facts import Facts
from ecground.knowledge.finding import Claim
from ecground.knowledge.reading.lexicon import lexicon
from ecground.knowledge.repeatability import tolerance
from ecground.leads import STANDARD
from ecground.simulate import Simulated, Truth

__all__ = ["amplitudes", "judge"]

_DOWN, _UP = frozenset({"q_amp", "s_amp"}), frozenset({"r_amp", "r2_amp"})
_ECTOPIC = {"PVC": "V", "PAC": "S"}


Leads = Mapping[str, Mapping[str, float]]


def judge(claims: Sequence[Claim], facts: Facts, made: Simulated) -> list[bool | None]:
    """True, false, or None for what the parameters do not say, claim by claim; `made` is the ECG without noise."""
    largest, leads = _largest(claims), amplitudes(made)
    return [_of_claim(claim, facts, made.truth, leads, largest) for claim in claims]


def amplitudes(made: Simulated) -> Leads:
    """Measure -> lead -> mV of the noise-free signal, above the level at the QRS onset."""
    marks, truth = made.truth.delineation, made.truth
    kinds = [kind for kind in truth.kind if kind != "p"]
    main = "N" if kinds.count("N") * 3 >= len(kinds) else max(set(kinds), key=kinds.count, default="N")
    rows = [row for row, kind in enumerate(truth.kind) if kind == main]
    found: dict[str, dict[str, float]] = {name: {} for name in ("r_amp", "s_amp", "t_amp")}
    ends = {name: marks.joint_mark(name) for name in ("qrs_on", "qrs_off", "t_on", "t_off")}
    for lead, signal in zip(made.record.leads, made.record.signal, strict=True):
        high, low, t = [], [], []
        for row in rows:
            on, off, t_on, t_off = (ends[name][row] for name in ("qrs_on", "qrs_off", "t_on", "t_off"))
            if np.isfinite([on, off]).all():
                wave = signal[int(on):int(off) + 1] - signal[int(on)]
                high, low = [*high, float(wave.max())], [*low, float(wave.min())]
            if np.isfinite([on, t_on, t_off]).all():
                wave = signal[int(t_on):int(t_off) + 1] - signal[int(on)]
                t.append(float(max(wave.max(), wave.min(), key=abs)))
        found["r_amp"][lead] = float(np.median(high)) if high else math.nan
        found["s_amp"][lead] = float(np.median(low)) if low else math.nan
        found["t_amp"][lead] = float(np.median(t)) if t else math.nan
    stated = {name: dict(zip(STANDARD, truth.lead_values[name].tolist(), strict=True))
              for name in ("j_amp", "st40", "st60", "st80") if name in truth.lead_values}
    return found | stated


def _of_claim(claim: Claim, facts: Facts, truth: Truth, leads: Leads, largest: set[int]) -> bool | None:
    if claim.measure is None:
        return _of_statement(claim, facts, truth)
    if isinstance(claim.value, str) or claim.value is None:
        return None
    if claim.beats:
        return None
    if claim.leads:
        found = [_in_lead(claim, lead, leads, largest) for lead in claim.leads]
        return None if None in found else all(found)
    return _holds(claim, truth.values.get(str(claim.measure), math.nan))


def _of_statement(claim: Claim, facts: Facts, truth: Truth) -> bool | None:
    if claim.beats:
        kinds = [kind for kind in truth.kind if kind != "p"]
        wanted = _ECTOPIC.get(str(claim.finding))
        return None if wanted is None else all(beat <= len(kinds) and kinds[beat - 1] == wanted for beat in claim.beats)
    groups = lexicon().reading["groups"]
    names = str(claim.finding).replace("&", "|").split("|")
    said = [facts.says(member) for name in names for member in groups.get(name, (name,))]
    holds = True if any(said) else None if None in said else False
    return None if holds is None or claim.polarity == "uncertain" else holds == (claim.polarity == "present")


def _in_lead(claim: Claim, lead: str, leads: Leads, largest: set[int]) -> bool | None:
    measure = str(claim.measure)
    if measure in _DOWN | _UP:
        if id(claim) not in largest or claim.comparison != "=":
            return None
        measure = "s_amp" if measure in _DOWN else "r_amp"
    return _holds(claim, leads.get(measure, {}).get(lead, math.nan), measure)


def _largest(claims: Sequence[Claim]) -> set[int]:
    """Of the claimed deflections of one side in one lead, the larger."""
    best: dict[tuple[str, tuple[str, ...]], Claim] = {}
    for claim in claims:
        side = "down" if claim.measure in _DOWN else "up" if claim.measure in _UP else ""
        if side and isinstance(claim.value, float) and claim.comparison == "=":
            held = best.setdefault((side, claim.leads), claim)
            if abs(claim.value) > abs(float(held.value or 0)):
                best[side, claim.leads] = claim
    return {id(claim) for claim in best.values()}


def _holds(claim: Claim, true: float, measure: str = "") -> bool | None:
    """The claim held against the true number; None where there is none."""
    if not math.isfinite(true):
        return None
    wanted, measure = float(claim.value or 0.0), measure or str(claim.measure)
    allowed = tolerance(measure, max(abs(wanted), abs(true)))
    if claim.comparison == "=":
        off = abs(true - wanted)
        if measure.endswith("_axis_deg"):
            off = abs((true - wanted + 180.0) % 360.0 - 180.0)
        return off <= allowed
    high = math.inf if claim.value_high is None else claim.value_high
    low, top = {"in": (wanted, high), ">": (wanted, math.inf), ">=": (wanted, math.inf),
                "<": (-math.inf, wanted), "<=": (-math.inf, wanted)}.get(claim.comparison, (-math.inf, math.inf))
    return low - allowed / 2 <= true <= top + allowed / 2
