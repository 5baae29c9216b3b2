"""What became of one recording: a result, a failure, or a partial result with the failure that cut it short.

Contract: `attempt` lets nothing but an interrupt past, so one file never costs another its result; an `Outcome` can
be sent between processes and its error, written down by `to_dict`, can be read again by `error_from`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from ecground.errors import EcgroundError, RefusedError
from ecground.interpret import Source

__all__ = ["CrashedError", "InternalError", "Outcome", "TimedOutError", "Work", "attempt", "error_from", "portable"]

T = TypeVar("T")


class InternalError(EcgroundError):
    """A defect of ecground or of a library it uses; the other files are not affected."""

    code = "internal"


class CrashedError(EcgroundError):
    """The process that worked on the file died; the other files are not affected."""

    code = "crashed"


class TimedOutError(EcgroundError):
    """The file took longer than `--timeout` allows."""

    code = "timeout"


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """Result and failure of one recording; at least one of the two is there."""

    result: T | None
    error: EcgroundError | None = None


Work = Callable[[str, Source], Outcome[T]]
"""Name and content of a recording -> outcome; may raise."""


def attempt(work: Work[T], name: str, source: Callable[[], Source]) -> Outcome[T]:
    """What `work` makes of one recording."""
    try:
        with contextlib.redirect_stdout(sys.stderr):  # stdout holds results only, whatever a library prints
            return work(name, source())
    except EcgroundError as error:
        return Outcome(None, error)
    except Exception as error:  # noqa: BLE001 - one file must not lose the others
        if os.environ.get("ECGROUND_DEBUG"):
            traceback.print_exc()
        return Outcome(None, InternalError(
            f"an unexpected {type(error).__name__}", where=name,
            hint="this is a defect of ecground; ECGROUND_DEBUG=1 shows where, please report it"))


def portable(error: EcgroundError) -> EcgroundError:
    """The same error without its class and cause, which another process may not know."""
    return error_from(error.to_dict(), refused=isinstance(error, RefusedError))


def error_from(row: Mapping[str, str], *, refused: bool) -> EcgroundError:
    """The error that `to_dict` wrote down."""
    kind = RefusedError if refused else EcgroundError
    error = kind(row["what"], where=row["where"], hint=row["hint"])
    error.code = row["code"]
    return error
