"""The shards of a data set on a Ray cluster: the same bytes as in one process, since each shard is a pure function.

Needs the extra `ray`. The folder of the data set, and that of the source, must be ones that every worker sees. A build
that was broken off, here or elsewhere, goes on with `resume`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from ecground.errors import UsageError
from ecground.paper.datasets.shards import Maker, finish_shard

__all__ = ["on_ray"]


def on_ray(out: Path, make: Maker, todo: Sequence[int]) -> Generator[tuple[int, bool]]:
    """Finish the shards wherever the cluster has room; (number, True) of each as it is done.

    The cluster is the one that Ray is connected to, or one of this machine.

    Raises:
        UsageError: Ray is not installed.
    """
    try:
        data: Any = import_module("ray.data")
    except ImportError:
        raise UsageError("Ray is not installed", where="build", hint="pip install 'ecground[ray]'") from None
    if not todo:
        return
    numbers = list(todo)

    def finish(row: dict[str, int]) -> dict[str, int]:
        finish_shard(out, numbers[row["id"]], make)
        return {"shard": numbers[row["id"]]}

    for row in data.range(len(numbers), override_num_blocks=len(numbers)).map(finish).iter_rows():
        yield row["shard"], True
