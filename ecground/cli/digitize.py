"""Command that reads a picture of an ECG: `digitize`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecground.cli.inputs import Input
from ecground.cli.stdout import write_line
from ecground.errors import EcgroundError, RefusedError
from ecground.report.contracts import DISCLAIMER
from ecground.report.json import envelope
from ecground.report.json import page as page_object
from ecground.report.picture import Digitize

if TYPE_CHECKING:
    from ecground.digitize.digitize import Digitized

__all__ = ["digitize", "payload"]


def digitize(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A photograph, scan or PDF, or - for standard input.")],
    out: Annotated[Path | None, typer.Option(
        "--output", "-o", metavar="OUT.npz", help="Write the record there.")] = None,
    overlay: Annotated[Path | None, typer.Option(
        "--overlay", metavar="OUT.png", help="Write the picture with the recovered lines drawn on it.")] = None,
    layout: Annotated[str | None, typer.Option("--layout", help="The layout, when it is known: 3x4-r1, 12x1.")] = None,
    dpi: Annotated[float | None, typer.Option(
        "--dpi", min=10, help="Pixels an inch, for pages without a grid.")] = None,
    speed: Annotated[float | None, typer.Option("--speed", min=1, metavar="MM/S", help="Paper speed.")] = None,
    gain: Annotated[float | None, typer.Option("--gain", min=0.1, metavar="MM/MV", help="Amplitude scale.")] = None,
    page: Annotated[int, typer.Option("--page", min=1, help="Page of the file, from 1.")] = 1,
) -> None:
    """Read the signal off a picture of an ECG, with a confidence for every lead. Research use, not a medical device."""
    from ecground.digitize.digitize import digitize as read

    source = Input(file).source
    try:
        found = read(source, layout=layout, dpi=dpi, speed=speed, gain=gain, page=page - 1)
        if overlay is not None:
            _draw(source, found, overlay, dpi, page - 1)
        if out is not None and found.record is not None:
            from ecground.io import write

            write(found.record, out)
    except EcgroundError as error:
        _print(envelope("digitize", file, {}, error))
        print(f"ecground: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_status) from None
    refusal = _refusal(found)
    _print(envelope("digitize", file, payload(found), refusal))
    if refusal is not None:
        raise typer.Exit(refusal.exit_status)


def payload(found: Digitized) -> Digitize:
    """The fields of docs/json.md."""
    return {**page_object(found), "disclaimer": DISCLAIMER}


def _refusal(found: Digitized) -> RefusedError | None:
    if found.status != "refused":
        return None
    last = found.problems[-1]
    return RefusedError(last.what, where=last.step, hint=last.hint)


def _draw(source: Path | bytes, found: Digitized, out: Path, dpi: float | None, page: int) -> None:
    import cv2

    from ecground import safe
    from ecground.digitize.load import load
    from ecground.digitize.overlay import overlay

    drawn = overlay(load(source, page=page, dpi=dpi).image, found)
    safe.write_atomic(out, cv2.imencode(".png", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))[1].tobytes())


def _print(found: dict[str, Any]) -> None:
    write_line(json.dumps(found, ensure_ascii=False, allow_nan=False))
