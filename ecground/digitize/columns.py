"""Do the columns of a page follow one another, or do they show the same seconds? And which lead is an unnamed strip?

Beats decide. Every lead of one heart has its QRS complexes at the same times: columns that show the same seconds have
the same train of complexes, and a strip over the whole width runs through the seconds of every column. The train of a
strip is its steepness, smoothed over 40 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["likeness", "same_seconds", "train"]

Floats = NDArray[np.float64]

_SMOOTH_S: Final = 0.04
_SURE: Final = 0.15
"""Difference of the correlations from which one arrangement is taken as seen."""
_ALIKE: Final = 0.6
"""Correlation of the trains of two columns that show the same beats."""


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


def same_seconds(columns: Sequence[Floats], rhythm: Floats | None) -> bool | None:
    """Whether all columns show the first seconds; None when the beats do not tell.

    Args:
        columns: the train of each column on its own clock `[sample]`, which starts at 0 where the column starts.
        rhythm: the train of a strip over the whole width, where there is one.
    """
    if len(columns) < 2:
        return False
    if rhythm is not None:
        return _by_rhythm(columns, rhythm)
    first, others = columns[0], columns[1:]
    size = min(len(first), *(len(other) for other in others))
    alike = np.array([likeness(first[:size], other[:size]) for other in others])
    if not np.isfinite(alike).any():
        return None
    return bool(np.nanmin(alike) > _ALIKE)


def _by_rhythm(columns: Sequence[Floats], rhythm: Floats) -> bool | None:
    following, same = [], []
    start = len(columns[0])
    for column in columns[1:]:
        later, first = rhythm[start:start + len(column)], rhythm[:len(column)]
        following.append(likeness(column[:len(later)], later))
        same.append(likeness(column[:len(first)], first))
        start += len(column)
    if not (np.isfinite(following).any() and np.isfinite(same).any()):
        return None
    gain = np.array(same) - np.array(following)
    if np.nanmean(gain) > 2 * _SURE and np.nanmin(gain) > 0:
        return True
    return False if np.nanmean(gain) < -_SURE else None
