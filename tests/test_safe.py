import io
import json
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
