"""The one checker: is a claim supported or contradicted by the measurements, or can neither be said?

It filters training text, scores models and colours sentences, so its rules are these and no others.

Values: supported within the measure's tolerance (`ecground.knowledge.repeatability`), else contradicted. Comparisons
and normal limits: supported when the measured value satisfies them; contradicted when it misses them by more than half
the tolerance, unverifiable in between. A word (QRS form) must be the measured one, its case included.
Findings: a finding that is present supports, one that is not contradicts. An absent finding is left open, so that a
claim of it is unverifiable either way and `possible ...` is supported, when a deciding criterion is missed by less than
`NEAR` tolerances, or when all values together make it more than `LIKELY` times as likely as in the average patient.
Open, too, are sinus rhythm and AV block that only lack P waves while no other rhythm was found, a long QT that another
formula shows, and statements without an agreed rule (abnormal QRS).
`possible` of an absent finding is contradicted. A statement of one or more leads is judged in those very leads. A
finding is also present when a more exact one is (sinus bradycardia is sinus rhythm).
A criterion must be the one that the finding was judged by, and normal limits must be in published use.
Unmeasured, not judged or unknown: unverifiable.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from ecground.knowledge.codes import codes
from ecground.knowledge.criteria import rulebook
from ecground.knowledge.features import FEATURES, Holds, Seen, seen
from ecground.knowledge.finding import Claim, Evidence, Finding, Verdict
from ecground.knowledge.patterns import patterns
from ecground.knowledge.phrases import catalogue
from ecground.knowledge.probability import scales
from ecground.knowledge.reading.lexicon import lexicon
from ecground.knowledge.repeatability import is_known_limit, tolerance, unit_of
from ecground.measure.table import LEAD_MEASURES, Measurements, Value

__all__ = ["IMPLIED_BY", "LIKELY", "NEAR", "check", "is_near", "is_open", "key_of"]

NEAR: Final = 0.5
"""An unmet deciding criterion within so many tolerances of its threshold leaves the finding open."""
LIKELY: Final = 2.0
"""Odds ratio against the statement's base rate beyond which an unmet finding is left open. Set on PTB-XL training
patients, where it raises the balanced accuracy of the verdicts from 0.80 to 0.85 and leaves 7 % more claims open."""

IMPLIED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "SR": ("SBRAD", "STACH", "SARRH"), "BRADY": ("SBRAD",), "TACHY": ("STACH", "SVTAC", "PSVT", "VT"),
    "LPR": ("1AVB",), "1AVB": ("LPR",), "2AVB": ("MOBITZ1", "MOBITZ2"), "PRC(S)": ("PVC", "PAC"),
    "ISC_": ("ISCAL", "ISCIN", "ISCIL", "ISCAS", "ISCLA", "ISCAN"), "VCLVH": ("LVH",), "SVTAC": ("PSVT",),
    "PACE": ("VPACE", "APACE"), "IMI": ("STEMI_I",), "ASMI": ("STEMI_AS",), "AMI": ("STEMI_A", "ASMI", "ALMI"),
    "ALMI": ("STEMI_AL",), "LMI": ("STEMI_L",), "ILMI": ("STEMI_IL",), "PMI": ("STEMI_P",), "LAD": ("LAFB",),
    "STEMI": ("STEMI_I", "STEMI_A", "STEMI_AS", "STEMI_AL", "STEMI_L", "STEMI_IL", "STEMI_P"),
    "LVOLT_LIMB": ("LVOLT",), "LVOLT": ("LVOLT_LIMB", "LVOLT_CHEST"), "WIDEQRS": ("CLBBB", "CRBBB"),
}
"""Statement -> more exact ones whose presence makes it true."""

_ON_P_WAVES: Final[Mapping[str, str]] = {"SR": "", "1AVB": "1AVB.pr"}
"""Statements that need P waves, which are easily missed -> criterion that cannot be judged where they were."""
_OTHER_RHYTHMS: Final = ("AFIB", "AFLT", "SVTAC", "PSVT", "JUNC", "VT", "PACE", "VPACE")
_OTHER_USAGE: Final[Mapping[str, str]] = {"LNGQT": "LNGQT.bazett"}
"""Statement -> criterion of another definition in use, by which it may be claimed too."""

_NO_AGREED_RULE: Final = frozenset({"ABQRS", "NT_", "INJAS", "INJAL", "INJIN", "INJLA", "INJIL"})
"""Statements that are never contradicted by their absence: on PTB-XL training patients it is as frequent among those
given the statement as among the others (likelihood ratio below 1.5)."""

_SAME: Final[Mapping[str, tuple[str, ...]]] = {
    "qtc_ms": ("qtc_bazett_ms", "qtc_fridericia_ms", "qtc_framingham_ms", "qtc_hodges_ms"),
    "rr_mean_ms": ("rr_mean_ms", "rr_median_ms"), "rr_before_ms": ("rr_mean_ms",),
}
"""Loose names of measures -> any of these will do."""
_IN_LEAD: Final = {"p_dur_ms": "p_dur"}
_KINDS: Final = {"PVC": "V", "PAC": "S", "PRC(S)": "SV", "PACE": "paced", "VPACE": "paced", "APACE": "paced"}
_NOTES: Final = 4


def check(claims: Iterable[Claim], measurements: Measurements, findings: Sequence[Finding]) -> tuple[Claim, ...]:
    """The same claims, each with verdict, reason and evidence; nothing raises on any claim.

    Args:
        claims: as `read_claims` makes them, or made by hand.
        measurements: of the ECG the text speaks of.
        findings: of the same ECG, as `findings.find` gives them.
    """
    judge = _Checker(measurements, findings)
    return tuple(judge.judged(claim) for claim in claims)


def key_of(finding: Finding) -> str:
    """The statement key of a finding: its SCP code, or ecground's key of a statement without one."""
    return finding.scp or _keys().get(finding.statement, finding.statement)


@cache
def _keys() -> Mapping[str, str]:
    return {entry.statement: key for key, entry in codes().items()}


def _verdict(holds: bool | None, polarity: str) -> Verdict:
    """True, False or near the threshold (None), turned into a verdict for the claim's polarity."""
    if polarity == "uncertain":
        return "contradicted" if holds is False else "supported"
    if holds is None:
        return "unverifiable"
    return "supported" if holds == (polarity == "present") else "contradicted"


class _Checker:
    """Checks the claims about one ECG."""

    def __init__(self, measurements: Measurements, findings: Sequence[Finding]) -> None:
        self.measurements = measurements
        self.findings = {key_of(finding): finding for finding in findings}
        self.record: Mapping[str, Value] = {**patterns(measurements), **measurements.record}
        self.phrases = catalogue()

    def judged(self, claim: Claim) -> Claim:
        if claim.finding is not None and claim.measure is not None:
            return self._criterion(claim)
        if claim.finding is not None:
            return self._finding(claim)
        if claim.measure is not None:
            return self._value(claim)
        return self._unverifiable(claim, "nothing")

    def _unverifiable(self, claim: Claim, why: str, evidence: tuple[Evidence, ...] = (), **slots: str) -> Claim:
        return replace(claim, verdict="unverifiable", why=self.phrases.say(f"why.{why}", **slots), evidence=evidence)

    # Findings ---------------------------------------------------------------------------------------------------

    def _finding(self, claim: Claim) -> Claim:
        text = str(claim.finding)
        every = "&" in text
        states = [self._state(key, claim) for key in self._members(text)]
        holds, why, evidence = _together(states, every=every)
        if why == "":
            return self._unverifiable(claim, "no_statement", statement=text)
        if holds == "unknown":
            return replace(claim, verdict="unverifiable", why=why, evidence=evidence)
        truth = {"yes": True, "no": False, "near": None}[holds]
        return replace(claim, verdict=_verdict(truth, claim.polarity), why=why, evidence=evidence)

    def _members(self, text: str) -> list[str]:
        groups = lexicon().reading["groups"]
        parts = text.replace("&", "|").split("|")
        return [member for part in parts for member in groups.get(part, (part,))]

    def _state(self, key: str, claim: Claim) -> Seen:
        if claim.leads and key in FEATURES:
            return seen(key, claim.leads, self.measurements, self.phrases)
        own = self._own_state(key)
        if own.holds != "yes":
            for exact in IMPLIED_BY.get(key, ()):
                other = self._own_state(exact)
                if other.holds == "yes":
                    own = other
                    break
        if own.holds == "yes" and claim.beats:
            return self._beats(key, claim, own)
        return self._where(claim, own) if own.holds == "yes" and claim.leads else own

    def _own_state(self, key: str) -> Seen:
        finding = self.findings.get(key)
        if finding is None:
            return Seen("unknown", "")
        evidence = _telling(finding)
        if not finding.judged and not finding.present:
            if key in FEATURES:
                return seen(key, (), self.measurements, self.phrases)
            return Seen("unknown", self.phrases.say("why.finding_unjudged", statement=finding.statement,
                                                    why=finding.why), evidence)
        holds: Holds = "yes" if finding.present else "near" if is_open(key, finding, self.findings) else "no"
        phrase = {"yes": "finding_present", "near": "finding_border", "no": "finding_absent"}[holds]
        return Seen(holds, self.phrases.say(f"why.{phrase}", statement=finding.statement), evidence)

    def _where(self, claim: Claim, own: Seen) -> Seen:
        """A present finding, claimed in leads: its evidence must touch them."""
        leads = {lead for entry in own.evidence if entry.supports for lead in entry.leads}
        if not leads or leads & set(claim.leads):
            return own
        named = self.phrases.listed(sorted(leads))
        return Seen("no", self.phrases.say("why.other_leads", leads=named), own.evidence)

    def _beats(self, key: str, claim: Claim, own: Seen) -> Seen:
        """A present finding, claimed of numbered beats: their kind must be that of the finding."""
        kind = _KINDS.get(key)
        if kind is None:
            return own
        kinds = [name for name in self.measurements.beats.kind if name != "p"]
        right = [number for number, name in enumerate(kinds, 1) if name in kind]
        if set(claim.beats) <= set(right):
            return own
        return Seen("no", self.phrases.say("why.other_beats", beats=", ".join(map(str, right)) or "-"), own.evidence)

    # Values -----------------------------------------------------------------------------------------------------

    def _value(self, claim: Claim, *, exact: bool = False) -> Claim:
        """The claim held against all values it may mean; `exact` leaves no room around a threshold."""
        values = self._lookup(claim)
        if not values:
            return self._unverifiable(claim, "no_measure")
        if claim.value is None and claim.value_high is None:
            return self._unverifiable(claim, "no_value")
        verdicts = [self._one(claim, measure, lead, value, exact=exact) for measure, lead, value in values]
        alternatives = len({name for name, _, _ in values}) > 1 or not claim.leads
        order = ("supported", "contradicted", "unverifiable") if alternatives and not claim.beats \
            else ("contradicted", "unverifiable", "supported")
        return min(verdicts, key=lambda made: order.index(str(made.verdict)))

    def _lookup(self, claim: Claim) -> list[tuple[str, str | None, Value]]:
        measure = str(claim.measure)
        if claim.beats:
            return self._of_beats(measure, claim.beats)
        if claim.leads:
            name = _IN_LEAD.get(measure, measure)
            if name in LEAD_MEASURES:
                return [(name, lead, self.measurements.lead[lead][name]) for lead in claim.leads
                        if name in self.measurements.lead.get(lead, {})]
        names = [name for name in _SAME.get(measure, (measure,)) if name in self.record]
        if names:
            return [(name, None, self.record[name]) for name in names]
        return [(measure, lead, table[measure]) for lead, table in self.measurements.lead.items() if measure in table]

    def _of_beats(self, measure: str, beats: tuple[int, ...]) -> list[tuple[str, str | None, Value]]:
        table = self.measurements.beats
        rows = [row for row, kind in enumerate(table.kind) if kind != "p"]
        name = "qtc_ms" if measure.startswith("qtc_") else measure
        if name not in table.joint:
            return []
        found: list[tuple[str, str | None, Value]] = []
        for beat in beats:
            number = float(table.joint[name][rows[beat - 1]]) if 0 < beat <= len(rows) else math.nan
            why = "" if 0 < beat <= len(rows) else self.phrases.say("why.no_beat")
            found.append((name, None, Value(None, unit_of(name), state="unmeasurable", why=why) if math.isnan(number)
                          else Value(number, unit_of(name), beats=(rows[beat - 1],), n=1)))
        return found

    def _one(self, claim: Claim, measure: str, lead: str | None, value: Value, *, exact: bool) -> Claim:
        """The claim held against one value."""
        where = self.phrases.say("values.in_leads", leads=lead) if lead else ""
        number = value.value
        if value.state == "absent" and _is_size(measure):
            number = 0.0
        if number is None or (isinstance(number, float) and math.isnan(number)):
            if value.state == "absent" and claim.comparison == "=":
                return replace(claim, verdict=_verdict(False, claim.polarity), evidence=(),
                               why=self.phrases.say("why.no_wave", where=where))
            return self._unverifiable(claim, "not_measured", where=where, reason=value.why or "-")
        evidence = (self._evidence(claim, measure, lead, value, number),)
        if isinstance(number, str) or isinstance(claim.value, str):
            said = self.phrases.word(str(number))
            return replace(claim, verdict=_verdict(str(number) == str(claim.value), claim.polarity),
                           evidence=evidence, why=self.phrases.say("why.word", value=said, where=where))
        holds, why = self._holds(claim, measure, number, where, exact=exact)
        made = replace(claim, verdict=_verdict(holds, claim.polarity), why=why, evidence=evidence)
        if made.verdict == "supported" and claim.n_beats is not None and value.n and value.n != claim.n_beats:
            return replace(made, verdict="contradicted", why=self.phrases.say("why.count", n=str(value.n)))
        return made

    def _holds(self, claim: Claim, measure: str, number: float, where: str, *, exact: bool
               ) -> tuple[bool | None, str]:
        shown = self.phrases.quantity(number, unit_of(measure), measure)
        if claim.comparison == "=":
            wanted = float(claim.value or 0.0)
            allowed = tolerance(measure, max(abs(wanted), abs(number)))
            off = abs(number - wanted)
            if measure.endswith("_axis_deg"):
                off = abs((number - wanted + 180.0) % 360.0 - 180.0)
            said = self.phrases.quantity(allowed, unit_of(measure))
            return off <= allowed + 1e-9, self.phrases.say("why.measured", value=shown, where=where, tolerance=said)
        miss = _miss(claim, number)
        if not exact and 0 < miss <= tolerance(measure, number) / 2:
            return None, self.phrases.say("why.near", value=shown, where=where)
        return miss <= 0, self.phrases.say("why.compared", value=shown, where=where)

    def _evidence(self, claim: Claim, measure: str, lead: str | None, value: Value, number: float | str) -> Evidence:
        threshold: float | str | tuple[float, float] | None = claim.value
        if claim.comparison == "in" and claim.value_high is not None and isinstance(claim.value, float):
            threshold = (claim.value, claim.value_high)
        return Evidence(
            measure=measure, value=number, unit=value.unit, leads=(lead,) if lead else value.leads, beats=value.beats,
            span=value.span, comparison=claim.comparison, threshold=threshold, confidence=value.confidence,
        )

    # Criteria and limits ----------------------------------------------------------------------------------------

    def _criterion(self, claim: Claim) -> Claim:
        """The value must meet the criterion, and the limit must be the one in use."""
        made = self._value(replace(claim, finding=None), exact=claim.finding != "LIMITS")
        made = replace(made, finding=claim.finding)
        if claim.finding == "LIMITS":
            low, high = (None, claim.value) if claim.comparison == ">" else (claim.value, claim.value_high)
            if claim.comparison == "<":
                low, high = claim.value, None
            known = is_known_limit(str(claim.measure), _float(low), _float(high))
            return made if known else replace(made, verdict="contradicted", why=self.phrases.say("why.limits"))
        limits = [entry for key in self._members(str(claim.finding)) if key in self.findings
                  for made_by in self.findings[key].criteria for entry in made_by.evidence
                  if entry.measure == claim.measure and entry.threshold is not None]
        if limits and not any(_same_limit(claim, entry) for entry in limits):
            return replace(made, verdict="contradicted",
                           why=self.phrases.say("why.threshold", limit=str(limits[0].threshold)))
        return made


def _together(states: list[Seen], *, every: bool) -> tuple[Holds, str, tuple[Evidence, ...]]:
    """Disjunction of states, or conjunction when `every`."""
    order = ("no", "unknown", "near", "yes") if every else ("yes", "near", "unknown", "no")
    best = min(states, key=lambda state: order.index(state.holds))
    return best.holds, best.why, best.evidence


def _telling(finding: Finding) -> tuple[Evidence, ...]:
    """Evidence of the criteria that agree with the verdict, those that were met first."""
    right = [made for made in finding.criteria if made.met is finding.present] or list(finding.criteria)
    return tuple(entry for made in right[:_NOTES] for entry in made.evidence)


def is_near(key: str, finding: Finding) -> bool:
    """Whether an absent, judged finding misses one of its deciding criteria by less than `NEAR` tolerances."""
    if finding.present or not finding.judged:
        return False
    deciding = {rule.id for rule in rulebook().rules.get(key, ()) if rule.role == "decides"}
    return any(made.id in deciding and made.margin is not None and made.margin > -NEAR for made in finding.criteria)


def is_open(key: str, finding: Finding, among: Mapping[str, Finding] | None = None) -> bool:
    """Whether an absent, judged finding is too close or too likely to be called contradicted.

    `among` holds all findings of the ECG by their keys: another rhythm among them shows that P waves are truly absent;
    None = taken as absent where none were found.
    """
    if finding.present or not finding.judged:
        return False
    met = {made.id: made.met for made in finding.criteria}
    if among is not None and key in _ON_P_WAVES and met.get(_ON_P_WAVES[key]) is None \
            and not any(other in among and among[other].present for other in _OTHER_RHYTHMS):
        return True
    if key in _NO_AGREED_RULE or met.get(_OTHER_USAGE.get(key, "")):
        return True
    scale = scales().get(key)
    base = min(max(scale.base_rate if scale is not None else 0.5, 1e-4), 1 - 1e-4)
    chance = min(max(finding.probability, 1e-6), 1 - 1e-6)
    return chance / (1 - chance) * (1 - base) / base > LIKELY or is_near(key, finding)


def _is_size(measure: str) -> bool:
    return measure.endswith(("_amp", "_amp2", "_dur")) and measure in LEAD_MEASURES


def _miss(claim: Claim, number: float) -> float:
    """By how much the number misses the comparison; <= 0 when it is satisfied."""
    low = _float(claim.value)
    if claim.comparison == "in":
        high = claim.value_high if claim.value_high is not None else math.inf
        return max((low if low is not None else -math.inf) - number, number - high)
    limit = low or 0.0
    if claim.comparison in {">", ">="}:
        return limit - number if number != limit or claim.comparison == ">=" else 1e-9
    return number - limit if number != limit or claim.comparison == "<=" else 1e-9


def _same_limit(claim: Claim, entry: Evidence) -> bool:
    limit, said = entry.threshold, _float(claim.value)
    room = 0.5 if entry.unit == "deg" else 0.006
    if isinstance(limit, tuple):
        return said is not None and claim.value_high is not None \
            and math.isclose(limit[0], said, abs_tol=room) and math.isclose(limit[1], claim.value_high, abs_tol=room)
    return isinstance(limit, (int, float)) and said is not None \
        and math.isclose(abs(limit), abs(said), rel_tol=0.005, abs_tol=room)


def _float(value: float | str | None) -> float | None:
    return value if isinstance(value, (int, float)) else None
