"""The published schemas are those of the code, and say what docs/json.md says."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from ecground.report.contracts import KINDS
from ecground.report.json import envelope
from ecground.report.schema import schema, schema_name


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_is_valid_and_published(kind, root):
    made = schema(kind)
    Draft202012Validator.check_schema(made)
    published = json.loads((root / "docs" / "schemas" / f"{kind}.schema.json").read_text(encoding="utf-8"))
    assert published == made, "run `make docs`"


def test_no_schema_is_left_behind(root):
    assert {path.name for path in (root / "docs" / "schemas").iterdir()} == {f"{kind}.schema.json" for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_names_every_field(kind, root):
    page = (root / "docs" / "json.md").read_text(encoding="utf-8")
    names = set(schema(kind)["properties"])
    for definition in schema(kind)["$defs"].values():
        names |= set(definition["properties"])
    quality = {name for row in ("QualityObject", "LeadQualityRow", "BadStretch")
               for name in schema("measure")["$defs"][row]["properties"]}
    assert {name for name in names - quality if name not in page} == set()


def test_a_failed_file_needs_no_payload_but_an_ok_one_does():
    validator = Draft202012Validator(schema("check"))
    error = {"code": "corrupt", "what": "w", "where": "", "hint": ""}
    head = {"schema": schema_name("check"), "file": "a"}
    assert validator.is_valid({**head, "ok": False, "error": error})
    assert not validator.is_valid({**head, "ok": False, "error": None})
    assert not validator.is_valid({**head, "ok": True, "error": None})
    assert validator.is_valid(envelope("check", "a", {"claims": []}, None))
    assert not validator.is_valid(envelope("info", "a", {"claims": []}, None))


def test_words_under_the_fields_are_published():
    assert schema("check")["$defs"]["ClaimRow"]["properties"]["value_high"]["description"] == \
        "Upper bound of a claimed range."
    assert "ecground fiducials" in schema("fiducials")["description"]


def test_a_wrong_mark_is_caught():
    row = dict.fromkeys(schema("fiducials")["$defs"]["Row"]["properties"])
    good = envelope("fiducials", "a", {"fs": 500.0, "leads": {"I": [row]}, "global": [row]}, None)
    validator = Draft202012Validator(schema("fiducials"))
    assert validator.is_valid(good)
    for wrong in ({"p_on": 1.5}, {"why": "absent"}, {"why": {"p": "missing"}}):
        bad = {**good, "global": [{**row, **wrong}]}
        assert not validator.is_valid(bad), wrong
