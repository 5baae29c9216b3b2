"""ECG files in XML: HL7 aECG (also written), GE MUSE and CardioSoft, Philips Sierra and Schiller.

Contract: a format is recognised by its root element, whatever the encoding, prefix or namespace. Every byte goes
through `safe.xml_root`: no DTD, no entities, bounded size, nesting and number of elements. Rhythm is preferred to a
representative beat; what was left out or assumed is in the notes.
"""

from __future__ import annotations

from ecground.io.xml.aecg import read_aecg, sniff_aecg
from ecground.io.xml.aecg_writer import write_aecg
from ecground.io.xml.cardiosoft import read_cardiosoft, sniff_cardiosoft
from ecground.io.xml.muse import read_muse, sniff_muse
from ecground.io.xml.schiller import read_schiller, sniff_schiller
from ecground.io.xml.sierra import read_sierra, sniff_sierra

__all__ = [
    "read_aecg", "read_cardiosoft", "read_muse", "read_schiller", "read_sierra", "sniff_aecg", "sniff_cardiosoft",
    "sniff_muse", "sniff_schiller", "sniff_sierra", "write_aecg",
]
