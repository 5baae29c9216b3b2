"""The JSON contracts of docs/json.md as types: what every command prints, field by field.

The builders in `json` return these types, so mypy holds the code to them; `schema` turns them into the published JSON
Schemas (docs/schemas), where the words under each field become its description. A number that is not available is
null, never NaN. Samples are 0-based at the file's own sampling rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NotRequired, TypedDict

from ecground.report.collection import Corpus
from ecground.report.picture import BoxRow, Digitize, PageObject

__all__ = [
    "DISCLAIMER", "KINDS", "BadStretch", "Beats", "Change", "Check", "ClaimRow", "Compare", "CriterionRow", "Deid",
    "DeidRow", "Device", "DeviceValue", "Envelope", "EpisodeRow", "ErrorObject", "EvidenceRow", "Fiducials",
    "FindingRow", "Findings", "FormatRow", "Formats", "Info", "Interpret", "LeadQualityRow", "Measure",
    "MeasuredValue", "MeasurementsObject", "ModelReading", "Problem", "QualityObject", "RecordObject", "Row",
]

DISCLAIMER: Final = "Research use, not a medical device."

Position = int | None
Why = Literal["absent", "unmeasurable"]


class ErrorObject(TypedDict):
    """What went wrong, where, and what to do about it."""

    code: str
    """Stable name of the error (`not_found`, `corrupt`, `not_an_ecg`, ...); docs/json.md lists them."""
    what: str
    where: str
    """File, step or field; never patient data."""
    hint: str
    """What to do about it; may be empty."""


class Envelope(TypedDict):
    """What every object has, whatever happened to its file."""

    schema: str
    """`ecground/KIND/VERSION`."""
    file: str | None
    """The file as it was named on the command line or found in the folder; `-` is standard input."""
    ok: bool
    """True when every step succeeded."""
    error: ErrorObject | None
    """null when ok."""


class DeviceValue(TypedDict):
    """A number that the recording device stored in the file."""

    name: str
    """ecground's measure name where one is known, else the file's."""
    value: float | None
    unit: str
    lead: str | None
    label: str
    """The file's own name of the value."""
    ours: NotRequired[float | None]
    """Our value of the same measure in the same unit; null where we have none."""


class Device(TypedDict):
    """What the device itself said: kept beside our reading, never mixed into it."""

    statements: list[str]
    measurements: list[DeviceValue]


class PatientObject(TypedDict):
    """The person as far as reading an ECG needs it; null means unknown."""

    age: float | None
    """Years, from the file or from --age."""
    sex: Literal["M", "F"] | None


class RecordObject(TypedDict):
    """How the recording was obtained."""

    format: str
    """Name in the table that `ecground formats` prints."""
    fs: float
    """Sampling rate of the file [Hz]."""
    n_samples: int
    seconds: float
    leads: list[str]
    lead_origin: dict[str, str]
    """Per lead: `recorded`, or the formula it was derived by."""
    gain: dict[str, str]
    """Per lead: how raw units became millivolt."""
    calibrated: bool
    """False: the amplitude scale is unknown and amplitudes are withheld."""
    seen: dict[str, float]
    """Per lead: share of the samples that hold a value, 0..1."""
    filters: list[str]
    notes: list[str]
    patient: PatientObject
    start: str | None
    """Start of the recording, ISO 8601, local time of the device."""


class Info(TypedDict):
    """`ecground info FILE`."""

    record: RecordObject
    device: Device


class BadStretch(TypedDict):
    """A part of one lead that was left out."""

    start: int
    """First sample."""
    stop: int
    """One past the last sample."""
    kind: str


class LeadQualityRow(TypedDict):
    """Signal quality of one lead."""

    sqi: float | None
    """0 (nothing to read) .. 1 (clean)."""
    usable: bool
    """Whether waves may be measured in this lead at all."""
    lead_off: bool
    """Flat or saturated for most of the time: the electrode was not in contact."""
    reasons: list[str]
    """Kinds of disturbance above their threshold, worst first: missing flat saturated wander step muscle burst mains
    amplitude digitized (a doubtful reading of a picture)."""
    seen: float | None
    """Share of the samples that hold a value."""
    flat: float | None
    clipped: float | None
    wander_mv: float | None
    step_mv: float | None
    muscle_mv: float | None
    mains_mv: float | None
    amplitude_mv: float | None
    bad: list[BadStretch]


class QualityObject(TypedDict):
    """Signal quality, and what makes a reader doubt the recording."""

    summary: str
    """One or two sentences for a person."""
    sqi: float | None
    """Median of the leads that were seen."""
    usable: list[str]
    """Leads that may be measured."""
    leads: dict[str, LeadQualityRow]
    mains_hz: float | None
    """Mains frequency found."""
    einthoven_mv: float | None
    """Largest rms by which the limb leads miss Einthoven's and Goldberger's relations; null when not testable."""
    notes: list[str]


class MeasuredValue(TypedDict):
    """One number or word, with what it rests on."""

    value: float | str | None
    """null unless state is `measured`."""
    unit: str
    state: Literal["measured", "absent", "unmeasurable"]
    leads: list[str]
    """Leads it was measured in; empty = all leads jointly."""
    beats: list[int]
    """Rows of `fiducials` it rests on; empty = all dominant beats."""
    span: list[int] | None
    """First and last sample of one representative stretch."""
    n: int
    """Number of beats behind the value."""
    iqr: float | None
    confidence: float
    why: str


class Beats(TypedDict):
    """Per-beat values; every list has one entry a row of `fiducials`."""

    kind: list[str]
    """N (dominant or normal), S, V, paced, Q (unclassifiable), p (a P wave without QRS)."""
    r_peak: list[Position]
    """Reference sample of the beat; null in P-only rows."""
    joint: dict[str, list[float | None]]
    """Measure -> values over all leads jointly."""
    leads: dict[str, dict[str, list[float | None]]]
    """Lead -> measure -> values."""


class MeasurementsObject(TypedDict):
    """Everything that was measured."""

    record: dict[str, MeasuredValue]
    leads: dict[str, dict[str, MeasuredValue]]
    beats: Beats
    sequences: dict[str, dict[str, list[float | str | None]]]
    """Lead -> one of the 14 per-beat sequences of GEM and MEETI (QT here runs from QRS onset to T end) -> one entry a
    QRS complex."""
    notes: list[str]


class Measure(TypedDict):
    """`ecground measure FILE`."""

    fs: float
    quality: QualityObject | None
    device: Device
    measurements: MeasurementsObject


class Row(TypedDict):
    """Marks of one beat, or of one P wave without a QRS; samples, null where there is none."""

    p_on: Position
    p_peak: Position
    p_off: Position
    qrs_on: Position
    q: Position
    r_peak: Position
    s: Position
    qrs_off: Position
    t_on: Position
    t_peak: Position
    t_off: Position
    why: dict[str, Why] | None
    """Reason for each null: by wave (`p`, `qrs`, `t`) where the whole wave is missing, by mark where one mark of a
    present wave is; null when all eleven marks are there."""


Fiducials = TypedDict("Fiducials", {"fs": float, "leads": dict[str, list[Row]], "global": list[Row]})
"""`ecground fiducials FILE`: the same rows, in the same order, per lead and over all leads jointly (`global`)."""


class EvidenceRow(TypedDict):
    """One measured value held against one threshold."""

    measure: str
    value: float | str | None
    unit: str
    leads: list[str]
    beats: list[int]
    span: list[int] | None
    comparison: str
    threshold: float | str | list[float | None] | None
    confidence: float
    supports: bool
    """True when the value speaks for the statement, false when it speaks against it."""
    boxes: NotRequired[list[BoxRow]]
    """Where `span` stands on the picture that the record was read from; left out for recordings."""


class CriterionRow(TypedDict):
    """One published criterion, applied."""

    id: str
    source: str
    checked: bool
    """True when the threshold was read in its source."""
    met: bool | None
    """null = could not be judged."""
    margin: float | None
    """Signed distance to the threshold in units of its tolerance; >= 0 when met."""
    evidence: list[EvidenceRow]


class FindingRow(TypedDict):
    """One coded statement with its certainty and the evidence for and against it."""

    scp: str | None
    """SCP-ECG code as PTB-XL spells it; in `superclasses`, the superclass."""
    snomed: str | None
    statement: str
    probability: float
    present: bool
    judged: bool
    """False: quality, age, missing leads or a missing rule do not allow a verdict; `why` says which."""
    why: str
    criteria: list[CriterionRow]


class EpisodeRow(TypedDict):
    """Something that lasted from one beat of a long record to another."""

    key: str
    """SCP code, ecground's key of the statement, or PAUSE, PVC_RUN, PAC_RUN."""
    statement: str
    onset: int
    """First sample."""
    end: int
    """Last sample."""
    onset_s: float
    """Time of the first sample from the start of the record [s]."""
    end_s: float
    n_beats: int
    """QRS complexes in it."""
    rate_bpm: float | None
    """Ventricular rate [1/min]; null when it cannot be told."""
    evidence: list[EvidenceRow]


class Findings(TypedDict):
    """`ecground findings FILE`."""

    statements: list[FindingRow]
    """One row for each of PTB-XL's 71 SCP codes."""
    superclasses: list[FindingRow]
    """NORM, MI, STTC, CD, HYP."""
    other: list[FindingRow]
    """Statements without an SCP code."""
    episodes: list[EpisodeRow] | None
    """Rhythm from beat to beat in records longer than 30 s, in order of onset; null for shorter ones."""


class ClaimRow(TypedDict):
    """One checkable assertion of a text, and the verdict of the measurements on it."""

    text: str
    span: list[int]
    """Start and end of the words in the text, as character offsets."""
    finding: str | None
    """SCP code or ecground's key of the statement."""
    lead: str | None
    """The lead, or several separated by spaces; null = no lead named."""
    leads: list[str]
    beats: list[int]
    """QRS complexes the claim names, counted from 1; empty = none named."""
    n_beats: int | None
    """Number of beats the text says its value rests on."""
    measure: str | None
    value: float | str | None
    """Number in `unit`, or the word of a form (`rSR'`)."""
    value_high: float | None
    """Upper bound of a claimed range."""
    comparison: str
    unit: str
    polarity: Literal["present", "absent", "uncertain"]
    verdict: Literal["supported", "contradicted", "unverifiable"] | None
    why: str
    evidence: list[EvidenceRow]


class Check(TypedDict):
    """`ecground check FILE --text STRING`."""

    claims: list[ClaimRow]


class ModelReading(TypedDict):
    """The language model's reading, marked as such, with a verdict on each of its claims."""

    raw: str
    text: str
    claims: list[ClaimRow]


class Problem(TypedDict):
    """A step that failed; what the other steps found is kept."""

    step: str
    code: str
    what: str
    hint: str


class Interpret(TypedDict):
    """`ecground interpret FILE`."""

    record: RecordObject
    quality: QualityObject | None
    device: Device
    measurements: MeasurementsObject | None
    findings: Findings | None
    page: PageObject | None
    """How the picture was read; null for recordings."""
    text: str
    claims: list[ClaimRow]
    """The claims of `text`, checked."""
    model: ModelReading | None
    """null when no language model is installed."""
    problems: list[Problem]
    disclaimer: str


class Change(TypedDict):
    """One difference between two recordings."""

    measure: NotRequired[str]
    """Measure name; a change of a measured value."""
    code: NotRequired[str]
    """SCP code or statement key; a finding that came or went."""
    old: float | bool
    """Value; for a finding whether it was present."""
    new: float | bool
    delta: float | None
    """new - old, axes the shorter way round; null for a finding."""
    unit: str
    beyond_repeatability: bool
    """True when the difference is larger than repeated recordings of an unchanged heart show."""
    lead: str | None
    limit: float | None
    """The smallest difference that counts as real, in `unit`."""


class Compare(TypedDict):
    """`ecground compare OLD NEW`; `file` is NEW."""

    old_file: str
    changes: list[Change]
    text: str
    claims: list[ClaimRow]
    disclaimer: str


class FormatRow(TypedDict):
    """One file format."""

    name: str
    description: str
    reads: bool
    writes: bool
    verified: int | None
    """Files of real devices or published collections whose samples agreed with an independent reader; 0: unverified, no
    sample is known; null: no device's format."""


class Formats(TypedDict):
    """`ecground formats`; `file` is null."""

    formats: list[FormatRow]


class DeidRow(TypedDict):
    """One kind of change at one place; never the value itself."""

    where: str
    """The place, by the names of the format; names that no table knows are "(unknown)"."""
    what: str
    """The kind of content: `name`, `identifier`, `date`, `free text`, `device` ..."""
    action: Literal["removed", "replaced", "shifted", "hashed"]
    count: int


class Deid(TypedDict):
    """`ecground deid FILE... -o OUT`; `file` is the copy's name, or a pseudonym where there is none."""

    format: str
    """Name of the format, of the original and of the copy."""
    files: list[str]
    """Everything written in OUT for this recording."""
    removed: list[DeidRow]
    kept: list[str]
    """What is still in the copy."""
    could_not: list[str]
    """What de-identification does not do for this file."""
    disclaimer: str


KINDS: Final[Mapping[str, type]] = {
    "info": Info, "measure": Measure, "fiducials": Fiducials, "findings": Findings, "check": Check,
    "interpret": Interpret, "compare": Compare, "formats": Formats, "corpus": Corpus,
    "deid": Deid, "digitize": Digitize,
}
"""Command -> the fields it adds to the Envelope."""
