"""Many mixed files through the command line: exact counts, flat memory, two jobs against one, kill -9 and resume.

    python benchmarks/batch.py [--records 10000] [--command info] [--folder EMPTY_FOLDER] [-o OUT.json]

Simulated records of two seconds, a sixth each as WFDB, CSV, NPZ, DICOM, EDF and aECG, one in a hundred broken (cut in
half, random bytes, nothing at all, a header without its samples). What each file must give is known from how it was
made. One run with one job, one with two, and one with two that is killed (SIGKILL, the main process) when half of the
results are down, then resumed: its results, failures and exit status must be those of the unbroken run, to the byte.
Speed is given by the clock and, since a clock says little on a busy machine, by CPU seconds: what the run needs at
least on two free cores. Needs no data pack. Research use, not a medical device.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _one_thread  # noqa: F401 - before numpy
import numpy as np
import psutil

from ecground import write
from ecground.simulate import draw, simulate

SUFFIXES = (".hea", ".csv", ".npz", ".dcm", ".edf", ".xml")
BROKEN_EVERY = 100
_POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Run:
    """One call of the command line."""

    status: int
    seconds: float
    mib: list[tuple[float, float]]
    """Resident memory of the main process and of all workers together, over time [MiB]."""
    cpu: dict[int, float]
    """CPU seconds of each process, the main one first."""

    @property
    def bound(self) -> float:
        """Seconds that the run needs at least on two free cores."""
        return max(max(self.cpu.values()), sum(self.cpu.values()) / 2)


def make(folder: Path, count: int) -> set[str]:
    """Write `count` recordings; the names of the broken ones."""
    rng = np.random.default_rng(7)
    records = [simulate(draw(rng), fs=250.0, seconds=2.0, rng=rng).record for _ in range(20)]
    broken = set()
    for number in range(count):
        part = folder / f"{number // 1000:03}"
        part.mkdir(exist_ok=True)
        file = part / f"{number:06}{SUFFIXES[number % 4]}"
        write(records[number % len(records)], file)
        group = number // BROKEN_EVERY
        if number % BROKEN_EVERY == group % BROKEN_EVERY:  # every format and every way in turn
            _break(file, group // len(SUFFIXES) % 3, rng)
            broken.add(str(file))
    return broken


def _break(file: Path, way: int, rng: np.random.Generator) -> None:
    if way == 0 and file.suffix == ".hea":
        file.with_suffix(".dat").unlink()
    elif way == 0 and file.suffix in (".npz", ".dcm", ".edf", ".xml"):
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif way == 1:
        file.write_bytes(b"")
    else:
        file.write_bytes(rng.bytes(4000))


def call(command: str, folder: Path, out: Path, *more: str, kill_after: int | None = None) -> Run:
    """Run the command line and watch its memory; it is killed after `kill_after` results."""
    begun, seen, cpu = time.perf_counter(), [], {}
    with subprocess.Popen([sys.executable, "-m", "ecground", command, str(folder), "-o", str(out), "--quiet", *more],
                          ) as process:
        main = psutil.Process(process.pid)
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):
                children = main.children(recursive=True)
                workers = sum(child.memory_info().rss for child in children)
                seen.append((main.memory_info().rss / 2**20, workers / 2**20))
                for each in (main, *children):
                    used = each.cpu_times()
                    cpu[each.pid] = used.user + used.system
            if kill_after is not None and journalled(out) >= kill_after:
                process.kill()
            time.sleep(_POLL_SECONDS)
    return Run(process.returncode, time.perf_counter() - begun, seen, cpu)


def journalled(out: Path) -> int:
    """Results that are safe on the disk."""
    journal = out.with_name(out.name + ".journal")
    return journal.read_bytes().count(b"\n") - 1 if journal.is_file() else 0


def counted(out: Path) -> tuple[int, set[str]]:
    """Lines in an output, and the names that failed."""
    failed, lines = set(), 0
    with out.open("rb") as file:
        for line in file:
            found = json.loads(line)
            lines += 1
            if not found["ok"]:
                failed.add(found["file"])
    return lines, failed


def memory(run: Run) -> dict[str, float]:
    """Print and return the peaks of the first and the last quarter, start left out [MiB]."""
    rows = np.array(run.mib[len(run.mib) // 20 :])
    first, last = (rows[part].max(axis=0) for part in (slice(len(rows) // 4), slice(-len(rows) // 4, None)))
    print(f"  peak memory, first and last quarter: main {first[0]:.0f} and {last[0]:.0f} MiB, "
          f"workers {first[1]:.0f} and {last[1]:.0f} MiB")
    return {"main_first": first[0], "main_last": last[0], "workers_first": first[1], "workers_last": last[1]}


def benchmark(folder: Path, command: str, count: int) -> dict[str, Any]:
    """All of it, in an empty folder."""
    data = folder / "in"
    data.mkdir()
    broken = make(data, count)
    print(f"{count} files, {len(broken)} broken; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    result: dict[str, Any] = {"records": count, "broken": len(broken), "command": command, "load": os.getloadavg()[0]}
    for jobs in (1, 2):
        out = folder / f"{jobs}.jsonl"
        failures = folder / f"{jobs}.failures"
        run = call(command, data, out, "--jobs", str(jobs), "--failures", str(failures))
        lines, failed = counted(out)
        listed = [json.loads(line) for line in failures.read_text().splitlines()]
        exact = (lines, failed, len(listed), run.status) == (count, broken, len(broken), 1)
        print(f"{jobs} jobs: {run.seconds:.1f} s, {1000 * run.seconds / count:.1f} ms a file, exit {run.status}, "
              f"{lines} lines, {len(failed)} failed: {'exact' if exact else 'NOT EXACT'}; "
              f"CPU {sum(run.cpu.values()):.1f} s, at least {run.bound:.1f} s on two free cores")
        print("  " + ", ".join(f"{code} {n}" for code, n in Counter(row["code"] for row in listed).most_common()))
        result[f"{jobs}_jobs"] = {"seconds": run.seconds, "bound": run.bound, "cpu": sum(run.cpu.values()),
                                  "status": run.status, "exact": exact, **memory(run)}
    one, two = result["1_jobs"], result["2_jobs"]
    print(f"two jobs against one: x {one['seconds'] / two['seconds']:.2f} by the clock, "
          f"x {one['bound'] / two['bound']:.2f} by CPU seconds")
    return result | resumed(command, data, folder, count)


def resumed(command: str, data: Path, folder: Path, count: int) -> dict[str, Any]:
    """A run that is killed in the middle and resumed, against the unbroken one."""
    out, failures = folder / "killed.jsonl", folder / "killed.failures"
    more = ("--jobs", "2", "--failures", str(failures))
    killed = call(command, data, out, *more, kill_after=count // 2)
    kept, bytes_left = journalled(out), out.stat().st_size
    again = call(command, data, out, *more, "--resume")
    same = {
        "results": out.read_bytes() == (folder / "1.jsonl").read_bytes(),
        "failures": failures.read_bytes() == (folder / "1.failures").read_bytes(), "status": again.status == 1,
    }
    print(f"killed (status {killed.status}) with {kept} results journalled and {bytes_left} bytes written, resumed in "
          f"{again.seconds:.1f} s: " + ", ".join(f"{name} {'the same' if same[name] else 'NOT THE SAME'}"
                                                 for name in same))
    return {"killed_after": kept, "resumed_same": same}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--command", choices=("info", "measure", "fiducials", "findings", "interpret"), default="info")
    parser.add_argument("--folder", type=Path, help="an empty folder to keep the files in; a temporary one by default")
    parser.add_argument("-o", "--output", type=Path, help="also write the numbers as JSON")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() if args.folder is None else contextlib.nullcontext(args.folder) as folder:
        result = benchmark(Path(folder), args.command, args.records)
    print("research use, not a medical device")
    if args.output:
        args.output.write_text(json.dumps(result, indent=1, default=float) + "\n")


if __name__ == "__main__":
    main()
