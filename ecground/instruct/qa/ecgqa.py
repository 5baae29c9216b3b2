"""ECG-QA (Oh et al. 2023, CC BY 4.0), its PTB-XL and MIMIC-IV-ECG parts, as published -> `Question`.

Layout of the original: `{ptbxl, mimic-iv-ecg}/{template, paraphrased}/{train, valid, test}/*.json`, lists of samples;
`answers_for_each_template.csv` gives the possible answers. Excerpts as JSON Lines (`*.jsonl`, `.jsonl.gz`) with the
keys `kind` (template or paraphrased) and `ecgqa_split` are read too.
Facts that matter for scores: the order of answers differs between the template and the paraphrased copy, so answers are
sets; `none` stands for the empty set; the splits ignore PTB-XL's folds (train holds 1,581 recordings of fold 10).
"""

from __future__ import annotations

import ast
import gzip
import zlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Literal

from ecground import safe
from ecground.corpora.case import rows
from ecground.errors import CorruptInputError, NotFoundError, UnsafeInputError, UsageError
from ecground.instruct.conversation import Source
from ecground.instruct.qa.question import QUESTION_TYPES, Question

__all__ = ["ecgqa", "mimic_paths", "options_of", "ptbxl_path"]

Dataset = Literal["ptbxl", "mimic-iv-ecg"]
Wording = Literal["template", "paraphrased"]
_SPLITS: Final = ("train", "valid", "test")
_TEMPLATES: Final = range(1, 71)
_LIMIT: Final = 1 << 28


def ecgqa(
    folder: str | Path, *, dataset: Dataset = "ptbxl", wording: Wording = "template", split: str | None = None,
    sources: Mapping[str, Source] | None = None,
) -> Iterator[Question]:
    """The questions of one part of ECG-QA, in the order of its files.

    Args:
        folder: the original's root, or a folder with an excerpt as JSON Lines.
        dataset: which part; an excerpt holds PTB-XL's.
        wording: template or paraphrased questions.
        split: ECG-QA's own `train`, `valid` or `test`; None for all.
        sources: ECG number -> who it is of and what may be done with it, as far as known.

    Raises:
        UsageError: no such split.
        NotFoundError: the folder holds no ECG-QA.
        CorruptInputError: a sample lacks a key; the message names file and position.
    """
    if split not in (None, *_SPLITS):
        raise UsageError(f"ECG-QA has no split {split}", where="split", hint=" ".join(_SPLITS))
    root = Path(folder)
    options = options_of(root, dataset)
    known = sources or {}
    for number, (where, part, sample) in enumerate(_samples(root, dataset, wording)):
        if split in (None, part):
            yield _question(sample, part, where, options, known, dataset, f"{wording}-{number}")


def options_of(folder: Path, dataset: Dataset = "ptbxl") -> Mapping[int, tuple[str, ...]]:
    """The possible answers of each of the 70 templates; empty when the table is not there."""
    table = next((path for path in (folder / dataset / "answers_for_each_template.csv",
                                    folder / "answers_for_each_template.csv") if path.is_file()), None)
    if table is None:
        return {}
    try:
        return {int(row["template_id"]): tuple(map(str, ast.literal_eval(row["classes"]))) for row in rows(table)}
    except (KeyError, ValueError, SyntaxError):
        raise CorruptInputError("not a table of template_id and classes", where=table.name) from None


def _samples(root: Path, dataset: Dataset, wording: Wording) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(place, split, sample) of the original's folders, else of excerpts."""
    files = [(path, part) for part in _SPLITS for path in sorted((root / dataset / wording / part).glob("*.json"))]
    for path, part in files:
        held = safe.json_value(safe.read_bytes(path), where=path.name, limit=_LIMIT)
        if not isinstance(held, list):
            raise CorruptInputError("not a list of samples", where=path.name)
        for position, sample in enumerate(held, 1):
            yield f"{path.name}, sample {position}", part, _object(sample, path.name)
    excerpts = [] if files or dataset != "ptbxl" else sorted(root.glob("*.jsonl*"))
    if not files and not excerpts:
        raise NotFoundError("no ECG-QA in this folder", where=root.name,
                            hint=f"it should hold {dataset}/{wording}/train/*.json, or an excerpt as JSON Lines")
    for path in excerpts:
        for position, line in enumerate(_text(path).splitlines(), 1):
            sample = _object(safe.json_value(line, where=f"{path.name}, line {position}"), path.name)
            if sample.get("kind", wording) == wording:
                yield f"{path.name}, line {position}", str(sample.get("ecgqa_split", "")), sample


def _text(path: Path) -> bytes:
    data = safe.read_bytes(path, limit=_LIMIT)
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        text = gzip.GzipFile(fileobj=BytesIO(data)).read(_LIMIT + 1)
    except (OSError, EOFError, zlib.error):
        raise CorruptInputError("damaged gzip data", where=path.name) from None
    if len(text) > _LIMIT:
        raise UnsafeInputError(f"unpacks to more than {_LIMIT} bytes", where=path.name)
    return text


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CorruptInputError("a sample that is no object", where=where)
    return value


def _question(
    sample: dict[str, Any], part: str, where: str, options: Mapping[int, tuple[str, ...]],
    sources: Mapping[str, Source], dataset: Dataset, name: str,
) -> Question:
    try:
        template, kind = int(sample["template_id"]), sample["question_type"]
        answers = tuple(sorted(str(answer) for answer in sample["answer"]))
        ecgs = [str(int(number)) for number in sample["ecg_id"]]
        asked = (str(sample["question_id"]), *map(str, sample.get("attribute") or ()))
        wording, attribute_type = str(sample["question"]), str(sample["attribute_type"])
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptInputError(f"a sample without a usable {error.args[0] if error.args else 'key'}", where=where,
                                hint="ECG-QA's keys: template_id question_id question_type attribute_type question "
                                     "answer ecg_id attribute") from None
    if kind not in QUESTION_TYPES or template not in _TEMPLATES or not 1 <= len(ecgs) <= 2 or not answers:
        raise CorruptInputError("an unknown question type or template, no answer, or not one or two ECGs", where=where)
    corpus = "mimic-iv-ecg" if dataset == "mimic-iv-ecg" else "ptbxl"
    people = tuple(sources.get(number) or Source(
        corpus, number, "", None, licence="CC BY 4.0" if corpus == "ptbxl" else "PhysioNet credentialed",
        credentialed=corpus == "mimic-iv-ecg") for number in ecgs)
    return Question(
        id=f"ecgqa-{part}-{name}", type=kind, key=asked, wording=wording, answers=answers,
        options=options.get(template, ()), records=tuple(f"{corpus}:{number}" for number in ecgs), sources=people,
        attribute_type=attribute_type,
    )


def ptbxl_path(number: int) -> str:
    """Where PTB-XL keeps the 500 Hz copy of recording `number`, relative to its root and without suffix."""
    return f"records500/{number // 1000 * 1000:05d}/{number:05d}_hr"


def mimic_paths(record_list: str | Path) -> Mapping[str, str]:
    """MIMIC-IV-ECG's `record_list.csv`: study_id -> path without suffix, relative to its root."""
    try:
        return {row["study_id"]: row["path"] for row in rows(Path(record_list))}
    except KeyError:
        raise CorruptInputError("no columns study_id and path", where=Path(record_list).name) from None
