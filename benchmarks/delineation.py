"""How well waves are found: ours, the U-Net network trained in this run, and seven public libraries' ten methods.

    python benchmarks/delineation.py [--only ludb intervals presence noise mitdb devices speed] [--peers NAME ...]

Truth is outside truth: cardiologists' marks (LUDB, validation patients), beat annotations (MIT-BIH), rhythm labels
(PTB-XL, validation patients) and the measurements that recording devices stored. Needs ECGROUND_DATA, PyTorch for the
U-Net network, and an environment of their own for the libraries (benchmarks/requirements-peers.txt).
Research use, not a medical device.
"""

from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _one_thread  # noqa: F401 - before numpy
import datapack
import methods
import numpy as np
from intervals import NAMES, by_joint, by_lead, p_shares
from methods import PEERS, Result
from scoring import POINTS, score, truth

from ecground.metrics import auroc, bootstrap

Results = dict[str, Any]
AIMS = {"p_on": "98.5/97 SD 13", "p_off": "98.5/97 SD 13", "qrs_on": "100/99.5 SD 9", "qrs_off": "100/99.5 SD 9",
        "t_off": "99.5/99 SD 19"}


class Bench:
    """What the sections share: the patients, the network trained in this run, and each method's marks, once."""

    def __init__(self, *, seed: int, peers: tuple[str, ...], without_ours: bool) -> None:
        self.seed, self.peers, self.without_ours = seed, peers, without_ours

    @functools.cached_property
    def patients(self) -> list[datapack.LudbRecord]:
        """LUDB's validation patients."""
        return datapack.ludb("valid")

    @functools.cached_property
    def network(self) -> Any:
        """The U-Net network, trained now."""
        import single_lead_unet

        training = datapack.ludb("train")
        network = single_lead_unet.train(training, seed=self.seed)
        print(f"U-Net network: {network.parameters:,} parameters, trained on {len(training)} patients in "
              f"{network.train_cpu_s:.0f} CPU s (seed {self.seed})")
        return network

    @functools.cached_property
    def results(self) -> list[Result]:
        """Every method on LUDB's validation patients; ours first, the U-Net second."""
        return self.run([record.signal for record in self.patients], 500.0, self.peers)

    def run(self, signals: list[np.ndarray], fs: float, peers: tuple[str, ...]) -> list[Result]:
        """Ours, the U-Net and these libraries on 12-lead signals."""
        found = [] if self.without_ours else [methods.ours(signals, fs)]
        found.append(methods.baseline(self.network, signals, fs))
        return found + [result for name in peers if (result := methods.peer(name, signals, fs)) is not None]


def ludb(bench: Bench) -> Results:
    """Wave bounds in every lead."""
    held_out = sum(int(r.name) in methods.OPENECG_HELD_OUT for r in bench.patients)
    print(f"\n## LUDB, {len(bench.patients)} validation patients, 12 leads x 10 s; Se/PPV %, mean±SD ms; 150 ms")
    print(f"openecg was trained on {len(bench.patients) - held_out} of these {len(bench.patients)} patients "
          "(159 of LUDB's 200; its own split file)\n")
    scores = {result.name: score(bench.patients, result.marks) for result in bench.results}
    print(f"{'method':17}" + "".join(f"{point:>22}" for point in POINTS) + f"{'CPU s/rec':>11}{'crashes':>9}")
    out: Results = {}
    for result in bench.results:
        rows = {point: scores[result.name].row(i) for i, point in enumerate(POINTS)}
        print(f"{result.name:17}" + "".join(f"{_cell(row):>22}" for row in rows.values())
              + f"{result.cpu_s:11.3f}{result.crashed:9d}")
        out[result.name] = {"points": rows, "cpu_s": result.cpu_s, "crashed_leads": result.crashed}
    print(f"{'aim':17}" + "".join(f"{AIMS.get(point, ''):>22}" for point in POINTS))
    print("\n95 % intervals by patient bootstrap: F1 %, SD ms")
    for result in bench.results[:2]:
        for i, point in enumerate(POINTS):
            interval = scores[result.name].intervals(i)
            f1, sd = interval["f1"], interval["sd"]
            print(f"{result.name:17}{point:9} F1 {100 * f1.value:6.2f} ({100 * f1.low:.2f} to {100 * f1.high:.2f})"
                  f"   SD {sd.value:5.1f} ({sd.low:.1f} to {sd.high:.1f})")
            out[result.name]["points"][point] |= {"f1_low": 100 * f1.low, "f1_high": 100 * f1.high,
                                                  "sd_low": sd.low, "sd_high": sd.high}
    if not bench.without_ours:
        out["comparison"] = _comparison(scores)
    return out


def _cell(row: dict[str, float]) -> str:
    if np.isnan(row["f1"]):
        return "-"
    return f"{row['se']:.1f}/{row['ppv']:.1f} {row['mean']:+.0f}±{row['sd']:.1f}"


def _comparison(scores: dict[str, Any]) -> Results:
    """Probability, over resampled patients, that ours is better than each other method."""
    print("\nProbability that ecground is better (F1, SD), same patient draws; >= 0.95 better, <= 0.05 worse")
    print(f"{'than':17}" + "".join(f"{point:>16}" for point in POINTS))
    mine, out = scores["ecground"], {}
    for name, other in scores.items():
        if name == "ecground":
            continue
        given = [not np.isnan(other.row(i)["f1"]) for i in range(len(POINTS))]
        rows = {point: mine.better(other, i) for i, point in enumerate(POINTS) if given[i]}
        cells = (f"{rows[p]['f1']:.3f} {rows[p]['sd']:.3f}" if p in rows else "-" for p in POINTS)
        print(f"{name:17}" + "".join(f"{cell:>16}" for cell in cells))
        out[name] = rows
    base = out["U-Net"]
    wanted = all(base[p][k] >= 0.95 for p in ("p_on", "p_off", "t_off") for k in ("f1", "sd"))
    worse = [f"{p} {k}" for p, row in base.items() for k, value in row.items() if value <= 0.05]
    print(f"bar: better than U-Net with probability >= 0.95 at P onset, P offset, T offset: {_yes(wanted)}; "
          f"worse nowhere: {_yes(not worse)}{' (' + ', '.join(worse) + ')' if worse else ''}")
    return out


def _yes(met: bool) -> str:
    return "met" if met else "NOT met"


def intervals(bench: Bench) -> Results:
    """PR, QRS, QT of the record."""
    print("\n## Record-level intervals against the same intervals from the cardiologists' marks: error mean±SD, MAE ms")
    true = [[truth(waves) for waves in record.waves] for record in bench.patients]
    out: Results = {}
    for label, measure in (("by lead medians", by_lead), ("global (quarter of the leads)", by_joint)):
        print(f"\n{label:42}" + "".join(f"{name:>18}" for name in NAMES))
        wanted = np.array([measure(leads, 500.0) for leads in true])
        for result in bench.results:
            found = np.array([measure(leads, 500.0) for leads in result.marks])
            out[f"{result.name}, {label}"] = _error_row(result.name, found - wanted)
        if measure is by_joint:
            for result in bench.results:
                if result.delineations:
                    own = np.array([by_lead([methods.joint_marks(d)], 500.0) for d in result.delineations])
                    out[f"{result.name}, own joint marks"] = _error_row(f"{result.name}, own joint marks", own - wanted)
    print(f"{'aim by lead medians':42}" + "".join(f"{aim:>18}" for aim in ("MAE 5", "MAE 5", "MAE 6", "")))
    return out


def _error_row(name: str, errors: np.ndarray) -> Results:
    row: Results = {}
    for column, interval in enumerate(NAMES):
        known = errors[np.isfinite(errors[:, column]), column]
        if known.size:
            row[interval] = {"mean": known.mean(), "sd": known.std(), "mae": np.abs(known).mean(), "n": known.size}
    cells = (f"{r['mean']:+.0f}±{r['sd']:.0f} {r['mae']:.1f} n{r['n']}" if (r := row.get(i)) else "-" for i in NAMES)
    print(f"{name:42}" + "".join(f"{cell:>18}" for cell in cells))
    return row


def presence(bench: Bench) -> Results:
    """P wave or no P wave."""
    print("\n## P present against absent")
    without = np.array([not any(w.kind == "P" for lead in r.waves for w in lead) for r in bench.patients])
    print(f"LUDB validation: {without.sum()} records in which the cardiologists marked no P, {(~without).sum()} with; "
          "AUROC of the share of beats with a P (median lead), and at the cut 0.6")
    out: Results = {}
    for result in bench.results:
        share = np.array([np.median(p_shares(leads, 500.0)) for leads in result.marks])
        if np.isnan(share).all():
            print(f"{result.name:17} gives no QRS onset")
            continue
        row = {"auroc": auroc(~without, share), "specificity": float((share[without] <= 0.6).mean()),
               "sensitivity": float((share[~without] > 0.6).mean())}
        out[result.name] = row
        print(f"{result.name:17} AUROC {row['auroc']:.3f}   no-P found {100 * row['specificity']:5.1f} %   "
              f"P found {100 * row['sensitivity']:5.1f} %")
    out["ptbxl"] = _af_against_sr(bench)
    return out


def _af_against_sr(bench: Bench) -> Results:
    groups: dict[float, list[tuple[np.ndarray, bool, str]]] = {}
    for _, signal, fs, codes, patient in datapack.ptbxl("valid"):
        if ("AFIB" in codes) != ("SR" in codes):
            groups.setdefault(fs, []).append((signal, "AFIB" in codes, patient))
    rows = [row for group in groups.values() for row in group]
    af, patients = np.array([r[1] for r in rows]), np.array([r[2] for r in rows])
    print(f"\nPTB-XL validation, raw500 + norm250: AFIB {af.sum()} against SR {(~af).sum()}; aim AUROC >= 0.98")
    scores: dict[str, list[float]] = {}
    for fs, group in groups.items():
        for result in bench.run([r[0] for r in group], fs, ()):
            shares = [1 - float(np.nan_to_num(np.mean(p_shares(leads, fs)), nan=0.5)) for leads in result.marks]
            scores.setdefault(f"{result.name}, 1 - share of beats with P, mean of leads", []).extend(shares)
            if result.delineations:
                own = [1 - methods.p_score(d) for d in result.delineations]
                scores.setdefault(f"{result.name}, 1 - median probability of a P wave", []).extend(own)
    out: Results = {}
    for name, values in scores.items():
        value = np.array(values)
        interval = bootstrap(patients, lambda i, v=value: auroc(af[i], v[i]))
        print(f"{name:55} AUROC {interval.value:.4f} ({interval.low:.4f} to {interval.high:.4f})")
        out[name] = {"auroc": interval.value, "low": interval.low, "high": interval.high}
    return out


NOISE_PEERS = ("openecg-v56c", "nk-prominence", "prominence-multi", "ecgdeli")


def noise(bench: Bench, *, seeds: int = 5) -> Results:
    """Pink noise and mains added to every lead."""
    print(f"\n## Noise: pink + 50 Hz, equal power, SNR per lead; F1 % within 75 ms, mean (SD) of {seeds} seeds; "
          "libraries: the first seed")
    peers = tuple(name for name in bench.peers if name in NOISE_PEERS)
    out: Results = {}
    for snr in (6, 0):
        f1: dict[str, list[list[float]]] = {}
        for seed in range(seeds):
            draws = [np.random.default_rng([seed, int(record.name)]) for record in bench.patients]
            signals = [add_noise(r.signal, r.fs, snr, rng) for r, rng in zip(bench.patients, draws, strict=True)]
            for result in bench.run(signals, 500.0, () if seed else peers):
                table = score(bench.patients, result.marks, tolerance_ms=75.0)
                f1.setdefault(result.name, []).append([table.row(i)["f1"] for i in range(len(POINTS))])
        print(f"\n{snr} dB{'':13}" + "".join(f"{point:>16}" for point in POINTS))
        for name, rows in f1.items():
            mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0)
            cells = (f"{m:.1f} ({s:.1f})" for m, s in zip(mean, spread, strict=True))
            print(f"{name:17}" + "".join(f"{cell:>16}" for cell in cells))
            out[f"{name} {snr} dB"] = dict(zip(POINTS, mean.tolist(), strict=True))
    print("aim at 0 dB: P onset >= 92, T offset >= 96")
    return out


def add_noise(signal: np.ndarray, fs: float, snr_db: float, rng: np.random.Generator) -> np.ndarray:
    """Pink noise (1/f power from 0.5 Hz) and 50 Hz of random phase, half the power each, at this SNR in every lead."""
    leads, n = signal.shape
    frequency = np.maximum(np.fft.rfftfreq(n, 1 / fs), 0.5)
    pink = np.fft.irfft(np.fft.rfft(rng.standard_normal((leads, n)), axis=1) / np.sqrt(frequency), n, axis=1)
    mains = np.sin(2 * np.pi * (50 * np.arange(n) / fs + rng.random((leads, 1))))
    both = pink / pink.std(1, keepdims=True) + mains / mains.std(1, keepdims=True)
    wanted = signal.std(1, keepdims=True) * 10 ** (-snr_db / 20)
    return (signal + both / both.std(1, keepdims=True) * wanted).astype(np.float32)


def mitdb(bench: Bench) -> Results:
    """R peaks of MIT-BIH."""
    from beats import compare_detectors

    return compare_detectors(None if bench.without_ours else methods.ours, bench.network)


def devices(bench: Bench) -> Results:
    """The devices' own measurements."""
    from devices import compare_devices

    return {} if bench.without_ours else compare_devices()


def speed(bench: Bench) -> Results:
    """12 leads x 10 s, one core, warm."""
    from throughput import samples_to_measurements

    return {} if bench.without_ours else samples_to_measurements(bench.patients[0].signal)


SECTIONS: dict[str, Callable[[Bench], Results]] = {
    "ludb": ludb, "intervals": intervals, "presence": presence, "noise": noise, "mitdb": mitdb, "devices": devices,
    "speed": speed,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="sections, all by default")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS), help="libraries, all by default")
    parser.add_argument("--seed", type=int, default=0, help="seed of the U-Net training")
    parser.add_argument("--without-ours", action="store_true", help="only the U-Net network and the libraries")
    parser.add_argument("-o", "--output", type=Path, help="also write the numbers as JSON")
    args = parser.parse_args()
    bench = Bench(seed=args.seed, peers=tuple(args.peers), without_ours=args.without_ours)
    results = {name: SECTIONS[name](bench) for name in args.only}
    print("\nresearch use, not a medical device")
    if args.output:
        args.output.write_text(json.dumps(results, indent=1, default=float) + "\n")


if __name__ == "__main__":
    main()
