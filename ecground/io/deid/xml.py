"""De-identified copies of ECG files in XML: aECG, MUSE, CardioSoft, Sierra, Schiller.

Contract: the document is parsed through `safe` and written anew: text, attributes and tails that the format's table
does not keep are gone, and with them elements that are then empty; comments, processing instructions, the DOCTYPE,
foreign namespaces and what lay around the document never come over. Text of samples is kept letter by letter. UTF-8.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import date
from fnmatch import fnmatchcase
from typing import Final
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from ecground.errors import CorruptInputError
from ecground.io.channels import patient_age
from ecground.io.deid.dates import OLDEST_AGE, Key, capped, identity_of
from ecground.io.deid.ledger import Action, Ledger
from ecground.io.deid.table import Rule, Tree
from ecground.io.deid.vocabulary import is_number, is_statement, is_time, is_unit
from ecground.io.source import Source
from ecground.io.xml.document import base64_bytes, moment, root_of, text, years_between

__all__ = ["deidentified_xml"]

_BASE64: Final = re.compile(r"[A-Za-z0-9+/\s]+={0,2}\s*")
_NUMBERS: Final = re.compile(r"[-+\d.eE,;\s]+")
_SHORTEST_BASE64: Final = 64
_VERSION: Final = re.compile(r"\d{1,2}(\.\d{1,2}){0,3}")
_SEXES: Final = frozenset(("m", "f", "male", "female", "un", "u", "o", "unknown", "undefined", "other"))
_SYSTEMS: Final = frozenset((
    "2.16.840.1.113883.6.24", "2.16.840.1.113883.6.12", "2.16.840.1.113883.6.1", "2.16.840.1.113883.6.96",
    "2.16.840.1.113883.5.1", "2.16.840.1.113883.5.4", "",
))
"""MDC, CPT, LOINC, SNOMED CT, gender and act codes of HL7."""
_AGE_CODES: Final = frozenset(("21612-7", "30525-0", "29553-5"))
_COMMON_NAMES: Final = frozenset((
    "component", "series", "derivation", "subjectOf", "annotationSet", "annotation", "support", "supportingROI",
    "boundary", "code", "value", "id", "author", "effectiveTime", "componentOf", "timepointEvent", "subjectAssignment",
    "subject", "definition", "relativeTimepoint", "Waveform", "LeadData", "DiagnosisStatement", "Diagnosis", "name",
    "OriginalDiagnosis", "SiteName", "LocationName", "PatientLastName", "PatientFirstName", "acquirer", "machine",
    "interpretation", "interpretations", "documentinfo", "filename", "userdefines", "userdefine", "patient",
    "orderinfo", "generalpatientdata", "lastname", "firstname", "examdescript", "eventdata", "event", "patdata",
    "channel", "title", "text", "date", "time", "label", "type", "extension", "root", "displayName", "codeSystem",
    "codeSystemName", "PatientDemographics", "TestDemographics", "StmtText", "schemaLocation", "clinicalTrial",
    "location",
))
"""Names that a report may say besides those of the tables: they are the formats', never a file's own."""
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_ACTIONS: Final[Mapping[Rule, Action]] = {
    Rule.PATIENT: "hashed", Rule.UID: "hashed", Rule.DATE: "shifted", Rule.MOMENT: "shifted",
}
"""What a changed value is called; others are "replaced"."""


def deidentified_xml(tree: Tree, source: Source, key: Key, ledger: Ledger) -> bytes:
    """The document without what identifies a person; `ledger` gets what was done.

    Raises:
        CorruptInputError, UnsafeInputError: as reading does.
    """
    root = root_of(source, said=[], doctype=tree.root)
    _note_markup(source.data, ledger)
    _drop_foreign_observations(root, ledger)
    found = dict(_paths(root))
    who = identity_of(*(value for pattern in tree.identity for path, value in found.items()
                        if fnmatchcase(path, pattern)))
    if who is None:
        ledger.regret("the file names no patient: its dates moved by an offset of its own")
        who = key.pseudonym("content", source.data)
    began = next((when.date() for pattern in tree.started for path, value in found.items()
                  if fnmatchcase(path, pattern) and (when := moment(value))), None)
    _Judge(tree, key, who, began, _right_sums(root), ledger).clean(root, "")
    root.tag = tree.root
    ledger.keep("samples", "lead names", "sampling rate", "measurements", "statements in known words", "sex",
                "age (90 for more than 89)", "time of day")
    return _written(root, tree.namespace)


def _paths(root: Element) -> Iterator[tuple[str, str]]:
    """Path of every text and attribute, the root left out, and its value; the first of each path."""
    seen: set[str] = set()

    def walk(element: Element, path: str) -> Iterator[tuple[str, str]]:
        for name, value in ((path, element.text or ""), *((f"{path}@{k}", v) for k, v in element.attrib.items())):
            if name not in seen and value.strip():
                seen.add(name)
                yield name, value
        for one in element:
            yield from walk(one, f"{path}/{one.tag}" if path else one.tag)

    yield from walk(root, "")


def _note_markup(data: bytes, ledger: Ledger) -> None:
    plain = data.replace(b"\0", b"")
    if b"<!--" in plain:
        ledger.note("comments", "free text")
    if len(re.findall(rb"<\?(?!xml[\s?])", plain)):
        ledger.note("processing instructions", "free text")
    if b"<!DOCTYPE" in plain:
        ledger.note("DOCTYPE", "file name")


def _drop_foreign_observations(root: Element, ledger: Ledger) -> None:
    """Observations about the person that are not the age (height, weight, blood pressure ...)."""
    for variable in root.findall("controlVariable"):
        code = variable.find("relatedObservation/code")
        if code is not None and code.get("code") not in _AGE_CODES:
            root.remove(variable)
            ledger.note("controlVariable", "patient characteristic")


def _right_sums(root: Element) -> frozenset[str]:
    """MUSE's checksums are too long for numbers that stay; those that fit their samples may."""
    right = set()
    for lead in root.iter("LeadData"):
        try:
            right.add(str(zlib.crc32(base64_bytes(text(lead, "WaveFormData"), where=""))))
        except CorruptInputError:
            continue
    return frozenset(right)


class _Judge:
    """Applies a table to a document."""

    def __init__(
        self, tree: Tree, key: Key, who: str, began: date | None, sums: frozenset[str], ledger: Ledger,
    ) -> None:
        self._rules = tree.rules
        self._names = {name for pattern, _ in tree.rules for name in re.split(r"[/@*]", pattern) if name}
        self._key, self._dates, self._who, self._began = key, key.dates(who), who, began
        self._sums, self._ledger = sums, ledger
        self._rule_of: dict[str, Rule] = {}

    def clean(self, element: Element, path: str) -> None:
        """Clean an element and all below it; children without content left are removed."""
        element.text = self._judged(path, element.text) or None
        for name, value in list(element.attrib.items()):
            kept = self._judged(f"{path}@{name}", value)
            if kept is None:
                del element.attrib[name]
            else:
                element.attrib[name] = kept
        for one in list(element):
            self.clean(one, f"{path}/{one.tag}" if path else one.tag)
            one.tail = self._judged(path, one.tail) or None
            if not (one.text or one.attrib or len(one)):
                if one.tail:
                    element.text = f"{element.text or ''}\n{one.tail}"
                element.remove(one)

    def _judged(self, path: str, value: str | None) -> str | None:
        """The value as it may stay, "" for blanks, None when it goes."""
        if value is None or not value.strip(" \t\r\n\0"):
            return "" if "@" in path else None
        rule = self._rule(path)
        kept = self._applied(rule, value)
        if kept != value.strip():
            where = self._place(path)
            if kept is None:
                self._ledger.note(where, "unknown" if rule is Rule.REMOVE else f"not a {rule.value}")
            elif rule is not Rule.SAMPLES:
                self._ledger.note(where, rule.value, _ACTIONS.get(rule, "replaced"))
        return kept

    def _rule(self, path: str) -> Rule:
        if path not in self._rule_of:
            fitting = (rule for pattern, rule in self._rules if fnmatchcase(path, pattern))
            self._rule_of[path] = next(fitting, Rule.REMOVE)
        return self._rule_of[path]

    def _place(self, path: str) -> str:
        """The path as far as the table knows its names: an unknown name may itself be content."""
        parts = re.split(r"([/@])", path)
        for k in range(0, len(parts), 2):
            if parts[k] not in self._names and parts[k] not in _COMMON_NAMES:
                parts[k] = "(unknown)"
        return "".join(parts) or "(root)"

    def _applied(self, rule: Rule, value: str) -> str | None:
        tidy = value.strip(" \t\r\n\0")
        match rule:
            case Rule.SAMPLES:
                return value if _are_samples(value) else None
            case Rule.STATEMENT:
                lines = [line for line in (" ".join(line.split()) for line in tidy.splitlines()) if line]
                return "\n".join(line for line in lines if is_statement(line)) or None
            case Rule.VALUE:
                return tidy if is_number(tidy) or is_unit(tidy) or is_statement(tidy) or tidy in self._sums \
                    or tidy in _AGE_CODES else None
            case Rule.NUMBER:
                return tidy if is_number(tidy) else None
            case Rule.DATE | Rule.MOMENT:
                return tidy if rule is Rule.MOMENT and is_number(tidy) else self._dates.text(tidy)
            case Rule.TIME:
                return tidy if is_time(tidy) else None
            case Rule.VERSION:
                return tidy if _VERSION.fullmatch(tidy) else None
            case Rule.OID:
                return tidy if tidy in _SYSTEMS else None
            case Rule.SEX:
                return tidy if tidy.casefold() in _SEXES else None
            case Rule.AGE:
                years = patient_age(tidy) if re.fullmatch(r"\d{1,3}(\.\d{1,2})?", tidy) else None
                return None if years is None else tidy if capped(years) == years else str(OLDEST_AGE)
            case Rule.BIRTH:
                return self._birth(tidy)
            case Rule.PATIENT:
                return self._key.pseudonym("patient", self._who)
            case Rule.UID:
                return self._key.uid(tidy)
            case _:
                return None

    def _birth(self, value: str) -> str | None:
        """A date of birth that gives the right age at the moved date of recording; None when the age is unknown."""
        born = moment(value)
        years = years_between(born.date(), self._began) if born is not None else None
        moved = self._dates.moved(self._began) if self._began is not None else None
        if years is None or moved is None:
            return None
        day = moved.replace(year=moved.year - int(capped(years)), day=min(moved.day, 28))
        pattern = "%m-%d-%Y" if re.match(r"\d\d-", value) else "%Y-%m-%d" if "-" in value else "%Y%m%d"
        return day.strftime(pattern)


def _are_samples(value: str) -> bool:
    """A list of numbers, or base64 of a length that no text of a person has."""
    if _NUMBERS.fullmatch(value):
        return True
    plain = "".join(value.replace("\0", "").split())
    return len(plain) >= _SHORTEST_BASE64 and len(plain) % 4 == 0 and _BASE64.fullmatch(plain) is not None


def _written(root: Element, namespace: str) -> bytes:
    """The document in UTF-8; `type` of a value is the one attribute of another namespace."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    typed = any("type" in one.attrib for one in root.iter("value"))
    declared = (f" xmlns={quoteattr(namespace)}" if namespace else "") + (f' xmlns:xsi="{_XSI}"' if typed else "")
    _write(root, declared, parts)
    return "".join([*parts, "\n"]).encode()


def _write(element: Element, declared: str, parts: list[str]) -> None:
    written = [f"{'xsi:' if (name, element.tag) == ('type', 'value') else ''}{name}={quoteattr(value)}"
               for name, value in element.attrib.items()]
    head = " ".join([element.tag + declared, *written])
    if not (element.text or len(element)):
        parts.append(f"<{head}/>")
    else:
        parts.append(f"<{head}>{escape(element.text or '')}")
        for one in element:
            _write(one, "", parts)
        parts.append(f"</{element.tag}>")
    parts.append(escape(element.tail or ""))


