"""Chapman-Shaoxing-Ningbo: the published labels' error, reproduced and put right."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ecground.corpora import csn
from ecground.errors import CorruptInputError, NotFoundError, UnsafeInputError, UsageError

needs_data = pytest.mark.skipif(not os.environ.get("ECGROUND_DATA"), reason="ECGROUND_DATA is not set")


def write_table(path, rows):
    """A table as published: one column a class, set where the class is a substring of the codes."""
    lines = [",".join(["ecg_path", "age", "diagnose", *csn.CLASSES])]
    for name, codes in rows:
        lines.append(f'{name},12,"{codes}",' + ",".join(str(int(label in codes)) for label in csn.CLASSES))
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(("codes", "right", "wrong"), [
    ("SR", ("SR",), ("SR",)),
    ("AFIB", ("AFIB",), ("AF", "AFIB")),
    ("1AVB,TWC", ("1AVB", "TWC"), ("VB", "AVB", "1AVB", "TWC")),
    ("SB,STTC", ("STTC",), ("STTC", "ST")),
    ("2AVB1", ("2AVB1",), ("2AVB", "VB", "2AVB1", "AVB")),
    ("CCR", ("CCR",), ("CCR", "CR")),
    ("SAAWR", (), ("SA",)),
    ("SB", (), ()),
])
def test_the_two_readings_of_codes(codes, right, wrong):
    assert csn.fixed(codes) == right
    assert csn.published(codes) == wrong


@pytest.fixture
def benchmark(tmp_path, twelve, write_wfdb):
    write_wfdb(tmp_path / "WFDBRecords" / "18" / "186" / "JS18048", twelve(1000, 500), mat=True,
               comments=("Age: 85", "Sex: Male", "Dx: 164890007"))
    write_table(tmp_path / "train.csv", [("/chapman/WFDBRecords/18/186/JS18048.mat", "AF")])
    write_table(tmp_path / "test.csv", [("/chapman/WFDBRecords/01/010/JS00001.mat", "AFIB,TWC")])
    return tmp_path


def test_cases_of_the_benchmark(benchmark):
    first, second = csn.cases(benchmark)
    assert (first.id, first.split, first.labels, second.split) == ("JS18048", "train", ("AF",), "test")
    assert first.record.patient.age == 85  # the header's, not the table's constant 12
    assert second.labels == ("AFIB", "TWC")
    assert not second.files[0].is_file()
    same, wrong = csn.cases(benchmark, labels="published")
    assert (same.labels, same.defects) == (("AF",), ())
    assert wrong.labels == ("AF", "AFIB", "TWC")
    assert wrong.defects


def test_without_tables_the_headers_speak(benchmark):
    for name in ("train.csv", "test.csv"):
        (benchmark / name).unlink()
    (case,) = csn.cases(benchmark)
    assert (case.corpus, case.labels, case.label_system) == ("csn", ("164890007",), "snomed")
    with pytest.raises(UsageError):
        list(csn.cases(benchmark, labels="published"))


def test_bad_tables(tmp_path):
    with pytest.raises(NotFoundError):
        list(csn.cases(tmp_path))
    write_table(tmp_path / "train.csv", [("/chapman/../../outside.mat", "SR")])
    with pytest.raises(UnsafeInputError):
        list(csn.cases(tmp_path))
    (tmp_path / "train.csv").write_text("ecg_path,diagnose\nx,SR\n")
    with pytest.raises(CorruptInputError):
        list(csn.cases(tmp_path))


@needs_data
def test_the_error_of_the_published_tables():
    """The substring test explains every published column; the numbers are those known of the error."""
    folder = Path(os.environ["ECGROUND_DATA"]) / "metadata"
    tables = {part: list(csn.table(folder / f"csn38_published_{part}.csv.gz")) for part in ("train", "val", "test")}
    assert {part: len(rows) for part, rows in tables.items()} == {"train": 16546, "val": 1860, "test": 4620}
    assert all(row.published == csn.published(row.codes) for rows in tables.values() for row in rows)
    wrong = {part: sum(set(row.published) != set(csn.fixed(row.codes)) for row in rows)
             for part, rows in tables.items()}
    assert wrong == {"train": 2717, "val": 328, "test": 772}
    said, true = Counter(), Counter()
    for rows in tables.values():
        for row in rows:
            said.update(row.published)
            true.update(csn.fixed(row.codes))
    assert {name: (said[name], true[name]) for name in csn.CLASSES if said[name] != true[name]} == {
        "VB": (916, 3), "AF": (4753, 3340), "ST": (6338, 5154), "SA": (2828, 2107), "AVB": (913, 176),
        "CR": (216, 75), "2AVB": (38, 22)}
    assert sum("VB" in csn.fixed(row.codes) for row in tables["test"]) == 0


@needs_data
def test_cases_of_the_published_tables(tmp_path):
    folder = Path(os.environ["ECGROUND_DATA"]) / "metadata"
    cases = list(csn.cases(tmp_path, labels="published", tables=folder))
    assert len(cases) == 23026
    assert sum(bool(case.defects) for case in cases if case.split == "test") == 772
    ids = [case.id for case in cases]
    assert len(set(ids)) == len(ids)
    assert np.unique([case.split for case in cases]).tolist() == ["test", "train", "valid"]
