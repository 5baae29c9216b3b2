"""Page data sets at scale: recordings -> pages, crops and record folders with exact truth, in pure shards."""

from ecground.paper.datasets.kinds import KINDS, Looks, looks_of
from ecground.paper.datasets.shard import Plan, build_shard, finish, open_shards, prepare
from ecground.paper.datasets.source import Source, size, source_of

__all__ = ["KINDS", "Looks", "Plan", "Source", "build_shard", "finish", "looks_of", "open_shards", "prepare", "size",
           "source_of"]
