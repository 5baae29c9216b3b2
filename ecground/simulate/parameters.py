"""`Parameters`: everything that determines one simulated ECG, except the random numbers of its beats and noise.

Frozen, printable, and exchanged as JSON. `twin` changes single values by their dotted name: with the same generator
seed the two records then differ only by what the change causes.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ecground.errors import UsageError
from ecground.record import Sex
from ecground.simulate.beat import Beat, Kernel, PWave
from ecground.simulate.noise import Noise
from ecground.simulate.rhythm import Rhythm
from ecground.simulate.torso import Torso

__all__ = ["Parameters", "Variation", "twin"]


@dataclass(frozen=True, slots=True)
class Variation:
    """How beats of one kind differ from one another."""

    breathing_hz: float = 0.25
    """Respiratory rate [Hz]."""
    breathing_gain: float = 0.04
    """Relative change of amplitude with breathing."""
    breathing_tilt: float = 0.03
    """Rotation of the heart with breathing [rad]."""
    gain_sd: float = 0.015
    """Relative beat-to-beat scatter of amplitude."""
    tilt_sd: float = 0.01
    """Beat-to-beat scatter of direction [rad]."""
    qt_slope: float = 0.15
    """Change of QT with the RR interval before, s/s."""
    alternans_mv: float = 0.0
    """T-wave alternans: every second T differs by this much in its largest lead [mV]."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """One simulated patient and recording."""

    age: float
    """Years."""
    sex: Sex
    rhythm: Rhythm
    atrial: tuple[PWave, ...]
    """P waves by origin: sinus, ectopic, retrograde, paced."""
    ventricular: tuple[Beat, ...]
    """Beats by origin: conducted, ectopic, second ectopic focus or escape, paced."""
    torso: Torso
    pathologies: tuple[str, ...] = ()
    """Names in `PATHOLOGIES` that shaped the beats."""
    variation: Variation = field(default_factory=Variation)
    reversal: str = ""
    """Cables on the wrong electrodes, a name in `REVERSALS`; "" = all right."""
    noise: Noise | None = None
    """None = clean."""

    def to_json(self) -> str:
        """The parameters as JSON text; `from_json` reads it back."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Parameters:
        """Parameters from the text of `to_json`; UsageError when a field is missing or unknown."""
        try:
            return _revive(json.loads(text))
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise UsageError("not the JSON of simulation parameters", where="Parameters.from_json",
                             hint="give the text that Parameters.to_json made") from error


def twin(parameters: Parameters, changes: Mapping[str, object]) -> Parameters:
    """The same patient with single values changed.

    Args:
        parameters: the patient.
        changes: dotted name -> new value, for instance `{"rhythm.pr_ms": 240.0, "ventricular.0.qt_ms": 480.0}`.

    Raises:
        UsageError: a name does not exist.
    """
    out: Any = parameters
    for name, value in changes.items():
        out = _set(out, name.split("."), value, name)
    changed: Parameters = out
    return changed


def _set(node: Any, path: list[str], value: object, name: str) -> Any:  # noqa: ANN401 (walks any nested dataclass)
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(node, tuple) and head.isdigit() and int(head) < len(node):
        i = int(head)
        return (*node[:i], _set(node[i], rest, value, name), *node[i + 1:])
    if not dataclasses.is_dataclass(node) or head not in {f.name for f in dataclasses.fields(node)}:
        raise UsageError(f"no parameter {name!r}", where="simulate.twin", hint="names are dotted: rhythm.pr_ms")
    return dataclasses.replace(node, **{head: _set(getattr(node, head), rest, value, name)})  # type: ignore[type-var]


def _kernels(rows: list[dict[str, Any]]) -> tuple[Kernel, ...]:
    return tuple(Kernel(**{**r, "vector": tuple(r["vector"]), "local": tuple(r["local"])}) for r in rows)


def _revive(data: dict[str, Any]) -> Parameters:
    made: Final = dict(data)
    made["rhythm"] = Rhythm(**{**data["rhythm"], "ratios": tuple(data["rhythm"]["ratios"])})
    made["atrial"] = tuple(PWave(p["duration_ms"], _kernels(p["kernels"])) for p in data["atrial"])
    made["ventricular"] = tuple(
        Beat(b["qrs_ms"], b["qt_ms"], _kernels(b["qrs"]), _kernels(b["st"]), _kernels(b["t"]))
        for b in data["ventricular"]
    )
    made["torso"] = Torso(tuple(tuple(row) for row in data["torso"]["field"]))
    made["pathologies"] = tuple(data["pathologies"])
    made["variation"] = Variation(**data["variation"])
    noise = data["noise"]
    made["noise"] = None if noise is None else Noise(**{**noise, "lost": tuple(noise["lost"])})
    return Parameters(**made)
