"""Are the electrodes where the lead names say? The suspected exchanges of `ecground.signal.reversal` as Values.

Contract: `cable_values()` gives `arm_reversal` and `chest_swap`: 1 when an exchange is suspected, with its electrodes
and the evidence in `why`, 0 when the leads agree with their names, unmeasurable when they were not seen together.
"""

from __future__ import annotations

from ecground.leads import CHEST
from ecground.measure.table import Value, measured, unmeasurable
from ecground.record import Record
from ecground.signal.beats import Delineation
from ecground.signal.reversal import Swap, suspect_swaps

__all__ = ["cable_values"]


def cable_values(record: Record, delineation: Delineation) -> dict[str, Value]:
    """`arm_reversal` (an exchange of limb electrodes; all that are tested move an arm) and `chest_swap`."""
    found = suspect_swaps(record, delineation)
    if not found.tested:
        return {name: unmeasurable(name, found.why) for name in ("arm_reversal", "chest_swap")}
    hint = "; the heart may lie on the right" if found.dextrocardia else ""
    limb = [swap for swap in found.suspected if not swap.electrodes.startswith("V")]
    chest = [swap for swap in found.suspected if swap.electrodes.startswith("V")]
    return {"arm_reversal": _value("arm_reversal", limb, ("I", "II", *CHEST), hint),
            "chest_swap": _value("chest_swap", chest, CHEST, hint)}


def _value(name: str, swaps: list[Swap], leads: tuple[str, ...], hint: str) -> Value:
    if not swaps:
        return measured(name, 0.0, leads=leads)
    first = swaps[0]
    return measured(name, 1.0, leads=leads, confidence=first.probability,
                    why=f"{first.electrodes}: {'; '.join(first.evidence)}{hint}")
