"""The simulator: how fast, how well its parameters are read back, how far from real ECGs it is, and T-wave alternans.

    python benchmarks/simulate.py [--only speed readback real alternans] [--patients N] [--records N] [--seconds S]

speed: CPU time of `simulate_batch` on one core, doubled for two (12 leads, 500 Hz, 10 s, with truth), without and with
noise and device filters; drawing the patients is shown beside it. readback: the measurement code, with our own
delineation of the noisy record, against the simulator's truth, by rhythm. real: normal sinus rhythm, simulated for the
age and sex of the PTB-XL patients beside it (training patients with the label NORM, original amplitudes): quantiles
and Kolmogorov-Smirnov distance of measured values, noise between the waves, and how well classifiers tell real from
simulated (AUROC on patients they were not fitted to; 0.5 = not at all). alternans: every second T wave of real ECGs
made larger, every other one smaller; AUROC of the measured `twa_uv` against the same recordings without it. Needs
ECGROUND_DATA for the last two, PyTorch for one classifier. Research use, not a medical device.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final

import _one_thread  # noqa: F401 - before numpy
import datapack
import numpy as np
from numpy.typing import NDArray

from ecground.corpora import pack
from ecground.measure import measure
from ecground.measure.rhythm.alternans import alternans_values
from ecground.measure.rhythm.beat_classes import classify, rr_intervals
from ecground.measure.table import Measurements
from ecground.metrics import auroc, bootstrap
from ecground.record import Patient, Record
from ecground.signal.beats import MARKS, Delineation
from ecground.signal.delineate import delineate
from ecground.simulate import RHYTHMS, Simulated, draw, draw_noise, simulate_batch

Array = NDArray[np.float64]
_AIMS: Final = {"clean": 1200, "noisy": 300}
_READ: Final = (("hr_bpm", "1/min"), ("pr_ms", "ms"), ("qrs_ms", "ms"), ("qt_ms", "ms"), ("p_dur_ms", "ms"),
                ("qrs_axis_deg", "deg"), ("t_axis_deg", "deg"))
_AMPLITUDES: Final = ("p_amp", "r_amp", "s_amp", "t_amp", "j_amp")
_SHOWN: Final = (
    *((name, None) for name, _ in _READ), ("rr_sd_ms", None), ("p_amp", "II"), ("p_amp", "V1"), ("r_amp", "I"),
    ("r_amp", "II"), ("r_amp", "V1"), ("s_amp", "V2"), ("r_amp", "V5"), ("s_amp", "V5"), ("t_amp", "II"),
    ("t_amp", "V1"), ("t_amp", "V3"), ("t_amp", "V6"), ("j_amp", "V2"), ("st80", "V2"), ("q_amp", "V6"),
)
_BANDS: Final = (0.05, 0.5, 2.0, 8.0, 20.0, 40.0, 60.0, 100.0, 150.0, 240.0)


def speed(seconds: float) -> None:
    """ECGs a second."""
    rng = np.random.default_rng(0)
    names = list(RHYTHMS)
    print("(speed) one core, CPU time; two cores = twice as many; the quietest batch beside the mean")
    for name, noisy in (("clean", False), ("noisy", True)):
        began = time.process_time()
        people = [draw(rng, rhythm=names[i % len(names)], noise=draw_noise(rng) if noisy else None) for i in range(96)]
        drawing = (time.process_time() - began) / len(people)
        simulate_batch(people, rng=rng)
        each = []
        while sum(each) * len(people) < seconds or len(each) < 4:
            began = time.process_time()
            simulate_batch(people, rng=rng)
            each.append((time.process_time() - began) / len(people))
        mean, best = float(np.mean(each)), min(each)
        print(f"{name:6} {1e3 * mean:5.2f} ms an ECG, best {1e3 * best:5.2f}: two cores {2 / mean:5.0f}/s, best "
              f"{2 / best:5.0f}/s, aim {_AIMS[name]} {'reached' if 2 / mean >= _AIMS[name] else 'MISSED'}; "
              f"drawing a patient {1e3 * drawing:.2f} ms")


def readback(patients: int) -> None:
    """Errors of measured values, by rhythm."""
    rng = np.random.default_rng(1)
    print(f"\n(readback) measured minus true, {patients} noisy records a rhythm: median, mean absolute, (missing)")
    print(f"{'':18}" + "".join(f"{name:>20}" for name, _ in _READ))
    amplitudes: dict[str, list[float]] = {name: [] for name in _AMPLITUDES}
    for rhythm in RHYTHMS:
        people = [draw(rng, rhythm=rhythm, noise=draw_noise(rng)) for _ in range(patients)]
        read = [(made, measure(made.record)) for made in simulate_batch(people, rng=rng)]
        print(f"{rhythm:18}" + "".join(f"{_errors(read, name):>20}" for name, _ in _READ))
        for made, found in read:
            for name, values in made.truth.lead_values.items():
                if name in amplitudes and rhythm == "sinus":
                    amplitudes[name] += [found.number(name, lead) - true for lead, true in
                                         zip(made.record.leads, values.tolist(), strict=True)]
    print("amplitudes in sinus rhythm, all leads [uV]: " + ", ".join(
        f"{name} {1e3 * float(np.nanmedian(errors)):+.0f} (MAE {1e3 * float(np.nanmean(np.abs(errors))):.0f}, "
        f"n {int(np.isfinite(errors).sum())})" for name, errors in amplitudes.items()))


def _errors(read: list[tuple[Simulated, Measurements]], name: str) -> str:
    pairs = [(found.number(name), made.truth.values[name]) for made, found in read if name in made.truth.values]
    if not pairs:
        return "-"
    error = np.array([a - b for a, b in pairs])
    if name.endswith("deg"):
        error = (error + 180) % 360 - 180
    seen = error[np.isfinite(error)]
    if not len(seen):
        return f"({len(error)})"
    missing = f" ({len(error) - len(seen)})" if len(seen) < len(error) else ""
    return f"{np.median(seen):+.0f} {np.abs(seen).mean():.0f}{missing}"


def real(records: int, seed: int) -> None:
    """Two samples: PTB-XL and simulated for the same people."""
    rng = np.random.default_rng(seed)
    real_records, patients = _normal(records)
    people = [draw(rng, rhythm="sinus", age=_age(r), sex=r.patient.sex, noise=draw_noise(rng)) for r in real_records]
    made = [s.record for s in simulate_batch(people, rng=rng)]
    samples = {"PTB-XL": real_records, "simulated": made}
    values = {name: np.array([_values(r) for r in some]) for name, some in samples.items()}
    print(f"\n(real) {len(made)} normal ECGs each, same ages and sexes: 5, 25, 50, 75, 95 % quantile; KS distance")
    for i, (name, lead) in enumerate(_SHOWN):
        _show(f"{name} {lead or ''}", values["PTB-XL"][:, i], values["simulated"][:, i])
    bands = {name: np.array([_spectrum(r) for r in some]) for name, some in samples.items()}
    for k, (low, high) in enumerate(itertools.pairwise(_BANDS)):
        pair = [np.median(b.reshape(len(b), 12, -1)[:, :, k], axis=1) for b in bands.values()]
        _show(f"dB {low:g}-{high:g} Hz", *pair)
    y = np.repeat([1.0, 0.0], len(made))
    who = np.array([*patients, *(f"s{p}" for p in patients)])
    held = np.isin(who, [name for p in sorted(set(patients))[::2] for name in (p, f"s{p}")])
    tests: dict[str, Callable[[], Array]] = {
        "measured values": lambda: _logistic(np.concatenate(list(values.values())), y, ~held),
        "spectrum": lambda: _logistic(np.concatenate(list(bands.values())), y, ~held),
    }
    if find_spec("torch") is not None:
        signals = np.stack([_small(r) for some in samples.values() for r in some])
        tests["network on samples"] = lambda: _network(signals, y, ~held)
    for name, fit in tests.items():
        score = fit()[held]
        got = bootstrap(who[held], lambda rows, score=score: auroc(y[held][rows], score[rows]), draws=500)
        print(f"told apart by {name:18} AUROC {got.value:.3f} ({got.low:.3f} to {got.high:.3f})")


def _normal(records: int) -> tuple[list[Record], list[str]]:
    """PTB-XL records of training patients with NORM, one a patient, original amplitudes."""
    table = {case.id: case.person for case in pack.cases(datapack.folder(), "ptbxl") if case.split == "train"}
    found: dict[str, Record] = {}
    for name, signal, fs, labels, patient in datapack.ptbxl("train"):
        person = table.get(name, Patient())
        if fs == 500.0 and {"NORM", "SR"} <= labels and patient not in found and person.sex:
            found[patient] = Record(signal, fs, datapack.LEADS, patient=person)
    chosen = sorted(found)[:records]
    return [found[patient] for patient in chosen], chosen


def _age(record: Record) -> float:
    age = record.patient.age
    return 60.0 if age is None else min(float(age), 95.0)


def _values(record: Record) -> list[float]:
    found = measure(record)
    return [found.number(name, lead) for name, lead in _SHOWN]


def _spectrum(record: Record) -> Array:
    """Power in `_BANDS` [dB of 1 mV^2], every lead."""
    x = np.nan_to_num(record.signal) - np.nan_to_num(record.signal).mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(x * np.hanning(x.shape[1]), axis=1)) ** 2 / x.shape[1] ** 2
    f = np.fft.rfftfreq(x.shape[1], 1 / record.fs)
    parts = [power[:, (f >= a) & (f < b)].sum(axis=1) for a, b in itertools.pairwise(_BANDS)]
    return np.asarray(10 * np.log10(np.stack(parts, axis=1) + 1e-9), dtype=np.float64).ravel()


def _show(name: str, a: Array, b: Array) -> None:
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    if not len(a) or not len(b):
        return
    at = np.sort(np.concatenate([a, b]))
    below = [np.searchsorted(np.sort(x), at, "right") / len(x) for x in (a, b)]
    distance = np.abs(below[0] - below[1])
    cells = "  |  ".join(" ".join(f"{q:7.2f}" for q in np.quantile(x, (0.05, 0.25, 0.5, 0.75, 0.95))) for x in (a, b))
    print(f"{name:16} {cells}  KS {distance.max():.2f}  n {len(a)} {len(b)}")


def _logistic(x: Array, y: Array, fit: NDArray[np.bool_]) -> Array:
    """Score of every row by ridge logistic regression on values, their squares, and what is missing."""
    middle, spread = np.nanmedian(x[fit], axis=0), np.nanstd(x[fit], axis=0) + 1e-9
    z = np.clip((x - middle) / spread, -5, 5)
    z = np.concatenate([np.nan_to_num(z), np.nan_to_num(z) ** 2, ~np.isfinite(x)], axis=1)
    z = np.concatenate([(z - z[fit].mean(axis=0)) / (z[fit].std(axis=0) + 1e-6), np.ones((len(z), 1))], axis=1)
    w = np.zeros(z.shape[1])
    for _ in range(20):
        p = 1 / (1 + np.exp(-np.clip(z[fit] @ w, -30, 30)))
        hessian = (z[fit] * (p * (1 - p) + 1e-6)[:, None]).T @ z[fit] + 3.0 * np.eye(len(w))
        w -= np.linalg.solve(hessian, z[fit].T @ (p - y[fit]) + 3.0 * w)
    return np.asarray(z @ w)


def _small(record: Record) -> NDArray[np.float32]:
    """Eight leads at 125 Hz, mean 0, mV."""
    x = np.nan_to_num(record.signal[[0, 1, 6, 7, 8, 9, 10, 11], :5000]).reshape(8, 1250, 4).mean(axis=2)
    return np.asarray(x - x.mean(axis=1, keepdims=True), dtype=np.float32)


def _network(x: NDArray[np.float32], y: Array, fit: NDArray[np.bool_]) -> Array:
    """Score of every row by a small convolutional network."""
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(1)
    layers: list[torch.nn.Module] = []
    for a, b in ((8, 16), (16, 24), (24, 32), (32, 48)):
        layers += [torch.nn.Conv1d(a, b, 9, stride=2, padding=4), torch.nn.BatchNorm1d(b), torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool1d(1), torch.nn.Flatten(), torch.nn.Linear(48, 1))
    steps = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-2)
    data, target = torch.from_numpy(x[fit]), torch.from_numpy(y[fit].astype(np.float32))
    for _ in range(25):
        for part in torch.randperm(len(data)).split(32):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(net(data[part])[:, 0], target[part])
            steps.zero_grad()
            loss.backward()
            steps.step()
    net.eval()
    with torch.no_grad():
        return np.asarray(net(torch.from_numpy(x))[:, 0].numpy(), dtype=np.float64)


def alternans(most: int) -> None:
    """T-wave alternans put into real ECGs."""
    sizes = (5, 10, 20, 40, 80, 160)
    found: dict[int, list[float]] = {size: [] for size in (0, *sizes)}
    for split in ("train", "valid"):
        for _, signal, fs, labels, _ in datapack.ptbxl(split):
            if fs != 500.0 or "STACH" not in labels or len(found[0]) >= most:
                continue
            record = Record(signal, fs, datapack.LEADS)
            marks = delineate(record)
            if len(marks.r_peaks) < 16 or not np.isfinite(_twa(record, marks)):
                continue
            for size in found:
                found[size].append(_twa(record.replace(signal=_alternating(record, marks, size)), marks))
    print(f"\n(alternans) {len(found[0])} real ECGs with 16 or more normal beats in 10 s; measured without: median "
          f"{np.nanmedian(found[0]):.0f} uV")
    for size in sizes:
        y = np.repeat([0, 1], len(found[0]))
        score = auroc(y, np.array([*found[0], *found[size]]))
        print(f"{size:4d} uV added  AUROC {score:.3f}  measured {np.nanmedian(found[size]):.0f} uV")


def _twa(record: Record, marks: Delineation) -> float:
    classes = classify(record, marks, rr=rr_intervals(record, marks), spiked=np.zeros(marks.n_rows, dtype=np.bool_))
    return alternans_values(record, marks, classes)[0].number


def _alternating(record: Record, marks: Delineation, size_uv: float) -> NDArray[np.float32]:
    """The signal with every second T wave scaled so that neighbours differ by `size_uv` in the largest lead."""
    out = record.signal.copy()
    on, j, off = (marks.joint_marks[marks.has_qrs, MARKS.index(name)] for name in ("qrs_on", "qrs_off", "t_off"))
    for beat, (a, begin, end) in enumerate(zip(on, j, off, strict=True)):
        if not np.isfinite(a + begin + end) or end - begin < 0.15 * record.fs:
            continue
        part = slice(int(begin), int(end))
        wave = record.signal[:, part] - record.signal[:, max(0, int(a) - 10):int(a) + 1].mean(axis=1, keepdims=True)
        window = np.sin(np.pi * np.linspace(0, 1, wave.shape[1])) ** 0.5
        wave = wave * window
        share = size_uv / 2000 / max(float(np.abs(wave).max()), 0.02) * (1 if beat % 2 else -1)
        out[:, part] += (share * wave).astype(np.float32)
    return np.asarray(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=["speed", "readback", "real", "alternans"])
    parser.add_argument("--patients", type=int, default=8, help="simulated patients a rhythm that are measured")
    parser.add_argument("--records", type=int, default=300, help="real and simulated records that are compared")
    parser.add_argument("--seconds", type=float, default=3.0, help="CPU time for each speed")
    parser.add_argument("--seed", type=int, default=2)
    options = parser.parse_args()
    parts: dict[str, Callable[[], Any]] = {
        "speed": lambda: speed(options.seconds), "readback": lambda: readback(options.patients),
        "real": lambda: real(options.records, options.seed), "alternans": lambda: alternans(options.records),
    }
    for name in options.only:
        parts[name]()
    print("\nResearch use, not a medical device.")


if __name__ == "__main__":
    main()
