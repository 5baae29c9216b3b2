"""What fuzzing starts from: small good files of every format, made by code, and small files of the data pack.

A record of several files is one input: its parts, joined by `CUT`. Files of the pack are taken where they are small,
XML with its long rows of numbers cut short, so that the elements of real devices are there.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np

from ecground import write
from ecground.record import DeviceMeasurement, DeviceReading, Patient, Record
from tests.io import scp_writer as scp
from tests.io import xml_documents as xml

CUT = b"\n--cut--\n"
"""Between the parts of one input."""
LARGEST = 1 << 16
"""Largest input [bytes]."""
NPZ_MEMBERS = ("signal", "fs", "leads", "unit", "meta")
RARE_MEMBERS = ("meta", "lead0", "lead1")
_NUMBERS = re.compile(rb"((?:-?\d+[ ,]\s*){60})(?:-?\d+[ ,]?\s*){60,}")
_BASE64 = re.compile(rb"([A-Za-z0-9+/]{400})[A-Za-z0-9+/\s]{200,}={0,2}")


def record(*, n: int = 60, gap: bool = False, fs: float = 250.0) -> Record:
    """Three leads with everything that a Record can hold."""
    signal = (xml.counts(3, n) * 0.001).astype(np.float32)
    if gap:
        signal[1, n // 2 : n // 2 + 7] = np.nan
    return Record(
        signal=signal, fs=fs, leads=("I", "II", "V1"), patient=Patient(50, "M"), start=datetime(2019, 7, 14, 9, 10, 11),
        comments=("Sinus rhythm", "Dx: 426783006"),
        device=DeviceReading(("Sinus rhythm",), (DeviceMeasurement("pr_ms", 160.0, "ms", None, "PR"),
                                                 DeviceMeasurement("r_amp", 0.8, "mV", "II", "R"))),
    )


def written(suffix: str, *records: Record) -> list[bytes]:
    """Each record as our writer stores it; a WFDB record as header and signal file joined."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, f"r{suffix}")
        for one in records or (record(), record(gap=True, fs=257.0)):
            write(one, path)
            found.append(CUT.join([path.read_bytes(), path.with_suffix(".dat").read_bytes()])
                         if suffix == ".hea" else path.read_bytes())
    return found


def wfdb() -> list[bytes]:
    """Headers of every storage format over a few hundred bytes, skew, several rates, and the challenge's `.mat`."""
    lines = {
        "one": "r 2 250 40 09:10:11 14/07/2019\nr.dat {f} 200(0)/mV 12 0 5 0 0 I\nr.dat {f} 200/uV 12 0 0 0 0 V1\n"
               "# Age: 50\n# Sex: M\n",
        "skewed": "r 2 250\nr.dat {f}:2 200 12 0 0 0 0 II\nr.dat {f}:2 1e3(-5)/mV 12 0 0 0 0 MLII\n",
        "rates": "r 2 125 20\nr.dat {f}x2 200 12 0 0 0 0 II\nr.dat {f}x1 200/mmHg 12 0 0 0 0 ABP\n",
    }
    data = np.random.default_rng(4).bytes(400)
    found = [CUT.join([text.format(f=code).encode(), data]) for text in lines.values()
             for code in (8, 16, 24, 32, 61, 80, 160, 212, 310, 311)]
    head = np.array([20, 2, 40, 0, 4], "<i4").tobytes() + b"val\0"
    mat = "r 2 500 40\nr.dat 16+24 1000/mV 16 0 0 0 0 I\nr.dat 16+24 1000/mV 16 0 0 0 0 II\n#Dx: 426783006\n"
    return [*written(".hea"), *found, CUT.join([mat.encode(), head + data[:160]]),
            CUT.join([b"r/2 2 250 80\ns 40\n~ 40\n", data]), *pack("wfdb/*/*_lr.hea", beside=".dat")]


def annotations() -> list[bytes]:
    """Beats, a rhythm change with text, a long skip, subtype, channel."""
    pairs = [1 << 10 | 20, 28 << 10 | 3, 63 << 10 | 6]
    tail = np.array([59 << 10, 1, 4464, 1 << 10, 61 << 10 | 1, 62 << 10 | 1, 60 << 10 | 2, 5 << 10 | 9, 0], "<u2")
    made = np.array(pairs, "<u2").tobytes() + b"(AFIB\0" + tail.tobytes()
    return [made, made[:6], *pack("wfdb/ludb/2.i"), *pack("wfdb/ludb/7.v1")]


def scp_records() -> list[bytes]:
    """Every coding, with and without an averaged beat, bimodal, with a device's reading."""
    samples = np.rint(40 * np.sin(np.arange(420).reshape(3, 140) / 11)).astype(np.int64)
    beat = np.stack([np.rint(90 * np.exp(-((np.arange(40) - 20) / 5.0) ** 2)).astype(np.int64)] * 3)
    common = {"samples": samples, "codes": (1, 2, 3)}
    with_beat = {"beat": beat, "beats": (61, 101), "fiducial": 20}
    zones = {"rate": 4, "zones": ((41, 60), (81, 100))}
    extra = {8: bytes(8) + b"\x01\x01\x03\0abc", 7: bytes(64)}
    made = [scp.Ecg(coding=coding, extra=extra, **common, **more).bytes()
            for coding in ("none", "default", "custom") for more in ({}, with_beat, with_beat | zones)]
    return [*made, *pack("scp/*.scp")]


def edf() -> list[bytes]:
    """Continuous, with gaps and a rest; discontinuous; the pack's signals and its annotations alone."""
    made = written(".edf", record(n=250), record(n=300, gap=True))
    return [*made, made[1].replace(b"EDF+C", b"EDF+D", 1), *pack("edf/*.edf")]


def aecg() -> list[bytes]:
    """Our own and foreign layouts, annotations, several series, relative time."""
    rows = dict(zip(xml.EIGHT, xml.counts(n=40), strict=True))
    inside = xml.annotations(xml.annotation("MDC_ECG_TIME_PD_PR", "160"),
                             xml.annotation("MDC_ECG_INTERPRETATION", "Sinus", kind="ST"))
    return [*written(".xml"), xml.aecg(rows, person='<birthTime value="19600103"/>', inside=inside),
            xml.aecg(rows, kind="TIME_RELATIVE", head="0", series=xml.rhythm(rows) + xml.rhythm(rows, code="OTHER")),
            xml.aecg(rows, prefix="hl7"), *pack("aecg/*.xml")]


def muse() -> list[bytes]:
    """Rhythm and median, other widths, measurements and statements."""
    rows = dict(zip(xml.EIGHT, xml.counts(n=40), strict=True))
    more = ("<RestingECGMeasurements><PRInterval>180</PRInterval></RestingECGMeasurements><Diagnosis>"
            "<DiagnosisStatement><StmtFlag>ENDSLINE</StmtFlag><StmtText>Sinus</StmtText></DiagnosisStatement>"
            "</Diagnosis>")
    return [xml.muse(rows, extra=more), xml.muse(rows, kinds=("Median",)), xml.muse(rows, size=4, exponent=1),
            *pack("muse/*.xml")]


def sierra() -> list[bytes]:
    """Packed and plain, three versions."""
    leads = xml.twelve(n=40)
    return [xml.sierra(leads), xml.sierra(leads, compression="Uncompressed"), xml.sierra(leads, version="1.03"),
            xml.sierra(leads, version="1.04.01"), *pack("sierra/*.*")]


def schiller() -> list[bytes]:
    """Rhythm with averages, averages alone."""
    rows = dict(zip(xml.EIGHT, xml.counts(n=40), strict=True))
    more = "<annotation_global><name>HR</name><value>69</value></annotation_global>"
    return [xml.schiller(rows, extra=more), xml.schiller(rows, kinds=("ECG_AVERAGES",)), *pack("schiller/*.xml")]


def cardiosoft() -> list[bytes]:
    """A strip with a median beat, the beat alone."""
    rows = dict(zip(xml.EIGHT, xml.counts(n=40), strict=True))
    more = "<Interpretation><Diagnosis><DiagnosisText>Sinus rhythm</DiagnosisText></Diagnosis></Interpretation>"
    return [xml.cardiosoft(rows, extra=more), xml.cardiosoft(rows, strips=0)]


def npz() -> list[bytes]:
    """Whole archives, and the members of one joined: a checksum stops nearly every change inside an archive."""
    whole = written(".npz")
    return [*whole, *(members(one, NPZ_MEMBERS) for one in whole)]


def rare() -> list[bytes]:
    """What the child process that reads a rare format hands back, as joined members."""
    meta = ('{"parser": "mfer", "fs": 250.0, "leads": [{"label": "I", "unit": "uV", "gain": ""}, {"label": "V1", '
            '"unit": "mV", "gain": "5 uV a step"}], "notes": ["x"], "age": 50, "sex": "M", "filters": ["notch 50 Hz"],'
            ' "statements": ["Sinus rhythm"], "measurements": [["pr_ms", 160.0, "ms"]]}')
    stream = io.BytesIO()
    np.savez(stream, meta=np.array(meta), lead0=np.ones(40, np.float32), lead1=np.ones(40, np.float32))
    return [members(stream.getvalue(), RARE_MEMBERS)]


def matlab() -> list[bytes]:
    """CPSC2018's struct, plain and compressed, and a bare version 4 matrix."""
    from scipy.io import savemat

    found = []
    content = {"ECG": {"sex": "Male", "age": 40, "data": xml.twelve(n=30) * 0.001}}
    for packed in (False, True):
        stream = io.BytesIO()
        savemat(stream, content, do_compression=packed)
        found.append(stream.getvalue())
    return [*found, np.array([20, 2, 40, 0, 4], "<i4").tobytes() + b"val\0" + bytes(160)]


def csv() -> list[bytes]:
    """Our own; semicolons with decimal commas; tabs without a time column."""
    own = written(".csv")
    return [*own, own[0].replace(b".", b";").replace(b",", b"\t").replace(b";", b","),
            b"\xef\xbb\xbfI;II;V1\n" + b"0,1;0,2;0,3\n" * 30, b"# fs: 250\n# unit: uV\nI\tV1\n" + b"1\t2\n" * 30]


def hdf5() -> list[bytes]:
    """A part of CODE-15% with two recordings of 64 samples, plain and compressed."""
    import h5py

    found = []
    for options in ({}, {"compression": "gzip", "chunks": (1, 64, 12), "shuffle": True}):
        stream = io.BytesIO()
        with h5py.File(stream, "w") as file:
            file["exam_id"] = np.array([7, 8, 0])
            file.create_dataset("tracings", data=np.ones((3, 64, 12), np.float32), **options)
        found.append(stream.getvalue())
    return found


def picture() -> list[bytes]:
    """PNG and JPEG of a few pixels, with EXIF, text and a comment."""
    from PIL import Image, PngImagePlugin

    found = []
    exif, text = Image.Exif(), PngImagePlugin.PngInfo()
    exif[0x0112], exif[0x010E] = 6, "page"
    text.add_itxt("Title", "page")
    image = Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
    for format, more in (("PNG", {"pnginfo": text}), ("JPEG", {"comment": b"page"}), ("JPEG", {"progressive": True})):
        stream = io.BytesIO()
        image.save(stream, format, exif=exif.tobytes(), **more)
        found.append(stream.getvalue())
    return found


def members(archive: bytes, names: tuple[str, ...]) -> bytes:
    """The `.npy` members of an archive, joined."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return CUT.join(opened.read(f"{name}.npy") for name in names)


def archive(joined: bytes, names: tuple[str, ...]) -> bytes:
    """The archive that `members` was made from."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as opened:
        for name, content in zip(names, joined.split(CUT), strict=False):
            opened.writestr(f"{name}.npy", content)
    return stream.getvalue()


def pack(pattern: str, *, beside: str = "") -> list[bytes]:
    """Files of the data pack's `formats/`, small or made small, with the file of suffix `beside` joined."""
    root = os.environ.get("ECGROUND_DATA")
    found = []
    for path in sorted(Path(root, "formats").glob(pattern)) if root else ():
        data = path.read_bytes()
        if data.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n")[:1] == b"<":
            data = _BASE64.sub(rb"\1", _NUMBERS.sub(rb"\1", data))
        parts = [data, path.with_suffix(beside).read_bytes()] if beside else [data]
        found.append(CUT.join(parts))
    return [data for data in found if len(data) <= LARGEST]


SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "wfdb": wfdb, "annotations": annotations, "dicom": lambda: [*written(".dcm"), *pack("dicom/*.dcm")],
    "scp": scp_records, "edf": edf, "aecg": aecg, "muse": muse, "sierra": sierra, "schiller": schiller,
    "cardiosoft": cardiosoft, "npz": npz, "rare": rare, "matlab": matlab, "csv": csv, "hdf5": hdf5,
    "picture": picture,
}
"""Parser -> its first inputs, the good ones made by code first."""
