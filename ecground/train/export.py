"""Trained PyTorch networks -> ONNX files that the package ships, with their manifest entry."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["export_delineation", "register"]


class _Probabilities(nn.Module):
    """Logits -> probabilities, so that the run time needs no softmax of its own."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, signal: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        lead, joint = self.net(signal, seen)
        return lead.softmax(2), joint.sigmoid()


def export_delineation(net: nn.Module, path: Path) -> None:
    """Write `net` as ONNX with free lead count and length; inputs `signal`, `seen` `[1, lead, t]`."""
    example = torch.randn(1, 3, 320), torch.ones(1, 3, 320)
    free = {1: "lead", 2: "t"}
    axes = {"signal": free, "seen": free, "lead_p": {1: "lead", 3: "t"}, "joint_p": {2: "t"}}
    with warnings.catch_warnings():
        # The tracing exporter is deprecated; its successor fixes the number of leads unless told more than it can hold.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            _Probabilities(net).eval(), example, str(path), input_names=["signal", "seen"],
            output_names=["lead_p", "joint_p"], dynamic_axes=axes, dynamo=False, opset_version=17,
        )


def register(path: Path, name: str, entry: dict[str, Any]) -> None:
    """Put the file's hash and `entry` into the manifest beside it."""
    manifest = path.parent / "manifest.json"
    known = json.loads(manifest.read_text("utf-8")) if manifest.exists() else {}
    known[name] = {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), **entry}
    manifest.write_text(json.dumps(known, indent=2) + "\n", "utf-8")
