"""The kinds of data set: a function each, from one recording to the files of its samples.

`digitization`, `detection`, `segmentation` and `overlap` are the four data sets of Rahimi, Karbasi et al. (2025,
arXiv 2506.10617) with exact truth; `meeti` has the parts of MEETI (2025, arXiv 2507.15255): signal, image, values of
every beat in every lead, room for text, under one id; `pages` has any page, also photographed, with all truth.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ecground.errors import EcgroundError
from ecground.paper.datasets.crop import crops, shared_ink, signals
from ecground.paper.datasets.source import Item
from ecground.paper.draw import render
from ecground.paper.export.detection import yolo
from ecground.paper.export.files import png
from ecground.paper.export.truth import dumps
from ecground.paper.layout import LAYOUTS
from ecground.paper.page import Page
from ecground.paper.photo import RECIPES, photograph
from ecground.paper.style import Style, draw_style
from ecground.record import Record

if TYPE_CHECKING:
    from ecground.measure.table import Measurements

__all__ = ["KINDS", "Looks", "NoOverlapError", "Sample", "looks_of", "meeti_sample", "page_of"]

_LEAST_OVERLAP: Final = 12
"""Pixels of shared ink from which two traces count as crossing."""
_DISCLAIMER: Final = "research use, not a medical device"


class NoOverlapError(EcgroundError):
    """The traces of a recording do not cross one another, however close the rows."""

    code = "no_overlap"


@dataclass(frozen=True, slots=True)
class Looks:
    """How pages are made."""

    layouts: tuple[str, ...] = tuple(LAYOUTS)
    """Names of layouts; one is drawn for each page."""
    recipes: tuple[str, ...] = ()
    """Recipes of photographs, drawn likewise; `none` leaves the page as rendered, and so does an empty tuple."""
    dpi: float = 200.0
    plain: bool = False
    """One plain style instead of random ones."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of a data set."""

    key: str
    files: Mapping[str, bytes]
    """File suffix (`png`, `mask.png`, `json`) -> content."""


Make = Callable[[Item, Looks, np.random.Generator], list[Sample]]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def page_of(record: Record, looks: Looks, rng: np.random.Generator, row_mm: float | None = None) -> Page:
    """A page in one of the layouts; rows `row_mm` apart, when told, with nothing cut."""
    style = Style() if looks.plain else draw_style(rng)
    if row_mm is not None:
        style = replace(style, row_mm=row_mm, clip_mm=None)
    return render(record, layout=str(rng.choice(looks.layouts)), style=style, dpi=looks.dpi)


def _photo(page: Page, looks: Looks, rng: np.random.Generator) -> Page:
    recipe = str(rng.choice(looks.recipes)) if looks.recipes else "none"
    return page if recipe == "none" else photograph(page, recipe, rng)


def _picture(page: Page) -> dict[str, bytes]:
    """Rendered pages as PNG; photographs, noisy and lossy already, as JPEG of high quality."""
    if page.truth is None or not page.truth.recipe:
        return {"png": png(page.image, dpi=page.dpi)}
    import cv2

    _, data = cv2.imencode(".jpg", page.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    return {"jpg": bytes(data)}


def digitization(item: Item, looks: Looks, rng: np.random.Generator) -> list[Sample]:
    """A page and the signals printed on it."""
    page = page_of(item.load(), looks, rng)
    assert page.truth is not None
    about = {"id": item.id, **item.about, **signals(page.truth)}
    photo = _photo(page, looks, rng)
    assert photo.truth is not None
    about["recipe"] = [dict(step) for step in photo.truth.recipe]
    return [Sample(item.id, {**_picture(photo), "json": _json(about)})]


def detection(item: Item, looks: Looks, rng: np.random.Generator) -> list[Sample]:
    """A page and the boxes of its lead regions (class 0) and the names of the 12 leads (1 to 12), YOLO."""
    page = _photo(page_of(item.load(), looks, rng), looks, rng)
    assert page.truth is not None
    about = {"id": item.id, **item.about, "layout": page.truth.layout}
    return [Sample(item.id, {**_picture(page), "txt": yolo(page.truth).encode(), "json": _json(about)})]


def segmentation(item: Item, looks: Looks, rng: np.random.Generator) -> list[Sample]:
    """Each lead by itself: image, mask of its ink, signal."""
    return _crops_of(item, page_of(item.load(), looks, rng), crossed=False)


def overlap(item: Item, looks: Looks, rng: np.random.Generator) -> list[Sample]:
    """The leads that other leads cross: image, the clean mask of the lead, the ink of the others, signal.

    Rows move closer until traces cross.
    """
    record = item.load()
    state = rng.bit_generator.state
    for row_mm in (22.0, 15.0, 11.0, 8.0, 6.0):
        rng.bit_generator.state = state
        samples = _crops_of(item, page_of(record, looks, rng, row_mm * float(rng.uniform(0.8, 1.1))), crossed=True)
        if samples:
            return samples
    raise NoOverlapError("no traces cross, however close the rows", where=item.id)


def _crops_of(item: Item, page: Page, *, crossed: bool) -> list[Sample]:
    assert page.truth is not None
    samples = []
    for number, crop in enumerate(crops(page)):
        shared = shared_ink(crop)
        if (crossed and shared < _LEAST_OVERLAP) or not crop.mask.any():
            continue
        about = {"id": item.id, **item.about, "origin_px": list(crop.origin), "shared_ink_px": shared,
                 **signals(page.truth, crop.lead)}
        files = {"png": png(crop.image, dpi=page.dpi), "mask.png": png(crop.mask), "json": _json(about)}
        if crossed:
            files["others.png"] = png(crop.others)
        samples.append(Sample(f"{item.id}-{number:02d}-{crop.lead.lead}", files))
    return samples


def meeti(item: Item, looks: Looks, rng: np.random.Generator) -> list[Sample]:
    """Signal, image, the 14 sequences over all beats of every lead, and a slot for text, under one id."""
    from ecground.measure import measure

    record = item.load()
    page = _photo(page_of(record, looks, rng), looks, rng)
    return [meeti_sample(item, record, page, measure(record))]


def meeti_sample(item: Item, record: Record, page: Page, measured: Measurements, interpretation: str = "") -> Sample:
    """The files of one ECG: `png` or `jpg`, `npz`, `features.json`, `text.json`.

    Args:
        item: where it comes from.
        record: its samples.
        page: its picture.
        measured: its values.
        interpretation: what is written about it.
    """
    from ecground.measure.views.sequences import SEQUENCES, sequences

    store = io.BytesIO()
    np.savez_compressed(store, signal=record.signal, fs=np.float64(record.fs), leads=np.array(record.leads))
    features = {"id": item.id, "units": {name: unit for name, (unit, _) in SEQUENCES.items()},
                "leads": sequences(measured)}
    person = {"age": record.patient.age, "sex": record.patient.sex}
    text = {"id": item.id, **item.about, **person, "report": item.report, "interpretation": interpretation,
            "note": _DISCLAIMER}
    return Sample(item.id, {**_picture(page), "npz": _still(store.getvalue()), "features.json": _json(features),
                            "text.json": _json(text)})


def _still(archive: bytes) -> bytes:
    """The same zip archive with fixed dates, so that the same content is the same bytes."""
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(zipfile.ZipInfo(info.filename, (1980, 1, 1, 0, 0, 0)), old.read(info),
                         zipfile.ZIP_DEFLATED)
    return out.getvalue()


def pages(item: Item, looks: Looks, rng: np.random.Generator) -> list[Sample]:
    """A page with all of its truth: JSON, masks of the leads (16 bits) and layers (8 bits)."""
    page = page_of(item.load(), looks, rng)
    assert page.truth is not None
    printed = signals(page.truth)
    photo = _photo(page, looks, rng)
    assert photo.truth is not None
    return [Sample(item.id, {
        **_picture(photo), "json": dumps(photo.truth).encode(), "leads.png": png(photo.truth.masks),
        "layers.png": png(photo.truth.layers), "signals.json": _json({"id": item.id, **item.about, **printed}),
    })]


KINDS: Final[dict[str, tuple[Make, Looks]]] = {
    "digitization": (digitization, Looks(("3x1", "3x4", "6x2", "12x1"))),
    "detection": (detection, Looks(("3x1", "3x4", "6x2", "12x1"))),
    "segmentation": (segmentation, Looks(("3x1", "3x4", "6x2", "12x1"))),
    "overlap": (overlap, Looks(("3x4", "6x2", "12x1", "3x4-r1"))),
    "meeti": (meeti, Looks(("12x1", "3x4", "6x2"), plain=True)),
    "pages": (pages, Looks(recipes=("none", *RECIPES))),
}
"""Kind -> how a sample is made and how its pages look unless told otherwise."""


def looks_of(kind: str, **given: Any) -> Looks:  # noqa: ANN401 - fields of Looks
    """The looks of a kind with what was given (None = as the kind has it)."""
    return replace(KINDS[kind][1], **{name: value for name, value in given.items() if value is not None})
