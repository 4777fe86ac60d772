"""Writers that meet: a real server process behind real sockets, over a real PostgreSQL."""

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.interactions.test_create_update_delete import patient
from tests.interactions.test_transaction import bundle, entry, identified
from tests.platform.served import Served, served

Json = dict[str, Any]
CLIENTS = 100


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data_dir = Path(tmp_path_factory.mktemp("concurrency"))
    with served(data_dir, OSTEON_WEB_PROCESSES="2", OSTEON_INGEST_WORKERS="0") as running:
        yield running


def send(
    server: Served, method: str, path: str, content: Any = None, **headers: str
) -> tuple[int, Json]:
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=60)
    try:
        body = None if content is None else json.dumps(content)
        kind = {"Content-Type": "application/fhir+json"}
        connection.request(method, f"/fhir/{path}", body, {**kind, **headers})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else {}
    finally:
        connection.close()


def versions(server: Served, resource_id: str) -> list[int]:
    _, history = send(server, "GET", f"Patient/{resource_id}/_history?_count=1000")
    return [int(e["response"]["etag"][3:-1]) for e in history["entry"]]


def test_conditional_create__of_a_hundred_at_once_makes_one(server: Served) -> None:
    condition = {"If-None-Exist": "identifier=urn:x|hundred"}

    def create(writer: int) -> tuple[int, Json]:
        return send(server, "POST", "Patient", identified("hundred"), **condition)

    with ThreadPoolExecutor(CLIENTS) as threads:
        answers = list(threads.map(create, range(CLIENTS)))
    assert sorted(status for status, _ in answers) == [200] * (CLIENTS - 1) + [201]
    assert len({answer["id"] for _, answer in answers}) == 1
    _, found = send(server, "GET", "Patient?identifier=urn:x|hundred&_total=accurate")
    assert found["total"] == 1


def test_conditional_update__of_many_at_once_makes_one(server: Served) -> None:
    def update(number: int) -> int:
        resource = {**identified("many"), "multipleBirthInteger": number}
        return send(server, "PUT", "Patient?identifier=urn:x|many", resource)[0]

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(update, range(40)))
    assert sorted(answers) == [200] * 39 + [201]


def test_transactions__that_cross_lose_no_update(server: Served) -> None:
    names = [f"cross{number}" for number in range(6)]
    for name in names:
        send(server, "PUT", f"Patient/{name}", patient(id=name))

    def write(number: int) -> int:
        chosen = [names[(number + step * (1 + number % 5)) % len(names)] for step in range(3)]
        if number % 2:
            chosen.reverse()
        entries = [
            entry("PUT", f"Patient/{name}", patient(id=name, multipleBirthInteger=number))
            for name in dict.fromkeys(chosen)
        ]
        status, _ = send(server, "POST", "", bundle(*entries))
        assert status == 200
        return len(entries)

    with ThreadPoolExecutor(16) as threads:
        written = sum(threads.map(write, range(300)))
    found = {name: versions(server, name) for name in names}
    assert all(numbers == list(range(len(numbers), 0, -1)) for numbers in found.values())
    assert sum(len(numbers) - 1 for numbers in found.values()) == written


def test_if_match__lets_every_writer_count_once(server: Served) -> None:
    send(server, "PUT", "Patient/counter", patient(id="counter", multipleBirthInteger=0))

    def add_one(writer: int) -> None:
        while True:
            _, current = send(server, "GET", "Patient/counter")
            version = current["meta"]["versionId"]
            current["multipleBirthInteger"] += 1
            status, _ = send(
                server, "PUT", "Patient/counter", current, **{"If-Match": f'W/"{version}"'}
            )
            if status == 200:
                return
            assert status == 412

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add_one, range(40)))
    _, current = send(server, "GET", "Patient/counter")
    assert current["multipleBirthInteger"] == 40
    assert versions(server, "counter") == list(range(41, 0, -1))


def test_patches__at_once_are_all_kept(server: Served) -> None:
    send(server, "PUT", "Patient/patched", patient(id="patched", name=[{"family": "0"}]))

    def add(number: int) -> int:
        change = [{"op": "add", "path": "/name/-", "value": {"family": str(number)}}]
        kind = {"Content-Type": "application/json-patch+json"}
        return send(server, "PATCH", "Patient/patched", change, **kind)[0]

    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(add, range(1, 41))) == {200}
    _, current = send(server, "GET", "Patient/patched")
    assert sorted(int(name["family"]) for name in current["name"]) == list(range(41))
