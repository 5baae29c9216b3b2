"""`Finding`, `Evidence` and `Claim`: what is said about an ECG, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Claim", "Criterion", "Evidence", "Finding", "Polarity", "Verdict"]

Verdict = Literal["supported", "contradicted", "unverifiable"]
Polarity = Literal["present", "absent", "uncertain"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One measured value held against one threshold."""

    measure: str
    """Measure name (`ecground.measure.table.MEASURES`)."""
    value: float | str | None
    """Measured value in `unit`; None when it could not be measured."""
    unit: str
    leads: tuple[str, ...] = ()
    """Leads the value was measured in; empty = all leads jointly."""
    beats: tuple[int, ...] = ()
    """Rows of the Delineation it rests on; empty = all dominant beats."""
    span: tuple[int, int] | None = None
    """First and last sample of a representative stretch, at the record's fs."""
    comparison: str = ""
    """How the value is held against the threshold: `>`, `>=`, `<`, `<=`, `in`, `not in`, `is`, `is not`."""
    threshold: float | str | tuple[float, float] | None = None
    confidence: float = 1.0
    """Confidence of the measurement, 0..1."""
    supports: bool = True
    """True when the value speaks for the statement, False when it speaks against it."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One published criterion, applied."""

    id: str
    """Key in criteria.toml."""
    source: str
    """Paper or standard the threshold comes from."""
    checked: bool
    """True when the threshold was read in its source by us."""
    met: bool | None
    """None = could not be judged."""
    margin: float | None
    """Signed distance to the threshold in units of its tolerance; >= 0 when met."""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One coded statement with its certainty and the evidence for and against it."""

    scp: str | None
    """SCP-ECG code as PTB-XL spells it; None for statements without one."""
    snomed: str | None
    statement: str
    """English name."""
    probability: float
    """0..1."""
    present: bool
    judged: bool
    """False: quality, age or missing leads do not allow a verdict; `why` says which."""
    why: str = ""
    criteria: tuple[Criterion, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """One checkable assertion of a text, and its verdict once checked."""

    text: str
    """The words of the claim."""
    span: tuple[int, int]
    """Character offsets in the text."""
    finding: str | None = None
    """SCP code or ecground statement key, when the claim names a finding."""
    leads: tuple[str, ...] = ()
    measure: str | None = None
    value: float | str | None = None
    """Number in `unit`, or the word of a form (`rSR'`)."""
    value_high: float | None = None
    """Upper bound, for claims that give a range."""
    comparison: str = "="
    """`=`, `<`, `>`, `<=`, `>=`, `in`."""
    unit: str = ""
    polarity: Polarity = "present"
    beats: tuple[int, ...] = ()
    """QRS complexes the claim names, counted from 1; empty = none named."""
    n_beats: int | None = None
    """Number of beats the text says its value rests on."""
    verdict: Verdict | None = None
    why: str = ""
    evidence: tuple[Evidence, ...] = ()
