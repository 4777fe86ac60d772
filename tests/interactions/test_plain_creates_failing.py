"""Plain creates that fail: each alone, never answered as stored where it is not, and in nobody's way."""

import asyncio
import threading
from typing import Any

import psycopg
import pytest

from fhir_server.http import creates
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change
from fhir_server.search.indexer import SearchIndexer
from fhir_server.store.create_line import CreateLine
from fhir_server.store.database import Connection, Database
from tests.interactions.plain_creates import (
    App,
    barrier_taken,
    patient,
    post,
    stored,
    until_a_write_waits,
)
from tests.interactions.plain_creates import app as app  # noqa: PLC0414 — a fixture of these tests


def test_create__that_does_not_conform_is_refused_alone(app: App) -> None:
    async def mixed() -> list[tuple[int, Any]]:
        bad = {"resourceType": "Patient", "gender": "unheard of"}
        return await asyncio.gather(
            *(post(app.app, "/fhir/Patient", one) for one in (patient("a"), bad, patient("b")))
        )

    answers = app.run(mixed())
    assert [status for status, _ in answers] == [201, 422, 201]
    assert answers[1][1]["resourceType"] == "OperationOutcome"


def test_create__that_cannot_be_indexed_fails_alone(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = SearchIndexer.rows

    def rows(indexer: SearchIndexer, resource: dict[str, Any], *more: Any) -> Any:
        if resource["name"][0]["given"] == ["bad"]:
            raise RuntimeError
        return index(indexer, resource, *more)

    async def mixed() -> list[int]:
        monkeypatch.setattr(SearchIndexer, "rows", rows)
        answers = await asyncio.gather(
            *(post(app.app, "/fhir/Patient", patient(label)) for label in ("a", "bad", "b"))
        )
        return [status for status, _ in answers]

    assert app.run(mixed()) == [201, 500, 201]
    assert stored(app.server) == 3


def test_creates__go_on_after_one_that_cannot_be_sent(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsent(*_: Any) -> None:
        raise RuntimeError

    async def one_and_another() -> list[int]:
        with monkeypatch.context() as patched:
            patched.setattr(CreateLine, "_queue", unsent)
            failed, _ = await post(app.app, "/fhir/Patient", patient("a"))
        return [failed, (await post(app.app, "/fhir/Patient", patient("b")))[0]]

    assert app.run(one_and_another()) == [500, 201]
    assert app.groups == [0, 1]


def test_creates__that_find_many_before_the_line_wait_for_none(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creates, "MOST_WAITING", 2)
    may_open = threading.Event()
    connect = Database.connect

    def connect_late(database: Database) -> Connection:
        may_open.wait()
        return connect(database)

    async def five() -> list[int]:
        monkeypatch.setattr(Database, "connect", connect_late)
        sent = [
            asyncio.create_task(post(app.app, "/fhir/Patient", patient(f"label{n}")))
            for n in range(5)
        ]
        try:
            async with asyncio.timeout(300):
                while sum(one.done() for one in sent) < 3:
                    await asyncio.sleep(0.01)
        finally:
            may_open.set()
        return [status for status, _ in await asyncio.gather(*sent)]

    assert app.run(five()) == [201] * 5
    assert app.written == 2


def test_creates__whose_ids_collide_are_all_stored(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_id = Change.draw_id
    drawn: list[Change] = []

    def drawn_twice(change: Change) -> None:
        draw_id(change)
        drawn.append(change)
        if len(drawn) <= 3:
            change.id = "drawn-before"

    async def three() -> list[int]:
        monkeypatch.setattr(Change, "draw_id", drawn_twice)
        answers = await asyncio.gather(
            *(post(app.app, "/fhir/Patient", patient(f"label{n}")) for n in range(3))
        )
        return [status for status, _ in answers]

    assert app.run(three()) == [201] * 3
    assert stored(app.server) == 4


def test_create__survives_a_connection_that_was_ended(app: App) -> None:
    ended = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    async def before_and_after() -> list[int]:
        first, _ = await post(app.app, "/fhir/Patient", patient("a"))
        with psycopg.connect(app.server.database.url, autocommit=True) as connection:
            connection.execute(ended)
        await asyncio.sleep(0.05)
        second, _ = await post(app.app, "/fhir/Patient", patient("b"))
        return [first, second]

    assert app.run(before_and_after()) == [201, 201]


def test_create__whose_connection_is_lost_meanwhile_is_not_answered_as_stored(app: App) -> None:
    ended = "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE NOT granted"

    async def lost() -> tuple[int, int]:
        await post(app.app, "/fhir/Patient", patient("before"))
        with barrier_taken(app.server) as connection:
            waiting = asyncio.create_task(post(app.app, "/fhir/Patient", patient("lost")))
            await until_a_write_waits(app.server)
            connection.execute(ended)
            failed, _ = await waiting
        return failed, (await post(app.app, "/fhir/Patient", patient("after")))[0]

    assert app.run(lost()) == (503, 201)
    assert stored(app.server) == 3


def test_create__that_takes_too_long_is_given_up(
    server: FhirServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time is over once it waits: the clock of the event loop jumps then."""
    app = App(server, monkeypatch)

    async def late() -> tuple[int, int]:
        await post(app.app, "/fhir/Patient", patient("before"))
        loop = asyncio.get_running_loop()
        now = loop.time
        with barrier_taken(server):
            waiting = asyncio.create_task(post(app.app, "/fhir/Patient", patient("late")))
            await until_a_write_waits(server)
            loop.time = lambda: now() + 3600  # type: ignore[method-assign]  # a clock that jumps
            failed, _ = await waiting
        return failed, (await post(app.app, "/fhir/Patient", patient("after")))[0]

    assert app.run(late()) == (504, 201)
