"""Small recordings in the layouts that collections are published in."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from ecground.leads import STANDARD


def _twelve(n, fs):
    t = np.arange(n) / fs
    one, two = np.sin(t * 7) * 0.8, np.cos(t * 5) * 1.1
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.stack([*limb, *(np.sin(t * (3 + k)) * 0.3 * (k + 1) for k in range(6))])


@pytest.fixture
def twelve():
    """(samples, Hz) -> mV `[12, sample]` that obeys Einthoven and is 1.6 mV wide."""
    return _twelve


@pytest.fixture
def write_wfdb():
    """Write a header and its samples; `said` is the gain that the header claims, `gain` the one of the samples."""

    def write(path, signal, *, fs=500, names=STANDARD, gain=1000.0, said=None, comments=(), mat=False):
        path.parent.mkdir(parents=True, exist_ok=True)
        counts = np.rint(signal * gain).astype("<i2")
        file, body = path.with_suffix(".mat" if mat else ".dat"), counts.T.tobytes()
        head = struct.pack("<5i", 30, *counts.shape, 0, 4) + b"val\0"
        file.write_bytes(head + body if mat else body)
        sums = counts.sum(axis=1, dtype=np.int64).astype(np.int16)
        lines = [f"{path.stem} {len(counts)} {fs} {counts.shape[1]}"]
        lines += [f"{file.name} {'16+24' if mat else '16'} {said or gain:g}/mV 16 0 {row[0]} {total} 0 {name}"
                  for row, total, name in zip(counts, sums, names, strict=True)]
        path.with_suffix(".hea").write_text("\n".join([*lines, *(f"#{text}" for text in comments)]) + "\n")
        return path.with_suffix(".hea")

    return write
