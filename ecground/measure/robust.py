"""Median and interquartile range that ignore NaN, fast enough for every beat of every lead."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["nan_iqr", "nan_median"]


def nan_median(values: NDArray[np.floating], axis: int = -1) -> NDArray[np.floating]:
    """Median along one axis, NaN ignored, NaN where nothing is left; many times faster than `numpy.nanmedian`."""
    if values.shape[axis] == 0:
        return np.full(np.delete(values.shape, axis), np.nan, dtype=values.dtype)
    ordered = np.sort(values, axis=axis)
    count = np.isfinite(values).sum(axis=axis, keepdims=True)
    low = np.maximum(count - 1, 0) // 2
    high = np.minimum(count // 2, values.shape[axis] - 1)
    middle = (np.take_along_axis(ordered, low, axis) + np.take_along_axis(ordered, high, axis)) * 0.5
    return np.asarray(middle.squeeze(axis), dtype=values.dtype)


def nan_iqr(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Interquartile range along the last axis (linear interpolation), NaN ignored; NaN under two values."""
    if values.shape[-1] < 2:
        return np.full(values.shape[:-1], np.nan, dtype=values.dtype)
    ordered = np.sort(values, axis=-1)
    count = np.isfinite(values).sum(axis=-1, keepdims=True)
    ends = []
    for share in (0.25, 0.75):
        position = share * np.maximum(count - 1, 0)
        low = np.floor(position).astype(np.intp)
        high = np.minimum(low + 1, np.maximum(count - 1, 0))
        part = (position - low).astype(values.dtype)
        ends.append(np.take_along_axis(ordered, low, -1) * (1 - part) + np.take_along_axis(ordered, high, -1) * part)
    spread = (ends[1] - ends[0])[..., 0]
    return np.asarray(np.where(count[..., 0] >= 2, spread, np.nan), dtype=values.dtype)
