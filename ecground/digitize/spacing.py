"""How many millimetres the lines of a grid are apart, told from the spectrum of the flattened image.

What was followed may be the lines or one of their overtones, so the ground frequency is sought first: a longer period
whose harmonics are there. Where the fifth harmonic stands out among its neighbours, the ground is 5 mm and there are
lines or dots every millimetre. A uniform grid shows no such thing; then the number of lines along the longer side
decides, since a page is 140 to 450 mm long: more than 140 are 1 mm apart, at most 90 are 5 mm apart, and the answer is
marked as not certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Spacing", "spacing"]

Array = NDArray[np.float64]
_LONGEST: Final = 10
"""Most periods followed to one period of the ground: the second overtone of 1 mm lines with bold ones every 5 mm."""
_PRESENT: Final = 0.3
"""Mean rise [log10 power] of harmonics over that of other frequencies from which they are taken to be there."""
_FINE: Final = 0.25
"""Rise of the fifth harmonic over its neighbours [log10 power] from which it is taken for millimetre lines."""
_MOST_OF_5_MM: Final = 90
_LEAST_OF_1_MM: Final = 140
_NEVER: Final = -5.0
_ASPECT: Final = 1.33
"""Most that the scales of the two axes of a page differ by (exports that were stretched)."""


@dataclass(frozen=True, slots=True)
class Spacing:
    """Millimetres between the lines followed."""

    mm: tuple[float, float]
    """Distance of neighbouring lines of the two families (upright, level) as followed [mm]."""
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
    axes = [_grounds(image if axis == 0 else image.T, period) for axis, period in enumerate(periods)]
    best, best_score = None, _NEVER
    for across, down in product(*axes):
        for mm in ((1.0, 1.0), (1.0, 5.0), (5.0, 1.0), (5.0, 5.0)):
            apart = [mm[0] / across.followed, mm[1] / down.followed]
            scales = [period / one for period, one in zip(periods, apart, strict=True)]
            certain = (mm[0] == 5.0 and across.fine > 0) or (mm[1] == 5.0 and down.fine > 0)
            longest = max(across.lines * mm[0], down.lines * mm[1])
            score = across.score(mm[0]) + down.score(mm[1]) + (0.0 if certain else _usual(mm, longest))
            if score > best_score and max(scales) <= _ASPECT * min(scales):
                best, best_score = Spacing((apart[0], apart[1]), certain or 1.0 in mm, certain), score
    return best


@dataclass(frozen=True, slots=True)
class _Ground:
    """A ground frequency that the spectrum along one axis may have."""

    followed: int
    """Periods followed to one period of the ground."""
    present: float
    """How much the harmonics rise that only this ground explains."""
    fine: float
    """Above 0: the fifth harmonic of the ground stands out."""
    lines: float
    """Periods of the ground in the image."""

    def score(self, mm: float) -> float:
        """Evidence of the spectrum for this ground at 1 or 5 mm; of two there alike, the longer explains more."""
        present = self.present + 0.03 * self.followed
        return present - max(self.fine, 0.0) if mm == 1.0 else present + float(np.clip(self.fine, -0.6, 0.4))


def _usual(mm: tuple[float, float], longest: float) -> float:
    """Whether uniform lines make a page of usual length [mm]."""
    if mm == (5.0, 5.0) and longest <= 5 * _MOST_OF_5_MM:
        return -0.2
    return -0.2 if mm == (1.0, 1.0) and longest > _LEAST_OF_1_MM else 2 * _NEVER


def _grounds(image: NDArray[np.float32], period: float) -> list[_Ground]:
    """Grounds of the lines across x: what was followed itself, and longer periods whose harmonics are there."""
    strip = 16
    count = max(image.shape[0] // strip, 1)
    strips = image[:count * strip].reshape(count, -1, image.shape[1]).mean(axis=1)
    power = (np.abs(np.fft.rfft(strips * np.hanning(strips.shape[1]), axis=1)) ** 2).mean(axis=0)
    bins = image.shape[1] / period
    power += 1e-5 * power[int(bins) - 1:int(bins) + 3].max(initial=0.0)  # drawings without noise
    anywhere = np.array([_rise(power, at) for at in np.linspace(bins / 10, min(2 * bins, len(power)), 83)])
    usual = float(np.nanmedian(anywhere)) if np.isfinite(anywhere).any() else 0.0
    out = []
    for n in range(1, _LONGEST + 1):
        rises = np.array([_rise(power, bins * j / n) for j in range(1, 2 * n) if gcd(j, n) == 1])
        seen = np.clip(rises[np.isfinite(rises)], usual - 0.5, usual + 1.5) - usual
        if 2 * len(seen) < len(rises) or (n > 1 and len(seen) == 0):
            continue
        # One or two frequencies rise by chance more often than many.
        present = float(seen.mean() - _PRESENT - 0.4 / len(seen)) if n > 1 else 0.0
        if present >= 0:
            out.append(_Ground(n, present, _fine(power, bins / n), bins / n))
    return out


def _fine(power: Array, ground: float) -> float:
    """How much the fifth and tenth harmonics rise above their neighbours, less what counts."""
    fourth, fifth, sixth, ninth, tenth, eleventh = (_rise(power, ground * n) for n in (4, 5, 6, 9, 10, 11))
    out = np.array([fifth - np.fmax(fourth, sixth), tenth - np.fmax(ninth, eleventh)])
    return float(np.nanmean(out)) - _FINE if np.isfinite(out).any() else 0.0


def _rise(power: Array, at: float) -> float:
    """Logarithm of the highest power at a frequency [bins] over the median around; NaN at the ends of the spectrum."""
    n = round(at)
    if n < 6 or n + 3 >= len(power):
        return float("nan")
    around = np.concatenate([power[max(n - 25, 3):max(n - 4, 4)], power[n + 5:n + 26]])
    return float(np.log10(power[n - 1:n + 2].max() / (np.median(around) + 1e-30)))
