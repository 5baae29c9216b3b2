"""Words that an electrocardiograph's statements are made of: text that holds nothing else may stay.

Contract: `is_statement` is true for text made only of these words, lead names, units and numbers of at most three
digits. One word outside (a name, a place) and the whole text goes. No spelling is guessed; names of people that are
also words of the list (a Dr. Wall) would pass inside a statement, which SECURITY.md says.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["is_number", "is_statement", "is_time", "is_unit"]

_WORDS: Final = frozenset("""
p q r s t u v j x y z n i ii iii iv vi ivc a ms mv uv nv mm mmv s sec seconds second hz bpm deg cm min min beats beat
avr avl avf v1 rv lv la ra rvh lvh lah lae rae lbbb rbbb irbbb ilbbb clbbb crbbb lafb lpfb lahb lphb ivcd avb av sa mi
ami imi asmi almi pmi stemi nstemi ecg ekg af afib afl aflt afl sr sb svt vt vf vfl avnrt avrt wpw lgl pac pvc pvcs pacs
apc apcs vpc vpcs pjc sve svpb ves ve pr pq qrs qt qtc qtcb qtcf qtcfm qtch qtcbz rr pp st jt stj hr rp sp pd ps tp
rvl ravl sv raVL ptfv ptf qrsd rsr rsr' qs rs qr qrsppk
normal abnormal borderline otherwise atypical typical probable possible probably possibly consider suggests suggestive
suspect suspected cannot rule out exclude excluded ruled not no non without with and or of in on at to the for from by
due is are be may has have as than more less over under per between other all some any this both
sinus rhythm rhythms arrhythmia arrhythmias bradycardia tachycardia bradyarrhythmia tachyarrhythmia atrial ventricular
supraventricular junctional nodal ectopic ectopy escape idioventricular accelerated fibrillation flutter premature
contraction contractions complex complexes extrasystole extrasystoles couplet couplets triplet bigeminy trigeminy
quadrigeminy run runs paroxysmal sustained nonsustained multifocal multiform unifocal uniform interpolated fusion
aberrant aberrancy aberration conducted conduction conducting nonconducted blocked block blocks bundle branch fascicular
hemiblock bifascicular trifascicular intraventricular intraatrial atrioventricular sinoatrial exit delay delayed
incomplete complete partial degree first second third high grade mobitz wenckebach type variable left right anterior
posterior inferior lateral septal anteroseptal anterolateral inferolateral inferoposterior apical basal extensive
subendocardial transmural subepicardial wall infarct infarction infarctions myocardial ischemia ischaemia ischemic
ischaemic injury pericarditis repolarization repolarisation early acute old recent new age undetermined indeterminate
evolving evolution subacute chronic current
elevation elevated depression depressed segment segments wave waves waveform waveforms inversion inverted flat flattened
flattening biphasic notched bifid peaked tall low high voltage amplitude large small prominent deep poor progression
transition late early slow rapid fast response rate rates controlled uncontrolled irregular irregularly regular
regularly irregularity axis deviation deviated leftward rightward superior extreme vertical horizontal northwest
rotation clockwise counterclockwise position intermediate hypertrophy hypertrophic enlargement enlarged dilatation
overload strain abnormality abnormalities change changes nonspecific unspecific specific secondary primary short long
prolonged prolongation shortened shortening interval intervals duration pacing paced pacer pacemaker spike spikes
sensing capture captured failure dual chamber demand malfunction artifact artefact noise noisy baseline wander
interference quality technically technical unsuitable recording record recorded lead leads limb chest precordial
reversal reversed reverse misplacement misplaced dextrocardia electrode electrodes electrolyte disturbance drug effect
digitalis hyperkalemia hypokalemia hypercalcemia hypocalcemia pulmonary disease embolism pattern brugada preexcitation
excitation wolff parkinson white delta syndrome criteria cornell sokolow lyon romhilt estes minnesota code product
voltages score value values mean median average dominant morphology r' s' qrst pwave qrswave twave uwave rwave qwave
swave qrs unclassifiable unclassified wide widened narrow qrsd area net sum ratio
ecg cardiogram electrocardiogram electrocardiography analysis analyzed analyser interpretation interpreted unconfirmed
confirmed preliminary final diagnosis report statement warning data quality review reviewed requires physician overread
comparison compared previous available significant longer present unchanged undefined unknown unspecified none
measurement measurements measured measure computed reading summary severity adult pediatric
ritmo sinusale bradicardia tachicardia sinusaler sinusrhythmus vorhofflimmern vorhofflattern linkslage rechtslage
steillage normallage lagetyp linkstyp rechtstyp indifferenztyp normales unauffaelliges ekg kein keine ohne nicht und mit
der die das links rechts linksschenkelblock rechtsschenkelblock schenkelblock infarkt verdacht hypertrophie
erregungsrückbildung erregungsrückbildungsstörung bradykardie tachykardie extrasystolen ventrikuläre supraventrikuläre
sinusrytm sinusbradykardi sinustakykardi förmaksflimmer förmaksfladder normalt normala onormalt vänsterställd
interprétation sans diagnostic non confirmé limite sinusal rythme anormal
mdc ecg heart atrial time pd angle front frontal horiz horizontal wavc peak onset offset rhy beat lead config qtcor
ctl vbl attr filter filt cutoff freq frequency notch pass bandpass baseline adaptive fir ampl amp dur gl global count
elec potl seg seq ms_seq aavr aavl amplitudes local isoelectric
cutoff stabilizer highpass lowpass hp lp dc ac mains cut stop band smoothing muscle
ce pq st ts slist glist ivl rto co roips roibnd sprt obs evn comp act actcode hl7v3 hl7 loinc cpt cpt4 scp scpecg ucum
absolute aboslute relative time_absolute time_relative representative beat rhythm derived original observation series
boundary true false on off yes male female m f un unknown undefined other years year months month weeks week days day
invalid failed indeterminate straight concave convex upsloping downsloping up down neg pos positive negative
std wire ecg standard mason likar base64 xli comma commaseparate separate continuous samples sample uncompressed signed
unsigned compressed rhythms averages average medians methods method interval microvolts microvolt millivolt millivolts
volt volts nanovolt nanovolts milliseconds millisecond hertz degrees degree percent resting record end start ie ppm
endsline userinsert acceptable trace poor ok retry action clipping over range
code point segment multipoint multisegment ss us ub sb no trigger source electrodes placement positions placed standard
einthoven goldberger wilson augmented foot minimum maximum number per minute uncorrected corrected bazett fridericia
framingham hodges ventricular onset offset initial terminal fiducial global
resp respiration resp. pleth ppg spo abp art cvp pap eeg emg eog annotations edf ch channel signal ml mlii mli mliii d
di dii diii c cc cs fp fz cz pz oz o f hp notch ag agcl electrode ecgi recorder
axis_p axis_qrs axis_t agegroup sensitivity trombolysis thrombolysis adult patdata average averages undefined display
nsr nsvt sinusbradycardia sinustachycardia aberrated svta sbr afl prex vfib asys asystole pause pauses
dx rx hx sx fs unit gain derived leads reason rhythm conduction
hl base philipsecg sierraecg mindray matrix plus comment description reported visit scheduled minutes post transducer
prefiltering sleep stage w lights systolic diastolic millimeters hg normale extremities slp integ myogram bp tpm ab lcx
rca lad if disabled enabled misizepct misizesegments et severe moderate mild include tracing diagnoses electric scar
formation ends qrstwave supp single multiple avec esa phase cardiac catheterization procedure spatialqrstanglemax
spatialqrstanglemean npta lvhcnp stelvh xqrsd
""".casefold().split())
_TOKEN: Final = re.compile(r"\d+|[^\W\d_]+(?:'(?!\w))?")
_DATE: Final = re.compile(r"\d{1,4}\s?([./:\-])\s?\d{1,2}\s?\1\s?\d{1,4}|\d{1,2}[./\- ]?(jan|feb|mar|apr|may|jun|jul"
                          r"|aug|sep|oct|nov|dec)\b")
_INITIALS: Final = re.compile(r"\b[a-z]\.\s?[a-z]\b\.?")
_NUMBER: Final = re.compile(r"[-+]?(\d{1,6}(\.\d{0,9})?|\.\d{1,9})([eE][-+]?\d{1,2})?")
_TIME: Final = re.compile(r"([01]?\d|2[0-3])([:.]?)[0-5]\d(\2[0-5]\d([.:]?\d{1,6})?)?")
_UNITS: Final = frozenset(("v", "mv", "uv", "µv", "μv", "nv", "adu", "s", "ms", "us", "hz", "deg", "bpm", "bmp", "",
                           "1", "%", "a", "/min", "1/min", "{h.b.}/min", "{beats}/min", "mmhg", "degc", "l/min", "ohm",
                           "kohm", "-", "cm", "rad", "mm/mv", "mm/s", "count", "counts", "nd", "b/min", "/s",
                           "uvperlsb", "degrees", "years"))
_LONGEST: Final = 400
_MOST_DIGITS: Final = 14


def is_statement(text: str) -> bool:
    """Whether the text is made of the words of electrocardiography, lead names and short numbers only."""
    folded = text.strip().casefold()
    if not folded or len(folded) > _LONGEST or not folded.replace("\n", " ").replace("\t", " ").replace(
            "\r", " ").isprintable():
        return False
    if _DATE.search(folded) or _INITIALS.search(folded) or sum(c.isdigit() for c in folded) > _MOST_DIGITS:
        return False
    tokens: list[str] = _TOKEN.findall(folded)
    return bool(tokens) and all(len(token) <= 3 if token[0].isdigit() else token in _WORDS for token in tokens)


def is_number(text: str) -> bool:
    """Whether the text is one number of at most six digits before the point: no identifier, date or telephone."""
    return _NUMBER.fullmatch(text.strip()) is not None


def is_time(text: str) -> bool:
    """Whether the text is a time of day."""
    return _TIME.fullmatch(text.strip()) is not None


def is_unit(text: str) -> bool:
    """Whether the text is a unit of measurement that recordings use."""
    return text.strip().casefold() in _UNITS
