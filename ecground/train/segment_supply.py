"""A stream of pages made by a background process, from which batches are drawn.

Batch `step` is drawn from a window of pages that slides on with the steps, by a generator of its own: the stream is
the same however often a run was stopped.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ecground.train.segment_data import Crop, heat_of
from ecground.train.segment_pages import PageSource, begin, page

__all__ = ["Batch", "Window", "batch_of", "supply"]

_AHEAD = 12  # pages that the background process is ahead of the window


@dataclass(frozen=True)
class Batch:
    """Crops and their targets as tensors; shapes as in `segment_net` and `Crop`."""

    image: Tensor
    trace: Tensor
    height: Tensor
    marks: Tensor
    seen: Tensor
    heat: Tensor
    known: Tensor
    spots: int
    """How many names and notes the heat maps hold."""


def batch_of(crops: list[Crop]) -> Batch:
    """Stack crops."""
    heats = [heat_of(c.spots, c.trace.shape) for c in crops]
    bits = np.stack([c.marks for c in crops])
    seen = np.stack([c.seen for c in crops])
    known = np.stack([known for _, known in heats]) & seen[:, ::2, ::2] & seen[:, 1::2, 1::2]
    return Batch(
        image=torch.from_numpy(np.stack([c.image for c in crops])).permute(0, 3, 1, 2).float(),
        trace=torch.from_numpy(np.stack([c.trace for c in crops])).float() / 255.0,
        height=torch.from_numpy(np.stack([c.height for c in crops])).float(),
        marks=torch.from_numpy(np.stack([bits >> i & 1 for i in range(3)], axis=1)).float(),
        seen=torch.from_numpy(seen).float(),
        heat=torch.from_numpy(np.stack([heat for heat, _ in heats])),
        known=torch.from_numpy(known).float(),
        spots=max(1, sum(int((heat > 0.6).any(axis=(1, 2)).sum()) for heat, _ in heats)),
    )


class Window:
    """The pages `first .. first + length` of a source, made in order by a background process."""

    def __init__(self, pool: ProcessPoolExecutor, length: int) -> None:
        self._pool, self._length = pool, length
        self._first = 0
        self._pages: deque[Future[tuple[Crop, ...]]] = deque()

    def batch(self, first: int, size: int, rng: np.random.Generator) -> Batch:
        """`size` crops drawn from the pages `first .. first + length`; waits until they are made."""
        if first > self._first + len(self._pages):
            self._first = first
            self._pages.clear()
        while self._first < first:
            self._pages.popleft()
            self._first += 1
        while len(self._pages) < self._length + _AHEAD:
            self._pages.append(self._pool.submit(page, self._first + len(self._pages)))
        drawn = [self._pages[int(i)].result() for i in rng.integers(self._length, size=size)]
        return batch_of([crops[int(rng.integers(len(crops)))] for crops in drawn])


@contextmanager
def supply(source: PageSource, *, length: int) -> Iterator[Window]:
    """A window over the source's pages; its process ends with the context."""
    spawn = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=begin, initargs=(source,)) as pool:
        try:
            yield Window(pool, length)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
