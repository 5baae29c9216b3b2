"""The views of Measurements: GEM's sequences, JSON, Parquet, text, PTB-XL+ names."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from ecground.measure import measure
from ecground.measure.table import LEAD_MEASURES, RECORD_MEASURES
from ecground.measure.views.export import LEAD_ALIASES, RECORD_ALIASES, ptbxl_plus, to_dict, to_parquet, to_text
from ecground.measure.views.sequences import SEQUENCES, sequences
from tests.measure.synthetic import NORMAL, Beat, record, regular


@pytest.fixture(scope="module")
def normal():
    return measure(*record(regular()))


def test_sequences_have_fourteen_names_and_a_true_qt(normal):
    view = sequences(normal)
    assert len(SEQUENCES) == 14
    assert list(view) == list(normal.lead)
    beats = int(normal.number("n_beats"))
    for values in view.values():
        assert list(values) == list(SEQUENCES)
        assert {len(column) for column in values.values()} == {beats}
    ii = view["II"]
    assert ii["qt_interval"][3] == pytest.approx(380, abs=1)
    assert ii["qtc"][3] == pytest.approx(380 / 0.8**0.5, abs=1)
    assert ii["rr_1"][0] is None
    assert ii["rr_2"][0] == pytest.approx(800, abs=1)
    assert ii["st_form"][2] == "level"
    assert ii["qrs_amplitude"][1] == pytest.approx(1.2 + 0.3, abs=0.03)


def test_sequences_say_none_for_absent_waves():
    m = measure(*record(regular(beat=Beat(NORMAL.waves[1:], p=None)), leads=("II",)))
    view = sequences(m, calibrated=False)["II"]
    assert set(view["p_amplitude"]) == set(view["p_duration"]) == {None}
    assert set(view["t_amplitude"]) == {None}
    assert view["t_duration"][2] == pytest.approx(180, abs=1)


def test_json_is_plain_and_complete(normal):
    text = json.dumps(to_dict(normal), allow_nan=False)
    back = json.loads(text)
    assert set(back["record"]) == set(RECORD_MEASURES)
    assert set(back["lead"]["V1"]) == set(LEAD_MEASURES)
    assert back["record"]["pr_ms"]["value"] == pytest.approx(160, abs=0.5)
    assert back["record"]["pr_ms"]["unit"] == "ms"
    assert len(back["beats"]["kind"]) == back["record"]["n_beats"]["value"]


def test_ptbxl_plus_names(normal):
    row = ptbxl_plus(normal)
    assert set(RECORD_ALIASES) <= set(row)
    assert {f"{alias}_V1" for alias in LEAD_ALIASES} <= set(row)
    assert row["QT_Int_Global"] == pytest.approx(380, abs=0.5)
    assert row["P_Amp_V1"] == pytest.approx(0.15, abs=0.01)
    assert row["P_Amp_V1_count"] >= 10
    assert "R_Amp_AVL" in row


def test_parquet_reads_back(normal, tmp_path):
    import pyarrow.parquet as pq

    path = tmp_path / "m.parquet"
    to_parquet(normal, path, record="a")
    rows = pq.read_table(path).to_pylist()
    record_rows = {row["measure"]: row for row in rows if row["level"] == "record"}
    assert set(record_rows) == set(RECORD_MEASURES)
    assert record_rows["qrs_ms"]["value"] == pytest.approx(88, abs=0.5)
    beat = [row for row in rows if row["level"] == "beat" and row["lead"] == "V2" and row["measure"] == "r_amp"]
    assert len(beat) == normal.number("n_beats")
    assert all(math.isfinite(row["value"]) for row in beat)
    assert np.median([row["value"] for row in beat]) == pytest.approx(1.2, abs=0.01)


def test_text_is_for_a_person(normal):
    text = to_text(normal)
    assert "not a medical device" in text
    assert all(lead in text for lead in normal.lead)
    assert "qRs" in text
