"""The baseline to beat: a per-lead U-Net of 232k parameters, trained here from scratch on LUDB's training patients.

One lead at a time, 250 Hz, 2,500 samples, centred on its median and divided by the 98th percentile of its magnitude.
Five levels of two (convolution 9, batch norm, ReLU), channels 8-16-32-48-64, max-pool 2, nearest up-sampling with
skips, four classes (none, P, QRS, T). Labels outside the first and last annotated wave of a lead are ignored; class
weights 1, 1.5, 1.5, 1; AdamW, one cycle to 4e-3, batch 32, 10 epochs. Augmentation: time stretch 0.8-1.25, sign flip
in 15 %, baseline sine, white noise, circular shift. The class probabilities are smoothed over 5 samples, runs shorter
than 8 (QRS 6) samples dropped, and a wave's peak is the sample farthest from the chord onset-offset.

It sees one lead at a time. About 2 CPU minutes; nothing is saved. Needs PyTorch.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from datapack import LudbRecord
from marks import LeadMarks, RecordMarks
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import resample_poly
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["SingleLeadUNet", "UNet", "train"]

FS = 250
LENGTH = 2500
CHANNELS = (8, 16, 32, 48, 64)
WAVES = (("p_on", "p_peak", "p_off"), ("qrs_on", "r_peak", "qrs_off"), ("t_on", "t_peak", "t_off"))
SHORTEST = (8, 6, 8)
"""Shortest run kept, P QRS T [samples at 250 Hz]."""
Array = NDArray[np.float32]


def _pair(n_in: int, n_out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in (n_in, n_out):
        layers += [nn.Conv1d(width, n_out, 9, padding=4), nn.BatchNorm1d(n_out), nn.ReLU()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """`[b, 1, t]` -> logits `[b, 4, t]`, t divisible by 16."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(_pair(a, b) for a, b in zip((1, *CHANNELS), CHANNELS, strict=False))
        self.up = nn.ModuleList(_pair(a + b, b) for a, b in zip(CHANNELS[:0:-1], CHANNELS[-2::-1], strict=True))
        self.head = nn.Conv1d(CHANNELS[0], 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of each sample."""
        skips: list[Tensor] = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else F.max_pool1d(x, 2))
            skips.append(x)
        for block, skip in zip(self.up, skips[-2::-1], strict=True):
            x = block(torch.cat([F.interpolate(x, scale_factor=2, mode="nearest"), skip], 1))
        return self.head(x)


def _normalise(x: Array) -> Array:
    """Centre on the median, divide by the 98th percentile of the magnitude; last axis is time."""
    centred = x - np.median(x, axis=-1, keepdims=True)
    scale = np.percentile(np.abs(centred), 98, axis=-1, keepdims=True)
    return np.asarray(centred / np.maximum(scale, 1e-6), np.float32)


def _pad(x: Array) -> Array:
    return np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, -x.shape[-1] % 16)])


def _examples(records: Sequence[LudbRecord]) -> tuple[Array, NDArray[np.int64]]:
    """Signals `[n, LENGTH]` at 250 Hz and classes `[n, LENGTH]`: -1 ignored, 0 none, 1 P, 2 QRS, 3 T."""
    signals, classes = [], []
    code = {"P": 1, "QRS": 2, "T": 3}
    for record in records:
        at_250 = resample_poly(record.signal, 1, 2, axis=1)[:, :LENGTH]
        for lead, waves in zip(at_250, record.waves, strict=True):
            marked = [w for w in waves if w.onset is not None and w.offset is not None]
            if not marked:
                continue
            truth = np.full(LENGTH, -1, np.int64)
            truth[round(min(w.onset for w in marked) / 2) : round(max(w.offset for w in marked) / 2) + 1] = 0
            for w in marked:
                truth[round(w.onset / 2) : round(w.offset / 2) + 1] = code[w.kind]
            signals.append(lead)
            classes.append(truth)
    return np.stack(signals).astype(np.float32), np.stack(classes)


def _augment(x: Array, y: NDArray[np.int64], rng: np.random.Generator) -> tuple[Array, NDArray[np.int64]]:
    n = len(x)
    at = np.arange(n) / rng.uniform(0.8, 1.25)  # > 1: slower, cut at the end; < 1: faster, the rest is unknown
    inside = at <= n - 1
    x = np.where(inside, np.interp(at, np.arange(n), x), np.median(x))
    y = np.where(inside, y[np.minimum(np.rint(at).astype(int), n - 1)], -1)
    x = _normalise(x.astype(np.float32))
    if rng.random() < 0.15:
        x = -x
    wander = np.sin(2 * np.pi * (rng.uniform(0.05, 0.5) * np.arange(n) / FS + rng.random()))
    x = x + rng.uniform(0, 0.5) * wander + rng.uniform(0, 0.1) * rng.standard_normal(n)
    shift = int(rng.integers(0, n))
    return np.roll(x, shift).astype(np.float32), np.roll(y, shift)


@dataclass(frozen=True)
class SingleLeadUNet:
    """The trained network and its post-processing."""

    net: UNet
    parameters: int
    train_cpu_s: float
    """CPU seconds that training took."""

    def __call__(self, signal: Array, fs: float) -> RecordMarks:
        """Marks of each lead of `[lead, sample]` mV, in samples at `fs`; any length, in overlapping windows of 10 s."""
        at_250 = _at_250(signal, fs)
        classes = self._classes(at_250)
        return [_marks(c, x, fs / FS) for c, x in zip(classes, at_250, strict=True)]

    def _classes(self, x: Array) -> NDArray[np.int8]:
        """Class per lead and sample `[lead, t]`; each window gives its middle, the first and last also their edge."""
        n = x.shape[1]
        starts = list(range(0, max(n - LENGTH, 0) + 1, LENGTH - 500))
        if starts[-1] + LENGTH < n:
            starts.append(n - LENGTH)
        out = np.zeros(x.shape, np.int8)
        for start in starts:
            window = x[:, start : start + LENGTH]
            begin = 0 if start == 0 else 250
            out[:, start + begin : start + window.shape[1]] = self._window(window)[:, begin:]
        return out

    def _window(self, x: Array) -> NDArray[np.intp]:
        with torch.inference_mode():
            logits = self.net(torch.from_numpy(_pad(_normalise(x)))[:, None])
            probability = torch.softmax(logits, 1).numpy()[:, :, : x.shape[1]]
        return np.asarray(uniform_filter1d(probability, 5, axis=2).argmax(1))


def _at_250(signal: Array, fs: float) -> Array:
    ratio = FS / fs
    if math.isclose(ratio, 1):
        return signal
    up, down = (25, 36) if math.isclose(fs, 360) else (FS, round(fs))
    return np.asarray(resample_poly(signal, up, down, axis=1), np.float32)


def _marks(classes: NDArray[np.int8], x: Array, step: float) -> LeadMarks:
    found: dict[str, list[float]] = {mark: [] for wave in WAVES for mark in wave}
    edges = np.flatnonzero(np.diff(np.concatenate([[0], classes, [0]])))
    for start, stop in itertools.pairwise(edges):
        wave = int(classes[start]) - 1
        if wave < 0 or stop - start < SHORTEST[wave]:
            continue
        piece = x[start:stop]
        peak = start + int(np.argmax(np.abs(piece - np.linspace(piece[0], piece[-1], len(piece)))))
        for mark, at in zip(WAVES[wave], (start, peak, stop - 1), strict=True):
            found[mark].append(at * step)
    return {mark: np.array(positions) for mark, positions in found.items()}


def train(records: Sequence[LudbRecord], *, seed: int = 0, epochs: int = 10, batch: int = 32) -> SingleLeadUNet:
    """Train on these patients; deterministic for a seed and a PyTorch version."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    before = time.process_time()
    signals, classes = _examples(records)
    net = UNet()
    steps = len(signals) // batch
    optimiser = torch.optim.AdamW(net.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=4e-3, total_steps=epochs * steps)
    weights = torch.tensor([1.0, 1.5, 1.5, 1.0])
    net.train()
    for _ in range(epochs):
        order = rng.permutation(len(signals))
        for number in range(steps):
            chosen = order[number * batch : (number + 1) * batch]
            views = [_augment(signals[i], classes[i], rng) for i in chosen]
            x = torch.from_numpy(_pad(np.stack([v[0] for v in views])))[:, None]
            y = torch.from_numpy(np.stack([v[1] for v in views]))
            loss = F.cross_entropy(net(x)[:, :, :LENGTH], y, weight=weights, ignore_index=-1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    parameters = sum(p.numel() for p in net.parameters())
    return SingleLeadUNet(net.eval(), parameters, time.process_time() - before)
