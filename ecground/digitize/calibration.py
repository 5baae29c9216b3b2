"""Paper speed and gain of every row: what the user says, what a calibration pulse measures, what is printed.

A pulse is 1 mV high and lasts 200 ms. Its height on the page beats the printed gain; where the two contradict each
other that is said. Pulses of other lengths exist, so the printed speed beats a pulse's length. Without either, 25 mm/s
is assumed and said; a gain is not assumed: amplitudes are then withheld.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.digitize.segment import Segmentation, TokenHit
from ecground.digitize.sheet import PX_PER_MM, Problem, Sheet

__all__ = ["Calibration", "Pulse", "calibrate", "pulses_of"]

_LIKELY: Final = 0.12
"""Probability from which a place is looked at; what is no pulse has no two strokes of one height."""
_REACH_MM: Final = 1.5
_CONTRAST: Final = 40.0  # between paper and ink, of 255
_DARK: Final = 0.35
_LEVEL_MM: Final = 0.6
"""How much the two strokes' ends may differ in height."""
_NARROWEST: Final = 1.5
"""Least distance of the two strokes [mm]."""
_GAINS: Final = (2.5, 5.0, 10.0, 20.0, 40.0)
_SPEEDS: Final = (12.5, 25.0, 50.0, 100.0)
_NEAR: Final = 0.08
"""A measured gain or speed this near a usual one is that one; a printed one farther off is contradicted."""
_PULSE_S: Final = 0.2
_USUAL_SPEED: Final = 25.0
_SHORTEST, _LONGEST = 2.0, 60.0  # height and length of a pulse [mm]
_FOOT: Final = 3.0
"""A pulse's foot this near a row's zero line [mm] is that row's."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """A calibration pulse as measured on a sheet."""

    x: float
    """Its middle [px]."""
    foot: float
    """y of the line at 0 mV [px]."""
    height_mm: float
    length_mm: float
    """Distance of its two strokes [mm]."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scale of a sheet in seconds and millivolt."""

    mm_per_s: float
    mm_per_mv: tuple[float | None, ...]
    """For each row; None: unknown."""
    speed_from: str
    """`given`, `printed`, `pulse` or `assumed`."""
    gain_from: str
    """`given`, `pulse`, `printed` or `unknown`."""
    feet: tuple[float | None, ...]
    """y of 0 mV by the row's pulse [px]."""
    confidence: float
    problems: tuple[Problem, ...] = ()


def calibrate(
    sheet: Sheet, seen: Segmentation, zeros: Sequence[float], *, speed: float | None = None, gain: float | None = None,
) -> Calibration:
    """Speed and gain of the rows whose zero lines are at `zeros` [px].

    Args:
        sheet: the rectified page.
        seen: what the network found on it.
        zeros: zero line of each row.
        speed: mm/s, when the user knows it.
        gain: mm/mV, when the user knows it.
    """
    pulses = pulses_of(sheet, seen)
    own = [_of_row(pulses, zero) for zero in zeros]
    mm_per_s, speed_from, problems = _speed(seen, pulses, speed)
    gains, gain_from, more = _gains(seen, pulses, own, gain)
    # What an unknown gain makes doubtful is withheld anyway.
    trust = {"given": 1.0, "printed": 0.98, "pulse": 0.98, "assumed": 0.85, "unknown": 0.9}
    confidence = trust[speed_from] * trust[gain_from] * (0.7 if any("contradict" in p.what for p in more) else 1.0)
    feet = tuple(pulse.foot if pulse else None for pulse in own)
    return Calibration(mm_per_s, gains, speed_from, gain_from, feet, confidence, (*problems, *more))


def _speed(
    seen: Segmentation, pulses: Sequence[Pulse], given: float | None,
) -> tuple[float, str, tuple[Problem, ...]]:
    if given is not None:
        return given, "given", ()
    printed = _printed(seen.tokens, "speed")
    if printed is not None:
        return printed, "printed", ()
    if pulses:
        usual = _usual(float(np.median([pulse.length_mm for pulse in pulses])) / _PULSE_S, _SPEEDS)
        if usual is not None:
            return usual, "pulse", ()
    return _USUAL_SPEED, "assumed", (Problem("calibration", "no paper speed was found; 25 mm/s is assumed",
                                             "give --speed in mm/s"),)


def _gains(
    seen: Segmentation, pulses: Sequence[Pulse], own: Sequence[Pulse | None], given: float | None,
) -> tuple[tuple[float | None, ...], str, tuple[Problem, ...]]:
    rows = len(own)
    if given is not None:
        return (given,) * rows, "given", ()
    printed = _printed(seen.tokens, "gain")
    if pulses:
        common = float(np.median([pulse.height_mm for pulse in pulses]))
        heights = [pulse.height_mm if pulse else common for pulse in own]
        # A single row that differs is a pulse badly measured; chest leads at another gain are several.
        gains = tuple(_usual(height, _GAINS) or _usual(common, _GAINS) or round(common, 2) for height in heights)
        if printed is not None and all(abs(value / printed - 1) > _NEAR for value in gains):
            what = f"the pulse is {common:.1f} mm high, which contradicts the printed {printed:g} mm/mV"
            return gains, "pulse", (Problem("calibration", what, "give --gain in mm/mV"),)
        return gains, "pulse", ()
    if printed is not None:
        return (printed,) * rows, "printed", ()
    return (None,) * rows, "unknown", (Problem(
        "calibration", "neither a calibration pulse nor a gain was found; amplitudes are withheld",
        "give --gain in mm/mV"),)


def _printed(tokens: Sequence[TokenHit], kind: str) -> float | None:
    best = max((token for token in tokens if token.kind == kind), key=lambda token: token.score, default=None)
    return best.value if best else None


def _usual(value: float, usual: Sequence[float]) -> float | None:
    nearest = min(usual, key=lambda u: abs(np.log(value / u)))
    return nearest if abs(value / nearest - 1) <= _NEAR else None


def _of_row(pulses: Sequence[Pulse], zero: float) -> Pulse | None:
    near = [pulse for pulse in pulses if abs(pulse.foot - zero) <= _FOOT * PX_PER_MM]
    return min(near, key=lambda pulse: abs(pulse.foot - zero), default=None)


def pulses_of(sheet: Sheet, seen: Segmentation) -> tuple[Pulse, ...]:
    """All pulses on a sheet whose shape can be measured.

    The network only says where to look; a pulse is what then shows two upright strokes of one height.
    """
    import cv2

    reach = int(_REACH_MM * PX_PER_MM)
    likely = cv2.dilate((seen.pulse > _LIKELY).astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(likely, connectivity=8)
    gray = cv2.cvtColor(sheet.image, cv2.COLOR_RGB2GRAY)
    found = []
    for k in range(1, count):
        x, y, width, height, _ = stats[k]
        if height - 2 * reach >= _SHORTEST * PX_PER_MM and max(width, height) <= _LONGEST * PX_PER_MM:
            pulse = _measured(gray[y:y + height, x:x + width], int(x), int(y))
            if pulse is not None:
                found.append(pulse)
    return tuple(found)


def _measured(gray: NDArray[np.uint8], left: int, top: int) -> Pulse | None:
    """Two upright strokes of equal height, measured from ink to ink; None when there are none."""
    paper, ink = np.percentile(gray, (60, 1))
    if paper - ink < _CONTRAST:
        return None
    # Nearer to the ink than to the paper: a stroke may stand on a line of the grid.
    dark = gray < ink + _DARK * (paper - ink)
    runs = np.array([_longest(column) for column in dark.T])
    length = runs[:, 1] - runs[:, 0]
    if length.max() < _SHORTEST * PX_PER_MM:
        return None
    strokes = np.flatnonzero(length > 0.85 * length.max())
    parts = np.split(strokes, np.flatnonzero(np.diff(strokes) > 2) + 1)
    if len(parts) != 2:
        return None
    (high, low), (other_high, other_low) = (np.median(runs[part], axis=0) for part in parts)
    pen = float(np.median([part.size for part in parts]))
    height = 0.5 * (low - high + other_low - other_high) - pen
    span = float(parts[1].mean() - parts[0].mean())
    level = max(abs(low - other_low), abs(high - other_high))
    if level > _LEVEL_MM * PX_PER_MM or span < _NARROWEST * PX_PER_MM or height <= 0:
        return None
    return Pulse(left + float(strokes.mean()), top + 0.5 * float(low + other_low) - 0.5 - pen / 2,
                 float(height) / PX_PER_MM, span / PX_PER_MM)


def _longest(column: NDArray[np.bool_]) -> tuple[int, int]:
    """First pixel and the one after the last of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], column, [False]]).astype(np.int8)))
    if not edges.size:
        return 0, 0
    starts, stops = edges[::2], edges[1::2]
    k = int((stops - starts).argmax())
    return int(starts[k]), int(stops[k])
