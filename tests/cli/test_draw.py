"""`ecground render` and `ecground plot`."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ecground.cli.app import app
from ecground.errors import EcgroundError, NotFoundError, UsageError
from ecground.paper.export.truth import loads


@pytest.fixture
def run():
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_render_with_truth_and_masks(run, real_ecg, tmp_path):
    picture, truth, masks = tmp_path / "a.png", tmp_path / "a.json", tmp_path / "m.png"
    done = run("render", real_ecg, "-o", picture, "--dpi", 80, "--style", "mortara-like", "--header", "fake",
               "--truth", truth, "--masks", masks)
    assert done.exit_code == 0, done.output
    found = loads(truth.read_bytes())
    with Image.open(picture) as image, Image.open(masks) as ink:
        assert image.size == ink.size == found.masks.shape[::-1]
        bits = np.asarray(ink)
    assert {text.kind for text in found.texts} >= {"speed", "gain", "patient", "date", "measurement"}
    for i, lead in enumerate(found.leads):
        assert (bits >> i & 1).any(), lead.lead


@pytest.mark.parametrize(("name", "head"), [("a.svg", b"<svg"), ("a.pdf", b"%PDF-1.7"), ("a.PNG", b"\x89PNG")])
def test_kinds_of_pictures(run, real_ecg, tmp_path, name, head):
    done = run("render", real_ecg, "-o", tmp_path / name, "--dpi", 50, "--speed", 50, "--gain", 5, "--paper", "fit",
               "--seconds", 4, "--start", 1)
    assert done.exit_code == 0, done.output
    assert (tmp_path / name).read_bytes().startswith(head)


def test_truth_states_speed_and_gain_as_asked(run, real_ecg, tmp_path):
    run("render", real_ecg, "-o", tmp_path / "a.svg", "--speed", 50, "--gain", 5, "--chest-gain", 2.5, "--dpi", 40,
        "--truth", tmp_path / "a.json")
    found = json.loads((tmp_path / "a.json").read_text())
    assert (found["mm_per_s"], found["mm_per_mv"]) == (50, 5)
    assert {lead["lead"]: lead["mm_per_mv"] for lead in found["leads"]}["V3"] == 2.5
    assert [text["words"] for text in found["texts"] if text["kind"] in ("speed", "gain")] == ["50 mm/s",
                                                                                          "5/2.5 mm/mV"]


def test_all_sheets_of_a_recording(run, real_ecg, tmp_path):
    import pypdfium2

    done = run("render", real_ecg, "-o", tmp_path / "a.pdf", "--all", "--speed", 50, "--layout", "6x2", "--paper", "a4")
    assert done.exit_code == 0, done.output
    assert len(pypdfium2.PdfDocument(tmp_path / "a.pdf")) == 2


def test_plot_shades_waves(run, real_ecg, tmp_path):
    for name, extra in (("a.svg", []), ("b.svg", ["--bare"])):
        done = run("plot", real_ecg, "-o", tmp_path / name, *extra)
        assert done.exit_code == 0, done.output
    shaded, bare = ((tmp_path / name).read_text() for name in ("a.svg", "b.svg"))
    assert shaded.count("fill-opacity") > 50
    assert bare.count("fill-opacity") == 0
    assert "research use, not a medical device" in shaded


@pytest.mark.parametrize("words", [
    ["-o", "x.gif"], ["-o", "x.png", "--layout", "none"], ["-o", "x.png", "--style", "none"],
    ["-o", "x.png", "--dpi", "nan"], ["-o", "x.png", "--dpi", "100000"], ["-o", "x.png", "--speed", "0"],
    ["-o", "x.png", "--gain", "-1"], ["-o", "x.png", "--paper", "a9"], ["-o", "x.png", "--start", "99"],
    ["-o", "x.png", "--header", "real"], ["-o", "x.png", "--seconds", "-3"], ["-o", "no/such/folder/x.png"],
    ["-o", "x.png", "--all"],
    ["-o", "x.png", "--truth", "x.png"], ["-o", "x.png", "--speed", "inf"], ["-o", "x.png", "--seconds", "1e-9"],
])
def test_wrong_calls_are_usage_errors(run, real_ecg, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    done = run("render", real_ecg, *words)
    assert isinstance(done.exception, UsageError), done.output
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_our_error(run, tmp_path):
    done = run("plot", tmp_path / "none.dcm", "-o", tmp_path / "x.png")
    assert isinstance(done.exception, (NotFoundError, EcgroundError))
