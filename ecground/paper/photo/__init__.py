"""`Page` -> `Page` as a scanner or a camera would give it, with truth that moved along to within half a pixel.

`photograph` draws the values of a recipe and `develop` carries them out; the steps are kept in `PageTruth.recipe`, so
`develop(page, photo.truth.recipe)` makes the same photograph again.
"""

from ecground.paper.photo.exposure import Framing
from ecground.paper.photo.photograph import develop, photograph
from ecground.paper.photo.recipes import DISTORTIONS, RECIPES, Part, Recipe
from ecground.paper.photo.shot import Distortion, Shot

__all__ = ["DISTORTIONS", "RECIPES", "Distortion", "Framing", "Part", "Recipe", "Shot", "develop", "photograph"]
