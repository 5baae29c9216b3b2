"""Pictures: nothing planted around the pixels is left, the pixels and the way up are the same."""

from __future__ import annotations

import io
import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from ecground.errors import CorruptInputError, EcgroundError
from ecground.io.deid import Key, deidentify
from tests.io.planted import Planted, left

KEY = Key(b"0123456789abcdef0123456789abcdef")


def page(mode="RGB"):
    rng = np.random.default_rng(3)
    return Image.fromarray(rng.integers(0, 256, (40, 60, 3), np.uint8)).convert(mode)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def exif(planted, orientation):
    made = Image.Exif()
    made[0x0112] = orientation
    for tag in (0x010E, 0x013B, 0x8298, 0x0131, 0x010F, 0x0110):
        made[tag] = planted.word()
    made[0x0132] = planted.day(":")
    made.get_ifd(0x8769)[0xA431] = planted.number()
    made.get_ifd(0x8825)[0x001D] = planted.day(":")
    return made.tobytes()


def png(planted, mode, orientation):
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", planted.word())
    text.add_text("Comment", planted.word(), zip=False)
    text.add_itxt("Title", planted.word())
    stream = io.BytesIO()
    page(mode).save(stream, "PNG", pnginfo=text, exif=exif(planted, orientation), dpi=(300, 300))
    data = stream.getvalue()
    private = chunk(b"prVt", planted.word().encode()) + chunk(b"tIME", struct.pack(">HBBBBB", 1956, 4, 3, 2, 1, 0))
    end = data.index(b"IEND") - 4
    return data[:end] + private + data[end:] + planted.word().encode()


def jpeg(planted, mode, orientation, **options):
    stream = io.BytesIO()
    page(mode).save(stream, "JPEG", exif=exif(planted, orientation), comment=planted.word(),
                    xmp=planted.word().encode(), icc_profile=planted.word().encode(), **options)
    data = stream.getvalue()
    iptc = planted.word().encode()
    thumbnail = data[2:].startswith(b"\xff\xe0") and data[4:6] == b"\0\x10"
    assert thumbnail or mode == "CMYK"
    extra = b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc
    return data[:2] + extra + data[2:] + planted.word().encode()


MADE = {
    "png": (png, "RGB", {}), "png-palette": (png, "P", {}), "png-grey": (png, "L", {}), "png-alpha": (png, "RGBA", {}),
    "jpeg": (jpeg, "RGB", {}), "jpeg-grey": (jpeg, "L", {}), "jpeg-cmyk": (jpeg, "CMYK", {}),
    "jpeg-progressive": (jpeg, "RGB", {"progressive": True}),
    "jpeg-restarts": (jpeg, "RGB", {"restart_marker_blocks": 2}),
}


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("name", MADE)
def test_nothing_planted_is_left(tmp_path, name, orientation):
    planted, (make, mode, options) = Planted(), MADE[name]
    path = tmp_path / "Mustermann.jpg"
    path.write_bytes(make(planted, mode, orientation, **options))
    (tmp_path / "out").mkdir()
    made = deidentify(path, tmp_path / "out", key=KEY)
    copy = (tmp_path / "out" / made.file).read_bytes()
    told = json.dumps([made.file, *(str(entry) for entry in made.ledger.changes), *made.ledger.could_not])
    assert left(planted.words, path.read_bytes())
    assert left(planted.words, copy, told.encode()) == []
    assert made.format == name.split("-")[0]
    before, after = Image.open(path), Image.open(io.BytesIO(copy))
    assert (before.mode, before.size) == (after.mode, after.size)
    np.testing.assert_array_equal(np.asarray(before), np.asarray(after))
    assert dict(after.getexif()) == ({0x0112: 6} if orientation == 6 else {})
    assert not after.getexif().get_ifd(0x8825)
    assert any("picture itself" in sentence for sentence in made.ledger.could_not)


@pytest.mark.parametrize("name", ["png", "jpeg"])
def test_damaged_pictures_end_in_our_errors(tmp_path, name):
    make, mode, options = MADE[name]
    data = make(Planted(), mode, 6, **options)
    path = tmp_path / "a.bin"
    rng = np.random.default_rng(4)
    for at in (3, 8, 20, 40, len(data) // 2, len(data) - 40):
        path.write_bytes(data[:at])
        with pytest.raises(EcgroundError):
            deidentify(path, tmp_path, key=KEY)
    for _ in range(60):
        spoilt = np.frombuffer(data, np.uint8).copy()
        spoilt[rng.integers(3, len(data), 4)] = rng.integers(0, 256, 4)
        path.write_bytes(spoilt.tobytes())
        try:
            deidentify(path, tmp_path, key=KEY)
        except EcgroundError as error:
            assert error.what


def test_a_chunk_longer_than_the_file(tmp_path):
    path = tmp_path / "a.png"
    data = png(Planted(), "RGB", 1)
    path.write_bytes(data[:33] + struct.pack(">I", 0x7FFFFFFF) + b"tEXt" + data[33:])
    with pytest.raises(CorruptInputError):
        deidentify(path, tmp_path, key=KEY)
