"""Reading reports: statements read out of PTB-XL's reports against the SCP codes of the same recordings.

    python benchmarks/reports.py [--draws N]

Each report is read as a user's text is, its language told by the reader: German and Swedish as published, English as
published or as the collection's translation. A code counts as read when a claim names it and does not deny it; a claim
that names several counts as one of them. Precision and recall over all 71 codes, of each language and of the statements
most often given, 95 % intervals by bootstrap over patients. "Tuned on" are reports of patients whose recordings may be
trained on or are not in the pack: the words of the lexicons were collected there. "Validation" are those of the
validation patients, which were read once, for this table.

The codes are no translation of the report: they were given to the recording by cardiologists who corrected it later, so
even perfect reading scores less than 1. Needs ECGROUND_DATA. Research use, not a medical device.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import _one_thread  # noqa: F401 - before numpy
import datapack
import numpy as np
from numpy.typing import NDArray

from ecground.corpora import pack
from ecground.knowledge.claims import read_claims
from ecground.knowledge.codes import scp_codes
from ecground.knowledge.reading.lexicon import language_of, lexicon
from ecground.metrics import bootstrap

__all__ = ["Report", "reports", "tables"]

LARGER: Final = {"LVOLT_LIMB": "LVOLT", "LVOLT_CHEST": "LVOLT", "VPACE": "PACE", "APACE": "PACE", "MOBITZ1": "2AVB",
                 "MOBITZ2": "2AVB"}
"""Statements without SCP code that are a kind of one."""
LISTED: Final = 24
FEWEST: Final = 15
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Report:
    """One report, what was read in it, and the codes of its recording."""

    patient: str
    valid: bool
    """Of a validation patient."""
    language: str
    """As the reader tells it; `en*` for a translation of the collection."""
    codes: frozenset[str]
    read: frozenset[str]


def reports() -> list[Report]:
    """All reports of the pack with their codes, those in the collection's translation beside the originals."""
    valid = {patient for (name, _), (patient, split) in pack.splits(datapack.folder()).items()
             if name == "ptbxl" and split == "valid"}
    done = []
    for patient, codes, text, translated in _texts():
        known = codes & frozenset(scp_codes())
        language = "en*" if translated else language_of(text)
        done.append(Report(patient, patient in valid, language, known, _read(text, known)))
    return done


def _texts() -> Iterator[tuple[str, frozenset[str], str, bool]]:
    """(patient, codes, report, translated) of all recordings with a report, each report once."""
    root = datapack.folder() / "ptbxl"
    seen = set()
    with (root / "records.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            codes = frozenset(row["labels"].split(";"))
            seen.add(row["ecg_id"])
            for column, translated in (("report", False), ("report_en", True)):
                if row[column]:
                    yield row["patient_id"], codes, row[column], translated
    with gzip.open(root / "ptbxl_rows_with_reports.csv.gz") as packed:
        for row in csv.DictReader(io.TextIOWrapper(packed, encoding="utf-8")):
            if row["ecg_id"] not in seen:
                codes = frozenset(part.split("'")[1] for part in row["scp_codes"].split(",") if "'" in part)
                yield str(int(float(row["patient_id"]))), codes, row["report"], False


def _read(text: str, codes: frozenset[str]) -> frozenset[str]:
    """The codes that the text names; of several in one claim those that were given, else the first."""
    groups = lexicon().reading["groups"]
    found: set[str] = set()
    for claim in read_claims(text):
        if claim.finding is None or claim.measure is not None or claim.polarity == "absent":
            continue
        for part in claim.finding.split("&"):
            names = [LARGER.get(name, name) for key in part.split("|") for name in groups.get(key, (key,))]
            named = [name for name in names if name in scp_codes()]
            found.update(codes.intersection(named) or named[:1])
    return frozenset(found)


def _line(name: str, rows: Sequence[Report], draws: int) -> None:
    counts = np.array([[len(row.codes & row.read), len(row.read), len(row.codes)] for row in rows], dtype=np.float64)
    persons = [row.patient for row in rows]
    cells = []
    for column in (1, 2):
        def share(chosen: Rows, column: int = column) -> float:
            both, whole = counts[chosen][:, (0, column)].sum(axis=0)
            return float(both / whole) if whole else np.nan

        got = bootstrap(persons, share, draws=draws)
        cells.append(f"{got.value:.3f} ({got.low:.3f}-{got.high:.3f})")
    print(f"{name:12} {len(rows):6d} reports  precision {cells[0]}  recall {cells[1]}")


def _statements(rows: Sequence[Report]) -> None:
    both, read, given = (Counter(code for row in rows for code in chosen(row)) for chosen in (
        lambda row: row.codes & row.read, lambda row: row.read, lambda row: row.codes))
    print("statement   given  read  both  precision  recall     F1")
    for code, count in given.most_common(LISTED):
        if count >= FEWEST:
            precision = both[code] / read[code] if read[code] else np.nan
            print(f"{code:10} {count:6d} {read[code]:5d} {both[code]:5d} {precision:10.2f} {both[code] / count:7.2f} "
                  f"{2 * both[code] / (count + read[code]):6.2f}")


def tables(draws: int) -> None:
    """All tables."""
    every = reports()
    for title, valid in (("Tuned on", False), ("Validation", True)):
        part = [row for row in every if row.valid is valid]
        print(f"\n(r) {title}: statements read out of reports against the SCP codes (en* = translated)")
        languages = sorted({row.language for row in part})
        for language in languages:
            _line(language, [row for row in part if row.language == language], draws)
        _line("originals", [row for row in part if row.language != "en*"], draws)
        for language in languages:
            print(f"\n{title}, {language}")
            _statements([row for row in part if row.language == language])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000, help="bootstrap draws")
    tables(parser.parse_args().draws)


if __name__ == "__main__":
    main()
