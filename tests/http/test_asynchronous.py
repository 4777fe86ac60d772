"""`Prefer: respond-async`: taken with 202, carried out by a worker, asked after, called off, forgotten."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from fhir_server.http.app import create_app
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.transaction import transaction
from fhir_server.jobs import worker as worker_module
from fhir_server.jobs.request import JobResumption
from fhir_server.jobs.worker import JobWorker
from fhir_server.search.reindex import run_jobs
from fhir_server.store.background_jobs import (
    BackgroundJob,
    forget_ended_jobs,
    hold_background_job,
    keep_part,
    release_background_job,
)
from fhir_server.store.database import Database
from fhir_server.store.expunge import expunge_resources
from fhir_server.store.keys import resource_key
from tests.interactions.conftest import opened as opened  # noqa: PLC0414 — fixtures of these tests too
from tests.interactions.conftest import server as server  # noqa: PLC0414

LATER = {"Prefer": "respond-async"}
BEARER = {"Authorization": "Bearer right"}
Json = dict[str, Any]


@pytest.fixture
def client(server: FhirServer) -> Iterator[TestClient]:
    allowed = server.settings.model_copy(update={"operator_secret": SecretStr("right")})
    app = create_app(replace(server, settings=allowed), reindexes=False)
    with TestClient(app, raise_server_exceptions=False, headers=BEARER) as client:
        yield client


@contextmanager
def working(server: FhirServer, **settings: Any) -> Iterator[None]:
    """A worker in a thread, over parts that are opened already."""
    changed = server.settings.model_copy(update=settings)
    worker = JobWorker(changed, server.database.url)
    worker._server = replace(server, database=Database(server.database.url, pool_size=2))
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join()


def place_of(answer: httpx2.Response) -> str:
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert answer.json()["resourceType"] == "OperationOutcome"
    return str(answer.headers["Content-Location"])


def ended(client: TestClient, place: str, **headers: str) -> httpx2.Response:
    while (answer := client.get(place, headers=headers)).status_code == 202:
        assert answer.headers["X-Progress"]
        assert int(answer.headers["Retry-After"]) > 0
        time.sleep(0.05)
    return answer


def content_of(answer: httpx2.Response) -> tuple[str, Json]:
    """The status and the content of the one entry that says what came of a request."""
    assert answer.status_code == 200
    bundle = answer.json()
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "batch-response")
    [entry] = bundle["entry"]
    return entry["response"]["status"], entry["resource"]


def put(resource_id: str, **request: str) -> Json:
    resource = {"resourceType": "Patient", "id": resource_id, "active": True}
    return {
        "resource": resource,
        "request": {"method": "PUT", "url": f"Patient/{resource_id}", **request},
    }


def create(family: str) -> Json:
    resource = {"resourceType": "Patient", "name": [{"family": family}]}
    return {"resource": resource, "request": {"method": "POST", "url": "Patient"}}


def bundle(kind: str, *entries: Json) -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def test_search__is_answered_later_with_what_it_would_have_answered(
    client: TestClient, server: FhirServer
) -> None:
    client.put("/fhir/Patient/a", json=put("a")["resource"])
    place = place_of(client.get("/fhir/Patient?active=true&_pretty=true", headers=LATER))
    waiting = client.get(place)
    assert (waiting.status_code, waiting.headers["X-Progress"]) == (202, "queued, 0 before it")
    with working(server):
        answer = ended(client, place)
    status, found = content_of(answer)
    assert status == "200 OK"
    assert [entry["resource"]["id"] for entry in found["entry"]] == ["a"]
    assert found["link"][0]["url"].endswith("/Patient?active=true")
    assert "Expires" in answer.headers
    as_xml = client.get(place, headers={"Accept": "application/fhir+xml"})
    assert b'<type value="batch-response"/>' in as_xml.content


def test_post_search_and_everything__are_taken_too(client: TestClient, server: FhirServer) -> None:
    client.put("/fhir/Patient/a", json=put("a")["resource"])
    places = [
        place_of(client.post("/fhir/Patient/_search", data={"_id": "a"}, headers=LATER)),
        place_of(client.get("/fhir/Patient/a/$everything", headers=LATER)),
        place_of(client.get("/fhir/Patient/a/_history", headers=LATER)),
    ]
    with working(server):
        kinds = [content_of(ended(client, place))[1]["type"] for place in places]
    assert kinds == ["searchset", "searchset", "history"]


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_bundle__is_carried_out_later(client: TestClient, server: FhirServer, kind: str) -> None:
    sent = bundle(kind, put("a"), create("Exemple"))
    place = place_of(client.post("/fhir", json=sent, headers=LATER))
    assert client.get("/fhir/Patient/a").status_code == 404
    with working(server):
        _, answer = content_of(ended(client, place))
    assert answer["type"] == f"{kind}-response"
    assert [entry["response"]["status"] for entry in answer["entry"]] == ["201 Created"] * 2
    assert client.get("/fhir/Patient/a").status_code == 200


def test_refusal__is_the_answer_to_who_asks(client: TestClient, server: FhirServer) -> None:
    place = place_of(
        client.get("/fhir/Patient?nonsense=1", headers={**LATER, "Accept-Language": "fr"})
    )
    with working(server):
        answer = ended(client, place)
    assert answer.status_code == 400
    issue = answer.json()["issue"][0]
    assert issue["details"]["coding"][0]["code"] == "search-parameter-unknown"


def test_format__that_cannot_be_given_is_refused_at_once(client: TestClient) -> None:
    assert client.get("/fhir/Patient", headers={**LATER, "Accept": "image/png"}).status_code == 406


def test_preference__is_ignored_where_an_answer_takes_no_time(client: TestClient) -> None:
    answer = client.put("/fhir/Patient/a", json=put("a")["resource"], headers=LATER)
    assert answer.status_code == 201
    assert "Preference-Applied" not in answer.headers


def test_reindex__is_followed_in_the_same_form(client: TestClient, server: FhirServer) -> None:
    client.put("/fhir/Patient/a", json=put("a")["resource"])
    place = place_of(client.post("/fhir/Patient/$reindex", headers=LATER))
    assert client.get(place).status_code == 202
    run_jobs(server.database, server.search, lambda _: True)
    status, parameters = content_of(client.get(place))
    assert (status, parameters["resourceType"]) == ("200 OK", "Parameters")


def test_reindex__is_called_off_in_the_same_form(client: TestClient) -> None:
    place = place_of(client.post("/fhir/Patient/$reindex", headers=LATER))
    assert client.delete(place).status_code == 202
    assert client.get(place).status_code == 404


def test_status__of_no_job_is_not_found(client: TestClient) -> None:
    for name in ("a", "00000000-0000-0000-0000-000000000000"):
        assert client.get(f"/fhir/_async/{name}").status_code == 404
        assert client.delete(f"/fhir/_async/{name}").status_code == 404


def test_cancel__of_what_waits_forgets_it(client: TestClient, server: FhirServer) -> None:
    place = place_of(client.post("/fhir", json=bundle("batch", put("a")), headers=LATER))
    assert client.delete(place).status_code == 202
    other = place_of(client.get("/fhir/Patient", headers=LATER))
    with working(server):
        ended(client, other)
    assert client.get(place).status_code == 404
    assert client.get("/fhir/Patient/a").status_code == 404


def test_cancel__of_what_runs_ends_its_statement(
    client: TestClient, server: FhirServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeping = threading.Event()

    def sleep(opened: FhirServer, _: BackgroundJob) -> None:
        with opened.database.connection() as connection:
            sleeping.set()
            connection.execute("SELECT pg_sleep(600)")

    monkeypatch.setattr(worker_module, "_runners", lambda: {"request": sleep})
    place = place_of(client.get("/fhir/Patient", headers=LATER))
    with working(server):
        assert sleeping.wait(120)
        assert client.delete(place).status_code == 202
        monkeypatch.undo()
        ended(client, place_of(client.get("/fhir/Patient", headers=LATER)))
    assert client.get(place).status_code == 404


def test_time__that_is_over_ends_the_job(
    client: TestClient, server: FhirServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(opened: FhirServer, _: BackgroundJob) -> None:
        with opened.database.connection() as connection:
            connection.execute("SELECT pg_sleep(600)")

    monkeypatch.setattr(worker_module, "_runners", lambda: {"request": sleep})
    place = place_of(client.get("/fhir/Patient", headers=LATER))
    with working(server, job_timeout_s=0.5):
        answer = ended(client, place)
    assert answer.status_code == 504
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_bug__ends_the_job_with_its_id_and_nothing_else(
    client: TestClient, server: FhirServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: FhirServer, __: BackgroundJob) -> None:
        raise KeyError("Exemple")

    monkeypatch.setattr(worker_module, "_runners", lambda: {"request": fail})
    place = place_of(client.get("/fhir/Patient", headers=LATER))
    with working(server):
        answer = ended(client, place)
    assert answer.status_code == 500
    assert "Exemple" not in answer.text
    assert place.rpartition("/")[2] in answer.text


def attempts_of(server: FhirServer, most: int) -> BackgroundJob | None:
    """The job as the next process begins it; the one before has died with its session."""
    with server.database.connection() as connection:
        job = hold_background_job(connection, most)
        if job is not None:
            release_background_job(connection, job.id)
        return job


def test_job__that_ends_its_process_again_and_again_has_failed(
    client: TestClient, server: FhirServer
) -> None:
    place = place_of(client.get("/fhir/Patient", headers=LATER))
    for number in range(1, 4):
        job = attempts_of(server, 3)
        assert job is not None
        assert job.attempts == number
    assert attempts_of(server, 3) is None
    assert client.get(place).status_code == 500


def test_batch__that_is_begun_again_does_nothing_twice(
    client: TestClient, server: FhirServer
) -> None:
    sent = bundle("batch", create("Exemple"), create("Specimen"))
    place = place_of(client.post("/fhir", json=sent, headers=LATER))
    first = attempts_of(server, 5)
    assert first is not None
    with server.database.connection() as connection:
        answer = b'{"response":{"status":"201 Created","location":"of the first attempt"}}'
        keep_part(connection, first.id, 0, "entry", answer)
    assert client.get(place).headers["X-Progress"] == "running"
    with working(server):
        _, answered = content_of(ended(client, place))
    assert answered["entry"][0]["response"]["location"] == "of the first attempt"
    found = client.get("/fhir/Patient").json()
    assert [entry["resource"]["name"][0]["family"] for entry in found["entry"]] == ["Specimen"]


def test_transaction__that_is_begun_again_gives_its_first_answer(
    client: TestClient, server: FhirServer
) -> None:
    sent = bundle("transaction", put("b", ifNoneMatch="*"))
    place_of(client.post("/fhir", json=sent, headers=LATER))
    job = attempts_of(server, 5)
    assert job is not None
    resumption = JobResumption(server, job)
    first = transaction(server, sent, resumption=resumption)
    assert transaction(server, sent, resumption=resumption).body == first.body


def test_queue__that_is_full_is_said(server: FhirServer) -> None:
    limited = replace(server, settings=server.settings.model_copy(update={"job_queue": 1}))
    with TestClient(create_app(limited, reindexes=False)) as client:
        place = place_of(client.get("/fhir/Patient", headers=LATER))
        full = client.get("/fhir/Patient", headers=LATER)
        assert (full.status_code, full.headers["Retry-After"]) == (429, "1")
        client.delete(place)
        place_of(client.get("/fhir/Patient", headers=LATER))


def test_answer__expires(client: TestClient, server: FhirServer) -> None:
    place = place_of(client.get("/fhir/Patient", headers=LATER))
    with working(server):
        ended(client, place)
    with server.database.connection() as connection:
        assert forget_ended_jobs(connection, timedelta(hours=1)) == 0
        assert client.get(place).status_code == 200
        assert forget_ended_jobs(connection, timedelta(0)) == 1
        [[left]] = connection.execute("SELECT count(*) FROM background_part").fetchall()
    assert left == 0
    assert client.get(place).status_code == 404


def test_expunge__removes_answers_that_speak_of_the_resource(
    client: TestClient, server: FhirServer
) -> None:
    client.put("/fhir/Patient/a", json=put("a")["resource"])
    place = place_of(client.get("/fhir/Patient", headers=LATER))
    with working(server):
        ended(client, place)
    with server.database.transaction() as connection:
        expunge_resources(connection, [resource_key("Patient", "a")])
    assert client.get(place).status_code == 404
