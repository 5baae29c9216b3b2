"""The XML formats together: recognised in any dress, and attacks."""


import numpy as np
import pytest

from ecground.errors import CorruptInputError, NoSignalError, UnknownFormatError, UnsafeInputError
from ecground.io import read, sniff
from tests.io.xml_documents import (
    EIGHT,
    aecg,
    annotation,
    annotations,
    cardiosoft,
    counts,
    muse,
    rows,
    said,
    schiller,
    sierra,
    twelve,
)


@pytest.mark.parametrize(("data", "name"), [
    (aecg(rows(EIGHT, counts())), "aecg"), (muse(rows(EIGHT, counts())), "muse"),
    (sierra(twelve()), "sierra"), (schiller(rows(EIGHT, counts())), "schiller"),
    (cardiosoft(rows(EIGHT, counts())), "cardiosoft"),
])
def test_recognised_in_any_dress(data, name):
    assert sniff(data) == name
    padded = b"\r\n\0 " + data + b"\0\0\0"
    assert sniff(padded) == name
    text = data.decode("latin-1").split("?>", 1)[1]
    for dressed in (padded, b"\xef\xbb\xbf" + data, ("<?xml version='1.0'?>" + text).encode("utf-16"),
                    text.encode()):
        np.testing.assert_array_equal(read(dressed).signal, read(data).signal)


@pytest.mark.parametrize("data", [
    b"<note>AnnotatedECG</note>", b"<!-- <RestingECG> --><other/>", b"plain text <restingecgdata>", b"<", b"<?xml ?>",
    b"\xff\xfe", b"<!DOCTYPE RestingECG [<!ENTITY a 'b'>]><RestingECG/>",
])
def test_not_recognised(data):
    with pytest.raises(UnknownFormatError):
        sniff(data)


def attacked(data, where, what):
    head, found, tail = data.partition(where)
    assert found
    return head + what + found + tail


@pytest.mark.parametrize(("data", "root"), [
    (aecg(rows(EIGHT, counts(n=30))), b"<AnnotatedECG"), (muse(rows(EIGHT, counts(n=30)), doctype=""), b"<RestingECG"),
    (sierra(twelve(n=30)), b"<restingecgdata"), (schiller(rows(EIGHT, counts(n=30))), b"<com.xiriuz"),
    (cardiosoft(rows(EIGHT, counts(n=30))), b"<CardiologyXML"),
])
def test_attacks(data, root):
    name = root[1:].split(b".")[0]
    for dtd in (b'<!DOCTYPE %s [<!ENTITY a "b">]>', b'<!DOCTYPE %s [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
                b'<!DOCTYPE %s [<!ELEMENT x ANY>]>', b'<!DOCTYPE other SYSTEM "http://host/x.dtd">'):
        with pytest.raises((UnsafeInputError, UnknownFormatError)):
            read(attacked(data, root, dtd.replace(b"%s", name)))
    end = data.rindex(b"</")
    with pytest.raises(UnsafeInputError):
        read(data[:end] + b"<a>" * 100 + b"</a>" * 100 + data[end:])
    with pytest.raises(CorruptInputError):
        read(data[:end])
    with pytest.raises(CorruptInputError):
        read(data[:end] + b"&undefined;" + data[end:])


def test_too_many_elements(monkeypatch):
    monkeypatch.setattr("ecground.safe.MAX_XML_NODES", 500)
    data = schiller(rows(EIGHT, counts(n=30)))
    assert read(data).n_samples == 30
    end = data.rindex(b"</")
    with pytest.raises(UnsafeInputError):
        read(data[:end] + b"<a/>" * 500 + data[end:])
    with pytest.raises(UnsafeInputError):
        read(data[:end] + b"<a " + b" ".join(b"x%d=''" % k for k in range(500)) + b"/>" + data[end:])


@pytest.mark.parametrize("data", [
    aecg({"I": [1, 2, 300]}, scale="1e308"), muse(rows(("I",), counts(1)), scale="1e308"),
    schiller(rows(("I",), counts(1)), scale="1e308"), sierra(twelve(), resolution="1e308"),
    sierra(twelve(), duration="1e308"), aecg({"I": [1, 2, 300]}, origin="1e308", scale="1e308", origin_unit="V"),
])
def test_numbers_beyond_any_voltage(data):
    try:
        seen = read(data).signal
    except (NoSignalError, UnsafeInputError):
        return
    assert (seen[np.isfinite(seen)] == 0).all()


def test_vendor_doctype_is_passed_over_and_never_loaded(tmp_path):
    (tmp_path / "restecg.dtd").write_text('<!ENTITY who "patient">')
    data = muse(rows(EIGHT, counts()))
    (tmp_path / "a.xml").write_bytes(data)
    assert len(read(tmp_path / "a.xml").leads) == 12
    (tmp_path / "b.xml").write_bytes(data.replace(b"FEMALE", b"&who;"))
    with pytest.raises((UnsafeInputError, CorruptInputError)):
        read(tmp_path / "b.xml")


def test_latin_1_that_says_utf_8():
    data = aecg(rows(EIGHT, counts()), inside=annotations(annotation("MDC_ECG_INTERPRETATION", "QQQ", kind="ST")))
    record = read(data.replace(b"QQQ", "Légère déviation".encode("latin-1")))
    assert record.device.statements == ("Légère déviation",)
    assert said(record, "Latin-1")
