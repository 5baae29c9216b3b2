"""The one checker on its frozen test set: 300 sentences whose claims were judged against outside truth.

    python benchmarks/checker.py [--draws N] [--quiet]

The set (`tests/knowledge/checker_set`, how it was made in its README) holds quotes from reports, sentences of our own
texts and falsified ones, about recordings of PTB-XL and LUDB (needs ECGROUND_DATA) and simulated patients (always
there). Each recording is read as a user's file is, each sentence by `read_claims`, each claim judged by `check`.

Precision of "contradicted": of the claims called so, the share that are contradicted by the outside truth; recall: of
the claims the truth contradicts, the share called so; "supported" likewise. A claim that was not read, and one called
unverifiable, counts against recall, save where the set leaves it open. Intervals by bootstrap over recordings. Every
claim judged otherwise than the set is listed. Research use, not a medical device.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import _one_thread  # noqa: F401 - before numpy
import datapack
import numpy as np
from numpy.typing import NDArray

from ecground import leads
from ecground.corpora import pack
from ecground.knowledge.check import check
from ecground.knowledge.claims import read_claims
from ecground.knowledge.finding import Claim, Finding
from ecground.knowledge.findings import find
from ecground.measure import measure
from ecground.measure.table import Measurements
from ecground.metrics import bootstrap
from ecground.record import Patient, Record
from ecground.signal.delineate import delineate
from ecground.signal.quality import assess

__all__ = ["Judged", "judged", "score"]

SET: Final = Path(__file__).parents[1] / "tests" / "knowledge" / "checker_set"
AIM: Final = 0.95
STORED: Final = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
Read = tuple[Measurements, tuple[Finding, ...]]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Judged:
    """One claim of the set, and what the checker said of it."""

    sentence: str
    """Identifier in the set; its first letter is the part."""
    record: str
    language: str
    changed: str
    """What was falsified; empty when nothing was."""
    about: str
    truth: str
    """`supported` or `contradicted`."""
    open: bool
    """Whether `unverifiable` is as good an answer."""
    verdict: str
    """Of the checker; `unread` when the sentence gave no such claim."""
    why: str

    def __post_init__(self) -> None:
        if self.truth not in {"supported", "contradicted"}:
            raise ValueError(f"{self.sentence}: truth {self.truth}")


def judged() -> tuple[list[Judged], Counter[str]]:
    """All claims of the set with verdicts, and the verdicts of claims that were read beside them."""
    rows = [json.loads(line) for line in (SET / "sentences.jsonl").read_text(encoding="utf-8").splitlines()]
    done: list[Judged] = []
    beside: Counter[str] = Counter()
    for name, record in _recordings({row["record"] for row in rows}):
        values, findings = _read(record)
        for row in rows:
            if row["record"] == name:
                claims = check(read_claims(row["text"]), values, findings)
                done.extend(_matched(row, list(claims), beside))
    return sorted(done, key=lambda one: ("rnf".index(one.sentence[0]), one.sentence)), beside


def _matched(row: dict[str, Any], claims: list[Claim], beside: Counter[str]) -> Iterator[Judged]:
    def told(wanted: dict[str, Any], claim: Claim | None) -> Judged:
        return Judged(row["id"], row["record"], row["language"], row.get("changed", ""), wanted["about"],
                      wanted["truth"], wanted.get("open", False), str(claim.verdict) if claim else "unread",
                      claim.why if claim else "")

    rest = None
    for wanted in row["claims"]:
        if wanted["about"] == "rest":
            rest = wanted
            continue
        claim = next((claim for claim in claims if _is_about(claim, wanted["about"])), None)
        if claim is not None:
            claims.remove(claim)
        if wanted["truth"] is not None:
            yield told(wanted, claim)
    for claim in claims:
        if rest is None:
            beside[str(claim.verdict)] += 1
        else:
            yield told(rest, claim)


def _is_about(claim: Claim, about: str) -> bool:
    """Whether the claim is the one the set speaks of: `a|b` or `measure=value`."""
    names, _, value = about.partition("=")
    wanted = set(names.split("|"))
    if claim.finding is not None and claim.measure is None:
        return not value and bool(wanted & set(claim.finding.replace("&", "|").split("|")))
    if claim.finding is not None or claim.measure not in wanted:
        return False
    return not value or (isinstance(claim.value, float) and abs(claim.value - float(value)) < 1e-6)


def _recordings(wanted: set[str]) -> Iterator[tuple[str, Record]]:
    yield from _simulated()
    if not os.environ.get("ECGROUND_DATA"):
        print("ECGROUND_DATA is not set: only the sentences about simulated patients")
        return
    for name, subset in (("ptbxl", "raw500"), ("ludb", None)):
        for case in pack.cases(datapack.folder(), name, subset=subset):
            if f"{name} {case.id}" in wanted:
                yield f"{name} {case.id}", case.record


def _simulated() -> Iterator[tuple[str, Record]]:
    with np.load(SET / "patients.npz") as archive:
        signals = datapack.decode(archive["planes"]).astype(np.float32) * np.float32(1e-3)
    for line, signal in zip((SET / "patients.jsonl").read_text().splitlines(), signals, strict=True):
        about = json.loads(line)
        known = dict(zip(STORED, signal, strict=True))
        known |= {name: values for name, (values, _) in leads.derive(known).items()}
        yield f"simulated {about['id']}", Record(
            signal=np.stack([known[name] for name in leads.STANDARD]), fs=500.0, leads=leads.STANDARD,
            patient=Patient(age=about["age"], sex=about["sex"]))


def _read(record: Record) -> Read:
    marks = delineate(record)
    quality = assess(record, marks)
    values = measure(record, marks, quality=quality)
    return values, find(values, record.patient, quality=quality)


def score(rows: Sequence[Judged], verdict: str) -> tuple[float, float]:
    """(precision, recall) of one verdict; NaN where nothing was called so or nothing is so."""
    called = [row for row in rows if row.verdict == verdict]
    so = [row for row in rows if row.truth == verdict and not (row.open and row.verdict == "unverifiable")]
    right = sum(row.truth == verdict for row in called)
    return right / len(called) if called else np.nan, right / len(so) if so else np.nan


def _line(name: str, rows: list[Judged], draws: int) -> None:
    """One line of the table: both verdicts with precision and recall."""
    table = np.array(rows, dtype=object)
    cells = [f"{name:22} {len({row.sentence for row in rows}):4d} {len(rows):4d}"]
    for verdict in ("contradicted", "supported"):
        for which in (0, 1):
            def value(chosen: Rows, verdict: str = verdict, which: int = which) -> float:
                return score(list(table[chosen]), verdict)[which]

            got = bootstrap([row.record for row in rows], value, draws=draws)
            cells.append(f"{got.value:5.3f} ({got.low:.2f}-{got.high:.2f})" if got.value == got.value else f"{'-':17}")
    print("  ".join(cells))


def report(rows: list[Judged], draws: int) -> None:
    """The table: all, by part, by language, by what was changed."""
    print(f"{'':22} sentences, claims; contradicted: precision, recall; supported: precision, recall (aim {AIM})")
    _line("all", rows, draws)
    for letter, name in (("r", "reports"), ("n", "own texts"), ("f", "falsified")):
        _line(name, [row for row in rows if row.sentence.startswith(letter)], draws)
    for language in ("en", "de", "sv"):
        _line(language, [row for row in rows if row.language == language], draws)
    for source in ("ptbxl", "ludb", "simulated"):
        _line(source, [row for row in rows if row.record.startswith(source)], draws)
    for kind in sorted({row.changed for row in rows} - {""}):
        _line(f"changed {kind}", [row for row in rows if row.changed == kind], draws)
    counts = Counter((row.truth, row.verdict) for row in rows)
    print("\ntruth: verdicts")
    for truth in ("supported", "contradicted"):
        print(f"{truth:13} " + ", ".join(f"{counts[truth, name]} {name}" for name in
                                         ("supported", "contradicted", "unverifiable", "unread")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000, help="bootstrap draws")
    parser.add_argument("--quiet", action="store_true", help="do not list the errors")
    options = parser.parse_args()
    rows, beside = judged()
    report(rows, options.draws)
    print(f"read beside the claims of the set: {dict(beside)}")
    if not options.quiet:
        texts = {row["id"]: row["text"] for row in map(json.loads, (SET / "sentences.jsonl").read_text(
            encoding="utf-8").splitlines())}
        print("\nJudged otherwise than the set")
        for row in rows:
            if row.verdict != row.truth and not (row.open and row.verdict == "unverifiable"):
                print(f"{row.sentence} {row.record}: {row.about} is {row.truth}, called {row.verdict} ({row.why}) | "
                      f"{texts[row.sentence][:120]}")


if __name__ == "__main__":
    main()
