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
    from ecground.knowledge.finding import Claim, Evidence, Finding
    from ecground.knowledge.serial import Comparison
    from ecground.measure.table import Measurements, Value
    from ecground.signal.quality import Quality

__all__ = ["claims", "comparison", "evidence", "fiducials", "findings", "info", "interpretation", "measurements"]

_WIDTH: Final = 100
_MAIN: Final = ("hr_bpm", "rr_mean_ms", "pr_ms", "p_dur_ms", "qrs_ms", "qt_ms", "qtc_bazett_ms", "qtc_fridericia_ms",
                "p_axis_deg", "qrs_axis_deg", "t_axis_deg")
_LOOSE: Final = {"qtc_bazett_ms": "qtc_ms"}
"""Measures that devices give without saying how they correct."""
_COLUMNS: Final = (34, 38, 15)
"""Widest columns of the evidence: measure, values, limit."""
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
    """The main values, with the device's beside them; a star where the two differ beyond repeatability."""
    from ecground.knowledge.phrases import catalogue
    from ecground.knowledge.repeatability import tolerance

    theirs = {entry.name: entry for entry in record.device.measurements if entry.lead is None}
    rows = [("", "ecground", "device", "")] if theirs else []
    starred = False
    for measure in _MAIN:
        ours = found.record.get(measure)
        device = theirs.get(measure) or theirs.get(_LOOSE.get(measure, ""))
        said = catalogue().quantity(device.value, device.unit, measure) if device else ""
        number = found.number(measure)
        differs = device is not None and abs(device.value - number) > tolerance(measure, number)
        starred = starred or differs
        rows.append((catalogue().measures[measure], value(ours, measure), said, "*" if differs else ""))
    table = _table([row if theirs else row[:2] for row in rows])
    return f"{table}\n* differs beyond repeatability" if starred else table


def value(entry: Value | None, measure: str = "") -> str:
    """A measured value with its unit, or the word for why there is none."""
    from ecground.knowledge.phrases import catalogue

    if entry is None:
        return "not measured"
    if entry.state != "measured" or entry.value is None:
        return _STATE_WORDS.get(entry.state, entry.state)
    return catalogue().quantity(entry.value, entry.unit, measure)


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
    waiting = [finding.scp or finding.statement for finding in found if not finding.judged]
    rest = _fields([("not judged", ", ".join(waiting))]) if waiting else ""
    return "\n\n".join(filter(None, (name, evidence(found), rest)))


def evidence(found: Iterable[Finding]) -> str:
    """The statements that are present, with each value that met a criterion and its limit; sources as footnotes."""
    from ecground.knowledge.check import key_of
    from ecground.knowledge.phrases import catalogue
    from ecground.knowledge.telling import importance

    present = sorted((finding for finding in found if finding.present), key=lambda made: importance(key_of(made)))
    blocks = [(finding, _evidence_rows(finding)) for finding in present]
    every = [row for _, rows in blocks for row in rows]
    widths = tuple(min(limit, max((len(row[i]) for row in every), default=0)) for i, limit in enumerate(_COLUMNS))
    lines = []
    for finding, rows in blocks:
        tags = catalogue().tags("; ".join(criterion.source for criterion in finding.criteria if criterion.met))
        head = f"{finding.statement}, probability {finding.probability:.2f}" + (f" [{tags}]" if tags else "")
        lines.append(textwrap.fill(head, _WIDTH, initial_indent=f"{finding.scp or '-':<9}", subsequent_indent=" " * 9))
        lines += [line for row in rows for line in _evidence_lines(row, widths)]
    return "\n".join([*lines, *_footnotes(present)])


def _evidence_rows(finding: Finding) -> list[tuple[str, str, str]]:
    """(measure, values by lead, limit) of the criteria that were met, each value once."""
    from ecground.knowledge.phrases import catalogue

    phrases = catalogue()
    groups: dict[tuple[str, str], list[str]] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    held = [item for criterion in finding.criteria if criterion.met for item in criterion.evidence]
    for item in held:
        if item.value is None or not item.supports or (item.measure, item.leads) in seen:
            continue
        seen.add((item.measure, item.leads))
        where = f"{item.leads[0]} " if len(item.leads) == 1 and " " not in item.measure else ""
        amount = f"{where}{phrases.quantity(item.value, item.unit, item.measure)}"
        groups.setdefault((item.measure, _limit(item)), []).append(amount)
    return [(_in_words(measure), ", ".join(values), limit) for (measure, limit), values in groups.items()]


def _in_words(measure: str) -> str:
    """The measure as a person names it; sums (`r_amp V1 + s_amp V5`) word by word."""
    from ecground.knowledge.phrases import catalogue

    return " ".join(catalogue().measure(word) for word in measure.split())


def _limit(item: Evidence) -> str:
    from ecground.knowledge.phrases import catalogue

    phrases, limit = catalogue(), item.threshold
    if limit is None:
        return ""
    if isinstance(limit, str):
        return f"{phrases.comparison(item.comparison)} {phrases.word(limit)}"
    if isinstance(limit, tuple):
        low, high = (phrases.limit(side, item.unit, item.measure) for side in limit)
        return f"{low} to {high}"
    return f"{phrases.comparison(item.comparison)} {phrases.limit(limit, item.unit, item.measure)}"


def _evidence_lines(row: tuple[str, str, str], widths: tuple[int, ...]) -> list[str]:
    """One row, its cells wrapped to their columns."""
    cells = [textwrap.wrap(cell, width, break_long_words=False, break_on_hyphens=False) if width else [cell]
             for cell, width in zip(row, widths, strict=True)]
    height = max(len(cell) for cell in cells)
    filled = [cell + [""] * (height - len(cell)) for cell in cells]
    return ["         " + "  ".join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip()
            for parts in zip(*filled, strict=True)]


def _footnotes(present: Iterable[Finding]) -> list[str]:
    """What the tags stand for, each once."""
    from ecground.knowledge.phrases import catalogue

    sources = dict.fromkeys(source for finding in present for criterion in finding.criteria if criterion.met
                            for source in criterion.source.split("; "))
    return [textwrap.fill(f"[{catalogue().tags(source)}] {source}", _WIDTH, subsequent_indent="    ")
            for source in sorted(sources)]


def claims(name: str, found: Sequence[Claim]) -> str:
    """How many claims hold, then one a line: the verdict, the words, the reason."""
    verdicts = [str(claim.verdict or "not checked") for claim in found]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts))
    lines = [_file("file", name), f"{'claims':<13}{len(found)}{f' ({counts})' if counts else ''}", ""]
    for verdict, claim in zip(verdicts, found, strict=True):
        text = f"{verdict:<13} \"{claim.text}\""
        lines.append(textwrap.fill(f"{text}: {claim.why}" if claim.why else text, _WIDTH, subsequent_indent=" " * 14))
    return "\n".join(lines)


def comparison(old: str, new: str, found: Comparison) -> str:
    """What changed from the old file to the new one."""
    return f"{_file('old', old)}\n{_file('new', new)}\n\n{_paragraphs(found.text)}"


def interpretation(name: str, found: Interpretation) -> str:
    """The whole reading: what was recorded, the numbers, the text, the evidence, and what was not possible."""
    record, numbers = found.record, found.measurements
    parts = [f"ecground: {DISCLAIMER[0].lower()}{DISCLAIMER[1:]}", info(name, record),
             "" if found.text else _quality(found.quality)]
    if numbers is not None:
        parts.append(_main_values(record, numbers))
    if found.text:
        parts.append(f"Interpretation\n{_paragraphs(found.text)}")
    if any(finding.present for finding in found.findings or ()):
        parts.append("Evidence\n" + evidence(found.findings or ()))
    verdicts = [claim.verdict for claim in found.claims]
    if verdicts:
        parts.append(f"Claims of the text checked against the measurements: {verdicts.count('supported')} of "
                     f"{len(verdicts)} supported.")
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
