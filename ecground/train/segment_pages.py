"""Random pages for the page-reading network: whose ECG, on what paper, in which words, photographed how."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from ecground.corpora import pack
from ecground.digitize.sheet import PX_PER_MM
from ecground.errors import EcgroundError
from ecground.leads import STANDARD
from ecground.paper.compose import compose
from ecground.paper.drawing import Words
from ecground.paper.fonts import available
from ecground.paper.header import draw_facts
from ecground.paper.layout import LAYOUTS, Layout
from ecground.paper.page import Page
from ecground.paper.photo import RECIPES, photograph
from ecground.paper.raster import rasterise
from ecground.paper.style import draw_style
from ecground.record import Record
from ecground.simulate import PATHOLOGIES, RHYTHMS, draw, simulate
from ecground.train.segment_augment import chatter, ruled, scattered, worn
from ecground.train.segment_data import Crop, Slack, crop, spots_of

__all__ = ["HELD_OUT", "PageSource", "Shot", "begin", "fonts_in", "is_long", "page", "training_records"]

Rng = np.random.Generator

HELD_OUT: Final = 0.06
"""Share of the training patients kept back to choose between networks."""


def training_records(data: Path, *, held_out: bool) -> list[Record]:
    """12-lead records in true amplitude of the pack's training patients: those trained on, or those kept back."""
    found = []
    for dataset, subset in (("ptbxl", "raw500"), ("ludb", None)):
        for case in pack.cases(data, dataset, subset=subset, split="train"):
            digest = hashlib.sha256(f"{dataset}/{case.patient}".encode()).digest()
            if (digest[0] / 256 < HELD_OUT) == held_out:
                found.append(case.record)
    return found


def fonts_in(folder: Path | None) -> tuple[str, ...]:
    """Fonts that `paper.fonts` has here, and the TrueType and OpenType files below a folder."""
    files = sorted(str(p) for p in folder.rglob("*") if p.suffix.lower() in (".ttf", ".otf")) if folder else []
    return (*available(), *files)


@dataclass(frozen=True)
class Shot:
    """A page as rendered and as photographed; the two are the same page when it was not photographed."""

    flat: Page
    photo: Page

    def crop(self, origin: tuple[float, float], size: tuple[int, int], slack: Slack, *, border: int = 255) -> Crop:
        """A piece of the rectified page; see `segment_data.crop`."""
        assert self.flat.truth is not None
        return crop(self.flat.truth, self.photo, origin, size, slack, border=border)


@dataclass(frozen=True)
class PageSource:
    """Where pages come from: page `i` of a seed is always the same one."""

    records: Sequence[Record]
    fonts: tuple[str, ...]
    photographed: float
    """Share of pages that are photographed; the others are worn crop by crop."""
    seed: int
    strewn: float = 0.45
    """Share of crops over which further words are scattered."""
    words: float = 3.0
    """About how many more than three."""
    turned: float = 0.04
    """Share of crops that lie the wrong way."""
    simulated: float = 0.35
    """Share of pages that show a simulated ECG."""
    crops: int = 12
    """Crops a page."""
    side: int = 384
    """Width and height of a crop [px]."""

    def page(self, index: int) -> tuple[Crop, ...]:
        """Crops of page `index`."""
        rng = np.random.default_rng([self.seed, index])
        shot = self.shot(rng)
        return tuple(self._crop(shot, rng) for _ in range(self.crops))

    def shot(self, rng: Rng) -> Shot:
        """A random page; drawn again where layout, style and paper do not fit together."""
        while True:
            try:
                flat = self._printed(rng)
            except EcgroundError:
                continue
            pictured = rng.random() < self.photographed and not is_long(flat)
            return Shot(flat, _photographed(flat, rng) if pictured else flat)

    def _printed(self, rng: Rng) -> Page:
        record = self._record(rng)
        style = draw_style(rng)
        style = style.replace(font=str(rng.choice(list(self.fonts))))
        dpi = float(np.exp(rng.uniform(np.log(100), np.log(300))))
        drawing = compose(record, _layout(rng), style, facts=draw_facts(rng),
                          start_s=float(rng.uniform(0, max(0.0, record.seconds - 10.0))))
        words = (*drawing.words, *_strewn(rng, style.text_mm))
        return Page(*rasterise(replace(drawing, words=words), dpi), dpi)

    def _record(self, rng: Rng) -> Record:
        if not self.records or rng.random() < self.simulated:
            pathology = str(rng.choice(list(PATHOLOGIES))) if rng.random() < 0.5 else None
            patient = draw(rng, rhythm=str(rng.choice(list(RHYTHMS))), pathology=pathology)
            record = simulate(patient, fs=500.0, seconds=10.0, rng=rng).record
        else:
            record = self.records[int(rng.integers(len(self.records)))]
        larger = np.float32(np.exp(rng.normal(0, 0.3)))
        return replace(record, signal=record.signal * larger)

    def _crop(self, shot: Shot, rng: Rng) -> Crop:
        """Half of the crops have a name or note in view, the others are anywhere, a little beyond the edge too."""
        truth = shot.flat.truth
        assert truth is not None
        scale = PX_PER_MM / truth.px_per_mm[0]
        spots = spots_of(truth, lambda points: points * scale)
        if spots and rng.random() < 0.55:
            spot = spots[int(rng.integers(len(spots)))]
            origin = np.array([spot.x, spot.y]) - rng.uniform(0.1, 0.9, 2) * self.side
        else:
            size = np.array(truth.masks.shape[::-1]) * scale
            origin = rng.uniform(-0.15 * self.side, np.maximum(size - 0.85 * self.side, 0.0))
        border = int(rng.choice((0, 128, 255)))
        cut = shot.crop((float(origin[0]), float(origin[1])), (self.side, self.side), Slack.draw(rng), border=border)
        if rng.random() < 0.12:
            cut = ruled(cut, rng)
        if rng.random() < self.strewn:
            cut = scattered(cut, self.fonts, rng, more=self.words)
        plain = shot.photo is shot.flat
        cut = replace(cut, image=worn(cut.image, rng, severity=float(rng.random() * (1.0 if plain else 0.5))))
        return _turned(cut, int(rng.integers(1, 4))) if rng.random() < self.turned else cut


def is_long(flat: Page) -> bool:
    """A metre of paper, as at 100 mm/s: nobody photographs that in one piece."""
    height, width = flat.image.shape[:2]
    return width > 4 * height


def _photographed(flat: Page, rng: Rng) -> Page:
    """Scanned, copied, faxed or, half of the time, photographed with a phone."""
    return photograph(flat, "phone" if rng.random() < 0.5 else str(rng.choice(list(RECIPES))), rng)


def _turned(cut: Crop, quarters: int) -> Crop:
    """A page that lies the wrong way: nothing on it is a name, and heights mean nothing."""
    image, trace, marks = (np.rot90(x, quarters).copy() for x in (cut.image, cut.trace, cut.marks))
    return Crop(image, trace, np.full_like(cut.height, np.nan), marks, np.rot90(cut.seen, quarters).copy(), ())


def _layout(rng: Rng) -> Layout:
    """A registered layout, sometimes with other rhythm strips."""
    chosen = LAYOUTS[str(rng.choice(list(LAYOUTS)))]
    if chosen.rhythm and rng.random() < 0.4:
        leads = tuple(str(lead) for lead in rng.choice(STANDARD, len(chosen.rhythm), replace=False))
        chosen = replace(chosen, name="random", rhythm=leads)
    if rng.random() < 0.1:
        columns = tuple(tuple(str(lead) for lead in rng.permutation(column)) for column in chosen.columns)
        chosen = replace(chosen, name="random", columns=columns)
    return chosen


def _strewn(rng: Rng, size: float) -> tuple[Words, ...]:
    """Words over the page, most of them near its top."""
    ink = int(rng.integers(0, 120))
    return tuple(
        Words("statement", chatter(rng), float(rng.uniform(3, 250)),
              float(rng.uniform(4, 30) if rng.random() < 0.7 else rng.uniform(5, 205)), size, (ink, ink, ink))
        for _ in range(int(rng.integers(0, 14)))
    )


_MADE: list[PageSource] = []


def begin(source: PageSource) -> None:
    """Make this process one that serves the pages of `source`."""
    import cv2

    cv2.setNumThreads(1)
    _MADE[:] = [source]


def page(index: int) -> tuple[Crop, ...]:
    """Page `index` of the source that this process serves."""
    return _MADE[0].page(index)
