"""The JSON contract of `ecground corpus`, which describes a whole collection instead of one recording.

Part of `contracts`: the same rules hold.
"""

from __future__ import annotations

from typing import TypedDict

__all__ = ["Broken", "BrokenRow", "Card", "Corpus", "Listed", "SpreadObject"]


class Card(TypedDict):
    """What a collection is."""

    name: str
    """As `ecground corpus` takes it."""
    title: str
    licence: str
    layout: str
    """What must lie in the folder."""
    verified: str
    """On which original files the reader was run."""
    named_patients: bool
    """False: the collection does not say which recordings belong to one person."""


class SpreadObject(TypedDict):
    """Distribution of a number over the recordings that have it."""

    known: int
    unknown: int
    minimum: float | None
    median: float | None
    maximum: float | None


class Listed(TypedDict):
    """A number of recordings, and at most 20 of them by their identifier in the collection."""

    count: int
    examples: list[str]


class BrokenRow(TypedDict):
    """A recording that cannot be read."""

    id: str
    code: str
    what: str


class Broken(TypedDict):
    """Recordings that cannot be read, and at most 20 of them."""

    count: int
    examples: list[BrokenRow]


class Corpus(TypedDict):
    """`ecground corpus NAME PATH`; `file` is PATH."""

    card: Card
    checked: bool
    """Every recording was read (`--check`)."""
    cases: int
    patients: int | None
    """null where the collection does not name them."""
    splits: dict[str, int]
    """train, valid, test, none -> recordings."""
    labels: dict[str, int]
    """Label -> recordings, the most frequent first."""
    label_systems: dict[str, int]
    """scp, snomed, aha, text, none -> recordings."""
    reports: int
    """Recordings with a report."""
    ages: SpreadObject
    sexes: dict[str, int]
    """M, F, unknown -> recordings."""
    rates: dict[str, int]
    """Sampling rate in Hz, as text, or unknown -> recordings."""
    seconds: SpreadObject | None
    """Lengths; null unless checked."""
    credentialed: int
    """Recordings that may not be passed on."""
    for_testing: int
    """Recordings that must not be trained on."""
    defects: dict[str, int]
    """Known defect -> recordings."""
    uncalibrated: int | None
    """Recordings whose amplitudes are withheld; null unless checked."""
    unlabelled: Listed
    missing: Listed
    """Recordings of which a file is missing."""
    broken: Broken | None
    """null unless checked."""
    duplicates: Listed
    """Recordings whose identifier occurred before."""
    crossing: Listed | None
    """Patients with recordings in more than one split, each with one recording; null where patients are not named."""
    disclaimer: str
