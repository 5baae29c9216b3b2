"""What every training loop keeps: an averaged network, a state to go on from after a kill, and a log.

A checkpoint is written beside the old one and put in its place, so that a kill leaves the one or the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

__all__ = ["average", "log", "restore", "save"]


def average(decay: float) -> Callable[[list[Tensor], list[Tensor], Tensor], None]:
    """Exponential moving average whose memory grows with the number of steps seen, so that it forgets the start."""

    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], n: Tensor) -> None:
        keep = min(decay, (1 + float(n)) / (20 + float(n)))
        for mean, value in zip(averaged, current, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - keep)
            else:
                mean.copy_(value)

    return update


def save(path: Path, state: dict[str, object], step: int) -> None:
    """Write the states of everything that a run goes on from, and how many steps are done."""
    partial = path.with_suffix(".partial")
    torch.save({"step": step, **{k: v.state_dict() for k, v in state.items()}}, partial)  # type: ignore[attr-defined]
    partial.replace(path)


def restore(path: Path, state: dict[str, object]) -> int:
    """Load a checkpoint into `state`; the number of steps done, 0 where there is none."""
    if not path.exists():
        return 0
    saved = torch.load(path, weights_only=True)
    for key, holder in state.items():
        holder.load_state_dict(saved[key])  # type: ignore[attr-defined]
    return int(saved["step"])


def log(path: Path, **entry: float | str) -> None:
    """Append a line of JSON and print it."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
    print(json.dumps(entry), flush=True)
