"""Pages with known truth for the digitization benchmark, and the scores of one page.

A case is a page and the signal that is printed on it: NaN where nothing is. Amplitudes are mV, signals 500 Hz.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import cv2
import datapack
import numpy as np
from numpy.typing import NDArray

from ecground.digitize.digitize import Digitized
from ecground.io import read
from ecground.leads import STANDARD
from ecground.measure import measure
from ecground.metrics import aligned, cinc_snr_db, mean_squared_error, page_snr_db, pearson
from ecground.paper.draw import render
from ecground.paper.layout import layout
from ecground.paper.page import Box, Page
from ecground.paper.photo import photograph
from ecground.paper.style import Style
from ecground.record import Record

__all__ = ["Case", "PageScore", "boxes", "clean", "kit", "ludb_pages", "patients", "photographed", "printed", "score"]

Floats = NDArray[np.float64]
FS = 500.0


@dataclass(frozen=True, slots=True)
class Case:
    """A page and what is printed on it."""

    name: str
    patient: str
    page: Page
    truth: Floats
    """`[12, sample]` mV, NaN where not printed."""
    whole: Record
    """The record that was printed, whole."""


@dataclass(frozen=True, slots=True)
class PageScore:
    """How well one page was read."""

    kaggle_db: float
    cinc_db: float
    cinc_published_db: float
    """As the official scorer computes it since 2025-10-17."""
    correlation: float
    """Pearson, mean over the leads."""
    rmse_mv: float
    """Over all leads."""
    covered: float
    """Share of the printed samples that were read."""
    leads: int
    printed: int
    """Leads on the page."""


def patients(split: str, n: int, *, ludb: bool = True) -> Iterator[tuple[str, str, Record]]:
    """Name, patient and record: PTB-XL at its own amplitude and, for validation, LUDB, in turn."""
    def ptbxl() -> Iterator[tuple[str, str, Record]]:
        for name, signal, fs, _, patient in datapack.ptbxl(split):
            if fs == FS:
                yield f"ptbxl {name}", f"ptbxl {patient}", Record(signal, fs, STANDARD)

    def from_ludb() -> Iterator[tuple[str, str, Record]]:
        for one in datapack.ludb(split):
            yield f"ludb {one.name}", f"ludb {one.name}", Record(one.signal, one.fs, STANDARD)

    sources = [ptbxl(), from_ludb()] if ludb else [ptbxl()]
    given = 0
    while sources and given < n:
        for source in list(sources):
            one = next(source, None)
            if one is None:
                sources.remove(source)
            elif given < n:
                given += 1
                yield one


def clean(name: str, patient: str, record: Record, layout_name: str, *, dpi: float = 200.0,
          style: Style | None = None) -> Case:
    """The record on clean paper."""
    page = render(record, layout=layout(layout_name), dpi=dpi, style=style)
    return Case(f"{name} {layout_name}", patient, page, printed(page, record), record)


def photographed(case: Case, recipe: str, seed: int) -> Case:
    """The case's page as a scanner or camera would give it."""
    page = photograph(case.page, recipe, np.random.default_rng(seed))
    return Case(f"{case.name} {recipe}", case.patient, page, case.truth, case.whole)


def printed(page: Page, record: Record) -> Floats:
    """The record where the page shows it, NaN elsewhere and where the pen left the paper."""
    assert page.truth is not None
    height = page.image.shape[0]
    truth = np.full(record.signal.shape, np.nan)
    for strip in page.truth.leads:
        k = STANDARD.index(strip.lead.lstrip("-"))
        shown = (strip.trace[:, 1] >= 0) & (strip.trace[:, 1] <= height - 1)
        at = strip.start + np.flatnonzero(shown)
        truth[k, at] = record.signal[k, at]
    return truth


def score(case: Case, found: Digitized) -> PageScore:
    """All scores of one page; a lead that was not read counts as 0 mV."""
    n = case.truth.shape[1]
    signal = np.full((12, n), np.nan)
    if found.record is not None:
        for lead, row in zip(found.record.leads, found.record.signal, strict=True):
            signal[STANDARD.index(lead), :min(n, row.size)] = row[:n]
    there = np.flatnonzero(np.isfinite(case.truth).any(axis=1))
    truth, signal = case.truth[there], signal[there]
    moved = np.stack([aligned(r, x, max_lag=int(0.2 * FS)) for r, x in zip(truth, signal, strict=True)])
    shown = np.isfinite(truth)
    filled = np.where(np.isfinite(moved), moved, 0.0)
    # The official alignment takes seconds a lead over 10 s: a shorter stretch gives the same answer.
    pairs = [(r[p], x[p]) for r, x, p in zip(truth, signal, shown, strict=True)]
    return PageScore(
        page_snr_db(truth, signal, fs=FS), *_cinc(pairs),
        float(np.nanmean([pearson(r, x) for r, x in zip(truth, moved, strict=True)])) if found.record else 0.0,
        float(np.sqrt(mean_squared_error(truth[shown], filled[shown]))), float(np.isfinite(signal[shown]).mean()),
        len(found.leads), len(there))


def _cinc(pairs: list[tuple[Floats, Floats]]) -> tuple[float, float]:
    """Mean over a page's leads, fixed and as published; the leads are cut to 2.5 s, the alignment is slow."""
    both = np.array([cinc_snr_db(r[:1250], x[:1250], fs=FS) for r, x in pairs])
    return float(np.nanmean(both[:, 0])), float(np.nanmean(both[:, 1]))


def boxes(case: Case, found: Digitized) -> tuple[dict[str, list[list[float]]], dict[str, tuple[list[list[float]],
                                                                                            list[float]]]]:
    """True and found regions of the leads as upright boxes, by lead."""
    assert case.page.truth is not None
    truth: dict[str, list[list[float]]] = {}
    for strip in case.page.truth.leads:
        truth.setdefault(strip.lead, []).append(_corners(strip.region))
    seen: dict[str, tuple[list[list[float]], list[float]]] = {}
    for region in found.regions:
        many, scores = seen.setdefault(region.lead, ([], []))
        many.append(_corners(region.quad))
        scores.append(region.confidence)
    return truth, seen


def _corners(quad: Floats) -> list[float]:
    box = Box.around(quad)
    return [box.x0, box.y0, box.x1, box.y1]


@cache
def _ludb_counts() -> dict[str, NDArray[np.float32]]:
    return {one.name: one.signal for split in ("train", "valid") for one in datapack.ludb(split)}


def ludb_pages(n: int) -> Iterator[Case]:
    """The pack's LUDB pages: 3x4 with II below, pulse at the right, each lead scaled to 1 mV peak to peak."""
    for path in sorted((datapack.folder() / "ludb/images").glob("*.png"), key=lambda p: int(p.stem))[:n]:
        counts = _ludb_counts().get(path.stem.lstrip("0")) if path.stem.lstrip("0") in _ludb_counts() else None
        if counts is None:
            continue
        signal = counts / np.ptp(counts, axis=1, keepdims=True)
        truth = np.full(signal.shape, np.nan)
        for cell in layout("3x4-r1").cells(10.0):
            at = slice(round(cell.start_s * FS), round(cell.stop_s * FS))
            truth[STANDARD.index(cell.lead), at] = signal[STANDARD.index(cell.lead), at]
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        yield Case(f"ludb page {path.stem}", f"ludb {path.stem}", Page(image), truth,
                   Record(signal.astype(np.float32), FS, STANDARD))


def kit() -> Iterator[Case]:
    """The pack's page by ecg-image-kit: 3x4 with II below."""
    folder = datapack.folder() / "images"
    record = read(folder / "cinc2024_00005_hr.hea")
    signal = np.stack([record.lead(lead) for lead in STANDARD])
    truth = np.full(signal.shape, np.nan)
    for cell in layout("3x4-r1").cells(10.0):
        at = slice(round(cell.start_s * FS), round(cell.stop_s * FS))
        truth[STANDARD.index(cell.lead), at] = signal[STANDARD.index(cell.lead), at]
    image = cv2.cvtColor(cv2.imread(str(folder / "cinc2024_00005_hr-0.png")), cv2.COLOR_BGR2RGB)
    yield Case("ecg-image-kit 00005", "ptbxl 5", Page(image), truth, Record(signal, FS, STANDARD))


def intervals(record: Record) -> dict[str, float]:
    """Heart rate [1/min], QRS and QT [ms] as the measurement code finds them; NaN where it does not."""
    found = measure(record)
    return {name: found.number(name) for name in ("hr_bpm", "qrs_ms", "qt_ms")}
