"""How fast pages are drawn, with all their truth, beside other programs.

    python benchmarks/render.py [--pages 20] [-o OUT.json]

CPU seconds of one process and one thread, warm, at 200 dpi: pages of simulated ECGs of 10 s at 500 Hz in memory
(image, polylines, boxes, masks), written (PNG, JSON, masks), as SVG and PDF, and photographed. ecg-plot and pmecg draw
the same leads in the same run where `ECGROUND_PEERS` names an interpreter that has them (they draw no truth);
ecg-image-kit's figures are from its own program on another day. Research use, not a medical device.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import _one_thread
import numpy as np

from ecground.leads import STANDARD
from ecground.paper.draw import plan, render
from ecground.paper.export.files import save_page
from ecground.paper.header import draw_facts
from ecground.paper.layout import LAYOUTS
from ecground.paper.style import draw_style
from ecground.paper.vector import to_pdf, to_svg
from ecground.record import Record

__all__ = ["measure"]

HERE = Path(__file__).parent
KIT_S = {"clean, with boxes": 1.24, "wrinkles": 2.7, "augmented": 3.0}
"""CPU seconds a page of ecg-image-kit 27b90f5 (2200 x 1700 px, no masks), measured on a two-core machine."""


def recording(seed: int) -> Record:
    """A plausible ECG of 12 leads by sums of Gaussian waves: the drawing time depends on samples and ink alone."""
    rng = np.random.default_rng(seed)
    t = np.arange(5000) / 500.0
    phase = (t * rng.uniform(0.9, 1.6)) % 1.0
    shape = [(0.2, 0.025, 0.12), (0.37, 0.008, -0.1), (0.4, 0.012, 1.1), (0.43, 0.01, -0.25), (0.62, 0.045, 0.3)]
    lead = [sum(size * rng.normal(0.8, 0.5) * np.exp(-0.5 * ((phase - at) / width) ** 2) for at, width, size in shape)
            for _ in range(12)]
    signal = np.array(lead) + 0.01 * rng.standard_normal((12, len(t)))
    return Record(signal.astype(np.float32), 500.0, STANDARD)


def measure(pages: int) -> dict[str, Any]:
    """Print and return pages a second."""
    records = [recording(seed) for seed in range(pages)]
    out: dict[str, Any] = {}
    print(f"{platform.machine()}, Python {platform.python_version()}, one thread, 200 dpi, {pages} pages a row")
    print("\n## In memory with all truth: pages a CPU second (median page, slowest page)")
    for layout in LAYOUTS:
        out[layout] = _rate(layout, lambda record, layout=layout: render(record, layout=layout, style="muse-like",
                            facts=draw_facts(np.random.default_rng(0))), records)
    rng = np.random.default_rng(0)
    styles = itertools.cycle([draw_style(rng).replace(paper="a4", seconds=None) for _ in records])
    out["random styles"] = _rate("3x4-r1 in random styles", lambda record: render(record, style=next(styles)), records)
    print("\n## Written")
    with tempfile.TemporaryDirectory() as folder:
        stem = Path(folder) / "page"
        out["files"] = _rate("PNG + JSON + 2 mask PNGs", lambda record: save_page(
            render(record, style="muse-like"), stem), records)
        sizes = {path.name.removeprefix("page"): path.stat().st_size for path in Path(folder).iterdir()}
        print("   bytes: " + ", ".join(f"{name} {size:,}" for name, size in sorted(sizes.items())))
    out["svg"] = _rate("SVG", lambda record: to_svg(plan(record, style="muse-like")), records)
    out["pdf"] = _rate("PDF", lambda record: to_pdf([plan(record, style="muse-like")]), records)
    out |= _photographs(records)
    out |= _peers(records[0], pages)
    print("\n## ecg-image-kit, measured on another day")
    for name, seconds in KIT_S.items():
        print(f"{name:44}{1 / seconds:8.2f}")
    return out


def _rate(name: str, draw: Callable[[Record], object], records: list[Record]) -> float:
    draw(records[0])
    seconds = []
    for record in records:
        before = time.process_time()
        draw(record)
        seconds.append(time.process_time() - before)
    print(f"{name:44}{1 / np.median(seconds):8.1f}{1 / max(seconds):8.1f}", flush=True)
    return float(1 / np.median(seconds))


def _photographs(records: list[Record]) -> dict[str, float]:
    if find_spec("ecground.paper.photo") is None:
        return {}
    from ecground.paper.photo import RECIPES, photograph

    print("\n## Drawn and photographed, truth moved along")
    return {f"photo {name}": _rate(name, lambda record, name=name: photograph(
        render(record, style="muse-like"), name, np.random.default_rng(1)), records[:6]) for name in RECIPES}


def _peers(record: Record, pages: int) -> dict[str, float]:
    """The other libraries, each in its own interpreter."""
    peers = os.environ.get("ECGROUND_PEERS")
    print("\n## Other libraries, 3x4 as PNG of 200 dpi, without truth")
    if not peers:
        print("left out: ECGROUND_PEERS names no interpreter (pip install ecg-plot==0.3.0 pmecg==0.3.0 there)")
        return {}
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "ecg.npz"
        np.savez(source, signal=record.signal, fs=record.fs, leads=np.array(record.leads))
        for library in ("ecg-plot", "pmecg"):
            command = [peers, str(HERE / "render_peers.py"), library, str(source), str(min(pages, 10))]
            done = subprocess.run(command, capture_output=True, text=True, check=False,
                                  env=os.environ | _one_thread.VARIABLES)
            if done.returncode:
                print(f"{library:44} did not run: {done.stderr.strip().splitlines()[-1:]}")
                continue
            told = json.loads(done.stdout.splitlines()[-1])
            found[library] = float(1 / np.median(told["cpu_s"]))
            form = f"{told['kind']} {told['size'] or ''}"
            print(f"{library:44}{found[library]:8.1f}{1 / max(told['cpu_s']):8.1f}   {form}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    out = measure(args.pages)
    if args.output:
        args.output.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
