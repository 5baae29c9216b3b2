"""What a named statement means in one lead: ST elevation in V2 is judged by V2's own ST level.

Contract: a feature gives a margin for a lead: >= 1 seen, <= 0 not seen, between them close to the threshold; None when
the lead was not measured. Sources: ST, 4th universal definition of MI (2018) and AHA/ACCF/HRS 2009 VI (elevation 0.1
mV, depression 0.05 mV); T, AHA/ACCF/HRS 2009 IV (inversion from -0.1 mV, low below 0.1 mV or 10 % of R, tall above 0.5
mV in limb and 1.0 mV in chest leads); Q, 4th universal definition (V2-V3 20 ms or QS; elsewhere 30 ms and 0.1 mV or
QS). The lower bounds leave room for the tolerance of the measurement.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ecground.knowledge.finding import Evidence
from ecground.knowledge.phrases import Catalogue
from ecground.leads import LIMB
from ecground.measure.table import Measurements, Value

__all__ = ["FEATURES", "Holds", "Seen", "seen"]

Holds = Literal["yes", "no", "near", "unknown"]
_NORMALLY_INVERTED: Final = frozenset({"aVR", "V1", "III"})
_LEADS_NEEDED: Final = 2


@dataclass(frozen=True, slots=True)
class Seen:
    """Whether something is there, and what says so."""

    holds: Holds
    why: str
    """Empty when the statement is not known at all."""
    evidence: tuple[Evidence, ...] = ()


class _Lead:
    """The values of one lead, an absent wave being 0 and an unmeasured one NaN."""

    def __init__(self, name: str, values: Mapping[str, Value]) -> None:
        self.name = name
        self.values = values

    def number(self, measure: str) -> float:
        value = self.values.get(measure)
        return math.nan if value is None else 0.0 if value.state == "absent" else value.number

    def word(self, measure: str) -> str:
        value = self.values.get(measure)
        return value.value if value is not None and isinstance(value.value, str) else ""


def _st_elevation(lead: _Lead) -> float:
    return (max(lead.number("j_amp"), lead.number("st60")) - 0.05) / 0.05


def _st_depression(lead: _Lead) -> float:
    return (-min(lead.number("j_amp"), lead.number("st60"), lead.number("st80")) - 0.02) / 0.03


def _t_inversion(lead: _Lead) -> float:
    second = lead.number("t_amp2")
    lowest = min(lead.number("t_amp"), 0.0 if math.isnan(second) else second)
    return (-lowest - 0.03) / 0.07


def _low_t(lead: _Lead) -> float:
    size, r = abs(lead.number("t_amp")), lead.number("r_amp")
    limit = max(0.1, 0.0 if math.isnan(r) else 0.1 * r)
    return (1.5 * limit - size) / (0.5 * limit)


def _tall_t(lead: _Lead) -> float:
    limit = 0.5 if lead.name in LIMB else 1.0
    return (lead.number("t_amp") - 0.6 * limit) / (0.4 * limit)


def _q_wave(lead: _Lead) -> float:
    if lead.word("qrs_form") == "QS":
        return 1.0
    depth, length = abs(lead.number("q_amp")), lead.number("q_dur")
    if lead.name in {"V2", "V3"}:
        return (length - 10.0) / 10.0
    return min((length - 18.0) / 12.0, (depth - 0.04) / 0.06)


FEATURES: Final[Mapping[str, tuple[str, Callable[[_Lead], float]]]] = {
    "STE_": ("j_amp", _st_elevation), "STD_": ("j_amp", _st_depression), "INVT": ("t_amp", _t_inversion),
    "LOWT": ("t_amp", _low_t), "TALLT": ("t_amp", _tall_t), "QWAVE": ("q_amp", _q_wave),
}
"""Statement key -> (measure shown as evidence, margin in a lead)."""


def seen(key: str, leads: Sequence[str], measurements: Measurements, phrases: Catalogue) -> Seen:
    """Whether the feature is there in every one of `leads`; without leads, in two leads where it is not normal."""
    measure, margin = FEATURES[key]
    names = list(leads) or [lead for lead in measurements.lead if lead not in _NORMALLY_INVERTED]
    margins: dict[str, float] = {}
    evidence = []
    for name in names:
        values = measurements.lead.get(name, {})
        size = margin(_Lead(name, values))
        value = values.get(measure)
        if value is None or math.isnan(size):
            continue
        margins[name] = size
        evidence.append(Evidence(measure=measure, value=value.value, unit=value.unit, leads=(name,), span=value.span,
                                 beats=value.beats, confidence=value.confidence, supports=size >= 1))
    return _everywhere(names, margins, tuple(evidence), phrases) if leads else _somewhere(margins, evidence, phrases)


def _everywhere(names: Sequence[str], margins: Mapping[str, float], evidence: tuple[Evidence, ...],
                phrases: Catalogue) -> Seen:
    missing = [name for name in names if name not in margins]
    no = [name for name, size in margins.items() if size <= 0]
    near = [name for name, size in margins.items() if 0 < size < 1]
    if no:
        return Seen("no", phrases.say("why.not_leads", leads=phrases.listed(no)), evidence)
    if missing:
        return Seen("unknown", phrases.say("why.not_measured", where=phrases.say(
            "values.in_leads", leads=phrases.listed(missing)), reason="-"), evidence)
    if near:
        return Seen("near", phrases.say("why.near_leads", leads=phrases.listed(near)), evidence)
    return Seen("yes", phrases.say("why.all_leads", leads=phrases.listed(list(names))), evidence)


def _somewhere(margins: Mapping[str, float], evidence: list[Evidence], phrases: Catalogue) -> Seen:
    yes = [name for name, size in margins.items() if size >= 1]
    if not margins:
        return Seen("unknown", phrases.say("why.not_measured", where="", reason="-"))
    if len(yes) >= _LEADS_NEEDED:
        return Seen("yes", phrases.say("why.all_leads", leads=phrases.listed(yes)), tuple(evidence))
    if yes or sum(size > 0 for size in margins.values()) >= _LEADS_NEEDED:
        return Seen("near", phrases.say("why.near_leads", leads=phrases.listed(yes or list(margins))), tuple(evidence))
    return Seen("no", phrases.say("why.not_leads", leads=phrases.listed(list(margins))), tuple(evidence))
