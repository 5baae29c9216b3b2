"""The main way, whole, on one page: a file or photo becomes a Record, beats, measurements, findings and a text.

Contract: input that cannot be read, holds no signal or is no ECG raises (`InputError`, `RefusedError`). After that
nothing raises: a step that fails is named in `problems`, the steps that need its result are left out, and what the
other steps found is kept. The text is checked claim by claim against the same measurements before it is handed out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from ecground.errors import EcgroundError, MeasurementError, RefusedError
from ecground.record import Patient, Record, Sex

if TYPE_CHECKING:
    from ecground.digitize.digitize import Digitized
    from ecground.knowledge.episodes import Episode
    from ecground.knowledge.finding import Claim, Finding
    from ecground.measure.table import Measurements
    from ecground.signal.beats import Delineation
    from ecground.signal.quality import Quality

__all__ = ["Interpretation", "Source", "StepProblem", "interpret", "load"]

Source = str | Path | bytes | BinaryIO
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StepProblem:
    """A step that failed, and why."""

    step: str
    """`delineate`, `quality`, `measure`, `findings`, `text` or `claims`."""
    error: EcgroundError


@dataclass(frozen=True, slots=True)
class Interpretation:
    """Everything that was read out of one ECG. A field is None (or empty) when its step failed: see `problems`."""

    record: Record
    quality: Quality | None
    delineation: Delineation | None
    measurements: Measurements | None
    findings: tuple[Finding, ...] | None
    superclasses: tuple[Finding, ...] | None
    """PTB-XL's five: NORM, MI, STTC, CD, HYP."""
    text: str
    """The reading in clinical order; each sentence names what it rests on."""
    claims: tuple[Claim, ...]
    """The claims of `text`, each with its verdict."""
    episodes: tuple[Episode, ...] | None = None
    """Rhythm from beat to beat in order of onset; None for records of 30 s and less, which the findings tell whole."""
    page: Digitized | None = None
    """How the picture was read, when the source was one; its record is `record`."""
    model: None = None
    """The language model's reading; None while no model is installed."""
    problems: tuple[StepProblem, ...] = ()


def interpret(source: Source | Record, *, age: float | None = None, sex: Sex | None = None) -> Interpretation:
    """Read, measure and explain one ECG.

    Args:
        source: A path, bytes, a binary file object (a recording, or a picture of one), or a Record.
        age: Age in years, instead of what the file says.
        sex: `M` or `F`, instead of what the file says.

    Raises:
        InputError: The source cannot be read.
        RefusedError: It holds no ECG that may be interpreted.
    """
    from ecground.knowledge import check, claims, episodes, findings, narrate
    from ecground.measure import measure
    from ecground.signal import delineate, quality, refuse

    given, page = _opened(source)
    record = _record(given, age, sex)
    refuse.require_ecg(record)
    steps = _Steps()
    marks = steps.run("delineate", lambda: delineate.delineate(record))
    signal = steps.run("quality", lambda: quality.assess(record, marks))
    numbers = steps.run("measure", lambda: measure(record, marks, quality=signal)) if marks else None
    if numbers is None:
        return Interpretation(record, signal, marks, None, None, None, "", (), page=page, problems=steps.problems)

    patient, device = record.patient, record.device
    found = steps.run("findings", lambda: findings.find(numbers, patient, quality=signal))
    groups = steps.run("findings", lambda: findings.superclasses(found)) if found is not None else None
    long = record.seconds > episodes.LONG_S
    told = steps.run("findings", lambda: episodes.episodes(numbers)) if long else None
    text = steps.run("text", lambda: narrate.narrate(
        numbers, found or (), patient=patient, quality=signal, device=device)) or ""
    judged = steps.run("claims", lambda: check.check(claims.read_claims(text), numbers, found or ()))
    return Interpretation(record, signal, marks, numbers, found, groups, text, judged or (), told, page=page,
                          problems=steps.problems)


def load(source: Source | Record, *, age: float | None = None, sex: Sex | None = None) -> Record:
    """The record behind `source`, digitized when it is a picture, with age and sex as the caller knows them."""
    given, _ = _opened(source)
    return _record(given, age, sex)


def _opened(source: Source | Record) -> tuple[Source | Record, Digitized | None]:
    """The source to read, and what was read from it when it is a picture.

    Raises:
        RefusedError: it is a picture from which no ECG could be read.
    """
    if isinstance(source, Record):
        return source, None
    from ecground.digitize.load import is_image
    from ecground.io.source import Source as Opened

    given = Opened(source)
    if not is_image(given.head):
        return (source if given.path is not None else given.data), None
    from ecground.digitize.digitize import digitize

    page = digitize(given.data)
    if page.record is None:
        last = page.problems[-1]
        raise RefusedError(f"no ECG could be read from the picture: {last.what}", where=last.step, hint=last.hint)
    return page.record, page


def _record(source: Source | Record, age: float | None, sex: Sex | None) -> Record:
    from ecground.io import read

    if not isinstance(source, Record):
        return read(source, age=age, sex=sex)
    person = source.patient
    return source.replace(patient=Patient(
        age=person.age if age is None else age, sex=person.sex if sex is None else sex))


class _Steps:
    """Runs steps one after another and keeps the names of those that failed."""

    def __init__(self) -> None:
        self._problems: list[StepProblem] = []

    @property
    def problems(self) -> tuple[StepProblem, ...]:
        return tuple(self._problems)

    def run(self, name: str, step: Callable[[], T]) -> T | None:
        try:
            return step()
        except EcgroundError as error:
            self._problems.append(StepProblem(name, error))
        except Exception as error:  # noqa: BLE001 - one failed step must not lose what the others found
            what = f"step {name} failed ({type(error).__name__})"
            hint = "this is a defect of ecground; set ECGROUND_DEBUG=1 to see where, and please report it"
            problem = MeasurementError(what, where=name, hint=hint)
            problem.__cause__ = error
            self._problems.append(StepProblem(name, problem))
        return None
