"""What the XML formats share: the root by its local name, texts, numbers, samples and moments out of elements.

Contract: names are compared without namespace or prefix; text comes without NULs and double spaces; a number that is
no number is None; samples that are damaged or fewer or more than declared are a CorruptInputError.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import warnings
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from ecground import safe
from ecground.errors import CorruptInputError
from ecground.io.channels import is_sentinel
from ecground.io.source import Source
from ecground.record import DeviceMeasurement

__all__ = [
    "base64_bytes", "child", "children", "decimals", "first", "given", "local", "moment", "number", "root_name",
    "root_of", "scaled", "text", "values_of", "years_between",
]

_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_BLANK: Final = b" \t\r\n\0"
_ROOT: Final = re.compile(r"(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*>|\s)*<(?:[\w.\-]+:)?([\w.\-]+)[\s/>]", re.DOTALL)
_MONTH_FIRST: Final = re.compile(r"^(\d\d)[-/](\d\d)[-/](\d{4})$")
_DAY: Final = re.compile(r"([12]\d{3})-?(\d\d)-?(\d\d)", re.ASCII)
_CLOCK: Final = re.compile(r"[T ]?(\d{1,2})(?::?(\d\d))?(?::?(\d\d))?(?:[.:]?(\d+))?", re.ASCII)
_DECLARATION: Final = re.compile(r"\A\s*<\?xml.*?\?>", re.DOTALL)


def root_name(source: Source) -> str:
    """Local name of the root element, "" when the head of the input is no XML; never raises."""
    head = source.head
    if head.startswith(_UTF16):
        text = head.decode("utf-16", "replace")
    else:
        text = head.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK).decode("latin-1")
        if not text.startswith("<"):
            return ""
    match = _ROOT.match(text.lstrip("\ufeff"))
    return match[1] if match else ""


def root_of(source: Source, *, said: list[str], doctype: str = "") -> Element:
    """The root element, every tag and attribute without namespace.

    Padding around the document (blanks, NULs) is passed over; Latin-1 text in a file that says it is UTF-8 is read as
    what it is and said so.

    Raises:
        UnsafeInputError: DTD, entities, size, nesting or number of elements.
        CorruptInputError: not well-formed.
    """
    data = source.data
    if not data.startswith(_UTF16):
        data = data.strip(_BLANK)
    try:
        root = safe.xml_root(data, where=source.name, doctype=doctype)
    except CorruptInputError:
        if data.startswith(_UTF16) or _is_utf8(data):
            raise
        recoded = _DECLARATION.sub("", data.decode("latin-1")).encode()
        root = safe.xml_root(recoded, where=source.name, doctype=doctype)
        said.append("the text is not in the encoding that the file declares: read as Latin-1")
    for element in root.iter():
        element.tag = local(element.tag)
        if any("}" in name for name in element.attrib):
            element.attrib = {local(name): value for name, value in element.attrib.items()}
    return root


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def local(name: str) -> str:
    """A tag or attribute without its namespace or undeclared prefix."""
    return name.rpartition("}")[2].rpartition(":")[2]


def child(element: Element | None, *path: str) -> Element | None:
    """The first child along a path of names, None when a step is missing."""
    for name in path:
        if element is None:
            return None
        element = element.find(name)
    return element


def children(element: Element | None, *path: str) -> list[Element]:
    """All elements at the end of a path of names."""
    return [] if element is None else element.findall("/".join(path))


def first(element: Element | None, name: str) -> Element | None:
    """The first descendant of that name."""
    return None if element is None else next(element.iter(name), None)


def text(element: Element | None, *path: str) -> str:
    """The text at the end of a path: no NULs, single spaces, "" when missing."""
    found = child(element, *path)
    return " ".join((found.text or "").replace("\0", " ").split()) if found is not None else ""


def given(element: Element | None, attribute: str) -> str:
    """An attribute without NULs and outer blanks, "" when missing."""
    return (element.get(attribute) or "").replace("\0", " ").strip() if element is not None else ""


def number(said: str) -> float | None:
    """A finite number, None for words, dashes and nothing; a comma may stand for the decimal point."""
    try:
        value = float(said.strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def base64_bytes(said: str, *, where: str) -> bytes:
    """Decoded base64; blanks, line ends and NULs between the letters do not count."""
    try:
        return base64.b64decode("".join(said.replace("\0", " ").split()), validate=True)
    except (binascii.Error, ValueError):
        raise CorruptInputError("damaged base64 data", where=where, hint="export the file again") from None


def decimals(said: str, *, where: str, separator: str = " ") -> NDArray[np.float64]:
    """Numbers written in a row, `[sample]`; a separator at the end does not count."""
    written = said.replace("\0", " ").strip().removesuffix(separator.strip() or "\0").strip()
    if not written:
        return np.zeros(0)
    with warnings.catch_warnings():
        # NumPy before 2.3 warns where later ones raise.
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(written, dtype=np.float64, sep=separator)
        except (ValueError, DeprecationWarning):
            raise CorruptInputError("samples that are no numbers", where=where, hint="export the file again") from None


def scaled(raw: NDArray[Any], *, step: float, origin: float = 0.0) -> NDArray[np.float32]:
    """`origin + step x raw` as float32 `[sample]`; a lead of one sentinel and what no voltage can be (1e30) is NaN."""
    if is_sentinel(raw):
        return np.full(raw.size, np.nan, np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        values = origin + step * raw.astype(np.float64)
        return np.where(np.abs(values) < 1e30, values, np.nan).astype(np.float32)


def values_of(said: str, unit: str, *, name: str | None, lead: str | None = None, label: str,
              scale: float = 1.0) -> Iterator[DeviceMeasurement]:
    """A device's number as nothing or one measurement.

    Dropped are words, the marks of "not measured" (29999, 32767, 65535 and the like) and a time or rate of zero.
    """
    value = number(said)
    if value is None or abs(value) in (29999.0, 32767.0, 32768.0, 65535.0):
        return
    if value == 0.0 and unit in ("ms", "1/min"):
        return
    yield DeviceMeasurement(name=name or _own_name(label), value=value * scale, unit=unit, lead=lead, label=label)


def _own_name(label: str) -> str:
    return "_".join(re.findall(r"[a-z0-9]+", label.lower()))[:64] or "unnamed"


def moment(day: str, time: str = "") -> datetime | None:
    """A date and time as devices write them: `20021122091000.123+0100`, `2002-11-22`, `11-22-2002` (month first).

    None without a whole date. The time zone is left out, for it is the device's own.
    """
    digits = _MONTH_FIRST.sub(r"\3\1\2", day.strip())
    found = _DAY.match(digits)
    if found is None:
        return None
    clock = _CLOCK.match(time.strip() or digits[found.end():])
    hour, minute, second, fraction = clock.groups(default="0") if clock else ("0",) * 4
    year, month, date_ = map(int, found.groups())
    try:
        return datetime(year, month, date_, int(hour), int(minute), int(second), int(f"{fraction:0<6}"[:6]))
    except ValueError:
        return None


def years_between(born: date | None, then: date | None) -> float | None:
    """Completed years, None when a date is missing or the span is impossible."""
    if born is None or then is None:
        return None
    years = then.year - born.year - ((then.month, then.day) < (born.month, born.day))
    return float(years) if 0 <= years <= 130 else None
