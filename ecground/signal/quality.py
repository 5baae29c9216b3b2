"""How good each lead is, why, and where it is bad.

Contract: `assess(record)` needs the raw samples alone (mV `[lead, sample]`, NaN = not seen, any rate, any length); a
`Delineation` narrows the muscle-noise estimate to the rest between T and P. Levels are physical (mV), so that a reader
can check them; `sqi` in 0..1 condenses them. Nothing raises on noise; an unseen lead has sqi 0 and says so.

Kinds of disturbance: AHA/ACCF/HRS 2007 part I (baseline, muscle, mains, electrode contact). The levels at which a
penalty begins and ends were set on recordings whose noise cardiologists had noted in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.record import Record
from ecground.signal.beats import Delineation
from ecground.signal.filters import baseline, finite_stretches, mains_frequency, remove_mains

__all__ = ["KINDS", "LeadQuality", "Quality", "Stretch", "assess"]

KINDS: Final[Mapping[str, str]] = {
    "missing": "not seen",
    "flat": "flat line",
    "saturated": "saturated",
    "wander": "baseline wander",
    "step": "electrode motion",
    "muscle": "muscle noise",
    "burst": "burst of noise",
    "mains": "mains hum",
    "amplitude": "implausible amplitude",
    "digitized": "uncertain reading of the picture",
}
"""Kind of disturbance -> words for a person."""

_WINDOW: Final = 0.5
_PIECE: Final = 300.0
_RAMPS: Final[Mapping[str, tuple[float, float, float]]] = {
    "wander": (0.4, 3.0, 0.5), "step": (0.5, 3.0, 0.5), "muscle": (0.006, 0.4, 1.0), "mains": (0.02, 0.4, 0.5),
    "burst": (0.03, 0.3, 0.5),
}
"""Kind -> level [mV] where its penalty begins and where it is full, and the full penalty."""
_USABLE: Final = 0.3
_SEEN_SECONDS: Final = 1.5
_EINTHOVEN_MV: Final = 0.05


@dataclass(frozen=True, slots=True)
class Stretch:
    """A bad part of one lead."""

    start: int
    """First sample."""
    stop: int
    """One past the last sample."""
    kind: str
    """Key of `KINDS`."""


@dataclass(frozen=True, slots=True)
class LeadQuality:
    """One lead's quality."""

    sqi: float
    """0 (nothing to read) to 1 (clean)."""
    usable: bool
    """Whether waves may be measured in this lead at all."""
    reasons: tuple[str, ...]
    """Kinds of disturbance above their threshold, worst first; keys of `KINDS`."""
    seen: float
    """Share of the samples that are not NaN."""
    flat: float
    """Share of the seen time that is a flat line."""
    clipped: float
    """Share of the seen samples held at the lead's largest or smallest value."""
    wander_mv: float
    """Range of the baseline below 0.5 Hz (2.5 to 97.5 %) [mV]."""
    step_mv: float
    """Largest jump of the level between neighbouring half seconds [mV]."""
    muscle_mv: float
    """Rms above 20 Hz between the QRS complexes, mains removed [mV]."""
    burst_mv: float
    """The same in the noisiest half second, less its median [mV]."""
    mains_mv: float
    """Amplitude of the mains hum [mV]; 0 when none was found."""
    amplitude_mv: float
    """Typical peak-to-peak of two seconds without baseline [mV]."""
    bad: tuple[Stretch, ...]
    """Stretches to leave out."""

    @property
    def lead_off(self) -> bool:
        """Flat or saturated for most of the time: the electrode was not in contact."""
        return self.flat >= 0.8 or self.clipped >= 0.5


@dataclass(frozen=True, slots=True)
class Quality:
    """Quality of all leads and of the record."""

    leads: Mapping[str, LeadQuality]
    sqi: float
    """Median sqi of the leads that were seen."""
    mains_hz: float | None
    """Mains frequency found [Hz]."""
    einthoven_mv: float | None
    """Largest rms by which the limb leads miss Einthoven's and Goldberger's relations [mV]; None when not testable."""
    notes: tuple[str, ...]
    """Faults of the record as a whole, in words."""

    @property
    def usable(self) -> tuple[str, ...]:
        """Leads that may be measured."""
        return tuple(name for name, lead in self.leads.items() if lead.usable)

    @property
    def summary(self) -> str:
        """One or two sentences for a person."""
        return _summary(self)


@dataclass(frozen=True, slots=True)
class _Windows:
    """Per lead and half second."""

    seen: NDArray[np.float64]
    level: NDArray[np.float64]
    spread: NDArray[np.float64]
    swing: NDArray[np.float64]
    fast: NDArray[np.float64]
    slow_low: NDArray[np.float64]
    slow_high: NDArray[np.float64]
    rest: NDArray[np.float64]
    hum: NDArray[np.float64]


def assess(record: Record, delineation: Delineation | None = None) -> Quality:
    """The quality of every lead of `record`; linear in its length."""
    mains = mains_frequency(record)
    size = max(1, round(_WINDOW * record.fs))
    step = max(1, int(_PIECE / _WINDOW)) * size
    rest = _rest_mask(delineation, record) if delineation is not None else None
    parts = [_measure(record.signal[:, at : at + step], record.fs, size, mains,
                      None if rest is None else rest[at : at + step])
             for at in range(0, max(1, record.n_samples), step)]
    joined = _Windows(*(np.concatenate([getattr(part, name) for part in parts], axis=1)
                        for name in _Windows.__slots__))
    clipped = _clipped(record)
    leads = {name: _judge(record, row, joined, clipped[row], size) for row, name in enumerate(record.leads)}
    seen = [lead.sqi for lead in leads.values() if lead.seen > 0.0]
    einthoven = _einthoven(record)
    return Quality(leads, float(np.median(seen)) if seen else 0.0, mains, einthoven, _notes(record, leads, einthoven))


def _measure(
    signal: NDArray[np.float32], fs: float, size: int, mains: float | None, rest: NDArray[np.bool_] | None,
) -> _Windows:
    """Window features of one piece."""
    seen = np.isfinite(signal)
    whole = _filled(signal, seen)
    hum = np.zeros_like(whole)
    if mains is not None:
        quiet = remove_mains(whole, fs=fs, frequency=mains)
        hum, whole = whole - quiet, quiet
    slow = baseline(whole, fs=fs)
    fast = np.abs(_above_20_hz(whole, fs))
    count = max(1, -(-signal.shape[1] // size))

    def cut(x: NDArray[np.float32]) -> NDArray[np.float32]:
        short = count * size - x.shape[1]
        if short:
            # The last window is filled by repeating the end of the piece backwards.
            x = np.pad(x, ((0, 0), (0, short)), mode="symmetric") if x.shape[1] else np.zeros((len(x), size), x.dtype)
        return x.reshape(len(x), count, size)

    share = cut(seen.astype(np.float32)).mean(axis=2)
    absent = share < 0.5
    raw, low, high = cut(whole), cut(slow), cut(fast)
    flat = raw - low
    resting = np.full(share.shape, np.nan)
    if rest is not None and rest.any():
        sigma = 1.4826 * np.median(fast[:, rest], axis=1)
        resting[:] = sigma[:, None]
    features = (
        np.median(raw, axis=2), np.ptp(raw, axis=2), np.ptp(flat, axis=2), 1.4826 * np.median(high, axis=2),
        low.min(axis=2), low.max(axis=2), resting, np.sqrt(2.0 * (cut(hum) ** 2).mean(axis=2)),
    )
    return _Windows(share.astype(np.float64), *(np.where(absent, np.nan, f).astype(np.float64) for f in features))


def _filled(signal: NDArray[np.float32], seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Gaps bridged by straight lines, unseen leads zero."""
    if seen.all():
        return signal
    out = signal.copy()
    at = np.arange(signal.shape[1])
    for row in np.flatnonzero(~seen.all(axis=1)):
        out[row] = np.interp(at, at[seen[row]], signal[row, seen[row]]) if seen[row].any() else 0.0
    return out


def _above_20_hz(x: NDArray[np.float32], fs: float) -> NDArray[np.float64]:
    from scipy.signal import butter, sosfiltfilt

    if fs <= 50.0 or x.shape[1] < 8:
        return np.zeros(x.shape)
    design = butter(2, 20.0, "highpass", fs=fs, output="sos")
    return np.asarray(sosfiltfilt(design, x, axis=1, padlen=min(x.shape[1] - 1, int(0.1 * fs) + 3)))


def _rest_mask(delineation: Delineation, record: Record) -> NDArray[np.bool_] | None:
    """Samples between the end of T and the next P (or 200 ms before QRS); None when they sum to under 0.3 s."""
    t_off, p_on, qrs_on = (delineation.joint_mark(name) for name in ("t_off", "p_on", "qrs_on"))
    mask = np.zeros(record.n_samples, dtype=bool)
    following = np.where(np.isfinite(p_on), p_on, qrs_on - 0.2 * record.fs)
    for end, begin in zip(t_off[:-1], following[1:], strict=True):
        if np.isfinite(end) and np.isfinite(begin) and begin > end:
            mask[max(0, int(end)) : int(begin)] = True
    return mask if mask.sum() >= 0.3 * record.fs else None


def _clipped(record: Record) -> list[list[tuple[int, int]]]:
    """Per lead: runs of at least 12 ms (4 samples) at its own extreme, when that is 1 mV or more from its median."""
    shortest = max(4, round(0.012 * record.fs))
    out: list[list[tuple[int, int]]] = []
    for row in record.signal:
        runs: list[tuple[int, int]] = []
        seen = row[np.isfinite(row)]
        for extreme in (seen.min(), seen.max()) if seen.size else ():
            # The median is costly and seldom needed: first see whether the extreme is held at all.
            held = [run for run in finite_stretches(row == extreme) if run[1] - run[0] >= shortest]
            if held and abs(float(extreme) - float(np.median(seen))) >= 1.0:
                runs += held
        out.append(sorted(runs))
    return out


def _judge(
    record: Record, row: int, windows: _Windows, clipped: list[tuple[int, int]], size: int,
) -> LeadQuality:
    here = windows.seen[row] >= 0.5
    seen = float(np.isfinite(record.signal[row]).mean()) if record.n_samples else 0.0
    if not here.any() or seen * record.seconds < 0.1:
        nan = float("nan")
        return LeadQuality(0.0, False, ("missing",), seen, 0.0, 0.0, nan, nan, nan, nan, nan, nan, ())
    fast, spread = windows.fast[row], windows.spread[row]
    flat = np.asarray(here & (spread < 0.01))
    flat_runs = [run for run in finite_stretches(flat) if run[1] - run[0] >= 2.0 / _WINDOW or flat[here].all()]
    amplitude = _amplitude(windows.swing[row])
    levels = {
        "wander": _range(windows.slow_low[row], windows.slow_high[row]),
        "step": _step(windows.level[row]),
        "muscle": _muscle(fast, windows.rest[row]),
        "mains": float(np.nanmedian(windows.hum[row])),
        "burst": float(np.nanmax(fast) - np.nanmedian(fast)),
    }
    excess = np.nan_to_num(fast) - float(np.nanmedian(fast))
    bursts = excess > max(_RAMPS["burst"][0], 2.0 * float(np.nanmedian(fast)))
    flat_share = sum(stop - start for start, stop in flat_runs) / here.sum()
    clip_share = sum(stop - start for start, stop in clipped) / max(1.0, seen * record.n_samples)
    penalties = {kind: _penalty(kind, level) for kind, level in levels.items()}
    penalties["flat"] = float(min(1.0, 1.25 * flat_share))
    penalties["saturated"] = float(min(1.0, 4.0 * clip_share))
    penalties["amplitude"] = 0.0 if flat_share >= 0.8 or 0.03 <= amplitude <= 15.0 else 0.8
    penalties["digitized"] = 1.0 - record.provenance.confidence.get(record.leads[row], 1.0)
    penalties["missing"] = 0.0 if seen * record.seconds >= _SEEN_SECONDS else 0.9
    sqi = float(np.prod([1.0 - p for p in penalties.values()]))
    worst = sorted((kind for kind, p in penalties.items() if p > 0.1), key=lambda kind: -penalties[kind])
    bad = [Stretch(a * size, min(b * size, record.n_samples), "flat") for a, b in flat_runs]
    bad += [Stretch(a * size, min(b * size, record.n_samples), "burst") for a, b in finite_stretches(bursts)]
    bad += [Stretch(a, b, "saturated") for a, b in clipped]
    if levels["step"] >= _RAMPS["step"][0]:
        bad += _step_stretches(windows.level[row], size, record.n_samples)
    return LeadQuality(
        sqi, sqi >= _USABLE, tuple(worst), seen, float(flat_share), float(clip_share), levels["wander"],
        levels["step"], levels["muscle"], levels["burst"], levels["mains"], amplitude,
        tuple(sorted(bad, key=lambda stretch: stretch.start)),
    )


def _penalty(kind: str, level: float) -> float:
    """0 below the first level of the kind's ramp, rising with the logarithm to its full value at the second."""
    begin, end, full = _RAMPS[kind]
    if not level > begin:
        return 0.0
    return float(full * min(1.0, np.log(level / begin) / np.log(end / begin)))


def _muscle(fast: NDArray[np.float64], rest: NDArray[np.float64]) -> float:
    """From the rest between T and P where it is known, else the median of the windows."""
    known = rest[np.isfinite(rest)]
    return float(np.median(known)) if known.size else float(np.nanmedian(fast))


def _amplitude(swing: NDArray[np.float64]) -> float:
    """Median over two-second blocks of the largest swing."""
    known = swing[np.isfinite(swing)]
    blocks = [known[i : i + 4].max() for i in range(0, max(1, known.size - 3), 4)]
    return float(np.median(blocks))


def _range(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    return float(np.nanpercentile(high, 97.5) - np.nanpercentile(low, 2.5))


def _step(level: NDArray[np.float64]) -> float:
    jumps = np.abs(np.diff(level))
    jumps = jumps[np.isfinite(jumps)]
    return float(jumps.max()) if jumps.size else 0.0


def _step_stretches(level: NDArray[np.float64], size: int, n: int) -> list[Stretch]:
    jumps = np.abs(np.nan_to_num(np.diff(level)))
    far = jumps >= max(_RAMPS["step"][0], 5.0 * float(np.median(jumps)))
    return [Stretch(a * size, min((b + 1) * size, n), "step") for a, b in finite_stretches(far)]


def _einthoven(record: Record) -> float | None:
    """Largest rms of III-(II-I), aVR+(I+II)/2, aVL-(I-II/2), aVF-(II-I/2) over the leads that were recorded."""
    have = {name: record.lead(name) for name in ("I", "II", "III", "aVR", "aVL", "aVF") if name in record.leads}
    if "I" not in have or "II" not in have or len(have) < 3:
        return None
    one, two = have["I"].astype(np.float64), have["II"].astype(np.float64)
    expected = {"III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}
    misses = []
    for name, value in expected.items():
        if name in have:
            miss = have[name] - value
            miss = miss[np.isfinite(miss)]
            if miss.size:
                misses.append(float(miss.std()))  # a constant offset of one lead is no contradiction
    return max(misses) if misses else None


def _notes(record: Record, leads: Mapping[str, LeadQuality], einthoven: float | None) -> tuple[str, ...]:
    notes = []
    if not record.provenance.calibrated:
        notes.append("the amplitude scale is unknown")
    if einthoven is not None and einthoven > _EINTHOVEN_MV:
        size = np.nanmax([leads[name].amplitude_mv for name in ("I", "II")])
        if einthoven > 0.05 * size:
            notes.append(f"the limb leads contradict Einthoven's law by {einthoven:.2f} mV: lead order, gain or timing")
    large = [name for name, lead in leads.items() if lead.amplitude_mv > 15.0]
    if large and len(large) > len(leads) / 2:
        notes.append("the amplitudes are far too large for millivolt: the unit or gain of the file is wrong")
    small = [name for name, lead in leads.items() if lead.amplitude_mv < 0.03]
    if small and len(small) == len(leads):
        notes.append("the amplitudes are far too small for millivolt, or no lead holds a signal")
    return tuple(notes)


def _summary(quality: Quality) -> str:
    unusable = [name for name, lead in quality.leads.items() if not lead.usable]
    total = len(quality.leads)
    if len(unusable) == total:
        words = "No lead is good enough to be measured"
    elif unusable:
        words = f"{total - len(unusable)} of {total} leads can be measured, not {', '.join(unusable)}"
    else:
        words = "The only lead can be measured" if total == 1 else f"All {total} leads can be measured"
    troubles = []
    for kind, phrase in KINDS.items():
        names = [name for name, lead in quality.leads.items() if kind in lead.reasons]
        if names:
            troubles.append(phrase + _level(quality, kind, names) + _where(names, total))
    text = words + (": " + "; ".join(troubles) if troubles else "") + "."
    return text + "".join(f" {note[0].upper()}{note[1:]}." for note in quality.notes)


def _level(quality: Quality, kind: str, names: list[str]) -> str:
    """Largest level of this kind, with the mains frequency where it is one."""
    if kind not in _RAMPS:
        return ""
    largest = max(getattr(quality.leads[name], f"{kind}_mv") for name in names)
    rate = f"{quality.mains_hz:.1f} Hz, " if kind == "mains" and quality.mains_hz else ""
    return f" ({rate}up to {largest:.2f} mV)"


def _where(names: list[str], total: int) -> str:
    return " in all leads" if len(names) == total and total > 1 else " in " + ", ".join(names)
