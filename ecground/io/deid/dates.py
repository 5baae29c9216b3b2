"""`Key`: everything that replaces identities, derived from one secret: dates, names, numbers, UIDs.

Contract: HMAC-SHA256 of the patient's identity gives the same shift in every file of that patient, whatever the format,
so intervals between recordings stay exact; nobody without the key can undo it. Dates move back by whole days (1 to 10
years); the time of day stays, for it has clinical meaning in long recordings. An age over 89 becomes 90.
Reference: DICOM PS3.15 E.3.6 (modified dates) and E.3.7 (patient characteristics); 45 CFR 164.514(b)(2)(i)(C) for 89
years; UIDs from a UUID: PS3.5 B.2.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from ecground.errors import UsageError

__all__ = ["KEY_BYTES", "OLDEST_AGE", "Dates", "Key", "capped", "identity_of"]

KEY_BYTES: Final = 32
"""Length of a fresh key."""
OLDEST_AGE: Final = 90
_SHORTEST_KEY: Final = 16
_LEAST_DAYS, _SPAN_DAYS = 366, 3287

_ISO: Final = re.compile(r"([12]\d{3})([-/.]?)(0\d|1[0-2])\2([0-3]\d)(?!\d{5,7}\Z)")
_MONTH_FIRST: Final = re.compile(r"(0\d|1[0-2])([-/])([0-3]\d)\2([12]\d{3})")
_DAY_FIRST: Final = re.compile(r"([0-3]?\d)([/.])([01]?\d)\2([12]\d{3})")
_CLOCK: Final = re.compile(r"[T ]?\d{1,2}(:?\d{2}(:?\d{2}([.:,]?\d{1,6})?)?)?(?P<zone>\s*([-+]\d{2}:?\d{2}|Z))?")


def identity_of(*parts: str) -> str | None:
    """The patient's identity from what a file gives, best first: the first part that says anything, in one spelling."""
    for part in parts:
        tidy = " ".join(part.replace("\0", " ").replace("^", " ").split()).casefold()
        if re.search(r"\w", tidy) and tidy not in ("unknown", "anonymous", "anonymized", "0", "00", "none", "x"):
            return tidy
    return None


def capped(years: float) -> float:
    """An age that is not rarer than it must be: 90 stands for every age over 89."""
    return float(OLDEST_AGE) if years > OLDEST_AGE - 1 else years


@dataclass(frozen=True, slots=True)
class Key:
    """The secret; whoever has it can tell which pseudonym belongs to which patient."""

    secret: bytes

    def __repr__(self) -> str:
        """The key by a fingerprint: the secret itself is never printed."""
        return f"Key({self.pseudonym('fingerprint', '')})"

    def __post_init__(self) -> None:
        if len(self.secret) < _SHORTEST_KEY:
            raise UsageError(f"a key of {len(self.secret)} bytes", where="key file",
                             hint=f"use at least {_SHORTEST_KEY} random bytes, or --save-key to make one")

    def digest(self, purpose: str, value: str | bytes) -> bytes:
        """32 bytes that depend on the key, the purpose and the value."""
        raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
        return hmac.new(self.secret, purpose.encode() + b"\0" + raw, hashlib.sha256).digest()

    def pseudonym(self, purpose: str, value: str | bytes) -> str:
        """16 letters and digits (80 bit)."""
        return base64.b32encode(self.digest(purpose, value)[:10]).decode().lower()

    def uid(self, value: str) -> str:
        """A DICOM UID under 2.25 that stands for another."""
        raw = bytearray(self.digest("uid", value)[:16])
        raw[6], raw[8] = raw[6] & 0x0F | 0x40, raw[8] & 0x3F | 0x80
        return f"2.25.{int.from_bytes(raw, 'big')}"

    def dates(self, patient: str) -> Dates:
        """The shift of all dates of one patient."""
        return Dates(-(_LEAST_DAYS + int.from_bytes(self.digest("dates", patient)[:8], "big") % _SPAN_DAYS))


@dataclass(frozen=True, slots=True)
class Dates:
    """Moves every date of one patient by the same number of days."""

    days: int

    def moved(self, day: date) -> date | None:
        """The day moved; None where the calendar ends."""
        try:
            return day + timedelta(days=self.days)
        except OverflowError:
            return None

    def text(self, said: str) -> str | None:
        """A date with or without time in the spelling of the file, moved; None when it is no whole date.

        Understands 20021122[091000[.123]], 2002-11-22[ T]09:10, 11-22-2002 (month first) and 22/11/2002 with times; a
        time zone is left out.
        """
        tidy = said.strip()
        for pattern, order in ((_ISO, (1, 3, 4)), (_MONTH_FIRST, (4, 1, 3)), (_DAY_FIRST, (4, 3, 1))):
            match = pattern.match(tidy)
            rest = tidy[match.end():] if match else ""
            clock = _CLOCK.fullmatch(rest) if rest else None
            if match is None or (rest and clock is None):
                continue
            try:
                moved = self.moved(date(*(int(match[k]) for k in order)))
            except ValueError:
                continue
            if moved is None:
                return None
            mark = match[2]
            year, month, day = f"{moved.year:04d}", f"{moved.month:02d}", f"{moved.day:02d}"
            front = {(1, 3, 4): (year, month, day), (4, 1, 3): (month, day, year)}.get(order, (day, month, year))
            zone = clock["zone"] if clock and clock["zone"] else ""
            return mark.join(front) + rest.removesuffix(zone)
        return None
