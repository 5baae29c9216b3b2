"""Pathologies as changes of a person's beats: `PATHOLOGIES[name](heart, rng) -> heart`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from ecground.simulate.pathology import chambers, conduction, coronary, repolarisation
from ecground.simulate.pathology.heart import Heart, same

__all__ = ["EXCLUSIVE", "PATHOLOGIES", "Heart"]

PATHOLOGIES: Final[dict[str, Callable[[Heart, np.random.Generator], Heart]]] = {
    "lbbb": conduction.lbbb, "lvh": chambers.lvh, "rvh": chambers.rvh, "lafb": conduction.lafb,
    "lpfb": conduction.lpfb, "rbbb": conduction.rbbb, "irbbb": conduction.irbbb, "ilbbb": conduction.ilbbb,
    "ivcd": conduction.ivcd,
    **{f"q_{wall}": coronary.q_wave(wall) for wall in coronary.WALLS if wall != "posterior"},
    "q_posterior": coronary.q_posterior, "wpw": conduction.wpw(),
    **{f"wpw_{at}": conduction.wpw(at) for at in ("left_lateral", "posteroseptal", "right_lateral", "anteroseptal")},
    **{f"st_elevation_{wall}": coronary.st_elevation(wall) for wall in coronary.WALLS},
    "st_depression": coronary.st_depression, "t_inversion": coronary.t_inversion,
    **{f"ischaemia_{wall}": coronary.ischaemia(wall)
       for wall in ("anterior", "anteroseptal", "anterolateral", "lateral", "inferior", "inferolateral")},
    "wellens": coronary.wellens, "de_winter": coronary.de_winter,
    "widespread_depression": coronary.widespread_depression,
    "lae": chambers.lae, "rae": chambers.rae, "long_qt": repolarisation.long_qt, "short_qt": repolarisation.short_qt,
    "hyperkalaemia": repolarisation.hyperkalaemia, "hypokalaemia": repolarisation.hypokalaemia,
    "digitalis": repolarisation.digitalis, "pericarditis": repolarisation.pericarditis,
    "early_repolarisation": repolarisation.early_repolarisation, "brugada": repolarisation.brugada,
    "left_axis": same, "right_axis": same, "extreme_axis": same, "t_alternans": same,
    "low_voltage": chambers.low_voltage,
}
"""Pathology name -> change of the heart, in the order in which they are applied."""

_WPW: Final = {name for name in PATHOLOGIES if name.startswith("wpw")}
_ST: Final = {name for name in PATHOLOGIES if name.startswith(("st_", "ischaemia_"))} | {
    "wellens", "de_winter", "widespread_depression", "pericarditis", "early_repolarisation", "digitalis",
    "hypokalaemia", "hyperkalaemia"}

EXCLUSIVE: Final = (
    frozenset({"lbbb", "rbbb", "irbbb", "ilbbb", "ivcd"} | _WPW), frozenset({"lafb", "lpfb"}),
    frozenset({"left_axis", "right_axis", "extreme_axis"}), frozenset({"lbbb", "lafb"}), frozenset({"lbbb", "lpfb"}),
    frozenset({"lbbb", "rvh"}), frozenset({"ilbbb", "rvh"}), frozenset(_ST), frozenset({"long_qt", "short_qt"}),
    frozenset({"brugada", "lbbb"}), frozenset({"brugada", "ilbbb"}),
)
"""Sets of pathologies of which one heart has at most one: each would overwrite the other's waves, or they conflict."""
