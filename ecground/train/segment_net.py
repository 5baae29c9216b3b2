"""The page-reading network: a U-Net that works where little resolution is enough and ends at full resolution.

The first convolution halves the page, so that no layer but the last runs over every pixel; most of the work is done at
1/8 and 1/16, where a lead name is two to four cells high, and 1/32 sees a whole row of leads. Residual blocks of 3 x 3
convolutions, batch norm and ReLU only: what onnxruntime folds and runs blocked on a CPU.

In: RGB 0..255 `[b, 3, h, w]`, h and w divisible by 32, 8 px/mm. Out: logits of the trace `[b, 1, h, w]`; height above
the zero line [10 mm] and logits of pulse, separator, text `[b, 4, h / 4, w / 4]`; logits of the heat maps of lead names
and notes `[b, 21, h / 8, w / 8]`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ecground.digitize.segment import NAMES, TOKENS

__all__ = ["SegmentConfig", "SegmentNet"]


@dataclass(frozen=True)
class SegmentConfig:
    """Widths of the network."""

    channels: tuple[int, ...] = (16, 32, 48, 80, 112)
    """At 1/2, 1/4, 1/8, 1/16 and 1/32 of the resolution."""
    blocks: tuple[int, ...] = (0, 1, 2, 2, 2)
    """Residual blocks on the way down at each level."""


def _conv(n_in: int, n_out: int, *, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(n_out), nn.ReLU())


class _Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.first = _conv(n, n)
        self.second = nn.Sequential(nn.Conv2d(n, n, 3, padding=1, bias=False), nn.BatchNorm2d(n))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class _Rise(nn.Module):
    """One level up: what the coarse level knows, added to the finer level's own features."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.carry = nn.Sequential(nn.Conv2d(coarse, fine, 1, bias=False), nn.BatchNorm2d(fine))
        self.merge = _conv(fine, fine)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        carried = F.interpolate(self.carry(coarse), scale_factor=2.0, mode="nearest")
        merged: Tensor = self.merge(F.relu(fine + carried))
        return merged


class SegmentNet(nn.Module):
    """See the module docstring."""

    def __init__(self, config: SegmentConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or SegmentConfig()
        self.unit = 128.0  # of the pixel values; the exported network has it inside its first weights
        c = config.channels
        stem = _conv(3, c[0], kernel=5, stride=2)
        self.down = nn.ModuleList([stem, *(_conv(c[i], c[i + 1], stride=2) for i in range(len(c) - 1))])
        self.work = nn.ModuleList(nn.Sequential(*(_Block(n) for _ in range(k)))
                                  for n, k in zip(c, config.blocks, strict=True))
        self.up = nn.ModuleList(_Rise(c[i + 1], c[i]) for i in range(len(c) - 1))
        self.trace_head = nn.Sequential(nn.Conv2d(c[0], 4, 3, padding=1), nn.PixelShuffle(2))
        self.cell_head = nn.Conv2d(c[1], 4, 1)
        self.heat_head = nn.Sequential(_conv(c[2], c[2]), nn.Conv2d(c[2], len(NAMES) + len(TOKENS), 1))
        with torch.no_grad():  # nearly all of a page is empty: start from that
            self.trace_head[0].bias.fill_(-3.0)
            self.heat_head[1].bias.fill_(-4.0)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits and heights; shapes in the module docstring."""
        x = image / self.unit
        levels: list[Tensor] = []
        for down, work in zip(self.down, self.work, strict=True):
            x = work(down(x))
            levels.append(x)
        for i in reversed(range(len(self.up))):
            levels[i] = self.up[i](levels[i + 1], levels[i])
        return self.trace_head(levels[0]), self.cell_head(levels[1]), self.heat_head(levels[2])
