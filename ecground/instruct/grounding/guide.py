"""The diagnosis guider: what a language model is told so that it writes a grounded interpretation.

After GEM (arXiv 2503.06073, its published prompt): the 14 per-beat sequences of every lead, the leads to look at and
what for, and the report as the answer key that must not be mentioned. All words are ours; the answer passes the same
claim checker as every other text.
"""

from __future__ import annotations

from typing import Final

from ecground.instruct.facts import Facts
from ecground.instruct.teacher import Message
from ecground.knowledge.codes import codes
from ecground.measure.table import Measurements
from ecground.measure.views.sequences import SEQUENCES, sequences

__all__ = ["messages"]

_TASK: Final = """\
You write the interpretation of one 12-lead ECG for a cardiologist who will verify every sentence on the tracing.
You are given values measured in each lead for each beat, in order of time, and the diagnosis.
Write one paragraph of at most 300 words, without lists and headings. Go from rate and rhythm through P wave, PR
interval, QRS complex, ST segment and T wave to the QT interval, then conclude.
For each finding name the leads, the values with their units and, where they differ, the beats that show it.
Look at the leads for what they are good for: I and aVL for the high lateral wall; II for P wave, PR interval and atrial
enlargement; II, III and aVF for the inferior wall; aVR for elevation that points to the left main stem; V1 for R waves,
rSR' and right ventricular load; V1 to V4 for septum and anterior wall; V5 and V6 for the lateral wall.
Say only what the values or the diagnosis support. Where they disagree, the diagnosis is right: leave the value out.
Never mention that you were given a diagnosis, a report or measurements."""
_DIGITS: Final = 2


def messages(facts: Facts, measurements: Measurements) -> tuple[Message, ...]:
    """The chat that asks for one interpretation."""
    known = [codes()[key].statement for key in sorted(facts.statements) if key in codes()]
    lines = [f"Diagnosis: {'; '.join(known)}."]
    if facts.report:
        lines.append(f"Report: {facts.report}")
    lines.append("Units: " + ", ".join(f"{name} {unit}" for name, (unit, _) in SEQUENCES.items() if unit) + ".")
    lines += [_lead(lead, values) for lead, values in sequences(measurements).items()]
    return {"role": "system", "content": _TASK}, {"role": "user", "content": "\n".join(lines)}


def _lead(lead: str, values: dict[str, list[float | str | None]]) -> str:
    told = [f"{name} {', '.join(_shown(value) for value in row)}" for name, row in values.items() if any(row)]
    return f"{lead}: " + "; ".join(told)


def _shown(value: float | str | None) -> str:
    return "-" if value is None else value if isinstance(value, str) else f"{round(value, _DIGITS):g}"
