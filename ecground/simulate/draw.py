"""`draw`: a random simulated patient of a given rhythm and pathology.

Nuisances (age, sex, rate, axis, amplitude, torso) are drawn independently of the pathology, so that none of them
gives it away. Normal ranges by age and sex: `population`; rate correction of QT by Fridericia.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from ecground.errors import UsageError
from ecground.record import Sex
from ecground.simulate.beat import Beat, PWave
from ecground.simulate.morphology import conducted, focal, p_wave, paced, spun
from ecground.simulate.noise import Noise
from ecground.simulate.parameters import Parameters, Variation
from ecground.simulate.pathology import EXCLUSIVE, PATHOLOGIES, Heart
from ecground.simulate.population import Normal, normal_of
from ecground.simulate.rhythm import Rhythm
from ecground.simulate.torso import REVERSALS, draw_torso, fields_of

__all__ = ["RHYTHMS", "draw"]

Rng = np.random.Generator
_RATE_OF_ADULTS, _PR_OF_ADULTS, _P_OF_ADULTS = 70.0, 158.0, 108.0  # medians that the draws below are made for


def _sinus(rng: Rng, low: float = 60, high: float = 100) -> dict[str, Any]:
    return {"driver": "sinus", "rate_bpm": float(rng.uniform(low, high)),
            "pr_ms": float(np.clip(rng.normal(158, 18), 122, 199)), "rr_sd": float(rng.uniform(0.005, 0.03)),
            "breathing": float(min(rng.lognormal(-3.6, 0.8), 0.09))}


def _ectopic(rng: Rng, ectopy: str, coupling: tuple[float, float], share: float = 0.0) -> dict[str, Any]:
    return _sinus(rng, 55, 100) | {"ectopy": ectopy, "coupling": float(rng.uniform(*coupling)),
                                   "ectopy_share": share or float(rng.uniform(0.12, 0.35))}


def _block(rng: Rng, conduction: str, low: float, high: float, **more: object) -> dict[str, Any]:
    return _sinus(rng, low, high) | {"conduction": conduction, "cycle": int(rng.integers(3, 7))} | more


def _af(rng: Rng) -> dict[str, Any]:
    return {"driver": "af", "rate_bpm": float(np.clip(rng.normal(92, 24), 45, 170)),
            "rr_sd": float(rng.uniform(0.14, 0.28)), "atrial_bpm": float(rng.uniform(260, 520)),
            "atrial_mv": float(rng.lognormal(-3.5, 0.6)),
            "ectopy": "pvc" if rng.random() < 0.15 else "none", "ectopy_share": 0.1}


def _flutter(rng: Rng) -> dict[str, Any]:
    ratios = ((2,), (3,), (4,), (4, 2, 4), (2, 4, 3))[int(rng.choice(5, p=[0.35, 0.12, 0.28, 0.15, 0.10]))]
    rate = float(rng.uniform(240, 330))
    return {"driver": "flutter", "rate_bpm": rate / float(np.mean(ratios)), "atrial_bpm": rate, "ratios": ratios,
            "atrial_mv": float(rng.uniform(0.06, 0.2)), "pr_ms": float(rng.uniform(120, 260)), "rr_sd": 0.01}


def _svt(rng: Rng) -> dict[str, Any]:
    retro = (float("nan"), float(rng.uniform(45, 75)), float(rng.uniform(110, 160)))[int(rng.integers(0, 3))]
    return {"driver": "junction", "rate_bpm": float(rng.uniform(145, 220)), "rr_sd": 0.008, "breathing": 0.0,
            "retro_ms": retro}


def _junctional(rng: Rng) -> dict[str, Any]:
    kinds = (float("nan"), float(rng.uniform(-115, -95)), float(rng.uniform(100, 180)))
    retro = kinds[int(rng.choice(3, p=[0.4, 0.35, 0.25]))]
    return {"driver": "junction", "rate_bpm": float(rng.uniform(38, 75)), "rr_sd": 0.012, "breathing": 0.005,
            "retro_ms": retro}


def _vt(rng: Rng) -> dict[str, Any]:
    return {"driver": "ventricle", "rate_bpm": float(rng.uniform(115, 210)), "rr_sd": 0.012, "breathing": 0.0,
            "atrial_bpm": float(rng.uniform(60, 110)) if rng.random() < 0.6 else 0.0}


def _pacing(rng: Rng, chambers: str, *, driver: str = "sinus") -> dict[str, Any]:
    own = _sinus(rng, 60, 95) | {"pacing": chambers, "spike_mv": float(rng.lognormal(-1.2, 0.9)), "driver": driver,
                                 "spike_lead_ms": float(rng.uniform(2, 14))}
    if "A" in chambers or driver == "ventricle":
        own |= {"rr_sd": 0.001, "breathing": 0.0}
    return own | ({"pr_ms": float(rng.uniform(140, 240))} if "A" in chambers else {})


def _pacing_v(rng: Rng) -> dict[str, Any]:
    """VVI with silent, dissociated or fibrillating atria, or tracked sinus P waves."""
    match int(rng.integers(0, 4)):
        case 0:
            return _pacing(rng, "V", driver="ventricle") | {"retro_ms": float(rng.uniform(150, 220))}
        case 1:
            return _pacing(rng, "V", driver="ventricle") | {"atrial_bpm": float(rng.uniform(60, 100))}
        case 2:
            return _pacing(rng, "V", driver="af") | {"rr_sd": 0.02, "atrial_bpm": float(rng.uniform(280, 480)),
                                                     "atrial_mv": float(rng.lognormal(-3.7, 0.5))}
        case _:
            return _pacing(rng, "V")


RHYTHMS: Final[dict[str, Callable[[Rng], dict[str, Any]]]] = {
    "sinus": lambda rng: _sinus(rng) | {"rate_bpm": 60 + 40 * float(rng.beta(1.3, 2.6))},
    "sinus_bradycardia": lambda rng: _sinus(rng, 38, 58),
    "sinus_tachycardia": lambda rng: _sinus(rng, 103, 160),
    "sinus_arrhythmia": lambda rng: _sinus(rng, 55, 90) | {"breathing": float(rng.uniform(0.12, 0.22))},
    "af": _af,
    "flutter": _flutter,
    "svt": _svt,
    "junctional": _junctional,
    "vt": _vt,
    "av_block_1": lambda rng: _sinus(rng, 50, 95) | {"pr_ms": float(rng.uniform(208, 340))},
    "mobitz_1": lambda rng: _block(rng, "mobitz1", 60, 100, pr_ms=float(rng.uniform(160, 240)),
                                   pr_step_ms=float(rng.uniform(40, 90))),
    "mobitz_2": lambda rng: _block(rng, "mobitz2", 60, 100, pr_ms=float(rng.uniform(140, 230))),
    "av_block_2_1": lambda rng: _block(rng, "2:1" if rng.random() < 0.8 else "3:1", 65, 110),
    "av_block_3": lambda rng: _block(rng, "none", 60, 110, escape_bpm=float(rng.uniform(28, 55)),
                                     escape_wide=bool(rng.random() < 0.4)),
    "pacing_a": lambda rng: _pacing(rng, "A"),
    "pacing_v": _pacing_v,
    "pacing_av": lambda rng: _pacing(rng, "AV"),
    "pac": lambda rng: _ectopic(rng, "pac", (0.5, 0.8)),
    "blocked_pac": lambda rng: _ectopic(rng, "blocked_pac", (0.38, 0.5)),
    "pvc": lambda rng: _ectopic(rng, "pvc", (0.48, 0.75)),
    "bigeminy": lambda rng: _ectopic(rng, "bigeminy", (0.5, 0.7)),
    "trigeminy": lambda rng: _ectopic(rng, "trigeminy", (0.5, 0.7)),
    "couplets": lambda rng: _ectopic(rng, "couplets", (0.48, 0.62), 0.18),
}
"""Rhythm name -> draw of its numbers."""


def draw(rng: Rng, *, rhythm: str | None = None, pathology: str | Sequence[str] | None = None,
         age: float | None = None, sex: Sex | None = None, noise: Noise | None = None,
         reversal: str = "") -> Parameters:
    """A random patient.

    Args:
        rng: source of everything not given.
        rhythm: name in `RHYTHMS`; None = normal sinus rhythm.
        pathology: name or names in `PATHOLOGIES`, applied in the order of that table; None = none.
        age: years, from birth on; None = drawn between 18 and 95.
        sex: None = drawn.
        noise: noise and device, from `draw_noise`; None = clean.
        reversal: name in `REVERSALS` of the cables that are exchanged; "" = none.

    Raises:
        UsageError: unknown rhythm, pathology or reversal, an impossible age, or pathologies that exclude one another.
    """
    rhythm = rhythm or "sinus"
    names = (pathology,) if isinstance(pathology, str) else tuple(pathology or ())
    _check("rhythm", (rhythm,), RHYTHMS)
    _check("pathology", names, PATHOLOGIES)
    _check("reversal", (reversal,) if reversal else (), REVERSALS)
    if age is not None and not 0 <= age <= 120:
        raise UsageError(f"no age of {age} years", where="simulate.draw", hint="0 to 120")
    for group in EXCLUSIVE:
        if len(group & set(names)) > 1:
            raise UsageError(f"no heart has both {' and '.join(sorted(group & set(names)))}", where="simulate.draw")
    names = tuple(name for name in PATHOLOGIES if name in names)
    sex = sex or ("M" if rng.random() < 0.52 else "F")
    age = round(float(np.clip(rng.normal(60, 17), 18, 95)), 1) if age is None else age
    usual = normal_of(age, sex)
    numbers = _of_age(RHYTHMS[rhythm](rng), usual, age)
    qt_ms = _qt(rng, numbers, usual)
    qrs_ms = float(np.clip(rng.normal(usual.qrs_ms, 8), usual.qrs_ms * 0.78, min(112, usual.qrs_ms * 1.2)))
    beat = conducted(rng, qrs_ms=qrs_ms, qt_ms=qt_ms, size=float(rng.lognormal(0.0 if sex == "M" else -0.08, 0.2)),
                     right=usual.right)
    torso = draw_torso(rng)
    axis = _axis(rng, names, usual)
    if not {"lafb", "lpfb"} & set(names):
        beat = _to_axis(beat, axis, fields_of([torso], [""])[0])
    p = p_wave(rng, origin="sinus")
    p = dataclasses.replace(p, duration_ms=round(p.duration_ms * usual.p_ms / _P_OF_ADULTS, 1))
    heart = Heart(p, beat, numbers.get("pr_ms", 160.0))
    for name in names:
        heart = PATHOLOGIES[name](heart, rng)
    made = Rhythm(**{"name": rhythm, **numbers, "pr_ms": round(max(heart.pr_ms, heart.p.duration_ms * 0.9), 1)})
    made = dataclasses.replace(made, rate_bpm=round(made.rate_bpm, 2))
    focus, second = focal(rng, qt_ms=qt_ms), focal(rng, qt_ms=qt_ms)
    own: tuple[PWave, ...] = (heart.p, p_wave(rng, origin="ectopic"), p_wave(rng, origin="retrograde"))
    return Parameters(
        age=age, sex=sex, rhythm=made, atrial=(*own, dataclasses.replace(own[1], kernels=own[0].kernels)),
        ventricular=(heart.beat, focus, second, paced(rng, qt_ms=qt_ms)), torso=torso, pathologies=names,
        variation=Variation(breathing_hz=round(float(rng.uniform(0.16, 0.36)), 3),
                            breathing_gain=round(float(rng.uniform(0.01, 0.08)), 3),
                            breathing_tilt=round(float(rng.uniform(0.01, 0.07)), 3),
                            gain_sd=round(float(rng.uniform(0.005, 0.03)), 4),
                            tilt_sd=round(float(rng.uniform(0.004, 0.02)), 4),
                            alternans_mv=round(float(rng.uniform(0.05, 0.3)), 3) if "t_alternans" in names else 0.0),
        reversal=reversal, noise=noise,
    )


def _check(what: str, names: Sequence[str], known: dict[str, Any]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f"unknown {what} {name!r}", where="simulate.draw",
                             hint="one of " + " ".join(sorted(known)))


def _of_age(numbers: dict[str, Any], usual: Normal, age: float) -> dict[str, Any]:
    """The rhythm's numbers, made for adults, at another age: rates and PR in proportion to the medians."""
    if age >= 18:
        return numbers
    faster, shorter = usual.rate_bpm / _RATE_OF_ADULTS, usual.pr_ms / _PR_OF_ADULTS
    rates = {name: numbers[name] * faster for name in ("rate_bpm", "escape_bpm") if name in numbers}
    if numbers["driver"] == "flutter" or rates["rate_bpm"] > 240:
        rates.pop("rate_bpm")
    return numbers | rates | ({"pr_ms": numbers["pr_ms"] * shorter} if "pr_ms" in numbers else {})


def _qt(rng: Rng, numbers: dict[str, Any], usual: Normal) -> float:
    """QT from a drawn Fridericia QTc at the ventricular rate, short enough to end before the next P or QRS."""
    share = {"mobitz1": 0.75, "mobitz2": 0.75, "2:1": 0.5, "3:1": 0.34}.get(numbers.get("conduction", ""), 1.0)
    rate = numbers["escape_bpm"] if numbers.get("conduction") == "none" else numbers["rate_bpm"] * share
    rr = 60 / rate
    qtc = float(np.clip(rng.normal(usual.qtc_ms, 17), 355, 448))
    return round(float(min(qtc * rr ** (1 / 3), 0.97e3 * rr - 20)), 1)


def _axis(rng: Rng, names: Sequence[str], usual: Normal) -> float:
    """Frontal QRS axis [deg]: turns left with age; outside the normal range only where asked for."""
    if "left_axis" in names:
        return float(rng.uniform(-85, -34))
    if "right_axis" in names or "rvh" in names:
        return float(rng.uniform(95, 150))
    if "extreme_axis" in names:
        return float(rng.uniform(-175, -95))
    return float(np.clip(rng.normal(usual.axis_deg, 24), -22, max(88, usual.axis_deg + 40)))


def _to_axis(beat: Beat, degrees: float, field: np.ndarray[Any, Any]) -> Beat:
    """The QRS turned until its net area in I and aVF has the wanted axis; T follows a third of the way."""
    frontal = field[[0, 5], :3]  # I and aVF
    area = np.sum([np.array(k.vector) * (k.rise_ms + k.fall_ms) for k in beat.qrs], axis=0)
    turned = 0.0
    for _ in range(3):
        a = np.radians(turned)
        c, s = np.cos(a), np.sin(a)
        one, foot = frontal @ (c * area[0] - s * area[1], s * area[0] + c * area[1], area[2])
        turned += (degrees - float(np.degrees(np.arctan2(2 / np.sqrt(3) * foot, one))) + 180) % 360 - 180
    qrs = spun(beat.qrs, turned)
    return dataclasses.replace(beat, qrs=qrs, t=spun(beat.t, float(np.clip(turned / 3, -25, 25))))
