"""Single creates over HTTP beside single rows of the same bytes, by one client and by several at once."""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

import psycopg

SECONDS = 5.0
CLIENTS = (1, 16)
_BODY = json.dumps(
    {"resourceType": "Observation", "status": "final", "code": {"text": "invented"},
     "valueQuantity": {"value": 4.2, "unit": "cm"}}
).encode()  # fmt: skip

Work = Callable[[], object]


def insert_rate(url: str, clients: int) -> float:
    """Rows a second, each on disk before the next, by as many connections."""
    with psycopg.connect(url, autocommit=True) as one:
        one.execute("CREATE TABLE floor_row (id bigserial PRIMARY KEY, body bytea)")
        rate = _rate(lambda opened: _inserter(url, opened), clients)
        one.execute("DROP TABLE floor_row")
    return rate


def create_rate(port: int, clients: int) -> float:
    """Resources a second, each on disk before it is answered, by as many connections."""
    return _rate(lambda opened: _creator(port, opened), clients)


def _inserter(url: str, opened: ExitStack) -> Work:
    connection = opened.enter_context(psycopg.connect(url, autocommit=True))
    return lambda: connection.execute("INSERT INTO floor_row (body) VALUES (%b)", (_BODY,))


def _creator(port: int, opened: ExitStack) -> Work:
    # As little of HTTP as there can be: what the load costs is not the server's.
    connection = opened.enter_context(socket.create_connection(("127.0.0.1", port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head = (
        "POST /fhir/Observation HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/fhir+json\r\nContent-Length: {len(_BODY)}\r\n\r\n"
    )
    request = head.encode() + _BODY

    def create() -> None:
        connection.sendall(request)
        answer = connection.recv(65536)
        # The quantity ends the resource, and the resource the answer.
        while not answer.endswith(b"}}"):
            answer += connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 201"), answer

    return create


def _rate(make: Callable[[ExitStack], Work], clients: int) -> float:
    counts: list[int] = []

    def run(work: Work) -> None:
        for _ in range(20):
            work()
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < SECONDS:
            work()
            count += 1
        counts.append(count)

    with ExitStack() as opened:
        threads = [threading.Thread(target=run, args=(make(opened),)) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(counts) == clients, "a client has failed"
    return sum(counts) / SECONDS
