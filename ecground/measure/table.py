"""`Measurements`: every number of one ECG, with unit, lead, samples and confidence, and the names they go by.

Three levels: `record` (one value a record), `lead` (one value a lead, from the beats of the dominant class) and
`beats` (arrays per beat, and per lead and beat). "Absent" and "unmeasurable" are values, not exceptions.
Amplitudes are relative to the level just before QRS onset; those of P to the line from its onset to its offset.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ecground.signal.beats import Delineation

__all__ = [
    "BEAT_MEASURES", "LEAD_MEASURES", "RECORD_MEASURES", "BeatTable", "Measurements", "State", "Value", "absent",
    "measured", "unit_of", "unmeasurable",
]

State = Literal["measured", "absent", "unmeasurable"]

RECORD_MEASURES: Final[Mapping[str, tuple[str, str]]] = {
    "hr_bpm": ("1/min", "ventricular rate from the median RR interval"),
    "atrial_rate_bpm": ("1/min", "atrial rate from P waves, or from f or F waves"),
    "rr_mean_ms": ("ms", "mean RR interval"),
    "rr_median_ms": ("ms", "median RR interval"),
    "rr_min_ms": ("ms", "shortest RR interval"),
    "rr_max_ms": ("ms", "longest RR interval"),
    "rr_sd_ms": ("ms", "standard deviation of RR intervals"),
    "rmssd_ms": ("ms", "root mean square of successive RR differences"),
    "pnn50": ("", "share of successive RR differences over 50 ms"),
    "rr_cv": ("", "coefficient of variation of RR intervals"),
    "rr_irregularity": ("", "median absolute successive RR difference over median RR: irregular beat by beat"),
    "pp_range_ms": ("ms", "longest minus shortest PP interval"),
    "n_beats": ("", "QRS complexes"),
    "n_dominant": ("", "beats of the dominant class"),
    "n_pvc": ("", "ventricular ectopic beats"),
    "n_pac": ("", "supraventricular ectopic beats"),
    "n_paced": ("", "paced beats"),
    "n_blocked_p": ("", "P waves without QRS"),
    "longest_pvc_run": ("", "longest run of ventricular ectopic beats"),
    "p_qrs_ratio": ("", "P waves for each QRS complex"),
    "p_present_fraction": ("", "share of dominant beats with a P wave before the QRS"),
    "p_consistency": ("", "correlation of the P waves with their median, 0..1"),
    "flutter_index": ("", "strength of a regular atrial wave at 200-360/min after QRST cancellation, 0..1"),
    "f_wave_uv": ("uV", "rms of fibrillatory activity at 4-9 Hz after QRST cancellation"),
    "pr_ms": ("ms", "PR interval, joint onsets"),
    "pr_step_ms": ("ms", "median growth of PR from beat to beat before blocked P waves"),
    "pr_range_ms": ("ms", "longest minus shortest PR interval of the dominant beats"),
    "pr_segment_ms": ("ms", "P offset to QRS onset"),
    "p_dur_ms": ("ms", "P duration, joint"),
    "qrs_ms": ("ms", "QRS duration, joint"),
    "qt_ms": ("ms", "QT interval, joint: QRS onset to T offset"),
    "jt_ms": ("ms", "JT interval"),
    "tpte_ms": ("ms", "T peak to T offset"),
    "pr_lead_median_ms": ("ms", "PR interval, median over leads"),
    "p_lead_median_ms": ("ms", "P duration, median over leads"),
    "qrs_lead_median_ms": ("ms", "QRS duration, median over leads"),
    "qt_lead_median_ms": ("ms", "QT interval, median over leads"),
    "qtc_bazett_ms": ("ms", "QT/sqrt(RR)"),
    "qtc_fridericia_ms": ("ms", "QT/RR^(1/3)"),
    "qtc_framingham_ms": ("ms", "QT + 154 (1 - RR)"),
    "qtc_hodges_ms": ("ms", "QT + 1.75 (HR - 60)"),
    "qt_dispersion_ms": ("ms", "longest minus shortest lead QT"),
    "p_axis_deg": ("deg", "frontal P axis"),
    "qrs_axis_deg": ("deg", "frontal QRS axis from net areas"),
    "t_axis_deg": ("deg", "frontal T axis"),
    "qrst_angle_deg": ("deg", "frontal angle between QRS and T axes"),
    "sokolow_mv": ("mV", "S V1 + max(R V5, R V6)"),
    "cornell_mv": ("mV", "R aVL + S V3"),
    "cornell_product_mvms": ("mV ms", "(R aVL + S V3 [+ 0.6 in women]) x QRS duration"),
    "ptf_v1_uvms": ("uV ms", "P terminal force in V1: depth x duration of the terminal negative part, as a magnitude"),
    "limb_voltage_mv": ("mV", "largest QRS peak-to-peak of the limb leads"),
    "chest_voltage_mv": ("mV", "largest QRS peak-to-peak of the chest leads"),
    "pace_spikes": ("", "pacing spikes, at least three within ten seconds"),
    "spike_p_fraction": ("", "share of beats with a spike before the P wave"),
    "spike_qrs_fraction": ("", "share of beats with a spike just before the QRS"),
    "twa_uv": ("uV", "T-wave alternans, largest lead"),
    "dominant_class": ("", "class of the dominant beats: N, V or paced"),
    "arm_reversal": ("", "1 when an exchange of limb electrodes, an arm among them, is suspected"),
    "chest_swap": ("", "1 when an exchange of chest electrodes is suspected"),
}
"""Record-level measures: name -> (unit, meaning)."""

LEAD_MEASURES: Final[Mapping[str, tuple[str, str]]] = {
    "p_amp": ("mV", "P amplitude, the larger phase, signed"),
    "p_amp2": ("mV", "amplitude of the second P phase"),
    "p_dur": ("ms", "P duration"),
    "p_morph": ("", "P form: + - +- -+ M absent"),
    "p_area": ("uV ms", "signed P area"),
    "p_initial_amp": ("mV", "largest positive amplitude of P"),
    "p_terminal_uvms": ("uV ms", "depth x duration of the terminal negative part of P, as a magnitude"),
    "pr_ms": ("ms", "PR interval in this lead"),
    "pr_segment_amp": ("mV", "PR segment level against the TP level before the P wave"),
    "q_amp": ("mV", "Q depth, <= 0"),
    "q_dur": ("ms", "Q duration"),
    "r_amp": ("mV", "R amplitude, >= 0"),
    "r_dur": ("ms", "R duration"),
    "s_amp": ("mV", "S depth, <= 0 (the whole QS when there is no R)"),
    "s_dur": ("ms", "S duration"),
    "r2_amp": ("mV", "R' amplitude, >= 0"),
    "r2_dur": ("ms", "R' duration"),
    "s2_amp": ("mV", "S' depth, <= 0"),
    "s2_dur": ("ms", "S' duration"),
    "qrs_form": ("", "QRS letters by size: qRs, rS, QS, rSR' ..."),
    "qrs_ms": ("ms", "QRS duration in this lead"),
    "qrs_pp": ("mV", "QRS peak to peak"),
    "qrs_net": ("mV", "largest positive plus largest negative QRS amplitude"),
    "qrs_area": ("uV ms", "signed QRS area"),
    "r_peak_time_ms": ("ms", "QRS onset to the last R peak"),
    "notch_n": ("", "notches or slurs in the middle of the QRS"),
    "delta_ms": ("ms", "slurred QRS upstroke (delta wave), 0 when none"),
    "j_amp": ("mV", "ST level at J"),
    "st20": ("mV", "ST level at J + 20 ms"),
    "st40": ("mV", "ST level at J + 40 ms"),
    "st60": ("mV", "ST level at J + 60 ms"),
    "st80": ("mV", "ST level at J + 80 ms"),
    "st_slope": ("mV/s", "slope from J to J + 80 ms"),
    "st_shape": ("", "ST form: level, up, down; concave, convex"),
    "st_dur": ("ms", "J to T onset"),
    "t_amp": ("mV", "T amplitude, the larger phase, signed"),
    "t_amp2": ("mV", "amplitude of the second T phase"),
    "t_area": ("uV ms", "signed T area"),
    "t_dur": ("ms", "T duration"),
    "t_morph": ("", "T form: + - +- -+ flat absent"),
    "t_sym": ("", "rise time over T duration"),
    "qt_ms": ("ms", "QT interval in this lead"),
    "jt_ms": ("ms", "JT interval in this lead"),
    "u_amp": ("mV", "U amplitude"),
    "twa_uv": ("uV", "T-wave alternans"),
    "sqi": ("", "signal quality, 0..1"),
}
"""Lead-level measures of the dominant beats: name -> (unit, meaning)."""

BEAT_MEASURES: Final[Mapping[str, tuple[str, str]]] = {
    "hr_bpm": ("1/min", "60000 / RR before"),
    "rr_before_ms": ("ms", "RR interval before the beat"),
    "rr_after_ms": ("ms", "RR interval after the beat"),
    "pr_ms": ("ms", "PR interval, joint"),
    "p_dur_ms": ("ms", "P duration, joint"),
    "qrs_ms": ("ms", "QRS duration, joint"),
    "qt_ms": ("ms", "QT interval, joint"),
    "qtc_ms": ("ms", "QT by Bazett with the RR before"),
    "template_corr": ("", "correlation of the QRS with the dominant class"),
}
"""Beat-level measures over all leads: name -> (unit, meaning)."""


@dataclass(frozen=True, slots=True)
class Value:
    """One number or word, with what it rests on."""

    value: float | str | None
    """None unless `state` is `measured`."""
    unit: str
    state: State = "measured"
    leads: tuple[str, ...] = ()
    """Leads it was measured in; empty = all leads jointly."""
    beats: tuple[int, ...] = ()
    """Rows of the Delineation it rests on; empty = all dominant beats."""
    span: tuple[int, int] | None = None
    """First and last sample of one representative stretch, at the record's fs."""
    n: int = 0
    """Number of beats behind the value."""
    iqr: float | None = None
    """Interquartile range over those beats, same unit."""
    confidence: float = 1.0
    """0..1."""
    why: str = ""
    """Reason when not measured, else the method where it is not obvious."""

    @property
    def number(self) -> float:
        """The value as a float, NaN when there is none or it is a word."""
        return self.value if isinstance(self.value, float) else float("nan")


def unit_of(measure: str) -> str:
    """Unit of a measure of any level; KeyError for an unknown name."""
    for table in (RECORD_MEASURES, LEAD_MEASURES, BEAT_MEASURES):
        if measure in table:
            return table[measure][0]
    raise KeyError(measure)


def measured(measure: str, value: float | str, *, leads: tuple[str, ...] = (), beats: tuple[int, ...] = (),
             span: tuple[int, int] | None = None, n: int = 0, iqr: float | None = None, confidence: float = 1.0,
             why: str = "") -> Value:
    """A measured Value in the unit of its measure; a number that is not finite becomes `unmeasurable`."""
    if not isinstance(value, str):
        value = float(value)
        if not math.isfinite(value):
            return unmeasurable(measure, why or "not measurable", leads=leads)
    iqr = None if iqr is None or not math.isfinite(iqr) else iqr
    confidence = min(1.0, max(0.0, float(confidence))) if math.isfinite(confidence) else 0.0
    return Value(value, unit_of(measure), "measured", leads, beats, span, n, iqr, confidence, why)


def absent(measure: str, why: str, *, leads: tuple[str, ...] = (), n: int = 0, confidence: float = 1.0) -> Value:
    """What was looked for is not there."""
    return Value(None, unit_of(measure), "absent", leads, n=n, confidence=confidence, why=why)


def unmeasurable(measure: str, why: str, *, leads: tuple[str, ...] = ()) -> Value:
    """It could not be told."""
    return Value(None, unit_of(measure), "unmeasurable", leads, confidence=0.0, why=why)


@dataclass(frozen=True, slots=True)
class BeatTable:
    """Arrays over the rows of the Delineation; NaN = not measurable."""

    kind: tuple[str, ...]
    """`[row]`: N (dominant or normal), S, V, paced, Q (unclassifiable), p (a P wave without QRS)."""
    joint: Mapping[str, NDArray[np.float32]]
    """Name in BEAT_MEASURES -> `[row]`."""
    lead: Mapping[str, NDArray[np.float32]]
    """Name in LEAD_MEASURES (numeric ones) -> `[lead, row]`."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """Everything that was measured in one record."""

    delineation: Delineation
    record: Mapping[str, Value]
    """Name in RECORD_MEASURES -> Value."""
    lead: Mapping[str, Mapping[str, Value]]
    """Lead -> name in LEAD_MEASURES -> Value."""
    beats: BeatTable
    notes: tuple[str, ...] = ()
    """What a reader must know: uncalibrated amplitudes, too few beats, a failed step."""

    def number(self, measure: str, lead: str | None = None) -> float:
        """A record-level value, or one lead's, as a float; NaN when absent or unmeasurable."""
        table = self.record if lead is None else self.lead.get(lead, {})
        value = table.get(measure)
        return float("nan") if value is None else value.number
