"""`simulate` and `simulate_batch`: Parameters -> Record and Truth.

The beats' templates are first fitted to the lead field so that the visible PR, QRS, QT and P durations are those of
the parameters; then all waves of many records are evaluated in their windows, added, led off, and made noisy. One
record is a batch of one, and comes out the same to the last bit in a batch of any size. Random numbers come in
separate streams (rhythm, beats, atrial waves, noise) from one number of the caller's generator for each record: what
one parameter does not touch stays the same to the last bit in a twin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.errors import UsageError
from ecground.leads import STANDARD
from ecground.record import Patient, Provenance, Record
from ecground.signal.beats import MARKS
from ecground.simulate.atrium import atrial_activity
from ecground.simulate.ensemble import EIGHT, Ensemble, ensemble
from ecground.simulate.labels import statements_of
from ecground.simulate.marks import Wave
from ecground.simulate.noise import electrode_noise, lose_contact, record_as_device
from ecground.simulate.parameters import Parameters
from ecground.simulate.rhythm import Schedule, schedule
from ecground.simulate.rows import Rows, hidden_by, neighbours, rows_of
from ecground.simulate.torso import fields_of, twelve
from ecground.simulate.truth import Truth
from ecground.simulate.values import KINDS, ST_LATER_S, dominant, values_of

__all__ = ["Simulated", "simulate", "simulate_batch", "simulate_seeded"]

_BLOCK: Final = 96  # records evaluated together
_RHYTHM, _BEATS, _ATRIUM, _NOISE = range(4)

Array = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulated ECG and what is true of it."""

    record: Record
    truth: Truth
    parameters: Parameters


def simulate(parameters: Parameters, *, fs: float = 500.0, seconds: float = 10.0,
             rng: np.random.Generator) -> Simulated:
    """One ECG of twelve leads with its truth.

    Args:
        parameters: the patient and recording, from `draw` or `twin`.
        fs: sampling rate [Hz], 100 or more.
        seconds: length of the record [s], 1 or more.
        rng: source of beat-to-beat scatter and noise; one integer is taken from it.

    Returns:
        Record (float32 mV `[12, fs * seconds]`), Truth, and the parameters.

    Raises:
        UsageError: fs or seconds out of range.
    """
    return simulate_batch([parameters], fs=fs, seconds=seconds, rng=rng)[0]


def simulate_batch(parameters: Sequence[Parameters], *, fs: float = 500.0, seconds: float = 10.0,
                   rng: np.random.Generator) -> list[Simulated]:
    """Many ECGs, several times faster than one by one, and the same to the last bit.

    Args:
        parameters: patients and recordings.
        fs: sampling rate of all [Hz], 100 or more.
        seconds: length of each [s], 1 or more.
        rng: one integer is taken from it for each record, in order.

    Raises:
        UsageError: fs or seconds out of range.
    """
    return simulate_seeded(parameters, [int(rng.integers(0, 2**62)) for _ in parameters], fs=fs, seconds=seconds)


def simulate_seeded(parameters: Sequence[Parameters], seeds: Sequence[int], *, fs: float = 500.0, seconds: float = 10.0,
                    ) -> list[Simulated]:
    """As `simulate_batch`, with a number of its own (0 to 2^62) for each record.

    Raises:
        UsageError: fs or seconds out of range.
    """
    if not (fs >= 100 and seconds >= 1 and np.isfinite(fs * seconds)):
        raise UsageError(f"cannot simulate {seconds} s at {fs} Hz", where="simulate", hint="fs >= 100, seconds >= 1")
    out: list[Simulated] = []
    for first in range(0, len(parameters), _BLOCK):
        block = slice(first, first + _BLOCK)
        out += _block(parameters[block], seeds[block], fs=fs, n=round(fs * seconds))
    return out


def _stream(seed: int, purpose: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(4 * seed + purpose))


def _block(parameters: Sequence[Parameters], seeds: Sequence[int], *, fs: float, n: int) -> list[Simulated]:
    fields = fields_of([p.torso for p in parameters], [p.reversal for p in parameters])
    plans = [schedule(p.rhythm, seconds=n / fs, breathing_hz=p.variation.breathing_hz, rng=_stream(seed, _RHYTHM))
             for p, seed in zip(parameters, seeds, strict=True)]
    made = ensemble(parameters, plans, fields, [_stream(seed, _BEATS) for seed in seeds], n=n, fs=fs)
    spikes = []
    records = []
    for i, (p, plan, field, seed) in enumerate(zip(parameters, plans, fields, seeds, strict=True)):
        eight = made.eight(i)
        if p.rhythm.driver in ("af", "flutter"):
            eight += atrial_activity(p.rhythm, plan.flutter_s, field[EIGHT, :3], n=n, fs=fs, rng=_stream(seed, _ATRIUM))
        spikes.append(_add_spikes(eight, p, plan, field[EIGHT, :3], fs=fs))
        records.append(_recorded(eight, p, seed, fs=fs))
    truths = _truths(parameters, plans, made, spikes, fs=fs, n=n)
    return [Simulated(*one) for one in zip(records, truths, parameters, strict=True)]


def _recorded(eight: NDArray[np.float32], parameters: Parameters, seed: int, *, fs: float) -> Record:
    """The heart's signal as a device stores it."""
    noise = parameters.noise
    if noise is not None:
        eight += electrode_noise(noise, n=eight.shape[1], fs=fs, rng=_stream(seed, _NOISE))
        eight = record_as_device(eight, noise, fs=fs)
    signal = twelve(eight)
    if noise is not None:
        lose_contact(signal, STANDARD, noise)
    return Record(
        signal=signal, fs=fs, leads=STANDARD, patient=Patient(age=parameters.age, sex=parameters.sex),
        provenance=Provenance(format="simulated", lead_origin=dict.fromkeys(STANDARD, "simulated")),
    )


def _add_spikes(
    eight: NDArray[np.float32], parameters: Parameters, plan: Schedule, field: Array, *, fs: float,
) -> Array:
    """Pacing spikes of about 1 ms with a small afterpotential; returns their samples."""
    if not plan.spike_time:
        return np.zeros(0)
    n = eight.shape[1]
    at: Array = np.sort(np.round(np.array(plan.spike_time, dtype=np.float64) * fs))
    at = at[(at >= 0) & (at < n)]
    if len(at):
        direction = field @ np.array([0.55, 0.75, 0.35])
        width = max(1, round(0.001 * fs))
        tail = np.r_[np.ones(width), -0.12 * np.exp(-np.arange(int(0.02 * fs)) / (0.006 * fs))]
        shape = (parameters.rhythm.spike_mv * direction[:, None] * tail).astype(np.float32)
        for i in at.astype(int).tolist():
            end = min(n, i + len(tail))
            eight[:, i:end] += shape[:, : end - i]
    return at


def _truths(parameters: Sequence[Parameters], plans: Sequence[Schedule], made: Ensemble, spikes: list[Array], *,
            fs: float, n: int) -> list[Truth]:
    record, p_record = made.events.record, made.p_events.record
    size = len(parameters)
    p = hidden_by(made.p, made.qrs, near=neighbours(p_record, record, size), own=np.full(len(p_record), -1), fs=fs)
    t = hidden_by(made.t, made.qrs, near=neighbours(record, record, size), own=np.arange(len(record)), fs=fs)
    hidden = np.isfinite(made.p.joint[:, 0]) & ~np.isfinite(p.joint[:, 0])
    rows = rows_of(p, made.qrs, t, p_record=p_record, record=record, link=made.link, hidden=hidden,
                   has_t=np.isfinite(made.t.joint[:, 0]), n_records=size, n=n)
    code = np.array([KINDS.index(plans[r].v_kind[i])
                     for r, i in zip(record.tolist(), made.number.tolist(), strict=True)], dtype=np.intp)
    kind = np.full(len(rows.beat), KINDS.index("p"))
    kind[rows.beat >= 0] = code[rows.beat[rows.beat >= 0]]
    chosen, middle = dominant(rows, kind)
    levels = np.full((size, len(STANDARD), len(ST_LATER_S)), np.nan)
    some = np.flatnonzero(middle >= 0)
    j = rows.joint_marks[middle[some], MARKS.index("qrs_off")] / fs
    levels[some] = made.levels(rows.beat[middle[some]], j[:, None] + np.array(ST_LATER_S))
    values, lead_values = values_of(rows, kind, chosen, middle, levels, p=made.p, qrs=made.qrs, t=made.t, fs=fs)
    for one, patient in zip(values, parameters, strict=True):
        if patient.variation.alternans_mv:
            one["twa_uv"] = 1e3 * patient.variation.alternans_mv
    return [_truth(i, parameters[i], plans[i], made, rows, kind, p, t, spikes[i], values[i], lead_values[i], fs=fs, n=n)
            for i in range(size)]


def _truth(i: int, parameters: Parameters, plan: Schedule, made: Ensemble, rows: Rows, kind: Ints, p: Wave, t: Wave,
           spikes: Array, values: dict[str, float], lead_values: dict[str, Array], *, fs: float, n: int) -> Truth:
    """The truth of record `i`."""
    first = int(rows.stop[i - 1]) if i else 0
    names = tuple(KINDS[k] for k in kind[first:rows.stop[i]].tolist())
    mine, own = (slice(*np.searchsorted(events.record, (i, i + 1)).tolist()) for events in (made.p_events, made.events))
    row_of = np.full(own.stop - own.start + 1, -1, dtype=np.intp)  # the last entry stands for "no beat"
    beat = rows.beat[first:rows.stop[i]]
    row_of[beat[beat >= 0] - own.start] = np.flatnonzero(beat >= 0)
    times, link = made.p_events.when[mine], made.link[mine]
    inside = np.flatnonzero((times >= 0) & (times < n / fs))
    inside = inside[np.argsort(times[inside])]
    flutter = plan.flutter_s[(plan.flutter_s >= 0) & (plan.flutter_s < n / fs)]
    led = np.where(link[inside] >= 0, link[inside] - own.start, -1)
    beats = made.events.when[own]
    return Truth(
        delineation=rows.delineation(i, fs=fs, leads=STANDARD, n=n), kind=names,
        atrial_s=np.concatenate([times[inside], flutter]),
        atrial_kind=(*(plan.p_kind[k] for k in made.p_number[mine][inside].tolist()), *["flutter"] * len(flutter)),
        atrial_row=np.concatenate([row_of[led], np.full(len(flutter), -1)]).astype(np.intp),
        ventricular_s=np.sort(beats[(beats >= 0) & (beats < n / fs)]), spikes=spikes, values=values,
        lead_values=lead_values, statements=statements_of(parameters, values, lead_values, names), p=p.events(mine),
        qrs=made.qrs.events(own), t=t.events(own),
    )
