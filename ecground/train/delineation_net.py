"""The delineation network: a U-Net that looks at every lead and at all leads together.

Two streams share the pyramid. The lead stream applies one set of weights to each lead; at every level its features are
pooled over the leads that are seen (mean and maximum) into a record stream, which decides what all leads agree on and
hands that back to each lead. Nothing depends on the number, order or names of the leads, and a sample that is not seen
(a gap, another lead's part of the page) has weight zero.

Shapes: signal `[b, lead, t]` at 250 Hz normalised per lead, seen `[b, lead, t]` in {0, 1}; t divisible by 32.
Out: logits per lead `[b, lead, 4, t]` for none, P, QRS, T, and over all leads `[b, 3, t]` for P, QRS, T (independent
sigmoids, since a P of one lead may overlap the T of another).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["DelineationConfig", "DelineationNet"]

FOLD = 2
"""Samples that the network treats as one position: it works at 125 Hz and answers at 250 Hz."""


@dataclass(frozen=True)
class DelineationConfig:
    """Widths of the network."""

    channels: tuple[int, ...] = (16, 32, 48, 64, 64)
    """Lead-stream channels at 125, 62.5, 31.25, 15.6 and 7.8 Hz."""
    record: tuple[int, ...] = (24, 32, 48, 64, 64)
    """Record-stream channels at the same levels."""
    kernel: int = 7
    """Convolution width of the lead stream [samples]."""
    record_kernel: int = 5
    """Convolution width of the record stream [samples]."""


def _conv(n_in: int, n_out: int, kernel: int) -> nn.Sequential:
    convolution = nn.Conv1d(n_in, n_out, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm1d(n_out), nn.ReLU())


class _Exchange(nn.Module):
    """Leads -> record -> leads at one level."""

    def __init__(self, lead: int, record: int, carried: int, kernel: int) -> None:
        super().__init__()
        self.gather = _conv(2 * lead + carried, record, kernel)
        self.refine = _conv(record, record, kernel)
        self.tell = nn.Conv1d(record, lead, 1)

    def forward(self, x: Tensor, seen: Tensor, carried: Tensor | None) -> tuple[Tensor, Tensor]:
        # x (B, L, C, T), seen (B, L, 1, T), carried (B, R', T)
        weighted = x * seen
        mean = weighted.sum(1) / (seen.sum(1) + 1e-3)
        pooled = [mean, weighted.amax(1)]
        if carried is not None:
            pooled.append(carried)
        record = self.refine(self.gather(torch.cat(pooled, 1)))  # (B, R, T)
        told = F.relu(x + self.tell(record).unsqueeze(1))
        return told, record


class DelineationNet(nn.Module):
    """See the module docstring."""

    def __init__(self, config: DelineationConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or DelineationConfig()
        c, r, k, kr = config.channels, config.record, config.kernel, config.record_kernel
        n = len(c)
        self.stem = nn.Conv1d(2, c[0], k, stride=FOLD, padding=k // 2)
        ins = (c[0], *c[:-1])
        self.down = nn.ModuleList(nn.Sequential(_conv(ins[i], c[i], k), _conv(c[i], c[i], k)) for i in range(n))
        self.meet_down = nn.ModuleList(_Exchange(c[i], r[i], r[i - 1] if i else 0, kr) for i in range(n))
        self.up = nn.ModuleList(
            nn.Sequential(_conv(c[i + 1] + c[i], c[i], k), _conv(c[i], c[i], k)) for i in range(n - 1))
        self.meet_up = nn.ModuleList(_Exchange(c[i], r[i], r[i + 1] + r[i], kr) for i in range(n - 1))
        self.lead_head = nn.ConvTranspose1d(c[0], 4, FOLD, stride=FOLD)
        self.record_head = nn.ConvTranspose1d(r[0], 3, FOLD, stride=FOLD)

    def forward(self, signal: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of each lead and over all leads; shapes in the module docstring."""
        x = _per_lead(self.stem, torch.stack([signal * seen, seen], 2))  # (B, L, C, T / FOLD)
        weight = _per_lead(_halve, seen.unsqueeze(2))  # (B, L, 1, T / FOLD)
        record: Tensor | None = None
        skips: list[tuple[Tensor, Tensor, Tensor]] = []
        for i, (block, meet) in enumerate(zip(self.down, self.meet_down, strict=True)):
            if i:
                x = _per_lead(_halve, x)
                weight = _per_lead(_halve, weight)
                assert record is not None
                record = _halve(record)
            x = _per_lead(block, x)
            x, record = meet(x, weight, record)
            skips.append((x, weight, record))
        assert record is not None
        for i in range(len(self.up) - 1, -1, -1):
            skip, weight, skip_record = skips[i]
            x = _per_lead(self.up[i], torch.cat([_per_lead(_double, x), skip], 2))
            x, record = self.meet_up[i](x, weight, torch.cat([_double(record), skip_record], 1))
        return _per_lead(self.lead_head, x), self.record_head(record)


def _halve(x: Tensor) -> Tensor:
    return F.max_pool1d(x, 2)


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def _per_lead(f: nn.Module | object, x: Tensor) -> Tensor:
    """Apply `f: (N, C, T) -> (N, C', T')` to `(B, L, C, T)`."""
    y = f(x.flatten(0, 1))  # type: ignore[operator]
    return y.reshape(x.shape[0], x.shape[1], y.shape[1], y.shape[2])
