"""Every package that `pip install ecground` brings is permissively licensed (certifi: weak copyleft, a data file)."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import Distribution, distribution

import pytest
from packaging.requirements import Requirement

PERMISSIVE = re.compile(
    r"\b(MIT|MIT-0|BSD|BSD-[234]-Clause|0BSD|Apache|ISC|PSF|Python Software Foundation|HPND|Zlib|Unlicense|CC0|"
    r"Public Domain|MIT-CMU|BSL-1\.0|NCSA)\b", re.IGNORECASE)
COPYLEFT = re.compile(r"\b(A?GPL|LGPL|GNU|MPL|EPL|CDDL|SSPL|EUPL|CC-BY-NC|Mozilla)\b|General Public", re.IGNORECASE)
WEAK_COPYLEFT = {"certifi"}
"""MPL-2.0 on an unmodified list of certificates that comes with requests; nothing of it is part of ecground."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(requirements: list[str]) -> dict[str, Distribution]:
    """Every distribution that the requirements bring on this machine."""
    found: dict[str, Distribution] = {}
    todo = [(Requirement(text), "") for text in requirements]
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = normal(requirement.name)
        new = name not in found
        if new:
            found[name] = distribution(name)
        for asked in ([""] if new else []) + sorted(requirement.extras):
            todo += [(Requirement(text), asked) for text in found[name].requires or []]
    return found


def licence(package: Distribution) -> str:
    """What the package says of itself: the SPDX expression, else the classifiers and the licence field."""
    data = package.metadata
    expression = data.get("License-Expression")
    if expression:
        return expression
    classifiers = [entry.removeprefix("License :: ") for entry in data.get_all("Classifier") or []
                   if entry.startswith("License :: ")]
    return "; ".join([*classifiers, *((data.get("License") or "").splitlines()[:1])])


def is_permissive(name: str, text: str) -> bool:
    """One permissive choice is enough where an expression offers several; parts joined by AND must all be."""
    if name in WEAK_COPYLEFT:
        return True
    parts = re.split(r"\bAND\b|;", text) if " OR " not in text else [text]
    return bool(text) and any(map(PERMISSIVE.search, parts)) and (" OR " in text or not COPYLEFT.search(text))


@pytest.fixture(scope="module")
def runtime(root):
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return closure(project["dependencies"])


def test_the_walk_reaches_dependencies_of_dependencies(runtime):
    assert {"numpy", "wfdb", "pandas", "typer"} <= set(runtime)


def test_every_runtime_dependency_is_permissive(runtime):
    found = {name: licence(package) for name, package in sorted(runtime.items())}
    print("\n".join(f"{name:24} {text}" for name, text in found.items()))
    assert {name: text for name, text in found.items() if not is_permissive(name, text)} == {}


def test_a_copyleft_licence_is_refused():
    assert not is_permissive("x", "GPL-3.0-or-later")
    assert not is_permissive("x", "OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)")
    assert not is_permissive("x", "MIT AND LGPL-2.1")
    assert not is_permissive("x", "")
    assert is_permissive("x", "Apache-2.0 OR GPL-2.0")


def test_every_tested_version_is_pinned(root, runtime):
    pinned = {line.split("==")[0] for line in (root / "constraints.txt").read_text().splitlines() if "==" in line}
    assert set(runtime) <= pinned
