import io
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from ecground.digitize.load import is_image, load, load_all, pages
from ecground.errors import (
    CorruptInputError,
    EcgroundError,
    MissingExtraError,
    UnknownFormatError,
    UnsafeInputError,
    UsageError,
)


def picture(width=60, height=40):
    """Red at the left, blue at the bottom right, else white."""
    image = np.full((height, width, 3), 255, np.uint8)
    image[:, :10] = (255, 0, 0)
    image[-10:, -10:] = (0, 0, 255)
    return image


def saved(image, kind, **options):
    stream = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, kind, **options)
    return stream.getvalue()



@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_formats_give_the_same_rgb(kind):
    options = {"PNG": {}, "TIFF": {}, "WEBP": {"lossless": True}, "JPEG": {"quality": 98, "subsampling": 0}}[kind]
    data = saved(picture(), kind, **options)
    assert is_image(data[:64])
    page = load(data)
    assert page.image.dtype == np.uint8
    assert page.truth is None
    assert np.abs(page.image.astype(int) - picture()).max() <= (20 if kind == "JPEG" else 0)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "RGBA", "LA", "I;16", "F", "I"])
def test_modes_become_rgb(mode):
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (20, 1))
    if mode == "I;16":
        image = Image.fromarray(ramp.astype(np.uint16) * 257)
    elif mode in ("F", "I"):
        image = Image.fromarray(ramp.astype(np.float32 if mode == "F" else np.int32))
    else:
        image = Image.fromarray(ramp).convert(mode)
    kind = "PNG" if mode not in ("CMYK", "F", "I") else "TIFF"
    found = load(saved(image, kind)).image
    assert found.shape == (20, 64, 3)
    tolerance = 255 if mode == "1" else 3
    assert np.abs(found.astype(int) - ramp[..., None]).max() <= tolerance


def test_twelve_bits_in_sixteen_use_the_whole_range():
    grey = np.linspace(0, 4095, 64).astype(np.uint16)[None].repeat(8, 0)
    assert load(saved(Image.fromarray(grey), "PNG")).image.max() == 255


def test_transparent_is_white():
    image = np.zeros((8, 8, 4), np.uint8)
    image[:4, :, 3] = 255
    found = load(saved(Image.fromarray(image), "PNG")).image
    assert (found[:4] == 0).all()
    assert (found[4:] == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_the_camera_is_undone(orientation):
    turn = {
        1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: np.rot90(a, 2), 4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2), 6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2), 8: lambda a: np.rot90(a, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(turn(picture())))
    found = load(saved(stored, "PNG", exif=exif)).image
    assert np.array_equal(found, picture())


def test_pages_of_a_tiff_and_a_pdf():
    first, second = Image.fromarray(picture()), Image.fromarray(picture(80, 30))
    tiff = saved(first, "TIFF", save_all=True, append_images=[second])
    assert pages(tiff) == 2
    assert [page.image.shape for page in load_all(tiff)] == [(40, 60, 3), (30, 80, 3)]
    with pytest.raises(UsageError):
        load(tiff, page=2)
    pdf = saved(first, "PDF", save_all=True, append_images=[second], resolution=10)
    assert pages(pdf) == 2
    page = load(pdf, page=1)
    assert page.image.shape[1] / page.image.shape[0] == pytest.approx(80 / 30, rel=0.01)
    assert page.dpi == pytest.approx(254)
    assert page.image.shape[1] == pytest.approx(80 / 10 * 254, abs=2)


def test_resolution_is_believed_only_where_it_makes_a_page():
    wide = np.full((200, 2200, 3), 255, np.uint8)
    assert load(saved(wide, "PNG", dpi=(200, 200))).dpi == pytest.approx(200, abs=0.1)
    assert load(saved(wide, "PNG", dpi=(72, 72))).dpi is None
    assert load(saved(wide, "PNG", dpi=(3000, 3000))).dpi is None
    assert load(saved(wide, "PNG")).dpi is None
    assert load(saved(wide, "PNG"), dpi=300).dpi == 300


def png_header(width, height):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body


def test_bombs_are_refused_before_they_are_decoded():
    for side in (20_000, 60_000):
        with pytest.raises(UnsafeInputError):
            load(png_header(side, side))
    with pytest.raises(CorruptInputError):
        load(png_header(500, 500))


def test_other_content_is_named():
    for data in (b"", b"hello", b"\x89PNG", b"RIFF\0\0\0\0WAVE"):
        assert not is_image(data)
        with pytest.raises(UnknownFormatError):
            load(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "PDF"])
def test_damage_gives_our_errors(kind):
    whole = saved(picture(), kind)
    rng = np.random.default_rng(3)
    for part in (0.1, 0.3, 0.6, 0.9):
        with_garbage = bytearray(whole)
        for at in rng.integers(8, len(whole), 12):
            with_garbage[at] = rng.integers(256)
        for data in (whole[:int(len(whole) * part)], bytes(with_garbage)):
            try:
                page = load(data)
            except EcgroundError as error:
                assert error.what
            else:
                assert page.image.ndim == 3


def test_heic_without_the_decoder(monkeypatch):
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(MissingExtraError, match="HEIC"):
        load(b"\0\0\0\x18ftypheic" + b"\0" * 40)


def test_damaged_heic():
    pytest.importorskip("pi_heif")
    with pytest.raises(CorruptInputError):
        load(b"\0\0\0\x18ftypheic" + b"\0" * 40)


def test_a_locked_pdf_says_so(monkeypatch):
    with pytest.raises(CorruptInputError, match="PDF"):
        load(b"%PDF-1.7\n" + b"junk " * 50)
