"""One definition of every score the project reports.

Contract: plain numpy arrays in, floats or small frozen dataclasses out; NaN where a score is not defined (no positives,
nothing matched), never an exception for an empty set. Lengths that do not agree are a ValueError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "SNR_CAP", "TOLERANCE_MS", "Comparison", "Detection", "Interval", "aligned", "auroc", "average_precision",
    "balanced_accuracy", "bootstrap", "calibration_error", "cinc_snr_db", "compare", "intersection_over_union", "match",
    "mean_average_precision", "mean_db", "mean_squared_error", "page_snr_db", "pearson", "pool", "score_detection",
    "sensitivity_specificity", "snr_db",
]

TOLERANCE_MS: Final = 150.0
"""Tolerance of a fiducial or R-peak match (ANSI/AAMI EC57; the delineation literature on LUDB and QTDB)."""

SNR_CAP: Final = 384.0
"""Largest ratio of powers that a digitized page is credited with (contest on Kaggle, 2025): 25.84 dB."""


@dataclass(frozen=True, slots=True)
class Detection:
    """Marks found against marks of the truth."""

    tp: int
    fp: int
    fn: int
    errors_ms: NDArray[np.float64]
    """`[tp]`: found minus true position of every matched pair [ms]."""

    @property
    def sensitivity(self) -> float:
        """TP / (TP + FN)."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def ppv(self) -> float:
        """TP / (TP + FP)."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN)."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def error_rate(self) -> float:
        """Detection error rate DER = (FP + FN) / (TP + FN); can exceed 1."""
        return _ratio(self.fp + self.fn, self.tp + self.fn)

    @property
    def mean_ms(self) -> float:
        """Mean of the signed errors [ms]."""
        return float(self.errors_ms.mean()) if self.errors_ms.size else float("nan")

    @property
    def sd_ms(self) -> float:
        """Standard deviation (n in the denominator) of the signed errors [ms]."""
        return float(self.errors_ms.std()) if self.errors_ms.size else float("nan")


@dataclass(frozen=True, slots=True)
class Interval:
    """A score with its bootstrap percentile interval."""

    value: float
    low: float
    high: float
    n: int
    """Patients resampled."""

    def __str__(self) -> str:
        return f"{self.value:.4g} ({self.low:.4g} to {self.high:.4g})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Score of a minus score of b on the same patients."""

    difference: Interval
    probability: float
    """Share of the draws in which a is larger, ties counted half."""


def match(truth: ArrayLike, found: ArrayLike, *, tolerance: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """One-to-one nearest matching: indices into `truth` and `found` of the matched pairs, in order of `truth`.

    Pairs are taken by growing distance, each mark once, none beyond `tolerance` (unit of the positions, inclusive).
    NaN positions match nothing. Found by repeatedly joining mutual nearest neighbours, which gives the same pairs.
    """
    a, b = np.asarray(truth, dtype=np.float64), np.asarray(found, dtype=np.float64)
    free_a, free_b = np.flatnonzero(np.isfinite(a)), np.flatnonzero(np.isfinite(b))
    free_a, free_b = free_a[np.argsort(a[free_a], kind="stable")], free_b[np.argsort(b[free_b], kind="stable")]
    left: list[NDArray[np.int64]] = []
    right: list[NDArray[np.int64]] = []
    while free_a.size and free_b.size:
        to_b, to_a = _nearest(a[free_a], b[free_b]), _nearest(b[free_b], a[free_a])
        mutual = to_a[to_b] == np.arange(free_a.size)
        mutual &= np.abs(a[free_a] - b[free_b[to_b]]) <= tolerance
        if not mutual.any():
            break
        left.append(free_a[mutual])
        right.append(free_b[to_b[mutual]])
        used = np.zeros(free_b.size, dtype=bool)
        used[to_b[mutual]] = True
        free_a, free_b = free_a[~mutual], free_b[~used]
    if not left:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    i, j = np.concatenate(left), np.concatenate(right)
    order = np.argsort(i)
    return i[order], j[order]


def score_detection(
    truth: ArrayLike, found: ArrayLike, *, fs: float, tolerance_ms: float = TOLERANCE_MS,
    span: tuple[float, float] | None = None,
) -> Detection:
    """Score the marks of one kind in one lead; positions in samples at `fs`, NaN = none.

    `span` = first and last annotation of the lead, of any wave: false positives outside it are not counted, since the
    annotators left beats at the edges unmarked. Without `span` every unmatched mark counts.
    """
    a, b = np.asarray(truth, dtype=np.float64), np.asarray(found, dtype=np.float64)
    i, j = match(a, b, tolerance=tolerance_ms * fs / 1000.0)
    extra = np.isfinite(b)
    extra[j] = False
    if span is not None:
        extra &= (b >= span[0]) & (b <= span[1])
    missed = int(np.isfinite(a).sum()) - i.size
    return Detection(int(i.size), int(extra.sum()), missed, (b[j] - a[i]) * 1000.0 / fs)


def pool(parts: Sequence[Detection]) -> Detection:
    """All leads, records or patients as one: counts added, errors joined."""
    errors = [part.errors_ms for part in parts]
    return Detection(
        sum(part.tp for part in parts), sum(part.fp for part in parts), sum(part.fn for part in parts),
        np.concatenate(errors) if errors else np.zeros(0),
    )


def auroc(truth: ArrayLike, score: ArrayLike) -> float:
    """Area under the ROC curve = P(score of a positive > of a negative) + P(equal) / 2, from mid-ranks.

    (Hanley & McNeil, Radiology 1982;143:29.) NaN without both classes; pairs with a NaN score are left out.
    """
    y, s = _binary(truth, score)
    positives = int(y.sum())
    negatives = y.size - positives
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(s, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - 0.5 * (counts - 1)
    rank_sum = float(middle[inverse][y].sum())
    return (rank_sum - positives * (positives + 1) / 2.0) / (positives * negatives)


def average_precision(truth: ArrayLike, score: ArrayLike) -> float:
    """Sum over distinct thresholds of (recall step) x precision, no interpolation, ties entered together."""
    y, s = _binary(truth, score)
    if not y.any():
        return float("nan")
    order = np.argsort(-s, kind="stable")
    s, hits = s[order], np.cumsum(y[order])
    last = np.append(np.flatnonzero(np.diff(s)), s.size - 1)
    recall = hits[last] / hits[-1]
    precision = hits[last] / (last + 1.0)
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def sensitivity_specificity(truth: ArrayLike, predicted: ArrayLike) -> tuple[float, float]:
    """Share of the positives called positive, and of the negatives called negative."""
    y, p = np.asarray(truth, dtype=bool), np.asarray(predicted, dtype=bool)
    _same_length(y, p)
    return _ratio(int((y & p).sum()), int(y.sum())), _ratio(int((~y & ~p).sum()), int((~y).sum()))


def balanced_accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """(sensitivity + specificity) / 2; NaN without both classes."""
    return float(np.mean(sensitivity_specificity(truth, predicted)))


def calibration_error(truth: ArrayLike, probability: ArrayLike, *, bins: int = 15) -> float:
    """Expected calibration error: sum over equal-width bins of n_b / n |mean probability - share of positives|.

    (Guo et al., ICML 2017.) The first bin includes 0, each bin its upper limit.
    """
    y, p = _binary(truth, probability)
    if not y.size:
        return float("nan")
    which = np.clip(np.ceil(p * bins).astype(int) - 1, 0, bins - 1)
    gap = np.bincount(which, weights=p - y, minlength=bins)
    return float(np.abs(gap).sum() / y.size)


def snr_db(reference: ArrayLike, signal: ArrayLike) -> float:
    """10 log10(sum reference^2 / sum (signal - reference)^2) over the samples both have; inf when equal."""
    r, x = np.asarray(reference, dtype=np.float64), np.asarray(signal, dtype=np.float64)
    _same_length(r, x)
    both = np.isfinite(r) & np.isfinite(x)
    power, noise = float((r[both] ** 2).sum()), float(((x - r)[both] ** 2).sum())
    if not both.any() or (power == 0.0 and noise == 0.0):
        return float("nan")
    if noise == 0.0:
        return float("inf")
    return 10.0 * float(np.log10(power / noise)) if power > 0.0 else float("-inf")


def pearson(reference: ArrayLike, signal: ArrayLike) -> float:
    """Pearson correlation over the samples both have; NaN when either is constant there."""
    r, x = _both(reference, signal)
    r, x = r - r.mean() if r.size else r, x - x.mean() if x.size else x
    scale = float(np.sqrt((r**2).sum() * (x**2).sum()))
    return float((r * x).sum()) / scale if scale > 0.0 else float("nan")


def mean_squared_error(reference: ArrayLike, signal: ArrayLike) -> float:
    """Mean of (signal - reference)^2 over the samples both have, in the square of their unit."""
    r, x = _both(reference, signal)
    return float(((x - r) ** 2).mean()) if r.size else float("nan")


def aligned(reference: ArrayLike, signal: ArrayLike, *, max_lag: int) -> NDArray[np.float64]:
    """`signal` moved in time and height onto `reference`; NaN where nothing was moved to.

    The lag of at most `max_lag` samples is that of the largest cross-correlation with the means removed (NaN counted
    as the mean); the height is then the least-squares one.
    """
    r, x = np.asarray(reference, dtype=np.float64), np.asarray(signal, dtype=np.float64)
    _same_length(r, x)
    if not np.isfinite(x).any() or not np.isfinite(r).any():
        return np.full(r.shape, np.nan)
    correlation = _correlation(np.nan_to_num(r - np.nanmean(r)), np.nan_to_num(x - np.nanmean(x)), max_lag)
    moved = _shifted(x, int(np.argmax(correlation)) - max_lag)
    both = np.isfinite(moved) & np.isfinite(r)
    return moved - (moved - r)[both].mean() if both.any() else moved


def page_snr_db(reference: ArrayLike, signal: ArrayLike, *, fs: float) -> float:
    """Signal-to-noise ratio of one digitized page [dB], as the PhysioNet digitization contest on Kaggle (2025) has it.

    `[lead, sample]`, NaN in `reference` where nothing was printed. Each lead is aligned within 0.2 s and in height;
    samples that are then missing count as 0 mV; powers are summed over the leads and the ratio is capped at 384
    (25.84 dB) from above and 1/384 from below. Pages are averaged as ratios: `mean_db`.
    """
    power = noise = 0.0
    for r, x in zip(np.atleast_2d(reference), np.atleast_2d(signal), strict=True):
        printed = np.isfinite(r)
        moved = np.nan_to_num(aligned(r, x, max_lag=int(0.2 * fs)))
        power += float((np.asarray(r, np.float64)[printed] ** 2).sum())
        noise += float(((moved - r)[printed] ** 2).sum())
    if power == 0.0:
        return float("nan")
    ratio = power / noise if noise > 0.0 else SNR_CAP
    return 10.0 * float(np.log10(np.clip(ratio, 1.0 / SNR_CAP, SNR_CAP)))


def mean_db(values: ArrayLike) -> float:
    """10 log10 of the mean of the ratios whose decibels are given; NaN left out."""
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    return 10.0 * float(np.log10((10.0 ** (known / 10.0)).mean())) if known.size else float("nan")


def cinc_snr_db(reference: ArrayLike, signal: ArrayLike, *, fs: float) -> tuple[float, float]:
    """Signal-to-noise ratio of one lead [dB] as the George B. Moody PhysioNet Challenge 2024 has it: fixed, published.

    Both are drawn as images of 256 levels, blurred (0.5 px) and aligned by their cross-correlation, accepted up to
    0.5 s and 1 mV; the ratio of the means over samples both have is multiplied by the share of the reference that the
    signal covers. `published` repeats the scorer as it stands since 2025-10-17, which after a negative shift of n
    samples keeps n samples only; `fixed` keeps the rest. NaN for a perfect copy, 0 without overlap.
    """
    r, x = np.asarray(reference, dtype=np.float64), np.asarray(signal, dtype=np.float64)
    _same_length(r, x)
    if not np.isfinite(x).any() or not np.isfinite(r).any():
        return 0.0, 0.0
    lag, height = _image_offset(r, x)
    if abs(lag) > 0.5 * fs or abs(height) > 1.0:
        score = _covered_snr(r, x)
        return score, score
    fixed = _covered_snr(r, _shifted(x, lag) - height)
    return fixed, _covered_snr(r, np.where(np.arange(x.size) < -lag, x, np.nan) - height) if lag < 0 else fixed


def intersection_over_union(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """IoU of upright boxes `[n, (x0, y0, x1, y1)]` and `[m, 4]`: `[n, m]`."""
    p, q = (np.asarray(boxes, dtype=np.float64).reshape(-1, 4) for boxes in (a, b))
    low = np.maximum(p[:, None, :2], q[None, :, :2])
    high = np.minimum(p[:, None, 2:], q[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0.0, None), axis=-1)
    area_p, area_q = (np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1) for boxes in (p, q))
    union = area_p[:, None] + area_q[None, :] - shared
    return np.where(union > 0.0, shared / np.where(union > 0.0, union, 1.0), 0.0)


def mean_average_precision(
    truth: Sequence[Mapping[str, ArrayLike]], found: Sequence[Mapping[str, tuple[ArrayLike, ArrayLike]]], *,
    iou: float = 0.5,
) -> float:
    """Mean over classes of the average precision of boxes (COCO: precision interpolated at 101 recalls).

    For each image `truth` gives class -> boxes `[n, 4]`, and `found` class -> (boxes `[m, 4]`, scores `[m]`). A box
    found is right when its IoU with a true box of its class not yet taken is at least `iou`, best scores first.
    """
    classes = sorted({name for image in truth for name in image})
    scores = [_class_precision(truth, found, name, iou) for name in classes]
    return float(np.mean(scores)) if scores else float("nan")


def bootstrap(
    patients: ArrayLike, statistic: Callable[[NDArray[np.int64]], float], *, draws: int = 1000, seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Percentile interval of `statistic(rows)` when whole patients are drawn with replacement.

    `patients` `[row]` names the patient of each row; `statistic` gets the row numbers of a draw, with repeats. Draws
    whose statistic is not defined (NaN) are left out.
    """
    groups = _groups(patients)
    values = np.array([statistic(rows) for rows in _draws(groups, draws, seed)])
    return _interval(float(statistic(_all(groups))), values, level, len(groups))


def compare(
    patients: ArrayLike, a: Callable[[NDArray[np.int64]], float], b: Callable[[NDArray[np.int64]], float], *,
    draws: int = 1000, seed: int = 0, level: float = 0.95,
) -> Comparison:
    """Paired bootstrap by patient of a - b: both statistics see the same draws."""
    groups = _groups(patients)
    values = np.array([a(rows) - b(rows) for rows in _draws(groups, draws, seed)])
    rows = _all(groups)
    known = values[np.isfinite(values)]
    share = float((known > 0).mean() + 0.5 * (known == 0).mean()) if known.size else float("nan")
    return Comparison(_interval(float(a(rows) - b(rows)), values, level, len(groups)), share)


def _groups(patients: ArrayLike) -> list[NDArray[np.int64]]:
    names = np.asarray(patients)
    if not names.size:
        return []
    _, inverse, counts = np.unique(names, return_inverse=True, return_counts=True)
    return np.split(np.argsort(inverse, kind="stable").astype(np.int64), np.cumsum(counts)[:-1])


def _all(groups: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.sort(np.concatenate(groups)) if groups else np.zeros(0, np.int64)


def _draws(groups: list[NDArray[np.int64]], draws: int, seed: int) -> list[NDArray[np.int64]]:
    """Row numbers of every draw; the same seed gives the same draws."""
    if not groups:
        return []
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(groups), size=(draws, len(groups)))
    return [np.concatenate([groups[g] for g in pick]) for pick in picks]


def _interval(value: float, values: NDArray[np.float64], level: float, n: int) -> Interval:
    known = values[np.isfinite(values)]
    if not known.size:
        return Interval(value, float("nan"), float("nan"), n)
    low, high = np.percentile(known, [50.0 * (1.0 - level), 50.0 * (1.0 + level)])
    return Interval(value, float(low), float(high), n)


def _nearest(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.int64]:
    """For every element of sorted `a`, the index of the nearest element of sorted `b`; the earlier one in a tie."""
    right = np.searchsorted(b, a).clip(0, b.size - 1)
    left = (right - 1).clip(0)
    best = np.where(np.abs(a - b[left]) <= np.abs(b[right] - a), left, right)
    # Equal positions in b: the first of them, so that mutual neighbours always exist.
    return np.asarray(np.searchsorted(b, b[best]), dtype=np.int64)


def _binary(truth: ArrayLike, score: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    y, s = np.asarray(truth, dtype=bool), np.asarray(score, dtype=np.float64)
    _same_length(y, s)
    known = ~np.isnan(s)
    return y[known], s[known]


def _class_precision(
    truth: Sequence[Mapping[str, ArrayLike]], found: Sequence[Mapping[str, tuple[ArrayLike, ArrayLike]]], name: str,
    iou: float,
) -> float:
    hits: list[bool] = []
    scores: list[float] = []
    positives = 0
    for real, seen in zip(truth, found, strict=True):
        boxes = np.asarray(real.get(name, ()), dtype=np.float64).reshape(-1, 4)
        positives += len(boxes)
        candidates, confidence = seen.get(name, ((), ()))
        overlap = intersection_over_union(candidates, boxes)
        certain = np.asarray(confidence, dtype=np.float64)
        for i in np.argsort(-certain, kind="stable"):
            best = int(np.argmax(overlap[i])) if len(boxes) else -1
            hit = best >= 0 and overlap[i, best] >= iou
            if hit:
                overlap[:, best] = -1.0
            hits.append(bool(hit))
            scores.append(float(certain[i]))
    right = np.asarray(hits, dtype=bool)[np.argsort(-np.asarray(scores), kind="stable")]
    tp = np.cumsum(right)
    precision = np.maximum.accumulate((tp / np.arange(1, tp.size + 1))[::-1])[::-1]
    at = np.searchsorted(tp / positives, np.linspace(0.0, 1.0, 101), side="left")
    return float(np.where(at < tp.size, np.append(precision, 0.0)[np.minimum(at, tp.size)], 0.0).mean())


def _correlation(r: NDArray[np.float64], x: NDArray[np.float64], max_lag: int) -> NDArray[np.float64]:
    """Sum r[i] x[i - lag] for lag -max_lag..max_lag."""
    from scipy.signal import correlate

    full = correlate(r, x, mode="full", method="fft")
    middle = x.size - 1
    lags = np.arange(-max_lag, max_lag + 1) + middle
    inside = (lags >= 0) & (lags < full.size)
    return np.where(inside, full[np.clip(lags, 0, full.size - 1)], -np.inf)


def _shifted(x: NDArray[np.float64], lag: int) -> NDArray[np.float64]:
    """`x` moved `lag` samples to the right (left when negative); NaN comes in."""
    moved = np.full(x.shape, np.nan)
    if abs(lag) < x.size:
        moved[max(lag, 0): x.size + min(lag, 0)] = x[max(-lag, 0): x.size - max(lag, 0)]
    return moved


def _image_offset(r: NDArray[np.float64], x: NDArray[np.float64]) -> tuple[int, float]:
    """How far to the right, and how much higher, `x` has to be read to lie on `r`: samples, and its own unit."""
    from scipy.ndimage import gaussian_filter
    from scipy.signal import fftconvolve

    low = min(np.nanmin(r), np.nanmin(x))
    step = (max(np.nanmax(r), np.nanmax(x)) - low) / 255.0
    if step <= 0.0:
        return 0, 0.0

    def drawn(values: NDArray[np.float64]) -> NDArray[np.float64]:
        image = np.zeros((values.size, 256))
        at = np.flatnonzero(np.isfinite(values))
        image[at, np.rint((values[at] - low) / step).astype(int)] = 1.0
        return np.asarray(gaussian_filter(image, 0.5))

    found = fftconvolve(drawn(r), drawn(x)[::-1, ::-1])
    lag, levels = np.unravel_index(np.argmax(found), found.shape)
    return int(lag) - (r.size - 1), -float(levels - 255) * step


def _covered_snr(r: NDArray[np.float64], x: NDArray[np.float64]) -> float:
    both = np.isfinite(r) & np.isfinite(x)
    if not both.any():
        return 0.0
    noise, power = float(((x - r)[both] ** 2).mean()), float((r[both] ** 2).mean())
    if noise == 0.0 or power == 0.0:
        return float("nan")
    return 10.0 * float(np.log10(power / noise)) * float(both.sum()) / float(np.isfinite(r).sum())


def _both(reference: ArrayLike, signal: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r, x = np.asarray(reference, dtype=np.float64), np.asarray(signal, dtype=np.float64)
    _same_length(r, x)
    both = np.isfinite(r) & np.isfinite(x)
    return r[both], x[both]


def _same_length(a: NDArray[Any], b: NDArray[Any]) -> None:
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape} differ")


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
