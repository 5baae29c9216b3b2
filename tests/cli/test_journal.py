"""The file of results and its journal, broken in every place where a run can be stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecground.cli.batch.journal import Journal, key_of
from ecground.cli.inputs import Input
from ecground.errors import CorruptInputError, NoSignalError, RefusedError, UsageError

NAMES = ("a", "b", "c")
ERRORS = {"b": CorruptInputError("half a file", where="b"), "c": NoSignalError("nothing", where="c", hint="none")}


@pytest.fixture
def keys(tmp_path):
    for name in NAMES:
        (tmp_path / name).write_text(name)
    return [key_of(Input(str(tmp_path / name))) for name in NAMES]


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.jsonl"


def line(key):
    return f"result of {key[0][-1]}, {key[1]} bytes\n".encode()


def go_on(out, keys, *, resume=True, call="info"):
    """One run over `keys`: how many were open."""
    with Journal(out, call, keys, resume=resume) as journal:
        todo = journal.open_of(keys)
        for number in todo:
            journal.add(keys[number], line(keys[number]), ERRORS.get(keys[number][0][-1]))
    return len(todo)


@pytest.fixture
def whole(out, keys):
    assert go_on(out, keys, resume=False) == 3
    return out.read_bytes()


@pytest.fixture
def rows(out, whole):
    return out.with_name("out.jsonl.journal")


def test_nothing_is_open_after_a_whole_run(out, keys, whole):
    assert whole == b"".join(map(line, keys))
    assert go_on(out, keys) == 0
    assert out.read_bytes() == whole


def test_failures_are_remembered(out, keys, whole):
    errors = [entry.error for entry in Journal(out, "info", keys, resume=True).entries]
    assert errors[0] is None
    assert [error.to_dict() for error in errors[1:]] == [ERRORS["b"].to_dict(), ERRORS["c"].to_dict()]
    assert [isinstance(error, RefusedError) for error in errors[1:]] == [False, True]


def test_any_torn_tail_is_cut_and_done_again(out, keys, whole, rows):
    journal = rows.read_bytes()
    for result_bytes in range(0, len(whole) + 1, 13):
        for journal_bytes in range(0, len(journal) + 1, 37):
            out.write_bytes(whole[:result_bytes])
            rows.write_bytes(journal[:journal_bytes])
            go_on(out, keys)
            assert (out.read_bytes(), rows.read_bytes()) == (whole, journal)


def test_bytes_that_the_journal_does_not_know_are_cut(out, keys, whole, rows):
    with out.open("ab") as file:
        file.write(b"a line that was not journalled\nand half a l")
    with rows.open("ab") as file:
        file.write(b"\0" * 50 + b"\n")
    assert go_on(out, keys) == 0
    assert out.read_bytes() == whole


def change(key):
    Path(key[0]).write_text("longer than before")
    return key_of(Input(key[0]))


def test_a_changed_file_is_done_again_and_its_old_result_goes(out, keys, whole):
    changed = [change(keys[0]), *keys[1:]]
    assert go_on(out, changed) == 1
    assert out.read_bytes() == line(keys[1]) + line(keys[2]) + line(changed[0])
    assert go_on(out, changed) == 0


def test_results_of_files_that_are_not_named_stay(out, keys, whole):
    assert go_on(out, keys[:1]) == 0
    assert out.read_bytes() == whole


@pytest.mark.parametrize("stopped", ["before the results", "before the journal", "before the exchange", "in between"])
def test_a_rewrite_that_was_stopped_is_undone_or_finished(out, keys, whole, rows, stopped):
    changed = [change(keys[0]), *keys[1:]]
    old_out, old_rows = out.read_bytes(), rows.read_bytes()
    Journal(out, "info", changed, resume=True)  # rewrites both
    new_out, new_rows = out.read_bytes(), rows.read_bytes()
    pending_out, pending_rows = out.with_name("out.jsonl.new"), rows.with_name("out.jsonl.journal.new")
    out.write_bytes(old_out), rows.write_bytes(old_rows)
    if stopped == "before the results":
        pending_out.write_bytes(new_out[:5])
    elif stopped == "before the journal":
        pending_out.write_bytes(new_out), pending_rows.write_bytes(new_rows[:20])
    elif stopped == "before the exchange":
        pending_out.write_bytes(new_out), pending_rows.write_bytes(new_rows)
    else:
        out.write_bytes(new_out), pending_rows.write_bytes(new_rows)
    assert go_on(out, changed) == 1
    assert out.read_bytes() == line(keys[1]) + line(keys[2]) + line(changed[0])
    assert not pending_out.exists()
    assert not pending_rows.exists()


def test_a_missing_file_is_open_again_once_it_is_there(out, tmp_path):
    key = key_of(Input(str(tmp_path / "later")))
    assert key[1:] == (None, None)
    assert go_on(out, [key]) == 1
    assert go_on(out, [key]) == 0
    (tmp_path / "later").write_text("x")
    assert go_on(out, [key_of(Input(str(tmp_path / "later")))]) == 1
    assert len(out.read_bytes().splitlines()) == 1


def test_nothing_is_overwritten_or_mixed(out, keys, whole):
    with pytest.raises(UsageError, match="is there already"):
        go_on(out, keys, resume=False)
    with pytest.raises(UsageError, match="other options"):
        go_on(out, keys, call="measure")
    out.with_name("out.jsonl.journal").unlink()
    with pytest.raises(UsageError, match="no journal"):
        go_on(out, keys)
    assert out.read_bytes() == whole


def test_a_missing_folder_is_a_wrong_call(tmp_path, keys):
    with pytest.raises(UsageError, match="does not exist"):
        go_on(tmp_path / "none" / "out.jsonl", keys, resume=False)


def test_the_journal_holds_no_words_of_the_call(out, keys):
    go_on(out, keys, resume=False, call="a report about Jane Doe")
    assert b"Jane" not in out.with_name("out.jsonl.journal").read_bytes()
