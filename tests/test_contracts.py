"""The real output of every command obeys its published schema and the rules of docs/json.md, on a real recording."""

from __future__ import annotations

import json
import math
from functools import cache

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from ecground import write
from ecground.cli.app import app
from ecground.leads import STANDARD
from ecground.record import Record

MARKS = ("p_on", "p_peak", "p_off", "qrs_on", "q", "r_peak", "s", "qrs_off", "t_on", "t_peak", "t_off")
ROW_WAVES = {"p": MARKS[:3], "qrs": MARKS[3:8], "t": MARKS[8:]}
REPORT = "Sinus rhythm. PR interval 900 ms. There is ST elevation in V2. The patient likes tea."


@cache
def printed(*arguments):
    """Exit code, the objects and the text on stdout."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    return result.exit_code, [json.loads(line, parse_constant=_no_constant) for line in result.stdout.splitlines()]


def _no_constant(name):
    raise AssertionError(f"{name} in JSON")


def one(kind, root, *arguments):
    """The single object a command prints, valid under the published schema."""
    code, (found,) = printed(kind, *arguments)
    assert code == 0, found["error"]
    schema = json.loads((root / "docs" / "schemas" / f"{kind}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(found)
    assert found["schema"] == f"ecground/{kind}/1"
    return found


@pytest.fixture
def fiducials(real_ecg, root):
    return one("fiducials", root, real_ecg)


@pytest.fixture
def interpretation(real_ecg, root):
    return one("interpret", root, real_ecg)


def test_info(real_ecg, root):
    found = one("info", root, real_ecg)
    assert (found["record"]["fs"], found["record"]["n_samples"]) == (1000.0, 10000)
    assert set(found["record"]["leads"]) == set(STANDARD)
    assert found["device"]["statements"]


def test_formats(root):
    one("formats", root)


def test_fiducials_have_the_same_rows_everywhere(fiducials):
    assert fiducials["fs"] == 1000.0
    assert list(fiducials["leads"]) == list(STANDARD)
    beats = len(fiducials["global"])
    assert 8 <= beats <= 20
    assert {len(rows) for rows in fiducials["leads"].values()} == {beats}


def test_fiducials_are_in_order_and_inside_the_record(fiducials):
    joint = fiducials["global"]
    places = [next(v for v in (row["r_peak"], row["p_peak"]) if v is not None) for row in joint]
    assert places == sorted(places)
    for row in joint:
        for first, last in (("p_on", "p_off"), ("qrs_on", "qrs_off"), ("t_on", "t_off")):
            if row[first] is not None and row[last] is not None:
                assert 0 <= row[first] < row[last] < 10_000


def test_every_null_of_every_lead_has_a_reason(fiducials):
    for rows in (*fiducials["leads"].values(), fiducials["global"]):
        for row in rows:
            why = row["why"] or {}
            for wave, marks in ROW_WAVES.items():
                empty = {mark for mark in marks if row[mark] is None}
                assert empty == (set(marks) if wave in why else {mark for mark in marks if mark in why})


def test_measure(real_ecg, root, fiducials):
    found = one("measure", root, real_ecg)
    numbers = found["measurements"]
    assert 40 < numbers["record"]["hr_bpm"]["value"] < 150
    assert set(numbers["leads"]) == set(STANDARD)
    rows = len(fiducials["global"])
    assert len(numbers["beats"]["kind"]) == len(numbers["beats"]["r_peak"]) == rows
    assert numbers["beats"]["r_peak"] == [row["r_peak"] for row in fiducials["global"]]
    for values in numbers["beats"]["joint"].values():
        assert len(values) == rows
    for value in numbers["record"].values():
        assert (value["value"] is None) == (value["state"] != "measured")


def test_intervals_agree_with_the_device_that_recorded_them(real_ecg, root):
    """The device's own numbers are outside truth; 20 ms is twice its own repeatability, QT ends softly."""
    beside = {row["name"]: row for row in one("measure", root, real_ecg)["device"]["measurements"]
              if row["lead"] is None and row["ours"] is not None}
    assert {"pr_ms", "qrs_ms", "qt_ms"} <= set(beside)
    for name, tolerance in (("pr_ms", 20), ("qrs_ms", 20), ("qt_ms", 40)):
        assert beside[name]["ours"] == pytest.approx(beside[name]["value"], abs=tolerance), name


def test_findings_have_a_row_for_each_code(real_ecg, root):
    found = one("findings", root, real_ecg)
    codes = [row["scp"] for row in found["statements"]]
    assert len(codes) == len(set(codes)) == 71
    assert {"NORM", "SR", "AFIB", "1AVB", "CLBBB", "NDT", "NST_"} <= set(codes)
    assert [row["scp"] for row in found["superclasses"]] == ["NORM", "MI", "STTC", "CD", "HYP"]
    assert all(row["scp"] is None for row in found["other"])
    for row in (*found["statements"], *found["superclasses"], *found["other"]):
        assert 0 <= row["probability"] <= 1
        assert row["judged"] or not row["present"]
        assert row["judged"] or row["why"]


def test_interpret_is_the_sum_of_its_parts(interpretation, real_ecg, root):
    assert interpretation["problems"] == []
    assert interpretation["model"] is None
    assert interpretation["disclaimer"] == "Research use, not a medical device."
    assert interpretation["findings"] == {
        name: entry for name, entry in one("findings", root, real_ecg).items()
        if name in ("statements", "superclasses", "other", "episodes")}
    assert interpretation["measurements"] == one("measure", root, real_ecg)["measurements"]


def test_the_text_is_grounded(interpretation):
    text, claims = interpretation["text"], interpretation["claims"]
    assert len(text) > 100
    assert len(claims) >= 5
    for claim in claims:
        begin, end = claim["span"]
        assert 0 <= begin < end <= len(text)
        assert claim["verdict"] == "supported", claim


def test_check_judges_a_report(real_ecg, root, tmp_path):
    found = one("check", root, real_ecg, "--text", REPORT)
    verdicts = {claim["measure"] or claim["finding"]: claim["verdict"] for claim in found["claims"]}
    assert verdicts["pr_ms"] == "contradicted"
    assert all(REPORT[slice(*claim["span"])] for claim in found["claims"])
    file = tmp_path / "report.txt"
    file.write_text(REPORT)
    assert one("check", root, real_ecg, "--text-file", file)["claims"] == found["claims"]


def test_compare_with_itself_finds_nothing_beyond_repeatability(real_ecg, root):
    found = one("compare", root, real_ecg, real_ecg)
    assert (found["file"], found["old_file"]) == (str(real_ecg), str(real_ecg))
    assert not any(change["beyond_repeatability"] for change in found["changes"])
    assert found["text"]


@pytest.mark.parametrize("command", ["measure", "fiducials", "findings", "interpret"])
def test_noise_and_silence_are_refused(command, tmp_path):
    random = np.random.default_rng(3)
    files = []
    for name, signal in (("flat", np.zeros((12, 5000))), ("noise", random.normal(0, 0.5, (12, 5000)))):
        files.append(tmp_path / f"{name}.npz")
        write(Record(signal.astype(np.float32), 500.0, STANDARD), files[-1])
    code, found = printed(command, *files)
    assert code == 3
    assert {entry["error"]["code"] for entry in found} <= {"not_an_ecg", "no_signal"}


def test_numbers_are_json_numbers_all_the_way_down(interpretation):
    def walk(value):
        if isinstance(value, dict):
            for entry in value.values():
                walk(entry)
        elif isinstance(value, list):
            for entry in value:
                walk(entry)
        else:
            assert not isinstance(value, float) or math.isfinite(value)

    walk(interpretation)
