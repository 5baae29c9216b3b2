"""Page data sets at scale: recordings -> pages, crops and record folders with exact truth, in pure shards."""

from ecground.paper.datasets.kinds import KINDS, Looks, looks_of
from ecground.paper.datasets.plan import Plan, make_shard
from ecground.paper.datasets.shards import build
from ecground.paper.datasets.source import Source, size, source_of

__all__ = ["KINDS", "Looks", "Plan", "Source", "build", "looks_of", "make_shard", "size", "source_of"]
