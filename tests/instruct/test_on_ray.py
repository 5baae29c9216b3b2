from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ecground.errors import UsageError
from ecground.instruct.corpus import Order, build_corpus
from ecground.instruct.on_ray import on_ray
from ecground.instruct.recipes import Making
from ecground.paper.datasets.source import Source

ORDER = Order("debias", Source("simulated"), Making(seed=1), count=60, per_shard=60)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def cluster():
    """Two workers on this machine."""
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_two_workers_give_the_bytes_of_one_process(cluster, tmp_path):
    build_corpus(ORDER, tmp_path / "one")
    build_corpus(ORDER, tmp_path / "ray", spread=on_ray)
    assert len(content(tmp_path / "one")) > 5 and content(tmp_path / "one") == content(tmp_path / "ray")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_ray_goes_on_where_a_process_stopped(cluster, tmp_path):
    build_corpus(ORDER, tmp_path / "whole")
    build_corpus(ORDER, tmp_path / "cut")
    for name in ("shards/000001.json", "debias-00001.jsonl", "manifest.json"):
        (tmp_path / "cut" / name).unlink()
    build_corpus(ORDER, tmp_path / "cut", resume=True, spread=on_ray)
    assert content(tmp_path / "cut") == content(tmp_path / "whole")


def test_without_ray_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray.data", None)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match="Ray is not installed"):
        build_corpus(ORDER, tmp_path / "set", spread=on_ray)
