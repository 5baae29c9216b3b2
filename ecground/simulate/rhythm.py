"""The rhythm engine: who fires when. `Rhythm` (numbers) -> `Schedule` (events in seconds).

Atrial events are P onsets, ventricular events QRS onsets. Events begin before 0 and end after the record, so that its
edges cut waves as real records do. Kinds: atrial `sinus S retro paced flutter`; ventricular `N S V paced`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rhythm", "Schedule", "schedule"]

_LEAD_IN = 3.0  # seconds simulated before the record starts
_LEAD_OUT = 1.5
SINUS, ECTOPIC, RETRO, PACED = 0, 1, 2, 3  # rows of Parameters.atrial
CONDUCTED, FOCUS, SECOND, CAPTURED = 0, 1, 2, 3  # rows of Parameters.ventricular

Driver = Literal["sinus", "af", "flutter", "junction", "ventricle"]
Conduction = Literal["1:1", "mobitz1", "mobitz2", "2:1", "3:1", "none"]
Ectopy = Literal["none", "pac", "blocked_pac", "pvc", "bigeminy", "trigeminy", "couplets"]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Numbers of the rhythm."""

    name: str
    """Name in `RHYTHMS`."""
    driver: Driver
    """What leads the ventricles (the atria in AV block)."""
    rate_bpm: float
    """Rate of the driver; for AF and flutter the mean ventricular rate [1/min]."""
    pr_ms: float = 160.0
    """P onset to QRS onset of conducted beats [ms]; the first of each Wenckebach cycle."""
    rr_sd: float = 0.02
    """Relative beat-to-beat scatter of the interval."""
    breathing: float = 0.03
    """Relative change of the sinus interval with respiration."""
    conduction: Conduction = "1:1"
    cycle: int = 4
    """P waves in each cycle of Mobitz block, the last one blocked."""
    pr_step_ms: float = 0.0
    """First lengthening of PR in a Wenckebach cycle [ms]; each further one is 0.6 of the one before."""
    escape_bpm: float = 40.0
    """Rate of the escape rhythm in complete block [1/min]."""
    escape_wide: bool = False
    """Ventricular rather than junctional escape."""
    atrial_bpm: float = 0.0
    """Rate of flutter or fibrillation waves; of dissociated P waves for a ventricular driver (0 = silent) [1/min]."""
    ratios: tuple[int, ...] = (2,)
    """Flutter waves to each QRS, repeated in this order."""
    atrial_mv: float = 0.0
    """Amplitude of flutter or fibrillation waves [mV of dipole]."""
    retro_ms: float = float("nan")
    """QRS onset to the onset of the retrograde P of a junctional or ventricular driver [ms]; NaN = none."""
    pacing: Literal["", "A", "V", "AV"] = ""
    """Chambers that are paced."""
    spike_mv: float = 0.0
    """Amplitude of the pacing spikes [mV of dipole]."""
    spike_lead_ms: float = 6.0
    """Ventricular spike to QRS onset [ms]."""
    ectopy: Ectopy = "none"
    ectopy_share: float = 0.0
    """Chance of ectopy after each beat, for irregular ectopy."""
    coupling: float = 0.65
    """Coupling interval of ectopic beats as a share of the driver's interval."""


@dataclass(slots=True)
class Schedule:
    """Events in time order of creation; lists of equal length a chamber."""

    p_time: list[float] = field(default_factory=list)
    """P onsets [s]."""
    p_template: list[int] = field(default_factory=list)
    p_kind: list[str] = field(default_factory=list)
    p_beat: list[int] = field(default_factory=list)
    """Ventricular event that this P conducts to, -1 = blocked, dissociated or retrograde."""
    v_time: list[float] = field(default_factory=list)
    """QRS onsets [s]."""
    v_template: list[int] = field(default_factory=list)
    v_kind: list[str] = field(default_factory=list)
    spike_time: list[float] = field(default_factory=list)
    """Pacing spikes [s]."""
    flutter_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """Onsets of the flutter waves [s]."""

    def atrial(self, when: float, *, template: int = SINUS, kind: str = "sinus") -> int:
        """Adds a P wave; returns its number."""
        self.p_time.append(when)
        self.p_template.append(template)
        self.p_kind.append(kind)
        self.p_beat.append(-1)
        return len(self.p_time) - 1

    def ventricular(self, when: float, *, template: int = CONDUCTED, kind: str = "N", p: int = -1) -> None:
        """Adds a QRS, conducted from P number `p` where there is one."""
        if p >= 0:
            self.p_beat[p] = len(self.v_time)
        self.v_time.append(when)
        self.v_template.append(template)
        self.v_kind.append(kind)


def schedule(rhythm: Rhythm, *, seconds: float, breathing_hz: float, rng: np.random.Generator) -> Schedule:
    """All events of a record of `seconds`, from a little before its start to a little after its end."""
    out = Schedule()
    interval = _intervals(rhythm, seconds, breathing_hz, rng)
    _DRIVERS[rhythm.driver](rhythm, interval, seconds + _LEAD_OUT, rng, out)
    return out


def _intervals(
    rhythm: Rhythm, seconds: float, breathing_hz: float, rng: np.random.Generator,
) -> Callable[[float], float]:
    """Time -> the driver's next interval [s], with breathing and scatter."""
    n = int((seconds + _LEAD_IN + _LEAD_OUT) * 6) + 16
    scatter = iter(rng.normal(0, 1, n).tolist())
    phase = float(rng.uniform(0, 2 * np.pi))
    mean: float = 60.0 / rhythm.rate_bpm
    turn = 2 * math.pi * breathing_hz

    def interval(now: float) -> float:
        wave = rhythm.breathing * math.sin(turn * now + phase)
        factor: float = 1 + wave + rhythm.rr_sd * max(-2.5, min(2.5, next(scatter)))
        return mean * max(0.3, factor)

    return interval


def _sinus(rhythm: Rhythm, interval: Callable[[float], float], stop: float, rng: np.random.Generator,
           out: Schedule) -> None:
    """Sinus (or atrially paced) driver through an AV node, with atrial and ventricular ectopy."""
    mean = 60.0 / rhythm.rate_bpm
    origin: Final = (PACED, "paced") if "A" in rhythm.pacing else (SINUS, "sinus")
    now = -_LEAD_IN + float(rng.uniform(0, mean))
    count = int(rng.integers(0, 12))
    chance = rng.uniform(0, 1, int((stop + _LEAD_IN) * 6) + 16).tolist()
    free = -np.inf  # earliest QRS onset that the ventricles are ready for
    step = 0
    since = 0  # conducted beats since the last ectopic one
    while now < stop:
        p = out.atrial(now, template=origin[0], kind=origin[1])
        if "A" in rhythm.pacing:
            out.spike_time.append(now - 0.004)
        pr = _node(rhythm, count)
        count += 1
        qrs = now + pr
        following = now + interval(now)
        if pr == pr and qrs > free:
            _conduct(rhythm, qrs, p, out)
            free = qrs + 0.28
            since += 1
            if _fires(rhythm, since, chance[step]):
                since = 0
                following, free = _ectopic(rhythm, now, qrs, mean, following, out, free)
        step += 1
        now = following
    if rhythm.conduction == "none":
        _escape(rhythm, stop, rng, out)


def _node(rhythm: Rhythm, count: int) -> float:
    """PR interval of the P number `count` [s]; NaN = blocked."""
    pr = rhythm.pr_ms / 1e3
    place = count % rhythm.cycle
    match rhythm.conduction:
        case "1:1":
            return pr
        case "mobitz1":
            grown = rhythm.pr_step_ms / 1e3 * (1 - 0.6**place) / 0.4
            return pr + grown if place < rhythm.cycle - 1 else float("nan")
        case "mobitz2":
            return pr if place < rhythm.cycle - 1 else float("nan")
        case "2:1":
            return pr if count % 2 == 0 else float("nan")
        case "3:1":
            return pr if count % 3 == 0 else float("nan")
        case "none":
            return float("nan")


def _conduct(rhythm: Rhythm, qrs: float, p: int, out: Schedule) -> None:
    if "V" in rhythm.pacing:
        out.spike_time.append(qrs - rhythm.spike_lead_ms / 1e3)
        out.ventricular(qrs, template=CAPTURED, kind="paced", p=p)
    else:
        out.ventricular(qrs, p=p)


def _fires(rhythm: Rhythm, since: int, chance: float) -> bool:
    match rhythm.ectopy:
        case "none":
            return False
        case "bigeminy":
            return True
        case "trigeminy":
            return since >= 2
        case _:
            return bool(chance < rhythm.ectopy_share)


def _ectopic(rhythm: Rhythm, now: float, qrs: float, mean: float, following: float, out: Schedule,
             free: float) -> tuple[float, float]:
    """Adds ectopy after the beat at `qrs`; returns the next sinus P and the end of refractoriness.

    An atrial extrasystole resets the sinus node (pause not compensatory); a ventricular one leaves it running, and
    the sinus P that falls into its refractory period is blocked (compensatory pause).
    """
    early = rhythm.coupling * mean
    if rhythm.ectopy in ("pac", "blocked_pac"):
        p = out.atrial(now + early, template=ECTOPIC, kind="S")
        if rhythm.ectopy == "pac":
            onset = max(now + early + 1.05 * rhythm.pr_ms / 1e3, free)
            out.ventricular(onset, kind="S", p=p)
            free = onset + 0.28
        return now + early + 1.08 * mean, free
    onset = qrs + max(early, 0.3)
    out.ventricular(onset, template=FOCUS, kind="V")
    if rhythm.ectopy == "couplets":
        onset += max(0.85 * early, 0.3)
        out.ventricular(onset, template=SECOND, kind="V")
    return following, onset + max(0.38, 0.45 * mean)


def _escape(rhythm: Rhythm, stop: float, rng: np.random.Generator, out: Schedule) -> None:
    mean = 60.0 / rhythm.escape_bpm
    now = -_LEAD_IN + float(rng.uniform(0, mean))
    paced = "V" in rhythm.pacing
    template, kind = (CAPTURED, "paced") if paced else (SECOND, "V") if rhythm.escape_wide else (CONDUCTED, "N")
    while now < stop:
        if paced:
            out.spike_time.append(now - rhythm.spike_lead_ms / 1e3)
        out.ventricular(now, template=template, kind=kind)
        now += mean * (1 + 0.01 * float(rng.normal()) * (not paced))


def _fibrillation(rhythm: Rhythm, interval: Callable[[float], float], stop: float, rng: np.random.Generator,
                  out: Schedule) -> None:
    """Irregular conduction: gamma-distributed intervals above the node's refractory period."""
    mean = 60.0 / rhythm.rate_bpm
    shortest = 0.45 * mean
    shape = max(0.8, ((mean - shortest) / (max(rhythm.rr_sd, 0.02) * mean)) ** 2)
    n = int((stop + _LEAD_IN) / shortest) + 4
    gaps = shortest + rng.gamma(shape, (mean - shortest) / shape, n)
    ectopic = rng.uniform(0, 1, n) < (rhythm.ectopy_share if rhythm.ectopy != "none" else 0.0)
    now = -_LEAD_IN
    for gap, early in zip(np.minimum(gaps, 2.6 * mean).tolist(), ectopic.tolist(), strict=True):
        if now > stop:
            break
        now += max(0.32, rhythm.coupling * mean) if early else gap
        if "V" in rhythm.pacing:
            out.spike_time.append(now - rhythm.spike_lead_ms / 1e3)
            out.ventricular(now, template=CAPTURED, kind="paced")
        else:
            out.ventricular(now, template=FOCUS if early else CONDUCTED, kind="V" if early else "N")


def _flutter(rhythm: Rhythm, interval: Callable[[float], float], stop: float, rng: np.random.Generator,
             out: Schedule) -> None:
    cycle = 60.0 / rhythm.atrial_bpm
    n = int((stop + _LEAD_IN) / cycle) + 2
    waves = -_LEAD_IN + float(rng.uniform(0, cycle)) + np.arange(n, dtype=np.float64) * cycle
    out.flutter_s = waves
    place = turn = 0
    while place < n:
        delay = rhythm.pr_ms / 1e3 + 0.004 * float(rng.normal())
        out.ventricular(float(waves[place]) + delay)
        place += rhythm.ratios[turn % len(rhythm.ratios)]
        turn += 1 if len(rhythm.ratios) < 3 else int(rng.integers(1, 3))


def _junction(rhythm: Rhythm, interval: Callable[[float], float], stop: float, rng: np.random.Generator,
              out: Schedule) -> None:
    _drive(rhythm, interval, stop, rng, out, template=CONDUCTED, kind="N")


def _ventricle(rhythm: Rhythm, interval: Callable[[float], float], stop: float, rng: np.random.Generator,
               out: Schedule) -> None:
    template, kind = (CAPTURED, "paced") if "V" in rhythm.pacing else (FOCUS, "V")
    _drive(rhythm, interval, stop, rng, out, template=template, kind=kind)


def _drive(rhythm: Rhythm, interval: Callable[[float], float], stop: float, rng: np.random.Generator, out: Schedule, *,
           template: int, kind: str) -> None:
    """Junctional or ventricular driver with retrograde, dissociated or no P waves."""
    now = -_LEAD_IN + float(rng.uniform(0, 60.0 / rhythm.rate_bpm))
    offset = float(rng.uniform(0, 1))
    while now < stop:
        p = -1
        if rhythm.retro_ms == rhythm.retro_ms:
            p = out.atrial(now + rhythm.retro_ms / 1e3, template=RETRO, kind="retro")
        if "V" in rhythm.pacing:
            out.spike_time.append(now - rhythm.spike_lead_ms / 1e3)
        out.ventricular(now, template=template, kind=kind, p=p if rhythm.retro_ms < 0 else -1)
        now += interval(now)
    if rhythm.atrial_bpm > 0:
        pp = 60.0 / rhythm.atrial_bpm
        for i in range(int((stop + _LEAD_IN) / pp) + 1):
            out.atrial(-_LEAD_IN + (i + offset) * pp)


_DRIVERS: Final[dict[str, Callable[..., None]]] = {
    "sinus": _sinus, "af": _fibrillation, "flutter": _flutter, "junction": _junction, "ventricle": _ventricle,
}
