"""Electrocardiograms of known truth: sums of Gaussians on a flat line, and the marks that belong to them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ecground.record import Patient, Provenance, Record
from ecground.signal.assemble import from_lead_waves
from ecground.signal.beats import Delineation

STANDARD = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


@dataclass(frozen=True)
class Wave:
    """One Gaussian: centre after the R peak [ms], standard deviation [ms], amplitude [mV] (times the lead's weight)."""

    centre: float
    width: float
    amplitude: float
    leads: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Beat:
    """Waves and bounds [ms after the R peak]; a wave kind without bounds is absent."""

    waves: tuple[Wave, ...]
    p: tuple[float, float, float] | None = (-200.0, -160.0, -120.0)
    qrs: tuple[float, float, float] = (-40.0, 0.0, 48.0)
    t: tuple[float, float, float] | None = (160.0, 250.0, 340.0)


P_WAVE = Wave(-160, 12, 0.15)
Q_WAVE = Wave(-24, 5, -0.12)
R_WAVE = Wave(0, 7, 1.2)
S_WAVE = Wave(26, 6, -0.30)
T_WAVE = Wave(250, 25, 0.35)
NORMAL = Beat((P_WAVE, Q_WAVE, R_WAVE, S_WAVE, T_WAVE))
WIDE = Beat((Wave(10, 30, -1.5), Wave(300, 45, 0.5)), p=None, qrs=(-70.0, 10.0, 90.0), t=(170.0, 300.0, 430.0))


def record(beats: list[tuple[float, Beat]], *, seconds: float = 10.0, fs: float = 500.0,
           leads: tuple[str, ...] = STANDARD, weights: dict[str, float] | None = None, noise_mv: float = 0.0,
           blocked_p: tuple[float, ...] = (), seed: int = 0, sex: str | None = None, calibrated: bool = True,
           ) -> tuple[Record, Delineation]:
    """A record with a beat at each R peak [s], and its true delineation (the same bounds in every lead)."""
    n = round(seconds * fs)
    t = np.arange(n) / fs * 1000.0
    rng = np.random.default_rng(seed)
    x = rng.normal(0.0, noise_mv, (len(leads), n)) if noise_mv else np.zeros((len(leads), n))
    marks: list[tuple[str, float | None, float | None, float | None]] = []
    placed = [(at * 1000.0, beat) for at, beat in beats]
    placed += [(at * 1000.0 + 160.0, Beat((P_WAVE,), qrs=(np.nan, 0, 0), t=None)) for at in blocked_p]
    for r, beat in sorted(placed, key=lambda pair: pair[0]):
        for wave in beat.waves:
            shape = wave.amplitude * np.exp(-0.5 * ((t - r - wave.centre) / wave.width) ** 2)
            for k, lead in enumerate(leads):
                x[k] += shape * wave.leads.get(lead, (weights or {}).get(lead, 1.0))
        for kind, bounds in (("P", beat.p), ("QRS", beat.qrs), ("T", beat.t)):
            if bounds is not None and bounds[0] == bounds[0]:
                onset, peak, offset = ((r + b) * fs / 1000.0 for b in bounds)
                if onset >= 0 and offset < n:
                    marks.append((kind, onset, peak, offset))
    made = Record(x.astype(np.float32), fs, leads, patient=Patient(sex=sex),  # type: ignore[arg-type]
                  provenance=Provenance(calibrated=calibrated))
    return made, from_lead_waves(dict.fromkeys(leads, marks), leads=leads, fs=fs, n_samples=n)


def regular(rr: float = 0.8, *, first: float = 0.5, seconds: float = 10.0, beat: Beat = NORMAL,
            ) -> list[tuple[float, Beat]]:
    """Beats at equal distance [s]."""
    return [(float(at), beat) for at in np.arange(first, seconds - 0.5, rr)]
