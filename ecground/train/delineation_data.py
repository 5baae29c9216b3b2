"""Training examples for the delineation network: real marks, edited into rhythms that the marks do not hold.

An `Example` has a 250 Hz signal `[lead, t]` and a class per lead and sample: 0 none, 1 P, 2 QRS, 3 T, -1 not known
(outside the first and last annotated wave of a lead, or a class that a weak label leaves open).
The edits keep the truth exact: cutting or stretching the time between T and P (tachycardia, bradycardia), taking a
QRS-T away (blocked P), taking a P away (junctional rhythm), and noise that leaves the marks alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from ecground.signal.delineate import normalise

__all__ = ["FS", "Example", "augment", "batch", "noise", "rasterise"]

FS = 250.0
"""Sampling rate of the network [Hz]."""

Array = NDArray[np.float32]
Classes = NDArray[np.int8]
Mask = NDArray[np.bool_]
Span = tuple[int, int]
"""First and last sample."""
View = tuple[Array, Classes, Mask]
"""Signal, classes and what is seen, each `[lead, t]`."""


@dataclass(frozen=True, slots=True)
class Example:
    """One record with its classes."""

    signal: Array
    """float32 `[lead, t]`, any unit; NaN = not seen."""
    classes: Classes
    """`[lead, t]`: -1 unknown, 0 none, 1 P, 2 QRS, 3 T."""


def rasterise(
    waves: dict[str, list[tuple[str, float, float]]], leads: tuple[str, ...], *, fs: float, n: int,
) -> Classes:
    """Marks -> classes `[lead, n]` at FS; waves = lead -> (P|QRS|T, onset, offset) in samples at `fs`."""
    code = {"P": 1, "QRS": 2, "T": 3}
    classes = np.full((len(leads), n), -1, np.int8)
    for row, lead in enumerate(leads):
        marks = waves.get(lead, [])
        if not marks:
            continue
        scale = FS / fs
        first = round(min(m[1] for m in marks) * scale)
        last = round(max(m[2] for m in marks) * scale)
        classes[row, max(first, 0) : last + 1] = 0
        for name, onset, offset in marks:
            classes[row, max(round(onset * scale), 0) : round(offset * scale) + 1] = code[name]
    return classes


def augment(example: Example, rng: np.random.Generator, *, length: int) -> tuple[Array, Array, Classes]:
    """One random training view: (signal, seen, classes), each `[lead, length]`, normalised as at run time."""
    x, y = np.nan_to_num(example.signal, nan=0.0), example.classes
    seen = np.isfinite(example.signal)
    if rng.random() < 0.5:
        x, y, seen = _edit_rhythm(x, y, seen, rng)
    x, y, seen = _stretch(x, y, seen, rng)
    x, y, seen = _crop(x, y, seen, rng, length)
    if rng.random() < 0.3:
        x = sosfiltfilt(butter(2, rng.uniform(25, 60), fs=FS, output="sos"), x, axis=-1).astype(np.float32)
    x = x * np.where(rng.random((len(x), 1)) < 0.15, -1, 1).astype(np.float32)
    if rng.random() < 0.65:
        x = x + noise(x, rng)
    seen = seen & _page_or_gaps(seen.shape, rng)
    return normalise(x, seen), seen.astype(np.float32), y


def noise(x: Array, rng: np.random.Generator) -> Array:
    """Additive noise `[lead, t]`: pink, mains, muscle, wander and electrode steps, each lead at its own SNR."""
    leads, n = x.shape
    power = x.std(axis=1, keepdims=True) + 1e-6
    total = np.zeros_like(x)
    base = rng.uniform(-4, 26)
    t = np.arange(n) / FS
    if rng.random() < 0.7:
        total += _coloured(leads, n, rng, exponent=rng.uniform(0.0, 1.2)) * power * _db(base, leads, rng)
    if rng.random() < 0.5:
        hum = np.sin(2 * np.pi * rng.choice([50.0, 60.0]) * t + rng.uniform(0, 2 * np.pi, (leads, 1)))
        total += (hum * np.sqrt(2) * power * _db(base, leads, rng)).astype(np.float32)
    if rng.random() < 0.3:
        burst = np.zeros(n)
        start = rng.integers(0, n)
        burst[start : start + int(rng.uniform(0.3, 4) * FS)] = 1
        total += _coloured(leads, n, rng, exponent=-0.3) * burst * power * _db(base - 3, leads, rng)
    if rng.random() < 0.4:
        wander = np.sin(2 * np.pi * rng.uniform(0.05, 0.6) * t + rng.uniform(0, 2 * np.pi, (leads, 1)))
        total += (wander * power * rng.uniform(0, 2, (leads, 1))).astype(np.float32)
    if rng.random() < 0.15:
        begin = int(rng.integers(0, n))
        decay = np.where(np.arange(n) > begin, np.exp(-(np.arange(n) - begin).clip(0) / (0.5 * FS)), 0)
        height = rng.normal(0, 2, (leads, 1)) * (rng.random((leads, 1)) < 0.3)
        total += (height * decay * power).astype(np.float32)
    return total.astype(np.float32)


def _db(base: float, leads: int, rng: np.random.Generator) -> Array:
    snr = base + rng.normal(0, 4, (leads, 1))
    return np.power(10.0, -snr / 20).astype(np.float32)


def _coloured(leads: int, n: int, rng: np.random.Generator, *, exponent: float) -> Array:
    """Noise of unit variance with the power spectrum 1/f^exponent: 0 white, 1 pink, negative for muscle."""
    spectrum = np.fft.rfft(rng.standard_normal((leads, n)).astype(np.float32), axis=1)
    f = np.maximum(np.fft.rfftfreq(n, 1 / FS), 0.5)
    shaped = np.fft.irfft(spectrum * f ** (-exponent / 2), n, axis=1)
    return np.asarray(shaped / shaped.std(axis=1, keepdims=True), dtype=np.float32)


def _stretch(x: Array, y: Classes, seen: Mask, rng: np.random.Generator) -> View:
    factor = rng.uniform(0.75, 1.3)
    n = max(int(x.shape[1] * factor), 64)
    at = np.linspace(0, x.shape[1] - 1, n)
    low = np.minimum(at.astype(int), x.shape[1] - 2)
    part = (at - low).astype(np.float32)
    near = np.rint(at).astype(int)
    return x[:, low] * (1 - part) + x[:, low + 1] * part, y[:, near], seen[:, near]


def _crop(x: Array, y: Classes, seen: Mask, rng: np.random.Generator, length: int) -> View:
    n = x.shape[1]
    if n >= length:
        start = int(rng.integers(0, n - length + 1))
        cut = slice(start, start + length)
        return x[:, cut], y[:, cut], seen[:, cut]
    left = int(rng.integers(0, length - n + 1))
    pad = ((0, 0), (left, length - n - left))
    return np.pad(x, pad), np.pad(y, pad, constant_values=-1), np.pad(seen, pad)


def _page_or_gaps(shape: tuple[int, int], rng: np.random.Generator) -> Mask:
    """What is seen: mostly everything, at times a subset of leads, a 3x4 page, or gaps."""
    leads, n = shape
    seen = np.ones(shape, bool)
    kind = rng.random()
    if kind < 0.15:  # few leads
        keep = rng.choice(leads, size=int(rng.integers(1, leads + 1)), replace=False)
        seen[:] = False
        seen[keep] = True
    elif kind < 0.25 and leads == 12:  # a page: a quarter of the time for each column of three
        quarter = n // 4
        for row in range(12):
            column = row // 3
            seen[row] = False
            seen[row, column * quarter : (column + 1) * quarter] = True
        if rng.random() < 0.7:
            seen[rng.choice([1, 6, 10])] = True
    elif kind < 0.35:
        for _ in range(int(rng.integers(1, 4))):
            start = int(rng.integers(0, n))
            rows = rng.random(leads) < rng.choice([0.3, 1.0])
            seen[rows, start : start + int(rng.uniform(0.1, 2) * FS)] = False
    return seen


def _edit_rhythm(x: Array, y: Classes, seen: Mask, rng: np.random.Generator) -> View:
    """Edit one kind of thing in the whole record, with exact truth; see the module docstring."""
    spans = _joint_spans(y)
    if not spans:
        return x, y, seen
    x, y = x.copy(), y.copy()
    kind = rng.choice(["fast", "slow", "blocked", "no_p"], p=[0.35, 0.15, 0.25, 0.25])
    if kind == "blocked":
        for (_, p_off), (qrs_on, _), t in _complexes(spans):
            if rng.random() < 0.3 and t is not None:
                _erase(x, y, max(p_off + 1, qrs_on - 3), t[1] + 4)
        return x, y, seen
    if kind == "no_p":
        for p, (qrs_on, _), _ in _complexes(spans):
            if p[1] < qrs_on:
                _erase(x, y, p[0] - 3, min(p[1] + 3, qrs_on - 1))
        return x, y, seen
    return _retime(x, y, seen, spans, rng, shorter=kind == "fast")


def _joint_spans(y: Classes) -> list[tuple[int, int, int]]:
    """Class, first and last sample of each wave over all leads, in time order; needs marks in most leads."""
    spans: list[tuple[int, int, int]] = []
    for code in (1, 2, 3):
        hit = (y == code).any(0).astype(np.int8)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], hit, [0]])))
        spans += [(code, int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return sorted(spans, key=lambda s: s[1])


def _complexes(spans: list[tuple[int, int, int]]) -> list[tuple[Span, Span, Span | None]]:
    """P, QRS and T that follow one another."""
    found = []
    for i in range(len(spans) - 1):
        if spans[i][0] == 1 and spans[i + 1][0] == 2:
            t = spans[i + 2][1:] if i + 2 < len(spans) and spans[i + 2][0] == 3 else None
            found.append((spans[i][1:], spans[i + 1][1:], t))
    return found


def _erase(x: Array, y: Classes, start: int, stop: int) -> None:
    """Replace a stretch by a straight line between its ends (plus nothing: noise comes later)."""
    start, stop = max(start, 1), min(stop, x.shape[1] - 2)
    if stop <= start:
        return
    line = np.linspace(0, 1, stop - start + 1, dtype=np.float32)
    a, b = x[:, start - 1 : start], x[:, stop + 1 : stop + 2]
    x[:, start : stop + 1] = a + (b - a) * line
    part = y[:, start : stop + 1]
    part[part > 0] = 0


def _retime(
    x: Array, y: Classes, seen: Mask, spans: list[tuple[int, int, int]], rng: np.random.Generator, *, shorter: bool,
) -> View:
    """Shorten or lengthen the quiet time between T (or QRS) and the next P or QRS."""
    pieces: list[NDArray[np.intp]] = []
    cursor = 0
    share = rng.uniform(0.3, 1.0)
    for (_, _, end), (code, start, _) in pairwise(spans):
        if code not in (1, 2) or start - end < 12:
            continue
        quiet = start - end - 4
        if code == 2 and quiet < 30:  # a PR segment, not diastole
            continue
        factor = 1 - share * rng.uniform(0.6, 1.0) if shorter else 1 + share * rng.uniform(0, 0.8)
        target = int(quiet * factor)
        pieces.append(np.arange(cursor, end + 2))
        pieces.append(np.rint(np.linspace(end + 2, start - 3, max(target, 1))).astype(np.intp))
        cursor = start - 2
    pieces.append(np.arange(cursor, x.shape[1]))
    index = np.concatenate(pieces)
    return x[:, index], y[:, index], seen[:, index]


def batch(
    examples: list[Example], rng: np.random.Generator, *, length: int,
) -> tuple[Array, Array, Classes]:
    """Stack augmented views: signal, seen, classes `[b, 12, length]`."""
    views = [augment(e, rng, length=length) for e in examples]
    signal, seen, classes = (np.stack(part) for part in zip(*views, strict=True))
    return signal, seen, classes
