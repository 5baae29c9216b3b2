"""The data pack: excerpts of nine public collections as int16 arrays in `.npz`, with tables and patient splits.

Layout: `<dataset>/records.csv`, `<dataset>/*.npz`, `splits.csv` (dataset, record, patient, split). Samples are stored
as the difference to the sample before, zig-zag coded (0, -1, 1, -2 -> 0, 1, 2, 3), low bytes first, then high bytes.
Unit 1 uV unless stated.
Known defects, repeated in each Case: `norm250` (PTB-XL) has lost its amplitudes (0.5-40 Hz, each lead z-scored) and is
uncalibrated; LUDB holds ADC counts, 1 uV each inferred; CODE-15's unit is inferred and looks 2-3 times too high;
CPSC2019 has one unnamed lead and saturated records; Brugada-HUCA is sampled at 100 Hz; 1,649 of the raw500 records
belong to PTB-XL's official test fold. Collections that `splits.csv` does not name are for testing only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecground import leads, safe
from ecground.corpora import ludb, mitdb
from ecground.corpora.case import Beats, Case, LabelSystem, Mark, Marks, Split, Terms, is_number, rows
from ecground.errors import CorruptInputError, NotFoundError, UsageError
from ecground.io.channels import patient_age, patient_sex
from ecground.record import Patient, Provenance, Record

__all__ = ["DATASETS", "TERMS", "cases", "decode", "every", "splits"]

DATASETS: Final = (
    "ptbxl", "ludb", "mitdb", "cinc2021_mixed", "cpsc2018_mat", "code15", "brugada_huca", "cpsc2019", "misc_rhythm",
)
"""Names of the folders that `cases` reads."""

_NORMALISED: Final = "amplitudes lost: 0.5-40 Hz Butterworth filter forwards and backwards, then each lead z-scored"
_CODE15: Final = ("1dAVb", "RBBB", "LBBB", "SB", "ST", "AF", "normal_ecg")
_BRUGADA: Final = ("brugada", "basal_pattern", "sudden_death")
_DEFECTS: Final[Mapping[str, tuple[str, ...]]] = {
    "ludb": (ludb.UNMARKED_EDGES,), "code15": ("unit inferred (mV); amplitudes look 2-3 times too high",),
    "cpsc2019": ("unit inferred (mV); one unnamed lead; some records are saturated",),
    "brugada_huca": ("100 Hz: fast deflections are smoothed",),
}

TERMS: Final[Mapping[str, Terms]] = {
    "ptbxl": Terms("CC BY 4.0"), "ludb": Terms("ODC-By 1.0"), "mitdb": Terms("ODC-By 1.0", trainable=False),
    "cinc2021_mixed": Terms("CC BY 4.0"), "cpsc2018_mat": Terms("CC BY 4.0"), "code15": Terms("CC BY 4.0"),
    "brugada_huca": Terms("CC BY-SA 4.0", trainable=False), "cpsc2019": Terms("none stated", trainable=False),
    "misc_rhythm": Terms("ODC-By 1.0 or CC BY 4.0, per file"),
}
"""Dataset -> licence and limits of use."""

Row = Mapping[str, str]
Bytes = NDArray[np.uint8]


def decode(planes: Bytes) -> NDArray[np.int16]:
    """Byte planes uint8 `[2, ..., sample]` -> int16 `[..., sample]`."""
    coded = planes[0].astype(np.uint16) | planes[1].astype(np.uint16) << 8
    steps = (coded >> 1).astype(np.int16) ^ -(coded & 1).astype(np.int16)
    return np.cumsum(steps, axis=-1, dtype=np.int16)


def splits(folder: str | Path) -> dict[tuple[str, str], tuple[str, Split]]:
    """`splits.csv`: (dataset, record) -> (patient, split)."""
    table: dict[tuple[str, str], tuple[str, Split]] = {}
    for row in rows(Path(folder) / "splits.csv"):
        if row["split"] not in ("train", "valid", "test"):
            raise CorruptInputError("an unknown split", where="splits.csv")
        table[row["dataset"], row["record"]] = row["patient"], row["split"]  # type: ignore[assignment]
    return table


def cases(
    folder: str | Path, dataset: str, *, subset: str | None = None, split: Split | None = None,
) -> Iterator[Case]:
    """The recordings of one dataset, one shard in memory at a time.

    Args:
        folder: the pack's root.
        dataset: one of `DATASETS`.
        subset: of `ptbxl`: `raw500` or `norm250`; None for both.
        split: `train`, `valid` or `test`; None for all. Shards without a wanted record are not opened.

    Raises:
        UsageError: no such dataset.
        NotFoundError: the pack, or this dataset, is not in `folder`.
        CorruptInputError: a file has another structure.
    """
    root = Path(folder)
    if dataset not in DATASETS:
        raise UsageError(f"no dataset {dataset[:40]} in the pack", where="dataset", hint=" ".join(DATASETS))
    if not (root / dataset).is_dir():
        raise NotFoundError(f"the data pack has no folder {dataset}", where=root.name, hint="give the pack's root")
    parts = splits(root)
    found = _ptbxl(root, subset) if dataset == "ptbxl" else _ludb(root) if dataset == "ludb" else _others(root, dataset)
    for name, make in found:
        patient, part = parts.get((dataset, name), ("", "test"))
        if split in (None, part):
            case = make()
            yield replace(case, patient=patient or case.patient, split=part, terms=TERMS[dataset])


def every(folder: str | Path) -> Iterator[Case]:
    """The recordings of all datasets that the folder holds; NotFoundError when it holds none."""
    present = [name for name in DATASETS if (Path(folder) / name).is_dir()]
    if not present:
        raise NotFoundError("no dataset of the data pack", where=Path(folder).name, hint="give the pack's root")
    for name in present:
        yield from cases(folder, name)


Lazy = Iterator[tuple[str, Callable[[], Case]]]


def _record(
    planes: Bytes, *, fs: float, names: tuple[str, ...], patient: Patient, scale: float = 1e-3, calibrated: bool = True,
    notes: tuple[str, ...] = (), filters: tuple[str, ...] = (),
) -> Record:
    """Decode one recording and put its leads in standard order; `scale` is mV a step."""
    counts = decode(planes)
    if counts.shape[0] != len(names):
        raise CorruptInputError(f"{counts.shape[0]} leads stored, {len(names)} named", where="data pack")
    order = [name for name in leads.STANDARD if name in names] + [n for n in names if n not in leads.STANDARD]
    signal = counts[[names.index(name) for name in order]].astype(np.float32) * np.float32(scale)
    unit = f"{scale * 1e3:g} uV a step" if calibrated else "z-score, 1000 steps for 1"
    return Record(
        signal=signal, fs=fs, leads=tuple(order), patient=patient,
        provenance=Provenance(format="pack", lead_origin=dict.fromkeys(order, "recorded"),
                              gain=dict.fromkeys(order, unit), notes=notes, calibrated=calibrated, filters=filters),
    )


def _patient(row: Row) -> Patient:
    return Patient(age=patient_age(row.get("age", "")), sex=patient_sex(row.get("sex", "")))


class _Shard:
    """The last opened shard: ids, byte planes and description."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._name = ""
        self._data: Bytes = np.zeros((2, 0, 0, 0), np.uint8)
        self._ids: list[str] = []
        self.info: dict[str, Any] = {}

    def planes(self, name: str, row: int, key: str) -> Bytes:
        """Byte planes `[2, lead, sample]` of one row, whose id must be `key`."""
        if name != self._name:
            with safe.Npz(safe.inside(self._root, name)) as archive:
                self.info = safe.json_value(str(archive["info"]), where=name)
                self._ids = [str(k) for k in archive["ids"]]
                self._data = archive["data"]
            self._name = name
        if not 0 <= row < len(self._ids) or self._ids[row] != key:
            raise CorruptInputError("the table and the shard disagree about a row", where=name)
        return self._data[:, row]


def _ptbxl(root: Path, subset: str | None) -> Lazy:
    shard = _Shard(root)
    for row in rows(root / "ptbxl" / "records.csv"):
        if subset in (None, row["subset"]):
            yield row["ecg_id"], partial(_ptbxl_case, shard, row)


def _ptbxl_case(shard: _Shard, row: Row) -> Case:
    planes = shard.planes(row["shard"], int(row["row"]), row["ecg_id"])
    calibrated = row["subset"] != "norm250"
    likelihood = safe.json_value(row["scp_codes"], where="ptbxl/records.csv") if row["scp_codes"] else {}
    defects = [f"{name}: {row[name].strip()}" for name in ("baseline_drift", "static_noise", "burst_noise",
                                                          "electrodes_problems") if row[name].strip()]
    defects += [_NORMALISED] if not calibrated else []
    defects += ["releases disagree about the labels"] if row["label_conflict"] == "1" else []
    load = partial(
        _record, planes, fs=float(shard.info["fs"]), names=tuple(shard.info["leads"]), patient=_patient(row),
        calibrated=calibrated, notes=() if calibrated else (_NORMALISED,),
        filters=() if calibrated else ("high-pass 0.5 Hz", "low-pass 40 Hz"),
    )
    return Case(
        corpus="ptbxl", id=row["ecg_id"], patient=row["patient_id"], load=load,
        labels=tuple(filter(None, row["labels"].split(";"))), label_system="scp", likelihood=likelihood,
        superclasses=tuple(filter(None, row["superclass"].split(";"))), report=row["report"],
        report_en=row["report_en"], defects=tuple(defects), person=_patient(row), fs=float(shard.info["fs"]),
        fold=int(row["strat_fold"]) if is_number(row.get("strat_fold", "")) else None,
    )


def _ludb(root: Path) -> Lazy:
    shard = _Shard(root)
    marks = {
        str(entry["id"]): entry["waves"] for entry in
        safe.json_value(safe.read_bytes(root / "ludb" / "delineation.json"), where="ludb/delineation.json")["records"]
    }
    for k, row in enumerate(rows(root / "ludb" / "ludb.csv")):
        yield row["ID"], partial(_ludb_case, shard, k, row, marks.get(row["ID"], {}))


def _ludb_case(shard: _Shard, k: int, row: Row, waves: Mapping[str, list[list[Any]]]) -> Case:
    planes = shard.planes("ludb/ludb.npz", k, row["ID"])
    patient = Patient(age=patient_age(row["Age"]), sex=patient_sex(row["Sex"]))
    load = partial(_record, planes, fs=float(shard.info["fs"]), names=tuple(shard.info["leads"]), patient=patient,
                   notes=(ludb.COUNTS_NOTE,))
    marks: Marks = {lead: tuple(Mark(*wave) for wave in found) for lead, found in waves.items()}
    return Case(corpus="ludb", id=row["ID"], patient=row["ID"], load=load, labels=ludb.diagnoses(row),
                label_system="text", marks=marks, defects=_DEFECTS["ludb"], person=patient, fs=float(shard.info["fs"]))


def _others(root: Path, dataset: str) -> Lazy:
    """The collections with one array a recording (`d_<record>`) and its annotations (`a_<record>_...`)."""
    name = "mitdb.npz" if dataset == "mitdb" else "signals.npz"
    archive = safe.Npz(root / dataset / name)
    info = safe.json_value(str(archive["info"]), where=f"{dataset}/{name}")
    for row in rows(root / dataset / "records.csv"):
        yield row["record"], partial(_other_case, archive, info, dataset, row)


def _other_case(archive: safe.Npz, info: Mapping[str, Any], dataset: str, row: Row) -> Case:
    key = row["record"]
    names = _lead_names(row.get("leads") or ";".join(info.get("leads", ())))
    labels, system = _labels(dataset, row)
    notes = _DEFECTS.get(dataset, ())
    found = mitdb.defects_of(key) if dataset == "mitdb" else ()
    return Case(
        corpus=dataset, id=key, patient=row.get("patient_id", "") or key, labels=labels, label_system=system,
        load=partial(_other_record, archive, key, fs=float(row["fs"]), names=names, patient=_other_patient(row),
                     scale=5e-3 if dataset == "mitdb" else 1e-3, notes=notes),
        report=row.get("dx_name", "") or row.get("text", ""), beats=_beats(archive, key, row.get("leads", "")),
        defects=notes + found, person=_other_patient(row), fs=float(row["fs"]),
    )


def _other_record(
    archive: safe.Npz, key: str, *, fs: float, names: tuple[str, ...], patient: Patient, scale: float,
    notes: tuple[str, ...],
) -> Record:
    return _record(archive[f"d_{key}"], fs=fs, names=names, patient=patient, scale=scale, notes=notes)


def _lead_names(text: str) -> tuple[str, ...]:
    """Standard names; `ECG` for a single unnamed lead."""
    return tuple(leads.standard_name(name) or "ECG" for name in text.split(";"))


def _other_patient(row: Row) -> Patient:
    """Age and sex from their columns, or from the header comments kept in the label (PTB)."""
    if "age" in row:
        return _patient(row)
    fields = dict(part.split(":", 1) for part in row.get("label", "").split("|") if ":" in part)
    known = {key.strip(): value.strip() for key, value in fields.items()}
    return Patient(age=patient_age(known.get("age", "")), sex=patient_sex(known.get("sex", "")))


def _labels(dataset: str, row: Row) -> tuple[tuple[str, ...], LabelSystem]:
    if dataset == "cinc2021_mixed":
        return tuple(filter(None, row["dx_snomed"].split(";"))), "snomed"
    if dataset == "code15":
        return tuple(name for name in _CODE15 if row[name] == "True"), "text"
    if dataset == "brugada_huca":
        return tuple(name for name in _BRUGADA if row[name] not in ("", "0")), "text"
    text = row.get("labels") or row.get("rhythms") or row.get("label") or ""
    named = (part.strip(" (") for part in text.replace("|", ";").split(";"))
    parts = tuple(part for part in named if part and not part.startswith(("age:", "sex:")))
    return parts, "text" if parts else "none"


def _beats(archive: safe.Npz, key: str, names: str) -> Beats | None:
    """Reference beats (with symbols, or R peaks alone) stored beside a recording."""
    if f"a_{key}_rpeaks" in archive:
        return Beats(sample=archive[f"a_{key}_rpeaks"].astype(np.int64))
    if f"a_{key}_aux" not in archive:
        return None
    beats = mitdb.beats_of(
        archive[f"a_{key}_sample"].astype(np.int64), tuple(str(s) for s in archive[f"a_{key}_symbol"]),
        tuple(str(s) for s in archive[f"a_{key}_aux"]),
    )
    return replace(beats, lead=_lead_names(names)[0])
