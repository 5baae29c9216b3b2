"""Markers that stand for what identifies a person, and a search that finds them anywhere, for the tests of deid."""

import base64
import io
import zipfile

import numpy as np

from ecground import Record
from ecground.record import Patient


class Planted:
    """Makes markers that no two places share, and remembers them."""

    def __init__(self):
        self.words, self.made = [], 0

    def word(self):
        """A word like a name."""
        return self._new(f"Qzv{self._letters()}son")

    def number(self):
        """A number like an identifier."""
        return self._new(f"{7318240000 + 37 * (self.made + 1)}")

    def day(self, mark=""):
        """A date of the years 1951 to 1962."""
        k = self.made
        return self._new(mark.join((f"{1951 + k % 12}", f"{1 + k % 11:02d}", f"{10 + k % 17:02d}")))

    def _letters(self):
        k, out = self.made, ""
        for _ in range(4):
            k, digit = divmod(k, 20)
            out += "bcdfghjklmnpqrstvwxz"[digit]
        return out

    def _new(self, word):
        self.made += 1
        self.words.append(word)
        return word


def spellings(word):
    """The ways in which a word can lie in a file."""
    yield from plain(word)
    yield b"".join(bytes((b, a)) for a, b in zip(*[iter(word.encode() + b" " * (len(word) % 2))] * 2, strict=True))
    if len(word) > 8:  # shorter ones leave too few letters that do not depend on their neighbours
        for shift in range(3):
            coded = base64.b64encode(b"\0" * shift + word.encode())
            yield coded[4 if shift else 0:len(coded) - 4]


def plain(word):
    """Character sets, cases and directions."""
    yield from (word.encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"))
    yield from (word.upper().encode(), word.lower().encode(), word[::-1].encode())


def unpacked(data):
    """A file and, of an archive, its members."""
    if data[:2] != b"PK":
        return data
    archive = zipfile.ZipFile(io.BytesIO(data))
    return data + b"".join(archive.read(name) for name in archive.namelist())


def left(words, *contents):
    """Those of the words that some content still holds."""
    whole = b"\0".join(unpacked(content) for content in contents)
    # All our own words begin alike: where that beginning is nowhere, none of them is.
    starts = any(spelled in whole for spelled in plain("Qzv"))
    return [word for word in words
            if any(spelled in whole for spelled in
                   (spellings(word) if starts or not word.startswith("Qzv") else list(spellings(word))[8:]))]


def recording(*, n=600, leads=("I", "II", "V1"), start=None, age=58.0, sex="F"):
    """Three leads of smooth noise in whole microvolts."""
    rng = np.random.default_rng(5)
    signal = np.rint(np.cumsum(rng.integers(-6, 7, (len(leads), n)), axis=1)).astype(np.float32) / np.float32(1000)
    return Record(signal=signal, fs=250.0, leads=leads, patient=Patient(age=age, sex=sex), start=start)
