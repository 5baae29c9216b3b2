"""SCP-ECG: every compression against a writer made from the standard, attacks, and the data pack's file."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecground.errors import CorruptInputError, EcgroundError, NoSignalError, UnsafeInputError
from ecground.io import read, sniff
from ecground.io.scp.container import crc
from ecground.io.scp.huffman import DEFAULT_TABLE
from tests.conformance.check_reader import check_reader
from tests.io import scp_writer as scp

CODES = (1, 2, 3)
NAMES = ("I", "II", "V1")
BEATS = (81, 301, 561)
ROUNDS = settings(max_examples=80, deadline=3000, derandomize=True, suppress_health_check=list(HealthCheck))


def wave(length=800, leads=3, scale=300.0):
    t = np.arange(length) / 500
    rng = np.random.default_rng(3)
    rows = [scale * np.sin(2 * np.pi * (1.3 + k) * t) + rng.normal(0, 3, length) for k in range(leads)]
    return np.rint(np.stack(rows)).astype(np.int64)


def shape(width=80):
    t = np.arange(width) - 30
    bump = np.rint(900 * np.exp(-(t / 5.0) ** 2)).astype(np.int64)
    return np.stack([bump, 2 * bump // 3, -bump])


def ecg(**changes):
    return scp.Ecg(samples=changes.pop("samples", wave()), codes=CODES, **changes)


def check(record, samples, *, atol=1e-7):
    expected = samples * 0.0025
    for name, row in zip(NAMES, expected, strict=True):
        np.testing.assert_allclose(record.lead(name), row, rtol=1e-6, atol=atol)


@pytest.mark.parametrize("coding", ["none", "default", "custom"])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_every_coding_and_difference(coding, order):
    samples = wave()
    samples[0, 100:110] = [0, 1, -1, 8, -8, 9, -128, 127, 128, -129]
    samples[1, 5:7] = [15000, -15000]
    record = read(ecg(samples=samples, coding=coding, order=order).bytes())
    check(record, samples)
    assert record.fs == 500
    assert "2500 nV a step" in record.provenance.gain["V1"]


@pytest.mark.parametrize("coding", ["none", "default", "custom"])
def test_the_averaged_beat_is_added_back(coding):
    samples = wave()
    beat = shape()
    for at in BEATS:
        samples[:, at - 30:at + 50] += beat
    data = ecg(samples=samples, coding=coding, beat=beat, beats=BEATS).bytes()
    record = read(data)
    check(record, samples)
    assert "averaged beat subtracted" in record.provenance.gain["I"]


def test_beats_of_another_type_are_left_alone_and_edges_are_cut():
    samples, beat = wave(), shape()
    whole = ecg(samples=samples, beat=beat, beats=())
    parts = whole.sections()
    rows = samples.copy()
    # Type 1 was not subtracted; a beat at each edge reaches beyond the recording.
    entries = [(1, 200, 229, 279), (0, 0, 10, 60), (0, 771, 800, 850)]
    rows[:, 0:60] -= beat[:, 20:80]
    rows[:, 770:800] -= beat[:, :30]
    parts[4] = struct.pack("<HHH", 160, 30, 3) + b"".join(struct.pack("<HIII", *entry) for entry in entries)
    parts[6] = scp.block(rows, nanovolt=2500, interval=2000, order=2, bimodal=0, coding="default")
    check(read(scp.record(parts)), samples)


@pytest.mark.parametrize("rate", [2, 4])
@pytest.mark.parametrize("coding", ["none", "default"])
def test_bimodal_keeps_every_sample_in_the_zones(rate, coding):
    samples = wave(scale=60)
    zones = ((41, 120), (281, 340), (541, 600))
    record = read(ecg(samples=samples, coding=coding, rate=rate, zones=zones, beats=BEATS).bytes())
    assert record.fs == 500
    inside = np.zeros(samples.shape[1], bool)
    for first, last in zones:
        inside[first - 1:last] = True
        check_part = slice(first - 1, last)
        np.testing.assert_allclose(record.lead("V1")[check_part], samples[2, check_part] * 0.0025, atol=1e-7)
    # Elsewhere a smooth wave survives the mean of a block and the line between two means.
    assert np.abs(record.lead("I") - samples[0] * 0.0025)[~inside].max() < 0.03
    assert any("interpolated" in note for note in record.provenance.notes)


def test_bimodal_with_the_averaged_beat():
    samples, beat = np.zeros((3, 800), np.int64), shape()
    for at in BEATS:
        samples[:, at - 30:at + 50] += beat
    zones = ((41, 120), (281, 340), (541, 600))
    record = read(ecg(samples=samples, beat=beat, beats=BEATS, rate=4, zones=zones).bytes())
    check(record, samples)


def test_bimodal_of_a_new_protocol_is_not_bimodal():
    parts = ecg(coding="none").sections()
    parts[6] = parts[6][:5] + b"\x01" + parts[6][6:]
    check(read(scp.record(parts, protocol=30)), wave())
    with pytest.raises(CorruptInputError, match="section 4"):
        read(scp.record(parts))


def test_bimodal_without_its_zones_is_refused():
    parts = ecg(rate=4, beats=BEATS, zones=((41, 120), (281, 340), (541, 600))).sections()
    parts[4] = parts[4][:-24]
    with pytest.raises(CorruptInputError, match="protected zones"):
        read(scp.record(parts))


def test_the_patient_is_age_and_sex_only():
    record = read(ecg().bytes())
    assert (record.patient.age, record.patient.sex) == (63, "F")
    assert record.start.isoformat() == "2021-03-04T05:06:07"
    assert record.provenance.filters == ("high-pass 0.05 Hz", "low-pass 150 Hz", "notch 50 Hz")
    assert not any(word in repr(record) for word in ("Doe", "4711", "House", "ward"))


@pytest.mark.parametrize(("age", "years"), [
    ((6, 2), 0.5), ((7, 3), 0.1342), ((10, 4), 0.0274), ((12, 5), 0.0014), ((0, 0), None), ((200, 1), None),
    ((9, 9), None),
])
def test_units_of_age(age, years):
    record = read(scp.record(ecg().sections() | {1: scp.patient(age=age)}))
    assert record.patient.age == pytest.approx(years, abs=1e-4) if years is not None else record.patient.age is None


def test_age_from_the_date_of_birth_and_impossible_dates():
    born = scp.tag(5, struct.pack("<HBB", 1951, 3, 5))
    assert read(scp.record(ecg().sections() | {1: scp.patient(age=(0, 0), extra=born)})).patient.age == 69
    record = read(scp.record(ecg().sections() | {1: scp.patient(age=(0, 0), day=(2021, 13, 4), sex=9, extra=born)}))
    assert (record.patient.age, record.patient.sex, record.start) == (None, None, None)


def measurements(*, beats=1, times=(100, 200, 260, 350, 660), axes=(45, -30, 29999), rates=(72, 29999, 420, 1)):
    body = struct.pack("<BBHH", beats, 1, 833, 29999)
    body += struct.pack("<5H3h", *times, *axes) * beats
    body += struct.pack("<Hh", 120, 300) + b"\0" * 6
    return body + struct.pack("<HBB", 2, 0, 0) + struct.pack("<HHHB", *rates)


def test_global_measurements_are_the_devices_reading():
    record = read(ecg(extra={7: measurements()}).bytes())
    values = {m.name: (m.value, m.unit) for m in record.device.measurements}
    assert values == {
        "rr_mean_ms": (833, "ms"), "p_dur_ms": (100, "ms"), "pr_ms": (160, "ms"), "qrs_ms": (90, "ms"),
        "qt_ms": (400, "ms"), "p_axis_deg": (45, "deg"), "qrs_axis_deg": (-30, "deg"), "hr_bpm": (72, "1/min"),
        "qtc_bazett_ms": (420, "ms"),
    }


def test_what_was_not_measured_is_left_out():
    absent = measurements(times=(19999, 19999, 260, 350, 29999), rates=(0, 0, 29999, 9))
    record = read(ecg(extra={7: absent}).bytes())
    assert {m.name for m in record.device.measurements} == {"rr_mean_ms", "qrs_ms", "p_axis_deg", "qrs_axis_deg"}


def test_statements_of_sections_8_and_11():
    def numbered(*lines):
        entries = (struct.pack("<BH", k, len(line)) + line for k, line in enumerate(lines, 1))
        return bytes(8) + bytes([len(lines)]) + b"".join(entries)

    text = numbered("Sinusrhythmus, Größe normal\0".encode(), b"  NORMAL  ECG \0")
    coded = numbered(b"\x01NSR\0", b"\x02free text\0", b"\x03AND\0")
    record = read(ecg(extra={8: text, 11: coded}).bytes())
    assert record.device.statements == ("Sinusrhythmus, Größe normal", "NORMAL ECG", "NSR", "free text")


def test_a_damaged_reading_loses_only_itself():
    broken = bytes(8) + b"\x09" + struct.pack("<BH", 1, 60000) + b"abc"
    record = read(ecg(extra={8: broken, 7: measurements()}).bytes())
    assert record.device.statements == ()
    assert record.device.measurements
    assert any("section 8" in note for note in record.provenance.notes)
    record = read(scp.record(ecg(extra={7: measurements()}).sections(), wrong_crc={7}))
    assert record.device.measurements == ()
    assert any("section 7" in note for note in record.provenance.notes)
    check(record, wave())


def test_leads_keep_their_place_in_time_and_polarity():
    samples = wave()
    parts = scp.Ecg(samples=samples, codes=(1, 65, 3), coding="none", order=0).sections()
    parts[3] = bytes([3, 0]) + struct.pack("<IIB", 1, 800, 1) + struct.pack("<IIB", 101, 900, 65) \
        + struct.pack("<IIB", 1, 800, 3)
    record = read(scp.record(parts))
    assert record.signal.shape == (3, 900)
    np.testing.assert_allclose(record.lead("aVR")[100:], -samples[1] * 0.0025, atol=1e-6)
    assert np.isnan(record.lead("aVR")[:100]).all()
    assert np.isnan(record.lead("I")[800:]).all()


def test_leads_far_apart_in_time_do_not_fill_the_memory():
    parts = ecg(coding="none", order=0).sections()
    parts[3] = bytes([3, 0]) + b"".join(struct.pack("<IIB", at, at + 799, code) for at, code in
                                        ((1, 1), (1, 2), (300_000_000, 3)))
    with pytest.raises(UnsafeInputError, match="span"):
        read(scp.record(parts))


def test_without_an_amplitude_scale_nothing_is_calibrated():
    record = read(ecg(nanovolt=0).bytes())
    assert not record.provenance.calibrated


def test_crc_is_the_standards():
    assert crc(b"123456789") == 0x29B1 == scp.crc_ccitt(b"123456789")


def test_default_table_is_a_complete_code():
    assert len(DEFAULT_TABLE) == 19
    assert sum(2.0 ** -code.prefix for code in DEFAULT_TABLE) == 1.0


@pytest.mark.parametrize("number", [0, 2, 3, 6])
def test_a_wrong_crc_is_refused(number):
    with pytest.raises(CorruptInputError, match="CRC"):
        read(scp.record(ecg().sections(), wrong_crc={number}))


def test_one_flipped_bit_anywhere_is_noticed():
    data = ecg().bytes()
    for at in range(7, len(data), 97):
        spoilt = bytearray(data)
        spoilt[at] ^= 0x10
        with pytest.raises(EcgroundError):
            read(bytes(spoilt))


@pytest.mark.parametrize("pointer", [
    (200, 0xFFFFFFFF), (0xFFFFFFFF, 7), (0xFFFFFFF0, 20), (40, 1), (40, 0), (17, 7), (16 + 10 * 12, 7), (100, 5000),
])
@pytest.mark.parametrize("number", [2, 3, 6])
def test_pointer_attacks(number, pointer):
    with pytest.raises(CorruptInputError):
        read(scp.record(ecg().sections(), pointers={number: pointer}))


@pytest.mark.parametrize("size", [0, 5, 21, 1 << 31, 0xFFFFFFFF])
def test_a_wrong_record_size(size):
    with pytest.raises(CorruptInputError):
        read(scp.record(ecg().sections(), size=size))


def test_bytes_after_the_record_are_said():
    record = read(ecg().bytes() + b"trailer")
    assert "7 bytes after" in record.provenance.notes[0]


@pytest.mark.parametrize(("change", "error"), [
    ({3: None}, NoSignalError), ({6: None}, NoSignalError), ({3: b"\0\0"}, NoSignalError),
    ({3: b"\x02\0" + b"\0" * 9}, CorruptInputError), ({3: b"\xff\0" + b"\x01\0\0\0" * 600}, UnsafeInputError),
    ({3: scp.leads(CODES, 0xFFFFFFF0)}, UnsafeInputError), ({3: scp.leads(CODES, 800, start=0)}, CorruptInputError),
    ({3: scp.leads(CODES, 5000)}, CorruptInputError), ({3: scp.leads((1, 2, 3, 4), 800)}, CorruptInputError),
    ({2: b"\x01\0\xff\xff"}, UnsafeInputError), ({2: b"\xff\0"}, UnsafeInputError), ({2: b"\0\0"}, UnsafeInputError),
    ({2: struct.pack("<HHBBBhI", 1, 1, 40, 40, 1, 0, 0)}, CorruptInputError),
    ({2: struct.pack("<HHBBBhI", 1, 1, 1, 1, 0, 7, 0)}, CorruptInputError),
    ({2: struct.pack("<HHBBBhIBBBhI", 1, 2, 1, 1, 1, 0, 0, 2, 2, 1, 0, 0)}, CorruptInputError),
    ({2: struct.pack("<HHBBBhI", 1, 1, 1, 1, 0, 1, 0)}, CorruptInputError),
    ({6: b"\xc4\x09\0\0\0\0" + b"\0" * 12}, CorruptInputError),
    ({6: b"\xc4\x09\xd0\x07\x03\0" + b"\0" * 12}, CorruptInputError),
    ({6: b"\xc4\x09\xd0\x07\0\0" + b"\xff\xff" * 3}, CorruptInputError), ({6: b"\xc4"}, CorruptInputError),
    ({1: b"\x04\xff\xffab"}, CorruptInputError),
])
def test_sections_that_lie(change, error):
    parts = {number: body for number, body in (ecg().sections() | change).items() if body is not None}
    with pytest.raises(error):
        read(scp.record(parts))


@pytest.mark.parametrize(("extra", "words"), [
    ({5: b"beat"}, "averaged beat"), ({12: b"long"}, "section 12"), ({}, "no rhythm"),
])
def test_what_a_file_without_rhythm_holds_is_said(extra, words):
    parts = {number: body for number, body in (ecg().sections() | extra).items() if number != 6}
    with pytest.raises(NoSignalError, match=words):
        read(scp.record(parts))


def test_positions_that_lie():
    good = ecg(beat=shape(), beats=BEATS).sections()
    for body in (struct.pack("<HHH", 160, 30, 0xFFFF), struct.pack("<HHH", 160, 30, 4000), b"\0"):
        with pytest.raises((CorruptInputError, UnsafeInputError)):
            read(scp.record(good | {4: body}))
    with pytest.raises(CorruptInputError, match="section 5"):
        read(scp.record({number: body for number, body in good.items() if number != 5}))
    wild = struct.pack("<HHH", 160, 30, 1) + struct.pack("<HIII", 0, 0xFFFFFFFF, 0, 0xFFFFFFFF)
    assert read(scp.record(good | {4: wild})).n_samples == 800


def test_the_suite_for_authors_of_readers(tmp_path):
    path = tmp_path / "sample.bin"
    path.write_bytes(ecg(extra={7: measurements()}).bytes())
    check_reader("scp", path)


def test_recognised_without_the_mark():
    data = bytearray(ecg().bytes())
    data[16:22] = bytes(6)
    assert sniff(bytes(data)) == "scp"


def resealed(data: bytearray) -> bytes:
    """The record with right checksums over whatever its sections now hold, so that mutations reach the decoders."""
    for at in range(22, 22 + 120, 10):
        _, length, index = struct.unpack_from("<HII", data, at)
        if 16 < length <= len(data) and 7 < index <= len(data) - length + 1:
            start = index - 1
            data[start:start + 2] = struct.pack("<H", scp.crc_ccitt(bytes(data[start + 2:start + length])))
    data[6:8] = struct.pack("<H", scp.crc_ccitt(bytes(data[8:6 + 136])))
    data[0:2] = struct.pack("<H", scp.crc_ccitt(bytes(data[2:])))
    return bytes(data)


@pytest.fixture(scope="module")
def originals():
    beat = shape()[:, :40]
    zones = ((41, 60), (81, 100))
    common = {"samples": wave(140, scale=40), "beat": beat, "beats": (61, 101), "fiducial": 20}
    return [ecg(coding=coding, extra={7: measurements(), 8: bytes(8) + b"\x01\x01\x03\0abc"}, **common, **more).bytes()
            for coding in ("none", "default", "custom") for more in ({}, {"rate": 4, "zones": zones})]


@given(data=st.data())
@ROUNDS
def test_mutated_records_with_right_checksums(originals, data):
    spoilt = bytearray(data.draw(st.sampled_from(originals)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(22, len(spoilt) - 1))
        spoilt[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, data.draw(st.integers(0, 255))]))
    try:
        record = read(resealed(spoilt))
    except EcgroundError as error:
        assert error.what
    else:
        assert record.signal.dtype == np.float32
        assert not np.isinf(record.signal).any()


@given(data=st.binary(max_size=300))
@ROUNDS
def test_random_bytes_after_a_good_start(originals, data):
    with pytest.raises(EcgroundError):
        read(originals[0][:22] + data)


@pytest.mark.skipif(not os.environ.get("ECGROUND_DATA"), reason="ECGROUND_DATA is not set")
def test_the_packs_file_equals_the_same_ecg_as_dicom():
    folder = Path(os.environ["ECGROUND_DATA"]) / "formats"
    ours, other = read(folder / "scp" / "ecgtoolkit_Example.scp"), read(folder / "dicom" / "ecgtoolkit_Example.dcm")
    assert (ours.fs, ours.leads, ours.start, ours.patient) == (other.fs, other.leads, other.start, other.patient)
    np.testing.assert_allclose(ours.signal, other.signal, atol=2e-7, rtol=0)
    theirs = {m.name: m.value for m in other.device.measurements if m.unit in ("ms", "deg")}
    mine = {m.name: m.value for m in ours.device.measurements}
    assert theirs
    assert {name: mine[name] for name in theirs} == theirs
