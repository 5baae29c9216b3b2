import io
import json
import struct
import time
import zipfile
import zlib

import numpy as np
import pytest

from ecground import safe
from ecground.errors import CorruptInputError, NotFoundError, UnsafeInputError


def npz_bytes(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def test_declared_range_must_be_there():
    assert bytes(safe.need(b"abcdef", 2, 3, where="x")) == b"cde"
    for start, count in ((4, 3), (-1, 2), (0, -1), (7, 0)):
        with pytest.raises(CorruptInputError):
            safe.need(b"abcdef", start, count, where="x")


def test_size_limit_of_files_and_streams(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"12345")
    assert safe.read_bytes(path, limit=5) == b"12345"
    with pytest.raises(UnsafeInputError):
        safe.read_bytes(path, limit=4)
    with pytest.raises(UnsafeInputError):
        safe.read_bytes(io.BytesIO(b"12345"), limit=4)
    with pytest.raises(NotFoundError):
        safe.read_bytes(tmp_path / "none")
    with pytest.raises(CorruptInputError):
        safe.read_bytes(io.StringIO("text"))


@pytest.mark.parametrize("name", [
    "../a.dat", "/etc/passwd", "a/../../b", "C:\\x.dat", "..\\x", "http://host/x", "s3://bucket/x", "", "a\0b", "~/x",
    "\\\\host\\share",
])
def test_names_that_leave_the_folder(tmp_path, name):
    with pytest.raises(UnsafeInputError):
        safe.inside(tmp_path, name)


def test_links_that_leave_the_folder(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret").write_text("x")
    (inner / "link.dat").symlink_to(tmp_path / "secret")
    with pytest.raises(UnsafeInputError):
        safe.inside(inner, "link.dat")
    assert safe.inside(inner, "part/a.dat") == inner / "part" / "a.dat"


def test_json_depth_size_and_form():
    assert safe.json_value('{"a": ["[[[[", 1]}', where="x") == {"a": ["[[[[", 1]}
    with pytest.raises(UnsafeInputError):
        safe.json_value("[" * 65 + "]" * 65, where="x")
    with pytest.raises(UnsafeInputError):
        safe.json_value(json.dumps("a" * 100), where="x", limit=50)
    with pytest.raises(CorruptInputError):
        safe.json_value("{", where="x")


def test_xml_without_dtd():
    root = safe.xml_root(b'<a xmlns="urn:x" k="1"><b>text</b></a>', where="x")
    assert root.tag == "{urn:x}a"
    assert root.get("k") == "1"
    assert root[0].text == "text"


@pytest.mark.parametrize("data", [
    b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    b'<!DOCTYPE a SYSTEM "http://host/a.dtd"><a/>',
    b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    b"<a>" * 65 + b"</a>" * 65,
])
def test_xml_attacks(data):
    with pytest.raises(UnsafeInputError):
        safe.xml_root(data, where="x")


@pytest.mark.parametrize("data", [b"", b"<a>", b"<a></b>", b"\0\1", b"<a>&undefined;</a>"])
def test_damaged_xml(data):
    with pytest.raises(CorruptInputError):
        safe.xml_root(data, where="x")


def test_inflate_has_a_limit():
    packed = zlib.compress(b"\0" * 10_000)
    assert safe.inflate(packed, limit=10_000, where="x") == b"\0" * 10_000
    with pytest.raises(UnsafeInputError):
        safe.inflate(packed, limit=9_999, where="x")
    for broken in (packed[:-6], b"\0\1\2", b""):
        with pytest.raises(CorruptInputError):
            safe.inflate(broken, limit=10_000, where="x")


def test_npz_gives_arrays_and_refuses_pickles():
    data = npz_bytes(a=np.arange(6).reshape(2, 3), f=np.asfortranarray(np.eye(3)), s=np.array("text"))
    with safe.Npz(data) as archive:
        assert sorted(archive) == ["a", "f", "s"]
        assert archive["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
        assert np.array_equal(archive["f"], np.eye(3))
        assert str(archive["s"]) == "text"
    with safe.Npz(npz_bytes(o=np.array([{}], dtype=object))) as archive, pytest.raises(UnsafeInputError):
        archive["o"]


def test_npz_with_a_lying_header():
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr("a.npy", stream.getvalue() + b"\0" * 64)
    with safe.Npz(archive.getvalue()) as z, pytest.raises(CorruptInputError):
        z["a"]


def test_archives_that_lie_or_leave():
    def zipped(name, content):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr(name, content)
        return stream.getvalue()

    for name in ("../a.npy", "/a.npy", "x/../../a.npy", "C:/a.npy"):
        with pytest.raises(UnsafeInputError):
            safe.Npz(zipped(name, b"x"))
    with pytest.raises(UnsafeInputError):
        safe.Npz(zipped("a.npy", b"\0" * 100_000), limit=50_000)
    with pytest.raises(CorruptInputError):
        safe.Npz(b"PK\x03\x04 not a zip")


def test_write_is_atomic(tmp_path):
    path = tmp_path / "a.txt"
    safe.write_atomic(path, b"one")
    safe.write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    with pytest.raises(OSError, match=r"folder|directory"):
        safe.write_atomic(tmp_path / "none" / "a.txt", b"x")


def test_xml_tags_have_a_length_limit():
    attributes = b" ".join(b'x%d=""' % k for k in range(400_000))
    begin = time.perf_counter()
    with pytest.raises(UnsafeInputError):
        safe.xml_root(b"<r><a " + attributes + b"/></r>", where="x")
    with pytest.raises(UnsafeInputError):
        safe.xml_root(b"<r><!--" + b"-\n" * 3_000_000 + b"--></r>", where="x")
    assert time.perf_counter() - begin < 3
    long = b"AbC+/\n" * 800_000
    for text in (b"<r>" + long + b"</r>", b"<r><![CDATA[" + long + b"]]></r>",
                 b"<r>" + long.replace(b"\n", b"=") + b"</r>"):
        assert len(safe.xml_root(text, where="x").text) == len(long)
    wide = b"<r>" + b"".join(b"<a k='%d'>t</a>" % k for k in range(200_000)) + b"</r>"
    root = safe.xml_root(wide.decode().encode("utf-16"), where="x")
    assert (len(root), root[150_000].get("k"), root[-1].text) == (200_000, "150000", "t")


def png_header(width, height):
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )


def test_images_are_measured_before_they_are_decoded():
    assert safe.image_file(png_header(300, 200), formats=("PNG",), where="x").size == (300, 200)
    for width, height in ((100_000, 1_000), (65_000, 65_000), (9_500, 9_500)):
        with pytest.raises(UnsafeInputError, match="pixels"):
            safe.image_file(png_header(width, height), formats=("PNG",), where="x")
    with pytest.raises(CorruptInputError):
        safe.image_file(png_header(300, 200), formats=("JPEG",), where="x")
    with pytest.raises(CorruptInputError):
        safe.image_file(png_header(0, 200), formats=("PNG",), where="x")
    with pytest.raises(CorruptInputError):
        safe.image_file(png_header(300, 200), formats=("PNG",), where="x", page=3)
    with pytest.raises(UnsafeInputError):
        safe.image_file(b"\x89PNG" + b"\0" * (safe.MAX_IMAGE_BYTES + 1), formats=("PNG",), where="x")


def pdf(content, extra=b""):
    """A PDF of one page."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 800 600]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/XObject/Subtype/Image/Width 90000/Height 90000/BitsPerComponent 1/ColorSpace/DeviceGray/Length 1>>"
        b"stream\n0\nendstream",
    ]
    body = b"%PDF-1.4\n" + b"".join(b"%d 0 obj%s\nendobj\n" % (n + 1, part) for n, part in enumerate(objects))
    return body + extra + b"trailer<</Root 1 0 R/Size 6>>\n%%EOF"


def test_pages_of_a_pdf_are_weighed_before_they_are_drawn(monkeypatch):
    import pypdfium2

    def check(content):
        with pypdfium2.PdfDocument(pdf(content)) as document:
            page = document[0]
            safe.check_pdf_page(page, where="x")
            page.close()

    check(b"0 0 m 9 9 l S")
    with pytest.raises(UnsafeInputError, match="pictures"):
        check(b"q 800 0 0 600 0 0 cm /I Do Q")
    monkeypatch.setattr(safe, "_MAX_PDF_OBJECTS", 100)
    with pytest.raises(UnsafeInputError, match="objects"):
        check(b"0 0 m 9 9 l S\n" * 101)
