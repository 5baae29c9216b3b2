"""PR, QRS, QT and QRS axis against what the recording devices stored in the data pack's vendor files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datapack
import numpy as np

from ecground.errors import EcgroundError

__all__ = ["compare_devices"]

MEASURES = ("pr_ms", "qrs_ms", "qt_ms", "qrs_axis_deg")


def compare_devices() -> dict[str, Any]:
    """One line a vendor file, ours/device; then the errors over the files that carry the value."""
    from ecground.io import read
    from ecground.measure import measure

    print("\n## Device truth: ours / device; vendor files of the data pack")
    print(f"{'file':45}" + "".join(f"{name:>16}" for name in MEASURES))
    errors: dict[str, list[float]] = {name: [] for name in MEASURES}
    silent, unread = [], []
    for path in _vendor_files(datapack.folder() / "formats"):
        name = f"{path.parent.name}/{path.name}"
        try:
            record = read(path)
            device = {m.name: m.value for m in record.device.measurements if m.lead is None and m.name in MEASURES}
            if not device:
                silent.append(name)
                continue
            numbers = measure(record)
        except EcgroundError as error:
            unread.append(f"{name} ({error.code})")
            continue
        cells = []
        for key in MEASURES:
            ours = numbers.number(key)
            cells.append(f"{ours:.0f} / {device[key]:.0f}" if key in device else "-")
            if key in device and np.isfinite(ours):
                errors[key].append(_difference(key, ours, device[key]))
        print(f"{name:45}" + "".join(f"{cell:>16}" for cell in cells))
    return {"errors": _summary(errors), "silent": _listed("carry none of these", silent),
            "unread": _listed("not read yet", unread)}


def _vendor_files(folder: Path) -> list[Path]:
    kinds = ("aecg", "dicom", "muse", "schiller", "scp", "sierra", "edf")
    return sorted(path for kind in kinds for path in (folder / kind).glob("*") if path.is_file())


def _difference(key: str, ours: float, device: float) -> float:
    """Ours minus the device's; axes the short way round."""
    return (ours - device + 180) % 360 - 180 if key.endswith("_deg") else ours - device


def _summary(errors: dict[str, list[float]]) -> dict[str, Any]:
    out = {}
    for key, values in errors.items():
        if values:
            known = np.array(values)
            size = np.abs(known)
            out[key] = {"n": len(values), "mean": known.mean(), "mae": size.mean(), "worst": size.max()}
            print(f"{key:13} n {len(values):2d}   mean {known.mean():+6.1f}   MAE {size.mean():5.1f}"
                  f"   largest {size.max():5.1f}")
    return out


def _listed(label: str, names: list[str]) -> list[str]:
    if names:
        print(f"{label}: {', '.join(names)}")
    return names
