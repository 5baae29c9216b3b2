"""De-identified copies of DICOM waveform objects: the basic profile of PS3.15 annex E, from a list of what stays.

Contract: the copy holds the attributes of the tables and nothing else, at any depth: no private attributes, no
preamble, no unused bytes after the samples. Waveform data keep every byte of the declared samples. UIDs are replaced by
keyed ones, the same for the same; the name and identifier of the patient by one pseudonym.
Options: clean structured content (113104), clean descriptors (113105), modified dates (113107), patient
characteristics (113108: sex, and age up to 89).
Reference: DICOM PS3.15 annex E, PS3.16 CID 7050, PS3.3 C.12.1.1.
"""

from __future__ import annotations

import re
import warnings
from datetime import date, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from ecground.errors import CorruptInputError, EcgroundError, NoSignalError, UnsafeInputError
from ecground.io.channels import patient_age, patient_sex
from ecground.io.deid import table
from ecground.io.deid.dates import Dates, Key, capped, identity_of
from ecground.io.deid.ledger import Ledger
from ecground.io.deid.vocabulary import is_statement, is_time, is_unit
from ecground.io.source import Source

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

__all__ = ["METHODS", "deidentified_dicom"]

METHODS: Final = (
    ("113100", "Basic Application Confidentiality Profile"), ("113104", "Clean Structured Content Option"),
    ("113105", "Clean Descriptors Option"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    ("113108", "Retain Patient Characteristics Option"),
)
"""Codes of scheme DCM that say what was done (CID 7050)."""
_SCHEMES: Final = frozenset(("SCPECG", "MDC", "UCUM", "DCM", "SCT", "SRT", "SNM3", "LN"))
_CODE: Final = re.compile(r"\d{1,6}|[\d.:]{1,12}(-\d{1,5}){0,3}|[A-Z]\d?-[0-9A-F]{4,6}")
_CODE_VERSION: Final = re.compile(r"[vV]?\d{1,4}(\.\d{1,4}){0,2}")
_DECIMAL: Final = re.compile(r"[-+]?\d{0,8}(\.\d{0,12})?([eE][-+]?\d{1,2})?")
_STANDARD_UID: Final = re.compile(r"1\.2\.840\.10008(\.\d{1,6}){1,12}")
_LONGEST_PADDING: Final = 4
_DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_SYNTAXES: Final = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")


def deidentified_dicom(source: Source, key: Key, ledger: Ledger) -> bytes:
    """The object without what identifies a person; `ledger` gets what was done.

    Raises:
        NoSignalError: an object without waveform (image, PDF, report), which this cannot clean.
        CorruptInputError: a damaged object.
        UnsafeInputError: a deflated object.
    """
    if _DEFLATED.encode() in source.data[:4096]:
        raise UnsafeInputError("a deflated DICOM object", where=source.name, hint="store it uncompressed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _copied(source, key, ledger)
        except EcgroundError:
            raise
        except Exception as error:  # noqa: BLE001 - pydicom raises every kind of exception on damaged objects
            raise CorruptInputError(
                f"a damaged DICOM object ({type(error).__name__})", where=source.name, hint="export it again",
            ) from None


def _copied(source: Source, key: Key, ledger: Ledger) -> bytes:
    from pydicom import dcmread

    given = dcmread(BytesIO(source.data), force=True)
    if not given.get("WaveformSequence"):
        raise NoSignalError("the DICOM object holds no waveform", where=source.name,
                            hint="images, documents and reports cannot be de-identified here")
    who = identity_of(str(given.get("PatientID") or ""), str(given.get("PatientName") or ""))
    if who is None:
        ledger.regret("the object names no patient: its dates moved by an offset of its own")
        who = key.pseudonym("content", source.data)
    copy = _Copy(key, key.dates(who), ledger, little=given.original_encoding[1] is not False)
    made = copy.dataset(given, "")
    _put_patient(made, given, key, who, ledger)
    _put_method(made)
    _note_outside(source.data, given, ledger)
    ledger.keep("samples", "lead names", "sampling rate", "measurements", "coded concepts of public schemes",
                "statements in known words", "sex", "age (90 for more than 89)", "time of day")
    return _written(made, given, key)


class _Copy:
    """Copies what the tables keep."""

    def __init__(self, key: Key, dates: Dates, ledger: Ledger, *, little: bool) -> None:
        self._key, self._dates, self._ledger, self._little = key, dates, ledger, little

    def dataset(self, given: Dataset, path: str) -> Dataset:
        """A new data set with the elements that stay."""
        from pydicom.dataset import Dataset

        made = Dataset()
        for element in given:
            keyword = element.keyword
            if element.tag.is_private or not keyword:
                self._ledger.note(f"{path}(private)" if element.tag.is_private else f"{path}(unknown)", "private data")
            elif keyword in table.DICOM_SEQUENCES and element.VR == "SQ":
                items = (self._item(one, keyword, f"{path}{keyword}/") for one in element.value)
                setattr(made, keyword, [item for item in items if item])
            elif keyword not in _HANDLED_ELSEWHERE:
                value = self._value(element, given, path)
                if value is not None:
                    setattr(made, keyword, value)
        return made

    def _item(self, given: Dataset, keyword: str, path: str) -> Dataset | None:
        """One item; None for a code of an unknown scheme and for an annotation that lost its content."""
        scheme = str(given.get("CodingSchemeDesignator") or "")
        if "CodeValue" in given and scheme not in _SCHEMES:
            self._ledger.note(path.rstrip("/"), "code of no public scheme")
            return None
        made = self.dataset(given, path)
        if keyword == "WaveformAnnotationSequence" and not _ANNOTATION_CONTENT & {one.keyword for one in made}:
            self._ledger.note(path.rstrip("/"), "annotation without content left")
            return None
        return made

    def _value(self, element: DataElement, given: Dataset, path: str) -> Any:  # noqa: ANN401 - any VR
        """The value that stays, None for none."""
        keyword, value = element.keyword, element.value
        if value is None or value == "":
            return None
        kept, action = self._judged(keyword, value, given)
        if kept is None:
            self._ledger.note(f"{path}{keyword}", _kind(keyword, element.VR))
        elif kept != value and action:
            self._ledger.note(f"{path}{keyword}", _kind(keyword, element.VR), action)
        return kept

    def _judged(self, keyword: str, value: Any, given: Dataset) -> tuple[Any, Any]:  # noqa: ANN401 - any VR
        """What stays of a value, and what to call the change."""
        said = str(value).strip()
        if keyword == "WaveformData":
            return self._samples(given, bytes(value)), "removed"
        if keyword == "WaveformPaddingValue":
            return (value if isinstance(value, int) or len(bytes(value)) <= _LONGEST_PADDING else None), None
        if keyword in table.DICOM_NUMBERS:
            return _numbers(value), None
        if keyword in table.DICOM_CODES or keyword in table.DICOM_TEXTS or keyword == "CodeMeaning":
            kept = said if is_statement(said) else "removed" if keyword == "CodeMeaning" else None
            return kept, "replaced"
        if keyword in table.DICOM_CODED:
            return (said if _is_code(keyword, said, given) else "0" if keyword == "CodeValue" else None), "replaced"
        if keyword == "SOPClassUID":
            return (said if _STANDARD_UID.fullmatch(said) else None), None
        if keyword in table.DICOM_UIDS:
            return self._key.uid(said), "hashed"
        if keyword in table.DICOM_DATES:
            return self._dates.text(said), "shifted"
        if keyword in table.DICOM_TIMES:
            return (said if is_time(said) else None), None
        return None, None

    def _samples(self, group: Dataset, data: bytes) -> bytes:
        """The bytes of the declared samples; what follows them goes."""
        size = int(group.NumberOfWaveformChannels) * int(group.NumberOfWaveformSamples) * \
            int(group.WaveformBitsAllocated) // 8
        if len(data) < size:
            raise CorruptInputError(f"{size} bytes of samples declared, {len(data)} present", where="WaveformData",
                                    hint="the object is damaged")
        return data[:size] + b"\0" * (size % 2)


_HANDLED_ELSEWHERE: Final = frozenset(("SpecificCharacterSet", "PatientAge", "PatientSex"))
_ANNOTATION_CONTENT: Final = frozenset((
    "UnformattedTextValue", "NumericValue", "ReferencedSamplePositions", "ConceptCodeSequence",
))


def _numbers(value: Any) -> Any:  # noqa: ANN401 - one number or several, binary or as text
    values = list(value) if isinstance(value, (list, tuple)) or hasattr(value, "append") else [value]
    for one in values:
        if not isinstance(one, (int, float)) and not _DECIMAL.fullmatch(str(one).strip()):
            return None
    written = [one.original_string.strip() if getattr(one, "original_string", None) else one for one in values]
    if any(isinstance(one, str) and not _DECIMAL.fullmatch(one) for one in written):
        return None
    return written if len(written) != 1 else written[0]


def _is_code(keyword: str, said: str, given: Dataset) -> bool:
    scheme = str(given.get("CodingSchemeDesignator") or "")
    if keyword == "CodingSchemeDesignator":
        return said in _SCHEMES
    if keyword == "CodingSchemeVersion":
        return _CODE_VERSION.fullmatch(said) is not None
    if scheme == "UCUM":
        return is_unit(said)
    if scheme == "SCT":
        return re.fullmatch(r"\d{6,18}", said) is not None
    return _CODE.fullmatch(said) is not None or is_statement(said)


def _kind(keyword: str, vr: str) -> str:
    by_vr = {"PN": "name", "DA": "date", "DT": "date", "TM": "time", "UI": "uid", "SQ": "sequence", "OB": "binary data",
             "OW": "binary data", "UN": "binary data", "AS": "age"}
    words = (("Institution", "institution"), ("Device", "device"), ("Station", "device"), ("Manufacturer", "device"),
             ("Software", "device"), ("Address", "address"), ("ID", "identifier"), ("Number", "identifier"))
    return by_vr.get(vr) or next((kind for word, kind in words if word in keyword), "free text")


def _put_patient(made: Dataset, given: Dataset, key: Key, who: str, ledger: Ledger) -> None:
    """Pseudonym, sex, capped age (from the dates where the object states none), and empty required attributes."""
    name = key.pseudonym("patient", who)
    made.PatientName = made.PatientID = name
    for keyword in ("PatientName", "PatientID"):
        if given.get(keyword):
            ledger.note(keyword, "name" if keyword == "PatientName" else "identifier", "hashed")
    for keyword in table.DICOM_EMPTY:
        setattr(made, keyword, "")
    made.PatientSex = patient_sex(str(given.get("PatientSex") or "")) or \
        ("O" if str(given.get("PatientSex") or "") == "O" else "")
    stated = str(given.get("PatientAge") or "").strip()
    years = patient_age(stated) if re.fullmatch(r"\d{1,3}[DWMY]", stated) else _years(given)
    if years is not None:
        made.PatientAge = stated if stated and capped(years) == years else f"{int(capped(years)):03d}Y"
        if made.PatientAge != stated:
            ledger.note("PatientAge", "age", "replaced")


def _years(given: Dataset) -> float | None:
    """Whole years between the dates of birth and study."""
    born, then = (_day(str(given.get(name) or "")) for name in ("PatientBirthDate", "StudyDate"))
    if born is None or then is None:
        return None
    years = int((then - born).days / 365.25)
    return float(years) if 0 <= years <= 130 else None


def _day(said: str) -> date | None:
    try:
        return datetime.strptime(said[:8], "%Y%m%d").date()
    except ValueError:
        return None


def _put_method(made: Dataset) -> None:
    """How the object was de-identified."""
    from pydicom.dataset import Dataset

    codes = []
    for value, meaning in METHODS:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
        codes.append(code)
    made.SpecificCharacterSet = "ISO_IR 192"
    made.PatientIdentityRemoved = "YES"
    made.DeidentificationMethod = "ecground deid"
    made.DeidentificationMethodCodeSequence = codes
    made.LongitudinalTemporalInformationModified = "MODIFIED"


def _note_outside(data: bytes, given: Dataset, ledger: Ledger) -> None:
    """What lies around the data set."""
    if data[128:132] == b"DICM" and data[:128].strip(b"\0"):
        ledger.note("preamble", "hidden bytes")
    meta = getattr(given, "file_meta", None)
    for element in meta or ():
        if element.keyword not in _META:
            ledger.note(f"file meta/{element.keyword or '(private)'}", "device")


_META: Final = frozenset((
    "FileMetaInformationGroupLength", "FileMetaInformationVersion", "MediaStorageSOPClassUID",
    "MediaStorageSOPInstanceUID", "TransferSyntaxUID", "ImplementationClassUID",
))


def _written(made: Dataset, given: Dataset, key: Key) -> bytes:
    from pydicom import dcmwrite
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID

    if "SOPClassUID" not in made:
        raise CorruptInputError("an object without a standard SOP class", where="SOPClassUID")
    if "SOPInstanceUID" not in made:
        made.SOPInstanceUID = key.uid(str(made.PatientID))
    meta = FileMetaDataset()
    implicit, little = given.original_encoding
    meta.TransferSyntaxUID = UID(_SYNTAXES[0 if implicit else 1 if little is not False else 2])
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = made.SOPClassUID, made.SOPInstanceUID
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    made.file_meta = meta
    stream = BytesIO()
    dcmwrite(stream, made, enforce_file_format=True)
    return stream.getvalue()
