"""The public names: what `ecground` offers, and that every module keeps its `__all__`."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

import ecground

ROOT = Path(__file__).parents[1]
NAMES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "ecground").rglob("*.py") if path.name != "__main__.py"
)
MODULES = [pytest.param(name, marks=[pytest.mark.train] if name.startswith("ecground.train") else [])
           for name in NAMES]


def test_the_public_verbs_and_nouns():
    assert set(ecground.__all__) == {
        "EcgroundError", "Record", "__version__", "compare", "delineate", "digitize", "interpret", "measure", "read",
        "render", "simulate", "write",
    }
    assert dir(ecground) == sorted(ecground.__all__)


@pytest.mark.parametrize("name", sorted(set(ecground.__all__) - {"__version__"}))
def test_every_public_name_is_there_and_explained(name):
    thing = getattr(ecground, name)
    assert callable(thing)
    assert inspect.getdoc(thing)


def test_a_verb_stays_a_verb_after_its_room_is_imported():
    importlib.import_module("ecground.measure.table")
    importlib.import_module("ecground.interpret")
    assert callable(ecground.measure)
    assert callable(ecground.interpret)
    for room in ("digitize", "simulate"):
        importlib.import_module(f"ecground.{room}")
        assert callable(getattr(ecground, room))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'process'"):
        _ = ecground.process


@pytest.mark.parametrize("name", MODULES)
def test_all_names_of_a_module_exist(name):
    module = importlib.import_module(name)
    listed = getattr(module, "__all__", [])
    assert len(listed) == len(set(listed))
    missing = [entry for entry in listed if not hasattr(module, entry)]
    assert not missing
    assert inspect.getdoc(module), f"{name} has no docstring"
