"""How well statements are found: probability of each statement against the cardiologists' labels of PTB-XL.

    python benchmarks/findings.py [--only statements superclasses reliability hospitals] [--draws N]

Truth is the cardiologists' statements of PTB-XL, validation patients, never our own measurements. Statements: records
with original amplitudes, those with at least 10 positives; complete left bundle branch block also on the records whose
amplitude was lost, where only rhythm, conduction and form can be read. AUROC with a 95 % interval by bootstrap over
patients; the share of records in which the statement is judged at all; sensitivity and specificity of the textbook
verdict where it is; ECE, the expected calibration error of the probability (15 bins). Reliability: of the records that
were given a probability between two bounds, how many carry the statement. Hospitals: the same, unchanged, on the
recordings of other hospitals (CinC 2020/2021, SNOMED labels). Needs ECGROUND_DATA. Research use, not a medical device.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import _one_thread  # noqa: F401 - before numpy
import datapack
import numpy as np
from numpy.typing import NDArray

from ecground.corpora import pack
from ecground.corpora.case import Case
from ecground.knowledge.codes import SUPERCLASSES, codes, scp_codes
from ecground.knowledge.finding import Finding
from ecground.knowledge.findings import find, superclasses
from ecground.measure import measure
from ecground.measure.table import Measurements
from ecground.metrics import auroc, bootstrap, calibration_error, sensitivity_specificity
from ecground.record import Patient
from ecground.signal.delineate import delineate
from ecground.signal.quality import Quality, assess

__all__ = ["AIMS", "Reading", "elsewhere", "readings"]

FEWEST: Final = 10
"""Statements with fewer positives are left out."""
AIMS: Final = {"SBRAD": 0.95, "STACH": 0.95, "AFIB": 0.95, "1AVB": 0.95, "CRBBB": 0.95, "LAFB": 0.95, "PVC": 0.95}
"""AUROC aimed at."""
MACRO_AIM: Final = 0.85
"""Mean AUROC of the superclasses aimed at."""
FEWEST_ELSEWHERE: Final = 5
EDGES: Final = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Bounds of the reliability table."""
SAME_SNOMED: Final = {
    "59118001": ("CRBBB",), "164909002": ("CLBBB",), "63593006": ("PAC",), "17338001": ("PVC",), "164884008": ("PVC",),
    "428750005": ("NST_",), "253352002": ("LAO/LAE",), "426627000": ("BRADY",), "59931005": ("INVT",),
    "164934002": ("TAB_",), "55930002": ("NST_",), "698252002": ("IVCD",), "427172004": ("PVC",),
    "429622005": ("STD_",), "164931005": ("STE_",), **dict.fromkeys(("164867002", "54329005", "57054005"), ()),
}
"""SNOMED codes of the challenges that stand for another of our statements than the first with this code, or for none:
"old infarction" names no territory."""
CLASS_SNOMED: Final = {
    "164865005": "MI", "164867002": "MI", "54329005": "MI", "57054005": "MI", "428750005": "STTC", "425623009": "STTC",
    "164861001": "STTC", "413844008": "STTC", "164934002": "STTC", "59931005": "STTC", "55930002": "STTC",
    "429622005": "STTC", "164930006": "STTC", "164931005": "STTC", "111975006": "STTC", "59118001": "CD",
    "164909002": "CD", "233917008": "CD", "270492004": "CD", "698252002": "CD", "713426002": "CD", "713427006": "CD",
    "733534002": "CD", "445118002": "CD", "445211001": "CD", "164873001": "HYP", "89792004": "HYP",
    "67741000119109": "HYP", "253352002": "HYP", "446358003": "HYP", "266249003": "HYP",
}
"""SNOMED code -> superclass of its statement as PTB-XL groups them."""
SINUS: Final = "426783006"
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


@functools.cache
def elsewhere() -> tuple[Reading, ...]:
    """All recordings of the challenges' mixed sample, which nothing was fitted on."""
    return tuple(_judge(case, frozenset(_statements(case.labels)), frozenset(_classes(case.labels)))
                 for case in pack.cases(datapack.folder(), "cinc2021_mixed"))


def _statements(snomed: Sequence[str]) -> Iterator[str]:
    """Keys of the statements that SNOMED codes stand for."""
    own = {entry.snomed: key for key, entry in reversed(codes().items()) if entry.snomed is not None}
    for label in snomed:
        yield from SAME_SNOMED.get(label, (own[label],) if label in own else ())


def _classes(snomed: Sequence[str]) -> Iterator[str]:
    """Superclasses of SNOMED codes; sinus rhythm and nothing else is a normal ECG."""
    yield from (CLASS_SNOMED[label] for label in snomed if label in CLASS_SNOMED)
    if set(snomed) == {SINUS}:
        yield "NORM"


def _read(subset: str) -> Iterator[Reading]:
    for n, case in enumerate(pack.cases(datapack.folder(), "ptbxl", subset=subset, split="valid")):
        if n % 50 == 0:
            print(f"{subset}: {n} records", file=sys.stderr)
        yield _judge(case, frozenset(case.labels), frozenset(case.superclasses))


def _judge(case: Case, labels: frozenset[str], classes: frozenset[str]) -> Reading:
    record = case.record
    marks = delineate(record)
    quality = assess(record, marks)
    values = measure(record, marks, quality=quality)
    found = find(values, record.patient, quality=quality)
    return Reading(case.id, case.patient, labels, classes, record.patient, values, quality, found, superclasses(found))


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
          f" {100 * judged.mean():6.0f} {100 * sensitivity:5.0f} {100 * specificity:5.0f}"
          f" {calibration_error(truth, chance):6.3f}{told}")
    return interval.value


HEAD = "            n   AUROC (95 % interval)     judged  sens  spec [%]  ECE"


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
    _classes_table(raw, draws, fewest=1, aim=MACRO_AIM)


def _classes_table(read: Sequence[Reading], draws: int, *, fewest: int, aim: float) -> None:
    """A line for each superclass with enough positives, and their mean."""
    wanted = []
    for place, name in enumerate(SUPERCLASSES):
        truth = np.array([name in reading.label_classes for reading in read])
        if truth.sum() >= fewest:
            wanted.append((place, truth))
            _row(name, read, truth, lambda reading, place=place: reading.groups[place], draws)
    chances = [np.array([reading.groups[place].probability for reading in read]) for place, _ in wanted]

    def macro(rows: Rows) -> float:
        return float(np.mean([auroc(truth[rows], chance[rows]) for (_, truth), chance in zip(wanted, chances,
                                                                                            strict=True)]))

    mean = bootstrap([reading.person for reading in read], macro, draws=draws)
    print(f"{'macro':9} {len(wanted):4d} {mean.value:6.3f} ({mean.low:.3f} to {mean.high:.3f})  aim {aim:.2f} "
          f"{'reached' if mean.value >= aim else 'MISSED'}")


def reliability(draws: int) -> None:
    """Of the records given a probability between two bounds, the share that carries the statement."""
    del draws
    raw = readings("raw500")
    tables = (
        ("all 71 statements", [(reading.finding(key).probability, key in reading.labels, reading.finding(key).judged)
                               for reading in raw for key in scp_codes()]),
        ("superclasses", [(group.probability, group.scp in reading.label_classes, group.judged)
                          for reading in raw for group in reading.groups]),
    )
    for title, rows in tables:
        chance, truth, judged = (np.array(column) for column in zip(*rows, strict=True))
        print(f"\nReliability, {title}: {len(rows)} pairs, judged {100 * judged.mean():.1f} %, "
              f"ECE {calibration_error(truth, chance):.4f}, of the judged "
              f"{calibration_error(truth[judged], chance[judged]):.4f}")
        print("probability      pairs   mean  observed")
        place = np.digitize(chance, EDGES[1:-1])
        for k, (low, high) in enumerate(itertools.pairwise(EDGES)):
            inside = place == k
            if inside.any():
                print(f"{low:4.2f} to {high:4.2f} {inside.sum():9d} {chance[inside].mean():6.3f} "
                      f"{truth[inside].mean():8.3f}  {'#' * round(40 * truth[inside].mean())}")
    share = np.array([[finding.judged for finding in reading.findings] for reading in raw]).mean(axis=0)
    rare = sorted((value, key) for key, value in zip(codes(), share, strict=True) if value < 0.95)
    print("\nJudged in less than 95 % of the records [%]: "
          + ", ".join(f"{key} {100 * value:.0f}" for value, key in rare))


def hospitals(draws: int) -> None:
    """Other hospitals and devices, nothing retuned."""
    read = elsewhere()
    print(f"\nOther hospitals: {len(read)} CinC 2020/2021 recordings, statements with at least {FEWEST_ELSEWHERE}"
          f" positives\n{HEAD}")
    for key in codes():
        truth = np.array([key in reading.labels for reading in read])
        if truth.sum() >= FEWEST_ELSEWHERE:
            _row(key, read, truth, lambda reading, key=key: reading.finding(key), draws)
    print("Superclasses (sinus rhythm as only label = NORM)")
    _classes_table(read, draws, fewest=FEWEST_ELSEWHERE, aim=MACRO_AIM)


PARTS: Final[dict[str, Callable[[int], None]]] = {
    "statements": statements, "superclasses": groups, "reliability": reliability, "hospitals": hospitals,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=tuple(PARTS), default=tuple(PARTS))
    parser.add_argument("--draws", type=int, default=1000, help="bootstrap draws")
    args = parser.parse_args()
    for name in args.only:
        PARTS[name](args.draws)


if __name__ == "__main__":
    main()
