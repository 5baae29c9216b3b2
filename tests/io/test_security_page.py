"""SECURITY.md names only tests that exist."""

from __future__ import annotations

import re


def test_the_tests_of_the_table_exist(root):
    file = ""
    named = re.findall(r"`(test_\w+\.py)?::(test_\w+)`", (root / "SECURITY.md").read_text("utf-8"))
    assert len(named) > 30
    for given, test in named:
        file = given or file
        path = next((root / "tests").rglob(file))
        assert f"def {test}(" in path.read_text("utf-8"), f"{file}::{test}"
