"""The checker's frozen test set is whole, and its falsified numbers about simulated patients are contradicted."""

import hashlib
import json

import numpy as np
import pytest

from ecground import leads
from ecground.knowledge.check import check
from ecground.knowledge.claims import read_claims
from ecground.knowledge.codes import codes
from ecground.knowledge.findings import find
from ecground.knowledge.reading.lexicon import LANGUAGES, lexicon
from ecground.knowledge.repeatability import UNITS
from ecground.measure import measure
from ecground.record import Patient, Record
from ecground.signal.delineate import delineate


@pytest.fixture(scope="module")
def folder(root):
    return root / "tests" / "knowledge" / "checker_set"


@pytest.fixture(scope="module")
def rows(folder):
    return [json.loads(line) for line in (folder / "sentences.jsonl").read_text(encoding="utf-8").splitlines()]


def test_the_set_is_frozen(folder):
    digest = hashlib.sha256((folder / "sentences.jsonl").read_bytes()).hexdigest()
    assert digest == "c89fda5dc4a3c7ff53f0f11e1577100dcb64f66ebdd8fdafee14a7242e29da34"


def test_every_claim_names_something_that_is_known(rows):
    assert len({row["id"] for row in rows}) == len(rows) == 300
    known = {*codes(), *lexicon().reading["groups"], *UNITS, "rest"}
    for row in rows:
        assert row["language"] in LANGUAGES
        for claim in row["claims"]:
            assert set(claim["about"].split("=")[0].split("|")) <= known, row["id"]
            assert claim["truth"] in {"supported", "contradicted", None}


def test_falsified_numbers_of_simulated_patients(folder, rows):
    people = [json.loads(line) for line in (folder / "patients.jsonl").read_text().splitlines()]
    with np.load(folder / "patients.npz") as archive:
        low, high = archive["planes"].astype(np.uint16)
    steps = low | high << 8
    signals = np.cumsum((steps >> 1).astype(np.int16) ^ -(steps & 1).astype(np.int16), axis=-1, dtype=np.int16)
    checked = 0
    for person, stored in zip(people, signals, strict=True):
        mine = [row for row in rows if row["record"] == f"simulated {person['id']}" and row.get("changed") == "number"]
        if not mine or checked > 4:
            continue
        known = dict(zip(("I", "II", "V1", "V2", "V3", "V4", "V5", "V6"), stored * np.float32(1e-3), strict=True))
        known |= {name: values for name, (values, _) in leads.derive(known).items()}
        record = Record(signal=np.stack([known[name] for name in leads.STANDARD]), fs=500.0, leads=leads.STANDARD,
                        patient=Patient(age=person["age"], sex=person["sex"]))
        values = measure(record, delineate(record))
        findings = find(values, record.patient)
        for row in mine:
            verdicts = {claim.verdict for claim in check(read_claims(row["text"]), values, findings)}
            assert "contradicted" in verdicts, row["text"]
            checked += 1
    assert checked > 3
