"""Plain creates: one way to the database, together, and only where what they went by still holds."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from fhir_server.http.creates import LARGEST_BYTES
from fhir_server.interactions.create import create
from tests.interactions.plain_creates import (
    App,
    barrier_taken,
    patient,
    post,
    searched,
    stored,
    until_a_write_waits,
)
from tests.interactions.plain_creates import app as app  # noqa: PLC0414 — a fixture of these tests
from tests.interactions.test_coalesced_reads import get

NICKNAME = {
    "resourceType": "SearchParameter", "url": "http://example.org/nickname", "name": "nickname",
    "status": "active", "description": "invented", "code": "nickname", "base": ["Patient"],
    "type": "string", "expression": "Patient.name.where(use = 'nickname').given",
}  # fmt: skip


def test_create__asks_nothing_of_the_store_first(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[str] = []
    execute = psycopg.Cursor.execute

    def recording(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        statements.append(str(query))
        return execute(cursor, query, *arguments, **options)

    async def two() -> None:
        await post(app.app, "/fhir/Patient", patient("opens the connection"))
        monkeypatch.setattr(psycopg.Cursor, "execute", recording)
        assert (await post(app.app, "/fhir/Patient", patient("plain")))[0] == 201

    app.run(two())
    assert (statements, app.groups) == ([], [1, 1])


def test_creates__travel_together_and_each_gets_its_own(app: App) -> None:
    async def many() -> list[tuple[int, Any]]:
        return await asyncio.gather(
            *(post(app.app, "/fhir/Patient", patient(f"label{n}")) for n in range(40))
        )

    answers = app.run(many())
    assert [status for status, _ in answers] == [201] * 40
    assert [body["name"][0]["given"][0] for _, body in answers] == [f"label{n}" for n in range(40)]
    assert len({body["id"] for _, body in answers}) == 40
    assert stored(app.server) == 41
    assert app.written == 40
    assert len(app.groups) < 10


def test_create__larger_than_the_bound_is_stored_all_the_same(app: App) -> None:
    answer = app.run(post(app.app, "/fhir/Patient", patient("x" * LARGEST_BYTES)))
    assert answer[0] == 201
    assert app.groups == []


def test_create__is_indexed_by_parameters_that_another_process_has_stored(app: App) -> None:
    other = replace(app.server, search=app.server.search.of_another_store())

    async def stored_meanwhile() -> tuple[int, int]:
        await post(app.app, "/fhir/Patient", patient("before"))
        await asyncio.to_thread(create, other, "SearchParameter", NICKNAME)
        status, _ = await post(app.app, "/fhir/Patient", patient("after"))
        return status, await searched(app.app, "/fhir/Patient", b"nickname=after")

    assert app.run(stored_meanwhile()) == (201, 1)


def test_create__that_waited_for_the_barrier_sees_what_was_committed_meanwhile(app: App) -> None:
    async def across_a_new_generation() -> int:
        await post(app.app, "/fhir/Patient", patient("before"))
        written = app.written
        with barrier_taken(app.server) as connection:
            connection.execute(
                "INSERT INTO search_generation (id, generation) VALUES (1, gen_random_uuid())"
            )
            waiting = asyncio.create_task(post(app.app, "/fhir/Patient", patient("waits")))
            await until_a_write_waits(app.server)
        assert (await waiting)[0] == 201
        return app.written - written

    assert app.run(across_a_new_generation()) == 0


@pytest.mark.parametrize("apart", [timedelta(hours=1), timedelta(hours=-1)])
def test_create__has_the_time_of_the_database(app: App, apart: timedelta) -> None:
    async def with_another_clock() -> Any:
        await post(app.app, "/fhir/Patient", patient("before"))
        app.server.database.clock.learn(datetime.now(UTC) + apart)
        return (await post(app.app, "/fhir/Patient", patient("after")))[1]

    body = app.run(with_another_clock())
    updated = datetime.fromisoformat(body["meta"]["lastUpdated"])
    assert abs(datetime.now(UTC) - updated) < timedelta(minutes=5)


def test_create__of_a_watched_type_is_an_event(app: App) -> None:
    subscription = {
        "resourceType": "Subscription", "status": "requested", "reason": "invented",
        "criteria": "Patient?", "channel": {"type": "rest-hook", "endpoint": "http://127.0.0.1:9/"},
    }  # fmt: skip
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "invented"}}

    async def watched() -> list[int]:
        await post(app.app, "/fhir/Observation", observation)
        assert (await post(app.app, "/fhir/Subscription", subscription))[0] == 201
        await post(app.app, "/fhir/Observation", observation)
        written = app.written
        for label in ("a", "b"):
            assert (await post(app.app, "/fhir/Patient", patient(label)))[0] == 201
        return [written, app.written]

    assert app.run(watched()) == [1, 1]
    with app.server.database.connection() as connection:
        events = connection.execute("SELECT count(*) FROM subscription_event").fetchone()
    assert events == (2,)


def test_create__is_read_back_as_it_was_answered(app: App) -> None:
    async def there_and_back() -> tuple[Any, Any]:
        _, body = await post(app.app, "/fhir/Patient", patient("a"))
        messages = await get(app.app, f"/fhir/Patient/{body['id']}")
        return body, json.loads(messages[1]["body"])

    body, read = app.run(there_and_back())
    assert body == read
    assert app.written == 1


def test_create__notes_the_block_whose_totals_it_changes(app: App) -> None:
    async def one_more() -> None:
        with app.server.database.connection() as connection:
            connection.execute("DELETE FROM changed_block")
        await post(app.app, "/fhir/Patient", patient("a"))

    app.run(one_more())
    assert app.written == 1
    with app.server.database.connection() as connection:
        row = connection.execute("SELECT count(*) FROM changed_block").fetchone()
    assert row == (1,)
