"""`PageTruth` <-> JSON (`ecground/page/1`), complete but for the masks, which are images (see `files`).

Traces and the lattice are whole numbers of 1/100 px, so nothing moves by more than 0.005 px: `x` and `y` hold the first
position and then steps from each sample to the next. Where samples are evenly spaced, as on every page that was not
distorted, `line` is the first x and the distance [px] instead of `x`. `gaps` are runs `[first, after last]` of samples
whose y is unknown. `overlaps` says which leads share pixels; it follows from the masks and is not read back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import CorruptInputError, UnsafeInputError
from ecground.paper.overlap import overlaps
from ecground.paper.page import LeadTruth, PageTruth, Points, PulseTruth, TextTruth

__all__ = ["SCHEMA", "dumps", "loads"]

SCHEMA: Final = "ecground/page/1"
_STEP: Final = 0.01
"""Unit of the positions of traces and lattice [px]."""
_MOST_PIXELS: Final = 200_000_000


def dumps(truth: PageTruth) -> str:
    """One line of JSON."""
    height, width = truth.masks.shape
    whole = {
        "schema": SCHEMA, "layout": truth.layout, "fs": truth.fs, "mm_per_s": truth.mm_per_s,
        "mm_per_mv": truth.mm_per_mv, "px_per_mm": list(truth.px_per_mm), "size": [width, height],
        "leads": [_lead(lead) for lead in truth.leads],
        "pulses": [{"row": pulse.row, "mv": pulse.mv, "trace": _rounded(pulse.trace)} for pulse in truth.pulses],
        "texts": [{"kind": text.kind, "words": text.words, "quad": _rounded(text.quad)} for text in truth.texts],
        "overlaps": [{"leads": list(pair.leads), "pixels": pair.pixels,
                      "box": [pair.box.x0, pair.box.y0, pair.box.x1, pair.box.y1]} for pair in overlaps(truth)],
        "corners": _rounded(truth.corners),
        "lattice": {"rows": truth.lattice.shape[0], **_packed(truth.lattice.reshape(-1, 2))},
        "hidden": [_rounded(polygon) for polygon in truth.hidden],
        "recipe": [dict(step) for step in truth.recipe],
    }
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"), default=_plain)


def loads(text: str | bytes, *, masks: NDArray[np.uint16] | None = None, layers: NDArray[np.uint8] | None = None,
          where: str = "page truth") -> PageTruth:
    """The truth in `text`, with the masks given beside it (blank ones when None).

    Raises:
        CorruptInputError: not JSON, not of this schema, or contradicting the masks.
        UnsafeInputError: too large or too deep.
    """
    whole = safe.json_value(text, where=where)
    try:
        if whole["schema"] != SCHEMA:
            raise CorruptInputError(f"not {SCHEMA}", where=where)
        width, height = (int(n) for n in whole["size"])
        if min(width, height) <= 0 or width * height > _MOST_PIXELS:
            raise UnsafeInputError(f"a page of {width} x {height} px", where=where)
        for array in (masks, layers):
            if array is not None and array.shape != (height, width):
                raise CorruptInputError(f"masks of {array.shape} for a page of {width} x {height} px", where=where)
        scale = [float(value) for value in whole["px_per_mm"]]
        lattice = _unpacked(whole["lattice"])
        return PageTruth(
            layout=str(whole["layout"]), fs=float(whole["fs"]), mm_per_s=float(whole["mm_per_s"]),
            mm_per_mv=float(whole["mm_per_mv"]), px_per_mm=(scale[0], scale[1]),
            leads=tuple(_read_lead(lead) for lead in whole["leads"]),
            pulses=tuple(PulseTruth(_points(pulse["trace"]), int(pulse["row"]), float(pulse["mv"]))
                         for pulse in whole["pulses"]),
            texts=tuple(TextTruth(str(text["kind"]), str(text["words"]), _points(text["quad"]))
                        for text in whole["texts"]),
            corners=_points(whole["corners"]),
            lattice=lattice.reshape(int(whole["lattice"]["rows"]), -1, 2),
            masks=np.zeros((height, width), np.uint16) if masks is None else masks,
            layers=np.zeros((height, width), np.uint8) if layers is None else layers,
            hidden=tuple(_points(polygon) for polygon in whole["hidden"]),
            recipe=tuple(dict(step) for step in whole["recipe"]),
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CorruptInputError(f"not the truth of a page ({type(error).__name__})", where=where) from None


def _lead(lead: LeadTruth) -> dict[str, Any]:
    return {
        "lead": lead.lead, "start": lead.start, "mm_per_mv": lead.mm_per_mv, "row": lead.row, "column": lead.column,
        "rhythm": lead.rhythm, "region": _rounded(lead.region), "baseline": _rounded(lead.baseline),
        "name": None if lead.name is None else _rounded(lead.name), "trace": _packed(lead.trace),
    }


def _read_lead(entry: Mapping[str, Any]) -> LeadTruth:
    return LeadTruth(
        lead=str(entry["lead"]), start=int(entry["start"]), trace=_unpacked(entry["trace"]),
        region=_points(entry["region"]), baseline=_points(entry["baseline"]), mm_per_mv=float(entry["mm_per_mv"]),
        name=None if entry["name"] is None else _points(entry["name"]), row=int(entry["row"]),
        column=int(entry["column"]), rhythm=bool(entry["rhythm"]),
    )


def _packed(points: Points) -> dict[str, Any]:
    seen: NDArray[np.bool_] = np.isfinite(points[:, 0] + points[:, 1])
    edges = np.flatnonzero(np.diff(np.concatenate([[True], seen, [True]]).astype(np.int8)))
    packed: dict[str, Any] = {"gaps": edges.reshape(-1, 2).tolist()} if len(edges) else {}
    line = _line(points[:, 0])
    if line is None:
        packed["x"] = _steps(np.nan_to_num(points[:, 0]))
    else:
        packed["line"] = line
    packed["y"] = _steps(np.where(seen, points[:, 1], 0.0))
    return packed


def _line(x: NDArray[np.float64]) -> list[float] | None:
    """First value and distance when all values are on one line."""
    if len(x) < 2:
        return None
    step = (x[-1] - x[0]) / (len(x) - 1)
    even = np.abs(x - (x[0] + step * np.arange(len(x)))).max() < _STEP / 4
    return [round(float(x[0]), 4), round(float(step), 9)] if even else None


def _steps(values: NDArray[np.float64]) -> list[int]:
    whole = np.rint(values / _STEP).astype(np.int64)
    steps: list[int] = np.diff(whole, prepend=0).tolist()
    return steps


def _unpacked(packed: Mapping[str, Any]) -> Points:
    y = np.cumsum(np.array(packed["y"], dtype=np.float64)) * _STEP
    if "line" in packed:
        first, step = (float(value) for value in packed["line"])
        x = first + step * np.arange(len(y))
    else:
        x = np.cumsum(np.array(packed["x"], dtype=np.float64)) * _STEP
    points = np.stack([x, y], axis=-1)
    for begin, end in packed.get("gaps", ()):
        points[int(begin) : int(end), 1] = np.nan
    return points


def _rounded(points: Points) -> list[Any]:
    """Nested lists to 1/1000 px."""
    rounded: list[Any] = np.round(points, 3).tolist()
    return rounded


def _points(values: object) -> Points:
    points = np.array(values, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError("positions are pairs")
    return points


def _plain(value: object) -> object:
    """NumPy values in recipes."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} in a recipe")
