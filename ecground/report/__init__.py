"""Results in the forms that other programs and people read: JSON (docs/json.md) and plain text."""

from __future__ import annotations
