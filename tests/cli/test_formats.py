"""The table of formats: what the command prints is what README shows and what the code can do."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from ecground.cli.app import app
from ecground.io import FORMATS

UNVERIFIED = {"cardiosoft", "mfer", "ishne", "mortara", "edan"}


def shown(*arguments):
    result = CliRunner().invoke(app, ["formats", *arguments])
    assert result.exit_code == 0
    return result.stdout


def test_json_and_markdown_list_the_same_formats():
    rows = json.loads(shown())["formats"]
    lines = shown("--markdown").splitlines()[2:]
    assert [row["name"] for row in rows] == list(FORMATS)
    assert [line.split("|")[2].strip(" `") for line in lines] == list(FORMATS)
    for row, line in zip(rows, lines, strict=True):
        assert row["writes"] == (line.split("|")[4].strip() == "yes")
        assert (row["verified"] == 0) == ("unverified" in line)


def test_the_formats_without_a_sample_are_marked():
    assert {row["name"] for row in json.loads(shown())["formats"] if row["verified"] == 0} == UNVERIFIED


def test_readme_shows_the_table(root):
    assert shown("--markdown") in (root / "README.md").read_text(encoding="utf-8"), "run `make docs`"
