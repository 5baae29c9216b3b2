"""Draw 12 leads with another plotting library: a program for the peers' own interpreter.

    .venv-peers/bin/python benchmarks/render_peers.py {ecg-plot,pmecg} IN.npz PAGES

IN.npz holds `signal` float32 mV `[12, sample]`, `fs` [Hz] and `leads`. Prints JSON: CPU seconds of each page written as
a 3x4 PNG of 200 dpi, with a rhythm strip where the library has one (imports and a first page left out), and its size.
This file imports nothing of ecground, and ecground nothing of it: pmecg is GPL.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _one_thread  # noqa: F401 - before numpy
import numpy as np
from PIL import Image

DPI = 200


def _ecg_plot(signal: np.ndarray, fs: float, leads: list[str]) -> Callable[[Path], Any]:
    import ecg_plot

    def page(path: Path) -> None:
        chart = ecg_plot.plot(signal, sample_rate=fs, units="mV", lead_names=leads, layout="12lead",
                              time_mode="sequential", rhythm_lead="II", window=(0, 10), speed=25, gain=10)
        try:
            chart.save(str(path), dpi=DPI)
        except ImportError:  # PNG needs ecg_plot[export] and Cairo on the machine; SVG needs nothing
            chart.save(str(path.with_suffix(".svg")))

    return page


def _pmecg(signal: np.ndarray, fs: float, leads: list[str]) -> Callable[[Path], Any]:
    import matplotlib as mpl
    import pandas as pd
    import pmecg

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    table = pd.DataFrame(dict(zip(leads, signal, strict=True)))
    arrangement = pmecg.template_factory("4x3", table, leads_map=None)

    def page(path: Path) -> None:
        figure = pmecg.ECGPlotter().plot(table, configuration=arrangement, sampling_frequency=fs)
        figure.savefig(path, dpi=DPI)
        plt.close(figure)

    return page


LIBRARIES = {"ecg-plot": _ecg_plot, "pmecg": _pmecg}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("library", choices=LIBRARIES)
    parser.add_argument("source", type=Path)
    parser.add_argument("pages", type=int)
    args = parser.parse_args()
    with np.load(args.source, allow_pickle=False) as data:
        page = LIBRARIES[args.library](data["signal"], float(data["fs"]), data["leads"].tolist())
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.png"
        for _ in range(args.pages + 1):
            before = time.process_time()
            page(path)
            seconds.append(time.process_time() - before)
        kind, size = "SVG", None
        if path.exists():
            with Image.open(path) as image:
                kind, size = "PNG", image.size
    print(json.dumps({"cpu_s": seconds[1:], "kind": kind, "size": size}))


if __name__ == "__main__":
    main()
