from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ecground.corpora.case import Case, Terms
from ecground.instruct.facts import Facts, facts_of
from ecground.record import Patient
from tests.instruct.standin import Server


def _case(number: int, labels: tuple[str, ...], *, patient: str = "", split: str = "train",
          system: str = "scp") -> Case:
    def load():
        raise AssertionError("questions are made without reading samples")

    return Case("toy", str(number), patient or f"p{number}", load, split, labels, system, person=Patient(60.0, "F"),
                terms=Terms("CC0"))


@pytest.fixture
def pool() -> list[Facts]:
    """Twenty ECGs of ten patients, two each; the last four are validation patients."""
    kinds = [("NORM", "SR"), ("AFIB", "LVH"), ("IMI", "SR", "1AVB"), ("CLBBB", "SBRAD"), ("PVC", "SR", "LAFB")]
    return [facts_of(_case(i, kinds[i % 5], patient=f"p{i % 10}", split="valid" if i % 10 >= 8 else "train"))
            for i in range(20)]


@pytest.fixture
def case():
    """(number, labels, patient, split, system) -> a labelled recording whose samples must not be read."""
    return _case


@pytest.fixture(scope="session")
def pack() -> Path:
    """The data pack that ECGROUND_DATA names."""
    folder = os.environ.get("ECGROUND_DATA")
    if not folder:
        pytest.skip("ECGROUND_DATA names no data pack")
    return Path(folder)


@pytest.fixture(scope="session")
def measured():
    """Measurements and findings of a simulated ECG with a PR interval of about 240 ms."""
    import numpy as np

    from ecground.knowledge.findings import find
    from ecground.measure import measure
    from ecground.simulate import draw, simulate, twin

    rng = np.random.default_rng(11)
    parameters = twin(draw(rng), {"rhythm.pr_ms": 240.0})
    simulated = simulate(parameters, rng=rng)
    measurements = measure(simulated.record, simulated.truth.delineation)
    return measurements, find(measurements, simulated.record.patient)


@pytest.fixture
def server():
    made = Server()
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()
