"""ECG files in XML built from numbers, for the tests of the readers; also a packer for Philips' compression."""

import base64
import struct
import zlib

import numpy as np

TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
LABELS = " ".join(TWELVE)
EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


def counts(leads=8, n=500, seed=1):
    """Integers `[lead, sample]` that look a little like an ECG: smooth, with peaks."""
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.integers(-6, 7, (leads, n)), axis=1)
    x[:, 40::100] += 180
    return x.astype(np.int64)


def twelve(n=500, seed=1):
    """Twelve leads of whole steps that obey Einthoven and, to half a step, Goldberger."""
    one, two, *chest = counts(8, n, seed)
    three = two - one
    return np.stack([one, two, three, -((one + two) // 2), (one - three) // 2, (two + three) // 2, *chest])


def packed(values, kind="<i2"):
    return base64.b64encode(np.asarray(values).astype(kind).tobytes()).decode()


def aecg(rows, *, code="RHYTHM", head="20240102030405.500", kind="TIME_ABSOLUTE", increment="0.002", unit="s",
         scale="2.5", scale_unit="uV", origin="0", origin_unit="uV", inside="", person="", series=None,
         prefix="", namespace="urn:hl7-org:v3"):
    """An annotated ECG; `rows` maps lead codes' endings to numbers."""
    series = series or rhythm(rows, code=code, head=head, kind=kind, increment=increment, unit=unit, scale=scale,
                              scale_unit=scale_unit, origin=origin, origin_unit=origin_unit, inside=inside)
    text = f"""<?xml version="1.0" encoding="UTF-8"?><!-- made -->
    <AnnotatedECG xmlns="{namespace}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><id root="1"/>
    <effectiveTime><low value="20240102030405.500"/></effectiveTime>
    <componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject><subjectDemographicPerson>
    {person}</subjectDemographicPerson></trialSubject></subject></subjectAssignment></componentOf></timepointEvent>
    </componentOf>{series}</AnnotatedECG>"""
    return text.encode() if not prefix else prefixed(text, prefix)


def prefixed(text, prefix):
    """The same document with a namespace prefix on every element."""
    import re

    text = re.sub(r"<(/?)([A-Za-z])", rf"<\1{prefix}:\2", text)
    return text.replace("xmlns=", f"xmlns:{prefix}=").encode()


def rhythm(rows, *, code="RHYTHM", inside="", derived="", **time):
    return (f'<component><series><code code="{code}"/>{sequence_set(rows, **time)}{inside}{derived}'
            "</series></component>")


def sequence_set(rows, *, head="20240102030405.500", kind="TIME_ABSOLUTE", increment="0.002", unit="s", scale="2.5",
                 scale_unit="uV", origin="0", origin_unit="uV"):
    leads = "".join(
        f'<component><sequence><code code="MDC_ECG_LEAD_{lead}"/><value xsi:type="SLIST_PQ">'
        f'<origin value="{origin}" unit="{origin_unit}"/><scale value="{scale}" unit="{scale_unit}"/>'
        f'<digits>{" ".join(map(str, row))}</digits></value></sequence></component>' for lead, row in rows.items())
    return (f'<component><sequenceSet><component><sequence><code code="{kind}"/><value xsi:type="GLIST_TS">'
            f'<head value="{head}" unit="s"/><increment value="{increment}" unit="{unit}"/></value></sequence>'
            f"</component>{leads}</sequenceSet></component>")


def annotation(code, value="", unit="ms", inside="", kind="PQ"):
    content = "" if value == "" else (
        f'<value xsi:type="{kind}" value="{value}" unit="{unit}"/>' if kind == "PQ"
        else f'<value xsi:type="{kind}">{value}</value>')
    return f'<component><annotation><code code="{code}"/>{content}{inside}</annotation></component>'


def annotations(*items, author=""):
    return f"<subjectOf><annotationSet>{author}{''.join(items)}</annotationSet></subjectOf>"


def muse(rows, *, kinds=("Median", "Rhythm"), scale="4.88", base=500, exponent=0, unit="MICROVOLTS", size=2,
         person="<PatientAge>61</PatientAge><AgeUnits>YEARS</AgeUnits><Gender>FEMALE</Gender>", extra="",
         doctype='<!DOCTYPE RestingECG SYSTEM "restecg.dtd">', lead_extra="", declared=None):
    """A MUSE file; the median beat holds the first 20 samples."""
    waves = ""
    for kind in kinds:
        leads = ""
        for lead, row in rows.items():
            data = np.asarray(row if kind == "Rhythm" else row[:20]).astype(f"<i{size}").tobytes()
            count = len(data) // size if declared is None else declared
            leads += (f"<LeadData><LeadByteCountTotal>{len(data)}</LeadByteCountTotal>"
                      f"<LeadSampleCountTotal>{count}</LeadSampleCountTotal>"
                      f"<LeadAmplitudeUnitsPerBit>{scale}</LeadAmplitudeUnitsPerBit>"
                      f"<LeadAmplitudeUnits>{unit}</LeadAmplitudeUnits><LeadID>{lead}</LeadID>"
                      f"<LeadSampleSize>{size}</LeadSampleSize><LeadDataCRC32>{zlib.crc32(data)}</LeadDataCRC32>"
                      f"{lead_extra}<WaveFormData>\n{base64.b64encode(data).decode()}\n</WaveFormData></LeadData>")
        waves += (f"<Waveform><WaveformType>{kind}</WaveformType><SampleBase>{base}</SampleBase>"
                  f"<SampleExponent>{exponent}</SampleExponent><HighPassFilter>16</HighPassFilter>"
                  f"<LowPassFilter>150</LowPassFilter><ACFilter>60</ACFilter>{leads}</Waveform>")
    return f"""<?xml version="1.0" encoding="ISO-8859-1"?>\n{doctype}\n<RestingECG>
    <PatientDemographics>{person}</PatientDemographics><TestDemographics><AcquisitionTime>11:18:02</AcquisitionTime>
    <AcquisitionDate>03-25-2016</AcquisitionDate></TestDemographics>{extra}{waves}</RestingECG>""".encode("latin-1")


def sierra(leads, *, version="1.04", compression="XLI", labels=LABELS, resolution="5", duration=None,
           fs=500, data=None, offset="0", encoding="Base64", bits="16", inside="", age="<years>50</years>"):
    """A Philips file; `leads` are whole leads in steps."""
    leads = np.asarray(leads)
    if data is None:
        data = xli(leads, labels.split()) if compression == "XLI" else leads.astype("<i2").tobytes()
    duration = round(leads.shape[1] * 1000 / fs) if duration is None else duration
    return f"""<?xml version="1.0"?><restingecgdata xmlns="http://www3.medical.philips.com">
    <documentinfo><documenttype>PhilipsECG</documenttype><documentversion>{version}</documentversion></documentinfo>
    <dataacquisition date="2020-05-18" time="15:48:11"><signalcharacteristics><samplingrate>{fs}</samplingrate>
    <hipass>0.05</hipass><lowpass>150</lowpass></signalcharacteristics></dataacquisition>
    <patient><generalpatientdata><age>{age}</age><sex>Male</sex></generalpatientdata></patient>{inside}
    <waveforms><parsedwaveforms dataencoding="{encoding}" compression="{compression}" leadlabels="{labels}"
    numberofleads="{len(leads)}" durationperchannel="{duration}" samplespersecond="{fs}" resolution="{resolution}"
    signaloffset="{offset}" bitspersample="{bits}">{base64.b64encode(data).decode()}</parsedwaveforms></waveforms>
    </restingecgdata>""".encode()


def xli(leads, labels):
    """Packed chunks of whole leads: limb residuals, second differences, LZW."""
    rows = {label: row.astype(np.int64) for label, row in zip(labels, leads, strict=True)}
    if all(name in rows for name in TWELVE[:6]):
        one, two, three = rows["I"], rows["II"], rows["III"]
        rows |= {"III": two - one - three, "aVR": -rows["aVR"] - np.floor_divide(one + two, 2),
                 "aVL": np.floor_divide(one - three, 2) - rows["aVL"],
                 "aVF": np.floor_divide(two + three, 2) - rows["aVF"]}
    return b"".join(chunk(rows[label]) for label in labels)


def chunk(samples):
    bends = samples[2:] - 2 * samples[1:-1] + samples[:-2]
    start = -int(bends[0]) if bends.size else 0
    words = np.concatenate([samples[:2], 64 - bends[1:], [64][:bends.size]]).astype(np.int64)
    raw = (words >> 8 & 255).astype(np.uint8).tobytes() + (words & 255).astype(np.uint8).tobytes()
    data = lzw(raw)
    return struct.pack("<ihh", len(data), 1, start) + data


def lzw(raw):
    """Codes of ten bits, high bits first; the table stops growing when it is full."""
    table = {bytes((k,)): k for k in range(256)}
    codes, piece = [], b""
    for byte in raw:
        longer = piece + bytes((byte,))
        if longer in table:
            piece = longer
            continue
        codes.append(table[piece])
        if len(table) < 1023:
            table[longer] = len(table)
        piece = bytes((byte,))
    codes += [table[piece]] if piece else []
    bits = "".join(f"{code:010b}" for code in [*codes, 1023])
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def schiller(rows, *, kinds=("ECG_AVERAGES", "ECG_RHYTHMS"), unit="UV", scale="1.0", fs="500", exponent="1",
             count=None, kind="COMMASEPARATE", extra="", lead_extra="", date="20200304", born="19600305"):
    waves = ""
    for wave in kinds:
        channels = "".join(
            f"<channel>{lead_extra if wave == 'ECG_AVERAGES' else ''}<name>{lead}</name>"
            f"<data>{','.join(map(str, row if 'RHYTHM' in wave else row[:20]))},</data><datastype>{kind}</datastype>"
            f"<samplecount>{count or (len(row) if 'RHYTHM' in wave else 20)}</samplecount></channel>"
            for lead, row in rows.items())
        waves += (f"<wavedata><type>{wave}</type><resolution><samplerate><exponent>{exponent}</exponent>"
                  f"<value>{fs}</value></samplerate><yres><unitperbit>{scale}</unitperbit><units>{unit}</units></yres>"
                  f"</resolution>{channels}</wavedata>")
    return f"""<?xml version="1.0"?><com.xiriuz.sema.xml.schillerEDI.SchillerEDI>
    <patdata><birthdate>{born}</birthdate><gender>FEMALE</gender></patdata>
    <examdescript><startdatetime><date>{date}</date><time>101112500</time></startdatetime></examdescript>
    <eventdata><event>{waves}{extra}</event></eventdata></com.xiriuz.sema.xml.schillerEDI.SchillerEDI>""".encode()


def cardiosoft(rows, *, strips=1, beat=True, unit="uVperLsb", scale="5", fs="500", count=None, extra="", person=None,
               inside="StripData"):
    """A CardioSoft file; the median beat holds the first 20 samples."""
    def wave(tag, cut):
        leads = "".join(f'<WaveformData lead="{lead}">\n\t{",".join(map(str, row[:cut]))}\n</WaveformData>'
                        for lead, row in rows.items())
        held = count or len(next(iter(rows.values()), ())[:cut])
        return (f'<{tag}><NumberOfLeads>{len(rows)}</NumberOfLeads><SampleRate units="Hz">{fs}</SampleRate>'
                f"<ChannelSampleCountTotal>{held}</ChannelSampleCountTotal>"
                f'<Resolution units="{unit}">{scale}</Resolution>{leads}</{tag}>')

    person = person or '<PID>4711</PID><Age units="Years">61</Age><Gender>Female</Gender>'
    median = wave("MedianSamples", 20) if beat else ""
    return f"""<?xml version="1.0" encoding="ISO-8859-1"?><CardiologyXML><ObservationType>RestECG</ObservationType>
    <ObservationDateTime><Hour>10</Hour><Minute>11</Minute><Second>12</Second><Day>4</Day><Month>3</Month>
    <Year>2020</Year></ObservationDateTime><PatientInfo>{person}</PatientInfo>
    <FilterSetting><Filter50Hz>Yes</Filter50Hz><LowPass units="Hz">100</LowPass></FilterSetting>
    <RestingECGMeasurements><VentricularRate units="BPM">69</VentricularRate><PQInterval units="ms">174</PQInterval>
    <QRSDuration units="ms">94</QRSDuration><RAxis units="degrees">-12</RAxis><POnset units="ms">220</POnset>
    {median}</RestingECGMeasurements>{extra}{wave(inside, None) * strips}</CardiologyXML>""".encode("latin-1")


def rows(names, table):
    return dict(zip(names, table, strict=True))


def said(record, word):
    return any(word in note for note in record.provenance.notes)


def value(record, name, lead=None):
    found = [m.value for m in record.device.measurements if (m.name, m.lead) == (name, lead)]
    assert len(found) == 1, (name, lead, found)
    return found[0]
