"""The protocol of the delineation tables, on marks made by hand; no recording and no other library is needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

FS = 500.0


@pytest.fixture(scope="module")
def bench() -> Iterator[SimpleNamespace]:
    """The modules of benchmarks/, which are scripts and no package."""
    place = str(Path(__file__).parents[2] / "benchmarks")
    before = set(sys.modules)
    sys.path.insert(0, place)
    try:
        import datapack
        import delineation
        import intervals
        import scoring

        yield SimpleNamespace(datapack=datapack, delineation=delineation, intervals=intervals, scoring=scoring)
    finally:
        sys.path.remove(place)
        for name in set(sys.modules) - before:
            if place in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]


def record(bench: SimpleNamespace, waves: list[tuple[str, int | None, int, int]]) -> object:
    lead = tuple(bench.datapack.Wave(*wave) for wave in waves)
    return bench.datapack.LudbRecord("1", np.zeros((1, 5000), np.float32), (lead,))


BEAT = [("P", 400, 425, 450), ("QRS", 480, 500, 530), ("T", 600, 660, 720)]
TWO = BEAT + [(kind, on + 500, peak + 500, off + 500) for kind, on, peak, off in BEAT]


def row(bench: SimpleNamespace, waves: list[tuple[str, int | None, int, int]], point: str, found: list[float]) -> dict:
    score = bench.scoring.score([record(bench, waves)], [[{point: np.array(found)}]])
    return score.row(bench.scoring.POINTS.index(point))


def test_errors_are_found_minus_true_in_ms(bench: SimpleNamespace) -> None:
    got = row(bench, TWO, "qrs_on", [485.0, 985.0])
    assert got == pytest.approx({"se": 100, "ppv": 100, "f1": 100, "mean": 10.0, "sd": 0.0})


def test_false_positives_count_only_between_first_and_last_annotation(bench: SimpleNamespace) -> None:
    assert row(bench, TWO, "qrs_on", [100.0, 480.0, 980.0, 1400.0])["ppv"] == 100
    assert row(bench, TWO, "qrs_on", [480.0, 730.0, 980.0])["ppv"] == pytest.approx(200 / 3)


def test_tolerance_is_150_ms_and_matching_one_to_one(bench: SimpleNamespace) -> None:
    assert row(bench, TWO, "qrs_on", [480.0 + 75, 980.0])["se"] == 100
    got = row(bench, TWO, "qrs_on", [480.0 + 76, 980.0])
    assert (got["se"], got["ppv"]) == (50, 50)
    assert row(bench, TWO, "qrs_on", [470.0, 485.0, 980.0])["ppv"] == pytest.approx(200 / 3)


def test_a_point_the_cardiologist_left_open_is_neither_hit_nor_miss(bench: SimpleNamespace) -> None:
    waves = [("QRS", None, 500, 530), *TWO[3:]]
    got = row(bench, waves, "qrs_on", [505.0, 980.0])
    assert (got["se"], got["ppv"]) == (100, 100)


def test_better_is_a_probability_over_patients(bench: SimpleNamespace) -> None:
    patients = [record(bench, TWO) for _ in range(20)]
    rng = np.random.default_rng(1)

    def marks(spread: float) -> list[object]:
        return [[{"qrs_on": np.array([480.0, 980.0]) + rng.normal(0, spread, 2)}] for _ in patients]

    narrow, wide = (bench.scoring.score(patients, marks(spread)) for spread in (2, 8))
    point = bench.scoring.POINTS.index("qrs_on")
    assert narrow.better(wide, point)["sd"] > 0.95
    assert wide.better(narrow, point)["sd"] < 0.05
    assert narrow.better(wide, point)["f1"] == pytest.approx(0.5)


def test_intervals_from_marks(bench: SimpleNamespace) -> None:
    lead = bench.scoring.truth(record(bench, TWO).waves[0])
    assert bench.intervals.by_lead([lead], FS) == pytest.approx([160, 100, 480, 100])
    later = {mark: at + 5 for mark, at in lead.items()}
    quarter = bench.intervals.by_joint([lead, lead, later, later], FS)  # the lead at a quarter from either end
    assert quarter == pytest.approx([160, 110, 490, 110])
    single = bench.intervals.by_joint([lead, *[later] * 7], FS)  # one lead of eight stands alone: it does not count
    assert single == pytest.approx([160, 100, 480, 100])
    first = bench.intervals.by_joint([lead, later], FS)  # two leads: earliest onset, latest offset
    assert first == pytest.approx([160, 110, 490, 110])


def test_a_p_wave_belongs_to_one_beat_only(bench: SimpleNamespace) -> None:
    waves = [*TWO, *[(kind, on + 1000, peak + 1000, off + 1000) for kind, on, peak, off in BEAT[1:]]]
    lead = bench.scoring.truth(record(bench, waves).waves[0])
    assert bench.intervals.p_shares([lead], FS) == pytest.approx([2 / 3])


def test_methods_without_some_points_give_nan_and_no_error(bench: SimpleNamespace) -> None:
    assert np.isnan(bench.intervals.by_lead([{"p_on": np.array([1.0])}], FS)).all()
    assert np.isnan(bench.intervals.by_joint([{"p_on": np.array([1.0])}], FS)).all()
    assert np.isnan(bench.intervals.p_shares([{}], FS)).all()
    assert np.isnan(row(bench, TWO, "qrs_on", [])["f1"])


def test_noise_has_the_asked_ratio_in_every_lead(bench: SimpleNamespace) -> None:
    clean = np.stack([np.sin(np.arange(5000) / 40) * size for size in (0.1, 1.0, 3.0)]).astype(np.float32)
    for snr in (6.0, 0.0):
        added = bench.delineation.add_noise(clean, FS, snr, np.random.default_rng(0)) - clean
        assert 20 * np.log10(clean.std(1) / added.std(1)) == pytest.approx(snr, abs=0.01)


def test_packed_samples_decode(bench: SimpleNamespace) -> None:
    samples = np.array([0, 1, -1, 300, -32768, 32767, 5], np.int16)
    steps = np.diff(samples.astype(np.int32), prepend=0).astype(np.int16).astype(np.int32)
    zigzag = ((steps << 1) ^ (steps >> 15)).astype(np.uint16)
    planes = np.stack([zigzag & 255, zigzag >> 8]).astype(np.uint8)
    assert bench.datapack.decode(planes).tolist() == samples.tolist()


@pytest.mark.train
def test_the_baseline_network_is_the_one_described(bench: SimpleNamespace) -> None:
    pytest.importorskip("torch")
    import single_lead_unet
    import torch

    net = single_lead_unet.UNet().eval()
    assert sum(p.numel() for p in net.parameters()) == 231_564
    found = single_lead_unet.SingleLeadUNet(net, 231_564, 0.0)
    torch.manual_seed(0)
    marks = found(np.random.default_rng(0).standard_normal((2, 9000)).astype(np.float32), 360.0)
    assert len(marks) == 2
    assert all(np.all(lead[mark] < 9000) for lead in marks for mark in lead)
