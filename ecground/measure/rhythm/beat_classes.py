"""Beat classes by shape, width, prematurity and the P wave before: N, S, V, paced, Q, and which class dominates.

Contract: `classify()` gives one letter a row (`p` for P-only rows) and the correlation of every QRS with the dominant
shape. Shapes are grouped by correlation of the QRS over all leads (leader clustering, as in beat-typing programs since
Hermes, Cox et al. 1972, IEEE Proc 60:1137); linear in the number of beats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.measure.robust import nan_median
from ecground.record import Record
from ecground.signal.beats import MARKS, PRESENT, Delineation, P

__all__ = ["SAME_SHAPE", "BeatClasses", "classify", "rr_intervals"]

SAME_SHAPE: Final = 0.85
"""QRS complexes that correlate at least this well have one shape (signal rule R09)."""
_PREMATURE: Final = 0.85
"""A beat is early when RR is below this share of the local median RR (rule R08)."""
_WIDE_MS: Final = 120.0
_HALF_S: Final = 0.10
_STEP_S: Final = 0.004
_SHIFTS: Final = 4
_MOST_SHAPES: Final = 12
_MOST_BEHIND: Final = 256
"""Most beats behind the mean or median of a shape."""
_BLOCK: Final = 2048

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BeatClasses:
    """The class of every row."""

    kind: NDArray[np.str_]
    """`[row]`: N, S, V, paced, Q, or p for a P wave alone."""
    dominant: NDArray[np.bool_]
    """`[row]`: beats that stand for the record: the dominant shape, not early."""
    dominant_class: str
    """N, V or paced; empty when there is no beat."""
    correlation: Array
    """`[row]` correlation with the dominant shape; NaN for P-only rows."""
    shift: NDArray[np.int64]
    """`[row]` samples by which the QRS lies late of the dominant shape."""


def rr_intervals(record: Record, delineation: Delineation) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """RR before and after every row [ms]; NaN at the ends, for P-only rows, and over gaps of 0.3 s or more."""
    r = delineation.r_peaks
    step = np.diff(r) * 1000.0 / record.fs
    if len(step):
        step = np.where(step > 0, step, np.nan)
        gaps = np.flatnonzero(_in_gap(record))
        step = np.where(np.diff(np.searchsorted(gaps, r)) > 0, np.nan, step)
    before = np.full(delineation.n_rows, np.nan)
    after = before.copy()
    beats = np.flatnonzero(delineation.has_qrs)
    before[beats[1:]] = step
    after[beats[:-1]] = step
    return before, after


def classify(record: Record, delineation: Delineation, *, rr: tuple[NDArray[np.float64], NDArray[np.float64]],
             spiked: NDArray[np.bool_]) -> BeatClasses:
    """Classes of all rows. `rr` from `rr_intervals`; `spiked` `[row]`: a pacing spike belongs to the beat."""
    rows = delineation.n_rows
    beats = np.flatnonzero(delineation.has_qrs)
    kind = np.full(rows, "p", dtype="<U5")
    correlation = np.full(rows, np.nan, dtype=np.float32)
    shift = np.zeros(rows, dtype=np.int64)
    none = np.zeros(rows, dtype=np.bool_)
    if len(beats) == 0:
        return BeatClasses(kind, none, "", correlation, shift)
    shapes = _Shapes(record, delineation.joint_marks[beats, MARKS.index("r_peak")])
    group = shapes.groups()
    early, late = _timing(rr[0][beats], rr[1][beats])
    width = _width_ms(delineation, beats)
    has_p = delineation.joint_state[beats, P] == PRESENT
    main = _main_group(group, early, width)
    typical = float(nan_median(np.where(group == main, width, np.nan)))
    correlation[beats], shift[beats] = shapes.compare(group == main)
    same = (group == main) | (correlation[beats] >= SAME_SHAPE)
    wide = width >= max(_WIDE_MS, typical + 25.0)
    early = early & (not _irregular(rr[0][beats], early, has_p))
    own = np.full(len(beats), "N", dtype="<U5")
    ectopic = ~same & wide & (early | late | ~has_p)
    after_ectopic = np.concatenate([[False], ectopic[:-1]])  # early after an interpolated beat, but not ectopic itself
    own[early & (same | ~wide) & ~after_ectopic] = "S"
    own[ectopic] = "V"
    own[~shapes.usable] = "Q"
    own[spiked[beats]] = "paced"
    dominant_class = _class_of_main(own[same & ~early], typical, has_p[same], rr[0][beats])
    if dominant_class == "V":
        own[same & ~spiked[beats]] = "V"
    if dominant_class == "paced":
        own[own == "S"] = "N"  # conducted between paced beats: early against the pacemaker, not against the atria
    kind[beats] = own
    dominant = none.copy()
    dominant[beats] = same & shapes.usable & ((own == dominant_class) | (own == "N"))
    if not dominant.any():
        dominant[beats] = same
    return BeatClasses(kind, dominant, dominant_class, correlation, shift)


class _Shapes:
    """QRS samples of all beats, about 4 ms apart over 200 ms and all leads, and their comparison.

    Two beats are compared in the leads that show both (a page prints 2.5 s of most leads); beats without a common lead
    are taken as alike.
    """

    def __init__(self, record: Record, r: NDArray[np.float64]) -> None:
        self.stride = stride = max(1, round(_STEP_S * record.fs))
        half = max(4, round(_HALF_S * record.fs / stride))
        steps = np.arange(-half - _SHIFTS, half + _SHIFTS + 1) * stride
        centre = np.rint(r).astype(np.int64)
        self._x = np.zeros((len(r), len(record.leads), len(steps)), dtype=np.float32)
        self._seen = np.zeros((len(r), len(record.leads)), dtype=np.float32)
        for block in _blocks(len(r)):
            index = centre[block, None] + steps
            inside = (index >= 0) & (index < record.n_samples)
            x = record.signal[:, np.where(inside, index, 0)]  # (lead, beat, sample)
            seen = np.isfinite(x) & inside
            self._seen[block] = (seen.mean(axis=2) > 0.9).T
            self._x[block] = np.where(seen, x, np.float32(0.0)).transpose(1, 0, 2)
        self.usable = self._seen.any(axis=1)
        self._length = 2 * half + 1

    def _at(self, shift: int, beats: NDArray[np.intp]) -> Array:
        """Windows `[beat, lead, sample]` that begin `shift` steps late, of unit length over the leads that are seen."""
        part = self._x[beats, :, _SHIFTS + shift:_SHIFTS + shift + self._length]
        part = (part - part.mean(axis=2, keepdims=True)) * self._seen[beats, :, None]
        size = np.sqrt(np.einsum("bls,bls->b", part, part))
        return np.asarray(part / np.maximum(size, 1e-6)[:, None, None], dtype=np.float32)

    def _typical(self, vectors: Array, seen: Array, *, median: bool = False) -> tuple[Array, Array]:
        """Mean or median window `[lead, sample]` over the beats that show each lead, and the leads that any shows."""
        if median:
            shown = np.where(seen[..., None] > 0, vectors, np.float32(np.nan))
            return np.nan_to_num(nan_median(shown, axis=0)), seen.max(axis=0)
        total = np.maximum(seen.sum(axis=0), 1.0)
        return np.asarray(vectors.sum(axis=0) / total[:, None], dtype=np.float32), seen.max(axis=0)

    def groups(self) -> NDArray[np.int64]:
        """Group number of every beat, -1 = none: each group gathers the beats like its most typical member."""
        group = np.full(len(self._x), -1, dtype=np.int64)
        for number in range(_MOST_SHAPES):
            left = np.flatnonzero((group < 0) & self.usable)
            if len(left) == 0:
                break
            sample = _spread(left, 64)
            vectors, seen = self._at(0, sample), self._seen[sample]
            alike = np.array([_score(vector, mask, vectors, seen) >= SAME_SHAPE
                              for vector, mask in zip(vectors, seen, strict=True)])
            typical = int(alike.sum(axis=0).argmax())
            seed = sample[typical]
            best = self._best(vectors[typical], seen[typical], left)[0]
            members = left[best >= SAME_SHAPE]
            behind = _spread(members if len(members) else left[left == seed], _MOST_BEHIND)
            best = self._best(*self._typical(self._at(0, behind), self._seen[behind]), left)[0]
            best[left == seed] = 1.0
            group[left[best >= SAME_SHAPE]] = number
        return group

    def compare(self, members: NDArray[np.bool_]) -> tuple[Array, NDArray[np.int64]]:
        """Correlation of every beat with the median of `members`, and its delay [samples]."""
        chosen = _spread(np.flatnonzero(members), _MOST_BEHIND)
        chosen = chosen if len(chosen) else np.zeros(1, dtype=np.intp)
        template, seen = self._typical(self._at(0, chosen), self._seen[chosen], median=True)
        best, shift = self._best(template, seen, np.arange(len(self._x)))
        return best, shift * self.stride

    def _best(self, template: Array, seen: Array, beats: NDArray[np.intp]) -> tuple[Array, NDArray[np.int64]]:
        """Best correlation of each beat with a template `[lead, sample]` of the leads `seen`, and its delay [steps]."""
        shifts = np.arange(-_SHIFTS, _SHIFTS + 1)
        scores = np.empty((len(shifts), len(beats)), dtype=np.float32)
        for block in _blocks(len(beats)):
            for k, shift in enumerate(shifts):
                scores[k, block] = _score(template, seen, self._at(int(shift), beats[block]), self._seen[beats[block]])
                scores[k, block] -= 1e-6 * abs(shift)  # of equal ones the delay that is none
        return scores.max(axis=0), np.asarray(shifts[scores.argmax(axis=0)], dtype=np.int64)


def _score(template: Array, seen: Array, vectors: Array, theirs: Array) -> Array:
    """Correlation of windows `[beat, lead, sample]` with a template in the leads that both show; 1 where none does."""
    shared = theirs * seen
    both = np.einsum("ls,bls->b", template, vectors)
    sizes = np.einsum("bl,l->b", shared, np.einsum("ls,ls->l", template, template)) * np.einsum(
        "bls,bls,bl->b", vectors, vectors, shared)
    return np.where(shared.any(axis=1), both / np.sqrt(np.maximum(sizes, 1e-12)), np.float32(1.0)).astype(np.float32)


def _blocks(n: int) -> list[slice]:
    """Slices of 2048 beats: the memory of a day must not hang on how it is compared."""
    return [slice(start, min(start + _BLOCK, n)) for start in range(0, n, _BLOCK)]


def _spread(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """At most `most` of `rows`, evenly spread."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.intp)]


def _in_gap(record: Record) -> NDArray[np.bool_]:
    """`[sample]` true inside stretches of 0.3 s or more in which no lead is seen."""
    unseen = np.ones(record.n_samples, dtype=np.bool_)
    for row in record.signal:  # lead by lead: a day of twelve leads would need gigabytes at once
        unseen &= np.isnan(row)
    if not unseen.any():
        return unseen
    edges = np.diff(np.concatenate([[0], unseen.astype(np.int8), [0]]))
    for start, stop in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        if stop - start < 0.3 * record.fs:
            unseen[start:stop] = False
    return unseen


def _timing(before: NDArray[np.float64], after: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Beats that come early against the median of the 9 RR intervals around, and beats followed by a pause."""
    if len(before) == 0:
        return np.zeros(0, dtype=np.bool_), np.zeros(0, dtype=np.bool_)
    padded = np.pad(before, 4, constant_values=np.nan)
    local = np.concatenate([nan_median(np.lib.stride_tricks.sliding_window_view(padded, 9)[i:i + 4096])
                            for i in range(0, len(before), 4096)])
    with np.errstate(invalid="ignore"):
        return before < _PREMATURE * local, after > local / _PREMATURE


def _width_ms(delineation: Delineation, beats: NDArray[np.intp]) -> NDArray[np.float64]:
    on = delineation.joint_marks[beats, MARKS.index("qrs_on")]
    off = delineation.joint_marks[beats, MARKS.index("qrs_off")]
    return np.asarray((off - on) * 1000.0 / delineation.fs)


def _main_group(group: NDArray[np.int64], early: NDArray[np.bool_], width: NDArray[np.float64]) -> int:
    """The commonest shape; of shapes nearly as common, the one that comes early less often, then the narrower."""
    numbers, counts = np.unique(group[group >= 0], return_counts=True)
    if len(numbers) == 0:
        return -1
    rivals = numbers[counts >= 0.5 * counts.max()]

    def rank(number: int) -> tuple[float, float, float]:
        mine = group == number
        wide = float(nan_median(np.where(mine, width, np.nan)))
        early_share = round(float(early[mine].mean()) * 2) / 2
        return (early_share, round(wide / 30.0) if wide == wide else 9.0, -float(mine.sum()))

    return int(min(rivals, key=rank))


def _irregular(rr: NDArray[np.float64], early: NDArray[np.bool_], has_p: NDArray[np.bool_]) -> bool:
    """Irregular beat by beat with P waves mostly missing: then short intervals are no ectopy (rule R05)."""
    seen = rr[np.isfinite(rr)]
    if len(seen) < 4:
        return False
    change = np.median(np.abs(np.diff(seen))) / np.median(seen)
    return bool((has_p.mean() < 0.5 and change > 0.06) or (early.mean() > 0.34 and change > 0.15))


def _class_of_main(own: NDArray[np.str_], width: float, has_p: NDArray[np.bool_], rr: NDArray[np.float64]) -> str:
    """`paced`, `V` (wide and without P waves, and fast or slow as no conducted rhythm with P would be), or `N`."""
    if len(own) and (own == "paced").mean() >= 0.5:
        return "paced"
    rate = 60000.0 / float(nan_median(rr)) if np.isfinite(rr).any() else float("nan")
    wide_alone = width >= 140.0 and (len(has_p) == 0 or has_p.mean() < 0.2)
    return "V" if wide_alone and (rate >= 110.0 or rate < 45.0) else "N"
