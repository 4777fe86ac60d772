"""A request for later on a whole server: its process is killed midway, another one ends it."""

import http.client
import json
import time
from pathlib import Path
from typing import Any

import psycopg

from fhir_server.store.embedded_postgres import running_url
from tests.platform.served import ANSWERS_WITHIN_S, ENDS_WITHIN_S, Served, served
from tests.processes import kill_all

COUNT = 60
HELD_UP = 30
"""The place of the entry that has to wait until the process has been killed."""


def request(
    server: Served, method: str, path: str, content: Any = None, **headers: str
) -> tuple[int, dict[str, str], Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=ANSWERS_WITHIN_S)
    try:
        body = None if content is None else json.dumps(content)
        kind = {"Content-Type": "application/fhir+json"}
        connection.request(method, path, body, {**kind, **headers})
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, named, json.loads(answer.read() or b"{}")
    finally:
        connection.close()


def create(number: int) -> dict[str, Any]:
    resource = {"resourceType": "Patient", "active": True}
    if number == HELD_UP:
        return {
            "resource": {**resource, "id": "held-up"},
            "request": {"method": "PUT", "url": "Patient/held-up"},
        }
    return {"resource": resource, "request": {"method": "POST", "url": "Patient"}}


def wait_for(server: Served, place: str, status: int, progress: str = "") -> Any:
    give_up = time.monotonic() + ENDS_WITHIN_S
    while time.monotonic() < give_up:
        found, headers, content = request(server, "GET", place)
        if found == status and headers.get("x-progress", "").startswith(progress):
            return content
        time.sleep(0.05)
    raise AssertionError(f"{place} is not answered {status} {progress}")


def test_job__of_a_killed_process_is_ended_by_the_next(tmp_path: Path) -> None:
    sent = {"resourceType": "Bundle", "type": "batch", "entry": [create(n) for n in range(COUNT)]}
    with served(tmp_path, OSTEON_INGEST_WORKERS="0") as server:
        request(server, "PUT", "/fhir/Patient/held-up", create(HELD_UP)["resource"])
        with psycopg.connect(str(running_url(tmp_path))) as holding:
            holding.execute("SELECT FROM resource WHERE id = 'held-up' FOR UPDATE")
            status, headers, _ = request(server, "POST", "/fhir", sent, Prefer="respond-async")
            assert status == 202
            place = "/fhir" + headers["content-location"].partition("/fhir")[2]
            wait_for(server, place, 202, f"{HELD_UP} of {COUNT}")
            assert kill_all(server.processes_of("fhir_server.jobs")) == 1
        bundle = wait_for(server, place, 200)
        answers = bundle["entry"][0]["resource"]["entry"]
        given = [entry["response"]["status"] for entry in answers]
        assert given.pop(HELD_UP) == "200 OK"
        assert given == ["201 Created"] * (COUNT - 1)
        _, _, stored = request(server, "GET", "/fhir/Patient?_summary=count")
        assert stored["total"] == COUNT
