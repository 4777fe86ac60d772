"""Orders, documents, appointments, laboratory and molecular reports; what is only answered or refused."""

import base64
from itertools import permutations
from typing import Any

import pytest

from ingest.hl7v2 import Hl7SyntaxError, Message
from ingest.hl7v2.ack import Outcome, acknowledge, read_header
from ingest.mapping import MappingResult, map_message
from tests.ingest.mapping.conformity import validator
from tests.ingest.mapping.conftest import only, resources
from tests.ingest.mapping.feed import message, movement, patient, stay
from tests.ingest.mapping.memory_store import MemoryStore
from tests.ingest.mapping.test_reconcile import load

PDF = base64.b64encode(b"%PDF-1.4 invented").decode()
LAB = message(
    "ORU^R01^ORU_R01",
    patient(),
    "ORC|RE|D77^DPI-C01|L1^LABO-C01||CM",
    "OBR|1|D77^DPI-C01|L1^LABO-C01|58410-2^CBC^LN|||20240312080000|||||||||||||||20240312100000||HM|F",
    "OBX|1|NM|718-7^Hemoglobin^LN||13.2|g/dL^g/dL^UCUM|12-16|N|||F|||20240312080000",
    "OBX|2|SN|26515-7^Platelets^LN||<^20|10*9/L^^UCUM||L|||P",
    "OBX|3|SN|33747-0^Other^LN||<>^10|mm|||||F",
    "NTE|1||Hémolyse.||10000000001^EXEMPLE^Lab|20240312090000",
    "SPM|1|^S1&LABO-C01||BLD^Blood^HL70487|||||||||||||20240312080000",
)
MOLECULAR = message(
    "ORU^R01^ORU_R01",
    patient(),
    "OBR|1||M1^LABO-P01|51969-4^Genetic analysis report^LN|||20240401|||||||||||||||20240402100000||GE|F",
    "OBX|1|CWE|48018-6^Gene studied^LN||HGNC:3508^EWSR1^HGNC||||||F",
    sender="P01",
)
ORDER = message(
    "OML^O21^OML_O21",
    patient(),
    "ORC|NW|D78^DPI-C01||||||||||10000000001^EXEMPLE^Dominique",
    f"OBR|1|D78^DPI-C01||11529-5^Surgical pathology study^LN{'|' * 9}suspicion d'ostéosarcome"
    f"{'|' * 18}^Douleur du genou",
    "NTE|1||Urgent.",
    "SPM|1|S9&DPI-C01^||BON^Os^HL70487",
)
ORDER_BY_SPECIMEN = message(
    "OML^O33^OML_O33",
    patient(),
    "SPM|1|S9&DPI-C01^||BON^Os^HL70487",
    "ORC|NW|D80^DPI-C01",
    "OBR|1|D80^DPI-C01||11529-5^Surgical pathology study^LN",
    "ORC|NW|D81^DPI-C01",
    "OBR|2|D81^DPI-C01||51969-4^Genetic analysis report^LN",
)
OLD_ORDER = message(
    "ORM^O01^ORM_O01",
    patient(),
    "ORC|CA|D78^DPI-C01",
    "OBR|1|D78^DPI-C01||11529-5^Surgical pathology study^LN",
    time="20240501080000",
)
BY_SPECIMEN = message(
    "OUL^R22^OUL_R22",
    patient(),
    "SPM|1|^S1&LABO-C01||BLD^Blood^HL70487",
    "OBR|1||L2^LABO-C01|58410-2^CBC^LN|||20240312|||||||||||||||20240312100000||HM|F",
    "OBX|1|NM|718-7^Hemoglobin^LN||13.2|g/dL^g/dL^UCUM|||||F",
)
SHEET = message(
    "MDM^T02^MDM_T02",
    "EVN||20240405120000",
    patient(),
    stay(),
    "TXA|1|34794-8^FRCP^LN||20240404||20240405110000||||||RCP-1^DPI-C01|||||AU||AV",
    f"OBX|1|ED|34794-8^FRCP^LN||DPI^application^pdf^Base64^{PDF}||||||F",
    "OBX|2|CE|MASQUE_PS^Masqué aux PS^MetaDMPMSS||Y^^expandedYes-NoIndicator||||||F",
)
NEW_SHEET = message(
    "MDM^T10^MDM_T02",
    "EVN||20240406120000",
    patient(),
    stay(),
    "TXA|1|34794-8^FRCP^LN||20240404||20240406110000||||||RCP-2^DPI-C01|RCP-1^DPI-C01||||AU||AV",
    f"OBX|1|ED|34794-8^FRCP^LN||DPI^TEXT^XML^Base64^{base64.b64encode(b'<ClinicalDocument/>').decode()}||||||F",
    time="20240406120000",
)
OPERATION = message(
    "MDM^T02^MDM_T02",
    "EVN||20240405120000",
    patient(),
    stay(),
    "TXA|1|11504-8^Operative note^LN||20240404||20240405110000||||||CRO-1^DPI-C01|||||AU||AV",
    "OBX|1|TX|11504-8^Operative note^LN||Première ligne.||||||F",
    "OBX|2|TX|11504-8^Operative note^LN||Seconde ligne.||||||F",
)
MEETING = message(
    "SIU^S12^SIU_S12",
    "SCH|P-1^DPI-C01|F-1^AGENDA-C01|||||^Discussion du dossier|RCP^Réunion de concertation^L|60|MIN|"
    "^^^20240410140000+0200",
    patient(),
    stay(),
    "RGS|1",
    "AIS|1||RCP-OS^RCP Os^L",
    "AIP|1||10000000001^EXEMPLE^Dominique|ORTHO^Orthopédiste^L",
    "AIL|1||SALLE-3^^^CENTRE-C01",
)
CANCELLED_MEETING = message(
    "SIU^S15^SIU_S12",
    "SCH|P-1^DPI-C01|F-1^AGENDA-C01|||||^Discussion du dossier|RCP^Réunion de concertation^L|60|MIN|"
    "^^^20240410140000+0200",
    patient(),
    "RGS|1",
    time="20240409080000",
)
ADMISSION = message(
    "ADT^A01^ADT_A01",
    patient(),
    "PD1|||CENTRE-C01^^C01|10000000002^TRAITANT^Marie",
    "NK1|1|DUBOIS-FICTIF^Paul|SPO^Conjoint^HL70063||^PRN^PH^^33^1^23456780",
    stay(),
    "PV2|||^Tumeur osseuse",
    movement("M1", "20240310100000"),
    "AL1|1|DA^Médicament^HL70127|N02BE01^Paracétamol^ATC|SV|Éruption",
    "DG1|1||M89.9^Lésion osseuse^CIM10|||A",
    "PR1|1||NZFA001^Biopsie^CCAM||20240311",
)
FAMILY = {
    "laboratory": LAB, "molecular": MOLECULAR, "order": ORDER, "order by specimen": ORDER_BY_SPECIMEN,
    "old order": OLD_ORDER, "results by specimen": BY_SPECIMEN, "sheet": SHEET, "new sheet": NEW_SHEET,
    "operation": OPERATION, "meeting": MEETING, "cancelled meeting": CANCELLED_MEETING,
    "admission": ADMISSION,
}  # fmt: skip


@pytest.mark.parametrize("name", FAMILY)
def test_resources__conform(name: str) -> None:
    result = map_message(FAMILY[name], stored=MemoryStore())
    assert result.bundle is not None, result.held
    faults = [
        (entry["resource"]["resourceType"], issue.id, issue.expression, issue.text())
        for entry in result.bundle["entry"]
        for issue in validator().validate(entry["resource"])
        if issue.severity in {"error", "fatal"}
    ]
    assert faults == []


def test_laboratory__gives_a_report_without_a_tumour() -> None:
    result = map_message(LAB)
    report = only(result, "DiagnosticReport")
    assert report["code"]["coding"][0]["code"] == "58410-2"
    assert "extension" not in report
    assert not resources(result, "Condition")
    assert len(report["result"]) == 3
    assert only(result, "ServiceRequest")["status"] == "completed"


def test_laboratory__values_keep_comparator_unit_and_comment() -> None:
    haemoglobin, platelets, other = resources(map_message(LAB), "Observation")
    assert haemoglobin["valueQuantity"]["code"] == "g/dL"
    assert haemoglobin["interpretation"][0]["coding"][0]["code"] == "N"
    assert (platelets["valueQuantity"]["comparator"], platelets["status"]) == ("<", "preliminary")
    assert other["valueString"] == "<> 10 mm"
    assert other["note"][0]["text"] == "Hémolyse."


def test_molecular__gives_a_report_of_its_own_kind() -> None:
    result = map_message(MOLECULAR)
    assert only(result, "DiagnosticReport")["code"]["coding"][0]["code"] == "51969-4"
    (finding,) = resources(result, "Observation")
    assert (
        finding["valueCodeableConcept"]["coding"][0]["system"] == "http://www.genenames.org/geneId"
    )


def test_order__asks_for_the_study_and_names_its_specimen() -> None:
    request = only(map_message(ORDER), "ServiceRequest")
    assert (request["status"], request["intent"]) == ("active", "order")
    assert {one["text"] for one in request["note"]} == {"Urgent.", "suspicion d'ostéosarcome"}
    assert len(request["specimen"]) == 1


def test_orders__of_one_specimen_share_it() -> None:
    first, second = resources(map_message(ORDER_BY_SPECIMEN), "ServiceRequest")
    assert first["specimen"] == second["specimen"]


def test_order__cancelled_by_orm_is_revoked_in_any_order() -> None:
    for messages in ([ORDER, OLD_ORDER], [OLD_ORDER, ORDER]):
        (request,) = load(messages).of_type("ServiceRequest")
        assert request["status"] == "revoked"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_order__cancelled_stays_revoked_though_an_older_change_comes_late(
    order: tuple[int, ...],
) -> None:
    asked = {"time": "20240401080000"}, {"time": "20240402080000"}, {"time": "20240403080000"}
    messages = [
        message(
            "OML^O21^OML_O21",
            patient(),
            f"ORC|{control}|D79^DPI-C01",
            "OBR|1|D79^DPI-C01||11529-5^Surgical pathology study^LN",
            **time,
        )
        for control, time in zip(("NW", "XO", "CA"), asked, strict=True)
    ]
    (request,) = load([messages[i] for i in order]).of_type("ServiceRequest")
    assert request["status"] == "revoked"


def test_results__by_specimen_name_it() -> None:
    result = map_message(BY_SPECIMEN)
    (observation,) = resources(result, "Observation")
    assert "specimen" in observation
    assert only(result, "DiagnosticReport")["result"]


def content(result: MappingResult) -> bytes:
    documents = resources(result, "DocumentReference")
    document: dict[str, Any] = next(d for d in documents if d["status"] == "current")
    attachment = document["content"][0]["attachment"]
    binaries = {f"Binary/{one['id']}": one for one in resources(result, "Binary")}
    return base64.b64decode(binaries.get(attachment.get("url"), attachment)["data"])


def test_document__is_byte_for_byte_what_was_sent() -> None:
    assert content(map_message(SHEET)) == b"%PDF-1.4 invented"
    assert content(map_message(OPERATION)) == "Première ligne.\nSeconde ligne.".encode()


def test_document__says_from_whom_it_is_hidden() -> None:
    (document,) = resources(map_message(SHEET), "DocumentReference")
    assert document["securityLabel"][0]["coding"][0]["code"] == "MASQUE_PS"
    assert document["content"][0]["attachment"]["contentType"] == "application/pdf"


@pytest.mark.parametrize(
    "messages", [[SHEET, NEW_SHEET], [NEW_SHEET, SHEET]], ids=["in order", "reversed"]
)
def test_document__replaced_is_superseded_in_any_order(messages: list[Message]) -> None:
    store = load(messages)
    states = {one["masterIdentifier"]["value"]: one for one in store.of_type("DocumentReference")}
    assert {number: one["status"] for number, one in states.items()} == {
        "RCP-1": "superseded",
        "RCP-2": "current",
    }
    url = states["RCP-1"]["content"][0]["attachment"]["url"]
    (binary,) = [one for one in store.of_type("Binary") if url == f"Binary/{one['id']}"]
    assert base64.b64decode(binary["data"]) == b"%PDF-1.4 invented"


def test_meeting__is_an_appointment_with_patient_doctor_and_place() -> None:
    appointment = only(map_message(MEETING), "Appointment")
    assert appointment["status"] == "booked"
    assert (appointment["start"], appointment["end"]) == (
        "2024-04-10T14:00:00+02:00",
        "2024-04-10T15:00:00+02:00",
    )
    assert [
        ("reference" in one["actor"], one["actor"].get("display"))
        for one in appointment["participant"]
    ] == [
        (True, None),
        (False, "Dominique EXEMPLE"),
        (False, "CENTRE-C01 / SALLE-3"),
    ]


@pytest.mark.parametrize(
    "messages",
    [[MEETING, CANCELLED_MEETING], [CANCELLED_MEETING, MEETING]],
    ids=["in order", "reversed"],
)
def test_meeting__cancelled_stays_cancelled_in_any_order(messages: list[Message]) -> None:
    (appointment,) = load(messages).of_type("Appointment")
    assert appointment["status"] == "cancelled"


def test_admission__brings_contact_doctor_allergy_diagnosis_and_procedure() -> None:
    result = map_message(ADMISSION)
    found = only(result, "Patient")
    assert found["contact"][0]["name"]["family"] == "DUBOIS-FICTIF"
    assert len(found["generalPractitioner"]) == 2
    assert only(result, "AllergyIntolerance")["criticality"] == "high"
    assert only(result, "Condition")["category"][0]["coding"][0]["code"] == "encounter-diagnosis"
    assert only(result, "Procedure")["performedDateTime"] == "2024-03-11"


def test_acknowledgement__asks_for_nothing_and_is_not_answered() -> None:
    answer = message("ACK^A01^ACK", "MSA|AA|1")
    result = map_message(answer)
    assert (result.bundle, result.held, result.resources) == (None, (), ())
    assert acknowledge(read_header(answer.raw), Outcome.ACCEPT, control_id="X") is None


@pytest.mark.parametrize(
    "content",
    [
        b"H|~^\\&|1|mdp|LABO|||ORU|||CENTRE||P|H2.2|20240310\rP|1|1001\rL|1",
        b"1001\r\nDUBOIS-FICTIF\r\nCamille\r\n\r\n12041990\r\nTexte du compte rendu\r\n****FIN****\r\n",
        b'<?xml version="1.0"?><evenementsServeurActes xmlns="http://www.hprim.org/hprimXML"/>',
    ],
    ids=["Santé", "Médecin", "XML"],
)
def test_hprim__is_refused_by_its_name(content: bytes) -> None:
    with pytest.raises(Hl7SyntaxError) as refusal:
        Message.parse(content)
    assert refusal.value.fault.id == "hl7v2-hprim"
    assert "HPRIM" in refusal.value.fault.issue().text("fr")
