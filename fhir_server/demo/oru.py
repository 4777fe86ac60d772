"""Pathology reports as laboratories send them, one message per issue.

Source: NAACCR Volume V, ORU^R01 2.5.1: OBR the report, OBX its conclusion and coded findings, SPM the
specimen; OBR-25 and OBX-11 say whether it is preliminary, final or a correction (tables 0123, 0085).
Findings without a LOINC code are sent with the network's own, coding system 99OSTEON.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fhir_server.demo import terms
from fhir_server.demo.cases import Case, Reading, cases, readings
from fhir_server.demo.centres import Centre
from fhir_server.demo.findings import Code, conclusion, findings
from fhir_server.demo.messages import (
    Header,
    V2Message,
    birth_date,
    message,
    name,
    patient_identifiers,
    sex,
    timestamp,
)
from fhir_server.demo.records import DemoPatient, Issue, Tumour
from fhir_server.demo.segments import Field, Repetition, segment
from fhir_server.demo.terms import CODE_SYSTEM

VERSION = "2.5.1"
STATUS = {"preliminary": "P", "final": "F", "corrected": "C"}
SYSTEM_NAMES = {
    terms.LOINC: "LN",
    terms.ICD_O: "ICDO3",
    f"{CODE_SYSTEM}/observation-code": "99OSTEON",
    f"{CODE_SYSTEM}/tumour-grade": "99OSTEON-GRADE",
    f"{CODE_SYSTEM}/grading-system": "99OSTEON-GRADING",
    f"{CODE_SYSTEM}/residual-tumour": "99OSTEON-MARGIN",
}
"""Coding systems as OBX-3.3, 5.3 and 17.3 name them: table 0396 and the names agreed in the network."""


@dataclass(frozen=True, slots=True)
class _Result:
    """An OBX: `name` makes its number within the report; OBX-2, 3, 5, 6 and 17."""

    name: str
    datatype: str
    code: Field
    value: Field
    unit: Field = ""
    method: Field = ""


def pathology_messages(person: DemoPatient, centres: Mapping[str, Centre]) -> Iterator[V2Message]:
    """Every issue of every report on a patient."""
    for tumour in person.tumours:
        for case in cases(person, tumour, centres):
            for reading in readings(case, centres):
                yield from (_message(reading, issue) for issue in reading.report.issues)


def _message(reading: Reading, issue: Issue) -> V2Message:
    centre = reading.centre
    header = Header(
        kind=("ORU", "R01", "ORU_R01"),
        control_id=f"{centre.id}-{reading.report.number}-{STATUS[issue.status]}",
        at=issue.at,
        version=VERSION,
        profile=("VOL_V_50_ORU_R01", "NAACCR_CP"),
    )
    number = (reading.report.number, centre.authority("report").namespace)
    segments = [
        _pid(reading.case, issue),
        segment("ORC", VERSION, {1: "RE", 3: number}),
        _obr(reading, issue, number),
        *_results(reading, issue),
        _spm(reading.case),
    ]
    return message(centre, header, segments)


def _obr(reading: Reading, issue: Issue, number: Field) -> str:
    case, centre = reading.case, reading.centre
    return segment(
        "OBR",
        VERSION,
        {
            1: "1",
            3: number,
            4: ("60568-3", "Pathology synoptic report", "LN"),
            7: timestamp(case.sample.collected, case.home),
            14: timestamp(reading.report.received, centre),
            22: timestamp(issue.at, centre),
            24: "SP",
            25: STATUS[issue.status],
            32: (("", "Fictif-Lecteur", "Camille"),),
        },
    )


def _pid(case: Case, issue: Issue) -> str:
    person = case.person
    return segment(
        "PID",
        VERSION,
        {
            1: "1",
            3: patient_identifiers(person, case.home),
            5: name(person),
            7: birth_date(person, issue.at),
            8: sex(person),
            32: "VALI" if person.identity.ins else "PROV",
        },
    )


def _results(reading: Reading, issue: Issue) -> Iterator[str]:
    """What the report says of its tumour and itself, then its findings, each under a number of its own."""
    for ordinal, row in enumerate((*_context(reading, issue), *_findings(reading, issue)), 1):
        yield segment(
            "OBX",
            VERSION,
            {
                1: str(ordinal),
                2: row.datatype,
                3: row.code,
                5: row.value,
                6: row.unit,
                11: STATUS[issue.status],
                14: timestamp(reading.report.received, reading.centre),
                17: row.method,
                21: (f"{reading.report.number}-{row.name}",),
            },
        )


def _context(reading: Reading, issue: Issue) -> Iterator[_Result]:
    tumour, report = reading.case.tumour, reading.report
    text = conclusion(report, tumour, issue)
    yield _Result("conclusion", "TX", ("22637-3", "Pathology final diagnosis", "LN"), text)
    yield _Result("tumour", "ST", _own("tumour-identifier"), tumour.identifier)
    yield _Result("tumour-number", "NM", _own("tumour-number"), str(tumour.number))
    yield _Result("role", "CWE", _own("reading-role"), (report.role, "", "99OSTEON-READING"))
    yield _Result("diagnosed", "DT", _own("diagnosis-date"), f"{tumour.diagnosed:%Y%m%d}")
    yield _Result("site", "CWE", _own("topography"), _topography(tumour))
    if tumour.laterality:
        yield _Result("side", "CWE", _own("laterality"), _side(tumour))


def _findings(reading: Reading, issue: Issue) -> Iterator[_Result]:
    for finding in findings(reading.report, issue):
        value = finding.value
        if isinstance(value, Code):
            method = _coded(finding.method) if finding.method else ""
            yield _Result(finding.name, "CWE", _coded(finding.code), _coded(value), method=method)
        else:
            unit = (value.unit, "", "UCUM")
            yield _Result(finding.name, "NM", _coded(finding.code), str(value.value), unit)


def _coded(code: Code) -> Repetition:
    edition = terms.ICD_O_EDITION if code.system == terms.ICD_O else ""
    system = SYSTEM_NAMES[code.system]
    return (code.code, code.display, system, "", "", "", edition, "", code.text)


def _own(code: str) -> Repetition:
    return (code, "", "99OSTEON")


def _topography(tumour: Tumour) -> Field:
    site = tumour.site
    return _coded(Code(terms.ICD_O, site.topography, site.topography_label, site.french))


def _side(tumour: Tumour) -> Field:
    return (tumour.laterality or "", "", "99OSTEON-SIDE")


def _spm(case: Case) -> str:
    """SPM: the specimen under the number of the laboratory that first received it."""
    number = (case.sample.number, case.laboratory.authority("specimen").namespace)
    return segment(
        "SPM",
        VERSION,
        {
            1: "1",
            2: ("", number),
            4: ("TUMOR", "Tumor", "HL70487"),
            7: (case.sample.procedure, "", "99OSTEON-COLLECTION"),
            8: _topography(case.tumour),
            9: _side(case.tumour) if case.tumour.laterality else "",
            17: timestamp(case.sample.collected, case.home),
            18: timestamp(case.sample.reports[0].received, case.laboratory),
        },
    )
