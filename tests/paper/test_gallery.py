"""docs/gallery.md shows every layout and distortion there is, in few bytes."""

from __future__ import annotations

import pytest

from ecground.paper.layout import LAYOUTS
from ecground.paper.photo import DISTORTIONS, RECIPES
from ecground.paper.vendors import STYLES


@pytest.mark.parametrize(("kind", "names"), [("layout", LAYOUTS), ("style", STYLES), ("distortion", DISTORTIONS),
                                             ("recipe", RECIPES)])
def test_the_gallery_is_complete(root, kind, names):
    text = (root / "docs" / "gallery.md").read_text(encoding="utf-8")
    for name in names:
        assert f"(gallery/{kind}-{name}.jpg)" in text, f"run docs/gallery.py: {name} is missing"
        assert (root / "docs" / "gallery" / f"{kind}-{name}.jpg").is_file()


def test_the_gallery_is_small(root):
    assert sum(path.stat().st_size for path in (root / "docs" / "gallery").iterdir()) < 2_500_000
