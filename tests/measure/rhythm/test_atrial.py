"""Atrial activity and T-wave alternans against what was put into the samples."""

from __future__ import annotations

import numpy as np
import pytest

from ecground.measure import measure
from ecground.measure.rhythm.alternans import LEAST_BEATS, alternans
from ecground.measure.rhythm.atrial import p_consistency
from tests.measure.synthetic import NORMAL, Beat, Wave, record, regular

NO_P = Beat(NORMAL.waves[1:], p=None)


def with_wave(rec, wave):
    t = np.arange(rec.n_samples) / rec.fs
    return rec.replace(signal=rec.signal + wave(t).astype(np.float32))


def sawtooth(hz, size):
    return lambda t: size * (2 * np.abs(2 * ((t * hz) % 1.0) - 1) - 1)


def test_flutter_is_regular_and_fibrillation_is_not():
    rng = np.random.default_rng(1)
    at = 0.4 + np.cumsum(rng.uniform(0.5, 0.9, 14))
    rec, marks = record([(float(t), NO_P) for t in at if t < 9.5], noise_mv=0.01)
    flutter = measure(with_wave(rec, sawtooth(5.0, 0.1)), marks)
    phase = np.cumsum(rng.normal(0, 1, rec.n_samples)) * 0.12
    fibrillation = measure(with_wave(rec, lambda t: 0.06 * np.sin(2 * np.pi * 6 * t + phase)), marks)
    sinus = measure(*record(regular(), noise_mv=0.01))
    assert flutter.number("flutter_index") > 0.5
    assert flutter.record["flutter_index"].why in ("299/min", "300/min", "301/min")
    assert fibrillation.number("flutter_index") < 0.3
    assert sinus.number("flutter_index") < 0.2
    assert fibrillation.number("f_wave_uv") == pytest.approx(60 / np.sqrt(2), rel=0.25)
    assert sinus.number("f_wave_uv") < 25
    assert sinus.number("p_consistency") > 0.9
    assert fibrillation.number("p_consistency") < 0.5


def test_f_wave_size_is_its_rms():
    rng = np.random.default_rng(2)
    at = 0.4 + np.cumsum(rng.uniform(0.5, 0.9, 14))
    rec, marks = record([(float(t), NO_P) for t in at if t < 9.5])
    m = measure(with_wave(rec, lambda t: 0.1 * np.sin(2 * np.pi * 6.3 * t)), marks)
    assert m.number("f_wave_uv") == pytest.approx(100 / np.sqrt(2), rel=0.2)


def test_p_consistency_bounds():
    t = np.linspace(-1, 1, 40)
    same = np.repeat(np.exp(-8 * t**2)[None, None], 6, axis=1)
    assert p_consistency(same) == pytest.approx(1.0)
    assert np.isnan(p_consistency(same[:, :2]))


def alternating(size, beats=30, seed=0):
    half = size / 2000
    up = Beat((*NORMAL.waves[:-1], Wave(250, 25, 0.35 + half)))
    down = Beat((*NORMAL.waves[:-1], Wave(250, 25, 0.35 - half)))
    at = [(0.5 + 0.8 * k, up if k % 2 else down) for k in range(beats)]
    return measure(*record(at, seconds=0.8 * beats + 0.5, leads=("II", "V3", "V5"), noise_mv=0.01, seed=seed))


def test_alternans_size_and_its_absence():
    found, none = alternating(150.0), alternating(0.0)
    assert found.number("twa_uv") == pytest.approx(150, rel=0.15)
    assert found.record["twa_uv"].confidence > 0.8
    assert none.number("twa_uv") < 25
    assert none.record["twa_uv"].confidence < 0.75


def test_alternans_needs_beats():
    m = alternating(150.0, beats=LEAST_BEATS - 2)
    assert m.record["twa_uv"].state == "unmeasurable"
    assert m.lead["II"]["twa_uv"].state == "unmeasurable"


def test_noise_pattern_does_not_see_alternans():
    beats = np.zeros((1, 32, 10), dtype=np.float32)
    beats[:, ::2] = 0.1
    level, noise = alternans(beats, np.arange(32))
    assert level[0] == pytest.approx(100, abs=2)
    assert noise[0] < 25
