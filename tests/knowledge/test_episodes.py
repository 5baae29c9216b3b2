from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ecground.knowledge.episodes import Episode, EpisodeArgs, episodes
from ecground.measure.table import BeatTable, Measurements
from ecground.signal.beats import ABSENT, MARKS, PRESENT, UNMEASURABLE, P
from tests.knowledge.handmade import measurements

FS = 500.0


def beats(rr_ms: NDArray[np.float64], kinds: str | None = None, *, p: NDArray[np.bool_] | None = None) -> Measurements:
    """A record whose beats follow one another after `rr_ms`; kind p = a P wave 160 ms before where a beat would be."""
    names = kinds or "N" * len(rr_ms)
    made = measurements(kinds=names)
    at = np.cumsum(rr_ms) * FS / 1000.0
    is_beat = np.array([name != "p" for name in names])
    marks = np.full((len(names), len(MARKS)), np.nan)
    marks[is_beat, MARKS.index("r_peak")] = at[is_beat]
    marks[:, MARKS.index("p_peak")] = at - 0.16 * FS
    state = made.delineation.joint_state.copy()
    if p is not None:
        state[:, P] = np.where(p, PRESENT, ABSENT)
    before = np.full(len(names), np.nan)
    rows = np.flatnonzero(is_beat)
    before[rows[1:]] = np.diff(at[rows]) / FS * 1000.0
    table = BeatTable(kind=tuple(names), joint={"rr_before_ms": before.astype(np.float32)}, lead={})
    return replace(made, delineation=replace(made.delineation, joint_marks=marks, joint_state=state), beats=table)


def keys(found: tuple[Episode, ...]) -> list[str]:
    return [episode.key for episode in found]


def test_sinus_rhythm_has_no_episode() -> None:
    rr = 850 + 40 * np.sin(np.arange(300))
    assert episodes(beats(rr)) == ()


def test_fibrillation_between_sinus_rhythm_is_found_where_it_is() -> None:
    rng = np.random.default_rng(1)
    rr = np.concatenate([np.full(200, 900.0), rng.uniform(450, 1000, 150), np.full(200, 900.0)])
    p = np.concatenate([np.full(200, True), np.full(150, False), np.full(200, True)])
    found = episodes(beats(rr, p=p))
    assert keys(found) == ["AFIB"]
    onset, end = np.cumsum(rr)[[200, 349]] * FS / 1000.0
    assert abs(found[0].onset - onset) < 10 * FS
    assert abs(found[0].end - end) < 10 * FS
    assert {evidence.measure for evidence in found[0].evidence} == {"rr_irregularity", "p_present_fraction"}
    assert all(evidence.supports and evidence.span == (found[0].onset, found[0].end) for evidence in found[0].evidence)


def test_irregular_rhythm_with_p_waves_and_short_fibrillation_are_not_episodes() -> None:
    rng = np.random.default_rng(2)
    wild = rng.uniform(450, 1000, 40)
    assert episodes(beats(np.tile(wild, 4))) == ()
    short = np.concatenate([np.full(100, 900.0), wild[:15], np.full(100, 900.0)])
    without = np.concatenate([np.full(100, True), np.full(15, False), np.full(100, True)])
    assert "AFIB" not in keys(episodes(beats(short, p=without)))


def test_a_pause_lies_between_its_two_beats() -> None:
    rr = np.full(60, 800.0)
    rr[30] = 3100.0
    (pause,) = episodes(beats(rr))
    assert pause.key == "PAUSE"
    assert pause.end - pause.onset == 1550
    assert pause.evidence[0].value == pytest.approx(3100, abs=1)
    assert pause.n_beats == 2


@pytest.mark.parametrize(("kinds", "step", "expected"), [
    ("N" * 20 + "VVVV" + "N" * 20, 400.0, ["VT"]), ("N" * 20 + "VVVV" + "N" * 20, 900.0, ["PVC_RUN"]),
    ("N" * 20 + "VV" + "N" * 20, 400.0, []), ("N" * 20 + "SSS" + "N" * 20, 500.0, ["PAC_RUN"]),
    ("N" * 20 + "NVNVNV" + "N" * 20, 800.0, ["BIGU"]), ("N" * 20 + "NNVNNVNNV" + "N" * 20, 800.0, ["TRIGU"]),
    ("N" * 20 + "NVNV" + "N" * 20, 800.0, []),
])
def test_runs_and_cycles(kinds: str, step: float, expected: list[str]) -> None:
    rr = np.array([step if kind in "VS" else 800.0 for kind in kinds])
    assert keys(episodes(beats(rr, kinds))) == expected


def test_blocked_p_waves_in_time_are_av_block_and_early_ones_are_not() -> None:
    kinds = "N" * 20 + "p" + "N" * 20
    (block,) = episodes(beats(np.full(41, 850.0), kinds))
    assert block.key == "2AVB"
    assert block.evidence[0].value == 1.0
    early = np.full(41, 850.0)
    early[20], early[21] = 450.0, 1000.0
    assert "2AVB" not in keys(episodes(beats(early, kinds)))


def test_two_to_one_block_is_one_episode() -> None:
    kinds = "N" * 15 + "pN" * 12 + "N" * 15
    found = [episode for episode in episodes(beats(np.full(len(kinds), 800.0), kinds)) if episode.key == "2AVB"]
    assert len(found) == 1
    assert found[0].evidence[0].value >= 11


def test_slow_and_fast_stretches_last_thirty_seconds() -> None:
    rr = np.concatenate([np.full(100, 800.0), np.full(60, 1300.0), np.full(100, 800.0), np.full(90, 500.0),
                         np.full(60, 800.0)])
    found = episodes(beats(rr))
    assert keys(found) == ["BRADY", "TACHY"]
    assert [round(episode.rate_bpm) for episode in found] == [46, 120]
    assert episodes(beats(rr), args=EpisodeArgs(sustained_s=200.0)) == ()


def test_nothing_to_say_about_gaps_noise_and_few_beats() -> None:
    assert episodes(beats(np.full(2, 800.0))) == ()
    made = beats(np.random.default_rng(3).uniform(450, 1000, 200))
    state = made.delineation.joint_state.copy()
    state[:, P] = UNMEASURABLE
    unknown = replace(made, delineation=replace(made.delineation, joint_state=state))
    assert "AFIB" not in keys(episodes(unknown))
    gaps = replace(made, beats=replace(made.beats, joint={"rr_before_ms": np.full(200, math.nan, np.float32)}))
    assert episodes(gaps) == ()


def test_a_day_takes_seconds() -> None:
    made = beats(np.random.default_rng(4).uniform(700, 900, 100_000))
    start = time.process_time()
    episodes(made)
    assert time.process_time() - start < 6.0
