"""`python -m ingest` as a process: started, killed, started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import psycopg
import pytest

from fhir_server.store.database import Database
from fhir_server.store.resource_types import TYPE_NUMBERS
from tests.free_ports import free_port
from tests.ingest.journal_rows import queued, rows
from tests.ingest.mllp_client import MllpClient, adt
from tests.processes import kill_all

WITHIN_S = 120.0
"""Far more than anything takes: what has not happened by then never would."""


@contextmanager
def running(database: Database, port: int, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "OSTEON_DATABASE_URL": database.url,
        "OSTEON_MLLP_PORT": str(port),
        "OSTEON_INGEST_WORKERS": "0",
        **variables,
    }
    with subprocess.Popen([sys.executable, "-m", "ingest"], env=environment) as process:
        try:
            wait_for_port(port)
            yield process
        finally:
            process.kill()


def wait_for_port(port: int) -> None:
    give_up = time.monotonic() + WITHIN_S
    while time.monotonic() < give_up:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError("the MLLP server did not start")


def test_process__killed_between_commit_and_answer_gives_the_stored_answer(
    database: Database,
) -> None:
    """The answer is at most in a buffer that nobody reads: to the sender it never came."""
    port = free_port()
    with running(database, port) as process, MllpClient("127.0.0.1", port) as client:
        client.send_bytes(b"\x0b" + adt("C1") + b"\x1c\r")
        wait_until_committed(database)
        process.kill()
        process.wait()
    (row,) = rows(database)
    with running(database, port), MllpClient("127.0.0.1", port) as client:
        client.send_bytes(b"\x0b" + adt("C1") + b"\x1c\r")
        assert client.answer_bytes() == bytes(row["ack"])
    assert len(rows(database)) == 1


def wait_until_committed(database: Database) -> None:
    give_up = time.monotonic() + WITHIN_S
    while not rows(database):
        assert time.monotonic() < give_up
        time.sleep(0.001)


def test_process__killed_before_the_commit_leaves_nothing_half_written(database: Database) -> None:
    port = free_port()
    with psycopg.connect(database.url) as blocker:
        blocker.execute("LOCK TABLE ingest_queue")
        with running(database, port) as process, MllpClient("127.0.0.1", port) as client:
            client.send_bytes(b"\x0b" + adt("C1") + b"\x1c\r")
            wait_until_waiting(database)
            process.kill()
            process.wait()
            assert client.is_closed()
        blocker.rollback()
    give_up = time.monotonic() + WITHIN_S
    while journal_connections(database) and time.monotonic() < give_up:
        time.sleep(0.02)
    # Without an answer the sender sends again, whether or not the commit came through.
    with running(database, port), MllpClient("127.0.0.1", port) as client:
        assert client.send(adt("C1")).get("MSA-1") == "AA"
    assert len(rows(database)) == 1


def wait_until_waiting(database: Database) -> None:
    give_up = time.monotonic() + WITHIN_S
    while time.monotonic() < give_up:
        with database.connection() as connection:
            found = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND application_name = 'osteon journal' AND datname = current_database()"
            ).fetchone()
        if found and found[0]:
            return
        time.sleep(0.01)
    raise TimeoutError("the journal never wrote")


def journal_connections(database: Database) -> int:
    with database.connection() as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'osteon journal' AND datname = current_database()"
        ).fetchone()
    return found[0] if found else 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process__ends_when_asked(database: Database, number: signal.Signals) -> None:
    port = free_port()
    with running(database, port) as process, MllpClient("127.0.0.1", port) as client:
        client.send(adt("C1"))
        process.send_signal(number)
        assert process.wait(WITHIN_S) == 0
        assert client.is_closed()


def test_process__taken_port_is_one_clear_line(database: Database) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "ingest"],
            env={**os.environ, "OSTEON_DATABASE_URL": database.url, "OSTEON_MLLP_PORT": str(port)},
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert f"OSTEON_MLLP_PORT: 127.0.0.1:{port}" in done.stderr


@pytest.mark.usefixtures("centres")
def test_process__killed_workers_lose_and_repeat_nothing(database: Database) -> None:
    port = free_port()
    numbers = [str(n) for n in range(40)]
    with (
        running(database, port, OSTEON_INGEST_WORKERS="2") as process,
        MllpClient("127.0.0.1", port) as client,
    ):
        for n in numbers:
            assert client.send(visit(n)).get("MSA-1") == "AA"
        give_up = time.monotonic() + 240
        for kills in range(3):
            while len(states(database)) <= kills * 10 and time.monotonic() < give_up:
                time.sleep(0.02)
            kill_all(psutil.Process(process.pid).children(recursive=True))
        while queued(database) and time.monotonic() < give_up:
            time.sleep(0.1)
    assert {row["state"] for row in rows(database)} == {"stored"}
    with database.connection() as connection:
        found = connection.execute(
            "SELECT count(*), max(version) FROM resource WHERE id IN"
            " (SELECT split_part(unnest(resources), '/', 2) FROM ingest_message)"
            " AND type = %s",
            (TYPE_NUMBERS["Patient"],),
        ).fetchone()
    assert found == (len(numbers), 1)


def visit(patient: str) -> bytes:
    """An invented change of an identity, sent by a centre of the register."""
    return (
        f"MSH|^~\\&|DPI-C01|CENTRE-C01|OSTEON|NET|20260105101500||ADT^A31^ADT_A05|C{patient}|P|2.5"
        "|||||FRA|UNICODE UTF-8\r"
        "EVN||20260105101400\r"
        f"PID|1||9{patient}^^^IPP-C01^PI||ESSAI^ANNE^^^^^L||19900412|F|||||||||||||||||||||||||PROV\r"
    ).encode()


def states(database: Database) -> list[str]:
    return [row["state"] for row in rows(database) if row["state"] != "received"]
