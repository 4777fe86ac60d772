"""Writers that meet: a real server process behind real sockets, over a real PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.interactions.bundling import identified
from tests.interactions.test_create_update_delete import patient
from tests.platform.served import Served, served
from tests.soak.crossing import cross
from tests.soak.paging import page_under_writes
from tests.soak.traffic import send, version_numbers

Json = dict[str, Any]
CLIENTS = 100


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data_dir = Path(tmp_path_factory.mktemp("concurrency"))
    with served(data_dir, OSTEON_WEB_PROCESSES="2", OSTEON_INGEST_WORKERS="0") as running:
        yield running


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
    rounds = iter(range(150))
    statuses = cross(server, lambda: next(rounds, None) is not None)
    assert set(statuses) == {200}


def test_pages__under_writes_show_each_resource_once(server: Served) -> None:
    assert page_under_writes(server, ("", "family", "-_id"), resources=60) >= 180


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
    assert version_numbers(server, "counter") == list(range(41, 0, -1))


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
