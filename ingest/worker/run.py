"""The worker's loop: claim, work off, wait for more."""

import threading
from typing import Any, Protocol

import psycopg
import structlog

from fhir_server.store.database import DatabaseUnavailableError
from ingest.journal.record import CHANNEL
from ingest.worker.message import MessageWorker
from ingest.worker.queue import Connection, claim, finish, put_off, read

MOST_AT_ONCE = 8
"""Messages claimed together: few enough to share the work with other workers, enough to share a commit."""

LONGEST_WAIT_S = 0.5
"""How long to wait for a notification before looking by oneself: for messages put off, and to end in time."""

LONGEST_PAUSE_S = 10.0

log = structlog.stdlib.get_logger("osteon.worker")


class Care(Protocol):
    """What a worker sees to between messages."""

    def look(self, connection: Connection) -> None:
        """Do what is due."""


def run_worker(
    url: str, worker: MessageWorker, stop: threading.Event, caretaker: Care | None = None
) -> None:
    """Work until asked to stop; where the database goes away, try again with growing pauses."""
    pause_s = 0.2
    while not stop.is_set():
        try:
            with _connected(url) as connection:
                connection.execute(f"LISTEN {CHANNEL}")
                pause_s = 0.2
                while not stop.is_set():
                    if caretaker is not None:
                        caretaker.look(connection)
                    if not work_off_some(connection, worker, stop):
                        _wait_for_more(connection)
        except (psycopg.Error, DatabaseUnavailableError) as error:
            log.warning("database not usable", pause_s=pause_s, kind=type(error).__name__)
            stop.wait(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


def work_off_some(
    connection: Connection, worker: MessageWorker, stop: threading.Event | None = None
) -> int:
    """Claim some messages and work them off. Shape: how many were claimed.

    Cost: two statements for the claim and its end, and what each message costs.
    """
    with connection.transaction():
        claims = claim(connection, MOST_AT_ONCE)
        for claimed in claims:
            if stop is not None and stop.is_set():
                break
            waiting = read(connection, claimed)
            put = worker.settle_message(connection, claimed, waiting) if waiting else None
            if put is None:
                finish(connection, claimed)
            else:
                put_off(connection, claimed, put.pause)
    return len(claims)


def _wait_for_more(connection: Connection) -> None:
    for _ in connection.notifies(timeout=LONGEST_WAIT_S, stop_after=1):
        return


def _connected(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=5,
        application_name="osteon worker",
        options="-c timezone=UTC -c plan_cache_mode=force_custom_plan -c jit=off",
    )
