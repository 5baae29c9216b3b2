"""`narrate`: measurements and findings as a report in clinical order, each sentence with what it rests on.

Order: technical quality, rate and rhythm, AV conduction, QRS and axis, voltage and hypertrophy, infarction and Q waves,
ST segment, T wave, QT, ectopy, what was not judged, the device's own words (quoted, never mixed in), conclusion,
disclaimer. A sentence names the value with its unit, the leads and the beats it was measured in, and the criterion with
its source. Every word comes from the phrase catalogue, every number is rounded there, so that reading the text back
with `claims` and checking it with `check` gives the same findings and values.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ecground.knowledge.check import IMPLIED_BY, is_near, is_open, key_of
from ecground.knowledge.codes import codes
from ecground.knowledge.evidence import EvidenceWriter
from ecground.knowledge.features import FEATURES
from ecground.knowledge.finding import Finding
from ecground.knowledge.phrases import Catalogue, capital, catalogue
from ecground.knowledge.repeatability import unit_of
from ecground.leads import STANDARD
from ecground.measure.table import Measurements, Value
from ecground.record import DeviceReading, Patient

if TYPE_CHECKING:
    from ecground.signal.quality import Quality

__all__ = ["SECTIONS", "narrate", "section_of"]

SECTIONS: Final = ("technical", "rhythm", "av", "qrs", "voltage", "infarction", "st", "t", "qt", "ectopy", "summary")
"""The report's paragraphs of findings, in order."""

_BY_GROUP: Final[Mapping[str, str]] = {
    "technical": "technical", "rhythm": "rhythm", "ectopy": "ectopy", "conduction": "qrs", "intervals": "qt",
    "axis": "qrs", "morphology": "voltage", "hypertrophy": "voltage", "infarction": "infarction",
    "acute infarction": "st", "repolarisation": "st", "summary": "summary",
}
_BY_KEY: Final[Mapping[str, str]] = {
    **dict.fromkeys(("1AVB", "2AVB", "3AVB", "LPR", "SHORTPR", "MOBITZ1", "MOBITZ2", "WPW"), "av"),
    **dict.fromkeys(("QWAVE", "PRWP"), "infarction"),
    **dict.fromkeys(("INVT", "LOWT", "TALLT", "NT_", "NDT", "TAB_", "EL"), "t"),
    **dict.fromkeys(("ABQRS", "AXN"), "qrs"),
}
_DENIED: Final[Mapping[str, tuple[str, ...]]] = {
    "av": ("2AVB", "3AVB", "WPW"), "qrs": ("CLBBB", "CRBBB"), "voltage": ("LVH", "RVH", "LAO/LAE"),
    "infarction": ("QWAVE",), "st": ("STE_", "STD_"), "t": ("INVT",), "ectopy": ("PVC", "PAC"),
}
"""Statements whose absence a reader expects to be told, by section."""
_SAID_BY_VALUES: Final = frozenset({"AXN"})
"""Statements that a value sentence makes already."""
_LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    "pr_ms": (120.0, 200.0), "qrs_ms": (70.0, 110.0), "qrs_axis_deg": (-30.0, 90.0),
}
_QTC_LIMITS: Final = {"M": (350.0, 450.0), "F": (350.0, 460.0)}
_MOST_UNJUDGED: Final = 8
_COMMON_ENOUGH: Final = "no criterion yet"


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
    paragraphs += [writer.device(device), writer.conclusion(), writer.phrases.say("report.disclaimer")]
    return "\n".join(paragraph for paragraph in paragraphs if paragraph)


def section_of(key: str) -> str:
    """The section of SECTIONS in which a statement is told."""
    entry = codes().get(key)
    return _BY_KEY.get(key) or (_BY_GROUP.get(entry.group, "summary") if entry is not None else "summary")


class _Writer(EvidenceWriter):
    """Writes the sections of one report."""

    def __init__(self, measurements: Measurements, findings: Sequence[Finding], patient: Patient,
                 phrases: Catalogue) -> None:
        super().__init__(measurements, phrases)
        self.patient = patient
        self.findings = {key_of(finding): finding for finding in findings}
        self.by_section: dict[str, list[str]] = {name: [] for name in SECTIONS}
        for key in self.findings:
            self.by_section[section_of(key)].append(key)
        self.has_beats = measurements.number("n_beats") > 0 or bool(
            measurements.delineation.has_qrs.any())

    def technical(self, quality: Quality | None) -> str:
        parts = []
        if quality is not None:
            poor = [lead for lead in quality.leads if lead not in quality.usable]
            if poor:
                why = ", ".join(dict.fromkeys(
                    reason for lead in poor for reason in quality.leads[lead].reasons)) or self._unknown()
                parts.append(self.phrases.say("technical.bad_leads", leads=self.phrases.listed(poor), why=why))
            else:
                parts.append(self.phrases.say("technical.ready"))
        if not self.has_beats:
            parts.append(self.phrases.say("technical.no_beats"))
        elif math.isfinite(self.measurements.number("n_dominant")):
            parts.append(self.phrases.say("technical.beats", n=f"{self.measurements.number('n_beats'):.0f}",
                                          dominant=f"{self.measurements.number('n_dominant'):.0f}"))
        notes = [self.phrases.say("report.note", note=self._quote(note)) for note in self.measurements.notes]
        told = [self.phrases.say("technical.sentence", text=capital(part)) for part in parts]
        return " ".join((*told, *self._told("technical"), *notes))

    def section(self, name: str) -> str:
        values = {"rhythm": self._rate, "av": self._pr, "qrs": self._qrs, "voltage": self._voltage, "st": self._st,
                  "t": self._t, "qt": self._qt}.get(name)
        sentences = values() if values is not None else []
        return " ".join((*sentences, *self._told(name), *self._denied(name)))

    # Findings ---------------------------------------------------------------------------------------------------

    def _name(self, key: str) -> str:
        return self.phrases.statement(key, self.findings[key].statement)

    def _told(self, section: str) -> list[str]:
        """Findings that are present, then those close to their threshold."""
        keys = self.by_section[section]
        present = [self._sentence("present", self.findings[key]) for key in keys if self._is_told(key)]
        close = [self._sentence("uncertain", self.findings[key]) for key in keys if self._is_close(key)]
        return present + close

    def _is_close(self, key: str) -> bool:
        return is_near(key, self.findings[key]) and not self._implied(key)

    def _sentence(self, template: str, finding: Finding) -> str:
        evidence = self.evidence(finding)
        statement = self._name(key_of(finding))
        if not evidence:
            return self.phrases.say(f"report.{template}_bare", statement=statement)
        return self.phrases.say(f"report.{template}", statement=statement, evidence=evidence)

    def _denied(self, section: str) -> list[str]:
        """The absences a reader expects, with the value that shows them where one does."""
        keys = [key for key in _DENIED.get(section, ()) if key in self.findings and self._is_clear(key)]
        if section in {"st", "t", "infarction"} and any(self.findings[key].present for key in self.by_section[section]):
            return []
        names = [self._name(key) for key in keys]
        if not names:
            return []
        joined = names[0] if len(names) == 1 else ", ".join(names[:-1]) + self.phrases.say("language.or") + names[-1]
        return [self.phrases.say("report.absent_bare", statements=joined)]

    def _is_clear(self, key: str) -> bool:
        finding = self.findings[key]
        return finding.judged and not finding.present and not is_open(key, finding) and not self._implied(key)

    def _implied(self, key: str) -> bool:
        """Whether a more exact statement that is present says it already."""
        return any(exact in self.findings and self.findings[exact].present for exact in IMPLIED_BY.get(key, ()))

    def _is_told(self, key: str) -> bool:
        return self.findings[key].present and key not in _SAID_BY_VALUES and not self._implied(key)

    # Values -----------------------------------------------------------------------------------------------------

    def _known(self, measure: str) -> Value | None:
        value = self.measurements.record.get(measure)
        return value if value is not None and value.state == "measured" and math.isfinite(value.number) else None

    def _shown(self, measure: str) -> str:
        return self.phrases.quantity(self.measurements.number(measure), unit_of(measure), measure)

    def _rate(self) -> list[str]:
        if self._known("hr_bpm") is None:
            return [self._unmeasured("hr_bpm")]
        told = ("hr_bpm", "rr_median_ms", "rr_min_ms", "rr_max_ms")
        if any(self._known(name) is None for name in told):
            return [self.phrases.say("rhythm.rate_only", hr=self._shown("hr_bpm"))]
        hr, rr, low, high = (self._shown(name) for name in told)
        return [self.phrases.say("rhythm.rate", hr=hr, rr=rr, low=low, high=high)]

    def _against(self, measure: str, limits: tuple[float, float] | None) -> str:
        """A joint value and how it stands to its normal limits."""
        number = self.measurements.number(measure)
        value = self._shown(measure)
        name = self.phrases.measure(measure)
        count = self.measurements.record[measure].n
        where = f" ({self.phrases.say('values.jointly')}" + (
            f"; {self.phrases.say('values.median_of', n=str(count))})" if count > 1 else ")")
        if limits is None:
            return self.phrases.say("values.plain", measure=name, value=value, where=where)
        low, high = limits
        kind = "below" if number < low else "above" if number > high else "normal"
        unit = unit_of(measure)
        return self.phrases.say(f"values.{kind}", measure=name, value=value, where=where,
                                low=f"{low:g}", high=self.phrases.threshold(high, unit))

    def _told_values(self, measures: Iterable[str]) -> list[str]:
        parts = []
        for measure in measures:
            if self._known(measure) is not None:
                limits = self._qtc_limits() if measure.startswith("qtc_") else _LIMITS.get(measure)
                parts.append(self._against(measure, limits))
        return [self.phrases.say("technical.sentence", text=capital(part)) for part in parts]

    def _qtc_limits(self) -> tuple[float, float] | None:
        return _QTC_LIMITS.get(self.patient.sex or "", None)

    def _unmeasured(self, measure: str) -> str:
        value = self.measurements.record.get(measure)
        why = value.why if value is not None and value.why else self._unknown()
        said = self.phrases.say("values.unmeasurable", measure=self.phrases.measure(measure), why=why)
        return self.phrases.say("technical.sentence", text=said)

    def _unknown(self) -> str:
        return self.phrases.say("values.unknown_reason")

    def _pr(self) -> list[str]:
        if self._known("pr_ms") is not None:
            return self._told_values(["pr_ms", "p_dur_ms"])
        if self.measurements.number("p_present_fraction") < 0.3:
            return [self.phrases.say("technical.sentence", text=self.phrases.say("values.no_p"))]
        return [self._unmeasured("pr_ms")]

    def _qrs(self) -> list[str]:
        return self._told_values(["qrs_ms", "qrs_axis_deg"]) or [self._unmeasured("qrs_ms")]

    def _voltage(self) -> list[str]:
        return self._told_values(["sokolow_mv", "cornell_mv"])

    def _qt(self) -> list[str]:
        return self._told_values(["qt_ms", "qtc_bazett_ms", "qtc_fridericia_ms"]) or [self._unmeasured("qt_ms")]

    def _by_lead(self, measure: str) -> dict[str, float]:
        values = {lead: self.measurements.number(measure, lead) for lead in STANDARD if lead in self.measurements.lead}
        return {lead: value for lead, value in values.items() if math.isfinite(value)}

    def _st(self) -> list[str]:
        levels = self._by_lead("j_amp")
        if len(levels) < 2:
            return []
        high, low = max(levels, key=lambda lead: levels[lead]), min(levels, key=lambda lead: levels[lead])
        return [self.phrases.say(
            "values.st_extremes", high=self.phrases.quantity(levels[high], "mV", "j_amp"), high_lead=high,
            low=self.phrases.quantity(levels[low], "mV", "j_amp"), low_lead=low)]

    def _t(self) -> list[str]:
        clear = {lead: size for lead, size in self._by_lead("t_amp").items() if size <= -0.1 and lead != "aVR"}
        if not clear:
            return []
        values = [self.phrases.say("values.by_lead", value=self.phrases.quantity(size, "mV"), lead=lead)
                  for lead, size in clear.items()]
        return [self.phrases.say("values.t_inverted", leads=self.phrases.listed(list(clear)),
                                 values=", ".join(values))]

    # The end ----------------------------------------------------------------------------------------------------

    def not_judged(self) -> str:
        """What could not be judged and why; statements that have no criterion are not listed."""
        reasons: dict[str, list[str]] = {}
        for key, finding in self.findings.items():
            if not finding.judged and finding.why != _COMMON_ENOUGH and key not in FEATURES:
                reasons.setdefault(finding.why or self._unknown(), []).append(self._name(key_of(finding)))
        told = []
        for why, names in reasons.items():
            shown = names[:_MOST_UNJUDGED] + ([self.phrases.say("report.more")] if len(names) > _MOST_UNJUDGED else [])
            told.append(self.phrases.say("report.not_judged", why=self._in_words(why), statements=", ".join(shown)))
        return " ".join(told)

    def _in_words(self, why: str) -> str:
        """A reason with its measures in words and no full stop."""
        words = (self.phrases.measure(word.rstrip(":")) + ":" * word.endswith(":") for word in why.split())
        return " ".join(words).replace(".", ",")

    def device(self, device: DeviceReading | None) -> str:
        """The device's words and numbers, quoted: they are not ours."""
        if device is None:
            return ""
        parts = []
        if device.statements:
            parts.append(self.phrases.say("device.statements",
                                          quotes=", ".join(self._quote(text) for text in device.statements)))
        if device.measurements:
            said = [self._quote(f"{self.phrases.measure(entry.name)} {entry.value:g} {entry.unit}"
                                + (self.phrases.say("values.in_leads", leads=entry.lead) if entry.lead else ""))
                    for entry in device.measurements[:_MOST_UNJUDGED]]
            parts.append(self.phrases.say("device.measurements", quotes=", ".join(said)))
        return " ".join(parts)

    def _quote(self, text: str) -> str:
        return self.phrases.say("device.quote", text=text.replace("“", "'").replace("”", "'").strip())

    def conclusion(self) -> str:
        told = [key for name in SECTIONS for key in self.by_section[name]]
        present = [self._name(key) for key in told if self._is_told(key)]
        close = [self.phrases.say("report.possible", statement=self._name(key))
                 for key in told if self._is_close(key)]
        if not present and not close:
            return self.phrases.say("report.conclusion_none")
        return self.phrases.say("report.conclusion", statements=", ".join(present + close))
