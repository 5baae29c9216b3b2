"""Where the lines of an almost flat grid lie: the phase of all their harmonics together, place by place.

Lines every 5 mm with finer ones or dots every 1 mm have harmonics k of 1/5 mm. The image is multiplied by the carrier
of each harmonic and smoothed, which gives its local amplitude and phase; a shift of e mm turns harmonic k by
2 pi k e / 5. The shift is the least-squares one over all harmonics, each weighted by its own strength over the noise
beside it, so it does not matter whether the grid has lines, dots, both, or only one of the two distances.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Shifts", "shifts"]

Array = NDArray[np.float64]
PERIOD: Final = 5.0
"""Distance of the bold lines [mm]."""
_HARMONICS: Final = (1, 2, 3, 4, 5, 6, 7)
_BETWEEN: Final = (0.5, 1.5, 3.5, 5.5, 7.5)
"""Where noise is read [harmonics]."""
EVERY: Final = 2
"""Distance of the places where shifts are read [mm]."""
BOLD: Final = 3.0
"""Strength of all harmonics but the fifth from which bold lines are trusted to show slips of a millimetre."""
_BLUR: Final = 2.5
"""Width of the smoothing, one standard deviation [mm]."""


@dataclass(frozen=True, slots=True)
class Shifts:
    """How far the lines of one family are from whole millimetres, every 2 mm from 0.5 mm on."""

    shift: Array
    """What must be added to a position to give its coordinate on the grid [mm], `[row, column]`."""
    weight: Array
    """1 / variance of the shift [1 / mm^2], 0 where no lines are seen."""
    strength: Array
    """Mean strength of each harmonic over its noise `[harmonic]`: 5 is that of the 1 mm lines."""


def shifts(image: NDArray[np.float32], *, per_mm: int, first: bool) -> Shifts:
    """Shifts of near-vertical lines of a flattened contrast image whose first column lies at a multiple of 5 mm.

    Args:
        image: `[height, width]`, whole millimetres in both; zero where the photograph shows nothing.
        per_mm: samples per millimetre.
        first: nothing is known yet of the common shift, and places may be off by a millimetre or two.
    """
    rows = image.shape[0] // per_mm
    strips = image.reshape(rows, per_mm, -1).mean(axis=1)
    values = np.stack([_harmonic(strips, k, per_mm) for k in _HARMONICS])
    between = [float(np.median(np.abs(_harmonic(strips, k, per_mm)) ** 2)) for k in _BETWEEN]
    noise = np.interp(_HARMONICS, _BETWEEN, between) + 1e-4 * float(np.mean(np.abs(values) ** 2)) + 1e-12
    shift = _coarse(values, noise) if first else np.zeros(values.shape[1:], dtype=np.float32)
    k = np.array(_HARMONICS, dtype=np.float32)[:, None, None]
    for _ in range(3 if first else 2):
        turn = np.exp(-2j * np.pi / PERIOD * shift.astype(np.float32)).astype(np.complex64)
        turned = values * np.cumprod(np.broadcast_to(turn, values.shape), axis=0)
        template = turned.mean(axis=(1, 2))
        match = turned * (np.conj(template) / noise)[:, None, None]
        precision = (k ** 2 * match.real).sum(axis=0)
        floor = 0.02 * float(np.abs(precision).mean()) + 1e-9
        step = PERIOD / (2 * np.pi) * (k * match.imag).sum(axis=0) / np.maximum(precision, floor)
        shift = shift + np.clip(step, -0.3, 0.3)
    seen = precision > 0.2 * np.median(precision)
    weight = 2 * (2 * np.pi / PERIOD) ** 2 * np.where(seen, np.maximum(precision, 0.0), 0.0)
    return Shifts(shift.astype(np.float64), weight.astype(np.float64), np.abs(template) ** 2 / noise)


def _coarse(values: NDArray[np.complex64], noise: Array) -> Array:
    """The common shift that puts the bold lines at multiples of 5 mm, and where places are off it by whole millimetres.

    A millimetre more or less only shows in the bold lines, so all harmonics but the fifth are asked.
    """
    k = np.array(_HARMONICS, dtype=np.float64)
    mean = values.mean(axis=(1, 2))
    tried = np.arange(0.0, PERIOD, 0.05)
    match = (mean / np.sqrt(noise) * np.exp(-2j * np.pi * k * tried[:, None] / PERIOD)).real.sum(axis=1)
    shift = np.full(values.shape[1:], tried[np.argmax(match)])
    bold = k != 5
    template = np.where(bold, mean, 0.0) / noise
    if (np.abs(mean) ** 2 / noise)[bold].sum() < BOLD:
        return shift
    slips = (0.0, -1.0, 1.0, -2.0, 2.0)
    fits = np.stack([
        _wide(np.tensordot(np.conj(template * np.exp(2j * np.pi * k * slip / PERIOD)), values, axes=1).real)
        for slip in slips
    ])
    best = fits.argmax(axis=0)
    surely = fits.max(axis=0) > np.maximum(fits[0], 0.0) + 0.4 * float(np.quantile(fits[0], 0.8))
    out: Array = shift + np.where(surely, np.array(slips)[best], 0.0)
    return out


def _wide(field: Array) -> Array:
    """Smoothed over a further 5 mm."""
    import cv2

    out: Array = cv2.GaussianBlur(field.astype(np.float32), (0, 0), 5.0 / EVERY, borderType=cv2.BORDER_CONSTANT)
    return out


def _harmonic(strips: NDArray[np.float32], k: float, per_mm: int) -> NDArray[np.complex64]:
    """Amplitude of the carrier of k / 5 mm along x, every 2 mm."""
    import cv2

    rows, width = strips.shape
    carrier = np.exp(-2j * np.pi * k / PERIOD * (np.arange(width) / per_mm)).astype(np.complex64)
    cells = (strips * carrier).reshape(rows, -1, per_mm).mean(axis=2)
    planes = np.ascontiguousarray(cells).view(np.float32).reshape(rows, -1, 2)
    smooth = cv2.GaussianBlur(planes, (0, 0), _BLUR, borderType=cv2.BORDER_CONSTANT)
    out: NDArray[np.complex64] = np.ascontiguousarray(smooth[::EVERY, ::EVERY]).view(np.complex64)[..., 0]
    return out
