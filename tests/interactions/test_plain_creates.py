"""Plain creates: one way to the database, together, and only where what they went by still holds."""

import asyncio
import json
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import psycopg
import pytest

from fhir_server.http import creates
from fhir_server.http.app import create_app
from fhir_server.http.creates import LARGEST_BYTES
from fhir_server.interactions.create import create
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change
from fhir_server.search.indexer import SearchIndexer
from fhir_server.store import single_create
from fhir_server.store.create_line import CreateLine, Written
from fhir_server.store.database import Connection, Database
from fhir_server.store.search_state import BARRIER
from tests.interactions.test_coalesced_reads import get

Message = dict[str, Any]
Result = TypeVar("Result")

NICKNAME = {
    "resourceType": "SearchParameter", "url": "http://example.org/nickname", "name": "nickname",
    "status": "active", "description": "invented", "code": "nickname", "base": ["Patient"],
    "type": "string", "expression": "Patient.name.where(use = 'nickname').given",
}  # fmt: skip


def patient(label: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"use": "nickname", "given": [label]}]}


async def post(app: Any, path: str, resource: dict[str, Any]) -> tuple[int, Any]:
    content = json.dumps(resource).encode()
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": path, "query_string": b"",
        "headers": [(b"content-type", b"application/fhir+json"),
                    (b"content-length", str(len(content)).encode()), (b"host", b"localhost")],
    }  # fmt: skip
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": content}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    body = sent[1]["body"]
    return sent[0]["status"], json.loads(body) if body else None


async def searched(app: Any, path: str, query: bytes) -> int:
    found: list[int] = []

    async def send(message: Message) -> None:
        if "body" in message:
            found.append(json.loads(message["body"])["total"])

    async def receive() -> Message:
        raise AssertionError("a request without a length has no body")

    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": path,
             "query_string": query, "headers": [(b"host", b"localhost")]}  # fmt: skip
    await app(scope, receive, send)
    return found[0]


class App:
    """An application whose creates of patients are known to be plain; `written` counts those that were
    written so.
    """

    def __init__(
        self, server: FhirServer, monkeypatch: pytest.MonkeyPatch, timeout_s: float = 300.0
    ) -> None:
        settings = server.settings.model_copy(update={"request_timeout_s": timeout_s})
        self.server = server = replace(server, settings=settings)
        # However slow the machine is, no create grows too old on its way.
        gate = single_create._GATE.replace("interval '1 s'", "interval '10 min'")
        monkeypatch.setattr(single_create, "_GATE", gate)
        self.app = create_app(server, reindexes=False)
        self.groups: list[int] = []
        write = CreateLine.write

        def counted(line: CreateLine, creates: Any, seconds: float) -> Written:
            written = write(line, creates, seconds)
            written.add_done_callback(self._count)
            return written

        monkeypatch.setattr(CreateLine, "write", counted)

    def _count(self, written: Written) -> None:
        outcomes = None if written.exception() else written.result()
        self.groups.append(sum(one.is_written for one in outcomes or ()))

    @property
    def written(self) -> int:
        return sum(self.groups)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run in an event loop in which a first create has been carried out."""

        async def after_first() -> Result:
            assert (await post(self.app, "/fhir/Patient", patient("first")))[0] == 201
            return await work

        return asyncio.run(after_first())


@pytest.fixture
def app(server: FhirServer, monkeypatch: pytest.MonkeyPatch) -> App:
    return App(server, monkeypatch)


@contextmanager
def barrier_taken(server: FhirServer) -> Iterator[Any]:
    """A connection in a transaction that holds the barrier alone, as one that begins a reindex job."""
    with server.database.transaction() as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (BARRIER,))
        yield connection


async def until_a_write_waits(server: FhirServer) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with server.database.connection() as connection:
        give_up = time.monotonic() + 120
        while time.monotonic() < give_up:
            row = connection.execute(waiting).fetchone()
            if row and row[0]:
                return
            await asyncio.sleep(0.01)
    raise AssertionError("no write waits for the barrier")


def stored(server: FhirServer) -> int:
    with server.database.connection() as connection:
        row = connection.execute("SELECT count(*) FROM resource").fetchone()
    return int(row[0]) if row else 0


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
