"""Many records at once: the same bytes as one by one, and the sum that a plain loop gives."""

from __future__ import annotations

import numpy as np
import pytest

from ecground.errors import UsageError
from ecground.simulate import PATHOLOGIES, RHYTHMS, Simulated, draw, draw_noise, simulate, simulate_batch
from ecground.simulate.beat import Events, bank, windows
from ecground.simulate.superpose import Superposition


def patients(n: int, seed: int = 0) -> list:
    rng = np.random.default_rng(seed)
    rhythms, pathologies = sorted(RHYTHMS), [None, *sorted(PATHOLOGIES)]
    return [draw(rng, rhythm=rhythms[i % len(rhythms)], pathology=pathologies[i % len(pathologies)],
                 noise=draw_noise(rng) if i % 3 == 0 else None) for i in range(n)]


def same(a: Simulated, b: Simulated) -> None:
    assert a.record.signal.tobytes() == b.record.signal.tobytes()
    x, y = a.truth, b.truth
    for name in ("lead_marks", "lead_state", "joint_marks", "joint_state"):
        assert getattr(x.delineation, name).tobytes() == getattr(y.delineation, name).tobytes()
    assert (x.kind, x.atrial_kind, x.values, x.statements) == (y.kind, y.atrial_kind, y.values, y.statements)
    assert all(x.lead_values[k].tobytes() == y.lead_values[k].tobytes() for k in x.lead_values)
    assert x.lead_values.keys() == y.lead_values.keys()
    for name in ("atrial_s", "atrial_row", "ventricular_s", "spikes"):
        assert np.array_equal(getattr(x, name), getattr(y, name))
    for wave in ("p", "qrs", "t"):
        for name in ("on", "peak", "off", "joint", "points", "high", "low", "axis"):
            assert getattr(getattr(x, wave), name).tobytes() == getattr(getattr(y, wave), name).tobytes()


@pytest.mark.parametrize(("fs", "seconds"), [(500.0, 10.0), (360.0, 5.0), (1000.0, 3.0)])
def test_a_record_is_the_same_in_a_batch_of_any_size(fs, seconds):
    people = patients(130)
    together = simulate_batch(people, fs=fs, seconds=seconds, rng=np.random.default_rng(4))
    rng, other = np.random.default_rng(4), np.random.default_rng(4)
    pieces = [made for k in (1, 40, 89) for made in simulate_batch(
        people[{1: 0, 40: 1, 89: 41}[k]:][:k], fs=fs, seconds=seconds, rng=other)]
    for i, made in enumerate(together):
        same(made, pieces[i])
        if i < 60:
            same(made, simulate(people[i], fs=fs, seconds=seconds, rng=rng))


def test_no_patients_no_records():
    assert simulate_batch([], rng=np.random.default_rng(0)) == []
    with pytest.raises(UsageError):
        simulate_batch([], fs=10.0, rng=np.random.default_rng(0))


@pytest.mark.parametrize("rhythm", ["svt", "vt", "couplets", "av_block_3", "mobitz_1"])
def test_windows_add_up_as_in_a_plain_loop(rhythm):
    p = draw(np.random.default_rng(1), rhythm=rhythm)
    when = np.sort(np.random.default_rng(2).uniform(-1.0, 10.4, 24))
    when = np.concatenate([when[::2], np.arange(-1, 10.4, 0.26)])
    events = Events(np.repeat([0, 1], [12, len(when) - 12]), when, np.zeros(len(when), dtype=np.intp),
                    np.ones(len(when)), np.zeros((len(when), 3)))
    field = np.random.default_rng(3).normal(size=(2, 8, 6))
    total, plain = Superposition.blank(2, 2500, 250.0), np.zeros((2, 8, 6000), dtype=np.float32)
    for part in windows(bank([p.ventricular[0].t]), events, field, fs=250.0):
        total.add(part, part.wave, events.record)
        for event, start, wave in zip(part.event, part.start, part.wave, strict=True):
            plain[events.record[event], :, 1000 + start:1000 + start + wave.shape[1]] += wave
    for record in (0, 1):
        assert np.allclose(total.record(record), plain[record, :, 1000:3500], atol=1e-5)


def test_slow_waves_brought_to_the_full_rate_are_those_of_the_full_rate():
    p = draw(np.random.default_rng(1))
    waves, field = bank([p.ventricular[0].t + p.ventricular[0].st, p.atrial[0].kernels]), np.ones((1, 8, 6))
    when = np.array([0.5, 1.51, 2.533, 3.1777])
    events = Events(np.zeros(4, dtype=np.intp), when, np.array([0, 1, 0, 1]), np.ones(4), np.zeros((4, 3)))
    made = {}
    for fs in (250.0, 500.0, 1000.0):
        made[fs] = Superposition.blank(1, int(4 * fs), fs)
        for part in windows(waves, events, field, fs=fs):
            made[fs].add(part, part.wave, events.record)
    for fs in (500.0, 1000.0):
        found = made[250.0].upsampled(0, int(fs / 250), int(4 * fs))
        assert np.abs(found - made[fs].record(0)).max() < 0.002
