"""How far the checker's verdicts can be trusted: cardiologists' statements as claims, and simulated truth.

    python benchmarks/claims.py [--draws N] [--seed N] [--patients N]

(a) For each PTB-XL validation record with original amplitudes, each statement its cardiologist gave and as many that he
did not, drawn by seed from the statements of similar frequency (weight exp(-2 |log frequency ratio|)); a statement that
follows from a given one (sinus rhythm from sinus bradycardia) is not drawn. Each is claimed in a sentence, read by
`read_claims` and judged by `check`. Balanced accuracy over the claims with a verdict, the share without one, and the
balanced accuracy when a claim without verdict counts as half right; intervals by bootstrap over patients.

(c) Simulated patients, their marks the simulator's own: share of narrated claims that are supported, and share of
claims with a changed number, negation or finding that are contradicted.

(r) Reading: statements read out of PTB-XL's reports against its labels, for each language (`reports.py`).

Needs ECGROUND_DATA. Research use, not a medical device.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import _one_thread  # noqa: F401 - before numpy
import numpy as np
import reports
from findings import readings
from numpy.typing import NDArray

from ecground.knowledge.check import IMPLIED_BY, check, is_open, key_of
from ecground.knowledge.claims import read_claims
from ecground.knowledge.codes import codes, scp_codes
from ecground.knowledge.finding import Claim
from ecground.knowledge.findings import find
from ecground.knowledge.narrate import narrate
from ecground.knowledge.repeatability import tolerance
from ecground.measure import measure
from ecground.metrics import bootstrap
from ecground.simulate import RHYTHMS, draw, simulate

__all__ = ["verdicts_on_labels"]

AIM: Final = 0.80
_FLIP: Final = {"present": "absent", "absent": "present"}
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One statement claimed of one record."""

    person: str
    key: str
    true: bool
    """The cardiologist gave it."""
    verdict: str


def verdicts_on_labels(seed: int) -> list[Verdict]:
    """All claims of part (a) with their verdicts."""
    read = readings("raw500")
    frequency = Counter(label for reading in read for label in reading.labels)
    follows = defaultdict(set)
    for key, exact in IMPLIED_BY.items():
        for name in exact:
            follows[name].add(key)
    rng = np.random.default_rng(seed)
    rows = []
    for reading in read:
        given = sorted(label for label in reading.labels if label in codes())
        barred = set(given) | {key for label in given for key in follows[label]}
        for label in given:
            other = _similar(label, barred, frequency, rng)
            barred.add(other)
            for key, true in ((label, True), (other, False)):
                judged = check([_claimed(key)], reading.measurements, reading.findings)[0]
                rows.append(Verdict(reading.person, key, true, str(judged.verdict)))
    return rows


def _similar(label: str, barred: set[str], frequency: Counter[str], rng: np.random.Generator) -> str:
    others = [key for key in scp_codes() if key not in barred and frequency[key]]
    weights = np.exp(-2 * np.abs(np.log([frequency[key] / frequency[label] for key in others])))
    return others[int(rng.choice(len(others), p=weights / weights.sum()))]


def _claimed(key: str) -> Claim:
    """The statement as it is read from a sentence."""
    claims = [claim for claim in read_claims(f"The ECG shows {codes()[key].statement}.") if claim.measure is None]
    named = [claim for claim in claims if claim.finding == key]
    return named[0] if named else Claim(text=key, span=(0, len(key)), finding=key)


def _accuracy(rows: Sequence[Verdict], *, half: float | None = None) -> float:
    """Mean of the shares right among claims given and not given; `half` = what a claim without verdict counts."""
    shares = []
    for true, right in ((True, "supported"), (False, "contradicted")):
        mine = [row.verdict for row in rows if row.true is true]
        judged = [name for name in mine if name != "unverifiable"]
        counted = len(judged) if half is None else len(mine)
        sure = judged.count(right) + (half or 0.0) * (len(mine) - len(judged))
        shares.append(sure / counted if counted else np.nan)
    return float(np.mean(shares))


def part_a(seed: int, draws: int) -> None:
    rows = verdicts_on_labels(seed)
    persons = [row.person for row in rows]
    table = np.array(rows, dtype=object)

    def plain(chosen: Rows) -> float:
        return _accuracy(list(table[chosen]))

    def halved(chosen: Rows) -> float:
        return _accuracy(list(table[chosen]), half=0.5)

    def silent(chosen: Rows) -> float:
        return float(np.mean([row.verdict == "unverifiable" for row in table[chosen]]))

    print(f"\n(a) {len(rows)} claims on {len(set(persons))} patients of PTB-XL validation, original amplitude")
    for name, score in (("balanced accuracy", plain), ("unverifiable", silent), ("unverifiable as half", halved)):
        got = bootstrap(persons, score, draws=draws)
        aim = f"  aim {AIM:.2f} {'reached' if got.value >= AIM else 'MISSED'}" if name == "balanced accuracy" else ""
        print(f"{name:22} {got.value:.3f} ({got.low:.3f} to {got.high:.3f}){aim}")
    print("statement   given: supported contradicted unverifiable | not given: supported contradicted unverifiable")
    per = Counter((row.key, row.true, row.verdict) for row in rows)
    for key, _ in Counter(row.key for row in rows if row.true).most_common(25):
        cells = [per[key, true, name] for true in (True, False)
                 for name in ("supported", "contradicted", "unverifiable")]
        print(f"{key:18} " + " ".join(f"{cell:9d}" for cell in cells))


def part_c(patients: int) -> None:
    told, kept, mutated = 0, 0, Counter[tuple[str, bool]]()
    rhythms = list(RHYTHMS)
    for n in range(patients):
        rng = np.random.default_rng(n)
        made = simulate(draw(rng, rhythm=rhythms[n % len(rhythms)]), rng=rng)
        values = measure(made.record, made.truth.delineation)
        found = find(values, made.record.patient)
        judged = check(read_claims(narrate(values, found, patient=made.record.patient)), values, found)
        told += len(judged)
        kept += sum(claim.verdict == "supported" for claim in judged)
        for kind, wrong in _mutations(judged):
            mutated[kind, check([wrong], values, found)[0].verdict == "contradicted"] += 1
        among = {key_of(finding): finding for finding in found}
        for key, finding in among.items():
            if finding.judged and not finding.present and not is_open(key, finding, among):
                claim = Claim(text="", span=(0, 0), finding=key)
                mutated["finding", check([claim], values, found)[0].verdict == "contradicted"] += 1
    print(f"\n(c) {patients} simulated patients, {told} claims told, {100 * kept / told:.2f} % supported")
    for kind in ("number", "negation", "finding"):
        right, wrong = mutated[kind, True], mutated[kind, False]
        print(f"changed {kind:9} {right + wrong:7d}, {100 * right / (right + wrong):.2f} % contradicted")


def _mutations(claims: Sequence[Claim]) -> list[tuple[str, Claim]]:
    found = []
    for claim in claims:
        if claim.polarity in _FLIP:
            found.append(("negation", replace(claim, polarity=_FLIP[claim.polarity])))
        if isinstance(claim.value, float) and claim.comparison == "=" and claim.finding is None:
            shift = 3 * tolerance(str(claim.measure), claim.value) + 0.02
            found.append(("number", replace(claim, value=claim.value + shift)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000, help="bootstrap draws")
    parser.add_argument("--seed", type=int, default=0, help="seed of the statements that were not given")
    parser.add_argument("--patients", type=int, default=200, help="simulated patients")
    options = parser.parse_args()
    reports.tables(options.draws)
    part_c(options.patients)
    part_a(options.seed, options.draws)


if __name__ == "__main__":
    main()
