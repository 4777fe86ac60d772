"""A request for later on a whole server: its process is killed midway, another one ends it."""

import contextlib
import http.client
import json
import time
from pathlib import Path
from typing import Any

import psutil

from tests.platform.served import Served, served

COUNT = 60


def request(
    server: Served, method: str, path: str, content: Any = None, **headers: str
) -> tuple[int, dict[str, str], Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=60)
    try:
        body = None if content is None else json.dumps(content)
        kind = {"Content-Type": "application/fhir+json"}
        connection.request(method, path, body, {**kind, **headers})
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, named, json.loads(answer.read() or b"{}")
    finally:
        connection.close()


def kill_jobs(server: Served) -> int:
    killed = 0
    for process in server.descendants():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "fhir_server.jobs" in process.cmdline():
                process.kill()
                killed += 1
    return killed


def test_job__of_a_killed_process_is_ended_by_the_next(tmp_path: Path) -> None:
    entries = [
        {"resource": {"resourceType": "Patient", "active": True},
         "request": {"method": "POST", "url": "Patient"}}
        for _ in range(COUNT)
    ]  # fmt: skip
    sent = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    with served(tmp_path, OSTEON_INGEST_WORKERS="0") as server:
        status, headers, _ = request(server, "POST", "/fhir", sent, Prefer="respond-async")
        assert status == 202
        place = "/fhir" + headers["content-location"].partition("/fhir")[2]
        killed = 0
        while (found := request(server, "GET", place))[0] == 202:
            done = found[1]["x-progress"].partition(" of ")[0]
            if not killed and done.isdigit() and 0 < int(done) < COUNT:
                killed = kill_jobs(server)
            time.sleep(0.02)
        status, _, bundle = found
        assert status == 200
        assert killed == 1
        answers = bundle["entry"][0]["resource"]["entry"]
        assert [entry["response"]["status"] for entry in answers] == ["201 Created"] * COUNT
        _, _, stored = request(server, "GET", "/fhir/Patient?_summary=count")
        assert stored["total"] == COUNT
