"""`simulate`: Parameters -> Record and Truth.

The beats' templates are first fitted to the lead field so that the visible PR, QRS, QT and P durations are those of
the parameters; then all waves are evaluated in their windows, added, led off, and made noisy. Random numbers come in
separate streams (rhythm, beats, atrial waves, noise) from one number of the caller's generator: what one parameter
does not touch stays the same to the last bit in a twin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.errors import UsageError
from ecground.leads import STANDARD
from ecground.record import Patient, Provenance, Record
from ecground.signal.assemble import joint_bounds
from ecground.simulate.atrium import atrial_activity
from ecground.simulate.beat import Bank, bank, components
from ecground.simulate.labels import statements_of, values_of
from ecground.simulate.noise import electrode_noise, lose_contact, record_as_device
from ecground.simulate.parameters import Parameters
from ecground.simulate.rhythm import Schedule, schedule
from ecground.simulate.torso import field_of, twelve
from ecground.simulate.truth import (
    Truth,
    Wave,
    delineation_of,
    hidden_by,
    peaks,
    qrs_points,
    visible,
)

__all__ = ["Simulated", "simulate"]

_EIGHT: Final = np.array([0, 1, 6, 7, 8, 9, 10, 11])
_FINE: Final = 1000.0  # Hz at which templates are fitted
_RHYTHM, _BEATS, _ATRIUM, _NOISE = range(4)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulated ECG and what is true of it."""

    record: Record
    truth: Truth
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One wave of all events: windows, and marks in samples of the record."""

    start: NDArray[np.intp]
    wave: NDArray[np.float32]
    marks: Wave
    points: dict[str, Array]


def simulate(
    parameters: Parameters, *, fs: float = 500.0, seconds: float = 10.0, rng: np.random.Generator,
) -> Simulated:
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
    if not (fs >= 100 and seconds >= 1 and np.isfinite(fs * seconds)):
        raise UsageError(f"cannot simulate {seconds} s at {fs} Hz", where="simulate", hint="fs >= 100, seconds >= 1")
    n = round(fs * seconds)
    seed = int(rng.integers(0, 2**62))
    field = field_of(parameters.torso)
    plan = schedule(parameters.rhythm, seconds=seconds, breathing_hz=parameters.variation.breathing_hz,
                    rng=_stream(seed, _RHYTHM))
    p, qrs, st, t = _waves(parameters, plan, field, fs=fs, rng=_stream(seed, _BEATS))
    eight = np.zeros((8, n), dtype=np.float32)
    for drawn in (p, qrs, st, t):
        _add(eight, drawn)
    eight += atrial_activity(parameters.rhythm, plan.flutter_s, field[_EIGHT], n=n, fs=fs, rng=_stream(seed, _ATRIUM))
    spikes = _add_spikes(eight, parameters, plan, field[_EIGHT], fs=fs)
    if parameters.noise is not None:
        eight += electrode_noise(parameters.noise, n=n, fs=fs, rng=_stream(seed, _NOISE))
        eight = record_as_device(eight, parameters.noise, fs=fs)
    signal = twelve(eight)
    if parameters.noise is not None:
        lose_contact(signal, STANDARD, parameters.noise)
    record = Record(
        signal=signal, fs=fs, leads=STANDARD, patient=Patient(age=parameters.age, sex=parameters.sex),
        provenance=Provenance(format="simulated", lead_origin=dict.fromkeys(STANDARD, "simulated")),
    )
    return Simulated(record, _truth(parameters, plan, (p, qrs, st, t), spikes, fs=fs, n=n), parameters)


def _stream(seed: int, purpose: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([seed, purpose]))


def _waves(parameters: Parameters, plan: Schedule, field: Array, *, fs: float,
           rng: np.random.Generator) -> tuple[_Drawn, _Drawn, _Drawn, _Drawn]:
    """P, QRS, ST and T of all events; the bank of each is fitted to the visible durations first."""
    p_when, (p_used, p_of) = np.array(plan.p_time), _used(plan.p_template)
    when, (used, of) = np.array(plan.v_time), _used(plan.v_template)
    atria, beats = [parameters.atrial[i] for i in p_used], [parameters.ventricular[i] for i in used]
    p_bank = _fitted(bank([w.kernels for w in atria]), field, "p", [w.duration_ms / 1e3 for w in atria])
    qrs_bank = _fitted(bank([b.qrs for b in beats]), field, "qrs", [b.qrs_ms / 1e3 for b in beats])
    t_bank = _ended(bank([b.t for b in beats]), field, [b.qt_ms / 1e3 for b in beats])
    st_bank = bank([b.st for b in beats])
    order = np.argsort(when, kind="stable")
    before = np.full(len(when), np.nan)
    before[order[1:]] = np.diff(when[order])
    usual = np.nanmedian(before) if len(when) > 1 else 1.0
    late = parameters.variation.qt_slope * np.clip(np.nan_to_num(before, nan=usual) - usual, -0.25, 0.25)
    gains, tilts = _breath(parameters, when, rng)
    p_gains, p_tilts = _breath(parameters, p_when, rng)
    t_gain = gains * (1 + 0.5 * (gains - 1)) * _alternation(parameters, t_bank, field, of, order)
    p = _draw("p", p_bank, p_when, p_of, field, fs, p_gains, p_tilts)
    qrs = _draw("qrs", qrs_bank, when, of, field, fs, gains, tilts)
    start, wave = components(st_bank, when=when + late * 0.5, template=of, field=field, fs=fs, gain=gains, tilt=tilts)
    t = _draw("t", t_bank, when + late, of, field, fs, t_gain, tilts)
    return p, qrs, _Drawn(start, wave, qrs.marks, {}), t


def _used(templates: list[int]) -> tuple[list[int], NDArray[np.intp]]:
    """The templates that occur (at least one), and each event's place among them."""
    used = sorted(set(templates)) or [0]
    place = {number: i for i, number in enumerate(used)}
    return used, np.array([place[number] for number in templates], dtype=np.intp)


def _breath(parameters: Parameters, when: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    v = parameters.variation
    wave = np.sin(2 * np.pi * v.breathing_hz * when + rng.uniform(0, 2 * np.pi))
    gain = 1 + v.breathing_gain * wave + v.gain_sd * np.clip(rng.normal(0, 1, len(when)), -2.5, 2.5)
    tilt = rng.normal(0, v.tilt_sd, (len(when), 3)) + v.breathing_tilt * wave[:, None] * np.array([0.5, 0.4, 1.0])
    return gain, tilt


def _alternation(parameters: Parameters, t_bank: Bank, field: Array, of: NDArray[np.intp], order: NDArray[np.intp],
                 ) -> Array:
    """Factor of each T wave `[event]` that makes every second one differ by `alternans_mv` in its largest lead."""
    size = np.abs(t_bank.vector[:, 0] @ field.T).max(axis=1)
    step = parameters.variation.alternans_mv / 2 / np.maximum(size, 0.05)
    sign = np.empty(len(of))
    sign[order] = np.where(np.arange(len(of)) % 2 == 0, 1.0, -1.0)
    return np.asarray(1 + sign * step[of])


def _rest(n: int) -> dict[str, Array]:
    return {"gain": np.ones(n), "tilt": np.zeros((n, 3))}


def _edges(waves: Bank, field: Array, name: str) -> tuple[Array, Array]:
    """Joint visible onset and offset of each template [s]; NaN for an invisible one."""
    n = len(waves.centre)
    start, wave = components(waves, when=np.zeros(n), template=np.arange(n), field=field, fs=_FINE, **_rest(n))
    on, off = joint_bounds(*(bound.T for bound in visible(wave, name=name)))
    return (start + on) / _FINE, (start + off) / _FINE


def _fitted(waves: Bank, field: Array, name: str, seconds: list[float]) -> Bank:
    """Templates stretched and moved so that they are visible from 0 to `seconds`."""
    on, off = _edges(waves, field, name)
    scale = np.where(np.isfinite(on), np.array(seconds) / np.maximum(off - on, 1e-3), 1.0)
    return waves.retimed(scale, np.where(np.isfinite(on), -on * scale, 0.0))


def _ended(waves: Bank, field: Array, ends: list[float]) -> Bank:
    """Templates moved so that they are visible until `ends` [s]."""
    _, off = _edges(waves, field, "t")
    return waves.retimed(np.ones(len(ends)), np.where(np.isfinite(off), np.array(ends) - off, 0.0))


def _draw(name: str, waves: Bank, when: Array, of: NDArray[np.intp], field: Array, fs: float, gain: Array,
          tilt: Array) -> _Drawn:
    start, wave = components(waves, when=when, template=of, field=field, fs=fs, gain=gain, tilt=tilt)
    on, off = visible(wave, name=name)
    peak, second, centre = peaks(wave, on, name=name)
    first, last = joint_bounds(on.T, off.T)
    shift = start[:, None].astype(np.float64)
    joint = np.stack([first, np.where(np.isfinite(first), centre, np.nan), last], axis=1)
    points = {key: at + shift for key, at in qrs_points(wave, on).items()} if name == "qrs" else {}
    return _Drawn(start, wave, Wave(on + shift, peak + shift, off + shift, second + shift, joint + shift), points)


def _add(eight: NDArray[np.float32], drawn: _Drawn) -> None:
    n, size = eight.shape[1], drawn.wave.shape[2]
    for start, wave in zip(drawn.start.tolist(), drawn.wave, strict=True):
        begin, end = max(start, 0), min(start + size, n)
        if begin < end:
            eight[:, begin:end] += wave[_EIGHT, begin - start:end - start]


def _add_spikes(
    eight: NDArray[np.float32], parameters: Parameters, plan: Schedule, field: Array, *, fs: float,
) -> Array:
    """Pacing spikes of about 1 ms with a small afterpotential; returns their samples."""
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


def _truth(parameters: Parameters, plan: Schedule, drawn: tuple[_Drawn, ...], spikes: Array, *, fs: float, n: int,
           ) -> Truth:
    p, qrs, st, t = drawn
    link = np.array(plan.p_beat, dtype=np.intp)
    shown_p = hidden_by(p.marks, qrs.marks, own=np.full(len(link), -1), fs=fs)
    shown_t = hidden_by(t.marks, qrs.marks, own=np.arange(len(plan.v_time)), fs=fs)
    hidden = np.isfinite(p.marks.joint[:, 0]) & ~np.isfinite(shown_p.joint[:, 0])
    has_t = np.isfinite(t.marks.joint[:, 0])
    marks, v, a = delineation_of(shown_p, qrs.marks, shown_t, qrs.points, link=link, hidden=hidden, has_t=has_t, fs=fs,
                                 leads=STANDARD, n=n)
    kind = tuple(plan.v_kind[i] if i >= 0 else "p" for i in v.tolist())
    row_of = np.full(len(plan.v_time), -1, dtype=np.intp)
    row_of[v[v >= 0]] = np.flatnonzero(v >= 0)
    times, flutter = np.array(plan.p_time), plan.flutter_s
    inside = np.flatnonzero((times >= 0) & (times < n / fs))
    inside = inside[np.argsort(times[inside])]
    waves = flutter[(flutter >= 0) & (flutter < n / fs)]
    led = link[inside]
    rows = np.where(led >= 0, row_of[np.maximum(led, 0)], -1) if len(row_of) else np.full(len(inside), -1)
    beats = np.array(plan.v_time)
    values, lead_values = values_of(marks, kind, template=np.array(plan.v_template, dtype=np.intp), events=v,
                                    waves={"p": (p.start, p.wave), "qrs": (qrs.start, qrs.wave),
                                           "st": (st.start, st.wave), "t": (t.start, t.wave)}, atrial_events=a)
    return Truth(
        delineation=marks, kind=kind, atrial_s=np.concatenate([times[inside], waves]),
        atrial_kind=(*(plan.p_kind[i] for i in inside.tolist()), *["flutter"] * len(waves)),
        atrial_row=np.concatenate([rows, np.full(len(waves), -1)]).astype(np.intp),
        ventricular_s=np.sort(beats[(beats >= 0) & (beats < n / fs)]), spikes=spikes, values=values,
        lead_values=lead_values, statements=statements_of(parameters, values, lead_values, kind), p=shown_p,
        qrs=qrs.marks, t=shown_t,
    )
