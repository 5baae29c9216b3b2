"""Truth, balance and speed of the instruction data.

    python benchmarks/instruct.py [--count N] [--records N] [--split train|valid] [--draws N]

1. Simulated ECGs: of the claims in grounded interpretations, the share that is true of the simulator's parameters
   (`instruct_truth.py` says how), by kind of claim, with a bootstrap interval over ECGs. Bar: 97 %. Their texts are
   written from the true marks; beside it stands the same with the marks we find ourselves, as on real ECGs.
2. PTB-XL (needs ECGROUND_DATA): stated findings against the cardiologists' SCP statements (precision, recall), the
   share of texts repaired and dropped, and the share of claims kept. Bar: 90 % kept. Texts were tuned on training
   patients; `valid` is printed for the record.
3. Speed, in CPU time of one core, times two: conversations from stored measurements (bar 200/s on two cores) and
   recordings with measuring (bar 20/s), without images.
4. Published-style files pass our reader and writer unchanged.
5. Sentences of the test wordings that also occur in training sets. Bar: none.

Research use, not a medical device.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import _one_thread  # noqa: F401 - before numpy
import datapack
import numpy as np
from instruct_truth import judge

from ecground.corpora import pack
from ecground.errors import EcgroundError
from ecground.instruct.conversation import Conversation, to_json
from ecground.instruct.exchange import read, write
from ecground.instruct.facts import Facts, facts_of
from ecground.instruct.grounding.recipe import conversation, interpretation
from ecground.instruct.grounding.verify import Verified
from ecground.instruct.naming import Style
from ecground.instruct.readings import Reading, read_facts
from ecground.instruct.recipes import Making, recipe
from ecground.instruct.simulated import made_up, simulated
from ecground.knowledge.codes import codes, scp_codes
from ecground.knowledge.finding import Claim
from ecground.knowledge.telling import covered_by
from ecground.metrics import bootstrap

SEED = 20_000
"""Of the simulated ECGs; no other part of the project uses it."""
BARS = {"true": 0.97, "kept": 0.90, "stored": 200.0, "measured": 20.0}
CORES = 2
EXAMPLES: list[dict[str, Any]] = [
    {"id": "m-1", "ecg": "mimic-iv/files/p10/p1/s1/1", "image": "gen_images/mimic_gen/1-0.png", "conversations": [
        {"from": "human", "value": "<image>\nInterpret the \"ECG\" \\ [all]"}, {"from": "gpt", "value": "AF {fast}"}],
     "machine_measurements": {"I": {"QRS_duration": "92, 104", "ST_form": "upslope, upslope"}}, "report": "af"},
    {"id": "p-2", "image": "ptb-xl/2.png", "conversations": [
        {"from": "human", "value": "Rate?\n<image>"}, {"from": "gpt", "value": "70"},
        {"from": "human", "value": "Sure?"}, {"from": "gpt", "value": "Yes, Ü"}]},
    {"image": ["a.png", "b.png"], "id": "7", "conversations": [
        {"from": "human", "value": "<image> and <image>\nWhat changed?"}, {"from": "gpt", "value": "Nothing."}]},
    {"id": "8", "conversations": [{"from": "human", "value": "What is <image>?"}, {"from": "gpt", "value": "A mark."}]},
]


@dataclass(slots=True)
class Texts:
    """Grounded interpretations of one source."""

    rows: list[tuple[Facts, Verified, Reading]] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    measuring_s: float = 0.0
    writing_s: float = 0.0

    def add(self, facts: Facts, rng: np.random.Generator) -> None:
        """Measure one ECG and write its text; the CPU time of both is counted."""
        begin = time.process_time()
        try:
            reading = read_facts(facts)
        except EcgroundError as error:
            self.failed[error.code] += 1
            return
        between = time.process_time()
        told = interpretation(facts, reading.measurements, reading.findings, rng)
        to_json(conversation(facts, told, rng, seed=0))
        self.measuring_s += between - begin
        self.writing_s += time.process_time() - between
        self.rows.append((facts, told, reading))


def texts(pool: Iterator[Facts] | Sequence[Facts]) -> Texts:
    """The interpretations of a pool, each with a generator of its own."""
    made = Texts()
    for number, facts in enumerate(pool):
        made.add(facts, np.random.default_rng([1, number]))
    return made


def bar(name: str, value: float, limit: float) -> str:
    return f"{'PASS' if value >= limit else 'FAIL'} ({name} bar {limit:g})"


# 1. True of the simulator's parameters ----------------------------------------------------------------------------


def simulated_truth(count: int, draws: int) -> None:
    pool = simulated(count, seed=SEED)
    print(f"\n1. {count} simulated ECGs, texts from the true marks")
    value = _judged(texts(pool), draws)
    print(f"   {bar('true', value, BARS['true'])}")
    print(f"   the first {count // 3} of them with the marks that we find ourselves (no bar)")
    _judged(texts([replace(facts, exact=None) for facts in pool[:count // 3]]), draws)


def _judged(made: Texts, draws: int) -> float:
    """Share of the claims of all kept texts that are true, printed with its parts."""
    verdicts: dict[str, Counter[bool | None]] = defaultdict(Counter)
    false: Counter[str] = Counter()
    rows: list[tuple[str, bool]] = []
    for facts, told, _ in made.rows:
        ecg = made_up(SEED, int(facts.source.id.partition("-")[2]), noisy=False)
        claims = told.claims if told.kept else ()
        for claim, holds in zip(claims, judge(claims, facts, ecg), strict=True):
            verdicts[_kind(claim)][holds] += 1
            if holds is not None:
                rows.append((facts.record, holds))
            if holds is False:
                false[str(claim.measure or f"{claim.finding} {claim.polarity}")] += 1
    right = np.array([holds for _, holds in rows])
    got = bootstrap([record for record, _ in rows], lambda chosen: float(right[chosen].mean()), draws=draws)
    print(f"   {len(rows)} claims judged, true {got.value:.4f} ({got.low:.4f} to {got.high:.4f})")
    for kind, tally in sorted(verdicts.items()):
        known = tally[True] + tally[False]
        print(f"   {kind:12} true {tally[True]:5d} of {known:5d} ({tally[True] / max(known, 1):.3f}), "
              f"not judged {tally[None]}")
    print("   false most often:", ", ".join(f"{name} {n}" for name, n in false.most_common(12)))
    _losses(made)
    return got.value


def _kind(claim: Claim) -> str:
    if claim.measure is None:
        return "statement" if claim.polarity == "present" else "denial"
    return "criterion" if claim.comparison != "=" else "lead value" if claim.leads else "value"


def _losses(made: Texts) -> None:
    told = [row[1] for row in made.rows]
    first = sum(one.first for one in told)
    kept = sum(len(one.claims) for one in told if one.kept) / max(first, 1)
    repaired = np.mean([one.kept and bool(one.contradicted) for one in told])
    dropped = np.mean([not one.kept for one in told])
    print(f"   {len(told)} texts, {first} claims written: kept {kept:.3f} {bar('kept', kept, BARS['kept'])}; texts "
          f"repaired {repaired:.3f}, dropped {dropped:.3f}; unreadable {dict(made.failed)}")


# 2. Against cardiologists' statements -----------------------------------------------------------------------------


def against_labels(split: str, records: int) -> Texts:
    cases = (case for case in pack.cases(datapack.folder(), "ptbxl", subset="raw500", split=split))
    made = texts(facts_of(case) for case in islice(cases, records))
    stated, right, wanted, said = 0, 0, 0, 0
    missed: Counter[str] = Counter()
    for facts, told, _ in made.rows:
        claimed = {name for claim in told.claims if told.kept and claim.measure is None and claim.polarity == "present"
                   and claim.finding for name in claim.finding.replace("&", "|").split("|")}
        known = {name for name in claimed & set(scp_codes()) if facts.says(name) is not None}
        stated, right = stated + len(known), right + sum(facts.says(name) is True for name in known)
        true = {name for name in facts.statements & facts.decided & codes().keys()
                if not facts.statements.intersection(covered_by(name))}
        wanted, said = wanted + len(true), said + len(true & claimed)
        missed.update(true - claimed)
    print(f"\n2. PTB-XL {split}, {len(made.rows)} recordings: stated findings true by the SCP statements "
          f"{right / max(stated, 1):.4f} of {stated} (precision); SCP statements told {said / max(wanted, 1):.4f} of "
          f"{wanted} (recall)")
    print("   missed most often:", ", ".join(f"{name} {n}" for name, n in missed.most_common(12)))
    _losses(made)
    return made


# 3. Speed ---------------------------------------------------------------------------------------------------------


def speed(made: Texts) -> None:
    writing = CORES * len(made.rows) / made.writing_s
    measuring = CORES * len(made.rows) / (made.measuring_s + made.writing_s)
    print(f"\n3. Grounded interpretations, {CORES} cores: {writing:.0f}/s from stored measurements "
          f"{bar('stored', writing, BARS['stored'])}, {measuring:.1f} recordings/s with measuring "
          f"{bar('measured', measuring, BARS['measured'])}")
    pool = [facts for facts, _, _ in made.rows]
    for name, asked in (("qa", _made("qa", pool)), ("debias", _made("debias", pool)),
                        ("ecginstruct", lambda: _items(made))):
        begin = time.process_time()
        count = sum(1 for one in asked() if to_json(one))
        print(f"   {name}: {CORES * count / (time.process_time() - begin):.0f} conversations/s")


def _made(name: str, pool: Sequence[Facts], style: Style = "train") -> Callable[[], Iterator[Conversation]]:
    def make() -> Iterator[Conversation]:
        chosen, making = recipe(name), Making(seed=1, style=style, pairs=len(pool))
        for place, unit in enumerate(chosen.units(pool, making)):
            yield from chosen.make(unit, making, making.rng(1, place)).conversations

    return make


def _items(made: Texts, style: Style = "train") -> Iterator[Conversation]:
    from ecground.instruct.ecginstruct.item import to_conversation
    from ecground.instruct.ecginstruct.tasks import items

    for place, (facts, _, reading) in enumerate(made.rows):
        for number, item in enumerate(items(facts, reading.measurements, reading.findings,
                                            np.random.default_rng(place), style=style)):
            yield to_conversation(item, facts, number=number, seed=0)


# 4. and 5. Files and wordings -------------------------------------------------------------------------------------


def round_trip() -> None:
    import json

    with tempfile.TemporaryDirectory() as folder:
        first, second, third = (Path(folder) / name for name in ("a.json", "b.json", "c.jsonl"))
        first.write_text(json.dumps(EXAMPLES, ensure_ascii=False), "utf-8")
        write(read(first), second)
        write(read(first), third)
        write(read(third), first)
        same = json.loads(second.read_bytes()) == EXAMPLES == json.loads(first.read_bytes())
    print(f"\n4. {len(EXAMPLES)} published-style examples unchanged by LLaVA JSON and by JSON Lines: "
          f"{'PASS' if same else 'FAIL'}")


def wordings(made: Texts) -> None:
    pool = [facts for facts, _, _ in made.rows]
    asked: dict[Style, set[str]] = {"train": set(), "test": set()}
    for style, sentences in asked.items():
        for told in (_made("qa", pool, style)(), _made("debias", pool, style)(), _items(made, style),
                     (conversation(facts, told, np.random.default_rng(i), seed=0, style=style)
                      for i, (facts, told, _) in enumerate(made.rows))):
            sentences.update(_sentence(one) for one in told)
    shared = asked["train"] & asked["test"]
    print(f"\n5. {len(asked['train'])} sentences asked in training sets, {len(asked['test'])} in test sets, shared "
          f"{len(shared)}: {'FAIL ' + '; '.join(sorted(shared)[:5]) if shared else 'PASS'}")


def _sentence(one: Conversation) -> str:
    """The question as asked, without its ECGs and lettered options."""
    part = one.turns[0].parts[-1]
    return str(getattr(part, "text", "")).strip().split("\n")[0].casefold()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300, help="simulated ECGs")
    parser.add_argument("--records", type=int, default=300, help="PTB-XL recordings of each split")
    parser.add_argument("--split", action="append", choices=("train", "valid"), help="default: both")
    parser.add_argument("--draws", type=int, default=1000, help="bootstrap draws")
    options = parser.parse_args()
    texts(simulated(3, seed=SEED + 1))  # imports and caches, so that they are not timed
    simulated_truth(options.count, options.draws)
    if os.environ.get("ECGROUND_DATA"):
        made, *_ = [against_labels(split, options.records) for split in options.split or ("train", "valid")]
    else:
        print("\n2. ECGROUND_DATA is not set: speed and wordings on simulated ECGs")
        made = texts(simulated(50, seed=SEED + 2))
    speed(made)
    round_trip()
    wordings(made)


if __name__ == "__main__":
    main()
