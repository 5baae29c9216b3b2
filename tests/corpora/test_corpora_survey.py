"""Counting over a collection, and the table of collections."""

from __future__ import annotations

import weakref
from importlib.metadata import EntryPoint

import numpy as np
import pytest

import ecground.corpora as room
from ecground.corpora import CORPORA, Case, Corpus, Terms, corpora, corpus, register
from ecground.corpora.survey import EXAMPLES, survey
from ecground.errors import CorruptInputError, EcgroundError, MissingExtraError, UsageError
from ecground.leads import STANDARD
from ecground.record import Patient, Provenance, Record


def record(seconds=2, *, fs=100.0, calibrated=True, patient=Patient()):  # noqa: B008 - frozen
    signal = np.zeros((12, int(seconds * fs)), np.float32)
    return Record(signal, fs, STANDARD, patient=patient, provenance=Provenance(calibrated=calibrated))


def make(name, patient="", *, load=record, **more):
    return Case(corpus="x", id=name, patient=patient or name, load=load, **more)


def fail(error):
    def load():
        raise error

    return load


def test_counts_without_reading(tmp_path):
    def never():
        raise AssertionError("read without being asked to")

    present, absent = tmp_path / "a.dat", tmp_path / "b.dat"
    present.touch()
    found = survey([
        make("1", "p", load=never, split="train", labels=("A", "B"), label_system="scp", person=Patient(30, "F"),
             fs=500.0, files=(present,), report="text", defects=("noise: V1", "noise: V2")),
        make("2", "p", load=never, split="test", labels=("A",), person=Patient(50, "M"), fs=500.0,
             files=(present, absent), terms=Terms(credentialed=True)),
        make("2", "q", load=never, split="test", terms=Terms(trainable=False)),
        make("3", "q", load=never, split="test"),
    ])
    assert (found.cases, found.patients, found.reports) == (4, 2, 1)
    assert found.splits == {"train": 1, "test": 3}
    assert found.labels == {"A": 2, "B": 1}
    assert (found.unlabelled, found.unlabelled_examples) == (2, ["2", "3"])
    assert (found.missing, found.missing_examples) == (1, ["2"])
    assert (found.duplicates, found.duplicate_examples) == (1, ["2"])
    assert (found.crossing, found.crossing_examples) == (1, ["2"])
    assert found.sexes == {"F": 1, "M": 1, "unknown": 2}
    assert found.rates == {"500": 2, "unknown": 2}
    assert (found.ages.known, found.ages.unknown, found.ages.minimum, found.ages.median, found.ages.maximum) == (
        2, 2, 30, 40, 50)
    assert found.defects == {"noise": 1}
    assert (found.credentialed, found.for_testing) == (1, 1)
    assert (found.broken, found.seconds.known) == (0, 0)


def test_reading_finds_what_is_broken(tmp_path):
    broken = fail(CorruptInputError("damaged", where="x"))
    found = survey([
        make("1", load=lambda: record(10, patient=Patient(20, "M"))),
        make("2", load=lambda: record(4, fs=250.0, calibrated=False), person=Patient(30, None)),
        make("3", load=broken),
        make("4", load=broken, files=(tmp_path / "missing",)),
        make("5", load=fail(ZeroDivisionError())),
    ], check=True)
    assert (found.missing, found.broken, found.uncalibrated) == (1, 2, 1)
    assert [(failure.id, failure.what) for failure in found.broken_examples] == [
        ("3", "damaged"), ("5", "an unexpected ZeroDivisionError")]
    assert found.rates == {"100": 1, "250": 1, "unknown": 3}
    assert (found.seconds.minimum, found.seconds.median, found.seconds.maximum) == (4, 7, 10)
    assert (found.ages.known, found.sexes["M"]) == (2, 1)


def test_a_patient_in_three_splits_counts_once():
    splits = ("train", "valid", "test", "train", None)
    found = survey([make(str(i), "p", split=split) for i, split in enumerate(splits)])
    assert (found.crossing, found.crossing_examples) == (1, ["1"])


def test_examples_are_few():
    found = survey(make(str(number)) for number in range(100))
    assert (found.cases, found.unlabelled, found.unlabelled_examples) == (100, 100, [str(i) for i in range(EXAMPLES)])


def test_one_recording_is_held_at_a_time():
    loaded, most = [], 0

    def load():
        nonlocal most
        signal = np.zeros((12, 200), np.float32)
        loaded.append(weakref.ref(signal))
        most = max(most, sum(each() is not None for each in loaded))
        return Record(signal, 100.0, STANDARD)

    assert survey((make(str(number), load=load) for number in range(50)), check=True).seconds.known == 50
    assert most <= 2


def test_a_missing_library_is_not_a_thousand_broken_records():
    with pytest.raises(MissingExtraError):
        survey([make("1", load=fail(MissingExtraError("HDF5 files need h5py")))], check=True)


def test_every_card_is_whole_and_every_reader_says_what_is_missing(tmp_path):
    for name, row in CORPORA.items():
        assert row.name == name
        assert all((row.title, row.layout, row.verified, row.terms.licence))
        with pytest.raises(EcgroundError) as error:
            list(row.cases(tmp_path))
        assert error.value.hint, name
    assert corpus("mimic-iv-ecg").terms.credentialed
    assert not corpus("brugada").terms.trainable
    with pytest.raises(UsageError, match="brugada"):
        corpus("nope")


def test_plugins(monkeypatch):
    monkeypatch.setattr(room, "CORPORA", dict(CORPORA))
    mine = Corpus("mine", "Mine", lambda folder: iter(()), Terms("CC0"), "anything")
    register(mine)
    assert corpus("mine") is mine
    theirs = EntryPoint("theirs", "tests_plugin:row", "ecground.corpora")
    monkeypatch.setattr(EntryPoint, "load", lambda self: Corpus("theirs", "T", mine.cases, mine.terms, "anything"))
    monkeypatch.setattr(room, "entry_points", lambda group: [theirs] if group == "ecground.corpora" else [])
    room._load_plugins.cache_clear()
    try:
        assert corpora()["theirs"].title == "T"
    finally:
        room._load_plugins.cache_clear()
