"""Commands that draw an ECG: `render`, a page with its truth, and `plot`, the record with its waves shaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ecground.cli.inputs import Input
from ecground.errors import UsageError

if TYPE_CHECKING:
    from ecground.paper.drawing import Drawing
    from ecground.paper.header import Facts
    from ecground.paper.style import Style
    from ecground.record import Record

__all__ = ["plot", "render"]

_KINDS: Final = (".png", ".svg", ".pdf")
File = Annotated[str, typer.Argument(metavar="FILE", help="A recording, or - for standard input.")]
Out = Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="The picture: a .png, .svg or .pdf file.")]
LayoutOption = Annotated[str, typer.Option("--layout", help="12x1, 6x2, 3x4, 3x4-r1, 12x1-cabrera and so on.")]
Dpi = Annotated[float, typer.Option("--dpi", help="Pixels an inch of PNG and of the truth.")]
Speed = Annotated[float | None, typer.Option("--speed", metavar="MM/S", help="Paper speed.")]
Gain = Annotated[float | None, typer.Option("--gain", metavar="MM/MV", help="Amplitude scale.")]
Start = Annotated[float, typer.Option("--start", metavar="SECONDS", help="First second that is printed.")]
Seconds = Annotated[float | None, typer.Option("--seconds", help="Seconds in the page's width.")]
Paper = Annotated[str | None, typer.Option("--paper", help="a4, letter, a4-portrait, letter-portrait, roll or fit.")]


def render(
    file: File, out: Out, layout: LayoutOption = "3x4-r1",
    style: Annotated[str, typer.Option("--style", help="plain, muse-like, thermal-roll and so on; random.")] = "plain",
    dpi: Dpi = 200.0, speed: Speed = None, gain: Gain = None,
    chest_gain: Annotated[float | None, typer.Option("--chest-gain", metavar="MM/MV",
                                                     help="Amplitude scale of the chest leads.")] = None,
    start: Start = 0.0, seconds: Seconds = None, paper: Paper = None,
    header: Annotated[str, typer.Option("--header", help="What the header says: none, measured or fake.")] = "none",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of a random style and an invented header.")] = 0,
    whole: Annotated[bool, typer.Option("--all", help="The whole recording, on as many sheets of a PDF.")] = False,
    truth: Annotated[Path | None, typer.Option(
        "--truth", metavar="JSON", help="Write where everything lies, in pixels of the PNG at --dpi.")] = None,
    masks: Annotated[Path | None, typer.Option(
        "--masks", metavar="PNG", help="Write the ink of the leads, one bit a lead, 16 bits a pixel.")] = None,
) -> None:
    """Draw a recording as a page of ECG paper, and say where every sample, box and word lies on it."""
    record = _read(file)
    looks = _style(style, seed, {"mm_per_s": speed, "mm_per_mv": gain, "chest_mm_per_mv": chest_gain,
                                 "seconds": seconds, "paper": paper})
    _check(out, *(path for path in (truth, masks) if path is not None))
    if header != "none" and looks.header == "none":
        looks = looks.replace(header="columns")
    facts = _facts(header, record, seed)
    if whole:
        if out.suffix.lower() != ".pdf" or truth is not None or masks is not None:
            raise UsageError("--all needs a PDF, without --truth and --masks", where="--all")
        from ecground import safe
        from ecground.paper.draw import sheets
        from ecground.paper.vector import to_pdf

        safe.write_atomic(out, to_pdf(list(sheets(record, layout=layout, style=looks, start_s=start, facts=facts))))
        return
    from ecground.paper.draw import plan

    _write(plan(record, layout=layout, style=looks, start_s=start, facts=facts), out, dpi, truth, masks)


def plot(
    file: File, out: Out, layout: LayoutOption = "3x4-r1", dpi: Dpi = 150.0, speed: Speed = None, gain: Gain = None,
    start: Start = 0.0, seconds: Seconds = None, paper: Paper = None,
    bare: Annotated[bool, typer.Option("--bare", help="Do not look for waves.")] = False,
) -> None:
    """Draw a recording with every P, QRS and T shaded where it was found."""
    record = _read(file)
    _check(out)
    looks = _style("plot", 0, {"mm_per_s": speed, "mm_per_mv": gain, "seconds": seconds, "paper": paper})
    from ecground.paper.draw import plan
    from ecground.paper.header import NOTICE, Facts

    drawing = plan(record, layout=layout, style=looks, start_s=start, facts=Facts(device=f"ecground: {NOTICE}"))
    if not bare:
        from ecground.paper.shading import shaded
        from ecground.signal.delineate import delineate

        drawing = shaded(drawing, delineate(record))
    _write(drawing, out, dpi)


def _read(file: str) -> Record:
    from ecground.io import read

    return read(Input(file).source)


def _style(name: str, seed: int, changes: dict[str, Any]) -> Style:
    import numpy as np

    from ecground.paper.style import draw_style
    from ecground.paper.vendors import style

    looks = draw_style(np.random.default_rng(seed)) if name == "random" else style(name)
    given = {field: value for field, value in changes.items() if value is not None}
    if "mm_per_mv" in given and "chest_mm_per_mv" not in given:
        given["chest_mm_per_mv"] = None
    return looks.replace(**given)


def _facts(header: str, record: Record, seed: int) -> Facts | None:
    import numpy as np

    from ecground.paper.header import draw_facts, facts_of

    if header == "fake":
        return draw_facts(np.random.default_rng(seed))
    if header == "measured":
        from ecground.interpret import interpret

        found = interpret(record)
        # A criterion that is met but seldom confirmed at these values is no statement for a headline.
        said = [finding.statement for finding in found.findings or ()
                if finding.present and finding.probability >= 0.5]
        return facts_of(found.measurements, patient=record.patient, statements=said) if found.measurements else None
    if header != "none":
        raise UsageError(f"no header '{header}'", where="--header", hint="none, measured or fake")
    return None


def _check(out: Path, *others: Path) -> None:
    if out.suffix.lower() not in _KINDS:
        raise UsageError("unknown kind of picture", where=out.name, hint=f"name it {' or '.join(_KINDS)}")
    if len({path.resolve() for path in (out, *others)}) <= len(others):
        raise UsageError("two outputs have one name", where=out.name)
    for path in (out, *others):
        if not path.resolve().parent.is_dir():
            raise UsageError("the folder of an output is not there", where=str(path), hint="make it first")


def _write(drawing: Drawing, out: Path, dpi: float, truth: Path | None = None, masks: Path | None = None) -> None:
    from ecground import safe
    from ecground.paper.draw import render as rendered
    from ecground.paper.export.files import png
    from ecground.paper.export.truth import dumps
    from ecground.paper.vector import to_pdf, to_svg

    kind = out.suffix.lower()
    if kind == ".svg":
        safe.write_atomic(out, to_svg(drawing).encode("utf-8"))
    elif kind == ".pdf":
        safe.write_atomic(out, to_pdf([drawing]))
    if kind != ".png" and truth is None and masks is None:
        return
    page = rendered(drawing, dpi=dpi)
    assert page.truth is not None
    if kind == ".png":
        safe.write_atomic(out, png(page.image, dpi=dpi))
    if truth is not None:
        safe.write_atomic(truth, dumps(page.truth).encode("utf-8"))
    if masks is not None:
        safe.write_atomic(masks, png(page.truth.masks))
