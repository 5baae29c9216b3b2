"""Measurements made by hand: a healthy 12-lead ECG of which a test changes what it is about."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ecground.leads import STANDARD
from ecground.measure.table import LEAD_MEASURES, RECORD_MEASURES, BeatTable, Measurements, Value
from ecground.signal.beats import ABSENT, MARKS, PRESENT, WAVES, Delineation

_RECORD: dict[str, float | str] = {
    "hr_bpm": 70, "atrial_rate_bpm": 70, "rr_mean_ms": 857, "rr_median_ms": 857, "rr_max_ms": 880, "rr_cv": 0.02,
    "rr_irregularity": 0.01, "pp_range_ms": 40, "n_beats": 10, "n_dominant": 10, "n_pvc": 0, "n_pac": 0,
    "n_paced": 0, "n_blocked_p": 0, "longest_pvc_run": 0, "p_qrs_ratio": 1, "p_present_fraction": 1,
    "p_consistency": 0.95, "flutter_index": 0.1, "f_wave_uv": 10, "pr_ms": 160, "pr_range_ms": 8, "p_dur_ms": 100,
    "qrs_ms": 98, "qrs_lead_median_ms": 90, "pr_lead_median_ms": 160, "qt_ms": 390, "jt_ms": 300,
    "qtc_bazett_ms": 421, "qtc_fridericia_ms": 410, "p_axis_deg": 50, "qrs_axis_deg": 40, "t_axis_deg": 40,
    "qrst_angle_deg": 5, "sokolow_mv": 2.2, "cornell_mv": 1.2, "cornell_product_mvms": 110, "ptf_v1_uvms": 1000,
    "limb_voltage_mv": 1.2, "chest_voltage_mv": 2.0, "pace_spikes": 0, "spike_p_fraction": 0,
    "spike_qrs_fraction": 0, "dominant_class": "N", "arm_reversal": 0,
}
_R = dict(zip(STANDARD, (0.8, 1.1, 0.4, 0.05, 0.4, 0.8, 0.2, 0.5, 0.9, 1.4, 1.3, 1.0), strict=True))
_S = dict(zip(STANDARD, (-0.1, -0.1, -0.1, -0.9, -0.1, -0.1, -0.9, -1.1, -0.8, -0.5, -0.2, -0.1), strict=True))
_T = dict(zip(STANDARD, (0.25, 0.35, 0.1, -0.3, 0.08, 0.25, 0.05, 0.4, 0.5, 0.5, 0.4, 0.3), strict=True))


def measurements(
    record: Mapping[str, float | str | Value] | None = None,
    lead: Mapping[str, Mapping[str, float | str | Value]] | None = None,
    *, leads: tuple[str, ...] = STANDARD, kinds: str = "NNNNNNNNNN", beat_pr: tuple[float, ...] | None = None,
) -> Measurements:
    """A healthy ECG with `record` and `lead` values replaced; `kinds` holds one letter a row (p = blocked P)."""
    joint = {name: _value(name, value, RECORD_MEASURES) for name, value in {**_RECORD, **(record or {})}.items()}
    changed = lead or {}
    by_lead = {
        name: {m: _value(m, v, LEAD_MEASURES, name) for m, v in {**_healthy(name), **changed.get(name, {})}.items()}
        for name in leads
    }
    pr = np.asarray(beat_pr if beat_pr is not None else [np.nan if k == "p" else 160.0 for k in kinds], np.float32)
    table = BeatTable(kind=tuple(kinds), joint={"pr_ms": pr}, lead={})
    return Measurements(delineation=_delineation(leads, kinds), record=joint, lead=by_lead, beats=table)


def absent(unit: str = "mV") -> Value:
    """A wave that is not there."""
    return Value(None, unit, state="absent")


def unmeasurable(unit: str = "mV", why: str = "noise") -> Value:
    """A value that noise hides."""
    return Value(None, unit, state="unmeasurable", why=why, confidence=0.0)


def _healthy(lead: str) -> dict[str, float | str | Value]:
    return {
        "p_amp": 0.1, "p_initial_amp": 0.1, "p_dur": 98, "p_morph": "+",
        "q_amp": absent(), "q_dur": absent("ms"), "r_amp": _R[lead], "r_dur": 40,
        "s_amp": _S[lead], "s_dur": 30, "r2_amp": absent(), "r2_dur": absent("ms"), "qrs_form": "rS",
        "qrs_net": _R[lead] + _S[lead], "r_peak_time_ms": 38, "notch_n": 0, "delta_ms": 0, "j_amp": 0.02, "st20": 0.02,
        "st40": 0.02, "st60": 0.03, "st80": 0.04, "st_slope": 0.25, "t_amp": _T[lead], "sqi": 1.0,
    }


def _value(name: str, value: float | str | Value, units: Mapping[str, tuple[str, str]], lead: str = "") -> Value:
    if isinstance(value, Value):
        return value
    number = value if isinstance(value, str) else float(value)
    return Value(number, units[name][0], leads=(lead,) if lead else (), n=10, span=(100, 200))


def _delineation(leads: tuple[str, ...], kinds: str) -> Delineation:
    rows = len(kinds)
    state = np.full((rows, len(WAVES)), PRESENT, np.int8)
    state[[kind == "p" for kind in kinds], 1:] = ABSENT
    return Delineation(
        fs=500.0, leads=leads, n_samples=5000, lead_marks=np.full((len(leads), rows, len(MARKS)), np.nan, np.float32),
        lead_state=np.repeat(state[None], len(leads), axis=0),
        lead_confidence=np.ones((len(leads), rows, len(WAVES)), np.float32),
        joint_marks=np.full((rows, len(MARKS)), np.nan), joint_state=state,
        joint_confidence=np.ones((rows, len(WAVES)), np.float32), method="by hand",
    )
