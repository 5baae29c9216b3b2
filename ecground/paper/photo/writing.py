"""What people add to a page: handwritten notes and marks, and rubber stamps; each becomes a text of the truth."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecground.paper.fonts import ink
from ecground.paper.page import LAYERS, Points, TextTruth
from ecground.paper.photo.shot import Distortion, Shot, Values
from ecground.paper.photo.texture import clouds

__all__ = ["HANDWRITING", "STAMP"]

_NOTES: Final = (
    "dr weber", "seen 14/3", "ok", "rpt ecg", "af?", "bp 140/85", "nad", "k 5.9", "chest pain", "pre op", "st elev?",
    "old mi", "compare w. prev", "hr 72", "bed 7", "sinus", "lbbb new?", "urgent", "filed", "3 pm", "pain free",
)
_STAMPS: Final = ("COPY", "RECEIVED", "SCANNED", "CARDIOLOGY", "REVIEWED", "12 MAR 2019", "WARD 4", "FILE", "URGENT")
_PENS: Final = ((25, 35, 120), (20, 20, 25), (150, 25, 30), (20, 90, 50), (60, 60, 65))
_INKS: Final = ((40, 60, 150), (170, 40, 50), (95, 50, 130), (40, 40, 45))

_STROKES: Final = {
    "a": "432304051626454346", "b": "0006 042344452605", "c": "442304052645", "d": "4323040526454046",
    "e": "0444331304052645", "f": "41302126 0343", "g": "43230405264543482908", "h": "0006 04234346", "i": "0306 0102",
    "j": "23281908 2122", "k": "0006 330536", "l": "00051626", "m": "0306 04132426 24334446", "n": "0306 04234446",
    "o": "23040526454423", "p": "0309 042344452605", "q": "4323040526454349", "r": "0306 042333", "s": "43130424453606",
    "t": "20253646 0343", "u": "03051626454346", "v": "032643", "w": "0316243643", "x": "0346 4306",
    "y": "032543 431808", "z": "03430646", "0": "20010526454120", "1": "022026", "2": "0120410646",
    "3": "004023452605", "4": "300444 3036",
    "5": "40000232443606", "6": "30030526453304", "7": "004016", "8": "220120412205264522", "9": "4222012041 4136",
    ".": "2526", "/": "4006", "?": "0120412324 2526", "-": "0444",
}
"""Letters as strokes of points `xy`: x 0..4, y 0 at the ascender, 6 on the line, 9 at the descender."""


def _draw_handwriting(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    width, height = shot.size_mm
    pen = _PENS[int(rng.integers(len(_PENS)))]
    notes = []
    for _ in range(int(rng.integers(1, 2 + round(4 * severity)))):
        kind = str(rng.choice(("words", "words", "circle", "arrow", "underline")))
        notes.append({
            "kind": kind, "words": str(rng.choice(_NOTES)) if kind == "words" else "",
            "x": float(rng.uniform(-0.45, 0.4) * width), "y": float(rng.uniform(-0.45, 0.45) * height),
            "size_mm": float(rng.uniform(3, 8) if kind == "words" else rng.uniform(10, 35)),
            "deg": float(rng.normal(0, 5)), "slant": float(rng.uniform(-0.1, 0.5)),
        })
    return {"notes": notes, "pen": list(pen), "pen_mm": float(rng.uniform(0.3, 0.9)),
            "shaky": float(rng.uniform(0.2, 1))}


def _handwriting(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    for note in values["notes"]:
        strokes = _written(note["words"], values["shaky"], rng) if note["words"] else _mark(note["kind"], rng)
        angle = np.deg2rad(note["deg"])
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        lean = np.array([[1, -note["slant"] if note["words"] else 0], [0, 1]])
        to_mm = note["size_mm"] * turn @ lean
        placed = [shot.px(stroke @ to_mm.T + (note["x"], note["y"])) for stroke in strokes]
        flat = np.concatenate([stroke @ lean.T for stroke in strokes])
        (x0, y0), (x1, y1) = flat.min(axis=0), flat.max(axis=0)
        box = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
        quad = shot.px(note["size_mm"] * box @ turn.T + (note["x"], note["y"]))
        coverage, corner = _pen(placed, max(1.0, values["pen_mm"] * shot.px_per_mm))
        shot = _inked(shot, coverage, corner, values["pen"], TextTruth("handwriting", note["words"], quad))
    return shot


def _written(words: str, shaky: float, rng: np.random.Generator) -> list[Points]:
    """Strokes of words, 1 high from the line to the ascender."""
    strokes, x = [], 0.0
    for letter in words:
        for stroke in _STROKES.get(letter, "").split():
            points = np.array([(int(a), int(b)) for a, b in zip(stroke[::2], stroke[1::2], strict=True)], dtype=float)
            points = (points - (0, 6)) / 6 * (0.8, 1) + shaky * rng.normal(0, 0.045, points.shape)
            strokes.append(_rounded(points) + np.array([x, shaky * 0.04 * rng.normal()]))
        x += 0.35 if letter in " .il/" else 0.78 + 0.06 * rng.normal()
    return strokes


def _mark(kind: str, rng: np.random.Generator) -> list[Points]:
    """A circle, arrow or line, about 1 long."""
    if kind == "circle":
        t = np.linspace(0, 2 * np.pi * rng.uniform(0.95, 1.15), 40) + rng.uniform(0, 6)
        wobble = 1 + 0.06 * np.sin(2 * t + rng.uniform(0, 6))
        return [np.column_stack([0.5 * np.cos(t) * wobble, 0.5 * rng.uniform(0.4, 1) * np.sin(t) * wobble])]
    line = _rounded(np.array([[0, 0], [0.5, 0.04 * rng.normal()], [1, 0.05 * rng.normal()]]))
    if kind == "underline":
        return [line]
    turn = rng.uniform(0, 2 * np.pi)
    way = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    head = np.array([[0.8, -0.12], [1, 0], [0.8, 0.12]]) + np.array([0, line[-1, 1]])
    return [line @ way.T, head @ way.T]


def _rounded(points: Points) -> Points:
    """Corners cut twice, as a quick hand does (Chaikin, 1974)."""
    for _ in range(2):
        if len(points) < 3:
            break
        a, b = points[:-1], points[1:]
        inner = np.stack([0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b], axis=1).reshape(-1, 2)
        points = np.concatenate([points[:1], inner, points[-1:]])
    return points


def _pen(strokes: list[Points], width_px: float) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Coverage of strokes [px] and where its first pixel lies (x, y)."""
    import cv2

    flat = np.concatenate(strokes)
    low = np.floor(flat.min(axis=0) - width_px - 2).astype(int)
    size = np.ceil(flat.max(axis=0) + width_px + 3).astype(int) - low
    coverage = np.zeros((int(size[1]), int(size[0])), np.uint8)
    for stroke in strokes:
        line = [np.round((stroke - low) * 16).astype(np.int32)]
        cv2.polylines(coverage, line, False, (255,), max(1, round(width_px)), cv2.LINE_AA, 4)
    return coverage, (int(low[0]), int(low[1]))


def _draw_stamp(rng: np.random.Generator, severity: float, shot: Shot) -> Values:
    width, height = shot.size_mm
    return {"words": str(rng.choice(_STAMPS)), "frame": str(rng.choice(("box", "double", "none"))),
            "size_mm": float(rng.uniform(4, 7 + 5 * severity)), "deg": float(rng.normal(0, 12)),
            "x": float(rng.uniform(-0.35, 0.35) * width), "y": float(rng.uniform(-0.35, 0.35) * height),
            "ink": list(_INKS[int(rng.integers(len(_INKS)))]), "worn": float(rng.uniform(0.1, 0.4 + 0.4 * severity))}


def _stamp(shot: Shot, values: Values, rng: np.random.Generator) -> Shot:
    """Words in a frame, unevenly inked and not quite straight."""
    import cv2

    letters, _, _ = ink(values["words"], "aileron", values["size_mm"] * shot.px_per_mm)
    pad = max(3, round(0.45 * letters.shape[0]))
    plate = np.pad(letters, pad)
    weight = max(1, round(0.5 * shot.px_per_mm))
    height, width = plate.shape
    if values["frame"] != "none":
        cv2.rectangle(plate, (weight, weight), (width - weight - 1, height - weight - 1), 255, weight)
    if values["frame"] == "double":
        inset = 3 * weight
        cv2.rectangle(plate, (inset, inset), (width - inset - 1, height - inset - 1), 255, 1)
    worn = (1 - values["worn"] * (0.5 + 0.5 * clouds(rng, plate.shape, 12, 5)).clip(0, 1.2)).clip(0, 1)
    plate = (plate * worn).astype(np.uint8)
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -values["deg"], 1.0)
    corners = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], dtype=float)
    turned = corners @ turn[:, :2].T + turn[:, 2]
    low = np.floor(turned.min(axis=0)).astype(int)
    side = np.ceil(turned.max(axis=0)).astype(int) - low + 1
    turn[:, 2] -= low
    coverage = cv2.warpAffine(plate, turn, (int(side[0]), int(side[1])))
    at = np.round(shot.px(np.array([values["x"], values["y"]])) - side / 2).astype(int)
    quad = turned - low + at
    return _inked(shot, coverage, (int(at[0]), int(at[1])), values["ink"], TextTruth("stamp", values["words"], quad))


def _inked(
    shot: Shot, coverage: NDArray[np.uint8], corner: tuple[int, int], colour: list[int], text: TextTruth,
) -> Shot:
    """Ink laid over the sheet (it darkens what is below), in the layers and texts of the truth as well."""
    height, width = shot.image.shape[:2]
    x0, y0 = max(0, corner[0]), max(0, corner[1])
    part = coverage[y0 - corner[1]:max(0, height - corner[1]), x0 - corner[0]:max(0, width - corner[0])]
    if not part.size:
        return shot
    area = np.s_[y0:y0 + part.shape[0], x0:x0 + part.shape[1]]
    image, layers = shot.image.copy(), shot.truth.layers.copy()
    share = part[..., None].astype(np.float32) / 255
    image[area] = (image[area] * (1 - share * (1 - np.array(colour, np.float32) / 255))).astype(np.uint8)
    layers[area] |= np.where(part > 110, LAYERS["text"], 0).astype(np.uint8)
    return replace(shot, image=image, truth=replace(shot.truth, layers=layers, texts=(*shot.truth.texts, text)))


HANDWRITING = Distortion(_draw_handwriting, on_paper=_handwriting)
STAMP = Distortion(_draw_stamp, on_paper=_stamp)
