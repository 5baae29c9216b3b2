"""R peaks of MIT-BIH against its beat annotations: lead 0 beside wfdb's gqrs in the same run, then both leads.

Every beat of the half hour counts, 150 ms tolerance; neither beats nor detections inside ventricular flutter do.
Detection error rate DER = (FP + FN) / beats. MIT-BIH is for testing only: nothing here was trained on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import datapack
import numpy as np
from methods import Result
from numpy.typing import NDArray

from ecground.metrics import Detection, bootstrap, pool, score_detection

__all__ = ["compare_detectors"]

Detector = Callable[[datapack.Beats], NDArray[np.float64]]


@dataclass
class _Row:
    """One detector over the records so far."""

    parts: list[Detection] = field(default_factory=list)
    cpu_s: float = 0.0


def compare_detectors(ours: Callable[..., Result] | None, network: Callable[..., Any]) -> dict[str, Any]:
    """Print the table of all detectors and return its numbers; `ours` None leaves ours out."""
    detectors: dict[str, Detector] = {"wfdb gqrs, lead 0": _gqrs, "U-Net, lead 0": _first_lead(network)}
    if ours is not None:
        detectors = {"ecground, lead 0": _ours(1), "ecground, both leads": _ours(2)} | detectors
    rows, names, seconds = _run(detectors, datapack.mitdb())
    print(f"\n## MIT-BIH R peaks, {len(names)} half hours, all beats, ventricular flutter left out, 150 ms")
    print(f"{'detector':22}{'beats':>8}{'Se %':>8}{'PPV %':>8}{'DER % (95 % by record)':>26}{'location ms':>14}"
          f"{'x real time':>13}   worst records (FP + FN)")
    return {name: _print_row(name, row, names, seconds) for name, row in rows.items()}


def _run(
    detectors: dict[str, Detector], records: Iterable[datapack.Beats],
) -> tuple[dict[str, _Row], list[str], float]:
    rows = {name: _Row() for name in detectors}
    names: list[str] = []
    seconds = 0.0
    for record in records:
        names.append(record.name)
        seconds += record.signal.shape[1] / record.fs
        for name, detect in detectors.items():
            before = time.process_time()
            found = detect(record)
            rows[name].cpu_s += time.process_time() - before
            for first, last in record.flutter:
                found = found[(found < first) | (found > last)]
            rows[name].parts.append(score_detection(record.beats, found, fs=record.fs))
    return rows, names, seconds


def _print_row(name: str, row: _Row, names: list[str], seconds: float) -> dict[str, Any]:
    total = pool(row.parts)
    wrong = np.array([part.fp + part.fn for part in row.parts])
    beats = np.array([part.tp + part.fn for part in row.parts])
    interval = bootstrap(np.array(names), lambda i: float(wrong[i].sum() / beats[i].sum()))
    worst = ", ".join(f"{names[i]} {wrong[i]}" for i in np.argsort(-wrong)[:4])
    der = f"{100 * interval.value:.3f} ({100 * interval.low:.2f} to {100 * interval.high:.2f})"
    print(f"{name:22}{beats.sum():8d}{100 * total.sensitivity:8.2f}{100 * total.ppv:8.2f}{der:>26}"
          f"{f'{total.mean_ms:+.0f}±{total.sd_ms:.0f}':>14}{seconds / row.cpu_s:13.0f}   {worst}")
    return {"se": total.sensitivity, "ppv": total.ppv, "der": total.error_rate, "der_low": interval.low,
            "der_high": interval.high, "fp": total.fp, "fn": total.fn, "x_real_time": seconds / row.cpu_s}


def _gqrs(record: datapack.Beats) -> NDArray[np.float64]:
    from wfdb.processing import gqrs_detect

    return np.asarray(gqrs_detect(sig=record.signal[0].astype(float), fs=record.fs, adc_gain=200, adc_zero=0), float)


def _first_lead(network: Callable[..., Any]) -> Detector:
    return lambda record: network(record.signal[:1], record.fs)[0]["r_peak"]


def _ours(leads: int) -> Detector:
    """Our beats (QRS rows) in the first one or two leads."""

    def detect(record: datapack.Beats) -> NDArray[np.float64]:
        from ecground.record import Record
        from ecground.signal.delineate import delineate

        return delineate(Record(record.signal[:leads], record.fs, record.leads[:leads])).r_peaks

    return detect
