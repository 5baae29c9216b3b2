"""From a sheet and a perfect segmentation to the record, in every layout."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from ecground.digitize.calibration import pulses_of
from ecground.digitize.columns import same_seconds, train
from ecground.digitize.digitize import read_sheet
from ecground.digitize.layout import arrange, rows_of
from ecground.digitize.overlay import overlay
from ecground.digitize.segment import NameHit
from ecground.leads import STANDARD
from ecground.metrics import page_snr_db
from ecground.paper.draw import render
from ecground.paper.layout import Layout, layouts
from ecground.paper.style import Style
from ecground.record import Record
from tests.digitize.oracle import oracle

FS = 500.0


@cache
def ecg() -> Record:
    """A plausible 12-lead ECG of 10 s whose limb leads obey Einthoven, with beats at uneven distances."""
    t = np.arange(5000) / FS
    beats = np.cumsum(np.array([0.4, 0.8, 0.86, 0.74, 0.9, 0.79, 0.83, 0.77, 0.88, 0.81, 0.85, 0.8]))
    waves = ((-0.16, 0.025, 0.12), (-0.018, 0.008, -0.1), (0.0, 0.011, 1.0), (0.022, 0.01, -0.25), (0.24, 0.05, 0.3))
    rng = np.random.default_rng(1)
    free = [sum(size * rng.uniform(0.5, 1.1) * np.exp(-((t - beat - at) / width) ** 2)
                for at, width, size in waves for beat in beats) for _ in range(8)]
    one, two = 0.6 * free[0], free[1]
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return Record(np.stack(limb + free[2:]).astype(np.float32), FS, STANDARD)


@cache
def page_of(name, **style):
    return render(ecg(), layout=name, style=Style(**style) if style else None)


@cache
def read(name, **style):
    return read_sheet(*oracle(page_of(name, **style)))


def printed(page):
    truth = np.full(ecg().signal.shape, np.nan)
    for strip in page.truth.leads:
        truth[STANDARD.index(strip.lead.lstrip("-")), strip.start:strip.stop] = \
            ecg().signal[STANDARD.index(strip.lead.lstrip("-")), strip.start:strip.stop]
    return truth


def snr(page, found):
    truth = printed(page)
    seen = np.full(truth.shape, np.nan)
    for lead, row in zip(found.record.leads, found.record.signal, strict=True):
        seen[STANDARD.index(lead), :min(5000, row.size)] = row[:5000]
    used = np.isfinite(truth).any(axis=1)
    return page_snr_db(truth[used], seen[used], fs=FS)


@pytest.mark.parametrize("name", [plan.name for plan in layouts()])
def test_every_layout_is_recognised_and_read(name):
    found = read(name)
    assert found.layout == name
    assert found.status == "read", found.problems
    assert snr(page_of(name), found) > 18
    wanted = {strip.lead.lstrip("-") for strip in page_of(name).truth.leads}
    assert set(found.leads) == wanted


def test_time_and_gaps_of_a_sequential_page():
    found = read("3x4-r1")
    assert found.leads["V1"].start_s == pytest.approx(5.0, abs=0.02)
    assert found.leads["V1"].seconds == pytest.approx(2.5, abs=0.02)
    assert found.leads["II"].seconds == pytest.approx(10.0, abs=0.02)
    signal = found.record.lead("V1")
    assert np.isnan(signal[:2450]).all() and np.isfinite(signal[2520:3740]).all()
    assert found.px_per_mm == pytest.approx((200 / 25.4, 200 / 25.4), rel=1e-3)


@pytest.mark.parametrize(("speed", "gain", "least"), [(50.0, 10.0, 18), (25.0, 20.0, 18), (25.0, 5.0, 13),
                                                      (12.5, 10.0, 12)])
def test_speed_and_gain_are_read(speed, gain, least):
    style = {"mm_per_s": speed, "mm_per_mv": gain}
    found = read("3x1", **style)
    assert found.status == "read"
    assert snr(page_of("3x1", **style), found) > least
    assert f"{gain:g} mm/mV" in found.record.provenance.gain["II"]


def test_the_pulse_beats_the_printed_gain_and_a_conflict_is_said():
    sheet, seen = oracle(page_of("3x4-r1"))
    heights = [pulse.height_mm for pulse in pulses_of(sheet, seen)]
    assert len(heights) == 4 and heights == pytest.approx([10.0] * 4, abs=0.3)
    wrong = replace(seen, tokens=tuple(replace(t, value=20.0) if t.kind == "gain" else t for t in seen.tokens))
    found = read_sheet(sheet, wrong)
    assert any("contradicts" in problem.what for problem in found.problems)
    assert "10 mm/mV" in found.record.provenance.gain["II"]
    assert found.leads["II"].confidence < read("3x4-r1").leads["II"].confidence


def test_an_unknown_gain_withholds_amplitudes():
    sheet, seen = oracle(page_of("3x4-r1", pulse="none"))
    found = read_sheet(sheet, replace(seen, tokens=()))
    assert not found.record.provenance.calibrated
    assert any("--gain" in problem.hint for problem in found.problems)
    assert read_sheet(sheet, replace(seen, tokens=()), gain=10.0).record.provenance.calibrated


def test_columns_of_the_same_seconds_are_told_by_the_beats():
    assert read("6x2").layout == "6x2"
    assert read("6x2-simultaneous").layout == "6x2-simultaneous"
    assert read("6x2-simultaneous").leads["V6"].start_s == pytest.approx(0.0, abs=0.02)
    trains = [train(ecg().signal[k, :2500].astype(float), FS) for k in (0, 8)]
    assert same_seconds(trains, None, FS) is True
    assert same_seconds([np.zeros(10), np.zeros(10)], None, FS) is None


def test_a_regular_rhythm_in_step_by_chance_is_not_taken_for_the_same_seconds():
    def complexes(times):
        t = np.arange(2500) / FS
        return train(sum(np.exp(-((t - time) / 0.012) ** 2) for time in times), FS)

    rng = np.random.default_rng(0)
    first = 0.4 + 0.8 * np.arange(6)
    uneven = first + rng.normal(0, 0.012, 6)  # the next five seconds of a heart that is fairly regular
    assert same_seconds([complexes(first), complexes(uneven)], None, FS) is False
    assert same_seconds([complexes(first), complexes(first + 0.008)], None, FS) is True


def test_a_rhythm_strip_without_a_name_gets_the_lead_it_runs_along_with():
    sheet, seen = oracle(render(ecg(), layout=Layout("own", tuple(page_columns()), ("V2",))))
    lowest = max(seen.names, key=lambda hit: hit.y)
    found = read_sheet(sheet, replace(seen, names=tuple(hit for hit in seen.names if hit is not lowest)))
    assert found.leads["V2"].seconds == pytest.approx(10.0, abs=0.05)


def page_columns():
    return (STANDARD[:3], STANDARD[3:6], STANDARD[6:9], STANDARD[9:])


def test_names_may_be_missing_or_misread_here_and_there():
    sheet, seen = oracle(page_of("3x4-r1"))
    some = tuple(hit for k, hit in enumerate(seen.names) if k % 3)
    assert read_sheet(sheet, replace(seen, names=some)).layout == "3x4-r1"
    misread = tuple(replace(hit, lead="V3", score=0.3) if hit.lead == "V5" else hit for hit in seen.names)
    assert read_sheet(sheet, replace(seen, names=misread)).layout == "3x4-r1"


def test_an_order_that_no_layout_has_is_read_by_its_names():
    columns = (("V6", "aVF", "II"), ("V1", "I", "V4"))
    sheet, seen = oracle(render(ecg(), layout=Layout("strange", columns, ())))
    found = read_sheet(sheet, seen)
    assert found.status == "partial" and found.layout is None
    assert set(found.leads) == {lead for column in columns for lead in column}
    assert any(problem.step == "layout" for problem in found.problems)


def test_nothing_is_guessed_without_names_but_a_layout_may_be_given():
    sheet, seen = oracle(page_of("3x4-r1"))
    bare = replace(seen, names=())
    refused = read_sheet(sheet, bare)
    assert refused.status == "refused" and refused.record is None
    assert "--layout" in refused.problems[-1].hint
    from ecground.paper.layout import layout

    given = read_sheet(sheet, bare, layout=layout("3x4-r1"))
    assert set(given.leads) == set(STANDARD)


def test_a_lead_without_ink_is_left_out_and_said():
    sheet, seen = oracle(page_of("3x4-r1"))
    strip = next(strip for strip in arrange(seen).strips if strip.lead == "V2")
    trace = seen.trace.copy()
    trace[int(strip.zero) - 60:int(strip.zero) + 60, int(strip.x0):int(strip.x1) + 1] = 0.0
    found = read_sheet(sheet, replace(seen, trace=trace))
    assert found.status == "partial" and "V2" not in found.leads and "V1" in found.leads
    assert any("V2" in problem.what for problem in found.problems)


def test_a_page_of_something_else_is_refused():
    sheet, seen = oracle(page_of("3x4-r1"))
    blank = replace(seen, trace=np.zeros_like(seen.trace), names=(NameHit("I", 50.0, 50.0, 0.9),))
    found = read_sheet(sheet, blank)
    assert found.status == "refused" and found.problems[-1].hint


def test_rows_are_found_where_they_are():
    page = page_of("12x1")
    _, seen = oracle(page)
    scale = page.truth.px_per_mm[0] / 8
    truth = sorted({strip.baseline[0, 1] / scale for strip in page.truth.leads})
    assert [row.zero for row in rows_of(seen)] == pytest.approx(truth, abs=1.5)
    assert len(arrange(seen).strips) == 12


def test_the_record_knows_its_pixels():
    page, found = page_of("3x4-r1"), read("3x4-r1")
    strip = next(strip for strip in page.truth.leads if strip.lead == "V2")
    at = np.arange(strip.start, strip.stop) / FS
    seen = found.record.provenance.pixels.points("V2", at[20:-20], ecg().lead("V2")[strip.start:strip.stop][20:-20])
    assert np.abs(seen - strip.trace[20:-20]).max() < 1.5
    box = found.record.provenance.pixels.box("V2", (5.5, 6.0), (-0.5, 1.0))
    inside = strip.trace[(at > 5.5) & (at < 6.0)]
    assert box[0, 0] == pytest.approx(inside[:, 0].min(), abs=2)
    assert box[2, 0] == pytest.approx(inside[:, 0].max(), abs=2)
    assert box[0, 1] < box[2, 1]
    assert found.record.provenance.pixels.box("V2", (0.0, 1.0), (0, 1)) is None


def test_regions_lie_over_the_strips():
    page, found = page_of("3x4-r1"), read("3x4-r1")
    for strip in page.truth.leads:
        same = [region for region in found.regions if region.lead == strip.lead]
        assert min(np.abs(region.quad - strip.region).max() for region in same) < 12


def test_the_overlay_draws_on_a_paled_picture():
    page, found = page_of("3x4-r1"), read("3x4-r1")
    drawn = overlay(page.image, found)
    assert drawn.shape == page.image.shape
    blue = (drawn[..., 2].astype(int) - drawn[..., 0]) > 80
    truth = page.truth.masks > 0
    assert blue[truth].mean() > 0.4
