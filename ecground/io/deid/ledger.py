"""`Ledger`: what was done to one file, in words that hold nothing of what was removed.

Contract: an entry names the place (`TestDemographics/SiteName`, `section 1, tag 2`), the kind of content and the
action; equal entries are counted. Places come from the tables of fields, never from the file: an element or attribute
that no table knows is called "unknown".
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Action", "Entry", "Ledger"]

Action = Literal["removed", "replaced", "shifted", "hashed"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of change at one place."""

    where: str
    """The place, by the names of the format."""
    what: str
    """The kind of content: `name`, `identifier`, `date`, `free text`, `device`, `age`, `hidden bytes` ..."""
    action: Action


@dataclass(slots=True)
class Ledger:
    """Collects what happens to one file."""

    changes: Counter[Entry] = field(default_factory=Counter)
    """Entry -> how often; in the order of the first occurrence."""
    kept: dict[str, None] = field(default_factory=dict)
    """What stays in the file, each kind once."""
    could_not: dict[str, None] = field(default_factory=dict)
    """What de-identification cannot do for this file, each sentence once."""

    def note(self, where: str, what: str, action: Action = "removed") -> None:
        """Count one change."""
        self.changes[Entry(where, what, action)] += 1

    def keep(self, *kinds: str) -> None:
        """Say what stays."""
        self.kept.update(dict.fromkeys(kinds))

    def regret(self, sentence: str) -> None:
        """Say what could not be done."""
        self.could_not[sentence] = None
