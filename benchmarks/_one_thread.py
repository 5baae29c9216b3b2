"""Imported before numpy: every library in this process gets one thread, so that CPU times can be compared."""

from __future__ import annotations

import os

VARIABLES = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

os.environ.update(VARIABLES)
