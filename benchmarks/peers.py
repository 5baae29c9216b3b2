"""Run another library's delineator over many records: a program for the peers' own interpreter.

    .venv-peers/bin/python benchmarks/peers.py METHOD IN.npz OUT.npz

IN.npz holds `signal` float32 mV `[record, lead, sample]` and `fs` [Hz]. OUT.npz holds the marks as flat columns
`record`, `lead`, `mark` (index into MARKS) and `position` (samples at `fs`), `cpu_s` `[record]` (CPU seconds of this
process, imports and a first warm-up record left out) and `crashed` `[record, lead]` (the library raised on that lead).
Every library runs its own default pipeline: its cleaning, its R-peak detector, its delineator. This file imports
nothing of ecground, and ecground nothing of it: several of these libraries are GPL.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import _one_thread  # noqa: F401 - before numpy
import numpy as np

MARKS = ("p_on", "p_peak", "p_off", "qrs_on", "r_peak", "qrs_off", "t_on", "t_peak", "t_off")
Leads = list[dict[str, Any] | None]
"""Per lead: mark -> positions (NaN or None = not found), or None when the library raised."""
Method = Callable[[np.ndarray, float], Leads]


def _each_lead(one: Callable[[np.ndarray, float], dict[str, Any]]) -> Method:
    """A single-lead library over all leads, counting the leads on which it raises."""

    def run(signal: np.ndarray, fs: float) -> Leads:
        found: Leads = []
        for lead in signal:
            try:
                found.append(one(lead, fs))
            except Exception:  # noqa: BLE001 - whatever a peer raises is its result on that lead
                found.append(None)
        return found

    return run


def _neurokit(method: str) -> Method:
    import neurokit2 as nk

    keys = {
        "p_on": "ECG_P_Onsets", "p_peak": "ECG_P_Peaks", "p_off": "ECG_P_Offsets", "qrs_on": "ECG_R_Onsets",
        "qrs_off": "ECG_R_Offsets", "t_on": "ECG_T_Onsets", "t_peak": "ECG_T_Peaks", "t_off": "ECG_T_Offsets",
    }

    def one(lead: np.ndarray, fs: float) -> dict[str, Any]:
        rate = round(fs)
        clean = nk.ecg_clean(lead, sampling_rate=rate)
        _, info = nk.ecg_peaks(clean, sampling_rate=rate)
        _, waves = nk.ecg_delineate(clean, info["ECG_R_Peaks"], sampling_rate=rate, method=method)
        found = {mark: waves[key] for mark, key in keys.items() if key in waves}
        return found | {"r_peak": info["ECG_R_Peaks"]}

    return _each_lead(one)


def _neurokit_process() -> Method:
    """NeuroKit2's whole pipeline on each lead, for the throughput ratio."""
    import neurokit2 as nk

    def one(lead: np.ndarray, fs: float) -> dict[str, Any]:
        _, info = nk.ecg_process(lead, sampling_rate=round(fs))
        return {"r_peak": info["ECG_R_Peaks"]}

    return _each_lead(one)


def _ecgdeli() -> Method:
    import ecgdeli

    columns = [name.lower() for name in ecgdeli.FPT_COLUMNS[:12]]
    mark_of = {"r": "r_peak"}

    def run(signal: np.ndarray, fs: float) -> Leads:
        annotation = ecgdeli.annotate(ecgdeli.filter_ecg(signal.T.astype(float), fs), fs)
        tables = (np.where(lead.positions < 0, np.nan, lead.positions) for lead in annotation.leads)
        return [{mark_of.get(name, name): table[:, i] for i, name in enumerate(columns)} for table in tables]

    return run


def _wavedet(*, multi: bool) -> Method:
    import wavedet

    fields = {"p_on": "p_on", "p_peak": "p", "p_off": "p_off", "qrs_on": "qrs_on", "r_peak": "qrs",
              "qrs_off": "qrs_off", "t_on": "t_on", "t_peak": "t", "t_off": "t_off"}

    def marks(found: Any) -> dict[str, Any]:
        return {mark: getattr(found, name) for mark, name in fields.items()}

    def fused(signal: np.ndarray, fs: float) -> Leads:
        one = marks(wavedet.delineate_multilead(signal.T.astype(float), round(fs)))
        return [one] * len(signal)

    return fused if multi else _each_lead(lambda lead, fs: marks(wavedet.delineate(lead.astype(float), round(fs))))


def _prominence() -> Method:
    from prominence_delineator import ProminenceDelineator

    keys = {"p_on": "P_on", "p_peak": "P", "p_off": "P_off", "qrs_on": "R_on", "r_peak": "R", "qrs_off": "R_off",
            "t_on": "T_on", "t_peak": "T", "t_off": "T_off"}

    def run(signal: np.ndarray, fs: float) -> Leads:
        delineator = ProminenceDelineator(sampling_frequency=round(fs))
        leads = [lead.astype(float) for lead in signal]
        peaks = delineator.find_rpeaks(leads)
        waves = delineator.find_waves_multilead(delineator.clean_ecg(leads), peaks, multilead_correction=True)
        return [{mark: waves[key][i] for mark, key in keys.items()} for i in range(len(leads))]

    return run


def _runs(classes: np.ndarray, lead: np.ndarray, step: float) -> dict[str, list[float]]:
    """Runs of wave classes 1 P, 2 QRS, 3 T -> marks; peak = farthest from the chord, as for the U-Net network."""
    found: dict[str, list[float]] = {mark: [] for mark in MARKS}
    edges = np.flatnonzero(np.diff(np.concatenate([[0], classes, [0]])))
    for start, stop in itertools.pairwise(edges):
        wave = {1: ("p_on", "p_peak", "p_off"), 2: ("qrs_on", "r_peak", "qrs_off"), 3: ("t_on", "t_peak", "t_off")}
        if int(classes[start]) not in wave:
            continue
        piece = lead[start:stop]
        peak = start + int(np.argmax(np.abs(piece - np.linspace(piece[0], piece[-1], len(piece)))))
        for mark, at in zip(wave[int(classes[start])], (start, peak, stop - 1), strict=True):
            found[mark].append(at * step)
    return found


def _openecg_v56c() -> Method:
    from openecg.deploy import Inference
    from scipy.signal import resample_poly

    detector = Inference()

    def one(lead: np.ndarray, fs: float) -> dict[str, Any]:
        at_250 = resample_poly(lead, 250, round(fs)).astype(np.float32)
        classes = np.zeros(len(at_250), np.int64)
        for number, window in enumerate(detector.predict(at_250)):
            for wave in window:
                classes[number * 2500 + wave.start : number * 2500 + wave.end + 1] = wave.cls
        return _runs(classes, at_250, fs / 250)

    return _each_lead(one)


def _openecg_v6() -> Method:
    import openecg
    from scipy.signal import resample_poly

    model = openecg.load_codec_onnx(version="v6")

    def one(lead: np.ndarray, fs: float) -> dict[str, Any]:
        at_500 = resample_poly(lead, 500, round(fs)).astype(np.float32)
        frame = openecg.encode(at_500, fs=500, model=model).frame.astype(np.int64)
        return _runs(np.where(frame == 4, 2, frame), at_500, fs / 500)

    return _each_lead(one)


METHODS: dict[str, Callable[[], Method]] = {
    "nk-dwt": lambda: _neurokit("dwt"),
    "nk-cwt": lambda: _neurokit("cwt"),
    "nk-peak": lambda: _neurokit("peak"),
    "nk-prominence": lambda: _neurokit("prominence"),
    "nk-process": _neurokit_process,
    "ecgdeli": _ecgdeli,
    "wavedet-single": lambda: _wavedet(multi=False),
    "wavedet-multi": lambda: _wavedet(multi=True),
    "prominence-multi": _prominence,
    "openecg-v56c": _openecg_v56c,
    "openecg-v6": _openecg_v6,
}
"""Method name -> what loads the library and returns its delineator."""


def run(method: Method, signals: np.ndarray, fs: float) -> dict[str, np.ndarray]:
    """All records through one method: the arrays of OUT.npz."""
    rows: list[tuple[int, int, int, float]] = []
    cpu = np.zeros(len(signals))
    crashed = np.zeros(signals.shape[:2], bool)
    _attempt(method, signals[0], fs)  # warm-up: lazy imports and compilation are not the method's speed
    for record, signal in enumerate(signals):
        before = time.process_time()
        leads = _attempt(method, signal, fs)
        cpu[record] = time.process_time() - before
        for lead, found in enumerate(leads):
            crashed[record, lead] = found is None
            rows += [(record, lead, mark, at) for mark, at in _positions(found or {})]
    table = np.array(rows, float).reshape(-1, 4)
    names = ("record", "lead", "mark")
    return {name: table[:, i].astype(np.int32) for i, name in enumerate(names)} | {
        "position": table[:, 3], "cpu_s": cpu, "crashed": crashed,
    }


def _attempt(method: Method, signal: np.ndarray, fs: float) -> Leads:
    try:
        return method(signal, fs)
    except Exception:  # noqa: BLE001 - a multi-lead library that raises has lost the whole record
        return [None] * len(signal)


def _positions(found: dict[str, Any]) -> Iterable[tuple[int, float]]:
    for index, mark in enumerate(MARKS):
        values = np.array([np.nan if v is None else v for v in found.get(mark, ())], float)
        for value in values[np.isfinite(values)]:
            yield index, float(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("source", metavar="IN.npz")
    parser.add_argument("target", metavar="OUT.npz")
    args = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):  # one core: some runtimes ignore the thread variables above
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[os.getpid() % len(cores)]})
    warnings.simplefilter("ignore")
    with np.load(args.source, allow_pickle=False) as source:
        signals, fs = source["signal"], float(source["fs"])
    np.savez_compressed(args.target, **run(METHODS[args.method](), signals, fs))


if __name__ == "__main__":
    main()
