"""Waves as kernels: windowed, asymmetric Gaussian pulses of a cardiac dipole, projected on twelve leads.

A wave is a sum of kernels `v exp(-|u|^p / 2)`, `u = (t - centre)/width`, with separate widths before and after the
centre, p = 2 (bell) or 4 (flat top), and `v` a vector in mV in Frank's axes (x left, y down, z back). Times in
parameters are ms, in arrays seconds. The Gaussian wave model of the cardiac vector follows McSharry 2003 and
Sameni 2007; only a window of a few widths around a wave is evaluated.

Many records are evaluated at once. What one event becomes must not depend on the others of its batch, to the last
bit: so windows and kernel counts are rounded up to a few sizes, and only events of equal size share a product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bank", "Beat", "Events", "Kernel", "PWave", "Windows", "bank", "levels_at", "windows"]

_REACH: Final = (3.6, 1.9)  # widths evaluated on each side of a bell and of a flat top: both ends below 0.2 %
_CHUNK: Final = 65536  # samples a lead evaluated together: the windows stay in the cache

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

_ROUNDED: Final[Ints] = np.array([1, 1, 2, 3, 4, *(k + k % 2 for k in range(5, 64))])  # kernels that share a product


@dataclass(frozen=True, slots=True)
class Kernel:
    """One pulse of the dipole."""

    centre_ms: float
    """Time of the maximum after the onset of the wave (P) or of the QRS (all others) [ms]."""
    rise_ms: float
    """Width before the centre, one standard deviation [ms]."""
    fall_ms: float
    """Width after the centre [ms]."""
    vector: tuple[float, float, float]
    """Dipole at the maximum [mV]: left, down, back."""
    local: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """What V1, V2 and V3 see beyond the dipole [mV]: near-field sources of the right ventricle and septum."""
    flat: bool = False
    """Flat top (exponent 4), for ST segments and plateaus."""


@dataclass(frozen=True, slots=True)
class PWave:
    """An atrial wave."""

    duration_ms: float
    """Visible duration over all leads [ms]."""
    kernels: tuple[Kernel, ...]


@dataclass(frozen=True, slots=True)
class Beat:
    """A ventricular beat: depolarisation and repolarisation of one origin."""

    qrs_ms: float
    """Visible QRS duration over all leads [ms]."""
    qt_ms: float
    """Visible QRS onset to T offset over all leads, at the mean RR interval [ms]."""
    qrs: tuple[Kernel, ...]
    st: tuple[Kernel, ...]
    """ST segment, U wave: drawn, but no part of any marked wave."""
    t: tuple[Kernel, ...]


@dataclass(frozen=True, slots=True)
class Bank:
    """The kernels of several templates as padded arrays."""

    centre: Floats
    """`[template, kernel]` s."""
    rise: Floats
    """`[template, kernel]` s."""
    fall: Floats
    """`[template, kernel]` s."""
    source: Floats
    """`[template, kernel, 6]` mV: the dipole, then the near-field sources of V1, V2, V3."""
    flat: NDArray[np.bool_]
    """`[template, kernel]`."""
    count: Ints
    """`[template]` kernels."""

    def retimed(self, scale: Floats, shift: Floats) -> Bank:
        """Time `t` becomes `scale * t + shift`, both `[template]` (shift in s)."""
        s = scale[:, None]
        return Bank(self.centre * s + shift[:, None], self.rise * s, self.fall * s, self.source, self.flat, self.count)


@dataclass(frozen=True, slots=True)
class Events:
    """When and how templates fire: one entry an event, those of one record together."""

    record: Ints
    """`[event]` row of the lead fields."""
    when: Floats
    """`[event]` s, where the template's time zero lies."""
    template: Ints
    """`[event]` row of the bank."""
    gain: Floats
    """`[event]` amplitude factor."""
    tilt: Floats
    """`[event, 3]` small rotation of the dipole [rad] about x, y and z."""

    @classmethod
    def at_rest(cls, record: Ints) -> Events:
        """Each template once, at time 0, as it is."""
        n = len(record)
        return cls(record, np.zeros(n), np.arange(n), np.ones(n), np.zeros((n, 3)))


@dataclass(frozen=True, slots=True)
class Windows:
    """The waves of some events, each in its own window."""

    event: Ints
    start: Ints
    """`[event]` first sample, may be negative."""
    wave: NDArray[np.float32]
    """mV `[event, lead, sample]`."""


def bank(waves: Sequence[tuple[Kernel, ...]]) -> Bank:
    """Kernels of each template -> padded arrays; missing kernels have zero amplitude."""
    count = np.array([len(w) for w in waves], dtype=np.intp)
    size = int(_ROUNDED[count.max(initial=1)])
    rows = np.zeros((len(waves), size, 10))
    rows[:, :, 1:3] = 1.0
    flat = [(k.centre_ms, k.rise_ms, k.fall_ms, *k.vector, *k.local, k.flat) for wave in waves for k in wave]
    if flat:
        rows[np.arange(size) < count[:, None]] = flat
    return Bank(rows[:, :, 0] / 1e3, rows[:, :, 1] / 1e3, rows[:, :, 2] / 1e3, rows[:, :, 3:9], rows[:, :, 9] > 0,
                count)


def windows(waves: Bank, events: Events, field: Floats, *, fs: float) -> Iterator[Windows]:
    """Every event's wave in every lead, some tens of events at a time.

    Args:
        waves: templates.
        events: when each fires.
        field: lead fields `[record, lead, 6]`, mV a mV of dipole and of near-field source.
        fs: sampling rate [Hz].
    """
    if not len(events.when):
        return
    begin, length = _extent(waves, fs)
    kernels = _ROUNDED[waves.count]
    key = (length * 64 + kernels)[events.template]
    for value in np.unique(key).tolist():
        chosen = np.flatnonzero(key == value)
        for part in _parts(chosen, events.record[chosen], _CHUNK // (value // 64)):
            start = np.floor((events.when[part] + begin[events.template[part]]) * fs).astype(np.intp)
            time = (start / fs - events.when[part])[:, None] + np.arange(value // 64) / fs
            pulse = _pulses(waves, events.template[part], value % 64, time)
            amplitude = _amplitudes(waves, events, part, value % 64, field)
            yield Windows(part, start, np.matmul(amplitude, pulse))


def levels_at(waves: Bank, events: Events, chosen: Ints, field: Floats, time: Floats) -> Floats:
    """Level of chosen events' waves `[event, lead, time]` in mV at `time` `[event, time]` (s of the template)."""
    out = np.zeros((len(chosen), field.shape[1], time.shape[1]))
    kernels = _ROUNDED[waves.count][events.template[chosen]]
    for size in np.unique(kernels).tolist():
        mine = np.flatnonzero(kernels == size)
        part = chosen[mine]
        out[mine] = np.matmul(_amplitudes(waves, events, part, size, field),
                              _pulses(waves, events.template[part], size, time[mine]))
    return out


def _extent(waves: Bank, fs: float) -> tuple[Floats, Ints]:
    """Start [s] and length [samples, rounded up] of the window of each template."""
    real = np.asarray(np.any(waves.source, axis=2))
    reach = np.where(waves.flat, _REACH[1], _REACH[0])
    begin = np.where(real, waves.centre - reach * waves.rise, np.inf).min(axis=1)
    end = np.where(real, waves.centre + reach * waves.fall, -np.inf).max(axis=1)
    begin, end = (np.where(np.isfinite(edge), edge, 0.0) for edge in (begin, end))
    length = np.ceil((end - begin) * fs).astype(np.intp) + 2
    step = np.where(length > 256, 64, np.where(length > 96, 32, 16))
    return begin, -(-length // step) * step


def _parts(chosen: Ints, record: Ints, size: int) -> Iterator[Ints]:
    """Pieces of about `size` events that never divide a record."""
    first = np.flatnonzero(np.diff(record, prepend=-1))
    stops = [*first[1:].tolist(), len(chosen)]
    begin = 0
    for stop in stops:
        if stop - begin >= size or stop == len(chosen):
            yield chosen[begin:stop]
            begin = stop


def _pulses(waves: Bank, template: Ints, kernels: int, time: Floats) -> NDArray[np.float32]:
    """`[event, kernel, sample]` at `time` `[event, sample]`."""
    part = (template[:, None], np.arange(kernels)[None])
    late = (1 / waves.fall[part]).astype(np.float32)[:, :, None]
    early = (-1 / waves.rise[part]).astype(np.float32)[:, :, None]
    distance = time.astype(np.float32)[:, None, :] - waves.centre[part].astype(np.float32)[:, :, None]
    u = distance * early
    distance *= late
    np.maximum(u, distance, out=u)
    u *= u
    flat = waves.flat[part]
    if flat.any():
        u[flat] *= u[flat]
    u *= np.float32(-0.5)
    pulse: NDArray[np.float32] = np.exp(u, out=u)
    return pulse


def _amplitudes(waves: Bank, events: Events, part: Ints, kernels: int, field: Floats) -> NDArray[np.float32]:
    """`[event, lead, kernel]` mV."""
    source = waves.source[events.template[part], :kernels].copy()
    x, y, z = (source[:, :, i].copy() for i in range(3))
    a, b, c = (events.tilt[part, i, None] for i in range(3))
    source[:, :, 0] += b * z - c * y  # v + tilt x v
    source[:, :, 1] += c * x - a * z
    source[:, :, 2] += a * y - b * x
    source *= events.gain[part, None, None]
    return np.asarray(np.matmul(field[events.record[part]], source.transpose(0, 2, 1)), dtype=np.float32)
