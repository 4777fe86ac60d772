"""Reads that arrive together share a statement, and each gets its own answer."""

import asyncio
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from fhir_server.http.app import create_app
from fhir_server.interactions.create import create
from fhir_server.interactions.delete import delete
from fhir_server.interactions.server import FhirServer

Message = dict[str, Any]


async def get(app: Any, path: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> list[Message]:
    scope = {
        "type": "http",
        "http_version": "1.0",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": headers,
    }
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("a request without a length has no body")

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def together(app: Any, paths: Sequence[str]) -> list[tuple[int, bytes]]:
    answers = await asyncio.gather(*(get(app, path) for path in paths))
    return [(head["status"], body["body"]) for head, body in answers]


def stored_id(server: FhirServer, number: int) -> str:
    patient = {"resourceType": "Patient", "name": [{"text": f"invented {number}"}]}
    stored = create(server, "Patient", patient).stored
    assert stored is not None
    return stored.id


def test_reads__each_gets_its_own_answer(
    server: FhirServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [stored_id(server, number) for number in range(20)]
    delete(server, "Patient", ids[0])
    statements: list[str] = []
    execute = psycopg.Cursor.execute

    def recording(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        statements.append(str(query))
        return execute(cursor, query, *arguments, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", recording)
    app = create_app(server, reindexes=False)
    paths = [f"/fhir/Patient/{one}" for one in (*ids, *ids, "never-used", "b@d")]
    answers = asyncio.run(together(app, paths))
    assert [status for status, _ in answers[:20]] == [410, *[200] * 19]
    assert [status for status, _ in answers[40:]] == [404, 400]
    for number in range(1, 40):
        if number != 20:
            assert f"invented {number % 20}".encode() in answers[number][1]
    assert len(statements) < len(paths) / 4


def test_reads__share_a_failure_but_not_the_next_one(server: FhirServer) -> None:
    found = stored_id(server, 1)
    app = create_app(server, reindexes=False)

    async def with_and_without_table() -> list[int]:
        with server.database.connection() as connection:
            connection.execute("ALTER TABLE resource RENAME TO hidden")
            failed = await together(app, [f"/fhir/Patient/{found}"] * 3)
            connection.execute("ALTER TABLE hidden RENAME TO resource")
        answered = await together(app, [f"/fhir/Patient/{found}"])
        return [status for status, _ in (*failed, *answered)]

    assert asyncio.run(with_and_without_table()) == [500, 500, 500, 200]
