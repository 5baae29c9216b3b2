"""SCP-ECG (EN 1064, ISO 11073-91064): the standard communications protocol for computer-assisted electrocardiography.

Contract: reads every compression of the standard (16-bit numbers or Huffman codes, first and second differences,
averaged beat subtracted, bimodal); the record's and sections' checksums must be right. Of the patient, age and sex are
kept. Sections 7, 8 and 11 become the device's reading. Leads of different length keep their place in time (NaN where
one was not recorded).
"""

from __future__ import annotations

import numpy as np

from ecground.io.channels import Channel, assemble, is_sentinel
from ecground.io.dicom.codes import lead_of_code
from ecground.io.scp import reading
from ecground.io.scp.container import looks_like_scp, unpack
from ecground.io.scp.rhythm import Rhythm, read_rhythm
from ecground.io.source import Source
from ecground.record import Record

__all__ = ["read_scp", "sniff_scp"]

_MINUS_AVR = 65


def sniff_scp(source: Source) -> bool:
    """Whether section 0 of SCP-ECG follows the record's checksum and length."""
    return looks_like_scp(source.head)


def read_scp(source: Source) -> Record:
    """The ECG of an SCP-ECG record.

    Raises:
        NoSignalError: it holds no rhythm data.
        CorruptInputError: a checksum, pointer or length is wrong, or the data do not decode.
        UnsafeInputError: more leads, tables or samples than can be read.
    """
    where = source.name
    sections = unpack(source.data, where=where)
    header = reading.fields(sections.bodies.get(1), where=where)
    rhythm = read_rhythm(sections, where=where)
    device, notes = reading.device_reading(sections.bodies, encoding=reading.text_encoding(header), where=where)
    return assemble(
        _channels(rhythm), fs=rhythm.fs, format="scp", where=where, patient=reading.patient(header),
        start=reading.start(header), device=device, filters=reading.filters(header),
        notes=(*sections.notes, *rhythm.notes, *notes),
    )


def _channels(rhythm: Rhythm) -> list[Channel]:
    """One channel a lead, on the time axis of the earliest; a stored -aVR is turned into aVR."""
    first = min(lead.start for lead in rhythm.leads)
    unit = "mV" if rhythm.nanovolt else None
    gain = f"{rhythm.nanovolt} nV a step; {rhythm.encoding}" if unit else rhythm.encoding
    channels = []
    for lead, samples in zip(rhythm.leads, rhythm.samples, strict=True):
        values = np.full(lead.stop - first + 1, np.nan, np.float32)
        if not is_sentinel(np.rint(samples * (1e6 / (rhythm.nanovolt or 1e6)))):
            values[lead.start - first:] = -samples if lead.code == _MINUS_AVR else samples
        channels.append(Channel(label=_name(lead.code), values=values, unit=unit, gain=gain))
    return channels


def _name(code: int) -> str:
    """Standard name of an SCP-ECG lead number."""
    return "aVR" if code == _MINUS_AVR else lead_of_code(f"2:{code}", "MDC") or f"SCP lead {code}"
