"""What is written comes back; what is damaged ends in our errors."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from ecground.errors import EcgroundError, NotFoundError
from ecground.paper.draw import render
from ecground.paper.export.files import lead_mask, load_page, save_page
from ecground.paper.export.truth import dumps, loads
from ecground.paper.header import draw_facts
from ecground.paper.style import Style


@pytest.fixture
def page(torn):
    facts = draw_facts(np.random.default_rng(3))
    return render(torn, style=Style(header="columns", separators="bars"), dpi=100, facts=facts)


def bent(truth):
    """The same truth moved as a distortion moves it: no longer even in x."""
    leads = tuple(dataclasses.replace(lead, trace=lead.trace + 3 * np.sin(lead.trace / 200)) for lead in truth.leads)
    return dataclasses.replace(truth, leads=leads, hidden=(truth.corners / 2,),
                               recipe=({"name": "bend", "seed": 7, "drawn": np.float64(1.5), "at": np.arange(3)},))


def same(one, other):
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            np.testing.assert_allclose(a, b, atol=0.0051)
        elif isinstance(a, tuple) and a and dataclasses.is_dataclass(a[0]):
            assert len(a) == len(b)
            for x, y in zip(a, b, strict=True):
                same(x, y)
        elif field.name == "hidden":
            np.testing.assert_allclose(a, b, atol=0.001)
        elif field.name != "recipe":
            assert a == b, field.name


@pytest.mark.parametrize("change", [lambda truth: truth, bent])
def test_json_round_trip(page, change):
    truth = change(page.truth)
    back = loads(dumps(truth), masks=truth.masks, layers=truth.layers)
    same(truth, back)
    assert [step["name"] for step in back.recipe] == [step["name"] for step in truth.recipe]


def test_files_round_trip(page, tmp_path):
    names = [path.name for path in save_page(page, tmp_path / "p.1")]
    assert names == ["p.1.png", "p.1.json", "p.1.leads.png", "p.1.layers.png"]
    back = load_page(tmp_path / "p.1")
    np.testing.assert_array_equal(back.image, page.image)
    np.testing.assert_array_equal(back.truth.masks, page.truth.masks)
    same(page.truth, back.truth)
    assert lead_mask(back.truth.masks, 3).sum() == 255 * np.count_nonzero(page.truth.masks & 8)


def test_the_resolution_is_in_the_file(page, tmp_path):
    from PIL import Image

    save_page(page, tmp_path / "p")
    with Image.open(tmp_path / "p.png") as image:
        assert image.info["dpi"] == pytest.approx((100, 100), abs=0.1)


def test_damaged_files_end_in_our_errors(page, tmp_path):
    with pytest.raises(NotFoundError):
        load_page(tmp_path / "none")
    save_page(page, tmp_path / "p")
    for suffix in (".png", ".json", ".leads.png", ".layers.png"):
        path = tmp_path / f"p{suffix}"
        whole = path.read_bytes()
        for damaged in (b"", whole[:20], whole[: len(whole) // 2], b"\x00" * 50):
            path.write_bytes(damaged)
            with pytest.raises(EcgroundError):
                load_page(tmp_path / "p")
        path.write_bytes(whole)


@pytest.mark.parametrize("change", [
    {"schema": "other"}, {"size": [0, 5]}, {"size": [10**6, 10**6]}, {"size": ["x", 1]}, {"leads": 3}, {"leads": [{}]},
    {"px_per_mm": [1]}, {"corners": [[1, 2, 3]]}, {"lattice": {}}, {"texts": [None]}, {"hidden": [5]}, {"fs": None},
])
def test_hostile_json_ends_in_our_errors(page, change):
    with pytest.raises(EcgroundError):
        loads(json.dumps(json.loads(dumps(page.truth)) | change))


def test_masks_of_another_size_are_refused(page):
    with pytest.raises(EcgroundError, match="masks"):
        loads(dumps(page.truth), masks=np.zeros((3, 3), np.uint16))
