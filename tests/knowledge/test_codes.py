from __future__ import annotations

import collections
import csv
import os
from pathlib import Path

import pytest

from ecground.knowledge.codes import SUPERCLASSES, code, codes, other_codes, phrases, scp_codes


def test_there_are_71_scp_codes_and_their_keys_are_the_codes() -> None:
    assert len(scp_codes()) == 71
    assert all(codes()[scp].scp == scp for scp in scp_codes())
    assert not set(scp_codes()) & set(other_codes())


def test_superclasses_are_given_to_diagnostic_codes_only() -> None:
    for entry in codes().values():
        assert (entry.superclass in SUPERCLASSES) == ("diagnostic" in entry.kinds)
    assert collections.Counter(c.superclass for c in codes().values())["MI"] == 14


def test_a_phrase_names_one_statement() -> None:
    owners = collections.defaultdict(set)
    for entry in codes().values():
        for phrase in (entry.statement.lower(), *entry.synonyms):
            owners[phrase].add(entry.key)
            assert phrase == phrase.lower().strip()
    assert {phrase: keys for phrase, keys in owners.items() if len(keys) > 1} == {}
    assert phrases()["left anterior hemiblock"] == "LAFB"


def test_statements_without_scp_code_are_known_by_their_keys() -> None:
    assert code("LAD").scp is None and code("LAD").snomed == "39732003"
    with pytest.raises(KeyError):
        code("no such statement")


@pytest.mark.skipif("ECGROUND_DATA" not in os.environ, reason="ECGROUND_DATA is not set")
def test_codes_and_classes_are_those_of_ptb_xl() -> None:
    path = Path(os.environ["ECGROUND_DATA"]) / "ptbxl" / "scp_statements.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(row[""] for row in rows) == scp_codes()
    for row in rows:
        entry = code(row[""])
        assert entry.superclass == (row["diagnostic_class"] or None)
        assert entry.subclass == (row["diagnostic_subclass"] or None)
        assert set(entry.kinds) == {kind for kind in ("diagnostic", "form", "rhythm") if row[kind]}
