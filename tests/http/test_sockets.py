"""Requests as bytes on a socket: heads and bodies that are too large, too slow, broken off or packed."""

import gzip
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any

import pytest
import uvicorn
from psycopg import sql
from starlette.testclient import TestClient

from fhir_server.http import body, connection
from fhir_server.http.app import create_app
from fhir_server.http.connection import BoundedProtocol
from fhir_server.interactions.server import FhirServer
from tests.fuzz.rest.exchange import exchange, fault_of
from tests.fuzz.rest.requests import draw
from tests.interactions.conftest import opened as opened  # noqa: PLC0414 — fixtures of these tests too
from tests.interactions.conftest import server as server  # noqa: PLC0414

PATIENT = json.dumps({"resourceType": "Patient", "active": True}).encode()
COUNT = sql.SQL("SELECT count(*) FROM {}")
POST = b"POST /fhir/Patient HTTP/1.1\r\nHost: testserver\r\nContent-Type: application/fhir+json\r\n"


PATIENCE_S = 300.0
"""Far more than anything takes."""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that soon gives up what does not come; for tests that send nothing it should wait for."""
    monkeypatch.setattr(connection, "HEAD_TIMEOUT_S", 0.2)
    monkeypatch.setattr(body, "PATIENCE_S", 0.2)


@pytest.fixture
def port(
    server: FhirServer, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[int]:
    """A server behind a real socket."""
    if "impatient" not in request.fixturenames:
        monkeypatch.setattr(connection, "HEAD_TIMEOUT_S", PATIENCE_S)
        monkeypatch.setattr(body, "PATIENCE_S", PATIENCE_S)
    config = uvicorn.Config(
        create_app(server), http=BoundedProtocol, ws="none", log_config=None, access_log=False
    )
    running = uvicorn.Server(config)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield listener.getsockname()[1]
    running.should_exit = True
    thread.join()
    listener.close()


def opened_socket(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def answer(client: socket.socket) -> tuple[int, bytes]:
    """The status and the body of the one answer that comes before the connection ends."""
    received = b""
    while chunk := client.recv(65536):
        received += chunk
    head, _, content = received.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, content


def whole_answer(client: socket.socket) -> int:
    """The status of an answer after which the connection stays open; all of it has come then."""
    answered = HTTPResponse(client)
    answered.begin()
    answered.read()
    return answered.status


def ask(port: int, *parts: bytes) -> tuple[int, bytes]:
    with opened_socket(port) as client:
        for part in parts:
            client.sendall(part)
        return answer(client)


def issue_of(content: bytes) -> str:
    found: str = json.loads(content)["issue"][0]["details"]["coding"][0]["code"]
    return found


def test_body__comes_in_chunks(port: int) -> None:
    half = len(PATIENT) // 2
    chunks = [b"%x\r\n%s\r\n" % (len(one), one) for one in (PATIENT[:half], PATIENT[half:])]
    head = POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert ask(port, head, *chunks, b"0\r\n\r\n")[0] == 201


def test_body__that_breaks_off_leaves_the_server_as_it_was(port: int) -> None:
    for _ in range(3):
        with opened_socket(port) as client:
            client.sendall(POST + b"Content-Length: 1000\r\n\r\n" + PATIENT)
    test_body__comes_in_chunks(port)


def test_body__in_another_transfer_coding_is_refused(port: int) -> None:
    head = POST + b"Transfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\n"
    status, content = ask(port, head, b"%x\r\n%s\r\n0\r\n\r\n" % (len(PATIENT), PATIENT))
    assert (status, issue_of(content)) == (415, "content-encoding")


def test_body__packed_in_several_members_is_one(port: int) -> None:
    packed = gzip.compress(PATIENT[:5]) + gzip.compress(PATIENT[5:])
    head = POST + b"Content-Encoding: gzip\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    assert ask(port, head % len(packed), packed)[0] == 201
    for broken in (packed[:-1], packed + b"x", gzip.compress(b"") * (body.MOST_MEMBERS + 1)):
        status, content = ask(port, head % len(broken), broken)
        assert (status, issue_of(content)) == (400, "content-encoding-broken")


def test_body__that_is_expected_is_asked_for(port: int) -> None:
    head = b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    with opened_socket(port) as client:
        client.sendall(POST + head % len(PATIENT))
        assert client.recv(65536).startswith(b"HTTP/1.1 100 ")
        client.sendall(PATIENT)
        assert answer(client)[0] == 201


def test_body__that_is_refused_unseen_ends_the_connection(port: int) -> None:
    head = b"Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n"
    status, content = ask(port, POST + head)
    assert (status, issue_of(content)) == (413, "body-too-large")


def test_options__of_the_whole_server_names_its_methods(port: int) -> None:
    with opened_socket(port) as client:
        client.sendall(b"OPTIONS * HTTP/1.1\r\nHost: testserver\r\nConnection: close\r\n\r\n")
        received = client.makefile("rb").read()
    assert received.startswith(b"HTTP/1.1 204 ")
    assert b"\r\nallow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT\r\n" in received


def test_host__named_twice_is_refused(port: int) -> None:
    head = b"GET /fhir/$versions HTTP/1.1\r\nConnection: close\r\nHost: testserver\r\n"
    assert ask(port, head + b"\r\n")[0] == 200
    status, content = ask(port, head + b"Host: elsewhere.example\r\n\r\n")
    assert (status, issue_of(content)) == (400, "host-not-allowed")


@pytest.mark.usefixtures("impatient")
def test_body__that_drips_is_given_up(port: int) -> None:
    status, content = ask(port, POST + b"Content-Length: 1000\r\nConnection: close\r\n\r\n" + b"{")
    assert (status, issue_of(content)) == (408, "body-too-slow")


@pytest.mark.usefixtures("impatient")
def test_body__that_drips_ends_the_connection(port: int) -> None:
    with opened_socket(port) as client:
        client.sendall(POST + b"Content-Length: 1000\r\n\r\n" + b"{")
        received = b""
        while chunk := client.recv(65536):
            received += chunk
    assert b"\r\nconnection: close\r\n" in received.lower()


@pytest.mark.usefixtures("impatient")
def test_head__that_drips_ends_the_connection(port: int) -> None:
    assert ask(port, b"GET /fhir/metadata HTTP/1.1\r\nHost: test")[0] == 0


@pytest.mark.usefixtures("impatient")
def test_head__nothing_at_all_ends_the_connection(port: int) -> None:
    assert ask(port)[0] == 0


def test_head__of_ten_megabytes_is_refused_early(port: int) -> None:
    sent = 0
    with socket.socket() as client:
        # Small buffers: what the kernel takes is not what the server has read.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        client.connect(("127.0.0.1", port))
        client.settimeout(PATIENCE_S)
        client.sendall(b"GET /fhir/Patient HTTP/1.1\r\nHost: testserver\r\nX-Long: ")
        try:
            while sent < 10_000_000:
                sent += client.send(b"x" * 65536)
        except OSError:
            pass
    assert sent < 10_000_000
    test_body__comes_in_chunks(port)


def test_head__that_is_too_large_is_told_so(port: int) -> None:
    url = b"/fhir/Patient?name=" + b"x" * connection.MAX_HEAD_BYTES
    status, content = ask(port, b"GET " + url + b" HTTP/1.1\r\nHost: testserver\r\n\r\n")
    assert status == 431
    assert json.loads(content)["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("head", [
    b"nonsense\r\n\r\n",
    b"get /fhir HTTP/1.1\r\nHost: testserver\r\n\r\n",
    b"GET /fhir/\xc3\xa9 HTTP/1.1\r\nHost: testserver\r\n\r\n",
    POST + b"Content-Length: a\r\n\r\n",
    POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
])  # fmt: skip
def test_head__that_is_no_http_is_told_so(port: int, head: bytes) -> None:
    status, content = ask(port, head)
    assert (status, issue_of(content)) == (400, "http-malformed")


def test_url__with_the_character_nul_is_refused(port: int) -> None:
    for url in (
        b"/fhir/Patient/_history?_list=%00",
        b"/fhir/Patient?%00=a",
        b"/fhir/Patient/a/$diff?from=%00",
    ):
        status, content = ask(
            port, b"GET %s HTTP/1.1\r\nHost: testserver\r\nConnection: close\r\n\r\n" % url
        )
        assert (status, issue_of(content)) == (400, "search-value-null")
    for url in (b"/fhir/_async/%00", b"/fhir/Patient/%00"):
        assert (
            ask(port, b"GET %s HTTP/1.1\r\nHost: testserver\r\nConnection: close\r\n\r\n" % url)[0]
            == 404
        )


def test_requests__put_together_at_random_meet_no_fault(port: int) -> None:
    chance = random.Random(20261122)  # noqa: S311 — the same requests each time
    for _ in range(400):
        request = draw(chance)
        found = exchange(port, request)
        assert fault_of(request, found) is None, (request.content, found[:2000])


def test_head__each_of_several_on_a_connection_is_counted_by_itself(port: int) -> None:
    one = b"GET /fhir/$versions HTTP/1.1\r\nHost: testserver\r\nX-Long: " + b"x" * 40_000
    with opened_socket(port) as client:
        for _ in range(3):
            client.sendall(one + b"\r\n\r\n")
            assert whole_answer(client) == 200


def test_upgrade__that_is_offered_is_answered_as_it_is(port: int) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    head = b"GET /fhir/$versions HTTP/1.1\r\nHost: testserver\r\n" + upgrade + b"\r\n"
    with opened_socket(port) as client:
        client.sendall(head)
        assert whole_answer(client) == 200


def packed(content: bytes) -> bytes:
    head = b"Content-Encoding: gzip\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    return POST + head % len(content) + content


def test_gzip__is_unpacked(port: int) -> None:
    assert ask(port, packed(gzip.compress(PATIENT)))[0] == 201


def test_gzip__that_swells_is_refused(port: int, server: FhirServer) -> None:
    bomb = gzip.compress(b" " * (server.settings.max_body_bytes + 1), 9)
    assert len(bomb) < server.settings.max_body_bytes / 500
    status, content = ask(port, packed(bomb))
    assert (status, issue_of(content)) == (413, "body-too-large")


@pytest.mark.parametrize(
    "broken", [b"no gzip", gzip.compress(PATIENT, mtime=0)[:-5]], ids=["no gzip", "cut off"]
)
def test_gzip__that_is_broken_is_refused(port: int, broken: bytes) -> None:
    status, content = ask(port, packed(broken))
    assert (status, issue_of(content)) == (400, "content-encoding-broken")


def test_encoding__of_another_kind_is_refused(port: int) -> None:
    head = b"Content-Encoding: br\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
    status, content = ask(port, POST + head)
    assert (status, issue_of(content)) == (415, "content-encoding")


def stored_rows(server: FhirServer) -> dict[str, int]:
    """How many rows each table has."""
    with server.database.connection() as connection:
        named = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {
            name: connection.execute(COUNT.format(sql.Identifier(name))).fetchall()[0][0]
            for (name,) in named.fetchall()
        }


def held_open(server: FhirServer) -> Any:
    """How many cursors there are, and transactions of others."""
    with server.database.connection() as connection:
        return connection.execute(
            "SELECT (SELECT count(*) FROM pg_cursors), (SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid())"
        ).fetchone()


def test_searches__that_are_left_open_hold_nothing(port: int, server: FhirServer) -> None:
    """Hence a hundred thousand of them hold nothing either: all that a page needs stands in its URL."""

    def page(path: str) -> dict[str, Any]:
        head = b"GET %s HTTP/1.1\r\nHost: testserver\r\nConnection: close\r\n\r\n"
        found: dict[str, Any] = json.loads(ask(port, head % path.encode())[1])
        return found

    for _ in range(3):
        ask(
            port,
            POST + b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(PATIENT), PATIENT),
        )
    before, threads_before = stored_rows(server), threading.active_count()
    open_searches = [page(f"/fhir/Patient?_count=1&_lastUpdated=gt{1500 + n}") for n in range(300)]
    assert stored_rows(server) == before
    give_up = time.monotonic() + PATIENCE_S
    while held_open(server) != (0, 0):
        # What looks for reindex jobs in the background has a transaction now and then.
        assert time.monotonic() < give_up
    assert threading.active_count() < threads_before + len(open_searches) / 2
    urls = [one["link"][1]["url"].removeprefix("http://testserver") for one in open_searches]
    # A server that has seen none of them goes on with each.
    fresh = TestClient(create_app(server, reindexes=False))
    firsts = [one["entry"][0]["resource"]["id"] for one in open_searches]
    nexts = [fresh.get(url).json()["entry"][0]["resource"]["id"] for url in urls]
    assert (len(set(firsts)), len(set(nexts))) == (1, 1)
    assert firsts[0] != nexts[0]
