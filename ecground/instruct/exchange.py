"""Conversations in files: JSON Lines and Parquet (whole), and LLaVA-style JSON (the form of GEM and PULSE).

`read` goes through a file one conversation at a time; `write` makes a file that appears complete or not at all. A
Parquet row holds the conversation as JSON beside the columns people filter by.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from ecground import safe
from ecground.errors import CorruptInputError, EcgroundError, NotFoundError, UnsafeInputError, UsageError
from ecground.instruct.conversation import Conversation, from_json, to_json
from ecground.instruct.llava import elements, from_llava, to_llava

__all__ = ["read", "write"]

_MAX_LINE: Final = 16 << 20
_ROWS: Final = 1024


def read(path: str | Path) -> Iterator[Conversation]:
    """The conversations of a `.jsonl`, `.parquet` or `.json` file, in order.

    Raises:
        UsageError: another suffix.
        NotFoundError, CorruptInputError, UnsafeInputError: the file cannot be used; the message says at which
            conversation. Those before it have been given.
    """
    source = Path(path)
    reader = _READERS.get(source.suffix.lower())
    if reader is None:
        raise UsageError(f"conversations are not read from {source.suffix or 'a file without suffix'}",
                         where=source.name, hint=f"suffixes: {' '.join(_READERS)}")
    if not source.is_file():
        raise NotFoundError("no such file", where=source.name, hint="check the path")
    return reader(source)


def write(conversations: Iterable[Conversation], path: str | Path) -> int:
    """Write a `.jsonl`, `.parquet` or LLaVA-style `.json` file; returns the number of conversations.

    Raises:
        UsageError: another suffix, or the folder is missing.
    """
    target = Path(path)
    writer = _WRITERS.get(target.suffix.lower())
    if writer is None:
        raise UsageError(f"conversations are not written to {target.suffix or 'a file without suffix'}",
                         where=target.name, hint=f"suffixes: {' '.join(_WRITERS)}")
    if not target.parent.is_dir():
        raise UsageError("the folder to write to does not exist", where=target.name, hint="create the folder first")
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    partial = Path(name)
    try:
        count = writer(conversations, partial)
        partial.replace(target)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    return count


def _read_jsonl(source: Path) -> Iterator[Conversation]:
    with source.open("rb") as stream:
        number = 0
        while line := stream.readline(_MAX_LINE + 1):
            number += 1
            where = f"{source.name}, line {number}"
            if len(line) > _MAX_LINE:
                raise UnsafeInputError(f"a line of more than {_MAX_LINE} bytes", where=where)
            if line.strip():
                yield from_json(safe.json_value(line, where=where), where=where)


def _read_llava(source: Path) -> Iterator[Conversation]:
    with source.open("rb") as stream:
        for number, element in enumerate(elements(stream, where=source.name), 1):
            yield from_llava(element, where=f"{source.name}, element {number}")


def _read_parquet(source: Path) -> Iterator[Conversation]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(source)
        if "conversation" not in table.schema_arrow.names:
            raise CorruptInputError("no column `conversation`", where=source.name,
                                    hint="ecground's Parquet files hold one")
        number = 0
        for rows in table.iter_batches(batch_size=_ROWS, columns=["conversation"]):
            for text in rows.column(0).to_pylist():
                number += 1
                where = f"{source.name}, row {number}"
                yield from_json(safe.json_value(text or "", where=where), where=where)
    except EcgroundError:
        raise
    except (pa.ArrowException, OSError):
        raise CorruptInputError("not a readable Parquet file", where=source.name) from None


def _write_jsonl(conversations: Iterable[Conversation], target: Path) -> int:
    count = 0
    with target.open("w", encoding="utf-8", newline="\n") as stream:
        for count, conversation in enumerate(conversations, 1):  # noqa: B007 - the last number is the result
            stream.write(json.dumps(to_json(conversation), ensure_ascii=False) + "\n")
    return count


def _write_llava(conversations: Iterable[Conversation], target: Path) -> int:
    count = 0
    with target.open("w", encoding="utf-8", newline="\n") as stream:
        for count, conversation in enumerate(conversations, 1):
            stream.write(("[\n" if count == 1 else ",\n") + json.dumps(to_llava(conversation), ensure_ascii=False))
        stream.write("\n]\n" if count else "[]\n")
    return count


def _write_parquet(conversations: Iterable[Conversation], target: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = pa.string()
    schema = pa.schema([("id", text), ("recipe", text), ("task", text), ("split", text), ("patients", pa.list_(text)),
                        ("records", pa.list_(text)), ("images", pa.list_(text)), ("conversation", text)])
    count = 0
    with pq.ParquetWriter(target, schema) as writer:
        rows: list[dict[str, object]] = []
        for count, conversation in enumerate(conversations, 1):  # noqa: B007 - the last number is the result
            rows.append(_row(conversation))
            if len(rows) == _ROWS:
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                rows = []
        writer.write_table(pa.Table.from_pylist(rows, schema=schema))
    return count


def _row(conversation: Conversation) -> dict[str, object]:
    splits = sorted({source.split or "" for source in conversation.sources})
    return {
        "id": conversation.id, "recipe": conversation.recipe, "task": conversation.task,
        "split": splits[0] if len(splits) == 1 else "+".join(splits),
        "patients": [source.patient for source in conversation.sources], "records": list(conversation.records),
        "images": list(conversation.images), "conversation": json.dumps(to_json(conversation), ensure_ascii=False),
    }


_READERS: Final[Mapping[str, Callable[[Path], Iterator[Conversation]]]] = {
    ".jsonl": _read_jsonl, ".parquet": _read_parquet, ".json": _read_llava,
}
_WRITERS: Final[Mapping[str, Callable[[Iterable[Conversation], Path], int]]] = {
    ".jsonl": _write_jsonl, ".parquet": _write_parquet, ".json": _write_llava,
}
