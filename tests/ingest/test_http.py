from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import error
from fhir_server.store.database import Database
from ingest.http import routes
from ingest.mapping import MappingResult
from tests.ingest.mllp_client import adt
from tests.ingest.worker.conftest import journal, patient_bundle, work_off_all, worker_of


@pytest.fixture
def client(server: FhirServer) -> TestClient:
    return TestClient(Starlette(routes=routes(server)))


@pytest.fixture
def filled(server: FhirServer, database: Database) -> list[int]:
    """Two stored messages, one held, one rejected, one that waits."""
    reason = error("v2-sender-unknown", "security", application="LAB", facility="CHU")

    def mapping(message: Any) -> MappingResult:
        if message.control_id == "3":
            return MappingResult(None, None, held=(reason,))
        return MappingResult("C02", patient_bundle(message))

    ids = journal(database, adt("1"), adt("2", event="ADT^A31"), adt("3"), b"no message")
    work_off_all(database, worker_of(server, mapping))
    return ids + journal(database, adt("5", application="DPI-C01"))


def listed(client: TestClient, url: str) -> list[int]:
    answer = client.get(url)
    assert answer.status_code == 200, answer.text
    return [message["id"] for message in answer.json()["messages"]]


def test_messages__lists_newest_first_with_state_and_reason(
    client: TestClient, filled: list[int]
) -> None:
    messages = client.get("/ingest/messages").json()["messages"]
    assert [message["id"] for message in messages] == filled[::-1]
    states = ["received", "rejected", "held", "stored", "stored"]
    assert [message["state"] for message in messages] == states
    held = messages[2]
    assert held["issues"][0]["id"] == "v2-sender-unknown"
    assert "LAB" in held["issues"][0]["text"]
    assert (held["type"], held["control_id"], held["ack_code"]) == ("ADT^A01", "3", "AA")
    assert messages[1]["ack_code"] == "AE"
    assert messages[3]["resources"][0].startswith("Patient/")


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("state=held", [2]),
        ("state=held,rejected", [3, 2]),
        ("state=stored&state=received", [4, 1, 0]),
        ("centre=C02", [1, 0]),
        ("type=ADT^A31", [1]),
        ("type=ADT_A31", [1]),
        ("reason=v2-sender-unknown", [2]),
        ("state=ignored", []),
    ],
)
def test_messages__filters(
    client: TestClient, filled: list[int], query: str, places: list[int]
) -> None:
    assert listed(client, f"/ingest/messages?{query}") == [filled[place] for place in places]


def test_messages__pages_by_key_and_tells_the_next(client: TestClient, filled: list[int]) -> None:
    url = "/ingest/messages?count=2"
    pages = []
    while url:
        answer = client.get(url).json()
        pages.append([message["id"] for message in answer["messages"]])
        url = next((link["url"] for link in answer["links"] if link["relation"] == "next"), "")
    assert pages == [filled[:2:-1], filled[2:0:-1], filled[:1]]


def test_messages__tell_no_patient_data(client: TestClient, filled: list[int]) -> None:
    text = client.get("/ingest/messages").text
    assert "ESSAI" not in text
    assert "P1" not in text


@pytest.mark.parametrize(
    "query",
    [
        *(
            "state=lost",
            "count=0",
            "count=x",
            "count=9999",
            "count=²",
            "count=000000001" + "9" * 30,
        ),
        *("before=x", "before=²", "centre=%00", "type=%00", "reason=%00", "patient=P1"),
    ],
)
def test_messages__bad_parameter_is_a_400_that_names_it(client: TestClient, query: str) -> None:
    answer = client.get(f"/ingest/messages?{query}", headers={"Accept-Language": "fr-FR, en"})
    assert answer.status_code == 400
    issue = answer.json()["issue"][0]
    assert query.partition("=")[0] in issue["details"]["text"]
    assert "paramètre" in issue["details"]["text"] or "valeur" in issue["details"]["text"]


def test_message__one_by_id(client: TestClient, filled: list[int]) -> None:
    answer = client.get(f"/ingest/messages/{filled[0]}")
    assert answer.status_code == 200
    assert answer.json()["state"] == "stored"
    assert answer.json()["size"] == len(adt("1"))


@pytest.mark.parametrize("name", ["999999", "0", "x", "9" * 30, "²"])
def test_message__unknown_is_404(client: TestClient, filled: list[int], name: str) -> None:
    answer = client.get(f"/ingest/messages/{name}")
    assert answer.status_code == 404
    assert answer.json()["resourceType"] == "OperationOutcome"
