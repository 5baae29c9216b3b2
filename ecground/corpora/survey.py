"""What a collection on disk holds, and what is wrong with it: `survey` reads it once, case by case.

Contract: one recording in memory at a time; what grows with the collection are eight bytes' worth of hash for each
recording and patient, and the counts of labels. Without `check` only tables, headers and the existence of files are
looked at; with it every recording is read. Examples name recordings by their identifier in the collection, at most 20.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ecground.corpora.case import Case, is_there
from ecground.errors import EcgroundError, MissingExtraError
from ecground.record import Record

__all__ = ["EXAMPLES", "Failure", "Spread", "Survey", "survey"]

EXAMPLES: Final = 20
"""Most recordings that are named for one problem."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Distribution of a number over the recordings that have it."""

    known: int
    unknown: int
    minimum: float | None
    median: float | None
    maximum: float | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A recording that cannot be read, and why."""

    id: str
    code: str
    """Stable name of the error."""
    what: str


@dataclass
class Survey:
    """Counts over one collection; filled case by case."""

    checked: bool
    """Whether every recording was read."""
    cases: int = 0
    patients: int = 0
    """Distinct patient identifiers (the recording's own where the collection names none)."""
    splits: Counter[str] = field(default_factory=Counter)
    """train, valid, test; `none` where the collection has no split."""
    labels: Counter[str] = field(default_factory=Counter)
    label_systems: Counter[str] = field(default_factory=Counter)
    unlabelled: int = 0
    """Recordings without any label."""
    unlabelled_examples: list[str] = field(default_factory=list)
    reports: int = 0
    """Recordings with a report."""
    sexes: Counter[str] = field(default_factory=Counter)
    """M, F, `unknown`."""
    rates: Counter[str] = field(default_factory=Counter)
    """Sampling rate [Hz] as text; `unknown` where only reading would tell."""
    defects: Counter[str] = field(default_factory=Counter)
    """Known defect (its kind, before a colon) -> recordings."""
    credentialed: int = 0
    """Recordings that may not be passed on."""
    for_testing: int = 0
    """Recordings that must not be trained on."""
    missing: int = 0
    """Recordings of which a file is missing."""
    missing_examples: list[str] = field(default_factory=list)
    broken: int = 0
    """Recordings that cannot be read; 0 unless checked."""
    broken_examples: list[Failure] = field(default_factory=list)
    duplicates: int = 0
    """Recordings whose identifier occurred before."""
    duplicate_examples: list[str] = field(default_factory=list)
    crossing: int = 0
    """Patients with recordings in more than one split."""
    crossing_examples: list[str] = field(default_factory=list)
    """A recording of each such patient."""
    uncalibrated: int = 0
    """Recordings whose amplitudes are withheld; 0 unless checked."""
    _ages: Counter[float] = field(default_factory=Counter)
    _seconds: Counter[float] = field(default_factory=Counter)
    _seen: set[int] = field(default_factory=set)
    _split_of: dict[int, str] = field(default_factory=dict)
    """Patient -> the split of the first recording; `*` once a second split was found."""

    @property
    def ages(self) -> Spread:
        """Age [years]."""
        return _spread(self._ages, self.cases)

    @property
    def seconds(self) -> Spread:
        """Duration [s]; known only of recordings that were read."""
        return _spread(self._seconds, self.cases)

    def add(self, case: Case) -> None:
        """Count one recording, without reading its samples."""
        self.cases += 1
        self.splits[case.split or "none"] += 1
        self.labels.update(case.labels)
        self.label_systems[case.label_system] += 1
        self.reports += bool(case.report)
        self.defects.update({text.partition(":")[0] for text in case.defects})
        self.credentialed += case.terms.credentialed
        self.for_testing += not case.terms.trainable
        if not case.labels:
            self.unlabelled += 1
            _note(self.unlabelled_examples, case.id)
        self._identify(case)
        if not all(is_there(path) for path in case.files):
            self.missing += 1
            _note(self.missing_examples, case.id)

    def describe(self, case: Case, record: Record | None) -> None:
        """Count age, sex, rate and length: the record's where it was read, else what the tables say."""
        age, sex, fs = case.person.age, case.person.sex, case.fs
        if record is not None:
            age, sex = _first(age, record.patient.age), sex or record.patient.sex
            fs = record.fs
            self._seconds[round(record.seconds, 1)] += 1
            self.uncalibrated += not record.provenance.calibrated
        if age is not None:
            self._ages[age] += 1
        self.sexes[sex or "unknown"] += 1
        self.rates["unknown" if fs is None else f"{fs:g}"] += 1

    def fail(self, case: Case, error: EcgroundError) -> None:
        """Count one recording that cannot be read."""
        self.broken += 1
        if len(self.broken_examples) < EXAMPLES:
            self.broken_examples.append(Failure(case.id, error.code, error.what))

    def _identify(self, case: Case) -> None:
        """Duplicate identifiers, and patients in more than one split."""
        key = hash((case.corpus, case.id))
        if key in self._seen:
            self.duplicates += 1
            _note(self.duplicate_examples, case.id)
        self._seen.add(key)
        patient, split = hash((case.corpus, case.patient)), case.split or "none"
        first = self._split_of.setdefault(patient, split)
        self.patients = len(self._split_of)
        if first not in (split, "*"):
            self._split_of[patient] = "*"
            self.crossing += 1
            _note(self.crossing_examples, case.id)


def survey(cases: Iterable[Case], *, check: bool = False) -> Survey:
    """Count over all cases; `check` reads every recording.

    Raises:
        MissingExtraError: the recordings need a package that is not installed.
        InputError: a table of the collection is missing or damaged.
    """
    found = Survey(checked=check)
    for case in cases:
        found.add(case)
        found.describe(case, _read(case, found) if check else None)
    return found


def _read(case: Case, found: Survey) -> Record | None:
    try:
        return case.record
    except MissingExtraError:
        raise
    except EcgroundError as error:
        if all(is_there(path) for path in case.files):
            found.fail(case, error)
    except Exception as error:  # noqa: BLE001 - one recording must not lose the others
        found.fail(case, EcgroundError(f"an unexpected {type(error).__name__}"))
    return None


def _note(examples: list[str], name: str) -> None:
    if len(examples) < EXAMPLES:
        examples.append(name)


def _first(stated: float | None, read: float | None) -> float | None:
    return read if stated is None else stated


def _spread(counts: Counter[float], total: int) -> Spread:
    known = sum(counts.values())
    if not known:
        return Spread(0, total, None, None, None)
    values = np.array(sorted(counts))
    upto = np.cumsum([counts[value] for value in values.tolist()])
    low, high = (float(values[np.searchsorted(upto, rank, side="right")]) for rank in ((known - 1) // 2, known // 2))
    return Spread(known, total - known, float(values[0]), (low + high) / 2, float(values[-1]))
