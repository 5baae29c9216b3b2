from __future__ import annotations

import gzip
import json

import pytest

from ecground.errors import CorruptInputError, EcgroundError, NotFoundError, UsageError
from ecground.instruct.conversation import Source
from ecground.instruct.qa.ecgqa import ecgqa, mimic_paths, options_of, ptbxl_path

SAMPLE = {
    "template_id": 3, "question_id": 41, "sample_id": 7, "question_type": "single-query", "attribute_type": "scp_code",
    "question": "What diagnostic symptoms does this ECG show?", "answer": ["hypertrophy", "conduction disturbance"],
    "ecg_id": [12], "attribute": ["lead II"],
}


@pytest.fixture
def original(tmp_path):
    """The published layout with two samples, the answers of the second copy in the other order."""
    for wording, answers in (("template", SAMPLE["answer"]), ("paraphrased", SAMPLE["answer"][::-1])):
        folder = tmp_path / "ptbxl" / wording / "train"
        folder.mkdir(parents=True)
        none = SAMPLE | {"template_id": 70, "question_type": "comparison_irrelevant-query", "ecg_id": [12, 99],
                         "answer": ["none"], "attribute": None}
        (folder / "000000.json").write_text(json.dumps([SAMPLE | {"answer": answers}, none]), "utf-8")
    table = "template_id,classes\n3,\"['conduction disturbance', 'hypertrophy', 'none']\"\n"
    (tmp_path / "ptbxl" / "answers_for_each_template.csv").write_text(table, "utf-8")
    return tmp_path


def test_the_published_layout_is_read(original):
    people = {"12": Source("ptbxl", "12", "p9", "train", 3, "CC BY 4.0")}
    first, second = ecgqa(original, sources=people)
    assert first.key == ("41", "lead II") and first.options == ("conduction disturbance", "hypertrophy", "none")
    assert first.sources[0].patient == "p9" and first.sources[0].fold == 3
    assert second.records == ("ptbxl:12", "ptbxl:99") and second.key == ("41",)
    assert second.answers == ("none",) and second.answer_set == frozenset()


def test_answers_are_sets_whatever_the_copy(original):
    template, paraphrased = (next(ecgqa(original, wording=wording)) for wording in ("template", "paraphrased"))
    assert template.answers == paraphrased.answers == ("conduction disturbance", "hypertrophy")


def test_an_excerpt_as_json_lines_is_read(tmp_path):
    lines = [json.dumps(SAMPLE | {"kind": kind, "ecgqa_split": "test"}) for kind in ("template", "paraphrased")]
    (tmp_path / "excerpt.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    assert len(list(ecgqa(tmp_path))) == 1
    assert list(ecgqa(tmp_path, split="train")) == []


def test_mimic_questions_are_credentialed(tmp_path):
    folder = tmp_path / "mimic-iv-ecg" / "template" / "test"
    folder.mkdir(parents=True)
    (folder / "0.json").write_text(json.dumps([SAMPLE | {"ecg_id": [40689238]}]), "utf-8")
    (question,) = ecgqa(tmp_path, dataset="mimic-iv-ecg")
    assert question.sources[0].credentialed and question.records == ("mimic-iv-ecg:40689238",)


@pytest.mark.parametrize("change", [
    {"template_id": 71}, {"template_id": "x"}, {"answer": []}, {"ecg_id": [1, 2, 3]}, {"ecg_id": None},
    {"question_type": "single-guess"}, {"answer": None},
])
def test_a_broken_sample_is_named_with_its_place(tmp_path, change):
    folder = tmp_path / "ptbxl" / "template" / "train"
    folder.mkdir(parents=True)
    (folder / "000000.json").write_text(json.dumps([SAMPLE, SAMPLE | change]), "utf-8")
    questions = ecgqa(tmp_path)
    next(questions)
    with pytest.raises(CorruptInputError, match=r"000000.json, sample 2"):
        next(questions)


def test_what_is_not_there_or_damaged(tmp_path):
    with pytest.raises(NotFoundError):
        list(ecgqa(tmp_path))
    with pytest.raises(UsageError):
        list(ecgqa(tmp_path, split="dev"))
    (tmp_path / "x.jsonl.gz").write_bytes(b"\x1f\x8b" + b"\0" * 30)
    with pytest.raises(EcgroundError):
        list(ecgqa(tmp_path))
    (tmp_path / "answers_for_each_template.csv").write_text("template_id,classes\n1,__import__('os')\n", "utf-8")
    with pytest.raises(CorruptInputError):
        options_of(tmp_path)


def test_mappings(tmp_path):
    assert ptbxl_path(1) == "records500/00000/00001_hr" and ptbxl_path(21837) == "records500/21000/21837_hr"
    table = tmp_path / "record_list.csv"
    table.write_text("subject_id,study_id,file_name,path\n1,2,3,files/p1/p1/s2/2\n", "utf-8")
    assert mimic_paths(table) == {"2": "files/p1/p1/s2/2"}


def test_the_packs_excerpt(pack):
    for wording in ("template", "paraphrased"):
        questions = list(ecgqa(pack / "ecgqa", wording=wording))
        assert len(questions) == 2478
        assert all(set(question.answers) <= set(question.options) for question in questions)
