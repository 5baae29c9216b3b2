from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest

from ecground.simulate import Noise, add_noise, draw, draw_noise, simulate
from ecground.simulate.noise import coloured, electrode_noise, record_as_device


@pytest.mark.parametrize("kind", ["pink", "baseline", "muscle", "mains"])
@pytest.mark.parametrize("snr", [0.0, 12.0])
def test_noise_has_the_asked_ratio_in_every_lead(kind, snr):
    clean = simulate(draw(np.random.default_rng(0)), rng=np.random.default_rng(0)).record
    holed = clean.signal.copy()
    holed[3, 100:600] = np.nan
    clean = clean.replace(signal=holed)
    noisy = add_noise(clean, snr_db=snr, kind=kind, rng=np.random.default_rng(1))
    assert np.array_equal(np.isnan(noisy.signal), np.isnan(clean.signal))
    added = np.nanvar(noisy.signal - clean.signal, axis=1)
    assert np.allclose(10 * np.log10(np.nanvar(clean.signal, axis=1) / added), snr, atol=0.6)


@pytest.mark.parametrize(("kind", "low", "high"), [("baseline", 0.0, 0.75), ("muscle", 12.0, 200.0)])
def test_spectra(kind, low, high):
    x = coloured(np.random.default_rng(0), channels=4, n=20000, fs=500.0, kind=kind)
    power = np.abs(np.fft.rfft(x, axis=1)) ** 2
    f = np.fft.rfftfreq(20000, 1 / 500)
    assert power[:, (f >= low) & (f <= high)].sum() / power.sum() > 0.9
    assert np.allclose(x.std(axis=1).mean(), 1, atol=0.25)


def test_pink_noise_falls_ten_decibels_a_decade():
    x = coloured(np.random.default_rng(0), channels=30, n=20000, fs=500.0, kind="pink")
    power = (np.abs(np.fft.rfft(x, axis=1)) ** 2).mean(axis=0)
    f = np.fft.rfftfreq(20000, 1 / 500)
    keep = (f > 1) & (f < 200)
    slope = np.polyfit(np.log10(f[keep]), np.log10(power[keep]), 1)[0]
    assert slope == pytest.approx(-1, abs=0.1)


def test_mains_sits_at_its_frequency():
    x = electrode_noise(Noise(mains_uv=20, mains_hz=60), n=5000, fs=500, rng=np.random.default_rng(3))
    power = (np.abs(np.fft.rfft(x, axis=1)) ** 2).sum(axis=0)
    f = np.fft.rfftfreq(5000, 1 / 500)
    assert abs(f[power.argmax()] - 60) < 0.5


def test_device_filters_and_steps():
    time_ = np.arange(5000) / 500
    x = np.tile(np.sin(2 * np.pi * 40 * time_) + 1, (8, 1)).astype(np.float32)
    y = record_as_device(x, Noise(lowpass_hz=40, highpass_hz=0.5, lsb_uv=5), fs=500)
    middle = y[0, 1500:3500]
    assert middle.std() / x[0].std() == pytest.approx(1 / np.sqrt(2), abs=0.02)
    assert abs(middle.mean()) < 0.15
    assert np.allclose(y / 0.005, np.round(y / 0.005), atol=1e-3)


def test_lost_contact_is_nan_or_flat_in_that_lead_only():
    p = draw(np.random.default_rng(0))
    for how in ("nan", "flat"):
        noise = Noise(lost=("V3",), lost_from=0.2, lost_until=0.5, lost_as=how)
        x = simulate(dataclasses.replace(p, noise=noise), rng=np.random.default_rng(0)).record
        gone = x.lead("V3")[1000:2500]
        assert np.isnan(gone).all() if how == "nan" else (gone == 0).all()
        assert np.isfinite(x.lead("V4")).all() and np.ptp(x.lead("V3")[2500:]) > 0.1


def test_speed_is_printed():
    rng = np.random.default_rng(0)
    for name, noisy in (("clean", False), ("noisy", True)):
        patients = [draw(rng, noise=draw_noise(rng) if noisy else None) for _ in range(20)]
        before = time.process_time()
        for p in patients:
            simulate(p, rng=rng)
        print(f"{name}: {20 / max(time.process_time() - before, 1e-9):.0f} ECG/s")
