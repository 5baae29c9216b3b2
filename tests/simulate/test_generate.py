from __future__ import annotations

import itertools

import numpy as np
import pytest

from ecground.errors import UsageError
from ecground.signal.beats import MARKS, PRESENT, QRS, P, T
from ecground.simulate import (
    PATHOLOGIES,
    RHYTHMS,
    Parameters,
    Simulated,
    draw,
    draw_noise,
    simulate,
    simulate_batch,
    twin,
)


def made(seed: int, **kwargs) -> Simulated:
    return simulate(draw(np.random.default_rng(seed), **kwargs), rng=np.random.default_rng(seed + 1))


def test_the_same_seed_gives_the_same_ecg_and_another_seed_another():
    a, b, c = made(1, rhythm="pvc"), made(1, rhythm="pvc"), made(3, rhythm="pvc")
    assert np.array_equal(a.record.signal, b.record.signal)
    assert np.array_equal(a.truth.delineation.joint_marks, b.truth.delineation.joint_marks, equal_nan=True)
    assert not np.array_equal(a.record.signal, c.record.signal)


@pytest.mark.parametrize("seed", range(3))
def test_limb_leads_obey_einthoven_and_goldberger_exactly_even_in_noise(seed):
    rng = np.random.default_rng(seed)
    x = simulate(draw(rng, noise=draw_noise(rng)), rng=rng).record
    assert x.signal.dtype == np.float32 and x.signal.shape == (12, 5000)
    one, two = x.lead("I"), x.lead("II")
    assert np.array_equal(x.lead("III"), two - one)
    assert np.allclose(x.lead("aVR"), -(one + two) / 2, atol=1e-6)
    assert np.allclose(x.lead("aVL") + x.lead("aVF") + x.lead("aVR"), 0, atol=1e-5)


@pytest.mark.parametrize("rhythm", sorted(RHYTHMS))
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_marks_are_ordered_in_every_rhythm(rhythm, seed):
    d = made(seed, rhythm=rhythm).truth.delineation
    column = {name: i for i, name in enumerate(MARKS)}
    for marks, state in ((d.joint_marks, d.joint_state), *zip(d.lead_marks, d.lead_state, strict=True)):
        for wave, on, off in ((P, "p_on", "p_off"), (QRS, "qrs_on", "qrs_off"), (T, "t_on", "t_off")):
            here = state[:, wave] == PRESENT
            assert np.isfinite(marks[here][:, [column[on], column[off]]]).all()
            assert np.isnan(marks[~here][:, [column[on], column[off]]]).all()
            assert (marks[here, column[on]] < marks[here, column[off]]).all()
        for wave, on, peak, off in ((P, "p_on", "p_peak", "p_off"), (T, "t_on", "t_peak", "t_off")):
            here = state[:, wave] == PRESENT
            assert (marks[here, column[on]] <= marks[here, column[peak]]).all()
            assert (marks[here, column[peak]] <= marks[here, column[off]]).all()
        here = state[:, QRS] == PRESENT
        points = marks[here][:, [column[k] for k in ("qrs_on", "q", "r_peak", "s", "r2", "s2", "qrs_off")]]
        for row in points:
            assert (np.diff(row[np.isfinite(row)]) >= 0).all()
    assert np.nanmin(d.lead_marks) >= 0 and np.nanmax(d.lead_marks) < d.n_samples
    when = np.where(d.has_qrs, d.joint_mark("r_peak"), d.joint_mark("p_peak"))
    assert (np.diff(when) >= 0).all()


@pytest.mark.parametrize("pathology", [None, *sorted(PATHOLOGIES)])
@pytest.mark.parametrize("seed", [5, 6])
def test_the_truth_reads_the_parameters_back(pathology, seed):
    x = made(seed, pathology=pathology)
    v, beat = x.truth.values, x.parameters.ventricular[0]
    assert abs(v["pr_ms"] - x.parameters.rhythm.pr_ms) <= 6
    assert abs(v["qrs_ms"] - beat.qrs_ms) <= 6
    assert abs(v["qt_ms"] - beat.qt_ms) <= 10
    seen = min(x.parameters.atrial[0].duration_ms, x.parameters.rhythm.pr_ms)  # the QRS cuts a P that outlasts PR
    assert abs(v["p_dur_ms"] - seen) <= 9
    assert abs(v["hr_bpm"] / x.parameters.rhythm.rate_bpm - 1) < 0.06


def test_a_wave_is_marked_where_it_can_be_seen():
    x = made(21)
    d = x.truth.delineation
    p_on, p_off, q_on = (d.lead_mark("II", name) for name in ("p_on", "p_off", "qrs_on"))
    quiet = twin(x.parameters, {f"atrial.0.kernels.{k}.vector": (0.0, 0.0, 0.0) for k in range(2)}
                 | {f"atrial.0.kernels.{k}.local": (0.0, 0.0, 0.0) for k in range(2)})
    without = simulate(quiet, rng=np.random.default_rng(22))
    component = x.record.lead("II") - without.record.lead("II")
    for on, off, qrs in zip(p_on, p_off, q_on, strict=True):
        if np.isfinite(on):
            inside = np.abs(component[int(on):int(off) + 1])
            assert inside.max() > 0.020
            assert abs(component[int(on) - 3]) < 0.020 + 0.12 * inside.max()
            assert off <= qrs
    assert (without.truth.delineation.joint_state[:, P] != PRESENT).all()


def test_a_flat_lead_has_no_wave_but_the_others_have():
    p = draw(np.random.default_rng(8))
    field = list(p.torso.field)
    field[7] = (0.0, 0.0, 0.0)  # V6
    d = simulate(twin(p, {"torso.field": tuple(field)}), rng=np.random.default_rng(9)).truth.delineation
    assert (d.lead_state[11] != PRESENT).all()
    assert (d.lead_state[10, d.has_qrs, QRS] == PRESENT).all()


@pytest.mark.parametrize("fs", [100.0, 250.0, 360.0, 1000.0])
def test_any_sampling_rate_gives_the_same_intervals(fs):
    p = draw(np.random.default_rng(31))
    slow, fine = (simulate(p, fs=f, rng=np.random.default_rng(1)).truth for f in (fs, 500.0))
    assert slow.kind == fine.kind
    for name in ("pr_ms", "qrs_ms", "qt_ms", "rr_median_ms"):
        assert abs(slow.values[name] - fine.values[name]) <= 2e3 / min(fs, 500.0) + 1


def test_mask_agrees_with_the_marks():
    truth = made(41, rhythm="mobitz_1").truth
    mask, d = truth.mask(), truth.delineation
    assert mask.shape == (12, 3, 5000)
    for row in np.flatnonzero(d.lead_state[1, :, T] == PRESENT):
        assert mask[1, T, int(d.lead_mark("II", "t_on")[row]):int(d.lead_mark("II", "t_off")[row])].all()
    assert not (mask[:, QRS] & mask[:, P]).any()


def test_parameters_travel_as_json():
    rng = np.random.default_rng(2)
    p = draw(rng, rhythm="flutter", pathology=("lvh", "t_inversion"), noise=draw_noise(rng))
    back = Parameters.from_json(p.to_json())
    assert back.to_json() == p.to_json()
    assert np.array_equal(simulate(back, rng=np.random.default_rng(0)).record.signal,
                          simulate(p, rng=np.random.default_rng(0)).record.signal, equal_nan=True)


def test_pathologies_combine_or_are_refused():
    refused, made = set(), []
    pairs = list(itertools.combinations(sorted(PATHOLOGIES), 2))
    for i, (a, b) in enumerate(pairs):
        try:
            p = draw(np.random.default_rng(i), pathology=(a, b))
        except UsageError:
            refused.add((a, b))
            continue
        assert set(p.pathologies) == {a, b}
        made.append(p)
    for x in simulate_batch(made[::8], seconds=4, rng=np.random.default_rng(0)):
        assert len({s.key for s in x.truth.statements}) >= 2
    assert ("lbbb", "rbbb") in refused and ("lafb", "rbbb") not in refused and ("lvh", "wellens") not in refused
    assert ("brugada", "lbbb") in refused and ("pericarditis", "st_depression") in refused
    assert len(refused) < 0.25 * len(pairs)


def test_wrong_requests_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError):
        draw(rng, rhythm="waltz")
    with pytest.raises(UsageError):
        draw(rng, pathology="hiccup")
    with pytest.raises(UsageError):
        simulate(draw(rng), fs=20, rng=rng)
    with pytest.raises(UsageError):
        twin(draw(rng), {"rhythm.prr_ms": 1.0})
    with pytest.raises(UsageError):
        Parameters.from_json("{}")
