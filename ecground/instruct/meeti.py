"""MEETI-like records: signal, page, values of every beat in every lead, and an interpretation, under one id.

The parts are those of MEETI (2025, arXiv 2507.15255) with what its published files lack: QT from the QRS onset, values
of every beat in all twelve leads, the truth of every claim, and boxes on the page for what the interpretation names.
Each id has `signals/ID.npz`, `images/ID.png`, `features/ID.json`, `text/ID.json`, and a conversation about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ecground.instruct.conversation import Conversation, EcgPart, ImagePart
from ecground.instruct.facts import Facts
from ecground.instruct.grounding.recipe import conversation
from ecground.instruct.grounding.verify import Verified
from ecground.instruct.naming import Style
from ecground.instruct.spatial import placed
from ecground.measure.table import Measurements
from ecground.paper.datasets.kinds import KINDS, meeti_sample, page_of
from ecground.paper.datasets.source import Item

__all__ = ["meeti"]

_FOLDERS: Mapping[str, str] = {"npz": "signals/{}.npz", "png": "images/{}.png", "features.json": "features/{}.json",
                               "text.json": "text/{}.json"}


def meeti(facts: Facts, measurements: Measurements, told: Verified, rng: np.random.Generator, *, seed: int,
          style: Style = "train") -> tuple[Conversation, dict[str, bytes]]:
    """The conversation about one ECG and the files that it refers to, by their names in the data set.

    Args:
        facts: what is known of the ECG.
        measurements: its values.
        told: its checked interpretation.
        rng: draws layout and question.
        seed: of the data set.
        style: wordings of training or of test data.
    """
    record, source = facts.load(), facts.source
    page = page_of(record, KINDS["meeti"][1], rng)
    about = {"corpus": source.corpus, "record": source.id, "patient": source.patient, "split": source.split,
             "licence": source.licence, "credentialed": source.credentialed}
    item = Item(_stem(facts.record), facts.load, about, facts.report)
    sample = meeti_sample(item, record, page, measurements, told.text)
    files = {_FOLDERS[suffix].format(item.id): content for suffix, content in sample.files.items()}
    image = _FOLDERS["png"].format(item.id)
    talk = conversation(facts, told, rng, parts=(ImagePart(image),), seed=seed, style=style)
    asked = tuple(EcgPart(_FOLDERS["npz"].format(item.id)) if isinstance(part, EcgPart) else part
                  for part in talk.turns[0].parts)
    talk = replace(talk, id=f"meeti-{item.id}", recipe="meeti",
                   turns=(replace(talk.turns[0], parts=asked), *talk.turns[1:]))
    return talk if page.truth is None else placed(talk, image, page.truth), files


def _stem(record: str) -> str:
    """A recording's name as that of a file."""
    return "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in record)
