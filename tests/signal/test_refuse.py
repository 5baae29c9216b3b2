from __future__ import annotations

import numpy as np
import pytest

from ecground.errors import NoSignalError, NotAnEcgError
from ecground.record import Record
from ecground.signal.refuse import require_ecg
from tests.signal.test_filters import ecg

RNG = np.random.default_rng(0)
T = np.arange(5000) / 500


def record(signal, fs=500.0):
    signal = np.atleast_2d(np.asarray(signal, np.float32))
    return Record(signal=signal, fs=fs, leads=tuple(f"lead{i}" for i in range(len(signal))))


OTHERS = {
    "constant": np.full(5000, 0.3),
    "noise": RNG.normal(0, 0.3, (3, 5000)),
    "sine": np.sin(2 * np.pi * 1.2 * T),
    "random walk": np.cumsum(RNG.normal(0, 0.03, 5000)),
    "respiration": np.sin(2 * np.pi * 0.25 * T) + RNG.normal(0, 0.01, 5000),
    "pulse wave": np.exp(1.5 * np.cos(2 * np.pi * 1.1 * T)) + 0.4 * np.cos(4 * np.pi * 1.1 * T + 0.8),
    "alpha rhythm": 0.03 * np.sin(2 * np.pi * 10 * T) * (1.2 + np.sin(2.5 * T)) + RNG.normal(0, 0.004, 5000),
    "bursts": np.clip(np.sin(2 * np.pi * 3.4 * T), 0, 1) ** 2 * RNG.normal(0, 1, 5000),
    "steps": np.repeat(RNG.normal(size=40), 125),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_signals_are_refused_with_a_reason(name):
    with pytest.raises(NotAnEcgError, match="do not look like an ECG: ") as caught:
        require_ecg(record(OTHERS[name]))
    assert caught.value.hint


@pytest.mark.parametrize("rate", [30, 60, 90, 150, 220])
@pytest.mark.parametrize("noise", [0.0, 0.05, 0.15])
def test_ecgs_pass(rate, noise):
    x = ecg(10, rate=rate)
    require_ecg(record(x + RNG.normal(0, noise, x.shape)))
    require_ecg(record(x[-1:]))
    require_ecg(record(-x[-1:, :1250]))


def test_fibrillation_like_waves_pass():
    phase = 2 * np.pi * np.cumsum(5 + 0.8 * np.sin(2 * np.pi * 0.5 * T) + RNG.normal(0, 2, 5000)) / 500
    require_ecg(record(0.4 * np.sin(phase) * (1 + 0.5 * np.sin(2 * np.pi * 0.8 * T))))


def test_one_good_lead_or_one_good_minute_is_enough():
    x = RNG.normal(0, 0.3, (3, 5000))
    x[2] = ecg(10)[-1]
    require_ecg(record(x))
    long = np.concatenate([np.zeros(20_000), np.tile(ecg(10)[-1], 4), np.zeros(20_000)])
    require_ecg(record(long))


def test_too_little_signal():
    for x in (np.zeros((1, 0)), np.full((2, 5000), np.nan)):
        with pytest.raises(NoSignalError, match="no ECG samples"):
            require_ecg(record(x))
    with pytest.raises(NoSignalError, match=r"1\.6 s in one piece"):
        require_ecg(record(ecg(10)[:2, :800]))
