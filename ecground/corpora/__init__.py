"""Labelled public collections as their owners ship them -> `Case`: recording, labels, report, marks, patient, split.

One file a collection, each with `cases(folder)`, lazily; known defects stand in its docstring and in `Case.defects`.
`CORPORA` names them all; a plug-in adds a row with `register`, or with an entry point of the group `ecground.corpora`
that gives a `Corpus`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import entry_points
from pathlib import Path

from ecground.corpora import brugada, cinc, code15, cpsc2018, csn, folder, ludb, mimic, mitdb, pack, ptbxl, sph
from ecground.corpora.case import Beats, Case, Mark, Marks, Terms
from ecground.errors import UsageError

__all__ = ["CORPORA", "Beats", "Case", "Corpus", "Mark", "Marks", "Terms", "corpora", "corpus", "register"]


@dataclass(frozen=True, slots=True)
class Corpus:
    """One row of the table of collections: the card of a collection and how to read it."""

    name: str
    title: str
    cases: Callable[[str | Path], Iterator[Case]]
    """Folder -> recordings, lazily."""
    terms: Terms
    """Licence and limits of use of most recordings; each Case has its own."""
    layout: str
    """What must lie in the folder."""
    verified: str = "not run on the original"
    """On which original files the reader was run."""
    named_patients: bool = True
    """False: the collection does not say which recordings belong to one person, so no split by patient is possible."""


CORPORA: dict[str, Corpus] = {}
"""Name -> Corpus."""


def register(row: Corpus) -> Corpus:
    """Add a collection to the table, or replace the one of that name."""
    CORPORA[row.name] = row
    return row


register(Corpus("ptbxl", "PTB-XL", ptbxl.cases, ptbxl.TERMS, "ptbxl_database.csv, scp_statements.csv, records500/",
                verified="3 records of the original as files; its tables in a fixture"))
register(Corpus("ludb", "Lobachevsky University Database", ludb.cases, ludb.TERMS, "ludb.csv, data/1.hea ...",
                verified="3 records of the original with all marks"))
register(Corpus("mitdb", "MIT-BIH Arrhythmia Database", mitdb.cases, mitdb.TERMS, "100.hea, 100.dat, 100.atr ..."))
register(Corpus(
    "cinc", "PhysioNet/CinC Challenges 2020 and 2021, all sources", cinc.cases, cinc.TERMS,
    "A0001.hea, E00001.hea ... with their .mat at any depth", named_patients=False,
    verified="4 records of the original (CPSC2018, CPSC extra, Georgia, Chapman)",
))
register(Corpus(
    "georgia", "Georgia 12-Lead ECG Challenge Database", partial(cinc.cases, source="georgia"), cinc.TERMS,
    "E00001.hea ... with their .mat at any depth", verified="1 record of the original", named_patients=False,
))
register(Corpus(
    "cpsc2018", "China Physiological Signal Challenge 2018", cpsc2018.cases, cpsc2018.TERMS,
    "REFERENCE.csv, A0001.mat ... or TrainingSet1 to 3", named_patients=False,
    verified="1 record and the reference table of the original",
))
register(Corpus(
    "csn", "Chapman-Shaoxing-Ningbo, labels rebuilt", csn.cases, csn.TERMS,
    "WFDBRecords/01/010/JS00001.hea ..., for the 38-class benchmark train.csv, val.csv, test.csv",
    named_patients=False, verified="1 record and the three benchmark tables of the original",
))
register(Corpus(
    "csn-published", "Chapman-Shaoxing-Ningbo, labels as published with their substring error",
    partial(csn.cases, labels="published"), csn.TERMS, "WFDBRecords/, train.csv, val.csv, test.csv",
    named_patients=False, verified="the three benchmark tables of the original",
))
register(Corpus("code15", "CODE-15%", code15.cases, code15.TERMS, "exams.csv, exams_part0.hdf5 ..."))
register(Corpus(
    "sph", "Shandong Provincial Hospital", sph.cases, sph.TERMS, "metadata.csv, records/A00001.h5 ...",
    verified="the metadata table of the original; signals in a fixture",
))
register(Corpus(
    "mimic-iv-ecg", "MIMIC-IV-ECG", mimic.cases, mimic.TERMS,
    "record_list.csv, machine_measurements.csv, files/p1000/...",
))
register(Corpus(
    "brugada", "Brugada-HUCA", brugada.cases, brugada.TERMS, "metadata.csv, files/188981/188981.hea ...",
    verified="the metadata table of the original; signals in a fixture",
))
register(Corpus("pack", "Data pack of excerpts of nine collections", pack.every, Terms("per dataset"),
                "splits.csv, ptbxl/, ludb/ ...", verified="the original"))
register(Corpus("folder", "Any folder with a CSV table of labels", folder.cases, Terms("not known"),
                "labels.csv with file, label, patient, age, sex, split; recordings"))


@cache
def _load_plugins() -> None:
    """Rows that installed packages offer; once a process."""
    for point in entry_points(group="ecground.corpora"):
        register(point.load())


def corpora() -> Mapping[str, Corpus]:
    """The table with the rows of plug-ins."""
    _load_plugins()
    return CORPORA


def corpus(name: str) -> Corpus:
    """The row of one collection; UsageError when there is none."""
    found = corpora().get(name)
    if found is None:
        raise UsageError(f"no corpus {name[:40]}", where="corpus", hint="one of: " + " ".join(CORPORA))
    return found
