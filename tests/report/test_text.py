"""Results as text: 100 columns, each value once, sources as footnotes, the device beside us."""

from ecground.knowledge.finding import Claim, Criterion, Evidence, Finding
from ecground.report import text

SOURCE = "AHA/ACCF/HRS 2009 recommendations part III, conduction (Surawicz)"
OTHER = "Minnesota Code (Prineas, Crow, Zhang)"


def evidence(measure, value, unit, leads=(), limit=0.0, comparison=">="):
    return Evidence(measure=measure, value=value, unit=unit, leads=leads, comparison=comparison, threshold=limit)


def block(present=True):
    first = Criterion("a", SOURCE, True, True, 1.0, (
        evidence("qrs_ms", 152.0, "ms", limit=120.0), evidence("r_peak_time_ms", 64.0, "ms", ("V5",), 60.0, ">"),
        evidence("r_peak_time_ms", 71.0, "ms", ("V6",), 60.0, ">")))
    again = Criterion("b", f"{OTHER}; {SOURCE}", True, True, 1.0, (evidence("qrs_ms", 152.0, "ms", limit=120.0),))
    missed = Criterion("c", OTHER, True, False, -1.0, (evidence("qt_ms", 400.0, "ms", limit=460.0),))
    return Finding(scp="CLBBB", snomed=None, statement="complete left bundle branch block", probability=0.97,
                   present=present, judged=True, criteria=(first, again, missed))


def test_each_value_of_a_finding_stands_once_with_its_limit():
    shown = text.evidence([block()])
    assert shown.count("152 ms") == 1
    rows = [" ".join(line.split()) for line in shown.splitlines()]
    assert "QRS duration 152 ms ≥ 120" in rows
    assert "R-peak time V5 64 ms, V6 71 ms > 60" in rows
    assert len({line.index(sign) for line in shown.splitlines() for sign in ("≥", "> ") if sign in line}) == 1
    assert "400 ms" not in shown


def test_sources_are_footnotes_once():
    shown = text.evidence([block(), block()])
    assert shown.count(SOURCE) == 1
    assert f"[AHA 2009-III] {SOURCE}" in shown
    assert shown.count("complete left bundle branch block, probability 0.97 [AHA 2009-III, Minnesota Code]") == 2


def test_absent_findings_are_left_out():
    assert text.evidence([block(present=False)]) == ""


def test_lines_fit_a_terminal():
    leads = ("I", "II", "aVF", "V2", "V3", "V4", "V5", "V6")
    wide = Criterion("a", "; ".join((SOURCE, OTHER)), True, True, 1.0, tuple(
        evidence("j_amp", -0.11, "mV", (lead,), -0.05, "<=") for lead in leads))
    finding = Finding("STD_", None, "non-specific ST depression", 0.5, True, True, criteria=(wide,))
    shown = text.findings("file.dat", [finding])
    assert max(len(line) for line in shown.splitlines()) <= 100
    assert all(lead in shown for lead in leads)


def test_claims_are_counted_and_told_with_their_reasons():
    made = [Claim("PR interval 151 ms", (0, 18), verdict="supported", why="measured 152 ms"),
            Claim("LVH", (20, 23), verdict="contradicted", why="left ventricular hypertrophy: not present")]
    shown = text.claims("file.dat", made).splitlines()
    assert shown[1] == "claims       2 (1 supported, 1 contradicted)"
    assert shown[3] == 'supported     "PR interval 151 ms": measured 152 ms'
    assert text.claims("file.dat", []).splitlines()[1] == "claims       0"
