"""Atrial activity: what is left when the ventricular beats are subtracted, and how alike the P waves are.

Contract: `atrial_values()` gives `flutter_index`, `f_wave_uv`, `p_consistency` and, when the rest is regular at a
flutter rate, `atrial_rate_bpm`. QRST cancellation is average beat subtraction (Slocum 1992, J Electrocardiol 25:1) with
the size, shift and width of each beat fitted in each lead; at most 12 stretches of 10 s, evenly spread, are analysed.

`flutter_index` = share of the power between 3 and 20 Hz that lies at one atrial rate of 200-360/min and its second and
third harmonic, times how far the residual repeats itself at that period (autocorrelation), in the best lead of II, III,
aVF, V1. `f_wave_uv` = rms of the residual between 4 and 9 Hz (Petrutiu 2007, Europace 9:466), largest of those leads.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.measure.rhythm.beat_classes import BeatClasses
from ecground.measure.robust import nan_median
from ecground.measure.table import Value, measured, unmeasurable
from ecground.record import Record
from ecground.signal.beats import MARKS, Delineation

__all__ = ["atrial_values", "cancel_qrst", "flutter_of", "p_consistency"]

_RATE_HZ: Final = 100.0
_STRETCH_S: Final = 10.0
_MOST_STRETCHES: Final = 12
_LEADS: Final[tuple[str, ...]] = ("II", "III", "aVF", "V1")
_FLUTTER_HZ: Final = (200.0 / 60.0, 360.0 / 60.0)
_F_WAVE_HZ: Final = (4.0, 9.0)
_P_WINDOW_S: Final = (0.28, 0.04)
"""P waves are sought between these times before QRS onset."""

Floats = NDArray[np.float64]


def atrial_values(record: Record, delineation: Delineation, classes: BeatClasses) -> dict[str, Value]:
    """Flutter index, f-wave size and P consistency of the record."""
    out = {"p_consistency": _consistency_value(record, delineation, classes)}
    leads = [lead for lead in _LEADS if lead in record.leads] or list(record.leads[:2])
    rows = [record.leads.index(lead) for lead in leads]
    found = []
    for first, last in _stretches(record):
        rest, ok = cancel_qrst(record.signal[rows, first:last], record.fs, delineation.joint_marks - first)
        if ok:
            found.append((flutter_of(rest), _band_rms_uv(rest), (first, last)))
    if not found:
        why = "too few beats or samples for QRST cancellation"
        return out | {name: unmeasurable(name, why) for name in ("flutter_index", "f_wave_uv")}
    strength = np.stack([flutter[0] for flutter, _, _ in found])  # (stretch, lead)
    rate = np.stack([flutter[1] for flutter, _, _ in found])
    waves = np.stack([rms for _, rms, _ in found])
    middle = np.median(strength, axis=0)
    best, largest = int(middle.argmax()), int(np.median(waves, axis=0).argmax())
    typical = int(np.abs(strength[:, best] - middle[best]).argmin())
    span = found[typical][2]
    per_minute = float(rate[typical, best] * 60.0)
    out["flutter_index"] = measured("flutter_index", float(middle[best]), leads=(leads[best],), span=span, n=len(found),
                                    why=f"{per_minute:.0f}/min")
    if record.provenance.calibrated:
        out["f_wave_uv"] = measured("f_wave_uv", float(np.median(waves[:, largest])), leads=(leads[largest],),
                                    span=span, n=len(found))
    else:
        out["f_wave_uv"] = unmeasurable("f_wave_uv", "amplitude scale of the file is unknown")
    return out


def cancel_qrst(x: NDArray[np.float32], fs: float, joint_marks: Floats) -> tuple[Floats, bool]:
    """Subtract the average QRST from `x` `[lead, sample]` mV; result at 100 Hz `[lead, t]`, and whether it was done.

    `joint_marks` `[row, mark]` are positions in `x`. Needs 4 s and four beats. Beats unlike the
    average (correlation under 0.8) are replaced by a straight line instead of being subtracted badly.
    """
    if x.shape[1] < 4.0 * fs:
        return np.zeros((x.shape[0], 0)), False
    y = _to_100_hz(x, fs)
    r = joint_marks[:, MARKS.index("r_peak")] / fs * _RATE_HZ
    on = joint_marks[:, MARKS.index("qrs_on")] / fs * _RATE_HZ
    inside = np.isfinite(r) & np.isfinite(on) & (r >= 0) & (r < y.shape[1])
    r = np.rint(r[inside]).astype(np.int64)
    if len(r) < 4:
        return y, False
    before = 8
    after = int(np.clip(0.75 * np.median(np.diff(r)), 20, 50))
    steps = np.arange(-before, after)
    index = r[:, None] + steps
    whole = (index >= 0) & (index < y.shape[1])
    beats = y[:, np.clip(index, 0, y.shape[1] - 1)]  # (lead, beat, t)
    beats = np.where(whole, beats, np.nan)
    beats = beats - nan_median(beats, axis=2)[..., None]
    average = nan_median(beats, axis=1)
    average = np.nan_to_num(average - average.mean(axis=1, keepdims=True))
    clean = np.nan_to_num(beats)
    clean = clean - clean.mean(axis=2, keepdims=True)
    fitted = _fit(clean, average)
    likeness = np.einsum("lbt,lbt->lb", clean, fitted) / np.maximum(
        np.linalg.norm(clean, axis=2) * np.linalg.norm(fitted, axis=2), 1e-12)
    taper = np.minimum(1.0, np.minimum(np.arange(1, len(steps) + 1), np.arange(len(steps), 0, -1)) / 4.0)
    rest = y.copy()
    for beat in range(len(r)):  # beats may overlap, so one after the other; at most a few dozen a stretch
        at = index[beat][whole[beat]]
        piece = (fitted[:, beat] * taper)[:, whole[beat]]
        rest[:, at] -= np.where((likeness[:, beat] >= 0.8)[:, None], piece, 0.0)
        odd = np.flatnonzero(likeness[:, beat] < 0.8)
        if len(odd) and len(at):
            line = np.linspace(0.0, 1.0, len(at))
            rest[np.ix_(odd, at)] = rest[odd, at[0], None] * (1 - line) + rest[odd, at[-1], None] * line
    return rest, True


def _fit(beats: Floats, average: Floats) -> Floats:
    """Each beat `[lead, beat, t]` as its average plus first and second derivative of it: size, shift and width fitted.

    The derivatives take up the fraction of a sample by which a beat lies beside the average.
    """
    slope = np.gradient(average, axis=1)
    parts = np.stack([average, slope, np.gradient(slope, axis=1)], axis=1)  # (lead, 3, t)
    gram = np.einsum("lit,ljt->lij", parts, parts) + 1e-9 * np.eye(3)
    weights = np.linalg.solve(gram[:, None], np.einsum("lbt,lit->lbi", beats, parts)[..., None])[..., 0]
    weights[..., 0] = np.clip(weights[..., 0], 0.5, 1.5)
    return np.asarray(np.einsum("lbi,lit->lbt", weights, parts))


def flutter_of(rest: Floats) -> tuple[Floats, Floats]:
    """Flutter index 0..1 and rate [Hz] of each lead of a residual `[lead, t]` at 100 Hz."""
    spectrum, hz = _spectrum(rest)
    band = (hz >= 3.0) & (hz <= 20.0)
    total = np.maximum(spectrum[:, band].sum(axis=1), 1e-12)
    near = (hz >= _FLUTTER_HZ[0]) & (hz <= _FLUTTER_HZ[1])
    peak = hz[near][spectrum[:, near].argmax(axis=1)]
    share = np.zeros(len(rest))
    for harmonic in (1, 2, 3):
        lines = np.abs(hz[None] - harmonic * peak[:, None]) <= 0.25
        share += np.where(lines & band, spectrum, 0.0).sum(axis=1)
    repeat = _autocorrelation(rest, _RATE_HZ / peak)
    return np.clip(share / total, 0.0, 1.0) * np.clip(repeat, 0.0, 1.0), peak


def p_consistency(windows: Floats) -> float:
    """Median correlation of P windows `[lead, beat, t]` with their median over beats; 0..1, NaN under three beats."""
    if windows.shape[1] < 3:
        return float("nan")
    x = windows - windows.mean(axis=2, keepdims=True)
    template = np.median(x, axis=1)
    a = x.transpose(1, 0, 2).reshape(x.shape[1], -1)
    b = template.reshape(-1)
    norm = np.linalg.norm(a, axis=1) * max(float(np.linalg.norm(b)), 1e-9)
    return float(np.clip(np.median(a @ b / np.maximum(norm, 1e-9)), 0.0, 1.0))


def _consistency_value(record: Record, delineation: Delineation, classes: BeatClasses) -> Value:
    rows = np.flatnonzero(classes.dominant)
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), 256)).astype(np.intp)] if len(rows) else rows
    onset = delineation.joint_marks[rows, MARKS.index("qrs_on")]
    onset = onset[np.isfinite(onset)]
    steps = np.arange(-round(_P_WINDOW_S[0] * record.fs), -round(_P_WINDOW_S[1] * record.fs),
                      max(1, round(record.fs / 125.0)))
    index = np.rint(onset).astype(np.int64)[:, None] + steps
    whole = ((index >= 0) & (index < record.n_samples)).all(axis=1)
    leads = [k for k, lead in enumerate(record.leads) if lead in ("I", "II", "V1")] or [0]
    windows = record.signal[leads][:, index[whole]].astype(np.float64) if len(onset) else np.zeros((1, 0, 1))
    seen = np.isfinite(windows).all(axis=(0, 2))
    value = p_consistency(windows[:, seen])
    return measured("p_consistency", value, leads=tuple(record.leads[k] for k in leads), n=int(seen.sum()),
                    why="" if value == value else "needs three beats")


def _stretches(record: Record) -> list[tuple[int, int]]:
    """Up to 12 stretches of 10 s, evenly spread over the record."""
    length = min(record.n_samples, round(_STRETCH_S * record.fs))
    count = max(1, min(_MOST_STRETCHES, record.n_samples // max(length, 1)))
    starts = np.linspace(0, record.n_samples - length, count).astype(np.int64)
    return [(int(start), int(start) + length) for start in starts]


def _to_100_hz(x: NDArray[np.float32], fs: float) -> Floats:
    """Block means around a 100 Hz grid, gaps filled with a straight line, drift of 1 s taken off."""
    width = max(1, round(fs / _RATE_HZ))
    filled = np.asarray(x, dtype=np.float64)
    for row in filled:
        seen = np.isfinite(row)
        if not seen.all():
            row[:] = np.interp(np.arange(len(row)), np.flatnonzero(seen), row[seen]) if seen.any() else 0.0
    total = np.cumsum(np.pad(filled, ((0, 0), (1, 0))), axis=1)
    centre = np.arange(0, x.shape[1], fs / _RATE_HZ)
    low = np.clip(np.rint(centre - width / 2).astype(np.int64), 0, x.shape[1] - 1)
    high = np.minimum(low + width, x.shape[1])
    y = (total[:, high] - total[:, low]) / np.maximum(high - low, 1)
    drift = np.cumsum(np.pad(y, ((0, 0), (51, 50)), mode="edge"), axis=1)
    return np.asarray(y - (drift[:, 100:100 + y.shape[1]] - drift[:, :y.shape[1]]) / 100.0)


def _spectrum(rest: Floats) -> tuple[Floats, Floats]:
    taper = np.hanning(rest.shape[1])
    size = 2048
    power = np.abs(np.fft.rfft((rest - rest.mean(axis=1, keepdims=True)) * taper, n=max(size, rest.shape[1]))) ** 2
    hz = np.fft.rfftfreq(max(size, rest.shape[1]), 1.0 / _RATE_HZ)
    return np.asarray(power, dtype=np.float64), np.asarray(hz, dtype=np.float64)


def _band_rms_uv(rest: Floats) -> Floats:
    """Rms of 4 to 9 Hz in microvolt, by Parseval over the tapered spectrum."""
    spectrum, hz = _spectrum(rest)
    size = (spectrum.shape[1] - 1) * 2
    band = (hz >= _F_WAVE_HZ[0]) & (hz <= _F_WAVE_HZ[1])
    taper = float(np.sum(np.hanning(rest.shape[1]) ** 2))
    return np.asarray(1000.0 * np.sqrt(2.0 * spectrum[:, band].sum(axis=1) / (size * taper)))


def _autocorrelation(rest: Floats, period: Floats) -> Floats:
    """Correlation of each lead with itself one period later (the better of the two whole lags around it)."""
    out = np.zeros(len(rest))
    for k, (row, lag) in enumerate(zip(rest, period, strict=True)):
        for shift in (int(lag), int(lag) + 1):
            a, b = row[:-shift] - row[:-shift].mean(), row[shift:] - row[shift:].mean()
            norm = float(np.linalg.norm(a) * np.linalg.norm(b))
            out[k] = max(out[k], float(a @ b) / norm if norm > 1e-9 else 0.0)
    return out
