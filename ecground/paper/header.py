"""`Facts`: what a page says of patient, numbers and diagnosis; from measurements, or invented for pages to train on.

Invented patients are recognisable as such: their names are words for "example" and their numbers begin with FAKE.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ecground.record import Patient

if TYPE_CHECKING:
    from ecground.measure.table import Measurements

__all__ = ["NOTICE", "Facts", "draw_facts", "facts_of"]

NOTICE: Final = "research use, not a medical device"


@dataclass(frozen=True, slots=True)
class Facts:
    """Lines of a header, as printed."""

    patient: tuple[str, ...] = ()
    date: str = ""
    measurements: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    device: str = ""


_NUMBERS: Final = (("hr_bpm", ("Vent. rate", "Ventricular Rate", "HR", "Heart rate", "HF"), "{:.0f} bpm"),
                   ("pr_ms", ("PR interval", "PR", "PQ"), "{:.0f} ms"),
                   ("qrs_ms", ("QRS duration", "QRSD", "QRS"), "{:.0f} ms"),
                   ("qt_ms", ("QT interval", "QT"), "{:.0f} ms"),
                   ("qtc_bazett_ms", ("QTc (Bazett)", "QTc", "QTcB"), "{:.0f} ms"),
                   ("p_axis_deg", ("P axis", "P"), "{:.0f} deg"),
                   ("qrs_axis_deg", ("QRS axis", "R axis", "QRS"), "{:.0f} deg"),
                   ("t_axis_deg", ("T axis", "T"), "{:.0f} deg"))
"""Measure, words that devices use for it, and how the value is written."""


def facts_of(measurements: Measurements, *, patient: Patient | None = None, statements: Sequence[str] = (),
             device: str = NOTICE) -> Facts:
    """The header of a page that shows its own measurements and statements; values that are not there are left out."""
    lines = []
    for name, (label, *_), form in _NUMBERS:
        value = measurements.record.get(name)
        if value is not None and value.value is not None and np.isfinite(value.value):
            lines.append(f"{label}  {form.format(value.value)}")
    known = patient or Patient()
    person = ((f"{known.age:.0f} years",) if known.age is not None else ()) + ((known.sex,) if known.sex else ())
    return Facts((", ".join(person),) if person else (), "", tuple(lines), tuple(statements), device)


_FAMILY: Final = ("SPECIMEN", "SAMPLE", "EXAMPLE", "MUSTER", "ESEMPIO", "TESTCASE", "PLACEHOLDER", "NOBODY", "DUMMY")
_GIVEN: Final = ("ALICE", "BOB", "CAROL", "DAVE", "ERIKA", "MAX", "JANE", "JOHN", "T.", "X.")
_STATEMENTS: Final = (
    "Sinus rhythm", "Normal sinus rhythm", "Sinus bradycardia", "Sinus tachycardia", "Atrial fibrillation",
    "Left axis deviation", "First degree AV block", "Left ventricular hypertrophy", "Right bundle branch block",
    "Left bundle branch block", "Nonspecific ST and T wave abnormality", "Low voltage QRS",
    "Premature atrial complexes", "Inferior infarct, age undetermined", "Anterior infarct, age undetermined",
    "Borderline ECG", "Normal ECG", "Abnormal ECG", "Otherwise normal ECG", "No previous ECGs available",
    "Unconfirmed diagnosis", "Sinusrhythmus", "Normales EKG", "Ritmo sinusale",
)
_DEVICES: Final = ("Sim-12 v{}.{}", "CART {}00 v{}", "PaperECG {}.{}", "S/W {}.{}.0", "Device: SIM {}/{}")
_DATES: Final = ("{d:02d}-{m}-{y} {h:02d}:{n:02d}:{s:02d}", "{y}-{k:02d}-{d:02d} {h:02d}:{n:02d}",
                 "{d:02d}.{k:02d}.{y} {h:02d}:{n:02d}", "{k:02d}/{d:02d}/{y}  {h:02d}:{n:02d}")
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_RANGES: Final = {"hr_bpm": (45, 140), "pr_ms": (110, 240), "qrs_ms": (72, 160), "qt_ms": (310, 480),
                  "qtc_bazett_ms": (370, 490), "p_axis_deg": (-10, 80), "qrs_axis_deg": (-60, 110),
                  "t_axis_deg": (-40, 110)}


def draw_facts(rng: np.random.Generator) -> Facts:
    """A header of invented values: they say nothing about the signal on the page."""
    def pick(options: Sequence[str]) -> str:
        return options[int(rng.integers(len(options)))]

    name, age, sex = f"{pick(_FAMILY)}, {pick(_GIVEN)}", int(rng.integers(18, 96)), pick(("M", "F", "Male", "Female"))
    number = f"FAKE-{int(rng.integers(10**7)):07d}"
    patient = ((name, f"ID: {number}", f"{age} yr {sex}"), (f"Name: {name}  ID {number}", f"Age: {age}  Sex: {sex}"),
               (f"{number}  {name}",))[int(rng.integers(3))]
    month = int(rng.integers(1, 13))
    date = pick(_DATES).format(d=int(rng.integers(1, 29)), k=month, m=_MONTHS[month - 1],
                               y=int(rng.integers(1995, 2026)), h=int(rng.integers(24)), n=int(rng.integers(60)),
                               s=int(rng.integers(60)))
    gap = pick(("  ", "    ", ": "))
    lines = [f"{pick(labels)}{gap}{form.format(float(rng.integers(*_RANGES[measure])))}"
             for measure, labels, form in _NUMBERS if rng.random() < 0.85]
    said = [pick(_STATEMENTS) for _ in range(int(rng.integers(1, 5)))]
    return Facts(patient, date, tuple(lines), tuple(dict.fromkeys(said)),
                 pick(_DEVICES).format(*rng.integers(1, 10, 3)))
