"""Recordings worked on in processes of their own: a crash or a time-out costs one file, never the others.

Contract: outcomes come in the order of the inputs. Each worker holds one file at a time, so the file that killed it is
known; it is then replaced. No more than `_AHEAD` files a worker are begun beyond the oldest one still open, so memory
does not grow with the number of files. Workers are spawned (the same on Linux, macOS and Windows), run one thread
each, and end when this process ends, however that happens: their pipe breaks.
"""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Generator, Sequence
from multiprocessing import connection, get_context
from typing import Any, Final, Generic, TypeVar, cast

from ecground.cli.batch.outcome import CrashedError, InternalError, Outcome, TimedOutError, Work, attempt, portable
from ecground.cli.inputs import Input
from ecground.cli.options import Batch

__all__ = ["in_this_process", "in_workers", "outcomes"]

T = TypeVar("T")

_AHEAD: Final = 8
_STARTS: Final = 3
"""Workers that may die in a row without having been given a file."""
_READY: Final = "ready"
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
                   "NUMEXPR_NUM_THREADS")


def outcomes(work: Work[T], inputs: Sequence[Input], batch: Batch) -> Generator[Outcome[T], None, None]:
    """What `work` makes of each input: in workers for jobs, a time limit or an output to keep, else here."""
    kept = batch.out is not None and (batch.resume or len(inputs) > 1)
    if batch.jobs > 1 or batch.timeout is not None or kept:
        return in_workers(work, inputs, jobs=batch.jobs, timeout=batch.timeout)
    return in_this_process(work, inputs)


def in_this_process(work: Work[T], inputs: Sequence[Input]) -> Generator[Outcome[T], None, None]:
    """One after another."""
    for item in inputs:
        yield attempt(work, item.name, lambda item=item: item.source)  # type: ignore[misc]


def in_workers(
    work: Work[T], inputs: Sequence[Input], *, jobs: int, timeout: float | None,
) -> Generator[Outcome[T], None, None]:
    """`jobs` files at a time, `timeout` seconds each.

    Raises:
        InternalError: Workers die before they are given anything.
    """
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    workers: list[_Worker[T]] = []
    done: dict[int, Outcome[T]] = {}
    begun = ended = lost = 0
    try:
        while ended < len(inputs):
            busy = sum(worker.index is not None for worker in workers)
            while len(workers) < min(jobs, busy + len(inputs) - begun):
                workers.append(_Worker(work))
            for worker in workers:
                if worker.free and begun < min(len(inputs), ended + _AHEAD * jobs):
                    begun += worker.give(begun, inputs[begun], timeout)
            for worker, outcome in _changes(workers):
                if outcome is not None and worker.index is not None:
                    done[worker.index], worker.index, lost = outcome, None, 0
                elif outcome is not None:
                    lost += 1
            if lost >= _STARTS:
                raise InternalError("worker processes die at their start", hint="try --jobs 1 without --output")
            workers = [worker for worker in workers if worker.alive]
            while ended in done:
                yield done.pop(ended)
                ended += 1
    finally:
        for worker in workers:
            worker.pipe.close()
        for worker in workers:
            worker.end()


class _Worker(Generic[T]):
    """A process and the file it holds."""

    def __init__(self, work: Work[T]) -> None:
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, work))
        self.process.start()
        theirs.close()
        self.alive, self._ready = True, False
        self.index: int | None = None
        """Number of the file it holds."""
        self.deadline = math.inf

    @property
    def free(self) -> bool:
        return self._ready and self.index is None

    def give(self, index: int, item: Input, timeout: float | None) -> bool:
        """Hand over one file; False when the process has died meanwhile."""
        source = item.source
        try:
            self.pipe.send((item.name, source))
        except OSError:
            self._ready = False
            return False
        self.index = index
        self.deadline = math.inf if timeout is None else time.monotonic() + timeout
        return True

    def take(self) -> Outcome[T] | None:
        """What the process has to say: an outcome, or None for "ready"; its death is an outcome too."""
        try:
            said = self.pipe.recv()
        except (EOFError, OSError):
            status = self.end()
            return Outcome(None, CrashedError(
                f"the process that worked on the file died (exit status {status})", where="worker",
                hint="too little memory, or a defect of a library; the other files are not affected"))
        if said == _READY:
            self._ready = True
            return None
        self.deadline = math.inf
        return cast("Outcome[T]", said)

    def end(self) -> int | None:
        """Stop the process; its exit status."""
        self.alive = False
        self.pipe.close()
        self.process.join(0.2)
        self.process.kill()
        self.process.join()
        return self.process.exitcode


def _changes(workers: Sequence[_Worker[T]]) -> list[tuple[_Worker[T], Outcome[T] | None]]:
    """Wait until a worker says something, dies or is late."""
    first = min(worker.deadline for worker in workers)
    patience = None if first == math.inf else max(first - time.monotonic(), 0.0)
    by_pipe: dict[Any, _Worker[T]] = {worker.pipe: worker for worker in workers}
    changed = [(by_pipe[pipe], by_pipe[pipe].take()) for pipe in connection.wait(list(by_pipe), patience)]
    heard = {id(worker) for worker, _ in changed}
    for worker in workers:
        if id(worker) not in heard and worker.deadline <= time.monotonic():
            worker.end()
            changed.append((worker, Outcome(None, TimedOutError(
                "the time for one file is over", where="--timeout", hint="allow more, or look at the file alone"))))
    return changed


def _serve(pipe: connection.Connection, work: Work[Any]) -> None:
    """The life of a worker: take a file, answer, until the pipe closes."""
    from ecground.cli import hush

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted too, and closes the pipe
    os.dup2(2, 1)  # stdout is the parent's: what a C library prints must not get between the results
    hush()
    try:
        pipe.send(_READY)
        while True:
            name, source = pipe.recv()
            outcome = attempt(work, name, lambda source=source: source)  # type: ignore[misc]
            error = None if outcome.error is None else portable(outcome.error)
            pipe.send(Outcome(outcome.result, error))
    except (EOFError, OSError):
        return
