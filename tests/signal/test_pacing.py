from __future__ import annotations

import numpy as np
import pytest

from ecground.record import Record
from ecground.signal.pacing import find_spikes
from tests.signal.test_filters import ecg


def record(signal, fs):
    return Record(signal=np.asarray(signal, np.float32), fs=fs, leads=tuple(f"lead{i}" for i in range(len(signal))))


@pytest.mark.parametrize("fs", [360.0, 500.0, 1000.0])
@pytest.mark.parametrize("n_leads", [1, 2, 12])
def test_spikes_are_found_where_they_are(fs, n_leads):
    x = ecg(10, fs, n_leads=n_leads) + np.random.default_rng(0).normal(0, 0.004, (n_leads, int(10 * fs)))
    at = np.round((np.arange(0.4, 9.9, 60 / 72) - 0.045) * fs).astype(int)
    x[:, at] += 0.6
    got = find_spikes(record(x, fs))
    assert got.assessable
    assert len(got.samples) == len(at)
    assert np.abs(got.samples - at).max() <= 1
    assert (got.support >= min(3, n_leads)).all()


@pytest.mark.parametrize("rate", [40, 75, 150])
def test_no_spikes_in_qrs_complexes_or_noise(rate):
    x = 2 * ecg(10, rate=rate)
    assert not len(find_spikes(record(x, 500.0)).samples)
    assert not len(find_spikes(record(x + np.random.default_rng(1).normal(0, 0.05, x.shape), 500.0)).samples)


def test_a_spike_in_one_lead_is_an_artefact():
    x = ecg(10)
    x[4, 2000] += 2.0
    assert not len(find_spikes(record(x, 500.0)).samples)


def test_gaps_seams_and_low_rates():
    x = np.tile(ecg(10, 250.0), (1, 13))
    at = np.arange(200, 32_000, 250)
    x[:, at] += 1.0
    x[3, 5000:9000] = np.nan
    got = find_spikes(record(x, 250.0))
    assert np.isin(at, got.samples).mean() > 0.7
    assert (np.diff(got.samples) > 2).all()
    assert not find_spikes(record(x, 125.0)).assessable
    assert not find_spikes(record(np.full((2, 500), np.nan), 500.0)).assessable
