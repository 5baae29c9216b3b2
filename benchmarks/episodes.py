"""How well rhythm episodes are found in half-hour recordings: atrial fibrillation of the MIT-BIH Arrhythmia Database.

    python benchmarks/episodes.py

Truth is the database's rhythm annotations (Moody & Mark 2001); nothing was fitted or chosen on these recordings.
Overlap in minutes between annotated and found fibrillation: sensitivity, positive predictive value (duration, as in
ANSI/AAMI EC57), and episodes of 30 s and more of which at least half was found. Flutter (AFL) is counted once as no
fibrillation and once not at all. Also runs of ventricular ectopy, bigeminy and trigeminy against annotated VT, B and T.
Needs ECGROUND_DATA. Research use, not a medical device.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import _one_thread  # noqa: F401 - before numpy
import datapack
import numpy as np
from numpy.typing import NDArray

from ecground.corpora import pack
from ecground.corpora.case import Beats
from ecground.knowledge.episodes import LONG_S, Episode, episodes
from ecground.measure import measure
from ecground.signal.delineate import delineate

__all__ = ["Half", "covered", "main", "read"]

KINDS: Final = (("AFIB", ("AFIB",), ("AFIB",)), ("AFIB, flutter not counted", ("AFIB",), ("AFIB",)),
                ("ventricular runs", ("VT",), ("VT", "PVC_RUN")), ("bigeminy", ("B",), ("BIGU",)),
                ("trigeminy", ("T",), ("TRIGU",)))
"""(name, annotations, our keys)."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Half:
    """One recording: what was annotated and what was found."""

    name: str
    fs: float
    n_samples: int
    beats: Beats
    found: tuple[Episode, ...]


def read() -> Iterator[Half]:
    """All recordings of the pack, in order."""
    for case in pack.cases(datapack.folder(), "mitdb"):
        record = case.record
        found = episodes(measure(record, delineate(record)))
        print(f"{case.id}: {len(found)} episodes", file=sys.stderr)
        assert case.beats is not None
        yield Half(case.id, record.fs, record.n_samples, case.beats, found)


def covered(half: Half, names: Sequence[str]) -> Mask:
    """`[second]` annotated with one of these rhythms."""
    mask = np.zeros(int(half.n_samples / half.fs), dtype=np.bool_)
    ends = [at for at, _ in half.beats.rhythm[1:]] + [half.n_samples]
    for (first, name), last in zip(half.beats.rhythm, ends, strict=True):
        if name in names:
            mask[round(first / half.fs):round(last / half.fs)] = True
    return mask


def _found(half: Half, keys: Sequence[str]) -> Mask:
    mask = np.zeros(int(half.n_samples / half.fs), dtype=np.bool_)
    for episode in half.found:
        if episode.key in keys:
            mask[round(episode.onset / half.fs):round(episode.end / half.fs) + 1] = True
    return mask


def _stretches(mask: Mask) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _report(name: str, halves: Sequence[Half], truth: Sequence[Mask], ours: Sequence[Mask]) -> None:
    both = sum(float((a & b).sum()) for a, b in zip(truth, ours, strict=True)) / 60
    real, said = (sum(float(mask.sum()) for mask in masks) / 60 for masks in (truth, ours))
    long = [(stretch, b) for a, b in zip(truth, ours, strict=True) for stretch in _stretches(a)
            if stretch.stop - stretch.start >= LONG_S]
    hit = sum(float(b[stretch].mean()) >= 0.5 for stretch, b in long)
    print(f"{name:26} {real:9.1f} {said:7.1f} {100 * both / max(real, 1e-9):12.1f} {100 * both / max(said, 1e-9):6.1f}"
          f" {hit:6d} of {len(long)}")
    if name == "AFIB":
        for half, a, b in zip(halves, truth, ours, strict=True):
            if a.any() or b.any():
                print(f"  {half.name}: annotated {a.sum() / 60:5.1f}, found {b.sum() / 60:5.1f}, "
                      f"both {(a & b).sum() / 60:5.1f} min")


def main() -> None:
    halves = list(read())
    hours = sum(half.n_samples / half.fs for half in halves) / 3600
    print(f"MIT-BIH, {len(halves)} recordings, {hours:.1f} h")
    print("                           annotated   found  sensitivity    PPV  episodes >= 30 s")
    print("                                 min     min            %      %")
    for name, annotated, keys in KINDS:
        truth = [covered(half, annotated) for half in halves]
        ours = [_found(half, keys) for half in halves]
        if "not counted" in name:
            flutter = [covered(half, ("AFL",)) for half in halves]
            ours = [mask & ~other for mask, other in zip(ours, flutter, strict=True)]
        _report(name, halves, truth, ours)


if __name__ == "__main__":
    main()
