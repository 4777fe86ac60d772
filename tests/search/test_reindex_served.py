"""A reindex job of a whole server: worked at in the background, and by the next process after a kill."""

import contextlib
import http.client
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.platform.served import ANSWERS_WITHIN_S, ENDS_WITHIN_S, Served, served
from tests.processes import kill_all

COUNT = 500
ALLOWED = {"OSTEON_OPERATOR_SECRET": "right"}
NICKNAME = {
    "resourceType": "SearchParameter", "id": "nickname", "name": "Nickname", "status": "active",
    "url": "https://osteon.test/SearchParameter/nickname", "description": "A nickname.",
    "code": "nickname", "base": ["Patient"], "type": "string",
    "expression": "Patient.name.where(use='nickname').given",
}  # fmt: skip


def _send(server: Served, method: str, path: str, content: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=ANSWERS_WITHIN_S)
    try:
        body = None if content is None else json.dumps(content)
        headers = {"Content-Type": "application/fhir+json", "Authorization": "Bearer right"}
        connection.request(method, f"/fhir{path}", body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    finally:
        connection.close()


def _progress(server: Served) -> dict[str, Any]:
    """The state of the one job; nothing where the server is not ready to tell."""
    status, found = _send(server, "GET", "/$reindex")
    if status != 200:
        return {}
    parts = found["parameter"][0]["part"]
    return {
        part["name"]: next(v for k, v in part.items() if k.startswith("value")) for part in parts
    }


def _wait_until(server: Served, is_met: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The job's state once it is as wanted; the server may be away meanwhile."""
    give_up = time.monotonic() + ENDS_WITHIN_S
    while time.monotonic() < give_up:
        with contextlib.suppress(OSError, http.client.HTTPException):
            job = _progress(server)
            if job and is_met(job):
                return job
        time.sleep(0.05)
    raise AssertionError("the job does not get on")


def _store_patients(server: Served) -> None:
    entries = [
        {
            "resource": {"resourceType": "Patient", "id": f"p{number}",
                         "name": [{"use": "nickname", "given": [f"Nick{number}"]}]},
            "request": {"method": "PUT", "url": f"Patient/p{number}"},
        }
        for number in range(COUNT)
    ]  # fmt: skip
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    assert _send(server, "POST", "", bundle)[0] == 200


def test_reindex__survives_the_kill_of_the_process_that_works_at_it(tmp_path: Path) -> None:
    with served(tmp_path, **ALLOWED) as server:
        _store_patients(server)
        assert _send(server, "PUT", "/SearchParameter/nickname", NICKNAME)[0] == 201
        assert _send(server, "POST", "/SearchParameter/nickname/$reindex")[0] == 202
        _wait_until(server, lambda job: job["processed"] > 0)
        assert kill_all(server.processes_of("fhir_server.http.server")) == 1
        after = _wait_until(server, lambda job: job["state"] == "completed")
        assert [after[name] for name in ("total", "processed", "changed")] == [COUNT] * 3
        _, found = _send(server, "GET", "/Patient?nickname=nick&_summary=count")
        assert found["total"] == COUNT
