"""The command line: results on stdout, progress and hints on stderr, exit codes as docs/json.md says.

Exit codes: 0 all files ok, 1 some failed, 2 the call is wrong, 3 refused (every file is readable, but no ECG that may
be interpreted).
"""

from __future__ import annotations

import logging
import os
import sys
import warnings

__all__ = ["hush", "main"]


def main() -> None:
    """Run the command line with `sys.argv` and leave with its exit code."""
    from ecground.cli.app import app
    from ecground.errors import EcgroundError

    hush()
    try:
        app(prog_name="ecground")
    except EcgroundError as error:
        print(f"ecground: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    except BrokenPipeError:
        # The reader of our output has left (`ecground measure folder | head`); nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        # Reading is guarded file by file, so this is about the output: a full disk, a device that is gone.
        print(f"ecground: the output cannot be written ({error.strerror})", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def hush() -> None:
    """Silence libraries: they quote file contents in their warnings, and those may be patient data."""
    if not os.environ.get("ECGROUND_DEBUG"):
        logging.disable(logging.CRITICAL)
        warnings.simplefilter("ignore")
