"""How many millimetres the lines of a grid are apart: 1 or 5, told from the spectrum of the flattened image.

Fine lines with every fifth bold have peaks at multiples of 1/5 of their frequency; lines every 5 mm with finer lines or
dots between have a fifth harmonic that stands out among its neighbours. A uniform grid shows neither: then the number
of lines decides, since a page is 50 to 450 mm wide, and the answer is marked as not certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Spacing", "spacing"]

Array = NDArray[np.float64]
_BOLD: Final = 0.65
"""Mean rise [log10 power] at 1/5 to 4/5 of the frequency from which lines are taken for those between bold ones."""
_FINE: Final = 0.3
"""Rise of the fifth harmonic over its neighbours [log10 power] from which it is taken for millimetre lines."""
_HALF: Final = 1.0
"""Rise at 1/2 or 1/3 of the frequency that shows every other or third line to be the real one."""
_ASPECT: Final = 1.33
"""Most that the scales of the two axes of a page differ by (exports that were stretched)."""


@dataclass(frozen=True, slots=True)
class Spacing:
    """Millimetres between the lines followed."""

    mm: tuple[float, float]
    """Distance of neighbouring lines of the two families (upright, level) [mm]."""
    fine: bool
    """Lines or dots every millimetre are seen."""
    certain: bool
    """The pattern of lines itself tells 1 mm from 5 mm."""


def spacing(image: NDArray[np.float32], periods: tuple[float, float]) -> Spacing | None:
    """Spacing of the lines of a flattened contrast image; None when the axes do not fit one grid.

    Args:
        image: lines of both families upright and level, zero where nothing is shown.
        periods: distance of neighbouring lines along x and y [samples].
    """
    axes = [_axis(image if axis == 0 else image.T, period) for axis, period in enumerate(periods)]
    fits: list[tuple[float, tuple[float, float]]] = []
    for mm in ((1.0, 1.0), (1.0, 5.0), (5.0, 1.0), (5.0, 5.0)):
        scales = [period * axis.parts / one for one, period, axis in zip(mm, periods, axes, strict=True)]
        if max(scales) <= _ASPECT * min(scales):
            fits.append((axes[0].score(mm[0]) + axes[1].score(mm[1]), mm))
    if not fits:
        return None
    _, mm = max(fits)
    told = [axis.bold > 0 if one == 1.0 else axis.fine > 0 for axis, one in zip(axes, mm, strict=True)]
    fine = any(one == 1.0 or axis.fine > 0 for axis, one in zip(axes, mm, strict=True))
    return Spacing((mm[0] / axes[0].parts, mm[1] / axes[1].parts), fine, any(told))


@dataclass(frozen=True, slots=True)
class _Axis:
    """What the spectrum along one axis says."""

    parts: int
    """Lines followed per real line: 2 or 3 when an overtone was followed."""
    bold: float
    """Above 0: every fifth line is bold."""
    fine: float
    """Above 0: there are five finer lines to each."""
    lines: float
    """Number of lines in the image."""

    def score(self, mm: float) -> float:
        """Evidence for a distance of 1 or 5 mm."""
        if mm == 1.0:
            return float(np.clip(self.bold, -0.6, 1.0)) + (0.3 if self.lines > 80 else -0.3)
        usual = 0.3 if 10 <= self.lines <= 80 else -1.0 if self.lines > 100 else 0.0
        return float(np.clip(self.fine, -0.6, 1.0)) + usual


def _axis(image: NDArray[np.float32], period: float) -> _Axis:
    """Bold and fine lines along x."""
    strip = 16
    count = max(image.shape[0] // strip, 1)
    strips = image[:count * strip].reshape(count, -1, image.shape[1]).mean(axis=1)
    power = (np.abs(np.fft.rfft(strips * np.hanning(strips.shape[1]), axis=1)) ** 2).mean(axis=0)
    bins = image.shape[1] / period
    parts = next((n for n in (2, 3) if _rise(power, bins / n) > _HALF), 1)
    bins /= parts
    bold = np.array([_rise(power, bins * n / 5) for n in (1, 2, 3, 4)])
    fourth, fifth, sixth = (_rise(power, bins * n) for n in (4, 5, 6))
    rise = fifth - np.fmax(fourth, sixth)
    return _Axis(
        parts, float(np.nanmean(bold) - _BOLD) if np.isfinite(bold).any() else 0.0,
        float(rise - _FINE) if np.isfinite(rise) else -0.3, bins,
    )


def _rise(power: Array, at: float) -> float:
    """Logarithm of the highest power at a frequency [bins] over the median around; NaN at the ends of the spectrum."""
    n = round(at)
    if n < 6 or n + 3 >= len(power):
        return float("nan")
    around = np.concatenate([power[max(n - 25, 3):max(n - 4, 4)], power[n + 5:n + 26]])
    return float(np.log10(power[n - 1:n + 2].max() / (np.median(around) + 1e-30)))
