"""The worker's loop: claim, work off, wait for more."""

import threading
from typing import Protocol

import psycopg
import structlog

from fhir_server.store.database import DatabaseUnavailableError, lone_connection
from ingest.journal.record import CHANNEL
from ingest.worker.database_gone import is_connection_broken
from ingest.worker.group import settle_together
from ingest.worker.message import MessageWorker, PutOff
from ingest.worker.queue import Claim, Connection, claim, finish, put_off, read, read_small

MOST_AT_ONCE = 16
"""Messages claimed together: few enough to share the work with other workers, enough to share a commit."""

SMALL_BYTES = 256 * 1024
"""Larger messages are read and stored alone, so that memory is bound by one document, not by sixteen."""

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
    broke = False
    while not stop.is_set():
        try:
            with lone_connection(
                url, "osteon worker", "-c plan_cache_mode=force_custom_plan"
            ) as connection:
                connection.execute(f"LISTEN {CHANNEL}")
                if broke:
                    worker.in_hand.broke(connection)
                else:
                    # A database that went away is not the fault of what was in hand: this worker lives.
                    worker.in_hand.end(connection)
                broke, pause_s = False, 0.2
                try:
                    _work_on(connection, worker, stop, caretaker)
                except psycopg.Error as error:
                    broke = is_connection_broken(error, connection)
                    raise
        except (psycopg.Error, DatabaseUnavailableError) as error:
            worker.in_hand.pause()
            log.warning("database not usable", pause_s=pause_s, kind=type(error).__name__)
            stop.wait(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


def _work_on(
    connection: Connection, worker: MessageWorker, stop: threading.Event, caretaker: Care | None
) -> None:
    while not stop.is_set():
        if caretaker is not None:
            caretaker.look(connection)
        forget_news(connection)
        if not work_off_some(connection, worker, stop):
            _wait_for_more(connection)


def work_off_some(
    connection: Connection,
    worker: MessageWorker,
    stop: threading.Event | None = None,
    *,
    most: int = MOST_AT_ONCE,
) -> int:
    """Claim up to `most` messages and work them off. Shape: how many were claimed.

    Cost: five statements for the claim, its content, its beginning and its end, and what the messages cost.
    """
    with connection.transaction():
        claims = claim(connection, most)
        if not claims:
            return 0
        deadly = worker.hold_deadly(connection, claims)
        live = [claimed for claimed in claims if claimed not in deadly]
        small = read_small(connection, live, SMALL_BYTES)
        outcome = settle_together(worker, connection, small) | dict.fromkeys(deadly)
        for claimed in live:
            if claimed not in small and not (stop is not None and stop.is_set()):
                outcome[claimed] = _settle_large(connection, worker, claimed)
        for claimed, put in outcome.items():
            if put is not None:
                put_off(connection, claimed, put.pause)
        finish(connection, [claimed for claimed, put in outcome.items() if put is None])
        worker.in_hand.end(connection, [claimed for claimed in outcome if claimed.is_suspect])
    return len(claims)


def _settle_large(connection: Connection, worker: MessageWorker, claimed: Claim) -> PutOff | None:
    worker.begin([claimed])  # before it is read: reading it may be what the worker does not survive
    waiting = read(connection, claimed)
    return worker.settle_message(connection, claimed, waiting) if waiting else None


def forget_news(connection: Connection) -> None:
    """Drop notifications of what the next claim will see anyway.

    psycopg keeps them until somebody asks: a worker that always has work would gather them without end, and
    then look once for each of them.
    """
    for _ in connection.notifies(timeout=0):
        pass


def _wait_for_more(connection: Connection) -> None:
    for _ in connection.notifies(timeout=LONGEST_WAIT_S, stop_after=1):
        return
