import asyncio
import socket
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import Message as AsgiMessage

from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Refused
from fhir_server.store.database import Database
from ingest.hl7v2 import Message
from ingest.hl7v2.batch import read_batch
from ingest.http import routes
from ingest.http.bodies import Bodies
from ingest.transport.pace import Pace
from ingest.transport.room import Room
from tests.ingest.conftest import PATIENCE_S
from tests.ingest.journal_rows import issue_ids, rows
from tests.ingest.mllp_client import adt

ER7 = {"Content-Type": "application/hl7-v2; charset=utf-8"}


@pytest.fixture
def client(server: FhirServer) -> TestClient:
    return TestClient(Starlette(routes=routes(server)))


def test_hl7_over_http__message_is_journalled_and_acknowledged(
    client: TestClient, database: Database
) -> None:
    answer = client.post("/hl7v2", content=adt("1"), headers=ER7)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/hl7-v2")
    assert Message.parse(answer.content).get("MSA-1") == "AA"
    (row,) = rows(database)
    assert (bytes(row["raw"]), row["state"], row["connection"]) == (
        adt("1"), "received", "http testclient",
    )  # fmt: skip
    again = client.post("/hl7v2", content=adt("1"), headers=ER7)
    assert again.content == answer.content
    assert len(rows(database)) == 1


def test_hl7_over_http__fault_of_the_message_is_an_ack_with_its_place(client: TestClient) -> None:
    answer = client.post("/hl7v2", content=adt("1", more="||||||KOI8"), headers=ER7)
    ack = Message.parse(answer.content)
    assert (answer.status_code, ack.get("MSA-1"), ack.get("ERR-2.3")) == (200, "AE", "18")


def test_hl7_over_http__character_set_must_not_contradict_the_message(
    client: TestClient, database: Database
) -> None:
    latin = adt("1", name="CÉSAR", more="||||||8859/15")
    refused = client.post("/hl7v2", content=latin, headers=ER7)
    assert Message.parse(refused.content).get("MSA-1") == "AE"
    assert issue_ids(rows(database)[0]) == ["ingest-charset-contradicted"]
    same = {"Content-Type": "application/hl7-v2; charset=ISO-8859-15"}
    taken = client.post(
        "/hl7v2", content=adt("2", name="CÉSAR", more="||||||8859/15"), headers=same
    )
    assert Message.parse(taken.content).get("MSA-1") == "AA"


def test_hl7_over_http__batch_is_answered_by_a_batch(
    client: TestClient, database: Database
) -> None:
    batch = b"\xef\xbb\xbfBHS|^~\\&\r" + adt("1") + adt("2") + b"BTS|2\r"
    answer = client.post("/hl7v2", content=batch, headers=ER7)
    assert len(read_batch(answer.content).messages) == 2
    assert len(rows(database)) == 2
    for cut_off in (batch.replace(b"BTS|2", b"BTS|3"), batch.removesuffix(b"BTS|2\r")):
        refused = client.post("/hl7v2", content=cut_off, headers=ER7)
        assert (refused.status_code, refused.json()["resourceType"]) == (400, "OperationOutcome")
    assert len(rows(database)) == 2


@pytest.mark.parametrize("body", [b"", b"\r\n", b"\x00", b"{}", b"<ClinicalDocument/>"])
def test_hl7_over_http__what_is_no_message_is_an_ae(
    client: TestClient, database: Database, body: bytes
) -> None:
    answer = client.post("/hl7v2", content=body, headers=ER7)
    assert (answer.status_code, Message.parse(answer.content).get("MSA-1")) == (200, "AE")
    assert [bytes(row["raw"]) for row in rows(database)] == [body]


def test_hl7_over_http__silent_message_has_an_empty_answer(client: TestClient) -> None:
    answer = client.post("/hl7v2", content=adt("1", more="|||NE|NE"), headers=ER7)
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/hl7-v2+xml",
        "application/fhir+json",
        *(f"application/hl7-v2; charset={name}" for name in ("klingon", "base64", "utf-16", '""')),
    ],
)
def test_hl7_over_http__other_content_is_a_415(client: TestClient, content_type: str) -> None:
    answer = client.post("/hl7v2", content=adt("1"), headers={"Content-Type": content_type})
    assert answer.status_code == 415


def test_hl7_over_http__absent_database_is_an_ar(server: FhirServer) -> None:
    gone = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    gone.pool.timeout = 0.5
    client = TestClient(Starlette(routes=routes(replace(server, database=gone))))
    answer = client.post("/hl7v2", content=adt("1"), headers=ER7)
    ack = Message.parse(answer.content)
    assert (answer.status_code, ack.get("MSA-1"), ack.get("MSA-2")) == (200, "AR", "1")
    gone.close()


LITTLE_ROOM = 1_000


@pytest.fixture
def http_port(server: FhirServer) -> Iterator[int]:
    """The routes behind a real socket, with little room and patience."""
    settings = server.settings.model_copy(
        update={"mllp_max_bytes_in_flight": LITTLE_ROOM, "mllp_frame_deadline_s": 0.1}
    )
    app = Starlette(routes=routes(replace(server, settings=settings)))
    running = uvicorn.Server(uvicorn.Config(app, ws="none", log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        yield listener.getsockname()[1]
        running.should_exit = True
        thread.join()


def send(port: int, body: bytes, size: int) -> socket.socket:
    """A request, sent in one piece as far as it goes: nothing of it comes late."""
    head = b"POST /hl7v2 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"
    kind = b"Content-Type: application/hl7-v2\r\nContent-Length: %d\r\n\r\n" % size
    client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    client.sendall(head + kind + body)
    return client


def answer(client: socket.socket) -> bytes:
    received = b""
    while chunk := client.recv(65_536):
        received += chunk
    return received


def test_hl7_over_http__body_that_trickles_gives_its_room_to_others(http_port: int) -> None:
    message = adt("1")
    with (
        send(http_port, b"x" * LITTLE_ROOM, size=2 * LITTLE_ROOM) as trickling,
        send(http_port, message, size=len(message)) as other,
    ):
        assert answer(trickling).startswith(b"HTTP/1.1 408 ")
        assert b"MSA|AA|" in answer(other)


def test_bodies__count_until_they_are_done_with() -> None:
    bodies = Bodies(100, Room(100), Pace(10, 10))

    async def run() -> None:
        async with bodies.received(request(b"12345", b"67890")) as body:
            assert (body, bodies.room.held) == (b"1234567890", 10)
        assert bodies.room.held == 0
        with pytest.raises(Refused):
            async with bodies.received(request(b"x" * 60, b"x" * 60)):
                pass
        assert bodies.room.held == 0

    asyncio.run(run())


def request(*pieces: bytes) -> Request:
    left = deque(pieces)

    async def receive() -> AsgiMessage:
        body = left.popleft()
        return {"type": "http.request", "body": body, "more_body": bool(left)}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)
