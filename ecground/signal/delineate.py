"""P, QRS and T of every beat, in each lead and jointly, by one pass of a small network over all leads.

The network (trained by `train/delineate.py`, run by onnxruntime on one core) gives for every 4 ms the probability of
each wave in each lead and over all leads. This file prepares its input, turns probabilities into waves with bounds
interpolated between samples, finds the peaks inside them, and hands them to `assemble`.

Contract: any sampling rate, 1 to 15 leads, NaN gaps, 2 s to days (in windows, memory bounded by the result). A wave
that is not there is ABSENT, a lead that cannot be judged at that beat UNMEASURABLE; noise never raises.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.record import Record
from ecground.signal.assemble import Events, Waves, assemble
from ecground.signal.beats import ABSENT, MARKS, QRS, WAVES, Delineation, P, T

__all__ = ["NETWORK", "delineate", "normalise", "prepare", "windows"]

NETWORK: Final = "delineation"
FS: Final = 250.0
"""Sampling rate of the network [Hz]."""
STEP: Final = 32
"""The network halves its input five times."""
WINDOW: Final = 4096
"""Longest stretch seen at once [samples at FS]."""
MARGIN: Final = 512
"""Samples at each end of a window that only give context."""
SHORTEST: Final = (0.032, 0.024, 0.032)
"""Shorter pieces of P, QRS and T are dropped [s]."""
JOINT_THRESHOLD: Final = 0.5
P_ODDS: Final = 1.25
"""Weight of P against the other classes: balances misses and inventions on training patients held out for it."""
BLOCK: Final = 125
"""Stretch over which a lead is judged as seen or flat [samples at FS]."""
COARSE: Final = 8
"""Samples at FS for which one largest probability is kept."""
P_WINDOW: Final = (-0.32, -0.05)
"""Where the P wave of a beat would lie, from QRS onset [s]."""
T_WINDOW: Final = (0.06, 0.40)
"""Where the T wave would lie, from QRS offset [s]."""
FLAT_MV: Final = 0.005
"""A lead whose peak-to-peak stays below this cannot be judged [mV]."""

Floats = NDArray[np.float64]
Array = NDArray[np.float32]


def delineate(record: Record) -> Delineation:
    """The Delineation of a record, positions in samples at the record's own fs."""
    from ecground.weights import card, session

    network = session(NETWORK)
    signal = prepare(record)
    judgeable = _judgeable(signal)
    signal = np.where(np.repeat(judgeable, BLOCK, axis=1)[:, : signal.shape[1]], signal, np.nan)
    parts: list[tuple[Waves, Events]] = []
    likely = np.zeros((3, -(-signal.shape[1] // COARSE)), np.float32)
    for start, stop, core in windows(signal.shape[1]):
        piece = signal[:, start:stop]
        seen = np.isfinite(piece)
        if not seen.any():
            continue
        feed = {"signal": normalise(piece, seen)[None], "seen": seen.astype(np.float32)[None]}
        lead_p, joint_p = network.run(None, {k: _padded(v) for k, v in feed.items()})
        length = stop - start
        _note_likely(likely, joint_p[0, :, :length], core, start)
        waves = _waves(lead_p[0, :, :, :length] * seen[:, None], piece, core)
        parts.append((_shifted_waves(waves, start), _events(joint_p[0, :, :length], core, start)))
    waves, events = _joined(parts)
    scale = record.fs / FS
    waves = Waves(waves.lead, waves.wave, waves.marks * scale, waves.confidence)
    events = Events(events.wave, events.onset * scale, events.offset * scale, events.confidence)
    built = assemble(waves, events, leads=record.leads, fs=record.fs, n_samples=record.n_samples, seen=judgeable,
                     method=card(NETWORK)["id"])
    return replace(built, joint_confidence=_confidence(built, likely, scale))


def _note_likely(likely: Array, joint: Array, core: tuple[int, int], start: int) -> None:
    """Keep the largest joint probability `[wave, t]` of each coarse step of the core."""
    at = (np.arange(core[0], core[1]) + start) // COARSE
    for wave in (P, QRS, T):
        np.maximum.at(likely[wave], at, joint[wave, core[0] : core[1]])


def _confidence(d: Delineation, likely: Array, scale: float) -> Array:
    """`[row, wave]`: of a wave that is there, how sure it is; of one that is not, how sure it is that it is not."""
    confidence = d.joint_confidence.copy()
    for wave, mark, (begin, end) in ((P, "qrs_on", P_WINDOW), (T, "qrs_off", T_WINDOW)):
        anchor = d.joint_mark(mark) / scale
        rows = np.flatnonzero((d.joint_state[:, wave] == ABSENT) & np.isfinite(anchor))
        steps = np.arange(round(begin * FS / COARSE), round(end * FS / COARSE) + 1)
        at = np.clip((anchor[rows] / COARSE).astype(np.intp)[:, None] + steps, 0, likely.shape[1] - 1)
        confidence[rows, wave] = 1 - likely[wave][at].max(axis=1, initial=0.0)
    return confidence


def prepare(record: Record) -> Array:
    """The record's signal `[lead, t]` at 250 Hz without the wander below 0.5 Hz, NaN where not seen."""
    from ecground.signal.filters import remove_baseline
    from ecground.signal.resample import resample

    return remove_baseline(resample(record.signal, fs=record.fs, to=FS), fs=FS)


def normalise(x: Array, seen: NDArray[np.bool_]) -> Array:
    """Each lead centred on its median and divided by the 98th percentile of its magnitude, over what is seen."""
    out = np.zeros(x.shape, np.float32)
    for row in range(len(x)):
        values = x[row, seen[row]]
        if values.size:
            centred = values - np.median(values)
            scale = max(float(np.percentile(np.abs(centred), 98)), 1e-6)
            out[row, seen[row]] = np.clip(centred / scale, -20, 20)
    return out


def windows(n: int) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """Start, stop and core (relative to start) of windows that cover n samples; cores meet without overlap."""
    if n <= WINDOW + 2 * MARGIN:
        yield 0, n, (0, n)
        return
    for first in range(0, n, WINDOW):
        last = min(first + WINDOW, n)
        start, stop = max(first - MARGIN, 0), min(last + MARGIN, n)
        yield start, stop, (first - start, last - start)


def _padded(x: Array) -> Array:
    return np.pad(x, ((0, 0), (0, 0), (0, -x.shape[2] % STEP)))


def _waves(probability: Array, signal: Array, core: tuple[int, int]) -> Waves:
    """Waves of all leads from class probabilities `[lead, 4, t]`; those whose middle lies in the core."""
    probability = probability * np.array([1.0, P_ODDS, 1.0, 1.0], np.float32)[:, None]
    best = probability.argmax(axis=1)  # (lead, t); an unseen sample has probability 0 throughout, so class none
    found: list[tuple[NDArray[np.intp], int, Floats, Floats, Floats]] = []
    for wave in (P, QRS, T):
        lead, first, last = _runs(best == wave + 1, round(SHORTEST[wave] * FS))
        middle = (first + last) / 2
        keep = (middle >= core[0]) & (middle < core[1])
        lead, first, last = lead[keep], first[keep], last[keep]
        mine = probability[:, wave + 1]
        others = np.delete(probability, wave + 1, axis=1).max(axis=1)
        lead_margin = mine - others
        # A bound is the first or last sample of the wave, and a sharp one crosses half a sample outside it.
        onset = first + 0.5 - _crossing(lead_margin, lead, first, -1)
        offset = last - 0.5 + _crossing(lead_margin, lead, last, +1)
        total = np.concatenate([np.zeros((len(mine), 1)), np.cumsum(mine, axis=1, dtype=np.float64)], axis=1)
        confidence = np.minimum((total[lead, last + 1] - total[lead, first]) / (last + 1 - first), 1.0)
        found.append((lead, wave, onset, offset, confidence))
    lead = np.concatenate([f[0] for f in found])
    wave_of = np.concatenate([np.full(len(f[0]), f[1], np.intp) for f in found])
    marks = np.concatenate([_peaks(signal, lead_, wave, onset, offset) for lead_, wave, onset, offset, _ in found])
    return Waves(lead, wave_of, marks, np.concatenate([f[4] for f in found]))


def _runs(mask: NDArray[np.bool_], shortest: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Row, first and last sample of each run of True in `[row, t]` of at least `shortest` samples."""
    edge = np.diff(mask.astype(np.int8), axis=1, prepend=0, append=0)
    row, first = np.nonzero(edge == 1)
    last = np.nonzero(edge == -1)[1] - 1
    keep = last - first + 1 >= shortest
    return row[keep], first[keep], last[keep]


def _crossing(margin: Array, row: NDArray[np.intp], at: NDArray[np.intp], step: int) -> Floats:
    """How far beyond sample `at` the margin crosses zero [samples, 0..1], by linear interpolation."""
    beyond = np.clip(at + step, 0, margin.shape[1] - 1)
    inside, outside = margin[row, at].astype(np.float64), margin[row, beyond].astype(np.float64)
    fall = inside - outside
    return np.where(fall > 1e-9, np.clip(inside / np.maximum(fall, 1e-9), 0, 1), 0.0)


def _events(probability: Array, core: tuple[int, int], start: int) -> Events:
    """Joint events from probabilities `[3, t]` over all leads."""
    wave, first, last = _runs(probability > JOINT_THRESHOLD, round(min(SHORTEST) * FS))
    middle = (first + last) / 2
    keep = (middle >= core[0]) & (middle < core[1])
    wave, first, last = wave[keep], first[keep], last[keep]
    peak = np.array([probability[w, a : b + 1].max() for w, a, b in zip(wave, first, last, strict=True)], np.float64)
    order = np.argsort(first, kind="stable")
    return Events(wave[order], (first[order] + start).astype(np.float64), (last[order] + start).astype(np.float64),
                  peak[order])


def _shifted_waves(waves: Waves, start: int) -> Waves:
    return Waves(waves.lead, waves.wave, waves.marks + start, waves.confidence)


def _joined(parts: list[tuple[Waves, Events]]) -> tuple[Waves, Events]:
    """All windows' waves and events in one table each; events stay in time order."""
    if not parts:
        none, nowhere = np.zeros(0, np.intp), np.zeros(0)
        return Waves(none, none, np.zeros((0, len(MARKS))), nowhere), Events(none, nowhere, nowhere, nowhere)
    waves, events = [p[0] for p in parts], [p[1] for p in parts]
    onset = np.concatenate([e.onset for e in events])
    order = np.argsort(onset, kind="stable")
    return (
        Waves(*(np.concatenate([getattr(w, name) for w in waves]) for name in ("lead", "wave", "marks", "confidence"))),
        Events(*(np.concatenate([getattr(e, name) for e in events])[order]
                 for name in ("wave", "onset", "offset", "confidence"))),
    )


def _judgeable(signal: Array) -> NDArray[np.bool_]:
    """`[lead, stretch]` in half-second stretches: mostly seen, and not flat over the two seconds around."""
    n = max(-(-signal.shape[1] // BLOCK), 1)
    padded = np.pad(signal, ((0, 0), (0, n * BLOCK - signal.shape[1])), constant_values=np.nan)
    padded = padded.reshape(len(signal), n, BLOCK)
    seen = np.isfinite(padded).mean(axis=2) > 0.5
    top = np.where(np.isfinite(padded), padded, -np.inf).max(axis=2)
    bottom = np.where(np.isfinite(padded), padded, np.inf).min(axis=2)
    around = range(-2, 3)
    top = np.max([np.roll(top, k, axis=1) for k in around], axis=0)
    bottom = np.min([np.roll(bottom, k, axis=1) for k in around], axis=0)
    return np.asarray(seen & (top - bottom > FLAT_MV))


def _peaks(signal: Array, lead: NDArray[np.intp], wave: int, onset: Floats, offset: Floats) -> Floats:
    """`[wave, mark]`: bounds and the peaks between them, in samples at FS."""
    marks = np.full((len(lead), len(MARKS)), np.nan)
    if not len(lead):
        return marks
    first, last = np.rint(onset).astype(np.intp), np.rint(offset).astype(np.intp)
    width = int((last - first).max()) + 1
    step = np.arange(width)
    inside = step <= (last - first)[:, None]
    index = np.minimum(first[:, None] + step, signal.shape[1] - 1)
    window = np.nan_to_num(signal[lead[:, None], index]).astype(np.float64)
    marks[:, MARKS.index(f"{WAVES[wave]}_on")], marks[:, MARKS.index(f"{WAVES[wave]}_off")] = onset, offset
    found = _qrs_peaks(window, inside) if wave == QRS else _phases(window, inside, last - first, WAVES[wave])
    for name, at in found.items():
        marks[:, MARKS.index(name)] = np.where(at >= 0, first + at, np.nan)
    return marks


def _phases(
    window: Floats, inside: NDArray[np.bool_], length: NDArray[np.intp], prefix: str,
) -> dict[str, NDArray[np.intp]]:
    """Largest departure from the line onset-offset, and the opposite phase where it has a third of that size."""
    rows = np.arange(len(window))
    start, end = window[:, 0], window[rows, length]
    chord = start[:, None] + (end - start)[:, None] * np.arange(window.shape[1]) / np.maximum(length, 1)[:, None]
    departure = np.where(inside, window - chord, 0.0)
    high, low = departure.argmax(axis=1), departure.argmin(axis=1)
    top, bottom = departure[rows, high], -departure[rows, low]
    upright = top >= bottom
    main, second = np.where(upright, high, low), np.where(upright, low, high)
    biphasic = np.minimum(top, bottom) >= np.maximum(top, bottom) / 3
    return {f"{prefix}_peak": main, f"{prefix}_peak2": np.where(biphasic, second, -1)}


def _qrs_peaks(window: Floats, inside: NDArray[np.bool_]) -> dict[str, NDArray[np.intp]]:
    """Q, R, S, R' and S' by their order: R is the first positive deflection, the nadir of a QS counts as R and S.

    A deflection counts from 5 % of the complex's peak-to-peak.
    """
    level = window[:, :1]
    d = np.where(inside, window - level, 0.0)
    smallest = 0.05 * (d.max(axis=1) - d.min(axis=1))[:, None]
    at = np.arange(d.shape[1])
    end = np.full(len(d), d.shape[1])

    def deflection(sign: int, after: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Peak (-1 = none) and end of the first deflection of this sign that starts at or after `after`."""
        later = at >= after[:, None]
        big = later & (sign * d > smallest)
        begin = np.where(big.any(axis=1), big.argmax(axis=1), end)
        back = (at >= begin[:, None]) & ((sign * d <= 0) | ~inside)
        stop = np.where(back.any(axis=1), back.argmax(axis=1), end)
        body = np.where((at >= begin[:, None]) & (at < stop[:, None]), sign * d, -np.inf)
        return np.where(begin < end, body.argmax(axis=1), -1), stop

    none = np.full(len(d), -1)
    r, r_end = deflection(+1, np.zeros(len(d), np.intp))
    has_r = r >= 0
    before = np.where((at < r[:, None]) & (d < -smallest), d, np.inf)
    q = np.where(has_r & np.isfinite(before).any(axis=1), before.argmin(axis=1), none)
    s, s_end = deflection(-1, np.where(has_r, r_end, 0))
    r2, r2_end = deflection(+1, np.where(s >= 0, s_end, end))
    r2 = np.where(has_r, r2, none)
    s2, _ = deflection(-1, np.where(r2 >= 0, r2_end, end))
    nadir = d.argmin(axis=1)
    return {
        "q": q, "r_peak": np.where(has_r, r, nadir), "s": np.where(has_r, s, nadir), "r2": r2,
        "s2": np.where(has_r, s2, none),
    }
