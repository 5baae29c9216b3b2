"""Real photographs, scans and renders of the data pack: what is read, and whether it is possible.

There is no truth for them. What can be checked: which leads are read, whether their heart rates agree with one another,
whether the ranges are possible, and the picture with the recovered lines, which a person looks at (`--overlays`).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import _one_thread  # noqa: F401 - before numpy
import cv2
import datapack
import numpy as np

from ecground.digitize.digitize import Digitized, digitize
from ecground.digitize.load import load
from ecground.digitize.overlay import overlay
from ecground.errors import EcgroundError
from ecground.measure import measure
from ecground.record import Record

__all__ = ["table"]


def table(overlays: Path | None = None) -> None:
    """A row for each picture; overlays are written when a folder is given."""
    print(f"{'picture':30} {'status':8} {'layout':22} {'leads':>5} {'sure':>4} {'rates 1/min':>16} {'range mV':>14} "
          f"{'CPU s':>6}  first problem")
    full = 0
    for path in sorted((datapack.folder() / "images").iterdir()):
        if path.suffix not in (".png", ".jpg") or "signalmask" in path.name:
            continue
        start = time.process_time()
        try:
            found = digitize(path)
        except EcgroundError as error:
            print(f"{path.stem:30} {'error':8} {error}")
            continue
        seconds = time.process_time() - start
        print(f"{path.stem:30} {_row(found)} {seconds:6.1f}  {found.problems[0].what if found.problems else ''}")
        full += len(found.leads) >= 10
        if overlays is not None:
            drawn = overlay(load(path).image, found)
            cv2.imwrite(str(overlays / f"{path.stem}.png"), cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
    print(f"pictures with 10 leads or more: {full}")


def _row(found: Digitized) -> str:
    if found.record is None:
        return f"{found.status:8} {'':22} {0:5} {0:4} {'':>16} {'':>14}"
    rates = _rates(found.record)
    ranges = np.nanmax(found.record.signal, axis=1) - np.nanmin(found.record.signal, axis=1)
    spread = f"{min(rates):.0f} to {max(rates):.0f}" if rates else "none"
    sure = sum(lead.confidence >= 0.5 for lead in found.leads.values())
    return (f"{found.status:8} {found.layout or '?':22} {len(found.leads):5} {sure:4} {spread:>16} "
            f"{ranges.min():6.2f} to {ranges.max():5.2f}")


def _rates(record: Record) -> list[float]:
    """Heart rate of each lead by itself, where three beats or more are printed."""
    rates = []
    for lead, row in zip(record.leads, record.signal, strict=True):
        seen = np.flatnonzero(np.isfinite(row))
        alone = Record(row[None, seen[0]:seen[-1] + 1].copy(), record.fs, (lead,))
        try:
            rate = measure(alone).number("hr_bpm")
        except EcgroundError:
            continue
        if np.isfinite(rate):
            rates.append(rate)
    return rates


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    table(folder)
