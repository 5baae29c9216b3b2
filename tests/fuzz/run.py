"""Coverage-guided fuzzing of every parser with atheris, outside CI: only our own errors, in bounded time and memory.

    pip install atheris==3.0.0
    python -m tests.fuzz.run [--inputs 100000] [--seed 1] [--only dicom deid-dicom] [--folder FOLDER] [-o TABLE.json]

Each parser runs in a process of its own that is stopped by an input of more than 20 s or 2.5 GiB, and goes on with the
next seed. A defect does not stop it: the first input of each kind (exception and line) is kept in FOLDER/NAME/defects,
and the exit status is 1. With ECGROUND_DATA small files of the data pack are among the first inputs.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

_SECONDS = 20
_MIB = 2560
_INSTRUMENTED = ["ecground", "pydicom", "wfdb", "edfio"]
_MOST_STARTS = 20


def main() -> int:
    """Fuzz the parsers asked for and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000, help="for each parser")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", metavar="PARSER")
    parser.add_argument("--folder", type=Path, help="for first inputs, defects and logs; a temporary one by default")
    parser.add_argument("-o", "--output", type=Path, help="also write the table as JSON")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        fuzz(args.child, args.inputs, args.seed, args.folder)
    from tests.fuzz.targets import TARGETS

    root = args.folder or Path(tempfile.mkdtemp(prefix="ecground-fuzz-"))
    print(f"first inputs, defects and logs: {root}")
    print(f"{'parser':<18}{'inputs':>9}{'seed':>6}{'/s':>7}{'slowest s':>11}{'MiB':>6}{'defects':>9}{'stops':>7}"
          "  answers")
    table = {}
    for name in args.only or TARGETS:
        row = table[name] = campaign(name, args.inputs, args.seed, root / name)
        answers = ", ".join(f"{code} {count}" for code, count in Counter(row["answers"]).most_common(6))
        print(f"{name:<18}{row['inputs']:>9}{args.seed:>6}{row['inputs'] / max(row['cpu_seconds'], 1e-9):>7.0f}"
              f"{row['slowest']:>11.2f}{row['mib']:>6.0f}{len(row['defects']):>9}{len(row['stops']):>7}  {answers}",
              flush=True)
        for defect in row["defects"]:
            print(f"    {defect}", flush=True)
        if args.output:
            args.output.write_text(json.dumps(table, indent=1) + "\n")
    return int(any(row["defects"] or row["stops"] for row in table.values()))


def campaign(name: str, inputs: int, seed: int, folder: Path) -> dict[str, Any]:
    """One parser: as many processes one after another as are needed for `inputs`."""
    from tests.fuzz.seeds import SEEDS

    (folder / "defects").mkdir(parents=True, exist_ok=True)
    (folder / "inputs").mkdir(exist_ok=True)
    for k, data in enumerate(SEEDS[name.removeprefix("deid-")]()):
        (folder / "inputs" / f"first{k:03}").write_bytes(data)
    whole: dict[str, Any] = {"inputs": 0, "cpu_seconds": 0.0, "slowest": 0.0, "mib": 0.0, "answers": Counter(),
                             "defects": [], "stops": []}
    for start in range(_MOST_STARTS):
        if whole["inputs"] >= inputs:
            break
        command = [sys.executable, "-m", "tests.fuzz.run", "--child", name, "--folder", str(folder),
                   "--inputs", str(inputs - whole["inputs"]), "--seed", str(seed + 1000 * start)]
        with (folder / f"log{start}").open("wb") as log:
            ended = subprocess.run(command, stdout=log, stderr=log, check=False)
        part = json.loads((folder / "state.json").read_text()) if (folder / "state.json").is_file() else {}
        (folder / "state.json").unlink(missing_ok=True)
        whole["inputs"] += part.get("inputs", 0)
        whole["cpu_seconds"] += part.get("cpu_seconds", 0.0)
        whole["slowest"] = max(whole["slowest"], part.get("slowest", 0.0))
        whole["mib"] = max(whole["mib"], part.get("mib", 0.0))
        whole["answers"].update(part.get("answers", {}))
        whole["defects"] += [one for one in part.get("defects", []) if one not in whole["defects"]]
        if ended.returncode != 0:
            whole["stops"].append(ended.returncode)
    return whole


class Tally:
    """What became of the inputs so far, kept in a file: a fuzzer that is stopped cannot report."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers: Counter[str] = Counter()
        self.defects: list[str] = []
        self.inputs = 0
        self.slowest = 0.0
        self.begun = time.process_time()

    def save(self) -> None:
        """Write the state for the parent."""
        self.folder.joinpath("state.json").write_text(json.dumps({
            "inputs": self.inputs, "cpu_seconds": time.process_time() - self.begun, "slowest": self.slowest,
            "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "answers": self.answers,
            "defects": self.defects,
        }))

    def defect(self, error: BaseException, data: bytes) -> None:
        """Keep the first input of each kind of defect."""
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/fuzz/" not in frame.filename]
        last = frames[-1] if frames else traceback.extract_tb(error.__traceback__)[-1]
        kind = f"{type(error).__name__} at {'/'.join(Path(last.filename).parts[-3:])}:{last.lineno}"
        if kind not in self.defects:
            self.folder.joinpath("defects", f"{len(self.defects):02}").write_bytes(data)
            self.folder.joinpath("defects", f"{len(self.defects):02}.txt").write_text(
                "".join(traceback.format_exception(error)))
            self.defects.append(kind)
            self.save()


def fuzz(name: str, inputs: int, seed: int, folder: Path) -> None:
    """The fuzzer itself; never returns."""
    import atheris

    with atheris.instrument_imports(include=_INSTRUMENTED):
        from ecground.io import rare
        from tests.fuzz.targets import answer
    from ecground.errors import MissingExtraError
    from tests.fuzz.seeds import LARGEST

    def no_child(*_: object) -> None:
        raise MissingExtraError("no second process for every input", where="fuzzing")

    rare._run = no_child

    tally = Tally(folder)
    warnings.simplefilter("error")

    def one(data: bytes) -> None:
        begun = time.process_time()
        try:
            tally.answers[answer(name, data)] += 1
        except Exception as error:  # noqa: BLE001 - whatever comes out is what this looks for
            tally.defect(error, data)
        took = time.process_time() - begun
        tally.inputs += 1
        if took > max(tally.slowest, 0.5):
            folder.joinpath("slowest").write_bytes(data)
        tally.slowest = max(tally.slowest, took)
        if tally.inputs % 500 == 0 or tally.inputs >= inputs:
            tally.save()

    atheris.Setup([sys.argv[0], f"-runs={inputs}", f"-seed={seed}", f"-max_len={LARGEST}", f"-timeout={_SECONDS}",
                   f"-rss_limit_mb={_MIB}", f"-artifact_prefix={folder}/", str(folder / "inputs")], one)
    atheris.Fuzz()


if __name__ == "__main__":
    raise SystemExit(main())
