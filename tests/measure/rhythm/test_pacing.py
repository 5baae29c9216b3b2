"""Paced beats against the spikes that were put into the samples."""

from __future__ import annotations

import pytest

from ecground.measure import measure
from tests.measure.synthetic import Beat, Wave, record, regular


def spiked(where_ms, fs=1000.0):
    beats = regular(beat=Beat((Wave(10, 30, -1.2), Wave(300, 45, 0.5)), p=None, qrs=(-70, 10, 90), t=(170, 300, 430)))
    rec, marks = record(beats, fs=fs, noise_mv=0.01)
    x = rec.signal.copy()
    for at, _ in beats:
        k = round((at + where_ms / 1000) * fs)
        x[:, k:k + 2] += 0.9
    return rec.replace(signal=x), marks


@pytest.mark.parametrize("fs", [500.0, 1000.0])
def test_ventricular_pacing(fs):
    rec, marks = spiked(-82.0, fs)
    m = measure(rec, marks)
    assert m.number("pace_spikes") == m.number("n_beats") == m.number("n_paced")
    assert m.number("spike_qrs_fraction") == 1
    assert m.record["dominant_class"].value == "paced"


def test_no_spikes_in_an_ordinary_ecg():
    assert measure(*record(regular(), noise_mv=0.02)).number("pace_spikes") == 0


def test_single_spikes_are_artefacts():
    rec, marks = record(regular(beat=Beat((Wave(10, 30, -1.2), Wave(300, 45, 0.5)), p=None, qrs=(-70, 10, 90),
                                          t=(170, 300, 430))), fs=1000.0, noise_mv=0.01)
    x = rec.signal.copy()
    for at in (0.418, 5.218):
        x[:, round(at * 1000):round(at * 1000) + 2] += 0.9
    m = measure(rec.replace(signal=x), marks)
    assert m.number("pace_spikes") == m.number("n_paced") == m.number("spike_qrs_fraction") == 0


def test_low_rates_cannot_show_spikes():
    m = measure(*record(regular(), fs=100.0))
    assert m.record["pace_spikes"].state == "unmeasurable"


def test_spike_span_is_the_first_spike():
    rec, marks = spiked(-82.0)
    span = measure(rec, marks).record["pace_spikes"].span
    assert span is not None
    assert abs(span[0] - 418) <= 3
