"""The statements an ECG can be given: PTB-XL's 71 SCP codes and the statements that have no such code.

`codes.csv` beside this file holds one row a statement: a stable key (the SCP code where there is one), the SNOMED CT
code, the English statement, how PTB-XL classes it, and the phrases by which a text may name it. SCP codes and classes
are those of PTB-XL's scp_statements.csv (Wagner et al. 2020); SNOMED CT codes those of the CinC 2020/2021 challenges
(Perez Alday et al. 2020, Reyna et al. 2021) where they have one. Absent values are None.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal

__all__ = ["SUPERCLASSES", "Code", "Kind", "Superclass", "code", "codes", "other_codes", "phrases", "scp_codes"]

Kind = Literal["diagnostic", "form", "rhythm"]
Superclass = Literal["NORM", "MI", "STTC", "CD", "HYP"]

SUPERCLASSES: Final[tuple[Superclass, ...]] = ("NORM", "MI", "STTC", "CD", "HYP")
"""PTB-XL's diagnostic superclasses: normal, infarction, ST/T change, conduction disturbance, hypertrophy."""


@dataclass(frozen=True, slots=True)
class Code:
    """One statement and the names it goes by."""

    key: str
    """Stable key: the SCP code, or ecground's own key for statements without one."""
    scp: str | None
    """SCP-ECG code as PTB-XL spells it."""
    snomed: str | None
    """SNOMED CT identifier; several statements may share one."""
    statement: str
    """English statement, no leading capital unless a name."""
    group: str
    """Part of the clinical order: technical, rhythm, ectopy, conduction, intervals, axis, morphology, hypertrophy,
    infarction, acute infarction, repolarisation, summary."""
    kinds: tuple[Kind, ...]
    """PTB-XL's kinds; empty for statements without SCP code."""
    superclass: Superclass | None
    """Diagnostic superclass; None for form and rhythm statements and those without SCP code."""
    subclass: str | None
    synonyms: tuple[str, ...]
    """Lower-case phrases by which a text names it, besides `statement`; no phrase belongs to two codes."""


@cache
def codes() -> Mapping[str, Code]:
    """All statements: key -> Code, the 71 SCP codes in scp_statements order, then the others."""
    text = files("ecground.knowledge").joinpath("codes.csv").read_text(encoding="utf-8")
    return MappingProxyType({row["key"]: _code(row) for row in csv.DictReader(text.splitlines())})


def code(key: str) -> Code:
    """The statement with this key; KeyError when there is none."""
    return codes()[key]


@cache
def scp_codes() -> tuple[str, ...]:
    """The 71 SCP codes in scp_statements order."""
    return tuple(entry.scp for entry in codes().values() if entry.scp is not None)


@cache
def other_codes() -> tuple[str, ...]:
    """Keys of the statements without SCP code."""
    return tuple(key for key, entry in codes().items() if entry.scp is None)


@cache
def phrases() -> Mapping[str, str]:
    """Every lower-case phrase that names a statement -> its key, longest phrase first."""
    pairs = [(phrase, entry.key) for entry in codes().values() for phrase in (entry.statement.lower(), *entry.synonyms)]
    return MappingProxyType(dict(sorted(pairs, key=lambda pair: -len(pair[0]))))


def _code(row: dict[str, str]) -> Code:
    return Code(
        key=row["key"], scp=row["scp"] or None, snomed=row["snomed"] or None, statement=row["statement"],
        group=row["group"], kinds=tuple(row["kinds"].split()),  # type: ignore[arg-type]
        superclass=row["superclass"] or None,  # type: ignore[arg-type]
        subclass=row["subclass"] or None,
        synonyms=tuple(part for part in row["synonyms"].split(";") if part),
    )
