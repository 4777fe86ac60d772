from hashlib import sha256
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fhir_server.http.app import create_app
from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import error
from fhir_server.store.database import Database
from ingest.http import routes
from ingest.journal.record import STATES
from ingest.mapping import MappingResult
from tests.ingest.journal_rows import queued
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


@pytest.mark.parametrize("path", ["/ingest/stats", "/ingest/worklist"])
def test_numbers_and_worklist__take_no_parameters(client: TestClient, path: str) -> None:
    answer = client.get(path, params={"centre": "C01"}, headers={"Accept-Language": "fr"})
    assert answer.status_code == 400
    (issue,) = answer.json()["issue"]
    assert "centre" in issue["details"]["text"]


@pytest.mark.parametrize("path", ["/ingest/stats", "/ingest/messages", "/ingest/worklist"])
def test_routes__tell_which_methods_they_take(server: FhirServer, path: str) -> None:
    answer = TestClient(create_app(server, reindexes=False), "http://127.0.0.1").put(path)
    assert (answer.status_code, answer.json()["resourceType"]) == (405, "OperationOutcome")
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/ingest", "/ingest/message", "/ingest/messages/1/replays"])
def test_routes__that_are_none_are_told_by_an_outcome(server: FhirServer, path: str) -> None:
    client = TestClient(create_app(server, reindexes=False), "http://127.0.0.1")
    answer = client.get(path, headers={"Accept-Language": "fr"})
    assert (answer.status_code, answer.json()["resourceType"]) == (404, "OperationOutcome")
    assert "rien à ce chemin" in answer.json()["issue"][0]["details"]["text"]


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


def test_message__one_by_id_with_all_that_is_known_of_its_reception(
    client: TestClient, filled: list[int]
) -> None:
    answer = client.get(f"/ingest/messages/{filled[0]}")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["state"], told["centre"]) == ("stored", "C02")
    assert (told["application"], told["facility"]) == ("LAB", "CHU")
    assert (told["size"], told["sha256"]) == (len(adt("1")), sha256(adt("1")).hexdigest())
    assert told["connection"]
    assert told["received"] <= told["processed"]
    assert answer.json()["size"] == len(adt("1"))


@pytest.mark.parametrize("name", ["999999", "0", "x", "9" * 30, "²"])
def test_message__unknown_is_404(client: TestClient, filled: list[int], name: str) -> None:
    answer = client.get(f"/ingest/messages/{name}")
    assert answer.status_code == 404
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_messages__since_and_until_bound_the_time_of_receipt(
    client: TestClient, filled: list[int]
) -> None:
    assert listed(client, "/ingest/messages?until=2020-01-01") == []
    assert listed(client, "/ingest/messages?since=2020-01-01T00:00:00+01:00") == filled[::-1]
    assert client.get("/ingest/messages?since=yesterday").status_code == 400


def test_replay__one_message_waits_again(client: TestClient, filled: list[int]) -> None:
    answer = client.post(f"/ingest/messages/{filled[2]}/replay")
    assert answer.status_code == 202
    assert (answer.json()["state"], answer.json()["replays"]) == ("received", 1)
    again = client.post(f"/ingest/messages/{filled[2]}/replay")
    assert (again.status_code, again.json()["issue"][0]["code"]) == (409, "conflict")
    assert client.post("/ingest/messages/999999/replay").status_code == 404


def test_replay__of_many_is_a_dry_run_unless_told_otherwise(
    client: TestClient, filled: list[int], database: Database
) -> None:
    before = queued(database)
    told = client.post("/ingest/replay?reason=v2-sender-unknown").json()
    assert (told["dryRun"], told["messages"], told["replayed"]) == (True, 1, 0)
    assert queued(database) == before
    done = client.post("/ingest/replay?reason=v2-sender-unknown&dry-run=false")
    assert (done.status_code, done.json()["replayed"]) == (202, 1)
    assert queued(database) == [filled[2], *before]
    assert client.post("/ingest/replay?dry-run=maybe").status_code == 400


def test_revisions__corrected_message_is_journalled_and_the_original_kept(
    client: TestClient, filled: list[int]
) -> None:
    url = f"/ingest/messages/{filled[2]}"
    answer = client.post(f"{url}/revisions", content=adt("3", name="CORRIGE"))
    assert answer.status_code == 201
    revision = answer.json()
    assert (revision["state"], revision["revises"]) == ("received", filled[2])
    assert answer.headers["location"] == f"/ingest/messages/{revision['id']}"
    original = client.get(url).json()
    assert (original["state"], original["revised_by"]) == ("replayed", revision["id"])
    refused = client.post(f"/ingest/messages/{filled[1]}/revisions", content=b"no message")
    assert refused.status_code == 422


def test_stats__tell_every_centre_of_the_register(client: TestClient, filled: list[int]) -> None:
    centres = {one["centre"]: one for one in client.get("/ingest/stats").json()["centres"]}
    assert len(centres) == 25
    assert centres["C02"]["states"]["stored"] == 2
    assert set(centres["C02"]["states"]) == set(STATES)
    received = centres["C02"]["received"]
    assert received["thisHour"] + received["previousHour"] == 2
    assert received["perHour"] == 0.08
    assert centres["C02"]["lastMessage"] is not None
    assert centres["unknown"]["states"]["received"] == 1
    assert centres["unknown"]["states"]["held"] == 1
    assert centres["unknown"]["oldestHeld"] is not None
    assert (centres["C09"]["lastMessage"], centres["C09"]["silent"]) == (None, False)


def test_worklist__item_tells_its_reason_and_releases(
    client: TestClient, filled: list[int], database: Database
) -> None:
    (item,) = client.get("/ingest/worklist").json()["items"]
    assert (item["reason"], item["messages"], item["resolved"]) == ("v2-sender-unknown", 1, False)
    assert "LAB" in item["text"]
    released = client.post(f"/ingest/worklist/{item['id']}/release")
    assert (released.status_code, released.json()["replayed"]) == (202, 1)
    assert filled[2] in queued(database)
    assert client.post(f"/ingest/worklist/{item['id']}/release").status_code == 404
