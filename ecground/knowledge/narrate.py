"""`narrate`: measurements and findings as a report in clinical order, each sentence with what it rests on.

Order: technical quality, rate and rhythm, AV conduction, QRS and axis, voltage and hypertrophy, infarction and Q waves,
ST segment, T wave, QT, ectopy, what was not judged, the device's own words (quoted, never mixed in), conclusion,
disclaimer. A sentence names the value with its unit, the leads and beats it was measured in, and the criterion with
the tag of its source. Every word comes from the phrase catalogue, every number is rounded there, so that reading the
text back with `claims` and checking it with `check` gives the same findings and values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ecground.knowledge.check import is_near, is_open, key_of
from ecground.knowledge.device import device_words
from ecground.knowledge.evidence import Paragraph
from ecground.knowledge.features import FEATURES
from ecground.knowledge.finding import Finding
from ecground.knowledge.phrases import Catalogue, catalogue
from ecground.knowledge.repeatability import unit_of
from ecground.knowledge.telling import CONDITIONS, DENIED, SECTIONS, SUMMED_UP, covered_by, importance, section_of
from ecground.leads import STANDARD
from ecground.measure.table import Measurements, Value
from ecground.record import DeviceReading, Patient

if TYPE_CHECKING:
    from ecground.signal.quality import Quality

__all__ = ["SECTIONS", "narrate", "section_of"]

_DOUBTFUL = 0.1
"""Below this calibrated probability a met criterion is told as a criterion, not as a conclusion."""
_SAID_BY_VALUES: Final = frozenset({"AXN", "NORM"})
"""Statements that a value sentence or the conclusion makes already."""
_BESIDE_NORMAL: Final = frozenset({"SR", "AXN", "NORM"})
_LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    "pr_ms": (120.0, 200.0), "qrs_ms": (70.0, 110.0), "qrs_axis_deg": (-30.0, 90.0),
}
_QTC_LIMITS: Final = {"M": (350.0, 450.0), "F": (350.0, 460.0)}
_BORDER: Final[Mapping[str, tuple[float, float]]] = {
    "pr_ms": (2.0, 5.0), "qrs_ms": (2.0, 2.0), "qtc_bazett_ms": (10.0, 10.0), "qtc_fridericia_ms": (10.0, 10.0),
}
"""Measure -> how far below and above its upper limit a value is borderline, where that matters to a reader."""
_BEYOND_BORDER: Final[Mapping[str, tuple[str, ...]]] = {
    "pr_ms": ("1AVB", "LPR"), "qrs_ms": ("CLBBB", "CRBBB", "ILBBB", "IRBBB", "IVCD", "VPACE", "WPW"),
    "qtc_bazett_ms": ("LNGQT",), "qtc_fridericia_ms": ("LNGQT",),
}
"""Measure -> statements that say more than that it is borderline."""
_MOST_NAMES: Final = 4
_MOST_BEATS: Final = 8
_NO_RULE: Final = "no criterion yet"
_NEEDS_HISTORY: Final = frozenset({"DIG", "EL"})
"""Statements that no ECG alone can make."""
_MISSING: Final = "not to be told: "
"""How `findings` begins the reason of a statement for which values are missing."""
_NOISY: Final = 0.6
"""Quality index of a lead below which its noise is told."""
_CRITERIA: Final[Mapping[str, int]] = {"voltage": 2}
"""Section -> how many of the criteria that were met are told; the others stay in the evidence."""
_ECTOPIC: Final = {"PVC": "V", "PAC": "S"}
_NORMALLY_INVERTED: Final = frozenset({"aVR", "V1", "III"})


def narrate(measurements: Measurements, findings: Sequence[Finding], *, patient: Patient,
            quality: Quality | None = None, device: DeviceReading | None = None, language: str = "en") -> str:
    """The report as text, one paragraph a section, ending with the disclaimer.

    Args:
        measurements: of the ECG; absent and unmeasurable values are said as such.
        findings: as `findings.find` gives them; may be empty when that step failed.
        patient: sex chooses the QTc limits.
        quality: per-lead quality, where it was assessed.
        device: the device's own statements, quoted apart.
        language: of the phrase catalogue.
    """
    writer = _Writer(measurements, findings, patient, catalogue(language))
    paragraphs = [writer.technical(quality)]
    if writer.has_beats:
        paragraphs += [writer.section(name) for name in SECTIONS[1:-1]]
        paragraphs += [writer.not_judged()]
    paragraphs += [device_words(device, measurements, writer.phrases), writer.conclusion(),
                   writer.phrases.say("report.disclaimer")]
    return "\n".join(paragraph for paragraph in paragraphs if paragraph)


class _Writer:
    """Writes the sections of one report."""

    def __init__(self, measurements: Measurements, findings: Sequence[Finding], patient: Patient,
                 phrases: Catalogue) -> None:
        self.measurements, self.patient, self.phrases = measurements, patient, phrases
        self.findings = {key_of(finding): finding for finding in findings}
        self.present = frozenset(key for key, finding in self.findings.items() if finding.present)
        told = sorted((key for key in self.present if self._is_told(key)), key=importance)
        self.by_section = {name: [key for key in told if section_of(key) == name] for name in SECTIONS}
        self.told = told
        self.has_beats = measurements.number("n_beats") > 0 or bool(measurements.delineation.has_qrs.any())

    def _is_told(self, key: str) -> bool:
        return key not in _SAID_BY_VALUES and not self.present.intersection(covered_by(key))

    def _name(self, key: str) -> str:
        return self.phrases.statement(key, self.findings[key].statement)

    def _sentence(self, text: str) -> str:
        return self.phrases.say("values.sentence", text=text) if text else ""

    # Sections ---------------------------------------------------------------------------------------------------

    def technical(self, quality: Quality | None) -> str:
        parts = [] if quality is None else self._quality(quality)
        beats = self.measurements.number("n_beats"), self.measurements.number("n_dominant")
        if not self.has_beats:
            parts.append(self.phrases.say("technical.no_beats"))
        elif math.isfinite(beats[1]):
            kind = "beats_alike" if beats[0] == beats[1] else "beats_mixed"
            parts.append(self.phrases.say(f"technical.{kind}", n=f"{beats[0]:.0f}", dominant=f"{beats[1]:.0f}"))
        notes = (*(quality.notes if quality is not None else ()), *self.measurements.notes)
        once = {tuple(note.split()[:3]): note for note in notes}  # two steps may note one fault, each in its words
        parts += [self.phrases.say("report.note", note=self.phrases.quote(note)) for note in once.values()]
        paragraph = Paragraph(self.measurements, self.phrases)
        return " ".join((*parts, *(self._told(key, paragraph) for key in self.by_section["technical"])))

    def _quality(self, quality: Quality) -> list[str]:
        """Which leads can be read, and the noise of those that are hard to read."""
        poor = [lead for lead in quality.leads if lead not in quality.usable]
        if poor:
            kinds = dict.fromkeys(kind for lead in poor for kind in quality.leads[lead].reasons)
            why = ", ".join(self.phrases.say(f"noise.{kind}") for kind in kinds) or self._unknown()
            parts = [self.phrases.say("technical.bad_leads", leads=self.phrases.listed(poor), why=why)]
        else:
            count = len(quality.leads)
            parts = [self.phrases.say("technical.ready" if count > 1 else "technical.ready_one", n=str(count))]
        noisy: dict[str, list[str]] = {}
        for lead in quality.usable:
            if quality.leads[lead].sqi < _NOISY and quality.leads[lead].reasons:
                noisy.setdefault(quality.leads[lead].reasons[0], []).append(lead)
        parts += [self.phrases.say("technical.noise", kind=self.phrases.say(f"noise.{kind}"),
                                   leads=self.phrases.listed(leads)) for kind, leads in noisy.items()]
        return parts

    def section(self, name: str) -> str:
        """Statements that are present, then the values they do not name, then what a reader wants denied."""
        paragraph = Paragraph(self.measurements, self.phrases, conditions=CONDITIONS.get(name, ()))
        keys = self.by_section[name]
        if name == "rhythm":
            return " ".join((*self._rhythm(paragraph), *(self._told(key, paragraph, name) for key in keys[1:])))
        told = [self._told(key, paragraph, name) for key in keys]
        values = {"av": self._av, "qrs": self._qrs, "voltage": self._voltage, "qt": self._qt}.get(name)
        told += values(paragraph) if values is not None else []
        return " ".join(filter(None, (*told, *self._denied(name, paragraph))))

    def _told(self, key: str, paragraph: Paragraph, section: str = "") -> str:
        finding, most = self.findings[key], _CRITERIA.get(section, 1)
        statement, beats, tags = self._name(key), self._beats_of(key), paragraph.sources(finding, most=most)
        evidence = "" if beats else paragraph.evidence(finding, most=most)
        kind = "present_beats" if beats else "present" if evidence else "present_bare"
        return self.phrases.say(f"report.{kind}", statement=statement, evidence=evidence, tags=tags, beats=beats)

    def _beats_of(self, key: str) -> str:
        """Which beats are of this kind, counted from 1, when they are few."""
        kinds = [kind for kind in self.measurements.beats.kind if kind != "p"]
        numbers = [str(place) for place, kind in enumerate(kinds, 1) if kind == _ECTOPIC.get(key)]
        if not 0 < len(numbers) <= _MOST_BEATS:
            return ""
        return self.phrases.say("rhythm.beat" if len(numbers) == 1 else "rhythm.beats",
                                list=self.phrases.listed(numbers), n=str(len(kinds)))

    def _denied(self, section: str, paragraph: Paragraph) -> list[str]:
        """The absences a reader looks for, with what was examined."""
        if section == "av" and self._known("pr_ms") is None:
            return []
        names: list[str] = []
        said: set[str] = set()
        for phrase, keys, needless in DENIED.get(section, ()):
            if self.present & needless or said.issuperset(keys) or not all(self._is_clear(key) for key in keys):
                continue
            said.update(keys)
            names.append(self.phrases.say(f"denied.{phrase}") if phrase in self.phrases.denied else self._name(phrase))
        if not names:
            return []
        joined = self.phrases.either(names)
        values = {"st": self._st_extremes, "t": self._lowest_t}.get(section)
        shown = values() if values is not None and not paragraph.shown else ""
        if shown:
            return [self.phrases.say("report.absent_values", values=shown, statements=joined)]
        if section == "infarction":
            count = sum(1 for lead in self.measurements.lead.values()
                        if "q_amp" in lead and lead["q_amp"].state != "unmeasurable")
            return [self.phrases.say("report.absent_leads", statements=joined, n=str(count))] if count else []
        return [self.phrases.say("report.absent", statements=joined)]

    def _is_clear(self, key: str) -> bool:
        finding = self.findings.get(key)
        return finding is not None and finding.judged and not finding.present \
            and not is_open(key, finding, self.findings) and not self.present.intersection(covered_by(key))

    # Values -----------------------------------------------------------------------------------------------------

    def _known(self, measure: str) -> Value | None:
        value = self.measurements.record.get(measure)
        return value if value is not None and value.state == "measured" and math.isfinite(value.number) else None

    def _shown(self, measure: str) -> str:
        return self.phrases.quantity(self.measurements.number(measure), unit_of(measure), measure)

    def _rhythm(self, paragraph: Paragraph) -> list[str]:
        """The leading rhythm with the rate and what shows it; when none is sure, the likeliest."""
        keys = self.by_section["rhythm"]
        if self._known("hr_bpm") is None:
            return [self._unmeasured("hr_bpm"), *(self._told(key, paragraph, "rhythm") for key in keys[:1])]
        key = keys[0] if keys else self._probable_rhythm()
        if not key:
            return [self._sentence(self._rate(paragraph, None)), self.phrases.say("rhythm.none")]
        name, finding = self._name(key), self.findings[key]
        statement = name if keys else self.phrases.say("report.probable", statement=name)
        rate = self._rate(paragraph, finding)
        evidence, tags = paragraph.fresh(finding), paragraph.sources(finding)
        kind = "with_rate" if evidence else "with_rate_bare"
        return [self.phrases.say(f"rhythm.{kind}", statement=statement, rate=rate, evidence=evidence, tags=tags)]

    def _rate(self, paragraph: Paragraph, finding: Finding | None) -> str:
        """The rate with its criterion, when the rhythm has one for it, and the range of the RR intervals."""
        notes = [] if finding is None else [paragraph.limit_of(finding, "hr_bpm")]
        paragraph.shown.update((name, "") for name in ("hr_bpm", "rr_min_ms", "rr_max_ms"))
        if self._known("rr_min_ms") is not None and self._known("rr_max_ms") is not None:
            notes.append(self.phrases.say("rhythm.rr_range", low=f"{self.measurements.number('rr_min_ms'):.0f}",
                                          high=self._shown("rr_max_ms")))
        said = self.phrases.say("values.plain", measure=self.phrases.measure("hr_bpm"), value=self._shown("hr_bpm"))
        notes = [note for note in notes if note]
        return f"{said} ({'; '.join(notes)})" if notes else said

    def _probable_rhythm(self) -> str:
        """The rhythm that just misses its criterion, when none is present."""
        for key, finding in self.findings.items():
            if section_of(key) == "rhythm" and key in {"SR", "AFIB", "AFLT"} and is_near(key, finding):
                return key
        return ""

    def _limits(self, measure: str) -> tuple[float, float] | None:
        if measure.startswith("qtc_"):
            return _QTC_LIMITS.get(self.patient.sex or "", None)
        return _LIMITS.get(measure)

    def _standing(self, measure: str) -> str:
        """How a value stands to its normal limits: `normal`, `below`, `above`, `borderline_above` and so on."""
        limits = self._limits(measure)
        if limits is None:
            return ""
        number = self.measurements.number(measure)
        side = "below" if number < limits[0] else "above" if number > limits[1] else ""
        under, over = _BORDER.get(measure, (-1.0, -1.0))
        if -under <= number - limits[1] <= over:
            return f"borderline_{side}" if side else "borderline"
        return side or "normal"

    def _values(self, paragraph: Paragraph, *measures: str) -> list[str]:
        """Joint values that no statement of the paragraph has told, with their normal limits."""
        groups = paragraph.joint(name for name in measures if self._known(name) is not None)
        limits = []
        for group in groups:
            standing, bounds = self._standing(group.measure), self._limits(group.measure)
            limits.append(self.phrases.say(f"values.{standing}", low=f"{bounds[0]:g}", high=f"{bounds[1]:g}")
                          if bounds is not None else "")
        return [self._sentence(paragraph.sentence(groups, limits))] if groups else []

    def _unmeasured(self, measure: str) -> str:
        value = self.measurements.record.get(measure)
        why = value.why if value is not None and value.why else self._unknown()
        return self._sentence(self.phrases.say("values.unmeasurable", measure=self.phrases.measure(measure), why=why))

    def _unknown(self) -> str:
        return self.phrases.say("values.unknown_reason")

    def _av(self, paragraph: Paragraph) -> list[str]:
        if self._known("pr_ms") is not None:
            return self._values(paragraph, "pr_ms", "p_dur_ms")
        if self.measurements.number("p_present_fraction") < 0.3:
            return [self._sentence(self.phrases.say("values.no_p"))]
        return [self._unmeasured("pr_ms")]

    def _qrs(self, paragraph: Paragraph) -> list[str]:
        told = [] if self._known("qrs_ms") is not None else [self._unmeasured("qrs_ms")]
        return told + self._values(paragraph, "qrs_ms", "qrs_axis_deg")

    def _voltage(self, paragraph: Paragraph) -> list[str]:
        return self._values(paragraph, "sokolow_mv", "cornell_mv")

    def _qt(self, paragraph: Paragraph) -> list[str]:
        told = [] if self._known("qt_ms") is not None else [self._unmeasured("qt_ms")]
        return told + self._values(paragraph, "qt_ms", "qtc_bazett_ms", "qtc_fridericia_ms")

    def _by_lead(self, measure: str) -> dict[str, float]:
        values = {lead: self.measurements.number(measure, lead) for lead in STANDARD if lead in self.measurements.lead}
        return {lead: value for lead, value in values.items() if math.isfinite(value)}

    def _st_extremes(self) -> str:
        levels = self._by_lead("j_amp")
        if len(levels) < 2:
            return ""
        high, low = max(levels, key=lambda lead: levels[lead]), min(levels, key=lambda lead: levels[lead])
        amounts = {lead: self.phrases.quantity(levels[lead], "mV", "j_amp") for lead in (high, low)}
        return self.phrases.say(
            "values.extremes", measure=self.phrases.measure("j_amp"), high_lead=high, low_lead=low, n=str(len(levels)),
            high=amounts[high], low=amounts[low])

    def _lowest_t(self) -> str:
        sizes = {lead: size for lead, size in self._by_lead("t_amp").items() if lead not in _NORMALLY_INVERTED}
        if not sizes:
            return ""
        low = min(sizes, key=lambda lead: sizes[lead])
        return self.phrases.say("values.lowest", measure=self.phrases.measure("t_amp"), low_lead=low,
                                low=self.phrases.quantity(sizes[low], "mV", "t_amp"))

    # The end ----------------------------------------------------------------------------------------------------

    def not_judged(self) -> str:
        """What could not be judged, by reason, those of most statements first; only what has a rule is listed."""
        reasons: dict[str, list[str]] = {}
        for key, finding in self.findings.items():
            listed = section_of(key) not in {"technical", "summary"} and key not in {*FEATURES, *_NEEDS_HISTORY}
            if listed and not finding.judged and finding.why != _NO_RULE:
                reasons.setdefault(self._reason(finding.why), []).append(key)
        return " ".join(self.phrases.say("report.not_judged", why=why, statements=self._short(keys))
                        for why, keys in sorted(reasons.items(), key=lambda pair: -len(pair[1])))

    def _short(self, keys: Sequence[str]) -> str:
        """The statements, or the sections they belong to when they are many."""
        if len(keys) <= _MOST_NAMES:
            return ", ".join(self._name(key) for key in keys)
        sections = sorted({section_of(key) for key in keys}, key=SECTIONS.index)
        return ", ".join(self.phrases.say(f"section.{name}") for name in sections)

    def _reason(self, why: str) -> str:
        """The reason without full stop; of missing values (`measure in lead: why; ...`) why the first is missing."""
        if why.startswith(_MISSING):
            why = why.removeprefix(_MISSING).split("; ")[0].rpartition(": ")[2]
        return why.replace(".", ",").removeprefix("not judged ") or self._unknown()

    def conclusion(self) -> str:
        """What is present by importance, whether the rest is normal, what is doubtful, and what is borderline."""
        named = [key for key in self.told if not self.present.intersection(SUMMED_UP.get(key, ()))]
        doubtful = [self._name(key) for key in named if self.findings[key].probability < _DOUBTFUL]
        names = [self._name(key) for key in named if self.findings[key].probability >= _DOUBTFUL]
        if self.has_beats and not self.by_section["rhythm"] and self._probable_rhythm():
            names.insert(0, self.phrases.say("report.probable", statement=self._name(self._probable_rhythm())))
        if "NORM" in self.present:
            more = set(self.told) - _BESIDE_NORMAL
            names.append(self.phrases.say("report.otherwise_normal") if more else self._name("NORM"))
        said = self.phrases.say("report.conclusion", statements=", ".join(names)) if names \
            else self.phrases.say("report.conclusion_none")
        border = [self.phrases.say("values.plain", measure=self.phrases.measure(name), value=self._shown(name))
                  for name, beyond in _BEYOND_BORDER.items() if not self.present.intersection(beyond)
                  and self._known(name) is not None and self._standing(name).startswith("border")]
        parts = [said]
        if doubtful:
            parts.append(self.phrases.say("report.doubtful", statements=", ".join(doubtful)))
        if border:
            parts.append(self.phrases.say("report.borderline", values=", ".join(border)))
        return " ".join(parts)
