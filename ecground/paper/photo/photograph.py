"""A rendered page and a recipe -> the photographed page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from ecground.errors import UsageError
from ecground.paper.page import Page
from ecground.paper.photo.exposure import exposed, framed, through
from ecground.paper.photo.recipes import DISTORTIONS, RECIPES, Recipe
from ecground.paper.photo.shot import Back, Shot, Values

__all__ = ["develop", "photograph"]

_LONGEST: Final = 6.0
"""Sides of what a camera can frame, long to short."""


def photograph(page: Page, recipe: str | Recipe, rng: np.random.Generator) -> Page:
    """What becomes of a page on its way into an image file.

    Args:
        page: a rendered page with its truth.
        recipe: the name of one of `RECIPES`, or a recipe of your own.
        rng: what is drawn; the same state gives the same image.

    Returns:
        The image with its truth moved along; `truth.recipe` holds every step with the values drawn. `dpi` is stated by
        scans only.

    Raises:
        UsageError: There is no such recipe, the page has no truth, or it is a strip too long for any camera.
    """
    height, width = page.image.shape[:2]
    if max(height, width) > _LONGEST * min(height, width):
        raise UsageError(f"a strip of {width} x {height} px is too long to photograph", where="photo",
                         hint="draw fewer seconds, or a slower paper speed")
    if isinstance(recipe, str):
        if recipe not in RECIPES:
            raise UsageError(f"no recipe '{recipe}'", where="photo", hint=f"there are: {' '.join(RECIPES)}")
        recipe = RECIPES[recipe]
    return develop(page, _drawn(recipe, _shot(page), rng))


def develop(page: Page, steps: Sequence[Values]) -> Page:
    """Carry out the steps of a recipe that was drawn before, as `PageTruth.recipe` holds them.

    Raises:
        UsageError: A step is unknown, no step is the frame, or the page has no truth.
    """
    shot = _shot(page)
    unknown = [step["name"] for step in steps if step["name"] not in DISTORTIONS and step["name"] != "frame"]
    frames = [step for step in steps if step["name"] == "frame"]
    if unknown or len(frames) != 1:
        raise UsageError(f"not a recipe: {unknown or 'it needs one frame'}", where="photo")
    for step in steps:
        if step["name"] != "frame" and (act := DISTORTIONS[step["name"]].on_paper):
            shot = act(shot, step, _texture(step))
    shot = exposed(shot, _backs(steps, shot), frames[0], _texture(frames[0]))
    for step in steps:
        if step["name"] != "frame" and (act := DISTORTIONS[step["name"]].in_camera):
            shot = act(shot, step, _texture(step))
    truth = replace(shot.truth, recipe=(*shot.truth.recipe, *steps))
    return Page(shot.image, truth, shot.px_per_mm * 25.4 if frames[0]["scanned"] else None)


def _shot(page: Page) -> Shot:
    if page.truth is None:
        raise UsageError("only a rendered page with its truth can be photographed", where="photo")
    return Shot(page.image, page.truth, float(np.mean(page.truth.px_per_mm)))


def _drawn(recipe: Recipe, shot: Shot, rng: np.random.Generator) -> list[dict[str, Any]]:
    """The steps of this recipe with values; each has a seed of its own."""
    steps: list[dict[str, Any]] = []
    for part in recipe.parts:
        seed, chosen, severity = int(rng.integers(2**53)), rng.random() < part.chance, rng.uniform(*part.severity)
        if chosen:
            values = DISTORTIONS[part.name].draw(np.random.default_rng(seed), severity, shot)
            steps.append({"name": part.name, "seed": seed, "severity": float(severity), **values})
    seed = int(rng.integers(2**53))
    frame = framed(recipe.framing, shot, through(_backs(steps, shot)), np.random.default_rng(seed))
    return [*steps, {"name": "frame", "seed": seed, "scanned": recipe.scanned, **frame}]


def _backs(steps: Sequence[Values], shot: Shot) -> list[Back]:
    """The geometry of the steps, in order."""
    return [warp(step, _texture(step), shot.size_mm) for step in steps if step["name"] != "frame"
            and (warp := DISTORTIONS[step["name"]].warp)]


def _texture(step: Values) -> np.random.Generator:
    """The generator of a step's textures; its values were drawn from another stream of the same seed."""
    return np.random.default_rng([step["seed"], 1])
