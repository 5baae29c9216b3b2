"""Wear of crops, and further words scattered over them.

The renderer's pages have a dozen lead names each; scattered ones teach every spelling in every font at any place, and
words that look like names teach what is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.digitize.segment import CELL, NAMES, TOKENS
from ecground.digitize.sheet import PX_PER_MM
from ecground.paper.fonts import ink
from ecground.train.segment_data import MARKS, Crop, Spot

__all__ = ["chatter", "ruled", "scattered", "worn"]

Rng = np.random.Generator
Picture = NDArray[np.uint8]

_SPELLINGS: Final = {
    "I": ("I", "I", "I", "DI", "D1", "Lead I"), "II": ("II", "II", "II", "DII", "D2", "Lead II"),
    "III": ("III", "III", "III", "DIII", "D3"), "aVR": ("aVR", "aVR", "AVR", "avR", "aVr"),
    "aVL": ("aVL", "aVL", "AVL", "avL", "aVl"), "aVF": ("aVF", "aVF", "AVF", "avF", "aVf"),
    "-aVR": ("-aVR", "-aVR", "-AVR", "\N{MINUS SIGN}aVR"),
    **{f"V{i}": (f"V{i}", f"V{i}", f"V{i}", f"v{i}", f"C{i}") for i in range(1, 7)},
}
_NOTES: Final = {
    "speed": ("{:g} mm/s", "{:g}mm/s", "{:g} mm/sec", "{:g}mm/sec.", "{:g} MM/SEC", "{:.1f} mm/s", "{:g}mm/Sek"),
    "gain": ("{:g} mm/mV", "{:g}mm/mV", "{:.1f} mm/mV", "{:g} MM/MV", "{:g} mm/mv"),
}
_WORDS: Final = (
    "HR 72 bpm", "Vent. rate 64 BPM", "PR interval 162 ms", "QRS duration 98 ms", "QT/QTc 402/418 ms",
    "P-R-T axes 45 12 38", "Sinus rhythm", "Normal ECG", "Abnormal ECG", "T wave inversion in III, aVF",
    "ST elevation V1-V3", "Q waves in II III aVF", "Low voltage V4 V5 V6", "Left axis deviation", "Inferior infarct",
    "0.05-150 Hz", "0.5-40Hz", "60Hz", "50~", "F 35Hz", "ID: 004512", "Name:", "Age 56", "Male", "Technician:",
    "Room 12", "12-MAR-2019", "09:41:27", "Page 1/1", "Auto", "Unconfirmed", "Dr.", "Rhythm", "1 mV", "12SL", "V", "aV",
    "mm", "mV", "25", "10", "IV", "VI", "II/III", "LBBB", "AF", "Limb", "Chest", "R", "L", "F", "N", "A", "1", "l", "|",
    "---", "Block", "C", "RA", "LA", "V7", "V3R", "V4R", "A 1", "* *", "x10", "bpm", "/min", "sec",
)


def chatter(rng: Rng) -> str:
    """A few words as they stand on ECG pages: no lead name, no speed or gain."""
    return str(rng.choice(_WORDS))


def scattered(crop: Crop, fonts: Sequence[str], rng: Rng, *, more: float = 8.0) -> Crop:
    """The crop with lead names, notes and other words printed at random places: 3, and about `more`."""
    image, marks = crop.image.copy(), crop.marks.copy()
    spots = list(crop.spots)
    darkness = rng.uniform(0, 110, 3) * rng.random()
    font = str(rng.choice(list(fonts)))
    for _ in range(min(30, int(3 + rng.exponential(more)))):
        if rng.random() < 0.2:
            font = str(rng.choice(list(fonts)))
        kind, words = _drawn(rng)
        size = round(float(rng.uniform(2.0, 5.0)) * PX_PER_MM)
        cover = _cover(words, font, size)
        height, width = cover.shape
        room = image.shape[0] - height, image.shape[1] - width
        if not cover.size or min(room) < 1:
            continue
        y0, x0 = (int(rng.integers(0, free)) for free in room)
        x, y = x0 + (width - 1) / 2, y0 + (height - 1) / 2
        if any(abs(x - s.x) < width / 2 + 40 and abs(y - s.y) < height / 2 + 32 for s in spots):
            continue
        part = image[y0:y0 + height, x0:x0 + width]
        part[:] = np.rint(part + cover[..., None] * np.minimum(darkness - part, 0))
        marks[y0 // CELL:(y0 + height) // CELL + 1, x0 // CELL:(x0 + width) // CELL + 1] |= _text_cells(cover, y0, x0)
        if kind is not None:
            spots.append(Spot(kind, x, y))
    return replace(crop, image=image, marks=marks, spots=tuple(spots))


def _drawn(rng: Rng) -> tuple[int | None, str]:
    """Kind of a spot (None: no name) and how it is written."""
    what = rng.random()
    if what < 0.6:
        kind = int(rng.integers(len(NAMES)))
        return kind, str(rng.choice(_SPELLINGS[NAMES[kind]]))
    if what < 0.75:
        kind = int(rng.integers(len(TOKENS)))
        unit, value = TOKENS[kind]
        return len(NAMES) + kind, str(rng.choice(_NOTES[unit])).format(value)
    return None, chatter(rng)


def _cover(words: str, font: str, size: int) -> NDArray[np.float32]:
    patch, _, _ = ink(words, font, float(size))
    return patch.astype(np.float32) / np.float32(255.0)


def _text_cells(cover: NDArray[np.float32], y0: int, x0: int) -> Picture:
    """Bit of text in the cells that a patch at (x0, y0) touches."""
    height, width = cover.shape
    rows, columns = (y0 + height) // CELL - y0 // CELL + 1, (x0 + width) // CELL - x0 // CELL + 1
    whole = np.zeros((rows * CELL, columns * CELL), bool)
    whole[y0 % CELL:y0 % CELL + height, x0 % CELL:x0 % CELL + width] = cover > 0.5
    cells = whole.reshape(rows, CELL, columns, CELL).any(axis=(1, 3))
    return np.where(cells, np.uint8(1 << MARKS.index("text")), np.uint8(0))


def ruled(crop: Crop, rng: Rng) -> Crop:
    """The crop with solid, dashed or dotted rules across it, as between the columns of some printers."""
    image, marks = crop.image.copy(), crop.marks.copy()
    for _ in range(int(rng.integers(1, 3))):
        upright = rng.random() < 0.7
        long, wide = image.shape[:2] if upright else image.shape[1::-1]
        width, at = int(rng.integers(1, 4)), int(rng.integers(4, wide - 4))
        dash = int(rng.integers(2, 24))
        period = dash + (int(rng.integers(2, 16)) if rng.random() < 0.7 else 0)
        along = np.arange(long)
        along = along[along % period < dash]
        across = np.arange(at, at + width)
        rows, columns = (along[:, None], across) if upright else (across[:, None], along)
        image[rows, columns] = np.rint(image[rows, columns] * rng.uniform(0.05, 0.6)).astype(np.uint8)
        marks[rows // CELL, columns // CELL] |= np.uint8(1 << MARKS.index("separator"))
    return replace(crop, image=image, marks=marks)


def worn(image: Picture, rng: Rng, *, severity: float) -> Picture:
    """The image after wear drawn at random, each kind the likelier and stronger the larger `severity` (0..1)."""
    for chance, wear in _WEAR:
        if rng.random() < chance * min(1.0, 0.3 + severity):
            image = wear(image, rng, severity)
    return image


def _coarse(image: Picture, rng: Rng, severity: float) -> Picture:
    """Taken at a lower resolution: 3.4 px/mm at worst."""
    import cv2

    share = float(rng.uniform(1 - 0.58 * severity, 1.0))
    small = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    how = (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(rng.integers(2))]
    return np.asarray(cv2.resize(small, image.shape[1::-1], interpolation=how), np.uint8)


def _blurred(image: Picture, rng: Rng, severity: float) -> Picture:
    import cv2

    return np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.3, 0.4 + 1.4 * severity))), np.uint8)


def _shaken(image: Picture, rng: Rng, severity: float) -> Picture:
    import cv2

    length = int(rng.integers(2, 3 + round(5 * severity)))
    kernel = np.zeros((9, 9), np.float32)
    angle = rng.uniform(0, np.pi)
    for t in np.linspace(-length / 2, length / 2, 17):
        kernel[round(4 + t * np.sin(angle)), round(4 + t * np.cos(angle))] = 1.0
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def _lit(image: Picture, rng: Rng, severity: float) -> Picture:
    """Uneven light: smooth, or with the edge of a shadow."""
    import cv2

    field = rng.uniform(1 - 0.6 * severity, 1 + 0.15 * severity, (4, 4)).astype(np.float32)
    gain = cv2.resize(field, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.3:
        y, x = np.mgrid[:image.shape[0], :image.shape[1]].astype(np.float32)
        angle, at = rng.uniform(0, 2 * np.pi), rng.uniform(-100, 100)
        side = (x - image.shape[1] / 2) * np.cos(angle) + (y - image.shape[0] / 2) * np.sin(angle) - at
        gain *= (1 - rng.uniform(0.1, 0.5) * severity / (1 + np.exp(-side / rng.uniform(1, 20)))).astype(np.float32)
    return _clipped(image * gain[..., None])


def _tinted(image: Picture, rng: Rng, severity: float) -> Picture:
    return _clipped(image * rng.uniform(1 - 0.35 * severity, 1 + 0.1 * severity, 3))


def _bent_tones(image: Picture, rng: Rng, severity: float) -> Picture:
    table = 255 * np.linspace(0, 1, 256) ** np.exp(rng.uniform(-0.8, 0.8) * severity)
    return np.rint(table).astype(np.uint8)[image]


def _faded(image: Picture, rng: Rng, severity: float) -> Picture:
    """Less contrast, on a lighter or darker ground."""
    keep = rng.uniform(1 - 0.65 * severity, 1.0)
    return _clipped(image * keep + rng.uniform(0.3, 1.0) * 255 * (1 - keep))


def _grey(image: Picture, rng: Rng, severity: float) -> Picture:
    weights = rng.dirichlet((3, 6, 2))
    return _clipped(np.repeat((image @ weights)[..., None], 3, axis=2))


def _noisy(image: Picture, rng: Rng, severity: float) -> Picture:
    """Sensor noise, fine or as large as a low-resolution original's pixels."""
    import cv2

    grain = float(rng.uniform(1.0, 2.5))
    shape = tuple(round(n / grain) for n in image.shape[:2])
    noise = rng.standard_normal((*shape, 3), np.float32) * np.float32(rng.uniform(1, 4 + 22 * severity))
    if rng.random() < 0.5:
        noise[...] = noise[..., :1]
    return _clipped(image + cv2.resize(noise, image.shape[1::-1]))


def _compressed(image: Picture, rng: Rng, severity: float) -> Picture:
    import cv2

    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(90 - round(72 * severity), 95))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _two_tones(image: Picture, rng: Rng, severity: float) -> Picture:
    """Fax or bilevel scan: black below a threshold between the darkest and the usual brightness."""
    grey = image.mean(axis=2)
    low, usual = np.percentile(grey, (0.5, 60))
    black = grey < low + rng.uniform(0.45, 0.8) * (usual - low)
    return np.repeat(np.where(black, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _scribbled(image: Picture, rng: Rng, severity: float) -> Picture:
    """Strokes of a pen, or a crease: long lines that are no traces."""
    import cv2

    drawn = image.copy()
    for _ in range(int(rng.integers(1, 4))):
        steps = rng.normal(0, 1, (40, 2)).cumsum(axis=0).cumsum(axis=0) * rng.uniform(0.05, 1.0)
        points = steps + np.linspace(0, 1, 40)[:, None] * rng.normal(0, 250, 2) + rng.uniform(0, image.shape[0], 2)
        colour = rng.uniform(0, 170, 3).tolist()
        path = np.rint(np.clip(points, -5000, 5000) * 16).astype(np.int32)
        cv2.polylines(drawn, [path], False, colour, int(rng.integers(1, 5)), cv2.LINE_AA, shift=4)
    return drawn


def _clipped(image: NDArray[np.floating]) -> Picture:
    return np.rint(image).clip(0, 255).astype(np.uint8)


_WEAR: Final[tuple[tuple[float, Callable[[Picture, Rng, float], Picture]], ...]] = (
    (0.12, _scribbled), (0.5, _coarse), (0.35, _blurred), (0.1, _shaken), (0.5, _lit), (0.5, _tinted),
    (0.4, _bent_tones), (0.4, _faded), (0.25, _grey), (0.6, _noisy), (0.06, _two_tones), (0.6, _compressed),
)
