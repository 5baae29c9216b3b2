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

from ecground.paper.drawing import Drawing, Grid, Rule, Shade, Strip, Words
from ecground.paper.fonts import ink
from ecground.paper.page import LAYERS, LeadTruth, PageTruth, Points, PulseTruth, TextTruth

__all__ = ["rasterise"]

SUB: Final = 4
"""Sub-columns of a pixel in which a trace's envelopes are taken."""
_SEEN: Final = 0.5
"""Share of a pixel from which on it counts as ink (half the width of lines thinner than a pixel)."""
_FAINT: Final = 1 / 512
"""Share below which ink cannot change a pixel."""
_LEVELS: Final = 64.0
"""Steps in which the share that grid lines cover is kept."""
_DOT_MM: Final = 0.25
"""Least width of the dots of a dotted grid."""

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]


def rasterise(drawing: Drawing, dpi: float) -> tuple[Picture, PageTruth]:
    """The RGB image `[height, width, 3]` and its truth."""
    ppm = dpi / 25.4
    height, width = round(drawing.height * ppm), round(drawing.width * ppm)
    image, layers = _paper(drawing, ppm, height, width)
    masks = np.zeros((height, width), np.uint16)
    for shade in drawing.shades:
        _shade(image, shade, ppm)
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
    """The sheet with its grid, and the grid's bit.

    Pixel rows that look alike are of one kind, and so are columns: colours are worked out for pairs of kinds only.
    """
    style = drawing.style
    if style.grid == "none":
        row = np.tile(np.asarray(style.background, np.uint8), width)
        return np.tile(row, (height, 1)).reshape(height, width, 3), np.zeros((height, width), np.uint8)
    (fine_x, coarse_x, in_x, at_x), (fine_y, coarse_y, in_y, at_y) = (
        _kinds(drawing, axis, length, ppm) for axis, length in ((0, width), (1, height)))
    inside = np.outer(in_y, in_x)
    light, heavy = np.outer(fine_y, fine_x) * inside, (1.0 - np.outer(1.0 - coarse_y, 1.0 - coarse_x)) * inside
    if style.grid == "lines":
        light = (1.0 - np.outer(1.0 - fine_y, 1.0 - fine_x)) * inside
    elif style.grid == "major":
        light = np.zeros_like(light)
    background, minor, major = (np.asarray(colour, np.float64)
                                for colour in (style.background, style.minor, style.major))
    colours = background + light[..., None] * (minor - background)
    colours += heavy[..., None] * (major - colours)
    marks = np.zeros(inside.shape, np.uint8)
    for cover, mm in ((light, style.minor_mm), (heavy, style.major_mm)):
        marks[(cover > 0) & (cover >= 0.99 * min(_SEEN, mm * ppm / 2))] = LAYERS["grid"]
    rows = np.rint(colours).astype(np.uint8).take(at_x, axis=1).reshape(len(fine_y), -1)
    return rows.take(at_y, axis=0).reshape(height, width, 3), marks.take(at_x, axis=1).take(at_y, axis=0)


def _kinds(drawing: Drawing, axis: int, length: int, ppm: float) -> tuple[Floats, Floats, Floats, NDArray[np.intp]]:
    """Kinds of pixels along an axis: share under 1 mm lines, under 5 mm lines, 1 inside the grid; the kind of each."""
    style, grid = drawing.style, drawing.grid
    weight = max(style.minor_mm, _DOT_MM) if style.grid == "dots" else style.minor_mm
    fine, coarse = (_cover(length, _px(grid.lines(axis, step), ppm), mm * ppm)
                    for step, mm in ((1.0, weight), (5.0, style.major_mm)))
    place = np.arange(length) + 0.5
    inside = (place >= grid.area[axis] * ppm) & (place < grid.area[axis + 2] * ppm)
    steps = np.stack([np.rint(fine * _LEVELS), np.rint(coarse * _LEVELS), inside], axis=-1).astype(np.int64)
    kinds, at = np.unique(steps @ [1_000_000, 1_000, 1], return_inverse=True)
    shares = (kinds // 1_000_000 / _LEVELS, kinds // 1000 % 1000 / _LEVELS, kinds % 1000)
    return (*(share.astype(np.float32) for share in shares), at)  # type: ignore[return-value]


def _blend(image: Picture, at: NDArray[np.intp], cover: Floats, colour: tuple[int, int, int]) -> None:
    """Lay ink over the pixels `at` (places in the flat image), each once."""
    pixels = image.reshape(-1, 3)
    under = pixels.take(at, axis=0).astype(np.float32)
    under += cover[:, None] * (np.asarray(colour, np.float32) - under)
    under += np.float32(0.5)
    pixels[at] = under.astype(np.uint8)


def _shade(image: Picture, shade: Shade, ppm: float) -> None:
    """Tint an area, to whole pixels."""
    x0, y0, x1, y1 = (max(0, round(edge * ppm)) for edge in shade.area)
    part = image[y0:y1, x0:x1]
    levels = np.arange(256) * (1 - shade.opacity)
    for channel, tint in enumerate(shade.colour):
        part[..., channel] = np.rint(levels + tint * shade.opacity).astype(np.uint8)[part[..., channel]]


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
        spans = [(max(0, int(np.floor(a[i] + 0.5))), max(0, min(n, int(np.ceil(b[i] + 0.5)))))  # beyond the sheet: none
                 for i, n in ((0, cover.shape[1]), (1, cover.shape[0]))]
        x, y = (np.clip(np.minimum(np.arange(p, q) + 0.5, b[i]) - np.maximum(np.arange(p, q) - 0.5, a[i]), 0, 1)
                for i, (p, q) in enumerate(spans))
        part = cover[slice(*spans[1]), slice(*spans[0])]
        np.maximum(part, np.outer(y, x), out=part)
    y, x = np.nonzero(cover > _FAINT)
    share = cover[y, x]
    at = (y + low[1]) * width + x + low[0]
    _blend(image, at, share, rule.colour)
    layers.reshape(-1)[at[share >= seen]] |= bit


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
    at = (y + y0) * layers.shape[1] + x + x0
    _blend(image, at, cover, words.colour)
    layers.reshape(-1)[at[cover >= _SEEN]] |= np.uint8(LAYERS["text"])
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
    # Absurd amplitudes must not cost the memory of their ink beyond the sheet.
    y, x, cover = _filled(*(np.clip(edge, -2, height + 1) for edge in
                            _envelopes(points, radius, left - 0.5, columns * SUB)))
    x += left
    keep = cover > _FAINT
    if left < 0 or left + columns > width or y.min() < 0 or y.max() >= height:
        keep &= (y >= 0) & (y < height) & (x >= 0) & (x < width)
    at, cover = (y * width + x)[keep], cover[keep]
    _blend(image, at, cover, colour)
    masks.reshape(-1)[at[cover >= 0.99 * min(_SEEN, radius)]] |= np.uint16(bit)


def _envelopes(points: Points, radius: float, x0: float, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Upper and lower edge (smallest and largest y) of the stroke in `count` sub-columns from `x0` on [px].

    Where the pen does not reach they are inf and -inf.
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
    return upper, lower


def _filled(top: NDArray[np.float64], bottom: NDArray[np.float64]
            ) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Row, column and covered share of every pixel that lies between top and bottom of its sub-columns."""
    top, bottom = top.reshape(-1, SUB), bottom.reshape(-1, SUB)
    reached = np.flatnonzero((top <= bottom).any(axis=1))
    top, bottom = top[reached], bottom[reached]
    first = np.floor(top.min(axis=1) + 0.5).astype(np.intp)
    count = np.floor(bottom.max(axis=1) + 0.5).astype(np.intp) - first + 1
    entry = np.repeat(np.arange(len(reached)), count)
    y = np.arange(len(entry)) - (np.cumsum(count) - count - first)[entry]
    # Edges relative to the pixel, so that single precision is enough.
    cover = np.zeros(len(entry), np.float32)
    upper, lower = (np.ascontiguousarray((edge - first[:, None]).T, np.float32) for edge in (top, bottom))
    inner = (y - first[entry]).astype(np.float32)
    for k in range(SUB):
        seen = np.minimum(lower[k].take(entry) - inner, np.float32(0.5))
        seen -= np.maximum(upper[k].take(entry) - inner, np.float32(-0.5))
        cover += np.maximum(seen, np.float32(0.0))
    return y, reached[entry], cover / np.float32(SUB)
