from __future__ import annotations

import numpy as np
import pytest

from ecground.signal.beats import PRESENT, P
from ecground.simulate import Simulated, draw, simulate

SEEDS = [1, 2, 3]


def made(rhythm: str, seed: int, seconds: float = 10.0) -> Simulated:
    return simulate(draw(np.random.default_rng(seed), rhythm=rhythm), seconds=seconds, rng=np.random.default_rng(seed))


def pr_of(x: Simulated) -> np.ndarray:
    d = x.truth.delineation
    return (d.joint_mark("qrs_on") - d.joint_mark("p_on"))[d.has_qrs] / d.fs * 1e3


def n_p(x: Simulated) -> int:
    return int((x.truth.delineation.joint_state[:, P] == PRESENT).sum())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("rhythm", "low", "high"), [("sinus", 57, 105), ("sinus_bradycardia", 0, 60),
                                                     ("sinus_tachycardia", 100, 170), ("svt", 140, 225),
                                                     ("vt", 110, 215),
                                                     ("junctional", 35, 78), ("av_block_3", 25, 60)])
def test_rates(rhythm, low, high, seed):
    assert low < made(rhythm, seed).truth.values["hr_bpm"] < high


@pytest.mark.parametrize("seed", SEEDS)
def test_sinus_has_one_p_for_each_beat(seed):
    x = made("sinus", seed)
    assert set(x.truth.kind) <= {"N", "p"} and x.truth.kind.count("p") <= 1  # the last P may lose its QRS to the edge
    assert np.isfinite(pr_of(x)[1:]).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_fibrillation_is_irregular_without_p_and_flutter_regular(seed):
    af, flutter = made("af", seed, 30.0), made("flutter", seed)
    assert n_p(af) == n_p(flutter) == 0
    assert af.truth.values["rr_sd_ms"] / af.truth.values["rr_mean_ms"] > 0.09
    atrial = np.diff(flutter.truth.atrial_s)
    assert np.ptp(atrial) < 1e-6 and 240 <= 60 / atrial.mean() <= 330
    rr = np.diff(flutter.truth.ventricular_s) / atrial.mean()
    assert np.abs(rr - np.round(rr)).max() < 0.15 and set(np.round(rr)) <= {2, 3, 4}


@pytest.mark.parametrize("seed", SEEDS)
def test_av_block_1_is_long_and_constant(seed):
    pr = pr_of(made("av_block_1", seed))
    assert np.nanmin(pr) > 198 and np.nanmax(pr) - np.nanmin(pr) < 12


@pytest.mark.parametrize("seed", SEEDS)
def test_wenckebach_lengthens_until_a_p_is_blocked(seed):
    x = made("mobitz_1", seed, 20.0)
    pr, kinds = iter(pr_of(x)), x.truth.kind
    cycles, now = [], []
    for kind in kinds:
        if kind == "p":
            cycles.append(now)
            now = []
        else:
            now.append(next(pr))
    full = [c for c in cycles[1:] if len(c) >= 2]
    assert len(full) >= 2
    for cycle in full:
        assert (np.diff(cycle) > 5).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_mobitz_2_keeps_pr_and_drops_beats(seed):
    x = made("mobitz_2", seed)
    pr = pr_of(x)
    assert x.truth.kind.count("p") >= 1 and np.nanmax(pr) - np.nanmin(pr) < 12


def test_two_to_one_block_alternates():
    x = next(x for x in (made("av_block_2_1", s) for s in range(20)) if x.parameters.rhythm.conduction == "2:1")
    kinds = "".join(k[0] for k in x.truth.kind)
    assert "NN" not in kinds and "pp" not in kinds and "Np" in kinds


@pytest.mark.parametrize("seed", SEEDS)
def test_complete_block_has_two_independent_rhythms(seed):
    x = made("av_block_3", seed, 20.0)
    assert (x.truth.atrial_row == -1).all()
    assert len(x.truth.atrial_s) > 1.1 * len(x.truth.ventricular_s)
    pp = np.diff(x.truth.atrial_s)
    assert pp.std() / pp.mean() < 0.08


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("rhythm", "per_beat"), [("pacing_a", 1), ("pacing_v", 1), ("pacing_av", 2)])
def test_pacing_has_spikes_before_what_it_paces(rhythm, per_beat, seed):
    x = made(rhythm, seed)
    d = x.truth.delineation
    assert abs(len(x.truth.spikes) - per_beat * int(d.has_qrs.sum())) <= 2
    if "V" in x.parameters.rhythm.pacing:
        onset = d.joint_mark("qrs_on")[d.has_qrs] / d.fs * 1e3
        lead = onset[:, None] - x.truth.spikes[None] / d.fs * 1e3
        assert ((lead > -6) & (lead < 30)).any(axis=1)[1:].all()
        assert "paced" in x.truth.kind and x.truth.values["qrs_ms"] > 115


@pytest.mark.parametrize("seed", SEEDS)
def test_atrial_ectopy_comes_early_with_a_narrow_qrs(seed):
    x = made("pac", seed, 30.0)
    kinds = [k for k in x.truth.kind if k != "p"]
    rr = np.diff(x.truth.delineation.r_peaks)
    early = [rr[i - 1] for i, k in enumerate(kinds) if k == "S" and i]
    assert early and np.median(early) < 0.9 * np.median(rr)
    blocked = made("blocked_pac", seed, 30.0).truth
    assert "S" in blocked.atrial_kind and "S" not in blocked.kind


@pytest.mark.parametrize("seed", SEEDS)
def test_ventricular_ectopy_patterns(seed):
    texts = {name: "".join(k[0] for k in made(name, seed, 20.0).truth.kind if k != "p")
             for name in ("pvc", "bigeminy", "trigeminy", "couplets")}
    assert "V" in texts["pvc"] and "VV" not in texts["pvc"]
    assert "NVNVNV" in texts["bigeminy"] and "NNVNNV" in texts["trigeminy"]
    assert "VV" in texts["couplets"] and "VVV" not in texts["couplets"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_ventricular_extrasystole_is_wide_and_followed_by_a_pause(seed):
    x = made("pvc", seed, 30.0)
    d = x.truth.delineation
    kinds = np.array([k for k in x.truth.kind if k != "p"])
    width = (d.joint_mark("qrs_off") - d.joint_mark("qrs_on"))[d.has_qrs] / d.fs * 1e3
    assert width[kinds == "V"].min() > 110
    rr = np.diff(d.r_peaks)
    at = [i for i in np.flatnonzero(kinds == "V") if 0 < i < len(rr)]
    assert np.mean([rr[i] > 1.02 * rr[i - 1] for i in at]) > 0.8


def test_statements_follow_the_rhythm():
    for rhythm, key in (("sinus", "norm"), ("af", "afib"), ("flutter", "aflt"), ("av_block_1", "1avb"),
                        ("mobitz_1", "2avb"), ("av_block_3", "3avb"), ("pacing_v", "pace"), ("pvc", "pvc"),
                        ("pac", "pac"), ("sinus_bradycardia", "sbrad"), ("sinus_tachycardia", "stach")):
        statements = {s.key: s for s in made(rhythm, 3, 30.0).truth.statements}
        assert key in statements
        assert all(e.value is not None for s in statements.values() for e in s.evidence)
