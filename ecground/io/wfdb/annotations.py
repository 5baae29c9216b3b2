"""WFDB annotation files (`.atr`, `.pu1`, LUDB's `.ii`): positions, symbols and texts, decoded by the `wfdb` package.

Contract: MIT format; positions are 0-based samples, symbols are the one-letter codes of PhysioNet (`N`, `V`, `+`, `(`).
Reference: WFDB Applications Guide, annot(5) and the table of annotation codes, PhysioNet.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import CorruptInputError
from ecground.io.wfdb.library import decoding

__all__ = ["BEATS", "Annotations", "read_annotations"]

BEATS: Final = frozenset("NLRBAaJSVrFejnE/fQ?")
"""Symbols that mark a QRS complex (wfdb's own table counts flutter waves `!` among them)."""
_NO_ANNOTATION: Final = 0


@dataclass(frozen=True, slots=True)
class Annotations:
    """All annotations of one file, in time order as stored."""

    sample: NDArray[np.int64]
    """`[annotation]`, 0-based."""
    symbol: tuple[str, ...]
    text: tuple[str, ...]
    """Auxiliary text, empty for most; rhythm changes read `(AFIB`."""


def read_annotations(path: Path, *, limit: int = 16 << 20) -> Annotations:
    """The annotations of a file; CorruptInputError when it is damaged, NotFoundError when it is missing."""
    data = safe.read_bytes(path, limit=limit)
    # The end mark is two zero bytes; wfdb drops the last annotation of a file that lacks it, so one is added.
    pairs = np.frombuffer(data[:len(data) // 2 * 2] + b"\0\0", np.uint8).reshape(-1, 2)
    with decoding(path.name) as wfdb:
        # Not wfdb.rdann: it never returns from a file with an unknown "## " definition, and looks for a header.
        times, codes, _, _, _, texts = wfdb.io.annotation.proc_ann_bytes(pairs, None)
        symbols = {label.label_store: label.symbol for label in wfdb.io.annotation.ann_labels}
    if len(texts) != len(times):
        raise CorruptInputError("an annotation with two texts", where=path.name)
    notes = [text.split("\0")[0].strip() for text in texts]
    # The file may begin with definitions of its own (time resolution), written as notes at sample 0.
    keep = [k for k, code in enumerate(codes) if code != _NO_ANNOTATION and not notes[k].startswith("## ")]
    if keep and not 0 <= min(times[k] for k in keep) <= max(times[k] for k in keep) < 1 << 63:
        raise CorruptInputError("an annotation outside the record", where=path.name)
    return Annotations(
        np.asarray([times[k] for k in keep], dtype=np.int64), tuple(symbols.get(codes[k], "?") for k in keep),
        tuple(notes[k] for k in keep),
    )
