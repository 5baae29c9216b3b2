"""How well pages are read: clean, scanned, photographed and real ones. `--help` lists the sections.

    python benchmarks/digitize.py                      # everything, small numbers
    python benchmarks/digitize.py clean phone --n 40   # two sections, more pages

Pages are drawn from validation patients of the data pack (ECGROUND_DATA). Scores: Kaggle SNR (mean of capped ratios
over pages, in dB), CinC 2024 SNR (mean over leads; fixed, and as the official scorer has it since 2025-10-17), Pearson,
RMSE; 95 % intervals by bootstrap over patients. `--oracle` replaces rectification and network by the truth, which
bounds what the rest loses.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import _one_thread  # noqa: F401 - before numpy

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pages
from crops import overlap_crops
from pages import Case, PageScore

from ecground.digitize.digitize import Digitized, read_page, read_sheet
from ecground.errors import EcgroundError
from ecground.leads import STANDARD
from ecground.measure import measure
from ecground.metrics import Interval, bootstrap, mean_average_precision, mean_db
from ecground.paper.layout import layouts

Reader = Callable[[Case], Digitized]

PUBLISHED = """
published and measured elsewhere (their own pages, not these):
  Kaggle 2025-26, best single model          22.25 dB Kaggle (private)
  Open-ECG-Digitizer, 1,596 scans            19.65 dB
  ECG-Digitiser (CinC 2024 winner)           12.15 dB CinC, hidden; 17.02 dB in cross-validation
  ECGMiner, stored LUDB pages                17.1 dB Kaggle, Pearson .9825, RMSE .0183 mV
  ECGMiner, ecg-image-kit pages              9.9 to 11.7 dB Kaggle
  ecg-digitize, oracle crops                 13.6 dB Kaggle on pink or no grid, -0.8 dB on the default red one
  Karbasi 2025, crops                        MSE .0010, rho .9644; with overlap MSE .0029, rho .9641
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=" ".join(SECTIONS))
    parser.add_argument("--n", type=int, default=8, help="patients a section")
    parser.add_argument("--split", default="valid", choices=("train", "valid"))
    parser.add_argument("--layouts", nargs="*", help="of `clean`; all registered ones otherwise")
    parser.add_argument("--oracle", action="store_true", help="true geometry and segmentation instead of ours")
    options = parser.parse_args()
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no section {' '.join(sorted(unknown))}")
    reader = _by_oracle if options.oracle else _by_product
    for name in options.sections or SECTIONS:
        print(f"\n== {name} ==")
        SECTIONS[name](options, reader)


def _by_product(case: Case) -> Digitized:
    return read_page(case.page)


def _by_oracle(case: Case) -> Digitized:
    from tests.digitize.oracle import oracle

    sheet, seen = oracle(case.page)
    return read_sheet(sheet, seen)


class Tally:
    """Scores, times and results of the pages of one kind."""

    def __init__(self) -> None:
        self.patients: list[str] = []
        self.scores: list[PageScore] = []
        self.seconds: list[float] = []
        self.status: list[str] = []

    def add(self, case: Case, reader: Reader) -> Digitized:
        """Read and score a page."""
        start = time.process_time()
        try:
            found = reader(case)
        except EcgroundError as error:
            print(f"  {case.name}: {error}")
            found = Digitized("refused", None, None, None, {}, ())
        self.seconds.append(time.process_time() - start)
        self.patients.append(case.patient)
        self.status.append(found.status)
        self.scores.append(pages.score(case, found))
        return found

    def row(self, name: str) -> str:
        """The line of the table."""
        value = {field: np.array([getattr(score, field) for score in self.scores])
                 for field in ("kaggle_db", "cinc_db", "cinc_published_db", "correlation", "rmse_mv", "covered")}
        kaggle = bootstrap(self.patients, lambda rows: mean_db(value["kaggle_db"][rows]))
        read = sum(status == "read" for status in self.status)
        return (f"{name:22}{len(self.scores):4} {kaggle.value:6.2f} ({kaggle.low:5.2f} to {kaggle.high:5.2f}) "
                f"{np.nanmean(value['cinc_db']):6.2f} {np.nanmean(value['cinc_published_db']):6.2f} "
                f"{np.nanmean(value['correlation']):7.4f} {np.nanmean(value['rmse_mv']):7.4f} "
                f"{100 * value['covered'].mean():6.1f} {read:4} {np.median(self.seconds):6.2f}")


HEAD = (f"{'pages':22}{'n':>4} {'Kaggle dB (95 %)':24} {'CinC':>6} {'publ.':>6} {'Pearson':>7} {'RMSE mV':>7} "
        f"{'seen %':>6} {'read':>4} {'CPU s':>6}")


def _clean(options: argparse.Namespace, reader: Reader) -> None:
    """Clean 200-dpi pages in every layout; lead boxes and intervals on the same pages."""
    print(HEAD)
    whole = Tally()
    truths, founds, errors = [], [], []
    for plan in layouts():
        if options.layouts and plan.name not in options.layouts:
            continue
        tally = Tally()
        right = 0
        for name, patient, record in pages.patients(options.split, options.n):
            case = pages.clean(name, patient, record, plan.name)
            found = tally.add(case, reader)
            right += found.layout == plan.name
            truth, seen = pages.boxes(case, found)
            truths.append(truth)
            founds.append(seen)
            if found.record is not None and len(found.leads) == 12:
                errors.append(_interval_errors(found, case))
        print(f"{tally.row(plan.name)}  layout right {right}/{len(tally.scores)}")
        for name in ("patients", "scores", "seconds", "status"):
            getattr(whole, name).extend(getattr(tally, name))
    print(whole.row("all"))
    print(f"lead boxes: mAP@.5 {mean_average_precision(truths, founds):.4f} over {len(truths)} pages")
    _print_intervals(np.array(errors))


def _interval_errors(found: Digitized, case: Case) -> list[float]:
    truth, seen = measure(case.whole), measure(found.record)
    return [seen.number(name) - truth.number(name) for name in ("hr_bpm", "qrs_ms", "qt_ms")]


def _print_intervals(errors: np.ndarray) -> None:
    for k, (name, limit, unit) in enumerate((("heart rate", 1.0, "1/min"), ("QRS", 10.0, "ms"), ("QT", 20.0, "ms"))):
        if not len(errors):
            return
        known = errors[np.isfinite(errors[:, k]), k]
        print(f"{name}: within {limit:g} {unit} of the true signal's own measurement on "
              f"{100 * np.mean(np.abs(known) <= limit):.1f} % of {known.size} twelve-lead pages "
              f"(median error {np.median(known):+.2f}, {np.median(np.abs(known)):.2f} absolute)")


def _one_kind(name: str, cases: Iterator[Case], reader: Reader) -> None:
    tally = Tally()
    for case in cases:
        tally.add(case, reader)
    if tally.scores:
        print(tally.row(name))


def _ludb(options: argparse.Namespace, reader: Reader) -> None:
    """The pack's LUDB pages and its ecg-image-kit page."""
    del reader
    print(HEAD)
    _one_kind("LUDB pages", pages.ludb_pages(3 * options.n), _by_product)
    _one_kind("ecg-image-kit page", pages.kit(), _by_product)


def _photographed(recipes: Sequence[str]) -> Callable[[argparse.Namespace, Reader], None]:
    def run(options: argparse.Namespace, reader: Reader) -> None:
        del reader
        print(HEAD)
        for recipe in recipes:
            _one_kind(recipe, _photographs(options, recipe), _by_product)

    return run


def _photographs(options: argparse.Namespace, recipe: str) -> Iterator[Case]:
    for i, (name, patient, record) in enumerate(pages.patients(options.split, options.n)):
        yield pages.photographed(pages.clean(name, patient, record, "3x4-r1"), recipe, i)


def _overlap(options: argparse.Namespace, reader: Reader) -> None:
    """Crops of one lead whose neighbours cross it, and crops that nothing crosses."""
    print(f"{'crops':22}{'n':>4} {'MSE mV^2 (95 %)':28} {'rho (95 %)':26} {'ours to beat'}")
    for crossed, aim in ((False, "MSE .0010 rho .9644"), (True, "MSE .0029 rho .9641")):
        rows = list(overlap_crops(options.split, options.n, crossed=crossed, oracle=reader is _by_oracle))
        people = [row.patient for row in rows]
        values = np.array([(row.mse, row.rho) for row in rows]).reshape(-1, 2)
        mse, rho = (bootstrap(people, lambda at, column=column: float(np.nanmean(column[at]))) for column in values.T)
        print(f"{'overlap' if crossed else 'no overlap':22}{len(rows):4} {_interval(mse):28} {_interval(rho):26} {aim}")


def _interval(one: Interval) -> str:
    return f"{one.value:.5f} ({one.low:.5f} to {one.high:.5f})"


def _real(options: argparse.Namespace, reader: Reader) -> None:
    """Real photographs, scans and renders: no truth but agreement of the leads' rates and sane amplitudes."""
    from real_pages import table

    del options, reader
    table()


def _published(options: argparse.Namespace, reader: Reader) -> None:
    del options, reader
    print(PUBLISHED)


SECTIONS: dict[str, Callable[[argparse.Namespace, Reader], None]] = {
    "clean": _clean, "ludb": _ludb, "scan": _photographed(("scan", "scan-bw", "photocopy", "fax")),
    "phone": _photographed(("phone", "phone-of-screen")), "overlap": _overlap, "real": _real, "published": _published,
}

if __name__ == "__main__":
    assert len(STANDARD) == 12
    main()
