"""Which recordings the arguments name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ecground.cli.inputs import expand
from ecground.errors import UsageError


def names(folder, *arguments):
    return [str(Path(item.name).relative_to(folder).as_posix()) for item in expand([str(a) for a in arguments])]


def touch(folder, *paths, text="x"):
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def test_a_folder_is_walked_in_order_without_hidden_files(tmp_path):
    touch(tmp_path, "b.csv", "a.dcm", "sub/c.npz", ".hidden", ".git/x", "notes.txt")
    assert names(tmp_path, tmp_path) == ["a.dcm", "b.csv", "notes.txt", "sub/c.npz"]


def test_files_stay_in_the_order_of_the_arguments(tmp_path):
    touch(tmp_path, "b", "a")
    assert names(tmp_path, tmp_path / "b", tmp_path / "a", tmp_path / "missing") == ["b", "a", "missing"]


def test_a_wfdb_record_counts_once(tmp_path):
    touch(tmp_path, "100.hea", text="100 2 360 10\n100.dat 212 200\nother.bin 212 200\n# a.csv in a comment\n")
    touch(tmp_path, "100.dat", "other.bin", "100.atr", "a.csv", "101.dat")
    assert names(tmp_path, tmp_path) == ["100.hea", "101.dat", "a.csv"]


def test_segments_are_parts_of_their_record(tmp_path):
    touch(tmp_path, "long.hea", text="long/3 1 360 20\nlong_1 10\n~ 5\nlong_2 5\n")
    for segment in ("long_1", "long_2"):
        touch(tmp_path, f"{segment}.hea", text=f"{segment} 1 360 10\n{segment}.dat 16\n")
        touch(tmp_path, f"{segment}.dat")
    assert names(tmp_path, tmp_path) == ["long.hea"]


@pytest.mark.parametrize("text", ["", "\0\1 random", "100 1 500 9\n100.hea 16\n"])
def test_a_broken_header_is_named_itself(tmp_path, text):
    touch(tmp_path, "100.hea", text=text)
    touch(tmp_path, "100.dat")
    assert names(tmp_path, tmp_path) == ["100.hea"]


def test_a_header_cannot_hide_files_of_other_folders(tmp_path):
    touch(tmp_path, "sub/x.hea", text="x 1 360 10\n../a.dcm 16\n")
    touch(tmp_path, "a.dcm")
    assert names(tmp_path, tmp_path) == ["a.dcm", "sub/x.hea"]


def test_an_empty_folder_is_a_wrong_call(tmp_path):
    with pytest.raises(UsageError, match="holds no files"):
        expand([str(tmp_path)])


def test_standard_input_is_a_name_of_its_own():
    assert [item.name for item in expand(["-"])] == ["-"]


def test_a_pattern_is_expanded_in_order_and_counts_a_record_once(tmp_path):
    touch(tmp_path, "b.dcm", "a.dcm", "sub/c.dcm", "sub/d.csv", ".hidden.dcm")
    touch(tmp_path, "100.hea", text="100 1 360 10\n100.dat 212 200\n")
    touch(tmp_path, "100.dat", "100.atr")
    assert names(tmp_path, tmp_path / "*.dcm") == ["a.dcm", "b.dcm"]
    assert names(tmp_path, tmp_path / "**" / "*.dcm") == ["a.dcm", "b.dcm", "sub/c.dcm"]
    assert names(tmp_path, tmp_path / "100.*") == ["100.hea"]
    assert names(tmp_path, tmp_path / "s*b") == ["sub/c.dcm", "sub/d.csv"], "a folder that matches is walked"


def test_a_name_that_exists_is_no_pattern(tmp_path):
    touch(tmp_path, "a[1].dcm", "a1.dcm")
    assert names(tmp_path, tmp_path / "a[1].dcm") == ["a[1].dcm"]


def test_a_pattern_that_matches_nothing_is_a_wrong_call(tmp_path):
    with pytest.raises(UsageError, match="no file matches"):
        expand([str(tmp_path / "*.dcm")])


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\0"])
def test_a_list_names_files_and_folders_as_they_are(tmp_path, separator):
    touch(tmp_path, "b*.csv", "sub/c.csv", "first")
    listed = tmp_path / "list"
    listed.write_bytes(separator.join([str(tmp_path / "b*.csv"), "", str(tmp_path / "sub"), "gone.dcm", ""]).encode())
    found = [item.name for item in expand([str(tmp_path / "first")], files_from=str(listed))]
    assert found == [str(tmp_path / "first"), str(tmp_path / "b*.csv"), str(tmp_path / "sub" / "c.csv"), "gone.dcm"]


def test_names_in_a_list_keep_their_bytes(tmp_path):
    (tmp_path / "list").write_bytes(b"caf\xe9.hea\n")
    item, = expand([], files_from=str(tmp_path / "list"))
    assert os.fsencode(item.name) == b"caf\xe9.hea"


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="list cannot be read"):
        expand([], files_from=str(tmp_path / "none"))


def test_a_large_folder_of_records_is_walked_quickly(tmp_path):
    import time

    for number in range(3000):
        (tmp_path / f"{number:05}.hea").write_text(f"{number:05} 1 500 10\n{number:05}.dat 16\n")
        (tmp_path / f"{number:05}.dat").write_bytes(b"")
    begun = time.process_time()
    assert len(names(tmp_path, tmp_path)) == 3000
    assert time.process_time() - begun < 5
