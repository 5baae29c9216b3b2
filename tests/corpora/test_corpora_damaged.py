"""Tables with anything in their cells, or no tables at all: our own errors or Cases, nothing else."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecground.corpora import CORPORA
from ecground.corpora.survey import survey
from ecground.errors import EcgroundError

TABLES = {
    "ptbxl": ("ptbxl_database.csv", {
        "ecg_id": "1", "patient_id": "1.0", "age": "56.0", "sex": "1", "report": "r", "scp_codes": "{'NORM': 100.0}",
        "strat_fold": "3", "filename_hr": "a", "filename_lr": "a"}),
    "ludb": ("ludb.csv", {"ID": "1", "Sex": "F", "Age": ">89", "Rhythms": "Sinus rhythm"}),
    "cpsc2018": ("REFERENCE.csv", {"Recording": "A0001", "First_label": "1", "Second_label": "", "age": "3"}),
    "code15": ("exams.csv", {"exam_id": "1", "age": "3", "is_male": "True", "RBBB": "True", "patient_id": "1",
                             "trace_file": "a.hdf5"}),
    "sph": ("metadata.csv", {"ECG_ID": "A00001", "AHA_Code": "22;23", "Age": "3", "Sex": "M", "N": "5000",
                             "PR_Interval": "153"}),
    "mimic-iv-ecg": ("record_list.csv", {"subject_id": "1", "study_id": "2", "path": "files/2"}),
    "brugada": ("metadata.csv", {"patient_id": "1", "brugada": "1", "basal_pattern": "0", "sudden_death": "0"}),
    "folder": ("labels.csv", {"file": "a.hea", "label": "x", "age": "3", "sex": "M", "split": "train"}),
}
CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", "²", "9" * 5000, "-1", "1e400", "nan", "../x", "/x", "a\0b", "~", "C:\\x", "http://x",
                     "[" * 300, "{'a': 1}", "\ud7ff", "inf", "9" * 19, '"']))


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_cell(tmp_path, name, data):
    file, row = TABLES[name]
    column = data.draw(st.sampled_from(sorted(row)))
    text = io.StringIO()
    table = csv.DictWriter(text, list(row))
    table.writeheader()
    table.writerow(row | {column: data.draw(CELLS)})
    if name == "ptbxl":
        (tmp_path / "scp_statements.csv").write_text(",diagnostic_class\nNORM,NORM\n")
    (tmp_path / file).write_bytes(text.getvalue().encode())
    try:
        assert survey(CORPORA[name].cases(tmp_path)).cases == 1
    except EcgroundError as error:
        assert error.what


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_any_bytes(tmp_path, name, content):
    file, row = TABLES[name]
    head = ",".join(row).encode() + b"\n"
    if name == "ptbxl":
        (tmp_path / "scp_statements.csv").write_text(",diagnostic_class\nNORM,NORM\n")
    for start in (b"", head):
        (tmp_path / file).write_bytes(start + content)
        try:
            survey(CORPORA[name].cases(tmp_path))
        except EcgroundError as error:
            assert error.what


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_any_machine_measurements(tmp_path, content):
    (tmp_path / "record_list.csv").write_text("subject_id,study_id,path\n1,2,files/2\n")
    for start in (b"", b"study_id,report_0,rr_interval\n2,"):
        (tmp_path / "machine_measurements.csv").write_bytes(start + content)
        try:
            survey(CORPORA["mimic-iv-ecg"].cases(tmp_path))
        except EcgroundError as error:
            assert error.what


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.text(max_size=120))
def test_any_header(tmp_path, content):
    start = "E00001 1 500 2\nE00001.mat 16+24 4880/mV 16 0 0 0 0 I\n"
    for head in ("", start, start + "#Dx: "):
        (tmp_path / "E00001.hea").write_text(head + content, encoding="utf-8")
        assert survey(CORPORA["cinc"].cases(tmp_path)).cases == 1
