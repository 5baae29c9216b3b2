"""`Record`: one electrocardiogram in physical units, and how it came to be.

Contract: `signal` is float32 millivolt `[lead, sample]`, `NaN` means "not seen" (a gap, padding, or a part of the
paper that shows another lead), and `provenance` says how every lead was obtained.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ecground.errors import CorruptInputError

__all__ = ["DeviceMeasurement", "DeviceReading", "Patient", "PixelMap", "Provenance", "Record", "Sex",
           "StripMap", "on_lattice"]

Sex = Literal["M", "F"]

_LATTICE_PAD: Final = 6


@dataclass(frozen=True, slots=True)
class Patient:
    """The person, as far as reading an ECG needs it; `None` means unknown."""

    age: float | None = None
    """Age at recording [years]."""
    sex: Sex | None = None
    """Sex that sex-specific criteria use."""


@dataclass(frozen=True, slots=True)
class DeviceMeasurement:
    """A number that the recording device or its software stored in the file."""

    name: str
    """ecground's own measure name where one is known (`pr_ms`, `qrs_axis_deg`), else the file's."""
    value: float
    """The value, in `unit`."""
    unit: str
    """Unit as ecground writes it: `ms`, `mV`, `deg`, `1/min`."""
    lead: str | None = None
    """Lead for per-lead values, `None` for global ones."""
    label: str = ""
    """The file's own name of the value."""


@dataclass(frozen=True, slots=True)
class DeviceReading:
    """What the device itself said: kept beside our reading, never mixed into it."""

    statements: tuple[str, ...] = ()
    """The device's interpretation, one statement each, in the file's own language."""
    measurements: tuple[DeviceMeasurement, ...] = ()
    """The device's numbers."""


@dataclass(frozen=True, slots=True)
class StripMap:
    """Where one strip of a lead stands on a flattened page."""

    lead: str
    """Name in the record."""
    start_s: float
    """First second of the record that the strip shows."""
    stop_s: float
    x: float
    """Where second 0 of the record lies, or would lie [sheet px]."""
    y: float
    """Where 0 mV lies [sheet px]."""
    px_per_s: float
    px_per_mv: float
    """Upwards; negative where the lead is printed upside down (-aVR)."""


def on_lattice(lattice: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values `[..., channel]` of a smooth map given on a lattice `[row, column, channel]`.

    `at` is `[..., (column, row)]` in steps of the lattice. Cubic between lattice points; beyond the edge the map goes
    on as it ends, since a spline that is held there swings inside too.
    """
    from scipy.ndimage import map_coordinates

    pad = [min(_LATTICE_PAD, size - 1) for size in lattice.shape[:2]]
    wide = np.pad(lattice, [(pad[0], pad[0]), (pad[1], pad[1]), (0, 0)], mode="reflect", reflect_type="odd")
    where = np.stack([at[..., 1] + pad[0], at[..., 0] + pad[1]])
    return np.stack([map_coordinates(wide[..., i], where, order=3, mode="nearest") for i in range(wide.shape[2])],
                    axis=-1)



@dataclass(frozen=True, slots=True)
class PixelMap:
    """From seconds and millivolt of a record to pixels of the picture it was read from.

    A strip gives the place on a flattened sheet, `lattice` the place of the sheet in the picture, smooth in between.
    """

    strips: tuple[StripMap, ...]
    lattice: NDArray[np.float64]
    """Where each lattice point lies in the picture, `[row, column, (x, y)]` px."""
    step: float
    """Distance of lattice points on the sheet [px]; the first is at (0, 0)."""

    def points(self, lead: str, seconds: NDArray[np.float64], mv: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pixels `[..., (x, y)]` of values of a lead; NaN where no strip shows that time."""
        seconds, mv = np.broadcast_arrays(np.asarray(seconds, np.float64), np.asarray(mv, np.float64))
        found = np.full((*seconds.shape, 2), np.nan)
        for strip in self.strips:
            inside = (seconds >= strip.start_s) & (seconds <= strip.stop_s) & np.isnan(found[..., 0])
            inside &= strip.lead == lead
            x = strip.x + seconds[inside] * strip.px_per_s
            y = strip.y - mv[inside] * strip.px_per_mv
            found[inside] = on_lattice(self.lattice, np.stack([x, y], axis=-1) / self.step)
        return found

    def box(self, lead: str, span_s: tuple[float, float], span_mv: tuple[float, float]) -> NDArray[np.float64] | None:
        """Corners `[4, (x, y)]` px around part of a lead: top left, top right, bottom right, bottom left of the paper.

        None where no strip shows the whole span.
        """
        (start, stop), (low, high) = span_s, span_mv
        upside_down = any(strip.lead == lead and strip.px_per_mv < 0 for strip in self.strips)
        top, bottom = (low, high) if upside_down else (high, low)
        quad = self.points(lead, np.array([start, stop, stop, start]), np.array([top, top, bottom, bottom]))
        return quad if np.isfinite(quad).all() else None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the samples come from. Holds no patient data."""

    format: str = "array"
    """Name in the FORMATS table (`wfdb`, `dicom`, ...)."""
    lead_origin: Mapping[str, str] = field(default_factory=dict)
    """Per lead: `recorded`, or the formula it was derived by (`II - I`)."""
    gain: Mapping[str, str] = field(default_factory=dict)
    """Per lead: how raw units became millivolt, in words (`200 adu/mV, baseline 0`)."""
    filters: tuple[str, ...] = ()
    """Filters that the file says were applied before storage."""
    notes: tuple[str, ...] = ()
    """Everything the reader did or noticed that a reader of the result must know."""
    calibrated: bool = True
    """False when the amplitude scale is unknown: amplitudes are then withheld."""
    confidence: Mapping[str, float] = field(default_factory=dict)
    """Per lead, 0..1, how surely it was read from a picture; empty for recordings."""
    pixels: PixelMap | None = None
    """Where the samples stand in the picture they were read from."""


@dataclass(frozen=True, slots=True)
class Record:
    """One ECG: samples in mV, sampling rate, lead names, patient and provenance."""

    signal: NDArray[np.float32]
    """float32 mV `[lead, sample]`; NaN = not seen."""
    fs: float
    """Sampling rate [Hz] of the file itself."""
    leads: tuple[str, ...]
    """Standard lead names (`I` ... `V6`, others as the file names them), in the order of `signal`."""
    patient: Patient = Patient()
    start: datetime | None = None
    """Start of the recording, local time of the device."""
    provenance: Provenance = Provenance()
    device: DeviceReading = DeviceReading()
    comments: tuple[str, ...] = ()
    """Free text of the file that is not a statement (WFDB comments); may hold patient data: never logged."""

    def __post_init__(self) -> None:
        if self.signal.ndim != 2 or self.signal.shape[0] != len(self.leads):
            raise CorruptInputError(
                f"signal has shape {self.signal.shape} for {len(self.leads)} leads", where="Record.signal",
                hint="give an array [lead, sample] with one row for each lead name",
            )
        if len(set(self.leads)) != len(self.leads):
            raise CorruptInputError(f"lead names are not unique: {' '.join(self.leads)}", where="Record.leads")
        if not (self.fs > 0 and np.isfinite(self.fs)):
            raise CorruptInputError(f"sampling rate {self.fs} Hz", where="Record.fs", hint="it must be positive")
        if self.signal.dtype != np.float32:
            raise TypeError(f"Record.signal must be float32, not {self.signal.dtype}")

    @property
    def n_samples(self) -> int:
        """Samples a lead."""
        return int(self.signal.shape[1])

    @property
    def seconds(self) -> float:
        """Duration [s]."""
        return self.n_samples / self.fs

    def lead(self, name: str) -> NDArray[np.float32]:
        """Samples of one lead, float32 mV `[sample]`; KeyError when the record lacks it."""
        try:
            row: NDArray[np.float32] = self.signal[self.leads.index(name)]
        except ValueError:
            raise KeyError(name) from None
        return row

    def replace(self, **changes: object) -> Record:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]
