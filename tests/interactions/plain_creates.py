"""What the tests of plain creates share: an application, requests to it, and a store that makes them wait."""

import asyncio
import json
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from fhir_server.http.app import create_app
from fhir_server.interactions.server import FhirServer
from fhir_server.store import single_create
from fhir_server.store.create_line import CreateLine, Written
from fhir_server.store.search_state import BARRIER

Message = dict[str, Any]


Result = TypeVar("Result")


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


@pytest.fixture
def app(server: FhirServer, monkeypatch: pytest.MonkeyPatch) -> App:
    return App(server, monkeypatch)
