"""One command over many recordings: each gets its object, whatever happens to the others.

`run` is the way in: it turns names into recordings (`cli.inputs`), works on them here or in processes of their own
(`pool`), keeps order, and hands every `Outcome` to stdout, to one document or to a file that can be continued
(`journal`), while `watch` counts, reports failures and moves the bar. What a command gives to `run` must be picklable:
functions of a module and partials of them.
"""

from __future__ import annotations

from ecground.cli.batch.outcome import Outcome
from ecground.cli.batch.pool import outcomes
from ecground.cli.batch.run import Command, recordings, run
from ecground.cli.batch.watch import Watch

__all__ = ["Command", "Outcome", "Watch", "outcomes", "recordings", "run"]
