"""`Plan`: all that decides the bytes of a page data set, and `make_shard`: one shard of it, for `shards.build`.

A shard is a tar (WebDataset: files of one sample share a stem) or a Parquet file (a row a sample, a column a suffix).
What is random in record i comes from the plan's seed and i, so shards do not depend on one another.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from ecground import __version__
from ecground.errors import EcgroundError
from ecground.paper.datasets.kinds import KINDS, Looks, Sample
from ecground.paper.datasets.shards import Failure, Made
from ecground.paper.datasets.source import Item, Source, items

__all__ = ["Form", "Plan", "make_shard"]

Form = Literal["tar", "parquet"]


@dataclass(frozen=True, slots=True)
class Plan:
    """A data set to be."""

    kind: str
    """One of `KINDS`."""
    source: Source
    count: int
    """Recordings in all."""
    looks: Looks
    seed: int = 0
    per_shard: int = 64
    """Recordings in a shard."""
    form: Form = "tar"

    @property
    def shards(self) -> int:
        """How many there are."""
        return -(-self.count // self.per_shard)

    @property
    def settings(self) -> dict[str, Any]:
        """The plan as plain JSON, without the place where the source lies; a newer version may draw otherwise."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return {"schema": "ecground/pages/1", "version": __version__, **plain, "source": self.source.name,
                "note": "research use, not a medical device"}


def make_shard(plan: Plan, number: int) -> Made:
    """One shard; a recording that fails costs its own samples and is named."""
    start, stop = number * plan.per_shard, min((number + 1) * plan.per_shard, plan.count)
    samples: list[Sample] = []
    failures: list[Failure] = []
    found = 0
    for index, item in enumerate(items(plan.source, start, stop, plan.seed), start):
        found += 1
        made = _made(plan, index, item)
        if isinstance(made, Failure):
            failures.append(made)
        else:
            samples += made
    failures += [Failure(f"#{index}", "not_found", "the source has fewer recordings now")
                 for index in range(start + found, stop)]
    data = _tar(samples) if plan.form == "tar" else _parquet(samples)
    counts = {"records": stop - start, "samples": len(samples), "failed": len(failures)}
    return Made({f"{plan.kind}-{number:06d}.{plan.form}": data}, counts, tuple(failures))


def _made(plan: Plan, index: int, item: Item) -> list[Sample] | Failure:
    """The samples of one recording, or why there are none."""
    make, _ = KINDS[plan.kind]
    try:
        return make(item, plan.looks, np.random.default_rng([plan.seed, index, 1]))
    except EcgroundError as error:
        return Failure(item.id, error.code, error.what)
    except Exception as error:  # a defect met by one recording does not cost the others their samples
        if os.environ.get("ECGROUND_DEBUG"):
            raise
        return Failure(item.id, "internal", type(error).__name__)


def _tar(samples: Sequence[Sample]) -> bytes:
    """A tar archive without dates and owners."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in _files(samples):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _files(samples: Sequence[Sample]) -> Iterator[tuple[str, bytes]]:
    for sample in samples:
        for suffix, data in sample.files.items():
            yield f"{sample.key}.{suffix}", data


def _parquet(samples: Sequence[Sample]) -> bytes:
    """A row a sample: `key`, then the content of each suffix, null where a sample has none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    suffixes = sorted({suffix for sample in samples for suffix in sample.files})
    columns: dict[str, Any] = {"key": pa.array([sample.key for sample in samples], pa.string())}
    for suffix in suffixes:
        columns[suffix] = pa.array([sample.files.get(suffix) for sample in samples], pa.large_binary())
    out = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), out, compression="zstd", row_group_size=16)
    return bytes(out.getvalue())
