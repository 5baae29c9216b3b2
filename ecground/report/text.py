"""Results as plain text for a terminal, 100 columns, no colour.

Contract: every function returns a string without a final newline, made only of what the result holds; "absent" and
"not measurable" are printed as words, never as numbers.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from ecground.record import Record
from ecground.report.contracts import DISCLAIMER
from ecground.signal.beats import MARKS, Delineation

if TYPE_CHECKING:
    from ecground.interpret import Interpretation
    from ecground.knowledge.finding import Claim, Criterion, Evidence, Finding
    from ecground.knowledge.serial import Comparison
    from ecground.measure.table import Measurements, Value
    from ecground.signal.quality import Quality

__all__ = ["claims", "comparison", "fiducials", "findings", "info", "interpretation", "measurements"]

_WIDTH: Final = 100
_MAIN: Final = (
    ("hr_bpm", "ventricular rate"), ("pr_ms", "PR interval"), ("p_dur_ms", "P duration"), ("qrs_ms", "QRS duration"),
    ("qt_ms", "QT interval"), ("qtc_bazett_ms", "QTc (Bazett)"), ("qtc_fridericia_ms", "QTc (Fridericia)"),
    ("p_axis_deg", "P axis"), ("qrs_axis_deg", "QRS axis"), ("t_axis_deg", "T axis"),
)
_STATE_WORDS: Final = {"absent": "absent", "unmeasurable": "not measurable"}


def info(name: str, record: Record) -> str:
    """What the file holds."""
    origin, patient = record.provenance, record.patient
    age = "age unknown" if patient.age is None else f"{patient.age:g} years"
    rows = [
        ("recording", f"{origin.format}, {len(record.leads)} leads, {record.seconds:g} s at {record.fs:g} Hz"),
        ("leads", " ".join(record.leads)),
        ("patient", f"{age}, {'sex unknown' if record.patient.sex is None else record.patient.sex}"),
        ("filters", "; ".join(origin.filters)),
        ("amplitudes", "" if origin.calibrated else "withheld: the amplitude scale is unknown"),
        ("notes", "; ".join(origin.notes)),
        ("device says", "; ".join(record.device.statements)),
    ]
    return f"{_file('file', name)}\n{_fields(rows)}"


def measurements(name: str, record: Record, found: Measurements, quality: Quality | None) -> str:
    """What was recorded, how well, the main values beside the device's, and the table of the leads."""
    from ecground.measure.views.export import to_text

    beside = _main_values(record, found) if record.device.measurements else ""
    return "\n\n".join(filter(None, (info(name, record), _quality(quality), beside, to_text(found))))


def _quality(quality: Quality | None) -> str:
    return "" if quality is None else _fields([("quality", quality.summary)])


def _main_values(record: Record, found: Measurements) -> str:
    theirs = {entry.name: entry for entry in record.device.measurements if entry.lead is None}
    rows = [("", "ecground", "device" if theirs else "")]
    for measure, label in _MAIN:
        device = theirs.get(measure)
        said = f"{device.value:.0f} {device.unit}" if device else ""
        rows.append((label, value(found.record.get(measure)), said))
    return _table(rows)


def value(entry: Value | None) -> str:
    """A measured value with its unit, or the word for why there is none."""
    if entry is None:
        return "not measured"
    if entry.state != "measured" or entry.value is None:
        return _STATE_WORDS.get(entry.state, entry.state)
    return _amount(entry.value, entry.unit)


def _amount(amount: float | str | None, unit: str) -> str:
    if amount is None:
        return "not measurable"
    if isinstance(amount, str):
        return amount
    digits = 0 if unit != "mV" and abs(amount) >= 10 else 2
    return f"{amount:.{digits}f} {unit}".strip()


def fiducials(name: str, found: Delineation) -> str:
    """The joint marks, one line a beat, in samples."""
    names = MARKS[:11]
    marks = found.joint_marks.tolist()
    rows = [("row", *names), *((str(i), *("-" if x != x else str(round(x)) for x in row[:11]))
                               for i, row in enumerate(marks))]
    head = f"{name}: {found.n_rows} rows, samples at {found.fs:g} Hz, over all leads jointly"
    return f"{head}\n\n{_table(rows)}"


def findings(name: str, found: Iterable[Finding]) -> str:
    """The statements that are present, with the evidence of every criterion that was met; then what was not judged."""
    found = tuple(found)
    parts = [_finding(finding) for finding in found if finding.present]
    waiting = [finding.scp or finding.statement for finding in found if not finding.judged]
    rest = [_fields([("not judged", " ".join(waiting))])] if waiting else []
    return "\n".join([f"{name}", "", *parts, *rest])


def _finding(finding: Finding) -> str:
    head = f"{finding.scp or '-':<9}{finding.statement}  (probability {finding.probability:.2f})"
    lines = [_criterion(criterion) for criterion in finding.criteria if criterion.met is not None]
    return "\n".join([head, *lines])


def _criterion(criterion: Criterion) -> str:
    word = "met" if criterion.met else "not met"
    evidence = "; ".join(_evidence(item) for item in criterion.evidence)
    text = f"{word}: {evidence or criterion.id} [{criterion.source}]"
    return textwrap.fill(text, _WIDTH, initial_indent=" " * 9, subsequent_indent=" " * 11)


def _evidence(item: Evidence) -> str:
    where = f" in {' '.join(item.leads)}" if item.leads else ""
    limit = item.threshold
    if isinstance(limit, tuple):
        limit = f"{limit[0]:g} to {limit[1]:g}"
    elif isinstance(limit, float | int):
        limit = f"{limit:g}"
    against = f" {item.comparison} {limit}" if limit is not None else ""
    return f"{item.measure}{where} {_amount(item.value, item.unit)}{against}"


def claims(name: str, found: Sequence[Claim]) -> str:
    """One line a claim: the verdict, the words, the reason."""
    lines = [f"{name}: {len(found)} claims"]
    for claim in found:
        text = f"{claim.verdict or 'not checked':<13} \"{claim.text}\""
        lines.append(textwrap.fill(f"{text}: {claim.why}" if claim.why else text, _WIDTH, subsequent_indent=" " * 15))
    return "\n".join(lines)


def comparison(old: str, new: str, found: Comparison) -> str:
    """What changed from the old file to the new one."""
    return f"{_file('old', old)}\n{_file('new', new)}\n\n{_paragraphs(found.text)}"


def interpretation(name: str, found: Interpretation) -> str:
    """The whole reading: what was recorded, the numbers, the text, the evidence, and what was not possible."""
    record, numbers = found.record, found.measurements
    parts = [f"ecground: {DISCLAIMER[0].lower()}{DISCLAIMER[1:]}", info(name, record), _quality(found.quality)]
    if numbers is not None:
        parts.append(_main_values(record, numbers))
    if found.text:
        parts.append(f"Interpretation\n{_paragraphs(found.text)}")
    present = [finding for finding in found.findings or () if finding.present]
    if present:
        parts.append("Evidence\n" + "\n".join(textwrap.indent(_finding(finding), "  ") for finding in present))
    verdicts = [claim.verdict for claim in found.claims]
    if verdicts:
        parts.append(f"{verdicts.count('supported')} of {len(verdicts)} claims of the text are supported by the "
                     "measurements, which are checked again after the text is written.")
    parts += [f"Step {problem.step} failed: {problem.error.what}" for problem in found.problems]
    return "\n\n".join(filter(None, parts))


def _file(label: str, name: str) -> str:
    """A file name is never wrapped: it can be copied."""
    return f"{label:<13}{name}"


def _paragraphs(text: str) -> str:
    return "\n".join(textwrap.fill(line, _WIDTH, initial_indent="  ", subsequent_indent="  ")
                     for line in text.splitlines() if line.strip())


def _fields(rows: Iterable[tuple[str, str]]) -> str:
    """Name and text in two columns; empty texts are left out."""
    return "\n".join(textwrap.fill(text, _WIDTH, initial_indent=f"{label:<13}", subsequent_indent=" " * 13,
                                   break_long_words=False, break_on_hyphens=False) for label, text in rows if text)


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """Columns padded to their widest cell: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
                     for row in rows)
