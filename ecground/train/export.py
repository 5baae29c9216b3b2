"""Trained PyTorch networks -> ONNX files that the package ships, with their manifest entry."""

from __future__ import annotations

import copy
import hashlib
import json
import warnings
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["export_delineation", "export_segmentation", "register"]


class _Probabilities(nn.Module):
    """Logits -> probabilities, so that the run time needs no softmax of its own."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, signal: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        lead, joint = self.net(signal, seen)
        return lead.softmax(2), joint.sigmoid()


class _Flat(nn.Module):
    """Convolutions, norms and ReLUs of a 1-D stack as 1 x k ones: onnxruntime's blocked kernels are two-dimensional.

    The numbers stay the same, a third of the time goes.
    """

    def __init__(self, stack: nn.Module) -> None:
        super().__init__()
        self.stack = nn.Sequential(*(_two_dimensional(m) for m in stack.modules() if not isinstance(m, nn.Sequential)))

    def forward(self, x: Tensor) -> Tensor:
        return self.stack(x.unsqueeze(2)).squeeze(2)


def _two_dimensional(module: nn.Module) -> nn.Module:
    if isinstance(module, nn.Conv1d):
        flat = nn.Conv2d(module.in_channels, module.out_channels, (1, module.kernel_size[0]), (1, module.stride[0]),
                         (0, int(module.padding[0])), bias=module.bias is not None)
        flat.load_state_dict({k: v.unsqueeze(2) if k == "weight" else v for k, v in module.state_dict().items()})
        return flat
    if isinstance(module, nn.BatchNorm1d):
        norm = nn.BatchNorm2d(module.num_features)
        norm.load_state_dict(module.state_dict())
        return norm
    return module


def _flattened(net: nn.Module) -> nn.Module:
    """A copy of `net` in which every stack of 1-D convolutions is a `_Flat` one."""
    copied = copy.deepcopy(net)
    for parent in list(copied.modules()):
        for name, child in list(parent.named_children()):
            inner = [m for m in child.modules() if not isinstance(m, nn.Sequential)]
            if all(isinstance(m, nn.Conv1d | nn.BatchNorm1d | nn.ReLU) for m in inner):
                setattr(parent, name, _Flat(child))
    return copied


def export_delineation(net: nn.Module, path: Path) -> None:
    """Write `net` as ONNX with free lead count and length; inputs `signal`, `seen` `[1, lead, t]`."""
    example = torch.randn(1, 3, 320), torch.ones(1, 3, 320)
    free = {1: "lead", 2: "t"}
    axes = {"signal": free, "seen": free, "lead_p": {1: "lead", 3: "t"}, "joint_p": {2: "t"}}
    with warnings.catch_warnings():
        # The tracing exporter is deprecated; its successor fixes the number of leads unless told more than it can hold.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            _Probabilities(_flattened(net)).eval(), example, str(path), input_names=["signal", "seen"],
            output_names=["lead_p", "joint_p"], dynamic_axes=axes, dynamo=False, opset_version=17,
        )


class _Reading(nn.Module):
    """The page-reading network from bytes to probabilities; the unit of brightness goes into the first weights."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net: Any = copy.deepcopy(net)
        with torch.no_grad():
            self.net.down[0][0].weight /= self.net.unit
        self.net.unit = 1.0

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        trace, cells, heat = self.net(image.permute(0, 3, 1, 2).float())
        return trace.sigmoid(), torch.cat([cells[:, :1], cells[:, 1:].sigmoid()], 1), heat.sigmoid()


def export_segmentation(net: nn.Module, path: Path) -> None:
    """Write `net` as ONNX with free height and width; input `image` uint8 `[1, h, w, 3]`."""
    axes = {"image": {1: "h", 2: "w"}, "trace": {2: "h", 3: "w"}, "cells": {2: "h4", 3: "w4"},
            "heat": {2: "h8", 3: "w8"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # as above
        torch.onnx.export(
            _Reading(net).eval(), (torch.zeros(1, 64, 96, 3, dtype=torch.uint8),), str(path), input_names=["image"],
            output_names=["trace", "cells", "heat"], dynamic_axes=axes, dynamo=False, opset_version=17,
        )


def register(path: Path, name: str, entry: dict[str, Any]) -> None:
    """Write a manifest beside the file: the package's own, with the file's hash and `entry` in it."""
    known = json.loads((files("ecground.weights") / "manifest.json").read_text("utf-8"))
    known[name] = {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), **entry}
    (path.parent / "manifest.json").write_text(json.dumps(known, indent=2) + "\n", "utf-8")
