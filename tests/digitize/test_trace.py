from __future__ import annotations

import cv2
import numpy as np
import pytest

from ecground.digitize.pen import Ink, fitted
from ecground.digitize.trace import Strip, follow

PX = 8


def drawn(lines, height=400, width=600):
    """Soft lines 0.3 mm wide, and each pixel's height above the zero line of the line drawn there [mm]."""
    fine = 4
    total, heights = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for x, y, zero in lines:
        points = np.rint(((np.stack([x, y], 1) + 0.5) * fine - 0.5) * 16).astype(np.int32)
        big = np.zeros((height * fine, width * fine), np.uint8)
        cv2.polylines(big, [points], False, 255, 9, shift=4)
        one = cv2.resize(big, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        own = one > total
        heights[own] = np.broadcast_to((zero - np.arange(height)[:, None]) / PX, own.shape)[own]
        total = np.maximum(total, one)
    return total, heights


def qrs(x, at, amplitude, width=3.0):
    """A tall narrow peak with a smaller one turned over behind it."""
    return amplitude * (np.exp(-((x - at) / width) ** 2) - 0.4 * np.exp(-((x - at - 9) / width) ** 2))


def test_a_flat_wavy_line_is_found_to_a_tenth_of_a_pixel():
    x = np.arange(20.0, 580.0, 0.5)
    y = 200 + 12 * np.sin(x / 25)
    trace, = follow(*drawn([(x, y, 200)]), [Strip("I", 0, 0, 20, 579, 200)])
    error = trace.y - (200 + 12 * np.sin(trace.x / 25))
    assert np.abs(error[2:-2]).max() < 0.25
    assert np.sqrt(np.mean(error[2:-2] ** 2)) < 0.1


def test_the_tip_of_a_stroke_narrower_than_the_pen_is_reached():
    x = np.arange(20.0, 580.0, 0.4)
    y = 220 - sum(qrs(x, at, 120.0) for at in (100, 253.3, 407.7))
    trace, = follow(*drawn([(x, y, 220)]), [Strip("I", 0, 0, 20, 579, 220)])
    for at in (100, 253.3, 407.7):
        near = np.abs(trace.x - at) < 6
        assert trace.y[near].min() == pytest.approx(y[np.abs(x - at) < 6].min(), abs=4.0)  # of 120 px
    truth = np.interp(trace.x, x, y)
    power = np.mean((truth - truth.mean()) ** 2)
    assert 10 * np.log10(power / np.mean((trace.y - truth) ** 2)) > 22


def test_leads_that_cross_keep_their_own_lines():
    x = np.arange(20.0, 580.0, 0.4)
    upper = 120 + sum(qrs(x, at, 120.0) for at in (100, 300, 500))  # down into the lower row
    lower = 220 + 6 * np.sin(x / 30)
    strips = [Strip("I", 0, 0, 20, 579, 120), Strip("II", 1, 0, 20, 579, 220)]
    traces = follow(*drawn([(x, upper, 120), (x, lower, 220)]), strips)
    for trace, y in zip(traces, (upper, lower), strict=True):
        truth = np.interp(trace.x, x, y)
        assert np.nanmedian(np.abs(trace.y - truth)) < 0.2
        assert np.nanmean((trace.y - truth) ** 2) < 9.0


def test_missing_ink_is_not_invented():
    x = np.arange(20.0, 580.0, 0.5)
    ink, heights = drawn([(x, np.full(x.shape, 200.0), 200)])
    ink[:, 250:300] = 0
    trace, = follow(ink, heights, [Strip("I", 0, 0, 20, 579, 200)])
    assert np.isnan(trace.y[(trace.x >= 251) & (trace.x < 299)]).all()
    assert np.isfinite(trace.y[trace.x < 249]).all()


def test_an_empty_page_gives_empty_traces():
    blank = np.zeros((100, 100), np.float32)
    trace, = follow(blank, blank, [Strip("I", 0, 0, 10, 90, 50)])
    assert np.isnan(trace.y).all() and trace.x.size == 81
    assert follow(blank, blank, []) == ()


def test_the_fit_moves_a_line_onto_its_ink():
    truth = 50 + 3 * np.sin(np.arange(80) / 6)
    row, column = np.mgrid[0:100, 0:80]
    gap = np.abs(row - truth[None, :]) / np.hypot(1, np.gradient(truth))[None, :]
    ink = np.clip(1.2 + 0.5 - gap, 0, 1)
    near = ink > 0
    seen = Ink(column[near].astype(np.int64), row[near].astype(float), ink[near])
    joined = np.append(np.ones(79, bool), False)
    moved = fitted(truth + 0.6, joined, seen, 1.2)
    assert np.abs(moved - truth).max() < 0.15
