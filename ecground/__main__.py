"""`python -m ecground` is the same as `ecground`."""

from __future__ import annotations

from ecground.cli import main

if __name__ == "__main__":
    main()
