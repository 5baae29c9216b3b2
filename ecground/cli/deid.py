"""Command that writes de-identified copies: `deid`.

Contract: stdout (or `--report`) holds nothing of the originals, not even their names, unless `--keep-names` is given;
stderr, which is for the person at the keyboard, names the files that failed. The key is read from `--key-file`, or is
fresh and written nowhere but to `--save-key`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecground.cli.batch import Command, recordings, run
from ecground.cli.options import Batch, Files, FormOption, Json, chosen
from ecground.errors import EcgroundError, UsageError
from ecground.interpret import Source
from ecground.report.contracts import DISCLAIMER

if TYPE_CHECKING:
    from ecground.io.deid import Copy, Key

__all__ = ["deid"]

_KEY_LIMIT = 1 << 16


@dataclass(frozen=True)
class _Done:
    """A copy, or why there is none; without names of originals."""

    file: str
    copy: Copy | None
    error: EcgroundError | None = None


def deid(
    out: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="Folder for the copies.")],
    files: Files = None,
    key_file: Annotated[Path | None, typer.Option(
        "--key-file", metavar="K", help="Secret that decides pseudonyms and dates (16 bytes or more).")] = None,
    save_key: Annotated[Path | None, typer.Option(
        "--save-key", metavar="K", help="Write the fresh key there; without it the key is forgotten.")] = None,
    keep_names: Annotated[bool, typer.Option("--keep-names", help="Name copies as the originals.")] = False,
    report: Annotated[Path | None, typer.Option(
        "--report", metavar="FILE", help="Write the report there instead of on stdout.")] = None,
    form: FormOption = None, as_json: Json = False,
    files_from: Annotated[str | None, typer.Option(
        "--files-from", metavar="LIST", help="Take names from a file.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Worker processes.")] = 1,
    timeout: Annotated[float | None, typer.Option("--timeout", min=0.001, metavar="SECONDS",
                                                  help="Give up on a file after this time.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the report: what is done is skipped.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no words on stderr.")] = False,
) -> None:
    """Copies without what identifies a person, in the same format, and a report of what went."""
    names = files or []
    if "-" in names:
        raise typer.BadParameter("standard input cannot be copied; name a file")
    if not names and files_from is None:
        raise typer.BadParameter("name a recording or a folder, or a list with --files-from")
    if resume and (report is None or key_file is None):
        raise typer.BadParameter("--resume needs --report FILE and --key-file K")
    batch = Batch(files_from=files_from, jobs=jobs, timeout=timeout, out=report, resume=resume, quiet=quiet)
    _check_folder(names, out, batch)
    key = _key(key_file, save_key)
    command = Command("deid", partial(_copied, folder=out, key=key, keep_names=keep_names), _payload, _text,
                      problem=_problem, lost=partial(_lost, key=key))
    run(command, names, chosen(form, as_json), batch)


def _check_folder(names: Sequence[str], out: Path, batch: Batch) -> None:
    """Make OUT; UsageError when copies would lie among the originals."""
    here = out.resolve()
    folders = [Path(name).resolve() for name in names if Path(name).is_dir()]
    if any(here.is_relative_to(folder) for folder in folders):
        raise UsageError("the output folder lies in an input folder", where="--output", hint="choose another folder")
    if here.exists() and any(Path(item.name).resolve().parent == here for item in recordings(names, batch)):
        raise UsageError("the output folder holds an input", where="--output", hint="choose another folder")
    try:
        out.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"the output folder cannot be made ({error.strerror})", where="--output") from None


def _key(key_file: Path | None, save_key: Path | None) -> Key:
    from ecground import safe
    from ecground.io.deid import KEY_BYTES, Key

    if key_file is not None:
        if save_key is not None:
            raise typer.BadParameter("--save-key writes a fresh key, --key-file gives one")
        return Key(safe.read_bytes(key_file, limit=_KEY_LIMIT))
    secret = secrets.token_bytes(KEY_BYTES)
    if save_key is not None:
        _write_key(save_key, secret)
    return Key(secret)


def _write_key(path: Path, secret: bytes) -> None:
    """A new file that only its owner can read."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageError(f"the key cannot be written ({error.strerror})", where="--save-key") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)


def _copied(source: Source, *, folder: Path, key: Key, keep_names: bool) -> _Done:
    """One copy; a failure says nothing of the original."""
    from ecground.io.deid import deidentify

    assert isinstance(source, Path)
    try:
        copy = deidentify(source, folder, key=key, keep_name=keep_names)
    except EcgroundError as error:
        return _Done(source.name if keep_names else _stand_in(str(source), key), None, error)
    return _Done(copy.file, copy)


def _stand_in(name: str, key: Key) -> str:
    """What the report calls a file that has no copy."""
    return key.pseudonym("name", Path(name).name)


def _problem(done: _Done) -> EcgroundError | None:
    return done.error


def _payload(done: _Done) -> Mapping[str, Any]:
    if done.copy is None:
        assert done.error is not None
        return _failure(done.file, done.error)
    ledger = done.copy.ledger
    return {
        "file": done.file, "format": done.copy.format, "files": list(done.copy.files),
        "removed": [{"where": entry.where, "what": entry.what, "action": entry.action, "count": count}
                    for entry, count in ledger.changes.items()],
        "kept": list(ledger.kept), "could_not": list(ledger.could_not), "disclaimer": DISCLAIMER,
    }


def _lost(name: str, error: EcgroundError, *, key: Key) -> Mapping[str, Any]:
    return _failure(_stand_in(name, key), error)


def _failure(file: str, error: EcgroundError) -> Mapping[str, Any]:
    """The error without the place, which may name the original."""
    return {"file": file, "ok": False, "error": {**error.to_dict(), "where": "the original"}}


def _text(name: str, done: _Done) -> str:
    del name
    if done.copy is None:
        return f"{done.file}: no copy"
    ledger = done.copy.ledger
    rows = [f"  {entry.action:9}{entry.where}: {entry.what}" + (f" ({count} times)" if count > 1 else "")
            for entry, count in ledger.changes.items()]
    return "\n".join([f"{done.file} ({done.copy.format})", *rows, "  kept: " + "; ".join(ledger.kept),
                      *(f"  could not: {sentence}" for sentence in ledger.could_not), f"  {DISCLAIMER}"])
