"""The card beside a data set: what it is, what it was made of, how it was checked, and what it must not be used for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ecground import __version__, safe
from ecground.instruct.debias import Audit
from ecground.instruct.guards import Guarded
from ecground.paper.datasets.shards import Built

if TYPE_CHECKING:
    from ecground.instruct.corpus import Order

__all__ = ["audit_table", "guards_json", "write_card"]

_TOP: Final = 20
_TEST_FOLD: Final = 10


def write_card(out: Path, order: Order, built: Built, found: Guarded, *, notes: str = "") -> None:
    """`README.md` for people, ending with `notes`, and `guards.json` for programs; both atomic."""
    safe.write_atomic(out / "guards.json", json.dumps(guards_json(found), indent=1, sort_keys=True).encode() + b"\n")
    safe.write_atomic(out / "README.md", _card(order, built, found, notes).encode())


def guards_json(found: Guarded) -> dict[str, object]:
    """What the guards saw, as JSON values."""
    return {**asdict(found), "ok": found.ok}


def _card(order: Order, built: Built, found: Guarded, notes: str) -> str:
    claims, struck = built.counts.get("claims", 0), built.counts.get("struck", 0)
    lines = [
        f"# {order.recipe}: {found.conversations} conversations", "",
        "Research use, not a medical device.", "",
        f"Made by ecground {__version__}, recipe `{order.recipe}`, seed {order.making.seed}, from `{order.source.name}`"
        f"{f', split {order.split}' if order.split else ''}. `settings.json` holds every setting; the same settings "
        "give the same bytes.", "",
        *_table("what", {
            "conversations": found.conversations, "turns": found.turns,
            "recordings or questions": built.counts["units"],
            "recordings that failed (failures.jsonl)": len(built.failures), "shards missing": len(built.missing),
            "words of an answer: median, 95 %, most":
                f"{found.words['median']:.0f}, {found.words['p95']:.0f}, {found.words['maximum']:.0f}",
            "duplicates": found.duplicates,
        }), "",
        "## Checked", "",
    ]
    if claims:
        lines += [f"Of {claims} claims written, {struck} ({struck / claims:.1%}) were contradicted by the measurements "
                  f"and taken out; {built.counts['dropped']} texts were dropped.", ""]
    lines += [f"- leaks in prompts: {len(found.leaks)}", f"- patients in two splits: {len(found.crossing_patients)}",
              f"- comparisons over two splits: {len(found.straddling)}",
              f"- verdicts of the claim checker: {_counted(found.verdicts)}", "",
              "## Origin", "", f"- splits: {_counted(found.splits)}", f"- licences: {_counted(found.licences)}",
              f"- conversations whose access is personal (credentialed): {found.credentialed}",
              f"- PTB-XL folds seen: {', '.join(map(str, found.folds)) or 'none, or not known'}"]
    if _TEST_FOLD in found.folds:
        lines.append("- PTB-XL's official test fold is among them: a model trained on this set has no score there")
    lines += ["", "## Answers", ""]
    for task, counts in found.balance.items():
        lines.append(f"- {task}: {_counted(counts)}")
    return "\n".join([*lines, "", notes]).rstrip() + "\n"


def audit_table(rows: Sequence[Audit]) -> str:
    """What balancing did to each of the most frequent questions, as a table."""
    head = ["| question | yes | no | yes-rate | blind maximum | grounded on a random ECG | kept |", "|" + "---|" * 7]
    return "\n".join(head + [_audit_row(row) for row in rows[:_TOP]]) + "\n"


def _audit_row(row: Audit) -> str:
    return (f"| {' '.join(row.key)} | {row.yes} | {row.no} | {row.yes_rate:.2f} | {row.blind_maximum:.2f} | "
            f"{row.grounded_on_random:.2f} | {row.kept} |")


def _table(head: str, rows: Mapping[str, object]) -> list[str]:
    return [f"| {head} | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items()) or "none"
