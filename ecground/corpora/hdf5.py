"""HDF5 files of collections, read through h5py, an optional dependency (`pip install ecground[hdf5]`).

Contract: plain data sets of numbers that lie in the file itself, with known dimensions and bounded size; links to other
files, virtual and external data sets and filters from plug-ins are refused. Any failure of the library is a
CorruptInputError. The structure of the file is parsed by the HDF5 library in this process, without a wall around it:
collections are downloads from their owners, not uploads of strangers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import CorruptInputError, EcgroundError, MissingExtraError, NotFoundError, UnsafeInputError

__all__ = ["dataset", "opened", "values"]

_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
_MAX_BYTES: Final = 256 << 20
"""Largest piece that is read at once; the library unpacks whole chunks, so they count too."""


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """An open HDF5 file, read-only.

    Raises:
        MissingExtraError: h5py is not installed.
        NotFoundError: no such file.
        CorruptInputError: damaged, or no HDF5 file.
    """
    h5py = _library()
    if safe.read_head(path, count=len(_SIGNATURE)) != _SIGNATURE:
        raise CorruptInputError("no HDF5 file", where=path.name)
    with _guard(path), h5py.File(path, "r") as file:
        yield file


def dataset(file: Any, name: str, *, dimensions: int, where: str) -> Any:  # noqa: ANN401 - h5py has no types
    """The data set `name`, checked but not read.

    Raises:
        CorruptInputError: absent, of other dimensions, or not of numbers.
        UnsafeInputError: it lies outside the file, is virtual, or needs a plug-in.
    """
    h5py = _library()
    link = file.get(name, getlink=True) if name in file else None
    if link is None:
        raise CorruptInputError(f"no data set {name}", where=where)
    if not isinstance(link, h5py.HardLink):
        raise UnsafeInputError(f"the data set {name} is a link", where=where)
    found = file[name]
    if not isinstance(found, h5py.Dataset) or found.ndim != dimensions or found.dtype.kind not in "fiu":
        raise CorruptInputError(f"{name} is no array of numbers in {dimensions} dimensions", where=where)
    if found.is_virtual or found.external:
        raise UnsafeInputError(f"the data set {name} lies in other files", where=where)
    plist = found.id.get_create_plist()
    codes = {plist.get_filter(i)[0] for i in range(plist.get_nfilters())}
    if codes - {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_SZIP,
                h5py.h5z.FILTER_LZF}:
        raise UnsafeInputError(f"the data set {name} needs a filter plug-in", where=where)
    if found.chunks and int(np.prod(found.chunks)) * found.dtype.itemsize > _MAX_BYTES:
        raise UnsafeInputError(f"a chunk of {name} has more than {_MAX_BYTES} bytes", where=where)
    return found


def values(found: Any, selection: Any, *, where: str) -> NDArray[Any]:  # noqa: ANN401 - h5py has no types
    """A part of a data set as an array; `selection` is an index or a slice of the first dimension."""
    count = found.shape[0] if isinstance(selection, slice) else 1
    if count * int(np.prod(found.shape[1:])) * found.dtype.itemsize > _MAX_BYTES:
        raise UnsafeInputError(f"more than {_MAX_BYTES} bytes in one array", where=where)
    return np.asarray(found[selection])


@contextmanager
def _guard(path: Path) -> Iterator[None]:
    try:
        yield
    except EcgroundError:
        raise
    except FileNotFoundError:
        raise NotFoundError("cannot open the file", where=path.name) from None
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, MemoryError, AttributeError) as error:
        raise CorruptInputError(f"HDF5 cannot be read ({type(error).__name__})", where=path.name) from None


def _library() -> Any:  # noqa: ANN401 - a module
    try:
        import h5py
    except ImportError:
        raise MissingExtraError("HDF5 files need h5py", where="h5py", hint="pip install ecground[hdf5]") from None
    return h5py
