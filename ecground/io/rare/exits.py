"""How the child process that reads a rare format ends: its exit statuses, shared with its parent."""

from __future__ import annotations

from typing import Final

__all__ = ["DAMAGED", "MISSING", "NO_MEMORY", "NO_SIGNAL"]

MISSING: Final = 13
"""ecgdatakit is not installed."""
DAMAGED: Final = 14
"""ecgdatakit refused the file."""
NO_SIGNAL: Final = 15
"""The file was read, and holds no samples."""
NO_MEMORY: Final = 16
"""The limit on memory was hit."""
