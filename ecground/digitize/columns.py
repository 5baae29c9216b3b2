"""Do the columns of a page follow one another, or do they show the same seconds? And which lead is an unnamed strip?

Beats decide. Every lead of one heart has its QRS complexes at the same times, to within a few milliseconds once the
lead's own delay is taken off. In a regular rhythm two columns may fall in step by chance, but their beats then still
differ by the rhythm's own unevenness. The train of a strip is its steepness, smoothed over 40 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["likeness", "same_seconds", "train"]

Floats = NDArray[np.float64]

_SMOOTH_S: Final = 0.04
_PEAK, _REFRACTORY_S = 0.4, 0.25
_NEAR_S: Final = 0.05
"""Largest delay of a QRS complex between leads."""
_JITTER_S: Final = 0.004
"""How far a beat's delay may be from the median delay: two columns read from paper at 25 mm/s differ by less."""
_STEP: Final = 0.75
"""Share of beats in step from which two trains are of the same seconds."""


def train(signal: Floats, fs: float) -> Floats:
    """Steepness of a signal `[sample]`, smoothed, NaN where it is NaN."""
    from scipy.ndimage import gaussian_filter1d

    seen = np.isfinite(signal)
    if not seen.any():
        return np.full(signal.shape, np.nan)
    at = np.arange(signal.size)
    filled = np.interp(at, at[seen], signal[seen])
    steep = np.sqrt(gaussian_filter1d(np.gradient(filled) ** 2, _SMOOTH_S * fs))
    top = float(np.quantile(steep[seen], 0.98))
    return np.where(seen, steep / max(top, 1e-9), np.nan)


def likeness(a: Floats, b: Floats) -> float:
    """Correlation over the samples both have; NaN below half a second in common or without variation."""
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 100:
        return float("nan")
    x, y = a[both] - a[both].mean(), b[both] - b[both].mean()
    scale = float(np.sqrt((x**2).sum() * (y**2).sum()))
    return float((x * y).sum()) / scale if scale > 0 else float("nan")


def same_seconds(columns: Sequence[Floats], rhythm: Floats | None, fs: float) -> bool | None:
    """Whether all columns show the first seconds; None when the beats do not tell.

    Args:
        columns: the train of each column on its own clock `[sample]`, which starts at 0 where the column starts.
        rhythm: the train of a strip over the whole width, where there is one.
        fs: sampling rate of the trains [Hz].
    """
    if len(columns) < 2:
        return False
    beats = [_beats(column, fs) for column in columns]
    if rhythm is None:
        together = np.array([_in_step(beats[0], other) for other in beats[1:]])
        known = together[np.isfinite(together)]
        return bool(known.mean() > _STEP) if known.size else None
    wide = _beats(rhythm, fs)
    starts = np.cumsum([0, *(len(column) for column in columns)]) / fs
    together = np.array([_in_step(own, wide[wide < starts[1]]) for own in beats[1:]])
    following = np.array([_in_step(own + start, wide[(wide >= start) & (wide < stop)])
                          for own, start, stop in zip(beats[1:], starts[1:], starts[2:], strict=False)])
    known = np.isfinite(together) & np.isfinite(following)
    if not known.any():
        return None
    if following[known].mean() >= together[known].mean():
        return False
    return True if together[known].mean() > _STEP and following[known].mean() < _STEP else None


def _beats(steep: Floats, fs: float) -> Floats:
    """Times of the QRS complexes in a train [s], between samples by a parabola."""
    from scipy.ndimage import maximum_filter1d

    filled = np.nan_to_num(steep)
    least = _PEAK * float(np.quantile(filled, 0.98))
    top = maximum_filter1d(filled, 2 * int(_REFRACTORY_S * fs) + 1)
    at = np.flatnonzero((filled == top) & (filled > least))
    at = at[(at > 0) & (at < filled.size - 1)]
    left, here, right = filled[at - 1], filled[at], filled[at + 1]
    bend = left - 2 * here + right
    return np.asarray((at + np.where(bend < 0, 0.5 * (left - right) / np.minimum(bend, -1e-9), 0.0)) / fs, np.float64)


def _in_step(one: Floats, other: Floats) -> float:
    """Share of the beats of two trains that fall together, the median delay taken off; NaN with fewer than two."""
    if min(one.size, other.size) < 2:
        return float("nan")
    delay = one[:, None] - other[None, :]
    nearest = delay[np.arange(one.size), np.abs(delay).argmin(axis=1)]
    near = nearest[np.abs(nearest) < _NEAR_S]
    if near.size < 2:
        return 0.0
    return float((np.abs(near - np.median(near)) < _JITTER_S).sum() / max(one.size, other.size))
