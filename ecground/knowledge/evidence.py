"""Evidence in words: the values a finding rests on, with leads, beats, limits and sources, ready for a sentence."""

from __future__ import annotations

from typing import Final

from ecground.knowledge.check import NEAR
from ecground.knowledge.finding import Criterion, Evidence, Finding
from ecground.knowledge.phrases import Catalogue
from ecground.measure.table import LEAD_MEASURES, Measurements, Value

__all__ = ["EvidenceWriter"]

_MOST_CRITERIA: Final = 2
_MOST_EVIDENCE: Final = 4


class EvidenceWriter:
    """Tells the evidence of findings of one ECG."""

    def __init__(self, measurements: Measurements, phrases: Catalogue) -> None:
        self.measurements, self.phrases = measurements, phrases

    def _decisive(self, finding: Finding) -> list[Criterion]:
        met = [made for made in finding.criteria if made.met]
        return met if finding.present else [made for made in finding.criteria
                                            if made.margin is not None and -NEAR < made.margin < 0]

    def evidence(self, finding: Finding) -> str:
        """The values of the criteria that decide, with their limits and sources."""
        told: list[str] = []
        sources: list[str] = []
        shown: set[tuple[str, tuple[str, ...]]] = set()
        for made in self._decisive(finding)[:_MOST_CRITERIA]:
            rows = [entry for entry in made.evidence if entry.value is not None and entry.supports is bool(made.met)]
            parts = [part for group in _grouped(rows)[:_MOST_EVIDENCE] if (part := self._held(group, shown))]
            told += parts
            sources += made.source.split("; ") if parts else []
        return f"{'; '.join(told)} [{'; '.join(dict.fromkeys(sources))}]" if told else ""

    def _held(self, group: list[Evidence], shown: set[tuple[str, tuple[str, ...]]]) -> str:
        """`ST level at J +0.21 mV in V2, +0.25 mV in V3 (median of 9 beats; criterion at least 0.20 mV)`."""
        first = group[0]
        fresh = [entry for entry in group if (entry.measure, entry.leads) not in shown]
        if not fresh:
            return ""
        shown.update((entry.measure, entry.leads) for entry in fresh)
        if " " in first.measure:
            return "; ".join(filter(None, (self._parts(entry, shown) for entry in fresh)))
        by_lead = first.measure in LEAD_MEASURES and len(first.leads) == 1
        values = [self._amount(entry, by_lead=by_lead) for entry in fresh]
        notes = [] if by_lead else [self.phrases.say("values.jointly")]
        counts = {self._count(entry) for entry in fresh}
        count = counts.pop() if len(counts) == 1 else 0
        if count:
            notes.append(self.phrases.say("values.median_of", n=str(count)))
        limit = self._limit(first)
        if limit:
            notes.append(limit)
        said = f"{self.phrases.measure(first.measure)} {', '.join(values)}"
        return f"{said} ({'; '.join(notes)})" if notes else said

    def _amount(self, entry: Evidence, *, by_lead: bool) -> str:
        value = self.phrases.quantity(entry.value, entry.unit, entry.measure)
        return self.phrases.say("values.by_lead", value=value, lead=entry.leads[0]) if by_lead else value

    def _parts(self, entry: Evidence, shown: set[tuple[str, tuple[str, ...]]]) -> str:
        """A sum of values (`r_amp V1 + s_amp V1`) as its parts, each of which can be checked."""
        words = entry.measure.split()
        told = []
        for measure, lead in zip(words, [*words[1:], ""], strict=True):
            if measure not in LEAD_MEASURES or (measure, (lead,)) in shown:
                continue
            value = self.measurements.lead.get(lead, {}).get(measure)
            if value is not None and value.state == "measured":
                shown.add((measure, (lead,)))
                amount = self.phrases.quantity(value.value, value.unit, measure)
                told.append(f"{self.phrases.measure(measure)} "
                            f"{self.phrases.say('values.by_lead', value=amount, lead=lead)}")
        return "; ".join(told)

    def _count(self, entry: Evidence) -> int:
        value = self._value(entry)
        return value.n if value is not None and value.n > 1 and isinstance(value.value, float) \
            and entry.unit in {"ms", "mV"} and entry.measure.endswith(("_ms", "_amp", "_dur")) else 0

    def _value(self, entry: Evidence) -> Value | None:
        if entry.measure in LEAD_MEASURES and len(entry.leads) == 1:
            return self.measurements.lead.get(entry.leads[0], {}).get(entry.measure)
        return self.measurements.record.get(entry.measure)

    def _limit(self, entry: Evidence) -> str:
        """The limit of the criterion, and whether the value lies beyond it."""
        limit, unit = entry.threshold, entry.unit
        if limit is None:
            return ""
        if isinstance(limit, tuple):
            said = self.phrases.say("values.unit_range", low=f"{limit[0]:g}",
                                    high=self.phrases.threshold(limit[1], unit))
        else:
            said = limit if isinstance(limit, str) else self.phrases.threshold(limit, unit)
        kind = "criterion" if _met(entry) else "criterion_not"
        return self.phrases.say(f"values.{kind}", comparison=self.phrases.comparison(entry.comparison), threshold=said)


def _met(entry: Evidence) -> bool:
    """Whether the value satisfies the comparison as it stands, whatever that says for the statement."""
    value, limit = entry.value, entry.threshold
    if isinstance(value, str) or isinstance(limit, str) or value is None or limit is None:
        return value is not None and str(value) in str(limit).split(" or ")
    if isinstance(limit, tuple):
        return limit[0] <= value <= limit[1]
    return {">": value > limit, ">=": value >= limit, "<": value < limit, "<=": value <= limit}.get(
        entry.comparison, value == limit)


def _grouped(rows: list[Evidence]) -> list[list[Evidence]]:
    """Evidence of one measure against one limit told together."""
    groups: dict[tuple[str, str, str], list[Evidence]] = {}
    for entry in rows:
        groups.setdefault((entry.measure, entry.comparison, f"{entry.threshold} {_met(entry)}"), []).append(entry)
    return list(groups.values())
