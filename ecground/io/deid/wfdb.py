"""De-identified copies of WFDB records: headers written anew, signal and annotation files without hidden places.

Contract: a record becomes files of one pseudonym; the header keeps rates, gains, lead names and units, moves the date
and keeps of the comments age, sex, diagnosis codes and statements in known words. Signal files keep the bytes of the
declared samples; what lies before and after them goes (a MATLAB head of the challenge's files is written anew), and of
FLAC files all metadata but the stream's own. Annotations keep times and symbols, and texts in known words. A companion
file that is no annotation file is not copied.
Reference: WFDB Applications Guide, header(5), signal(5), annot(5); FLAC (RFC 9639) 8.1.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ecground import safe
from ecground.errors import CorruptInputError, EcgroundError, InputError
from ecground.io.deid.dates import Key, capped, identity_of
from ecground.io.deid.ledger import Ledger
from ecground.io.deid.vocabulary import is_statement, is_unit
from ecground.io.source import Source
from ecground.io.wfdb.header import Header, SignalLine, looks_like_header, parse_header, patient_of
from ecground.leads import standard_name

__all__ = ["deidentified_wfdb"]

_BITS: Final = {8: 8, 16: 16, 24: 24, 32: 32, 61: 16, 80: 8, 160: 16, 212: 12}
_PACKED: Final = {310: (3, 4), 311: (3, 4)}
_FLAC: Final = frozenset((508, 516, 524))
_CODES: Final = re.compile(r"(?i)(dx|rx|hx|sx)\s*:\s*((?:\d{6,18}|unknown)(?:\s*,\s*(?:\d{6,18}|unknown))*)")
_SKIP, _NUM, _SUB, _CHN, _AUX = 59, 60, 61, 62, 63
_RHYTHMS: Final = frozenset((
    "(AB", "(AFIB", "(AFL", "(B", "(BII", "(IVR", "(N", "(NOD", "(P", "(PREX", "(SBR", "(SVTA", "(T", "(VFL", "(VT",
    "(ASYS", "(NSR", "(SR", "(VF", "(VFIB", "(AVB", "(BI", "(HGEA", "(NSVT", "(J", "MISSB", "PSE", "TS",
))
_MAX_COMPANION: Final = 16 << 20


def deidentified_wfdb(source: Source, key: Key, ledger: Ledger, name: str) -> dict[str, bytes]:
    """All files of the record under the record name `name`, the main header last.

    Raises:
        InputError: a header given as bytes.
        NotFoundError, CorruptInputError, UnsafeInputError: as reading does.
    """
    if source.path is None:
        raise InputError("a WFDB header carries no samples itself", where=source.name,
                         hint="give the path of the header; its signal files must lie beside it")
    if not looks_like_header(source.head):
        source = Source(source.path.with_suffix(".hea"))
    header = parse_header(source.text, where=source.name)
    who = identity_of(*_identities(header.comments))
    if who is None:
        ledger.regret("the record names no patient: its date moved by an offset of its own")
        who = key.pseudonym("content", source.data)
    ledger.note("header/record name", "file name", "hashed")
    files: dict[str, bytes] = {}
    for file in _companions(source, header, ledger):
        files[name + file[0]] = file[1]
    if header.segments:
        files |= dict(_segments(header, source, key, ledger, name))
        lines = [f"{_part(name, k)} {segment.frames}" if segment.name != "~" else f"~ {segment.frames}"
                 for k, segment in enumerate(header.segments)]
    else:
        signals = dict(_signals(header, source, name, ledger))
        files |= dict(signals.values())
        lines = [_line(line, k, signals, ledger) for k, line in enumerate(header.signals)]
    first = _record_line(source.text, header, name, key, who, ledger)
    text = "\n".join([first, *lines, *_comments(header.comments, ledger)]) + "\n"
    ledger.keep("samples", "lead names", "sampling rate", "gains", "annotation times and symbols", "diagnosis codes",
                "statements in known words", "sex", "age (90 for more than 89)", "time of day")
    return files | {f"{name}.hea": text.encode()}


def _identities(comments: Sequence[str]) -> Iterator[str]:
    """What comments call the patient's identifier or name."""
    for comment in comments:
        match = re.match(r"(?i)<?(?:patient|subject|mrn|pid)[ _]?(?:id|number|name)?>?\s*[:=]\s*(\S.*)", comment)
        if match:
            yield match[1]


def _record_line(text: str, header: Header, name: str, key: Key, who: str, ledger: Ledger) -> str:
    """Record name, numbers, and the moved date; nothing else of the line."""
    words = next(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")).split()
    count = len(header.segments) or 0
    parts = [f"{name}/{count}" if count else name, words[1]]
    rate = re.match(r"[\d.]+(?:[eE][+-]?\d+)?(/[\d.]+)?", words[2]) if len(words) > 2 else None
    if rate:
        parts.append(rate[0])
    if len(words) > 3 and words[3].isdigit():
        parts.append(words[3])
        if header.start is not None:
            day = key.dates(who).moved(header.start.date())
            clock = f"{header.start:%H:%M:%S.%f}" if header.start.microsecond else f"{header.start:%H:%M:%S}"
            parts += [clock, f"{day:%d/%m/%Y}"] if day is not None else []
            ledger.note("header/date", "date", "shifted")
        elif len(words) > 4:
            ledger.note("header/date", "date")
    return " ".join(parts)


def _comments(comments: Sequence[str], ledger: Ledger) -> list[str]:
    """Age, sex, diagnosis codes and statements; every other comment goes."""
    patient = patient_of(comments)
    kept = [f"# Age: {capped(patient.age):g}"] if patient.age is not None else []
    kept += [f"# Sex: {patient.sex}"] if patient.sex is not None else []
    if patient.age is not None and capped(patient.age) != patient.age:
        ledger.note("header/comment", "age", "replaced")
    for comment in comments:
        match = _CODES.fullmatch(comment.strip())
        if match:
            codes = "".join(match[2].split())
            kept.append(f"# {match[1].capitalize()}: {codes}")
        elif re.match(r"(?i)<?(age|sex|gender)>?\s*[:=]", comment):
            continue
        elif is_statement(comment) and not re.fullmatch(r"(?i)[\W\d]*[a-z]?[\W\d]*", comment):
            kept.append(f"# {comment}")
        elif comment:
            ledger.note("header/comment", "free text")
    return kept


def _line(line: SignalLine, index: int, signals: dict[str, tuple[str, bytes]], ledger: Ledger) -> str:
    """One signal's line with the new file name."""
    file, prolog = (signals[line.file][0], len(_prolog(line))) if line.file != "~" else ("~", 0)
    shape = f"{line.format}" + (f"x{line.per_frame}" if line.per_frame != 1 else "") + \
        (f":{line.skew}" if line.skew else "") + (f"+{prolog}" if prolog else "")
    label = line.label if not line.label or standard_name(line.label) or is_statement(line.label) else ""
    if label != line.label:
        ledger.note("header/signal name", "free text", "replaced")
        label = f"signal {index + 1}"
    unit = line.unit if is_unit(line.unit) else "nd"
    if unit != line.unit:
        ledger.note("header/unit", "free text", "replaced")
    gain = f"{line.gain!r}".removesuffix(".0") if line.calibrated else "0"
    sum_of = f" {line.checksum} 0" if line.checksum is not None else " 0 0"
    return f"{file} {shape} {gain}({line.baseline})/{unit} 16 {line.baseline} {line.first}{sum_of} {label}".rstrip()


def _signals(header: Header, source: Source, name: str, ledger: Ledger) -> Iterator[tuple[str, tuple[str, bytes]]]:
    """Old name of each signal file -> its new name and bytes."""
    old = list(dict.fromkeys(line.file for line in header.signals if line.file != "~"))
    for k, file in enumerate(old):
        lines = [line for line in header.signals if line.file == file]
        path = source.sibling(file)
        if not path.is_file():
            path = source.sibling(Path(source.name).stem + path.suffix)
        suffix = ".mat" if _prolog(lines[0]) else ".flac" if lines[0].format in _FLAC else ".dat"
        yield file, (f"{name}{'' if len(old) == 1 else f'_{k + 1}'}{suffix}", _samples(path, lines, header, ledger))


def _prolog(line: SignalLine) -> bytes:
    """The 24 bytes before the samples of a MATLAB 4 file of the challenges; nothing for other offsets."""
    return bytes(24) if line.offset == 24 and line.format == 16 else b""


def _samples(path: Path, lines: Sequence[SignalLine], header: Header, ledger: Ledger) -> bytes:
    """The bytes of the declared samples behind a new prolog."""
    data, first = safe.read_bytes(path), lines[0]
    body = data[first.offset:]
    if first.format in _FLAC:
        return _flac(body, ledger)
    width = sum(line.per_frame for line in lines)
    size = len(body) if header.frames is None else _bytes_of(first.format, header.frames * width)
    if len(body) < size:
        raise CorruptInputError("the signal file is shorter than its header says", where=path.name)
    if any(body[size:]):
        ledger.note("signal file/end", "hidden bytes")
    if header.frames is None:
        ledger.regret("the header does not say how long the record is: every byte of the signal file was kept")
    if not _prolog(first):
        if any(data[:first.offset]):
            ledger.note("signal file/start", "hidden bytes")
        return body[:size]
    rows, frames = len(lines), size // 2 // max(len(lines), 1)
    return struct.pack("<5i", 30, rows, frames, 0, 4) + b"val\0" + body[:size]


def _bytes_of(format: int, samples: int) -> int:
    """Bytes that so many samples take; a packed block that is begun is whole."""
    if format in _PACKED:
        per, width = _PACKED[format]
        whole, rest = divmod(samples, per)
        return whole * width + (0, 2, 4)[rest]
    if format not in _BITS:
        raise CorruptInputError(f"WFDB format {format} does not exist", where="header")
    return -(-samples * _BITS[format] // 8)


def _flac(data: bytes, ledger: Ledger) -> bytes:
    """The stream with no metadata block but STREAMINFO."""
    if data[:4] != b"fLaC":
        raise CorruptInputError("not a FLAC stream", where="signal file")
    at, info, last = 4, b"", False
    while not last:
        head = bytes(safe.need(data, at, 4, where="FLAC metadata"))
        kind, size, last = head[0] & 0x7F, int.from_bytes(head[1:], "big"), bool(head[0] & 0x80)
        block = bytes(safe.need(data, at + 4, size, where="FLAC metadata"))
        if kind == 0:
            info = b"\x80" + size.to_bytes(3, "big") + block
        elif any(block):
            ledger.note("signal file/FLAC metadata", "free text")
        at += 4 + size
    ledger.regret("bytes inside or after the frames of a FLAC stream cannot be told from samples")
    return b"fLaC" + info + data[at:]


def _part(name: str, index: int) -> str:
    return f"{name}s{index + 1:04d}"


def _segments(header: Header, source: Source, key: Key, ledger: Ledger, name: str) -> Iterator[tuple[str, bytes]]:
    """The files of all segments; a segment that occurs twice is written twice."""
    for k, segment in enumerate(header.segments):
        if segment.name != "~":
            part = Source(source.sibling(f"{segment.name}.hea"))
            if parse_header(part.text, where=part.name).segments:
                raise CorruptInputError("a segment is itself segmented", where=part.name)
            yield from deidentified_wfdb(part, key, ledger, _part(name, k)).items()


def _companions(source: Source, header: Header, ledger: Ledger) -> Iterator[tuple[str, bytes]]:
    """Suffix and bytes of the annotation files beside a header; other companions are named as not copied."""
    assert source.path is not None
    stem, folder = source.path.stem, source.path.parent
    signals = {line.file for line in header.signals}
    for path in sorted(folder.glob(f"{_escaped(stem)}.*")):
        if path == source.path or path.name in signals or not path.is_file() or path.suffix == ".hea":
            continue
        if re.fullmatch(r"\.(dat|mat|flac|npz|csv|tsv|txt|dcm|xml|edf|scp)", path.suffix.lower()):
            continue
        try:
            data = _annotations(safe.read_bytes(path, limit=_MAX_COMPANION), ledger)
        except EcgroundError:
            data = None
        if data is None or not re.fullmatch(r"\.[a-z]{1,4}\d?", path.suffix):
            ledger.regret("a file beside the header is no annotation file and was not copied")
        else:
            yield path.suffix, data


def _escaped(stem: str) -> str:
    return re.sub(r"([\[\]*?])", r"[\1]", stem)


def _annotations(data: bytes, ledger: Ledger) -> bytes | None:
    """Annotations without texts that are not known; None when it is no annotation file of the MIT format."""
    made, at = bytearray(), 0
    while at + 2 <= len(data):
        word = int.from_bytes(data[at:at + 2], "little")
        code, low = word >> 10, word & 0x3FF
        if word == 0:
            if any(data[at + 2:]):
                ledger.note("annotations/end", "hidden bytes")
            return bytes(made) + b"\0\0"
        size = 2 + (4 if code == _SKIP else low + low % 2 if code == _AUX else 0)
        if at + size > len(data) or 50 <= code < _SKIP:
            return None
        if code == _AUX:
            text = data[at + 2:at + 2 + low]
            said = text.split(b"\0")[0].decode("latin-1").strip()
            if said in _RHYTHMS or is_statement(said) or re.fullmatch(r"## time resolution: [\d.]{1,12}", said):
                tidy = text.split(b"\0")[0]
                made += struct.pack("<H", _AUX << 10 | len(tidy)) + tidy + b"\0" * (len(tidy) % 2)
            elif said:
                ledger.note("annotations", "free text")
        else:
            made += data[at:at + size]
        at += size
    return None
