"""Every event that the network's centres send, with what it becomes."""

import base64
from itertools import permutations
from typing import Any

import pytest

from ingest.hl7v2 import Message
from ingest.mapping import default_library, map_message
from tests.ingest.mapping.conformity import validator
from tests.ingest.mapping.conftest import read_message
from tests.ingest.mapping.feed import message, movement, patient, stay
from tests.ingest.mapping.memory_store import MemoryStore
from tests.ingest.mapping.test_families import (
    BY_SPECIMEN,
    LAB,
    MOLECULAR,
    OLD_ORDER,
    ORDER,
    ORDER_BY_SPECIMEN,
)
from tests.ingest.mapping.test_reconcile import load

STAYS = {
    "A01": "in-progress", "A02": "in-progress", "A03": "finished", "A04": "in-progress", "A05": "planned",
    "A06": "in-progress", "A07": "in-progress", "A08": "in-progress", "A11": "cancelled",
    "A12": "in-progress", "A13": "in-progress", "Z99": "in-progress",
}  # fmt: skip
"""State of the stay after the event."""

CLASSES = {"A04": "O", "A05": "P", "A07": "O"}
PDF = base64.b64encode(b"%PDF-1.4 invented").decode()


def stay_event(event: str) -> Message:
    """An event of a stay as PAM.fr sends it, with its movement."""
    action = "CANCEL" if event in {"A11", "A12", "A13"} else "INSERT"
    discharged = "20240320120000" if event == "A03" else ""
    return message(
        f"ADT^{event}^ADT_A01",
        "EVN||20240310101500",
        patient(),
        stay(patient_class=CLASSES.get(event, "I"), discharged=discharged),
        movement("M1", "20240310100000", "UPDATE" if event == "Z99" else action, "A01"),
    )


def document_event(event: str, time: str = "20240405120000", *, content: bool = True) -> Message:
    """An MDM, with the document or without."""
    replaced = "RCP-0^DPI-C01" if event in {"T04", "T10"} else ""
    segments = [
        "EVN||20240405120000",
        patient(),
        stay(),
        f"TXA|1|34794-8^FRCP^LN||20240404||20240405110000||||||RCP-1^DPI-C01|{replaced}||||AU||AV",
        f"OBX|1|ED|34794-8^FRCP^LN||DPI^application^pdf^Base64^{PDF}||||||F",
    ]
    kept = segments if content else segments[:-1]
    return message(f"MDM^{event}^MDM_T0{1 + content}", *kept, time=time)


def meeting_event(event: str, start: str = "20240410140000+0200", time: str = "1") -> Message:
    """A meeting of a tumour board."""
    return message(
        f"SIU^{event}^SIU_S12",
        f"SCH|P-1^DPI-C01|F-1^AGENDA-C01|||||^Dossier|RCP^Réunion^L|60|MIN|^^^{start}",
        patient(),
        "RGS|1",
        time=f"2024040{time}080000",
    )


def told(sent: Message) -> dict[str, list[dict[str, Any]]]:
    """What a message becomes on an empty store, by type; all of it conforms."""
    result = map_message(sent, stored=MemoryStore())
    assert result.bundle is not None, result.held
    by_type: dict[str, list[dict[str, Any]]] = {}
    for entry in result.bundle["entry"]:
        resource = entry["resource"]
        by_type.setdefault(resource["resourceType"], []).append(resource)
        issues = validator().validate(resource)
        assert [i.text() for i in issues if i.severity in {"error", "fatal"}] == []
    return by_type


@pytest.mark.parametrize("event", STAYS)
def test_stay__of_each_event_has_its_state_and_movement(event: str) -> None:
    found = told(stay_event(event))
    of_stay, of_movement = found["Encounter"]
    assert of_stay["status"] == STAYS[event]
    assert of_movement["partOf"]
    assert found["Patient"]


@pytest.mark.parametrize("event", ["A28", "A31"])
def test_identity__of_each_event_is_a_patient_without_a_stay(event: str) -> None:
    found = told(message(f"ADT^{event}^ADT_A05", patient(), "PV1|1|N"))
    assert sorted(found) == ["Patient", "Provenance"]


@pytest.mark.parametrize(("event", "structure"), [("A40", "ADT_A39"), ("A47", "ADT_A30")])
def test_merge__of_each_event_names_the_retired_number(event: str, structure: str) -> None:
    (found,) = told(
        message(f"ADT^{event}^{structure}", patient(), "MRG|100002^^^IPP-C01^PI"),
    )["Patient"]
    assert [one["use"] for one in found["identifier"]] == ["usual", "old"]


@pytest.mark.parametrize(
    ("sent", "types"),
    [
        (read_message("oru_r01_narrative"), {"DiagnosticReport", "Condition", "Specimen"}),
        (read_message("oru_r01_synoptic"), {"DiagnosticReport", "Condition", "Observation"}),
        (LAB, {"DiagnosticReport", "Observation", "Specimen"}),
        (MOLECULAR, {"DiagnosticReport", "Observation"}),
        (ORDER, {"ServiceRequest", "Specimen"}),
        (ORDER_BY_SPECIMEN, {"ServiceRequest", "Specimen"}),
        (OLD_ORDER, {"ServiceRequest"}),
        (BY_SPECIMEN, {"DiagnosticReport", "Observation", "Specimen"}),
    ],
    ids=["narrative", "synoptic", "laboratory", "molecular", "O21", "O33", "O01", "R22"],
)
def test_result_or_order__becomes_its_resources(sent: Message, types: set[str]) -> None:
    assert types <= set(told(sent))


@pytest.mark.parametrize("event", ["T01", "T02", "T04", "T10"])
def test_document__of_each_event_is_there_with_its_content(event: str) -> None:
    found = told(document_event(event))
    current = [one for one in found["DocumentReference"] if one["status"] == "current"]
    assert [one["masterIdentifier"]["value"] for one in current] == ["RCP-1"]
    assert base64.b64decode(found["Binary"][0]["data"]) == b"%PDF-1.4 invented"
    assert bool(current[0].get("relatesTo")) == (event in {"T04", "T10"})


def test_document__announced_without_content_waits_for_it() -> None:
    (announced,) = told(document_event("T01", content=False))["DocumentReference"]
    assert announced["content"] == [{"attachment": {"title": "not received"}}]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_document__has_its_content_whatever_is_told_without_it(order: tuple[int, ...]) -> None:
    messages = [
        document_event("T01", "20240405100000", content=False),
        document_event("T02", "20240405120000"),
        document_event("T03", "20240405140000", content=False),
    ]
    store = load([messages[i] for i in order])
    (found,) = store.of_type("DocumentReference")
    (binary,) = store.of_type("Binary")
    assert found["content"][0]["attachment"]["url"] == f"Binary/{binary['id']}"


@pytest.mark.parametrize(
    ("event", "status"),
    [("S12", "booked"), ("S13", "booked"), ("S14", "booked"), ("S15", "cancelled")],
)
def test_meeting__of_each_event_has_its_status(event: str, status: str) -> None:
    (appointment,) = told(meeting_event(event))["Appointment"]
    assert appointment["status"] == status


def test_meeting__rescheduled_has_its_new_time_in_any_order() -> None:
    booked, moved = meeting_event("S12"), meeting_event("S13", "20240417140000+0200", "2")
    for messages in ([booked, moved], [moved, booked]):
        (appointment,) = load(messages).of_type("Appointment")
        assert appointment["start"] == "2024-04-17T14:00:00+02:00"


@pytest.mark.parametrize(
    ("segment", "reason"),
    [
        (
            "ZBE|M1^DPI-C01|20240310100000||INSERT|N||ORTHO^^^^^CENTRE-C01^UF^^^4021|||HMS",
            "mapped or kept",
        ),
        ("ZFA|ACTIF|20240101||||||INO", "kept"),
        ("ZFD||||N|INSI|20240301|CN|20300101", "mapped or kept"),
        ("ZFM|8|9|1|2", "mapped"),
        ("ZFP|3|34", "mapped"),
        ("ZFV|990000001^20240310|AMB^Ambulance^L", "mapped or kept"),
        ("ZFS|1|SPSC^Soins libres", "rejected"),
    ],
    ids=lambda text: text[:3] if text.startswith("Z") else text,
)
def test_french_segment__has_a_fate_that_its_map_gives(segment: str, reason: str) -> None:
    result = map_message(message("ADT^A01^ADT_A01", patient(), stay(), segment))
    kinds = {one.kind for one in result.fates if one.path.startswith(segment[:3])}
    assert kinds <= set(reason.split(" or "))
    assert result.bundle is not None, result.held
    assert not [one for one in result.fates if one.reason == "no map reads this segment"]


def test_library__reads_each_event_of_pam_fr() -> None:
    others = [
        "A14",
        "A15",
        "A16",
        "A21",
        "A22",
        "A25",
        "A26",
        "A27",
        "A38",
        "A52",
        "A53",
        "A54",
        "A55",
    ]
    for event in (*STAYS, *others, "A28", "A31", "A40", "A47"):
        assert default_library().of_type("ADT", event, "C01") is not None, event
