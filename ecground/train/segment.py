"""Train the page-reading network: `python -m ecground.train.segment --data PACK --fonts FOLDER --out DIR`.

Three rounds of the same loop. The first learns from rendered pages worn crop by crop, the second from photographed ones
as well and with many more lead names than a page has; the third is short and has about as many as pages have, so that
scores mean what they say. Pages are drawn on the fly by a background process from simulated ECGs and the pack's
training patients.

A kill loses at most `checkpoint_every` steps: the same command goes on, and on CPU gives the same bits.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ecground.train.checkpoint import average, log, restore, save
from ecground.train.export import export_segmentation, register
from ecground.train.segment_net import SegmentNet
from ecground.train.segment_pages import PageSource, fonts_in, training_records
from ecground.train.segment_supply import Batch, supply

__all__ = ["SegmentArgs", "fit", "loss_of", "main"]

ROUNDS: Final = ("first", "second", "third")
LOSSES: Final = ("trace", "height", "marks", "heat", "kind")


@dataclass(frozen=True)
class SegmentArgs:
    """What a run depends on; saved beside its results."""

    data: str
    """Folder of the data pack."""
    out: str
    """Folder for checkpoints, log and the ONNX file."""
    fonts: str = ""
    """Folder of further fonts."""
    steps: tuple[int, ...] = (1000, 2700, 550)
    """Steps of each round."""
    photographed: tuple[float, ...] = (0.0, 0.7, 0.7)
    """Share of photographed pages in each round."""
    strewn: tuple[float, ...] = (0.45, 0.65, 0.2)
    """Share of crops with scattered words."""
    words: tuple[float, ...] = (3.0, 8.0, 2.0)
    """About how many more than three words those have."""
    turned: tuple[float, ...] = (0.04, 0.04, 0.12)
    """Share of crops that lie the wrong way."""
    kinds: tuple[float, ...] = (0.0, 1.0, 1.0)
    """Weight of telling names apart where one stands."""
    lr: tuple[float, ...] = (2.5e-3, 2e-3, 4e-4)
    """Peak learning rate of each round's one-cycle schedule."""
    batch: int = 8
    """Crops a step."""
    ema: float = 0.998
    """Decay of the averaged weights a step; the average is what ships."""
    window: int = 40
    """Pages from which a batch is drawn."""
    pages_per_step: float = 0.5
    """How fast the window slides: 12 crops a page and 8 a step make each crop seen 1.3 times."""
    checkpoint_every: int = 100
    seed: int = 1


def fit(
    net: SegmentNet, source: PageSource, args: SegmentArgs, *, steps: int, lr: float, kinds: float, name: str,
) -> SegmentNet:
    """Train `net` for `steps` on the source's pages; returns the averaged network. `kinds`: see `SegmentArgs`."""
    folder = Path(args.out)
    optimiser = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, lr, total_steps=steps, pct_start=0.1)
    averaged = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=average(args.ema), use_buffers=True)
    state = {"net": net, "averaged": averaged, "optimiser": optimiser, "schedule": schedule}
    first = restore(folder / f"{name}.ckpt", state)
    weights = torch.tensor([1.0, 1.0, 1.0, 1.0, kinds])
    started, parts = time.monotonic(), []
    with supply(source, length=args.window) as window:
        for step in range(first, steps):
            rng = np.random.default_rng([args.seed, step, len(name)])  # a resumed run draws what the unbroken one would
            batch = window.batch(int(step * args.pages_per_step), args.batch, rng)
            net.train()
            losses = loss_of(net, batch)
            optimiser.zero_grad()
            (losses * weights).sum().backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            optimiser.step()
            schedule.step()
            averaged.update_parameters(net)
            parts.append(losses.detach().numpy())
            if (step + 1) % 20 == 0:
                means = dict(zip(LOSSES, np.mean(parts[-20:], axis=0).astype(float).round(4).tolist(), strict=True))
                log(folder / "log.jsonl", round=name, step=step + 1, seconds=round(time.monotonic() - started, 1),
                    **means)
            if (step + 1) % args.checkpoint_every == 0 or step + 1 == steps:
                save(folder / f"{name}.ckpt", state, step + 1)
    averaged.module.eval()
    return averaged.module


def loss_of(net: SegmentNet, batch: Batch) -> Tensor:
    """The `LOSSES` of a batch `[5]`; what is hidden counts nowhere.

    Trace: cross-entropy and Dice (Milletari 2016). Height: absolute error where one lead's trace is. Marks: as the
    trace, since pulses and separators are rare. Heat: the quality focal loss (Li 2020), cross-entropy weighted by the
    squared error, a name. Kind: cross-entropy of which name or note it is, at the middle of each.
    """
    trace, cells, heat = net(batch.image)
    seen = F.interpolate(batch.seen[:, None], scale_factor=4.0)[:, 0]
    guess = trace[:, 0]
    cross = _mean(F.binary_cross_entropy_with_logits(guess, batch.trace, reduction="none"), seen)
    line = _dice(guess.sigmoid() * seen, batch.trace * seen)
    on_trace = batch.seen * batch.height.isfinite()
    height = _mean((cells[:, 0] - batch.height.nan_to_num()).abs(), on_trace)
    marks = _mean(F.binary_cross_entropy_with_logits(cells[:, 1:], batch.marks, reduction="none").mean(1), batch.seen)
    says = cells[:, 1:].sigmoid() * batch.seen[:, None]
    rare = torch.stack([_dice(says[:, i], batch.marks[:, i] * batch.seen) for i in range(3)])
    far = (heat.sigmoid().detach() - batch.heat).square()
    focal = far * F.binary_cross_entropy_with_logits(heat, batch.heat, reduction="none")
    placed = (focal.sum(1) * batch.known).sum() / (4.0 * batch.spots)
    middle = (batch.heat.amax(1) > 0.7) * batch.known
    kind = _mean(F.cross_entropy(heat, batch.heat.argmax(1), reduction="none"), middle)
    return torch.stack([5 * cross + 0.5 * line, height, 2 * marks + 0.3 * rare.sum(), placed, kind])


def _dice(says: Tensor, truth: Tensor) -> Tensor:
    return 1 - (2 * (says * truth).sum() + 1) / ((says**2 + truth**2).sum() + 1)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / (weight.sum() + 1.0)


def main(argv: Sequence[str] | None = None) -> None:
    """All rounds, then the ONNX file and its manifest entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--fonts", default="")
    parser.add_argument("--steps", type=int, nargs=3, default=SegmentArgs.steps)
    parser.add_argument("--batch", type=int, default=SegmentArgs.batch)
    parser.add_argument("--seed", type=int, default=SegmentArgs.seed)
    args = SegmentArgs(**vars(parser.parse_args(argv)))
    torch.set_num_threads(1)
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "args.json").write_text(json.dumps(asdict(args), indent=2), "utf-8")
    torch.manual_seed(args.seed)
    records = training_records(Path(args.data), held_out=False)
    fonts = fonts_in(Path(args.fonts) if args.fonts else None)
    net = SegmentNet()
    for k, name in enumerate(ROUNDS):
        source = PageSource(records, fonts, photographed=args.photographed[k], strewn=args.strewn[k],
                            words=args.words[k], turned=args.turned[k], seed=args.seed + k)
        student = SegmentNet()
        student.load_state_dict(net.state_dict())
        net = fit(student, source, args, steps=args.steps[k], lr=args.lr[k], kinds=args.kinds[k], name=name)
    path = folder / "segmentation.onnx"
    export_segmentation(net, path)
    register(path, "segmentation", {
        "licence": "Apache-2.0 (weights); trained on PTB-XL (CC BY 4.0), LUDB (ODC-By 1.0) and simulated ECGs",
        "card": "docs/models/segmentation.md", "px_per_mm": 8, "seed": args.seed, "torch": torch.__version__,
    })


if __name__ == "__main__":
    main()
