"""A request that takes too long ends with 504, and what it ran in the database ends too."""

import asyncio
import threading
import time
from collections.abc import Callable

import psycopg
import pytest

from fhir_server.http.faults import fault_of
from fhir_server.http.threads import QUEUE_PER_THREAD, InteractionThreads
from fhir_server.model.issues import Refused
from fhir_server.store.database import Database
from fhir_server.store.deadline import DeadlineError, current_deadline

WITHIN_S = 120.0
HOUR_S = 3600.0


def run_too_long(work: Callable[[], object], has_come: Callable[[], object]) -> Refused:
    """What becomes of a request whose time is over once its work has come so far: then the clock of the
    event loop jumps, and nothing depends on how fast the machine is.
    """
    threads = InteractionThreads(1, timeout_s=HOUR_S)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        now = loop.time
        asked = asyncio.create_task(threads.run(work))
        await asyncio.to_thread(has_come)
        loop.time = lambda: now() + 2 * HOUR_S  # type: ignore[method-assign]  # a clock that jumps
        await asked

    with pytest.raises(Refused) as caught:
        asyncio.run(run())
    threads.close()
    return caught.value


def until_it_sleeps(database: Database) -> None:
    """Wait until a statement of the test sleeps in PostgreSQL."""
    asleep = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
    give_up = time.monotonic() + WITHIN_S
    while time.monotonic() < give_up:
        with database.connection() as connection:
            if connection.execute(asleep).fetchone():
                return
        time.sleep(0.01)
    raise AssertionError("the statement does not run")


def test_request__that_takes_too_long_is_cancelled_in_the_database(database: Database) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with database.connection() as connection:
                connection.execute("SET statement_timeout = 0")
                connection.execute("SELECT pg_sleep(3600)")
        except psycopg.Error as failure:
            failures.append(failure)

    refused = run_too_long(work, lambda: until_it_sleeps(database))
    assert (refused.status, refused.issues[0].id) == (504, "request-timeout")
    assert isinstance(failures[0], psycopg.errors.QueryCanceled)
    # The connection that was cancelled is not used again.
    with database.connection() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_request__gets_no_connection_once_its_time_is_over(database: Database) -> None:
    begun = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        deadline = current_deadline.get()
        assert deadline is not None
        begun.set()
        while not deadline.is_over:
            time.sleep(0.01)
        try:
            with database.connection():
                pass
        except DeadlineError as failure:
            failures.append(failure)

    run_too_long(work, lambda: begun.wait(WITHIN_S))
    assert len(failures) == 1


def test_statement__that_times_out_is_a_504() -> None:
    status, issue = fault_of(psycopg.errors.QueryCanceled(), "r")
    assert (status, issue.id) == (504, "statement-timeout")


def test_request__that_finds_the_queue_full_is_turned_away_at_once() -> None:
    threads = InteractionThreads(1, timeout_s=HOUR_S)
    may_end = threading.Event()

    async def crowd() -> tuple[Refused, list[object]]:
        waiting = [
            asyncio.create_task(threads.run(may_end.wait)) for _ in range(1 + QUEUE_PER_THREAD)
        ]
        await asyncio.sleep(0)
        with pytest.raises(Refused) as turned_away:
            await threads.run(may_end.wait)
        may_end.set()
        return turned_away.value, await asyncio.gather(*waiting)

    refused, answers = asyncio.run(crowd())
    assert (refused.status, refused.issues[0].id) == (503, "too-busy")
    assert (all(answers), threads.busy) == (True, 0)
    threads.close()
