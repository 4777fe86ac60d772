"""NAACCR Volume V beyond the synoptic part: sections as text, histology as text and code, addenda."""

import pytest

from ingest.hl7v2 import Message
from ingest.mapping import MappingResult, map_message
from tests.ingest.mapping.conftest import only, resources

HEADER = (
    "MSH|^~\\&|SGL-P02|CENTRE-P02|OSTEON|RESEAU|20240402101500||ORU^R01^ORU_R01|ORU-0009|P|2.5.1|||||FRA|"
    "UNICODE UTF-8|||VOL_V_51_ORU_R01^NAACCR_CP^2.16.840.1.113883.9.8^ISO"
)
PATIENT = "PID|1||100001^^^IPP-C01^PI||DUBOIS-FICTIF^Camille^^^^^L||19900412|F"
SECTIONS = {
    "22636-5": "Douleur du genou.",
    "22633-2": "Femur distal gauche.",
    "22634-0": "Piece de 12 cm.",
    "22635-7": "Proliferation osteoide.",
    "22637-3": "Osteosarcome de haut grade.",
    "22638-1": "Relu.",
    "22639-9": "Aucun.",
}
"""The sections of a narrative report, each an OBX of type TX."""

NARRATIVE = (
    "ORC|RE||24X00099^ACP-P02",
    "OBR|1||24X00099^ACP-P02|11529-5^SURGICAL PATH REPORT^LN|||20240328|||||||||||||||20240402100000|||F",
    *(
        f"OBX|{n}|TX|{code}^Section^LN||{text}||||||F"
        for n, (code, text) in enumerate(SECTIONS.items())
    ),
    "OBX|8|CWE|31206-6^Histology^LN||9180/3^Osteosarcoma^ICDO3^^^^3.2||||||F",
    "SPM|1|^24X00099-A&PREL-P02||TISS^Tissue^HL70487|||BIO^Biopsy^HL70488|C40.2^Femur^ICDO3|||||||||20240328",
)


def mapped(*segments: str) -> MappingResult:
    raw = "\r".join((HEADER, PATIENT, *segments))
    return map_message(Message.parse(raw.encode()))


def addendum(status: str, issued: str = "20240405100000", code: str = "35265-8") -> tuple[str, ...]:
    return (
        "ORC|RE||24X00099^ACP-P02",
        f"OBR|2||24X00099^ACP-P02|{code}^Addendum^LN|||20240328|||||||||||||||{issued}|||{status}",
        "OBX|1|TX|35265-8^Addendum^LN||Complement.||||||F",
    )


def test_narrative__each_section_is_an_observation_of_the_report() -> None:
    result = mapped(*NARRATIVE)
    assert result.held == ()
    told = {
        one["code"]["coding"][0]["code"]: one["valueString"]
        for one in resources(result, "Observation")
        if "valueString" in one
    }
    assert told == SECTIONS
    report = only(result, "DiagnosticReport")
    assert report["conclusion"] == SECTIONS["22637-3"]
    assert report["conclusionCode"][0]["coding"][0]["code"] == "9180/3"
    assert len(report["result"]) == len(SECTIONS) + 1


@pytest.mark.parametrize("code", ["35265-8", "60569-1"])
@pytest.mark.parametrize("status", ["F", "C"])
def test_addendum__appends_to_the_report_and_dates_it(code: str, status: str) -> None:
    result = mapped(*NARRATIVE, *addendum(status, code=code))
    report = only(result, "DiagnosticReport")
    assert report["status"] == "appended"
    assert report["issued"] == "2024-04-05T10:00:00+02:00"
    assert report["code"]["coding"][0]["code"] == "11529-5"
    assert len(report["result"]) == len(SECTIONS) + 2


@pytest.mark.parametrize(
    ("status", "issued"), [("P", "20240405100000"), ("F", "20240401100000"), ("F", "20240405")]
)
def test_addendum__changes_nothing_before_it_stands(status: str, issued: str) -> None:
    report = only(mapped(*NARRATIVE, *addendum(status, issued)), "DiagnosticReport")
    assert report["status"] == ("final" if status == "P" else "appended")
    assert report["issued"] == "2024-04-02T10:00:00+02:00"


def test_report__without_an_addendum_stays_final() -> None:
    assert only(mapped(*NARRATIVE), "DiagnosticReport")["status"] == "final"
