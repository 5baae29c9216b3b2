"""The 14 per-beat sequences of every lead that GEM and MEETI describe an ECG by, with a true QT.

Contract: `sequences(measurements)` gives lead -> name -> one entry for each QRS complex, None where it could not be
measured. Names and units follow GEM (arXiv 2503.06073, section 3.4). QT runs from QRS onset to T offset; the FeatureDB
that GEM and MEETI used takes it from QRS offset, which is JT.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.measure.table import Measurements
from ecground.measure.waves.forms import st_slope_word

__all__ = ["SEQUENCES", "sequences"]

SEQUENCES: Final[Mapping[str, tuple[str, str]]] = {
    "heart_rate": ("1/min", "60000 / RR 1"),
    "rr_1": ("ms", "RR interval before the beat"),
    "rr_2": ("ms", "RR interval after the beat"),
    "p_amplitude": ("mV", "signed, from the line between its bounds"),
    "p_duration": ("ms", "in this lead"),
    "pr_interval": ("ms", "in this lead"),
    "qrs_amplitude": ("mV", "peak to peak"),
    "qrs_duration": ("ms", "in this lead"),
    "t_amplitude": ("mV", "signed, above the level before QRS onset"),
    "t_duration": ("ms", "in this lead"),
    "st_duration": ("ms", "J to T onset"),
    "st_form": ("", "up, level or down over the 80 ms after J"),
    "qt_interval": ("ms", "QRS onset to T offset in this lead"),
    "qtc": ("ms", "QT by Bazett with RR 1"),
}
"""Name -> (unit, meaning)."""

_OF_LEAD: Final = {
    "p_amplitude": "p_amp", "p_duration": "p_dur", "pr_interval": "pr_ms", "qrs_amplitude": "qrs_pp",
    "qrs_duration": "qrs_ms", "t_amplitude": "t_amp", "t_duration": "t_dur", "st_duration": "st_dur",
    "qt_interval": "qt_ms",
}
_OF_BEAT: Final = {"heart_rate": "hr_bpm", "rr_1": "rr_before_ms", "rr_2": "rr_after_ms"}
_AMPLITUDES: Final = ("p_amplitude", "qrs_amplitude", "t_amplitude", "st_form")

Entry = float | str | None


def sequences(measurements: Measurements, *, calibrated: bool = True) -> dict[str, dict[str, list[Entry]]]:
    """Lead -> each of the 14 SEQUENCES -> a list over the QRS complexes in time order.

    `calibrated` false (an unknown amplitude scale) withholds amplitudes. mV are rounded to 1 uV, ms and rates to 0.1.
    """
    beats = np.flatnonzero(np.array([kind != "p" for kind in measurements.beats.kind], dtype=np.bool_))
    joint = {name: _rounded(measurements.beats.joint[key][beats], 1) for name, key in _OF_BEAT.items()}
    out: dict[str, dict[str, list[Entry]]] = {}
    for k, lead in enumerate(measurements.delineation.leads):
        mine: dict[str, list[Entry]] = {name: list(values) for name, values in joint.items()}
        for name, key in _OF_LEAD.items():
            table = measurements.beats.lead.get(key)
            values = table[k, beats] if table is not None else np.full(len(beats), np.nan, dtype=np.float32)
            mine[name] = _rounded(values, 3 if SEQUENCES[name][0] == "mV" else 1)
        slope = measurements.beats.lead.get("st_slope")
        mine["st_form"] = [st_slope_word(float(s)) or None for s in (slope[k, beats] if slope is not None else ())]
        qt = measurements.beats.lead.get("qt_ms")
        rr = measurements.beats.joint["rr_before_ms"][beats]
        mine["qtc"] = _rounded(qt[k, beats] / np.sqrt(rr / 1000.0), 1) if qt is not None else []
        if not calibrated:
            for name in _AMPLITUDES:
                mine[name] = [None] * len(beats)
        out[lead] = {name: mine[name] for name in SEQUENCES}
    return out


def _rounded(values: NDArray[np.float32], digits: int) -> list[Entry]:
    return [round(float(v), digits) if np.isfinite(v) else None for v in values]
