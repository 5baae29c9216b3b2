from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest

from ecground.errors import CorruptInputError, EcgroundError, NotFoundError, UnsafeInputError, UsageError
from ecground.instruct import llava
from ecground.instruct.conversation import (
    Conversation,
    EcgPart,
    Ground,
    ImagePart,
    MeasurementsPart,
    PageBox,
    Source,
    TextPart,
    Turn,
    from_json,
    to_json,
)
from ecground.instruct.exchange import read, write
from ecground.instruct.llava import elements, from_llava, to_llava

GEM = {
    "id": "mimic-1", "ecg": "mimic-iv/files/p1000/s1/1", "image": "gen_images/1-0.png",
    "conversations": [{"from": "human", "value": "<image>\nInterpret \"this\" \\ [ECG]"},
                      {"from": "gpt", "value": "Sinus rhythm {regular}"}],
    "machine_measurements": {"I": {"QRS_duration": "92, 104"}}, "report": "sinus rhythm",
}
PULSE = {"id": "ptb-2", "image": "ptb-xl/2.png", "conversations": [
    {"from": "human", "value": "Rate?\n<image>"}, {"from": "gpt", "value": "70"},
    {"from": "human", "value": "Sure?"}, {"from": "gpt", "value": "Yes"}]}
TWO = {"image": ["a.png", "b.png"], "id": "7", "conversations": [
    {"from": "human", "value": "First <image>, second <image>\nWhat changed?"}, {"from": "gpt", "value": "Nothing."}]}
BARE = {"id": "8", "conversations": [{"from": "human", "value": "What does <image> mean?"},
                                     {"from": "gpt", "value": "A mark."}]}
PUBLISHED = [GEM, PULSE, TWO, BARE]


def grounded() -> Conversation:
    box = PageBox("1.png", "V1", ((1.0, 2.0), (3.5, 2.0), (3.5, 9.0), (1.0, 9.0)), beat=2)
    ground = Ground((0, 5), "label", finding="1AVB", measure="pr_ms", value=220.0, unit="ms", leads=("II",),
                    beats=(1, 2), samples=(10, 90), boxes=(box,), verdict="supported")
    return Conversation(
        "ptbxl-1", (Turn("user", (EcgPart("ptbxl:1"), ImagePart("1.png"), MeasurementsPart({"pr_ms": 220}),
                                  TextPart("Grüße?"))),
                    Turn("assistant", (TextPart("PR 220 ms"),), (ground,))),
        (Source("ptbxl", "1", "p1", "train", 3, "CC BY 4.0"),), "grounding", "report", {"seed": 3},
    )


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_our_files_keep_everything(tmp_path, suffix):
    given = [grounded(), replace(grounded(), id="other", sources=())]
    path = tmp_path / f"set{suffix}"
    assert write(iter(given), path) == 2
    assert list(read(path)) == given


@pytest.mark.parametrize("element", PUBLISHED, ids=lambda e: e["id"])
def test_published_elements_round_trip_unchanged(element):
    assert to_llava(from_llava(element)) == element


def test_a_published_file_round_trips_and_becomes_ours(tmp_path):
    source = tmp_path / "published.json"
    source.write_text(json.dumps(PUBLISHED, indent=1), encoding="utf-8")
    ours = list(read(source))
    assert write(ours, tmp_path / "ours.jsonl") == len(PUBLISHED)
    assert write(read(tmp_path / "ours.jsonl"), tmp_path / "again.json") == len(PUBLISHED)
    assert json.loads((tmp_path / "again.json").read_text("utf-8")) == PUBLISHED


def test_gems_mark_stands_for_signal_and_picture():
    parts = from_llava(GEM).turns[0].parts
    assert parts[:2] == (EcgPart("mimic-iv/files/p1000/s1/1"), ImagePart("gen_images/1-0.png"))
    written = to_llava(grounded())
    assert written["ecg"] == "ptbxl:1" and written["image"] == "1.png"
    assert written["conversations"][0]["value"].count("<image>") == 1


@pytest.mark.parametrize("piece", [1, 2, 7, 64, 1 << 20])
def test_a_large_array_is_split_wherever_reading_stops(monkeypatch, piece):
    monkeypatch.setattr(llava, "_PIECE", piece)
    assert list(elements(io.BytesIO(json.dumps(PUBLISHED).encode()), where="x")) == PUBLISHED


@pytest.mark.parametrize("raw", [
    b"", b"{}", b"[1, 2]", b"x[", b'[{"id": 1}', b'[{"a": "b]', b"[{]]", b"\xff\xfe", b"[" * 99, b"[] x",
], ids=repr)
def test_what_is_no_array_of_elements_is_said_to_be_corrupt(tmp_path, raw):
    path = tmp_path / "bad.json"
    path.write_bytes(raw)
    with pytest.raises(EcgroundError):
        list(read(path))


def test_elements_before_the_damage_are_given(tmp_path):
    path = tmp_path / "cut.json"
    path.write_bytes(json.dumps(PUBLISHED).encode()[:-40])
    got = []
    with pytest.raises(CorruptInputError, match="does not end"):
        for conversation in read(path):
            got += [conversation.id]
    assert got[:2] == ["mimic-1", "ptb-2"]


@pytest.mark.parametrize(("change", "place"), [
    ({"id": 3}, "id"), ({"turns": [{"role": "nurse", "parts": []}]}, "role"), ({"surprise": 1}, "surprise"),
    ({"turns": [{"role": "user", "parts": [{"type": "text"}]}]}, "text"),
])
def test_a_wrong_field_is_named_and_never_quoted(change, place):
    value = to_json(grounded()) | {"id": "secret-name"} | change
    with pytest.raises(CorruptInputError, match=place) as caught:
        from_json(value)
    assert "secret-name" not in str(caught.value)


def test_limits_and_missing_files(tmp_path, monkeypatch):
    monkeypatch.setattr(llava, "_MAX_ELEMENT", 1000)
    with pytest.raises(UnsafeInputError):
        list(elements(io.BytesIO(b'[{"a": "' + b"x" * 3000), where="x"))
    with pytest.raises(NotFoundError):
        read(tmp_path / "none.jsonl")
    with pytest.raises(UsageError):
        read(tmp_path / "set.xlsx")
    with pytest.raises(UsageError):
        write([], tmp_path / "absent" / "set.jsonl")


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    def broken():
        yield grounded()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write(broken(), tmp_path / "set.jsonl")
    assert list(tmp_path.iterdir()) == []
