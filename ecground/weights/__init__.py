"""The small networks that ship with the package, checked against their manifest before they are run."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ecground.errors import CorruptInputError, MissingExtraError

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["card", "session"]


@lru_cache(maxsize=1)
def _manifest() -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = json.loads((files(__name__) / "manifest.json").read_text("utf-8"))
    return loaded


def card(name: str) -> dict[str, Any]:
    """The manifest entry of one network: file, sha256, licence, data, preprocessing, `id` (name and short hash)."""
    try:
        entry = _manifest()[name]
    except KeyError:
        raise MissingExtraError(
            f"no network named '{name}' ships with this version", where="weights",
            hint=f"there are: {', '.join(_manifest())}",
        ) from None
    return {**entry, "id": f"{name}-{entry['sha256'][:8]}"}


@lru_cache(maxsize=4)
def session(name: str) -> onnxruntime.InferenceSession:
    """An onnxruntime session on one core for the network `name`; CorruptInputError when its hash is wrong."""
    import onnxruntime

    entry = card(name)
    data = (files(__name__) / entry["file"]).read_bytes()
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise CorruptInputError(
            f"the network '{name}' does not match its manifest", where=str(entry["file"]),
            hint="reinstall ecground: the file is damaged or was exchanged",
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
