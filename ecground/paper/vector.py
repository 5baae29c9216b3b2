"""`Drawing` -> SVG and PDF, with traces as vectors in millimetres: the same strokes and words that `raster` prints.

The PDF is written here, in the few operators it needs (PDF 1.7, ISO 32000-1), with the font's file embedded.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ecground.paper.drawing import Drawing, Words
from ecground.paper.fonts import advances, program
from ecground.paper.page import Points
from ecground.paper.style import Colour

__all__ = ["to_pdf", "to_svg"]

_PT: Final = 72 / 25.4
_LEAST_DOT_MM: Final = 0.25


class _Canvas(Protocol):
    def fill(self, area: tuple[float, float, float, float], colour: Colour, opacity: float) -> None: ...

    def stroke(self, lines: Sequence[Points], colour: Colour, width: float, *, pen: bool,
               dash: tuple[float, float] | None = None) -> None: ...

    def write(self, words: Words) -> None: ...


def _paint(drawing: Drawing, canvas: _Canvas) -> None:
    """The whole sheet in the order of printing."""
    style = drawing.style
    canvas.fill((0.0, 0.0, drawing.width, drawing.height), style.background, 1.0)
    _grid(drawing, canvas)
    for shade in drawing.shades:
        canvas.fill(shade.area, shade.colour, shade.opacity)
    for rule in drawing.rules:
        canvas.stroke([rule.points], rule.colour, rule.width, pen=False)
    for words in drawing.words:
        canvas.write(words)
    for strip in drawing.strips:
        canvas.stroke(list(_runs(strip.trace)), strip.colour, style.trace_mm, pen=True)


def _grid(drawing: Drawing, canvas: _Canvas) -> None:
    style, grid = drawing.style, drawing.grid
    x0, y0, x1, y1 = grid.area
    for step, colour, weight in ((1.0, style.minor, style.minor_mm), (5.0, style.major, style.major_mm)):
        if style.grid == "none" or (step == 1.0 and style.grid == "major") or weight == 0:
            continue
        across = grid.lines(1, step)
        if step == 1.0 and style.grid == "dots":
            dot, begin = max(weight, _LEAST_DOT_MM), float(grid.lines(0, 1.0)[0])
            begin -= max(weight, _LEAST_DOT_MM) / 2
            rows = [np.array([[begin, y], [x1, y]]) for y in across]
            canvas.stroke(rows, colour, dot, pen=False, dash=(dot, 1.0 - dot))
            continue
        lines = [np.array([[x, y0], [x, y1]]) for x in grid.lines(0, step)]
        canvas.stroke([*lines, *(np.array([[x0, y], [x1, y]]) for y in across)], colour, weight, pen=False)


def _runs(trace: Points) -> Iterator[Points]:
    """The unbroken parts of a trace."""
    seen = np.isfinite(trace).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]]).astype(np.int8)))
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield trace[begin:end]


class _Svg:
    """Elements in millimetres."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def fill(self, area: tuple[float, float, float, float], colour: Colour, opacity: float) -> None:
        x0, y0, x1, y1 = area
        seen = "" if opacity == 1 else f' fill-opacity="{opacity:g}"'
        self.parts.append(f'<rect x="{x0:.4g}" y="{y0:.4g}" width="{x1 - x0:.6g}" height="{y1 - y0:.6g}" '
                          f'fill="{_hex(colour)}"{seen}/>')

    def stroke(self, lines: Sequence[Points], colour: Colour, width: float, *, pen: bool,
               dash: tuple[float, float] | None = None) -> None:
        path = "".join(f"M{_numbers(line[:1])}" + (f"L{_numbers(line[1:])}" if len(line) > 1 else "h0")
                       for line in lines)
        ends = "round" if pen else "butt" if dash or len(lines) > 1 else "square"
        join = ' stroke-linejoin="round"' if pen else ""
        dots = f' stroke-dasharray="{dash[0]:g} {dash[1]:g}"' if dash else ""
        self.parts.append(f'<path d="{path}" stroke="{_hex(colour)}" stroke-width="{width:g}" stroke-linecap="{ends}"'
                          f'{join}{dots}/>')

    def write(self, words: Words) -> None:
        self.parts.append(f'<text x="{words.x:.3f}" y="{words.y:.3f}" font-size="{words.size:g}" '
                          f'fill="{_hex(words.colour)}" stroke="none">{escape(words.words)}</text>')


def to_svg(drawing: Drawing) -> str:
    """The sheet as SVG text at its true size; the font is embedded."""
    canvas = _Svg()
    _paint(drawing, canvas)
    width, height = drawing.width, drawing.height
    font = base64.b64encode(program(drawing.style.font)).decode("ascii")
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="page, sans-serif" fill="none">',
        f"<style>@font-face{{font-family:page;src:url(data:font/ttf;base64,{font})}}</style>",
        *canvas.parts, "</svg>",
    ]) + "\n"


def _hex(colour: Colour) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)


def _numbers(points: Points) -> str:
    return " ".join(f"{value:.3f}".rstrip("0").rstrip(".") for value in points.reshape(-1).tolist())


class _Pdf:
    """Content stream of a page. Its space is turned to millimetres from the top left corner."""

    def __init__(self, drawing: Drawing, opacities: dict[float, str]) -> None:
        self._opacities = opacities
        self.parts = [f"{_PT:.8f} 0 0 {-_PT:.8f} 0 {drawing.height * _PT:.5f} cm"]

    def fill(self, area: tuple[float, float, float, float], colour: Colour, opacity: float) -> None:
        x0, y0, x1, y1 = area
        name = self._opacities.setdefault(opacity, f"G{len(self._opacities)}")
        self.parts.append(f"/{name} gs {_rgb(colour)} rg {x0:.4f} {y0:.4f} {x1 - x0:.4f} {y1 - y0:.4f} re f")

    def stroke(self, lines: Sequence[Points], colour: Colour, width: float, *, pen: bool,
               dash: tuple[float, float] | None = None) -> None:
        ends = 1 if pen else 0 if dash or len(lines) > 1 else 2
        dots = f"{dash[0]:g} {dash[1]:g}" if dash else ""
        path = "\n".join(f"{line[0, 0]:.4f} {line[0, 1]:.4f} m " + " ".join(
            f"{x:.4f} {y:.4f} l" for x, y in (line[1:] if len(line) > 1 else line).tolist()) for line in lines)
        full = self._opacities.setdefault(1.0, "G0")
        self.parts.append(f"/{full} gs {_rgb(colour)} RG {width:g} w {ends} J {int(pen)} j [{dots}] 0 d\n{path}\nS")

    def write(self, words: Words) -> None:
        text = words.words.encode("cp1252", "replace")
        for plain in (b"\\", b"(", b")"):
            text = text.replace(plain, b"\\" + plain)
        full = self._opacities.setdefault(1.0, "G0")
        self.parts.append(f"/{full} gs {_rgb(words.colour)} rg BT /F0 {words.size:g} Tf 1 0 0 -1 {words.x:.4f} "
                          f"{words.y:.4f} Tm ({text.decode('latin-1')}) Tj ET")


def _rgb(colour: Colour) -> str:
    return " ".join(f"{part / 255:.4f}" for part in colour)


def to_pdf(drawings: Sequence[Drawing]) -> bytes:
    """The sheets as the pages of one PDF, each at its true size; the fonts are embedded."""
    opacities: dict[float, str] = {1.0: "G0"}
    objects: list[bytes] = [b"", b""]  # the catalogue and the list of pages, which name what follows
    fonts: dict[str, int] = {}
    contents, pages = [], []
    for drawing in drawings:
        canvas = _Pdf(drawing, opacities)
        _paint(drawing, canvas)
        contents.append(_stream("\n".join(canvas.parts).encode("latin-1")))
        if drawing.style.font not in fonts:
            objects += _font(drawing.style.font, len(objects) + 1)
            fonts[drawing.style.font] = len(objects)
    states = " ".join(f"/{name} << /ca {value:g} >>" for value, name in opacities.items())
    for drawing, content in zip(drawings, contents, strict=True):
        objects.append(content)
        pages.append(len(objects) + 1)
        objects.append((
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {drawing.width * _PT:.4f} {drawing.height * _PT:.4f}] "
            f"/Contents {len(objects)} 0 R /Resources << /ExtGState << {states} >> "
            f"/Font << /F0 {fonts[drawing.style.font]} 0 R >> >> >>").encode("ascii"))
    kids = " ".join(f"{page} 0 R" for page in pages)
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R >>"
    objects[1] = f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode("ascii")
    return _file(objects)


def _font(font: str, number: int) -> list[bytes]:
    """Font file, descriptor and font, the first of them as object `number`."""
    file = program(font)
    kind = "FontFile3" if file[:4] == b"OTTO" else "FontFile2"
    extra = "/Subtype /OpenType " if kind == "FontFile3" else ""
    widths, ascent, descent = advances(font)
    named = "/Type /FontDescriptor /FontName /Page /Flags 32 /ItalicAngle 0 /StemV 80 /FontBBox [-500 -300 1500 1100]"
    return [
        _stream(file, f"{extra}/Length1 {len(file)} "),
        (f"<< {named} /Ascent {ascent:.0f} /Descent {descent:.0f} /CapHeight {ascent:.0f} /{kind} {number} 0 R >>"
         ).encode("ascii"),
        (f"<< /Type /Font /Subtype /TrueType /BaseFont /Page /Encoding /WinAnsiEncoding /FirstChar 32 /LastChar 255 "
         f"/Widths [{_widths(widths)}] /FontDescriptor {number + 1} 0 R >>").encode("ascii"),
    ]


def _widths(widths: NDArray[np.float64]) -> str:
    return " ".join(f"{width:.1f}" for width in widths.tolist())


def _stream(data: bytes, entries: str = "") -> bytes:
    packed = zlib.compress(data, 6)
    head = f"<< {entries}/Filter /FlateDecode /Length {len(packed)} >>\nstream\n".encode("ascii")
    return head + packed + b"\nendstream"


def _file(objects: Sequence[bytes]) -> bytes:
    """Objects, numbered from 1, as a file with its table of places."""
    out, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode("ascii") + body + b"\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    out += (f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n"
            f"<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n").encode("ascii")
    return bytes(out)
