"""Records whose samples are known, for pages."""

from __future__ import annotations

import numpy as np
import pytest

from ecground.leads import STANDARD
from ecground.record import Record


@pytest.fixture
def waves() -> Record:
    """Twelve different smooth leads of 10 s at 500 Hz, amplitudes below 1 mV."""
    rng = np.random.default_rng(1)
    t = np.arange(5000) / 500.0
    phase, pace = rng.uniform(0, 6, (12, 3, 1)), rng.uniform(0.2, 1.5, (12, 3, 1))
    signal = (np.sin(2 * np.pi * pace * t + phase) / [[[1], [2], [3]]]).sum(axis=1) / 2
    return Record(signal.astype(np.float32), 500.0, STANDARD)


@pytest.fixture
def torn(waves) -> Record:
    """The same with a second missing in every lead."""
    signal = waves.signal.copy()
    signal[:, 1000:1500] = np.nan
    return waves.replace(signal=signal)
