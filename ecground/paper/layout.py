"""Layouts: which lead stands where on a page and which seconds of it are printed there, as a few lines of data.

A layout is columns of lead names, read from top to bottom, over optional rhythm strips that run the whole width. In a
sequential layout column k shows the k-th part of the recording; in a simultaneous one every column shows its start.
`-aVR` (Cabrera) is aVR turned over. A plug-in adds its own with `register` or an entry point of the group
`ecground.layouts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Final

from ecground.errors import UsageError
from ecground.leads import CABRERA, CHEST, LIMB, STANDARD

__all__ = ["LAYOUTS", "Cell", "Layout", "layout", "layouts", "register"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One strip of a lead on the page."""

    lead: str
    """Lead as printed: a standard name, or `-aVR`."""
    row: int
    """From the top, rhythm strips last."""
    column: int
    start_s: float
    """First second of the recording that is printed here."""
    stop_s: float
    """End of what is printed [s]."""
    rhythm: bool = False
    """A strip over the whole width."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the leads are arranged."""

    name: str
    columns: tuple[tuple[str, ...], ...]
    """Leads of each column from top to bottom."""
    rhythm: tuple[str, ...] = ()
    """Leads of the strips below."""
    sequential: bool = True
    """Columns follow one another in time; otherwise each shows the start of the recording."""

    @property
    def rows(self) -> int:
        """Rows of strips, rhythm strips included."""
        return max(len(column) for column in self.columns) + len(self.rhythm)

    def cells(self, seconds: float) -> tuple[Cell, ...]:
        """The strips of a page that shows `seconds` in its width, column by column, then the rhythm strips."""
        share = seconds / len(self.columns)
        cells = [
            Cell(lead, row, k, start, start + share)
            for k, column in enumerate(self.columns)
            for start in [k * share if self.sequential else 0.0]
            for row, lead in enumerate(column)
        ]
        below = max(len(column) for column in self.columns)
        return (*cells, *(Cell(lead, below + i, 0, 0.0, seconds, True) for i, lead in enumerate(self.rhythm)))


LAYOUTS: Final[dict[str, Layout]] = {}


def register(row: Layout) -> None:
    """Add a layout to `LAYOUTS`, replacing one of the same name."""
    LAYOUTS[row.name] = row


_LIMB_CABRERA: Final = CABRERA[:6]
_BY_THREE: Final = (STANDARD[:3], STANDARD[3:6], STANDARD[6:9], STANDARD[9:])
_BY_SIX: Final = (LIMB, CHEST)

register(Layout("12x1", (STANDARD,)))
register(Layout("12x1-cabrera", (CABRERA,)))
register(Layout("6x2", _BY_SIX))
register(Layout("6x2-r1", _BY_SIX, ("II",)))
register(Layout("6x2-simultaneous", _BY_SIX, sequential=False))
register(Layout("6x2-simultaneous-r1", _BY_SIX, ("II",), sequential=False))
register(Layout("3x4", _BY_THREE))
register(Layout("3x4-r1", _BY_THREE, ("II",)))
register(Layout("3x4-r2", _BY_THREE, ("II", "V1")))
register(Layout("3x4-r3", _BY_THREE, ("II", "V1", "V5")))
register(Layout("6x1-limb", (LIMB,)))
register(Layout("6x1-precordial", (CHEST,)))
register(Layout("6x1-cabrera", (_LIMB_CABRERA,)))
register(Layout("3x1", (("I", "II", "III"),)))
register(Layout("3x2-precordial", (CHEST[:3], CHEST[3:])))
register(Layout("1x1", (("II",),)))


@cache
def _load_plugins() -> None:
    for point in entry_points(group="ecground.layouts"):
        register(point.load())


def layouts() -> tuple[Layout, ...]:
    """All layouts, those of plug-ins included."""
    _load_plugins()
    return tuple(LAYOUTS.values())


def layout(name: str) -> Layout:
    """The layout of that name; UsageError when there is none."""
    _load_plugins()
    try:
        return LAYOUTS[name]
    except KeyError:
        raise UsageError(f"no layout '{name}'", where="layout", hint=f"there are: {' '.join(LAYOUTS)}") from None
