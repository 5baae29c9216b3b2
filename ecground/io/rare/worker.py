"""The child process that reads one file with ecgdatakit: `python -m ecground.io.rare.worker IN OUT BYTES SECONDS`.

Contract: limits are set before anything of the file is touched; the result is an `.npz` with `lead0`, `lead1`, ...
(float32, in the unit that `meta` names) and `meta`, a JSON text: `parser`, `fs` Hz, `leads` (label, unit, gain), `age`,
`sex`, `filters`, `statements`, `measurements` (name, value, unit), `notes`. Of the patient nothing but age and sex is
handed back. Exit statuses are those of `exits`; nothing is printed.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ecground.io.rare.exits import DAMAGED, MISSING, NO_MEMORY, NO_SIGNAL

__all__ = ["main"]

_OUTPUT_BYTES: Final = 2 << 30
_MEASURES: Final = (
    ("heart_rate", "hr_bpm", "1/min"), ("rr_interval", "rr_mean_ms", "ms"), ("pr_interval", "pr_ms", "ms"),
    ("qrs_duration", "qrs_ms", "ms"), ("qt_interval", "qt_ms", "ms"), ("qtc_bazett", "qtc_bazett_ms", "ms"),
    ("qtc_fridericia", "qtc_fridericia_ms", "ms"), ("p_axis", "p_axis_deg", "deg"),
    ("qrs_axis", "qrs_axis_deg", "deg"), ("t_axis", "t_axis_deg", "deg"),
)


def main(arguments: Sequence[str]) -> int:
    """Read INPUT, write OUTPUT, say by the exit status how it went."""
    source, output, memory, seconds = Path(arguments[0]), Path(arguments[1]), int(arguments[2]), int(arguments[3])
    _limit(memory, seconds)
    warnings.simplefilter("ignore")
    try:
        import ecgdatakit
    except ImportError:
        return MISSING
    try:
        found = ecgdatakit.FileParser.parse(source)
        return _write(found, output)
    except MemoryError:
        return NO_MEMORY
    except Exception:  # noqa: BLE001 - a parser fails on a damaged file in every possible way
        return DAMAGED


def _limit(memory: int, seconds: int) -> None:
    """Limits of this process, where the system has them."""
    try:
        import resource
    except ImportError:
        return
    # The parent's clock runs out first; the limit on CPU time holds even where the parent was killed.
    for kind, value in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds + 1),
                        (resource.RLIMIT_FSIZE, _OUTPUT_BYTES), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (allowed, allowed))


def _write(found: Any, output: Path) -> int:  # noqa: ANN401 - ecgdatakit's record
    """Hand back the leads of the rate that most of them have."""
    leads = [lead for lead in found.leads if len(lead.samples) and lead.sampling_rate]
    if not leads:
        return NO_SIGNAL
    rates = [lead.sampling_rate for lead in leads]
    rate = max(set(rates), key=lambda one: (rates.count(one), one))
    kept = [lead for lead in leads if lead.sampling_rate == rate]
    notes = [f"{len(leads) - len(kept)} leads of another sampling rate were left out"] if len(kept) < len(leads) else []
    arrays, described = {}, []
    for k, lead in enumerate(kept):
        arrays[f"lead{k}"], unit, gain = _values(lead)
        described.append({"label": str(lead.label), "unit": unit, "gain": gain})
    meta = {
        "parser": found.source_format, "fs": float(rate), "leads": described, "notes": notes,
        "age": found.patient.age, "sex": found.patient.sex, "filters": _filters(found.recording.acquisition.filters),
        "statements": [" ".join(filter(None, pair)) for pair in found.interpretation.statements],
        "measurements": [(name, float(value), unit) for field, name, unit in _MEASURES
                         if (value := getattr(found.measurements, field)) is not None],
    }
    np.savez(output, allow_pickle=False, meta=np.array(json.dumps(meta)), **arrays)
    return 0


def _values(lead: Any) -> tuple[Any, str, str]:  # noqa: ANN401 - ecgdatakit's lead
    """Samples float32, their unit ("" when the file gives none) and how raw numbers became them."""
    if lead.is_raw and not lead.resolution_unit:
        return np.asarray(lead.samples, np.float32), "", "no unit given"
    gain = f"{lead.resolution:g} {lead.resolution_unit} a step, offset {lead.offset:g}" if lead.is_raw else ""
    physical = lead.to_physical()
    return np.asarray(physical.samples, np.float32), str(physical.units or lead.resolution_unit), gain


def _filters(settings: Any) -> list[str]:  # noqa: ANN401 - ecgdatakit's filter settings
    named = (("high-pass", settings.highpass), ("low-pass", settings.lowpass),
             ("notch", settings.notch if settings.notch_active is not False else None))
    return [f"{words} {float(value):g} Hz" for words, value in named if value]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
