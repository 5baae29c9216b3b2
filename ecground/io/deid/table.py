"""The tables of fields: for every format, what stays and in which form. Whatever no row names is removed.

Contract: a row of an XML table is a pattern of the path (`/` between elements, `@` before an attribute, `*` for any
part, the root left out) and a rule; the first row that fits decides. A rule is also a check: a value that does not look
as the rule expects is removed, wherever it stands. DICOM attributes go by keyword, whatever their depth; SCP-ECG by tag
of section 1 and by section.
Reference: DICOM PS3.15 annex E, table E.1-1 (this list keeps less than the basic profile would); EN 1064 5.4; HL7 aECG
R1; GE MUSE, Philips Sierra and Schiller exports as observed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = [
    "DICOM_CODED", "DICOM_CODES", "DICOM_DATES", "DICOM_EMPTY", "DICOM_NUMBERS", "DICOM_SEQUENCES", "DICOM_TEXTS",
    "DICOM_TIMES", "DICOM_UIDS", "SCP_DROPPED", "SCP_KEPT_TAGS", "SCP_TAGS", "SCP_TIMES", "XML", "Rule", "Tree",
]


class Rule(StrEnum):
    """What happens to a value."""

    REMOVE = "remove"
    PATIENT = "identifier"
    """Replaced by the patient's pseudonym."""
    UID = "uid"
    """Replaced by a keyed UID."""
    DATE = "date"
    """Moved."""
    MOMENT = "moment"
    """Moved when it is a date, kept when it is a short number (a time relative to the start)."""
    BIRTH = "birth date"
    """Replaced by a date that gives the same age in whole years, 90 for more than 89."""
    TIME = "time of day"
    """Kept when it is one."""
    AGE = "age"
    SEX = "sex"
    NUMBER = "number"
    """Kept when it is one short number."""
    STATEMENT = "statement"
    """Kept, line by line, when it is made of electrocardiographic words."""
    VALUE = "value"
    """Kept when it is a short number, a unit or a statement."""
    VERSION = "version"
    """Kept when it is a version of a format (`1.04.01`)."""
    OID = "code system"
    """Kept when it names a public code system."""
    SAMPLES = "samples"
    """Kept when it is base64 or a list of numbers."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The table of one XML format."""

    root: str
    """Name that the root element gets."""
    namespace: str
    """Namespace declared there; may be empty."""
    rules: tuple[tuple[str, Rule], ...]
    identity: tuple[str, ...]
    """Paths that identify the patient, best first."""
    started: tuple[str, ...]
    """Paths of the recording's date, best first."""


_AECG: Final = Tree(
    root="AnnotatedECG", namespace="urn:hl7-org:v3",
    identity=("*trialSubject/id@extension", "*subjectDemographicPerson/PatientID", "*subjectDemographicPerson/name",
              "*subjectDemographicPerson/name/family", "*trialSubject/id@root"),
    started=("component/series/effectiveTime/low@value", "effectiveTime/low@value", "effectiveTime/center@value",
             "component/series/effectiveTime/center@value"),
    rules=(
        ("*subjectDemographicPerson/birthTime@value", Rule.BIRTH),
        ("*administrativeGenderCode@code", Rule.SEX), ("*administrativeGenderCode@codeSystem", Rule.OID),
        ("*trialSubject/id@extension", Rule.PATIENT), ("*trialSubject/id@root", Rule.UID),
        ("*clinicalTrial/*", Rule.REMOVE), ("*subjectDemographicPerson/*", Rule.REMOVE),
        ("*trialSubject/*", Rule.REMOVE), ("*assignedEntity/*", Rule.REMOVE), ("*/addr/*", Rule.REMOVE),
        ("*treatmentGroupAssignment/*", Rule.REMOVE), ("*Performer/*", Rule.REMOVE), ("*seriesAuthor/*", Rule.REMOVE),
        ("*subjectFindingComment*", Rule.REMOVE), ("*confidentialityCode*", Rule.REMOVE),
        ("location/*", Rule.REMOVE), ("*/name", Rule.REMOVE),
        ("controlVariable/relatedObservation/value@value", Rule.AGE),
        ("id@root", Rule.UID), ("*series/id@root", Rule.UID), ("*derivedSeries/id@root", Rule.UID),
        ("*effectiveTime*@value", Rule.DATE), ("*activityTime*@value", Rule.DATE),
        ("*head@value", Rule.MOMENT), ("*low@value", Rule.MOMENT), ("*high@value", Rule.MOMENT),
        ("*center@value", Rule.MOMENT), ("*@value", Rule.NUMBER), ("*@unit", Rule.VALUE),
        ("*@codeSystem", Rule.OID), ("*@codeSystemName", Rule.STATEMENT), ("*@displayName", Rule.STATEMENT),
        ("*@code", Rule.VALUE), ("*@type", Rule.STATEMENT), ("*@inclusive", Rule.STATEMENT),
        ("*@classCode", Rule.STATEMENT), ("*@typeCode", Rule.STATEMENT), ("*@moodCode", Rule.STATEMENT),
        ("*value/digits", Rule.SAMPLES), ("*annotation/value", Rule.STATEMENT), ("*annotation/text", Rule.STATEMENT),
        ("*controlVariable/value", Rule.STATEMENT),
    ),
)

_MUSE: Final = Tree(
    root="RestingECG", namespace="",
    identity=("PatientDemographics/PatientID", "PatientDemographics/PatientLastName"),
    started=("TestDemographics/AcquisitionDate",),
    rules=(
        ("PatientDemographics/PatientID", Rule.PATIENT), ("PatientDemographics/PatientAge", Rule.AGE),
        ("PatientDemographics/AgeUnits", Rule.STATEMENT), ("PatientDemographics/Gender", Rule.SEX),
        ("PatientDemographics/DateofBirth", Rule.BIRTH), ("PatientDemographics/*", Rule.REMOVE),
        ("TestDemographics/AcquisitionDate", Rule.DATE), ("TestDemographics/AcquisitionTime", Rule.TIME),
        ("TestDemographics/DataType", Rule.STATEMENT), ("TestDemographics/*", Rule.REMOVE),
        ("MuseInfo/MuseVersion", Rule.VERSION),
        ("*RestingECGMeasurements/*", Rule.VALUE), ("*Diagnosis/*StmtText", Rule.STATEMENT),
        ("*Diagnosis/*StmtFlag", Rule.STATEMENT), ("*Diagnosis/Modality", Rule.STATEMENT),
        ("IntervalMeasurements/*", Rule.VALUE), ("AmplitudeMeasurements/*", Rule.VALUE),
        ("QRSTimesTypes/*", Rule.VALUE), ("MeasurementMatrix", Rule.SAMPLES),
        ("Waveform/LeadData/WaveFormData", Rule.SAMPLES), ("Waveform/*", Rule.VALUE),
    ),
)

_SIERRA: Final = Tree(
    root="restingecgdata", namespace="http://www3.medical.philips.com",
    identity=("patient/generalpatientdata/patientid", "patient/generalpatientdata/MRN",
              "patient/generalpatientdata/name/lastname"),
    started=("dataacquisition@date", "interpretations/interpretation@date"),
    rules=(
        ("documentinfo/documenttype", Rule.STATEMENT), ("documentinfo/documentversion", Rule.VERSION),
        ("patient/generalpatientdata/patientid", Rule.PATIENT), ("patient/generalpatientdata/sex", Rule.SEX),
        ("patient/generalpatientdata/age/dateofbirth", Rule.BIRTH), ("patient/generalpatientdata/age/years", Rule.AGE),
        ("patient/generalpatientdata/age/*", Rule.NUMBER), ("patient/generalpatientdata/pacestatus", Rule.STATEMENT),
        ("dataacquisition@date", Rule.DATE), ("dataacquisition@time", Rule.TIME),
        ("dataacquisition/signalcharacteristics/*", Rule.VALUE),
        ("measurements@date", Rule.DATE), ("measurements@time", Rule.TIME), ("measurements/*", Rule.VALUE),
        ("internalmeasurements@date", Rule.DATE), ("internalmeasurements@time", Rule.TIME),
        ("internalmeasurements/*", Rule.VALUE),
        ("interpretations/interpretation@date", Rule.DATE), ("interpretations/interpretation@time", Rule.TIME),
        ("*mdsignatureline*", Rule.REMOVE), ("*clinician*", Rule.REMOVE),
        ("*interpretationdatastructure*", Rule.REMOVE),
        ("interpretations/*statement/*", Rule.STATEMENT), ("interpretations/interpretation/severity*", Rule.STATEMENT),
        ("interpretations/*measurements*", Rule.VALUE),
        ("waveforms/parsedwaveforms", Rule.SAMPLES), ("waveforms/repbeats/repbeat", Rule.SAMPLES),
        ("waveforms/repbeats/repbeat/waveform", Rule.SAMPLES), ("waveforms/*", Rule.VALUE),
    ),
)

_SCHILLER: Final = Tree(
    root="SchillerEDI", namespace="",
    identity=("*patdata/id", "*patdata/lastname"), started=("*startdatetime/date",),
    rules=(
        ("*patdata/id", Rule.PATIENT), ("*patdata/birthdate", Rule.BIRTH), ("*patdata/gender", Rule.SEX),
        ("*patdata/pacemaker/value", Rule.VALUE), ("*patdata/*", Rule.REMOVE),
        ("*startdatetime/date", Rule.DATE), ("*startdatetime/time", Rule.TIME),
        ("*examdescript/rectype", Rule.STATEMENT), ("*examdescript/*", Rule.REMOVE),
        ("schillerinternals/*", Rule.REMOVE), ("*wavedata/channel/data", Rule.SAMPLES),
        ("*textdata/type", Rule.STATEMENT), ("*textdata*", Rule.STATEMENT), ("*eventdata/*", Rule.VALUE),
    ),
)

_CARDIOSOFT: Final = Tree(
    root="CardiologyXML", namespace="",
    identity=("PatientInfo/PID", "PatientInfo/Name/FamilyName"), started=(),
    rules=(
        ("ObservationType", Rule.STATEMENT), ("PatientInfo/PID", Rule.PATIENT), ("PatientInfo/Age", Rule.AGE),
        ("PatientInfo/Age@units", Rule.STATEMENT), ("PatientInfo/Gender", Rule.SEX),
        ("FilterSetting/*", Rule.VALUE), ("*/WaveformData", Rule.SAMPLES), ("*StripData/*", Rule.VALUE),
        ("RestingECGMeasurements/*", Rule.VALUE), ("Interpretation/*", Rule.STATEMENT),
    ),
)

XML: Final[Mapping[str, Tree]] = {
    "aecg": _AECG, "muse": _MUSE, "sierra": _SIERRA, "schiller": _SCHILLER, "cardiosoft": _CARDIOSOFT,
}
"""Name in FORMATS -> table."""

DICOM_SEQUENCES: Final = frozenset((
    "AcquisitionContextSequence", "ChannelDefinitionSequence", "ChannelSensitivityUnitsSequence",
    "ChannelSourceModifiersSequence", "ChannelSourceSequence", "ConceptCodeSequence", "ConceptNameCodeSequence",
    "MeasurementUnitsCodeSequence", "ModifierCodeSequence", "WaveformAnnotationSequence", "WaveformSequence",
))
DICOM_NUMBERS: Final = frozenset((
    "AnnotationGroupNumber", "ChannelBaseline", "ChannelMaximumValue", "ChannelMinimumValue", "ChannelOffset",
    "ChannelSampleSkew", "ChannelSensitivity", "ChannelSensitivityCorrectionFactor", "ChannelTimeSkew",
    "FilterHighFrequency", "FilterLowFrequency", "InstanceNumber", "MultiplexGroupTimeOffset", "NotchFilterBandwidth",
    "NotchFilterFrequency", "NumberOfWaveformChannels", "NumberOfWaveformSamples", "NumericValue",
    "ReferencedSamplePositions", "ReferencedTimeOffsets", "ReferencedWaveformChannels", "SamplingFrequency",
    "SeriesNumber", "TriggerSamplePosition", "TriggerTimeOffset", "WaveformBitsAllocated", "WaveformBitsStored",
    "WaveformChannelNumber",
))
DICOM_CODES: Final = frozenset((
    "AcquisitionTimeSynchronized", "ChannelStatus", "Laterality", "Modality", "SynchronizationTrigger",
    "TemporalRangeType", "ValueType", "WaveformOriginality", "WaveformSampleInterpretation",
))
"""Attributes of VR CS; kept when made of known words."""
DICOM_TEXTS: Final = frozenset((
    "ChannelDerivationDescription", "ChannelLabel", "FilterLowFrequencyCharacteristicDescription", "InterpretationText",
    "MultiplexGroupLabel", "UnformattedTextValue",
))
"""Free text; kept when it is a statement."""
DICOM_CODED: Final = frozenset(("CodeMeaning", "CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion"))
DICOM_UIDS: Final = frozenset((
    "FrameOfReferenceUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID",
    "SynchronizationFrameOfReferenceUID",
))
DICOM_DATES: Final = frozenset(("AcquisitionDate", "AcquisitionDateTime", "ContentDate", "SeriesDate", "StudyDate"))
DICOM_TIMES: Final = frozenset(("AcquisitionTime", "ContentTime", "SeriesTime", "StudyTime"))
DICOM_EMPTY: Final = ("AccessionNumber", "Manufacturer", "PatientBirthDate", "ReferringPhysicianName", "StudyID")
"""Type 2 attributes: they must be there and may be empty."""

SCP_TAGS: Final[Mapping[int, str]] = {
    0: "name", 1: "name", 2: "identifier", 3: "name", 5: "birth date", 6: "height", 7: "weight", 9: "race", 10: "drugs",
    11: "blood pressure", 12: "blood pressure", 13: "free text", 14: "device", 15: "device", 16: "institution",
    17: "institution", 18: "institution", 19: "institution", 20: "name", 21: "name", 22: "name", 23: "institution",
    24: "status", 30: "free text", 31: "identifier", 32: "medical history", 33: "status", 34: "time zone",
    35: "free text",
}
"""Tag of section 1 that goes -> its kind of content; other tags that are not kept are "unknown"."""
SCP_KEPT_TAGS: Final[Mapping[int, int]] = {4: 3, 8: 1, 25: 4, 26: 3, 27: 2, 28: 2, 29: 1}
"""Tag that stays (age, sex, date, time, filters) -> bytes that it holds; the age is capped and the date moved."""
SCP_TIMES: Final = (8, 11)
"""Sections that begin with the date of the report and hold statements."""
SCP_DROPPED: Final[Mapping[int, str]] = {9: "manufacturer's data", 10: "manufacturer's data"}
"""Sections that go whole, as every section above 11 does."""
