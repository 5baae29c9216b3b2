"""How well the page-reading network reads: `python -m ecground.train.segment_score --data PACK --fonts FOLDER`.

Pages of training patients that were kept back and of fresh simulated ECGs, in each kind of photograph, rectified with
their true lattice: what is scored is the network, not the rectification.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ecground.digitize.segment import CELL, HEIGHT_MM, NAMES, TOKENS, NameHit, Segmentation, TokenHit, read
from ecground.digitize.sheet import PX_PER_MM, Sheet, Warp
from ecground.paper.photo import RECIPES, photograph
from ecground.train.segment_data import UNSURE, Crop, Slack, Spot
from ecground.train.segment_pages import PageSource, Shot, fonts_in, is_long, training_records
from ecground.weights import session

__all__ = ["Score", "scored", "whole"]

Map = NDArray[np.floating[Any]]

_NEAR: Final = 3.0 * PX_PER_MM


@dataclass
class Score:
    """Counts over pages; `line` tells the rates."""

    pages: int = 0
    both: float = 0.0
    either: float = 0.0
    height_errors: list[float] = field(default_factory=list)
    """Median absolute error of each page [mm]."""
    centre_errors: list[float] = field(default_factory=list)
    """Median distance of the middle of a column's trace from the true one, each page [px]."""
    names: tuple[int, int, int] = (0, 0, 0)
    """Printed, found with the right name at the right place, found in all."""
    notes: tuple[int, int, int] = (0, 0, 0)

    def add(self, truth: Crop, found: Segmentation) -> None:
        """Count one page."""
        seen = np.repeat(np.repeat(truth.seen, CELL, 0), CELL, 1)
        is_line, says_line = (truth.trace >= 128) & seen, (found.trace >= 0.5) & seen
        self.both += float((is_line & says_line).sum())
        self.either += float((is_line | says_line).sum())
        known = np.isfinite(truth.height) & truth.seen
        middle = np.s_[CELL // 2::CELL, CELL // 2::CELL]
        told = found.height_mm[middle] + 0.5 / PX_PER_MM  # of the cell's middle, half a pixel up
        if known.any():
            self.height_errors.append(float(np.median(np.abs(truth.height[known] * HEIGHT_MM - told[known]))))
            self.centre_errors.append(_off_centre(truth.trace * seen / 255.0, found.trace))
        shown = [s for s in truth.spots if _is_seen(truth, s.x, s.y)]
        doubtful = [s for s in truth.spots if s.kind == UNSURE or not _is_seen(truth, s.x, s.y)]
        names = [(NAMES.index(h.lead), h) for h in found.names]
        notes = [(len(NAMES) + TOKENS.index((h.kind, h.value)), h) for h in found.tokens]
        self.names = _counted(self.names, [s for s in shown if 0 <= s.kind < len(NAMES)], names, doubtful)
        self.notes = _counted(self.notes, [s for s in shown if s.kind >= len(NAMES)], notes, doubtful)
        self.pages += 1

    @property
    def line(self) -> str:
        """One row of the table."""
        rates = [f"{right / max(1, n):7.3f}" for a, right, b in (self.names, self.notes) for n in (a, b)]
        return (f"{self.pages:5d} {self.both / max(1.0, self.either):7.3f} {np.nanmean(self.centre_errors):9.3f} "
                f"{np.mean(self.height_errors):10.2f} {' '.join(rates)}")


HEADER: Final = "pages   IoU  centre px  height mm  names: recall precision  notes: recall precision"


def _is_seen(truth: Crop, x: float, y: float) -> bool:
    row, column = int(y // CELL), int(x // CELL)
    inside = 0 <= row < truth.seen.shape[0] and 0 <= column < truth.seen.shape[1]
    return inside and bool(truth.seen[row, column])


def _off_centre(truth: Map, found: Map) -> float:
    """Median distance [px] of the middle of what was found from that of the true line, where it is nearly flat."""
    distances = []
    for column in range(0, truth.shape[1], 7):
        line, says = truth[:, column], found[:, column]
        inside = np.concatenate([[False], line > 0, [False]])
        for low, high in np.flatnonzero(inside[1:] != inside[:-1]).reshape(-1, 2):
            reach = slice(max(0, low - 2), high + 2)
            rows = np.arange(len(line))[reach]
            if high - low <= 4 and says[reach].sum() > 0.5:
                middles = [float((x[reach] * rows).sum() / x[reach].sum()) for x in (line, says)]
                distances.append(abs(middles[0] - middles[1]))
    return float(np.median(distances)) if distances else float("nan")


Counts = tuple[int, int, int]
Hits = Sequence[tuple[int, NameHit | TokenHit]]


def _counted(so_far: Counts, printed: Sequence[Spot], hits: Hits, doubtful: Sequence[Spot]) -> Counts:
    """Hits near a doubtful spot count neither way."""
    def near(hit: NameHit | TokenHit, spot: Spot) -> bool:
        return bool(np.hypot(hit.x - spot.x, hit.y - spot.y) < _NEAR)

    right = sum(any(kind == spot.kind and near(hit, spot) for kind, hit in hits) for spot in printed)
    counted = sum(not any(near(hit, spot) for spot in doubtful) for _, hit in hits)
    return so_far[0] + len(printed), so_far[1] + right, so_far[2] + counted


def whole(shot: Shot, rng: np.random.Generator) -> tuple[Sheet, Crop]:
    """A page rectified from edge to edge, as its sheet and with its truth."""
    truth = shot.flat.truth
    assert truth is not None
    height, width = (round(n / truth.px_per_mm[0] * PX_PER_MM / 32 + 0.5) * 32 for n in truth.masks.shape)
    cut = shot.crop((0.0, 0.0), (height, width), Slack.draw(rng) if shot.photo is not shot.flat else Slack.none())
    seen = np.repeat(np.repeat(cut.seen, CELL, 0), CELL, 1)
    corners = np.array([[[0.0, 0.0], [width, 0.0]], [[0.0, height], [width, height]]])
    return Sheet(cut.image, Warp(float(max(height, width)), corners), seen, 1.0, 1.0), cut


def scored(
    network: onnxruntime.InferenceSession, source: PageSource, kind: str, pages: int, *, seed: int = 0,
) -> Score:
    """Read `pages` pages of one kind: `rendered`, or a recipe of `paper.photo`."""
    score = Score()
    for index in range(pages):
        rng = np.random.default_rng([seed, index])  # the same pages for every kind
        shot = source.shot(rng)
        while is_long(shot.flat):
            shot = source.shot(rng)
        if kind != "rendered":
            shot = Shot(shot.flat, photograph(shot.flat, kind, rng))
        sheet, truth = whole(shot, rng)
        score.add(truth, read(network, sheet))
    return score


def main(argv: Sequence[str] | None = None) -> None:
    """The table, one line a kind of photograph and source of ECGs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--fonts", default="")
    parser.add_argument("--onnx", default="", help="a network other than the package's")
    parser.add_argument("--pages", type=int, default=12)
    parser.add_argument("--kinds", nargs="+", default=["rendered", *RECIPES])
    args = parser.parse_args(argv)
    network = onnxruntime.InferenceSession(args.onnx) if args.onnx else session("segmentation")
    records = training_records(Path(args.data), held_out=True)
    fonts = fonts_in(Path(args.fonts) if args.fonts else None)
    source = PageSource(records, fonts, photographed=0.0, seed=0, simulated=0.25)
    print(f"{'kind':16s} {HEADER}")
    for kind in args.kinds:
        print(f"{kind:16s} {scored(network, source, kind, args.pages).line}", flush=True)


if __name__ == "__main__":
    main()
