"""From a file's channels to a `Record`: which channels are ECG leads, their names, order, units and derived leads.

Every reader ends here, so the promises of `Record` hold for every format alike: millivolt, standard names in standard
order, NaN for what was not recorded, and a note for everything that was changed, left out or looks wrong.
Einthoven: I + III = II; Goldberger: aVR + aVL + aVF = 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecground import leads, safe
from ecground.errors import CorruptInputError, NoSignalError, UnsafeInputError
from ecground.record import DeviceReading, Patient, Provenance, Record, Sex

__all__ = ["MV_PER_UNIT", "Channel", "assemble", "is_sentinel", "lead_name", "measured", "patient_age", "patient_sex"]

MV_PER_UNIT: Final[Mapping[str, float]] = {
    "v": 1e3, "mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "nv": 1e-6, "millivolt": 1.0, "millivolts": 1.0,
    "microvolt": 1e-3, "microvolts": 1e-3, "volt": 1e3, "volts": 1e3, "nanovolt": 1e-6,
}
"""Lower-case voltage unit -> millivolt."""

_SENTINELS: Final = (32767.0, -32767.0, -32768.0, 29999.0, 65535.0)
"""Raw numbers that devices store in a whole lead that was not recorded."""

_OTHER_SIGNAL: Final = re.compile(
    r"(?i)resp|pleth|ppg|spo2|\babp\b|\bart\b|\bcvp\b|\bpap?\b|press|\bbp\b|eeg|emg|eog|eda|gsr|\bimp|accel|gyro"
    r"|temp|\bco2|flow|marker|status|event|annot|trigger|\btime\b|sample|index",
)
_EINTHOVEN_LIMIT_MV: Final = 0.05


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel as a reader found it."""

    label: str
    """The file's own name."""
    values: NDArray[np.float32]
    """Samples in `unit`, `[sample]`; NaN = missing."""
    unit: str | None
    """Unit of `values`, None when the file does not say."""
    gain: str = ""
    """How raw numbers became `values`, in words."""


def assemble(
    channels: Sequence[Channel], *, fs: float, format: str, where: str, patient: Patient | None = None,
    start: datetime | None = None, device: DeviceReading | None = None, filters: Sequence[str] = (),
    notes: Sequence[str] = (), comments: Sequence[str] = (),
) -> Record:
    """One Record from all channels of a file.

    Args:
        channels: as stored, any order, any lengths.
        fs: sampling rate [Hz].
        format: name in the FORMATS table.
        where: name of the file for messages.
        patient: age and sex of the file.
        start: start of the recording.
        device: the device's own reading.
        filters: filters named by the file.
        notes: what the reader noticed so far.
        comments: free text of the file.

    Raises:
        NoSignalError: no channel is an ECG lead, or none holds a number.
        CorruptInputError: the sampling rate is impossible.
    """
    if not (np.isfinite(fs) and 1 <= fs <= 100_000):
        raise CorruptInputError(f"sampling rate {fs:g} Hz", where=where, hint="1 to 100000 Hz can be read")
    said = list(notes)
    named = _named(channels, said)
    length = max((channel.values.size for channel in named.values()), default=0)
    if length * (len(named) + 4) > safe.MAX_SAMPLES:
        raise UnsafeInputError(f"{length} samples in {len(named)} leads", where=where, hint="cut the file into parts")
    calibrated = all(channel.unit is not None for channel in named.values())
    if not calibrated:
        said.append("the file gives no amplitude unit: amplitudes are not in mV and are withheld")
    rows = {name: _row(name, channel, length, said) for name, channel in named.items()}
    if not any(np.isfinite(row).any() for row in rows.values()):
        raise NoSignalError("the file holds no ECG samples", where=where, hint="give a file with recorded leads")
    origin = dict.fromkeys(rows, "recorded")
    if calibrated and _normalised(rows):
        calibrated = False
        said.append("every lead spans the same voltage: each was normalised by itself, so amplitudes, axes and sums of "
                    "leads are lost and are withheld")
    elif calibrated:
        _check_sums(rows, said)
        for name, (row, formula) in leads.derive(rows).items():
            if np.isfinite(row).any():
                rows[name], origin[name] = row, formula
    if derived := [name for name in leads.STANDARD if origin.get(name, "recorded") != "recorded"]:
        said.append("derived leads: " + ", ".join(f"{name} = {origin[name]}" for name in derived))
    order = [name for name in leads.STANDARD if name in rows] + [name for name in rows if name not in leads.STANDARD]
    provenance = Provenance(
        format=format, lead_origin={name: origin[name] for name in order},
        gain={name: named[name].gain for name in order if name in named and named[name].gain},
        filters=tuple(filters), notes=tuple(dict.fromkeys(said)), calibrated=calibrated,
    )
    return Record(
        signal=np.stack([rows[name] for name in order]), fs=float(fs), leads=tuple(order),
        patient=patient or Patient(), start=start, provenance=provenance, device=device or DeviceReading(),
        comments=tuple(comments),
    )


def lead_name(channel: Channel, index: int) -> str | None:
    """The name under which a channel becomes a lead; None when it is no ECG lead (another signal, not a voltage)."""
    label = _tidy(channel.label)
    if channel.unit is not None and channel.unit.lower() not in MV_PER_UNIT:
        return None
    name = leads.standard_name(label)
    if name is None and not _OTHER_SIGNAL.search(label):
        name = label or f"ch{index + 1}"
    return name


def _tidy(label: str) -> str:
    return re.sub(r"[\s\x00-\x1f]+", " ", label).strip()[:32]


def _named(channels: Sequence[Channel], said: list[str]) -> dict[str, Channel]:
    """Lead name -> channel, for those channels that are ECG leads."""
    named: dict[str, Channel] = {}
    left_out: list[str] = []
    for index, channel in enumerate(channels):
        name = lead_name(channel, index)
        if name is None:
            unit = f" ({_tidy(channel.unit)})" if channel.unit else ""
            left_out.append((_tidy(channel.label) or f"channel {index + 1}") + unit)
            continue
        unique, copy = name, 2
        while unique in named:
            unique, copy = f"{name}_{copy}", copy + 1
        if unique != name:
            said.append(f"lead {name} occurs more than once: the later one is called {unique}")
        named[unique] = channel
    if left_out:
        said.append("channels that are no ECG leads were left out: " + ", ".join(left_out))
    return named


def _row(name: str, channel: Channel, length: int, said: list[str]) -> NDArray[np.float32]:
    """float32 mV `[length]`, NaN after the end of a shorter channel and in a lead that holds only a sentinel."""
    row = np.full(length, np.nan, np.float32)
    values = np.asarray(channel.values, dtype=np.float32)
    row[:values.size] = values * np.float32(MV_PER_UNIT[channel.unit.lower()] if channel.unit else 1.0)
    row[~np.isfinite(row)] = np.nan
    if values.size and np.isnan(row).all():
        said.append(f"lead {name} holds no value: not recorded")
    if values.size < length:
        said.append(f"lead {name} is shorter than the others: its end is missing (NaN)")
    return row


def measured(raw: NDArray[Any]) -> NDArray[np.float32]:
    """Numbers `[sample]` as float32, all NaN when they are one constant sentinel."""
    return np.full(raw.size, np.nan, np.float32) if is_sentinel(raw) else raw.astype(np.float32)


def is_sentinel(raw: NDArray[Any]) -> bool:
    """Whether raw numbers `[sample]` are one constant sentinel, so that the lead was not recorded."""
    return bool(raw.size and raw[0] in _SENTINELS and np.all(raw == raw[0]))


def _normalised(rows: Mapping[str, NDArray[np.float32]]) -> bool:
    """Whether six or more leads have one peak-to-peak value to 0.5 %, as LUDB's published headers give them."""
    spans = [float(np.nanmax(row) - np.nanmin(row)) for row in rows.values() if np.isfinite(row).any()]
    return len(spans) >= 6 and min(spans) > 0 and max(spans) < 1.005 * min(spans)


def _check_sums(rows: Mapping[str, NDArray[np.float32]], said: list[str]) -> None:
    """Note recorded limb leads that do not add up: swapped names, wrong units, or leads of different times."""
    if all(name in rows for name in ("I", "II", "III")):
        _note_residual("I + III - II", rows["I"] + rows["III"] - rows["II"], said)
    if all(name in rows for name in ("aVR", "aVL", "aVF")):
        _note_residual("aVR + aVL + aVF", rows["aVR"] + rows["aVL"] + rows["aVF"], said)


def _note_residual(law: str, residual: NDArray[np.float32], said: list[str]) -> None:
    seen = np.abs(residual[np.isfinite(residual)])
    if seen.size and (size := float(np.percentile(seen, 95))) > _EINTHOVEN_LIMIT_MV:
        said.append(f"{law} is not zero (95 % of samples within {size:.2f} mV): "
                    "lead names, units or times may be wrong")


def patient_age(text: str) -> float | None:
    """Years from `59`, `042Y`, `006M`, `>89`, `81 years`; None when unknown. PTB-XL's 300 means 90 or more."""
    match = re.match(r"\s*>?\s*(\d{1,3}(?:\.\d+)?)\s*([YMWDymwd]?)", text)
    if not match:
        return None
    years = float(match.group(1)) / {"m": 12.0, "w": 52.18, "d": 365.25}.get(match.group(2).lower(), 1.0)
    if years == 300 or text.strip().startswith(">89"):
        return 90.0
    return years if years <= 130 else None


def patient_sex(text: str) -> Sex | None:
    """`M` or `F` from `Male`, `f`, `Female`; None when unknown."""
    word = text.strip().lower()
    return "M" if word in ("m", "male", "man") else "F" if word in ("f", "female", "woman") else None
