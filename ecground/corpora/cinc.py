"""PhysioNet/CinC Challenges 2020 and 2021: seven collections as WFDB headers with SNOMED CT codes.

Layout: headers anywhere below the folder, as the releases lay them out (`training/georgia/g1/E00001.{hea,mat}`) or all
in one folder; the source is told by the first letters of the record name. Header comments hold `Dx`, `Age` and `Sex`.
Known defects, repeated in each Case:
- Gain: headers of the first releases give 4880 adu/mV for Georgia, 2000000 for PTB and 200 for PTB-XL; the samples were
  1000 adu/mV all along (the release of August 2020 changed the headers and left samples and checksums alone; S0001 is
  the PTB Diagnostic ECG Database's s0010_re to 0.1 %). Exactly these gains in exactly these sources are read as 1000.
  Any other gain is believed unless the amplitudes are impossible; they are then withheld, never rescaled.
- `Dx` lists end with or repeat commas and repeat codes; codes of one meaning differ between sources (`EQUIVALENT`).
- `Age` is `NaN`, negative or absent where unknown, and 300 for 90 or more; `Sex` may be `NaN`.
- Patients are not named although PTB, PTB-XL and INCART hold several recordings of one person: random splits leak.
- PTB is sampled at 1000 Hz, INCART at 257 Hz; lengths run from 6 s to half an hour.
- E04603, E06072, E06909, E07675, E07941 and E08321 overflow 16 bits at R peaks; Q0400 and Q2961 are constant.
Reference: Perez Alday et al. 2020, Physiol Meas 41:124003; Reyna et al. 2021, CinC 48; CC BY 4.0 (INCART: ODC-By).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from ecground.corpora.amplitude import is_plausible, rescaled, typical_mv, withheld
from ecground.corpora.case import Case, Terms, is_number
from ecground.errors import EcgroundError, NotFoundError, UsageError
from ecground.io import read
from ecground.io.source import Source
from ecground.io.wfdb.header import Header, parse_header, patient_of
from ecground.record import Record

__all__ = ["EQUIVALENT", "SOURCES", "TERMS", "Origin", "case_of", "cases", "codes", "headers"]

TERMS: Final = Terms("CC BY 4.0")
_NO_PATIENTS: Final = "the header does not name the patient, who may have other recordings here"
_TRUE_GAIN: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Origin:
    """One of the collections that the Challenges brought together."""

    title: str
    prefix: str
    """Letters that record names begin with."""
    wrong_gain: float | None = None
    """Gain [adu/mV] that early headers give although 1000 is right."""
    terms: Terms = TERMS
    defects: tuple[str, ...] = ()


SOURCES: Final[Mapping[str, Origin]] = {
    "cpsc_2018": Origin("China Physiological Signal Challenge 2018", "A"),
    "cpsc_2018_extra": Origin("CPSC 2018, unused recordings", "Q"),
    "st_petersburg_incart": Origin("St Petersburg INCART 12-lead Arrhythmia Database", "I", None,
                                   Terms("ODC-By 1.0"), (_NO_PATIENTS,)),
    "ptb": Origin("PTB Diagnostic ECG Database", "S", 2_000_000.0, defects=(_NO_PATIENTS,)),
    "ptb-xl": Origin("PTB-XL", "HR", 200.0, defects=(_NO_PATIENTS,)),
    "georgia": Origin("Georgia 12-Lead ECG Challenge Database", "E", 4880.0),
    "chapman_shaoxing_ningbo": Origin("Chapman-Shaoxing and Ningbo", "JS"),
}
"""Folder name of the 2021 release -> source."""

EQUIVALENT: Final[Mapping[str, str]] = {
    "733534002": "164909002", "59118001": "713427006", "63593006": "284470004", "17338001": "427172004",
}
"""SNOMED CT code -> the code that the Challenge of 2021 scores it as: LBBB, RBBB, atrial or ventricular ectopics."""

_FLAWED: Final[Mapping[str, str]] = {
    **dict.fromkeys(("E04603", "E06072", "E06909", "E07675", "E07941", "E08321"), "overflows 16 bits at R peaks"),
    **dict.fromkeys(("Q0400", "Q2961"), "constant in all leads"),
}


def cases(folder: str | Path, *, source: str | None = None) -> Iterator[Case]:
    """All recordings below `folder`, or those of one source, in the order of their paths.

    A header that cannot be read gives a Case that says so and whose `record` raises the reason.

    Raises:
        UsageError: no such source.
        NotFoundError: no header of the Challenges below the folder.
    """
    if source is not None and source not in SOURCES:
        raise UsageError(f"no source {source[:40]} in the Challenges", where="source", hint=" ".join(SOURCES))
    found = False
    for path in headers(Path(folder)):
        name = source_of(path.stem)
        if name is not None and source in (None, name):
            found = True
            yield case_of(path, name)
    if not found:
        raise NotFoundError("no headers of the CinC Challenges", where=Path(folder).name,
                            hint="give the folder that holds A0001.hea, E00001.hea ... at any depth")


def headers(folder: Path) -> Iterator[Path]:
    """Paths of all WFDB headers below a folder, sorted within each folder; links to folders are not followed."""
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(where) / name for name in sorted(files) if name.endswith(".hea"))


def source_of(record: str) -> str | None:
    """The source that a record name belongs to; None when it is none of the Challenges'."""
    match = re.fullmatch(r"([A-Z]+)\d+", record)
    return next((name for name, origin in SOURCES.items() if match and origin.prefix == match[1]), None)


def case_of(path: Path, source: str, *, corpus: str = "cinc") -> Case:
    """The recording of one header."""
    origin = SOURCES[source]
    try:
        header = parse_header(Source(path).text, where=path.name)
    except EcgroundError as error:
        return Case(corpus=corpus, id=path.stem, patient=path.stem, load=partial(_raise, error), files=(path,),
                    defects=("the header cannot be read",), terms=origin.terms)
    listed = _diagnoses(header.comments)
    found = codes(listed)
    files = dict.fromkeys(path.with_name(line.file) for line in header.signals if Path(line.file).name == line.file)
    return Case(
        corpus=corpus, id=path.stem, patient=path.stem, load=partial(_load, path, header, origin), labels=found,
        label_system="snomed", defects=(*origin.defects, *_defects(path.stem, header, origin, listed, found)),
        person=patient_of(header.comments), fs=header.fs, files=(path, *files), terms=origin.terms,
    )


def codes(listed: str) -> tuple[str, ...]:
    """The SNOMED CT codes of a `Dx` list, each once, in its order."""
    return tuple(dict.fromkeys(part for part in re.split(r"[,;\s]+", listed) if is_number(part)))


def _diagnoses(comments: Sequence[str]) -> str:
    return next((text.partition(":")[2].strip() for text in comments if text.lower().startswith("dx:")), "")


def _defects(
    record: str, header: Header, origin: Origin, listed: str, found: tuple[str, ...],
) -> Iterator[str]:
    if _has_wrong_gain(header, origin):
        yield f"the header's gain of {origin.wrong_gain:g} adu/mV is a known error; 1000 is used"
    if record in _FLAWED:
        yield _FLAWED[record]
    parts = [part.strip() for part in listed.split(",")]
    if listed and len(found) < len(parts):
        yield "empty, repeated or unreadable codes in the Dx list"
    if len(header.signals) != 12:
        yield f"{len(header.signals)} leads instead of 12"


def _has_wrong_gain(header: Header, origin: Origin) -> bool:
    return bool(header.signals) and all(line.gain == origin.wrong_gain and line.unit.lower() == "mv"
                                        for line in header.signals)


def _load(path: Path, header: Header, origin: Origin) -> Record:
    """The record, with the documented gain where the header's is the documented error."""
    record = read(path)
    if _has_wrong_gain(header, origin) and origin.wrong_gain is not None:
        note = f"the header's gain of {origin.wrong_gain:g} adu/mV is a known error of early releases; 1000 was used"
        record = rescaled(record, origin.wrong_gain / _TRUE_GAIN, gain="1000 adu/mV (documented)", note=note)
    size = typical_mv(record)
    if record.provenance.calibrated and not is_plausible(size):
        return withheld(record, f"a typical range of {size:.3g} mV is impossible: gain or unit of the header is wrong, "
                                "amplitudes are withheld")
    return record


def _raise(error: EcgroundError) -> Record:
    raise error
