from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from ecground import read
from ecground.cli.app import app
from ecground.cli.digitize import payload
from ecground.leads import STANDARD
from ecground.metrics import aligned, pearson
from ecground.paper.draw import render
from ecground.record import Record


def run(*arguments):
    result = CliRunner().invoke(app, ["digitize", *map(str, arguments)])
    lines = result.stdout.splitlines()
    return result.exit_code, json.loads(lines[0]) if lines else None


@pytest.fixture
def picture(tmp_path):
    """A clean page of a simple ECG, and the record on it."""
    t = np.arange(5000) / 500.0
    beat = np.exp(-(((t % 0.83) - 0.4) / 0.012) ** 2) + 0.2 * np.exp(-(((t % 0.83) - 0.66) / 0.04) ** 2)
    scale = np.array([0.6, 1.0, 0.4, -0.8, 0.1, 0.7, -0.5, 0.8, 1.0, 1.2, 1.0, 0.7])
    record = Record((scale[:, None] * beat).astype(np.float32), 500.0, STANDARD)
    path = tmp_path / "page.png"
    cv2.imwrite(str(path), cv2.cvtColor(render(record, layout="3x4-r1", dpi=200).image, cv2.COLOR_RGB2BGR))
    return path, record


@pytest.mark.slow
def test_a_page_becomes_a_record_and_an_overlay(picture, tmp_path):
    path, record = picture
    out, drawn = tmp_path / "out.npz", tmp_path / "overlay.png"
    code, found = run(path, "-o", out, "--overlay", drawn)
    assert code == 0 and found["ok"] and found["schema"] == "ecground/digitize/1"
    assert found["layout"] == "3x4-r1" and set(found["leads"]) == set(STANDARD)
    assert found["px_per_mm"] == pytest.approx([200 / 25.4] * 2, rel=2e-3)
    assert cv2.imread(str(drawn)).shape == cv2.imread(str(path)).shape
    again = read(out)
    assert set(again.leads) == set(STANDARD)
    read_v4 = np.full(5000, np.nan)
    read_v4[:min(5000, again.n_samples)] = again.lead("V4")[:5000]
    moved = aligned(record.lead("V4"), read_v4, max_lag=25)
    assert pearson(record.lead("V4"), moved) > 0.97 and np.isfinite(moved).sum() > 1150


def test_a_picture_of_something_else_is_refused_with_the_step(tmp_path):
    path = tmp_path / "blank.png"
    cv2.imwrite(str(path), np.full((300, 400, 3), 240, np.uint8))
    code, found = run(path)
    assert code == 3 and found["status"] == "refused" and not found["ok"]
    assert found["problems"][-1]["hint"] and found["error"]["code"] == "refused"


def test_what_is_no_picture_is_an_error(tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear colleague")
    code, found = run(path)
    assert code == 1 and found["error"]["code"] == "unknown_format"
    code, found = run(tmp_path / "missing.png")
    assert code == 1 and found["error"]["code"] == "not_found"


def test_a_wrong_layout_is_a_wrong_call(tmp_path):
    path = tmp_path / "blank.png"
    cv2.imwrite(str(path), np.full((300, 400, 3), 240, np.uint8))
    code, _ = run(path, "--layout", "7x3")
    assert code == 2


def test_the_payload_holds_json_only():
    from ecground.digitize.digitize import Digitized, LeadReading
    from ecground.digitize.sheet import Problem

    found = Digitized("partial", None, None, (7.9, 7.9), {"II": LeadReading(0.5, 0.0, 10.0)},
                      (Problem("trace", "a", "b"),))
    text = json.dumps(payload(found), allow_nan=False)
    assert json.loads(text)["px_per_mm"] == [7.9, 7.9]
