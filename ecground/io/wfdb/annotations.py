"""WFDB annotation files (`.atr`, `.pu1`, LUDB's `.ii`): positions, symbols and texts.

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

__all__ = ["BEATS", "Annotations", "read_annotations"]

_SYMBOLS: Final = {
    1: "N", 2: "L", 3: "R", 4: "a", 5: "V", 6: "F", 7: "J", 8: "A", 9: "S", 10: "E", 11: "j", 12: "/", 13: "Q",
    14: "~", 16: "|", 18: "s", 19: "T", 20: "*", 21: "D", 22: '"', 23: "=", 24: "p", 25: "B", 26: "^", 27: "t",
    28: "+", 29: "u", 30: "?", 31: "!", 32: "[", 33: "]", 34: "e", 35: "n", 36: "@", 37: "x", 38: "f", 39: "(",
    40: ")", 41: "r",
}
BEATS: Final = frozenset("NLRBAaJSVrFejnE/fQ?")
"""Symbols that mark a QRS complex."""
_SKIP, _NUM, _SUB, _CHN, _AUX = 59, 60, 61, 62, 63


@dataclass(frozen=True, slots=True)
class Annotations:
    """All annotations of one file, in time order as stored."""

    sample: NDArray[np.int64]
    """`[annotation]`, 0-based."""
    symbol: tuple[str, ...]
    text: tuple[str, ...]
    """Auxiliary text, empty for most; rhythm changes read `(AFIB`."""


def read_annotations(path: Path, *, limit: int = 64 << 20) -> Annotations:
    """The annotations of a file; CorruptInputError when it is damaged, NotFoundError when it is missing."""
    data = safe.read_bytes(path, limit=limit)
    words = np.frombuffer(data[:len(data) // 2 * 2], "<u2").tolist()
    samples: list[int] = []
    symbols: list[str] = []
    texts: list[str] = []
    time = at = 0
    while at < len(words):
        code, interval = words[at] >> 10, words[at] & 0x3FF
        at += 1
        if code == 0 and interval == 0:
            break
        if code == _SKIP:
            if at + 2 > len(words):
                raise CorruptInputError("the annotation file ends inside an annotation", where=path.name)
            step = words[at] << 16 | words[at + 1]
            time += step - (1 << 32 if step >= 1 << 31 else 0)
            at += 2
        elif code == _AUX:
            raw = safe.need(data, 2 * at, interval, where=path.name)
            at += (interval + 1) // 2
            if texts:
                texts[-1] = bytes(raw).split(b"\0")[0].decode("latin-1").strip()
        elif code not in (_NUM, _SUB, _CHN):
            time += interval
            if code == 0:  # a step in time without annotation
                continue
            samples.append(time)
            symbols.append(_SYMBOLS.get(code, "?"))
            texts.append("")
    # The file may begin with definitions of its own (time resolution), written as notes at sample 0.
    keep = [k for k, text in enumerate(texts) if not text.startswith("## ")]
    position = np.asarray([samples[k] for k in keep], dtype=np.int64)
    if position.size and position.min() < 0:
        raise CorruptInputError("an annotation before the start of the record", where=path.name)
    return Annotations(position, tuple(symbols[k] for k in keep), tuple(texts[k] for k in keep))
