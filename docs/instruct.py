"""Writes docs/instruct/: five outputs of each recipe for instruction data, made from simulated ECGs.

    python docs/instruct.py

Every recipe shows as many of its tasks as fit, each from another ECG where there is one; twins stay together.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Final

from ecground.instruct.conversation import Conversation, EcgPart, Ground, ImagePart, TextPart
from ecground.instruct.corpus import Order, build_corpus
from ecground.instruct.exchange import read
from ecground.instruct.recipes import Making, recipes
from ecground.paper.datasets.source import Source

__all__ = ["write"]

HERE: Final = Path(__file__).parent
SEED: Final = 8
SHOWN: Final = 5
GROUNDS: Final = 4
COUNTS: Final = {"grounding": 6, "meeti": 6, "ecginstruct": 6, "qa": 40, "debias": 60}
"""Recordings that a recipe is made of."""


def write(folder: Path) -> None:
    """One page a recipe."""
    folder.mkdir(exist_ok=True)
    for number, row in enumerate(recipes()):
        if row.name in COUNTS:
            making = Making(seed=SEED + number, pairs=6)
            order = Order(row.name, Source("simulated"), making, count=COUNTS[row.name])
            with tempfile.TemporaryDirectory() as place:
                out = Path(place) / "set"
                build_corpus(order, out)
                talks = [talk for path in sorted(out.glob(f"{row.name}-*.jsonl")) for talk in read(path)]
            (folder / f"{row.name}.md").write_text(_page(row.name, row.description, _chosen(talks)), "utf-8")


def _chosen(talks: list[Conversation]) -> list[Conversation]:
    """Conversations of as many tasks as there are, each about another ECG where there is one, and one pair of twins."""
    twins = [talk for talk in talks if "pair" in talk.generator][:2]
    tasks: dict[str, list[Conversation]] = {}
    for talk in talks:
        if "pair" not in talk.generator:
            tasks.setdefault(talk.task, []).append(talk)
    kinds, room = list(tasks), SHOWN - len(twins)
    step = max(1, len(kinds) // room)
    chosen = [tasks[kind] for kind in kinds[::step][:room]]
    if len(chosen) < room:
        chosen = [chosen[0]] * room
    return [some[place * len(some) // room] for place, some in enumerate(chosen)] + twins


def _page(name: str, description: str, talks: list[Conversation]) -> str:
    lines = [f"# `ecground build {name}`", "", f"Makes {description}. Research use, not a medical device.", "",
             "Five outputs, from simulated ECGs, as they come; written by `python docs/instruct.py`.", ""]
    for talk in talks:
        question, answer = talk.turns[0], talk.turns[1]
        lines += [f"## {talk.task}", "", f"*{', '.join(_parts(talk))}*", ""]
        lines += [f"> {line}" if line else ">" for line in _words(question.parts).strip().split("\n")]
        lines += ["", answer.text, ""]
        lines += _grounds(answer.text, answer.grounds)
    return "\n".join(lines).rstrip() + "\n"


def _parts(talk: Conversation) -> list[str]:
    return [*(f"ECG {record}" for record in talk.records), *(f"page {image}" for image in talk.images)]


def _words(parts: tuple[object, ...]) -> str:
    shown = {EcgPart: "[ECG]", ImagePart: "[page]"}
    return "".join(part.text if isinstance(part, TextPart) else shown.get(type(part), "") for part in parts)


def _grounds(text: str, grounds: tuple[Ground, ...]) -> list[str]:
    """What some of the claims rest on, the whole of it as JSON lies in the data."""
    some = sorted(grounds, key=lambda ground: not (ground.finding or ground.leads))[:GROUNDS]
    rows = [f"| {text[slice(*ground.span)]} | {ground.truth} | {_about(ground)} | {ground.verdict or ''} |".replace(
        "\n", " ") for ground in some]
    if not rows:
        return []
    return [f"{len(grounds)} ground{'s' if len(grounds) > 1 else ''}" + (", for instance:" if len(grounds) > GROUNDS
            else ":"), "", "| claim | truth | what | checker |", "|---|---|---|---|", *rows, ""]


def _about(ground: Ground) -> str:
    about = {"finding": ground.finding, "polarity": ground.polarity if ground.finding else None,
             "measure": ground.measure, "value": ground.value, "leads": list(ground.leads) or None,
             "samples": list(ground.samples) if ground.samples else None, "boxes": len(ground.boxes) or None}
    return f"`{json.dumps({name: value for name, value in about.items() if value is not None}, ensure_ascii=False)}`"


if __name__ == "__main__":
    write(HERE / "instruct")
