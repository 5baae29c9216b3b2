"""The counts of verified files in the table of formats are what independent readings of the data pack confirm."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import edfio
import numpy as np
import pydicom
import pytest
from scipy.io import loadmat

from ecground.io import FORMATS, read
from ecground.leads import standard_name

pytestmark = pytest.mark.skipif(not os.environ.get("ECGROUND_DATA"), reason="ECGROUND_DATA is not set")
TOLERANCE_MV = 3e-6


def agree(record, columns):
    """Every channel of `columns` `{label: mV}` that we read as a lead has the same samples."""
    found = {standard_name(label) or label: values for label, values in columns.items()}
    shared = [name for name in record.leads if name in found]
    assert shared
    for name in shared:
        assert record.lead(name).shape == found[name].shape
        seen = np.isfinite(record.lead(name))
        assert np.allclose(record.lead(name)[seen], found[name][seen], rtol=1e-6, atol=TOLERANCE_MV), name


def dicom(path):
    ds = pydicom.dcmread(path)
    group = ds.WaveformSequence[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = ds.waveform_array(0)
    per_mv = {"uV": 1e3, "mV": 1.0}
    for k, channel in enumerate(group.ChannelDefinitionSequence):
        meaning = channel.ChannelSourceSequence[0].CodeMeaning.split("(")[0]
        yield meaning, values[:, k] / per_mv[channel.ChannelSensitivityUnitsSequence[0].CodeValue]


def wfdb(path):
    """16-bit samples, plain or inside a MATLAB file, with gain and baseline from the header's own columns."""
    lines = [line.split() for line in path.read_text().splitlines() if line and line[0] != "#"]
    signals = lines[1:]
    file = path.with_name(signals[0][0])
    raw = loadmat(file)["val"] if file.suffix == ".mat" else np.fromfile(file, "<i2").reshape(-1, len(signals)).T
    for fields, row in zip(signals, raw, strict=True):
        gain, _, unit = fields[2].partition("/")
        number, _, baseline = gain.partition("(")
        assert unit == "mV"
        yield fields[-1], (row - float(baseline.rstrip(")") or fields[4])) / float(number)


def edf(path):
    for signal in edfio.read_edf(path).signals:
        yield signal.label, signal.data


def matlab(path):
    ecg = loadmat(path)["ECG"][0, 0]
    names = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    return zip(names, ecg["data"], strict=True)


def scp(path):
    """The same ECG as DICOM, from the same toolkit."""
    return dicom(path.parents[1] / "dicom" / "ecgtoolkit_Example.dcm")


FILES = {"dicom": (dicom, "dicom/*.dcm"), "wfdb": (wfdb, "wfdb/*/*.hea"), "edf": (edf, "edf/cardio*.edf"),
         "matlab": (matlab, "mat/*.mat"), "scp": (scp, "scp/*.scp")}


@pytest.mark.parametrize("name", list(FILES))
def test_the_count_is_true(name):
    independent, pattern = FILES[name]
    files = sorted((Path(os.environ["ECGROUND_DATA"]) / "formats").glob(pattern))
    for path in files:
        agree(read(path), dict(independent(path)))
    assert FORMATS[name].verified == len(files)
