"""How well statements are found: probability of each statement against the cardiologists' labels of PTB-XL.

    python benchmarks/findings.py [--only statements superclasses] [--draws N]

Truth is the cardiologists' statements of PTB-XL, validation patients, never our own measurements. Statements: records
with original amplitudes, those with at least 10 positives; complete left bundle branch block also on the records whose
amplitude was lost, where only rhythm, conduction and form can be read. AUROC with a 95 % interval by bootstrap over
patients; the share of records in which the statement is judged at all; sensitivity and specificity of the textbook
verdict where it is. Needs ECGROUND_DATA. Research use, not a medical device.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import _one_thread  # noqa: F401 - before numpy
import datapack
import numpy as np
from numpy.typing import NDArray

from ecground.corpora import pack
from ecground.knowledge.codes import SUPERCLASSES, codes, scp_codes
from ecground.knowledge.finding import Finding
from ecground.knowledge.findings import find, superclasses
from ecground.measure import measure
from ecground.measure.table import Measurements
from ecground.metrics import auroc, bootstrap, sensitivity_specificity
from ecground.record import Patient
from ecground.signal.delineate import delineate
from ecground.signal.quality import Quality, assess

__all__ = ["AIMS", "Reading", "readings"]

FEWEST: Final = 10
"""Statements with fewer positives are left out."""
AIMS: Final = {"SBRAD": 0.95, "STACH": 0.95, "AFIB": 0.95, "1AVB": 0.95, "CRBBB": 0.95, "LAFB": 0.95, "PVC": 0.95}
"""AUROC aimed at."""
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reading:
    """One validation record read by us, and what the cardiologists said."""

    id: str
    person: str
    """Patient identifier, for the bootstrap."""
    labels: frozenset[str]
    """SCP codes given by the cardiologists."""
    label_classes: frozenset[str]
    """Their superclasses."""
    patient: Patient
    measurements: Measurements
    quality: Quality
    findings: tuple[Finding, ...]
    groups: tuple[Finding, ...]
    """The five superclasses."""

    def finding(self, key: str) -> Finding:
        """Our row of one statement."""
        return self.findings[_PLACE[key]]


_PLACE = {key: place for place, key in enumerate(codes())}


@functools.cache
def readings(subset: str) -> tuple[Reading, ...]:
    """All validation records of `raw500` or `norm250`, read once a run."""
    return tuple(_read(subset))


def _read(subset: str) -> Iterator[Reading]:
    for n, case in enumerate(pack.cases(datapack.folder(), "ptbxl", subset=subset, split="valid")):
        record = case.record
        marks = delineate(record)
        quality = assess(record, marks)
        values = measure(record, marks, quality=quality)
        found = find(values, record.patient, quality=quality)
        if n % 50 == 0:
            print(f"{subset}: {n} records", file=sys.stderr)
        yield Reading(case.id, case.patient, frozenset(case.labels), frozenset(case.superclasses), record.patient,
                      values, quality, found, superclasses(found))


def _row(name: str, read: Sequence[Reading], truth: NDArray[np.bool_], row: Callable[[Reading], Finding],
         draws: int) -> float:
    """Print one line of a table; the AUROC."""
    found = [row(reading) for reading in read]
    chance = np.array([finding.probability for finding in found])
    judged = np.array([finding.judged for finding in found])
    verdict = np.array([finding.present for finding in found])

    def area(rows: Rows) -> float:
        return auroc(truth[rows], chance[rows])

    interval = bootstrap([reading.person for reading in read], area, draws=draws)
    sensitivity, specificity = sensitivity_specificity(truth[judged], verdict[judged])
    aim = AIMS.get(name)
    told = "" if aim is None else f"  aim {aim:.2f} {'reached' if interval.value >= aim else 'MISSED'}"
    print(f"{name:9} {int(truth.sum()):4d} {interval.value:6.3f} ({interval.low:.3f} to {interval.high:.3f})"
          f" {100 * judged.mean():6.0f} {100 * sensitivity:5.0f} {100 * specificity:5.0f}{told}")
    return interval.value


HEAD = "            n   AUROC (95 % interval)     judged  sens  spec  [%]"


def statements(draws: int) -> None:
    """AUROC of each statement with enough positives."""
    raw = readings("raw500")
    print(f"\nStatements, {len(raw)} PTB-XL records of validation patients, original amplitude\n{HEAD}")
    areas = []
    for key in scp_codes():
        truth = np.array([key in reading.labels for reading in raw])
        if truth.sum() >= FEWEST:
            areas.append(_row(key, raw, truth, lambda reading, key=key: reading.finding(key), draws))
    print(f"{'mean':9} {len(areas):4d} {np.mean(areas):6.3f}")
    both = (*raw, *readings("norm250"))
    print(f"\nCLBBB, {len(both)} records, {len(both) - len(raw)} of them with lost amplitude\n{HEAD}")
    truth = np.array(["CLBBB" in reading.labels for reading in both])
    _row("CLBBB", both, truth, lambda reading: reading.finding("CLBBB"), draws)


def groups(draws: int) -> None:
    """AUROC of the five superclasses and their mean."""
    raw = readings("raw500")
    print(f"\nSuperclasses, {len(raw)} records\n{HEAD}")
    areas = []
    for place, name in enumerate(SUPERCLASSES):
        truth = np.array([name in reading.label_classes for reading in raw])
        areas.append(_row(name, raw, truth, lambda reading, place=place: reading.groups[place], draws))
    print(f"{'macro':9}      {np.mean(areas):6.3f}")


PARTS: Final[dict[str, Callable[[int], None]]] = {"statements": statements, "superclasses": groups}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=tuple(PARTS), default=tuple(PARTS))
    parser.add_argument("--draws", type=int, default=1000, help="bootstrap draws")
    args = parser.parse_args()
    for name in args.only:
        PARTS[name](args.draws)


if __name__ == "__main__":
    main()
