"""Waves as kernels: windowed, asymmetric Gaussian pulses of a cardiac dipole, projected on twelve leads.

A wave is a sum of kernels `v exp(-|u|^p / 2)`, `u = (t - centre)/width`, with separate widths before and after the
centre, p = 2 (bell) or 4 (flat top), and `v` a vector in mV in Frank's axes (x left, y down, z back). Times in
parameters are ms, in arrays seconds. The Gaussian wave model of the cardiac vector follows McSharry 2003 and
Sameni 2007; only a window of a few widths around a wave is evaluated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bank", "Beat", "Kernel", "PWave", "bank", "components"]

_REACH = (3.8, 2.0)  # widths evaluated on each side of a bell and of a flat top: both end below 0.1 % of the peak


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

    centre: NDArray[np.float64]
    """`[template, kernel]` s."""
    rise: NDArray[np.float64]
    """`[template, kernel]` s."""
    fall: NDArray[np.float64]
    """`[template, kernel]` s."""
    vector: NDArray[np.float64]
    """`[template, kernel, 3]` mV."""
    local: NDArray[np.float64]
    """`[template, kernel, 3]` mV in V1, V2, V3."""
    flat: NDArray[np.bool_]
    """`[template, kernel]`."""

    def retimed(self, scale: NDArray[np.float64], shift: NDArray[np.float64]) -> Bank:
        """Time `t` becomes `scale * t + shift`, both `[template]` (shift in s)."""
        s = scale[:, None]
        return Bank(self.centre * s + shift[:, None], self.rise * s, self.fall * s, self.vector, self.local, self.flat)


def bank(waves: Sequence[tuple[Kernel, ...]]) -> Bank:
    """Kernels of each template -> padded arrays; missing kernels have zero amplitude."""
    size = max(1, *(len(w) for w in waves))
    rows = np.zeros((len(waves), size, 10))
    rows[:, :, 1:3] = 1.0
    for i, wave in enumerate(waves):
        for j, k in enumerate(wave):
            rows[i, j] = (k.centre_ms, k.rise_ms, k.fall_ms, *k.vector, *k.local, k.flat)
    return Bank(rows[:, :, 0] / 1e3, rows[:, :, 1] / 1e3, rows[:, :, 2] / 1e3, rows[:, :, 3:6], rows[:, :, 6:9],
                rows[:, :, 9] > 0)


def components(
    waves: Bank, *, when: NDArray[np.float64], template: NDArray[np.intp], field: NDArray[np.float64], fs: float,
    gain: NDArray[np.float64], tilt: NDArray[np.float64],
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Every event's wave in every lead, each in its own window.

    Args:
        waves: templates.
        when: `[event]` s, where the template's time zero lies.
        template: `[event]` row of the bank.
        field: lead field `[12, 3]`, mV a mV of dipole.
        fs: sampling rate [Hz].
        gain: `[event]` amplitude factor.
        tilt: `[event, 3]` small rotation of the dipole [rad] about x, y and z.

    Returns:
        First sample `[event]` of each window (may be negative), and the wave float32 mV `[event, 12, sample]`.
    """
    real = np.asarray(np.any(waves.vector, axis=2) | np.any(waves.local, axis=2))
    used = np.zeros(len(real), dtype=np.bool_)
    used[template] = True
    real &= used[:, None]
    if not len(when) or not real.any():
        return np.zeros(len(when), dtype=np.intp), np.zeros((len(when), 12, 2), dtype=np.float32)
    reach = np.where(waves.flat, _REACH[1], _REACH[0])
    begin = float((waves.centre - reach * waves.rise)[real].min())
    end = float((waves.centre + reach * waves.fall)[real].max())
    start = np.floor((when + begin) * fs).astype(np.intp)
    n = int(np.ceil((end - begin) * fs)) + 2
    time = ((start / fs - when)[:, None] + np.arange(n) / fs).astype(np.float32)
    u = time[:, None, :] - waves.centre.astype(np.float32)[template][:, :, None]
    early = u < 0
    u /= waves.fall.astype(np.float32)[template][:, :, None]
    np.multiply(u, (waves.fall / waves.rise).astype(np.float32)[template][:, :, None], out=u, where=early)
    u *= u
    flat = waves.flat[template]
    if flat.any():
        u[flat] *= u[flat]
    u *= np.float32(-0.5)
    pulse = np.exp(u, out=u)  # [event, kernel, sample]
    x, y, z = np.moveaxis(waves.vector[template], 2, 0)
    a, b, c = tilt.T[:, :, None]
    turned = np.stack([x + b * z - c * y, y + c * x - a * z, z + a * y - b * x], axis=2)  # v + tilt x v
    amplitude = turned @ field.T  # [event, kernel, 12]
    amplitude[:, :, 6:9] += waves.local[template]
    amplitude *= gain[:, None, None]
    return start, np.matmul(amplitude.transpose(0, 2, 1).astype(np.float32), pulse)
