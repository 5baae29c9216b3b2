"""Train the delineation network: `python -m ecground.train.delineate --data PACK --out DIR`.

Three rounds of the same loop. The first learns LUDB's training patients from their cardiologists' marks. The second
starts from it and adds simulated rhythms that LUDB has none of (AV block with blocked P, pacing, tachycardia, ectopy)
and PTB-XL training patients, whose waves the first round's network marks where it is sure and whose labels correct it:
a record labelled atrial fibrillation or flutter has no P waves. The third is short and ends on LUDB's marks. MIT-BIH is
never trained on.

A kill loses at most `checkpoint_every` steps: the same command goes on, and on CPU gives the same bits.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ecground.train.checkpoint import average, log, restore, save
from ecground.train.delineation_data import Example, batch
from ecground.train.delineation_net import DelineationNet
from ecground.train.delineation_sources import ludb_examples, ptbxl_examples, simulated_examples
from ecground.train.export import export_delineation, register

__all__ = ["DelineateArgs", "fit", "main"]


@dataclass(frozen=True)
class DelineateArgs:
    """What a run depends on; saved beside its results."""

    data: str
    """Folder of the data pack."""
    out: str
    """Folder for checkpoints, log and the ONNX file."""
    first_steps: int = 1300
    """Steps of the first round, on LUDB alone."""
    second_steps: int = 2400
    """Steps of the second round, on everything."""
    batch: int = 8
    """Records a step."""
    length: int = 2304
    """Samples of a training view at 250 Hz."""
    lr: float = 3e-3
    """Peak learning rate of the one-cycle schedule, first round."""
    second_lr: float = 1.5e-3
    """The same of the second round."""
    ema: float = 0.998
    """Decay of the averaged weights a step; the average is what ships."""
    simulated: int = 3000
    """Simulated records."""
    shares: tuple[float, float, float] = (0.55, 0.25, 0.2)
    """Shares of LUDB, PTB-XL and simulated records in the second round."""
    third_steps: int = 400
    """Steps of the third round."""
    third_lr: float = 4e-4
    """Its peak learning rate."""
    third_shares: tuple[float, float, float] = (0.85, 0.1, 0.05)
    """Its shares: nearly all cardiologists' marks, so that the bounds end where they put them."""
    checkpoint_every: int = 200
    seed: int = 1


def fit(
    net: DelineationNet, sources: Sequence[Sequence[Example]], shares: Sequence[float], args: DelineateArgs,
    *, steps: int, lr: float, name: str,
) -> DelineationNet:
    """Train `net` for `steps` on records drawn from `sources` with `shares`; returns the averaged network."""
    folder = Path(args.out)
    optimiser = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, lr, total_steps=steps, pct_start=0.15)
    averaged = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=average(args.ema), use_buffers=True)
    state = {"net": net, "averaged": averaged, "optimiser": optimiser, "schedule": schedule}
    first = restore(folder / f"{name}.ckpt", state)
    started, losses = time.monotonic(), []
    for step in range(first, steps):
        rng = np.random.default_rng([args.seed, step, len(name)])  # a resumed run draws what the unbroken one would
        torch.manual_seed(args.seed * 100_003 + step)
        chosen = rng.choice(len(sources), size=args.batch, p=np.asarray(shares) / sum(shares))
        picked = [sources[s][int(rng.integers(len(sources[s])))] for s in chosen]
        loss = _loss(net, *batch(picked, rng, length=args.length))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        averaged.update_parameters(net)
        losses.append(loss.item())
        if (step + 1) % 50 == 0:
            log(folder / "log.jsonl", round=name, step=step + 1, loss=float(np.mean(losses[-50:])),
                seconds=time.monotonic() - started)
        if (step + 1) % args.checkpoint_every == 0 or step + 1 == steps:
            save(folder / f"{name}.ckpt", state, step + 1)
    averaged.module.eval()
    return averaged.module


def _loss(net: DelineationNet, signal: np.ndarray, seen: np.ndarray, classes: np.ndarray) -> Tensor:
    """Cross-entropy of each lead's class plus binary cross-entropy of "any lead has this wave"."""
    net.train()
    visible = torch.from_numpy(seen)
    target = torch.where(visible > 0, torch.from_numpy(classes).long(), -1)  # (B, L, T)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lead, joint = net(torch.from_numpy(signal), visible)
    loss = F.cross_entropy(lead.float().permute(0, 2, 1, 3), target, ignore_index=-1)
    known = (target >= 0).any(1)  # (B, T)
    if known.any():
        for wave in (1, 2, 3):
            union = (target == wave).any(1).float()
            loss = loss + 0.3 * F.binary_cross_entropy_with_logits(joint[:, wave - 1].float()[known], union[known])
    return loss


def main(argv: Sequence[str] | None = None) -> None:
    """All rounds, then the ONNX file and its manifest entry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    for option in ("first_steps", "second_steps", "third_steps", "batch", "simulated", "seed"):
        parser.add_argument(f"--{option.replace('_', '-')}", type=int, default=getattr(DelineateArgs, option))
    args = DelineateArgs(**vars(parser.parse_args(argv)))
    torch.set_num_threads(1)
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "args.json").write_text(json.dumps(asdict(args), indent=2), "utf-8")
    torch.manual_seed(args.seed)
    ludb = ludb_examples(Path(args.data))
    teacher = fit(DelineationNet(), [ludb], (1.0,), args, steps=args.first_steps, lr=args.lr, name="first")
    rng = np.random.default_rng(args.seed)
    sources = [ludb, ptbxl_examples(Path(args.data), teacher), simulated_examples(args.simulated, rng)]
    student = DelineationNet()
    student.load_state_dict(teacher.state_dict())
    student = fit(student, sources, args.shares, args, steps=args.second_steps, lr=args.second_lr, name="second")
    student = fit(student, sources, args.third_shares, args, steps=args.third_steps, lr=args.third_lr, name="third")
    path = folder / "delineation.onnx"
    export_delineation(student, path)
    register(path, "delineation", {
        "licence": "Apache-2.0 (weights); trained on LUDB (ODC-By 1.0) and PTB-XL (CC BY 4.0)",
        "card": "docs/models/delineation.md", "fs": 250, "seed": args.seed, "torch": torch.__version__,
    })


if __name__ == "__main__":
    main()
