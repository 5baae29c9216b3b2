"""Single strips of pages, with and without the ink of neighbouring leads across them, and how well each was read.

The measure of Karbasi et al. 2025 (arXiv 2506.10617): per strip, after the lag is removed by cross-correlation, mean
squared error [mV^2] and Pearson's rho. Theirs reads a crop; here the page is read, and its strips are scored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pages
from numpy.typing import NDArray

from ecground.digitize.digitize import Digitized, read_page, read_sheet
from ecground.leads import STANDARD
from ecground.metrics import aligned, mean_squared_error, pearson
from ecground.paper.page import LeadTruth, PageTruth
from ecground.paper.style import Style

__all__ = ["Strip", "overlap_crops"]

CROSSING_PX = 40
"""Pixels of other leads' ink between a strip's lowest and highest sample from which it counts as crossed."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A strip and its scores; a strip that was not read counts as 0 mV."""

    name: str
    patient: str
    mse: float
    rho: float


def overlap_crops(split: str, n: int, *, crossed: bool, oracle: bool = False) -> Iterator[Strip]:
    """Strips of 6x2 pages of `n` patients: rows 11 mm apart for crossed ones, 33 mm and 3x1 otherwise."""
    style = Style(row_mm=11.0) if crossed else Style(row_mm=34.0)
    for name, patient, record in pages.patients(split, n):
        case = pages.clean(name, patient, record, "6x2" if crossed else "3x2-precordial", style=style)
        truth = case.page.truth
        assert truth is not None
        found = _read(case, oracle)
        for i, strip in enumerate(truth.leads):
            if (_foreign_ink(truth, i) >= CROSSING_PX) == crossed:
                yield _scored(f"{name} {strip.lead}", patient, case.truth, found, strip)


def _read(case: pages.Case, oracle: bool) -> Digitized:
    if not oracle:
        return read_page(case.page)
    from tests.digitize.oracle import oracle as perfect

    return read_sheet(*perfect(case.page))


def _foreign_ink(truth: PageTruth, i: int) -> int:
    """Ink of other leads in the strip's columns, between its lowest and highest sample."""
    trace = truth.leads[i].trace
    trace = trace[np.isfinite(trace[:, 1])]
    (x0, y0), (x1, y1) = np.floor(trace.min(axis=0)).astype(int), np.ceil(trace.max(axis=0)).astype(int)
    part = truth.masks[max(y0, 0):y1 + 1, max(x0, 0):x1 + 1]
    return int(((part & ~np.uint16(1 << i)) > 0).sum())


def _scored(name: str, patient: str, truth: NDArray[np.float64], found: Digitized, strip: LeadTruth) -> Strip:
    lead = strip.lead.lstrip("-")
    reference = truth[STANDARD.index(lead), strip.start:strip.stop]
    signal = np.full(reference.shape, np.nan)
    if found.record is not None and lead in found.record.leads:
        read = found.record.lead(lead)[strip.start:strip.stop]
        signal[:read.size] = read
    moved = aligned(reference, signal, max_lag=50)
    level = np.nanmedian(signal) - np.nanmedian(moved) if np.isfinite(moved).any() else 0.0
    moved = moved + (level if np.isfinite(level) else 0.0)
    rho = pearson(reference, moved) if np.isfinite(moved).any() else 0.0
    return Strip(name, patient, mean_squared_error(reference, np.nan_to_num(moved)), rho)
