"""Labelled public collections as their owners ship them -> `Case`: recording, labels, report, marks, patient, split.

One file a collection, each with `cases(folder)`, lazily; known defects stand in its docstring and in `Case.defects`.
"""

from __future__ import annotations

from ecground.corpora.case import Beats, Case, Mark, Marks

__all__ = ["Beats", "Case", "Mark", "Marks"]
