"""Rhythm of a long record as episodes: what happened from where to where, out of the table of beats.

Contract: `episodes(measurements)` gives the episodes in order of onset, those of different kinds may overlap. Onset and
end are samples at the record's rate: the reference points of the first and last beat concerned (of a pause, the beats
on its two sides). NaN intervals and unmeasurable P waves say nothing and break nothing. Linear in the number of beats:
24 h take about a second.

What counts, each threshold from its source and none fitted to long recordings:

- atrial fibrillation: over windows of 30 beats RR irregular from beat to beat (median absolute successive difference
  at least 8 % of the median RR, as in criterion AFIB.irregular) while most beats have no P wave, for 30 s at least
  (ESC 2020 and 2024: the shortest episode that makes the diagnosis). RR next to a ventricular ectopic beat is left out.
- pause: RR of 2 s or more (3 s and more is significant: ACC/AHA/HRS bradycardia guideline 2018).
- runs: at least three ventricular or supraventricular ectopic beats in a row; above 100/min a ventricular run is
  ventricular tachycardia (AHA/ACC/HRS 2017).
- bigeminy, trigeminy: three cycles or more (AHA/ACC/HRS statement list 2007).
- second-degree AV block: a P wave in time without QRS in an RR interval of at least 1.4 times its neighbours (blocked
  premature P waves come early and are left out); blocks within 10 s of one another are one episode.
- bradycardia under 50/min, tachycardia over 100/min: median rate of ten beats, for 30 s at least (ACC/AHA/HRS 2018).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ecground.knowledge.codes import codes
from ecground.knowledge.finding import Evidence
from ecground.measure.table import Measurements
from ecground.signal.beats import MARKS, PRESENT, UNMEASURABLE, P

__all__ = ["LONG_S", "NAMES", "Episode", "EpisodeArgs", "episodes"]

LONG_S: Final = 30.0
"""Records longer than this [s] are told as episodes besides the findings on the whole."""
NAMES: Final = {"PAUSE": "pause", "PVC_RUN": "run of ventricular ectopic beats",
                "PAC_RUN": "run of supraventricular ectopic beats"}
"""Episodes that are not statements on a whole ECG: key -> name; the other keys are those of `codes`."""

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class EpisodeArgs:
    """Thresholds; the module says where they come from."""

    af_window: int = 30
    """Beats."""
    af_irregularity: float = 0.08
    """Median absolute successive RR difference over the median RR."""
    af_p_share: float = 0.5
    """Largest share of beats with a P wave."""
    sustained_s: float = 30.0
    """Shortest fibrillation, bradycardia and tachycardia [s]."""
    pause_ms: float = 2000.0
    run_beats: int = 3
    run_rate: float = 100.0
    """Rate above which a ventricular run is a tachycardia [1/min]."""
    cycles: int = 3
    dropped: float = 1.4
    """RR around a blocked P wave over the median of its neighbours."""
    in_time: float = 0.25
    """A P wave comes in time when PP is within this share of its neighbours."""
    block_gap_s: float = 10.0
    slow_bpm: float = 50.0
    fast_bpm: float = 100.0
    rate_window: int = 10
    """Beats."""


@dataclass(frozen=True, slots=True)
class Episode:
    """Something that lasted from one beat to another."""

    key: str
    """SCP code, ecground's key of the statement, or a key of `NAMES`."""
    statement: str
    """English name."""
    onset: int
    """First sample, at the record's fs."""
    end: int
    """Last sample."""
    n_beats: int
    """QRS complexes in it."""
    rate_bpm: float
    """Ventricular rate from its median RR [1/min]; NaN when there is none."""
    evidence: tuple[Evidence, ...]


def episodes(measurements: Measurements, *, args: EpisodeArgs = EpisodeArgs()) -> tuple[Episode, ...]:
    """All episodes of one record, in order of onset; empty when there are fewer than three beats."""
    beats = _Beats(measurements)
    if len(beats.r) < 3:
        return ()
    found = [
        *_fibrillation(beats, args), *_pauses(beats, args), *_runs(beats, args), *_cycles(beats, args),
        *_blocks(beats, args), *_rates(beats, args),
    ]
    return tuple(sorted(found, key=lambda episode: (episode.onset, episode.end)))


class _Beats:
    """The QRS complexes of a record as columns, and its P waves."""

    def __init__(self, measurements: Measurements) -> None:
        marks, rows = measurements.delineation, measurements.delineation.has_qrs
        self.fs = marks.fs
        self.r: Floats = marks.joint_marks[rows, MARKS.index("r_peak")]
        kind = np.asarray(measurements.beats.kind, dtype="<U5")
        self.kind = kind[rows]
        """`[beat]` N, S, V, paced or Q."""
        self.letters = "".join(name if name in ("S", "V") else "-" for name in self.kind.tolist())
        rr = np.asarray(measurements.beats.joint["rr_before_ms"], dtype=np.float64)
        self.rr: Floats = rr[rows]
        """`[beat]` RR before it [ms]; NaN over gaps."""
        state = marks.joint_state[rows, P]
        self.p: Floats = np.where(state == UNMEASURABLE, np.nan, (state == PRESENT).astype(np.float64))
        """`[beat]` 1 with a P wave, 0 without, NaN not to be told."""
        p_at = np.where(np.isfinite(marks.joint_mark("p_peak")), marks.joint_mark("p_peak"), marks.joint_mark("p_on"))
        seen = (marks.joint_state[:, P] == PRESENT) & np.isfinite(p_at)
        self.p_at: Floats = p_at[seen]
        self.blocked: Mask = kind[seen] == "p"
        """`[P wave]` no QRS follows."""

    def episode(self, key: str, first: int, last: int, *evidence: Evidence) -> Episode:
        """From beat `first` to beat `last`."""
        rr = self.rr[first + 1:last + 1]
        seen = rr[np.isfinite(rr)]
        return Episode(
            key=key, statement=NAMES.get(key) or codes()[key].statement, onset=round(self.r[first]),
            end=round(self.r[last]), n_beats=last - first + 1,
            rate_bpm=60_000.0 / float(np.median(seen)) if seen.size else math.nan, evidence=evidence,
        )

    def seconds(self, first: int, last: int) -> float:
        """From beat to beat."""
        return float(self.r[last] - self.r[first]) / self.fs


def _fibrillation(beats: _Beats, args: EpisodeArgs) -> Iterator[Episode]:
    odd = beats.kind == "V"
    after_odd = np.concatenate([[False], odd[:-1]])
    rr = np.where(odd | after_odd, np.nan, beats.rr)
    step = np.abs(np.diff(rr, prepend=np.nan))
    with_p = np.where(odd, np.nan, beats.p)
    irregular = _rolling_median(step, args.af_window) / _rolling_median(rr, args.af_window)
    share = _rolling_mean(with_p, args.af_window)
    for first, last in _stretches((irregular >= args.af_irregularity) & (share < args.af_p_share)):
        if beats.seconds(first, last) < args.sustained_s:
            continue
        inside = slice(first, last + 1)
        span = (round(beats.r[first]), round(beats.r[last]))
        spread = float(np.nanmedian(step[inside]) / np.nanmedian(rr[inside]))
        yield beats.episode(
            "AFIB", first, last,
            Evidence("rr_irregularity", spread, "", span=span, comparison=">=", threshold=args.af_irregularity),
            Evidence("p_present_fraction", float(np.nanmean(with_p[inside])), "", span=span, comparison="<",
                     threshold=args.af_p_share))


def _pauses(beats: _Beats, args: EpisodeArgs) -> Iterator[Episode]:
    for beat in np.flatnonzero(beats.rr >= args.pause_ms).tolist():
        span = (round(beats.r[beat - 1]), round(beats.r[beat]))
        yield beats.episode("PAUSE", beat - 1, beat, Evidence(
            "rr_max_ms", float(beats.rr[beat]), "ms", span=span, comparison=">=", threshold=args.pause_ms))


def _runs(beats: _Beats, args: EpisodeArgs) -> Iterator[Episode]:
    for letter, key, measure in (("V", "PVC_RUN", "longest_pvc_run"), ("S", "PAC_RUN", "n_pac")):
        for found in re.finditer(f"{letter}{{{args.run_beats},}}", beats.letters):
            first, last = found.start(), found.end() - 1
            made = beats.episode(key, first, last, Evidence(
                measure, float(last - first + 1), "", span=(round(beats.r[first]), round(beats.r[last])),
                comparison=">=", threshold=float(args.run_beats)))
            if letter == "V" and made.rate_bpm > args.run_rate:
                rate = Evidence("hr_bpm", made.rate_bpm, "1/min", span=(made.onset, made.end), comparison=">",
                                threshold=args.run_rate)
                made = beats.episode("VT", first, last, *made.evidence, rate)
            yield made


def _cycles(beats: _Beats, args: EpisodeArgs) -> Iterator[Episode]:
    for key, others in (("BIGU", 1), ("TRIGU", 2)):
        for found in re.finditer(f"(?:{'-' * others}[SV]){{{args.cycles},}}", beats.letters):
            first, last = found.start(), found.end() - 1
            count = (last - first + 1) // (others + 1)
            yield beats.episode(key, first, last, Evidence(
                "bigeminy_cycles" if key == "BIGU" else "trigeminy_cycles", float(count), "",
                span=(round(beats.r[first]), round(beats.r[last])), comparison=">=", threshold=float(args.cycles)))


def _blocks(beats: _Beats, args: EpisodeArgs) -> Iterator[Episode]:
    """Blocked P waves that come in time and whose QRS is missed, those near one another together."""
    if not beats.blocked.any():
        return
    pp = np.diff(beats.p_at, prepend=np.nan)
    usual_pp, usual_rr = _rolling_median(pp, args.rate_window), _rolling_median(beats.rr, args.rate_window)
    next_beat = np.searchsorted(beats.r, beats.p_at)
    between = (next_beat > 0) & (next_beat < len(beats.r))
    row = np.clip(next_beat, 0, len(beats.r) - 1)
    in_time = np.abs(pp - usual_pp) <= args.in_time * usual_pp
    long = beats.rr[row] >= args.dropped * usual_rr[row]
    two_to_one = beats.blocked & np.concatenate([[False, False], beats.blocked[:-2]])
    missed = row[beats.blocked & between & in_time & (long | two_to_one)]
    if not len(missed):
        return
    apart = np.flatnonzero(np.diff(beats.r[missed]) / beats.fs > args.block_gap_s) + 1
    for group in np.split(missed, apart):
        first, last = int(group[0]) - 1, int(group[-1])
        yield beats.episode("2AVB", first, last, Evidence(
            "n_blocked_p", float(len(group)), "", span=(round(beats.r[first]), round(beats.r[last])), comparison=">=",
            threshold=1.0))


def _rates(beats: _Beats, args: EpisodeArgs) -> Iterator[Episode]:
    rate = 60_000.0 / _rolling_median(beats.rr, args.rate_window)
    for key, comparison, limit, mask in (("BRADY", "<", args.slow_bpm, rate < args.slow_bpm),
                                         ("TACHY", ">", args.fast_bpm, rate > args.fast_bpm)):
        for first, last in _stretches(mask):
            if beats.seconds(first, last) < args.sustained_s:
                continue
            made = beats.episode(key, first, last)
            yield beats.episode(key, first, last, Evidence(
                "hr_bpm", made.rate_bpm, "1/min", span=(made.onset, made.end), comparison=comparison, threshold=limit))


def _windows(values: Floats, width: int) -> Floats:
    """`[n, width]` values around each one, NaN beyond the ends."""
    before = width // 2
    padded = np.pad(values, (before, width - 1 - before), constant_values=np.nan)
    return np.asarray(sliding_window_view(padded, width))


def _rolling_median(values: Floats, width: int) -> Floats:
    """Median of the finite values around each one; NaN where fewer than a third are finite."""
    ordered = np.sort(_windows(values, width), axis=1)  # NaN last
    count = np.isfinite(ordered).sum(axis=1)
    last = np.maximum(count - 1, 0)
    rows = np.arange(len(ordered))
    middle = 0.5 * (ordered[rows, last // 2] + ordered[rows, (last + 1) // 2])
    return np.where(count * 3 >= width, middle, np.nan)


def _rolling_mean(values: Floats, width: int) -> Floats:
    """Mean of the finite values around each one; NaN where fewer than a third are finite."""
    windows = _windows(values, width)
    seen = np.isfinite(windows)
    count = seen.sum(axis=1)
    total = np.where(seen, windows, 0.0).sum(axis=1)
    return np.where(count * 3 >= width, total / np.maximum(count, 1), np.nan)


def _stretches(mask: Mask) -> list[tuple[int, int]]:
    """First and last index of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(first), int(end) - 1) for first, end in zip(edges[::2], edges[1::2], strict=True)]
