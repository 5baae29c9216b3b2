"""Reports in German and Swedish: language, findings, denial and doubt, leads and values."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecground.knowledge.claims import read_claims
from ecground.knowledge.codes import codes
from ecground.knowledge.reading.lexicon import LANGUAGES, language_of, lexicon


def findings(text):
    return {(c.finding, c.polarity) for c in read_claims(text) if c.finding and c.measure is None}


def values(text):
    return {(c.measure, c.comparison, c.value, c.value_high, c.leads) for c in read_claims(text) if c.measure}


@pytest.mark.parametrize(("text", "language"), [
    ("Sinus rhythm, normal ECG.", "en"), ("sinusrhythmus normales ekg", "de"), ("sinusrytm normalt ekg", "sv"),
    ("SINUSRHYTHMUS QRS(T) ABNORMAL", "de"), ("linkshypertrophie", "de"), ("vänster kammarhypertrofi", "sv"),
    ("Abnormal ECG", "en"), ("WPW", "en"), ("", "en"), ("inferior infarkt sannolikt äldre", "sv"),
    ("Vorhofflimmern", "de"), ("kein Infarkt", "de"), ("inget av-block", "sv"), ("T wave inversion in V1 to V3", "en"),
])
def test_language(text, language):
    assert language_of(text) == language


@pytest.mark.parametrize(("text", "expected"), [
    ("sinusrhythmus lagetyp normal normales ekg", {("SR", "present"), ("AXN", "present"), ("NORM", "present")}),
    ("Sinusbradykardie, überdrehter Linkstyp, linksanteriorer Hemiblock.",
     {("SBRAD", "present"), ("LAD", "present"), ("LAFB", "present")}),
    ("ventrikulÄre extrasystole(n) sinusrhythmus", {("PVC", "present"), ("SR", "present")}),
    ("vorhofflimmern/-flattern rechtsschenkelblock", {("AFIB|AFLT", "present"), ("CRBBB", "present")}),
    ("sinusrhythmus a-v block i p-verbreiterung", {("SR", "present"), ("1AVB", "present"), ("LAO/LAE", "present")}),
    ("av block i. grades intraventr. leitungsstÖrung", {("1AVB", "present"), ("IVCD", "present")}),
    ("anteroseptaler infarkt     wahrscheinlich alt t abnorm in inferioren ableitungen",
     {("ASMI", "present"), ("NDT", "present")}),
    ("qrs(t) abnorm    inferiorer infarkt     alter unbest.", {("ABQRS", "present"), ("IMI", "present")}),
    ("hochlateraler infarkt mÖglich inferiorer infarkt", {("LMI", "uncertain"), ("IMI", "present")}),
    ("inferiorer myokardschaden nicht auszuschliessen qt-verlÄngerung", {("IMI", "uncertain"), ("LNGQT", "present")}),
    ("verdacht auf p-sinistrocardiale lagetyp normal", {("LAO/LAE", "uncertain"), ("AXN", "present")}),
    ("möglicher chronischer inferiorer Infarkt", {("IMI", "uncertain")}),
    ("Infarkt inferior", {("IMI", "present")}),
    ("st & t abnorm, wahrscheinlich    anterolaterale ischÄmie oder linksbelastung",
     {("NST_", "present"), ("ISCAL|SECSTT", "uncertain")}),
    ("Kein Vorhofflimmern.", {("AFIB", "absent")}),
    ("Keine ST-Hebung oder T-Negativierung.", {("STE_", "absent"), ("INVT", "absent")}),
    ("Keine ventrikulären Extrasystolen", {("PVC", "absent")}),
    ("Linksschenkelblock ausgeschlossen", {("CLBBB", "absent")}),
    ("ekg pathologisch", {("NORM", "absent")}),
    ("sinusrhythmus 4.46                          unbestÄtigter bericht", {("SR", "present")}),
])
def test_german(text, expected):
    assert findings(text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("sinusrytm normalt ekg", {("SR", "present"), ("NORM", "present")}),
    ("fÖrmaksflimmer/-fladder misstÄnkt vÄnster kammarhypertrofi", {("AFIB|AFLT", "present"), ("LVH", "uncertain")}),
    ("ventrikulÄr(a) extrasystoli(er) inkomplett hÖgersidigt skÄnkelblock", {("PVC", "present"), ("IRBBB", "present")}),
    ("sinusbradykardi a-v block i extrem vÄnster el-axel",
     {("SBRAD", "present"), ("1AVB", "present"), ("LAD", "present")}),
    ("avvikande qrs(t) fÖrlopp    inferior infarkt     sannolikt Äldre", {("ABQRS", "present"), ("IMI", "present")}),
    ("anteroseptal myokardskada kan ej uteslutas qt fÖrlÄngd", {("ASMI", "uncertain"), ("LNGQT", "present")}),
    ("hÖg lateral infarkt bÖr ÖvervÄgas", {("LMI", "uncertain")}),
    ("st-t sÄnkning, sÅsom vid    lateral ischemi eller vÄnster belastning",
     {("STD_", "present"), ("ISCLA|SECSTT", "uncertain")}),
    ("inget av-block", {("AVB", "absent")}),
    ("patologiskt ekg", {("NORM", "absent")}),
])
def test_swedish(text, expected):
    assert findings(text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("PQ-Zeit 190 ms", ("pr_ms", "=", 190.0, None, ())),
    ("QRS-Dauer 0,12 sek.", ("qrs_ms", "=", 120.0, None, ())),
    ("Herzfrequenz 95/min", ("hr_bpm", "=", 95.0, None, ())),
    ("linkstyp", ("qrs_axis_deg", "in", -45.0, 30.0, ())),
    ("QRS-Komplex verbreitert", ("qrs_ms", ">=", 120.0, None, ())),
    ("pq tid 210 ms", ("pr_ms", "=", 210.0, None, ())),
])
def test_values(text, expected):
    assert expected in values(text)


@pytest.mark.parametrize(("text", "key", "leads"), [
    ("st- senkung v4 - v6", "STD_", ("V4", "V5", "V6")),
    ("T negativ in III, aVF", "INVT", ("III", "aVF")),
    ("T neg in V1 bis V3", "INVT", ("V1", "V2", "V3")),
    ("t abnormal in hochlateralen ableitungen", "NDT", ("I", "aVL")),
    ("ST-Hebung in II, III und aVF", "STE_", ("II", "III", "aVF")),
])
def test_leads(text, key, leads):
    assert next(claim for claim in read_claims(text) if claim.finding == key).leads == leads


def test_offsets_are_those_of_the_text_as_given():
    text = "SINUSRHYTHMUS ÜBERDREHTER LINKSTYP. STÖRUNG, T-NEGATIVIERUNG in V1–V3"
    claims = read_claims(text)
    assert [claim.finding for claim in claims] == ["SR", "LAD", "INVT"]
    assert all(text[slice(*claim.span)] == claim.text for claim in claims)


@pytest.mark.parametrize("language", LANGUAGES)
def test_lexicons_name_only_statements_that_exist(language):
    groups = lexicon().reading["groups"]
    for key in lexicon(language).reading["findings"]:
        if " " not in key:
            for name in key.lstrip("!").replace("&", "|").split("|"):
                assert name in codes() or name in groups, key


WORDS = st.sampled_from([
    "kein", "mÖglich", "wahrscheinlich", "alt", "verdacht", "auf", "infarkt", "inferiorer", "t", "neg", "in", "v1", "-",
    "bis", "v6", "(", ")", "n", ",", ".", "4.46", "unbestÄtigter", "bericht", "sinusrytm", "kan", "ej", "uteslutas",
    "skÄnkelblock", "oder", "linksbelastung", "ß", "İ", "qrs(t)", "\n", "120", "ms", "herzfrequenz", "&",
])


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, max_size=40).map(" ".join))
def test_any_text_is_read(text):
    for claim in read_claims(text):
        assert text[slice(*claim.span)] == claim.text
