"""Evidence in words: the values a finding rests on, with leads, beats, limits and sources, ready for a sentence.

Contract: a sentence names each value once, in the order of its criteria: `QRS duration 152 ms (all leads, 10 beats;
criterion >= 120), R-peak time 64 ms in V6 (criterion > 60) [tags]`. What holds for the whole sentence (joint over all
leads, the number of beats) is said with the first value it holds for. Values that an earlier sentence of the same
paragraph has told are not repeated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from ecground.knowledge.check import NEAR
from ecground.knowledge.criteria import rulebook
from ecground.knowledge.finding import Criterion, Evidence, Finding
from ecground.knowledge.phrases import Catalogue
from ecground.leads import STANDARD
from ecground.measure.table import LEAD_MEASURES, Measurements, Value

__all__ = ["Paragraph"]

_MOST_MEASURES: Final = 4
_COUNTED_UNITS: Final = frozenset({"ms", "mV", "deg", "uV ms", "mV ms"})
_INTERVALS: Final = frozenset({"hr_bpm", "rr_cv", "rr_irregularity", "rr_median_ms", "rr_min_ms", "rr_max_ms"})
"""Measures of intervals between beats: their count is not one of beats."""
_OVER_LEADS: Final = "_lead_median_ms"
"""Ending of the measures whose count is one of leads."""
_OF_QUALITY: Final = frozenset({"n_poor_leads", "n_leads_off"})
"""Counts of leads that the sentences on technical quality name one by one."""

Limit = tuple[str, "float | str | tuple[float, float] | None"]


@dataclass(slots=True)
class _Told:
    """One measure, its values by lead, and the limits they were held against."""

    measure: str
    amounts: dict[str, str] = field(default_factory=dict)
    """Lead (empty: joint) -> the value in words."""
    counts: set[int] = field(default_factory=set)
    limits: dict[Limit, Evidence | None] = field(default_factory=dict)
    where: tuple[str, ...] = ()
    """Leads of a joint value."""


class Paragraph:
    """Writes the values of one paragraph of one report."""

    def __init__(self, measurements: Measurements, phrases: Catalogue, *, conditions: Iterable[str] = ()) -> None:
        self.measurements, self.phrases = measurements, phrases
        self.conditions = frozenset(conditions)
        self.shown: set[tuple[str, str]] = set()

    def has(self, measure: str) -> bool:
        """Whether the joint value of this measure has been told."""
        return (measure, "") in self.shown

    def evidence(self, finding: Finding, *, most: int = 1) -> str:
        """The values of the first `most` criteria that decide; those already told only when there are no others."""
        told = self.fresh(finding, most=most)
        if told:
            return told
        self.shown, before = set(), self.shown
        told = self.fresh(finding, most=most)
        self.shown |= before
        return told

    def fresh(self, finding: Finding, *, most: int = 1) -> str:
        """The values of the first `most` criteria that decide, as far as the paragraph has not told them."""
        groups = self._groups(finding, most)
        self.shown.update((group.measure, lead) for group in groups for lead in group.amounts)
        return self.sentence(groups)

    def _groups(self, finding: Finding, most: int) -> list[_Told]:
        told: dict[str, _Told] = {}
        for made in self._decisive(finding)[:most]:
            rows = [entry for entry in made.evidence if entry.value is not None
                    and entry.supports is bool(made.met) and entry.measure not in _OF_QUALITY]
            telling = [entry for entry in rows
                       if entry.measure not in self.conditions and _met(entry) is finding.present]
            for entry in telling or rows:
                self._collect(entry, told)
        return list(told.values())[:_MOST_MEASURES]

    def sources(self, finding: Finding, *, most: int = 1) -> str:
        """The tags of the criteria that `evidence` tells."""
        return self.phrases.tags("; ".join(made.source for made in self._decisive(finding)[:most]))

    def limit_of(self, finding: Finding, measure: str) -> str:
        """The one-sided limit that the first criterion sets for a joint measure; empty when it sets none."""
        for made in self._decisive(finding)[:1]:
            for entry in made.evidence:
                if entry.measure == measure and not isinstance(entry.threshold, tuple):
                    return self._limit(_Told(measure, limits={(entry.comparison, entry.threshold): entry}))
        return ""

    @staticmethod
    def _decisive(finding: Finding) -> list[Criterion]:
        """The deciding criteria that were met; of an absent finding those that were just missed."""
        rules = rulebook().by_id
        deciding = [made for made in finding.criteria if made.id not in rules or rules[made.id].role == "decides"]
        if finding.present:
            return [made for made in deciding if made.met]
        return [made for made in deciding if made.margin is not None and -NEAR < made.margin < 0]

    # Collecting -------------------------------------------------------------------------------------------------

    def _collect(self, entry: Evidence, told: dict[str, _Told]) -> None:
        if " " in entry.measure:
            self._collect_sum(entry, told)
            return
        by_lead = entry.measure in LEAD_MEASURES and len(entry.leads) == 1
        lead = entry.leads[0] if by_lead else ""
        if (entry.measure, lead) in self.shown:
            return
        group = told.setdefault(entry.measure, _Told(entry.measure))
        group.amounts[lead] = self.phrases.quantity(entry.value, entry.unit, entry.measure)
        group.counts.add(self._count(entry.measure, lead))
        group.limits[(entry.comparison, entry.threshold)] = entry
        group.where = () if by_lead else self.leads_of(entry.measure)

    def _collect_sum(self, entry: Evidence, told: dict[str, _Told]) -> None:
        """A sum of values (`r_amp V1 + s_amp V1`) as its parts, each of which can be checked; it has no own limit."""
        words = entry.measure.split()
        for measure, lead in zip(words, [*words[1:], ""], strict=True):
            value = self.measurements.lead.get(lead, {}).get(measure)
            skipped = measure not in LEAD_MEASURES or measure in self.conditions or (measure, lead) in self.shown
            if skipped or value is None or value.state != "measured":
                continue
            group = told.setdefault(measure, _Told(measure))
            group.amounts[lead] = self.phrases.quantity(value.value, value.unit, measure)
            group.counts.add(self._count(measure, lead))
            group.limits[("", None)] = None

    def _value(self, measure: str, lead: str) -> Value | None:
        table = self.measurements.lead.get(lead, {}) if lead else self.measurements.record
        return table.get(measure)

    def _count(self, measure: str, lead: str) -> int:
        value = self._value(measure, lead)
        counted = value is not None and value.unit in _COUNTED_UNITS and measure not in _INTERVALS
        return value.n if counted and value is not None and isinstance(value.value, float) else 0

    def leads_of(self, measure: str) -> tuple[str, ...]:
        """The leads a joint value was measured in; empty = all jointly."""
        value = self.measurements.record.get(measure)
        return value.leads if value is not None and len(value.leads) < len(self.measurements.lead) else ()

    # Writing ----------------------------------------------------------------------------------------------------

    def joint(self, measures: Iterable[str]) -> list[_Told]:
        """Joint values as they are told without a criterion; they count as shown."""
        groups = []
        for measure in measures:
            value = self.measurements.record.get(measure)
            if value is None or value.state != "measured" or (measure, "") in self.shown:
                continue
            self.shown.add((measure, ""))
            amount = self.phrases.quantity(value.value, value.unit, measure)
            groups.append(_Told(measure, {"": amount}, {self._count(measure, "")}, {}, self.leads_of(measure)))
        return groups

    def sentence(self, groups: list[_Told], limits: Iterable[str] = ()) -> str:
        """The groups in words, joined; `limits` (one for each group) stand in place of criteria.

        Neighbours that share leads, beats and limit share one bracket.
        """
        told = list(limits) or [self._limit(group) for group in groups]
        parts, said = [], set[str]()
        for place, (group, limit) in enumerate(zip(groups, told, strict=True)):
            follower = groups[place + 1 : place + 2]
            alike = bool(limit and follower) and told[place + 1] == limit
            later = alike and self._where(follower[0]) == self._where(group)
            notes = [] if later else [*self._fresh(group, said), *filter(None, [limit])]
            parts.append(self._values(group) + (f" ({'; '.join(notes)})" if notes else ""))
        return self._joined(groups, parts)

    @staticmethod
    def _joined(groups: list[_Told], parts: list[str]) -> str:
        """Semicolons around values by lead, whose lists have commas of their own."""
        told = parts[0] if parts else ""
        for before, group, part in zip(groups, groups[1:], parts[1:], strict=False):
            told += (", " if "" in before.amounts and "" in group.amounts else "; ") + part
        return told

    def _values(self, group: _Told) -> str:
        order = sorted(group.amounts, key=lambda lead: STANDARD.index(lead) if lead in STANDARD else -1)
        values = [self.phrases.say("values.by_lead", value=group.amounts[lead], lead=lead) if lead
                  else group.amounts[lead] for lead in order]
        return f"{self.phrases.measure(group.measure)} {', '.join(values)}"

    def _where(self, group: _Told) -> tuple[str, ...]:
        """Where and in how many beats, as far as it is to be said."""
        counts = group.counts - {0}
        if group.measure.endswith(_OVER_LEADS):
            return (self.phrases.say("values.leads", n=str(max(counts))),) if counts else ()
        joint = "" in group.amounts and counts
        leads = [", ".join(group.where) or self.phrases.say("values.jointly")] if joint else []
        if len(counts) == 1:
            number = min(counts)
            beats = [self.phrases.say("values.beats" if number > 1 else "values.beat", n=str(number))]
        else:
            beats = [self.phrases.say("values.beats_between", low=str(min(counts)), high=str(max(counts)))] \
                if counts else []
        return (*leads, *beats)

    def _fresh(self, group: _Told, said: set[str]) -> list[str]:
        """What the sentence has not said yet of where and in how many beats, as one phrase."""
        fresh = [part for part in self._where(group) if part not in said]
        said.update(fresh)
        return [", ".join(fresh)] if fresh else []

    def _limit(self, group: _Told) -> str:
        """The criterion's limit, when it is one and the same for all values; forms are their own limit."""
        if len(group.limits) != 1:
            return ""
        entry = next(iter(group.limits.values()))
        if entry is None or entry.threshold is None or isinstance(entry.threshold, str):
            return ""
        limit, unit, measure = entry.threshold, entry.unit, entry.measure
        if isinstance(limit, tuple):
            said = self.phrases.say("values.unit_range", low=self.phrases.limit(limit[0], unit, measure),
                                    high=self.phrases.limit(limit[1], unit, measure))
        else:
            said = self.phrases.limit(limit, unit, measure)
        return self.phrases.say("values.criterion" if _met(entry) else "values.criterion_not",
                                comparison=self.phrases.comparison(entry.comparison), threshold=said)


def _met(entry: Evidence) -> bool:
    """Whether the value satisfies the comparison as it stands, whatever that says for the statement."""
    value, limit = entry.value, entry.threshold
    if isinstance(value, str) or isinstance(limit, str) or value is None or limit is None:
        return True
    if isinstance(limit, tuple):
        return limit[0] <= value <= limit[1]
    return {">": value > limit, ">=": value >= limit, "<": value < limit, "<=": value <= limit}.get(
        entry.comparison, value == limit)
