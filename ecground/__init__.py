"""Read electrocardiograms and explain them with evidence a reader can check. Research use, not a medical device."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_VERBS = {
    "read": "ecground.io",
    "write": "ecground.io",
    "delineate": "ecground.signal.delineate",
    "measure": "ecground.measure",
    "interpret": "ecground.interpret",
    "compare": "ecground.knowledge.serial",
    "render": "ecground.paper.draw",
    "digitize": "ecground.digitize.digitize",
    "simulate": "ecground.simulate",
    "Record": "ecground.record",
    "EcgroundError": "ecground.errors",
}
"""Public name -> module that holds it; imported on first use, so that `import ecground` stays fast."""

__all__ = ["EcgroundError", "Record", "__version__", "compare", "delineate", "digitize", "interpret", "measure", "read",
           "render", "simulate", "write"]

if TYPE_CHECKING:
    from ecground.digitize.digitize import digitize
    from ecground.errors import EcgroundError
    from ecground.interpret import interpret
    from ecground.io import read, write
    from ecground.knowledge.serial import compare
    from ecground.measure import measure
    from ecground.paper.draw import render
    from ecground.record import Record
    from ecground.signal.delineate import delineate
    from ecground.simulate import simulate


def __getattr__(name: str) -> Any:  # noqa: ANN401 - module attributes are of any type
    if name in _VERBS:
        return getattr(import_module(_VERBS[name]), name)
    raise AttributeError(f"module 'ecground' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Keeps `ecground.measure` the verb although a room of the same name exists.

    The import system sets every imported submodule as an attribute of its package, which would hide the verb. Rooms
    stay importable by `from ecground.measure.table import ...`.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _VERBS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
