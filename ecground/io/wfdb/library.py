"""The door to the `wfdb` package, which decodes samples and annotations: imported late, its failures made ours.

Contract: `decoding` gives the imported package inside a `with` block; whatever is raised in the block leaves it as one
of our errors. The package is handed local, absolute names of files that ecground wrote or checked itself, and never
`pn_dir`, so it has no way to the network.
Reference: wfdb (MIT-LCP), https://wfdb.readthedocs.io.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType

from ecground.errors import CorruptInputError, EcgroundError, InputError, UnsafeInputError

__all__ = ["decoding"]


@contextmanager
def decoding(where: str) -> Iterator[ModuleType]:
    """The `wfdb` package; `where` names the file in messages.

    Raises:
        CorruptInputError: wfdb cannot decode the file; it raises bare exceptions of many kinds for that.
        UnsafeInputError: the samples do not fit into memory.
        InputError: the system refuses the file or a temporary one.
    """
    wfdb = _imported()
    try:
        yield wfdb
    except EcgroundError:
        raise
    except MemoryError:
        raise UnsafeInputError("too long for this machine's memory", where=where, hint="cut it into parts") from None
    except OSError as error:
        raise InputError(
            f"decoding failed: {error.strerror or 'input/output error'}", where=where,
            hint="check the permissions of the file and the space in the folder for temporary files",
        ) from None
    except Exception:  # noqa: BLE001 - wfdb raises Exception itself, IndexError, TypeError ... for damaged files
        raise CorruptInputError(
            "the file cannot be decoded", where=where, hint="it is damaged, or its header describes another file",
        ) from None


@cache
def _imported() -> ModuleType:
    """The package, without the warnings that its import raises about what pandas deprecates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb
    return wfdb  # type: ignore[no-any-return]
