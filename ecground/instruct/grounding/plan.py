"""What a grounded interpretation says: the points of one ECG, in clinical order, before they are put into words.

Statements come from the facts: one that is true is told, one that the labels deny never is. Statements that the labels
do not decide are told when they were measured, are likely, and do no more than name a measurement (an axis, a short PR
interval, tall T waves) or make a true statement more exact; a diagnosis is never added to what is known. Of an ECG of
which nothing is known the findings are told. Numbers come from the measurements, with the leads a cardiologist looks at
for each statement (the per-lead checklist of GEM, arXiv 2503.06073, by territory). A point has a rank: when words run
out, the highest ranks go first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from ecground.instruct.facts import Facts
from ecground.instruct.naming import bare
from ecground.knowledge.check import IMPLIED_BY, is_open, key_of
from ecground.knowledge.codes import codes
from ecground.knowledge.evidence import Paragraph
from ecground.knowledge.finding import Finding
from ecground.knowledge.phrases import catalogue
from ecground.knowledge.repeatability import unit_of
from ecground.knowledge.telling import CONDITIONS, DENIED, SECTIONS, SUMMED_UP, covered_by, importance, section_of
from ecground.leads import STANDARD, TERRITORIES
from ecground.measure.table import Measurements

__all__ = ["Detail", "Point", "plan", "told"]

Detail = Literal["brief", "usual", "full"]

_LIKELY: Final = 0.5
"""Probability from which a statement that labels do not decide is told."""
_LEADS_TOLD: Final[Mapping[Detail, int]] = {"brief": 1, "usual": 3, "full": 6}
_LEAD_VALUES: Final = ("q_amp", "r_amp", "s_amp", "j_amp", "t_amp")
_QRS_VALUES: Final = 3
"""So many of them are of the QRS complex."""
_NO_LEVEL: Final = frozenset({"AFLT", "VT"})
"""Rhythms without a line that ST segment and T wave could be held against."""
_LEAST_MV: Final = 0.05
"""Amplitudes below this are not worth a word."""
_FORMS_SEEN: Final[Mapping[str, tuple[str, int, float, tuple[str, ...]]]] = {
    "INVT": ("t_amp", -1, 0.1, ("aVR", "III", "V1")), "STD_": ("j_amp", -1, 0.08, ("aVR",)),
    "STE_": ("j_amp", 1, 0.1, ("aVR", "V1", "V2", "V3")),
}
"""Statement -> measure, sign and size [mV] that makes a lead look like it, and leads in which that is usual: the text
that denies it would be contradicted by its own values."""
_MOST_DENIED: Final = 5
"""Absences in one sentence."""
_READ_OFF: Final = frozenset({"LAD", "RAD", "EAD", "SHORTPR", "SHORTQT", "WIDEQRS", "TALLT", "LVOLT_LIMB",
                              "LVOLT_CHEST", "LPR", "LNGQT"})
"""Statements that do no more than name a measurement."""
_SAID_BY_VALUES: Final = frozenset({"AXN", "BRADY", "TACHY"})
"""Statements that a rate or an axis makes already."""
_MORE_EXACT: Final[Mapping[str, str]] = {"MOBITZ1": "2AVB", "MOBITZ2": "2AVB", "VPACE": "PACE", "APACE": "PACE"}
"""Statement -> the one that has to be true for it to be told."""
_NO_QT: Final = frozenset({"AFLT", "VT", "BIGU", "TRIGU"})
"""Rhythms in which no T wave ends by itself, or no RR interval is the one that a QTc rests on."""
_EXACT: Final = {key: exact for key, exact in IMPLIED_BY.items() if key != "1AVB"}
"""Statement -> more exact ones that make it true; a long PR interval is told as the block it is."""
_FORMS: Final = frozenset({"STE_", "STD_", "INVT", "QWAVE"})
"""General statements that can be seen by themselves, whatever they are part of."""
_ECTOPIC: Final[Mapping[str, str]] = {"PVC": "V", "PAC": "S"}
"""Statement -> kind of beat."""
_MOST_BEATS: Final = 6
"""Numbers of beats in one sentence."""
_LOOK_AT: Final[Mapping[str, tuple[str, ...]]] = {
    "rhythm": ("II", "V1"), "av": ("II",), "qrs": ("V1", "V6", "I"), "voltage": ("V1", "V5", "aVL"),
    "infarction": ("III", "aVF", "V2", "V3"), "st": ("V2", "V3", "II", "aVF"), "t": ("V4", "V5", "I"),
    "qt": ("V5",), "ectopy": ("II", "V1"),
}
"""Section -> leads a reader looks at when the statement names none."""


@dataclass(frozen=True, slots=True)
class Point:
    """One sentence to be: its kind in words.toml, what fills it, and how much it matters."""

    kind: str
    slots: Mapping[str, str]
    rank: int
    """0 stays whatever happens; the larger, the sooner it is left out."""
    keys: tuple[str, ...] = ()
    """Statements it names, in the order of `names`."""
    names: tuple[str, ...] = ()
    """Those statements in words; the writer joins them into the slot `statement` or `statements`."""


def told(facts: Facts, findings: Mapping[str, Finding]) -> tuple[str, ...]:
    """Keys of the statements to tell, by importance: true ones, and likely ones that the facts leave open."""
    known = codes()
    keys = {key for key in facts.statements & known.keys() if facts.says(key)}
    if not facts.decided:  # nothing is known from outside: what was found is all there is to tell
        keys = {key for key, finding in findings.items() if key in known and finding.present
                and finding.probability >= _LIKELY and section_of(key) != "technical"} - _SAID_BY_VALUES
    keys |= {key for key, finding in findings.items() if finding.present and finding.probability >= _LIKELY
             and facts.says(key) is None and (key in _READ_OFF or _MORE_EXACT.get(key) in keys)}
    if keys & _NO_QT:
        keys -= {"SHORTQT", "LNGQT"} - facts.statements
    spoken = {key for key in keys if not _covering(key, keys, findings)}
    return tuple(sorted(spoken, key=lambda key: (importance(key), key)))


def _covering(key: str, keys: Set[str], findings: Mapping[str, Finding]) -> Set[str]:
    """Statements among `keys` that say it already; a form that can be seen is left out for those only that were."""
    exact = keys & {*covered_by(key), *_EXACT.get(key, ())}
    if key not in _FORMS:
        return exact
    return {other for other in exact if other in findings and findings[other].present}


def plan(facts: Facts, measurements: Measurements, findings: Sequence[Finding], *, detail: Detail,
         rng: np.random.Generator) -> tuple[Point, ...]:
    """The points of one ECG; `rng` decides which leads and absences are told."""
    return tuple(_Planner(facts, measurements, {key_of(f): f for f in findings}, detail, rng).points())


class _Planner:
    def __init__(self, facts: Facts, measurements: Measurements, findings: Mapping[str, Finding], detail: Detail,
                 rng: np.random.Generator) -> None:
        self.facts, self.measurements, self.findings = facts, measurements, findings
        self.detail, self.rng, self.phrases = detail, rng, catalogue("en")
        self.keys = told(facts, findings)
        self.coupled = "BIGU" in self.keys
        """Every second beat is premature, so that no RR interval gives a rate."""
        self.by_section = {name: [key for key in self.keys if section_of(key) == name] for name in SECTIONS}

    def points(self) -> Iterator[Point]:
        if self.coupled:
            yield from self._findings("ectopy")
        yield from self._rhythm()
        if "3AVB" not in self.keys:  # then no P wave leads to a QRS complex
            yield from self._values("conduction.p", "conduction.pr", p="p_dur_ms", pr="pr_ms")
        yield from self._findings("av")
        yield from self._values("conduction.qrs", "conduction.qrs_only", qrs="qrs_ms", axis="qrs_axis_deg")
        for section in ("qrs", "voltage", "infarction", "st", "t"):
            yield from self._findings(section)
        if not _NO_QT.intersection(self.keys):
            yield from self._values("conduction.qt", "", qt="qt_ms", qtc="qtc_bazett_ms")
        yield from self._findings("qt")
        if not self.coupled:
            yield from self._findings("ectopy")
        yield from self._leads()
        yield from self._absent()
        yield self._conclusion()

    def _name(self, key: str) -> str:
        """The statement in words; one single beat is a premature complex, several are premature complexes."""
        return codes()[key].statement if len(self._ectopic(key)) == 1 else bare(key)

    def _shown(self, measure: str, lead: str | None = None) -> str:
        """A measured value in words; empty when there is none."""
        value = self.measurements.number(measure, lead) if lead else self.measurements.number(measure)
        return self.phrases.quantity(value, unit_of(measure), measure) if math.isfinite(value) else ""

    def _values(self, both: str, last: str, **measures: str) -> Iterator[Point]:
        """A sentence of two values, or of the one of them that `last` tells, when they were measured."""
        slots = {name: self._shown(measure) for name, measure in measures.items()}
        if all(slots.values()):
            yield Point(both, slots, 1)
        elif last and slots[last.rpartition(".")[2].removesuffix("_only")]:
            yield Point(last, slots, 1)

    def _rhythm(self) -> Iterator[Point]:
        rate, keys = self._shown("hr_bpm"), tuple(self.by_section["rhythm"])
        if rate and not self.coupled:
            yield Point("rhythm.said", {"rate": rate}, 0, keys, tuple(map(self._name, keys)))
        else:
            yield from self._findings("rhythm")
        low, high = self._shown("rr_min_ms"), self._shown("rr_max_ms")
        if low and high:
            yield Point("rhythm.range", {"low": low, "high": high}, 2)

    def _findings(self, section: str) -> Iterator[Point]:
        most = 2 if self.detail == "full" else 1
        paragraph = Paragraph(self.measurements, self.phrases, conditions=CONDITIONS.get(section, ()))
        for key in self.by_section[section]:
            name, finding = self._name(key), self.findings.get(key)
            beats = self._beats(key)
            evidence = paragraph.evidence(finding, most=most) if finding is not None and finding.present else ""
            kind = "beats" if beats else "shown" if evidence else "bare"
            yield Point(f"finding.{kind}", {"evidence": evidence, "beats": beats}, 1, (key,), (name,))

    def _ectopic(self, key: str) -> list[str]:
        """Numbers of the beats that are the premature complexes of the statement, counted from 1."""
        wanted = _ECTOPIC.get(key)
        kinds = [kind for kind in self.measurements.beats.kind if kind != "p"]
        return [str(place) for place, kind in enumerate(kinds, 1) if kind == wanted]

    def _beats(self, key: str) -> str:
        """Which beats are premature, when they are few."""
        numbers = self._ectopic(key)
        if not 0 < len(numbers) <= _MOST_BEATS:
            return ""
        n = sum(kind != "p" for kind in self.measurements.beats.kind)
        return self.phrases.say("rhythm.beat" if len(numbers) == 1 else "rhythm.beats",
                                list=self.phrases.listed(numbers), n=str(n))

    def _leads(self) -> Iterator[Point]:
        """The leads that the statements make one look at, then others, each with its values."""
        wanted = [lead for key in self.keys for lead in self._leads_of(key)]
        others = list(STANDARD)
        self.rng.shuffle(others)
        seen = [lead for lead in dict.fromkeys((*wanted, *others)) if lead in self.measurements.lead]
        chosen = sorted(seen[:_LEADS_TOLD[self.detail]], key=STANDARD.index)
        told = _LEAD_VALUES[:_QRS_VALUES] if _NO_LEVEL.intersection(self.keys) else _LEAD_VALUES
        for lead in chosen:
            values = [f"{self.phrases.measure(name)} {self._shown(name, lead)}" for name in told
                      if abs(self.measurements.number(name, lead)) >= _LEAST_MV]
            if values:
                yield Point("lead.values", {"lead": lead, "values": ", ".join(values)}, 3 + (lead not in wanted))

    def _leads_of(self, key: str) -> tuple[str, ...]:
        finding = self.findings.get(key)
        named = [lead for made in finding.criteria if made.met for entry in made.evidence if len(entry.leads) == 1
                 for lead in entry.leads] if finding is not None and finding.present else []
        site = max((name for name in TERRITORIES if name in codes()[key].statement), key=len, default="")
        return tuple(dict.fromkeys((*named, *TERRITORIES.get(site, ()))))[:3] or _LOOK_AT.get(section_of(key), ())

    def _absent(self) -> Iterator[Point]:
        """Absences that a reader looks for, where the facts deny the statement and the measurements agree."""
        if self.detail == "brief":
            return
        names: dict[str, str] = {}
        denied: set[str] = set()
        for rows in DENIED.values():
            for phrase, keys, needless in rows:
                if needless.intersection(self.keys) or denied.intersection(keys) or not all(map(self._is_denied, keys)):
                    continue
                denied.update(keys)
                named = phrase in self.phrases.denied
                names[phrase] = self.phrases.say(f"denied.{phrase}") if named else self._name(phrase)
        keys, words = tuple(names), tuple(names.values())
        parts = -(-len(keys) // _MOST_DENIED)
        for part in range(parts):
            these = slice(part * len(keys) // parts, (part + 1) * len(keys) // parts)
            yield Point("absent.more" if part else "absent.said", {}, 2, keys[these], words[these])

    def _is_denied(self, key: str) -> bool:
        finding = self.findings.get(key)
        unknown = bool(self.facts.decided) and self.facts.says(key) is not False
        if finding is None or not finding.judged or finding.present or unknown:
            return False
        return not is_open(key, finding, self.findings) and not self._looks_like(key)

    def _looks_like(self, key: str) -> bool:
        """Whether a single lead could be taken for the form, though no criterion is met."""
        measure, sign, limit, apart = _FORMS_SEEN.get(key, ("", 1, math.inf, ()))
        return any(sign * self.measurements.number(measure, lead) >= limit for lead in self.measurements.lead
                   if measure and lead not in apart)

    def _conclusion(self) -> Point:
        seen = {key for key in self.keys if key in self.findings and self.findings[key].present}
        keys = [key for key in self.keys if not seen.intersection(SUMMED_UP.get(key, ()))]
        normal = "NORM" in keys
        keys = [key for key in keys if key not in {"NORM", "AXN"}]
        names = [self._name(key) for key in keys]
        if normal:
            more = set(keys) - {"SR", "SBRAD", "SARRH"}
            names.append(self.phrases.say("report.otherwise_normal") if more else self._name("NORM"))
            keys.append("NORM")
        return Point("conclusion.said", {}, 0, tuple(keys), tuple(names))
