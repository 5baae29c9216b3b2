"""Every kind of sample: what its files say agrees with the recording and with one another."""

from __future__ import annotations

import io
import json

import cv2
import numpy as np
import pytest

from ecground.errors import UsageError
from ecground.paper.datasets import KINDS, looks_of
from ecground.paper.datasets.kinds import NoOverlapError, Sample
from ecground.paper.datasets.source import Item, Source, items, size, source_of
from ecground.paper.export.truth import loads
from ecground.record import Record

LOOKS = {"layouts": ("3x4",), "dpi": 120.0, "plain": True}


def recording(spikes: float = 1.0) -> Record:
    """Ten seconds of twelve leads with a spike of some mV every second, alternately up and down."""
    t = np.arange(5000) / 500
    beat = np.exp(-((t % 1 - 0.3) / 0.02) ** 2)
    signal = np.stack([(0.3 + 0.1 * k) * (-1) ** k * spikes * beat for k in range(12)]).astype(np.float32)
    return Record(signal, 500.0, ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"))


def made(kind: str, record: Record | None = None, **looks) -> list[Sample]:
    item = Item("case-1", lambda: recording() if record is None else record, {"split": "train"}, "normal")
    return KINDS[kind][0](item, looks_of(kind, **LOOKS | looks), np.random.default_rng(4))


def picture(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def test_digitization_gives_the_page_and_its_signals():
    (sample,) = made("digitization")
    about = json.loads(sample.files["json"])
    assert about["id"] == "case-1" and about["split"] == "train"
    assert {lead["lead"] for lead in about["leads"]} >= {"I", "aVR", "V6"}
    page, record = picture(sample.files["png"]), recording()
    for lead in about["leads"]:
        mv = np.array(lead["mv"], dtype=float)
        stop = lead["start"] + len(mv)
        true = record.signal[record.leads.index(lead["lead"]), lead["start"]:stop]
        assert np.nanmax(np.abs(mv - true)) < 0.002
        assert 0 <= lead["x_px"][0] < lead["x_px"][1] < page.shape[1]


def test_detection_gives_boxes_in_yolo_format():
    (sample,) = made("detection")
    rows = np.array([line.split() for line in sample.files["txt"].decode().splitlines()], dtype=float)
    assert (rows[:, 0] == 0).sum() == 12 and set(rows[:, 0]) == set(range(13))
    assert (rows[:, 1:] > 0).all() and (rows[:, 1:] < 1).all()


def test_segmentation_masks_lie_on_the_ink_of_one_lead():
    samples = made("segmentation")
    assert len(samples) == 12
    for sample in samples:
        image, mask = picture(sample.files["png"]), picture(sample.files["mask.png"])
        assert image.shape[:2] == mask.shape and set(np.unique(mask)) == {0, 255}
        about = json.loads(sample.files["json"])
        assert image[mask > 0].mean() + 60 < image[mask == 0].mean()
        (lead,) = about["leads"]
        baseline = lead["baseline_px"] - about["origin_px"][1]
        column = mask[:, round(lead["x_px"][0] - about["origin_px"][0]) + 3]
        assert abs(np.flatnonzero(column).mean() - baseline) < 1.5


def test_overlap_gives_only_leads_that_others_cross_with_the_clean_mask():
    samples = made("overlap", recording(3.0))
    assert samples
    for sample in samples:
        mask, others = picture(sample.files["mask.png"]), picture(sample.files["others.png"])
        assert np.count_nonzero(mask & others) == json.loads(sample.files["json"])["shared_ink_px"] >= 12
        (lead,) = json.loads(sample.files["json"])["leads"]
        first, last = (round(x - json.loads(sample.files["json"])["origin_px"][0]) for x in lead["x_px"])
        assert mask[:, first + 1:last].any(axis=0).all()


def test_traces_that_never_cross_are_said_so():
    flat = recording(0.0)
    with pytest.raises(NoOverlapError):
        made("overlap", flat)


def test_meeti_gives_signal_image_features_and_room_for_text_under_one_id():
    (sample,) = made("meeti")
    with np.load(io.BytesIO(sample.files["npz"])) as store:
        assert np.array_equal(store["signal"], recording().signal)
        assert store["fs"] == 500 and list(store["leads"])[:2] == ["I", "II"]
    features, text = json.loads(sample.files["features.json"]), json.loads(sample.files["text.json"])
    assert features["id"] == text["id"] == "case-1" and text["interpretation"] == "" and text["report"] == "normal"
    lengths = {len(values) for values in features["leads"]["II"].values()}
    assert set(features["leads"]) == set(recording().leads) and len(lengths) == 1 and lengths.pop() in (9, 10)
    assert "png" in sample.files


def test_photographed_pages_keep_all_truth():
    (sample,) = made("pages", recipes=("phone",))
    masks, layers = picture(sample.files["leads.png"]), picture(sample.files["layers.png"])
    truth = loads(sample.files["json"], masks=masks, layers=layers)
    assert picture(sample.files["jpg"]).shape[:2] == masks.shape == layers.shape
    assert truth.recipe[-1]["name"] == "frame" and masks.dtype == np.uint16
    assert len(json.loads(sample.files["signals.json"])["leads"]) == len(truth.leads)


def test_the_same_generator_gives_the_same_bytes():
    for kind in KINDS:
        record = recording(3.0)
        assert made(kind, record) == made(kind, record), kind


def test_simulated_recordings_depend_on_seed_and_number_only():
    source = Source("simulated")
    assert size(source) is None
    (third,) = items(source, 3, 4, seed=1)
    again = list(items(source, 0, 4, seed=1))[3]
    other = next(items(source, 3, 4, seed=2))
    assert third.id == again.id != other.id
    assert np.array_equal(third.load().signal, again.load().signal, equal_nan=True)
    assert not np.array_equal(third.load().signal, other.load().signal, equal_nan=True)


def test_sources_are_checked():
    with pytest.raises(UsageError, match="no folder"):
        source_of("ptbxl:not-here")
    with pytest.raises(UsageError, match="no folder"):
        source_of("not-here")
