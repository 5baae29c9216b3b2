"""Results on standard output, whatever the console's code page."""

from __future__ import annotations

import sys

__all__ = ["write_line"]


def write_line(text: str) -> None:
    """One line on stdout as UTF-8; names that are no text are escaped."""
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.buffer.flush()
