"""What is checked on every data set that is built, and on foreign ones: leaks, splits, duplicates, balance, licences.

A leak is an answer that can be given without the ECG: metadata in the prompt (columns of PTB-XL from which ECG-QA's
answers were made have been fed to a published model), the answer's own words in an open question, or a file name that
says the diagnosis. Splits are by patient: nobody stands on two sides, and no question compares ECGs of two sides.
PTB-XL's official folds that were seen are listed, so that an evaluation can refuse a score on a fold that a model was
trained on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ecground.instruct.conversation import Conversation, MeasurementsPart
from ecground.knowledge.codes import SUPERCLASSES, phrases, scp_codes

__all__ = ["Guard", "Guarded", "Leak"]

_METADATA: Final = re.compile(
    r"(?i)\b(scp_codes?|scp_statements?|heart_axis|infarction_stadium\w*|baseline[_ ]drift noted|static[_ ]noise noted|"
    r"burst[_ ]noise noted|electrodes?[_ ]problems? noted|extra[_ ]beats (?:present|noted)|pacemaker (?:present|noted)|"
    r"strat_fold|(?:clinical|physician'?s?|cardiologist'?s?|machine) (?:report|diagnosis|reading)\s*:|"
    r"ground[- ]truth|gold (?:label|standard)|(?:correct|right) answer\s*(?:is|:))")
_METADATA_KEYS: Final = frozenset({
    "report", "label", "labels", "diagnosis", "diagnoses", "scp_codes", "statement", "statements", "findings",
    "heart_axis", "extra_beats", "pacemaker", "baseline_drift", "static_noise", "burst_noise", "electrodes_problems",
    "infarction_stadium1", "infarction_stadium2", "superclass",
})
_LETTERED: Final = re.compile(r"(?m)^[A-H][.)] ")
_OFFERED: Final = re.compile(r"(?i)\boptions?\s*:|\beither\b|\bor\b|\bwhether\b")
_OPEN_WORDS: Final = 2
_EXAMPLES: Final = 5
_LEAST_LETTERS: Final = 6
"""Shorter phrases (`mi`, `af`) are too often part of something else."""
_NAMED: Final = frozenset({*SUPERCLASSES, *scp_codes(), "STEMI"}) - {"SR"}


@dataclass(frozen=True, slots=True)
class Leak:
    """One prompt that gives its answer away."""

    id: str
    kind: str
    """`metadata`, `measurements`, `answer` or `file name`."""
    words: str
    """What gives it away."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """What was found; `ok` when nothing forbids training on the set."""

    conversations: int
    turns: int
    leaks: tuple[Leak, ...]
    crossing_patients: tuple[str, ...]
    """Patients in more than one split."""
    straddling: tuple[str, ...]
    """Conversations whose ECGs are of different splits."""
    duplicates: int
    """Conversations whose question, recordings and answer have occurred before."""
    words: Mapping[str, float]
    """Of answers: minimum, median, 95th percentile, maximum."""
    balance: Mapping[str, Mapping[str, int]]
    """Task -> its most frequent answers and their numbers."""
    recipes: Mapping[str, int]
    splits: Mapping[str, int]
    licences: Mapping[str, int]
    credentialed: int
    """Conversations about recordings that go to no remote host."""
    folds: tuple[int, ...]
    """PTB-XL's official folds among the sources."""
    verdicts: Mapping[str, int]
    """Of the claim checker on the grounds that have one."""

    @property
    def ok(self) -> bool:
        """No leak, no patient on two sides, no contradicted claim."""
        return not (self.leaks or self.crossing_patients or self.straddling or self.verdicts.get("contradicted"))


@dataclass(slots=True)
class Guard:
    """Watches conversations go by; `result` says what it saw. Memory grows with the number of patients and answers."""

    conversations: int = 0
    turns: int = 0
    leaks: list[Leak] = field(default_factory=list)
    duplicates: int = 0
    credentialed: int = 0
    folds: set[int] = field(default_factory=set)
    straddling: list[str] = field(default_factory=list)
    _sides: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)
    _lengths: list[int] = field(default_factory=list)
    _answers: dict[str, Counter[str]] = field(default_factory=dict)
    _recipes: Counter[str] = field(default_factory=Counter)
    _splits: Counter[str] = field(default_factory=Counter)
    _licences: Counter[str] = field(default_factory=Counter)
    _verdicts: Counter[str] = field(default_factory=Counter)

    def watch(self, conversations: Iterable[Conversation]) -> Iterable[Conversation]:
        """The same conversations, each seen on its way."""
        for conversation in conversations:
            self.see(conversation)
            yield conversation

    def see(self, conversation: Conversation) -> None:
        """Take one conversation into account."""
        self.conversations += 1
        self.turns += len(conversation.turns)
        self.leaks += leaks_of(conversation)
        self._origins(conversation)
        answers = [turn.text for turn in conversation.turns if turn.role == "assistant"]
        key = hash((conversation.records, conversation.images, tuple(turn.text for turn in conversation.turns)))
        self.duplicates += key in self._seen
        self._seen.add(key)
        task = conversation.task or conversation.recipe or "untitled"
        for answer in answers:
            self._lengths.append(len(answer.split()))
            self._answers.setdefault(task, Counter())[_short(answer)] += 1
        self._recipes[conversation.recipe or "foreign"] += 1
        self._verdicts.update(ground.verdict for turn in conversation.turns for ground in turn.grounds
                              if ground.verdict is not None)

    def _origins(self, conversation: Conversation) -> None:
        sides = {source.split or "unknown" for source in conversation.sources}
        if len(sides) > 1:
            self.straddling.append(conversation.id)
        self._splits["+".join(sorted(sides)) or "unknown"] += 1
        self.credentialed += any(source.credentialed for source in conversation.sources)
        for source in conversation.sources:
            self._licences[source.licence or "not known"] += 1
            if source.fold is not None and source.corpus == "ptbxl":
                self.folds.add(source.fold)
            if source.patient:
                self._sides.setdefault((source.corpus, source.patient), set()).add(source.split or "unknown")

    def result(self) -> Guarded:
        """What was seen so far."""
        lengths = np.array(self._lengths or [0], dtype=np.float64)
        crossing = tuple(f"{corpus}:{patient}" for (corpus, patient), sides in sorted(self._sides.items())
                         if len(sides - {"unknown"}) > 1)
        return Guarded(
            conversations=self.conversations, turns=self.turns, leaks=tuple(self.leaks), crossing_patients=crossing,
            straddling=tuple(self.straddling), duplicates=self.duplicates,
            words={"minimum": float(lengths.min()), "median": float(np.median(lengths)),
                   "p95": float(np.percentile(lengths, 95)), "maximum": float(lengths.max())},
            balance={task: dict(counts.most_common(_EXAMPLES)) for task, counts in sorted(self._answers.items())},
            recipes=dict(sorted(self._recipes.items())), splits=dict(sorted(self._splits.items())),
            licences=dict(sorted(self._licences.items())), credentialed=self.credentialed,
            folds=tuple(sorted(self.folds)), verdicts=dict(sorted(self._verdicts.items())),
        )


def leaks_of(conversation: Conversation) -> list[Leak]:
    """What in the prompts of a conversation gives its answers away."""
    found = []
    asked = [turn for turn in conversation.turns if turn.role != "assistant"]
    answers = " ".join(turn.text for turn in conversation.turns if turn.role == "assistant")
    for turn in asked:
        told = _METADATA.search(turn.text)
        if told:
            found.append(Leak(conversation.id, "metadata", told.group().strip()))
        for part in turn.parts:
            if isinstance(part, MeasurementsPart):
                keys = {str(key).lower() for key in part.values} & _METADATA_KEYS
                found += [Leak(conversation.id, "measurements", key) for key in sorted(keys)]
    found += [Leak(conversation.id, "answer", words) for words in _answered(conversation, answers)]
    found += [Leak(conversation.id, "file name", word) for word in _named_by_file(conversation)]
    return found


def _answered(conversation: Conversation, answers: str) -> list[str]:
    """Findings of the first answer that the first prompt names, where it neither offers nor asks about them."""
    first = next((turn.text for turn in conversation.turns if turn.role == "user"), "")
    closed = answers.strip().lower().rstrip(".").split(",")[0] in {"yes", "no", "not sure"}
    if closed or _LETTERED.search(first) or _OFFERED.search(first) or len(answers.split()) < _OPEN_WORDS:
        return []
    said, prompt = answers.lower(), first.lower()
    named = {key: phrase for phrase, key in phrases().items() if len(phrase) >= _LEAST_LETTERS
             and phrase in prompt and re.search(rf"\b{re.escape(phrase)}\b", prompt)}
    offered = len(named) > 1  # two findings in one question are a choice
    return [] if offered else [phrase for phrase in named.values() if phrase in said]


def _named_by_file(conversation: Conversation) -> list[str]:
    """Codes of statements that stand as words in the name of a file."""
    names = " ".join((*conversation.records, *conversation.images))
    return [word for word in re.findall(r"(?<![A-Za-z0-9])[A-Z0-9]{2,6}(?![A-Za-z0-9])", names) if word in _NAMED][:1]


def _short(answer: str) -> str:
    """An answer as it is counted: its letter, or its first words."""
    letter = re.match(r"^([A-H])[.)] ", answer)
    return letter.group(1) if letter else " ".join(answer.split()[:6])
