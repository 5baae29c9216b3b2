"""How fast and how steady: samples to text on one core, two cores, thousands of records, and 24 hours.

    python benchmarks/throughput.py [--only ratio scaling memory holter] [--records 1000] [-o OUT.json]

Timings are CPU seconds of the process and are told as ratios within one run, since machines differ; nothing here
passes or fails. `ratio` compares with NeuroKit2's ecg_process on the same 12 leads (its environment:
benchmarks/requirements-peers.txt). Needs ECGROUND_DATA. Research use, not a medical device.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import _one_thread  # noqa: F401 - before numpy
import datapack
import methods
import numpy as np

from ecground.record import Record

__all__ = ["samples_to_measurements"]

Results = dict[str, Any]


def samples_to_measurements(signal: np.ndarray, *, repeats: int = 30) -> Results:
    """Print and return the CPU milliseconds of one 12-lead, 10 s record on one core, warm."""
    from ecground.interpret import interpret
    from ecground.measure import measure
    from ecground.signal.delineate import delineate

    record = Record(signal, 500.0, datapack.LEADS)
    steps: dict[str, Callable[[], object]] = {
        "samples to marks": lambda: delineate(record), "samples to Measurements": lambda: measure(record),
        "samples to text": lambda: interpret(record),
    }
    print("\n## Speed: 12 leads x 10 s, one core, warm, CPU ms (median, 5th to 95th percentile)")
    out: Results = {}
    for name, step in steps.items():
        step()
        times = 1000 * np.array([_cpu(step) for _ in range(repeats)])
        low, middle, high = np.percentile(times, [5, 50, 95])
        print(f"{name:26}{middle:8.1f}  ({low:.1f} to {high:.1f})")
        out[name] = middle
    print("aim: samples to Measurements < 100 ms")
    return out


def _cpu(step: Callable[[], object]) -> float:
    before = time.process_time()
    step()
    return time.process_time() - before


def _records(count: int) -> list[Record]:
    """LUDB's validation patients, repeated as often as needed."""
    patients = [Record(r.signal, r.fs, datapack.LEADS) for r in datapack.ludb("valid")]
    return list(itertools.islice(itertools.cycle(patients), count))


def _interpret_all(records: list[Record]) -> int:
    """Characters of text written (module level, so that a spawned process finds it)."""
    from ecground.interpret import interpret

    return sum(len(interpret(record).text) for record in records)


def ratio(_: int) -> Results:
    """Samples to text against NeuroKit2's ecg_process on 12 leads."""
    from ecground.interpret import interpret

    records = _records(20)
    interpret(records[0])
    ours = float(np.median([_cpu(lambda r=r: interpret(r)) for r in records]))
    print(f"\n## Samples to text, 12 leads x 10 s, one core\necground {1000 * ours:.0f} CPU ms a record")
    theirs = methods.peer("nk-process", [r.signal for r in records], 500.0)
    if theirs is None:
        return {"ours_s": ours}
    print(f"NeuroKit2 ecg_process, 12 leads: {1000 * theirs.cpu_s:.0f} CPU ms a record, {theirs.crashed} leads crashed")
    print(f"ratio {theirs.cpu_s / ours:.1f} (aim >= 8)")
    return {"ours_s": ours, "neurokit_s": theirs.cpu_s, "ratio": theirs.cpu_s / ours}


def scaling(_: int) -> Results:
    """Wall time of one process against two, the same records."""
    records = _records(200)
    wall: dict[int, float] = {}
    for workers in (1, 2):
        parts = [records[i::workers] for i in range(workers)]
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            list(pool.map(_interpret_all, [records[:1]] * workers))  # start and warm up every process
            before = time.perf_counter()
            list(pool.map(_interpret_all, parts))
            wall[workers] = time.perf_counter() - before
    print(f"\n## Two processes: {len(records)} records in {wall[1]:.1f} s by one, {wall[2]:.1f} s by two: "
          f"x {wall[1] / wall[2]:.2f} ({os.cpu_count()} cores, load {_load()})")
    return {"one_s": wall[1], "two_s": wall[2], "speed_up": wall[1] / wall[2]}


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def memory(count: int) -> Results:
    """Resident memory while `count` records go through."""
    import psutil

    process = psutil.Process()
    print(f"\n## Memory over {count} records, samples to text")
    out: Results = {}
    batch = _records(54)
    for done in range(count):
        _interpret_all(batch[done % len(batch) : done % len(batch) + 1])
        if done + 1 in {max(1, count * tenth // 10) for tenth in range(1, 11)}:
            out[str(done + 1)] = process.memory_info().rss / 2**20
            print(f"{done + 1:7d} records: {out[str(done + 1)]:.0f} MiB")
    half = [v for k, v in out.items() if int(k) >= count // 2]
    print(f"growth in the second half: {half[-1] - half[0]:+.0f} MiB")
    return out


def holter(_: int) -> Results:
    """1, 6 and 24 hours of two leads at 250 Hz: a MIT-BIH half hour after another."""
    from scipy.signal import resample_poly

    from ecground.interpret import interpret

    print("\n## Holter: two leads at 250 Hz, samples to text")
    pieces = [resample_poly(r.signal, 25, 36, axis=1) for r in itertools.islice(datapack.mitdb(), 4)]
    day = np.concatenate([pieces[i % len(pieces)] for i in range(48)], axis=1).astype(np.float32)
    interpret(Record(day[:, : 60 * 250], 250.0, ("II", "V5")))
    out: Results = {}
    for hours in (1, 6, 24):
        record = Record(np.ascontiguousarray(day[:, : hours * 3600 * 250]), 250.0, ("II", "V5"))
        out[str(hours)] = _cpu(lambda record=record: interpret(record))
        print(f"{hours:3d} h: {out[str(hours)]:8.1f} CPU s, {out[str(hours)] / hours:6.2f} a recorded hour")
    print(f"24 h / 1 h = {out['24'] / out['1']:.1f} (linear: 24)")
    return out


SECTIONS: dict[str, Callable[[int], Results]] = {
    "ratio": ratio, "scaling": scaling, "memory": memory, "holter": holter,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="sections, all by default")
    parser.add_argument("--records", type=int, default=1000, help="records of the memory section (the claim: 10,000)")
    parser.add_argument("-o", "--output", type=Path, help="also write the numbers as JSON")
    args = parser.parse_args()
    results = {"speed": samples_to_measurements(_records(1)[0].signal)}
    results |= {name: SECTIONS[name](args.records) for name in args.only}
    print("\nresearch use, not a medical device")
    if args.output:
        args.output.write_text(json.dumps(results, indent=1, default=float) + "\n")


if __name__ == "__main__":
    main()
