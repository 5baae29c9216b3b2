"""Mutated XML files: nothing but our own errors, in bounded time; what aECG writes is read back."""

import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ecground.errors import EcgroundError
from ecground.io import read, write
from ecground.io.xml.xli import unpacked_leads
from ecground.record import Patient, Record
from tests.io.xml_documents import (
    EIGHT,
    aecg,
    annotation,
    annotations,
    cardiosoft,
    counts,
    muse,
    schiller,
    sierra,
    twelve,
    xli,
)

ROUNDS = settings(max_examples=150, deadline=2000, derandomize=True,
                  suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
ROWS = dict(zip(EIGHT, counts(n=60), strict=True))
ORIGINALS = {
    "aecg": aecg(ROWS, person='<birthTime value="19600103"/>', inside=annotations(
        annotation("MDC_ECG_TIME_PD_PR", "160"), annotation("MDC_ECG_INTERPRETATION", "Sinus", kind="ST"))),
    "muse": muse(ROWS, extra="<RestingECGMeasurements><PRInterval>180</PRInterval></RestingECGMeasurements>"),
    "sierra": sierra(twelve(n=60)),
    "sierra-plain": sierra(twelve(n=60), compression="Uncompressed"),
    "schiller": schiller(ROWS, extra="<annotation_global><name>HR</name><value>69</value></annotation_global>"),
    "cardiosoft": cardiosoft(ROWS, extra="<Interpretation><Statement>Sinus</Statement></Interpretation>"),
}
WORDS = (b"", b"-1", b"0", b"1e308", b"nan", b"99999999999", b"0x1", b"1,5", b"\xff", b"\xe2\x80\xae", b"2147483648",
         b"XX")


def mutated(data, draw):
    """One of: cut, changed bytes, a piece taken out, doubled or moved, or a value between quotes or tags replaced."""
    kind = draw(st.sampled_from(["cut", "flip", "splice", "double", "value", "value", "value", "text"]))
    at = draw(st.integers(0, len(data) - 1))
    end = min(at + draw(st.integers(0, 400)), len(data))
    if kind == "cut":
        return data[:at]
    if kind == "splice":
        return data[:at] + data[end:]
    if kind == "double":
        return data[:end] + data[at:end] + data[end:]
    if kind == "flip":
        changed = bytearray(data)
        for _ in range(draw(st.integers(1, 6))):
            changed[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
        return bytes(changed)
    left, right = (b'"', b'"') if kind == "value" else (b">", b"<")
    begin = data.find(left, at) + 1
    stop = data.find(right, begin)
    return data if begin == 0 or stop < 0 else data[:begin] + draw(st.sampled_from(WORDS)) + data[stop:]


def survives(data):
    begin = time.perf_counter()
    try:
        record = read(data)
    except EcgroundError as error:
        assert error.what
    else:
        assert record.signal.dtype == np.float32
        assert len(record.leads) == record.signal.shape[0]
        assert all(np.isfinite(m.value) for m in record.device.measurements)
    assert time.perf_counter() - begin < 2


@pytest.mark.parametrize("name", ORIGINALS)
@given(data=st.data())
@ROUNDS
def test_mutated_xml(name, data):
    survives(mutated(ORIGINALS[name], data.draw))


@pytest.mark.parametrize("name", ORIGINALS)
@given(data=st.data())
@settings(ROUNDS, max_examples=60)
def test_twice_mutated_xml(name, data):
    survives(mutated(mutated(ORIGINALS[name], data.draw) or b"<", data.draw))


@given(data=st.binary(max_size=300), samples=st.one_of(st.none(), st.integers(1, 400)))
@ROUNDS
def test_random_compressed_leads(data, samples):
    try:
        leads = unpacked_leads(data, count=2, samples=samples, where="x")
    except EcgroundError:
        return
    assert len(leads) == 2


@given(samples=hnp.arrays(np.int64, st.integers(2, 300), elements=st.integers(-4000, 4000)))
@ROUNDS
def test_compression_round_trip(samples):
    smooth = np.cumsum(samples) // 50
    for one in (smooth, samples):
        bends = np.diff(one, 2)
        if one.size and np.abs(bends).max(initial=0) < 32000:
            got = unpacked_leads(xli(one[None], ["V1"]), count=1, samples=one.size, where="x")
            np.testing.assert_array_equal(got[0], one)


@given(
    signal=hnp.arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(2, 60)),
                      elements=st.one_of(st.just(np.nan), st.floats(-30, 30, width=32))),
    fs=st.sampled_from([100.0, 250.0, 360.0, 257.5, 1000.0]), age=st.sampled_from([None, 0, 7, 90]),
)
@ROUNDS
def test_aecg_round_trip(tmp_path, signal, fs, age):
    seen = np.isfinite(signal)
    if not seen.any():
        return
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    leads = ("V1", "V4", "V7", "MLII", "X")[:len(signal)]
    record = Record(signal=signal, fs=fs, leads=leads, patient=Patient(age, "F"))
    write(record, tmp_path / "r.xml")
    back = read(tmp_path / "r.xml")
    assert (back.fs, back.patient) == (fs, record.patient)
    assert set(back.leads) == {record.leads[row] for row in rows}
    for row in rows:
        want = signal[row, columns[0]:columns[-1] + 1]
        np.testing.assert_allclose(back.lead(record.leads[row]), want, atol=0.000051, rtol=1e-6)
