"""Pure shards: a data set is numbered parts, each a function of its number alone; any process can make any part.

`build` makes the parts that are missing, here in a pool of processes, elsewhere by whoever calls `finish_shard` for a
number (Ray Data, a Slurm array); the bytes are the same. A shard's files appear one by one, complete or not at all,
and its manifest (sizes, hashes, counts, failures) last: a kill at any moment loses at most the shards in work, and a
resumed build ends with the bytes of an unbroken one. What one record's failure costs is that record; it is listed in
`failures.jsonl`. A shard whose process dies is named, and the others go on.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from ecground import safe
from ecground.errors import CorruptInputError, EcgroundError, UsageError

__all__ = ["Built", "Failure", "Made", "Maker", "Spread", "build", "finish_shard", "is_finished"]

SETTINGS: Final = "settings.json"
MANIFEST: Final = "manifest.json"
FAILURES: Final = "failures.jsonl"
_SHARDS: Final = "shards"


@dataclass(frozen=True, slots=True)
class Failure:
    """One record that could not be made."""

    item: str
    """Which: corpus and identifier."""
    code: str
    what: str


@dataclass(frozen=True, slots=True)
class Made:
    """One shard: its files and what happened on the way."""

    files: Mapping[str, bytes]
    """Name relative to the data set -> content."""
    counts: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class Built:
    """A finished or partly finished build."""

    shards: int
    """Shards that are complete."""
    missing: tuple[int, ...]
    """Shards whose process died."""
    counts: Mapping[str, int]
    failures: tuple[Failure, ...]
    files: tuple[str, ...]


Maker = Callable[[int], Made]
"""A pure function of the shard's number; picklable, since it goes to other processes."""
Spread = Callable[[Path, Maker, Sequence[int]], Generator[tuple[int, bool]]]
"""Finishes the shards of those numbers somewhere: (number, whether it was finished) of each, as they are done."""


def build(
    out: Path, count: int, make: Maker, *, settings: Mapping[str, Any], jobs: int = 1, resume: bool = False,
    on_shard: Callable[[int], None] | None = None, spread: Spread | None = None,
) -> Built:
    """Make the shards of a data set that are not there yet, then list them all in `manifest.json`.

    Args:
        out: the folder; new or empty unless `resume`.
        count: number of shards.
        make: what makes one.
        settings: everything the bytes depend on; a resumed build must have the same.
        jobs: processes.
        resume: go on with what is there.
        on_shard: is told the number of each shard that is complete.
        spread: makes the missing shards elsewhere than in `jobs` processes of this machine.

    Raises:
        UsageError: the folder is in use, or was built with other settings.
    """
    _prepare(out, {"shards": count, **settings}, resume=resume)
    todo = []
    for number in range(count):
        if not is_finished(out, number):
            todo.append(number)
        elif on_shard is not None:
            on_shard(number)
    missing = []
    running = _run(out, make, todo, jobs) if spread is None else spread(out, make, todo)
    with closing(running) as done:
        for number, alive in done:
            if not alive:
                missing.append(number)
            elif on_shard is not None:
                on_shard(number)
    return _collect(out, count, tuple(sorted(missing)), settings)


def finish_shard(out: Path, number: int, make: Maker) -> None:
    """Make one shard and write it: the files, then the manifest that says it is complete."""
    made = make(number)
    for name, content in made.files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        safe.write_atomic(path, content)
    entry = {
        "files": {name: [len(content), hashlib.sha256(content).hexdigest()] for name, content in made.files.items()},
        "counts": dict(made.counts),
        "failures": [[failure.item, failure.code, failure.what] for failure in made.failures],
    }
    manifest = _manifest(out, number)
    manifest.parent.mkdir(parents=True, exist_ok=True)
    safe.write_atomic(manifest, json.dumps(entry, sort_keys=True).encode())


def is_finished(out: Path, number: int) -> bool:
    """Whether a shard's manifest and every file it names are there with the right size."""
    try:
        entry = _entry(out, number)
        return all((out / name).stat().st_size == size for name, (size, _) in entry["files"].items())
    except (EcgroundError, OSError, KeyError, TypeError, ValueError):
        return False


def _prepare(out: Path, settings: Mapping[str, Any], *, resume: bool) -> None:
    wanted = json.dumps(dict(settings), indent=2, sort_keys=True).encode() + b"\n"
    if out.exists() and any(out.iterdir()):
        if not resume:
            raise UsageError("the folder is not empty", where=out.name, hint="name a new one, or go on with --resume")
        known = out / SETTINGS
        if known.is_file() and safe.read_bytes(known) != wanted:
            raise UsageError("the folder was built with other settings", where=out.name,
                             hint="call it with the same settings, or name a new folder")
        if not known.is_file():
            raise UsageError("the folder was not made by a build", where=out.name, hint="name a new one")
        for half in out.rglob(".*"):  # what a kill left of an unfinished write
            if half.is_file():
                half.unlink()
    out.mkdir(parents=True, exist_ok=True)
    if not (out / SETTINGS).is_file():
        safe.write_atomic(out / SETTINGS, wanted)


def _run(out: Path, make: Maker, todo: Sequence[int], jobs: int) -> Generator[tuple[int, bool]]:
    """(number, whether it was finished) of each shard, as they are done."""
    if jobs <= 1:
        for number in todo:
            finish_shard(out, number, make)
            yield number, True
        return
    left = set(todo)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(finish_shard, out, number, make): number for number in todo}
        try:
            for future in as_completed(futures):
                if not _died(future):
                    left.discard(futures[future])
                    yield futures[future], True
        finally:
            pool.shutdown(cancel_futures=True)
    for number in sorted(left):  # a dead process takes its pool along: each of the rest gets a process of its own
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            yield number, not _died(alone.submit(finish_shard, out, number, make))


def _died(future: Future[None]) -> bool:
    try:
        future.result()
    except BrokenProcessPool:
        return True
    return False


def _manifest(out: Path, number: int) -> Path:
    return out / _SHARDS / f"{number:06d}.json"


def _entry(out: Path, number: int) -> dict[str, Any]:
    path = _manifest(out, number)
    entry = safe.json_value(safe.read_bytes(path), where=path.name)
    if not isinstance(entry, dict):
        raise CorruptInputError("not a shard's manifest", where=path.name)
    return entry


def _collect(out: Path, count: int, missing: tuple[int, ...], settings: Mapping[str, Any]) -> Built:
    """All shards in one manifest, and all failures in one list, in the order of the shards."""
    counts: Counter[str] = Counter()
    failures: list[Failure] = []
    files: dict[str, list[Any]] = {}
    complete = [number for number in range(count) if number not in missing]
    for number in complete:
        entry = _entry(out, number)
        counts.update(entry["counts"])
        failures += [Failure(*row) for row in entry["failures"]]
        files |= entry["files"]
    lines = "".join(json.dumps({"item": row.item, "code": row.code, "what": row.what}) + "\n" for row in failures)
    safe.write_atomic(out / FAILURES, lines.encode())
    whole = {"settings": dict(settings), "shards": count, "missing": list(missing), "counts": dict(counts),
             "failures": len(failures), "files": files}
    safe.write_atomic(out / MANIFEST, json.dumps(whole, indent=1, sort_keys=True).encode() + b"\n")
    return Built(len(complete), missing, dict(counts), tuple(failures), tuple(files))
