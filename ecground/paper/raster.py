"""`Drawing` -> pixels and truth.

Every pixel carries the exact share of its area that ink covers, not OpenCV's anti-aliasing, whose lines have whole
widths and rounded ends. Grid and rules are products of two profiles; a trace is a function of time, so the stroke of a
round pen along it is, in every sub-column of a pixel, one interval between two envelopes (grey dilation by the pen).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.paper.drawing import Drawing, Grid, Rule, Strip, Words
from ecground.paper.fonts import ink
from ecground.paper.page import LAYERS, LeadTruth, PageTruth, Points, PulseTruth, TextTruth

__all__ = ["rasterise"]

SUB: Final = 4
"""Sub-columns of a pixel in which a trace's envelopes are taken."""
_SEEN: Final = 0.5
"""Share of a pixel from which on it counts as ink (half the width of lines thinner than a pixel)."""
_LEVELS: Final = 64.0

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]


def rasterise(drawing: Drawing, dpi: float) -> tuple[Picture, PageTruth]:
    """The RGB image `[height, width, 3]` and its truth."""
    ppm = dpi / 25.4
    height, width = round(drawing.height * ppm), round(drawing.width * ppm)
    image, layers = _paper(drawing, ppm, height, width)
    masks = np.zeros((height, width), np.uint16)
    for rule in drawing.rules:
        _rule(image, layers, rule, ppm)
    names: dict[int, Points] = {}
    texts = []
    for words in drawing.words:
        quad = _words(image, layers, words, drawing.style.font, ppm)
        if quad is None:
            continue
        if words.kind == "lead":
            names[words.strip] = quad
        else:
            texts.append(TextTruth(words.kind, words.words, quad))
    for index, strip in enumerate(drawing.strips):
        _trace(image, masks, strip, drawing.style.trace_mm, 1 << index, ppm)
    truth = PageTruth(
        layout=drawing.layout, fs=drawing.fs, mm_per_s=drawing.style.mm_per_s, mm_per_mv=drawing.style.mm_per_mv,
        px_per_mm=(ppm, ppm), leads=tuple(_lead(strip, names.get(i), ppm) for i, strip in enumerate(drawing.strips)),
        pulses=tuple(PulseTruth(_px(rule.points, ppm), rule.row) for rule in drawing.rules if rule.layer == "pulse"),
        texts=tuple(texts), corners=_quad((0.0, 0.0, drawing.width, drawing.height), ppm),
        lattice=_lattice(drawing.grid, ppm), masks=masks, layers=layers,
    )
    return image, truth


def _px(mm: Points, ppm: float) -> Points:
    """Millimetres of the sheet as pixels, the centre of the first pixel being (0, 0)."""
    pixels: Points = mm * ppm - 0.5
    return pixels


def _quad(area: tuple[float, float, float, float], ppm: float) -> Points:
    x0, y0, x1, y1 = area
    return _px(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float64), ppm)


def _lattice(grid: Grid, ppm: float) -> Points:
    return _px(np.stack(np.meshgrid(grid.lines(0, 5.0), grid.lines(1, 5.0)), axis=-1), ppm)


def _lead(strip: Strip, name: Points | None, ppm: float) -> LeadTruth:
    ends = np.array([[strip.region[0], strip.baseline], [strip.region[2], strip.baseline]])
    if len(strip.trace):
        ends[:, 0] = strip.trace[[0, -1], 0]
    return LeadTruth(
        lead=strip.cell.lead, start=strip.start, trace=_px(strip.trace, ppm), region=_quad(strip.region, ppm),
        baseline=_px(ends, ppm), mm_per_mv=strip.mm_per_mv, name=name, row=strip.cell.row, column=strip.cell.column,
        rhythm=strip.cell.rhythm,
    )


def _cover(length: int, centres: NDArray[np.float64], width: float) -> Floats:
    """Share of each of `length` pixels in a row that bars of `width` px around `centres` px cover."""
    out = np.zeros(length, np.float32)
    reach = int(np.ceil(width / 2 + 0.5))
    near = np.floor(centres + 0.5).astype(int)[:, None] + np.arange(-reach, reach + 1)
    share = np.clip(width / 2 + 0.5 - np.abs(near - centres[:, None]), 0.0, min(1.0, width))
    inside = (near >= 0) & (near < length)
    np.maximum.at(out, near[inside], share[inside].astype(np.float32))
    return out


def _paper(drawing: Drawing, ppm: float, height: int, width: int) -> tuple[Picture, Picture]:
    """The sheet with its grid, and the grid's bit. Rows that look alike are computed once."""
    style, grid = drawing.style, drawing.grid
    background = np.asarray(style.background, np.float32)
    blank = background.astype(np.uint8)
    if style.grid == "none":
        return np.broadcast_to(blank, (height, width, 3)).copy(), np.zeros((height, width), np.uint8)
    fine, coarse = ([_cover(n, _px(grid.lines(axis, step), ppm), mm * ppm) for axis, n in ((0, width), (1, height))]
                    for step, mm in ((1.0, style.minor_mm), (5.0, style.major_mm)))
    if style.grid == "dots":
        dot = max(style.minor_mm, 0.25) * ppm
        fine = [_cover(n, _px(grid.lines(axis, 1.0), ppm), dot) for axis, n in ((0, width), (1, height))]
    x0, y0, x1, y1 = (round(edge * ppm) for edge in grid.area)
    inside = np.zeros(width, np.float32)
    inside[x0:x1] = 1.0
    levels = np.stack([np.round(fine[1] * _LEVELS), np.round(coarse[1] * _LEVELS)]).astype(np.int64)
    key = levels[0] * 1000 + levels[1]
    key[:y0], key[y1:] = -1, -1
    kinds, which = np.unique(key, return_inverse=True)
    minor, major = (np.asarray(colour, np.float32) for colour in (style.minor, style.major))
    rows, marks = np.empty((len(kinds), width, 3), np.uint8), np.zeros((len(kinds), width), np.uint8)
    for i, kind in enumerate(kinds.tolist()):
        if kind < 0:
            rows[i] = blank
            continue
        across, along = kind // 1000 / _LEVELS, kind % 1000 / _LEVELS
        light = _joined(fine[0], across, style.grid) * inside
        heavy = (1.0 - (1.0 - coarse[0]) * (1.0 - along)) * inside
        colour = background + light[:, None] * (minor - background)
        rows[i] = np.rint(colour + heavy[:, None] * (major - colour))
        seen = min(_SEEN, style.minor_mm * ppm / 2), min(_SEEN, style.major_mm * ppm / 2)
        marks[i] = (((light >= 0.99 * seen[0]) & (light > 0)) | ((heavy >= 0.99 * seen[1]) & (heavy > 0)))
    return rows[which], (marks * np.uint8(LAYERS["grid"]))[which]


def _joined(profile: Floats, across: float, grid: str) -> Floats:
    """Coverage of a pixel row by the 1 mm lines: union of both directions, only the crossings of dots, or nothing."""
    if grid == "lines":
        return 1.0 - (1.0 - profile) * np.float32(1.0 - across)
    return profile * np.float32(across if grid == "dots" else 0.0)


def _blend(image: Picture, where: tuple[NDArray[np.intp], NDArray[np.intp]], cover: Floats,
           colour: tuple[int, int, int]) -> None:
    under = image[where].astype(np.float32)
    image[where] = np.rint(under + cover[:, None] * (np.asarray(colour, np.float32) - under)).astype(np.uint8)


def _rule(image: Picture, layers: Picture, rule: Rule, ppm: float) -> None:
    """Bars with square ends along horizontal and vertical pieces."""
    height, width = layers.shape
    half = rule.width * ppm / 2
    seen, bit = 0.99 * min(_SEEN, half), np.uint8(LAYERS[rule.layer])
    corners = _px(rule.points, ppm)
    low = np.floor(corners.min(axis=0) - half).astype(int).clip(0, (width, height))
    high = np.ceil(corners.max(axis=0) + half + 1).astype(int).clip(0, (width, height))
    cover = np.zeros((high[1] - low[1], high[0] - low[0]), np.float32)
    for begin, end in pairwise(corners):
        a, b = np.minimum(begin, end) - half - low, np.maximum(begin, end) + half - low
        spans = [(max(0, int(np.floor(a[i] + 0.5))), min(n, int(np.ceil(b[i] + 0.5))))
                 for i, n in ((0, cover.shape[1]), (1, cover.shape[0]))]
        x, y = (np.clip(np.minimum(np.arange(p, q) + 0.5, b[i]) - np.maximum(np.arange(p, q) - 0.5, a[i]), 0, 1)
                for i, (p, q) in enumerate(spans))
        part = cover[slice(*spans[1]), slice(*spans[0])]
        np.maximum(part, np.outer(y, x), out=part)
    y, x = np.nonzero(cover > 1 / 512)
    share = cover[y, x]
    where = (y + low[1], x + low[0])
    _blend(image, where, share, rule.colour)
    layers[where] |= np.where(share >= seen, bit, np.uint8(0))


def _words(image: Picture, layers: Picture, words: Words, font: str, ppm: float) -> Points | None:
    """Print words, snapped to whole pixels; the quad of their ink, None when nothing is left of them."""
    patch, left, top = ink(words.words, font, round(words.size * ppm, 2))
    if not patch.size:
        return None
    x0, y0 = round(words.x * ppm) + left, round(words.y * ppm) + top
    y, x = np.nonzero(patch)
    inside = (y + y0 >= 0) & (y + y0 < layers.shape[0]) & (x + x0 >= 0) & (x + x0 < layers.shape[1])
    y, x = y[inside], x[inside]
    cover = patch[y, x].astype(np.float32) / 255.0
    where = (y + y0, x + x0)
    _blend(image, where, cover, words.colour)
    layers[where] |= np.where(cover >= _SEEN, np.uint8(LAYERS["text"]), np.uint8(0))
    x1, y1 = x0 + patch.shape[1] - 1, y0 + patch.shape[0] - 1
    edge = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    quad: Points = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float64) + edge
    return quad


def _trace(image: Picture, masks: NDArray[np.uint16], strip: Strip, width_mm: float, bit: int, ppm: float) -> None:
    points, radius = _px(strip.trace, ppm), width_mm * ppm / 2
    seen = np.isfinite(points[:, 1])
    edges = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]]).astype(np.int8)))
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        _run(image, masks, points[begin:end], radius, strip.colour, bit)


def _run(image: Picture, masks: NDArray[np.uint16], points: Points, radius: float, colour: tuple[int, int, int],
         bit: int) -> None:
    """Ink of one unbroken run of a trace."""
    height, width = masks.shape
    left = int(np.floor(points[0, 0] - radius + 0.5))
    columns = int(np.floor(points[-1, 0] + radius + 0.5)) + 1 - left
    top, bottom = _envelopes(points, radius, left - 0.5, columns * SUB)
    low = max(0, int(np.floor(np.min(top) + 0.5)))
    rows = min(height, int(np.ceil(np.max(bottom) + 0.5)) + 1) - low
    first, last = max(0, -left), min(columns, width - left)
    if rows <= 0 or last <= first:
        return
    cover = _filled(top - low, bottom - low, rows, columns)[:, first:last]
    y, x = np.nonzero(cover > 1 / 512)
    share = cover[y, x]
    where = (y + low, x + left + first)
    _blend(image, where, np.minimum(share, np.float32(1.0)), colour)
    masks[where] |= np.where(share >= 0.99 * min(_SEEN, radius), np.uint16(bit), np.uint16(0))


def _envelopes(points: Points, radius: float, x0: float, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Upper and lower edge (smallest and largest y) of the stroke in `count` sub-columns from `x0` on [px].

    Where the pen does not reach, top is above bottom by nothing: an empty interval.
    """
    grid = x0 + np.arange(count + 1) / SUB
    on = np.interp(grid, points[:, 0], points[:, 1])
    top, bottom = np.minimum(on[:-1], on[1:]), np.maximum(on[:-1], on[1:])
    place = np.clip(((points[:, 0] - x0) * SUB).astype(int), 0, count - 1)
    np.minimum.at(top, place, points[:, 1])
    np.maximum.at(bottom, place, points[:, 1])
    # Beyond its ends there is no trace, only the round tips of the pen.
    middle = grid[:-1] + 0.5 / SUB
    absent = (middle < points[0, 0] - 0.5 / SUB) | (middle > points[-1, 0] + 0.5 / SUB)
    top[absent], bottom[absent] = np.inf, -np.inf
    reach = int(np.ceil(radius * SUB))
    padded = (np.pad(top, reach, constant_values=np.inf), np.pad(bottom, reach, constant_values=-np.inf))
    upper, lower = np.full(count, np.inf), np.full(count, -np.inf)
    for k in range(-reach, reach + 1):
        if abs(k) / SUB <= radius:
            lift = np.sqrt(radius**2 - (k / SUB) ** 2)
            np.minimum(upper, padded[0][reach + k : reach + k + count] - lift, out=upper)
            np.maximum(lower, padded[1][reach + k : reach + k + count] + lift, out=lower)
    empty = upper > lower
    level = float(points[0, 1])
    upper[empty], lower[empty] = level, level
    return upper, lower


def _filled(top: NDArray[np.float64], bottom: NDArray[np.float64], rows: int, columns: int) -> Floats:
    """Share of each pixel `[rows, columns]` between top and bottom of its sub-columns.

    The share above an edge at `a` rises over at most two pixels: floor(a + 1/2) takes part of it and the next the rest.
    So edges are scattered as differences and summed down the rows.
    """
    column = np.arange(len(top)) // SUB
    flat = np.zeros((rows + 2) * columns)
    for edge, sign in ((top, 1.0), (bottom, -1.0)):
        a = np.clip(edge, -0.5, rows - 0.5)
        k = np.floor(a + 0.5)
        share = (k + 0.5 - a) * (sign / SUB)
        at = k.astype(np.int64) * columns + column
        flat += np.bincount(at, share, len(flat))
        flat += np.bincount(at + columns, sign / SUB - share, len(flat))
    summed: Floats = np.cumsum(flat.reshape(rows + 2, columns)[:rows], axis=0, dtype=np.float32)
    return summed
